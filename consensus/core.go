// Package consensus is the Raft core: a pure state machine that elects a leader and decides which
// log entries are committed. RabbitMQ's quorum queues (Ra) and RocketMQ's DLedger stand on it; Kafka's
// KRaft replicates by follower fetch and has its own rules.
//
// The core knows the shape of a log (which term wrote which run of indexes), never its contents: the
// program around it owns the entries, the disk, the network and the clock. Inputs are messages of other
// members, the end of a time-out, a proposal, the news that a write is durable. What the program has to
// do in return are Effects, in an order that matters: a Save is durable before the effect behind it is
// carried out, and entries are in the file before they are sent.
//
// Source: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (extended version)
// and Ongaro's thesis for pre-vote (section 9.6), leadership transfer (3.10) and changes of membership one
// server at a time (4.1, with the correction that a leader first commits an entry of its own term).
package consensus

// Index numbers log entries from 1; 0 is before the first.
type Index uint64

// Term numbers leaderships.
type Term uint64

// Member is the identity of one replica in a group, from 1; None is nobody.
type Member uint16

// None is no member.
const None Member = 0

// Role is what a member is at this moment.
type Role uint8

// The roles. A PreCandidate asks whether a campaign could succeed before it raises the term.
const (
	Follower Role = iota
	PreCandidate
	Candidate
	Leader
)

func (r Role) String() string {
	return [...]string{"follower", "pre-candidate", "candidate", "leader"}[r]
}

// Config is how a group plays; every member of a group has the same rules.
type Config struct {
	ID Member
	// PreVote: a member whose election time-out ends asks for a pre-vote first.
	PreVote bool
	// Sticky: a member that follows a living leader refuses votes; its own time-out ends that.
	Sticky bool
	// CommitAnyTerm: a leader commits entries of earlier terms by counting copies, which Raft forbids
	// (figure 8 of the paper).
	CommitAnyTerm bool
	// MaxBatch is the most entries of one append; Window the most entries that are sent to a member and
	// not yet acknowledged by it. 0: 128 and 4096, as in Ra (ra_server.hrl, ra_server.erl).
	MaxBatch int
	Window   int
}

// Run says that the entries from First on, up to the next run or the end of the log, are of Term.
type Run struct {
	First Index
	Term  Term
}

// Change is an entry that sets the members of the group.
type Change struct {
	Index   Index
	Members []Member
}

// State is what a disk remembers of a member: all that a boot starts from.
type State struct {
	Term Term
	Vote Member
	// Snapshot is the last entry that a snapshot replaced; the log begins behind it.
	Snapshot     Index
	SnapshotTerm Term
	Runs         []Run
	Last         Index
	// Changes are the members: of the snapshot (or the founding), then of each change in the log.
	Changes []Change
}

// Core is one member.
type Core struct {
	cfg  Config
	role Role
	term Term
	vote Member
	lead Member

	snap     Index
	snapTerm Term
	runs     []Run
	last     Index
	durable  Index // our own entries up to here survive a crash
	verified Index // the log up to here is known to agree with the leader of this term
	commit   Index
	changes  []Change

	votes   []ballot
	peers   []peer
	out     []Effect
	ackSent Index // the newest match that we told the leader
}

type ballot struct {
	from    Member
	granted bool
}

// peer is what a leader knows of another member.
type peer struct {
	id        Member
	match     Index // its log agrees with ours up to here, durably
	next      Index // the next entry to send
	probing   bool  // one append at a time until the logs meet
	snapshot  Index // the snapshot under way to it, 0 = none
	heard     bool  // since the last CheckQuorum
	committed Index // the newest commit index that it was told
}

// New makes a member from what its disk holds. It is a follower and knows no leader.
func New(cfg Config, st State) *Core {
	if cfg.MaxBatch == 0 {
		cfg.MaxBatch = 128
	}
	if cfg.Window == 0 {
		cfg.Window = 4096
	}
	c := &Core{cfg: cfg, term: st.Term, vote: st.Vote, snap: st.Snapshot, snapTerm: st.SnapshotTerm,
		runs: append([]Run(nil), st.Runs...), last: max(st.Last, st.Snapshot), commit: st.Snapshot}
	c.durable = c.last
	for _, ch := range st.Changes {
		c.changes = append(c.changes, Change{ch.Index, append([]Member(nil), ch.Members...)})
	}
	return c
}

// Role, Term, Leader, Commit and so on are what the member believes now.
func (c *Core) Role() Role     { return c.role }
func (c *Core) Term() Term     { return c.term }
func (c *Core) Vote() Member   { return c.vote }
func (c *Core) Leader() Member { return c.lead }
func (c *Core) Commit() Index  { return c.commit }
func (c *Core) Last() Index    { return c.last }
func (c *Core) First() Index   { return c.snap + 1 }
func (c *Core) Durable() Index { return c.durable }

// Match is how far another member is known to agree with this leader.
func (c *Core) Match(m Member) Index {
	if p := c.peer(m); p != nil {
		return p.match
	}
	if m == c.cfg.ID {
		return c.durable
	}
	return 0
}

// Members are the members of the group as of the newest change in the log, committed or not.
func (c *Core) Members() []Member {
	if len(c.changes) == 0 {
		return nil
	}
	return c.changes[len(c.changes)-1].Members
}

// TermAt is the term of an entry; false if a snapshot replaced it or the log ends before it.
func (c *Core) TermAt(i Index) (Term, bool) {
	if i == c.snap {
		return c.snapTerm, true
	}
	if i < c.snap || i > c.last {
		return 0, false
	}
	for k := len(c.runs) - 1; k >= 0; k-- {
		if c.runs[k].First <= i {
			return c.runs[k].Term, true
		}
	}
	return 0, false
}

func (c *Core) lastTerm() Term {
	t, _ := c.TermAt(c.last)
	return t
}

func (c *Core) isMember(m Member) bool {
	for _, x := range c.Members() {
		if x == m {
			return true
		}
	}
	return false
}

// majority is how many members decide.
func (c *Core) majority() int { return len(c.Members())/2 + 1 }

func (c *Core) peer(m Member) *peer {
	for i := range c.peers {
		if c.peers[i].id == m {
			return &c.peers[i]
		}
	}
	return nil
}

// push adds entries of one term behind the log.
func (c *Core) push(t Term, n int) {
	if n == 0 {
		return
	}
	if c.last == c.snap || c.lastTerm() != t {
		c.runs = append(c.runs, Run{c.last + 1, t})
	}
	c.last += Index(n)
}

// cut removes the entries from index on, with the changes of membership among them.
func (c *Core) cut(from Index) {
	for len(c.runs) > 0 && c.runs[len(c.runs)-1].First >= from {
		c.runs = c.runs[:len(c.runs)-1]
	}
	c.last = from - 1
	c.durable = min(c.durable, c.last)
	for len(c.changes) > 1 && c.changes[len(c.changes)-1].Index >= from {
		c.changes = c.changes[:len(c.changes)-1]
	}
}

// Compact tells that a snapshot up to index, which must be committed, replaced the entries before it.
func (c *Core) Compact(index Index) {
	t, ok := c.TermAt(index)
	if !ok || index > c.commit || index <= c.snap {
		return
	}
	c.snap, c.snapTerm = index, t
	for len(c.runs) > 1 && c.runs[1].First <= index+1 {
		c.runs = c.runs[1:]
	}
	switch {
	case c.last == index:
		c.runs = c.runs[:0]
	case c.runs[0].First <= index:
		c.runs[0].First = index + 1
	}
	for len(c.changes) > 1 && c.changes[1].Index <= index {
		c.changes = c.changes[1:]
	}
}

// Snapshot is the last entry that a snapshot replaced, and its term.
func (c *Core) Snapshot() (Index, Term) { return c.snap, c.snapTerm }
