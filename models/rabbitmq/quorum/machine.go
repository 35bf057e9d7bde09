package quorum

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
)

// Config is what all members of a group know alike.
type Config struct {
	SingleActive  bool  // x-single-active-consumer
	DeliveryLimit int   // x-delivery-limit; -1: none
	MaxLength     int64 // x-max-length; 0: none
	// RequeueToBack: what a consumer returns goes to the end if there is no delivery limit (3.10 and later)
	// [rule 116].
	RequeueToBack bool
}

// DefaultPrefetch is the credit of a consumer without a prefetch (rabbit_fifo_client, rule 111).
const DefaultPrefetch = 2000

// Env takes the effects of the leader's machine. A follower's are not carried out.
type Env interface {
	// Deliver hands a message to a consumer's channel; id counts the consumer's deliveries.
	Deliver(c *Consumer, id uint64, m *Message)
	// Dropped: a message went by a limit of the queue: retention, or too many deliveries.
	Dropped(m *Message, why string)
}

// Message is a live message. Index is the place of its enqueue in the log.
type Message struct {
	Index      uint64
	Cmd        *wire.Command
	Deliveries int // delivery_count: how often it came back
}

// Consumer is one consumer of the queue.
type Consumer struct {
	Channel   wire.Pid
	Tag       string
	NoAck     bool
	Prefetch  int
	Priority  int32
	Suspected bool // its node is not connected
	Cancelled bool // it keeps what it holds
	Next      uint64
	out       []held
	head      int
	count     int
}

// held is a message with a consumer.
type held struct {
	id   uint64
	m    Message
	done bool
}

// enqueuer is a publishing channel: its commands are taken in order and once.
type enqueuer struct {
	pid       wire.Pid
	next      uint64
	suspected bool
}

// Machine is the state of one member.
type Machine struct {
	cfg       Config
	env       Env
	ready     []Message
	head      int
	returns   []Message // come first, in order of their index
	consumers []*Consumer
	turn      int
	enqueuers []enqueuer
}

// New is the machine of a queue without messages.
func New(cfg Config, env Env) *Machine { return &Machine{cfg: cfg, env: env} }

// Apply carries out one command. What is known only to the leader comes through Env.
func (q *Machine) Apply(index uint64, c *wire.Command) {
	switch c.Kind {
	case wire.RaEnqueue:
		q.enqueue(index, c)
	case wire.RaCheckout:
		q.checkout(c)
	case wire.RaCancel:
		q.cancel(c.From, c.Tag)
	case wire.RaSettle, wire.RaDiscard:
		q.settle(c)
	case wire.RaReturn:
		q.giveBack(c)
	case wire.RaDown:
		q.down(c)
	case wire.RaNodeUp:
		q.nodeUp(c.Node)
	case wire.RaPurge:
		q.ready, q.head, q.returns = nil, 0, nil
	}
	q.serve()
}

// enqueue takes a publish once: a channel repeats what it got no answer to (maybe_enqueue).
func (q *Machine) enqueue(index uint64, c *wire.Command) {
	if !c.From.IsZero() {
		e := q.enqueuer(c.From)
		if c.Seq < e.next {
			return
		}
		e.next = c.Seq + 1
	}
	if q.cfg.MaxLength > 0 && int64(q.Ready()) >= q.cfg.MaxLength {
		if m, ok := q.take(); ok {
			q.env.Dropped(&m, "retention")
		}
	}
	q.push(Message{Index: index, Cmd: c})
}

func (q *Machine) enqueuer(pid wire.Pid) *enqueuer {
	for i := range q.enqueuers {
		if q.enqueuers[i].pid == pid {
			return &q.enqueuers[i]
		}
	}
	q.enqueuers = append(q.enqueuers, enqueuer{pid: pid, next: 1})
	return &q.enqueuers[len(q.enqueuers)-1]
}

// Expects says whether an enqueue is the next of its channel, or one that was taken; a gap is refused.
func (q *Machine) Expects(c *wire.Command) bool {
	for i := range q.enqueuers {
		if q.enqueuers[i].pid == c.From {
			return c.Seq <= q.enqueuers[i].next
		}
	}
	return c.Seq == 1
}

func (q *Machine) push(m Message) {
	if q.head > 1024 && 2*q.head > len(q.ready) {
		k := copy(q.ready, q.ready[q.head:])
		clear(q.ready[k:])
		q.ready, q.head = q.ready[:k], 0
	}
	q.ready = append(q.ready, m)
}

// take removes the next message: returned ones come first.
func (q *Machine) take() (Message, bool) {
	if len(q.returns) > 0 {
		m := q.returns[0]
		q.returns = q.returns[1:]
		return m, true
	}
	if q.head == len(q.ready) {
		return Message{}, false
	}
	m := q.ready[q.head]
	q.ready[q.head] = Message{}
	q.head++
	if q.head == len(q.ready) {
		q.ready, q.head = q.ready[:0], 0
	}
	return m, true
}

// Ready is how many messages wait; Held how many are with consumers.
func (q *Machine) Ready() int { return len(q.ready) - q.head + len(q.returns) }

// Held is how many messages are with consumers.
func (q *Machine) Held() (n int) {
	for _, c := range q.consumers {
		n += c.count
	}
	return n
}

func (q *Machine) find(pid wire.Pid, tag string) *Consumer {
	for _, c := range q.consumers {
		if c.Channel == pid && c.Tag == tag {
			return c
		}
	}
	return nil
}

// checkout registers a consumer, or one again that it knows.
func (q *Machine) checkout(cmd *wire.Command) {
	c := q.find(cmd.From, cmd.Tag)
	if c == nil {
		c = &Consumer{Channel: cmd.From, Tag: cmd.Tag}
		q.consumers = append(q.consumers, c)
	}
	c.NoAck, c.Prefetch, c.Priority = cmd.NoAck, int(cmd.Prefetch), cmd.Priority
	c.Cancelled, c.Suspected = false, false
	if c.Prefetch == 0 {
		c.Prefetch = DefaultPrefetch
	}
}

// cancel stops deliveries; the consumer keeps what it holds until its channel ends.
func (q *Machine) cancel(pid wire.Pid, tag string) {
	if c := q.find(pid, tag); c != nil {
		c.Cancelled = true
		q.forget(c)
	}
}

// forget removes a consumer that is cancelled and holds nothing.
func (q *Machine) forget(c *Consumer) {
	if c.Cancelled && c.count == 0 {
		q.consumers = slices.DeleteFunc(q.consumers, func(x *Consumer) bool { return x == c })
		q.turn = 0
	}
}

// settle ends deliveries; a discard without a dead-letter exchange is the same.
func (q *Machine) settle(cmd *wire.Command) {
	c := q.find(cmd.From, cmd.Tag)
	if c == nil {
		return
	}
	for _, id := range cmd.IDs {
		c.drop(id)
	}
	q.forget(c)
}

// drop takes a delivery out of a consumer's hands; false if it does not hold it (any more).
func (c *Consumer) drop(id uint64) (Message, bool) {
	i, ok := slices.BinarySearchFunc(c.out[c.head:], id, func(h held, id uint64) int {
		if h.id < id {
			return -1
		}
		if h.id > id {
			return 1
		}
		return 0
	})
	if !ok || c.out[c.head+i].done {
		return Message{}, false
	}
	h := &c.out[c.head+i]
	m := h.m
	h.done, h.m = true, Message{}
	c.count--
	for c.head < len(c.out) && c.out[c.head].done {
		c.head++
	}
	if c.head == len(c.out) {
		c.out, c.head = c.out[:0], 0
	} else if c.head > 256 && 2*c.head > len(c.out) {
		k := copy(c.out, c.out[c.head:])
		clear(c.out[k:])
		c.out, c.head = c.out[:k], 0
	}
	return m, true
}

// giveBack is a consumer's basic.nack or reject with requeue.
func (q *Machine) giveBack(cmd *wire.Command) {
	c := q.find(cmd.From, cmd.Tag)
	if c == nil {
		return
	}
	for _, id := range cmd.IDs {
		if m, ok := c.drop(id); ok {
			q.comeBack(m, q.cfg.RequeueToBack && q.cfg.DeliveryLimit < 0)
		}
	}
	q.forget(c)
}

// comeBack counts a delivery that failed; over the limit the message goes [rule 116].
func (q *Machine) comeBack(m Message, back bool) {
	m.Deliveries++
	if q.cfg.DeliveryLimit >= 0 && m.Deliveries > q.cfg.DeliveryLimit {
		q.env.Dropped(&m, "delivery-limit")
		return
	}
	if back {
		q.push(m)
		return
	}
	at, _ := slices.BinarySearchFunc(q.returns, m.Index, func(x Message, i uint64) int {
		if x.Index < i {
			return -1
		}
		return 1
	})
	q.returns = slices.Insert(q.returns, at, m)
}

// returnAll gives everything back that a consumer holds.
func (q *Machine) returnAll(c *Consumer) {
	for i := c.head; i < len(c.out); i++ {
		if !c.out[i].done {
			q.comeBack(c.out[i].m, false)
		}
	}
	c.out, c.head, c.count = nil, 0, 0
}

// down is 'DOWN' of a channel. One whose node is not connected keeps its place, but what it holds is
// returned: it may be processed twice [rule 117].
func (q *Machine) down(cmd *wire.Command) {
	for _, c := range slices.Clone(q.consumers) {
		if c.Channel == cmd.From {
			q.returnAll(c)
			c.Suspected = cmd.NoConn
			c.Cancelled = c.Cancelled || !cmd.NoConn
			q.forget(c)
		}
	}
	if cmd.NoConn {
		for i := range q.enqueuers {
			q.enqueuers[i].suspected = q.enqueuers[i].suspected || q.enqueuers[i].pid == cmd.From
		}
		return
	}
	q.enqueuers = slices.DeleteFunc(q.enqueuers, func(e enqueuer) bool { return e.pid == cmd.From })
}

func (q *Machine) nodeUp(node uint16) {
	for _, c := range q.consumers {
		if c.Channel.Node == node {
			c.Suspected = false
		}
	}
	for i := range q.enqueuers {
		if q.enqueuers[i].pid.Node == node {
			q.enqueuers[i].suspected = false
		}
	}
}

// serve delivers while there are messages and consumers with credit.
func (q *Machine) serve() {
	for q.Ready() > 0 {
		c := q.pick()
		if c == nil {
			return
		}
		m, _ := q.take()
		id := c.Next
		c.Next++
		c.out = append(c.out, held{id: id, m: m})
		c.count++
		q.env.Deliver(c, id, &m)
	}
}

// pick is the consumer whose turn it is: higher priorities first, then round robin; with a single active
// consumer the first that is there.
func (q *Machine) pick() *Consumer {
	k := len(q.consumers)
	var best *Consumer
	at := 0
	for i := range k {
		j := (q.turn + i) % k
		if q.cfg.SingleActive {
			j = i
		}
		c := q.consumers[j]
		if c.Cancelled || c.Suspected {
			continue
		}
		if q.cfg.SingleActive {
			if c.count < c.Prefetch {
				return c
			}
			return nil
		}
		if c.count < c.Prefetch && (best == nil || c.Priority > best.Priority) {
			best, at = c, j
		}
	}
	if best != nil {
		q.turn = (at + 1) % k
	}
	return best
}

// Channels visits every channel that publishes or consumes, with whether it is suspected; a channel that
// does both may come twice.
func (q *Machine) Channels(visit func(pid wire.Pid, suspected bool)) {
	for _, c := range q.consumers {
		visit(c.Channel, c.Suspected)
	}
	for i := range q.enqueuers {
		visit(q.enqueuers[i].pid, q.enqueuers[i].suspected)
	}
}

// Knows says whether a channel publishes or consumes.
func (q *Machine) Knows(pid wire.Pid) bool {
	for _, c := range q.consumers {
		if c.Channel == pid {
			return true
		}
	}
	for i := range q.enqueuers {
		if q.enqueuers[i].pid == pid {
			return true
		}
	}
	return false
}

// Consumers is how many consumers are registered.
func (q *Machine) Consumers() int { return len(q.consumers) }

// Missing delivers again what a consumer holds from id on: it has seen a gap (get_checked_out).
func (q *Machine) Missing(pid wire.Pid, tag string, id uint64) {
	c := q.find(pid, tag)
	if c == nil {
		return
	}
	for i := c.head; i < len(c.out); i++ {
		if h := &c.out[i]; !h.done && h.id >= id {
			q.env.Deliver(c, h.id, &h.m)
		}
	}
}

// Each visits all live messages in order of their index: those with consumers too.
func (q *Machine) Each(visit func(m *Message)) {
	var all []Message
	all = append(all, q.returns...)
	all = append(all, q.ready[q.head:]...)
	for _, c := range q.consumers {
		for i := c.head; i < len(c.out); i++ {
			if !c.out[i].done {
				all = append(all, c.out[i].m)
			}
		}
	}
	slices.SortFunc(all, func(a, b Message) int {
		if a.Index < b.Index {
			return -1
		}
		return 1
	})
	for i := range all {
		visit(&all[i])
	}
}
