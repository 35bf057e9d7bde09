package dledger

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// group is three members without a world: messages arrive after 1 ms, a link that is down loses them, a
// refused one says so.
type group struct {
	now     sim.Time
	seq     int
	queue   []due
	members []*node
	pool    *wire.Pool
}

type due struct {
	at  sim.Time
	seq int
	do  func()
}

// node is one member with its log: the terms of its entries.
type node struct {
	g       *group
	m       *Member
	cfg     Config
	rand    *sim.Rand
	terms   []consensus.Term
	term    consensus.Term
	vote    consensus.Member
	silent  bool // nothing comes or goes
	refused bool // the machine answers that nobody listens
	led     []sim.Time
	left    []sim.Time
	acked   []bool
}

func newGroup(seed uint64) *group {
	g := &group{pool: wire.NewPool()}
	for i := range 3 {
		cfg := DefaultConfig()
		cfg.Self, cfg.Members = consensus.Member(i+1), []consensus.Member{1, 2, 3}
		n := &node{g: g, cfg: cfg, rand: sim.NewRand(seed, fmt.Sprint(i))}
		n.m = New(&n.cfg, n, n, g.pool)
		g.members = append(g.members, n)
	}
	for i, n := range g.members {
		g.at(sim.Time(i)*sim.Millisecond, n.m.Start)
	}
	return g
}

func (g *group) at(t sim.Time, do func()) {
	g.seq++
	g.queue = append(g.queue, due{t, g.seq, do})
}

func (g *group) run(until sim.Time) {
	for {
		first := -1
		for i, d := range g.queue {
			if d.at <= until && (first < 0 || d.at < g.queue[first].at || d.at == g.queue[first].at && d.seq < g.queue[first].seq) {
				first = i
			}
		}
		if first < 0 {
			g.now = until
			return
		}
		d := g.queue[first]
		g.queue = slices.Delete(g.queue, first, first+1)
		g.now = max(g.now, d.at)
		d.do()
	}
}

func (g *group) leader() *node {
	for _, n := range g.members {
		if n.m.Leading() && !n.silent && !n.refused {
			return n
		}
	}
	return nil
}

func (n *node) Now() sim.Time { return n.g.now }
func (n *node) At(t sim.Time, kind uint16, arg uint32) {
	n.g.at(t, func() {
		if !n.refused {
			n.m.Timer(kind, arg)
		}
	})
}
func (n *node) Rand() *sim.Rand { return n.rand }
func (n *node) Send(m *wire.LedgerMessage) {
	to := n.g.members[m.To-1]
	c := *m
	c.Refs = slices.Clone(m.Refs)
	n.g.at(n.g.now+sim.Millisecond, func() {
		switch {
		case n.silent || to.silent || n.refused:
		case to.refused:
			if c.Kind == consensus.VoteRequest {
				n.m.Failed()
			}
		default:
			to.m.Step(&c)
		}
	})
}
func (n *node) Changed() {
	if n.m.Leading() {
		n.led = append(n.led, n.g.now)
	} else if len(n.led) > len(n.left) {
		n.left = append(n.left, n.g.now)
	}
}
func (n *node) Replicated(_ uint32, ok bool) { n.acked = append(n.acked, ok) }
func (n *node) Emit(kind, part, text string) {}
func (n *node) Probe(string)                 {}
func (n *node) LedgerTerm(t consensus.Term)  { n.term = t }
func (n *node) LedgerCommit(consensus.Index) {}
func (n *node) LedgerTruncate(i consensus.Index) error {
	n.terms = n.terms[:i-1]
	return nil
}
func (n *node) LedgerState() consensus.State {
	st := consensus.State{Last: consensus.Index(len(n.terms))}
	for i, t := range n.terms {
		if i == 0 || n.terms[i-1] != t {
			st.Runs = append(st.Runs, consensus.Run{First: consensus.Index(i + 1), Term: t})
		}
	}
	return st
}

// An entry is a single extent whose length is its term.
func (n *node) LedgerRead(i consensus.Index, dst []sim.Ref) ([]sim.Ref, int, bool) {
	return append(dst, sim.Ref{Len: uint32(n.terms[i-1])}), 1, true
}
func (n *node) LedgerAppend(refs []sim.Ref) bool {
	n.terms = append(n.terms, consensus.Term(refs[0].Len))
	return true
}
func (n *node) SaveVote(t consensus.Term, v consensus.Member) { n.vote = v }
func (n *node) LoadVote() (consensus.Term, consensus.Member)  { return 0, n.vote }
func (n *node) put() {
	n.terms = append(n.terms, n.m.Term())
	n.m.Wait(n.m.Appended(), 0)
}

// TestElectionAfterKill: followers are candidates 4 to 6 s after the leader's death, the round in the old
// term is lost at once because nobody listens at the dead leader's port, the next one follows 0.3 to 1 s
// later.
func TestElectionAfterKill(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		g := newGroup(seed)
		g.run(20*sim.Second + sim.Time(seed)*97*sim.Millisecond)
		old := g.leader()
		require.NotNil(t, old)
		term, killed := old.m.Term(), g.now
		old.refused = true
		for g.leader() == nil && g.now < killed+30*sim.Second {
			g.run(g.now + 10*sim.Millisecond)
		}
		took := g.now - killed
		require.NotNil(t, g.leader(), "seed %d", seed)
		require.Greater(t, g.leader().m.Term(), term)
		require.True(t, took > 4200*sim.Millisecond && took < 14*sim.Second, "seed %d: %v", seed, took)
	}
}

// TestStepDown: a leader that nobody answers gives up 4 to 8 s after the cut, and stays in its term.
func TestStepDown(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		g := newGroup(seed)
		g.run(20*sim.Second + sim.Time(seed)*97*sim.Millisecond)
		old := g.leader()
		term, cut := old.m.Term(), g.now
		old.silent = true
		old.put()
		g.run(g.now + 20*sim.Second)
		require.NotEmpty(t, old.left, "seed %d", seed)
		took := old.left[len(old.left)-1] - cut
		require.True(t, took >= 4*sim.Second && took <= 8*sim.Second, "seed %d: %v", seed, took)
		require.Equal(t, term, old.m.Term())
		require.Equal(t, []bool{false}, old.acked, "WAIT_QUORUM_ACK_TIMEOUT")

		next := g.leader()
		require.NotNil(t, next)
		next.put()
		g.run(g.now + sim.Second)
		require.Equal(t, []bool{true}, next.acked)
		old.silent = false
		g.run(g.now + 30*sim.Second)
		require.Equal(t, next.terms, old.terms, "the entry of the old leader is replaced")
		require.False(t, old.m.Leading() && next.m.Leading())
	}
}

// TestSilentCandidateRaisesNothing: a member alone asks in its own term for ever.
func TestSilentCandidateRaisesNothing(t *testing.T) {
	g := newGroup(3)
	g.run(20 * sim.Second)
	lead := g.leader()
	var other *node
	for _, n := range g.members {
		if n != lead {
			other = n
		}
	}
	other.silent = true
	term := other.m.Term()
	g.run(120 * sim.Second)
	require.Equal(t, term, other.m.Term())
	other.silent = false
	g.run(140 * sim.Second)
	require.Same(t, lead, g.leader(), "it does not disturb the leader when it comes back")
	require.Equal(t, lead.cfg.Self, other.m.Leader())
}
