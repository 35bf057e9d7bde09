package store

import "github.com/mqsim/mqsim/sim"

// pooled are bytes in a buffer of the process that are not yet in the file.
type pooled struct {
	at  int64
	ref sim.Ref
}

// pool is TransientStorePool with CommitRealTimeService: appends go to buffers of the process, which
// are written to the files every 200 ms. What is in a buffer dies with the process; nobody reads it
// before it is committed.
type pool struct {
	s     *Store
	on    bool
	free  int      // buffers
	last  sim.Time // of the last turn that took what there was, or found something
	woken bool
}

// enabled: only with ASYNC_FLUSH and not on a slave (MessageStoreConfig.isTransientStorePoolEnable).
func (o *Options) poolEnabled() bool {
	return o.PoolEnable && o.FlushDisk == AsyncFlush && o.Role != Slave
}

// adopt gives a new file a buffer, if one is free (MappedFile.init).
func (p *pool) adopt(m *mappedFile) {
	if p == nil || !p.on || p.free == 0 {
		return
	}
	p.free--
	m.pooling = true
}

// PoolDeficient: no buffer is left; sends are refused with SYSTEM_BUSY
// (isTransientStorePoolDeficient, SendMessageProcessor.rejectRequest).
func (s *Store) PoolDeficient() bool { return s.pool.on && s.pool.free == 0 }

// add buffers a part of a record.
func (p *pool) add(m *mappedFile, r sim.Ref) {
	if r.Len > 0 {
		m.pool = append(m.pool, pooled{m.wrote, r})
		m.wrote += int64(r.Len)
	}
}

// fill buffers the blank record at a file's end.
func (p *pool) fill(m *mappedFile, b []byte) {
	m.pool = append(m.pool, pooled{m.wrote, p.s.a.Put(b)})
}

// turn is CommitRealTimeService.run: it sleeps for commitIntervalCommitLog unless a put wakes it, and
// writes what fills commitCommitLogLeastPages, or after the thorough interval whatever there is.
func (p *pool) turn() {
	p.run()
	p.s.after(p.s.opt.CommitTime, timerCommit)
}

func (p *pool) run() {
	now, pages := p.s.env.Now(), p.s.opt.CommitPages
	if now >= p.last+p.s.opt.CommitThorough {
		p.last, pages = now, 0
	}
	if p.commit(pages) {
		p.last = now
	}
}

// put wakes the loop when there is enough for it to write.
func (p *pool) put(m *mappedFile) {
	if p.on && !p.woken && (m.wrote == p.s.opt.FileSize || m.wrote>>pageShift-m.committed>>pageShift >= p.s.opt.CommitPages) {
		p.woken = true
		p.s.after(0, timerCommitWoken)
	}
}

// commit is MappedFileQueue.commit, file by file (MappedFile.isAbleToCommit). What does not fit on the
// disk stays in the buffer.
func (p *pool) commit(pages int64) (some bool) {
	for _, m := range p.s.log.files {
		full := m.wrote == p.s.opt.FileSize
		if !m.pooling || m.wrote == m.committed && !full || !full && m.wrote>>pageShift-m.committed>>pageShift < pages {
			continue
		}
		if !p.write(m) {
			break
		}
		some = true
	}
	if some {
		p.s.armReput()
		p.s.timed.put()
	}
	return some
}

// write writes a file's buffer; false if the disk refused.
func (p *pool) write(m *mappedFile) bool {
	for i, b := range m.pool {
		if err := m.f.WriteRefAt(b.at, b.ref); err != nil {
			m.pool = m.pool[:copy(m.pool, m.pool[i:])]
			return false
		}
		m.committed = b.at + int64(b.ref.Len)
	}
	m.pool = m.pool[:0]
	m.committed = m.wrote
	if m.wrote == p.s.opt.FileSize { // the buffer goes back
		m.pooling = false
		p.free++
	}
	return true
}
