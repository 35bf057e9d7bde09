package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
)

// master is what only the master of a queue has: consumers and the right to order.
type master struct {
	channels  []*consChannel
	consumers []*consumer
	next      int           // round robin
	unacked   table[handed] // by position
	sync      *syncing
	requeue   []uint64
}

// handed is a message with a consumer.
type handed struct {
	c  *consumer
	id wire.GUID
}

// consChannel is a consuming channel (rabbit_queue_consumers' #cr{}).
type consChannel struct {
	pid    wire.Pid
	unsent int
}

// consumer is one consumer of the queue.
type consumer struct {
	ch       *consChannel
	tag      string
	noAck    bool
	prefetch int // 0: no limit
	unacked  int
	priority int32
}

// unsentLimit is UNSENT_MESSAGE_LIMIT; writers report after 50 (MORE_CONSUMER_CREDIT_AFTER).
const (
	unsentLimit = 200
	unsentMore  = 50
)

func (ms *master) channel(pid wire.Pid) *consChannel {
	for _, c := range ms.channels {
		if c.pid == pid {
			return c
		}
	}
	return nil
}

// publish is rabbit_amqqueue_process:deliver_or_enqueue. What was sent to this process while it was a mirror
// counts as delivered before (SlaveWhenPublished): its first delivery carries the redelivered flag.
func (q *queue) publish(m *wire.ToQueue) {
	s := q.sender(m.From)
	q.credit(s)
	if m.Mirror && q.n.k.Rules.DoubleDebit {
		q.credit(s) // the channel took two for it (rabbit_amqqueue_process:handle_cast, deliver)
	}
	if q.known(s, m) {
		return
	}
	if !q.admit(s, m) {
		q.n.k.Pool.ToQueue.Put(m)
		return
	}
	wants := m.Seq > 0 && q.persistent(&m.Content)
	pending := false
	var c *consumer
	if q.st.length() == 0 {
		c = q.ready()
	}
	if c != nil {
		pos, later := q.st.publishDelivered(m.ID, &m.Content, wants)
		pending = later
		q.broadcast(wire.GMItem{Kind: wire.GMPublish, Delivered: true, AckNeeded: !c.noAck, ID: m.ID, From: m.From, Content: m.Content})
		if pending {
			q.waiting.put(uint64(m.ID), publisher{s, m.Seq})
		}
		q.deliver(c, &entry{Seq: pos, ID: m.ID, Redelivered: m.Mirror, Content: m.Content})
	} else {
		pending = q.st.publish(m.ID, &m.Content, wants, m.Mirror)
		q.broadcast(wire.GMItem{Kind: wire.GMPublish, ID: m.ID, From: m.From, Content: m.Content})
	}
	switch {
	case c != nil && pending:
	case pending:
		q.waiting.put(uint64(m.ID), publisher{s, m.Seq})
	case m.Seq > 0:
		q.confirm(s, m.Seq) // rule 19a: on receipt
	}
	q.n.k.Pool.ToQueue.Put(m)
}

// admit applies x-max-length: reject-publish nacks the new message, drop-head drops the oldest.
func (q *queue) admit(s *sender, m *wire.ToQueue) bool {
	p := q.n.meta.policy(q.rec)
	limit, reject := q.rec.Args.MaxLength, q.rec.Args.Overflow == "reject-publish"
	if limit == 0 {
		limit, reject = p.MaxLength, p.RejectAtMax
	}
	if limit == 0 || int64(q.st.length()) < limit {
		return true
	}
	if reject {
		if m.Seq > 0 {
			q.n.cast(m.From, &wire.Confirm{To: m.From, From: q.pr.pid, Seqs: []uint64{m.Seq}, Reject: true})
		}
		return false
	}
	if e, ok := q.st.fetch(); ok {
		q.noteDropped(&e)
		q.st.ack(e.Seq)
		q.broadcast(wire.GMItem{Kind: wire.GMDrop, Len: uint32(q.st.length())})
	}
	return true
}

// noteDropped writes into the biography of a message that a limit of the queue has taken it.
func (q *queue) noteDropped(e *entry) {
	w := q.n.p.W
	if !w.Watching() {
		return
	}
	if id, ok := wire.BodyOf(&w.Arena, &e.Content); ok {
		w.Note(id, "retention", q.n.p.Host, q.name+" is at its limit")
	}
}

// ready is the consumer whose turn it is, nil if none can take a message. Higher priorities first, then
// round robin (rule 30).
func (q *queue) ready() *consumer {
	ms := q.master
	k := len(ms.consumers)
	var best *consumer
	at := 0
	for i := range k {
		j := (ms.next + i) % k
		c := ms.consumers[j]
		if c.ch.unsent >= unsentLimit || c.prefetch > 0 && c.unacked >= c.prefetch {
			if q.rec.Args.SingleActive && j == 0 {
				return nil
			}
			continue
		}
		if q.rec.Args.SingleActive {
			if j == 0 {
				return c
			}
			continue
		}
		if best == nil || c.priority > best.priority {
			best, at = c, j
		}
	}
	if best != nil {
		ms.next = (at + 1) % k
	}
	return best
}

// drain delivers while messages and ready consumers are there.
func (q *queue) drain() {
	for q.st.length() > 0 {
		c := q.ready()
		if c == nil {
			return
		}
		e, ok := q.st.fetch()
		if !ok {
			return
		}
		q.broadcast(wire.GMItem{Kind: wire.GMDrop, AckNeeded: !c.noAck, Len: uint32(q.st.length())})
		q.deliver(c, &e)
	}
}

// deliver hands one message to a consumer's channel.
func (q *queue) deliver(c *consumer, e *entry) {
	ms := q.master
	m := q.n.k.Pool.Deliv.Get()
	m.To, m.From, m.Tag, m.NoAck, m.Seq = c.ch.pid, q.pr.pid, c.tag, c.noAck, e.Seq
	m.Queue, m.Key, m.Redelivered, m.Content = q.name, q.name, e.Redelivered, e.Content
	c.ch.unsent++
	if c.noAck {
		q.st.ack(e.Seq)
	} else {
		c.unacked++
		ms.unacked.put(e.Seq, handed{c, e.ID})
	}
	q.n.cast(c.ch.pid, m)
}

// settle takes a channel's acks and rejects. Tags of deliveries that this process did not make, or that
// are settled, are ignored (rule 37).
func (q *queue) settle(m *wire.Settle) {
	ms := q.master
	for _, pos := range m.Seqs {
		h, ok := ms.unacked.get(pos)
		if !ok || h.c.ch.pid != m.From {
			continue
		}
		ms.unacked.take(pos)
		h.c.unacked--
		id := h.id
		if m.How == wire.SettleRequeue {
			ms.requeue = append(ms.requeue, pos)
			q.broadcast(wire.GMItem{Kind: wire.GMRequeue, ID: id})
			continue
		}
		q.st.ack(pos)
		q.broadcast(wire.GMItem{Kind: wire.GMAck, ID: id})
	}
	q.flushRequeue()
	seqs := m.Seqs[:0]
	q.n.k.Pool.Settle.Put(m)
	m.Seqs = seqs
	q.drain()
}

// flushRequeue puts messages back to their positions (rule 32).
func (q *queue) flushRequeue() {
	ms := q.master
	if len(ms.requeue) > 0 {
		slices.Sort(ms.requeue)
		q.st.requeue(ms.requeue)
		ms.requeue = ms.requeue[:0]
	}
}

// notifySent is a writer's report.
func (q *queue) notifySent(m *wire.Credit) {
	if c := q.master.channel(m.From); c != nil && m.Sent {
		c.unsent -= int(m.N)
		q.drain()
	}
}

// channelDown requeues what a consuming channel had not acked.
func (q *queue) channelDown(pid wire.Pid) {
	ms := q.master
	ch := ms.channel(pid)
	if ch == nil {
		return
	}
	ms.channels = slices.DeleteFunc(ms.channels, func(c *consChannel) bool { return c == ch })
	q.removeConsumers(func(c *consumer) bool { return c.ch == ch })
	ms.unacked.each(func(pos uint64, h handed) {
		if h.c.ch == ch {
			ms.requeue = append(ms.requeue, pos)
		}
	})
	slices.Sort(ms.requeue)
	for _, pos := range ms.requeue {
		h, _ := ms.unacked.take(pos)
		q.broadcast(wire.GMItem{Kind: wire.GMRequeue, ID: h.id})
	}
	q.flushRequeue()
	if q.rec.AutoDelete && len(ms.consumers) == 0 {
		q.n.transact(&tx{Op: opDelete, Name: q.name}, nil)
		return
	}
	q.drain()
}

func (q *queue) removeConsumers(gone func(c *consumer) bool) {
	q.master.consumers = slices.DeleteFunc(q.master.consumers, gone)
	q.master.next = 0
}

// call answers a gen_server call.
func (q *queue) call(m *wire.Call) {
	r := &wire.Reply{To: m.From, From: q.pr.pid, ID: m.ID, Code: wire.ReplySuccess}
	if q.master == nil {
		r.Code = wire.InternalError
		q.n.cast(m.From, r)
		return
	}
	r.Messages, r.Consumers = uint32(q.st.length()), uint32(len(q.master.consumers))
	switch m.What {
	case wire.CallConsume:
		q.consume(m)
	case wire.CallCancel:
		if ch := q.master.channel(m.From); ch != nil {
			q.removeConsumers(func(c *consumer) bool { return c.ch == ch && c.tag == m.Tag })
			if q.rec.AutoDelete && len(q.master.consumers) == 0 {
				q.n.transact(&tx{Op: opDelete, Name: q.name}, nil)
			}
		}
	case wire.CallDelete:
		if m.IfEmpty && q.st.length() > 0 || m.IfUnused && len(q.master.consumers) > 0 {
			r.Code = wire.PreconditionFailed
			break
		}
		q.n.transact(&tx{Op: opDelete, Name: q.name}, func(bool) { q.n.cast(m.From, r) })
		return
	case wire.CallSync:
		q.startSync()
	case wire.CallCancelSync:
		q.cancelSync()
	}
	q.n.cast(m.From, r)
	q.drain()
}

func (q *queue) consume(m *wire.Call) {
	ms := q.master
	ch := ms.channel(m.From)
	if ch == nil {
		ch = &consChannel{pid: m.From}
		ms.channels = append(ms.channels, ch)
	}
	c := &consumer{ch: ch, tag: m.Tag, noAck: m.NoAck, prefetch: int(m.Prefetch), priority: m.Priority}
	if c.noAck {
		c.prefetch = 0 // rabbit_limiter: no-ack consumers are not limited
	}
	ms.consumers = append(ms.consumers, c)
}

// broadcast is gm:broadcast, if there is anybody.
func (q *queue) broadcast(i wire.GMItem) {
	if q.gm.mirrored() {
		q.gm.add(i)
	}
}
