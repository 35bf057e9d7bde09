package rabbitmq

import (
	"github.com/mqsim/mqsim/models/rabbitmq/node"
	"github.com/mqsim/mqsim/sim"
)

// master is the node whose master of a queue counts: of the running nodes that believe in one which runs,
// the view of the first. Index -1 if nobody has one.
func (c *Cluster) master(q *queue) (int, node.View) {
	if i := c.raftLeader(q); i >= 0 {
		v := node.View{Name: q.name, Home: i, Durable: true, Routed: true, Quorum: true}
		s, _ := c.nodes[i].serving().Ra(q.name)
		for _, m := range s.Members {
			if int(m) != i {
				v.Mirrors = append(v.Mirrors, int(m))
			}
		}
		return i, v
	}
	for _, s := range c.nodes {
		n := s.serving()
		if n == nil {
			continue
		}
		if v, ok := n.View(q.name); ok && v.Routed && !v.Quorum && c.nodes[v.Home].serving() != nil {
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
	case "replica", "mirror", "follower":
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

// raftLeader is the node whose member of a quorum queue leads in the highest term; -1 if there is none.
func (c *Cluster) raftLeader(q *queue) int {
	best, term := -1, uint64(0)
	for i, s := range c.nodes {
		n := s.serving()
		if n == nil {
			continue
		}
		if r, ok := n.Ra(q.name); ok && r.Leads && r.Term >= term {
			best, term = i, r.Term
		}
	}
	return best
}

// raftUnsettled says what a quorum queue lacks: a leader, or members that have what it has; "" if nothing.
func (c *Cluster) raftUnsettled(q *queue) string {
	lead := c.raftLeader(q)
	if lead < 0 {
		return "has no leader"
	}
	at, _ := c.nodes[lead].serving().Ra(q.name)
	for _, m := range at.Members {
		n := c.nodes[m].serving()
		if n == nil {
			continue
		}
		r, ok := n.Ra(q.name)
		switch {
		case !ok:
			return "has no member on " + c.nodes[m].host.Name
		case r.Term != at.Term || r.Leader != lead:
			return "has a member that follows nobody on " + c.nodes[m].host.Name
		case r.Applied+128 < at.Commit:
			return "has a member that is behind on " + c.nodes[m].host.Name
		}
	}
	return ""
}
