package rabbitmq

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/node"
	"github.com/mqsim/mqsim/sim"
)

// Part finds what process: names inside of a node: app, the broker in its Erlang VM, or queue(q), the process
// of a queue.
func (c *Cluster) Part(h *sim.Host, word, arg string) models.Part {
	i := c.nodeOf(h)
	if i < 0 || c.nodes[i].program() == nil {
		return nil
	}
	switch word {
	case "app":
		return &app{c.nodes[i]}
	case "queue":
		q := c.queues[0]
		if arg != "" {
			q = c.queueNamed(arg)
		}
		if q == nil || !c.nodes[i].program().HasQueue(q.name) {
			return nil
		}
		return &queuePart{c.nodes[i], q.name}
	}
	return nil
}

// app is the rabbit application of a node: stop_app and start_app.
type app struct{ s *server }

func (a *app) do(f func(n *node.Node)) {
	if n := a.s.program(); n != nil {
		f(n)
	}
}

func (a *app) Running() bool { return a.s.serving() != nil }
func (a *app) Paused() bool  { return false }
func (a *app) Kill()         { a.do((*node.Node).KillApp) }
func (a *app) Stop()         { a.do((*node.Node).StopApp) }
func (a *app) Start()        { a.do((*node.Node).StartApp) }
func (a *app) Pause()        {}
func (a *app) Resume()       {}

// queuePart is one queue's process on a node. Its supervisor starts it again by itself, so that Stop, an exit
// in order, is nothing that can be asked of it from outside: both end it.
type queuePart struct {
	s    *server
	name string
}

func (p *queuePart) do(f func(n *node.Node)) {
	if n := p.s.program(); n != nil {
		f(n)
	}
}

func (p *queuePart) Running() bool {
	n := p.s.program()
	return n != nil && n.HasQueue(p.name)
}

func (p *queuePart) Paused() bool {
	n := p.s.program()
	return n != nil && n.QueueFrozen(p.name)
}

func (p *queuePart) Kill()   { p.do(func(n *node.Node) { n.CrashQueue(p.name) }) }
func (p *queuePart) Stop()   { p.Kill() }
func (p *queuePart) Start()  {}
func (p *queuePart) Pause()  { p.do(func(n *node.Node) { n.FreezeQueue(p.name, true) }) }
func (p *queuePart) Resume() { p.do(func(n *node.Node) { n.FreezeQueue(p.name, false) }) }

var _ models.Parts = (*Cluster)(nil)
