package raft

import (
	"encoding/binary"
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// lead is KafkaRaftClient.onBecomeLeader: the new leader writes a record of its own epoch at once, since
// it may commit nothing before one of its own.
func (r *Replica) lead() {
	if !r.become(Leader, election{Epoch: r.election.Epoch, Leader: r.cfg.ID, Voted: r.cfg.ID}) {
		return
	}
	now := r.env.Now()
	r.retries = 0
	r.starts = r.log.End()
	r.resetVoters()
	r.checkAgain(now)
	r.w.K.Fold(uint64(r.election.Epoch)<<32 | uint64(uint32(r.cfg.ID)))
	r.build.Add(r.env.Wall(), leaderChangeKey, r.leaderChange())
	b := r.build.BuildControl()
	if _, err := r.log.AppendOwn(b, r.election.Epoch, r.env.Wall()); r.fail(err) {
		return
	}
	r.appended()
}

// leaderChangeKey is the key of a control record: version 0, type 2 (ControlRecordType.LEADER_CHANGE).
var leaderChangeKey = []byte{0, 0, 0, 2}

// leaderChange is LeaderChangeMessage v0: version, leader, voters, and those that granted.
func (r *Replica) leaderChange() []byte {
	b := binary.BigEndian.AppendUint16(nil, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(r.cfg.ID))
	list := func(ids []int32) {
		b = append(b, byte(len(ids)+1))
		for _, id := range ids {
			b = binary.BigEndian.AppendUint32(b, uint32(id))
			b = append(b, 0)
		}
	}
	list(r.cfg.Voters)
	granted := []int32{r.cfg.ID}
	for i := range r.voters {
		if r.voters[i].granted {
			granted = append(granted, r.voters[i].id)
		}
	}
	slices.Sort(granted)
	list(granted)
	return append(b, 0)
}

// checkAgain begins a new check of the quorum: one and a half fetch time-outs (LeaderState.
// CHECK_QUORUM_TIMEOUT_FACTOR).
func (r *Replica) checkAgain(now sim.Time) {
	r.deadline = now + r.cfg.FetchTimeout*3/2
	for i := range r.voters {
		r.voters[i].counted = false
	}
}

// Append adds records to the accumulator; they are written together when the first has lingered. It
// returns the offset of the last one. Only a leader that has claimed may append.
func (r *Replica) Append(values [][]byte) int64 {
	if !r.claimed {
		panic("kafka raft: append by a replica that does not lead")
	}
	if r.pending == 0 {
		r.lingerAt = r.env.Now() + r.cfg.Linger
		r.wake(r.lingerAt)
	}
	for _, v := range values {
		r.build.Add(r.env.Wall(), nil, v)
	}
	r.pending += len(values)
	return r.log.End() + int64(r.pending) - 1
}

// Next is the offset that the next appended record will get.
func (r *Replica) Next() int64 { return r.log.End() + int64(r.pending) }

// drain writes the accumulator's batch.
func (r *Replica) drain() {
	if r.pending == 0 {
		return
	}
	b := r.build.Build(-1, -1, -1)
	r.pending, r.lingerAt = 0, 0
	if _, err := r.log.AppendOwn(b, r.election.Epoch, r.env.Wall()); r.fail(err) {
		return
	}
	r.appended()
}

// appended is KafkaRaftClient.flushLeaderLog: followers may fetch at once what the leader syncs after.
func (r *Replica) appended() {
	r.advance()
	r.answerParked()
	r.fail(r.log.FlushNow())
}

// advance is LeaderState.maybeUpdateHighWatermark: the log end that a majority has reached, once that is
// beyond the start of this leader's epoch.
func (r *Replica) advance() {
	ends := make([]int64, 0, 16)
	ends = append(ends, r.log.End())
	for i := range r.voters {
		ends = append(ends, r.voters[i].end)
	}
	slices.SortFunc(ends, func(a, b int64) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	hw := ends[len(ends)/2]
	if hw <= r.starts || hw <= r.hw {
		return
	}
	r.commit(hw)
	if r.cfg.FetchWakesHW {
		r.answerParked()
	}
}

// commit moves the high watermark and hands over what is below it.
func (r *Replica) commit(hw int64) {
	if hw < r.hw {
		r.env.Violate("kafka-raft", "high watermark fell from "+itoa(r.hw)+" to "+itoa(hw))
	}
	r.hw = hw
	r.log.SetHighWatermark(hw)
	r.handOver()
	if r.role == Leader && !r.claimed && r.applied > r.starts {
		r.claimed = true
		r.env.Claimed(r.election.Epoch)
	}
}

// handOver gives committed records to the state machine, batch by batch.
func (r *Replica) handOver() {
	for r.applied < r.hw {
		epoch, next := r.readCommitted()
		if next <= r.applied {
			r.env.Violate("kafka-raft", "nothing to read at "+itoa(r.applied)+" below the high watermark")
			return
		}
		r.applied = next
		r.env.Applied(next)
		r.maybeSnapshot(epoch)
	}
}

// replicaFetched is LeaderState.updateReplicaState with updateCheckQuorumForFollowingVoter.
func (r *Replica) replicaFetched(v *voter, offset int64) {
	now := r.env.Now()
	v.present, v.lastFetch, v.counted = true, now, true
	counted := 1
	for i := range r.voters {
		if r.voters[i].counted {
			counted++
		}
	}
	if counted >= r.majority() {
		r.checkAgain(now)
	}
	if offset > v.end {
		v.end = offset
		r.advance()
	}
}
