package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
)

// wants says whether a queue's policy asks for a mirror on a node (rabbit_mirror_queue_mode_*). For exactly
// it says so as long as the number is not reached.
func (n *Node) wants(r *Record, p *Policy, i uint16) bool {
	switch p.HAMode {
	case HAAll:
		return true
	case HANodes:
		return slices.Contains(p.HANodes, i)
	case HAExactly:
		return 1+len(r.Mirrors) < p.HACount
	}
	return false
}

// fillMirrors starts the mirrors that a queue lacks, as its master sees it. exactly picks at random.
func (q *queue) fill() { q.n.fillMirrors(q, q.n.meta.policy(q.rec)) }

func (n *Node) fillMirrors(q *queue, p *Policy) {
	if p.HAMode == HANone || n.phase != running {
		return
	}
	var free []uint16
	for _, i := range n.meta.DB {
		if q.rec.onNode(i).IsZero() && n.nodeUp(int(i)) && int(i) != n.index {
			free = append(free, i)
		}
	}
	slices.Sort(free)
	if p.HAMode == HAExactly {
		lack := p.HACount - 1 - len(q.rec.Mirrors)
		if lack <= 0 {
			return
		}
		var pick []uint16
		for _, k := range n.p.Rand("mirrors").Perm(len(free)) {
			if len(pick) < lack {
				pick = append(pick, free[k])
			}
		}
		free = pick
	}
	for _, i := range free {
		if n.wants(q.rec, p, i) {
			n.sendMeta(i, &metaStart{q.name})
		}
	}
}

// policiesChanged applies the policies to the queues whose master is here (rabbit_mirror_queue_misc:
// update_mirrors): missing mirrors start, mirrors too many stop.
func (n *Node) policiesChanged() {
	for _, q := range slices.Clone(n.order) {
		if q.master == nil || q.ended {
			continue
		}
		p := n.meta.policy(q.rec)
		keep := 0
		for _, m := range q.rec.Mirrors {
			ok := p.HAMode == HAAll || p.HAMode == HANodes && slices.Contains(p.HANodes, m.Node) ||
				p.HAMode == HAExactly && keep+1 < p.HACount
			if ok {
				keep++
				continue
			}
			n.transact(&tx{Op: opRemove, Name: q.name, Pid: m}, nil)
		}
		n.fillMirrors(q, p)
	}
	n.syncUnsynced()
}

// syncUnsynced starts the automatic synchronisations that are due here.
func (n *Node) syncUnsynced() {
	for _, q := range n.order {
		if q.master != nil && q.unsynced() && n.meta.policy(q.rec).AutoSync {
			n.p.After(autoSyncDelay, timerStoreSync, q.pr.pid.Serial)
		}
	}
}

// addMirrorsHere is on_vhost_up: a node that has started asks which queues want a mirror on it. A master
// whose node is not connected yet is asked once it is.
func (n *Node) addMirrorsHere() {
	for _, name := range slices.Clone(n.meta.Order) {
		r := n.meta.get(name)
		if !r.Args.IsQuorum() && int(r.Master.Node) != n.index && n.dbMember(r.Master.Node) && n.alive(r.Master) && n.wants(r, n.meta.policy(r), uint16(n.index)) {
			n.startMirror(name)
		}
	}
}

// declareHere starts a queue process with its home on this node and then waits for its mirrors, which are
// born synchronised [rule 64].
func (n *Node) declareHere(d Declaration, owner wire.Pid, done func()) {
	if n.meta.get(d.Name) != nil || n.queues[d.Name] != nil {
		done()
		return
	}
	if d.Args.IsQuorum() {
		n.declareQuorum(d, done)
		return
	}
	r := &Record{Name: d.Name, Durable: d.Durable, AutoDelete: d.AutoDelete, Exclusive: owner, Args: d.Args, Routed: true}
	q := n.newQueue(r)
	r.Master, r.Ring = q.pr.pid, []wire.Pid{q.pr.pid}
	n.transact(&tx{Op: opDeclare, Name: d.Name, Rec: r}, func(ok bool) {
		if !ok {
			q.end(false, false, whyDeleted) // another node was first
		} else if !q.ended {
			q.fill()
		}
		done()
	})
}
