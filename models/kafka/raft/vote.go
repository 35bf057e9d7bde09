package raft

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// lastEpoch is the epoch of the log's last record, 0 for an empty log.
func (r *Replica) lastEpoch() int32 {
	if e := r.log.LatestEpoch(); e > 0 && r.log.End() > 0 {
		return e
	}
	if r.log.End() == r.snap.end && r.snap.end > 0 {
		return r.snap.epoch
	}
	return 0
}

// askVotes sends Vote to every voter that has not answered in this election.
func (r *Replica) askVotes(pre bool) {
	for i := range r.voters {
		v := &r.voters[i]
		if v.answered {
			continue
		}
		r.trySend(v, func() wire.Request {
			return &wire.VoteRequest{
				Epoch: r.election.Epoch, Candidate: r.cfg.ID, LastEpoch: r.lastEpoch(), End: r.log.End(), PreVote: pre,
			}
		})
	}
}

// Vote is KafkaRaftClient.handleVoteRequest.
func (r *Replica) Vote(c *sim.Conn, m *wire.VoteRequest) {
	resp := &wire.VoteResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
	if m.Epoch < r.election.Epoch {
		resp.Err = wire.FencedLeaderEpoch
	} else {
		if m.Epoch > r.election.Epoch {
			r.unattached(m.Epoch)
		}
		resp.Granted = r.grants(m)
		if resp.Granted && !m.PreVote && r.election.Voted != m.Candidate && !r.vote(m.Epoch, m.Candidate) {
			return
		}
	}
	resp.Leader, resp.Epoch = r.election.Leader, r.election.Epoch
	r.env.Reply(c, resp)
	r.poll()
}

// grants is EpochState.canGrantVote: a log at least as long as one's own, one vote in an epoch, none
// beside a leader that is known. A pre-vote binds nobody; it is refused by a leader, and by a follower
// that has fetched from its leader (KIP-996).
func (r *Replica) grants(m *wire.VoteRequest) bool {
	last, end := r.lastEpoch(), r.log.End()
	upToDate := m.LastEpoch > last || m.LastEpoch == last && m.End >= end
	switch {
	case r.role == Leader:
		return false
	case m.PreVote:
		return upToDate && (r.role != Follower || !r.fetched)
	case r.role == Resigned, r.election.Leader >= 0 && r.role != Prospective:
		return false
	case r.election.Voted >= 0:
		return r.election.Voted == m.Candidate
	}
	return upToDate && r.election.Leader < 0
}

// voted is KafkaRaftClient.handleVoteResponse.
func (r *Replica) voted(v *voter, req *wire.VoteRequest, m *wire.VoteResponse) {
	if m.Epoch > r.election.Epoch || m.Leader >= 0 && m.Epoch == r.election.Epoch {
		if r.heard(m.Leader, m.Epoch) {
			return
		}
	}
	asks := r.role == Candidate && !req.PreVote || r.role == Prospective && req.PreVote
	if !asks || req.Epoch != r.election.Epoch || m.Err != wire.None {
		return
	}
	v.answered, v.granted = true, m.Granted
	r.maybeElected()
}

// maybeElected counts: a majority elects, and a majority against ends the hope.
func (r *Replica) maybeElected() {
	yes, no := 1, 0
	for i := range r.voters {
		switch {
		case r.voters[i].granted:
			yes++
		case r.voters[i].answered:
			no++
		}
	}
	switch {
	case yes >= r.majority() && r.role == Candidate:
		r.lead()
	case yes >= r.majority():
		r.candidate()
	case no > len(r.cfg.Voters)-r.majority() && r.role == Prospective:
		r.lostPreVote()
	case no > len(r.cfg.Voters)-r.majority() && !r.backingOff:
		r.lostVote()
	}
}

// lostVote: up to 3.9 a candidate that was refused, or not answered in time, waits for a random pause
// that grows with its attempts (binaryExponentialElectionBackoffMs); since 4.0 it asks for pre-votes.
func (r *Replica) lostVote() {
	r.env.Probe("kraft-election-lost")
	if r.cfg.PreVote {
		r.prospect()
		return
	}
	steps := r.env.Below(2 << min(20, r.retries-1))
	r.backingOff = true
	r.moves++
	r.deadline = r.env.Now() + min(sim.Time(steps)*backoffBase, r.cfg.BackoffMax)
	r.wake(r.deadline)
}

func (r *Replica) lostPreVote() {
	r.env.Probe("kraft-pre-vote-lost")
	if l := r.election.Leader; l >= 0 {
		r.follow(r.election.Epoch, l)
		return
	}
	r.leave()
	r.role = Unattached
	r.deadline = r.env.Now() + r.electionTimeout()
}

// BeginQuorumEpoch is KafkaRaftClient.handleBeginQuorumEpochRequest.
func (r *Replica) BeginQuorumEpoch(c *sim.Conn, m *wire.BeginQuorumEpochRequest) {
	resp := &wire.QuorumEpochResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
	if m.Epoch < r.election.Epoch {
		resp.Err = wire.FencedLeaderEpoch
	} else if !r.heard(m.Leader, m.Epoch) && r.role == Follower && r.election.Leader == m.Leader && r.cfg.RepeatBegin {
		r.deadline = r.env.Now() + r.cfg.FetchTimeout // resetFetchTimeoutForSuccessfulBeginQuorumEpochRequest
	}
	if r.dir.Offline() != nil {
		return
	}
	resp.Leader, resp.Epoch = r.election.Leader, r.election.Epoch
	r.env.Reply(c, resp)
	r.poll()
}

// EndQuorumEpoch is KafkaRaftClient.handleEndQuorumEpochRequest: the leader's preferred successor stands
// at once, the others later, each in its place of the list (strictExponentialElectionBackoffMs).
func (r *Replica) EndQuorumEpoch(c *sim.Conn, m *wire.EndQuorumEpochRequest) {
	resp := &wire.QuorumEpochResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
	if m.Epoch < r.election.Epoch {
		resp.Err = wire.FencedLeaderEpoch
	} else {
		r.heard(m.Leader, m.Epoch)
		if r.dir.Offline() != nil {
			return
		}
		if r.role == Follower && r.election.Leader == m.Leader {
			r.deadline = r.env.Now() + r.endBackoff(m.Successors)
			r.fetched = false
		}
	}
	resp.Leader, resp.Epoch = r.election.Leader, r.election.Epoch
	r.env.Reply(c, resp)
	r.poll()
}

func (r *Replica) endBackoff(successors []int32) sim.Time {
	for i, id := range successors {
		if id != r.cfg.ID {
			continue
		}
		if i == 0 {
			return 0
		}
		base := r.cfg.BackoffMax >> min(62, len(successors)-1)
		return min(r.cfg.BackoffMax, base<<min(20, i-1))
	}
	return sim.Time(r.env.Below(uint64(r.cfg.BackoffMax)))
}

// epochAnswered is the answer to BeginQuorumEpoch or EndQuorumEpoch.
func (r *Replica) epochAnswered(v *voter, req wire.Request, m *wire.QuorumEpochResponse) {
	if r.heard(m.Leader, m.Epoch) {
		return
	}
	switch req := req.(type) {
	case *wire.BeginQuorumEpochRequest:
		if r.role == Leader && req.Epoch == r.election.Epoch && m.Err == wire.None {
			v.present = true
		}
	case *wire.EndQuorumEpochRequest:
		if r.role == Resigned && req.Epoch == r.election.Epoch {
			v.told = true
		}
	}
}

// Told says whether every voter knows that this leader resigned, or has elected another.
func (r *Replica) Told() bool {
	if r.role != Resigned {
		return true
	}
	for i := range r.voters {
		if !r.voters[i].told {
			return false
		}
	}
	return true
}
