package node

import (
	"errors"
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/quorum"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// What an operator does on a node (rabbitmqctl). Each answers once, later.

// Errors of an operator's commands.
var (
	ErrNotRunning = errors.New("the rabbit application does not run")
	ErrNoQueue    = errors.New("no such queue, or it cannot be reached")
	ErrExists     = errors.New("the queue exists")
)

func (n *Node) alter(t *tx, done func(error)) {
	if n.phase != running {
		done(ErrNotRunning)
		return
	}
	n.transact(t, func(bool) { done(nil) })
}

// SetPolicy adds or replaces a policy.
func (n *Node) SetPolicy(p Policy, done func(error)) { n.alter(&tx{Op: opSetPolicy, Pol: p}, done) }

// ClearPolicy removes one.
func (n *Node) ClearPolicy(name string, done func(error)) {
	n.alter(&tx{Op: opClearPolicy, Pol: Policy{Name: name}}, done)
}

// Bind binds a queue to a fanout exchange.
func (n *Node) Bind(exchange, queue string, done func(error)) {
	n.alter(&tx{Op: opBind, Name: queue, Pol: Policy{Name: exchange}}, done)
}

// ForgetNode removes a node that is down from the cluster's queues (forget_cluster_node).
func (n *Node) ForgetNode(i int, done func(error)) {
	if n.nodeUp(i) {
		done(errors.New("the node is running"))
		return
	}
	n.alter(&tx{Op: opForget, Node: uint16(i)}, done)
}

func (n *Node) queueCall(name string, what uint8, done func(error)) {
	if n.phase != running {
		done(ErrNotRunning)
		return
	}
	n.callQueue(name, wire.Call{What: what}, nil, func(r *wire.Reply) {
		if r.Code != wire.ReplySuccess {
			done(ErrNoQueue)
			return
		}
		done(nil)
	})
}

// SyncQueue starts the synchronisation of a queue's mirrors.
func (n *Node) SyncQueue(name string, done func(error)) { n.queueCall(name, wire.CallSync, done) }

// CancelSync ends it.
func (n *Node) CancelSync(name string, done func(error)) {
	n.queueCall(name, wire.CallCancelSync, done)
}

// DeleteQueue deletes a queue; one whose home is down, too.
func (n *Node) DeleteQueue(name string, done func(error)) {
	r := n.meta.get(name)
	if r == nil {
		done(ErrNoQueue)
		return
	}
	if !n.alive(r.Master) {
		n.alter(&tx{Op: opDelete, Name: name}, done)
		return
	}
	n.queueCall(name, wire.CallDelete, done)
}

// Transfer makes the synchronised mirror on a node the master of a queue (rabbit_mirror_queue_misc,
// transfer_leadership); the old master joins again as an empty mirror.
func (n *Node) Transfer(name string, to int, done func(error)) {
	r := n.meta.get(name)
	if r == nil {
		done(ErrNoQueue)
		return
	}
	pid := r.onNode(uint16(to))
	if !slices.Contains(r.Sync, pid) {
		done(errors.New("no synchronised mirror there"))
		return
	}
	n.alter(&tx{Op: opTransfer, Name: name, Pid: pid}, done)
}

// Declare declares a queue whose home is this node.
func (n *Node) Declare(d Declaration, done func(error)) {
	switch {
	case n.phase != running:
		done(ErrNotRunning)
	case n.meta.get(d.Name) != nil:
		done(ErrExists)
	default:
		n.declareHere(d, wire.Pid{}, func() { done(nil) })
	}
}

// Sees says whether a node runs in the same database, as this one knows.
func (n *Node) Sees(i int) bool { return n.phase == running && n.nodeUp(i) && n.dbMember(uint16(i)) }

// View is what this node knows about a queue.
func (n *Node) View(name string) (View, bool) {
	r := n.meta.get(name)
	if r == nil {
		return View{}, false
	}
	if r.Args.IsQuorum() {
		v := View{Name: name, Home: int(r.Master.Node), Durable: true, Routed: r.Master.Creation != 0 && n.alive(r.Master), Quorum: true}
		for _, m := range r.Members {
			if m != r.Master.Node {
				v.Mirrors = append(v.Mirrors, int(m))
			}
		}
		return v, true
	}
	return View{Name: name, Home: int(r.Master.Node), Mirrors: nodesOf(r.Mirrors), Synced: nodesOf(r.Sync), Durable: r.Durable,
		Routed: r.Routed && n.alive(r.Master)}, true
}

// Contents visits the messages of a queue whose master is on this node: unacked ones, which a fresh reader
// gets once their consumers are gone, and waiting ones.
func (n *Node) Contents(name string, visit func(body sim.Ref)) {
	if m := n.ra.members[name]; m != nil {
		m.fifo.Each(func(x *quorum.Message) { visit(x.Cmd.Body) })
		return
	}
	q := n.queues[name]
	if q == nil || q.master == nil || q.ended {
		return
	}
	q.st.each(func(e entry, unacked bool) { visit(e.Body) })
	if q.master.sync == nil {
		return
	}
	for _, m := range q.deferred {
		if p, ok := m.(*wire.ToQueue); ok {
			visit(p.Body)
		}
	}
}

// Depth is the number of messages in a queue's process here, unacked ones included; -1 if there is none.
func (n *Node) Depth(name string) int {
	if m := n.ra.members[name]; m != nil {
		return m.fifo.Ready() + m.fifo.Held()
	}
	q := n.queues[name]
	if q == nil || q.ended {
		return -1
	}
	return q.st.length() + q.st.unacked()
}

// ForceBoot lets a node's next boot start from its own tables, whoever may have newer ones (force_boot).
func (k *Cluster) ForceBoot(i int) {
	if k.force == nil {
		k.force = map[int]bool{}
	}
	k.force[i] = true
}

func (k *Cluster) takeForce(i int) bool {
	was := k.force[i]
	delete(k.force, i)
	return was
}
