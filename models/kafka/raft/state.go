package raft

// leave ends the present role.
func (r *Replica) leave() {
	r.moves++
	if r.claimed {
		r.claimed = false
		r.env.Renounced()
	}
	if r.role == Leader {
		// Parked fetches are answered with what the replica is now (fetchPurgatory.completeAllExceptionally).
		r.build.Reset()
		r.pending, r.lingerAt = 0, 0
	}
	r.backingOff, r.fetched, r.starts, r.succ = false, false, -1, nil
}

// become makes a new epoch, leader or vote durable (QuorumState.durableTransitionTo) and then takes
// the role.
func (r *Replica) become(role Role, e election) bool {
	if e.Epoch < r.election.Epoch {
		r.env.Violate("kafka-I6", "quorum epoch went from "+itoa(int64(r.election.Epoch))+" to "+itoa(int64(e.Epoch)))
		return false
	}
	r.leave()
	told := e.Leader != r.election.Leader || e.Epoch != r.election.Epoch
	r.role, r.election = role, e
	if !r.store() {
		return false
	}
	r.endParked()
	if told {
		r.env.Led(e.Leader, e.Epoch)
	}
	return true
}

// unattached is QuorumState.transitionToUnattached: a later epoch whose leader is not known. Who waits
// for an election goes on waiting; who had a leader begins to.
func (r *Replica) unattached(epoch int32) {
	now := r.env.Now()
	waits := r.role == Unattached || r.role == Candidate || r.role == Prospective
	deadline := r.deadline
	if !waits || r.backingOff || deadline <= now {
		deadline = now + r.electionTimeout()
	}
	if !r.become(Unattached, election{Epoch: epoch, Leader: -1, Voted: -1}) {
		return
	}
	r.deadline = deadline
}

// vote is QuorumState.transitionToUnattachedVotedState.
func (r *Replica) vote(epoch, candidate int32) bool {
	if !r.become(Unattached, election{Epoch: epoch, Leader: -1, Voted: candidate}) {
		return false
	}
	r.deadline = r.env.Now() + r.electionTimeout()
	return true
}

// follow is QuorumState.transitionToFollower.
func (r *Replica) follow(epoch, leader int32) {
	if leader == r.cfg.ID {
		r.env.Violate("kafka-raft", "told to follow itself in epoch "+itoa(int64(epoch)))
		return
	}
	voted := int32(-1)
	if epoch == r.election.Epoch {
		voted = r.election.Voted
	}
	if !r.become(Follower, election{Epoch: epoch, Leader: leader, Voted: voted}) {
		return
	}
	r.retries = 0
	r.deadline = r.env.Now() + r.cfg.FetchTimeout
}

// stand begins an election: at once, or with a round of pre-votes where the version has them.
func (r *Replica) stand() {
	if r.cfg.PreVote {
		r.prospect()
	} else {
		r.candidate()
	}
}

// prospect is QuorumState.transitionToProspective: the epoch stays as it is, and so does the leader that
// was known.
func (r *Replica) prospect() {
	r.leave()
	r.role = Prospective
	r.deadline = r.env.Now() + r.electionTimeout()
	r.resetVoters()
}

// candidate is QuorumState.transitionToCandidate.
func (r *Replica) candidate() {
	retries := r.retries + 1
	if !r.become(Candidate, election{Epoch: r.election.Epoch + 1, Leader: -1, Voted: r.cfg.ID}) {
		return
	}
	r.retries = retries
	r.deadline = r.env.Now() + r.electionTimeout()
	r.resetVoters()
	r.maybeElected()
}

// resign is QuorumState.transitionToResigned: the leader stays the leader of its epoch on disk, and
// tells the others whom it would like to see next.
func (r *Replica) resign() {
	succ := r.successors()
	r.leave()
	r.env.Probe("kraft-leader-resigned")
	r.role, r.succ = Resigned, succ
	r.deadline = r.env.Now() + r.electionTimeout()
	r.resetVoters()
	r.endParked()
	r.env.Led(-1, r.election.Epoch)
}

func (r *Replica) resetVoters() {
	for i := range r.voters {
		v := &r.voters[i]
		v.answered, v.granted, v.present, v.counted, v.told = false, false, false, false, false
		v.end, v.lastFetch, v.beganAt = -1, -1, -1
	}
}

// heard is KafkaRaftClient.maybeTransition: somebody named an epoch and perhaps its leader. It reports
// whether that changed the replica's own state.
func (r *Replica) heard(leader, epoch int32) bool {
	switch {
	case epoch < r.election.Epoch || leader == r.cfg.ID && epoch == r.election.Epoch:
		return false
	case epoch > r.election.Epoch && leader >= 0 && leader != r.cfg.ID:
		r.follow(epoch, leader)
	case epoch > r.election.Epoch:
		r.unattached(epoch)
	case leader >= 0 && r.election.Leader < 0:
		r.follow(epoch, leader)
	case leader >= 0 && r.election.Leader != leader:
		r.env.Violate("kafka-raft", "leaders "+itoa(int64(leader))+" and "+itoa(int64(r.election.Leader))+" in epoch "+itoa(int64(epoch)))
		return false
	default:
		return false
	}
	return true
}
