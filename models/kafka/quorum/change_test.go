package quorum

import (
	"slices"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/stretchr/testify/require"
)

// TestElections is PartitionChangeBuilder, case by case: replicas 1, 2, 3 in order of assignment.
func TestElections(t *testing.T) {
	const none, same = metadata.NoLeader, metadata.NoChange
	for _, c := range []struct {
		name           string
		isr, elr, last []int32
		leader         int32
		alive          []int32
		want           []int32 // the wanted ISR, nil: as it is
		kind           electionKind
		unclean        []int32
		withELR, bump  bool

		newLeader int32
		newISR    []int32 // nil: not in the record
		newELR    []int32
		recovers  bool
		nothing   bool
	}{
		{name: "nothing to do", isr: []int32{1, 2, 3}, leader: 1, alive: []int32{1, 2, 3}, nothing: true},
		{name: "order of assignment, not of the ISR", isr: []int32{3, 2}, leader: 1, alive: []int32{2, 3}, newLeader: 2},
		{name: "a follower leaves, the epoch stays", isr: []int32{1, 2, 3}, leader: 1, alive: []int32{1, 2}, want: []int32{1, 2}, newLeader: same, newISR: []int32{1, 2}},
		{name: "before 3.6 a shrink raised the epoch", isr: []int32{1, 2, 3}, leader: 1, alive: []int32{1, 2}, want: []int32{1, 2}, bump: true, newLeader: 1, newISR: []int32{1, 2}},
		{name: "the last member stays", isr: []int32{1}, leader: 1, alive: []int32{2, 3}, want: []int32{}, newLeader: none},
		{name: "unclean", isr: []int32{1}, leader: 1, alive: []int32{3}, want: []int32{}, kind: unclean, newLeader: 3, newISR: []int32{3}, recovers: true},
		{name: "clean before unclean", isr: []int32{1, 3}, leader: 1, alive: []int32{2, 3}, want: []int32{3}, kind: unclean, newLeader: 3, newISR: []int32{3}},
		{name: "preferred", isr: []int32{1, 2}, leader: 2, alive: []int32{1, 2}, kind: preferred, newLeader: 1},
		{name: "preferred but outside the ISR", isr: []int32{2}, leader: 2, alive: []int32{1, 2}, kind: preferred, nothing: true},
		{name: "below two into the ELR", isr: []int32{1, 2}, leader: 1, alive: []int32{1}, want: []int32{1}, withELR: true, newLeader: same, newISR: []int32{1}, newELR: []int32{2}},
		{name: "the ISR may be empty", isr: []int32{1}, elr: []int32{2}, leader: 1, alive: nil, want: []int32{}, withELR: true, newLeader: none, newISR: []int32{}, newELR: []int32{2, 1}},
		{name: "out of the ELR", elr: []int32{3, 2}, leader: none, alive: []int32{2}, withELR: true, newLeader: 2, newISR: []int32{2}, newELR: []int32{3}},
		{name: "not while the ISR has a member", isr: []int32{1}, elr: []int32{2}, leader: none, alive: []int32{2}, withELR: true, nothing: true},
		{name: "an unclean stop leaves ISR and ELR", isr: []int32{1}, elr: []int32{2}, leader: 1, alive: []int32{2}, want: []int32{}, unclean: []int32{1}, withELR: true, newLeader: 2, newISR: []int32{2}, newELR: []int32{}},
		{name: "last known leader", last: []int32{1}, leader: none, alive: []int32{1, 2}, withELR: true, newLeader: 1, newISR: []int32{1}, recovers: true},
		{name: "nobody is eligible", last: []int32{1}, leader: none, alive: []int32{2}, withELR: true, nothing: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &metadata.State{Replicas: []int32{1, 2, 3}, ISR: c.isr, ELR: c.elr, LastKnownELR: c.last, Leader: c.leader}
			ch := change{s: s, isr: c.want, kind: c.kind, unclean: c.unclean, minISR: 2, elr: c.withELR, bump: c.bump,
				may: func(id int32) bool { return slices.Contains(c.alive, id) }}
			m := ch.build()
			if c.nothing {
				require.Nil(t, m)
				return
			}
			require.NotNil(t, m)
			require.Equal(t, c.newLeader, m.Leader, "leader")
			require.Equal(t, c.newISR, m.ISR, "ISR")
			if c.newELR != nil {
				require.Equal(t, c.newELR, m.ELR, "ELR")
			}
			require.Equal(t, c.recovers, m.Recovery == 1, "recovery")
		})
	}
}
