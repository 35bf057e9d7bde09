package broker

import (
	"slices"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// enableSlaveActingMaster of 5.x: brokers send heartbeats to the NameServers, and a master that comes back
// to living slaves first copies from them what they learned while they acted for it.

// heartbeatEvery is brokerHeartbeatInterval, onlineRetry the pause of BrokerPreOnlineService between looks
// (waitBrokerBackOnline: 1 s).
const (
	heartbeatEvery = sim.Second
	onlineRetry    = sim.Second
)

// heartbeatRegistry tells every NameServer that this broker lives, unless it has not registered yet. A
// NameServer that forgot it waits for the next registration.
func (b *Broker) heartbeatRegistry() {
	if b.phase != serving || b.isolated {
		return
	}
	for _, l := range b.registry {
		if l.open && l.req == nil {
			m := &wire.BrokerHeartbeatRequest{Header: wire.Header{Oneway: true}, Addr: b.cfg.Host}
			l.conn.Send(m, m.Size())
		}
	}
}

// startActing begins the heartbeats; a master asks who else of its group lives before it registers
// (BrokerPreOnlineService.java@5.3.3).
func (b *Broker) startActing() {
	b.p.Every(heartbeatEvery, timerBeatNS, 0)
	b.isolated = b.cfg.isMaster()
	if b.isolated {
		b.preOnline()
	}
}

// preOnline asks the first NameServer that answers for the members of the group.
func (b *Broker) preOnline() {
	if b.phase != serving || !b.isolated {
		return
	}
	for _, l := range b.registry {
		l.answer = func(m wire.Response) {
			if r, ok := m.(*wire.MemberGroupResponse); ok && b.isolated {
				b.groupKnown(r.Addrs)
			}
		}
		l.send(&wire.MemberGroupRequest{Broker: b.cfg.Name})
	}
	b.p.After(onlineRetry, timerOnline, 0)
}

// groupKnown: without living slaves the master is online at once. Else a slave has to be connected, and
// its tables are taken; the slaves are told where the HA service is.
func (b *Broker) groupKnown(addrs []wire.BrokerAddr) {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a wire.BrokerAddr) bool { return a.Addr == b.cfg.Host })
	switch {
	case len(addrs) == 0 || addrs[0].ID == 0:
		b.online()
	case b.recovering:
	case b.master.Connections() < len(addrs):
		for _, a := range addrs {
			b.tellHA(a.Addr)
		}
	default:
		b.recovering = true
		b.takeBack(b.newLink(b.p.W.HostNamed(addrs[0].Addr), wire.BrokerPort, syncWait), 0)
	}
}

// tellHA sends EXCHANGE_BROKER_HA_INFO to a slave.
func (b *Broker) tellHA(slave string) {
	l := b.exchange[slave]
	if l == nil {
		if b.exchange == nil {
			b.exchange = map[string]*link{}
		}
		l = b.newLink(b.p.W.HostNamed(slave), wire.BrokerPort, syncWait)
		b.exchange[slave] = l
	}
	if l.req == nil {
		l.send(&wire.ExchangeHARequest{Master: b.cfg.Host})
	}
}

// takeBack copies consumer offsets and the progress of delayed messages from the slave that acted
// (syncMetadataReverse).
func (b *Broker) takeBack(l *link, step int) {
	if step == 2 {
		b.online()
		return
	}
	l.answer = func(m wire.Response) {
		switch m := m.(type) {
		case *wire.AllOffsetsResponse:
			for i := range m.Offsets {
				b.offsets.put(m.Offsets[i].Group, m.Offsets[i].Queue, m.Offsets[i].Offset)
			}
			b.persistOffsets()
		case *wire.AllDelayOffsetsResponse:
			for i, v := range m.Offsets {
				if i < len(b.delays.offsets) && v > b.delays.offsets[i] {
					b.delays.offsets[i], b.delays.dirty = v, true
				}
			}
			b.persistDelays()
		}
		b.takeBack(l, step+1)
	}
	l.failed = func() { b.recovering = false } // the next look begins anew
	if step == 0 {
		l.send(&wire.AllOffsetsRequest{})
		return
	}
	l.send(&wire.AllDelayOffsetsRequest{})
}

// online ends the isolation.
func (b *Broker) online() {
	b.isolated, b.recovering = false, false
	b.p.Probe("rocketmq-pre-online-done")
	b.register()
}

// Isolated says whether a master still copies from its slaves.
func (b *Broker) Isolated() bool { return b.isolated }

// tooFewInSync refuses a send of a SYNC_MASTER that not enough replicas could take: a slave counts while
// it is connected and not further behind than haMaxGapNotInSync (CommitLog.calcNeedAckNums@5.3.3).
func (b *Broker) tooFewInSync() bool {
	return b.cfg.Acting && b.cfg.Role == SyncMaster && b.cfg.HA.InSync > 1 &&
		b.master.InSync(b.store.MaxOffset(), b.cfg.MaxGap) < b.cfg.HA.InSync
}
