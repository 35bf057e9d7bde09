package client

import (
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// The idempotent part of TransactionManager: the broker appends a batch of (producer id, epoch,
// partition) only in order of sequence, and answers a repeated one as it answered the first. Where the
// two sides lose track of each other the producer bumps its epoch by itself and numbers what is
// pending from 0 (KIP-360); the application is not told. Before 2.6 it gave up its producer id, and
// what was pending under it failed.

// askProducerID sends InitProducerId to any broker, once and after an error with back-off.
func (p *Producer) askProducerID(now sim.Time) {
	if p.pid >= 0 || p.asking || !p.net.meta.known {
		return
	}
	if now < p.askAt {
		p.net.need(p.askAt)
		return
	}
	l := p.net.anyUsable(now)
	if l == nil {
		return
	}
	p.asking = true
	req := &wire.InitProducerIdRequest{ReqHeader: p.net.header(), ProducerID: -1, Epoch: -1}
	p.net.send(l, callInitProducer, req, p.cfg.net.requestTimeout)
}

func (p *Producer) gotProducerID(resp wire.Response, err wire.Error) {
	p.asking = false
	if resp != nil {
		r := resp.(*wire.InitProducerIdResponse)
		if err = r.Err; err == wire.None {
			p.pid, p.pepoch, p.askFailed = r.ProducerID, r.Epoch, 0
			return
		}
	}
	p.askAt = p.proc.Now() + p.cfg.net.retry.draw(p.net.rnd, p.askFailed)
	p.askFailed++
	p.net.need(p.askAt)
}

// maySend is RecordAccumulator.shouldStopDrainBatchesForPartition: no new batch while the partition
// has others of another epoch or an unresolved one; a retried batch only when it is the first that is
// pending, so that after an error one batch goes at a time.
func (p *Producer) maySend(q *queue, b *batch) bool {
	if p.pid < 0 {
		return false
	}
	if !b.sequenced {
		if q.unresolved {
			return false
		}
		if len(q.pending) > 0 {
			first := q.pending[0]
			return first.pid == p.pid && first.pepoch == p.pepoch
		}
		return true
	}
	return len(q.pending) == 0 || q.pending[0].seq == b.seq
}

// sequence gives a batch its numbers.
func (p *Producer) sequence(q *queue, b *batch) {
	if (q.pid != p.pid || q.pepoch != p.pepoch) && len(q.pending) == 0 {
		p.restart(q) // TransactionManager.maybeUpdateProducerIdAndEpoch
	}
	b.sequenced, b.pid, b.pepoch, b.seq = true, q.pid, q.pepoch, q.next
	q.next = addSeq(q.next, b.count())
	q.pending = append(q.pending, b)
}

// restart numbers what is pending from 0 under the present epoch
// (TxnPartitionMap.startSequencesAtBeginning).
func (p *Producer) restart(q *queue) {
	q.pid, q.pepoch, q.lastAcked = p.pid, p.pepoch, -1
	seq := int32(0)
	for _, b := range q.pending {
		b.pid, b.pepoch, b.seq, b.reset = p.pid, p.pepoch, seq, true
		b.built = log.Renumber(&p.proc.W.Arena, b.built, b.pid, b.pepoch, b.seq)
		seq = addSeq(seq, b.count())
	}
	q.next = seq
}

func (p *Producer) isNext(q *queue, seq int32) bool {
	if q.lastAcked < 0 {
		return seq == 0
	}
	return seq == addSeq(q.lastAcked, 1)
}

// settled is TransactionManager.handleCompletedBatch.
func (p *Producer) settled(b *batch) {
	if !b.sequenced {
		return
	}
	q := b.q
	if last := b.lastSeq(); q.lastAcked < 0 || last > q.lastAcked || q.lastAcked > 1<<30 && last < 1<<30 {
		q.lastAcked = last
	}
	q.forget(b)
}

func (q *queue) forget(b *batch) {
	for i, x := range q.pending {
		if x == b {
			q.pending = append(q.pending[:i], q.pending[i+1:]...)
			return
		}
	}
}

// mayRetrySequenced is TransactionManager.canRetry.
func (p *Producer) mayRetrySequenced(b *batch, e wire.Error) bool {
	if e == wire.OutOfOrderSequenceNumber || e == wire.UnknownProducerID {
		if e == wire.OutOfOrderSequenceNumber && !b.q.unresolved && (b.reset || !p.isNext(b.q, b.seq)) {
			return true // an earlier batch is still under way
		}
		if !p.cfg.bumpsEpoch {
			return false
		}
		p.wantBump(b.q)
		return true
	}
	if !p.cfg.bumpsEpoch && (b.pid != p.pid || b.pepoch != p.pepoch) {
		return false // Sender.canRetry: the producer id is not the present one any more
	}
	return e.Retriable()
}

// failedSequenced is TransactionManager.handleFailedBatch for producers without transactions.
func (p *Producer) failedSequenced(b *batch, e wire.Error, adjust bool) {
	if !b.sequenced {
		return
	}
	b.q.forget(b)
	if (e == wire.OutOfOrderSequenceNumber || e == wire.UnknownProducerID || adjust) && b.pid == p.pid {
		p.wantBump(b.q)
	}
}

func (p *Producer) wantBump(q *queue) {
	if !p.cfg.bumpsEpoch {
		p.forgetProducerID()
		return
	}
	p.bump = true
	q.rewrite = true
}

// forgetProducerID is TransactionManager.resetProducerId of 2.4: a new id is asked for, and every
// partition begins at sequence 0 under it.
func (p *Producer) forgetProducerID() {
	p.proc.Probe("kafka-producer-id-reset")
	p.pid, p.pepoch, p.askAt = -1, -1, 0
	for _, q := range p.queues {
		q.next, q.lastAcked = 0, -1
		p.resolve(q)
	}
}

// resolveSequences is TransactionManager.maybeResolveSequences: after a transmitted batch expired,
// nothing new leaves until all that is pending is answered; then either a later batch was taken, so the
// expired one was stored, or nobody knows and the epoch is bumped.
func (p *Producer) resolveSequences() {
	if p.doubts == 0 {
		return
	}
	for _, q := range p.queues {
		if !q.unresolved || len(q.pending) > 0 {
			continue
		}
		if !p.isNext(q, q.next) {
			p.wantBump(q)
		}
		p.resolve(q)
	}
}

// bumpEpoch is TransactionManager.bumpIdempotentProducerEpoch: by one, without asking; at the end of
// the range a new id is asked for.
func (p *Producer) bumpEpoch() {
	if !p.bump || p.pid < 0 {
		return
	}
	p.bump = false
	p.proc.Probe("kafka-producer-epoch-bump")
	if p.pepoch == 1<<15-1 {
		p.pid, p.pepoch = -1, -1
		p.askAt = sim.Time(0)
	} else {
		p.pepoch++
		for _, q := range p.queues {
			if q.rewrite {
				p.restart(q)
			}
		}
	}
	for _, q := range p.queues {
		if q.rewrite {
			q.rewrite = false
			p.resolve(q)
		}
	}
}

func (p *Producer) resolve(q *queue) {
	if q.unresolved {
		q.unresolved = false
		p.doubts--
	}
}
