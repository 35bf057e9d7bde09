package client

import (
	"strconv"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// commitAll is MQClientInstance.persistAllConsumerOffset.
func (c *Consumer) commitAll() {
	for _, q := range c.queues {
		if q != nil && !q.dropped {
			c.commit(q)
		}
	}
}

// commit sends a queue's progress, oneway: to the master, else to whatever address the group has left
// (RemoteBrokerOffsetStore.updateConsumeOffsetToBroker).
func (c *Consumer) commit(q *queue) {
	if !q.has {
		return
	}
	addr := c.committer(q)
	if addr == "" {
		return
	}
	m := &wire.UpdateOffsetRequest{Group: c.spec.Group, Queue: q.wire(c), Offset: q.offset}
	c.net.oneway(c.net.remote(addr), callCommit, m, 0)
}

// committer is where offsets are read and written. Without a master in the route the client asks for
// the route again; here that answer counts from the next time on.
func (c *Consumer) committer(q *queue) string {
	addr, _ := c.net.readAddr(q.broker, 0, true)
	if addr == "" {
		c.net.askRoute(q.topic)
		addr, _ = c.net.readAddr(q.broker, 0, false)
	}
	return addr
}

// sendBack gives a failed message back to the master of its group, which delivers it again later through
// the retry topic (ConsumeMessageConcurrentlyService.sendMessageBack).
func (c *Consumer) sendBack(g given) {
	i := c.keep(g)
	q := g.q
	addr := c.net.master(q.broker)
	if addr == "" {
		c.resend(i)
		return
	}
	m := &wire.SendBackRequest{Group: c.spec.Group, Offset: g.record, OriginTopic: c.net.topics[q.topic].name,
		OriginMsgID: originID, MaxReconsumeTimes: c.maxRetries()}
	c.net.invoke(c.net.remote(addr), callSendBack, m, backTimeout, true, i)
}

// originID stands for the id of the first copy.
const originID = "7F000001000000000000000000000000"

func (c *Consumer) maxRetries() int32 {
	if c.cfg.maxRetries < 0 {
		return 16
	}
	return c.cfg.maxRetries
}

// keep remembers a failed message; it holds the queue's progress back until some broker has it.
func (c *Consumer) keep(g given) uint32 {
	g.q.backs = append(g.q.backs, g.offset)
	// It is no longer the first message with the application.
	g.q.first = max(g.q.first, g.offset+1)
	if n := len(c.freeOut); n > 0 {
		i := c.freeOut[n-1]
		c.freeOut = c.freeOut[:n-1]
		c.failed[i] = failedMessage{g, true}
		return i
	}
	c.failed = append(c.failed, failedMessage{g, true})
	return uint32(len(c.failed) - 1)
}

// sentBack is the answer to CONSUMER_SEND_MSG_BACK.
func (c *Consumer) sentBack(k call, resp wire.Response) {
	if resp != nil && resp.Result() == wire.Success {
		c.release(k.arg)
		return
	}
	c.resend(k.arg)
}

// resend is what DefaultMQPushConsumerImpl.sendMessageBack does without the master: the client's own
// producer sends a copy to the retry topic of any group.
func (c *Consumer) resend(i uint32) {
	f := &c.failed[i]
	c.proc.Probe("rocketmq-consumer-resend")
	var addr string
	if rt := c.net.topics[retryTopic].route; rt != nil {
		pub := newPublish(rt, c.net.rnd)
		if pub.ok() {
			addr = c.net.master(pub.one(f.g.q.broker).group)
		}
	}
	if addr == "" {
		c.proc.After(backAgain, timerBack, i)
		return
	}
	req := c.cluster.Pool.Send()
	req.Group, req.Topic, req.DefaultTopicNums = "CLIENT_INNER_PRODUCER", RetryTopic(c.spec.Group), 4
	req.BornTimestamp = c.proc.Wall()
	req.ReconsumeTimes, req.MaxReconsumeTimes = f.g.retries+1, c.maxRetries()
	req.WaitStore, req.DelayLevel = true, 3+f.g.retries
	req.Props = append(req.Props[:0], "RETRY_TOPIC\x01"...)
	req.Props = append(req.Props, c.net.topics[ownTopic].name...)
	req.Props = append(req.Props, "\x02DELAY\x01"...)
	req.Props = strconv.AppendInt(req.Props, int64(req.DelayLevel), 10)
	req.Props = append(req.Props, "\x02UNIQ_KEY\x01"...)
	req.Props = append(req.Props, originID...)
	req.Props = append(req.Props, 2)
	req.Body = f.g.body
	c.net.invoke(c.net.remote(addr), callSend, req, 3*sim.Second, true, i)
}

func (c *Consumer) resent(k call, resp wire.Response) {
	if resp != nil && resp.Result().Stored() {
		c.release(k.arg)
		return
	}
	c.proc.After(backAgain, timerBack, k.arg)
}

// redo gives a message that no broker took back to the application once more.
func (c *Consumer) redo(i uint32) {
	f := &c.failed[i]
	if !f.live {
		return
	}
	g := f.g
	c.forget(i)
	if g.q.dropped {
		return
	}
	g.q.first = min(g.q.first, g.offset)
	c.token++
	g.token = c.token
	c.give(g, c.delivery(g))
}

// release: a broker has the message.
func (c *Consumer) release(i uint32) {
	g := c.failed[i].g
	c.forget(i)
	if g.q.dropped {
		return
	}
	q := g.q
	q.count--
	q.bytes -= int64(g.size)
	if q.count > 0 {
		q.processed(q.smallest() - 1)
		return
	}
	q.processed(q.top - 1)
}

func (c *Consumer) forget(i uint32) {
	q := c.failed[i].g.q
	for k, o := range q.backs {
		if o == c.failed[i].g.offset {
			q.backs = append(q.backs[:k], q.backs[k+1:]...)
			break
		}
	}
	c.failed[i] = failedMessage{}
	c.freeOut = append(c.freeOut, i)
}
