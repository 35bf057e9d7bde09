package client

import (
	"slices"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
)

// rebalance is RebalanceService: one round at a time; what comes meanwhile makes another one.
type rebalance struct {
	running bool
	again   bool
	done    bool // a round has ended
	steps   int  // requests of this round that are not answered
}

// rebalance is RebalanceImpl.doRebalance.
func (c *Consumer) rebalance() {
	b := &c.balance
	if !c.begun {
		return
	}
	if b.running {
		b.again = true
		return
	}
	b.running, b.again, b.steps = true, false, 1
	for t := range c.net.topics {
		c.askMembers(t)
	}
	c.step()
}

// step ends one of the round's requests.
func (c *Consumer) step() {
	b := &c.balance
	b.steps--
	if b.steps > 0 {
		return
	}
	b.running = false
	if !b.done && c.complete() {
		b.done = true
		c.proc.Emit("consumer-assigned", "", c.spec.Group)
	}
	if b.again {
		c.rebalance()
	}
}

// complete says that every queue that fell to this consumer in the last round is being read.
func (c *Consumer) complete() bool {
	return c.net.topics[ownTopic].route != nil && !c.balance.again && !c.failedToLocate()
}

func (c *Consumer) failedToLocate() bool {
	for _, q := range c.queues {
		if q != nil && !q.dropped && !q.located {
			return true
		}
	}
	return false
}

// askMembers asks one random group's broker, its master if it has one, who is in the group
// (MQClientInstance.findConsumerIdList).
func (c *Consumer) askMembers(t int) {
	rt := c.net.topics[t].route
	if rt == nil || len(rt.Brokers) == 0 {
		return
	}
	b := &rt.Brokers[c.net.rnd.Below(uint64(len(rt.Brokers)))]
	if len(b.Addrs) == 0 {
		return
	}
	addr := b.Addrs[0].Addr
	if b.Addrs[0].ID != 0 {
		addr = b.Addrs[c.net.rnd.Below(uint64(len(b.Addrs)))].Addr
	}
	c.balance.steps++
	c.net.invoke(c.net.remote(addr), callConsumerList, &wire.ConsumerListRequest{Group: c.spec.Group}, apiTimeout, true, uint32(t))
}

// gotMembers divides the queues (AllocateMessageQueueAveragely) and takes over what fell to this client
// (updateProcessQueueTableInRebalance). Without a list nothing changes.
func (c *Consumer) gotMembers(t int, resp wire.Response) {
	defer c.step()
	m, ok := resp.(*wire.ConsumerListResponse)
	if !ok || m.Code != wire.Success || len(m.IDs) == 0 {
		return
	}
	ids := slices.Clone(m.IDs)
	slices.Sort(ids)
	mine := averagely(c.readable(t), ids, c.net.id)
	now := c.proc.Now()
	for _, q := range c.queues {
		if q == nil || q.topic != t {
			continue
		}
		switch {
		case !slices.Contains(mine, target{q.broker, q.id}):
			c.drop(q)
		case !q.dropped && q.located && now-q.lastPull > pullExpiry:
			c.proc.Probe("rocketmq-consumer-pull-expired")
			c.drop(q)
		}
	}
	for _, to := range mine {
		if c.owned(t, to) {
			continue
		}
		q := &queue{slot: uint32(len(c.queues)), topic: t, broker: to.group, id: to.queue, lastPull: now}
		c.queues = append(c.queues, q)
		c.balance.steps++
		if c.cfg.orderly && t == ownTopic {
			if !c.lock(q) {
				c.discard(q)
			}
			continue
		}
		c.askOffset(q)
	}
}

// readable is topicRouteData2TopicSubscribeInfo, sorted by broker and number: queues of dead masters
// stay as long as the group has any address.
func (c *Consumer) readable(t int) []target {
	var out []target
	rt := c.net.topics[t].route
	if rt == nil {
		return nil
	}
	for i := range rt.Queues {
		if q := &rt.Queues[i]; q.Perm&wire.PermRead != 0 {
			for k := range q.ReadQueues {
				out = append(out, target{q.Broker, k})
			}
		}
	}
	return out
}

// averagely is AllocateMessageQueueAveragely.allocate.
func averagely(all []target, ids []string, self string) []target {
	index := slices.Index(ids, self)
	if index < 0 {
		return nil // the broker does not know this client: it gets nothing
	}
	n, members := len(all), len(ids)
	mod := n % members
	size := 1
	switch {
	case n <= members:
	case mod > 0 && index < mod:
		size = n/members + 1
	default:
		size = n / members
	}
	start := index * size
	if mod == 0 || index >= mod {
		start += mod
	}
	if start >= n {
		return nil
	}
	return all[start:min(start+size, n)]
}

func (c *Consumer) owned(t int, to target) bool {
	for _, q := range c.queues {
		if q != nil && q.topic == t && q.broker == to.group && q.id == to.queue {
			return true
		}
	}
	return false
}

// drop is removeUnnecessaryMessageQueue: progress is committed, the lock given back.
func (c *Consumer) drop(q *queue) {
	if !q.dropped {
		c.commit(q)
	}
	q.dropped = true
	if q.locked {
		c.unlock(q)
	}
	if q.located {
		c.queues[q.slot] = nil
	}
}

// discard ends the take-over of a queue that failed; the next round tries again.
func (c *Consumer) discard(q *queue) {
	q.dropped = true
	c.queues[q.slot] = nil
	c.step()
}

// askOffset asks for the group's committed offset (computePullFromWhereWithException).
func (c *Consumer) askOffset(q *queue) {
	addr := c.committer(q)
	if addr == "" {
		if q.located {
			c.pullLater(q, c.cfg.exception)
		} else {
			c.discard(q)
		}
		return
	}
	c.net.invoke(c.net.remote(addr), callQueryOffset, &wire.QueryOffsetRequest{Group: c.spec.Group, Queue: q.wire(c)},
		5*apiTimeout/3, true, q.slot)
}

func (c *Consumer) gotOffset(q *queue, resp wire.Response) {
	m, ok := resp.(*wire.OffsetResponse)
	switch {
	case q == nil:
		// It was released while the question was under way.
	case ok && m.Code == wire.Success:
		c.locate(q, m.Offset)
	case resp != nil && resp.Result() == wire.QueryNotFound && (q.topic == retryTopic || c.cfg.fromFirst):
		c.locate(q, 0)
	case resp != nil && resp.Result() == wire.QueryNotFound:
		addr := c.net.master(q.broker)
		if addr == "" {
			c.notLocated(q)
			return
		}
		c.net.invoke(c.net.remote(addr), callMaxOffset, &wire.MaxOffsetRequest{Queue: q.wire(c)}, apiTimeout, true, q.slot)
	default:
		c.notLocated(q)
	}
}

func (c *Consumer) gotMaxOffset(q *queue, resp wire.Response) {
	m, ok := resp.(*wire.OffsetResponse)
	switch {
	case q == nil:
	case ok && m.Code == wire.Success:
		c.locate(q, m.Offset)
	default:
		c.notLocated(q)
	}
}

func (c *Consumer) notLocated(q *queue) {
	if q.located { // an orderly queue whose offset is asked for again
		c.pullLater(q, c.cfg.exception)
		return
	}
	c.discard(q)
}

// locate begins to pull.
func (c *Consumer) locate(q *queue, offset int64) {
	q.next = offset
	again := q.located
	q.located = true
	if c.cfg.orderly {
		if q.topic == retryTopic {
			q.locked, q.lockedAt = true, c.proc.Now()
		}
		q.fixed = true
	}
	if !again {
		defer c.step()
		if q.dropped {
			c.queues[q.slot] = nil
			return
		}
	}
	c.pull(q)
}

// lock asks the master, and nobody else, for the lock of one queue (RebalanceImpl.lock); false if there
// is no master to ask.
func (c *Consumer) lock(q *queue) bool {
	addr, _ := c.net.readAddr(q.broker, 0, c.cfg.lockMaster)
	if addr == "" {
		return false
	}
	m := &wire.LockRequest{Group: c.spec.Group, ClientID: c.net.id, Broker: q.broker, Queues: []wire.Queue{q.wire(c)}}
	c.net.invoke(c.net.remote(addr), callLock, m, apiTimeout/3, true, q.slot)
	return true
}

// lockAllArg marks the answer to lockAll.
const lockAllArg = 1 << 31

// lockAll renews the locks, broker by broker (RebalanceImpl.lockAll).
func (c *Consumer) lockAll() {
	for i := range c.net.addrs {
		broker := c.net.addrs[i].Broker
		addr, _ := c.net.readAddr(broker, 0, c.cfg.lockMaster)
		var qs []wire.Queue
		for _, q := range c.queues {
			if q != nil && !q.dropped && q.located && q.topic == ownTopic && q.broker == broker {
				qs = append(qs, q.wire(c))
			}
		}
		if addr == "" || len(qs) == 0 {
			continue
		}
		m := &wire.LockRequest{Group: c.spec.Group, ClientID: c.net.id, Broker: broker, Queues: qs}
		c.net.invoke(c.net.remote(addr), callLock, m, apiTimeout/3, true, lockAllArg|uint32(i))
	}
}

// gotLock is the answer to either.
func (c *Consumer) gotLock(k call, resp wire.Response) {
	m, ok := resp.(*wire.LockResponse)
	ok = ok && m.Code == wire.Success
	if k.arg&lockAllArg != 0 {
		if !ok {
			return // the locks run out by themselves
		}
		for _, q := range c.queues {
			if q != nil && q.topic == ownTopic && q.broker == m.Broker && q.located {
				c.setLock(q, slices.Contains(m.Queues, q.wire(c)))
			}
		}
		return
	}
	q := c.queues[k.arg]
	if q == nil {
		return
	}
	got := ok && slices.Contains(m.Queues, q.wire(c))
	if q.located {
		if got {
			c.setLock(q, true)
		}
		return
	}
	if !got {
		c.discard(q)
		return
	}
	q.locked, q.lockedAt = true, c.proc.Now()
	c.askOffset(q)
}

func (c *Consumer) setLock(q *queue, on bool) {
	q.locked = on
	if on {
		q.lockedAt = c.proc.Now()
		c.goOn(q)
	}
}

func (c *Consumer) unlock(q *queue) {
	q.locked = false
	addr, _ := c.net.readAddr(q.broker, 0, c.cfg.lockMaster)
	if addr == "" {
		return
	}
	m := &wire.LockRequest{Group: c.spec.Group, ClientID: c.net.id, Broker: q.broker, Unlock: true, Queues: []wire.Queue{q.wire(c)}}
	c.net.oneway(c.net.remote(addr), callUnlock, m, 0)
}
