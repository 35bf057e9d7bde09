package store

import "github.com/mqsim/mqsim/sim"

// request is a record on its way to the queues (DispatchRequest).
type request struct {
	off       int64
	size      int32
	tran      int32
	q         *Queue
	queueOff  int64
	tagsCode  int64
	storeTime int64
	keys      keyHashes // only with the index
}

// enqueue remembers what dispatch would read from the bytes of a record that Put has just appended.
func (s *Store) enqueue(r *request) {
	if s.pendingAt == len(s.pending) {
		s.pending, s.pendingAt = s.pending[:0], 0
	} else if s.pendingAt > 1024 && 2*s.pendingAt > len(s.pending) {
		s.pending = s.pending[:copy(s.pending, s.pending[s.pendingAt:])]
		s.pendingAt = 0
	}
	s.pending = append(s.pending, *r)
}

// armReput makes the dispatch loop look at the log. The loop sleeps for a millisecond between its
// turns (ReputMessageService.run); here it sleeps while there is nothing to do.
func (s *Store) armReput() {
	if s.reputArmed || !s.reputOn {
		return
	}
	s.reputArmed = true
	s.env.After(s.untilTick(), s.opt.TimerBase+timerReput, 0)
}

// reputEnd is the bound of dispatch (getReputEndOffset@5.3; 4.x: the log's end).
func (s *Store) reputEnd() int64 {
	if s.opt.DispatchFlushed && s.opt.FlushDisk == SyncFlush {
		return min(s.log.flushedTo, s.log.max())
	}
	if s.ledger != nil {
		return s.ledger.pos
	}
	return s.log.max()
}

// committed says whether a record has left the process's buffer. The log's end does not tell: it is
// that of the newest file, while the one before may not be written out yet.
func (s *Store) committed(r *request) bool {
	m := s.log.at(r.off, false)
	return m == nil || r.off-m.from+int64(r.size) <= m.readable()
}

// reputWindow is how much of the log dispatch reads at once.
const reputWindow = 256 << 10

// reput dispatches what is new in the log (ReputMessageService.doReput).
func (s *Store) reput() {
	s.stuck = -1
	if s.cqTries > 0 && s.env.Now() < s.cqRetry {
		return
	}
	if low := s.log.min(); s.reputFrom < low {
		s.reputFrom = low // "the reputFromOffset is smaller than minPyOffset": cleaned before dispatch
	}
	for end := s.reputEnd(); s.reputFrom < end; {
		for s.pendingAt < len(s.pending) && s.pending[s.pendingAt].off-s.head() < s.reputFrom {
			s.pendingAt++
		}
		if s.pendingAt < len(s.pending) && s.pending[s.pendingAt].off-s.head() == s.reputFrom {
			r := &s.pending[s.pendingAt]
			if r.off+int64(r.size) > end || s.pool.on && !s.committed(r) {
				return
			}
			if !s.dispatch(r, true) {
				return
			}
			s.pendingAt++
			s.reputFrom = r.off + int64(r.size)
			continue
		}
		if !s.reputBytes(end) {
			return
		}
	}
}

// reputBytes dispatches from the bytes of one file, as far as it gets with one window; false if it
// cannot go on.
func (s *Store) reputBytes(end int64) bool {
	m := s.log.at(s.reputFrom, s.reputFrom == 0)
	if m == nil {
		return false
	}
	s.reputFrom = max(s.reputFrom, m.from)
	avail := min(m.readable(), end-m.from) - (s.reputFrom - m.from)
	if avail <= 0 {
		return false
	}
	window := avail
	for n := int64(reputWindow); n < avail; n *= 4 {
		window = n
		if s.walk(m, window) > 0 {
			return true
		}
	}
	window = avail
	if s.walk(m, window) > 0 {
		return true
	}
	if s.cqTries > 0 {
		return false
	}
	// What is there is no record, or the beginning of one.
	if s.opt.Role == Slave {
		s.stuck = s.reputFrom
		return false
	}
	s.stats.Garbage += avail
	s.reputFrom += avail
	return true
}

// walk dispatches the records in a window and returns how far it came.
func (s *Store) walk(m *mappedFile, window int64) int64 {
	start := s.reputFrom
	refs, err := m.f.Read(s.reputFrom-m.from, int(window), s.refs[:0])
	s.refs = refs[:0]
	if err != nil {
		return 0
	}
	c := &s.cur
	c.Reset(s.a, refs)
	for c.Left() > 0 {
		switch c.Next(false) {
		case Good:
			r := s.requestOf(c, s.reputFrom+c.head)
			if !s.dispatch(&r, true) {
				return s.reputFrom - start
			}
			s.reputFrom += c.head + int64(c.Record.Size)
		case Blank:
			s.reputFrom = m.from + s.opt.FileSize
			return s.reputFrom - start
		case BadSize:
			if c.Record.Size <= 0 {
				return s.reputFrom - start
			}
			s.reputFrom += int64(c.Record.Size) // "[BUG]read total count not equals msg total size"
			return s.reputFrom - start
		default:
			return s.reputFrom - start
		}
	}
	return s.reputFrom - start
}

// requestOf is the request for the record that a cursor has read at an offset.
func (s *Store) requestOf(c *Cursor, off int64) request {
	rec := &c.Record
	q := s.queues[queueKey{string(rec.Topic), rec.QueueID}]
	if q == nil {
		q = s.queue(string(rec.Topic), rec.QueueID)
	}
	k := knownOf(rec.Properties)
	r := request{off: off, size: rec.Size, q: q, queueOff: rec.QueueOffset, storeTime: rec.StoreTimestamp,
		tran: rec.SysFlag & sysTransaction, tagsCode: s.tagsCodeOf(q.Topic == ScheduleTopic, &k, rec.StoreTimestamp)}
	if s.index != nil {
		r.keys = hashesOf(q, &k)
	}
	return r
}

// A queue that cannot be written is tried again 30 times, a second apart; meanwhile nothing is
// dispatched. Then LOGICS_QUEUE_ERROR is set for good, and records pass without an entry
// (ConsumeQueue.putMessagePositionInfoWrapper).
const (
	cqTries = 30
	cqPause = sim.Second
)

// dispatch gives a record to its queue and to the index (CommitLogDispatcherBuildConsumeQueue,
// CommitLogDispatcherBuildIndex); arrive says whether pulls may be waiting for it. false: the queue
// could not be written, and the dispatch loop sleeps.
func (s *Store) dispatch(r *request, arrive bool) bool {
	if r.tran == 0 || r.tran == SysCommit {
		if s.logicErr || !r.q.put(Entry{r.off, r.size, r.tagsCode}, r.queueOff) {
			if s.cqTries++; !s.logicErr && s.reputOn && s.cqTries < cqTries {
				s.cqRetry = s.env.Now() + cqPause
				s.after(cqPause, timerReputAgain)
				return false
			}
			s.logicErr, s.cqTries = true, 0
		} else {
			s.cqTries = 0
			if s.opt.Role == Slave {
				s.cp.physic = r.storeTime
			}
			s.cp.logics = r.storeTime
		}
	}
	s.stats.Dispatched++
	if s.index != nil && r.tran != SysRollback {
		s.index.put(r)
	}
	if arrive && (s.opt.Role != Slave || s.opt.ArriveOnSlave) {
		s.hooks.Arrived(r.q, r.queueOff+1, r.tagsCode)
	}
	return true
}
