package consensus

// Propose appends n entries to a leader's log and returns the index of the first, false if the member
// does not lead. The program writes them, calls Flush to send them, and Written when they are durable.
func (c *Core) Propose(n int) (Index, bool) {
	if c.role != Leader {
		return 0, false
	}
	first := c.last + 1
	c.push(c.term, n)
	return first, true
}

// Flush sends what members lack, as far as the limits allow.
func (c *Core) Flush() {
	if c.role != Leader {
		return
	}
	for i := range c.peers {
		p := &c.peers[i]
		for !p.probing && p.snapshot == 0 && p.next <= c.last && c.room(p) {
			if !c.append(p, false) {
				break
			}
		}
	}
}

// Heartbeat sends an append to every member: with entries if it lacks some, else empty. It is also how a
// lost message is made good: a member that does not answer is asked again.
func (c *Core) Heartbeat() {
	if c.role != Leader {
		return
	}
	for i := range c.peers {
		c.append(&c.peers[i], true)
	}
}

// Announce tells the members of a new commit index that no append has carried yet.
func (c *Core) Announce() {
	if c.role != Leader {
		return
	}
	for i := range c.peers {
		if p := &c.peers[i]; p.snapshot == 0 && p.committed < min(c.commit, p.match) {
			c.append(p, true)
		}
	}
}

// append sends one append; empty says whether one without entries is worth it.
func (c *Core) append(p *peer, empty bool) bool {
	prev := p.next - 1
	t, ok := c.TermAt(prev)
	if !ok {
		if p.snapshot < c.snap {
			p.snapshot = c.snap
			c.effect(Effect{Kind: SendSnapshot, Message: Message{From: c.cfg.ID, To: p.id, Term: c.term}, Index: c.snap, Term: c.snapTerm})
		}
		return false
	}
	n := 0
	if p.snapshot == 0 && (p.probing || c.room(p)) {
		n = int(min(c.last-prev, Index(c.cfg.MaxBatch)))
	}
	if n == 0 && !empty {
		return false
	}
	c.send(Message{Kind: AppendRequest, To: p.id, Term: c.term, Index: prev, LogTerm: t, Count: n, Commit: c.commit})
	p.committed = c.commit
	if n > 0 && !p.probing {
		p.next += Index(n)
	}
	return true
}

// room: the window of a member has place for more.
func (c *Core) room(p *peer) bool { return p.next-1-p.match < Index(c.cfg.Window) }

// Step handles a message; entries are those of an append, in order. They are read during the call only.
func (c *Core) Step(m Message, entries []Entry) {
	switch m.Kind {
	case PreVoteRequest, VoteRequest:
		c.stepVoteRequest(&m)
	case PreVoteReply, VoteReply:
		c.stepVoteReply(&m)
	case AppendRequest:
		c.stepAppend(&m, entries)
	case AppendReply:
		c.stepAppendReply(&m)
	case TimeoutNow:
		if m.Term == c.term && c.role == Follower && c.isMember(c.cfg.ID) {
			c.lead = None
			c.campaign(true, true)
		}
	}
}

func (c *Core) stepAppend(m *Message, entries []Entry) {
	if m.Term < c.term {
		c.send(Message{Kind: AppendReply, To: m.From, Term: c.term, Index: c.last, Prev: m.Index, Reject: true})
		return
	}
	if c.role != Follower || m.Term > c.term || c.lead != m.From {
		c.follow(m.Term, m.From)
	} else {
		c.effect(Effect{Kind: ArmElection})
	}
	prev, skip := m.Index, 0
	if prev < c.snap { // entries that our snapshot already covers are committed and agree
		skip = int(min(c.snap-prev, Index(len(entries))))
		prev += Index(skip)
	}
	if t, ok := c.TermAt(prev); prev >= c.snap && (!ok || prev == m.Index && t != m.LogTerm) {
		if ok && prev <= c.commit {
			c.effect(Effect{Kind: Contradiction, Index: prev})
			return
		}
		c.reject(m, prev)
		return
	}
	for ; skip < len(entries); skip++ { // what we have already
		t, ok := c.TermAt(m.Index + Index(skip) + 1)
		if !ok {
			break
		}
		if t != entries[skip].Term {
			if !c.conflict(m.Index + Index(skip) + 1) {
				return
			}
			break
		}
	}
	c.take(m, entries, skip)
	c.verified = max(c.verified, m.Index+Index(len(entries)))
	c.commitTo(min(m.Commit, c.verified))
	if skip < len(entries) && c.durable < c.verified {
		return // Written answers
	}
	c.ackSent = min(c.durable, c.verified)
	c.send(Message{Kind: AppendReply, To: m.From, Term: c.term, Index: c.ackSent, Prev: m.Index, Count: len(entries)})
}

// conflict removes the entries from index on; false if they were committed.
func (c *Core) conflict(from Index) bool {
	if from <= c.commit {
		c.effect(Effect{Kind: Contradiction, Index: from})
		return false
	}
	c.cut(from)
	c.effect(Effect{Kind: Truncate, Index: from})
	return true
}

// take appends the entries from number skip on.
func (c *Core) take(m *Message, entries []Entry, skip int) {
	if skip >= len(entries) {
		return
	}
	at := m.Index + Index(skip) + 1
	for _, e := range entries[skip:] {
		c.push(e.Term, 1)
		if e.Members != nil {
			c.changes = append(c.changes, Change{c.last, append([]Member(nil), e.Members...)})
		}
	}
	c.effect(Effect{Kind: Append, Index: at, Count: len(entries) - skip, Skip: skip})
}

// reject tells the leader where the logs may meet: the end of the run before the one that disagrees.
func (c *Core) reject(m *Message, prev Index) {
	hint := min(c.last, prev-1)
	for hint > c.snap {
		if t, _ := c.TermAt(hint); t <= m.LogTerm {
			break
		}
		hint--
	}
	t, _ := c.TermAt(hint)
	c.send(Message{Kind: AppendReply, To: m.From, Term: c.term, Index: hint, LogTerm: t, Prev: m.Index, Reject: true})
}

func (c *Core) stepAppendReply(m *Message) {
	if m.Term > c.term {
		c.follow(m.Term, None)
		return
	}
	p := c.peer(m.From)
	if c.role != Leader || m.Term < c.term || p == nil {
		return
	}
	p.heard = true
	if m.Reject {
		c.backUp(p, m)
		return
	}
	if m.Index > p.match {
		p.match = m.Index
		if p.snapshot != 0 && p.match >= p.snapshot {
			p.snapshot = 0
			p.probing = true
			p.next = p.match + 1
		}
	}
	if p.probing && m.Prev >= p.next-1 {
		p.probing = false
		p.next = max(p.next, m.Prev+Index(m.Count)+1)
	}
	p.next = max(p.next, p.match+1)
	c.advance()
	c.Flush()
}

// backUp goes back to where the logs may agree. Answers to older appends are passed over.
func (c *Core) backUp(p *peer, m *Message) {
	if m.Prev <= p.match && m.Prev != 0 || p.probing && m.Prev != p.next-1 {
		return
	}
	next := m.Index + 1
	for next > c.snap+1 {
		if t, _ := c.TermAt(next - 1); t <= m.LogTerm {
			break
		}
		next--
	}
	p.next = max(p.match+1, min(next, c.last+1))
	p.probing = true
	c.append(p, true)
}

// Written says that the entries up to index, of that term, are durable here. A leader counts itself, a
// follower answers. News of entries that were removed since is passed over.
func (c *Core) Written(index Index, t Term) {
	if at, ok := c.TermAt(index); !ok || at != t || index <= c.durable {
		return
	}
	c.durable = index
	if c.role == Leader {
		c.advance()
		return
	}
	if acked := min(c.durable, c.verified); c.lead != None && acked > c.ackSent {
		c.ackSent = acked
		c.send(Message{Kind: AppendReply, To: c.lead, Term: c.term, Index: acked, Prev: acked})
	}
}

// advance commits what a majority has: section 5.4.2, only entries of the leader's own term by count.
func (c *Core) advance() {
	if c.role != Leader {
		return
	}
	at := c.median()
	if t, ok := c.TermAt(at); ok && (t == c.term || c.cfg.CommitAnyTerm) {
		c.commitTo(at)
	}
}

// median is the highest index that a majority of the members holds.
func (c *Core) median() Index {
	var held [16]Index
	match := held[:0]
	for _, m := range c.Members() {
		match = append(match, c.Match(m))
	}
	for i := 1; i < len(match); i++ { // a handful: insertion sort, highest first
		for k := i; k > 0 && match[k] > match[k-1]; k-- {
			match[k], match[k-1] = match[k-1], match[k]
		}
	}
	if len(match) == 0 {
		return 0
	}
	return match[c.majority()-1]
}

func (c *Core) commitTo(i Index) {
	if i = min(i, c.last); i > c.commit {
		c.commit = i
		c.effect(Effect{Kind: Committed, Index: i})
		c.left()
	}
}
