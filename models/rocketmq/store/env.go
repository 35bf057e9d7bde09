package store

import "github.com/mqsim/mqsim/sim"

// Env is what the engine needs of its process; *sim.Proc is one.
type Env interface {
	Now() sim.Time
	Wall() int64 // milliseconds since 1970
	After(d sim.Time, kind uint16, arg uint32)
	Rand(label string) *sim.Rand
}

// Hooks is what the engine tells the broker.
type Hooks interface {
	// Started: dispatch has caught up after Start, the offsets of queues are known, services run.
	// It may be called from within Start.
	Started()
	// Arrived: the consume queue got entries up to next; tagsCode is that of the last one. In 4.x it
	// is not called on a slave (DefaultMessageStore.ReputMessageService.doReput).
	Arrived(q *Queue, next, tagsCode int64)
	// Flushed answers AwaitFlush. ok is false if it took longer than syncFlushTimeout.
	Flushed(token uint32, ok bool)
	// DiskFull tells about changes of the DISK_FULL flag.
	DiskFull(on bool)
}

// Kinds of the engine's timers, to which Options.TimerBase is added.
const (
	timerReput uint16 = iota
	timerReputAgain
	timerStart
	timerFlush
	timerFlushWatch
	timerGroupTick
	timerCommit
	timerCommitWoken
	timerQueues
	timerDisk
	timerClean
	timerCleanNext
	timerCheckpoint
	timerLedger
	timerLedgerSave
	// NumTimers is the number of timer kinds from Options.TimerBase on that belong to the store.
	NumTimers
)

// Timer takes a timer of the process; false if it is not the store's.
func (s *Store) Timer(kind uint16, arg uint32) bool {
	if kind < s.opt.TimerBase || kind >= s.opt.TimerBase+NumTimers {
		return false
	}
	if s.closing {
		return true
	}
	switch kind - s.opt.TimerBase {
	case timerReput:
		s.reputArmed = false
		s.reput()
	case timerReputAgain:
		s.reput()
	case timerStart:
		s.awaitDispatch()
	case timerFlush:
		s.flushTurn()
	case timerFlushWatch:
		s.group.watch()
	case timerGroupTick:
		s.group.tick()
	case timerCommit:
		s.pool.turn()
	case timerCommitWoken:
		s.pool.woken = false
		s.pool.run()
	case timerQueues:
		s.queuesTurn()
	case timerDisk:
		s.diskTurn()
	case timerClean:
		s.cleanTurn()
	case timerCleanNext:
		s.cleanNext()
	case timerCheckpoint:
		s.checkpointTurn()
	case timerLedger:
		s.ledgerTurn()
	case timerLedgerSave:
		s.saveLedger()
	}
	return true
}

func (s *Store) after(d sim.Time, kind uint16) { s.env.After(d, s.opt.TimerBase+kind, 0) }
