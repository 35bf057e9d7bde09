package store

import "github.com/mqsim/mqsim/sim"

// Syncs run beside the broker's requests. A flush service is a thread that calls force() and
// waits; here it asks for one sync at a time and goes on when Synced answers.

// owner is the service that asked for a sync.
type owner uint8

const (
	ownTimed owner = iota
	ownGroup
	ownQueues
	ownCheckpoint
	ownShutdown
	ownIndex
	ownLedger
	ownNobody
)

// syncOp is a sync under way.
type syncOp struct {
	own       owner
	q         *mappedQueue
	m         *mappedFile
	to        int64
	storeTime int64 // of the file when the sync was issued
	thorough  bool
}

// syncs are the syncs under way by slot.
type syncs struct {
	ops  []syncOp
	free []uint32
}

const slotMask = 1<<24 - 1

// issue asks for a sync of a file.
func (s *Store) issue(f *file, op syncOp) {
	var slot uint32
	if n := len(s.sync.free); n > 0 {
		slot = s.sync.free[n-1]
		s.sync.free = s.sync.free[:n-1]
		s.sync.ops[slot] = op
	} else {
		slot = uint32(len(s.sync.ops))
		s.sync.ops = append(s.sync.ops, op)
	}
	f.Sync(s.opt.SyncTag | slot)
}

// Synced takes the completion of a sync; false if it is not the store's.
func (s *Store) Synced(arg uint32, err error) bool {
	if arg&^uint32(slotMask) != s.opt.SyncTag {
		return false
	}
	slot := arg & slotMask
	if int(slot) >= len(s.sync.ops) {
		return true
	}
	op := s.sync.ops[slot]
	s.sync.ops[slot] = syncOp{}
	s.sync.free = append(s.sync.free, slot)
	s.flushDone(op, err)
	if s.closing && op.own != ownShutdown {
		return true // shutdown has taken over
	}
	switch op.own {
	case ownTimed:
		s.timedDone()
	case ownGroup:
		s.group.flushed()
	case ownQueues:
		s.cqFlush.busy = false
		s.flushQueues()
	case ownCheckpoint:
		s.cqFlush.end()
	case ownIndex:
		s.index.flushed(op.storeTime)
	case ownLedger:
		s.ledgerFlushed()
	case ownShutdown:
		s.shutdownStep()
	}
	return true
}

// flush issues a sync of the file with a queue's flushed position if there is enough to flush
// (MappedFileQueue.flush); false if there is not.
func (s *Store) flush(q *mappedQueue, leastPages int64, own owner) bool {
	m, to := q.flushable(leastPages)
	if m == nil {
		return false
	}
	s.issue(m.f, syncOp{own: own, q: q, m: m, to: to, storeTime: m.storeTime, thorough: leastPages == 0})
	return true
}

// flushDone moves the flushed position. A failed fsync moves it too: MappedFile.flush logs what
// force() throws and goes on (4.x to 5.3.3; #2706, #9713).
func (s *Store) flushDone(op syncOp, err error) {
	if op.m == nil {
		return
	}
	s.stats.Flushes++
	if err != nil {
		s.stats.FlushErrors++
		if s.opt.FsyncErrors {
			return
		}
	} else if !op.m.named {
		s.nameDurable(op.q)
	}
	op.q.flushedUp(op.m, op.to)
	if op.thorough {
		op.q.storeTime = op.storeTime
	}
	if op.q == &s.log && s.log.storeTime > 0 {
		s.cp.physic = s.log.storeTime
	}
	if op.q == &s.log && s.opt.DispatchFlushed {
		s.armReput()
	}
}

// nameDurable follows the first fsync of a new file: on ext4 it commits the journal with the names
// that were made before (see the package comment).
func (s *Store) nameDurable(q *mappedQueue) {
	dirs := [3]string{q.dir, s.opt.Dir}
	if s.ledger != nil {
		dirs[2] = s.ledger.dir
	}
	if s.rooted {
		dirs[1], dirs[2] = "", ""
	}
	for _, dir := range dirs {
		if dir != "" && s.fs.SyncDir(dir) != nil {
			return
		}
	}
	s.rooted = true
	for _, m := range q.files {
		m.named = true
	}
}

// timedFlush is FlushRealTimeService, the flush loop of ASYNC_FLUSH.
type timedFlush struct {
	s        *Store
	on       bool
	thorough sim.Time // of the last flush that ignored the page minimum
	pages    int64    // page minimum of the next turn
	next     sim.Time // of the next turn; earlier timers are of turns that a put woke
	waiting  bool
	woken    bool
}

func (t *timedFlush) start() {
	t.on = true
	t.thorough = -t.s.opt.FlushThorough
	t.wait(t.s.env.Rand("flush").Range(1, t.s.opt.FlushInterval))
}

// wait arms the next turn. The loop decides before it sleeps whether the turn is a thorough one.
func (t *timedFlush) wait(d sim.Time) {
	now := t.s.env.Now()
	t.pages = t.s.opt.FlushPages
	if now >= t.thorough+t.s.opt.FlushThorough {
		t.thorough, t.pages = now, 0
	}
	t.next, t.waiting, t.woken = now+d, true, false
	t.s.after(d, timerFlush)
}

// put wakes the loop if flushCommitLogTimed is false.
func (t *timedFlush) put() {
	if t.on && !t.s.opt.FlushTimed && t.waiting && !t.woken {
		t.woken = true
		t.next = t.s.env.Now()
		t.s.after(0, timerFlush)
	}
}

// flushTurn is one turn of the loop.
func (s *Store) flushTurn() {
	t := &s.timed
	if !t.on || !t.waiting || s.env.Now() < t.next {
		return
	}
	t.waiting = false
	if !s.flush(&s.log, t.pages, ownTimed) {
		s.timedDone()
	}
}

func (s *Store) timedDone() {
	if s.log.storeTime > 0 {
		s.cp.physic = s.log.storeTime
	}
	s.timed.wait(s.opt.FlushInterval)
}
