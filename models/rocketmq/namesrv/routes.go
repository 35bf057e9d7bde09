package namesrv

import (
	"cmp"
	"slices"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// routes are the tables of RouteInfoManager.java@49.
type routes struct {
	topics map[string][]wire.QueueData // by topic, ordered by broker name; no entry is empty
	groups map[string]*wire.BrokerData // by broker name; no entry is without addresses
	live   map[string]*live            // by address
	acting map[string]bool             // by broker name: enableSlaveActingMaster
}

// live is one registered broker (BrokerLiveInfo).
type live struct {
	addr       string
	lastUpdate sim.Time
	version    wire.DataVersion
	conn       *sim.Conn
	timeout    sim.Time // its own, 0: the NameServer's
}

func newRoutes() routes {
	return routes{topics: map[string][]wire.QueueData{}, groups: map[string]*wire.BrokerData{}, live: map[string]*live{}, acting: map[string]bool{}}
}

// register takes a broker into the tables and says who is master of its group, "" if nobody lives.
// moved: the address of id 0 is another than before.
func (r *routes) register(m *wire.RegisterBrokerRequest, c *sim.Conn, now sim.Time) (master string, moved bool) {
	g := r.groups[m.Broker]
	first := g == nil
	if first {
		g = &wire.BrokerData{Broker: m.Broker}
		r.groups[m.Broker] = g
	}
	// One address has one id: a promoted slave leaves its old entry (4.5+).
	g.Addrs = slices.DeleteFunc(g.Addrs, func(a wire.BrokerAddr) bool { return a.Addr == m.Addr && a.ID != m.ID })
	i, found := slices.BinarySearchFunc(g.Addrs, m.ID, func(a wire.BrokerAddr, id int64) int { return cmp.Compare(a.ID, id) })
	if found {
		// 4.x: the last registration wins, two masters of one group flap.
		moved = g.Addrs[i].Addr != m.Addr
		g.Addrs[i].Addr = m.Addr
	} else {
		moved = true
		g.Addrs = slices.Insert(g.Addrs, i, wire.BrokerAddr{ID: m.ID, Addr: m.Addr})
		first = true
	}
	l := r.live[m.Addr]
	if m.ID == 0 && (first || l == nil || l.version != m.Version) {
		for i := range m.Topics {
			r.setQueues(m.Broker, &m.Topics[i])
		}
	}
	if l == nil {
		l = &live{addr: m.Addr}
		r.live[m.Addr] = l
	}
	l.lastUpdate, l.version, l.conn = now, m.Version, c
	if m.Acting {
		r.acting[m.Broker], l.timeout = true, actingExpiry
		r.primeSlave(m)
	}
	if m.ID != 0 {
		if a := g.Addrs[0]; a.ID == 0 && r.live[a.Addr] != nil {
			master = a.Addr
		}
	}
	return master, moved && m.ID == 0
}

// setQueues puts one topic of one group into the table (createAndUpdateQueueData).
func (r *routes) setQueues(broker string, t *wire.TopicConfig) {
	q := wire.QueueData{Broker: broker, ReadQueues: t.ReadQueues, WriteQueues: t.WriteQueues, Perm: t.Perm}
	list := r.topics[t.Topic]
	i, found := searchQueues(list, broker)
	if found {
		list[i] = q
		return
	}
	r.topics[t.Topic] = slices.Insert(list, i, q)
}

func searchQueues(list []wire.QueueData, broker string) (int, bool) {
	return slices.BinarySearchFunc(list, broker, func(q wire.QueueData, b string) int { return cmp.Compare(q.Broker, b) })
}

// unregister removes what an orderly shutdown names: the id, whoever holds it.
func (r *routes) unregister(broker string, id int64, addr string) {
	delete(r.live, addr)
	r.removeAddr(broker, func(a wire.BrokerAddr) bool { return a.ID == id })
}

// destroy removes the broker whose registrations came over c (onChannelDestroy). It returns the
// group and address, "" if c was no broker's.
func (r *routes) destroy(c *sim.Conn) (broker, addr string, id int64) {
	for _, a := range r.addresses() {
		if r.live[a].conn == c {
			addr = a
			break
		}
	}
	if addr == "" {
		return "", "", 0
	}
	delete(r.live, addr)
	for _, name := range r.names() {
		for _, a := range r.groups[name].Addrs {
			if a.Addr == addr {
				r.removeAddr(name, func(x wire.BrokerAddr) bool { return x.Addr == addr })
				return name, addr, a.ID
			}
		}
	}
	return "", addr, 0
}

// removeAddr: QueueData of a group goes only with its last address.
func (r *routes) removeAddr(broker string, gone func(wire.BrokerAddr) bool) {
	g := r.groups[broker]
	if g == nil {
		return
	}
	g.Addrs = slices.DeleteFunc(g.Addrs, gone)
	if len(g.Addrs) > 0 {
		r.wipe(broker)
		return
	}
	delete(r.groups, broker)
	for topic, list := range r.topics { //mqsim:unordered each topic on its own
		i, found := searchQueues(list, broker)
		if !found {
			continue
		}
		if list = slices.Delete(list, i, i+1); len(list) == 0 {
			delete(r.topics, topic)
			continue
		}
		r.topics[topic] = list
	}
}

// actingExpiry is brokerNotActiveTimeoutMillis.
const actingExpiry = 10 * sim.Second

// expired are the brokers that have been silent for too long.
func (r *routes) expired(now, expiry sim.Time) (out []*live) {
	for _, a := range r.addresses() {
		l, limit := r.live[a], expiry
		if l.timeout > 0 {
			limit = l.timeout
		}
		if l.lastUpdate < now-limit {
			out = append(out, l)
		}
	}
	return out
}

func (r *routes) addresses() []string { return sortedKeys(r.live) }
func (r *routes) names() []string     { return sortedKeys(r.groups) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m { //mqsim:unordered sorted below
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// route answers GET_ROUTEINFO_BY_TOPIC (pickupTopicRouteData).
func (r *routes) route(topic string) *wire.RouteResponse {
	m := &wire.RouteResponse{Topic: topic}
	list := r.topics[topic]
	if len(list) == 0 {
		m.Code = wire.TopicNotExist
		m.Remark = "No topic route info in name server for the topic: " + topic
		return m
	}
	m.Queues = slices.Clone(list)
	for i := range list {
		if g := r.groups[list[i].Broker]; g != nil {
			m.Brokers = append(m.Brokers, wire.BrokerData{Broker: g.Broker, Addrs: slices.Clone(g.Addrs)})
		}
	}
	r.act(m)
	return m
}

// setWrite removes or adds the write bit of a group in all topics (wipeWritePermOfBrokerByLock). It
// holds until the group registers with another version of its topics, or anew.
func (r *routes) setWrite(broker string, on bool) (n int32) {
	for _, list := range r.topics { //mqsim:unordered each topic on its own
		if i, found := searchQueues(list, broker); found {
			if on {
				list[i].Perm = wire.PermRead | wire.PermWrite
			} else {
				list[i].Perm &^= wire.PermWrite
			}
			n++
		}
	}
	return n
}
