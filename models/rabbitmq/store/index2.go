package store

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// Files of version 2 (rabbit_classic_queue_index_v2, qi2): N.qi has a head of 64 bytes and one place of 32
// bytes for each sequence number of the segment: status, flags, an unused byte, where the body is, its size,
// its expiry. A place of zeros is a message that was acknowledged or never was.
const (
	index2Magic   = 0x52435149 // "RCQI"
	version2      = 2
	segment2Head  = 64
	entry2        = 32
	entry2Where   = 3  // where the body is, in an entry
	entry2Size    = 20 // size of the body
	inShared      = 1
	inQueueStore  = 2
	index2Suffix  = ".qi"
	open2         = 4 // files of the index that stay open (qi2, reduce_fd_usage)
	stub2         = "INDEX: v2\n"
	whyBadSegment = "segment file without a head"
)

// index2 is what version 2 has in process memory: the write buffers of index and per-queue store.
type index2 struct {
	pubs   []uint64 // entries that are not written, those that are gone again included
	live   int      // of them: still wanted
	acks   []uint64 // acknowledgements of entries that are written
	open   []open2File
	bodies bodies2
	err    error // a file operation that failed: the process dies at the end of this message
}

type open2File struct {
	n uint64
	f *sim.File
}

// perSegment is the number of messages of a segment.
func (q *Queue) perSegment() uint64 {
	if q.v2 {
		return uint64(q.v.cfg.Segment2Entries)
	}
	return uint64(q.v.cfg.SegmentEntries)
}

func segment2Header(magic uint32, from, entries uint64) []byte {
	b := make([]byte, segment2Head)
	binary.BigEndian.PutUint32(b, magic)
	b[4] = version2
	binary.BigEndian.PutUint64(b[5:], from)
	binary.BigEndian.PutUint64(b[13:], from+entries)
	return b
}

// init2 makes the directory with its stub, as a queue process of version 2 does when it starts (qi2,
// ensure_queue_name_stub_file).
func (q *Queue) init2() {
	fs := q.v.env.FS()
	if fs.Exists(q.dir + "/" + stubName) {
		return
	}
	stub, err := fs.Create(q.dir + "/" + stubName)
	if err == nil {
		err = stub.AppendBytes([]byte(stubHead + q.name + "\n" + stub2))
		stub.Close()
	}
	q.fail2(err)
}

func (q *Queue) fail2(err error) {
	if err != nil && q.index.two.err == nil {
		q.index.two.err = err
	}
}

// publish2 puts the entry of a message into the write buffer; the file of its segment is made with the first
// one (qi2, publish).
func (q *Queue) publish2(seq uint64, e *entry, head sim.Ref) {
	x := &q.index
	n := entry2
	tail := 0
	if e.flags&fEmbedded != 0 {
		tail = tailSize(e.flags&fPersistent != 0)
		n += body2Head + tail
	}
	rec, b := q.v.env.Arena().Alloc(n)
	b[0] = 1
	if e.flags&fPersistent != 0 {
		b[1] = 1
	}
	if e.flags&fEmbedded != 0 {
		q.write2(e, head, b[entry2:])
		size := head.Len + e.body.Len + uint32(tail)
		b[entry2Where] = inQueueStore
		binary.BigEndian.PutUint64(b[entry2Where+1:], uint64(x.two.bodies.place(q, seq, size)))
		binary.BigEndian.PutUint32(b[entry2Where+9:], size)
	} else {
		b[entry2Where] = inShared
		putID(b[entry2Where+1:], e.id)
	}
	binary.BigEndian.PutUint32(b[entry2Size:], e.body.Len)
	e.rec = rec
	e.flags |= fUnwritten
	if e.flags&fEmbedded != 0 {
		e.flags |= fBodyUnwritten
	}
	s := q.segment(seq)
	if s.unacked == 0 {
		q.fail2(q.newSegment2(seq/q.perSegment(), s))
	}
	s.unacked++
	if len(x.two.pubs) > 2*x.two.live+64 { // most were acknowledged before they were written
		x.two.pubs = slices.DeleteFunc(x.two.pubs, q.written2(fUnwritten))
	}
	x.two.pubs = append(x.two.pubs, seq)
	x.two.live++
	if e.flags&fConfirm != 0 {
		x.unconfirmed = append(x.unconfirmed, seq)
	}
	x.dirty++
	q.full2()
}

// written2 says of a sequence number that the buffer of that flag need not keep it.
func (q *Queue) written2(flag uint16) func(uint64) bool {
	return func(seq uint64) bool {
		e := q.at(seq)
		return e == nil || e.flags&flag == 0
	}
}

func (q *Queue) newSegment2(n uint64, s *segment) error {
	f, err := q.v.env.FS().Create(q.dir + "/" + segment2Name(n))
	if err != nil {
		return err
	}
	s.file, s.fresh = true, true
	q.keep2(n, f)
	return f.AppendBytes(segment2Header(index2Magic, n*q.perSegment(), q.perSegment()))
}

// keep2 holds a file open. Of more than four, one in the middle is closed: the oldest are read, the newest
// written.
func (q *Queue) keep2(n uint64, f *sim.File) {
	x := &q.index.two
	i, _ := slices.BinarySearchFunc(x.open, n, func(o open2File, n uint64) int { return int(int64(o.n) - int64(n)) })
	if len(x.open) == open2 {
		victim := 1
		if n > x.open[2].n || n > x.open[1].n && n-x.open[1].n > x.open[2].n-n {
			victim = 2
		}
		x.open[victim].f.Close()
		x.open = slices.Delete(x.open, victim, victim+1)
		if i > victim {
			i--
		}
	}
	x.open = slices.Insert(x.open, i, open2File{n, f})
}

func (q *Queue) file2(n uint64) *sim.File {
	for _, o := range q.index.two.open {
		if o.n == n {
			return o.f
		}
	}
	f := q.v.env.FS().Open(q.dir + "/" + segment2Name(n))
	if f != nil {
		q.keep2(n, f)
	}
	return f
}

// ack2 forgets an entry: one that is not written never will be, otherwise its place is to be filled with zeros;
// and the last one of a segment takes the files with it (qi2, ack).
func (q *Queue) ack2(seq uint64, e *entry) {
	x := &q.index.two
	written := e.flags&fUnwritten == 0
	if !written {
		x.live--
	}
	if e.flags&fBodyUnwritten != 0 {
		_, size := body2Place(q.v.env.Arena().Bytes(e.rec))
		x.bodies.size -= int64(size)
		x.bodies.live--
	}
	e.flags &^= fJournal
	n := seq / q.perSegment()
	s := q.segment(seq)
	if s.unacked--; s.unacked == 0 {
		q.dropSegment2(n, s)
		x.acks = slices.DeleteFunc(x.acks, func(a uint64) bool { return a/q.perSegment() == n })
		return
	}
	if written {
		x.acks = append(x.acks, seq)
		q.index.dirty++
	}
	q.full2()
}

// dropSegment2 deletes the files of a segment.
func (q *Queue) dropSegment2(n uint64, s *segment) {
	s.file = false
	q.fail2(q.removeSegment2(n, whyConsumed))
	q.trim()
}

// full2 writes when the buffers are full: only the acknowledgements if there are many, everything if the
// buffer is as long as a segment (qi2, maybe_flush_buffer).
func (q *Queue) full2() {
	x := &q.index.two
	if x.bodies.size >= bodies2Limit {
		q.fail2(x.bodies.flush(q, false))
	}
	switch n := int(q.perSegment()); {
	case len(x.acks) >= n/2:
		q.fail2(q.writeAcks2())
	case x.live+len(x.acks) >= n:
		q.fail2(q.writeIndex2())
	}
}

// writeIndex2 writes the whole buffer of the index (qi2, flush_buffer).
func (q *Queue) writeIndex2() error {
	x := &q.index.two
	if err := q.writeAcks2(); err != nil {
		return err
	}
	per := q.perSegment()
	for i := 0; i < len(x.pubs); {
		seq := x.pubs[i]
		if e := q.at(seq); e == nil || e.flags&fUnwritten == 0 {
			i++
			continue
		}
		k := 0 // the run of neighbours in one segment
		for i+k < len(x.pubs) && x.pubs[i+k] == seq+uint64(k) && x.pubs[i+k]/per == seq/per {
			e := q.at(seq + uint64(k))
			if e == nil || e.flags&fUnwritten == 0 {
				break
			}
			k++
		}
		ref, b := q.v.env.Arena().Alloc(k * entry2)
		for j := range k {
			e := q.at(seq + uint64(j))
			copy(b[j*entry2:], q.v.env.Arena().Bytes(e.rec)[:entry2])
			e.flags &^= fUnwritten
		}
		f := q.file2(seq / per)
		if f == nil {
			return errFlush
		}
		if err := f.WriteRefAt(segment2Head+int64(seq%per)*entry2, ref); err != nil {
			return err
		}
		i += k
	}
	x.pubs, x.live = x.pubs[:0], 0
	q.index.dirty = 0
	return nil
}

func (q *Queue) writeAcks2() error {
	x := &q.index.two
	slices.Sort(x.acks)
	per := q.perSegment()
	for i := 0; i < len(x.acks); {
		seq, k := x.acks[i], 1
		for i+k < len(x.acks) && x.acks[i+k] == seq+uint64(k) && x.acks[i+k]/per == seq/per {
			k++
		}
		f := q.file2(seq / per)
		if f == nil {
			return errFlush
		}
		if err := f.WriteAt(segment2Head+int64(seq%per)*entry2, make([]byte, k*entry2)); err != nil {
			return err
		}
		i += k
	}
	x.acks = x.acks[:0]
	return nil
}

// sync2 is what precedes confirms: bodies and entries are written, and nothing is synced (qi2, sync). A
// machine that loses its power may lose what was confirmed since the system wrote its cache back.
func (q *Queue) sync2() {
	x := &q.index
	err := x.two.bodies.flush(q, false)
	if err == nil {
		err = q.writeIndex2()
	}
	if err != nil {
		q.failed(err)
		return
	}
	q.since = -1
	q.indexSafe(x.unconfirmed)
	x.unconfirmed = x.unconfirmed[:0]
	q.emit()
}

// terminate2 writes everything, and syncs the files that are open.
func (q *Queue) terminate2() error {
	x := &q.index.two
	if err := x.bodies.flush(q, true); err != nil {
		return err
	}
	if err := q.writeIndex2(); err != nil {
		return err
	}
	fresh := true
	for _, o := range x.open {
		if err := q.v.fsync(o.f, q.dir, &fresh); err != nil {
			return err
		}
	}
	return nil
}

// forget closes the file of a segment, if it is open.
func (x *index2) forget(n uint64) {
	for i, o := range x.open {
		if o.n == n {
			o.f.Close()
			x.open = slices.Delete(x.open, i, i+1)
			return
		}
	}
}

func (x *index2) close() {
	for _, o := range x.open {
		o.f.Close()
	}
}

func segment2Name(n uint64) string {
	return strings.TrimSuffix(segmentName(n), segmentSuffix) + index2Suffix
}

func segment2Number(name string) (uint64, bool) {
	text, ok := strings.CutSuffix(name, index2Suffix)
	if !ok {
		return 0, false
	}
	return segmentNumber(text + segmentSuffix)
}
