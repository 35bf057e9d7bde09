package log

import "slices"

// Manager is the log directories of one broker, one on each of its disks (LogManager).
type Manager struct {
	dirs []*Dir
}

// NewManager puts directories together; some of them may be offline already.
func NewManager(dirs []*Dir) *Manager { return &Manager{dirs: dirs} }

// Dirs are all directories in the order of log.dirs.
func (m *Manager) Dirs() []*Dir { return m.dirs }

// Live is how many directories work.
func (m *Manager) Live() int {
	n := 0
	for _, d := range m.dirs {
		if d.offline == nil {
			n++
		}
	}
	return n
}

// SomeOffline says whether a directory failed since the broker started. A replica that the broker
// had before may be on it, so that only new replicas may be created then (LogManager.getOrCreateLog).
func (m *Manager) SomeOffline() bool { return m.Live() < len(m.dirs) }

// Log is the open log of a partition in a directory that works, nil if there is none.
func (m *Manager) Log(topic string, partition int32) *Log {
	for _, d := range m.dirs {
		if d.offline == nil {
			if l := d.Log(topic, partition); l != nil {
				return l
			}
		}
	}
	return nil
}

// Open creates the log of a partition in the directory with the fewest logs; of equal ones the first
// is taken, where a broker takes any (LogManager.nextLogDirs).
func (m *Manager) Open(topic string, partition int32, opt Options, now int64) (*Log, Recovery, error) {
	var best *Dir
	for _, d := range m.dirs {
		if d.offline == nil && (best == nil || len(d.logs) < len(best.logs)) {
			best = d
		}
	}
	if best == nil {
		return nil, Recovery{}, ErrStorage
	}
	return best.Open(topic, partition, opt, now)
}

// CheckpointHighWatermarks writes the high watermarks in every directory that works.
func (m *Manager) CheckpointHighWatermarks() error {
	return m.each((*Dir).CheckpointHighWatermarks)
}

// CheckpointOffsets writes recovery points and log starts in every directory that works.
func (m *Manager) CheckpointOffsets() {
	_ = m.each((*Dir).CheckpointRecoveryPoints)
	_ = m.each((*Dir).CheckpointLogStarts)
}

// each calls f for every directory that works and returns the first error. A directory that fails is
// offline then and has told so by DirOptions.OnFail.
func (m *Manager) each(f func(d *Dir) error) error {
	var first error
	for _, d := range m.dirs {
		if d.offline == nil {
			if err := f(d); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}

// CleanupLogs deletes old segments of every log without compaction (LogManager.cleanupLogs), every
// log.retention.check.interval.ms, and says how many went. The cleaner does it for the others.
func (m *Manager) CleanupLogs(now int64) int {
	total := 0
	_ = m.each(func(d *Dir) error {
		for _, l := range d.logs {
			if l.opt.Compact {
				continue
			}
			n, err := l.DeleteOldSegments(now)
			if total += n; err != nil {
				return err
			}
		}
		return nil
	})
	return total
}

// FlushDirty is flush.ms in every directory.
func (m *Manager) FlushDirty() {
	for _, d := range m.dirs {
		if d.offline == nil {
			d.FlushDirty()
		}
	}
}

// ExpireProducers forgets producers that were silent for too long, in every log
// (UnifiedLog's producer expiration check).
func (m *Manager) ExpireProducers(now int64) {
	_ = m.each(func(d *Dir) error {
		for _, l := range d.Logs() {
			l.ExpireProducers(now)
		}
		return nil
	})
}

// Shutdown closes the directories that work, all at the same time; done is called once when the last
// is closed, with the first error.
func (m *Manager) Shutdown(done func(err error)) {
	left := slices.DeleteFunc(slices.Clone(m.dirs), func(d *Dir) bool { return d.offline != nil })
	open := len(left)
	if open == 0 {
		done(ErrStorage)
		return
	}
	var first error
	for _, d := range left {
		d.Shutdown(func(err error) {
			if err != nil && first == nil {
				first = err
			}
			if open--; open == 0 {
				done(first)
			}
		})
	}
}

// Dir is the directory that a log is in.
func (l *Log) Dir() *Dir { return l.d }
