package store

import "github.com/mqsim/mqsim/sim"

// GetStatus is the result of a pull (GetMessageStatus).
type GetStatus uint8

// Results of a pull.
const (
	Found GetStatus = iota
	NoMatchedMessage
	MessageWasRemoving
	OffsetFoundNull
	OffsetOverflowBadly
	OffsetOverflowOne
	OffsetTooSmall
	NoMatchedLogicQueue
	NoMessageInQueue
)

var getNames = [...]string{"FOUND", "NO_MATCHED_MESSAGE", "MESSAGE_WAS_REMOVING", "OFFSET_FOUND_NULL", "OFFSET_OVERFLOW_BADLY",
	"OFFSET_OVERFLOW_ONE", "OFFSET_TOO_SMALL", "NO_MATCHED_LOGIC_QUEUE", "NO_MESSAGE_IN_QUEUE"}

// String is the broker's name of the status.
func (g GetStatus) String() string { return getNames[g] }

// Get is the result of a pull. Refs are the records as they are in the log, one after the other.
type Get struct {
	Status   GetStatus
	Next     int64 // where to pull next
	Min, Max int64 // of the queue
	Refs     []sim.Ref
	Count    int
	Bytes    int64
	// SuggestSlave: the consumer is further behind than what the machine's memory holds.
	SuggestSlave bool
}

// Get serves a pull (DefaultMessageStore.getMessage). Refs of the result are appended to g.Refs[:0].
// match decides by the tags code, nil takes all. Records are read where the entries point; what a
// queue lists is in the log, but perhaps not on disk nor on a slave.
func (s *Store) Get(topic string, queue int32, offset int64, maxCount int, match func(tagsCode int64) bool, g *Get) {
	*g = Get{Status: NoMessageInQueue, Next: offset, Refs: g.Refs[:0]}
	q := s.queue(topic, queue)
	g.Min, g.Max = q.Min(), q.Max()
	switch {
	case g.Max == 0:
		g.Next = s.corrected(offset, 0)
	case offset < g.Min:
		g.Status, g.Next = OffsetTooSmall, s.corrected(offset, g.Min)
	case offset == g.Max:
		g.Status = OffsetOverflowOne
	case offset > g.Max:
		g.Status, g.Next = OffsetOverflowBadly, s.corrected(offset, g.Max)
	default:
		s.collect(q, offset, maxCount, match, g)
	}
}

// corrected is the offset that a consumer is told to go on with; slaves do not correct
// (nextOffsetCorrection).
func (s *Store) corrected(old, to int64) int64 {
	if s.opt.Role != Slave || s.opt.SlaveOffsetCheck {
		return to
	}
	return old
}

// collect gathers records from the entries of one queue file.
func (s *Store) collect(q *Queue, offset int64, maxCount int, match func(int64) bool, g *Get) {
	end := s.log.max()
	memory := s.opt.Memory / 100 * s.opt.MemoryRatio
	// maxFilterMessageCount = max(16000, maxMsgNums*20), in bytes of entries
	limit := max(16000, maxCount*EntrySize) / EntrySize
	var buf [64 * EntrySize]byte
	seen, last, skipTo := 0, int64(0), int64(-1)
	full := false
	for seen < limit && !full {
		b := q.entries(offset+int64(seen), min(limit-seen, max(maxCount-g.Count, 1)), buf[:])
		if b == nil || seen > 0 && (offset+int64(seen))%(q.files.size/EntrySize) == 0 {
			break // the buffer is of one file
		}
		for ; len(b) > 0; b = b[EntrySize:] {
			e := entryAt(b)
			last = e.Offset
			if e.Offset < skipTo {
				seen++
				continue
			}
			if full = s.batchFull(g, e, maxCount, end-e.Offset > memory); full {
				break
			}
			seen++
			if match != nil && !match(e.TagsCode) {
				continue
			}
			if !s.add(e, g) {
				if g.Count == 0 {
					g.Status = MessageWasRemoving
				}
				skipTo = e.Offset + s.opt.FileSize - e.Offset%s.opt.FileSize // rollNextFile
				continue
			}
			skipTo = -1
		}
	}
	switch {
	case seen == 0 && !full:
		g.Status, g.Next = OffsetFoundNull, s.corrected(offset, q.rollNext(offset))
		return
	case g.Count > 0:
		g.Status = Found
	case g.Status != MessageWasRemoving:
		g.Status = NoMatchedMessage
	}
	g.Next = offset + int64(seen)
	g.SuggestSlave = end-last > memory
}

// batchFull is DefaultMessageStore.isTheBatchFull.
func (s *Store) batchFull(g *Get, e Entry, maxCount int, onDisk bool) bool {
	switch {
	case g.Count == 0:
		return false
	case g.Count >= maxCount:
		return true
	case onDisk:
		return g.Bytes+int64(e.Size) > s.opt.MaxBytesDisk || g.Count > s.opt.MaxCountDisk-1
	}
	return g.Bytes+int64(e.Size) > s.opt.MaxBytes || g.Count > s.opt.MaxCount-1
}

// add reads the record of an entry (CommitLog.getMessage); false if the log does not have it.
func (s *Store) add(e Entry, g *Get) bool {
	m := s.log.at(e.Offset, e.Offset == 0)
	if m == nil || e.Offset < m.from {
		return false
	}
	pos := e.Offset - m.from
	if pos+int64(e.Size) > m.readable() {
		return false
	}
	refs, err := m.f.Read(pos, int(e.Size), g.Refs)
	if err != nil {
		return false
	}
	g.Refs = refs
	g.Count++
	g.Bytes += int64(e.Size)
	return true
}
