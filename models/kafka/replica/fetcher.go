package replica

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// fetcher is the thread that copies from one other broker (ReplicaFetcherThread, num.replica.fetchers
// is 1): one request at a time with all partitions that it may fetch.
type fetcher struct {
	m      *Manager
	source int32
	index  uint32

	parts     []*Partition // all that it serves
	changed   []*Partition // to be named in the next request
	delayed   []*Partition // in back-off
	forgotten []wire.TopicPartition
	lost      []*Partition // out of range, to be repaired before the next fetch
	repair    *Partition   // that the request under way asks about
	failed    int          // how many of parts are fenced

	sessionID    int32
	sessionEpoch int32
	inflight     bool
	req          *wire.FetchRequest // reused: the leader is done with it when it has answered
	armed        bool
	armedAt      sim.Time
}

// fetchState is the follower side of a partition (PartitionFetchState).
type fetchState struct {
	f          *fetcher
	slot       int // in f.parts
	offset     int64
	epoch      int32 // of the leader that it was told to follow
	sent       int64 // offset that the session has, -1: none
	until      sim.Time
	changed    bool
	delayed    bool
	failed     bool // fenced at this epoch: waits for newer metadata
	inSession  bool
	askedStart bool // the leader's log start is being asked for
}

// fetcherFor is the fetcher of a source, nil if there is none yet.
func (m *Manager) fetcherFor(source int32) *fetcher {
	for _, f := range m.fetchers {
		if f.source == source {
			return f
		}
	}
	return nil
}

func (m *Manager) fetcherOf(source int32) *fetcher {
	f := m.fetcherFor(source)
	if f == nil {
		f = &fetcher{m: m, source: source, index: uint32(len(m.fetchers))}
		m.fetchers = append(m.fetchers, f)
	}
	return f
}

// fetchFrom starts to follow: at the log's end if it has epochs, so that the leader can tell where the
// logs diverge (IBP 2.7 and later), else at the high watermark, to which the log is cut first.
func (m *Manager) fetchFrom(p *Partition, source int32) error {
	if p.Log.LatestEpoch() < 0 && p.LEO() > p.hw {
		if err := p.truncate(p.hw, "to its high watermark, it has no epochs"); err != nil {
			return err
		}
	}
	f := m.fetcherOf(source)
	p.fetch = fetchState{f: f, slot: len(f.parts), offset: p.LEO(), epoch: p.leaderEpoch, sent: -1}
	f.parts = append(f.parts, p)
	f.touch(p)
	return nil
}

// unfetch stops following.
func (m *Manager) unfetch(p *Partition) {
	f := p.fetch.f
	if f == nil {
		return
	}
	f.forget(p)
	last := len(f.parts) - 1
	f.parts[p.fetch.slot] = f.parts[last]
	f.parts[p.fetch.slot].fetch.slot = p.fetch.slot
	f.parts[last] = nil
	f.parts = f.parts[:last]
	f.changed = drop(f.changed, p)
	f.delayed = drop(f.delayed, p)
	f.lost = drop(f.lost, p)
	if p.fetch.failed {
		f.failed--
	}
	if f.repair == p {
		f.repair = nil
	}
	p.fetch = fetchState{}
}

func drop(list []*Partition, p *Partition) []*Partition {
	for i := range list {
		if list[i] == p {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

func (f *fetcher) touch(p *Partition) {
	if !p.fetch.changed {
		p.fetch.changed = true
		f.changed = append(f.changed, p)
	}
}

func (f *fetcher) forget(p *Partition) {
	if p.fetch.inSession {
		p.fetch.inSession = false
		f.forgotten = append(f.forgotten, p.TP)
	}
	p.fetch.sent = -1
}

// delay keeps a partition out of requests for replica.fetch.backoff.ms.
func (f *fetcher) delay(p *Partition) {
	f.forget(p)
	p.fetch.until = f.m.env.Now() + f.m.cfg.FetchBackoff
	if !p.fetch.delayed {
		p.fetch.delayed = true
		f.delayed = append(f.delayed, p)
	}
}

// runFetchers begins the next request of every fetcher that has none under way.
func (m *Manager) runFetchers() {
	for _, f := range m.fetchers {
		f.run()
	}
}

// run sends the next request, or sleeps until a partition may be fetched again, or ends the thread
// if it has nothing to do (shutdownIdleFetcherThreads).
func (f *fetcher) run() {
	if f.inflight {
		return
	}
	if len(f.parts) == 0 {
		if f.sessionID != 0 || len(f.forgotten) > 0 {
			f.sessionID, f.sessionEpoch, f.forgotten = 0, 0, f.forgotten[:0]
			f.m.env.Hush(f.source)
		}
		return
	}
	f.undelay()
	if len(f.lost) > 0 {
		f.repair = f.lost[0]
		f.lost = f.lost[1:]
		f.ask(wire.LatestTimestamp)
		return
	}
	if len(f.delayed)+f.failed >= len(f.parts) {
		f.sleep()
		return
	}
	f.send()
}

func (f *fetcher) undelay() {
	if len(f.delayed) == 0 {
		return
	}
	now := f.m.env.Now()
	kept := f.delayed[:0]
	for _, p := range f.delayed {
		if p.fetch.until > now {
			kept = append(kept, p)
			continue
		}
		p.fetch.delayed = false
		f.touch(p)
	}
	f.delayed = kept
}

func (f *fetcher) sleep() {
	if len(f.delayed) == 0 {
		return
	}
	at := f.delayed[0].fetch.until
	for _, p := range f.delayed {
		at = min(at, p.fetch.until)
	}
	if f.armed && f.armedAt <= at {
		return
	}
	f.armed, f.armedAt = true, at
	f.m.env.After(at-f.m.env.Now(), timerFetcher, f.index)
}

// send builds a fetch: in a session only what changed since the last (FetchSessionHandler).
func (f *fetcher) send() {
	cfg := &f.m.cfg
	if f.req == nil {
		f.req = &wire.FetchRequest{
			Replica: cfg.Broker, MaxWaitMs: int32(cfg.FetchWaitMax / sim.Millisecond),
			MinBytes: cfg.FetchMinBytes, MaxBytes: cfg.ResponseMaxBytes,
		}
	}
	req := f.req
	req.ReplicaEpoch, req.SessionID, req.SessionEpoch = f.m.env.BrokerEpoch(), f.sessionID, f.sessionEpoch
	req.Parts, req.Forgotten = req.Parts[:0], append(req.Forgotten[:0], f.forgotten...)
	f.forgotten = f.forgotten[:0]
	for _, p := range f.changed {
		p.fetch.changed = false
		if p.fetch.delayed || p.fetch.failed {
			continue
		}
		p.fetch.sent, p.fetch.inSession = p.fetch.offset, true
		req.Parts = append(req.Parts, wire.FetchPart{
			TopicPartition: p.TP, CurrentLeaderEpoch: p.fetch.epoch, Offset: p.fetch.offset,
			LastFetchedEpoch: p.Log.LatestEpoch(), LogStart: p.Log.Start(), MaxBytes: cfg.FetchMaxBytes,
		})
	}
	f.changed = f.changed[:0]
	f.inflight = true
	f.m.env.Fetch(f.source, req)
}

// FetchFailed says that a fetcher's request got no answer: the connection was refused or lost, or
// replica.socket.timeout.ms passed. All its partitions back off and the session starts over.
func (m *Manager) FetchFailed(source int32) {
	f := m.fetcherFor(source)
	if f == nil || !f.inflight {
		return
	}
	f.inflight, f.repair = false, nil
	f.req = nil // it may still be on its way
	f.restart()
	for _, p := range f.parts {
		if !p.fetch.failed {
			f.delay(p)
		}
	}
	f.forgotten = f.forgotten[:0]
	f.lost = f.lost[:0]
	f.run()
	m.flush()
}

// restart makes the next request a full one.
func (f *fetcher) restart() {
	f.sessionID, f.sessionEpoch = 0, wire.SessionInitial
	f.forgotten = f.forgotten[:0]
	for _, p := range f.parts {
		p.fetch.inSession, p.fetch.sent = false, -1
		if !p.fetch.delayed {
			f.touch(p)
		}
	}
}

// FetchResponse is AbstractFetcherThread.processFetchRequest.
func (m *Manager) FetchResponse(source int32, resp *wire.FetchResponse) {
	f := m.fetcherFor(source)
	if f == nil || !f.inflight {
		return
	}
	f.inflight = false
	if resp.Err != wire.None {
		m.env.Probe("kafka-fetch-session-restart")
		f.restart()
	} else {
		f.sessionID = resp.SessionID
		if f.sessionEpoch++; f.sessionEpoch < 0 {
			f.sessionEpoch = 1
		}
		for i := range resp.Parts {
			r := &resp.Parts[i]
			p := m.find(r.TopicPartition)
			if p == nil || p.fetch.f != f || p.role != roleFollower || p.fetch.sent != p.fetch.offset || p.fetch.delayed {
				continue // the state changed while the request was under way
			}
			if err := f.process(p, r); err != nil {
				m.failed(err)
				return
			}
		}
	}
	f.run()
	m.flush()
}

func (f *fetcher) process(p *Partition, r *wire.FetchResult) error {
	switch r.Err {
	case wire.None:
	case wire.OffsetOutOfRange:
		f.m.env.Probe("kafka-follower-out-of-range")
		f.lost = append(f.lost, p)
		f.forget(p)
		return nil
	case wire.FencedLeaderEpoch:
		// onPartitionFenced: if the epoch is still the one that was sent, wait for newer metadata.
		if p.fetch.epoch == p.leaderEpoch {
			f.m.env.Probe("kafka-follower-fenced")
			p.fetch.failed = true
			f.failed++
			f.forget(p)
		}
		return nil
	default:
		f.delay(p)
		return nil
	}
	if r.DivergingEpoch >= 0 {
		return f.divergedAt(p, r.DivergingEpoch, r.DivergingEnd)
	}
	return f.appendFetched(p, r)
}

// divergedAt is AbstractFetcherThread.getOffsetTruncationState: the leader's largest epoch not above
// ours ends at end. If this log knows that epoch, it is cut where the shorter of both ends; if not, at
// the end of its own largest epoch below, and the next fetch asks again. The response's high watermark
// is not applied before the cut (KAFKA-14704).
func (f *fetcher) divergedAt(p *Partition, epoch int32, end int64) error {
	own, ownEnd := p.Log.EndOffsetFor(epoch)
	to := p.LEO()
	switch {
	case own < 0:
		to = min(to, end)
	case own != epoch:
		to = min(to, ownEnd)
	default:
		to = min(to, min(ownEnd, end))
	}
	why := "truncated to epoch " + itoa(int64(epoch)) + " end offset " + itoa(to) + " (leader broker-" + itoa(int64(f.source)) + ")"
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

// appendFetched is ReplicaFetcherThread.processPartitionData: append, then take over the leader's
// high watermark as far as the log reaches. It is assigned and may fall.
func (f *fetcher) appendFetched(p *Partition, r *wire.FetchResult) error {
	if r.Bytes > 0 {
		if _, err := p.Log.AppendAsFollower(r.Refs, f.m.env.Wall()); err != nil {
			return err
		}
		p.fetch.offset = p.LEO()
		p.ledger.setEnd(p.m.cfg.Broker, p.fetch.offset)
		f.touch(p)
	}
	if hw := max(min(r.HW, p.LEO()), p.Log.Start()); hw != p.hw {
		p.setHW(hw)
	}
	// ReplicaFetcherThread.processPartitionData: the leader's log start after its high watermark, and
	// not beyond the one that this log can have.
	if start := min(r.LogStart, p.hw); start > p.Log.Start() {
		if err := p.Log.AdvanceStart(start); err != nil {
			return err
		}
		f.touch(p)
	}
	return nil
}

// ask sends the ListOffsets request of AbstractFetcherThread.fetchOffsetAndTruncate.
func (f *fetcher) ask(ts int64) {
	f.inflight = true
	p := f.repair
	f.m.env.Fetch(f.source, &wire.ListOffsetsRequest{Replica: f.m.cfg.Broker, Parts: []wire.ListOffsetsPart{
		{TopicPartition: p.TP, CurrentLeaderEpoch: p.fetch.epoch, Timestamp: ts},
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
	switch {
	case !p.fetch.askedStart && r.Offset < p.LEO():
		why := "truncated to end offset " + itoa(r.Offset) + " (leader broker-" + itoa(int64(f.source)) + ", out of range)"
		if err := p.truncate(r.Offset, why); err != nil {
			return err
		}
	case !p.fetch.askedStart:
		p.fetch.askedStart = true
		f.repair = p
		f.ask(wire.EarliestTimestamp)
		return nil
	case r.Offset > p.LEO():
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
