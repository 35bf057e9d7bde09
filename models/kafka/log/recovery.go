package log

import (
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// Recovery says what opening a log had to do.
type Recovery struct {
	Created  bool  // there was no log
	Segments int   // segments that were scanned
	Scanned  int64 // bytes of them
	Cut      int64 // bytes that were cut off or deleted behind the last good batch
	Offsets  int64 // offset at which the log was cut, None: it was not
}

// Open opens the log of a partition, or creates it (LogLoader.load). After an unclean stop every
// segment from the recovery point on is scanned; its reads charge the calling process. now is the
// wall clock in milliseconds.
func (d *Dir) Open(topic string, partition int32, opt Options, now int64) (*Log, Recovery, error) {
	name := PartitionDir(topic, partition)
	if d.byName[name] != nil {
		panic("kafka log: " + name + " is open already")
	}
	if d.offline != nil {
		return nil, Recovery{}, ErrStorage
	}
	l := &Log{Topic: topic, Partition: partition, d: d, path: d.path + "/" + name, opt: opt, producers: newProducers(), cleanedTo: None}
	l.flushedAt = int64(d.w.Now() / sim.Millisecond)
	if cleaned, ok := d.atCleaned[name]; ok {
		l.cleanedTo = cleaned
	}
	r, err := l.load(d.clean, d.atRecovery[name], d.atStart[name], d.atHW[name], now)
	if err != nil {
		return nil, r, d.fail(err)
	}
	d.logs = append(d.logs, l)
	d.byName[name] = l
	return l, r, nil
}

// load builds the log from its directory. recovery, start and hw are from the checkpoints.
func (l *Log) load(clean bool, recovery, start, hw, now int64) (Recovery, error) {
	r := Recovery{Offsets: None}
	bases, err := l.sweep()
	if err != nil {
		return r, err
	}
	if err := l.loadEpochs(); err != nil {
		return r, err
	}
	damaged, err := l.openSegments(bases, now)
	if err != nil {
		return r, err
	}
	r.Created = len(bases) == 0
	if id := l.opt.TopicID; id != "" && !l.d.fs.Exists(l.path+"/"+partitionFile) {
		// PartitionMetadataFile.maybeFlush: before the first record.
		if err := writeAtomic(l.d.fs, l.path, partitionFile, AppendPartitionMetadata(nil, id), true); err != nil {
			return r, err
		}
	}
	for i, bad := range damaged {
		// A segment without usable indexes is rebuilt even after a clean stop. It is not cut from
		// the ones behind it: LogLoader.loadSegmentFiles recovers it on its own.
		if bad && (clean || i < l.floor(recovery)) {
			if err := l.recoverSegment(i, start, now, &r); err != nil {
				return r, err
			}
		}
	}
	if !clean {
		if err := l.recoverFrom(recovery, start, now, &r); err != nil {
			return r, err
		}
	}
	if err := l.settle(start, now, &r); err != nil {
		return r, err
	}
	if !clean || r.Cut > 0 {
		recovery = min(recovery, l.end)
	} else {
		recovery = l.end
	}
	l.recovery = recovery
	l.SetHighWatermark(hw)
	atEnd, atStart := l.epochs.truncateFromEnd(l.end), l.epochs.truncateFromStart(l.start)
	if atEnd || atStart || l.epochFile.stale {
		if err := l.writeEpochs(l.opt.EpochFlush != EpochFlushNoSync); err != nil {
			return r, err
		}
	}
	if err := l.dropStraySnapshots(); err != nil {
		return r, err
	}
	return r, l.rebuildProducers(now)
}

// sweep removes leftovers and returns the bases of the segments, in order. Index files without a log
// are leftovers too (LogLoader.loadSegmentFiles).
func (l *Log) sweep() ([]int64, error) {
	fs := l.d.fs
	var bases []int64
	names, err := l.finishSwap()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if base, ok := offsetOf(name, logSuffix); ok {
			bases = append(bases, base)
		}
	}
	for _, name := range names {
		stray := false
		for _, suffix := range [...]string{indexSuffix, timeIndexSuffix} {
			if base, ok := offsetOf(name, suffix); ok {
				_, found := slices.BinarySearch(bases, base)
				stray = stray || !found
			}
		}
		if stray {
			if err := fs.Remove(l.path+"/"+name, WhyRecovery); err != nil {
				return nil, err
			}
		}
	}
	return bases, nil
}

func (l *Log) loadEpochs() error {
	b, _, err := readText(l.d.fs, l.path+"/"+epochFile)
	if err != nil {
		return err
	}
	l.epochs.entries, err = ParseEpochs(b)
	return err
}

// openSegments opens all segments and says which of them lack usable indexes.
func (l *Log) openSegments(bases []int64, now int64) ([]bool, error) {
	damaged := make([]bool, len(bases))
	for i, base := range bases {
		s, bad, err := openSegment(l.d.fs, l.path, base, now)
		if err != nil {
			return nil, err
		}
		damaged[i] = bad
		l.segments = append(l.segments, s)
	}
	return damaged, nil
}

// recoverFrom scans the segments from the one that holds the recovery point on. If a byte was cut
// from one, all later ones are deleted (LogLoader.recoverLog). Segments below are not looked at.
func (l *Log) recoverFrom(recovery, start, now int64, r *Recovery) error {
	for i := max(l.floor(recovery), 0); i < len(l.segments); i++ {
		before := r.Cut
		if err := l.recoverSegment(i, start, now, r); err != nil {
			return err
		}
		if r.Cut == before {
			continue
		}
		for _, s := range l.segments[i+1:] {
			r.Cut += s.size()
			if err := l.retire(s, WhyRecovery); err != nil {
				return err
			}
		}
		l.segments = l.segments[:i+1]
	}
	return nil
}

// recoverSegment rebuilds the i-th segment's indexes, the producer state and the epochs by reading
// its batches, and cuts it behind the last good one (LogSegment.recover).
func (l *Log) recoverSegment(i int, start, now int64, r *Recovery) error {
	s := l.segments[i]
	if s.index != nil {
		s.index.file.Close()
	}
	if err := s.createIndexes(l.d.fs, l.path, &l.opt, ""); err != nil {
		return err
	}
	if err := l.loadProducers(l.segments[:i], max(start, l.segments[0].base), s.base, now); err != nil {
		return err
	}
	s.maxTS, s.maxTSOffset = None, s.base
	next, indexed := s.base, int64(0)
	sc := scan(l.d.arena, s.file, 0, s.size(), l.refs)
	for sc.next() {
		h := sc.Header
		if !sc.Valid() || h.BaseOffset() < next {
			break
		}
		l.recoverBatch(s, h, sc.filePos(), &indexed)
		next = h.NextOffset()
	}
	l.refs = sc.refs
	if sc.failure != nil {
		return sc.failure
	}
	end := sc.filePos() // the present batch is the bad one, or there is none
	r.Segments++
	r.Scanned += s.size()
	if cut := s.size() - end; cut > 0 {
		r.Cut += cut
		r.Offsets = next
		if err := s.file.Truncate(end, WhyRecovery); err != nil {
			return err
		}
	}
	if err := s.becomeInactive(); err != nil {
		return err
	}
	l.producers.mapEnd = max(l.producers.mapEnd, next)
	return l.snapshotNow()
}

// recoverBatch enters a good batch that lies at byte pos. Recovery decides about index entries per
// batch, by its position.
func (l *Log) recoverBatch(s *segment, h Header, pos int64, indexed *int64) {
	last := h.LastOffset()
	if h.MaxTimestamp() > s.maxTS {
		s.maxTS, s.maxTSOffset = h.MaxTimestamp(), last
	}
	if pos-*indexed > l.opt.IndexInterval && !s.index.full() && !s.times.full() {
		s.index.append(last, pos)
		s.times.maybeAppend(s.maxTS, s.maxTSOffset, false)
		*indexed = pos
	}
	if e := h.LeaderEpoch(); e >= 0 {
		if latest, ok := l.epochs.Latest(); !ok || e > latest.Epoch {
			l.epochs.assign(e, h.BaseOffset())
			l.epochFile.stale = true
		}
	}
	l.producers.update(h)
}

// settle finds the ends of the log and makes its last segment ready for appends.
func (l *Log) settle(start, now int64, r *Recovery) error {
	if len(l.segments) > 0 {
		end, err := l.active().nextOffset()
		if err != nil {
			return err
		}
		l.end = end
		if end < start { // the log ends before its start: LogLoader.deleteSegmentsIfLogStartGreaterThanLogEnd
			for _, s := range l.segments {
				r.Cut += s.size()
				if err := l.retire(s, WhyRecovery); err != nil {
					return err
				}
			}
			l.segments = l.segments[:0]
			l.epochs.entries, l.epochFile.stale = l.epochs.entries[:0], true
		}
	}
	if len(l.segments) == 0 {
		s, err := createSegment(l.d.fs, l.path, start, now, &l.opt)
		if err != nil {
			return err
		}
		l.segments = append(l.segments, s)
		l.end = start
	}
	l.start = max(start, l.segments[0].base)
	return l.active().grow(&l.opt)
}

// rebuildProducers makes the producer state that of the log's end: from the newest usable snapshot
// and a scan of what lies behind it (UnifiedLog.rebuildProducerState).
func (l *Log) rebuildProducers(now int64) error {
	empty := l.producers.Len() == 0 && l.producers.mapEnd >= l.end
	segments := l.segments
	if empty { // no producer had state up to here: nothing to find by scanning
		segments = nil
	}
	if err := l.loadProducers(segments, l.start, l.end, now); err != nil || empty {
		return err
	}
	return l.snapshotNow()
}

// loadProducers builds the producer state as of offset end from snapshots and segments. Snapshots
// beyond it or not above the log start are deleted (ProducerStateManager.truncateAndReload).
func (l *Log) loadProducers(segments []*segment, start, end, now int64) error {
	if err := l.dropSnapshots(func(o int64) bool { return o > start && o <= end }); err != nil {
		return err
	}
	if err := l.loadSnapshot(start, now); err != nil {
		return err
	}
	for _, s := range segments {
		if s.gone || s.base >= end {
			break
		}
		if err := l.scanProducers(s, end); err != nil {
			return err
		}
	}
	l.producers.mapEnd = end
	return nil
}

// scanProducers enters the batches of a segment that lie between the state's end and end.
func (l *Log) scanProducers(s *segment, end int64) error {
	from := l.producers.mapEnd
	_, pos := s.index.lookup(from)
	sc := scan(l.d.arena, s.file, pos, s.size(), l.refs)
	for sc.next() && sc.Header.LastOffset() < end {
		if sc.Header.BaseOffset() >= from {
			l.producers.update(sc.Header)
		}
	}
	l.refs = sc.refs
	return sc.failure
}

// loadSnapshot loads the newest readable snapshot; a bad one is deleted, and the next older is tried
// (ProducerStateManager.loadFromSnapshot).
func (l *Log) loadSnapshot(start, now int64) error {
	fs := l.d.fs
	list := l.snapshots()
	for i := len(list) - 1; i >= 0; i-- {
		path := snapshotPath(l.path, list[i])
		b, _, err := readText(fs, path)
		if err == nil {
			var entries []producerEntry
			if entries, err = parseSnapshot(b); err == nil {
				l.producers.restore(entries, list[i], now, l.opt.ProducerIDMillis)
				return nil
			}
		}
		if err != ErrMalformed {
			return err
		}
		if err := fs.Remove(path, "malformed snapshot"); err != nil {
			return err
		}
	}
	l.producers.clear(start)
	l.producers.lastSnap = start
	return nil
}

// snapshots are the offsets of the producer snapshots on disk, in order.
func (l *Log) snapshots() []int64 {
	var out []int64
	for _, name := range l.d.fs.List(l.path) {
		if o, ok := offsetOf(name, snapshotSuffix); ok {
			out = append(out, o)
		}
	}
	return out
}

func (l *Log) dropSnapshots(keep func(offset int64) bool) error {
	for _, o := range l.snapshots() {
		if !keep(o) {
			if err := l.d.fs.Remove(snapshotPath(l.path, o), "producer snapshot"); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropStraySnapshots keeps the snapshots at segment bases, and the newest of all
// (ProducerStateManager.removeStraySnapshots).
func (l *Log) dropStraySnapshots() error {
	list := l.snapshots()
	return l.dropSnapshots(func(o int64) bool {
		return o == list[len(list)-1] || slices.ContainsFunc(l.segments, func(s *segment) bool { return s.base == o })
	})
}

// snapshotNow stores the producer state and blocks until it is durable.
func (l *Log) snapshotNow() error {
	f, err := l.snapshot()
	if f == nil || err != nil {
		return err
	}
	defer f.Close()
	return f.SyncNow()
}
