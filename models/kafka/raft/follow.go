package raft

import (
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// fetch asks a voter for what comes after this replica's log, or for the snapshot that it needs first.
func (r *Replica) fetch(v *voter) {
	r.trySend(v, func() wire.Request {
		if r.snap.wanted() {
			return r.snapshotRequest()
		}
		m := &wire.QuorumFetchRequest{
			Replica: r.cfg.ID, Epoch: r.election.Epoch, Offset: r.log.End(), LastEpoch: r.lastEpoch(),
			MaxWaitMs: int32(fetchWait / sim.Millisecond), Known: -1,
		}
		if r.cfg.FetchWakesHW {
			m.Known = max(r.hw, 0)
		}
		return m
	})
}

// fetchAny asks some voter who leads, by a fetch to it (maybeSendFetchToAnyBootstrap): one at a time,
// from a random one on.
func (r *Replica) fetchAny() {
	if len(r.voters) == 0 {
		return
	}
	for i := range r.voters {
		if _, ok := r.voters[i].inFlight.(*wire.QuorumFetchRequest); ok {
			return
		}
	}
	first := int(r.env.Below(uint64(len(r.voters))))
	earliest := sim.Time(-1)
	for i := range r.voters {
		v := &r.voters[(first+i)%len(r.voters)]
		if v.inFlight != nil {
			continue
		}
		if r.env.Now() >= v.readyAt {
			r.fetch(v)
			return
		}
		if earliest < 0 || v.readyAt < earliest {
			earliest = v.readyAt
		}
	}
	if earliest >= 0 {
		r.wake(earliest)
	}
}

// fetchAnswered is KafkaRaftClient.handleFetchResponse.
func (r *Replica) fetchAnswered(v *voter, req *wire.QuorumFetchRequest, m *wire.QuorumFetchResponse) {
	moved := r.heard(m.Leader, m.Epoch)
	if r.dir.Offline() != nil {
		return
	}
	if m.Err != wire.None || moved {
		if !moved && r.election.Leader != v.id {
			v.readyAt = r.env.Now() + r.cfg.RetryBackoff
		}
		if !moved && r.role == Follower && r.election.Leader == v.id {
			v.readyAt = r.env.Now() + r.cfg.RetryBackoff // the leader says that it is none (any more)
		}
		return
	}
	if r.role != Follower || r.election.Leader != v.id || req.Epoch != r.election.Epoch || m.Epoch != r.election.Epoch {
		return
	}
	switch {
	case m.DivergingEpoch >= 0:
		r.truncate(m.DivergingEpoch, m.DivergingEnd)
	case m.SnapshotEnd >= 0:
		r.snap.want(m.SnapshotEnd, m.SnapshotEpoch)
	default:
		if req.Offset != r.log.End() || !r.copy(m) {
			return
		}
	}
	r.fetched = true
	r.deadline = r.env.Now() + r.cfg.FetchTimeout
}

// copy appends what the leader sent. A voter syncs before it says so by its next fetch (KafkaRaftClient.
// appendAsFollower).
func (r *Replica) copy(m *wire.QuorumFetchResponse) bool {
	if m.Bytes > 0 {
		if _, err := r.log.AppendAsFollower(m.Refs, r.env.Wall()); err != nil {
			if err == log.ErrCorruptMessage {
				r.env.Probe("kraft-corrupt-fetch")
				return false
			}
			r.fail(err)
			return false
		}
		if r.isVoter && r.fail(r.log.FlushNow()) {
			return false
		}
	}
	if hw := min(m.HW, r.log.End()); hw > r.hw {
		r.commit(hw)
	}
	return true
}

// truncate is KafkaMetadataLog.truncateToEndOffset: what this replica has of the leader's epoch beyond
// the leader's end, and everything later, was never committed.
func (r *Replica) truncate(epoch int32, end int64) {
	own, ownEnd := r.endOf(epoch)
	if own == epoch {
		ownEnd = min(ownEnd, end)
	}
	if ownEnd < r.hw {
		r.env.Violate("kafka-raft", "truncation to "+itoa(ownEnd)+" below the high watermark "+itoa(r.hw))
		return
	}
	r.env.Probe("kraft-truncated")
	_, err := r.log.TruncateTo(ownEnd, log.WhyTruncated, r.env.Wall())
	r.fail(err)
}

// readCommitted hands over the records of the batches from applied on that fit into one read, and
// returns the last batch's epoch and the offset behind it.
func (r *Replica) readCommitted() (epoch int32, next int64) {
	f, err := r.log.Read(r.applied, 1<<20, r.hw, true, r.refs)
	if r.fail(err) {
		return 0, r.hw
	}
	r.refs = f.Refs[:0]
	next = r.applied
	c := log.NewCursor(&r.w.Arena, f.Refs)
	for c.Next() {
		h := c.Header
		epoch, next = h.LeaderEpoch(), h.NextOffset()
		if h.Control() {
			continue
		}
		rec := c.Records()
		for rec.Next() {
			if rec.Record.Offset >= r.applied {
				r.env.Apply(rec.Record.Offset, epoch, rec.Record.Value)
			}
		}
	}
	return epoch, next
}
