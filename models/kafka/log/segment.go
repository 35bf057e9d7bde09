package log

import (
	"errors"
	"math"

	"github.com/mqsim/mqsim/sim"
)

// segment is one .log file with its two indexes (LogSegment).
type segment struct {
	base  int64
	arena *sim.Arena
	file  *file
	index *offsetIndex
	times *timeIndex

	created     int64 // wall clock when it was opened, milliseconds
	firstTS     int64 // largest timestamp of its first append, None: not known yet
	maxTS       int64 // largest timestamp so far, None: not known
	maxTSOffset int64 // last offset of the batch that had it
	sinceIndex  int64 // bytes appended since the last index entry
	gone        bool
}

func (s *segment) size() int64 { return s.file.Size() }

// createSegment makes the three files of an empty segment.
func createSegment(fs *volume, dir string, base, now int64, o *Options) (*segment, error) {
	return createSegmentAs(fs, dir, base, now, o, "")
}

// createSegmentAs makes them under names with another suffix behind their own.
func createSegmentAs(fs *volume, dir string, base, now int64, o *Options, suffix string) (*segment, error) {
	f, err := fs.Create(fileName(dir, base, logSuffix) + suffix)
	if err != nil {
		return nil, err
	}
	s := &segment{base: base, arena: fs.arena(), file: f, created: now, firstTS: None, maxTS: None, maxTSOffset: base}
	return s, s.createIndexes(fs, dir, o, suffix)
}

// createIndexes makes empty index files, whatever was there.
func (s *segment) createIndexes(fs *volume, dir string, o *Options, suffix string) (err error) {
	if s.index, err = createOffsetIndex(fs, fileName(dir, s.base, indexSuffix)+suffix, s.base, o.IndexBytes); err != nil {
		return err
	}
	s.times, err = createTimeIndex(fs, fileName(dir, s.base, timeIndexSuffix)+suffix, s.base, o.IndexBytes)
	return err
}

// openSegment opens the files of an existing segment. damaged says that an index is missing or
// cannot be right, so that the segment must be recovered.
func openSegment(fs *volume, dir string, base, now int64) (s *segment, damaged bool, err error) {
	s = &segment{base: base, arena: fs.arena(), created: now, firstTS: None, maxTS: None, maxTSOffset: base}
	s.file = fs.Open(fileName(dir, base, logSuffix))
	index := fs.Open(fileName(dir, base, indexSuffix))
	times := fs.Open(fileName(dir, base, timeIndexSuffix))
	if index == nil || times == nil {
		return s, true, nil
	}
	s.index, err = openOffsetIndex(index, base, s.size())
	if err == nil {
		s.times, err = openTimeIndex(times, base)
	}
	if errors.Is(err, ErrMalformed) {
		return s, true, nil
	}
	if err != nil {
		return s, false, err
	}
	s.maxTS, s.maxTSOffset = s.times.last()
	return s, false, nil
}

// shouldRoll says whether an append needs a new segment (LogSegment.shouldRoll). maxTS and last are
// those of the append, size its bytes.
func (s *segment) shouldRoll(o *Options, size, maxTS, last, now int64) bool {
	have := s.size()
	if have > o.SegmentBytes-size || s.index.full() || s.times.full() || last-s.base > math.MaxInt32 {
		return true
	}
	if have == 0 {
		return false
	}
	if s.firstTS >= 0 { // the usual case of waited
		return maxTS-s.firstTS > o.SegmentMillis
	}
	return s.waited(maxTS, now) > o.SegmentMillis
}

// waited is the age of the segment in its records' time, or by the wall clock if those have none
// (LogSegment.timeWaitedForRoll).
func (s *segment) waited(maxTS, now int64) int64 {
	if s.firstTS == None && s.size() > 0 {
		if h, err := s.headerAt(0); err == nil {
			s.firstTS = h.MaxTimestamp()
		}
	}
	if s.firstTS >= 0 {
		return maxTS - s.firstTS
	}
	return now - s.created
}

// headerAt is the batch header at a position.
func (s *segment) headerAt(pos int64) (Header, error) {
	var few [4]sim.Ref
	refs, err := s.file.Read(pos, HeaderSize, few[:0])
	if err != nil {
		return nil, err
	}
	if len(refs) == 1 && refs[0].Len == HeaderSize {
		return Header(s.arena.Bytes(refs[0])), nil
	}
	b := make([]byte, 0, HeaderSize)
	for _, r := range refs {
		b = append(b, s.arena.Bytes(r)...)
	}
	if len(b) < HeaderSize {
		return nil, ErrCorruptMessage
	}
	return Header(b), nil
}

// appended is what the log keeps in mind of one batch of an append.
type appended struct {
	last  int64 // offset
	maxTS int64
	size  int64
}

// append writes one append: a produce batch at a leader, a whole fetch response at a follower.
// refs are its extents, batches its batches in order.
func (s *segment) append(o *Options, refs []sim.Ref, batches []appended) error {
	pos := s.size()
	if err := s.file.Append(refs...); err != nil {
		return err
	}
	if pos == 0 {
		s.firstTS = batches[0].maxTS
		for _, b := range batches {
			s.firstTS = max(s.firstTS, b.maxTS)
		}
	}
	if o.IndexPerBatch {
		for i := range batches {
			s.entries(o, pos, batches[i:i+1])
			pos += batches[i].size
		}
		return nil
	}
	s.entries(o, pos, batches)
	return nil
}

// entries adds the index entries for batches that begin at pos, as one step of the rule: an entry
// when more than index.interval.bytes were appended since the last one, for the last offset of the
// step and the position where it begins (LogSegment.append; per append up to 3.9 and 4.0.0, per
// batch from 4.1 and the later 4.0.x, KAFKA-806).
func (s *segment) entries(o *Options, pos int64, batches []appended) {
	size := int64(0)
	for i := range batches {
		b := &batches[i]
		if b.maxTS > s.maxTS {
			s.maxTS, s.maxTSOffset = b.maxTS, b.last
		}
		size += b.size
	}
	if s.sinceIndex > o.IndexInterval && !s.index.full() && !s.times.full() {
		s.index.append(batches[len(batches)-1].last, pos)
		s.times.maybeAppend(s.maxTS, s.maxTSOffset, false)
		s.sinceIndex = 0
	}
	s.sinceIndex += size
}

// becomeInactive is what happens to the segment before the new one: its last time entry is
// written, and the indexes are cut to size (LogSegment.onBecomeInactiveSegment).
func (s *segment) becomeInactive() error {
	if s.maxTS >= 0 {
		s.times.maybeAppend(s.maxTS, s.maxTSOffset, true)
	}
	if err := s.index.trim(); err != nil {
		return err
	}
	return s.times.trim()
}

// grow makes room in the indexes of the segment that will be appended to.
func (s *segment) grow(o *Options) error {
	if err := s.index.grow(o.IndexBytes); err != nil {
		return err
	}
	return s.times.grow(o.IndexBytes)
}

// position finds the first batch whose last offset is at or above offset
// (FileRecords.searchForOffsetWithSize). At the end of the file there is none.
func (s *segment) position(offset int64) (int64, error) {
	_, pos := s.index.lookup(offset)
	for pos+HeaderSize <= s.size() {
		h, err := s.headerAt(pos)
		if err != nil {
			return 0, err
		}
		if h.LastOffset() >= offset {
			return pos, nil
		}
		size := h.Size()
		if size < HeaderSize {
			return 0, ErrCorruptMessage
		}
		pos += size
	}
	return s.size(), nil
}

// truncateTo drops the batch that contains offset and all behind it (LogSegment.truncateTo).
func (s *segment) truncateTo(o *Options, offset, now int64, why string) error {
	pos, err := s.position(offset)
	if err != nil {
		return err
	}
	s.index.truncateTo(offset)
	s.times.truncateTo(offset)
	if err := s.grow(o); err != nil {
		return err
	}
	if err := s.file.Truncate(pos, why); err != nil {
		return err
	}
	if pos == 0 {
		s.created, s.firstTS = now, None
	}
	s.sinceIndex = 0
	if s.maxTS >= 0 {
		s.maxTS, s.maxTSOffset = s.times.last()
	}
	return nil
}

// nextOffset reads the offset after the segment's last whole batch, from its last index entry on
// (LogSegment.readNextOffset). No checksum is verified. A torn batch at the end, which a clean stop
// does not leave, stays where it is, and appends go behind it.
func (s *segment) nextOffset() (int64, error) {
	next, pos := s.base, int64(0)
	if n := len(s.index.entries); n > 0 {
		pos = int64(s.index.entries[n-1].pos)
	}
	for pos+HeaderSize <= s.size() {
		h, err := s.headerAt(pos)
		if err != nil {
			return 0, err
		}
		size := h.Size()
		if size < HeaderSize || !h.sane() {
			return 0, ErrCorruptMessage
		}
		if pos+size > s.size() {
			break
		}
		next = h.NextOffset()
		pos += size
	}
	return next, nil
}

// files are the segment's files in the order in which a flush syncs them (LogSegment.flush).
func (s *segment) files() [3]*file {
	return [3]*file{s.file, s.index.file, s.times.file}
}

func (s *segment) close() {
	s.file.Close()
	if s.index != nil {
		s.index.file.Close()
	}
	if s.times != nil {
		s.times.file.Close()
	}
}
