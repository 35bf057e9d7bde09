package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Retries of a call to a queue whose process does not answer (rabbit_amqqueue:with): 2000 times 30 ms.
const (
	callRetry = 30 * sim.Millisecond
	callTries = 2000
)

// call is a synchronous call to a queue's process.
type call struct {
	id    uint32
	queue string
	m     wire.Call
	ch    *channel // nil: an operator's
	to    wire.Pid // zero while it waits to be repeated
	tries int
	done  func(r *wire.Reply) // Code is NotFound if the queue cannot be reached
}

type callTable struct {
	next uint32
	open []*call
}

// callQueue calls the master of a queue, again and again while its record says that there should be one.
func (n *Node) callQueue(queue string, m wire.Call, ch *channel, done func(r *wire.Reply)) {
	n.calls.next++
	c := &call{id: n.calls.next, queue: queue, m: m, ch: ch, done: done}
	n.calls.open = append(n.calls.open, c)
	n.tryCall(c)
}

func (n *Node) tryCall(c *call) {
	r := n.meta.get(c.queue)
	switch {
	case r == nil || !r.Routed || r.Stopped && !n.alive(r.Master):
		n.calls.finish(c, &wire.Reply{Code: wire.NotFound})
	case !n.alive(r.Master) && r.Args.IsQuorum() && c.m.What == wire.CallInfo:
		n.calls.finish(c, &wire.Reply{Code: wire.NotFound}) // rabbit_quorum_queue:stat answers 0, 0 without a leader
	case !n.alive(r.Master):
		n.later(c)
	default:
		c.to = r.Master
		m := c.m
		m.To, m.ID = r.Master, c.id
		m.From = wire.Pid{Node: uint16(n.index), Creation: n.creation}
		if c.ch != nil {
			m.From = c.ch.pr.pid
		} else {
			m.From = n.operator().pid
		}
		n.cast(r.Master, &m)
	}
}

// later repeats a call after 30 ms, for a minute at most. Until 3.10 the record of a queue that cannot
// come back soon has left the table by then; since 3.11 this is the hang of rule 38.
func (n *Node) later(c *call) {
	c.to = wire.Pid{}
	if c.tries++; c.tries > callTries {
		n.calls.finish(c, &wire.Reply{Code: wire.NotFound})
		return
	}
	n.p.After(callRetry, timerRetry, c.id)
}

func (n *Node) retryCall(id uint32) {
	for _, c := range n.calls.open {
		if c.id == id {
			n.tryCall(c)
			return
		}
	}
}

func (t *callTable) finish(c *call, r *wire.Reply) {
	t.open = slices.DeleteFunc(t.open, func(x *call) bool { return x == c })
	c.done(r)
}

func (t *callTable) reply(n *Node, m *wire.Reply) {
	for _, c := range t.open {
		if c.id == m.ID {
			if m.Code == wire.InternalError {
				n.later(c) // that process is not the master yet
				return
			}
			t.finish(c, m)
			return
		}
	}
}

func (t *callTable) pidDown(n *Node, pid wire.Pid) {
	for _, c := range slices.Clone(t.open) {
		if c.to == pid {
			n.later(c)
		}
	}
}

func (t *callTable) nodeDown(n *Node, i uint16) {
	for _, c := range slices.Clone(t.open) {
		if !c.to.IsZero() && c.to.Node == i {
			n.later(c)
		}
	}
}

// drop forgets the calls of a channel that ended.
func (t *callTable) drop(ch *channel) {
	t.open = slices.DeleteFunc(t.open, func(c *call) bool { return c.ch == ch })
}

// operatorActor receives the answers to an operator's calls.
type operatorActor struct{ n *Node }

func (o *operatorActor) handle(m wire.Message) {
	if r, ok := m.(*wire.Reply); ok {
		o.n.calls.reply(o.n, r)
	}
}
func (o *operatorActor) idle() {}

func (n *Node) operator() *process {
	if n.ctl == nil || n.ctl.dead {
		n.ctl = n.spawn(&operatorActor{n})
	}
	return n.ctl
}
