package replica

import "github.com/mqsim/mqsim/models/kafka/wire"

// How a follower's log comes to agree with its leader's: what to ask, and where to cut
// (AbstractFetcherThread.maybeTruncate, truncateOnFetchResponse, fetchOffsetAndTruncate).

// lastFetched is the epoch by which the leader recognises a diverging log, -1 in the eras in which the
// follower asks before it fetches.
func (p *Partition) lastFetched() int32 {
	if p.m.cfg.Rules.Truncation != TruncateOnFetch {
		return -1
	}
	return p.Log.LatestEpoch()
}

// endOfEpoch is what a leader answers about an epoch (UnifiedLog.endOffsetForEpoch): the largest epoch
// not above the one asked for, and its end; both -1 if undefined. In the era of KIP-101 it is the start
// of the first later epoch, without a name (LeaderEpochFileCache.endOffsetFor@0.11).
func (p *Partition) endOfEpoch(epoch int32) (int32, int64) {
	known, end := p.Log.EndOffsetFor(epoch)
	if p.m.cfg.Rules.Truncation != TruncateKIP101 {
		return known, end
	}
	if list := p.Log.Epochs().Entries(); len(list) > 0 && epoch < list[0].Epoch {
		end = -1
	}
	return -1, end
}

// askEpochs sends OffsetsForLeaderEpoch for the partitions that must be truncated before they are
// fetched; false if there is none that may be asked about now.
func (f *fetcher) askEpochs() bool {
	var req *wire.OffsetsForLeaderEpochRequest
	for _, p := range f.parting {
		if p.fetch.delayed || p.fetch.failed {
			continue
		}
		if req == nil {
			req = &wire.OffsetsForLeaderEpochRequest{Replica: f.m.cfg.Broker}
		}
		p.fetch.askedAt = p.fetch.epoch
		req.Parts = append(req.Parts, wire.EpochPart{
			TopicPartition: p.TP, CurrentLeaderEpoch: p.fetchEpoch(), LeaderEpoch: p.Log.LatestEpoch(),
		})
	}
	if req == nil {
		return false
	}
	f.inflight = true
	f.m.env.Fetch(f.source, req)
	return true
}

// EpochsResponse is the answer to a fetcher's OffsetsForLeaderEpoch (AbstractFetcherThread.
// maybeTruncateToEpochEndOffsets).
func (m *Manager) EpochsResponse(source int32, resp *wire.OffsetsForLeaderEpochResponse) {
	f := m.fetcherFor(source)
	if f == nil || !f.inflight {
		return
	}
	f.inflight = false
	for i := range resp.Parts {
		r := &resp.Parts[i]
		p := m.find(r.TopicPartition)
		if p == nil || p.fetch.f != f || p.role != roleFollower || !p.fetch.parting || p.fetch.delayed || p.fetch.askedAt != p.fetch.epoch {
			continue // the state changed while the request was under way
		}
		if err := f.parted(p, r); err != nil {
			m.failed(err)
			return
		}
	}
	f.run()
	m.flush()
}

// parted is AbstractFetcherThread.getOffsetTruncationState.
func (f *fetcher) parted(p *Partition, r *wire.EpochResult) error {
	switch {
	case r.Err == wire.FencedLeaderEpoch:
		f.fenced(p)
		return nil
	case r.Err != wire.None:
		f.delay(p)
		return nil
	}
	leader := " (leader broker-" + itoa(int64(f.source)) + ")"
	var to int64
	var why string
	settled := true
	switch {
	case r.EndOffset < 0:
		// The leader cannot tell: back to the rule before KIP-101.
		to, why = min(p.hw, p.LEO()), "truncated to its high watermark, the epoch is unknown"+leader
	case r.LeaderEpoch < 0:
		to, why = min(r.EndOffset, p.LEO()), "truncated to end offset "+itoa(r.EndOffset)+leader
	default:
		to, settled = p.partingPoint(r.LeaderEpoch, r.EndOffset)
		why = "truncated to epoch " + itoa(int64(r.LeaderEpoch)) + " end offset " + itoa(to) + leader
	}
	if settled {
		p.fetch.parting = false
		f.parting = drop(f.parting, p)
	}
	return f.cut(p, to, why)
}

// fenced is onPartitionFenced: if the epoch is still the one that was sent, wait for newer metadata.
func (f *fetcher) fenced(p *Partition) {
	if p.fetch.epoch == p.leaderEpoch {
		f.m.env.Probe("kafka-follower-fenced")
		p.fetch.failed = true
		f.failed++
		f.forget(p)
	}
}

// divergedAt is AbstractFetcherThread.getOffsetTruncationState: the leader's largest epoch not above
// ours ends at end. If this log knows that epoch, it is cut where the shorter of both ends; if not, at
// the end of its own largest epoch below, and the next fetch asks again. The response's high watermark
// is not applied before the cut (KAFKA-14704).
func (f *fetcher) divergedAt(p *Partition, epoch int32, end int64) error {
	to, _ := p.partingPoint(epoch, end)
	return f.cut(p, to, "truncated to epoch "+itoa(int64(epoch))+" end offset "+itoa(to)+" (leader broker-"+itoa(int64(f.source))+")")
}

// partingPoint is where to cut a log of which the leader said that its epoch ends at end; settled says
// that nothing more must be asked.
func (p *Partition) partingPoint(epoch int32, end int64) (to int64, settled bool) {
	own, ownEnd := p.Log.EndOffsetFor(epoch)
	switch to = p.LEO(); {
	case own < 0:
		return min(to, end), true
	case own != epoch:
		return min(to, ownEnd), false
	default:
		return min(to, ownEnd, end), true
	}
}

// cut truncates and goes on to fetch from the new end.
func (f *fetcher) cut(p *Partition, to int64, why string) error {
	if err := p.truncate(to, why); err != nil {
		return err
	}
	p.fetch.offset = p.LEO()
	f.touch(p)
	return nil
}

// truncate cuts a follower's log. Records below the high watermark can go too; Kafka only warns.
func (p *Partition) truncate(to int64, why string) error {
	from := p.LEO()
	if to < p.hw {
		p.m.env.Probe("kafka-truncate-below-hw")
	}
	// Also with nothing to cut: an epoch that this broker led without writing anything must go from the
	// cache, or the next fetch diverges again (UnifiedLog.truncateTo).
	if _, err := p.Log.TruncateTo(to, why, p.m.env.Wall()); err != nil {
		return err
	}
	p.checkEpochs()
	if to = p.LEO(); to == from {
		return nil
	}
	p.m.stats.TruncatedRecords += from - to
	p.ledger.setEnd(p.m.cfg.Broker, to)
	p.m.env.Emit("truncated", p.name, itoa(from-to)+" offsets from "+itoa(to)+": "+why)
	if p.hw > to {
		p.setHW(to)
	}
	return nil
}

// ask sends the ListOffsets request of AbstractFetcherThread.fetchOffsetAndTruncate.
func (f *fetcher) ask(ts int64) {
	f.inflight = true
	p := f.repair
	f.m.env.Fetch(f.source, &wire.ListOffsetsRequest{Replica: f.m.cfg.Broker, Parts: []wire.ListOffsetsPart{
		{TopicPartition: p.TP, CurrentLeaderEpoch: p.fetchEpoch(), Timestamp: ts},
	}})
}

// OffsetsResponse is the answer to a fetcher's ListOffsets: a leader whose log ends before this
// replica's makes it truncate; else, if the leader's log begins after it, it starts over there.
func (m *Manager) OffsetsResponse(source int32, resp *wire.ListOffsetsResponse) {
	f := m.fetcherFor(source)
	if f == nil || !f.inflight {
		return
	}
	f.inflight = false
	p := f.repair
	f.repair = nil
	if p != nil && p.role == roleFollower && len(resp.Parts) == 1 {
		if err := f.repaired(p, &resp.Parts[0]); err != nil {
			m.failed(err)
			return
		}
	}
	f.run()
	m.flush()
}

func (f *fetcher) repaired(p *Partition, r *wire.ListOffsetsResult) error {
	if r.Err != wire.None {
		f.delay(p)
		return nil
	}
	rules := &f.m.cfg.Rules
	switch {
	case !p.fetch.askedStart && r.Offset < p.LEO():
		if rules.ExitWhenAhead && !p.cfg.Unclean {
			// ReplicaFetcherThread.handleOffsetOutOfRange, up to KAFKA-7414: rather die than lose data.
			f.m.env.Halt("exiting because log truncation is not allowed for " + p.name + ": the leader's log ends at " +
				itoa(r.Offset) + ", this one at " + itoa(p.LEO()))
			return nil
		}
		why := "truncated to end offset " + itoa(r.Offset) + " (leader broker-" + itoa(int64(f.source)) + ", out of range)"
		if err := p.truncate(r.Offset, why); err != nil {
			return err
		}
	case !p.fetch.askedStart:
		p.fetch.askedStart = true
		f.repair = p
		f.ask(wire.EarliestTimestamp)
		return nil
	case r.Offset > p.LEO() || rules.ResetOnLeaderMove:
		p.fetch.askedStart = false
		f.m.env.Emit("truncated", p.name, "all offsets, starting over at "+itoa(r.Offset))
		if err := p.Log.TruncateFully(r.Offset, "retention", f.m.env.Wall()); err != nil {
			return err
		}
		p.ledger.setEnd(p.m.cfg.Broker, p.LEO())
		p.setHW(r.Offset)
	}
	p.fetch.askedStart = false
	p.fetch.offset = p.LEO()
	f.touch(p)
	return nil
}
