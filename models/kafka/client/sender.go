package client

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// run is Sender.runOnce until nothing more can be sent: one request per broker and round, with one
// batch of each of its partitions.
func (p *Producer) run() {
	now := p.proc.Now()
	if p.waiting && len(p.queues) > 0 {
		p.waiting = false
		p.sink.CanSend()
	}
	if p.refused > 0 && p.free >= p.refused {
		p.refused = 0
		p.sink.CanSend()
	}
	if p.cfg.idempotent {
		p.resolveSequences()
		p.bumpEpoch()
		p.askProducerID(now)
	}
	for p.round(now) {
	}
	if p.closing && p.idle() {
		p.net.close()
		p.proc.Exit()
	}
}

// idle says that every send was answered.
func (p *Producer) idle() bool {
	for _, l := range p.net.links {
		for i := range l.calls {
			if l.calls[i].kind == callProduce {
				return false
			}
		}
	}
	return len(p.active) == 0
}

// round finds the brokers that something can be sent to and sends each one request. It reports
// whether another round may send more.
func (p *Producer) round(now sim.Time) bool {
	p.links = p.links[:0]
	unknown := false
	for _, q := range p.active {
		b := q.first()
		at := p.topic().part(q.tp.Partition)
		l := p.net.link(at.leader)
		if at.leader < 0 || l == nil || !l.listed {
			unknown = true
			continue
		}
		if b == nil || q.muted || l.ready || !p.sendable(q, b, at.epoch, now) {
			continue
		}
		if p.net.reach(l) {
			l.ready = true
			p.links = append(p.links, l)
		}
	}
	if unknown {
		p.net.wantMetadata()
	}
	sent := false
	for _, l := range p.links {
		l.ready = false
		sent = p.drain(l, now) || sent
	}
	if sent {
		p.prune()
	}
	return sent
}

// sendable is RecordAccumulator.batchReady; it asks for an alarm when time alone is missing.
func (p *Producer) sendable(q *queue, b *batch, leaderEpoch int32, now sim.Time) bool {
	if b.backingOff(now, leaderEpoch) {
		p.net.need(b.tried + b.pause)
		return false
	}
	if b.full || q.len() > 1 || b.attempts > 0 || p.refused > 0 || p.closing || now >= b.tried+p.cfg.linger {
		return true
	}
	p.net.need(b.tried + p.cfg.linger)
	return false
}

// drain is RecordAccumulator.drainBatchesForOneNode: the first batch of every partition that the
// broker leads, whether its linger is over or not, up to max.request.size; where it stops, the next
// request goes on, so that no partition starves.
func (p *Producer) drain(l *link, now sim.Time) bool {
	batches := p.takeList()
	size, n := 0, len(p.active)
	start := 0
	for start < n && int(p.active[start].tp.Partition) < l.turn {
		start++
	}
	for i := range n {
		q := p.active[(start+i)%n]
		at := p.topic().part(q.tp.Partition)
		b := q.first()
		if at.leader != l.id || q.muted || b == nil || b.backingOff(now, at.epoch) {
			continue
		}
		if p.cfg.idempotent && !p.maySend(q, b) {
			continue
		}
		bytes := b.size()
		if size+bytes > p.cfg.maxRequestSize && len(batches) > 0 {
			l.turn = int(q.tp.Partition)
			break
		}
		size += bytes
		q.pop()
		p.build(q, b)
		batches = append(batches, b)
		l.turn = int(q.tp.Partition) + 1
	}
	if len(batches) == 0 {
		p.lists = append(p.lists, batches)
		return false
	}
	p.produce(l, batches)
	return true
}

func (b *batch) size() int {
	if b.builder != nil {
		return b.builder.Size()
	}
	return b.built.Size()
}

// build closes a batch: from now on its bytes are fixed, unless an epoch bump renumbers it.
func (p *Producer) build(q *queue, b *batch) {
	if p.cfg.idempotent && !b.sequenced {
		p.sequence(q, b)
	}
	if b.builder == nil {
		return
	}
	pid, epoch, seq := int64(-1), int16(-1), int32(-1)
	if b.sequenced {
		pid, epoch, seq = b.pid, b.pepoch, b.seq
	}
	b.built = b.builder.Build(pid, epoch, seq)
	p.builders = append(p.builders, b.builder)
	b.builder, b.full = nil, true
}

// produceRequest is a request with room for the usual single batch, and its answer. The broker is done
// with both when it has answered, so they are used again; one that got no answer may still be on its
// way and is not.
type produceRequest struct {
	wire.ProduceRequest
	part   [1]wire.ProducePart
	two    [2]sim.Ref
	refs   []sim.Ref // of all parts
	answer wire.ProduceResponse
	result [1]wire.ProduceResult
}

func (p *Producer) takeRequest() *produceRequest {
	n := len(p.lent)
	if n == 0 {
		r := &produceRequest{}
		r.Parts, r.refs = r.part[:0], r.two[:0]
		r.answer.Parts, r.Room = r.result[:0], &r.answer
		return r
	}
	r := p.lent[n-1]
	p.lent = p.lent[:n-1]
	r.Parts, r.refs = r.Parts[:0], r.refs[:0]
	return r
}

// produce sends one request (Sender.sendProduceRequest). With acks=0 it is complete once the socket
// has taken it.
func (p *Producer) produce(l *link, batches []*batch) {
	r := p.takeRequest()
	req := &r.ProduceRequest
	req.ReqHeader = p.net.header()
	req.Acks, req.TimeoutMs = p.cfg.acks, int32(p.cfg.net.requestTimeout/sim.Millisecond)
	for _, b := range batches {
		at := len(r.refs)
		r.refs = append(r.refs, b.built.Header, b.built.Records)
		req.Parts = append(req.Parts, wire.ProducePart{TopicPartition: b.q.tp, Refs: r.refs[at : at+2 : at+2]})
		b.inCall = true
		if p.cfg.net.maxInFlight == 1 {
			b.q.muted = true // Sender.guaranteeMessageOrder
		}
		p.noteSent(l, b)
	}
	if p.cfg.acks == 0 {
		l.conn.Send(req, req.Size())
		for _, b := range batches {
			b.inCall = false
			b.q.muted = false
			p.succeed(l, b, -1)
		}
		p.giveList(batches)
		return
	}
	c := p.net.send(l, callProduce, req, p.cfg.net.requestTimeout)
	c.batches, c.lent = batches, r
}

func (p *Producer) noteSent(l *link, b *batch) {
	w := p.proc.W
	if !w.Watching() {
		return
	}
	for _, id := range b.ids {
		w.Note(id, "sent", p.proc.Host, "to "+l.host.Name)
	}
}

func (p *Producer) takeList() []*batch {
	if n := len(p.lists); n > 0 {
		s := p.lists[n-1]
		p.lists = p.lists[:n-1]
		return s
	}
	return make([]*batch, 0, 4)
}

func (p *Producer) giveList(s []*batch) {
	clear(s)
	p.lists = append(p.lists, s[:0])
}

// produced is Sender.handleProduceResponse.
func (p *Producer) produced(l *link, c *call, resp wire.Response, err wire.Error) {
	var answer *wire.ProduceResponse
	if resp != nil {
		answer = resp.(*wire.ProduceResponse)
	}
	for i, b := range c.batches {
		r := wire.ProduceResult{Err: err, BaseOffset: -1, HintLeader: -1}
		if answer != nil {
			r = answerFor(answer, i, b.q.tp)
		}
		b.inCall = false
		p.completed(l, b, &r)
		b.q.muted = false
		if b.done {
			p.release(b)
		}
	}
	if answer != nil {
		for i := range answer.Parts {
			r := &answer.Parts[i]
			if r.Err == wire.NotLeaderOrFollower || r.Err == wire.FencedLeaderEpoch {
				p.net.hint(r.TopicPartition, r.HintLeader, r.HintEpoch, answer.Nodes)
			}
		}
	}
	p.giveList(c.batches)
	if answer != nil {
		p.lent = append(p.lent, c.lent)
	}
}

// answerFor finds a partition's result; it usually stands where the request had it.
func answerFor(a *wire.ProduceResponse, i int, tp wire.TopicPartition) wire.ProduceResult {
	if i < len(a.Parts) && a.Parts[i].TopicPartition == tp {
		return a.Parts[i]
	}
	for j := range a.Parts {
		if a.Parts[j].TopicPartition == tp {
			return a.Parts[j]
		}
	}
	return wire.ProduceResult{TopicPartition: tp, Err: wire.UnknownServerError, BaseOffset: -1, HintLeader: -1}
}

// completed is Sender.completeBatch. A batch that expired while in flight only leaves here.
func (p *Producer) completed(l *link, b *batch, r *wire.ProduceResult) {
	if b.done {
		return
	}
	if r.Err == wire.None {
		p.settled(b)
		p.succeed(l, b, r.BaseOffset)
		return
	}
	if !refusal(r.Err, p.cfg.acks) {
		b.maybeStored = true
	}
	now := p.proc.Now()
	retry := p.mayRetry(b, r.Err, now)
	if r.Err.InvalidMetadata() {
		p.net.wantMetadata()
	}
	switch {
	case retry:
		p.reenqueue(b, now)
	case r.Err == wire.DuplicateSequenceNumber:
		// The broker has it, but no longer knows where.
		p.settled(b)
		p.succeed(l, b, -1)
	default:
		p.noteFailed(b, r.Err)
		p.fail(b, r.Err, int64(b.attempts) < p.cfg.retries)
	}
}

// mayRetry is Sender.canRetry.
func (p *Producer) mayRetry(b *batch, e wire.Error, now sim.Time) bool {
	if now-b.created >= p.cfg.deliveryTimeout || int64(b.attempts) >= p.cfg.retries {
		return false
	}
	if p.cfg.idempotent {
		return p.mayRetrySequenced(b, e)
	}
	return e.Retriable()
}

// refusal says that an error means that nothing was appended. NOT_LEADER_OR_FOLLOWER is one for
// acks=1; with acks=all a leader also answers it to what it had appended before it stepped down
// (Partition.makeFollower), and the client cannot tell the two apart.
func refusal(e wire.Error, acks int16) bool {
	switch e {
	case wire.NotEnoughReplicas, wire.CorruptMessage, wire.UnknownTopicOrPartition, wire.LeaderNotAvailable,
		wire.MessageTooLarge, wire.RecordListTooLarge, wire.InvalidRecord, wire.InvalidTimestamp, wire.InvalidTopic,
		wire.InvalidRequiredAcks, wire.InvalidProducerEpoch, wire.OutOfOrderSequenceNumber, wire.UnknownProducerID,
		wire.PolicyViolation, wire.FencedLeaderEpoch, wire.UnsupportedVersion:
		return true
	case wire.NotLeaderOrFollower:
		return acks != -1
	}
	return false
}

// reenqueue is RecordAccumulator.reenqueue: to the front, so that without idempotence several failed
// requests come out in reverse order; with it, in order of sequence.
func (p *Producer) reenqueue(b *batch, now sim.Time) {
	b.attempts++
	b.tried = now
	b.pause = p.cfg.net.retry.draw(p.net.rnd, b.attempts-1)
	at := 0
	if p.cfg.idempotent && b.sequenced {
		for at < b.q.len() {
			x := b.q.batches[b.q.head+at]
			if !x.sequenced || x.seq >= b.seq {
				break
			}
			at++
		}
	}
	b.q.insert(at, b)
	p.list(b.q)
}

// succeed tells the application. base is -1 when the offset is unknown.
func (p *Producer) succeed(l *link, b *batch, base int64) {
	b.done = true
	if p.cluster.Acked != nil {
		p.cluster.Acked(p.spec.Stream, b.q.tp.Partition, l.id)
	}
	if !p.spec.OneWay {
		a := models.Answer{Outcome: models.Acked, Partition: b.q.tp.Partition, Offset: base}
		for i, id := range b.ids {
			if base >= 0 {
				a.Offset = base + int64(i)
			}
			p.sink.Answered(id, a)
		}
	}
	if p.cfg.acks == 0 {
		p.release(b)
	}
}

// fail tells the application that a batch is given up: rejected if it cannot have been stored
// (Sender.failBatch). adjust: its sequence number may be used again.
func (p *Producer) fail(b *batch, e wire.Error, adjust bool) {
	b.done = true
	if p.cfg.idempotent {
		p.failedSequenced(b, e, adjust)
	}
	if p.spec.OneWay {
		return
	}
	a := models.Answer{Outcome: models.Rejected, Partition: b.q.tp.Partition, Offset: -1}
	if b.maybeStored {
		a.Outcome = models.Unknown
	}
	for _, id := range b.ids {
		p.sink.Answered(id, a)
	}
}

func (p *Producer) noteFailed(b *batch, e wire.Error) {
	w := p.proc.W
	if !w.Watching() {
		return
	}
	for _, id := range b.ids {
		w.Note(id, "given-up", p.proc.Host, e.String())
	}
}

// expireBatches ends what is older than delivery.timeout.ms: in flight first, then what waits
// (Sender.getExpiredInflightBatches, RecordAccumulator.expiredBatches). It asks for the next alarm.
func (p *Producer) expireBatches(now sim.Time) {
	next := forever
	for _, l := range p.net.links {
		for i := range l.calls {
			for _, b := range l.calls[i].batches {
				if b.done {
					continue
				}
				if by := b.created + p.cfg.deliveryTimeout; by > now {
					next = min(next, by)
					continue
				}
				b.maybeStored = true
				p.expired(b)
			}
		}
	}
	for _, q := range p.active {
		for b := q.first(); b != nil; b = q.first() {
			if by := p.waitsUntil(b); by > now {
				next = min(next, by)
				break
			}
			q.pop()
			p.expired(b)
			p.release(b)
		}
	}
	p.prune()
	if next < forever {
		p.net.need(next)
	}
}

// waitsUntil is when a batch that is not in flight expires. Before delivery.timeout.ms (KIP-91) it was
// request.timeout.ms after it was due or could have been tried again (ProducerBatch.maybeExpire@1.0).
func (p *Producer) waitsUntil(b *batch) sim.Time {
	switch {
	case p.cfg.waitTimeout == 0:
		return b.created + p.cfg.deliveryTimeout
	case b.attempts == 0:
		return b.created + p.cfg.linger + p.cfg.waitTimeout
	default:
		return b.tried + p.cfg.net.retry.first + p.cfg.waitTimeout
	}
}

// expired fails one batch with a TimeoutException.
func (p *Producer) expired(b *batch) {
	retried := b.attempts > 0
	q := b.q
	p.noteFailed(b, wire.RequestTimedOut)
	p.fail(b, wire.RequestTimedOut, false)
	if p.cfg.idempotent && retried && !q.unresolved {
		q.unresolved = true
		p.doubts++
	}
}
