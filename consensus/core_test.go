package consensus

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// node is a core with the log that its program keeps: the term of each entry, and what is durable.
type node struct {
	*Core
	t        *testing.T
	cfg      Config
	terms    []Term // entry i+1
	members  [][]Member
	synced   int // entries that survive a crash
	hard     State
	applied  []Term
	inbox    []parcel
	conflict bool
	lazy     bool // writes become durable only when write is called
	boot     []Member
}

type parcel struct {
	m       Message
	entries []Entry
}

func newNode(t *testing.T, id Member, cfg Config, members []Member, terms ...Term) *node {
	cfg.ID = id
	n := &node{t: t, cfg: cfg, terms: terms, members: make([][]Member, len(terms)), synced: len(terms), boot: members}
	for _, x := range terms {
		n.hard.Term = max(n.hard.Term, x)
	}
	n.start()
	return n
}

// start boots the core from what is durable.
func (n *node) start() {
	n.terms, n.members = n.terms[:n.synced], n.members[:n.synced]
	st := State{Term: n.hard.Term, Vote: n.hard.Vote, Last: Index(len(n.terms)), Changes: []Change{{0, n.boot}}}
	for i, x := range n.terms {
		if i == 0 || n.terms[i-1] != x {
			st.Runs = append(st.Runs, Run{Index(i + 1), x})
		}
		if n.members[i] != nil {
			st.Changes = append(st.Changes, Change{Index(i + 1), n.members[i]})
		}
	}
	n.Core = New(n.cfg, st)
	n.applied = nil
	n.inbox = nil
}

func (n *node) propose(k int) {
	at, ok := n.Propose(k)
	require.True(n.t, ok)
	for range k {
		n.terms, n.members = append(n.terms, n.Core.Term()), append(n.members, nil)
	}
	require.Equal(n.t, int(at)+k-1, len(n.terms))
	if !n.lazy {
		n.write()
	}
}

func (n *node) write() {
	n.synced = len(n.terms)
	if n.synced > 0 {
		n.Written(Index(n.synced), n.terms[n.synced-1])
	}
}

// do carries the effects out; what is sent is returned.
func (n *node) do(from []Entry) (out []parcel) {
	for i := 0; i < len(n.out); i++ {
		switch e := n.out[i]; e.Kind {
		case Save:
			n.hard.Term, n.hard.Vote = e.Term, e.Vote
		case Send:
			p := parcel{m: e.Message}
			for k := range e.Message.Count {
				if e.Message.Kind == AppendRequest {
					at := int(e.Message.Index) + k
					p.entries = append(p.entries, Entry{n.terms[at], n.members[at]})
				}
			}
			out = append(out, p)
		case Truncate:
			n.terms, n.members = n.terms[:e.Index-1], n.members[:e.Index-1]
			n.synced = min(n.synced, len(n.terms))
		case Append:
			require.Equal(n.t, int(e.Index)-1, len(n.terms))
			for _, x := range from[e.Skip : e.Skip+e.Count] {
				n.terms, n.members = append(n.terms, x.Term), append(n.members, x.Members)
			}
			if !n.lazy {
				n.write()
			}
		case Committed:
			for len(n.applied) < int(e.Index) {
				n.applied = append(n.applied, n.terms[len(n.applied)])
			}
		case Contradiction:
			n.conflict = true
		}
	}
	n.Clear()
	return out
}

// group is a network that delivers in order unless told otherwise.
type group struct {
	t     *testing.T
	nodes map[Member]*node
	ids   []Member
	queue []parcel
	cut   map[Member]bool
}

func newGroup(t *testing.T, cfg Config, logs ...[]Term) *group {
	g := &group{t: t, nodes: map[Member]*node{}, cut: map[Member]bool{}}
	for i := range logs {
		g.ids = append(g.ids, Member(i+1))
	}
	for i, log := range logs {
		g.nodes[Member(i+1)] = newNode(t, Member(i+1), cfg, g.ids, log...)
	}
	return g
}

func (g *group) send(out []parcel) { g.queue = append(g.queue, out...) }

func (g *group) collect() {
	for _, id := range g.ids {
		g.send(g.nodes[id].do(nil))
	}
}

// settle delivers until nothing is under way.
func (g *group) settle() {
	g.collect()
	for i := 0; len(g.queue) > 0; i++ {
		require.Less(g.t, i, 100000, "messages for ever")
		p := g.queue[0]
		g.queue = g.queue[1:]
		if g.cut[p.m.From] || g.cut[p.m.To] {
			continue
		}
		to := g.nodes[p.m.To]
		to.Step(p.m, p.entries)
		g.send(to.do(p.entries))
	}
}

func (g *group) campaign(id Member) { g.nodes[id].Campaign(true); g.settle() }

func (g *group) logs() (out []string) {
	for _, id := range g.ids {
		out = append(out, fmt.Sprint(g.nodes[id].terms))
	}
	return out
}

func TestElectionAndReplication(t *testing.T) {
	for _, pre := range []bool{false, true} {
		g := newGroup(t, Config{PreVote: pre}, nil, nil, nil)
		g.campaign(2)
		lead := g.nodes[2]
		require.Equal(t, Leader, lead.Role())
		lead.propose(3)
		lead.Flush()
		g.settle()
		require.Equal(t, Index(3), lead.Commit())
		lead.Announce()
		g.settle()
		for _, id := range g.ids {
			require.Equal(t, []Term{1, 1, 1}, g.nodes[id].terms)
			require.Equal(t, Index(3), g.nodes[id].Commit())
			require.Equal(t, Member(2), g.nodes[id].Leader())
		}
	}
}

// Figure 7 of the paper: when the leader at the top comes to power in term 8, any of (a) to (f) may be
// the followers' logs; all end as the leader's.
func TestFigure7(t *testing.T) {
	leader := []Term{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}
	logs := [][]Term{leader,
		{1, 1, 1, 4, 4, 5, 5, 6, 6},
		{1, 1, 1, 4},
		{1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},
		{1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7},
		{1, 1, 1, 4, 4, 4, 4},
		{1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3},
	}
	g := newGroup(t, Config{}, logs...)
	g.nodes[1].hard.Term = 7
	g.nodes[1].start()
	g.campaign(1)
	require.Equal(t, Leader, g.nodes[1].Role(), "the votes of a, b, e and f suffice")
	g.nodes[1].propose(1)
	g.nodes[1].Flush()
	g.settle()
	want := fmt.Sprint(append(slices.Clone(leader), 8))
	for i, log := range g.logs() {
		require.Equal(t, want, log, "log %d", i+1)
	}
	require.Equal(t, Index(11), g.nodes[1].Commit())
}

// (c) and (d) of figure 7 have more than the leader: they refuse their votes.
func TestFigure7LongerLogsRefuse(t *testing.T) {
	g := newGroup(t, Config{}, []Term{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}, []Term{1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6}, []Term{1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7})
	g.campaign(1)
	require.NotEqual(t, Leader, g.nodes[1].Role())
}

// Figure 8: an entry of an earlier term is on a majority and yet not committed by counting.
func TestFigure8(t *testing.T) {
	for _, any := range []bool{false, true} {
		// (c): S1 leads again in term 4 and copies its entry of term 2 to S3; S5 has one of term 3.
		g := newGroup(t, Config{CommitAnyTerm: any}, []Term{1, 2}, []Term{1, 2}, []Term{1}, []Term{1}, []Term{1, 3})
		g.nodes[1].hard.Term = 3
		g.nodes[1].start()
		g.cut[4], g.cut[5] = true, true
		g.campaign(1)
		s1 := g.nodes[1]
		require.Equal(t, Leader, s1.Role())
		require.Equal(t, Term(4), s1.Core.Term())
		require.Equal(t, []Term{1, 2}, g.nodes[3].terms)
		if any {
			require.Equal(t, Index(2), s1.Commit(), "without the restriction it counts as committed")
			continue
		}
		require.Equal(t, Index(0), s1.Commit(), "on a majority, not committed")
		// (d): S5 wins with votes of S2, S3 and S4 and overwrites it.
		g.cut = map[Member]bool{1: true}
		g.nodes[5].hard.Term = 4
		g.nodes[5].start()
		g.campaign(5)
		require.Equal(t, Leader, g.nodes[5].Role())
		g.nodes[5].propose(1)
		g.nodes[5].Flush()
		g.settle()
		require.Equal(t, []Term{1, 3, 5}, g.nodes[3].terms)
		require.False(t, g.nodes[3].conflict)
		// (e): had S1 first replicated an entry of term 4, S5 could not have won.
	}
}

// Figure 8 (e): an entry of the leader's own term on a majority commits all before it, and S5 loses.
func TestFigure8OwnTermCommits(t *testing.T) {
	g := newGroup(t, Config{}, []Term{1, 2}, []Term{1, 2}, []Term{1}, []Term{1}, []Term{1, 3})
	g.nodes[1].hard.Term = 3
	g.nodes[1].start()
	g.cut[4], g.cut[5] = true, true
	g.campaign(1)
	g.nodes[1].propose(1)
	g.nodes[1].Flush()
	g.settle()
	require.Equal(t, Index(3), g.nodes[1].Commit())
	g.cut = map[Member]bool{1: true}
	g.campaign(5)
	require.NotEqual(t, Leader, g.nodes[5].Role())
}

func TestSplitVoteIsRepeated(t *testing.T) {
	g := newGroup(t, Config{}, nil, nil, nil, nil)
	g.nodes[1].Campaign(true)
	g.nodes[2].Campaign(true)
	var first, second []parcel
	first, second = g.nodes[1].do(nil), g.nodes[2].do(nil)
	g.queue = append(g.queue, first[1], second[1]) // 1 asks 3, 2 asks 3 second
	g.queue = append(g.queue, second[2], first[2]) // 2 asks 4 first
	g.settle()
	require.NotEqual(t, Leader, g.nodes[1].Role())
	require.NotEqual(t, Leader, g.nodes[2].Role())
	g.campaign(2)
	require.Equal(t, Leader, g.nodes[2].Role())
	require.Equal(t, Term(2), g.nodes[2].Core.Term())
}

// A member that was cut off does not disturb the group with pre-votes; without them it deposes the leader.
func TestPreVoteKeepsTheLeader(t *testing.T) {
	for _, pre := range []bool{true, false} {
		g := newGroup(t, Config{PreVote: pre}, nil, nil, nil)
		g.campaign(1)
		g.cut[3] = true
		g.nodes[1].propose(2)
		g.nodes[1].Flush()
		g.settle()
		for range 3 {
			g.campaign(3)
		}
		g.cut = map[Member]bool{}
		g.campaign(3)
		if pre {
			require.Equal(t, Leader, g.nodes[1].Role())
			require.Equal(t, Term(1), g.nodes[1].Core.Term())
			require.Equal(t, Follower, g.nodes[3].Role())
		} else {
			require.NotEqual(t, Leader, g.nodes[1].Role())
			require.NotEqual(t, Leader, g.nodes[3].Role(), "its log is shorter")
		}
	}
}

func TestStickyFollowersRefuseButNotATransfer(t *testing.T) {
	g := newGroup(t, Config{Sticky: true}, nil, nil, nil)
	g.campaign(1)
	g.campaign(2)
	require.Equal(t, Leader, g.nodes[1].Role())
	require.Equal(t, Term(1), g.nodes[3].Core.Term(), "no term is taken over from who is refused")
	g.nodes[2].Core.follow(1, 1)
	g.settle()
	require.True(t, g.nodes[1].Transfer(3))
	g.settle()
	require.Equal(t, Leader, g.nodes[3].Role())
	require.Equal(t, Follower, g.nodes[1].Role())
}

func TestIsolatedLeaderStepsDownByItsQuorumCheck(t *testing.T) {
	g := newGroup(t, Config{}, nil, nil, nil)
	g.campaign(1)
	g.nodes[1].Heartbeat()
	g.settle()
	require.True(t, g.nodes[1].CheckQuorum())
	g.cut[1] = true
	g.nodes[1].Heartbeat()
	g.settle()
	require.False(t, g.nodes[1].CheckQuorum())
	require.Equal(t, Follower, g.nodes[1].Role())
	require.Equal(t, None, g.nodes[1].Leader())
}

// A minority leader takes proposals and never commits them; after the heal they are gone.
func TestMinorityLeaderNeverCommits(t *testing.T) {
	g := newGroup(t, Config{}, nil, nil, nil)
	g.campaign(1)
	g.cut[1] = true
	g.nodes[1].propose(4)
	g.nodes[1].Flush()
	g.settle()
	require.Equal(t, Index(0), g.nodes[1].Commit())
	g.campaign(2)
	g.nodes[2].propose(1)
	g.nodes[2].Flush()
	g.settle()
	require.Equal(t, Index(1), g.nodes[2].Commit())
	g.cut = map[Member]bool{}
	g.nodes[2].Heartbeat()
	g.settle()
	require.Equal(t, []Term{2}, g.nodes[1].terms)
}

// What is not durable is not counted, neither by the leader for itself nor by a follower.
func TestOnlyDurableEntriesCount(t *testing.T) {
	g := newGroup(t, Config{}, nil, nil, nil)
	g.campaign(1)
	for _, n := range g.nodes {
		n.lazy = true
	}
	g.nodes[1].propose(1)
	g.nodes[1].Flush()
	g.settle()
	require.Equal(t, Index(0), g.nodes[1].Commit())
	g.nodes[2].write()
	g.settle()
	require.Equal(t, Index(0), g.nodes[1].Commit(), "one of three")
	g.nodes[3].write()
	g.settle()
	require.Equal(t, Index(1), g.nodes[1].Commit(), "two followers suffice without the leader's own disk")
}

func TestSnapshotBringsAMemberBack(t *testing.T) {
	g := newGroup(t, Config{}, nil, nil, nil)
	g.campaign(1)
	g.cut[3] = true
	lead := g.nodes[1]
	lead.propose(10)
	lead.Flush()
	g.settle()
	lead.Compact(8)
	require.Equal(t, Index(9), lead.First())
	g.cut = map[Member]bool{}
	lead.Heartbeat()
	var snapshot *Effect
	for range 4 {
		for _, e := range lead.out {
			if e.Kind == SendSnapshot {
				snapshot = &e
			}
		}
		if snapshot != nil {
			break
		}
		g.send(lead.do(nil))
		for len(g.queue) > 0 {
			p := g.queue[0]
			g.queue = g.queue[1:]
			to := g.nodes[p.m.To]
			to.Step(p.m, p.entries)
			if to != lead {
				g.send(to.do(p.entries))
			}
		}
	}
	require.NotNil(t, snapshot)
	require.Equal(t, Index(8), snapshot.Index)
	lead.do(nil)
	third := g.nodes[3]
	third.terms, third.members, third.synced = slices.Clone(lead.terms[:8]), make([][]Member, 8), 8
	third.Installed(1, lead.Core.Term(), snapshot.Index, snapshot.Term, g.ids)
	g.settle()
	lead.Heartbeat()
	g.settle()
	require.Equal(t, lead.terms, third.terms)
	require.Equal(t, Index(10), third.Commit())
	at, _ := third.TermAt(8)
	require.Equal(t, Term(1), at)
}

func TestMembersChangeOneByOne(t *testing.T) {
	g := newGroup(t, Config{}, nil, nil, nil)
	g.campaign(1)
	lead := g.nodes[1]
	_, ok := lead.ProposeMembers([]Member{1, 2, 3, 4})
	require.False(t, ok, "before an entry of the leader's own term is committed")
	lead.propose(1)
	lead.Flush()
	g.settle()
	_, ok = lead.ProposeMembers([]Member{1, 2, 3, 4, 5})
	require.False(t, ok, "two at once")
	change := func(members ...Member) {
		i, ok := lead.ProposeMembers(members)
		require.True(t, ok)
		lead.terms, lead.members = append(lead.terms, lead.Core.Term()), append(lead.members, members)
		require.Equal(t, int(i), len(lead.terms))
		lead.write()
	}
	g.nodes[4] = newNode(t, 4, Config{}, nil)
	g.ids = append(g.ids, 4)
	change(1, 2, 3, 4)
	_, ok = lead.ProposeMembers([]Member{1, 2, 3})
	require.False(t, ok, "while one is under way")
	lead.Flush()
	g.settle()
	lead.Heartbeat()
	g.settle()
	require.Equal(t, lead.terms, g.nodes[4].terms)
	require.Equal(t, []Member{1, 2, 3, 4}, g.nodes[4].Members())
	// The leader removes itself: it leads until that is committed, and then no more.
	change(2, 3, 4)
	lead.Flush()
	g.settle()
	require.Equal(t, Follower, lead.Role())
	lead.Campaign(true)
	require.Equal(t, Follower, lead.Role(), "no member, no campaign")
	g.campaign(4)
	require.Equal(t, Leader, g.nodes[4].Role())
}

// A disk that forgot what it had acknowledged lets a leader contradict what was committed elsewhere.
func TestContradictionIsSaid(t *testing.T) {
	g := newGroup(t, Config{}, nil, nil, nil)
	g.campaign(1)
	g.cut[3] = true
	g.nodes[1].propose(2)
	g.nodes[1].Flush()
	g.settle()
	g.nodes[1].Announce()
	g.settle()
	require.Equal(t, Index(2), g.nodes[2].Commit())
	g.nodes[1].synced = 0
	g.nodes[1].hard = State{Term: 1}
	g.nodes[1].start()
	g.cut = map[Member]bool{2: true}
	g.campaign(3)
	require.Equal(t, Leader, g.nodes[3].Role())
	g.nodes[3].propose(1)
	g.cut = map[Member]bool{}
	g.nodes[3].Heartbeat()
	g.settle()
	require.True(t, g.nodes[2].conflict)
	require.Equal(t, []Term{1, 1}, g.nodes[2].terms, "nothing committed is removed")
}
