package rabbitmq

import (
	"github.com/mqsim/mqsim/models/rabbitmq/node"
	"github.com/mqsim/mqsim/sim"
)

// master is the node whose master of a queue counts: of the running nodes that believe in one which runs,
// the view of the first. Index -1 if nobody has one.
func (c *Cluster) master(q *queue) (int, node.View) {
	for _, s := range c.nodes {
		n := s.serving()
		if n == nil {
			continue
		}
		if v, ok := n.View(q.name); ok && v.Routed && c.nodes[v.Home].serving() != nil {
			return v.Home, v
		}
	}
	return -1, node.View{}
}

// home is where a queue is, or will be when that node is back.
func (c *Cluster) home(q *queue) int {
	if i, _ := c.master(q); i >= 0 {
		return i
	}
	for _, s := range c.nodes {
		if n := s.serving(); n != nil {
			if v, ok := n.View(q.name); ok {
				return v.Home
			}
		}
	}
	return -1
}

// Select resolves a role of this moment.
func (c *Cluster) Select(role, arg string, all bool) []*sim.Host {
	var out []*sim.Host
	add := func(i int) {
		for _, h := range out {
			if h == c.nodes[i].host {
				return
			}
		}
		out = append(out, c.nodes[i].host)
	}
	switch role {
	case "primary", "leader", "master":
		c.eachQueue(arg, all, func(q *queue) {
			if i, _ := c.master(q); i >= 0 {
				add(i)
			}
		})
	case "home":
		c.eachQueue(arg, all, func(q *queue) {
			if i := c.home(q); i >= 0 {
				add(i)
			}
		})
	case "replica", "mirror":
		c.eachQueue(arg, false, func(q *queue) {
			_, v := c.master(q)
			for _, i := range v.Mirrors { // in order of age
				if c.nodes[i].svc.Running() {
					add(i)
				}
			}
		})
	}
	if len(out) > 1 && !all {
		return out[:1]
	}
	return out
}

// eachQueue visits the named queue, else the first one, or with all every one.
func (c *Cluster) eachQueue(arg string, all bool, visit func(q *queue)) {
	if arg != "" {
		if q := c.queueNamed(arg); q != nil {
			visit(q)
		}
		return
	}
	for _, q := range c.queues {
		visit(q)
		if !all {
			return
		}
	}
}
