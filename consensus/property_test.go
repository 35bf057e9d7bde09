package consensus

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// schedule is a group under random deliveries, losses, repetitions, crashes and slow disks, with the five
// promises of the paper's figure 3 checked after every step.
type schedule struct {
	*group
	leaders   map[Term]Member
	committed []Term          // of the longest commit index ever seen
	ledLog    map[Term][]Term // the log of each term's leader
}

func newSchedule(t *testing.T, cfg Config, members int) *schedule {
	s := &schedule{group: newGroup(t, cfg, make([][]Term, members)...), leaders: map[Term]Member{}, ledLog: map[Term][]Term{}}
	for _, n := range s.nodes {
		n.lazy = true
	}
	return s
}

func (s *schedule) step(rt *rapid.T) {
	n := s.nodes[rapid.SampledFrom(s.ids).Draw(rt, "member")]
	switch what := rapid.IntRange(0, 19).Draw(rt, "what"); {
	case what < 9:
		s.deliver(rt)
		return
	case what == 9:
		n.Campaign(true)
	case what < 13:
		if n.Role() == Leader {
			n.propose(rapid.IntRange(1, 3).Draw(rt, "entries"))
			n.Flush()
		}
	case what < 15:
		n.write()
	case what == 15:
		n.Heartbeat()
	case what == 16:
		n.Announce()
	case what == 17:
		n.start()
	case what == 18:
		n.CheckQuorum()
	default:
		n.Transfer(rapid.SampledFrom(s.ids).Draw(rt, "to"))
	}
	s.send(n.do(nil))
}

// deliver takes some message under way: any but an append may overtake others, and each may be lost or
// come twice.
func (s *schedule) deliver(rt *rapid.T) {
	if len(s.queue) == 0 {
		return
	}
	i := rapid.IntRange(0, min(len(s.queue)-1, 6)).Draw(rt, "which")
	p := s.queue[i]
	if rapid.IntRange(0, 19).Draw(rt, "twice") != 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
	if rapid.IntRange(0, 9).Draw(rt, "lost") == 0 {
		return
	}
	to := s.nodes[p.m.To]
	to.Step(p.m, p.entries)
	s.send(to.do(p.entries))
}

func (s *schedule) check(rt *rapid.T) {
	for _, id := range s.ids {
		n := s.nodes[id]
		require.Equal(rt, len(n.terms), int(n.Last()), "the core's log and its program's have one length")
		for i, want := range n.terms {
			got, ok := n.TermAt(Index(i + 1))
			require.True(rt, ok)
			require.Equal(rt, want, got)
		}
		require.False(rt, n.conflict, "nobody's disk forgot, so nobody contradicts")
		if n.Role() == Leader {
			// Election safety.
			if other, led := s.leaders[n.Core.Term()]; led {
				require.Equal(rt, other, id, "two leaders of term %d", n.Core.Term())
			}
			s.leaders[n.Core.Term()] = id
			// Leader append-only.
			before := s.ledLog[n.Core.Term()]
			require.GreaterOrEqual(rt, len(n.terms), len(before))
			require.True(rt, slices.Equal(before, n.terms[:len(before)]), "a leader only appends")
			s.ledLog[n.Core.Term()] = slices.Clone(n.terms)
		}
		// Leader completeness and state machine safety.
		for i, x := range n.applied {
			if i < len(s.committed) {
				require.Equal(rt, s.committed[i], x, "two members apply different entries at %d", i+1)
			} else {
				s.committed = append(s.committed, x)
			}
		}
	}
	// Leader completeness: a leader of the newest term holds all that was ever committed.
	newest := Term(0)
	for t := range s.leaders {
		newest = max(newest, t)
	}
	if n := s.nodes[s.leaders[newest]]; n != nil && n.Role() == Leader && n.Core.Term() == newest {
		require.GreaterOrEqual(rt, len(n.terms), len(s.committed))
		require.True(rt, slices.Equal(s.committed, n.terms[:len(s.committed)]), "a leader lacks what was committed")
	}
	s.matching(rt)
}

// matching: if two logs hold an entry of the same index and term, they agree up to it.
func (s *schedule) matching(rt *rapid.T) {
	for _, a := range s.ids {
		for _, b := range s.ids {
			x, y := s.nodes[a].terms, s.nodes[b].terms
			for i := min(len(x), len(y)) - 1; i >= 0; i-- {
				if x[i] == y[i] {
					require.True(rt, slices.Equal(x[:i+1], y[:i+1]), "logs %d and %d agree at %d and differ before", a, b, i+1)
					break
				}
			}
		}
	}
}

// heal delivers everything and lets one member lead: all must end with one log.
func (s *schedule) heal(rt *rapid.T) {
	for round := range 4 * len(s.ids) {
		for _, id := range s.ids {
			s.nodes[id].lazy = false
			s.nodes[id].write()
			s.nodes[id].LeaderLost()
		}
		s.campaign(s.ids[round%len(s.ids)])
		var lead *node
		for _, id := range s.ids {
			if n := s.nodes[id]; n.Role() == Leader && (lead == nil || n.Core.Term() > lead.Core.Term()) {
				lead = n
			}
		}
		if lead == nil {
			continue
		}
		lead.propose(1)
		for range 3 {
			lead.Heartbeat()
			s.settle()
		}
		if lead.Role() != Leader {
			continue // somebody was ahead in terms; now they are equal
		}
		for _, id := range s.ids {
			require.True(rt, slices.Equal(lead.terms, s.nodes[id].terms), "logs %v and %v after the heal", lead.terms, s.nodes[id].terms)
			require.Equal(rt, lead.Last(), s.nodes[id].Commit())
		}
		return
	}
	rt.Fatal("no leader after the heal")
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := Config{PreVote: rapid.Bool().Draw(rt, "prevote"), Sticky: rapid.Bool().Draw(rt, "sticky"),
			MaxBatch: rapid.IntRange(1, 4).Draw(rt, "batch"), Window: rapid.IntRange(1, 6).Draw(rt, "window")}
		s := newSchedule(t, cfg, rapid.SampledFrom([]int{1, 2, 3, 5}).Draw(rt, "members"))
		for range rapid.IntRange(20, 150).Draw(rt, "steps") {
			s.step(rt)
			s.check(rt)
		}
		s.heal(rt)
		s.check(rt)
	})
}
