package store

// shutdown is a clean stop under way.
type shutdown struct {
	on    bool
	queue int // next of Store.ordered
	phase int // 0 log, 1 queues, 2 checkpoint, 3 done
	tries int
	done  func()
}

// Shutdown flushes log, queues and checkpoint and removes the abort file, if the store is writable
// and dispatch has nothing before it (DefaultMessageStore.shutdown). done is called at the end, and
// the process then exits. Nothing may be put meanwhile.
func (s *Store) Shutdown(done func()) {
	if s.stop.on {
		return
	}
	s.reput()
	if s.pool.on {
		s.pool.commit(0)
		s.reput()
	}
	s.closing = true
	if s.ledger != nil {
		s.saveLedger()
	}
	s.stop = shutdown{on: true, done: done}
	s.shutdownStep()
}

// shutdownStep goes on after each sync.
func (s *Store) shutdownStep() {
	st := &s.stop
	for st.phase == 0 {
		// FlushRealTimeService tries ten times, each a file.
		if st.tries++; st.tries > 10 || !s.flush(&s.log, 0, ownShutdown) {
			st.phase++
			s.answerAll()
			continue
		}
		return
	}
	for ; st.phase == 1; st.queue++ {
		if st.queue == len(s.ordered) {
			st.phase++
			break
		}
		if s.flush(&s.ordered[st.queue].files, 0, ownShutdown) {
			st.queue++
			return
		}
	}
	if st.phase == 2 {
		st.phase++
		if s.log.storeTime > 0 {
			s.cp.physic = s.log.storeTime
		}
		s.cp.flush(s, ownShutdown)
		return
	}
	if !s.logicErr && !s.disk.full && s.Behind() <= 0 {
		_ = s.fs.Remove(s.opt.Dir+"/abort", WhyShutdown) // absent if Start was never called
	}
	st.done()
}

// answerAll answers who waited for a flush.
func (s *Store) answerAll() {
	g := &s.group
	for ; g.head < len(g.reqs); g.head++ {
		g.answer(g.head, s.log.flushedTo >= g.reqs[g.head].end)
	}
}

// WhyShutdown is the reason for the removal of the abort file.
const WhyShutdown = "shutdown"
