package rabbitmq

import (
	"fmt"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/node"
	"github.com/mqsim/mqsim/sim"
)

// stopped is the first of some hosts whose node does not run; -1 if there is none.
func (c *Cluster) stopped(hosts []*sim.Host) int {
	for _, h := range hosts {
		if i := c.nodeOf(h); i >= 0 && !c.nodes[i].svc.Running() {
			return i
		}
	}
	return -1
}

// forgetOffline is forget_cluster_node --offline, given to a node that does not run.
func (c *Cluster) forgetOffline(op *models.Operation, done func(models.OpAnswer)) {
	h := c.w.HostNamed(op.Args["node"])
	if h == nil || c.nodeOf(h) < 0 {
		done(models.OpAnswer{Text: "there is no node " + op.Args["node"]})
		return
	}
	i := c.stopped(op.Hosts)
	c.deleted = true
	answered(done, h.Name+" is forgotten by "+c.nodes[i].host.Name)(node.ForgetOffline(c.nodes[i].view, i, c.nodeOf(h)))
}

// closeConnections closes the clients' connections of the selected nodes, or of the named one.
func (c *Cluster) closeConnections(op *models.Operation, done func(models.OpAnswer)) {
	hosts := op.Hosts
	if h := c.w.HostNamed(op.Args["node"]); h != nil {
		hosts = append(hosts, h)
	}
	if len(hosts) == 0 {
		hosts = c.servers
	}
	closed := 0
	for _, h := range hosts {
		if i := c.nodeOf(h); i >= 0 && c.nodes[i].serving() != nil {
			closed += c.nodes[i].serving().CloseConnections()
		}
	}
	done(models.OpAnswer{OK: true, Text: fmt.Sprintf("%d connections are closed", closed)})
}

// rebalance is rabbitmq-queues rebalance all for mirrored queues: masters move from the nodes with most of them
// to synchronised mirrors on nodes with fewer, one after the other, until no move helps
// (rabbit_amqqueue:rebalance).
func (c *Cluster) rebalance(n *node.Node, done func(models.OpAnswer)) {
	moved := 0
	var next func()
	next = func() {
		q, to := c.bestMove(n)
		if q == "" {
			done(models.OpAnswer{OK: true, Text: fmt.Sprintf("%d masters have moved", moved)})
			return
		}
		n.Transfer(q, to, func(err error) {
			if err != nil {
				done(models.OpAnswer{Text: err.Error()})
				return
			}
			moved++
			next()
		})
	}
	next()
}

// bestMove is a queue whose master should move, and where to; "" if all is balanced as far as it goes.
func (c *Cluster) bestMove(n *node.Node) (queue string, to int) {
	count := make([]int, len(c.nodes))
	for _, q := range c.queues {
		if v, ok := n.View(q.name); ok && v.Routed {
			count[v.Home]++
		}
	}
	for _, q := range c.queues {
		v, ok := n.View(q.name)
		if !ok || !v.Routed {
			continue
		}
		to, best := -1, count[v.Home]-1
		for _, i := range v.Synced {
			if count[i] < best {
				to, best = i, count[i]
			}
		}
		if to >= 0 {
			return q.name, to
		}
	}
	return "", -1
}
