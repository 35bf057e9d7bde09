package rabbitmq

import (
	"github.com/mqsim/mqsim/models/rabbitmq/ra"
	"github.com/mqsim/mqsim/models/rabbitmq/store"
	"github.com/mqsim/mqsim/sim"
)

// Serve reads what consumers would get: each queue at each running node whose view of it leads to a
// master, until it is empty. In a split brain that is every side; otherwise all views lead to one master,
// which is read once.
func (c *Cluster) Serve(visit func(stream int, partition int32, offset int64, body []byte)) {
	for _, q := range c.queues {
		for i, s := range c.nodes {
			n := s.serving()
			if n == nil {
				continue
			}
			v, ok := n.View(q.name)
			switch {
			case !ok || !v.Quorum && (!v.Routed || v.Home != i):
				continue // it passes the consumer on to another node
			case v.Quorum && c.raftLeader(q) != i:
				continue
			}
			n.Contents(q.name, func(body sim.Ref) {
				visit(q.stream, q.partition, -1, c.w.Arena.Bytes(body))
			})
		}
	}
}

// Scan decodes every message that a host's disks hold, in directories of queues and in message stores.
func (c *Cluster) Scan(h *sim.Host, visit func(body []byte)) {
	if c.nodeOf(h) < 0 {
		return
	}
	for _, d := range h.Disks {
		store.Scan(d.FS(), &c.w.Arena, func(_ string, body []byte) { visit(body) })
		ra.Scan(d.FS(), &c.w.Arena, visit)
	}
}
