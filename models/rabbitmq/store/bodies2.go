package store

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// Files of the per-queue store (rabbit_classic_queue_store_v2, qs2): N.qs has a head of 64 bytes and behind it
// messages, each with 4 bytes of size, a byte that says whether there is a checksum, 16 bits of CRC-32 and a
// byte of zero.
const (
	bodies2Magic = 0x52435153 // "RCQS"
	body2Head    = 8
	bodies2Limit = 512000 // classic_queue_store_v2_max_cache_size
	bodies2Suf   = ".qs"
)

// bodies2 is the write buffer of the per-queue store. A message's place in the file is decided when it comes:
// what is acknowledged before it is written leaves a hole.
type bodies2 struct {
	any     bool // segment and offset are known
	segment uint64
	offset  int64
	seqs    []uint64 // those that are gone again included
	live    int      // of them: still wanted
	size    int64    // bytes of those
}

// place is where a message of a segment will be (qs2, get_write_offset).
func (b *bodies2) place(q *Queue, seq uint64, size uint32) int64 {
	n := seq / q.perSegment()
	switch {
	case !b.any:
		b.any, b.segment, b.offset = true, n, segment2Head
		if f := q.v.env.FS().Open(q.dir + "/" + body2Name(n)); f != nil {
			b.offset = max(f.Size(), segment2Head)
			f.Close()
		}
	case n > b.segment:
		b.segment, b.offset = n, segment2Head
	}
	at := b.offset
	b.offset += body2Head + int64(size)
	if len(b.seqs) > 2*b.live+64 {
		b.seqs = slices.DeleteFunc(b.seqs, q.written2(fBodyUnwritten))
	}
	b.seqs = append(b.seqs, seq)
	b.live++
	b.size += int64(size)
	return at
}

// write2 makes the frame of a message: its head and its tail.
func (q *Queue) write2(e *entry, head sim.Ref, b []byte) {
	persistent := e.flags&fPersistent != 0
	tail := appendTail(b[:body2Head], e.id, persistent)[body2Head:]
	binary.BigEndian.PutUint32(b, head.Len+e.body.Len+uint32(len(tail)))
	a := q.v.env.Arena()
	sum := crc32.ChecksumIEEE(a.Bytes(head))
	sum = crc32.Update(sum, crc32.IEEETable, a.Bytes(e.body))
	sum = crc32.Update(sum, crc32.IEEETable, tail)
	b[4] = 1
	binary.BigEndian.PutUint16(b[5:], uint16(sum))
	b[7] = 0
}

// flush writes the buffer, in runs of neighbours (qs2, flush_buffer).
func (b *bodies2) flush(q *Queue, sync bool) error {
	a := q.v.env.Arena()
	var f *sim.File
	var err error
	segment, refs, start := uint64(0), q.v.refs[:0], int64(0)
	end := int64(-1)
	write := func() error {
		if len(refs) == 0 {
			return nil
		}
		err := f.WriteRefAt(start, refs[0])
		if err == nil && len(refs) > 1 {
			err = f.Append(refs[1:]...)
		}
		refs = refs[:0]
		return err
	}
	done := func() error {
		if f == nil {
			return nil
		}
		err := write()
		if err == nil && sync {
			fresh := true
			err = q.v.fsync(f, q.dir, &fresh)
		}
		f.Close()
		return err
	}
	for _, seq := range b.seqs {
		e := q.at(seq)
		if e == nil || e.flags&fBodyUnwritten == 0 {
			continue
		}
		e.flags &^= fBodyUnwritten
		if n := seq / q.perSegment(); f == nil || n != segment {
			if err := done(); err != nil {
				return err
			}
			if f, err = q.openBodies2(n); err != nil {
				return err
			}
			segment, end = n, -1
		}
		loc, size := body2Place(a.Bytes(e.rec))
		if loc != end {
			if err := write(); err != nil {
				return err
			}
			start = loc
		}
		head := q.v.routes.head(a, headKey{e.body.Len, e.route, e.mode})
		refs = append(refs, e.rec.Slice(entry2, entry2+body2Head), head)
		if e.body.Len > 0 {
			refs = append(refs, e.body)
		}
		refs = append(refs, e.rec.Slice(entry2+body2Head, e.rec.Len))
		end = loc + body2Head + int64(size)
	}
	err = done()
	q.v.refs = refs[:0]
	b.seqs, b.live, b.size = b.seqs[:0], 0, 0
	return err
}

func (q *Queue) openBodies2(n uint64) (*sim.File, error) {
	fs, path := q.v.env.FS(), q.dir+"/"+body2Name(n)
	if f := fs.Open(path); f != nil {
		return f, nil
	}
	f, err := fs.Create(path)
	if err != nil {
		return nil, err
	}
	return f, f.AppendBytes(segment2Header(bodies2Magic, n*q.perSegment(), q.perSegment()))
}

// body2Place is where an entry of the index says that its message is.
func body2Place(b []byte) (off int64, size uint32) {
	return int64(binary.BigEndian.Uint64(b[entry2Where+1:])), binary.BigEndian.Uint32(b[entry2Where+9:])
}

// read2 reads a message of the per-queue store and checks its sum (qs2, check_msg_on_disk).
func (q *Queue) read2(seq uint64, e *entry) (stored, bool) {
	f := q.v.env.FS().Open(q.dir + "/" + body2Name(seq/q.perSegment()))
	if f == nil {
		return stored{}, false
	}
	defer f.Close()
	off, size := body2Place(q.v.env.Arena().Bytes(e.rec))
	r, err := read(q.v.env.Arena(), f, off, off+body2Head+int64(size))
	if err != nil {
		return stored{}, false
	}
	return readBody2(&r, size)
}

// readBody2 reads one message; its size is known from the index, or not (0).
func readBody2(r *reader, size uint32) (stored, bool) {
	if r.left() < body2Head {
		return stored{}, false
	}
	h := r.bytes(body2Head)
	n, flag, want := binary.BigEndian.Uint32(h), h[4], binary.BigEndian.Uint16(h[5:])
	if n == 0 || size > 0 && n != size || flag > 1 || h[7] != 0 || r.left() < int64(n) {
		return stored{}, false
	}
	whole := r.take(int64(n))
	if flag == 1 && uint16(crc32.ChecksumIEEE(r.a.Bytes(whole))) != want {
		return stored{}, false
	}
	return decode(&reader{a: r.a, refs: []sim.Ref{whole}, end: int64(n)}, int64(n))
}

// scanBodies2 visits the messages of a file. Behind a hole it looks for the next one: a message begins at most
// three bytes before the first that is not zero, and its sum says where.
func scanBodies2(r *reader, visit func(off int64, m stored)) (end int64) {
	end = r.off
	for r.left() >= body2Head {
		at := *r
		at.buf = nil
		if m, ok := readBody2(&at, 0); ok {
			visit(end, m)
			*r = at
			end = r.off
			continue
		}
		zeros := int64(0)
		for probe := *r; probe.left() > 0 && probe.bytes(1)[0] == 0; {
			zeros++
		}
		if zeros < 4 {
			return end
		}
		r.skip(zeros - 3)
		found := false
		for range 4 {
			at := *r
			at.buf = nil
			if _, found = readBody2(&at, 0); found || r.left() == 0 {
				break
			}
			r.skip(1)
		}
		if !found {
			return end
		}
		end = r.off
	}
	return end
}

func body2Name(n uint64) string {
	return strings.TrimSuffix(segmentName(n), segmentSuffix) + bodies2Suf
}

func body2Number(name string) (uint64, bool) {
	text, ok := strings.CutSuffix(name, bodies2Suf)
	if !ok {
		return 0, false
	}
	return segmentNumber(text + segmentSuffix)
}
