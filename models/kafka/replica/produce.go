package replica

import (
	"errors"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// delayed is a request with acks=all that waits for high watermarks (DelayedProduce).
type delayed struct {
	conn       *sim.Conn
	resp       *wire.ProduceResponse
	pending    int // partitions that have neither an error nor enough replicas
	deadline   sim.Time
	done       func(err wire.Error, base int64) // of an internal append, instead of conn
	prev, next *delayed
	over       bool
	own        wire.ProduceResponse // of an internal append
	one        [1]wire.ProduceResult
}

func (m *Manager) takeDelayed() *delayed {
	if n := len(m.freeDelayed); n > 0 {
		d := m.freeDelayed[n-1]
		m.freeDelayed = m.freeDelayed[:n-1]
		return d
	}
	return &delayed{}
}

// giveDelayed keeps a wait that is over, and that no waiter points to any more, for another time.
func (m *Manager) giveDelayed(d *delayed) {
	d.conn, d.resp, d.done, d.prev, d.next = nil, nil, nil, nil, nil
	d.pending, d.over = 0, false
	m.freeDelayed = append(m.freeDelayed, d)
}

// waiter is one partition of a delayed produce: complete when the high watermark reaches need.
type waiter struct {
	d    *delayed
	part int
	need int64
}

// Produce is KafkaApis.handleProduceRequest with ReplicaManager.appendRecords.
func (m *Manager) Produce(c *sim.Conn, req *wire.ProduceRequest) {
	resp := req.Room
	if resp == nil {
		resp = &wire.ProduceResponse{}
	}
	resp.Corr, resp.Nodes = req.Corr, nil
	if cap(resp.Parts) < len(req.Parts) {
		resp.Parts = make([]wire.ProduceResult, len(req.Parts))
	}
	resp.Parts = resp.Parts[:len(req.Parts)]
	var d *delayed
	failed := false
	for i := range req.Parts {
		part := &req.Parts[i]
		r := &resp.Parts[i]
		p, next := m.appendPart(part, req.Acks, r)
		failed = failed || r.Err != wire.None
		if req.Acks == -1 && r.Err == wire.None {
			if d == nil {
				d = m.takeDelayed()
				d.conn, d.resp = c, resp
				d.deadline = m.env.Now() + sim.Time(req.TimeoutMs)*sim.Millisecond
			}
			d.pending++
			r.Err = wire.RequestTimedOut // unless the high watermark comes in time
			p.waiters = append(p.waiters, waiter{d, i, next})
		}
	}
	switch {
	case req.Acks == 0 && failed:
		// No answer is expected; closing the connection is the only sign (KafkaApis).
		m.env.Hangup(c)
	case req.Acks == 0:
		m.env.Done(c)
	case d == nil:
		m.reply(c, resp)
	default:
		m.park(d)
		for i := range req.Parts {
			if p := m.find(req.Parts[i].TopicPartition); p != nil {
				m.completeWaiters(p)
			}
		}
	}
	m.flush()
}

// appendPart appends one partition's batch and fills in its result; next is the offset after it.
func (m *Manager) appendPart(part *wire.ProducePart, acks int16, r *wire.ProduceResult) (p *Partition, next int64) {
	*r = wire.ProduceResult{TopicPartition: part.TopicPartition, BaseOffset: -1, LogStart: -1, HintLeader: -1, HintEpoch: -1}
	if acks < -1 || acks > 1 {
		r.Err = wire.InvalidRequiredAcks
		return nil, 0
	}
	p = m.find(part.TopicPartition)
	if p == nil {
		r.Err = wire.UnknownTopicOrPartition
		if leader, epoch := m.env.Leader(part.TopicPartition); leader >= 0 && leader != m.cfg.Broker {
			// The topic exists, only not here (ReplicaManager.getPartitionOrError).
			r.Err = wire.NotLeaderOrFollower
			if !m.cfg.Rules.NoLeaderHints {
				r.HintLeader, r.HintEpoch = leader, epoch
			}
		}
		return nil, 0
	}
	if p.offline {
		r.Err = wire.KafkaStorageError
		return p, 0
	}
	if !p.Leads() {
		r.Err = wire.NotLeaderOrFollower
		r.HintLeader, r.HintEpoch = p.hint()
		return p, 0
	}
	info, err := p.appendAsLeader(part.Refs, acks)
	if err != wire.None {
		r.Err = err
		return p, 0
	}
	r.BaseOffset, r.LogStart = info.First, p.Log.Start()
	return p, info.Last + 1
}

// appendAsLeader is Partition.appendRecordsToLeader: the committed ISR must be large enough for
// acks=all before anything is written.
func (p *Partition) appendAsLeader(refs []sim.Ref, acks int16) (log.Appended, wire.Error) {
	if len(refs) != 2 {
		return log.Appended{}, wire.CorruptMessage // a producer sends one batch: header and records
	}
	if acks == -1 && len(p.isr) < p.effectiveMinISR() {
		return log.Appended{}, wire.NotEnoughReplicas
	}
	for i := range p.remotes {
		p.settle(&p.remotes[i])
	}
	info, err := p.Log.AppendAsLeader(log.Batch{Header: refs[0], Records: refs[1]}, p.leaderEpoch, p.m.env.Wall())
	if err != nil {
		return info, p.m.appendError(err)
	}
	if info.Duplicate {
		p.m.env.Probe("kafka-duplicate-batch")
		p.advanceHW() // as after every append: settings may have changed since the first time
		return info, wire.None
	}
	p.ledger.setEnd(p.m.cfg.Broker, p.LEO())
	for _, f := range p.subs {
		if f.session.replica >= 0 {
			f.heat()
			p.m.wake(f.session)
		}
	}
	p.advanceHW()
	return info, wire.None
}

// appendError maps a log's refusal to the protocol. An I/O error ends the process.
func (m *Manager) appendError(err error) wire.Error {
	switch {
	case errors.Is(err, log.ErrCorruptMessage):
		return wire.CorruptMessage
	case errors.Is(err, log.ErrInvalidRecord):
		return wire.InvalidRecord
	case errors.Is(err, log.ErrRecordTooLarge):
		return wire.MessageTooLarge
	case errors.Is(err, log.ErrBatchTooLarge):
		return wire.RecordListTooLarge
	case errors.Is(err, log.ErrOutOfOrderSequence):
		return wire.OutOfOrderSequenceNumber
	case errors.Is(err, log.ErrUnknownProducerID):
		return wire.UnknownProducerID
	case errors.Is(err, log.ErrInvalidProducerEpoch):
		return wire.InvalidProducerEpoch
	}
	m.failed(err)
	return wire.KafkaStorageError
}

// Append appends a batch of the broker itself (GroupMetadataManager.appendForGroup). done is called once:
// at once or later, unless the process dies.
func (m *Manager) Append(tp wire.TopicPartition, refs []sim.Ref, acks int16, timeout sim.Time, done func(err wire.Error, base int64)) {
	d := m.takeDelayed()
	resp := &d.own
	resp.Parts = d.one[:]
	part := wire.ProducePart{TopicPartition: tp, Refs: refs}
	p, next := m.appendPart(&part, acks, &resp.Parts[0])
	if e := resp.Parts[0].Err; e != wire.None || acks != -1 {
		base := resp.Parts[0].BaseOffset
		m.giveDelayed(d)
		done(e, base)
		m.flush()
		return
	}
	d.resp, d.pending, d.deadline, d.done = resp, 1, m.env.Now()+timeout, done
	resp.Parts[0].Err = wire.RequestTimedOut
	p.waiters = append(p.waiters, waiter{d, 0, next})
	m.park(d)
	m.completeWaiters(p)
	m.flush()
}

// reply sends a produce response with the addresses of the leaders that it hints at (KIP-951).
func (m *Manager) reply(c *sim.Conn, resp *wire.ProduceResponse) {
	for i := range resp.Parts {
		if resp.Parts[i].HintLeader >= 0 {
			resp.Nodes = m.hintNode(resp.Nodes, resp.Parts[i].HintLeader)
		}
	}
	m.env.Reply(c, resp)
}

func (m *Manager) hintNode(nodes []wire.Node, id int32) []wire.Node {
	for i := range nodes {
		if nodes[i].ID == id {
			return nodes
		}
	}
	if n, ok := m.env.Node(id); ok {
		nodes = append(nodes, n)
	}
	return nodes
}

// park puts a delayed produce into the list, which is in order of deadline.
func (m *Manager) park(d *delayed) {
	at := m.last
	for at != nil && at.deadline > d.deadline {
		at = at.prev
	}
	d.prev = at
	if at == nil {
		d.next, m.first = m.first, d
	} else {
		d.next, at.next = at.next, d
	}
	if d.next == nil {
		m.last = d
	} else {
		d.next.prev = d
	}
	m.armProduce()
}

func (m *Manager) unpark(d *delayed) {
	if d.prev == nil {
		m.first = d.next
	} else {
		d.prev.next = d.next
	}
	if d.next == nil {
		m.last = d.prev
	} else {
		d.next.prev = d.prev
	}
	d.over = true
}

// completeWaiters ends the waits that the high watermark has reached. The ISR is checked a second
// time then; the data stays in the log whatever comes out (Partition.checkEnoughReplicasReachOffset).
// An answer may lead to the next append, so the list is taken apart before it is walked.
func (m *Manager) completeWaiters(p *Partition) {
	list := p.waiters
	p.waiters, p.spareWaiters = p.spareWaiters, nil
	for _, w := range list {
		if w.d.over {
			continue
		}
		if p.hw < w.need {
			p.waiters = append(p.waiters, w)
			continue
		}
		e := wire.None
		if p.maximalISRSize() < p.effectiveMinISR() {
			e = wire.NotEnoughReplicasAfterAppend
		} else {
			p.checkAcked(w.need)
		}
		m.settleWait(w, e)
	}
	p.spareWaiters = list[:0]
}

// checkAcked is invariant I2: what is acknowledged to acks=all is in the log of every member of the
// maximal ISR at that moment.
func (p *Partition) checkAcked(need int64) {
	for i := range p.remotes {
		id := p.remotes[i].id
		if p.maximalISR(id) && p.ledger.end(id) < need && !p.ledger.lossy {
			p.m.env.Violate("kafka-I2", p.name+": acknowledged below "+itoa(need)+" but the log of ISR member "+
				itoa(int64(id))+" ends at "+itoa(p.ledger.end(id)))
		}
	}
}

// failWaiters ends all waits of a partition that this broker leads no more.
func (m *Manager) failWaiters(p *Partition, e wire.Error) {
	list := p.waiters
	p.waiters = nil
	for _, w := range list {
		if !w.d.over {
			r := &w.d.resp.Parts[w.part]
			r.HintLeader, r.HintEpoch = p.hint()
			m.settleWait(w, e)
		}
	}
}

func (m *Manager) settleWait(w waiter, e wire.Error) {
	w.d.resp.Parts[w.part].Err = e
	w.d.pending--
	if w.d.pending == 0 {
		m.unpark(w.d)
		m.answer(w.d)
		m.giveDelayed(w.d) // its last waiter is in hand; one that expired stays in some lists
	}
}

func (m *Manager) answer(d *delayed) {
	if d.done != nil {
		d.done(d.resp.Parts[0].Err, d.resp.Parts[0].BaseOffset)
		return
	}
	m.reply(d.conn, d.resp)
}

// expireProduce ends what has waited for its time-out. Partitions that still wait carry
// REQUEST_TIMED_OUT since they began to; their data stays in the log.
func (m *Manager) expireProduce() {
	m.produceArmed = false
	now := m.env.Now()
	for d := m.first; d != nil && d.deadline <= now; d = m.first {
		m.env.Probe("kafka-produce-timeout")
		m.unpark(d)
		m.answer(d)
	}
	m.armProduce()
}

// armProduce keeps one timer for the earliest deadline.
func (m *Manager) armProduce() {
	if m.first == nil || m.produceArmed && m.produceAt <= m.first.deadline {
		return
	}
	m.produceArmed, m.produceAt = true, m.first.deadline
	m.env.After(m.first.deadline-m.env.Now(), timerProduce, 0)
}
