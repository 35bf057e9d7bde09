package log

import "github.com/mqsim/mqsim/sim"

// Fetched is the result of a read: whole batches, as extents of the file, nothing copied.
type Fetched struct {
	Refs    []sim.Ref // header, records, header, records ... unless extents were split by damage
	Bytes   int
	Batches int
	First   int64 // base offset of the first batch; may be below the offset asked for. None: no batch
	Next    int64 // offset after the last batch, or the offset asked for
}

// Read returns whole batches from the one that contains offset on (LocalLog.read, LogSegment.read):
// up to maxBytes, but at least one batch if minOne is set; none whose last offset is at or above
// upTo (the high watermark for a consumer, the end for a follower). One read does not cross into
// the next segment. dst is memory for the extents.
//
// Reading at the end, or between upTo and the end, gives nothing and no error; beyond the log's
// ends it is ErrOffsetOutOfRange. No checksum is looked at. Where the file holds something that is no
// batch, a read ends before it, and one that begins there answers ErrCorruptMessage.
func (l *Log) Read(offset int64, maxBytes int, upTo int64, minOne bool, dst []sim.Ref) (Fetched, error) {
	out := Fetched{Refs: dst[:0], First: None, Next: offset}
	if l.d.offline != nil {
		return out, ErrStorage
	}
	if offset > l.end || offset < l.start {
		return out, ErrOffsetOutOfRange
	}
	upTo = min(upTo, l.end)
	if offset >= upTo || maxBytes <= 0 && !minOne {
		return out, nil
	}
	s, pos, err := l.locate(offset)
	if err == nil && s != nil {
		err = l.readSegment(s, pos, maxBytes, upTo, minOne, &out)
	}
	if err != nil && err != ErrCorruptMessage {
		err = l.fail(err)
	}
	return out, err
}

// locate finds the segment and the position of the first batch that ends at or above offset.
// Compaction and truncation within a batch leave gaps, so it may lie in a later segment.
func (l *Log) locate(offset int64) (*segment, int64, error) {
	for i := range l.spots {
		if sp := &l.spots[i]; sp.offset == offset && sp.segment != nil && sp.pos < sp.segment.size() {
			return sp.segment, sp.pos, nil
		}
	}
	for i := max(l.floor(offset), 0); i < len(l.segments); i++ {
		s := l.segments[i]
		pos, err := s.position(offset)
		if err != nil {
			return nil, 0, err
		}
		if pos < s.size() {
			return s, pos, nil
		}
	}
	return nil, 0, nil
}

// remember makes the next read at offset need no lookup.
func (l *Log) remember(offset int64, s *segment, pos int64) {
	for i := range l.spots {
		if sp := &l.spots[i]; sp.offset == offset && sp.segment == s {
			return
		}
	}
	l.spots[l.spotAt] = spot{offset, pos, s}
	l.spotAt = (l.spotAt + 1) % spotCount
}

// forgetSpots is called when bytes go away.
func (l *Log) forgetSpots() { l.spots = [spotCount]spot{} }

// firstWindow is how much a read looks at before it knows how large batches are; later windows are
// larger.
const firstWindow = 16 << 10

// readSegment appends batches of s from pos on to out, window by window, so that a small answer
// from a large segment costs little.
func (l *Log) readSegment(s *segment, pos int64, maxBytes int, upTo int64, minOne bool, out *Fetched) error {
	window := int64(firstWindow)
	for size := s.size(); pos < size; {
		limit := int64(maxBytes - out.Bytes)
		if limit <= HeaderSize && out.Batches > 0 {
			break
		}
		first := len(out.Refs)
		refs, err := s.file.Read(pos, int(min(window, size-pos)), out.Refs)
		if err != nil {
			return err
		}
		c := NewCursor(l.d.arena, refs[first:])
		end := place{}
		more := false
		for {
			end = c.at
			if more = c.Next(); !more {
				break
			}
			h := c.Header
			if h.LastOffset() >= upTo || int64(out.Bytes)+c.Size() > int64(maxBytes) && !(minOne && out.Batches == 0) {
				break
			}
			if out.First == None {
				out.First = h.BaseOffset()
			}
			out.Next = h.NextOffset()
			out.Batches++
			out.Bytes += int(c.Size())
		}
		out.Refs = trim(refs, first, end)
		pos += c.Pos()
		if c.Err() != nil || c.need > size-pos {
			if out.Batches == 0 {
				return ErrCorruptMessage
			}
			break
		}
		if more || c.Rest() == 0 && pos >= size {
			break // a limit, or the end of the segment
		}
		// The window ended within a batch, or with one.
		if out.Batches > 0 && int64(out.Bytes)+c.need > int64(maxBytes) || c.need > int64(maxBytes) && !minOne {
			break
		}
		window = max(2*window, c.need)
	}
	if out.Batches > 0 {
		l.remember(out.Next, s, pos)
	}
	return nil
}

// trim cuts refs to what lies before a place in refs[first:].
func trim(refs []sim.Ref, first int, end place) []sim.Ref {
	n := first + end.ref
	if end.off == 0 || n >= len(refs) {
		return refs[:min(n, len(refs))]
	}
	refs[n] = refs[n].Slice(0, end.off)
	return refs[:n+1]
}

// PositionOf is where a read at offset would begin: segment base and byte position in its file.
// It serves inspection and tests of the indexes.
func (l *Log) PositionOf(offset int64) (base, pos int64, err error) {
	s, pos, err := l.locate(offset)
	if err != nil || s == nil {
		return l.active().base, l.active().size(), err
	}
	return s.base, pos, nil
}

// OffsetForTime finds the first record with a timestamp >= ts: its offset and timestamp. ok is
// false if there is none (UnifiedLog.fetchOffsetByTimestamp, LogSegment.findOffsetByTimestamp).
func (l *Log) OffsetForTime(ts int64) (offset, timestamp int64, ok bool, err error) {
	if l.d.offline != nil {
		return 0, 0, false, ErrStorage
	}
	for _, s := range l.segments {
		if s.maxTS < ts {
			continue
		}
		_, from := s.times.lookup(ts)
		_, pos := s.index.lookup(max(from, l.start))
		sc := scan(l.d.arena, s.file, pos, s.size(), l.refs)
		for sc.next() {
			if sc.Header.MaxTimestamp() < ts {
				continue
			}
			r := sc.Records()
			for r.Next() {
				if r.Record.Timestamp >= ts && r.Record.Offset >= l.start {
					return r.Record.Offset, r.Record.Timestamp, true, nil
				}
			}
		}
		l.refs = sc.refs
		if sc.failure != nil {
			return 0, 0, false, l.fail(sc.failure)
		}
	}
	return 0, 0, false, nil
}
