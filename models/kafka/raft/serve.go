package raft

import (
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// fetchBytes is the largest answer to a fetch (KafkaRaftClient.MAX_BATCH_SIZE_BYTES).
const fetchBytes = 8 << 20

// parkedFetch is a fetch that found nothing new.
type parkedFetch struct {
	c        *sim.Conn
	m        *wire.QuorumFetchRequest
	deadline sim.Time
	hw       int64 // when it was parked
}

// Fetch is KafkaRaftClient.handleFetchRequest.
func (r *Replica) Fetch(c *sim.Conn, m *wire.QuorumFetchRequest) {
	resp := r.tryFetch(m)
	// The answer says what is new: records, an error, that logs part. Up to 4.0 a high watermark alone
	// is nothing new, and waits for the next record or the end of the wait (KIP-1166).
	news := resp.Err != wire.None || resp.Bytes > 0 || resp.DivergingEpoch >= 0 || resp.SnapshotEnd >= 0 ||
		r.cfg.FetchWakesHW && m.Known >= 0 && resp.HW > m.Known
	if news || m.MaxWaitMs == 0 {
		r.env.Reply(c, resp)
	} else {
		at := r.env.Now() + sim.Time(m.MaxWaitMs)*sim.Millisecond
		r.parked = append(r.parked, parkedFetch{c, m, at, resp.HW})
		r.wake(at)
	}
	r.poll()
}

// fetchError is what is wrong with a request that only the leader of its epoch answers
// (validateLeaderOnlyRequest).
func (r *Replica) fetchError(epoch int32) wire.Error {
	switch {
	case epoch < r.election.Epoch:
		return wire.FencedLeaderEpoch
	case epoch > r.election.Epoch:
		return wire.UnknownLeaderEpoch
	case r.role != Leader:
		return wire.NotLeaderOrFollower
	}
	return wire.None
}

func (r *Replica) answer(m *wire.QuorumFetchRequest, e wire.Error) *wire.QuorumFetchResponse {
	resp := &wire.QuorumFetchResponse{
		RespHeader: wire.RespHeader{Corr: m.Corr}, Err: e, Leader: r.election.Leader, Epoch: r.election.Epoch,
		HW: r.hw, LogStart: r.log.Start(), DivergingEpoch: -1, DivergingEnd: -1, SnapshotEnd: -1, SnapshotEpoch: -1,
	}
	if r.role == Resigned {
		resp.Leader = -1
	}
	if r.role == Leader && r.hw <= r.starts {
		resp.HW = -1 // of this epoch nothing is committed yet
	}
	return resp
}

// tryFetch is tryCompleteFetchRequest: what the replica asks for, and what its question tells the leader.
func (r *Replica) tryFetch(m *wire.QuorumFetchRequest) *wire.QuorumFetchResponse {
	if e := r.fetchError(m.Epoch); e != wire.None {
		return r.answer(m, e)
	}
	resp := r.answer(m, wire.None)
	if r.needsSnapshot(m.Offset, m.LastEpoch) {
		resp.SnapshotEnd, resp.SnapshotEpoch = r.snap.end, r.snap.epoch
		return resp
	}
	if m.Offset > 0 || m.LastEpoch > 0 {
		epoch, end := r.endOf(m.LastEpoch)
		if epoch != m.LastEpoch || end < m.Offset {
			resp.DivergingEpoch, resp.DivergingEnd = epoch, end
			return resp
		}
	}
	f, err := r.log.Read(m.Offset, fetchBytes, r.log.End(), true, nil)
	if err != nil {
		r.fail(err)
		return r.answer(m, wire.UnknownServerError)
	}
	if v := r.voter(m.Replica); v != nil {
		r.replicaFetched(v, m.Offset)
	}
	resp.Refs, resp.Bytes = f.Refs, int32(f.Bytes)
	resp.HW = r.answer(m, wire.None).HW // the fetch itself may have moved it
	return resp
}

// needsSnapshot says whether the log alone does not tell how a replica goes on from there: it begins behind
// that offset, or what lies below its beginning is not what the replica has (ReplicatedLog.
// validateOffsetAndEpoch).
func (r *Replica) needsSnapshot(offset int64, lastEpoch int32) bool {
	start := r.log.Start()
	return r.snap.end > 0 && (offset < start || offset == start && lastEpoch != r.snap.epoch || lastEpoch < r.snap.epoch)
}

// endOf is KafkaMetadataLog.endOffsetForEpoch: the last epoch not above the asked one, and its end; for an
// epoch later than all of the log, the log's own end.
func (r *Replica) endOf(epoch int32) (int32, int64) {
	e, end := r.log.EndOffsetFor(epoch)
	switch {
	case e == log.None:
		return r.lastEpoch(), r.log.End()
	case end == r.snap.end && e == epoch:
		return r.snap.epoch, end
	}
	return e, end
}

// answerParked answers the parked fetches to which there is something to say now: records, or since 4.1
// a high watermark.
func (r *Replica) answerParked() {
	list := r.parked
	r.parked = r.parked[len(r.parked):]
	for _, p := range list {
		if p.m.Offset < r.log.End() || r.cfg.FetchWakesHW && p.m.Known >= 0 && r.hw > p.m.Known {
			r.env.Reply(p.c, r.tryFetch(p.m))
		} else {
			r.parked = append(r.parked, p)
		}
	}
}

// expireParked answers those that have waited long enough, with what was true when they came.
func (r *Replica) expireParked() {
	now := r.env.Now()
	kept := r.parked[:0]
	for _, p := range r.parked {
		if now < p.deadline {
			kept = append(kept, p)
			r.wake(p.deadline)
			continue
		}
		resp := r.answer(p.m, r.fetchError(p.m.Epoch))
		if resp.Err == wire.None {
			resp.HW = p.hw
		}
		r.env.Reply(p.c, resp)
	}
	clear(r.parked[len(kept):])
	r.parked = kept
}

// endParked answers all of them with what the replica is now: no leader.
func (r *Replica) endParked() {
	list := r.parked
	r.parked = nil
	for _, p := range list {
		e := r.fetchError(p.m.Epoch)
		if e == wire.None {
			e = wire.NotLeaderOrFollower
		}
		r.env.Reply(p.c, r.answer(p.m, e))
	}
}

// Gone forgets what was parked for a connection that ended.
func (r *Replica) Gone(c *sim.Conn) {
	kept := r.parked[:0]
	for _, p := range r.parked {
		if p.c != c {
			kept = append(kept, p)
		}
	}
	clear(r.parked[len(kept):])
	r.parked = kept
}
