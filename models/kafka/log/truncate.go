package log

// Causes that the biography of a truncated message shows (File.Truncate, FS.Remove).
const (
	// WhyTruncated: a new leader's log does not have these records.
	WhyTruncated = "truncated-by-new-leader"
	// WhyUnreplicated: the records were only here when another replica became leader.
	WhyUnreplicated = "unreplicated-tail"
	// WhyRecovery: recovery after an unclean stop cut at the first bad batch.
	WhyRecovery = "recovery"
	// WhyCompaction: a newer record of the same key is there.
	WhyCompaction = "compaction"
	// WhyRetention: the segment was older or the log larger than retention allows.
	WhyRetention = "retention"
)

// TruncateTo drops everything from offset on (UnifiedLog.truncateTo, LogManager.truncateTo): whole
// batches, later segments, epochs and producer state; the recovery point is lowered and stored. An
// offset below the log empties it and restarts it there. It returns how many offsets went. why is
// the cause for the biography of the messages.
//
// Real truncation points lie between batches. Within one, the whole batch goes and the end is
// offset all the same, as in the broker.
func (l *Log) TruncateTo(offset int64, why string, now int64) (int64, error) {
	if l.d.offline != nil {
		return 0, ErrStorage
	}
	if offset >= l.end {
		// UnifiedLog.truncateTo truncates the epoch cache even if there is nothing to cut: an epoch
		// that this replica led without writing in it ends here.
		if l.epochs.truncateFromEnd(l.end) {
			return 0, l.epochsTruncated()
		}
		return 0, nil
	}
	gone := l.end - max(offset, l.start)
	if offset < l.segments[0].base {
		return gone, l.TruncateFully(offset, why, now)
	}
	l.dropTasks()
	l.forgetSpots()
	keep := max(l.floor(offset), 0) + 1
	for _, s := range l.segments[keep:] {
		if err := l.retire(s, why); err != nil {
			return gone, l.fail(err)
		}
	}
	l.segments = l.segments[:keep]
	if err := l.active().truncateTo(&l.opt, offset, now, why); err != nil {
		return gone, l.fail(err)
	}
	l.end = offset
	l.start = min(l.start, offset)
	l.recovery = min(l.recovery, offset)
	l.hw = min(l.hw, offset)
	if l.epochs.truncateFromEnd(offset) {
		if err := l.epochsTruncated(); err != nil {
			return gone, err
		}
	}
	if err := l.rebuildProducers(now); err != nil {
		return gone, l.fail(err)
	}
	if err := l.lowerCleaned(); err != nil {
		return gone, err
	}
	return gone, l.d.CheckpointRecoveryPoints()
}

// TruncateFully empties the log and restarts it at offset (UnifiedLog.truncateFullyAndStartAt): a
// follower whose end is below the leader's log start.
func (l *Log) TruncateFully(offset int64, why string, now int64) error {
	if l.d.offline != nil {
		return ErrStorage
	}
	l.dropTasks()
	l.forgetSpots()
	for _, s := range l.segments {
		if err := l.retire(s, why); err != nil {
			return l.fail(err)
		}
	}
	s, err := createSegment(l.d.fs, l.path, offset, now, &l.opt)
	if err != nil {
		return l.fail(err)
	}
	l.segments = append(l.segments[:0], s)
	l.start, l.end, l.hw = offset, offset, offset
	l.recovery = min(l.recovery, offset)
	if len(l.epochs.entries) > 0 {
		l.epochs.entries = l.epochs.entries[:0]
		if err := l.writeEpochs(true); err != nil {
			return err
		}
	}
	if err := l.dropSnapshots(func(int64) bool { return false }); err != nil {
		return l.fail(err)
	}
	l.producers.clear(offset)
	l.producers.lastSnap = 0
	if err := l.lowerCleaned(); err != nil {
		return err
	}
	return l.d.CheckpointRecoveryPoints()
}
