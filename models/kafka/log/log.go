package log

import (
	"fmt"
	"math"
	"sort"

	"github.com/mqsim/mqsim/sim"
)

// EpochFlush is how a truncation of the leader-epoch cache reaches the disk; assignments of new
// epochs are always written and synced before the data.
type EpochFlush uint8

const (
	// EpochFlushBackground: written, synced and renamed by a background task (since 3.8).
	EpochFlushBackground EpochFlush = iota
	// EpochFlushInline: written and synced before the truncation returns (up to 3.6).
	EpochFlushInline
	// EpochFlushNoSync: written inline but not synced (3.7, KAFKA-16541).
	EpochFlushNoSync
)

// Options are the settings of one topic's logs, under the broker's names where it has them.
type Options struct {
	SegmentBytes     int64 // segment.bytes
	SegmentMillis    int64 // segment.ms
	IndexBytes       int64 // segment.index.bytes
	IndexInterval    int64 // index.interval.bytes
	MaxMessageBytes  int64 // max.message.bytes
	FlushMessages    int64 // flush.messages: sync inline once so many messages are not flushed
	FlushMillis      int64 // flush.ms: sync in the background what is older
	Delete           bool  // cleanup.policy contains delete
	Compact          bool  // cleanup.policy contains compact
	MinDirtyRatio    int64 // min.cleanable.dirty.ratio in thousandths
	DeleteRetention  int64 // delete.retention.ms: how long tombstones stay after they were cleaned first
	MinCompactionLag int64 // min.compaction.lag.ms
	MaxCompactionLag int64 // max.compaction.lag.ms, 0: unlimited
	RetentionMillis  int64 // retention.ms, -1: unlimited
	RetentionBytes   int64 // retention.bytes, -1: unlimited
	FileDeleteDelay  int64 // file.delete.delay.ms
	ProducerIDMillis int64 // producer.id.expiration.ms

	AppendTime bool // message.timestamp.type=LogAppendTime: the leader's clock dates batches

	TopicID string // of partition.metadata, "": none is written (before 2.8)

	IndexPerBatch  bool       // index rule of 4.1 (KAFKA-806)
	KnownProducers bool       // only sequence 0 begins a producer without state (1.0 to 2.4, KAFKA-7190)
	NoDirSync      bool       // new segments' names are not synced (before 3.0, KAFKA-3968)
	EpochFlush     EpochFlush // era of the leader-epoch checkpoint
}

// DefaultOptions are the defaults of Kafka 3.9 (LogConfig).
func DefaultOptions() Options {
	return Options{
		SegmentBytes: 1 << 30, SegmentMillis: 7 * 24 * 3600 * 1000, IndexBytes: 10 << 20, IndexInterval: 4096,
		MaxMessageBytes: 1<<20 + 12, FlushMessages: math.MaxInt64, FlushMillis: math.MaxInt64,
		MinDirtyRatio: 500, DeleteRetention: 24 * 3600 * 1000,
		Delete: true, RetentionMillis: 7 * 24 * 3600 * 1000, RetentionBytes: -1, FileDeleteDelay: 60000,
		ProducerIDMillis: 86400000,
	}
}

// Log is the log of one partition on one broker (UnifiedLog with its LocalLog).
//
// Offsets: start <= high watermark <= end. The recovery point is the offset below which everything
// is known to be on the platter; it is at most the end.
type Log struct {
	Topic     string
	Partition int32

	d        *Dir
	path     string
	opt      Options
	segments []*segment // in order of base, never empty
	start    int64      // log start offset
	end      int64      // LEO, the offset that the next record gets
	hw       int64
	held     bool  // by a replica
	recovery int64 // recovery point

	cleanedTo   int64 // the cleaner's checkpoint, None: never cleaned
	uncleanable bool  // the cleaner met bytes that it could not read

	flushedAt int64 // virtual time of the last flush, milliseconds

	epochs    EpochCache
	epochFile epochWriter
	producers *Producers

	spots   [spotCount]spot
	spotAt  int
	batches []appended // scratch of an append
	refs    []sim.Ref  // scratch of scans
	flushes uint32     // generation of background flushes: a truncation makes them void
}

// spot remembers where in a segment an offset begins, so that a reader that goes on where it
// stopped needs no lookup. It is only a shortcut: the indexes give the same answer.
type spot struct {
	offset, pos int64
	segment     *segment
}

const spotCount = 8

// Hold says that a replica was made of the log.
func (l *Log) Hold() { l.held = true }

// End is the log end offset (LEO): the last offset + 1.
func (l *Log) End() int64 { return l.end }

// Start is the log start offset: the first offset that can be read.
func (l *Log) Start() int64 { return l.start }

// RecoveryPoint is the offset from which a recovery would scan.
func (l *Log) RecoveryPoint() int64 { return l.recovery }

// HighWatermark is the first offset that consumers may not read.
func (l *Log) HighWatermark() int64 { return l.hw }

// SetHighWatermark moves the high watermark, forwards or backwards, within [Start, End], and
// returns where it is now.
func (l *Log) SetHighWatermark(offset int64) int64 {
	l.hw = max(l.start, min(offset, l.end))
	return l.hw
}

// Epochs is the leader-epoch cache.
func (l *Log) Epochs() *EpochCache { return &l.epochs }

// LatestEpoch is the newest leader epoch in the cache, None if there is none: the follower's
// lastFetchedEpoch.
func (l *Log) LatestEpoch() int32 {
	e, _ := l.epochs.Latest()
	return e.Epoch
}

// EndOffsetFor answers OffsetsForLeaderEpoch; see EpochCache.EndOffsetFor.
func (l *Log) EndOffsetFor(epoch int32) (int32, int64) { return l.epochs.EndOffsetFor(epoch, l.end) }

// Producers is the producer state.
func (l *Log) Producers() *Producers { return l.producers }

// ExpireProducers forgets producer ids without a batch for producer.id.expiration.ms; the broker's
// timer calls it every 10 minutes (producer.id.expiration.check.interval.ms).
func (l *Log) ExpireProducers(now int64) { l.producers.expire(now, l.opt.ProducerIDMillis) }

// Segments is the number of segments.
func (l *Log) Segments() int { return len(l.segments) }

// Size is the number of bytes of all segments' records.
func (l *Log) Size() int64 {
	n := int64(0)
	for _, s := range l.segments {
		n += s.size()
	}
	return n
}

// Path is the partition's directory.
func (l *Log) Path() string { return l.path }

// Options are the log's settings. They may be changed while the log is open.
func (l *Log) Options() *Options { return &l.opt }

// String describes the log for failures.
func (l *Log) String() string {
	return fmt.Sprintf("%s-%d [%d, %d) hw %d recovery point %d, %d segments", l.Topic, l.Partition, l.start, l.end, l.hw, l.recovery, len(l.segments))
}

func (l *Log) active() *segment { return l.segments[len(l.segments)-1] }

// floor is the index of the last segment whose base is not above offset, -1 if there is none.
func (l *Log) floor(offset int64) int {
	n := len(l.segments)
	if n > 0 && l.segments[n-1].base <= offset {
		return n - 1
	}
	return sort.Search(n, func(i int) bool { return l.segments[i].base > offset }) - 1
}

// fail marks the whole log directory offline, as any error of its disk does
// (LocalLog.maybeHandleIOException). It returns what the caller answers.
func (l *Log) fail(err error) error { return l.d.fail(err) }

// roll closes the active segment and opens the next one at base (UnifiedLog.roll). The old segment
// is synced in the background, and the recovery point passes it then.
func (l *Log) roll(base, now int64) error {
	base = max(base, l.end)
	old := l.active()
	if old.base == base { // rolled because an index of an empty segment is full
		if err := l.retire(old, "rolled empty"); err != nil {
			return err
		}
		l.segments = l.segments[:len(l.segments)-1]
	} else if err := old.becomeInactive(); err != nil {
		return err
	}
	next, err := createSegment(l.d.fs, l.path, base, now, &l.opt)
	if err != nil {
		return err
	}
	l.segments = append(l.segments, next)
	l.end = base
	l.producers.mapEnd = base
	snapshot, err := l.snapshot()
	if err != nil {
		return err
	}
	l.flushBehind(base, snapshot)
	return nil
}

// snapshot stores the producer state, unless one of this offset exists. The file is nil then.
func (l *Log) snapshot() (*file, error) {
	if l.producers.mapEnd <= l.producers.lastSnap {
		return nil, nil
	}
	return l.producers.writeSnapshot(l.d.fs, l.path)
}

// maybeRoll rolls if an append of that size needs it (UnifiedLog.maybeRoll).
func (l *Log) maybeRoll(first, last, size, maxTS, now int64) error {
	if !l.active().shouldRoll(&l.opt, size, maxTS, last, now) {
		return nil
	}
	return l.roll(first, now)
}
