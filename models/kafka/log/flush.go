package log

import (
	"errors"

	"github.com/mqsim/mqsim/sim"
)

// Syncs in the background. The broker's scheduler thread calls fsync and waits; here a task is a
// chain of File.Sync calls, one at a time, whose completions come through Program.Synced to
// Dir.Synced.

const slotMask = 1<<24 - 1

// task is a chain of syncs that runs beside the broker's requests.
type task struct {
	log   *Log
	files []*file
	next  int
	dir   string // directory to sync after the files, "" = none
	done  func(err error)
}

// background begins a chain; done is called when all files and then the directory are durable, or
// when a sync failed. A file that is closed meanwhile is skipped.
func (d *Dir) background(t task) {
	var slot uint32
	if n := len(d.free); n > 0 {
		slot = d.free[n-1]
		d.free = d.free[:n-1]
	} else {
		d.tasks = append(d.tasks, task{})
		slot = uint32(len(d.tasks) - 1)
	}
	d.tasks[slot] = t
	d.step(slot)
}

// step asks for the next sync of a chain, or ends it.
func (d *Dir) step(slot uint32) {
	t := &d.tasks[slot]
	if t.next < len(t.files) {
		t.next++
		t.files[t.next-1].Sync(d.tag | slot)
		return
	}
	var err error
	if t.dir != "" && d.fs.Exists(t.dir) {
		err = d.fs.SyncDir(t.dir)
	}
	d.end(slot, err)
}

func (d *Dir) end(slot uint32, err error) {
	done := d.tasks[slot].done
	d.tasks[slot] = task{}
	d.free = append(d.free, slot)
	if done != nil {
		done(err)
	}
}

// Synced takes the completion of a File.Sync whose arg carries the directory's tag. A failed sync
// takes the directory offline.
func (d *Dir) Synced(arg uint32, err error) {
	slot := arg & slotMask
	if errors.Is(err, sim.ErrStaleFile) {
		err = nil // removed or replaced meanwhile: nothing to make durable
	}
	if err != nil {
		d.end(slot, err)
		d.fail(err)
		return
	}
	d.step(slot)
}

// dropTasks makes running flushes of a log end without an effect.
func (l *Log) dropTasks() { l.flushes++ }

// flushBehind syncs the segments below target in the background and then moves the recovery point
// there: what a roll schedules (UnifiedLog.roll, "flush-log"). snapshot is synced first, if any.
func (l *Log) flushBehind(target int64, snapshot *file) {
	files, dir := l.unflushed(target)
	if snapshot != nil {
		files = append([]*file{snapshot}, files...)
	}
	generation := l.flushes
	l.d.background(task{log: l, files: files, dir: dir, done: func(err error) {
		if err != nil {
			l.d.fail(err)
			return
		}
		if l.flushes == generation {
			l.recovery = max(l.recovery, target)
		}
	}})
}

// unflushed are the files of the segments between the recovery point and target, and the directory
// if one of the segments is new since the recovery point (LocalLog.flush; KAFKA-3968).
func (l *Log) unflushed(target int64) (files []*file, dir string) {
	for i := max(l.floor(l.recovery), 0); i < len(l.segments) && l.segments[i].base < target; i++ {
		s := l.segments[i]
		f := s.files()
		files = append(files, f[:]...)
		if s.base >= l.recovery && !l.opt.NoDirSync {
			dir = l.path
		}
	}
	return files, dir
}

// FlushBackground makes everything that is in the log now durable, without blocking; done may be
// nil. It is what flush.ms asks for.
func (l *Log) FlushBackground(done func(err error)) {
	if l.d.offline != nil {
		if done != nil {
			done(ErrStorage)
		}
		return
	}
	target, generation := l.end, l.flushes
	files, dir := l.unflushed(target + 1)
	l.d.background(task{log: l, files: files, dir: dir, done: func(err error) {
		if err == nil && l.flushes == generation {
			l.recovery = max(l.recovery, target)
			l.flushedAt = int64(l.d.w.Now() / sim.Millisecond)
		}
		err = l.d.fail(err)
		if done != nil {
			done(err)
		}
	}})
}

// FlushNow makes everything in the log durable and blocks until it is.
func (l *Log) FlushNow() error {
	if l.d.offline != nil {
		return ErrStorage
	}
	files, dir := l.unflushed(l.end + 1)
	for _, f := range files {
		if err := f.SyncNow(); err != nil {
			return l.fail(err)
		}
	}
	if dir != "" {
		if err := l.d.fs.SyncDir(dir); err != nil {
			return l.fail(err)
		}
	}
	l.recovery = l.end
	l.flushedAt = int64(l.d.w.Now() / sim.Millisecond)
	return nil
}

// maybeFlush is the inline flush of flush.messages.
func (l *Log) maybeFlush() error {
	if l.end-l.recovery < l.opt.FlushMessages {
		return nil
	}
	return l.FlushNow()
}

// Shutdown closes the directory cleanly: the high watermarks are stored (ReplicaManager.shutdown);
// every log is flushed, its producer state stored, its files closed; the other checkpoints are
// written, and at last the clean-shutdown marker, if loading had been completed
// (LogManager.shutdown). done is called when all that is durable; the program then exits.
// No append may follow.
func (d *Dir) Shutdown(done func(err error)) {
	if d.offline != nil {
		done(ErrStorage)
		return
	}
	if err := d.CheckpointHighWatermarks(); err != nil {
		done(err)
		return
	}
	d.shutdownFrom(0, done)
}

// shutdownFrom flushes and closes the logs from the i-th on, one after the other
// (num.recovery.threads.per.data.dir = 1).
func (d *Dir) shutdownFrom(i int, done func(err error)) {
	if i < len(d.logs) {
		l := d.logs[i]
		l.FlushBackground(func(err error) {
			if err == nil {
				err = d.fail(l.close())
			}
			if err != nil {
				done(err)
				return
			}
			d.shutdownFrom(i+1, done)
		})
		return
	}
	err := d.CheckpointRecoveryPoints()
	if err == nil {
		err = d.CheckpointLogStarts()
	}
	if err == nil && d.loaded {
		err = d.fail(d.writeMarker())
	}
	done(err)
}

// close stores the producer state and trims the active segment's indexes (UnifiedLog.close,
// LogSegment.close). What it writes is in the page cache; a clean stop followed by a power loss
// loses nothing that recovery does not rebuild, except the newest snapshot.
func (l *Log) close() error {
	l.dropTasks()
	f, err := l.snapshot()
	if err != nil {
		return err
	}
	if f != nil {
		if err := f.SyncNow(); err != nil {
			return err
		}
		f.Close()
	}
	if err := l.active().becomeInactive(); err != nil {
		return err
	}
	for _, s := range l.segments {
		s.close()
	}
	return nil
}

// writeMarker creates .kafka_cleanshutdown. Since 3.7 it holds JSON and is synced; before it was
// empty and only created.
func (d *Dir) writeMarker() error {
	if d.opt.CleanMarkerNoSync {
		f, err := d.fs.Create(d.path + "/" + cleanShutdownFile)
		if err == nil {
			f.Close()
		}
		return err
	}
	return writeAtomic(d.fs, d.path, cleanShutdownFile, appendMarker(nil, d.brokerEpoch()), true)
}
