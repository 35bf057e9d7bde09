package client

import (
	"slices"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// queue is a message queue that the consumer owns: its ProcessQueue, its PullRequest and its offset.
type queue struct {
	slot    uint32
	topic   int
	broker  string
	id      int32
	dropped bool
	located bool

	next     int64 // where to pull next
	suggest  int64 // broker id that the last answer suggested
	lastPull sim.Time

	// ProcessQueue
	count   int
	bytes   int64
	first   int64 // smallest offset with the application, if count > 0
	top     int64 // offset after the last message that was put in
	held    []held
	heldAt  int
	backs   []int64 // offsets of failed messages that nobody took back
	offset  int64   // what RemoteBrokerOffsetStore has
	has     bool    // it has something
	busy    bool    // orderly: the application has a message
	resumed bool    // orderly: a timerResume is under way

	locked   bool
	lockedAt sim.Time
	fixed    bool // orderly: the offset was asked for again under the lock
}

// held is a message of an orderly queue that waits for its turn.
type held struct {
	g given
	d models.Delivery
}

func (q *queue) wire(c *Consumer) wire.Queue {
	return wire.Queue{Topic: c.net.topics[q.topic].name, ID: q.id}
}

// pull is DefaultMQPushConsumerImpl.pullMessage.
func (c *Consumer) pull(q *queue) {
	if q.dropped {
		return
	}
	now := c.proc.Now()
	q.lastPull = now
	switch {
	case q.count > c.cfg.threshold, q.bytes > c.cfg.sizeLimit,
		!c.cfg.orderly && q.count > 0 && q.top-1-q.smallest() > c.cfg.span:
		c.proc.Probe("rocketmq-consumer-flow-control")
		c.pullLater(q, flowControlPause)
		return
	case c.cfg.orderly && !q.locked:
		c.pullLater(q, c.cfg.exception)
		return
	case c.cfg.orderly && !q.fixed:
		c.askOffset(q) // "the first time to pull message, so fix offset from broker"
		return
	}
	addr, slave := c.net.readAddr(q.broker, q.suggest, false)
	if addr == "" {
		c.net.askRoute(q.topic)
		c.pullLater(q, c.cfg.exception)
		return
	}
	req := c.cluster.Pool.Pull()
	req.Group, req.Topic, req.QueueID = c.spec.Group, c.net.topics[q.topic].name, q.id
	req.Offset, req.MaxMsgs, req.SysFlag = q.next, c.cfg.batch, wire.PullSuspend
	if q.has && q.offset > 0 {
		req.CommitOffset = q.offset
		if !slave {
			req.SysFlag |= wire.PullCommitOffset
		}
	}
	req.SuspendTimeout, req.SubVersion = c.cfg.suspend, 1
	c.net.invoke(c.net.remote(addr), callPull, req, c.cfg.timeout, false, q.slot)
}

func (c *Consumer) pullLater(q *queue, d sim.Time) { c.proc.After(d, timerPull, q.slot) }

// pulled is PullCallback.
func (c *Consumer) pulled(q *queue, resp wire.Response, how failure) {
	if q == nil || q.dropped {
		return
	}
	m, ok := resp.(*wire.PullMessageResponse)
	if !ok {
		c.pullLater(q, c.cfg.exception)
		return
	}
	switch m.Code {
	case wire.Success:
		q.suggest = m.Suggest
		q.next = m.NextOffset
		c.take(q, m)
		if q.dropped || !c.proc.Alive() {
			return
		}
		if c.cfg.interval > 0 && m.Count > 0 {
			c.pullLater(q, c.cfg.interval)
			return
		}
		c.pull(q)
	case wire.PullNotFound, wire.PullRetryImmediately:
		q.suggest = m.Suggest
		q.next = m.NextOffset
		if q.count == 0 && len(q.backs) == 0 && q.next > q.offset && q.has {
			q.offset = q.next // correctTagsOffset
		}
		c.pull(q)
	case wire.PullOffsetMoved:
		c.proc.Probe("rocketmq-consumer-offset-moved")
		c.proc.Emit("offset-moved", q.broker, "a consumer is put to another offset")
		q.next = m.NextOffset
		q.dropped = true
		c.proc.After(illegalPause, timerFix, q.slot)
	default:
		c.pullLater(q, c.cfg.exception)
	}
}

// fixOffset ends a queue whose offset was illegal: the corrected one is committed, and the next
// rebalance takes the queue again.
func (c *Consumer) fixOffset(slot uint32) {
	q := c.queues[slot]
	if q == nil {
		return
	}
	q.offset, q.has = q.next, true
	c.commit(q)
	c.queues[slot] = nil
}

// take hands the messages of an answer to the application.
func (c *Consumer) take(q *queue, m *wire.PullMessageResponse) {
	c.cursor.Reset(&c.proc.W.Arena, m.Refs)
	// The answer goes back to the pool when this callback ends; the cursor reads its list until then.
	for c.cursor.Left() > 0 {
		if c.cursor.Next(false) != store.Good {
			c.proc.Probe("rocketmq-consumer-undecodable")
			return
		}
		rec := &c.cursor.Record
		if q.topic == ownTopic && !c.wanted(rec) {
			if q.count == 0 && len(q.backs) == 0 {
				q.processed(rec.QueueOffset) // correctTagsOffset
			}
			continue
		}
		c.token++
		g := given{token: c.token, q: q, offset: rec.QueueOffset, record: rec.PhysicalOffset,
			size: uint32(rec.BodyLen), retries: rec.Reconsume, body: c.body()}
		d := models.Delivery{Body: g.body, Stream: c.spec.Stream, Partition: -1, Offset: -1,
			Redelivered: rec.Reconsume > 0, Token: c.token}
		if q.topic == ownTopic {
			d.Partition, d.Offset = c.cluster.Partition(c.spec.Stream, q.broker, q.id), rec.QueueOffset
		}
		if q.count == 0 {
			q.first = g.offset
		}
		q.count++
		q.bytes += int64(g.size)
		q.top = g.offset + 1
		if c.cfg.orderly {
			q.held = append(q.held, held{g, d})
			continue
		}
		c.give(g, d)
	}
	if c.cfg.orderly {
		c.goOn(q)
	}
}

// wanted is the client's own filter: the broker compares hashes (PullAPIWrapper.processPullResult).
func (c *Consumer) wanted(rec *store.Record) bool {
	if len(c.cfg.tags) == 0 {
		return true
	}
	tag, _ := store.Property(rec.Properties, store.PropTags)
	return slices.Contains(c.cfg.tags, string(tag))
}

// body is the present record's body as one reference.
func (c *Consumer) body() sim.Ref {
	c.bodies = c.cursor.Body(c.bodies[:0])
	switch len(c.bodies) {
	case 0:
		return sim.Ref{}
	case 1:
		return c.bodies[0]
	}
	return c.proc.W.Arena.Put(c.cursor.BodyBytes()) // a replication frame cut it
}

func (c *Consumer) give(g given, d models.Delivery) {
	c.given = append(c.given, g)
	if c.cfg.ack == models.AckBefore {
		g.q.processed(g.offset)
	}
	c.sink.Delivered(d)
}

// Processed ends the processing of one message.
func (c *Consumer) Processed(token uint64, ok bool) {
	if c.head == len(c.given) || c.given[c.head].token != token {
		return
	}
	g := c.given[c.head]
	c.given[c.head] = given{}
	c.head++
	if c.head == len(c.given) {
		c.given, c.head = c.given[:0], 0
	} else if c.head > 1024 && 2*c.head > len(c.given) {
		n := copy(c.given, c.given[c.head:])
		c.given, c.head = c.given[:n], 0
	}
	q := g.q
	q.busy = false
	if q.dropped {
		return
	}
	switch {
	case ok:
		c.done(g)
	case c.cfg.orderly:
		// SUSPEND_CURRENT_QUEUE_A_MOMENT: again and again, without a limit by default.
		q.again(held{g, c.delivery(g)})
		c.resume(q, c.cfg.suspendFor)
	default:
		c.sendBack(g)
	}
	if c.cfg.orderly && ok {
		c.goOn(q)
	}
}

// delivery makes a message ready to be handed over once more.
func (c *Consumer) delivery(g given) models.Delivery {
	d := models.Delivery{Body: g.body, Stream: c.spec.Stream, Partition: -1, Offset: -1, Redelivered: true, Token: g.token}
	if g.q.topic == ownTopic {
		d.Partition, d.Offset = c.cluster.Partition(c.spec.Stream, g.q.broker, g.q.id), g.offset
	}
	return d
}

// done takes a message out of the ProcessQueue; what is then the smallest offset in it is the group's
// progress (ProcessQueue.removeMessage, updateOffset with increaseOnly).
func (c *Consumer) done(g given) {
	q := g.q
	q.count--
	q.bytes -= int64(g.size)
	q.first = g.offset + 1
	if q.count > 0 && q.first < q.top || len(q.backs) > 0 {
		q.processed(q.smallest() - 1)
		return
	}
	q.processed(q.top - 1)
}

// smallest is the offset of the first message that is not processed.
func (q *queue) smallest() int64 {
	min := q.first
	for _, o := range q.backs {
		if o < min {
			min = o
		}
	}
	return min
}

func (q *queue) processed(offset int64) {
	if !q.has || offset+1 > q.offset {
		q.offset, q.has = offset+1, true
	}
}

// again puts an orderly message back to the front of its queue.
func (q *queue) again(h held) {
	if q.heldAt > 0 {
		q.heldAt--
		q.held[q.heldAt] = h
		return
	}
	q.held = append([]held{h}, q.held...)
}

// goOn gives the next message of an orderly queue to the application, if the lock is held and not older
// than 30 s (ConsumeMessageOrderlyService.ConsumeRequest).
func (c *Consumer) goOn(q *queue) {
	q.resumed = false
	for !q.busy && !q.dropped && q.heldAt < len(q.held) {
		if !q.locked || c.proc.Now()-q.lockedAt > c.cfg.lockLive {
			c.proc.Probe("rocketmq-orderly-without-lock")
			c.lock(q)
			c.resume(q, relockPause)
			return
		}
		h := q.held[q.heldAt]
		q.held[q.heldAt] = held{}
		q.heldAt++
		if q.heldAt == len(q.held) {
			q.held, q.heldAt = q.held[:0], 0
		}
		q.busy = true
		c.token++
		h.g.token, h.d.Token = c.token, c.token
		c.give(h.g, h.d)
	}
}

func (c *Consumer) resume(q *queue, d sim.Time) {
	if !q.resumed {
		q.resumed = true
		c.proc.After(d, timerResume, q.slot)
	}
}
