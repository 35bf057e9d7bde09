package consensus

import "slices"

// ProposeMembers appends an entry that changes the members, by one at the most: it counts from the
// moment at which it is in the log. Refused while an earlier change is not committed, and before the
// leader has committed an entry of its own term.
func (c *Core) ProposeMembers(members []Member) (Index, bool) {
	if c.role != Leader || c.changing() || len(members) == 0 || differ(c.Members(), members) > 1 {
		return 0, false
	}
	if t, ok := c.TermAt(c.commit); !ok || t != c.term {
		return 0, false
	}
	i, _ := c.Propose(1)
	c.changes = append(c.changes, Change{i, append([]Member(nil), members...)})
	for _, m := range members {
		if m != c.cfg.ID && c.peer(m) == nil {
			c.peers = append(c.peers, peer{id: m, next: c.last + 1, probing: true, heard: true})
			c.append(&c.peers[len(c.peers)-1], true)
		}
	}
	return i, true
}

// changing: a change of membership is in the log and not committed.
func (c *Core) changing() bool {
	return len(c.changes) > 0 && c.changes[len(c.changes)-1].Index > c.commit
}

// left ends what a committed change ends: the leadership of a leader that is no member any more, and the
// connections to those who left.
func (c *Core) left() {
	if c.role != Leader || c.changing() {
		return
	}
	c.peers = slices.DeleteFunc(c.peers, func(p peer) bool { return !c.isMember(p.id) })
	if !c.isMember(c.cfg.ID) {
		c.follow(c.term, None)
	}
}

func differ(a, b []Member) (n int) {
	for _, m := range a {
		if !slices.Contains(b, m) {
			n++
		}
	}
	for _, m := range b {
		if !slices.Contains(a, m) {
			n++
		}
	}
	return n
}

// Installed tells a follower that its program replaced everything up to index by the snapshot of a
// leader of the term t; members are those of the snapshot. Entries behind it stay if they agree.
func (c *Core) Installed(from Member, t Term, index Index, indexTerm Term, members []Member) {
	if t < c.term {
		return
	}
	c.follow(t, from)
	if index > c.commit {
		if at, ok := c.TermAt(index); !ok || at != indexTerm {
			c.runs, c.last, c.durable = c.runs[:0], index, index
			c.snap, c.snapTerm = index, indexTerm
			c.changes = append(c.changes[:0], Change{index, append([]Member(nil), members...)})
		}
		c.verified = max(c.verified, index)
		c.durable = max(c.durable, index)
		c.commitTo(index)
		c.Compact(index)
	}
	c.ackSent = max(c.ackSent, index)
	c.send(Message{Kind: AppendReply, To: from, Term: c.term, Index: index, Prev: index})
}

// Reset tells a leader that a member has begun anew without what it had acknowledged: it answered an append
// behind prev that its log ends before. Commits stand; what it lacks is sent again.
func (c *Core) Reset(m Member, prev Index) {
	if p := c.peer(m); p != nil {
		p.match, p.snapshot, p.probing = 0, 0, true
		p.next = max(1, min(prev, c.last)+1)
	}
}

// SnapshotFailed tells a leader that the transfer to a member broke off; the next heartbeat begins anew.
func (c *Core) SnapshotFailed(to Member) {
	if p := c.peer(to); p != nil {
		p.snapshot = 0
	}
}
