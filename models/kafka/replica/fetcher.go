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
	parting   []*Partition // that must learn where their logs and the leader's part, see truncate.go
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
	askedStart bool  // the leader's log start is being asked for
	parting    bool  // not fetched before it is known where to truncate
	askedAt    int32 // leader epoch at which that was asked, -1: not yet
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

// fetchFrom starts to follow. A log with epochs is fetched from its end, and the leader tells where the
// logs diverge (IBP 2.7 and later) or is asked first; without epochs it is cut to its high watermark.
func (m *Manager) fetchFrom(p *Partition, source int32) error {
	era := m.cfg.Rules.Truncation
	bare := p.Log.LatestEpoch() < 0
	if (bare || era == TruncateToHW) && p.LEO() > p.hw {
		why := "to its high watermark, it has no epochs"
		if era == TruncateToHW {
			why = "to its high watermark, on becoming a follower of broker-" + itoa(int64(source))
		}
		if err := p.truncate(p.hw, why); err != nil {
			return err
		}
	}
	f := m.fetcherOf(source)
	p.fetch = fetchState{f: f, slot: len(f.parts), offset: p.LEO(), epoch: p.leaderEpoch, sent: -1, askedAt: -1}
	f.parts = append(f.parts, p)
	if !bare && (era == TruncateKIP279 || era == TruncateKIP101) {
		p.fetch.parting = true
		f.parting = append(f.parting, p)
	}
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
	f.parting = drop(f.parting, p)
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
	if f.askEpochs() {
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
		if p.fetch.delayed || p.fetch.failed || p.fetch.parting {
			continue
		}
		p.fetch.sent, p.fetch.inSession = p.fetch.offset, true
		req.Parts = append(req.Parts, wire.FetchPart{
			TopicPartition: p.TP, CurrentLeaderEpoch: p.fetchEpoch(), Offset: p.fetch.offset,
			LastFetchedEpoch: p.lastFetched(), LogStart: p.Log.Start(), MaxBytes: cfg.FetchMaxBytes,
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
		f.fenced(p)
		return nil
	default:
		f.delay(p)
		return nil
	}
	if r.DivergingEpoch >= 0 {
		if f.m.cfg.Rules.HWBeforeTruncate {
			p.takeHW(r.HW) // other threads may see it before the log is cut
			f.m.flush()
		}
		return f.divergedAt(p, r.DivergingEpoch, r.DivergingEnd)
	}
	return f.appendFetched(p, r)
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
	p.takeHW(r.HW)
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

// takeHW takes over the leader's high watermark as far as the log reaches.
func (p *Partition) takeHW(leaders int64) {
	if hw := max(min(leaders, p.LEO()), p.Log.Start()); hw != p.hw {
		p.setHW(hw)
	}
}
