package broker

import (
	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
)

// Stop shuts down gracefully (KafkaServer.shutdown, BrokerServer.shutdown): first the controller moves
// the leaderships away (controlled.shutdown.enable), then the logs are flushed and closed, then the
// membership ends.
func (b *Broker) Stop() {
	b.p.Service.Respawn = 0
	switch b.phase {
	case loading:
		b.p.Exit() // without a clean-shutdown marker: the logs were not all loaded
	case registering:
		b.close()
	case serving:
		b.phase = relieving
		if !b.cfg.Controlled {
			b.close()
			return
		}
		b.co.relieve()
	}
}

// askRelief sends ControlledShutdown to the controller that ZooKeeper names (KafkaServer.
// doControlledShutdown): so many tries, a pause between them.
func (b *Broker) askRelief() {
	if b.phase != relieving {
		return
	}
	if b.tries == 0 {
		b.p.Probe("kafka-uncontrolled-shutdown")
		b.close()
		return
	}
	b.tries--
	if !b.zk.Connected() {
		b.relieveLater()
		return
	}
	b.zk.GetData("/controller", false, func(r zk.Response) {
		if b.phase != relieving {
			return
		}
		n, ok := wire.Node{}, false
		if r.Code == zk.OK {
			n, ok = b.meta.node(controller.DecodeController(r.Data))
		}
		if !ok {
			b.relieveLater()
			return
		}
		if b.shutdown == nil || b.shutdown.host.Name != n.Host {
			b.shutdown = b.newLink(b.p.W.HostNamed(n.Host), wire.ControlPort, -1, itoa(b.cfg.ID))
			b.shutdown.failed = b.relieveLater
			b.shutdown.answer = func(m wire.Response) {
				r := m.(*wire.ControlledShutdownResponse)
				if r.Err == wire.None && len(r.Remaining) == 0 {
					b.close()
					return
				}
				b.relieveLater()
			}
		}
		b.shutdown.send(&wire.ControlledShutdownRequest{Broker: b.cfg.ID, BrokerEpoch: b.epoch})
	})
}

func (b *Broker) relieveLater() { b.p.After(b.cfg.RetryPause, timerShutdown, 0) }

// close ends the service: no request is answered any more.
func (b *Broker) close() {
	if b.phase == closing {
		return
	}
	b.phase = closing
	b.p.StopListening(wire.ClientPort)
	b.p.StopListening(wire.ReplicationPort)
	b.p.StopListening(wire.ControlPort)
	b.rm.Stop()
	b.logs.Shutdown(func(error) { b.co.leave(b.p.Exit) })
}
