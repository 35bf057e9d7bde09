package client

import "slices"

// assignSticky is StickyAssignor: shares differ by one partition at most, and within that everybody
// keeps what it has (AbstractStickyAssignor.constrainedAssign). A member here reads one topic, so that
// subscriptions are equal or have nothing in common, and each topic is such a case of its own.
func assignSticky(members []subscriber, partitions func(topic string) int) [][]share {
	shares := make([][]share, len(members))
	for _, t := range topicsOf(members) {
		s := stickyTopic{members: members, readers: readersOf(members, t), topic: t, partitions: partitions(t)}
		s.assign()
		for k, i := range s.readers {
			if len(s.shares[k]) > 0 {
				slices.Sort(s.shares[k])
				shares[i] = append(shares[i], share{topic: t, parts: s.shares[k]})
			}
		}
	}
	return shares
}

// assignCooperative is CooperativeStickyAssignor: a partition that changes its owner is given to nobody
// in this rebalance; its owner revokes it and joins again, and the next rebalance hands it on (KIP-429).
func assignCooperative(members []subscriber, partitions func(topic string) int) [][]share {
	shares := assignSticky(members, partitions)
	for i := range shares {
		for j := range shares[i] {
			s := &shares[i][j]
			s.parts = slices.DeleteFunc(s.parts, func(p int32) bool {
				owner := ownerOf(members, s.topic, p)
				return owner >= 0 && owner != i
			})
		}
	}
	return shares
}

// ownerOf is the member that owns a partition, -1 if nobody does: of several claims the one of the
// newest generation counts; two claims of one generation cancel each other out.
func ownerOf(members []subscriber, topic string, partition int32) int {
	owner, generation := -1, int32(-2)
	for i := range members {
		m := &members[i]
		switch {
		case m.generation < generation || !m.owns(topic, partition):
		case m.generation == generation:
			owner = -1
		default:
			owner, generation = i, m.generation
		}
	}
	return owner
}

// stickyTopic is the assignment of one topic to its readers.
type stickyTopic struct {
	members    []subscriber
	readers    []int
	topic      string
	partitions int

	shares [][]int32 // of the readers
	few    int       // every reader gets at least so many
	more   int       // readers that may get one more
}

func (s *stickyTopic) assign() {
	n := len(s.readers)
	s.few, s.more = s.partitions/n, s.partitions%n
	s.shares = make([][]int32, n)
	free := s.keep()
	// What nobody keeps is dealt in order to those who have too little, then to those who may have one
	// more (assignUnassignedPartitions).
	for _, most := range []int{s.few, s.few + 1} {
		for progress := true; progress && len(free) > 0; {
			progress = false
			for k := range s.shares {
				if len(s.shares[k]) >= most || len(free) == 0 || most > s.few && s.more == 0 {
					continue
				}
				if most > s.few {
					s.more--
				}
				s.shares[k] = append(s.shares[k], free[0])
				free, progress = free[1:], true
			}
		}
	}
}

// keep leaves every reader what it owns up to its quota and returns the partitions that are free
// (assignOwnedPartitions).
func (s *stickyTopic) keep() (free []int32) {
	for p := range int32(s.partitions) {
		owner := slices.Index(s.readers, ownerOf(s.members, s.topic, p))
		if owner < 0 {
			free = append(free, p)
			continue
		}
		s.shares[owner] = append(s.shares[owner], p)
	}
	for k := range s.shares {
		most := s.few
		if len(s.shares[k]) > s.few && s.more > 0 {
			s.more--
			most++
		}
		if len(s.shares[k]) > most {
			free = append(free, s.shares[k][most:]...)
			s.shares[k] = s.shares[k][:most]
		}
	}
	slices.Sort(free)
	return free
}
