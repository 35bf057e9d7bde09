package replica

import (
	"errors"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// session is a fetch session (FetchSession.scala) with the one fetch that may be parked in it.
type session struct {
	m       *Manager
	id      int32 // 0: a fetch without a session
	index   uint32
	epoch   int32 // that the next request must carry
	conn    *sim.Conn
	replica int32  // broker id of the follower, -1 for a consumer
	rack    string // of the consumer

	brokerEpoch int64 // of the follower's incarnation
	parts       map[wire.TopicPartition]*fetched
	recent      [recentFetched]*fetched // a cache in front of parts
	hot         []*fetched              // to look at in the next visit, in order
	spare       []*fetched
	lastFetch   sim.Time
	full        bool // the next response lists every partition
	closed      bool

	// the present request
	corr     int32
	minBytes int32
	maxBytes int32
	deadline sim.Time
	parked   bool
	waking   bool
	armed    bool // a timer is under way for this slot
	armedAt  sim.Time
	results  []wire.FetchResult
	visited  []*fetched
	resp     wire.FetchResponse // reused, see respond
}

// fetched is one partition of a session with what the fetcher last said and was last told about it.
type fetched struct {
	session   *session
	p         *Partition // nil while this broker has no such replica
	tp        wire.TopicPartition
	slot      int // in p.subs
	offset    int64
	epoch     int32
	lastEpoch int32
	maxBytes  int32
	sentHW    int64
	sentStart int64
	refs      []sim.Ref // memory of the extents that it is told, see respond
	hot       bool
}

// heat puts the entry on the list of those that the next fetch looks at.
func (f *fetched) heat() {
	if f.hot {
		return
	}
	if f.p != nil && f.session.replica >= 0 && f.p.role == roleLeader {
		if r := f.p.remote(f.session.replica); r != nil {
			f.p.settle(r)
		}
	}
	f.hot = true
	f.session.hot = append(f.session.hot, f)
}

// Fetch is KafkaApis.handleFetchRequest with ReplicaManager.fetchMessages.
func (m *Manager) Fetch(c *sim.Conn, req *wire.FetchRequest) {
	s, e := m.sessionOf(c, req)
	if e != wire.None {
		m.env.Probe("kafka-fetch-session-error")
		m.env.Reply(c, &wire.FetchResponse{RespHeader: wire.RespHeader{Corr: req.Corr}, Err: e})
		return
	}
	for _, tp := range req.Forgotten {
		if f := s.find(tp); f != nil {
			s.drop(f)
		}
	}
	for i := range req.Parts {
		s.update(&req.Parts[i])
	}
	now := m.env.Now()
	s.corr, s.minBytes, s.maxBytes, s.rack = req.Corr, req.MinBytes, req.MaxBytes, req.Rack
	s.deadline = now + sim.Time(req.MaxWaitMs)*sim.Millisecond
	bytes, must := s.visit(true)
	s.lastFetch = now
	if req.MaxWaitMs <= 0 || len(s.parts) == 0 || must || bytes >= int64(req.MinBytes) {
		s.respond()
	} else {
		s.unvisit()
		s.parked = true
		s.arm()
	}
	m.flush()
}

// sessionOf finds or makes the session of a request (FetchManager.newContext).
func (m *Manager) sessionOf(c *sim.Conn, req *wire.FetchRequest) (*session, wire.Error) {
	if req.SessionEpoch == wire.SessionInitial || req.SessionEpoch == wire.SessionFinal {
		if old := m.sessionWith(req.SessionID); old != nil {
			m.closeSession(old)
		}
		s := &session{m: m, conn: c, replica: req.Replica, brokerEpoch: req.ReplicaEpoch, parts: map[wire.TopicPartition]*fetched{}, full: true}
		s.lastFetch = m.env.Now()
		if req.SessionEpoch == wire.SessionInitial {
			m.byID = append(m.byID, s)
			s.id, s.epoch = int32(len(m.byID)), 1
		}
		s.index = m.slot(s)
		return s, wire.None
	}
	s := m.sessionWith(req.SessionID)
	if s == nil {
		return nil, wire.FetchSessionIDNotFound
	}
	if req.SessionEpoch != s.epoch {
		return nil, wire.InvalidFetchSessionEpoch
	}
	s.conn = c
	if s.epoch++; s.epoch < 0 {
		s.epoch = 1
	}
	return s, wire.None
}

// sessionWith is the session of that id, nil if it is over or never was.
func (m *Manager) sessionWith(id int32) *session {
	if id <= 0 || int(id) > len(m.byID) {
		return nil
	}
	return m.byID[id-1]
}

// recentFetched is a power of two.
const recentFetched = 4

// find is a lookup in parts.
func (s *session) find(tp wire.TopicPartition) *fetched {
	slot := &s.recent[recentSlot(&tp)%recentFetched]
	if f := *slot; f != nil && f.tp == tp {
		return f
	}
	f := s.parts[tp]
	if f != nil {
		*slot = f
	}
	return f
}

// slot finds a place in the list of sessions whose timer is not under way.
func (m *Manager) slot(s *session) uint32 {
	for i, old := range m.sessions {
		if old.closed && !old.armed {
			m.sessions[i] = s
			return uint32(i)
		}
	}
	m.sessions = append(m.sessions, s)
	return uint32(len(m.sessions) - 1)
}

// ConnClosed ends the sessions of a connection. Kafka keeps them until they age out, but their client
// begins a new one after a disconnect (FetchSessionHandler.handleError), so nobody can tell.
func (m *Manager) ConnClosed(c *sim.Conn) {
	for _, s := range m.sessions {
		if s.conn == c && !s.closed {
			m.closeSession(s)
		}
	}
}

func (m *Manager) closeSession(s *session) {
	s.closed, s.parked = true, false
	if s.id > 0 {
		m.byID[s.id-1] = nil
	}
	for _, f := range s.parts { //mqsim:unordered entries are independent of each other
		s.unlink(f)
	}
	s.parts, s.hot, s.recent = nil, nil, [recentFetched]*fetched{}
}

func (s *session) drop(f *fetched) {
	s.unlink(f)
	delete(s.parts, f.tp)
	if slot := &s.recent[recentSlot(&f.tp)%recentFetched]; *slot == f {
		*slot = nil
	}
	if f.hot {
		for i, g := range s.hot {
			if g == f {
				s.hot = append(s.hot[:i], s.hot[i+1:]...)
				break
			}
		}
	}
}

// unlink takes an entry out of its partition's list.
func (s *session) unlink(f *fetched) {
	p := f.p
	if p == nil {
		return
	}
	if s.replica >= 0 {
		if r := p.remote(s.replica); r != nil && r.entry == f {
			if p.Log != nil {
				p.settle(r)
			}
			r.entry = nil
		}
	}
	last := len(p.subs) - 1
	p.subs[f.slot] = p.subs[last]
	p.subs[f.slot].slot = f.slot
	p.subs[last] = nil
	p.subs = p.subs[:last]
	f.p = nil
}

func (s *session) link(f *fetched, p *Partition) {
	f.p, f.slot = p, len(p.subs)
	p.subs = append(p.subs, f)
}

// update takes over what a request says about one partition.
func (s *session) update(q *wire.FetchPart) {
	f := s.find(q.TopicPartition)
	if f == nil {
		f = &fetched{session: s, tp: q.TopicPartition, sentHW: -1, sentStart: -1}
		s.parts[q.TopicPartition] = f
	}
	f.heat()
	f.offset, f.epoch, f.lastEpoch, f.maxBytes = q.Offset, q.CurrentLeaderEpoch, q.LastFetchedEpoch, q.MaxBytes
}

// visit reads every hot partition. first: the request has just arrived, so a follower's position
// counts; later visits complete a parked fetch and only read. It returns the bytes read and whether
// the fetch must be answered at once: an error or a divergence.
func (s *session) visit(first bool) (bytes int64, must bool) {
	list := s.hot
	s.hot, s.spare = s.spare[:0], nil
	s.results, s.visited = s.results[:0], s.visited[:0]
	for _, f := range list {
		f.hot = false
		if n := len(s.results); n < cap(s.results) {
			s.results = s.results[:n+1] // to be overwritten
		} else {
			s.results = append(s.results, wire.FetchResult{})
		}
		r := &s.results[len(s.results)-1]
		s.visited = append(s.visited, f)
		f.read(r, int64(s.maxBytes)-bytes, bytes == 0, first)
		bytes += int64(r.Bytes)
		must = must || r.Err != wire.None || r.HasReadReplica || r.DivergingEpoch >= 0 || r.HW > max(f.sentHW, 0) && s.wantsHW()
	}
	s.spare = list[:0]
	return bytes, must
}

// wantsHW says that this follower is told at once when the high watermark has moved, as in 2.4 and 2.5
// (ReplicaManager.fetchMessages, anyPartitionsNeedHwUpdate; taken back by KAFKA-9952).
func (s *session) wantsHW() bool { return s.replica >= 0 && s.m.cfg.Rules.HWWakesFollowers }

// unvisit keeps what was visited hot, for the visit that completes the parked fetch.
func (s *session) unvisit() {
	for i, f := range s.visited {
		r := &s.results[i]
		if r.HW != f.sentHW || r.LogStart != f.sentStart || r.Bytes > 0 || s.full || f.outsider() {
			f.heat()
		}
	}
}

// outsider: a follower outside the ISR is looked at on every fetch, because it may join.
func (f *fetched) outsider() bool {
	return f.p != nil && f.session.replica >= 0 && f.p.role == roleLeader && !contains(f.p.isr, f.session.replica)
}

// respond sends what the last visit read; in a session only what changed. A fetcher has taken an
// answer before it sends its next request, so a session uses the same memory for every answer. The
// list of extents belongs to the partition: a consumer may keep it longer, but it does not ask for a
// partition again, nor keep it in the session, while it holds records of it.
func (s *session) respond() {
	m := s.m
	resp := &s.resp
	resp.Corr, resp.SessionID = s.corr, s.id
	resp.Parts, resp.Nodes = nil, nil
	kept := 0
	for i, f := range s.visited {
		r := &s.results[i]
		if r.Err != wire.None || r.Bytes > 0 || f.outsider() {
			f.heat()
		}
		if !s.full && r.Err == wire.None && !r.HasReadReplica && r.Bytes == 0 && r.DivergingEpoch < 0 && r.HW == f.sentHW && r.LogStart == f.sentStart {
			continue
		}
		f.sentHW, f.sentStart = r.HW, r.LogStart
		if r.HintLeader >= 0 {
			resp.Nodes = m.hintNode(resp.Nodes, r.HintLeader)
		}
		if kept < i {
			s.results[kept] = *r
		}
		kept++
	}
	if kept > 0 {
		resp.Parts = s.results[:kept]
	}
	s.full, s.parked = false, false
	if s.id == 0 {
		m.closeSession(s)
	}
	m.env.Reply(s.conn, resp)
}

// read is ReplicaManager.readFromLog for one partition with Partition.fetchRecords.
func (f *fetched) read(r *wire.FetchResult, room int64, one, first bool) {
	m, s := f.session.m, f.session
	*r = wire.FetchResult{TopicPartition: f.tp, HW: -1, LSO: -1, LogStart: -1, DivergingEpoch: -1, DivergingEnd: -1,
		HintLeader: -1, HintEpoch: -1}
	p := f.p
	if p == nil {
		if p = m.find(f.tp); p == nil || p.Log == nil {
			r.Err = m.missing(f.tp)
			return
		}
		s.link(f, p)
	}
	if r.Err = f.check(p); r.Err != wire.None {
		if r.Err == wire.NotLeaderOrFollower || r.Err == wire.FencedLeaderEpoch {
			r.HintLeader, r.HintEpoch = p.hint()
		}
		return
	}
	end := p.LEO()
	r.HW, r.LSO, r.LogStart = p.hw, p.hw, p.Log.Start()
	if s.rack != "" && s.replica < 0 {
		if id := p.readReplica(f.offset, s.rack); id >= 0 {
			r.ReadReplica, r.HasReadReplica = id, true
			return
		}
	}
	if f.lastEpoch >= 0 && f.diverges(p, r) {
		return
	}
	limit := end
	if s.replica < 0 {
		limit = p.hw
	}
	if f.offset > end || f.offset < r.LogStart {
		r.Err, r.HW, r.LSO = wire.OffsetOutOfRange, -1, -1
		return
	}
	if f.offset < limit && (room > 0 || one) {
		f.readRecords(p, r, limit, min(int64(f.maxBytes), max(room, 0)), one)
	}
	if first && s.replica >= 0 {
		p.fetchedBy(f, end)
	}
}

// check says whether this replica may serve the fetcher.
func (f *fetched) check(p *Partition) wire.Error {
	if p.offline {
		return wire.KafkaStorageError
	}
	if e := p.checkEpoch(f.epoch); e != wire.None {
		return e
	}
	if p.role == roleNone {
		return wire.NotLeaderOrFollower
	}
	if f.session.replica < 0 {
		if p.role != roleLeader && f.session.m.cfg.Rules.LeaderReadsOnly {
			return wire.NotLeaderOrFollower
		}
		return wire.None // a consumer may read from a follower too (KIP-392)
	}
	if p.role != roleLeader || p.remote(f.session.replica) == nil {
		return wire.NotLeaderOrFollower
	}
	return wire.None
}

// diverges is the check of KIP-595 in Partition.readRecords: the leader's end of the epoch that the
// fetcher has last must not be below the fetcher's offset.
func (f *fetched) diverges(p *Partition, r *wire.FetchResult) bool {
	epoch, end := p.endOfEpoch(f.lastEpoch)
	if epoch < 0 {
		r.Err, r.HW, r.LSO = wire.OffsetOutOfRange, -1, -1
		return true
	}
	if epoch < f.lastEpoch || end < f.offset {
		f.session.m.env.Probe("kafka-diverging-epoch")
		r.DivergingEpoch, r.DivergingEnd = epoch, end
		return true
	}
	return false
}

func (f *fetched) readRecords(p *Partition, r *wire.FetchResult, limit, room int64, one bool) {
	got, err := p.Log.Read(f.offset, int(room), limit, one, f.refs[:0])
	f.refs = got.Refs
	switch {
	case errors.Is(err, log.ErrOffsetOutOfRange):
		r.Err, r.HW, r.LSO = wire.OffsetOutOfRange, -1, -1
	case errors.Is(err, log.ErrCorruptMessage):
		r.Err, r.HW, r.LSO = wire.CorruptMessage, -1, -1
	case err != nil:
		p.m.failed(err)
		r.Err = wire.KafkaStorageError
	default:
		r.Refs, r.Bytes = got.Refs, int32(got.Bytes)
		if f.session.replica < 0 && got.Next > p.hw && got.Batches > 0 {
			p.m.env.Violate("kafka-I8", p.name+": a consumer was given offsets up to "+itoa(got.Next)+", high watermark "+itoa(p.hw))
		}
	}
}

// fetchedBy is Partition.updateFollowerFetchState: note the follower's position, then let it into
// the ISR, then move the high watermark.
func (p *Partition) fetchedBy(f *fetched, end int64) {
	r := p.remote(f.session.replica)
	r.entry = f
	before := r.leo
	r.noteFetch(p.m.env.Now(), f.offset, end)
	p.maybeExpand(r)
	if r.leo != before {
		p.advanceHW()
	}
}

// wake looks at a session's parked fetch when the present input has been dealt with.
func (m *Manager) wake(s *session) {
	if s.parked && !s.waking {
		s.waking = true
		m.woken = append(m.woken, s)
	}
}

// flush completes parked fetches that have enough now (ReplicaManager.tryCompleteActions).
func (m *Manager) flush() {
	if m.inFlush {
		return
	}
	m.inFlush = true
	for i := 0; i < len(m.woken); i++ {
		s := m.woken[i]
		s.waking = false
		if s.parked {
			s.tryComplete(false)
		}
	}
	m.woken = m.woken[:0]
	m.inFlush = false
}

// tryComplete answers a parked fetch if it has enough, an error, or waited long enough.
func (s *session) tryComplete(expired bool) {
	bytes, must := s.visit(false)
	if expired || must || bytes >= int64(s.minBytes) {
		s.respond()
		return
	}
	s.unvisit()
}

// arm keeps one timer per session: it fires, finds a later deadline and sleeps again.
func (s *session) arm() {
	if !s.armed || s.deadline < s.armedAt {
		s.armed, s.armedAt = true, s.deadline
		s.m.env.After(s.deadline-s.m.env.Now(), timerFetch, s.index)
	}
}

func (m *Manager) expireFetch(index uint32) {
	s := m.sessions[index]
	if !s.armed || m.env.Now() < s.armedAt {
		return // a timer that an earlier one has replaced
	}
	s.armed = false
	if !s.parked {
		return
	}
	if s.deadline > m.env.Now() {
		s.arm()
		return
	}
	s.tryComplete(true)
}
