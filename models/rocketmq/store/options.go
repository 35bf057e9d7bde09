package store

import "github.com/mqsim/mqsim/sim"

// Role is brokerRole.
type Role uint8

// Roles of a broker (BrokerRole).
const (
	AsyncMaster Role = iota
	SyncMaster
	Slave
)

// FlushType is flushDiskType.
type FlushType uint8

// Ways to flush the commit log (FlushDiskType).
const (
	AsyncFlush FlushType = iota
	SyncFlush
)

// Options are the settings of a store, named as in MessageStoreConfig where they have a name there.
type Options struct {
	Dir       string // storePathRootDir
	Role      Role   // brokerRole
	StoreHost Addr   // of the broker, in every record
	// TimerBase is the first of NumTimers timer kinds, SyncTag the top eight bits of sync arguments
	// that belong to the store.
	TimerBase uint16
	SyncTag   uint32
	// Ledger makes the log one of DLedger for the member of this name (n0); "": a log of its own.
	Ledger          string
	LedgerIndexSize int64 // mappedFileSizeForEntryIndex

	FileSize        int64 // mappedFileSizeCommitLog
	QueueFileSize   int64 // mappedFileSizeConsumeQueue in bytes; a multiple of 20
	MaxMessageSize  int
	FlushDisk       FlushType
	SyncFlushTO     sim.Time // syncFlushTimeout
	FlushInterval   sim.Time // flushIntervalCommitLog
	FlushPages      int64    // flushCommitLogLeastPages
	FlushThorough   sim.Time // flushCommitLogThoroughInterval
	FlushTimed      bool     // flushCommitLogTimed; false up to 4.8: every put wakes the loop
	QueueInterval   sim.Time // flushIntervalConsumeQueue
	QueuePages      int64    // flushConsumeQueueLeastPages
	QueueThorough   sim.Time // flushConsumeQueueThoroughInterval
	CheckpointEvery sim.Time // 0: only with the thorough flush of queues; 5.3.3: 1 s
	CheckCRC        bool     // checkCRCOnRecover
	// FsyncErrors: a failed fsync does not move the flushed position (fixed after 5.3.3, #9713).
	FsyncErrors bool
	// DispatchFlushed bounds dispatch by the flushed position under SYNC_FLUSH (5.3 without
	// readUnCommitted).
	DispatchFlushed bool
	// ArriveOnSlave calls Hooks.Arrived on slaves too (5.x).
	ArriveOnSlave bool
	// ReputFromEnd starts dispatch at the end of the log (5.x without recheckReputOffsetFromCq).
	ReputFromEnd bool
	// DispatchOnRecover: a normal recovery begins at the newest file that begins at or below the
	// queues' largest physical offset, and dispatches what lies above that offset (5.3.2).
	DispatchOnRecover bool
	// SlaveOffsetCheck is offsetCheckInSlave.
	SlaveOffsetCheck bool

	PoolEnable bool     // transientStorePoolEnable
	PoolSize   int      // transientStorePoolSize, buffers of a file each
	CommitTime sim.Time // commitIntervalCommitLog
	// CommitPages and CommitThorough are commitCommitLogLeastPages and commitCommitLogThoroughInterval.
	CommitPages    int64
	CommitThorough sim.Time

	IndexEnable  bool  // messageIndexEnable
	IndexSafe    bool  // messageIndexSafe
	IndexSlots   int64 // maxHashSlotNum
	IndexEntries int64 // maxIndexNum

	MaxCount, MaxCountDisk int   // maxTransferCountOnMessageInMemory, ...InDisk
	MaxBytes, MaxBytesDisk int64 // maxTransferBytesOnMessageInMemory, ...InDisk

	Memory      int64 // of the machine, for the "too far behind" rules of pulls
	MemoryRatio int64 // accessMessageInMemoryMaxRatio, per cent

	DiskCheck       sim.Time // period of the check of the watermark; first after 1 s; 0: with cleaning only
	DiskWarning     int      // diskSpaceWarningLevelRatio, per cent
	DiskClear       int      // DISK_FULL is cleared at this; 4.7.1-4.9.8: DiskWarning, 5.x: DiskForcibly
	DiskForcibly    int      // diskSpaceCleanForciblyRatio
	DiskMaxUsed     int      // diskMaxUsedSpaceRatio
	CleanInterval   sim.Time // cleanResourceInterval; first after 60 s
	CleanForcibly   bool     // cleanFileForciblyEnable
	FileReserved    sim.Time // fileReservedTime
	DeleteWhen      int      // hour of the day
	DeleteInterval  sim.Time // deleteCommitLogFilesInterval
	DelayLevelsMs   []int64  // messageDelayLevel
	ReputInterval   sim.Time // of the dispatch loop
	GroupCommitTick sim.Time // of the group commit loop without requests
}

// DefaultOptions are the defaults of 4.9.8 (MessageStoreConfig), without the index.
func DefaultOptions() Options {
	return Options{
		Dir: "store", LedgerIndexSize: 5 << 20 * indexUnit, SyncTag: 0x52 << 24, TimerBase: 0x400,
		FileSize: 1 << 30, QueueFileSize: 300000 * EntrySize, MaxMessageSize: 4 << 20,
		SyncFlushTO: 5 * sim.Second, FlushInterval: 500 * sim.Millisecond, FlushPages: 4, FlushThorough: 10 * sim.Second, FlushTimed: true,
		QueueInterval: sim.Second, QueuePages: 2, QueueThorough: 60 * sim.Second, CheckCRC: true,
		PoolSize: 5, CommitTime: 200 * sim.Millisecond, CommitPages: 4, CommitThorough: 200 * sim.Millisecond,
		IndexSlots: 5000000, IndexEntries: 20000000,
		MaxCount: 32, MaxCountDisk: 8, MaxBytes: 256 << 10, MaxBytesDisk: 64 << 10,
		Memory: 16 << 30, MemoryRatio: 40,
		DiskCheck: 10 * sim.Second, DiskWarning: 90, DiskClear: 90, DiskForcibly: 85, DiskMaxUsed: 75,
		CleanInterval: 10 * sim.Second, CleanForcibly: true, FileReserved: 72 * sim.Hour, DeleteWhen: 4, DeleteInterval: 100 * sim.Millisecond,
		DelayLevelsMs: DelayLevels(),
		ReputInterval: sim.Millisecond, GroupCommitTick: 10 * sim.Millisecond,
	}
}

// DelayLevels are the default levels of messageDelayLevel in milliseconds; level 1 is the first.
func DelayLevels() []int64 {
	const s, m, h = 1000, 60 * 1000, 3600 * 1000
	return []int64{1 * s, 5 * s, 10 * s, 30 * s, 1 * m, 2 * m, 3 * m, 4 * m, 5 * m, 6 * m, 7 * m, 8 * m, 9 * m, 10 * m, 20 * m, 30 * m, 1 * h, 2 * h}
}
