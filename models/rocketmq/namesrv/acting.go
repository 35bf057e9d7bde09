package namesrv

import (
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// What a NameServer does for groups with enableSlaveActingMaster (RouteInfoManager.java@5.3.3): a broker
// that is silent for brokerNotActiveTimeoutMillis is removed, a group without a master cannot be written,
// and its slave with the smallest id stands in the route as id 0.

// heartbeat keeps a broker that is known.
func (r *routes) heartbeat(addr string, now sim.Time) {
	if l := r.live[addr]; l != nil {
		l.lastUpdate = now
	}
}

// wipe takes the write permission from a group whose master is gone (cleanTopicByUnRegisterRequests).
func (r *routes) wipe(broker string) {
	if g := r.groups[broker]; r.acting[broker] && g != nil && g.Addrs[0].ID != 0 {
		r.setWrite(broker, false)
	}
}

// act puts the slave with the smallest id into the place of the master (pickupTopicRouteData).
func (r *routes) act(m *wire.RouteResponse) {
	for i := range m.Brokers {
		b := &m.Brokers[i]
		if !r.acting[b.Broker] || len(b.Addrs) == 0 || b.Addrs[0].ID == 0 {
			continue
		}
		for q := range m.Queues {
			if m.Queues[q].Broker == b.Broker && m.Queues[q].Perm&wire.PermWrite == 0 {
				b.Addrs[0].ID = 0
				break
			}
		}
	}
}

// primeSlave takes the topics of the first slave of a group without a master, for reading only.
func (r *routes) primeSlave(m *wire.RegisterBrokerRequest) {
	g := r.groups[m.Broker]
	if !m.Acting || m.ID == 0 || g.Addrs[0].ID != m.ID {
		return
	}
	for _, t := range m.Topics {
		t.Perm &^= wire.PermWrite
		r.setQueues(m.Broker, &t)
	}
}

// members answers GET_BROKER_MEMBER_GROUP.
func (r *routes) members(broker string) (out []wire.BrokerAddr) {
	if g := r.groups[broker]; g != nil {
		out = append(out, g.Addrs...)
	}
	return out
}
