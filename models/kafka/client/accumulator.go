package client

import (
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// batch is ProducerBatch: records of one partition that live and die together.
type batch struct {
	q       *queue
	builder *log.Builder // until it is drained
	built   log.Batch
	ids     []sim.MsgID
	memory  int64 // taken from buffer.memory
	created sim.Time
	tried   sim.Time // last failure, or creation
	pause   sim.Time // back-off that holds from tried on
	full    bool     // no more records

	attempts  int   // failed ones
	epoch     int32 // leader epoch of the newest metadata when it was last looked at
	changedAt int   // attempts when that epoch changed last

	inCall bool // a request with it is in flight
	done   bool // the application was told
	// maybeStored: some transmission was not answered by a refusal before the append.
	maybeStored bool

	sequenced bool // has a producer id, epoch and sequence
	pid       int64
	pepoch    int16
	seq       int32
	reset     bool // was renumbered (ProducerBatch.sequenceHasBeenReset)
}

func (b *batch) count() int32 { return int32(len(b.ids)) }

// lastSeq is the sequence of the last record; it wraps from 2^31-1 to 0.
func (b *batch) lastSeq() int32 { return addSeq(b.seq, b.count()-1) }

func addSeq(seq, n int32) int32 { return int32((int64(seq) + int64(n)) & (1<<31 - 1)) }

// backingOff is RecordAccumulator.shouldBackoff: a retry waits, unless the partition's leader has
// changed since (KIP-951).
func (b *batch) backingOff(now sim.Time, leaderEpoch int32) bool {
	if b.epoch != leaderEpoch {
		b.epoch, b.changedAt = leaderEpoch, b.attempts
	}
	if b.attempts == 0 || b.attempts == b.changedAt {
		return false
	}
	return now < b.tried+b.pause
}

// queue is the deque of batches of one partition, with what TransactionManager knows of it.
type queue struct {
	tp      wire.TopicPartition
	batches []*batch // batches[head:]
	head    int
	listed  bool // in Producer.active
	muted   bool

	// idempotence (TxnPartitionEntry)
	next       int32 // sequence of the next batch
	lastAcked  int32 // -1: none
	pid        int64 // that sequences count for
	pepoch     int16
	pending    []*batch // sequenced and not completed, in order of sequence
	unresolved bool     // a batch expired after a transmission: was it stored?
	rewrite    bool     // sequences restart at the next epoch bump
}

func (q *queue) len() int { return len(q.batches) - q.head }

func (q *queue) first() *batch {
	if q.head == len(q.batches) {
		return nil
	}
	return q.batches[q.head]
}

func (q *queue) last() *batch {
	if q.head == len(q.batches) {
		return nil
	}
	return q.batches[len(q.batches)-1]
}

func (q *queue) push(b *batch) { q.batches = append(q.batches, b) }

func (q *queue) pop() *batch {
	b := q.batches[q.head]
	q.batches[q.head] = nil
	q.head++
	switch {
	case q.head == len(q.batches):
		q.batches, q.head = q.batches[:0], 0
	case q.head >= 64 && q.head*2 >= len(q.batches):
		n := copy(q.batches, q.batches[q.head:])
		clear(q.batches[n:])
		q.batches, q.head = q.batches[:n], 0
	}
	return b
}

// insert puts a batch at position i of the deque.
func (q *queue) insert(i int, b *batch) {
	if i == 0 && q.head > 0 {
		q.head--
		q.batches[q.head] = b
		return
	}
	q.batches = append(q.batches, nil)
	at := q.head + i
	copy(q.batches[at+1:], q.batches[at:])
	q.batches[at] = b
}

// Sizes of MemoryRecords: what a record may take at most beside key and value.
const maxRecordOverhead = 21

// upperBound is AbstractRecords.estimateSizeInBytesUpperBound.
func upperBound(key []byte, size int) int {
	return log.HeaderSize + maxRecordOverhead + len(key) + size
}

// append is RecordAccumulator.append: into the last batch of the partition if it has room, else into a
// new one, if buffer.memory has room for that.
func (p *Producer) append(q *queue, key []byte, id sim.MsgID, size int) bool {
	now := p.proc.Wall()
	p.closeWithoutRoom(q, key, size)
	b := q.last()
	if b == nil || b.full || b.builder == nil {
		need := int64(max(p.cfg.batchSize, upperBound(key, size)))
		if need > p.free {
			p.refused = need
			p.pass() // an exhausted buffer makes every batch sendable
			return false
		}
		b = p.newBatch(q, need)
	}
	before := b.builder.Size()
	if len(b.ids) == 0 {
		before = 0 // the first record brings the header along
	}
	b.builder.AddBody(now, key, id, size)
	b.ids = append(b.ids, id)
	if int64(b.builder.Size()) >= b.memory {
		b.full = true
	}
	if b.full || len(b.ids) == 1 {
		p.pass()
	}
	p.grown = b.builder.Size() - before
	return true
}

// closeWithoutRoom closes a partition's last batch if the next record does not fit: a batch may grow to
// what was allocated for it (MemoryRecordsBuilder.hasRoomFor).
func (p *Producer) closeWithoutRoom(q *queue, key []byte, size int) {
	b := q.last()
	if b == nil || b.full || b.builder == nil {
		return
	}
	keyLen := -1
	if key != nil {
		keyLen = len(key)
	}
	if int64(b.builder.SizeWith(p.proc.Wall(), keyLen, size)) > b.memory {
		b.full = true
		p.pass()
	}
}

func (p *Producer) newBatch(q *queue, memory int64) *batch {
	b := p.takeBatch()
	now := p.proc.Now()
	b.q, b.memory, b.created, b.tried = q, memory, now, now
	b.builder = p.takeBuilder()
	b.epoch, b.changedAt = -1, -1
	p.free -= memory
	q.push(b)
	p.list(q)
	p.net.need(p.waitsUntil(b))
	return b
}

// list puts a queue among those with batches, in order of partition.
func (p *Producer) list(q *queue) {
	if q.listed {
		return
	}
	q.listed = true
	at := len(p.active)
	for at > 0 && p.active[at-1].tp.Partition > q.tp.Partition {
		at--
	}
	p.active = append(p.active, nil)
	copy(p.active[at+1:], p.active[at:])
	p.active[at] = q
}

// prune drops queues that have run empty from the list.
func (p *Producer) prune() {
	kept := p.active[:0]
	for _, q := range p.active {
		if q.len() > 0 {
			kept = append(kept, q)
		} else {
			q.listed = false
		}
	}
	clear(p.active[len(kept):])
	p.active = kept
}

func (p *Producer) takeBatch() *batch {
	if n := len(p.spare); n > 0 {
		b := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return b
	}
	return &batch{}
}

func (p *Producer) takeBuilder() *log.Builder {
	if n := len(p.builders); n > 0 {
		b := p.builders[n-1]
		p.builders = p.builders[:n-1]
		return b
	}
	return log.NewBuilder(p.proc.W)
}

// release gives a batch's memory back and keeps the batch for another time.
func (p *Producer) release(b *batch) {
	if b.builder != nil {
		b.builder.Reset()
		p.builders = append(p.builders, b.builder)
	}
	p.free += b.memory
	*b = batch{ids: b.ids[:0]}
	p.spare = append(p.spare, b)
	if p.refused > 0 && p.free >= p.refused {
		p.pass()
	}
}
