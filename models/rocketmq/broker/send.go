package broker

import (
	"fmt"
	"strings"

	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// sendQueue is sendThreadPoolQueue with the append lock behind it. The broker keeps it, not the
// scheduler of the process, because BrokerFastFailure answers requests that still wait.
type sendQueue struct {
	items []queuedSend
	head  int
	turn  bool     // Timer(timerSend) is under way or waits for the lock
	since sim.Time // when the one that has or wants the lock began to
	armed bool     // Timer(timerFast)
}

type queuedSend struct {
	c *sim.Conn
	m *wire.SendMessageRequest // nil: answered already
}

func (q *sendQueue) len() int { return len(q.items) - q.head }

// fastFailureStep is the period of BrokerFastFailure.
const fastFailureStep = 10 * sim.Millisecond

// send puts a request into the queue, or refuses it (SendMessageProcessor.rejectRequest, checked when it
// is taken from the wire).
func (b *Broker) send(c *sim.Conn, m *wire.SendMessageRequest) {
	switch {
	case b.cfg.BusyOnSlave && !b.cfg.isMaster():
		b.p.Probe("rocketmq-put-on-slave")
		b.refuse(c, m, wire.SystemBusy, "[REJECTREQUEST]system busy, start flow control for a while")
	case b.pageCacheBusy() || b.store.poolDeficient():
		b.refuse(c, m, wire.SystemBusy, "[REJECTREQUEST]system busy, start flow control for a while")
	case b.queue.len() >= b.cfg.SendCapacity:
		b.refuse(c, m, wire.SystemBusy, "[OVERLOAD]system busy, start flow control for a while")
	default:
		b.queue.items = append(b.queue.items, queuedSend{c, m})
		if !b.queue.turn {
			b.nextSend()
		}
		if !b.queue.armed && b.cfg.FastFailure {
			b.queue.armed = true
			b.p.At(max(m.Arrived+b.cfg.SendQueueWait, b.p.Now()), timerFast, 0)
		}
	}
}

// pageCacheBusy is isOSPageCacheBusy: somebody has had the append lock for a second.
func (b *Broker) pageCacheBusy() bool {
	return b.queue.turn && b.p.Now()-b.queue.since > b.cfg.PageCacheBusy
}

func (b *Broker) refuse(c *sim.Conn, m *wire.SendMessageRequest, code wire.Code, remark string) {
	if !m.Oneway {
		r := b.pool.Sent()
		r.Opaque, r.Code, r.Remark = m.Opaque, code, remark
		b.reply(c, r)
	}
	b.pool.PutSend(m)
}

// nextSend asks for the lock for the head of the queue.
func (b *Broker) nextSend() {
	if b.cfg.BlockingSends > 0 && b.blocked >= b.cfg.BlockingSends {
		return // every thread of the pool waits for a flush or a slave
	}
	q := &b.queue
	for q.head < len(q.items) && q.items[q.head].m == nil {
		q.head++
	}
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
		return
	}
	if q.head >= 1024 && 2*q.head >= len(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.turn, q.since = true, b.p.Now()
	b.p.Work(lanePut, costSend+sim.Time(q.items[q.head].m.BodyLen())*costKiB/1024, timerSend, 0)
}

// sendTurn appends the message at the head of the queue.
func (b *Broker) sendTurn() {
	q := &b.queue
	q.turn = false
	for q.head < len(q.items) {
		it := q.items[q.head]
		q.items[q.head] = queuedSend{}
		q.head++
		if it.m != nil {
			b.append(it.c, it.m)
			break
		}
	}
	if b.p.Alive() {
		b.nextSend()
	}
}

// fastFailure answers what waited too long (BrokerFastFailure.cleanExpiredRequest).
func (b *Broker) fastFailure() {
	q := &b.queue
	q.armed = false
	busy := b.pageCacheBusy()
	now := b.p.Now()
	for i := q.head; i < len(q.items); i++ {
		it := q.items[i]
		if it.m == nil {
			continue
		}
		switch {
		case busy:
			b.p.Probe("rocketmq-page-cache-busy")
			b.refuse(it.c, it.m, wire.SystemBusy, "[PCBUSY_CLEAN_QUEUE]broker busy, start flow control for a while")
		case now-it.m.Arrived >= b.cfg.SendQueueWait:
			b.p.Probe("rocketmq-send-queue-timeout")
			b.refuse(it.c, it.m, wire.SystemBusy, "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while")
		default:
			q.armed = true
			b.p.At(max(it.m.Arrived+b.cfg.SendQueueWait, now+fastFailureStep), timerFast, 0)
			return
		}
		q.items[i] = queuedSend{}
	}
}

// append stores one message and begins its waits (asyncSendMessage, handlePutMessageResult).
func (b *Broker) append(c *sim.Conn, m *wire.SendMessageRequest) {
	if !b.cfg.isMaster() {
		// DefaultMessageStore.checkStoreStatus: the log is not touched.
		b.p.Probe("rocketmq-put-on-slave")
		b.refuse(c, m, wire.ServiceNotAvailable, "service not available now. It may be caused by one of the following reasons: the broker's disk is full")
		return
	}
	name := m.Topic
	if len(m.Batch) > 0 && strings.HasPrefix(name, retryPrefix) {
		b.refuse(c, m, wire.MessageIllegal, "batch request does not support retry group "+m.Group)
		return
	}
	if group, ok := strings.CutPrefix(name, retryPrefix); ok && m.MaxReconsumeTimes >= 0 && m.ReconsumeTimes >= m.MaxReconsumeTimes {
		name = DLQTopic(group) // handleRetryAndDLQ
		b.retryTopic(name)
	}
	t := b.sendTopic(name, m.DefaultTopicNums)
	if t == nil {
		b.refuse(c, m, wire.TopicNotExist, "topic["+name+"] not exist, apply first please!")
		return
	}
	id := m.QueueID
	if id < 0 || name != m.Topic {
		id = int32(b.p.Rand("queue").Below(uint64(max(t.cfg.WriteQueues, 1))))
	}
	if id >= max(t.cfg.WriteQueues, t.cfg.ReadQueues) {
		b.refuse(c, m, wire.SystemError, "request queueId["+itoa(int64(id))+"] is illegal")
		return
	}
	msg := store.Message{Topic: name, QueueID: id, Flag: m.Flag, SysFlag: m.SysFlag, BornTimestamp: m.BornTimestamp,
		BornHost: hostAddr(c.Peer), Reconsume: m.ReconsumeTimes, Body: m.Body, Properties: m.Props}
	if b.tooFewInSync() {
		b.refuse(c, m, wire.SystemError, "the broker can not find enough in-sync replicas")
		return
	}
	var r putResult
	if len(m.Batch) > 0 {
		r = b.putBatch(&msg, m)
	} else {
		r = b.store.put(&msg)
	}
	if r.code != wire.Success {
		b.refuse(c, m, r.code, r.remark)
		return
	}
	if m.DelayLevel <= 0 {
		b.checkQueueOffset(t, id, r.queueOffset, m.Count())
	}
	if m.WaitStore || b.ledger != nil {
		b.await(c, m, id, &r)
		return
	}
	b.accepted(c, m.Opaque, m.Oneway, wire.Success, id, r.queueOffset, int32(m.Count()))
	b.pool.PutSend(m)
}

// checkQueueOffset: within one incarnation queue offsets go up one by one; only truncation at a start
// may make one appear twice.
func (b *Broker) checkQueueOffset(t *topic, id int32, offset int64, count int) {
	q := &t.queues[id]
	if q.next != 0 && offset != q.next {
		b.p.W.Violate("rocketmq-queue-offsets-are-dense", fmt.Sprintf("%s: queue %s-%d got offset %d after %d",
			b.cfg.Host, t.cfg.Topic, id, offset, q.next-1))
	}
	q.next = offset + int64(count)
}

// sendWait is a message that is stored and not answered: its flush and its replication run in parallel
// (CommitLog.asyncPutMessage).
type sendWait struct {
	c       *sim.Conn
	opaque  int32
	oneway  bool
	queue   int32
	count   int32 // messages
	pending uint8 // bits below
	code    wire.Code
	offset  int64
	end     int64 // of the record
}

const (
	waitsFlush uint8 = 1 << iota
	waitsSlave
)

// await begins the waits that the configuration asks for. The message is in the log whatever they give.
// Before 4.7 the wait for the slave begins when that for the disk is over (CommitLog.handleDiskFlush,
// handleHA).
func (b *Broker) await(c *sim.Conn, m *wire.SendMessageRequest, queue int32, r *putResult) {
	pending, code := uint8(0), wire.Success
	if b.store.syncFlush() {
		pending |= waitsFlush
	}
	if b.ledger != nil {
		pending = waitsSlave
	} else if b.cfg.Role == SyncMaster && b.cfg.HA.InSync != 1 {
		if b.cfg.BlockingSends > 0 && pending != 0 || b.master.SlaveOK(r.end) {
			pending |= waitsSlave
		} else {
			code = wire.SlaveNotAvailable
		}
	}
	if pending == 0 {
		b.accepted(c, m.Opaque, m.Oneway, code, queue, r.queueOffset, int32(m.Count()))
		b.pool.PutSend(m)
		return
	}
	i := uint32(len(b.waits))
	if n := len(b.freeWaits); n > 0 {
		i = b.freeWaits[n-1]
		b.freeWaits = b.freeWaits[:n-1]
	} else {
		b.waits = append(b.waits, sendWait{})
	}
	b.waits[i] = sendWait{c: c, opaque: m.Opaque, oneway: m.Oneway, queue: queue, count: int32(m.Count()), pending: pending, code: code, offset: r.queueOffset, end: r.end}
	b.pool.PutSend(m)
	b.blocked++
	if pending&waitsFlush != 0 {
		b.store.awaitFlush(r.end, i)
		if b.cfg.BlockingSends > 0 {
			return
		}
	}
	switch {
	case b.ledger != nil:
		b.ledger.Wait(r.entry, i)
	case pending&waitsSlave != 0:
		b.master.Wait(r.end, i)
	}
}

// flushed and replicated end one wait; if both failed the replica's status wins.
func (b *Broker) flushed(i uint32, ok bool) {
	w := &b.waits[i]
	if !ok && w.code == wire.Success {
		w.code = wire.FlushDiskTimeout
	}
	if b.cfg.BlockingSends > 0 && w.pending&waitsSlave != 0 {
		w.pending = waitsSlave
		if b.master.SlaveOK(w.end) {
			b.master.Wait(w.end, i)
			return
		}
		w.code = wire.SlaveNotAvailable
		b.waited(i, waitsSlave)
		return
	}
	b.waited(i, waitsFlush)
}

func (b *Broker) replicated(i uint32, ok bool) {
	if !ok {
		b.waits[i].code = wire.FlushSlaveTimeout
	}
	b.waited(i, waitsSlave)
}

func (b *Broker) waited(i uint32, what uint8) {
	w := &b.waits[i]
	w.pending &^= what
	if w.pending != 0 {
		return
	}
	d := *w
	*w = sendWait{}
	b.freeWaits = append(b.freeWaits, i)
	b.accepted(d.c, d.opaque, d.oneway, d.code, d.queue, d.offset, d.count)
	b.blocked--
	if b.cfg.BlockingSends > 0 && !b.queue.turn && b.queue.len() > 0 {
		b.nextSend()
	}
}

// accepted answers a send whose messages are stored, the first at offset.
func (b *Broker) accepted(c *sim.Conn, opaque int32, oneway bool, code wire.Code, queue int32, offset int64, count int32) {
	if oneway {
		return
	}
	r := b.pool.Sent()
	r.Opaque, r.Code, r.QueueID, r.QueueOffset, r.Count = opaque, code, queue, offset, count
	b.reply(c, r)
}
