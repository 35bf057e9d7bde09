package store

import "github.com/mqsim/mqsim/sim"

// Limits of cleaning (MappedFileQueue.DELETE_FILES_BATCH_MAX).
const deleteBatch = 10

// UsedPercent is the used part of a partition, rounded up to a whole per cent
// (UtilAll.getDiskPartitionSpaceUsedPercent).
func UsedPercent(used, capacity int64) int {
	if capacity <= 0 {
		return 0
	}
	q, r := used/capacity, used%capacity
	// 100*r may not fit only beyond 92 PB
	return int(100*q + (100*r+capacity-1)/capacity)
}

// DiskFull is the DISK_FULL flag after a look at the disk: set above warning, cleared at clear or
// below, as it was in between. clear is warning itself in 4.7.1-4.9.8 (CleanCommitLogService
// .isSpaceFull) and the level of forced cleaning in 5.x (isSpaceToDelete).
func DiskFull(before bool, percent, warning, clear int) bool {
	switch {
	case percent > warning:
		return true
	case percent <= clear:
		return false
	}
	return before
}

// CleanReason says why files are removed.
type CleanReason uint8

// Reasons for cleaning.
const (
	NoClean    CleanReason = iota
	CleanTime              // it is the hour of deleteWhen
	CleanSpace             // above diskMaxUsedSpaceRatio
	CleanForce             // above diskSpaceCleanForciblyRatio: regardless of age
)

// CleanDecision is what a turn of the cleaning service does (CleanCommitLogService
// .deleteExpiredFiles).
func CleanDecision(o *Options, percent int, wall int64) CleanReason {
	hour := int(wall / 3600_000 % 24)
	switch {
	case percent > o.DiskForcibly && o.CleanForcibly:
		return CleanForce
	case percent > o.DiskMaxUsed:
		return CleanSpace
	case hour == o.DeleteWhen:
		return CleanTime
	}
	return NoClean
}

// diskState is the state of the watermark and of cleaning.
type diskState struct {
	full    bool
	force   bool
	left    int // files that the present round may still remove
	lastMin int64
}

// DiskFullFlag is the DISK_FULL flag.
func (s *Store) DiskFullFlag() bool { return s.disk.full }

// LogicsError is the LOGICS_QUEUE_ERROR flag: a queue could not be written; only a restart helps.
func (s *Store) LogicsError() bool { return s.logicErr }

func (s *Store) startDisk() {
	s.disk.lastMin = s.log.min()
	if s.opt.DiskCheck > 0 {
		s.after(sim.Second, timerDisk)
	}
	s.after(60*sim.Second, timerClean)
}

func (s *Store) diskPercent() int { return UsedPercent(s.fs.Usage()) }

// diskTurn looks at the watermark (DefaultMessageStore.addScheduleTask, diskCheckScheduled).
func (s *Store) diskTurn() {
	s.setFull(DiskFull(s.disk.full, s.diskPercent(), s.opt.DiskWarning, s.opt.DiskClear))
	s.after(s.opt.DiskCheck, timerDisk)
}

func (s *Store) setFull(full bool) {
	if full != s.disk.full {
		s.disk.full = full
		s.hooks.DiskFull(full)
	}
}

// cleanTurn begins a round of cleaning (DefaultMessageStore.cleanFilesPeriodically). It looks at
// the watermark too, and clears it only at the level of forced cleaning.
func (s *Store) cleanTurn() {
	s.after(s.opt.CleanInterval, timerClean)
	pct := s.diskPercent()
	s.setFull(DiskFull(s.disk.full, pct, s.opt.DiskWarning, s.opt.DiskForcibly))
	why := CleanDecision(&s.opt, pct, s.env.Wall())
	if s.disk.left > 0 {
		return // a round is under way
	}
	if why == NoClean {
		s.cleanQueues()
		return
	}
	s.disk.force = why == CleanForce
	s.disk.left = deleteBatch
	s.cleanNext()
}

// cleanNext removes the oldest file if it may go, and goes on 100 ms later
// (MappedFileQueue.deleteExpiredFileByTime). What consumers have read does not matter.
func (s *Store) cleanNext() {
	if s.disk.left == 0 {
		return
	}
	if len(s.log.files) < 2 || !s.expired(s.log.files[0]) || s.log.removeFirst(WhyRetention) != nil {
		s.disk.left = 0
		s.cleanQueues()
		return
	}
	s.stats.FilesDeleted++
	if s.disk.left--; s.disk.left == 0 {
		s.cleanQueues()
		return
	}
	s.after(s.opt.DeleteInterval, timerCleanNext)
}

func (s *Store) expired(m *mappedFile) bool {
	return s.disk.force || s.env.Wall() >= m.modified+int64(s.opt.FileReserved/sim.Millisecond)
}

// cleanQueues removes queue and index files of records that are gone (CleanConsumeQueueService).
func (s *Store) cleanQueues() {
	low := s.log.min()
	if low <= s.disk.lastMin {
		return
	}
	s.disk.lastMin = low
	for _, q := range s.ordered {
		if err := q.deleteBefore(low); err != nil {
			return
		}
	}
	if s.index != nil {
		s.index.deleteBefore(low)
	}
}
