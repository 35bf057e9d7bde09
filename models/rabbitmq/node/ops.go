package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
)

// op is what a transaction does.
type op uint8

const (
	opDeclare op = iota
	opDelete
	opRecover  // a home node has recovered its queue
	opNodeDown // rabbit_amqqueue:on_node_down
	opDeath    // rabbit_mirror_queue_misc:remove_from_queue
	opJoin     // a mirror process joins group and record
	opSync     // a mirror has a full copy (Flag) or has not
	opRemove   // a mirror leaves
	opStopMirrors
	opStopped
	opSetPolicy
	opClearPolicy
	opBind
	opForget
	opLeader   // a member of a quorum queue leads
	opMembers  // a quorum queue has other members
	opTransfer // a synchronised mirror takes over from a live master
)

// apply performs a transaction on this node's tables and collects what it changed.
func (n *Node) apply(t *tx, c *metaCommit) bool {
	switch t.Op {
	case opDeclare:
		return n.applyDeclare(t, c)
	case opNodeDown:
		n.applyNodeDown(t.Node, c)
		return true
	case opSetPolicy, opClearPolicy:
		n.meta.Policies = slices.DeleteFunc(slices.Clone(n.meta.Policies), func(p Policy) bool { return p.Name == t.Pol.Name })
		if t.Op == opSetPolicy {
			n.meta.Policies = append(n.meta.Policies, t.Pol)
		}
		c.Policies, c.SetPol = n.meta.Policies, true
		return true
	case opBind:
		b := binding{Exchange: t.Pol.Name, Queue: t.Name}
		n.meta.bind(b)
		c.Bindings = append(c.Bindings, b)
		return true
	case opForget:
		n.applyForget(t.Node, c)
		return true
	}
	old := n.meta.get(t.Name)
	if old == nil {
		return false
	}
	r := old.clone()
	if !n.applyQueue(t, r) {
		return false
	}
	leaving := t.Op == opRemove && t.Flag // its node stops: it had a mirror when it was up
	r.recoverable(func(i uint16) bool { return n.dbMember(i) && !(leaving && i == t.Pid.Node) })
	n.change(r, c)
	return true
}

func (n *Node) change(r *Record, c *metaCommit) {
	n.meta.put(r)
	c.Records = append(c.Records, r)
}

// applyDeclare creates a record. A record that is there already is not touched, but a durable one whose
// home is down is absent, not there: its redeclaration fails (rule 39).
func (n *Node) applyDeclare(t *tx, c *metaCommit) bool {
	if n.meta.get(t.Name) != nil {
		return false
	}
	n.change(t.Rec.clone(), c)
	return true
}

// applyQueue changes one record; false leaves it alone.
func (n *Node) applyQueue(t *tx, r *Record) bool {
	switch t.Op {
	case opDelete:
		r.Deleted = true
	case opRecover:
		if r.Master.Node != t.Pid.Node {
			return false
		}
		r.Master, r.Mirrors, r.Sync, r.Ring = t.Pid, nil, nil, []wire.Pid{t.Pid}
		r.Routed, r.Stopped, r.Refused = true, false, false
	case opDeath:
		return n.applyDeath(t.Dead, r)
	case opJoin:
		if !r.Routed || !r.onNode(t.Pid.Node).IsZero() || r.Refused {
			return false
		}
		r.Mirrors = append(r.Mirrors, t.Pid)
		// gm:record_new_member_in_group: to the right of a random member
		at := 0
		if len(r.Ring) > 0 {
			at = 1 + int(n.p.Rand("gm").Below(uint64(len(r.Ring))))
		}
		r.Ring = slices.Insert(r.Ring, at, t.Pid)
	case opSync:
		if !slices.Contains(r.Mirrors, t.Pid) || slices.Contains(r.Sync, t.Pid) == t.Flag {
			return false
		}
		if t.Flag {
			r.Sync = append(r.Sync, t.Pid)
		} else {
			r.Sync = slices.DeleteFunc(r.Sync, func(p wire.Pid) bool { return p == t.Pid })
		}
	case opRemove:
		if !slices.Contains(r.Mirrors, t.Pid) {
			return false
		}
		r.drop(func(p wire.Pid) bool { return p == t.Pid })
	case opLeader:
		if r.Master == t.Pid {
			return false
		}
		r.Master = t.Pid
	case opMembers:
		r.Members = t.Nodes
	case opTransfer:
		if !slices.Contains(r.Sync, t.Pid) {
			return false
		}
		old := r.Master
		r.drop(func(p wire.Pid) bool { return p == old })
		r.Mirrors = slices.DeleteFunc(r.Mirrors, func(p wire.Pid) bool { return p == t.Pid })
		r.Sync = slices.DeleteFunc(r.Sync, func(p wire.Pid) bool { return p == t.Pid })
		r.Master = t.Pid
		r.Promotions++
	case opStopMirrors:
		r.Mirrors, r.Sync, r.Ring, r.Stopped = nil, nil, []wire.Pid{r.Master}, true
	case opStopped:
		r.Stopped = true
		if n.k.Rules.DropAndAck {
			r.Routed = false
		}
		if !r.Durable {
			r.Deleted = true
		}
	}
	return true
}

// applyDeath removes dead processes. If the master is among them, the head of the surviving mirrors, the
// oldest, becomes master; whether its copy is full is not asked [rule 78]. Only with
// ha-promote-on-failure=when-synced and no full copy left does the candidate refuse; then the record
// keeps the dead master, and mirrors behind the candidate stay as they are [rule 79].
func (n *Node) applyDeath(dead []wire.Pid, r *Record) bool {
	gone := func(p wire.Pid) bool { return slices.Contains(dead, p) }
	before := len(r.Mirrors) + len(r.Ring)
	r.drop(gone)
	if !gone(r.Master) || r.Refused || len(r.Mirrors) == 0 {
		return len(r.Mirrors)+len(r.Ring) != before
	}
	candidate := r.Mirrors[0]
	if n.meta.policy(r).OnFailure == WhenSynced && len(r.Sync) == 0 {
		r.Refused = true
		r.Mirrors = r.Mirrors[1:]
		return true
	}
	if !slices.Contains(r.Sync, candidate) {
		r.Lossy = true
	}
	r.Master = candidate
	r.Mirrors = r.Mirrors[1:]
	r.Sync = slices.DeleteFunc(r.Sync, func(p wire.Pid) bool { return p == candidate })
	r.Promotions++
	r.Stopped = false
	return true
}

// applyNodeDown removes what died with a node: queues that were not durable, and until 3.10 the routing
// records of durable queues without mirrors (rabbit_amqqueue:on_node_down, queues_to_delete_when_node_down;
// durable records stay since 7de31d8697, 3.11).
func (n *Node) applyNodeDown(i uint16, c *metaCommit) {
	for _, name := range slices.Clone(n.meta.Order) {
		old := n.meta.get(name)
		if old.Master.Node != i || old.Args.IsQuorum() || n.meta.policy(old).HAMode != HANone || len(old.Mirrors) > 0 || n.alive(old.Master) {
			continue
		}
		r := old.clone()
		switch {
		case !r.Durable:
			r.Deleted = true
		case n.k.Rules.DropAndAck && r.Routed:
			r.Routed = false
		default:
			continue
		}
		n.change(r, c)
	}
}

// applyForget is forget_cluster_node while other nodes run.
func (n *Node) applyForget(i uint16, c *metaCommit) {
	for _, name := range slices.Clone(n.meta.Order) {
		old := n.meta.get(name)
		if old.Args.IsQuorum() {
			continue
		}
		r := old.clone()
		r.drop(func(p wire.Pid) bool { return p.Node == i })
		if r.Master.Node == i {
			r.forget(i, func(x uint16) bool { return !n.dbMember(x) })
		}
		if r.Deleted || r.Master != old.Master || len(r.Mirrors) != len(old.Mirrors) {
			n.change(r, c)
		}
	}
}
