package broker

import (
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// quitWait bounds the unregistration (BrokerOuterAPI.unregisterBroker: 3000 ms for each NameServer).
const quitWait = 3 * sim.Second

// Stop shuts down in order (BrokerController.shutdown): the NameServers forget this broker first, then
// listeners and services end, then the store is flushed and its abort file removed.
func (b *Broker) Stop() {
	b.p.Service.Respawn = 0
	switch b.phase {
	case loading, starting:
		b.p.Exit() // the abort file stays
	case serving:
		b.phase = leaving
		b.leavers = len(b.registry)
		for _, l := range b.registry {
			l.answer = func(wire.Response) { b.left() }
			l.failed = b.left
			l.send(&wire.UnregisterBrokerRequest{Cluster: b.cfg.Cluster, Broker: b.cfg.Name, ID: b.cfg.ID, Addr: b.cfg.Host})
		}
		b.p.After(quitWait, timerQuit, 0)
		if b.leavers == 0 {
			b.quit()
		}
	}
}

func (b *Broker) left() {
	b.leavers--
	if b.leavers == 0 {
		b.quit()
	}
}

// quit closes everything.
func (b *Broker) quit() {
	if b.phase != leaving {
		return
	}
	b.phase = closing
	b.p.StopListening(wire.ClientPort)
	if b.cfg.Ledger != nil {
		b.p.StopListening(wire.LedgerPort)
	} else {
		b.p.StopListening(wire.HAPort)
	}
	b.slave.Stop()
	for _, d := range b.peers {
		if d.c != nil {
			d.c.Close()
			d.c = nil
		}
	}
	b.persistAll()
	b.store.shutdown(func() { b.p.Exit() })
}
