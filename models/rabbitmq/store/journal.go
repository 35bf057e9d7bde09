package store

import (
	"encoding/binary"

	"github.com/mqsim/mqsim/sim"
)

// open makes the journal with the first entry (qi, get_journal_handle), and beside it the file that says
// whose directory this is.
func (q *Queue) open() error {
	x := &q.index
	if x.journal != nil {
		return nil
	}
	fs := q.v.env.FS()
	if x.journal = fs.Open(q.dir + "/" + journalName); x.journal != nil {
		x.fresh = true // whether an earlier life synced the name is not known
		return nil
	}
	stub, err := fs.Create(q.dir + "/" + stubName)
	if err == nil {
		err = stub.AppendBytes([]byte(stubHead + q.name + "\n"))
		stub.Close()
	}
	if err != nil {
		return err
	}
	x.journal, err = fs.Create(q.dir + "/" + journalName)
	x.fresh = true
	return err
}

// write moves the buffer to the file.
func (q *Queue) write() error {
	q.spill()
	x := &q.index
	if len(x.buf) == 0 {
		return nil
	}
	if err := q.open(); err != nil {
		return err
	}
	err := x.journal.Append(x.buf...)
	x.buf = x.buf[:0]
	x.written = true
	return err
}

// beginSync writes and syncs the journal (qi, sync). Its completion is synced.
func (q *Queue) beginSync() {
	if q.v2 {
		q.sync2()
		return
	}
	x := &q.index
	err := q.write()
	if err == nil && x.fresh {
		err = q.v.env.FS().SyncDir(q.dir)
		x.fresh = err != nil
	}
	if err != nil {
		q.failed(err)
		return
	}
	q.since = -1
	x.inflight, x.unconfirmed = x.unconfirmed, x.inflight[:0]
	x.written = false
	q.syncing = true
	x.journal.Sync(q.v.arg(argQueue, q.slot))
}

// synced confirms what the sync covered. The process then handles what has come meanwhile, which the
// journal already has: if it waits for confirms, the next sync begins.
func (q *Queue) synced(err error) {
	if !q.syncing {
		return
	}
	q.syncing = false
	if err != nil {
		q.failed(err)
		return
	}
	q.indexSafe(q.index.inflight)
	q.index.inflight = q.index.inflight[:0]
	q.emit()
	if !q.deleted && !q.syncing {
		q.work(true)
	}
}

func (q *Queue) indexSafe(seqs []uint64) {
	for _, seq := range seqs {
		e := q.at(seq)
		if e == nil || e.flags&fConfirm == 0 {
			continue
		}
		e.flags |= fIndexSafe
		if e.flags&(fEmbedded|fBodySafe) != 0 {
			q.confirm(e)
		}
	}
}

// flush writes the journal's knowledge to the segments and empties it (qi, flush_journal). Segments are
// synced when they are closed (fhc, soft_close), so afterwards everything is on the platter. A segment
// whose messages are all acknowledged is deleted instead.
func (q *Queue) flush() bool {
	if q.v2 {
		q.sync2()
		return !q.deleted
	}
	x := &q.index
	if err := q.open(); err != nil {
		q.failed(err)
		return false
	}
	for i := range x.segs {
		s, n := &x.segs[i], x.seg0+uint64(i)
		var err error
		switch {
		case s.unacked == 0 && s.file:
			err = q.v.env.FS().Remove(q.dir+"/"+segmentName(n), whyConsumed)
			s.file = false
		case s.unacked > 0 && s.dirty > 0:
			err = q.appendSegment(n, s)
		}
		if err != nil {
			q.failed(err)
			return false
		}
		if s.dirty > 0 {
			q.clearJournal(n)
			s.dirty = 0
		}
	}
	q.trim()
	x.buf, x.small = x.buf[:0], x.small[:0]
	if err := x.journal.Truncate(0, whyMoved); err != nil {
		q.failed(err)
		return false
	}
	x.dirty, x.written = 0, false
	q.since = -1
	q.indexSafe(x.unconfirmed)
	x.unconfirmed = x.unconfirmed[:0]
	q.emit()
	return !q.deleted
}

// trim forgets segments at the front that have neither messages nor a file.
func (q *Queue) trim() {
	x := &q.index
	k := 0
	for k < len(x.segs) && x.segs[k].unacked == 0 {
		k++
	}
	x.segs = x.segs[k:]
	x.seg0 += uint64(k)
}

// bounds are the sequence numbers of a segment that may have entries.
func (q *Queue) bounds(n uint64) (from, to uint64) {
	size := uint64(q.v.cfg.SegmentEntries)
	return max(n*size, q.firstSeq()), min((n+1)*size, q.next)
}

// appendSegment appends what the journal knows about the messages of a segment (qi,
// append_journal_to_segment): for each a publish, a deliver, an ack, as far as the segment lacks them.
func (q *Queue) appendSegment(n uint64, s *segment) error {
	a := q.v.env.Arena()
	refs := q.v.refs[:0]
	heads, b := a.Alloc(s.dirty * 3 * segHead)
	at := uint32(0)
	put := func(w uint64) {
		binary.BigEndian.PutUint16(b[at:], uint16(w))
		at += segHead
	}
	from, to := q.bounds(n)
	base := n * uint64(q.v.cfg.SegmentEntries)
	for seq := from; seq < to; seq++ {
		e := q.at(seq)
		if e == nil || e.flags&fJournal == 0 {
			continue
		}
		rel, start := seq-base, at
		if e.flags&fJPub != 0 {
			w := 0x8000 | rel
			if e.flags&fPersistent != 0 {
				w |= 0x4000
			}
			put(w)
			refs = append(refs, heads.Slice(start, at))
			start = at
			refs = q.appendPub(refs, e)
		}
		if e.flags&fJDel != 0 {
			put(0x4000 | rel)
		}
		if e.flags&fJAck != 0 {
			put(0x4000 | rel)
		}
		if at > start {
			refs = append(refs, heads.Slice(start, at))
		}
	}
	q.v.refs = refs
	return q.writeSegment(n, s, refs)
}

// appendPub adds a publish without its first bytes: the journal's record serves again.
func (q *Queue) appendPub(refs []sim.Ref, e *entry) []sim.Ref {
	const n = journalHead + pubBody
	if e.flags&fEmbedded == 0 {
		return append(refs, e.rec.Slice(journalHead, n))
	}
	head := q.v.routes.head(q.v.env.Arena(), headKey{e.body.Len, e.route, e.mode})
	return append(refs, e.rec.Slice(journalHead, n), head, e.body, e.rec.Slice(n, e.rec.Len))
}

func (q *Queue) writeSegment(n uint64, s *segment, refs []sim.Ref) error {
	fs, path := q.v.env.FS(), q.dir+"/"+segmentName(n)
	f := fs.Open(path)
	if f == nil {
		var err error
		if f, err = fs.Create(path); err != nil {
			return err
		}
		s.fresh = true
	}
	s.file = true
	err := f.Append(refs...)
	if err == nil {
		err = q.v.fsync(f, q.dir, &s.fresh)
	}
	f.Close()
	return err
}

// clearJournal forgets what the journal knew of a segment; what is gone needs no entry any more.
func (q *Queue) clearJournal(n uint64) {
	from, to := q.bounds(n)
	for seq := from; seq < to; seq++ {
		e := q.at(seq)
		if e == nil {
			continue
		}
		had := e.flags&fJournal != 0
		e.flags &^= fJournal
		if had && e.state == gone {
			q.release(seq)
		}
	}
}
