package log

import (
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// Segments that go, go in two steps: their files are renamed to .deleted at once and removed after
// file.delete.delay.ms, so that a reader who has them open can finish, and so that the disk's space is
// free only a minute later (LocalLog.deleteSegmentFiles with asyncDelete). A start removes what it
// finds under that name.

// doomed is a file that was renamed to .deleted.
type doomed struct {
	at   sim.Time
	path string
	why  string
}

// bury renames a file to .deleted and enters it into the list of those to remove.
func (d *Dir) bury(path, why string, delay int64) error {
	to := path + deletedSuffix
	if err := d.fs.Retire(path, to, why); err != nil {
		return err
	}
	at := d.w.Now() + sim.Time(delay)*sim.Millisecond
	i := len(d.graves)
	for i > 0 && d.graves[i-1].at > at {
		i--
	}
	d.graves = slices.Insert(d.graves, i, doomed{at, to, why})
	if i == 0 && d.opt.Wake != nil {
		d.opt.Wake(at - d.w.Now())
	}
	return nil
}

// Tick removes the files whose time has come; the timer that DirOptions.Wake asked for calls it.
func (d *Dir) Tick() error {
	if d.offline != nil {
		return ErrStorage
	}
	n := 0
	for n < len(d.graves) && d.graves[n].at <= d.w.Now() {
		g := &d.graves[n]
		n++
		if d.fs.Exists(g.path) {
			if err := d.fs.Remove(g.path, g.why); err != nil {
				return d.fail(err)
			}
		}
	}
	d.graves = slices.Delete(d.graves, 0, n)
	if len(d.graves) > 0 && d.opt.Wake != nil {
		d.opt.Wake(d.graves[0].at - d.w.Now())
	}
	return nil
}

// retire takes a segment out of the log for good. why is the cause for the biography of its messages.
func (l *Log) retire(s *segment, why string) error {
	s.gone = true
	for _, suffix := range [...]string{logSuffix, indexSuffix, timeIndexSuffix} {
		if path := fileName(l.path, s.base, suffix); l.d.fs.Exists(path) {
			if err := l.d.bury(path, why, l.opt.FileDeleteDelay); err != nil {
				return err
			}
		}
	}
	s.close()
	return nil
}

// DeleteOldSegments applies cleanup.policy=delete: it drops segments from the oldest on while they lie
// below the log start, while the log without them is still retention.bytes long, or while they are
// older than retention.ms; never one with an offset at or above the high watermark
// (UnifiedLog.deleteOldSegments). With compaction alone only the first rule holds. It returns how many
// segments went. now is the wall clock in milliseconds.
func (l *Log) DeleteOldSegments(now int64) (int, error) {
	if l.d.offline != nil {
		return 0, ErrStorage
	}
	n, err := l.deleteWhile(now, func(i int) bool {
		return i+1 < len(l.segments) && l.segments[i+1].base <= l.start
	})
	if err != nil || l.opt.Compact && !l.opt.Delete {
		return n, err
	}
	if excess := l.Size() - l.opt.RetentionBytes; l.opt.RetentionBytes >= 0 && excess >= 0 {
		k, err := l.deleteWhile(now, func(i int) bool {
			if excess < l.segments[i].size() {
				return false
			}
			excess -= l.segments[i].size()
			return true
		})
		if n += k; err != nil {
			return n, err
		}
	}
	if l.opt.RetentionMillis < 0 {
		return n, nil
	}
	k, err := l.deleteWhile(now, func(i int) bool {
		return now-l.segments[i].newest() > l.opt.RetentionMillis
	})
	return n + k, err
}

// newest is the largest timestamp of a segment; one without timestamps has the age of its file
// (LogSegment.largestTimestamp), which is the time of its opening here.
func (s *segment) newest() int64 {
	if s.maxTS >= 0 {
		return s.maxTS
	}
	return s.created
}

// deleteWhile drops the oldest segments for which due holds. If that is all of them, a new one is
// rolled first (UnifiedLog.deletableSegments, deleteSegments).
func (l *Log) deleteWhile(now int64, due func(i int) bool) (int, error) {
	n := 0
	for ; n < len(l.segments); n++ {
		last := n+1 == len(l.segments)
		upper := l.end
		if !last {
			upper = l.segments[n+1].base
		}
		if l.hw < upper || !due(n) || last && l.segments[n].size() == 0 {
			break
		}
	}
	if n == 0 {
		return 0, nil
	}
	if n == len(l.segments) {
		if err := l.roll(l.end, now); err != nil {
			return 0, l.fail(err)
		}
	}
	old := slices.Clone(l.segments[:n])
	l.forgetSpots()
	l.segments = slices.Delete(l.segments, 0, n)
	if err := l.raiseStart(l.segments[0].base); err != nil {
		return 0, err
	}
	for _, s := range old {
		if err := l.retire(s, WhyRetention); err != nil {
			return 0, l.fail(err)
		}
	}
	for _, s := range old {
		if path := snapshotPath(l.path, s.base); l.d.fs.Exists(path) {
			if err := l.d.bury(path, "producer snapshot", l.opt.FileDeleteDelay); err != nil {
				return 0, l.fail(err)
			}
		}
	}
	return n, nil
}

// raiseStart moves the log start offset up and cuts the leader epochs below it.
func (l *Log) raiseStart(offset int64) error {
	if offset <= l.start {
		return nil
	}
	l.start = offset
	l.hw = max(l.hw, offset)
	if l.epochs.truncateFromStart(offset) {
		return l.epochsTruncated()
	}
	return nil
}

// AdvanceStart raises the log start offset without touching a segment: a follower's follows its
// leader's, and DeleteRecords raises a leader's (UnifiedLog.maybeIncrementLogStartOffset). The segments
// below go with the next DeleteOldSegments.
func (l *Log) AdvanceStart(offset int64) error {
	if offset > l.hw {
		return ErrOffsetOutOfRange
	}
	return l.raiseStart(offset)
}

// FlushDirty flushes every log that was not flushed for its flush.ms (LogManager.flushDirtyLogs); the
// scheduler calls it every log.flush.scheduler.interval.ms.
func (d *Dir) FlushDirty() {
	now := int64(d.w.Now() / sim.Millisecond)
	for _, l := range d.logs {
		if l.opt.FlushMillis >= 0 && now-l.flushedAt >= l.opt.FlushMillis && l.recovery < l.end {
			l.FlushBackground(nil)
		}
	}
}
