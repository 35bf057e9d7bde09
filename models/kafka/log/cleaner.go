package log

import (
	"errors"

	"github.com/mqsim/mqsim/sim"
)

// The log cleaner keeps, of each key, the last record (cleanup.policy=compact; LogCleaner,
// LogCleanerManager). One round takes the log whose dirty part is the largest share of it, notes the
// last offset of every key in that part, and copies all segments up to there without the records that
// are superseded. Offsets never change, so gaps appear. Choosing is here, copying in clean.go, and how
// the copies replace the segments in swap.go.

// CleanerOptions are the settings of a broker's cleaner.
type CleanerOptions struct {
	Keys  int   // keys that one round can hold: log.cleaner.dedupe.buffer.size / 24 bytes, nine tenths of it
	Chunk int64 // bytes that are read and written at once: log.cleaner.io.buffer.size / 2
}

// DefaultCleanerOptions are those of Kafka 3.9 with one cleaner thread.
func DefaultCleanerOptions() CleanerOptions {
	return CleanerOptions{Keys: 128 << 20 / 24 * 9 / 10, Chunk: 512 << 10 / 2}
}

// Cleaned says what a round did.
type Cleaned struct {
	Log           *Log // nil: no log needed cleaning
	Read, Written int64
	Deleted       int // segments that retention deleted in compacted logs
}

// thousand is the unit of MinDirtyRatio.
const thousand = 1000

// dirty is a log with what the cleaner would do to it.
type dirty struct {
	log         *Log
	first, upTo int64 // range of offsets that can be cleaned
	ratio       int64 // bytes of that range among all up to its end, in thousandths
	bytes       int64 // of that range
}

// Clean does one round of the cleaner thread and then applies retention to the compacted logs
// (CleanerThread.tryCleanFilthiestLog). now is the wall clock in milliseconds.
func (m *Manager) Clean(opt CleanerOptions, now int64) (Cleaned, error) {
	var out Cleaned
	if best, ok := m.filthiest(now); ok {
		out.Log = best.log
		if err := best.log.clean(&best, opt, now, &out); err != nil {
			return out, err
		}
	}
	err := m.each(func(d *Dir) error {
		for _, l := range d.logs {
			if l.opt.Compact {
				n, err := l.DeleteOldSegments(now)
				if out.Deleted += n; err != nil {
					return err
				}
			}
		}
		return nil
	})
	return out, err
}

// filthiest is LogCleanerManager.grabFilthiestCompactedLog.
func (m *Manager) filthiest(now int64) (best dirty, ok bool) {
	for _, d := range m.dirs {
		if d.offline != nil {
			continue
		}
		for _, l := range d.logs {
			if !l.opt.Compact || l.uncleanable {
				continue
			}
			x := l.dirt(now)
			overdue := x.bytes > 0 && l.overdue(x, now)
			if (overdue || x.ratio > l.opt.MinDirtyRatio) && (!ok || x.ratio > best.ratio) {
				best, ok = x, true
			}
		}
	}
	return best, ok
}

// dirt is LogCleanerManager.cleanableOffsets with the sizes of LogToClean. Nothing at or above the high
// watermark is cleaned, nothing of the active segment, and nothing younger than min.compaction.lag.ms.
func (l *Log) dirt(now int64) dirty {
	x := dirty{log: l, first: l.cleanedTo}
	if x.first < l.start || x.first > l.end {
		x.first = l.start
	}
	x.upTo = min(l.hw, l.active().base)
	closed := l.segments[:len(l.segments)-1]
	if l.opt.MinCompactionLag > 0 {
		for _, s := range closed {
			if s.newest() > now-l.opt.MinCompactionLag && s.base >= x.first {
				x.upTo = min(x.upTo, s.base)
				break
			}
		}
	}
	x.upTo = max(x.upTo, x.first)
	clean := int64(0)
	for i, s := range closed {
		switch next := l.segments[i+1].base; {
		case s.base < x.first:
			clean += s.size()
			if next > x.first && next <= x.upTo { // logSegments(from, to) begins with the one that holds from
				x.bytes += s.size()
			}
		case s.base < x.upTo:
			x.bytes += s.size()
		}
	}
	if x.bytes > 0 {
		x.ratio = x.bytes * thousand / (clean + x.bytes)
	}
	return x
}

// overdue says whether the oldest dirty record is older than max.compaction.lag.ms (KIP-354, since 2.3).
func (l *Log) overdue(x dirty, now int64) bool {
	if l.opt.MaxCompactionLag <= 0 {
		return false
	}
	i := max(l.floor(x.first), 0)
	s := l.segments[i]
	return s.size() > 0 && now-s.waitedSince() > l.opt.MaxCompactionLag
}

// waitedSince is the first timestamp of a segment (LogSegment.getFirstBatchTimestamp).
func (s *segment) waitedSince() int64 {
	if s.firstTS == None {
		s.waited(0, 0)
	}
	if s.firstTS >= 0 {
		return s.firstTS
	}
	return s.created
}

// offsetMap is the last offset of each key in a range (SkimpyOffsetMap, which keeps a hash of 16 bytes
// of each key; here it is the key).
type offsetMap struct {
	offsets map[string]int64
	latest  int64 // last offset that was looked at
	full    bool
}

// build is Cleaner.buildOffsetMap: it reads the batches of [first, upTo) until the map is full.
func (o *offsetMap) build(l *Log, x *dirty, keys int) (read int64, err error) {
	o.offsets, o.latest = map[string]int64{}, None
	for i := max(l.floor(x.first), 0); i < len(l.segments) && l.segments[i].base < x.upTo && !o.full; i++ {
		s := l.segments[i]
		_, pos := s.index.lookup(x.first)
		sc := scan(l.d.arena, s.file, pos, s.size(), l.refs)
		for !o.full && sc.next() && sc.Header.BaseOffset() < x.upTo {
			if err := o.addBatch(&sc, x, keys); err != nil {
				return read, err
			}
		}
		l.refs = sc.refs
		if read += sc.filePos() - pos; sc.failure != nil || sc.Err() != nil {
			return read, errors.Join(sc.failure, sc.Err())
		}
	}
	return read, nil
}

func (o *offsetMap) addBatch(sc *scanner, x *dirty, keys int) error {
	if !sc.Header.Control() {
		r := sc.Records()
		for r.Next() {
			if r.Record.Key == nil || r.Record.Offset < x.first {
				continue
			}
			if _, known := o.offsets[string(r.Record.Key)]; !known && len(o.offsets) >= keys {
				o.full = true
				return nil
			}
			o.offsets[string(r.Record.Key)] = r.Record.Offset
			o.latest = r.Record.Offset
		}
		if r.Err() != nil {
			return r.Err()
		}
	}
	o.latest = max(o.latest, sc.Header.LastOffset())
	return nil
}

// superseded says whether a later record of the same key is known (Cleaner.shouldRetainRecord without
// the rule for tombstones). Records without a key cannot be kept by a log that is looked up by key.
func (o *offsetMap) superseded(r *Record) bool {
	if r.Offset > o.latest {
		return false
	}
	if r.Key == nil {
		return true
	}
	last, known := o.offsets[string(r.Key)]
	return known && r.Offset < last
}

// clean is Cleaner.doClean: it copies the segments up to the last offset in the map, group by group,
// and notes how far it came in cleaner-offset-checkpoint. A log with bytes that cannot be read as
// records is left alone from then on (LogCleanerManager.markPartitionUncleanable).
func (l *Log) clean(x *dirty, opt CleanerOptions, now int64, out *Cleaned) error {
	var keys offsetMap
	read, err := keys.build(l, x, opt.Keys)
	if out.Read += read; err != nil {
		return l.spoiled(err)
	}
	if keys.latest < 0 {
		keys.latest = x.upTo - 1
	}
	c := copier{l: l, keys: &keys, upTo: x.upTo, now: now, chunk: opt.Chunk, out: out}
	for from := int64(0); ; {
		group := l.group(from, keys.latest+1)
		if len(group) == 0 {
			break
		}
		last := group[len(group)-1]
		from = last.base + 1
		s, err := c.copy(group)
		if err != nil {
			return l.spoiled(err)
		}
		if err := l.replace(s, group); err != nil {
			return l.d.fail(err)
		}
	}
	l.cleanedTo = keys.latest + 1
	return l.d.CheckpointCleaner()
}

func (l *Log) spoiled(err error) error {
	if errors.Is(err, ErrCorruptMessage) || errors.Is(err, ErrCompressed) {
		l.uncleanable = true
		return nil
	}
	return l.d.fail(err)
}

// group is the next run of closed segments from base from on and below end that fit into one segment
// (Cleaner.groupSegmentsBySize).
func (l *Log) group(from, end int64) []*segment {
	var out []*segment
	size, index, times := int64(0), int64(0), int64(0)
	for _, s := range l.segments[:len(l.segments)-1] {
		if s.base < from || s.base >= end {
			continue
		}
		size += s.size()
		index += s.index.file.Size()
		times += s.times.file.Size()
		if len(out) > 0 && (size > l.opt.SegmentBytes || index > l.opt.IndexBytes || times > l.opt.IndexBytes || s.base-out[0].base > 1<<31-1) {
			break
		}
		out = append(out, s)
	}
	return out
}

// CheckpointCleaner writes cleaner-offset-checkpoint: after each round, and when a truncation goes
// below what was clean.
func (d *Dir) CheckpointCleaner() error {
	return d.writeOffsets(cleanerOffsetFile, func(l *Log) (int64, bool) { return l.cleanedTo, l.cleanedTo != None })
}

// lowerCleaned is LogCleanerManager.maybeTruncateCheckpoint, after a truncation.
func (l *Log) lowerCleaned() error {
	if base := l.active().base; l.cleanedTo > base {
		l.cleanedTo = base
		return l.d.CheckpointCleaner()
	}
	return nil
}

// remark keeps the biographies of watched messages when their bytes are copied.
func remark(a *sim.Arena, from sim.Ref, to sim.Ref) {
	a.Marked(from, func(id sim.MsgID) { a.Mark(to, id) })
}
