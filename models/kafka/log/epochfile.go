package log

// epochWriter brings the leader-epoch cache to its checkpoint.
type epochWriter struct {
	generation uint32 // of the content; an older background write is void
	running    bool   // a background write is under way
	again      bool   // and the content changed since
	stale      bool   // while loading: the checkpoint lacks what recovery found
}

// writeEpochs stores the leader-epoch checkpoint now, and blocks for the sync if one is asked for.
func (l *Log) writeEpochs(sync bool) error {
	l.epochFile.generation++
	l.epochFile.again, l.epochFile.stale = false, false
	return l.d.fail(writeAtomic(l.d.fs, l.path, epochFile, AppendEpochs(nil, l.epochs.entries), sync))
}

// epochsTruncated stores the checkpoint after entries were dropped, in the way of the era. Until it
// reaches the disk a crash finds the old entries there; opening the log truncates them to its end
// again, so nothing depends on it but the end itself.
func (l *Log) epochsTruncated() error {
	switch l.opt.EpochFlush {
	case EpochFlushInline:
		return l.writeEpochs(true)
	case EpochFlushNoSync:
		return l.writeEpochs(false)
	}
	w := &l.epochFile
	w.generation++
	w.again = true
	if w.running {
		return nil
	}
	return l.writeEpochsBehind()
}

// writeEpochsBehind writes the temporary file and lets the background sync it; the rename follows
// unless the checkpoint was written again meanwhile.
func (l *Log) writeEpochsBehind() error {
	w := &l.epochFile
	w.again = false
	generation, path := w.generation, l.path+"/"+epochFile
	f, err := writeTemp(l.d.fs, path, AppendEpochs(nil, l.epochs.entries))
	if err != nil {
		return l.d.fail(err)
	}
	w.running = true
	l.d.background(task{log: l, files: []*file{f}, done: func(err error) {
		w.running = false
		f.Close()
		switch {
		case err != nil:
		case generation == w.generation:
			if err = l.d.fs.Rename(path+".tmp", path); err == nil {
				err = l.d.fs.SyncDir(l.path)
			}
		case w.again:
			err = l.writeEpochsBehind()
		}
		l.d.fail(err)
	}})
	return nil
}
