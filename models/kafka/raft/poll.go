package raft

import (
	"slices"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// poll does what is due in the present role and arms the timer for what comes next
// (KafkaRaftClient.pollCurrentState).
func (r *Replica) poll() {
	if r.dir.Offline() != nil {
		return
	}
	r.expireParked()
	for before := r.moves - 1; before != r.moves; {
		before = r.moves
		switch r.role {
		case Unattached:
			r.pollUnattached()
		case Prospective:
			r.pollProspective()
		case Candidate:
			r.pollCandidate()
		case Follower:
			r.pollFollower()
		case Leader:
			r.pollLeader()
		case Resigned:
			r.pollResigned()
		}
	}
}

// due says whether the role's deadline has come, and wakes for it if not.
func (r *Replica) due() bool {
	if r.env.Now() >= r.deadline {
		return true
	}
	r.wake(r.deadline)
	return false
}

func (r *Replica) pollUnattached() {
	if !r.isVoter {
		r.fetchAny()
		return
	}
	if r.stopping {
		return
	}
	if r.due() {
		r.stand()
		return
	}
	if r.cfg.RepeatBegin {
		// Voters look for the leader too (pollUnattachedCommon, KIP-853).
		r.fetchAny()
	}
}

// pollProspective: a lost or timed-out round of pre-votes leads back to the leader that was known, if
// any (KafkaRaftClient.pollProspective, 4.0).
func (r *Replica) pollProspective() {
	if r.due() {
		r.lostPreVote()
		return
	}
	r.askVotes(true)
}

func (r *Replica) pollCandidate() {
	switch {
	case r.backingOff:
		if r.due() {
			r.env.Probe("kraft-election-again")
			r.candidate()
		}
	case r.due():
		r.lostVote()
	default:
		r.askVotes(false)
	}
}

// pollFollower: a voter that hears nothing of its leader for the fetch time-out stands; an observer
// asks any voter who leads.
func (r *Replica) pollFollower() {
	late := r.due()
	switch {
	case late && r.isVoter && !r.stopping:
		r.env.Probe("kraft-fetch-timeout")
		r.stand()
	case late && !r.isVoter:
		r.fetchAny()
	default:
		leader := r.voter(r.election.Leader)
		if !r.isVoter && leader.inFlight == nil && r.env.Now() < leader.readyAt {
			r.fetchAny() // pollFollowerAsObserver: the leader's connection is backing off
			r.wake(leader.readyAt)
			return
		}
		r.fetch(leader)
	}
}

// pollLeader checks the quorum, writes what has lingered, and presents itself to voters that do not
// know it.
func (r *Replica) pollLeader() {
	now := r.env.Now()
	if r.cfg.CheckQuorum && len(r.voters) > 0 && r.due() {
		r.env.Probe("kraft-quorum-lost")
		r.resign()
		return
	}
	if r.pending > 0 {
		if now >= r.lingerAt {
			r.drain()
		} else {
			r.wake(r.lingerAt)
		}
	}
	for i := range r.voters {
		r.present(&r.voters[i], now)
	}
}

// present sends BeginQuorumEpoch to a voter until it acknowledges, and since 3.9 again when it has not
// fetched for half of the fetch time-out (KafkaRaftClient.maybeSendBeginQuorumEpochRequests).
func (r *Replica) present(v *voter, now sim.Time) {
	if v.present {
		if !r.cfg.RepeatBegin {
			return
		}
		next := max(v.lastFetch, v.beganAt) + r.cfg.FetchTimeout/2
		if now < next {
			r.wake(next)
			return
		}
	}
	if r.trySend(v, func() wire.Request {
		return &wire.BeginQuorumEpochRequest{Leader: r.cfg.ID, Epoch: r.election.Epoch}
	}) {
		v.beganAt = now
	}
}

// pollResigned tells the voters, and stands again if nobody else was elected meanwhile.
func (r *Replica) pollResigned() {
	if r.stopping {
		if r.due() {
			return
		}
	} else if r.due() {
		if r.cfg.PreVote {
			r.unattached(r.election.Epoch + 1) // pollResigned of 4.0
		} else {
			r.candidate()
		}
		return
	}
	for i := range r.voters {
		v := &r.voters[i]
		if !v.told {
			r.trySend(v, func() wire.Request {
				return &wire.EndQuorumEpochRequest{Leader: r.cfg.ID, Epoch: r.election.Epoch, Successors: r.succ}
			})
		}
	}
}

// successors are the other voters, those with the longest logs first
// (LeaderState.nonLeaderVotersByDescendingFetchOffset).
func (r *Replica) successors() []int32 {
	list := make([]voter, len(r.voters))
	copy(list, r.voters)
	slices.SortStableFunc(list, func(a, b voter) int {
		switch {
		case a.end > b.end:
			return -1
		case a.end < b.end:
			return 1
		}
		return int(a.id) - int(b.id)
	})
	out := make([]int32, len(list))
	for i := range list {
		out[i] = list[i].id
	}
	return out
}

// Stop begins a graceful end: a leader resigns so that the others need not wait for a time-out. It says
// whether the replica has something to tell the others first.
func (r *Replica) Stop() bool {
	r.stopping = true
	if r.role != Leader || len(r.voters) == 0 {
		return false
	}
	r.drain()
	r.resign()
	r.poll()
	return true
}
