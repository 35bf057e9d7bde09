package store

import "github.com/mqsim/mqsim/sim"

// queueFlush is FlushConsumeQueueService: it flushes the queues one after the other, and with every
// thorough round the checkpoint.
type queueFlush struct {
	s        *Store
	on       bool
	list     []*Queue // those with unflushed entries, in order of first change
	round    []*Queue
	at       int
	thorough sim.Time
	pages    int64
	logics   int64 // logicsMsgTimestamp when a thorough round began
	busy     bool
}

func (f *queueFlush) start() {
	f.on = true
	f.s.after(f.s.env.Rand("queues").Range(1, f.s.opt.QueueInterval), timerQueues)
}

// touched puts a queue into the list.
func (f *queueFlush) touched(q *Queue) {
	if !q.dirty {
		q.dirty = true
		f.list = append(f.list, q)
	}
}

// queuesTurn begins a round (FlushConsumeQueueService.doFlush).
func (s *Store) queuesTurn() {
	f := &s.cqFlush
	if !f.on {
		return
	}
	f.pages = s.opt.QueuePages
	if now := s.env.Now(); now >= f.thorough+s.opt.QueueThorough {
		f.thorough, f.pages = now, 0
		f.logics = s.cp.logics
	}
	f.round = append(f.round[:0], f.list...)
	f.list = f.list[:0]
	f.at = 0
	s.flushQueues()
}

// flushQueues goes on with a round.
func (s *Store) flushQueues() {
	f := &s.cqFlush
	for f.at < len(f.round) {
		q := f.round[f.at]
		f.at++
		// a queue stays in the list until nothing of it is left to flush
		q.dirty = false
		if q.files.flushedTo < q.files.max() {
			f.touched(q)
		}
		if s.flush(&q.files, f.pages, ownQueues) {
			f.busy = true
			return
		}
	}
	if f.pages == 0 {
		if f.logics > 0 {
			s.cp.logics = f.logics
		}
		s.cp.flush(s, ownCheckpoint)
		return
	}
	f.end()
}

// end sleeps until the next round.
func (f *queueFlush) end() {
	if f.on {
		f.s.after(f.s.opt.QueueInterval, timerQueues)
	}
}
