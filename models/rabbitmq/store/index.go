package store

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// Records of rabbit_queue_index.hrl. The journal has entries of 8 bytes, 2 bits of kind and 62 of
// sequence number; a publish is followed by id, expiry, size and the embedded message. In a segment a
// publish has 2 bytes, bit 1, persistence and 14 bits of number in the segment, followed by the same; and
// what is 01 with 14 bits says delivered the first time and acknowledged the second time.
const (
	jPubPersist = 0
	jPubTrans   = 1
	jDeliver    = 2
	jAck        = 3

	journalHead = 8
	pubBody     = idSize + 8 + 4 + 4 // id, expiry, size, embedded size
	segHead     = 2

	maxSegmentEntries = 1 << 14

	journalName   = "journal.jif"
	stubName      = ".queue_name"
	stubHead      = "VHOST: /\nQUEUE: "
	segmentSuffix = ".idx"
)

// index is the queue index of one queue: a journal and segments of equal length in messages.
type index struct {
	journal *sim.File
	fresh   bool // the journal's name is not durable
	dirty   int  // entries since the last flush to the segments
	written bool // the file has bytes that no sync covers

	buf   []sim.Ref // journal entries in process memory (fhc, write_buffer infinity)
	small []byte    // the end of it: entries of 8 bytes

	unconfirmed []uint64 // sequence numbers whose confirm waits for the journal
	inflight    []uint64 // those that the running sync covers

	segs []segment
	seg0 uint64 // number of segs[0]

	two index2 // of version 2 instead of journal and buffers
}

// segment is what is known of one segment.
type segment struct {
	unacked int  // publishes without ack, journal included
	dirty   int  // messages about which the journal knows more
	file    bool // there is a file
	fresh   bool // its name is not durable
}

// waiting says that a confirm waits for the journal.
func (x *index) waiting() bool { return len(x.unconfirmed) > 0 }

// unsynced says that something is not on the platter.
func (x *index) unsynced() bool { return len(x.buf) > 0 || len(x.small) > 0 || x.written }

func (x *index) close() {
	if x.journal != nil {
		x.journal.Close()
		x.journal = nil
	}
	x.two.close()
	*x = index{}
}

func (q *Queue) segment(seq uint64) *segment {
	x := &q.index
	n := seq / q.perSegment()
	switch {
	case len(x.segs) == 0:
		x.seg0 = n
	case n < x.seg0:
		x.segs = append(make([]segment, x.seg0-n, x.seg0-n+uint64(len(x.segs))), x.segs...)
		x.seg0 = n
	}
	for n-x.seg0 >= uint64(len(x.segs)) {
		x.segs = append(x.segs, segment{})
	}
	return &x.segs[n-x.seg0]
}

// note marks an entry as known to the journal, and forgets about one whose whole life is in the journal
// (qi, add_to_journal and action_to_entry).
func (q *Queue) note(seq uint64, e *entry, flag uint16) *segment {
	s := q.segment(seq)
	if e.flags&fJournal == 0 {
		s.dirty++
	}
	e.flags |= flag
	if e.flags&fJournal == fJournal {
		e.flags &^= fJournal
		s.dirty--
	}
	q.index.dirty++
	return s
}

// journalPublish appends a publish with its body to the journal (qi, publish).
func (q *Queue) journalPublish(seq uint64, e *entry, head sim.Ref) {
	q.record(seq, e)
	x := &q.index
	q.spill()
	if e.flags&fEmbedded == 0 {
		x.buf = append(x.buf, e.rec)
	} else {
		x.buf = append(x.buf, e.rec.Slice(0, journalHead+pubBody), head, e.body, e.rec.Slice(journalHead+pubBody, e.rec.Len))
	}
	q.note(seq, e, fJPub).unacked++
	if e.flags&fConfirm != 0 {
		x.unconfirmed = append(x.unconfirmed, seq)
	}
}

// record makes the journal record of an entry: all that is not head or body.
func (q *Queue) record(seq uint64, e *entry) {
	persistent := e.flags&fPersistent != 0
	n := journalHead + pubBody
	tail, embedded := 0, 0
	if e.flags&fEmbedded != 0 {
		tail = tailSize(persistent)
		embedded = int(q.v.routes.head(q.v.env.Arena(), headKey{e.body.Len, e.route, e.mode}).Len) + int(e.body.Len) + tail
	}
	rec, b := q.v.env.Arena().Alloc(n + tail)
	kind := uint64(jPubTrans)
	if persistent {
		kind = jPubPersist
	}
	binary.BigEndian.PutUint64(b, kind<<62|seq)
	putID(b[journalHead:], e.id)
	binary.BigEndian.PutUint32(b[journalHead+24:], e.body.Len)
	binary.BigEndian.PutUint32(b[journalHead+28:], uint32(embedded))
	if tail > 0 {
		appendTail(b[:n], e.id, persistent)
	}
	e.rec = rec
}

func (q *Queue) journalDeliver(seq uint64, e *entry) {
	if q.v2 { // it keeps one number for all (next_deliver_seq_id)
		return
	}
	q.index.small = binary.BigEndian.AppendUint64(q.index.small, jDeliver<<62|seq)
	q.note(seq, e, fJDel)
}

func (q *Queue) journalAck(seq uint64, e *entry) {
	if q.v2 {
		q.ack2(seq, e)
		return
	}
	q.index.small = binary.BigEndian.AppendUint64(q.index.small, jAck<<62|seq)
	q.note(seq, e, fJAck).unacked--
}

// spill moves the small entries to the buffer, so that order is kept.
func (q *Queue) spill() {
	if x := &q.index; len(x.small) > 0 {
		x.buf = append(x.buf, q.v.env.Arena().Put(x.small))
		x.small = x.small[:0]
	}
}

func segmentName(n uint64) string { return strconv.FormatUint(n, 10) + segmentSuffix }

func segmentNumber(name string) (uint64, bool) {
	text, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 48)
	return n, err == nil
}

// pub is a decoded publish record of journal or segment.
type pub struct {
	id         uint64
	size       uint32
	persistent bool
	embedded   bool
	whole      bool // not embedded, or the embedded message can be read
	m          stored
}

// readPub reads what follows the head of a publish record; ok is false if the record is not complete.
func readPub(r *reader, persistent bool) (p pub, ok bool) {
	if r.left() < pubBody {
		return p, false
	}
	b := r.bytes(pubBody)
	p = pub{id: getID(b), size: binary.BigEndian.Uint32(b[24:]), persistent: persistent, whole: true}
	n := int64(binary.BigEndian.Uint32(b[28:]))
	if n == 0 {
		return p, true
	}
	if r.left() < n {
		return p, false
	}
	p.embedded = true
	end := r.off + n
	p.m, p.whole = decode(r, n)
	p.whole = p.whole && p.m.id == p.id && p.m.body.Len == p.size
	r.skip(end - r.off)
	return p, true
}

// scanJournal visits the entries of a journal until it ends, or breaks off in the middle of one. An
// entry that is all zeros ends it too: it comes from a dirty shutdown (qi, load_journal_entries). It returns
// the end of the last whole entry.
func scanJournal(r *reader, publish func(seq uint64, p pub), mark func(seq uint64, kind uint64)) (valid int64) {
	for valid = r.off; r.left() >= journalHead; valid = r.off {
		w := binary.BigEndian.Uint64(r.bytes(journalHead))
		kind, seq := w>>62, w&(1<<62-1)
		if kind == jDeliver || kind == jAck {
			mark(seq, kind)
			continue
		}
		p, ok := readPub(r, kind == jPubPersist)
		if !ok || w == 0 && p.id == 0 && p.size == 0 && !p.embedded {
			return valid
		}
		publish(seq, p)
	}
	return valid
}

// scanSegment visits the records of a segment and returns the end of the last whole one.
func scanSegment(r *reader, entries int, publish func(rel uint64, p pub), mark func(rel uint64)) (valid int64) {
	valid = r.off
	for r.left() >= segHead {
		w := binary.BigEndian.Uint16(r.bytes(segHead))
		rel := uint64(w & (maxSegmentEntries - 1))
		if rel >= uint64(entries) {
			return valid
		}
		switch {
		case w&0x8000 != 0:
			p, ok := readPub(r, w&0x4000 != 0)
			if !ok {
				return valid
			}
			publish(rel, p)
		case w&0x4000 != 0:
			mark(rel)
		default:
			return valid
		}
		valid = r.off
	}
	return valid
}
