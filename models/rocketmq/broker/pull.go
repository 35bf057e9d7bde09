package broker

import (
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// pull executes PULL_MESSAGE (PullMessageProcessor.processRequest). suspend is false when a held request
// runs again. The request goes back to the pool unless it is held.
func (b *Broker) pull(c *sim.Conn, m *wire.PullMessageRequest, suspend bool) {
	r := b.pool.Pulled()
	r.Opaque = m.Opaque
	t := b.topics.get(m.Topic)
	switch {
	case b.cfg.Role == Slave && b.cfg.RejectOnSlave && !b.cfg.SlaveReadEnable:
		r.Code, r.Remark = wire.SystemBusy, "[REJECTREQUEST]system busy, start flow control for a while"
	case t == nil:
		r.Code, r.Remark = wire.TopicNotExist, "topic["+m.Topic+"] not exist, apply first please!"
	case t.cfg.Perm&wire.PermRead == 0:
		r.Code, r.Remark = wire.NoPermission, "the topic["+m.Topic+"] pulling message is forbidden"
	case m.QueueID < 0 || m.QueueID >= t.cfg.ReadQueues:
		r.Code, r.Remark = wire.SystemError, "queueId["+itoa(int64(m.QueueID))+"] is illegal"
	case m.SysFlag&wire.PullSubscription == 0 && !b.consumers.subscribed(m.Group, m.Topic):
		// A broker that just started knows no group until its members' next heartbeat.
		b.p.Probe("rocketmq-pull-before-heartbeat")
		r.Code, r.Remark = wire.SubscriptionNotExist, "the consumer's group info not exist"
	default:
		if b.read(c, m, r, t, suspend) {
			b.pool.PutPulled(r)
			return // held
		}
	}
	b.reply(c, r)
	b.pool.PutPull(m)
}

// read fills in r from the store and says whether the request is held instead of answered.
func (b *Broker) read(c *sim.Conn, m *wire.PullMessageRequest, r *wire.PullMessageResponse, t *topic, suspend bool) (held bool) {
	behind := b.store.pull(m, r)
	slave := b.cfg.Role == Slave
	// suggestWhichBrokerId: only slaveReadEnable moves a slow consumer; whichBrokerWhenConsumeSlowly is 1.
	if b.cfg.SlaveReadEnable && behind {
		r.Suggest = 1
	}
	if r.Code == wire.PullOffsetMoved && slave && !b.cfg.CheckInSlave {
		// A slave never corrects an offset: the client asks again at once until the slave has caught up.
		b.p.Probe("rocketmq-slave-does-not-correct")
		r.Code = wire.PullNotFound
		if b.cfg.LoopOnSlave {
			r.Code = wire.PullRetryImmediately
		}
	}
	if r.Code == wire.PullNotFound && slave && b.cfg.NoHoldOnSlave {
		b.p.Probe("rocketmq-slave-holds-no-pull")
		r.Code = wire.PullRetryImmediately
	}
	if r.Code == wire.PullNotFound && suspend && m.SysFlag&wire.PullSuspend != 0 {
		b.hold(c, m, t)
		held = true
	}
	if suspend && m.SysFlag&wire.PullCommitOffset != 0 && !slave {
		b.commit(m.Group, wire.Queue{Topic: m.Topic, ID: m.QueueID}, m.CommitOffset)
	}
	return held
}

// held is a pull that waits (PullRequest of PullRequestHoldService).
type held struct {
	c     *sim.Conn
	m     *wire.PullMessageRequest
	until sim.Time
}

func (b *Broker) hold(c *sim.Conn, m *wire.PullMessageRequest, t *topic) {
	q := &t.queues[m.QueueID]
	wait := sim.Time(m.SuspendTimeout) * sim.Millisecond
	if !b.cfg.LongPolling {
		wait = b.cfg.ShortPolling
	}
	q.held = append(q.held, held{c: c, m: m, until: b.p.Now() + wait})
	c.Data.(*peer).holds++
	b.holds++
}

// arrived wakes the held pulls of a queue whose ConsumeQueue now ends at next, if the last message's tag
// suits them. Before 5.x nobody calls
// it on a slave (DefaultMessageStore.ReputMessageService.doReput).
func (b *Broker) arrived(name string, id int32, next, tagsCode int64) {
	if b.holds == 0 {
		return
	}
	t := b.topics.get(name)
	if t == nil || int(id) >= len(t.queues) {
		return
	}
	if q := &t.queues[id]; len(q.held) > 0 {
		b.wake(q, next, &tagsCode)
	}
}

// wake runs again what has something to read or has waited long enough (notifyMessageArriving). Without a
// tags code everything suits.
func (b *Broker) wake(q *queue, next int64, tagsCode *int64) {
	now := b.p.Now()
	list := q.held
	kept := 0
	ready := make([]held, 0, 4)
	for _, h := range list {
		if now >= h.until || next > h.m.Offset && b.suits(h.m, tagsCode) {
			ready = append(ready, h)
			continue
		}
		list[kept] = h
		kept++
	}
	clear(list[kept:])
	q.held = list[:kept]
	for _, h := range ready {
		b.holds--
		if d, ok := h.c.Data.(*peer); ok && d.c == h.c {
			d.holds--
			b.pull(h.c, h.m, false)
		}
	}
}

func (b *Broker) suits(m *wire.PullMessageRequest, tagsCode *int64) bool {
	if tagsCode == nil {
		return true
	}
	match := b.consumers.filter(m.Group, m.Topic)
	return match == nil || match(*tagsCode)
}

// checkHolds is the 5 s loop of PullRequestHoldService: time-outs, and on a slave the only look at what
// has arrived.
func (b *Broker) checkHolds() {
	if b.holds == 0 {
		return
	}
	for _, name := range b.topics.names {
		t := b.topics.byName[name]
		for id := range t.queues {
			if q := &t.queues[id]; len(q.held) > 0 {
				b.wake(q, b.store.queueMax(name, int32(id)), nil)
			}
		}
	}
}

// dropHolds forgets the held pulls of a closed connection.
func (b *Broker) dropHolds(c *sim.Conn) {
	for _, name := range b.topics.names {
		t := b.topics.byName[name]
		for id := range t.queues {
			q := &t.queues[id]
			kept := 0
			for _, h := range q.held {
				if h.c == c {
					b.holds--
					continue
				}
				q.held[kept] = h
				kept++
			}
			clear(q.held[kept:])
			q.held = q.held[:kept]
		}
	}
}
