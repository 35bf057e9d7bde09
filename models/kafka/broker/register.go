package broker

import (
	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/zk"
)

// ZKConnected registers the broker in a new session.
func (b *Broker) ZKConnected(fresh bool) {
	if fresh && (b.phase == registering || b.phase == serving) {
		b.makePaths()
	}
}

// makePaths creates the persistent nodes of KafkaZkClient.createTopLevelPaths, in a pipeline, and then
// registers.
func (b *Broker) makePaths() {
	paths := controller.TopLevelPaths
	if b.phase == serving {
		b.register()
		return
	}
	left := len(paths)
	for _, path := range paths {
		b.zk.Retry(zk.CreateRequest(path, nil, zk.Persistent), func(r zk.Response) {
			if left--; left == 0 {
				b.register()
			}
		})
	}
}

// register creates the ephemeral node that makes the broker a live one. While the session of an
// earlier incarnation lives, its node is in the way: a starting broker gives up then
// (KafkaZkClient.CheckedEphemeral), and its supervisor tries again.
func (b *Broker) register() {
	path := controller.BrokerPath(b.cfg.ID)
	info := controller.EncodeBroker(b.p.Host.Name, b.p.Wall())
	b.zk.Retry(zk.CreateRequest(path, info, zk.Ephemeral), func(r zk.Response) {
		switch r.Code {
		case zk.OK:
			b.registered(r.Stat.Czxid)
		case zk.NodeExists:
			b.zk.Retry(zk.GetDataRequest(path, false), func(r zk.Response) {
				switch {
				case r.Code == zk.OK && r.Stat.EphemeralOwner == b.zk.SessionID():
					b.registered(r.Stat.Czxid) // our own, the answer was lost
				case r.Code == zk.SessionExpired:
				case r.Code == zk.NoNode:
					b.register()
				default:
					b.refused()
				}
			})
		}
	})
}

func (b *Broker) registered(epoch int64) {
	b.epoch = epoch
	b.readNotes()
	switch b.phase {
	case registering:
		b.phase = serving
		b.serve()
	case serving, relieving:
		b.ctl.Startup()
	}
}

// refused ends a start that found the old registration. The logs are closed cleanly, so that the next
// start need not check them again.
func (b *Broker) refused() {
	b.p.Probe("kafka-registration-refused")
	if b.phase != registering {
		b.register()
		return
	}
	b.phase = closing
	b.logs.Shutdown(func(error) {
		b.zk.Close(func(zk.Response) { b.p.Crash("its old ZooKeeper session is still alive") })
	})
}

// ZKDisconnected: nothing happens. A leader goes on leading.
func (b *Broker) ZKDisconnected() {}

// ZKExpired begins a new session. The broker is controller no more, but it steps down from no
// partition: it leads until a LeaderAndIsr with a newer epoch says otherwise (spec 3.3).
func (b *Broker) ZKExpired() {
	b.stats.SessionsExpired++
	b.p.Probe("kafka-session-expired")
	b.ctl.Expired()
	if b.phase == registering || b.phase == serving || b.phase == relieving {
		b.zk.Open()
	}
}

// ZKWatch passes a watch event on to the controller, unless it is about settings.
func (b *Broker) ZKWatch(e zk.WatchEvent) {
	if e.Path == controller.ConfigNotes {
		b.readNotes()
		return
	}
	b.ctl.Watch(e)
}
