package store

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
)

// EntrySize is the size of a consume queue entry (ConsumeQueue.CQ_STORE_UNIT_SIZE).
const EntrySize = 20

// Entry is an entry of a consume queue.
type Entry struct {
	Offset   int64 // of the record in the commit log
	Size     int32
	TagsCode int64 // hash of the tag; in the schedule topic the time of delivery
}

func (e Entry) put(b []byte) {
	binary.BigEndian.PutUint64(b, uint64(e.Offset))
	binary.BigEndian.PutUint32(b[8:], uint32(e.Size))
	binary.BigEndian.PutUint64(b[12:], uint64(e.TagsCode))
}

func entryAt(b []byte) Entry {
	return Entry{
		Offset:   int64(binary.BigEndian.Uint64(b)),
		Size:     int32(binary.BigEndian.Uint32(b[8:])),
		TagsCode: int64(binary.BigEndian.Uint64(b[12:])),
	}
}

// valid is the broker's test of an entry.
func (e Entry) valid() bool { return e.Offset >= 0 && e.Size > 0 }

// end is the physical offset behind the record.
func (e Entry) end() int64 { return e.Offset + int64(e.Size) }

type queueKey struct {
	topic string
	id    int32
}

// Queue is one queue of a topic: its consume queue and the offset that the next message gets.
type Queue struct {
	Topic string
	ID    int32

	s       *Store
	hash    int32 // of the topic, as keys in the index begin
	files   mappedQueue
	next    int64 // topicQueueTable
	maxPhys int64 // maxPhysicOffset: end of the newest record with an entry, -1
	minByte int64 // minLogicOffset, in bytes
	dirty   bool  // in the flush service's list
}

// Min is the first offset of the queue (getMinOffsetInQueue).
func (q *Queue) Min() int64 { return q.minByte / EntrySize }

// Max is the offset after the last entry: what consumers can see (getMaxOffsetInQueue).
func (q *Queue) Max() int64 { return q.files.max() / EntrySize }

// Next is the offset that the next put would get.
func (q *Queue) Next() int64 { return q.next }

// Queue is a queue, nil if nobody has written or asked for it.
func (s *Store) Queue(topic string, id int32) *Queue { return s.queues[queueKey{topic, id}] }

// Queues are all queues by topic and id. The slice is the store's own.
func (s *Store) Queues() []*Queue { return s.ordered }

// queue makes the queue if need be (findConsumeQueue).
func (s *Store) queue(topic string, id int32) *Queue {
	// Usually a topic's name is the same string all the time, which compares at once.
	slot := &s.recent[uint32(id*7+int32(len(topic)))%uint32(len(s.recent))]
	if q := *slot; q != nil && q.ID == id && q.Topic == topic {
		return q
	}
	q := s.queues[queueKey{topic, id}]
	if q == nil {
		q = s.newQueue(topic, id)
	}
	*slot = q
	return q
}

func (s *Store) newQueue(topic string, id int32) *Queue {
	q := &Queue{Topic: topic, ID: id, s: s, hash: topicHash(topic), maxPhys: -1}
	q.files = mappedQueue{fs: s.fs, dir: s.opt.Dir + "/consumequeue/" + topic + "/" + strconv.Itoa(int(id)), size: s.opt.QueueFileSize}
	s.queues[queueKey{topic, id}] = q
	i, _ := slices.BinarySearchFunc(s.ordered, q, compareQueues)
	s.ordered = slices.Insert(s.ordered, i, q)
	return q
}

func compareQueues(a, b *Queue) int {
	if c := cmp.Compare(a.Topic, b.Topic); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

// put writes the entry of a record that has this queue offset (putMessagePositionInfo). false: the
// file could not be made.
func (q *Queue) put(e Entry, offset int64) bool {
	s := q.s
	if e.end() <= q.maxPhys {
		return true // built already
	}
	want := offset * EntrySize
	m, err := q.files.lastFor(want)
	if err != nil {
		return false
	}
	if m.first && offset != 0 && m.wrote == 0 {
		q.minByte = want
		q.files.flushedTo = want
		q.prefill(m, want%q.files.size)
	}
	if offset != 0 {
		switch at := m.from + m.wrote; {
		case want < at:
			s.stats.Skipped++ // "Build consume queue repeatedly"
			return true
		case want > at:
			s.stats.OutOfOrder++ // "[BUG]logic queue order maybe wrong"
		}
	}
	q.maxPhys = e.end()
	var b [EntrySize]byte
	e.put(b[:])
	m.f.Store(m.wrote, b[:])
	m.wrote += EntrySize
	m.modified = s.env.Wall()
	s.cqFlush.touched(q)
	return true
}

// prefill writes the entries before the first one ever (fillPreBlank).
func (q *Queue) prefill(m *mappedFile, until int64) {
	if until == 0 {
		return
	}
	r, b := q.s.a.Alloc(int(until))
	blank := Entry{Size: math.MaxInt32}
	for i := int64(0); i < until; i += EntrySize {
		blank.put(b[i:])
	}
	m.f.StoreRef(0, r)
	m.wrote = until
}

// entries reads up to n entries from an offset on, at most those of one file (getIndexBuffer); nil
// if there are none.
func (q *Queue) entries(offset int64, n int, buf []byte) []byte {
	at := offset * EntrySize
	if at < q.minByte {
		return nil
	}
	m := q.files.at(at, at == 0)
	if m == nil || at < m.from {
		return nil
	}
	pos := at - m.from
	k := min(int64(n)*EntrySize, m.readable()-pos, int64(len(buf))/EntrySize*EntrySize)
	if k <= 0 {
		return nil
	}
	if _, err := m.f.ReadAt(buf[:k], pos); err != nil {
		return nil
	}
	return buf[:k]
}

// Entry is the entry at an offset; false if there is none.
func (q *Queue) Entry(offset int64) (Entry, bool) {
	var b [EntrySize]byte
	if q.entries(offset, 1, b[:]) == nil {
		return Entry{}, false
	}
	return entryAt(b[:]), true
}

// rollNext is the first offset of the next file (ConsumeQueue.rollNextFile).
func (q *Queue) rollNext(offset int64) int64 {
	n := q.files.size / EntrySize
	return offset + n - offset%n
}

// recover finds the end of the queue in its last three files: the first entry that is none
// (ConsumeQueue.recover).
func (q *Queue) recover() error {
	n := len(q.files.files)
	if n == 0 {
		return nil
	}
	end := int64(0)
	for i := max(n-3, 0); i < n; i++ {
		m := q.files.files[i]
		pos := q.scan(m)
		end = m.from + pos
		if pos < q.files.size {
			break
		}
	}
	q.files.flushedTo = end
	return q.files.truncate(end, WhyRecovery)
}

// scan goes over a file's entries up to the first that is none and returns its place.
func (q *Queue) scan(m *mappedFile) int64 {
	var buf [64 * EntrySize]byte
	for pos := int64(0); pos < q.files.size; {
		b := buf[:min(int64(len(buf)), q.files.size-pos)]
		if _, err := m.f.ReadAt(b, pos); err != nil {
			return pos
		}
		for ; len(b) > 0; b = b[EntrySize:] {
			e := entryAt(b)
			if !e.valid() {
				return pos
			}
			q.maxPhys = e.end()
			pos += EntrySize
		}
	}
	return q.files.size
}

// truncateAt cuts the entries of records at or behind a physical offset
// (ConsumeQueue.truncateDirtyLogicFiles). The first entry of a file is not tested: where a queue's
// only file lost its bytes, slot 0 comes out as an entry of nothing, and the queue goes on at 1.
func (q *Queue) truncateAt(phys int64) error {
	q.maxPhys = phys
	for {
		m := q.files.last()
		if m == nil {
			return nil
		}
		m.wrote, m.committed, m.flushed = 0, 0, 0
		var b [EntrySize]byte
		for pos := int64(0); pos < q.files.size; pos += EntrySize {
			if _, err := m.f.ReadAt(b[:], pos); err != nil {
				return err
			}
			e := entryAt(b[:])
			if pos == 0 && e.Offset >= phys {
				break
			}
			if pos > 0 && (!e.valid() || e.Offset >= phys) {
				return nil
			}
			end := pos + EntrySize
			m.wrote, m.committed, m.flushed = end, end, end
			q.maxPhys = e.end()
		}
		if m.wrote > 0 {
			return nil
		}
		q.files.files = q.files.files[:len(q.files.files)-1]
		m.f.Close()
		if err := q.files.fs.Remove(m.path, WhyRecovery); err != nil {
			return err
		}
	}
}

// correctMin moves the queue's beginning to the first entry in its oldest file whose record is
// still in the log (ConsumeQueue.correctMinOffset).
func (q *Queue) correctMin(phys int64) {
	if len(q.files.files) == 0 {
		return
	}
	m := q.files.files[0]
	var b [EntrySize]byte
	for pos := int64(0); pos < m.readable(); pos += EntrySize {
		if _, err := m.f.ReadAt(b[:], pos); err != nil {
			return
		}
		if entryAt(b[:]).Offset >= phys {
			q.minByte = m.from + pos
			return
		}
	}
}

// deleteBefore removes files whose last entry is of a record that is no longer in the log, and
// moves the beginning (ConsumeQueue.deleteExpiredFile, deleteExpiredFileByOffset). The newest file
// stays.
func (q *Queue) deleteBefore(phys int64) error {
	for len(q.files.files) > 1 {
		m := q.files.files[0]
		var b [EntrySize]byte
		if _, err := m.f.ReadAt(b[:], q.files.size-EntrySize); err != nil {
			return err
		}
		if entryAt(b[:]).Offset >= phys {
			break
		}
		if err := q.files.removeFirst(WhyRetention); err != nil {
			return err
		}
	}
	q.correctMin(phys)
	return nil
}
