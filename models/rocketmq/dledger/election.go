package dledger

import (
	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// watch keeps one timer for the silence of the leader; it finds a later deadline and sleeps again.
func (m *Member) watch() {
	if !m.following {
		m.following = true
		m.env.At(m.heard+m.cfg.Leak*m.cfg.Heartbeat+1, timerFollow, 0)
	}
}

// silent looks whether the leader has been silent for longer than maxHeartBeatLeak intervals
// (DLedgerLeaderElector.maintainAsFollower): the member is a candidate then, in the old term.
func (m *Member) silent() {
	m.following = false
	if m.was != consensus.Follower {
		return
	}
	if m.env.Now()-m.heard <= m.cfg.Leak*m.cfg.Heartbeat {
		m.watch()
		return
	}
	m.core.LeaderLost()
	m.drain(nil)
}

// candidate begins to ask for votes at an instant.
func (m *Member) candidate(at sim.Time) {
	m.gen++
	m.round.open = false
	m.env.At(at, timerVote, m.gen)
}

// next is getNextTimeToRequestVote.
func (m *Member) next() sim.Time {
	return m.env.Now() + m.env.Rand().Range(m.cfg.VoteMin, m.cfg.VoteMax-1)
}

// ask is one round of votes (maintainAsCandidate). It ends when it is decided, when everybody has answered
// or cannot be reached, or after 2 to 3 s.
func (m *Member) ask() {
	raise := m.raise
	m.raise = false
	m.gen++
	m.round = round{open: true, term: m.core.Term(), replied: 1}
	if raise {
		m.round.term++
	}
	m.core.Campaign(raise)
	m.term = m.core.Term()
	const latch = 2 * sim.Second // voteLatch.await(2000 + random.nextInt(maxVoteIntervalMs))
	m.env.At(m.env.Now()+latch+m.env.Rand().Range(0, m.cfg.VoteMax-1), timerLatch, m.gen)
	m.drain(nil)
}

// vote answers a candidate (handleVote). The candidate's log is looked at before its term: one that is
// behind ours changes nothing here.
func (m *Member) vote(in *wire.LedgerMessage) {
	reply := func(why wire.Reason) {
		out := m.pool.Ledger()
		out.Message = consensus.Message{Kind: consensus.VoteReply, From: m.cfg.Self, To: in.From, Term: m.core.Term(), Reject: true}
		if out.Reason = why; why == wire.BiggerLog {
			out.Term = in.Term // only REJECT_EXPIRED_VOTE_TERM tells the candidate a term
		}
		m.env.Send(out)
	}
	mine, _ := m.core.TermAt(m.core.Last())
	switch {
	case in.LogTerm < mine || in.LogTerm == mine && in.Index < m.core.Last():
		reply(wire.BiggerLog)
	case in.Term == m.core.Term() && m.core.Vote() != consensus.None && m.core.Vote() != in.From:
		why := wire.NoReason
		if m.core.Leader() != consensus.None {
			why = wire.HasLeader
		}
		reply(why)
	default:
		m.core.Step(in.Message, nil)
		m.drain(nil)
	}
}

// voted counts an answer (VoteResponse.ParseResult).
func (m *Member) voted(in *wire.LedgerMessage) {
	r := &m.round
	mine := r.open && in.Term <= r.term && m.core.Term() == r.term
	if mine {
		r.replied++
		if in.Reason == wire.BiggerLog {
			r.bigger++
		}
	}
	if in.Term > m.core.Term() {
		r.open = false
	}
	m.core.Step(in.Message, nil)
	m.drain(nil)
	if !mine || !m.round.open {
		return
	}
	if in.Reason == wire.HasLeader || m.round.replied+m.round.failed == len(m.cfg.Members) {
		m.endRound(in.Reason == wire.HasLeader)
	}
}

// Failed: a vote request could not be delivered.
func (m *Member) Failed() {
	if !m.round.open || m.was == consensus.Leader {
		return
	}
	if m.round.replied+m.round.failed == len(m.cfg.Members)-1 {
		m.endRound(false)
		return
	}
	m.round.failed++
}

// endRound decides when and in which term to ask again.
func (m *Member) endRound(hasLeader bool) {
	r := &m.round
	if !r.open || m.Leading() {
		return
	}
	quorum := len(m.cfg.Members)/2 + 1
	at := m.next()
	switch {
	case hasLeader:
		at += m.cfg.Leak * m.cfg.Heartbeat
	case r.replied < quorum: // WAIT_TO_REVOTE
	case r.replied-r.bigger < quorum:
		at += m.cfg.VoteMax
	default:
		m.raise = true // WAIT_TO_VOTE_NEXT
	}
	m.candidate(at)
}
