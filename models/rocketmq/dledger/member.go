package dledger

import (
	"strconv"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Timer kinds of a Member.
const (
	timerFollow   uint16 = iota // the leader may have been silent for too long
	timerVote                   // generation arg: ask for votes
	timerLatch                  // generation arg: the round is over
	timerBeat                   // generation arg: a leader's heartbeat
	timerAnnounce               // generation arg: tell the committed index
	timerWaits
	// Kinds is their number.
	Kinds
)

// announceEvery is how often a leader without pushes tells the committed index
// (DLedgerEntryPusher.EntryDispatcher.doCommit).
const announceEvery = sim.Second

// Member is one member in one incarnation of its broker.
type Member struct {
	cfg  *Config
	env  Env
	log  Log
	pool *wire.Pool
	core *consensus.Core
	was  consensus.Role // role as Changed last told, Candidate without a leader
	term consensus.Term
	gen  uint32 // of the timers of the present role

	heard     sim.Time // from the leader
	following bool     // timerFollow is under way
	raise     bool     // the next round is in the next term
	round     round

	beats    int // answers to the present heartbeat, our own included
	answered sim.Time
	beating  bool // the messages that leave now are heartbeats

	waits []wait
	first int
	armed bool
}

// round is one round of votes.
type round struct {
	open    bool
	term    consensus.Term
	replied int
	failed  int // members that cannot be reached
	bigger  int // members with more in their log
}

// wait is a send that waits for a majority.
type wait struct {
	index    consensus.Index
	deadline sim.Time
	waiter   uint32
}

// New makes a member from what its disk holds. Start begins.
func New(cfg *Config, env Env, log Log, pool *wire.Pool) *Member {
	m := &Member{cfg: cfg, env: env, log: log, pool: pool, was: consensus.Candidate}
	m.load()
	m.term = m.core.Term()
	return m
}

// load makes the core anew from the log.
func (m *Member) load() {
	st := m.log.LedgerState()
	st.Term, st.Vote = m.log.LoadVote()
	st.Changes = []consensus.Change{{Members: m.cfg.Members}}
	// QuorumAckWatermark counts copies whatever the term of the entry is; a push carries one entry
	// (enableBatchPush=false), 1000 may be under way (maxPendingSize).
	m.core = consensus.New(consensus.Config{ID: m.cfg.Self, CommitAnyTerm: true, MaxBatch: 1, Window: 1000}, st)
}

// Start makes the member a candidate, as every member is at first (MemberState.role).
func (m *Member) Start() { m.candidate(m.env.Now()) }

// Leading says whether the member leads, with its term.
func (m *Member) Leading() bool { return m.core.Role() == consensus.Leader }

// Term, Last and Commit are those of the core.
func (m *Member) Term() consensus.Term    { return m.core.Term() }
func (m *Member) Last() consensus.Index   { return m.core.Last() }
func (m *Member) Commit() consensus.Index { return m.core.Commit() }

// Leader is whom the member follows, None without one.
func (m *Member) Leader() consensus.Member { return m.core.Leader() }

// Full says whether too many entries wait for a majority (LEADER_PENDING_FULL).
func (m *Member) Full() bool { return len(m.waits)-m.first > m.cfg.Pending }

// Appended tells that the leader's log has one more entry; it is sent to the others.
func (m *Member) Appended() consensus.Index {
	i, _ := m.core.Propose(1)
	m.core.Written(i, m.core.Term())
	m.core.Flush()
	m.drain(nil)
	return i
}

// Wait begins the wait for a majority; Replicated(waiter) follows.
func (m *Member) Wait(i consensus.Index, waiter uint32) {
	if m.core.Commit() >= i {
		m.env.Replicated(waiter, true)
		return
	}
	m.waits = append(m.waits, wait{i, m.env.Now() + m.cfg.AckWait, waiter})
	m.armWaits()
}

func (m *Member) armWaits() {
	if !m.armed && m.first < len(m.waits) {
		m.armed = true
		m.env.At(m.waits[m.first].deadline, timerWaits, 0)
	}
}

// release ends the waits for committed entries. An entry that was replaced meanwhile is not ours.
func (m *Member) release() {
	for m.first < len(m.waits) && m.waits[m.first].index <= m.core.Commit() {
		m.env.Replicated(m.pop().waiter, true)
	}
}

func (m *Member) pop() wait {
	w := m.waits[m.first]
	m.first++
	if m.first == len(m.waits) {
		m.waits, m.first = m.waits[:0], 0
	}
	return w
}

// expire answers WAIT_QUORUM_ACK_TIMEOUT; the entry may still be committed later.
func (m *Member) expire() {
	m.armed = false
	for m.first < len(m.waits) && m.waits[m.first].deadline <= m.env.Now() {
		m.env.Probe("rocketmq-quorum-ack-timeout")
		m.env.Replicated(m.pop().waiter, false)
	}
	m.armWaits()
}

// Timer fires what the member armed.
func (m *Member) Timer(kind uint16, arg uint32) {
	switch {
	case kind == timerWaits:
		m.expire()
	case kind == timerFollow:
		m.silent()
	case arg != m.gen:
	case kind == timerVote:
		m.ask()
	case kind == timerLatch:
		m.endRound(false)
	case kind == timerBeat:
		m.beat()
	case kind == timerAnnounce:
		m.core.Announce()
		m.drain(nil)
		m.env.At(m.env.Now()+announceEvery, timerAnnounce, m.gen)
	}
}

// Step takes a message of another member.
func (m *Member) Step(in *wire.LedgerMessage) {
	term := m.core.Term()
	switch in.Kind {
	case consensus.VoteRequest:
		m.vote(in)
		m.pool.PutLedger(in)
		return
	case consensus.VoteReply:
		m.voted(in)
		m.pool.PutLedger(in)
		return
	case consensus.AppendReply:
		if in.Beat && m.Leading() && in.Term == term {
			if m.beats++; 2*m.beats > len(m.cfg.Members) {
				m.answered = m.env.Now()
			}
		}
	case consensus.AppendRequest:
		if in.Beat && in.Term >= term {
			m.heard = m.env.Now()
		}
	}
	m.beating = in.Beat && in.Kind == consensus.AppendRequest
	var entries []consensus.Entry
	var one [1]consensus.Entry
	if in.Count > 0 {
		one[0].Term = in.EntryTerm
		entries = one[:]
	}
	m.core.Step(in.Message, entries)
	m.drain(in)
	m.beating = false
	m.pool.PutLedger(in)
}

// drain does what the core asks for; in is the message that it has just handled.
func (m *Member) drain(in *wire.LedgerMessage) {
	for i := 0; i < len(m.core.Effects()); i++ {
		switch e := m.core.Effects()[i]; e.Kind {
		case consensus.Save:
			m.log.SaveVote(e.Term, e.Vote)
		case consensus.Send:
			m.send(&e.Message)
		case consensus.Truncate:
			m.env.Probe("rocketmq-dledger-truncated")
			if m.log.LedgerTruncate(e.Index) != nil {
				m.reload()
				return
			}
		case consensus.Append:
			if !m.log.LedgerAppend(in.Refs) {
				m.env.Probe("rocketmq-dledger-append-failed")
				m.reload()
				return
			}
			m.core.Written(e.Index, m.entryTermAt(e.Index))
		case consensus.Committed:
			m.log.LedgerCommit(e.Index)
			m.release()
		case consensus.Contradiction:
			// A member whose disk forgot committed entries leads now: the leader's log counts.
			m.env.Probe("rocketmq-dledger-committed-replaced")
			_ = m.log.LedgerTruncate(e.Index)
			m.reload()
			return
		}
	}
	m.core.Clear()
	m.look()
}

func (m *Member) entryTermAt(i consensus.Index) consensus.Term {
	t, _ := m.core.TermAt(i)
	return t
}

// reload begins anew with what the log holds; the leader finds out where it ends.
func (m *Member) reload() {
	m.load()
	m.look()
}

// send gives a message of the core to the network, with the entry that it is about.
func (m *Member) send(c *consensus.Message) {
	out := m.pool.Ledger()
	out.Message, out.Beat = *c, m.beating
	if c.Kind == consensus.AppendRequest && c.Count > 0 {
		refs, n, ok := m.log.LedgerRead(c.Index+1, out.Refs)
		if !ok {
			m.pool.PutLedger(out)
			return // a read failed: the next heartbeat tries again
		}
		out.Refs, out.Bytes = refs, int32(n)
		out.EntryTerm = m.entryTermAt(c.Index + 1)
	}
	m.env.Send(out)
}

// look finds out whether the role changed, and begins the new one.
func (m *Member) look() {
	now := consensus.Follower
	switch {
	case m.Leading():
		now = consensus.Leader
	case m.core.Leader() == consensus.None:
		now = consensus.Candidate
	}
	if now == m.was && m.core.Term() == m.term {
		return
	}
	before, sameTerm := m.was, m.core.Term() == m.term
	m.was, m.term = now, m.core.Term()
	switch now {
	case consensus.Leader:
		m.lead()
	case consensus.Follower:
		m.gen++
		m.round.open, m.raise = false, false
		m.heard = m.env.Now()
		m.watch()
	case consensus.Candidate:
		if before != consensus.Candidate && sameTerm {
			m.candidate(m.env.Now())
		} else {
			m.raise = false // another candidate's term: needIncreaseTermImmediately
			m.candidate(m.next())
		}
	}
	m.env.Changed()
}

// lead begins leadership.
func (m *Member) lead() {
	m.gen++
	m.round.open, m.raise = false, false
	m.log.LedgerTerm(m.core.Term())
	m.env.Emit("leader-elected", "", "term "+strconv.FormatUint(uint64(m.core.Term()), 10))
	m.answered = m.env.Now()
	m.env.At(m.env.Now()+announceEvery, timerAnnounce, m.gen)
	m.env.At(m.env.Now(), timerBeat, m.gen)
}

// beat sends heartbeats, and ends a leadership that no majority has answered for three intervals
// (DLedgerLeaderElector.sendHeartbeats).
func (m *Member) beat() {
	if m.env.Now()-m.answered > m.cfg.Leak*m.cfg.Heartbeat && len(m.cfg.Members) > 1 {
		m.env.Probe("rocketmq-dledger-step-down")
		m.core.StepDown()
		m.drain(nil)
		return
	}
	m.beats, m.beating = 1, true
	m.core.Heartbeat()
	m.drain(nil)
	m.beating = false
	m.env.At(m.env.Now()+m.cfg.Heartbeat, timerBeat, m.gen)
}
