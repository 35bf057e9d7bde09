package zk

import "github.com/mqsim/mqsim/sim"

// Times of the leader election (FastLeaderElection, its constants of the same names).
const (
	finalizeWait            = 200 * sim.Millisecond
	minNotificationInterval = 200 * sim.Millisecond
	maxNotificationInterval = 60 * sim.Second
)

// peerState is what a server is doing, as it tells the others.
type peerState uint8

const (
	looking peerState = iota
	following
	leading
)

func (s peerState) String() string { return [...]string{"looking", "following", "leading"}[s] }

// vote proposes a leader: the one with the newest epoch and log wins, the larger id breaks ties.
type vote struct {
	leader serverID
	zxid   int64 // last in the proposed leader's log
	epoch  int64 // the proposed leader's current epoch (peerEpoch)
	round  int64 // electionEpoch: election round of the voter
}

// better is FastLeaderElection.totalOrderPredicate.
func (v vote) better(than vote) bool {
	if v.epoch != than.epoch {
		return v.epoch > than.epoch
	}
	if v.zxid != than.zxid {
		return v.zxid > than.zxid
	}
	return v.leader > than.leader
}

// notification is a vote as it is sent.
type notification struct {
	from  serverID
	state peerState
	vote
}

// ballot is the last word of a server in a round.
type ballot struct {
	set   bool
	state peerState
	vote
}

// election is one server's part in electing a leader (FastLeaderElection.lookForLeader) as a pure
// state machine: notifications and time-outs come in; effects go out through electionEnv.
type election struct {
	env  electionEnv
	self serverID
	n    int

	round    int64 // logicalclock
	own      vote  // for itself, when this election began
	proposed vote
	current  vote     // the vote that the last election ended with
	received []ballot // of this round, by server id - 1
	outside  []ballot // of servers that follow or lead already

	running  bool
	final    bool // a quorum agrees; waiting for a better vote
	interval sim.Time
}

// electionEnv is what an election needs from its server.
type electionEnv interface {
	// sendVote sends a notification to one server.
	sendVote(to serverID, n notification)
	// electionTimer calls election.timeout after d, unless another one is armed before.
	electionTimer(d sim.Time)
	// elected ends the election.
	elected(leader serverID)
}

func newElection(env electionEnv, self serverID, n int) *election {
	return &election{env: env, self: self, n: n, received: make([]ballot, n), outside: make([]ballot, n)}
}

// start begins a round with a vote for itself.
func (e *election) start(zxid, epoch int64) {
	e.running, e.final = true, false
	e.round++
	clear(e.received)
	clear(e.outside)
	e.own = vote{leader: e.self, zxid: zxid, epoch: epoch}
	e.propose(e.own)
	e.interval = minNotificationInterval
	e.env.electionTimer(e.interval)
	e.tally()
}

// propose changes the vote and tells everybody.
func (e *election) propose(v vote) {
	v.round = e.round
	e.proposed = v
	e.received[e.self-1] = ballot{set: true, vote: v}
	for id := serverID(1); id <= serverID(e.n); id++ {
		if id != e.self {
			e.env.sendVote(id, e.message())
		}
	}
}

// message is this server's vote as a looking server tells it.
func (e *election) message() notification { return notification{from: e.self, vote: e.proposed} }

// settled is this server's vote as a following or leading server tells it.
func (e *election) settled(state peerState) notification {
	return notification{from: e.self, state: state, vote: e.current}
}

// receive takes a notification while this server is looking.
func (e *election) receive(n notification) {
	if !e.running {
		return
	}
	if n.state != looking {
		e.receiveSettled(n)
		return
	}
	switch {
	case n.round > e.round:
		e.round = n.round
		clear(e.received)
		e.final = false
		if n.vote.better(e.own) {
			e.propose(n.vote)
		} else {
			e.propose(e.own)
		}
	case n.round < e.round:
		// The sender is a round behind: WorkerReceiver tells it ours.
		e.env.sendVote(n.from, e.message())
		return
	case n.vote.better(e.proposed):
		e.final = false
		e.propose(n.vote)
	}
	e.received[n.from-1] = ballot{set: true, vote: n.vote}
	e.tally()
}

// tally waits finalizeWait for a better vote once a quorum agrees with ours. Every further
// notification that is no better starts the wait again, as each poll of the queue does.
func (e *election) tally() {
	count := 0
	for i := range e.received {
		b := &e.received[i]
		if b.set && b.state == looking && b.vote == e.proposed {
			count++
		}
	}
	if count*2 <= e.n {
		if !e.final {
			e.env.electionTimer(e.interval)
		}
		return
	}
	e.final = true
	e.env.electionTimer(finalizeWait)
}

// receiveSettled takes the vote of a server that follows or leads: this server joins if a quorum
// says so and the leader itself is among those who say it.
func (e *election) receiveSettled(n notification) {
	b := ballot{set: true, state: n.state, vote: n.vote}
	if n.round == e.round {
		e.received[n.from-1] = b
		if e.agreed(e.received, b) && e.confirmed(e.received, n) {
			e.finish(n.vote)
			return
		}
	}
	e.outside[n.from-1] = b
	if e.agreed(e.outside, b) && e.confirmed(e.outside, n) {
		e.round = n.round
		e.finish(n.vote)
	}
}

// agreed says whether a quorum has the same vote; once servers have settled, only leader and epoch
// count (Vote.equals).
func (e *election) agreed(votes []ballot, v ballot) bool {
	count := 0
	for i := range votes {
		b := &votes[i]
		if b.set && b.leader == v.leader && b.epoch == v.epoch {
			count++
		}
	}
	return count*2 > e.n
}

// confirmed is FastLeaderElection.checkLeader.
func (e *election) confirmed(votes []ballot, n notification) bool {
	if n.leader == e.self {
		return n.round == e.round
	}
	b := &votes[n.leader-1]
	return b.set && b.state == leading
}

// timeout ends the wait for a better vote, or repeats the vote when nobody was heard.
func (e *election) timeout() {
	if !e.running {
		return
	}
	if e.final {
		e.finish(e.proposed)
		return
	}
	e.interval = min(2*e.interval, maxNotificationInterval)
	e.propose(e.proposed)
	e.env.electionTimer(e.interval)
}

func (e *election) finish(v vote) {
	e.running, e.final = false, false
	e.current = v
	e.current.round = e.round
	e.env.elected(v.leader)
}
