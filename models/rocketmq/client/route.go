package client

import (
	"cmp"
	"slices"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
)

// askRoute asks the NameServer for a topic's route unless that is under way (updateTopicRouteInfo-
// FromNameServer; lockNamesrv lets one thread at a time).
func (n *instance) askRoute(t int) {
	if !n.topics[t].asking {
		n.queryRoute(t, 0)
	}
}

func (n *instance) queryRoute(t int, tries uint8) {
	n.topics[t].asking = true
	r := n.nameserver()
	req := &wire.RouteRequest{Topic: n.topics[t].name}
	n.opaque++
	req.Opaque = n.opaque
	n.start(r, waiter{c: call{opaque: n.opaque, kind: callRoute, waits: true, tries: tries, begun: n.p.Now(),
		timeout: apiTimeout, arg: uint32(t)}, req: req})
}

// nameserver is the chosen NameServer while its connection holds, else the next one of the list
// (NettyRemotingClient.getAndCreateNameserverChannel).
func (n *instance) nameserver() *remote {
	r := n.namesrv[n.chosen%len(n.namesrv)]
	if r.state == remoteDown {
		if r.lost || r.dialBy > 0 {
			n.chosen++
		}
		r = n.namesrv[n.chosen%len(n.namesrv)]
	}
	return r
}

// routeAnswered takes a route over. Without one the client keeps what it has.
func (n *instance) routeAnswered(t int, resp wire.Response) {
	tp := &n.topics[t]
	tp.asking = false
	m, ok := resp.(*wire.RouteResponse)
	if !ok || m.Code != wire.Success {
		n.lib.routeTaken(t, false, false)
		return
	}
	changed := tp.route == nil || !sameRoute(tp.route, m)
	if changed || n.lib.wantsRoute(t) {
		changed = true
		for i := range m.Brokers {
			n.setAddrs(&m.Brokers[i])
		}
		tp.route = m
	}
	n.lib.routeTaken(t, true, changed)
}

// sameRoute is topicRouteDataIsChange; both lists come in order.
func sameRoute(a, b *wire.RouteResponse) bool {
	return slices.Equal(a.Queues, b.Queues) && slices.EqualFunc(a.Brokers, b.Brokers, func(x, y wire.BrokerData) bool {
		return x.Broker == y.Broker && slices.Equal(x.Addrs, y.Addrs)
	})
}

// setAddrs replaces a group's addresses in brokerAddrTable.
func (n *instance) setAddrs(d *wire.BrokerData) {
	i, found := slices.BinarySearchFunc(n.addrs, d.Broker, func(x wire.BrokerData, name string) int { return cmp.Compare(x.Broker, name) })
	if !found {
		n.addrs = slices.Insert(n.addrs, i, wire.BrokerData{Broker: d.Broker})
	}
	n.addrs[i].Addrs = append(n.addrs[i].Addrs[:0], d.Addrs...)
}

func (n *instance) groupAddrs(broker string) []wire.BrokerAddr {
	for i := range n.addrs {
		if n.addrs[i].Broker == broker {
			return n.addrs[i].Addrs
		}
	}
	return nil
}

// master is findBrokerAddressInPublish: the address with id 0, "" if there is none.
func (n *instance) master(broker string) string {
	if a := n.groupAddrs(broker); len(a) > 0 && a[0].ID == 0 {
		return a[0].Addr
	}
	return ""
}

// readAddr is findBrokerAddressInSubscribe: the broker with that id; for a slave also the next id; else,
// unless only this one will do, whatever address the group has left.
func (n *instance) readAddr(broker string, id int64, only bool) (addr string, slave bool) {
	list := n.groupAddrs(broker)
	for _, want := range [2]int64{id, id + 1} {
		for _, a := range list {
			if a.ID == want {
				return a.Addr, want != 0
			}
		}
		if id == 0 {
			break
		}
	}
	if only || len(list) == 0 {
		return "", false
	}
	return list[0].Addr, list[0].ID != 0
}

// cleanOffline drops addresses that no cached route has (cleanOfflineBroker).
func (n *instance) cleanOffline() {
	for i := range n.addrs {
		n.addrs[i].Addrs = slices.DeleteFunc(n.addrs[i].Addrs, func(a wire.BrokerAddr) bool { return !n.routed(a.Addr) })
	}
}

func (n *instance) routed(addr string) bool {
	for t := range n.topics {
		if n.topics[t].route == nil {
			continue
		}
		for i := range n.topics[t].route.Brokers {
			for _, a := range n.topics[t].route.Brokers[i].Addrs {
				if a.Addr == addr {
					return true
				}
			}
		}
	}
	return false
}

// heartbeat greets every broker; a client without consumers greets masters only. It returns how many
// answers will come.
func (n *instance) heartbeat() int {
	sent := 0
	for i := range n.addrs {
		for _, a := range n.addrs[i].Addrs {
			if n.group == "" && a.ID != 0 {
				continue
			}
			n.greet(n.remote(a.Addr), 0)
			sent++
		}
	}
	return sent
}

// greet sends one heartbeat.
func (n *instance) greet(r *remote, arg uint32) {
	m := &wire.HeartbeatRequest{ClientID: n.id}
	if n.producer != "" {
		m.Producers = []string{n.producer}
	}
	if n.group != "" {
		d := wire.ConsumerData{Group: n.group, Expression: n.filter}
		for t := range n.topics {
			d.Topics = append(d.Topics, n.topics[t].name)
		}
		m.Consumers = []wire.ConsumerData{d}
	}
	n.invoke(r, callHeartbeat, m, apiTimeout, true, arg)
}

// addressed says whether some group has the address.
func (n *instance) addressed(addr string) bool {
	for i := range n.addrs {
		for _, a := range n.addrs[i].Addrs {
			if a.Addr == addr {
				return true
			}
		}
	}
	return false
}
