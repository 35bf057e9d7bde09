package rocketmq

import (
	"slices"

	"github.com/mqsim/mqsim/models/rocketmq/namesrv"
	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Serve reads every queue of the route from its smallest to its largest offset, at the address that the
// route gives to a new consumer: the master, without one the first slave.
func (c *Cluster) Serve(visit func(stream int, partition int32, offset int64, body []byte)) {
	for stream, topic := range c.clients.Topics {
		route := c.route(topic)
		if route == nil {
			continue
		}
		for i := range route.Queues {
			q := &route.Queues[i]
			s := c.reader(route, q.Broker)
			if s == nil {
				continue
			}
			for id := range q.ReadQueues {
				if p := c.clients.Partition(stream, q.Broker, id); p >= 0 {
					c.serveQueue(s, topic, id, func(offset int64, body []byte) { visit(stream, p, offset, body) })
				}
			}
		}
	}
}

// route is what the first NameServer that knows the topic answers.
func (c *Cluster) route(topic string) *wire.RouteResponse {
	for _, h := range c.namesrv {
		if n, ok := h.Service(namesrv.ServiceName).Program().(*namesrv.Server); ok {
			if r := n.Route(topic); r.Code == wire.Success {
				return r
			}
		}
	}
	return nil
}

// reader is the store of the first address of a group.
func (c *Cluster) reader(route *wire.RouteResponse, group string) *store.Store {
	for i := range route.Brokers {
		if b := &route.Brokers[i]; b.Broker == group && len(b.Addrs) > 0 {
			for _, s := range c.brokers {
				if s.host.Name == b.Addrs[0].Addr && s.serves() {
					return s.program().Messages()
				}
			}
		}
	}
	return nil
}

func (c *Cluster) serveQueue(s *store.Store, topic string, id int32, visit func(offset int64, body []byte)) {
	q := s.Queue(topic, id)
	if q == nil {
		return
	}
	var cur store.Cursor
	var g store.Get
	for at := q.Min(); at < q.Max(); {
		s.Get(topic, id, at, 32, nil, &g)
		cur.Reset(&c.w.Arena, g.Refs)
		for g.Status == store.Found && cur.Left() > 0 && cur.Next(false) == store.Good {
			visit(cur.Record.QueueOffset, cur.BodyBytes())
		}
		if g.Next <= at {
			return
		}
		at = g.Next
	}
}

// Scan decodes every message of the workload's topics that a host's disks hold.
func (c *Cluster) Scan(h *sim.Host, visit func(body []byte)) {
	for _, s := range c.brokers {
		if s.host != h {
			continue
		}
		store.Scan(h.Disk(0).FS(), s.cfg.Store.Dir, func(_ int64, r *store.Record, body []byte) {
			if slices.Contains(c.clients.Topics, string(r.Topic)) {
				visit(body)
			}
		})
	}
}
