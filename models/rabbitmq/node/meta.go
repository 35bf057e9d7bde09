package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
)

// Changes of the tables are Mnesia transactions over all running nodes: locks everywhere, then commit
// everywhere; a node that is silent but not yet down holds them up [rule 96]. The model lets the oldest
// running node of a database order them: it asks every other running node for the lock, and commits once
// each has answered or gone down. Transactions that wait meanwhile share the next round.

// tx is one transaction. What it does is computed where it is ordered, from the records of that moment.
type tx struct {
	ID    uint64 // of its node
	From  uint16
	Op    op
	Name  string // queue, policy or exchange
	Pid   wire.Pid
	Dead  []wire.Pid
	Node  uint16
	Flag  bool
	Nodes []uint16
	Rec   *Record
	Pol   Policy
}

// rounds is the state of transactions at a node.
type rounds struct {
	next    uint64
	mine    []*tx        // sent or to be sent, not yet committed
	done    []func(bool) // for mine: called when it has been committed; nil allowed
	queue   []*tx        // waiting here for a round
	current []*tx
	waits   []uint16 // nodes that have not granted
	round   uint64
	// One round at a time goes over a node's tables. As a rule the rounds of a database have one orderer; in a
	// partial partition two nodes may order over a third.
	lock  uint16    // 1 + the node that this one has granted, until its commit; 0: none
	asked []lockAsk // waiting for a grant, in order
}

type lockAsk struct {
	node  uint16
	round uint64
}

type metaAsk struct{ Tx *tx }
type metaLock struct{ Round uint64 }
type metaGrant struct{ Round uint64 }

// metaCommit carries what a round changed.
type metaCommit struct {
	Records  []*Record
	Policies []Policy
	SetPol   bool
	Bindings []binding
	Done     []txID
}

type txID struct {
	From uint16
	ID   uint64
	OK   bool
}

type metaStatus struct{ Status status }
type metaJoin struct{}

// metaRefused: another node of the database admits.
type metaRefused struct{}

// metaMember says that a node has joined the database.
type metaMember struct{ Node uint16 }

// metaTables is a copy of all tables.
type metaTables struct {
	Records  []*Record
	Policies []Policy
	Bindings []binding
	DB       []uint16
}

// metaStart asks a node to start a mirror (rabbit_mirror_queue_misc:add_mirror).
type metaStart struct{ Queue string }

func metaSize(body any) int {
	switch b := body.(type) {
	case *metaAsk:
		n := 300
		if b.Tx.Rec != nil {
			n += b.Tx.Rec.size()
		}
		return n
	case *metaCommit:
		n := 120
		for _, r := range b.Records {
			n += r.size()
		}
		return n + 60*len(b.Bindings) + 200*len(b.Policies)
	case *metaTables:
		n := 300
		for _, r := range b.Records {
			n += r.size()
		}
		return n
	}
	return 90
}

func (n *Node) sendMeta(to uint16, body any) {
	if l := n.links[to]; l != nil && l.up {
		l.send(&wire.Meta{Body: body, Bytes: metaSize(body)})
	}
}

// transact runs a transaction; done, if not nil, is told when this node has committed it.
func (n *Node) transact(t *tx, done func(ok bool)) {
	r := &n.meta.rounds
	r.next++
	t.ID, t.From = uint64(n.creation)<<32|r.next, uint16(n.index)
	r.mine = append(r.mine, t)
	r.done = append(r.done, done)
	n.route(t)
}

// orderer is the oldest running node of the database that is still connected.
func (n *Node) orderer() uint16 {
	for _, i := range n.meta.DB {
		if n.nodeUp(int(i)) {
			return i
		}
	}
	return uint16(n.index)
}

func (n *Node) route(t *tx) {
	if to := n.orderer(); int(to) != n.index {
		n.sendMeta(to, &metaAsk{t})
		return
	}
	n.meta.rounds.queue = append(n.meta.rounds.queue, t)
	n.nextRound()
}

// nextRound asks for locks on behalf of everything that waits.
func (n *Node) nextRound() {
	r := &n.meta.rounds
	if r.current != nil || len(r.queue) == 0 {
		return
	}
	r.current, r.queue = r.queue, nil
	r.round++
	r.waits = r.waits[:0]
	for _, i := range n.meta.DB {
		if int(i) != n.index && n.nodeUp(int(i)) {
			r.waits = append(r.waits, i)
			n.sendMeta(i, &metaLock{r.round})
		}
	}
	n.granted()
}

// granted commits once nobody is waited for.
func (n *Node) granted() {
	r := &n.meta.rounds
	if r.current == nil || len(r.waits) > 0 || r.lock != 0 {
		return
	}
	c := &metaCommit{}
	for _, t := range r.current {
		ok := n.apply(t, c)
		c.Done = append(c.Done, txID{t.From, t.ID, ok})
	}
	r.current = nil
	for _, i := range n.meta.DB {
		if int(i) != n.index && n.nodeUp(int(i)) {
			n.sendMeta(i, c)
		}
	}
	n.committed(c, true)
	n.nextLock()
	n.nextRound()
}

// lockAsked grants a round over this node's tables, or lets it wait for the one that is on. Of two orderers
// that ask each other the lower one goes first.
func (n *Node) lockAsked(from uint16, round uint64) {
	r := &n.meta.rounds
	if n.phase < starting || n.phase == paused {
		n.sendMeta(from, &metaGrant{round}) // no database runs here
		return
	}
	if r.lock != 0 || r.current != nil && int(from) > n.index {
		r.asked = append(r.asked, lockAsk{from, round})
		return
	}
	r.lock = from + 1
	n.sendMeta(from, &metaGrant{round})
}

// unlock: the node that was granted has committed, or is gone.
func (n *Node) unlock(from uint16) {
	r := &n.meta.rounds
	r.asked = slices.DeleteFunc(r.asked, func(a lockAsk) bool { return a.node == from })
	if r.lock == from+1 {
		r.lock = 0
		n.granted()
		n.nextLock()
	}
}

func (n *Node) nextLock() {
	r := &n.meta.rounds
	if r.lock != 0 || len(r.asked) == 0 {
		return
	}
	next := r.asked[0]
	r.asked = r.asked[1:]
	n.lockAsked(next.node, next.round)
}

// committed takes over what a round changed. applied: the tables are changed already.
func (n *Node) committed(c *metaCommit, applied bool) {
	if !applied {
		for _, rec := range c.Records {
			n.meta.put(rec)
		}
		if c.SetPol {
			n.meta.Policies = c.Policies
		}
		for _, b := range c.Bindings {
			n.meta.bind(b)
		}
	}
	n.saveCommit(c)
	for _, rec := range c.Records {
		n.recordChanged(rec)
	}
	if c.SetPol {
		n.policiesChanged()
	}
	r := &n.meta.rounds
	for _, id := range c.Done {
		if int(id.From) != n.index {
			continue
		}
		for i, t := range r.mine {
			if t.ID == id.ID {
				done := r.done[i]
				r.mine = slices.Delete(r.mine, i, i+1)
				r.done = slices.Delete(r.done, i, i+1)
				if done != nil {
					done(id.OK)
				}
				break
			}
		}
	}
}

func (t *tables) bind(b binding) {
	if !slices.Contains(t.Bindings, b) {
		t.Bindings = append(t.Bindings, b)
	}
}

// metaMessage handles the messages of this file and of boot.go.
func (n *Node) metaMessage(l *link, body any) {
	from := uint16(l.peer)
	switch m := body.(type) {
	case *metaAsk:
		n.meta.rounds.queue = append(n.meta.rounds.queue, m.Tx)
		n.nextRound()
	case *metaLock:
		n.lockAsked(from, m.Round)
	case *metaGrant:
		r := &n.meta.rounds
		if r.current != nil && m.Round == r.round {
			r.waits = slices.DeleteFunc(r.waits, func(i uint16) bool { return i == from })
			n.granted()
		}
	case *metaCommit:
		if n.phase >= starting && slices.Contains(n.meta.DB, from) {
			n.committed(m, false)
		}
		n.unlock(from)
	case *metaStatus:
		l.state = m.Status
		n.peerStatus(l)
	case *metaJoin:
		n.admit(from)
	case *metaRefused:
		if n.phase == joining {
			n.setPhase(waiting)
			n.bootStep()
		}
	case *metaMember:
		if n.phase >= starting && n.phase != paused && !slices.Contains(n.meta.DB, m.Node) && slices.Contains(n.meta.DB, from) {
			n.meta.DB = append(n.meta.DB, m.Node)
			n.saveDowns()
		}
	case *metaTables:
		n.takeTables(from, m)
	case *metaStart:
		n.startMirror(m.Queue)
	default:
		n.healMessage(from, body)
	}
}

// metaDown: a node is no longer part of the database. Locks that it owes are not waited for, and what it
// was to order is ordered by the next.
func (n *Node) metaDown(i uint16) {
	member := slices.Contains(n.meta.DB, i)
	first := len(n.meta.DB) > 0 && n.meta.DB[0] == i
	n.meta.DB = slices.DeleteFunc(n.meta.DB, func(x uint16) bool { return x == i })
	r := &n.meta.rounds
	r.waits = slices.DeleteFunc(r.waits, func(x uint16) bool { return x == i })
	r.queue = slices.DeleteFunc(r.queue, func(t *tx) bool { return t.From == i })
	if member {
		n.saveDowns()
	}
	n.unlock(i)
	n.granted()
	if first {
		for _, t := range slices.Clone(r.mine) {
			n.route(t)
		}
	}
}

// dbMember says whether a node runs in this node's database.
func (n *Node) dbMember(i uint16) bool { return slices.Contains(n.meta.DB, i) }

// recordChanged lets the local process of a queue, and the channels, see its new record.
func (n *Node) recordChanged(rec *Record) {
	if rec.Args.IsQuorum() {
		n.quorumChanged(rec)
		return
	}
	if q := n.queues[rec.Name]; q != nil {
		q.recordChanged(rec)
	}
}
