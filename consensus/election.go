package consensus

// Campaign is the end of the election time-out. raise says whether the campaign raises the term, as Raft
// does; DLedger's first round after a lost leader stays in the old one.
func (c *Core) Campaign(raise bool) {
	if c.role == Leader || !c.isMember(c.cfg.ID) {
		return
	}
	c.lead = None
	if c.cfg.PreVote {
		c.preCampaign()
		return
	}
	c.campaign(raise, false)
}

func (c *Core) preCampaign() {
	c.become(PreCandidate)
	c.votes = append(c.votes[:0], ballot{c.cfg.ID, true})
	if c.tally() == won {
		c.campaign(true, false)
		return
	}
	c.ask(PreVoteRequest, false)
}

func (c *Core) campaign(raise, force bool) {
	if raise {
		c.enter(c.term+1, c.cfg.ID)
	} else if c.vote == None {
		c.vote = c.cfg.ID
		c.save()
	}
	c.become(Candidate)
	c.votes = append(c.votes[:0], ballot{c.cfg.ID, c.vote == c.cfg.ID})
	if c.tally() == won {
		c.win()
		return
	}
	c.ask(VoteRequest, force)
}

func (c *Core) ask(kind MessageKind, force bool) {
	for _, m := range c.Members() {
		if m != c.cfg.ID {
			c.send(Message{Kind: kind, To: m, Term: c.term, Index: c.last, LogTerm: c.lastTerm(), Force: force})
		}
	}
	c.effect(Effect{Kind: ArmElection})
}

// become changes the role and says so.
func (c *Core) become(r Role) {
	c.role = r
	if r != Leader {
		c.peers = c.peers[:0]
	}
	c.effect(Effect{Kind: RoleChanged})
}

// enter begins a new term, durably; nothing is known to agree with its leader yet.
func (c *Core) enter(t Term, vote Member) {
	c.term, c.vote = t, vote
	c.verified, c.ackSent = 0, 0
	c.save()
}

// follow makes the member a follower in a term. A higher term forgets the vote, durably.
func (c *Core) follow(t Term, leader Member) {
	changed := c.role != Follower || c.term != t || c.lead != leader
	if t > c.term {
		c.enter(t, None)
	}
	c.lead = leader
	if changed {
		c.become(Follower)
		c.effect(Effect{Kind: ArmElection})
	}
}

// upToDate: the election restriction, section 5.4.1.
func (c *Core) upToDate(m *Message) bool {
	mine := c.lastTerm()
	return m.LogTerm > mine || m.LogTerm == mine && m.Index >= c.last
}

func (c *Core) stepVoteRequest(m *Message) {
	reply := VoteReply
	if m.Kind == PreVoteRequest {
		reply = PreVoteReply
	}
	if m.Term < c.term || c.cfg.Sticky && !m.Force && c.lead != None && c.lead != m.From {
		c.send(Message{Kind: reply, To: m.From, Term: c.term, Reject: true})
		return
	}
	if m.Term > c.term {
		c.follow(m.Term, None)
	}
	if c.role == Leader {
		// A member that asks in our own term has not heard of us: an append tells it.
		if p := c.peer(m.From); p != nil {
			c.append(p, true)
		}
		c.send(Message{Kind: reply, To: m.From, Term: c.term, Reject: true})
		return
	}
	grant := c.upToDate(m)
	if m.Kind == VoteRequest {
		grant = grant && (c.vote == None || c.vote == m.From)
		if grant && c.vote == None {
			c.vote = m.From
			c.save()
		}
		if grant {
			c.effect(Effect{Kind: ArmElection})
		}
	}
	c.send(Message{Kind: reply, To: m.From, Term: c.term, Reject: !grant})
}

func (c *Core) stepVoteReply(m *Message) {
	if m.Term > c.term {
		c.follow(m.Term, None)
		return
	}
	wanted := Candidate
	if m.Kind == PreVoteReply {
		wanted = PreCandidate
	}
	if c.role != wanted || m.Term < c.term {
		return
	}
	c.count(m.From, !m.Reject)
	switch c.tally() {
	case won:
		if c.role == PreCandidate {
			c.campaign(true, false)
		} else {
			c.win()
		}
	case lost:
		c.become(Follower) // its time-out goes on
	}
}

func (c *Core) count(m Member, granted bool) {
	for i := range c.votes {
		if c.votes[i].from == m {
			return
		}
	}
	c.votes = append(c.votes, ballot{m, granted})
}

type result uint8

const (
	open result = iota
	won
	lost
)

// tally counts the votes of members of the present group.
func (c *Core) tally() result {
	yes, no := 0, 0
	for _, v := range c.votes {
		switch {
		case !c.isMember(v.from):
		case v.granted:
			yes++
		default:
			no++
		}
	}
	switch {
	case yes >= c.majority():
		return won
	case no > len(c.Members())-c.majority():
		return lost
	}
	return open
}

// win: leadership begins. The program proposes its first entry (a no-op) when it sees the new role.
func (c *Core) win() {
	c.lead = c.cfg.ID
	c.peers = c.peers[:0]
	for _, m := range c.Members() {
		if m != c.cfg.ID {
			c.peers = append(c.peers, peer{id: m, next: c.last + 1, probing: true, heard: true})
		}
	}
	c.become(Leader)
	for i := range c.peers {
		c.append(&c.peers[i], true)
	}
	c.advance()
}

// CheckQuorum is a leader's look at whether a majority answered since its last look; if not it stops
// leading, and false is returned. How often it looks is the program's.
func (c *Core) CheckQuorum() bool {
	if c.role != Leader {
		return true
	}
	heard := 0
	if c.isMember(c.cfg.ID) {
		heard = 1
	}
	for i := range c.peers {
		if c.peers[i].heard && c.isMember(c.peers[i].id) {
			heard++
		}
		c.peers[i].heard = false
	}
	if heard >= c.majority() {
		return true
	}
	c.follow(c.term, None)
	return false
}

// StepDown ends leadership: the program counts by itself who answers. The member stays in its term.
func (c *Core) StepDown() {
	if c.role == Leader {
		c.follow(c.term, None)
	}
}

// Transfer hands leadership to a member that has the whole log; false if it cannot be.
func (c *Core) Transfer(to Member) bool {
	p := c.peer(to)
	if c.role != Leader || p == nil || p.match < c.last || !c.isMember(to) {
		return false
	}
	c.send(Message{Kind: TimeoutNow, To: to, Term: c.term})
	return true
}

// LeaderLost tells a follower that its leader is gone (its connection closed, a failure detector said
// so): it knows no leader from now on, and Sticky no longer holds it.
func (c *Core) LeaderLost() {
	if c.role == Follower && c.lead != None {
		c.lead = None
		c.effect(Effect{Kind: RoleChanged})
	}
}
