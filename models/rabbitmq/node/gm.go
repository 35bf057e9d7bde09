package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
)

// ring is a member of a guaranteed multicast group (gm.erl). Only the master broadcasts what the model
// carries. A batch goes round the ring until it is back at its origin; then a token tells everybody that
// all have it, and copies kept for the case of a member's death are dropped.
type ring struct {
	q       *queue
	members []wire.Pid
	right   wire.Pid
	out     []wire.GMItem // broadcast, not yet sent
	serial  uint64        // of the last broadcast of this member
	unacked []segment

	origin     wire.Pid // whose broadcasts are being received
	last       uint64   // serial of its last broadcast received
	before     wire.Pid // the origin before it
	lastBefore uint64
	resumed    bool // the origin before took over again, and what it said meanwhile was not for this member
}

// segment is a batch that may have to be sent again.
type segment struct {
	origin wire.Pid
	items  []wire.GMItem
}

func (s *segment) last() uint64 { return s.items[len(s.items)-1].Serial }

func (g *ring) mirrored() bool { return len(g.members) > 1 }

// add is gm:broadcast; the buffer leaves when the process is idle.
func (g *ring) add(i wire.GMItem) {
	g.serial++
	i.Serial, i.Key = g.serial, g.q.name
	g.out = append(g.out, i)
}

// gmSlab is how many broadcasts are allocated at once.
const gmSlab = 256

// keep copies the buffer to where members of all nodes may share it.
func (n *Node) keep(items []wire.GMItem) []wire.GMItem {
	k := len(items)
	if len(n.slab) < k {
		n.slab = make([]wire.GMItem, max(gmSlab, k))
	}
	out := n.slab[:k:k]
	n.slab = n.slab[k:]
	copy(out, items)
	return out
}

func (g *ring) flush() {
	if len(g.out) == 0 {
		return
	}
	items := g.q.n.keep(g.out)
	g.out = g.out[:0]
	me := g.q.pr.pid
	g.unacked = append(g.unacked, segment{me, items})
	g.pass(me, items)
}

// pass sends a batch to the right neighbour.
func (g *ring) pass(origin wire.Pid, items []wire.GMItem) {
	if g.right.IsZero() {
		return
	}
	m := g.q.n.k.Pool.GM.Get()
	m.To, m.Origin, m.Queue, m.Items = g.right, origin, g.q.name, items
	g.q.n.cast(g.right, m)
}

func (g *ring) token(origin wire.Pid, acked uint64) {
	m := g.q.n.k.Pool.GM.Get()
	m.To, m.Origin, m.Queue, m.Token, m.Acked = g.right, origin, g.q.name, true, acked
	g.q.n.cast(g.right, m)
}

// receive takes a batch or a token from the left neighbour.
func (g *ring) receive(m *wire.GM) {
	me := g.q.pr.pid
	switch {
	case m.Token:
		if m.Origin != me {
			g.trim(m.Origin, m.Acked)
			if g.right != m.Origin && !g.right.IsZero() {
				g.token(m.Origin, m.Acked)
			}
		}
	case m.Origin == me:
		if k := len(m.Items); k > 0 {
			last := m.Items[k-1].Serial
			g.trim(me, last)
			if !g.right.IsZero() {
				g.token(me, last)
			}
		}
	case g.q.mirror != nil && (m.Origin != g.before || m.Origin == g.q.rec.Master):
		g.take(m.Origin, m.Items)
	}
	g.q.n.k.Pool.GM.Put(m)
}

// take replays what is new of a batch and passes it on.
func (g *ring) take(origin wire.Pid, items []wire.GMItem) {
	switch {
	case origin == g.origin:
	case origin == g.before:
		// The other side of a partition had promoted somebody and has given up: the old master goes on
		// where this mirror had left it. What came in between is not the queue's.
		g.origin, g.before = g.before, g.origin
		g.last, g.lastBefore = g.lastBefore, g.last
		g.resumed = true
		g.q.forgetDepth()
	default:
		g.before, g.lastBefore = g.origin, g.last
		g.origin, g.last = origin, 0
	}
	k := 0
	for k < len(items) && items[k].Serial <= g.last {
		k++
	}
	items = items[k:]
	if len(items) == 0 {
		return
	}
	if g.last > 0 && items[0].Serial != g.last+1 && !g.resumed {
		g.q.n.p.W.Violate("gm-gap", g.q.name+" at "+g.q.n.p.Host.Name+": a broadcast was skipped")
	}
	g.last, g.resumed = items[len(items)-1].Serial, false
	g.unacked = append(g.unacked, segment{origin, items})
	g.pass(origin, items)
	for i := range items {
		g.q.instruct(&items[i])
		if g.q.ended {
			return
		}
	}
}

func (g *ring) trim(origin wire.Pid, acked uint64) {
	k := 0
	for k < len(g.unacked) && (g.unacked[k].origin != origin || g.unacked[k].last() <= acked) {
		k++
	}
	rest := copy(g.unacked, g.unacked[k:])
	clear(g.unacked[rest:])
	g.unacked = g.unacked[:rest]
}

// changed takes over the group of a new record. A new right neighbour gets everything that may not have
// gone round.
func (g *ring) changed(r *Record) {
	me := g.q.pr.pid
	g.members = r.Ring
	g.q.n.showRole()
	right := wire.Pid{}
	if at := slices.Index(r.Ring, me); at >= 0 && len(r.Ring) > 1 {
		right = r.Ring[(at+1)%len(r.Ring)]
	}
	if right == g.right {
		return
	}
	g.right = right
	if right.IsZero() {
		g.unacked = nil
		return
	}
	for i := range g.unacked {
		g.pass(g.unacked[i].origin, g.unacked[i].items)
	}
}
