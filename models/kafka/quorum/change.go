package quorum

import (
	"slices"

	"github.com/mqsim/mqsim/models/kafka/metadata"
)

// electionKind is PartitionChangeBuilder.Election.
type electionKind uint8

const (
	online    electionKind = iota // keep the leader, else the first of the ISR in order of assignment
	preferred                     // the first of the assignment if it may
	unclean                       // as online, and any active replica as the last resort
)

// change is what shall happen to one partition (PartitionChangeBuilder). Never the longest log: always
// the order of assignment.
type change struct {
	s     *metadata.State
	isr   []int32 // wanted; nil: as it is
	moves bool    // replicas, removing and adding are wanted; else as they are
	assignment
	kind    electionKind
	may     func(id int32) bool // may this replica lead?
	unclean []int32             // replicas that came back from an unclean stop
	minISR  int
	elr     bool
	bump    bool // before metadata.version 3.6: a shrinking ISR raises the leader epoch
}

// assignment is a partition's replicas and what a reassignment takes and gives.
type assignment struct{ replicas, removing, adding []int32 }

// elected is the outcome of an election.
type elected struct {
	leader  int32
	unclean bool
}

// build is PartitionChangeBuilder.build: nil if nothing changes.
func (c *change) build() *metadata.PartitionChange {
	s := c.s
	if c.isr == nil {
		c.isr = s.ISR
	}
	if !c.moves {
		c.assignment = assignment{s.Replicas, s.Removing, s.Adding}
	}
	m := &metadata.PartitionChange{Partition: s.TP.Partition, Topic: s.Topic, Leader: metadata.NoChange, Recovery: -1}
	c.complete()
	e := c.elect()
	if e.leader != s.Leader {
		m.Leader = e.leader
		if e.leader >= 0 && (e.unclean || !slices.Contains(c.isr, e.leader)) {
			// Out of an unclean election, or from the ELR: the new ISR is the leader alone.
			c.isr = []int32{e.leader}
			m.ISR = c.isr
			if e.unclean && !s.Recovering {
				m.Recovery = 1
			}
		}
	}
	if m.Leader == metadata.NoChange && shrinks(s.Replicas, c.replicas) {
		m.Leader = s.Leader // whoever is not a replica any more hears of it in a new leader epoch
	}
	if m.ISR == nil && (len(c.isr) > 0 || c.elr) && !slices.Equal(c.isr, s.ISR) {
		m.ISR = list(c.isr)
	}
	if c.bump && m.Leader == metadata.NoChange && m.ISR != nil && shrinks(s.ISR, m.ISR) {
		m.Leader = s.Leader
	}
	c.setELR(m, e)
	c.setAssignment(m)
	if m.ISR == nil && m.Leader == metadata.NoChange && m.Recovery < 0 && m.ELR == nil && m.LastKnownELR == nil &&
		m.Replicas == nil && m.Removing == nil && m.Adding == nil {
		return nil
	}
	return m
}

// elect is PartitionChangeBuilder.electLeader.
func (c *change) elect() elected {
	s := c.s
	if c.kind == preferred && c.valid(c.replicas[0]) {
		return elected{leader: c.replicas[0]}
	}
	if s.Leader >= 0 && c.valid(s.Leader) {
		return elected{leader: s.Leader}
	}
	for _, id := range c.replicas {
		if c.valid(id) {
			return elected{leader: id}
		}
	}
	if c.elr && len(c.isr) == 0 && len(s.ELR) == 0 && len(s.LastKnownELR) == 1 && c.may(s.LastKnownELR[0]) {
		return elected{leader: s.LastKnownELR[0], unclean: true} // canElectLastKnownLeader
	}
	if c.kind == unclean {
		for _, id := range c.replicas {
			if c.may(id) {
				return elected{leader: id, unclean: true}
			}
		}
	}
	return elected{leader: metadata.NoLeader}
}

// valid is isValidNewLeader: an active member of the ISR, or of the ELR while the ISR is empty.
func (c *change) valid(id int32) bool {
	in := slices.Contains(c.isr, id) ||
		c.elr && len(c.isr) == 0 && slices.Contains(c.s.ELR, id) && !slices.Contains(c.unclean, id)
	return in && c.may(id)
}

// setELR is maybePopulateTargetElr and maybeUpdateLastKnownLeader (KIP-966): below min.insync.replicas
// those that leave the ISR stay eligible, for the high watermark cannot move without them.
func (c *change) setELR(m *metadata.PartitionChange, e elected) {
	s := c.s
	isr := s.ISR
	if m.ISR != nil {
		isr = m.ISR
	}
	var elr, known []int32
	if c.elr && !e.unclean && len(isr) < min(c.minISR, len(c.replicas)) {
		known = s.LastKnownELR
		for _, id := range append(append([]int32(nil), s.ELR...), s.ISR...) {
			if !slices.Contains(isr, id) && !slices.Contains(elr, id) && !slices.Contains(c.unclean, id) {
				elr = append(elr, id)
			}
		}
		if len(isr) == 0 && s.Leader >= 0 && m.Leader == metadata.NoLeader {
			known = []int32{s.Leader}
		}
	}
	if !slices.Equal(elr, s.ELR) {
		m.ELR = list(elr)
	}
	if !slices.Equal(known, s.LastKnownELR) {
		m.LastKnownELR = list(known)
	}
}

// list is a copy that is never nil.
func list(ids []int32) []int32 { return append(make([]int32, 0, len(ids)), ids...) }

// shrinks says whether somebody of old is not in now.
func shrinks(old, now []int32) bool {
	for _, id := range old {
		if !slices.Contains(now, id) {
			return true
		}
	}
	return false
}

func without(ids []int32, id int32) []int32 {
	out := make([]int32, 0, len(ids))
	for _, x := range ids {
		if x != id {
			out = append(out, x)
		}
	}
	return out
}
