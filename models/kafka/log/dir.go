package log

import (
	"errors"
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// Dir is one log directory: the logs of one disk, their checkpoints, the clean-shutdown marker and
// the syncs that run in the background (LogManager, for one directory). It is built anew by every
// incarnation of the broker.
type Dir struct {
	fs     *volume
	w      *sim.World
	arena  *sim.Arena
	path   string
	opt    DirOptions
	tag    uint32
	clean  bool
	loaded bool

	metadata bool // holds the metadata log alone, see OpenMetadata

	offline error // why the directory failed
	logs    []*Log
	byName  map[string]*Log

	// Checkpoints as they were on disk at the beginning, by partition directory.
	atRecovery, atStart, atHW, atCleaned map[string]int64

	graves []doomed // in order of time

	tasks []task
	free  []uint32
}

// DirOptions are the settings of a log directory.
type DirOptions struct {
	// CleanMarkerKept: the clean-shutdown marker is deleted by the caller after loading
	// (DropCleanMarker), not at the beginning (before 2.8, KAFKA-10471).
	CleanMarkerKept bool
	// CleanMarkerNoSync: the marker is created but not synced (before 3.7).
	CleanMarkerNoSync bool
	// HWOfHeld: replication-offset-checkpoint lists only logs that a replica holds, so that those whose leader
	// was dead at boot drop from it (until 0.8.2, KAFKA-1647).
	HWOfHeld bool
	// BrokerEpoch is the epoch that the marker names (KRaft); nil: none, -1.
	BrokerEpoch func() int64
	// Meta is what meta.properties says at the first start; without a cluster none is written.
	Meta Meta
	// Wake is asked to call Dir.Tick after d. Without it files that were deleted stay under their
	// .deleted names until the next start.
	Wake func(d sim.Time)
	// Point, if set, is called before every call that changes the disk: tests cut the power there.
	Point func()
	// OnFail is told once when the directory goes offline, with what the disk answered.
	OnFail func(err error)
}

// OpenDir looks at a log directory: it consumes the clean-shutdown marker and reads the checkpoints
// (LogManager.loadLogs). A malformed recovery-point or log-start checkpoint counts as empty, as in
// the broker; a malformed high-watermark checkpoint is an error. The logs themselves are opened one
// by one with Open. On an error the directory is offline from the start.
//
// tag is or'ed into the arg of every File.Sync, so that the program can tell whose completion
// Program.Synced brings; its low 24 bits must be zero.
func OpenDir(fs *sim.FS, path string, tag uint32, opt DirOptions) (*Dir, error) {
	if tag&slotMask != 0 {
		panic("kafka log: the tag of a directory uses the low 24 bits")
	}
	w := fs.Disk().Host.W
	d := &Dir{fs: &volume{FS: fs, point: opt.Point}, w: w, arena: &w.Arena, path: path, opt: opt, tag: tag, byName: map[string]*Log{}}
	if err := d.identify(); err != nil {
		return d, d.fail(err)
	}
	if marker := path + "/" + cleanShutdownFile; fs.Exists(marker) {
		d.clean = true
		if !opt.CleanMarkerKept {
			if err := fs.Remove(marker, "clean shutdown marker"); err != nil {
				return d, d.fail(err)
			}
		}
	}
	var err error
	if d.atRecovery, err = d.readOffsets(recoveryPointFile); err != nil && !errors.Is(err, ErrMalformed) {
		return d, d.fail(err)
	}
	if d.atStart, err = d.readOffsets(logStartFile); err != nil && !errors.Is(err, ErrMalformed) {
		return d, d.fail(err)
	}
	if d.atCleaned, err = d.readOffsets(cleanerOffsetFile); err != nil && !errors.Is(err, ErrMalformed) {
		return d, d.fail(err)
	}
	if d.atHW, err = d.readOffsets(highWatermarkFile); err != nil {
		return d, d.fail(err)
	}
	return d, nil
}

// identify makes .lock and meta.properties, which a broker writes when it formats a directory
// (LogManager.lockLogDirs, MetaPropertiesEnsemble).
func (d *Dir) identify() error {
	if d.opt.Meta.Cluster == "" || d.fs.Exists(d.path+"/"+metaFile) {
		return nil
	}
	f, err := d.fs.Create(d.path + "/" + lockFile)
	if err != nil {
		return err
	}
	f.Close()
	return writeAtomic(d.fs, d.path, metaFile, AppendMeta(nil, d.opt.Meta), true)
}

func (d *Dir) readOffsets(name string) (map[string]int64, error) {
	b, _, err := readText(d.fs, d.path+"/"+name)
	if err != nil {
		return nil, err
	}
	entries, err := ParseOffsets(b)
	if err != nil {
		return nil, err
	}
	m := make(map[string]int64, len(entries))
	for _, e := range entries {
		m[PartitionDir(e.Topic, e.Partition)] = e.Offset
	}
	return m, nil
}

// Clean says whether the broker before this one shut down cleanly.
func (d *Dir) Clean() bool { return d.clean }

// Path is the directory's path on its disk.
func (d *Dir) Path() string { return d.path }

// FS is the file system below.
func (d *Dir) FS() *sim.FS { return d.fs.FS }

// Offline is why the directory failed, nil while it works.
func (d *Dir) Offline() error { return d.offline }

// SomeOffline says whether the directory failed.
func (d *Dir) SomeOffline() bool { return d.offline != nil }

// Logs are the open logs in order of opening.
func (d *Dir) Logs() []*Log { return d.logs }

// Log is the open log of a partition, nil if there is none.
func (d *Dir) Log(topic string, partition int32) *Log {
	return d.byName[PartitionDir(topic, partition)]
}

// Partitions are the names of the partition directories on the disk, sorted.
func (d *Dir) Partitions() []string {
	return slices.DeleteFunc(d.fs.List(d.path), func(name string) bool {
		topic, _, ok := SplitPartitionDir(name)
		return !ok || topic == metadataTopic || d.fs.Open(d.path+"/"+name) != nil
	})
}

// Loaded says that all logs of the directory were opened. Until then no clean-shutdown marker is
// written (LogManager.shutdown), and a broker that dies while loading recovers again.
func (d *Dir) Loaded() { d.loaded = true }

// DropCleanMarker deletes the marker late, for DirOptions.CleanMarkerKept.
func (d *Dir) DropCleanMarker() error {
	if marker := d.path + "/" + cleanShutdownFile; d.fs.Exists(marker) {
		return d.fail(d.fs.Remove(marker, "clean shutdown marker"))
	}
	return nil
}

// fail takes the directory offline, for ever in this incarnation (LogDirFailureChannel): every
// later call answers ErrStorage. nil stays nil.
func (d *Dir) fail(err error) error {
	if err == nil {
		return nil
	}
	if d.offline == nil {
		d.offline = err
		if d.opt.OnFail != nil {
			d.opt.OnFail(err)
		}
	}
	return ErrStorage
}

// CheckpointHighWatermarks writes replication-offset-checkpoint: every 5 s and at shutdown
// (replica.high.watermark.checkpoint.interval.ms). It blocks for its sync.
func (d *Dir) CheckpointHighWatermarks() error {
	return d.writeOffsets(highWatermarkFile, func(l *Log) (int64, bool) { return l.hw, l.held || !d.opt.HWOfHeld })
}

// CheckpointRecoveryPoints writes recovery-point-offset-checkpoint: every 60 s
// (log.flush.offset.checkpoint.interval.ms), after truncations and at shutdown.
func (d *Dir) CheckpointRecoveryPoints() error {
	return d.writeOffsets(recoveryPointFile, func(l *Log) (int64, bool) { return l.recovery, true })
}

// CheckpointLogStarts writes log-start-offset-checkpoint: every 60 s and at shutdown. Only logs that
// begin above their first segment have a line.
func (d *Dir) CheckpointLogStarts() error {
	return d.writeOffsets(logStartFile, func(l *Log) (int64, bool) { return l.start, l.start > l.segments[0].base })
}

func (d *Dir) writeOffsets(name string, offset func(l *Log) (int64, bool)) error {
	if d.offline != nil {
		return ErrStorage
	}
	if d.metadata {
		return nil
	}
	entries := make([]OffsetEntry, 0, len(d.logs))
	for _, l := range d.logs {
		if o, ok := offset(l); ok {
			entries = append(entries, OffsetEntry{l.Topic, l.Partition, o})
		}
	}
	return d.fail(writeAtomic(d.fs, d.path, name, AppendOffsets(nil, entries), true))
}

// Delete removes a partition's directory with all its files (the real broker renames it first and
// deletes a minute later).
func (d *Dir) Delete(l *Log, why string) error {
	name := PartitionDir(l.Topic, l.Partition)
	delete(d.byName, name)
	d.logs = slices.DeleteFunc(d.logs, func(x *Log) bool { return x == l })
	l.dropTasks()
	for _, s := range l.segments {
		s.gone = true
		s.close()
	}
	if d.offline != nil {
		return ErrStorage
	}
	return d.fail(d.fs.Remove(l.path, why))
}
