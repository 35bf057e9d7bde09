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
	s    *Store
	on   bool
	free int // buffers
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

// turn writes all buffers out (CommitRealTimeService.run; every turn is a thorough one, as both
// intervals are 200 ms).
func (p *pool) turn() {
	p.commit()
	p.s.after(p.s.opt.CommitTime, timerCommit)
}

// commit is MappedFileQueue.commit of everything. What does not fit on the disk stays in the buffer.
func (p *pool) commit() {
	for _, m := range p.s.log.files {
		if !m.pooling {
			continue
		}
		if !p.write(m) {
			break
		}
	}
	p.s.armReput()
	p.s.timed.put()
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
