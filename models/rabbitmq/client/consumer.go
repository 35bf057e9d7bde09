package client

import (
	"strconv"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Consumer is one incarnation of a consumer: one connection, and a channel for each queue of its stream,
// so that the loss of one queue does not close the channel of another.
type Consumer struct {
	cluster  *Cluster
	spec     *models.ConsumerSpec
	sink     models.ConsumerSink
	proc     *sim.Proc
	s        session
	prefetch uint16
	cancel   bool // x-cancel-on-ha-failover
	priority int32
	subs     []subscription
}

type subState uint8

const (
	subIdle    subState = iota // nothing was asked, or it is tried again later
	subOpening                 // channel.open, basic.qos or basic.consume wait for an answer
	subOpen                    // it consumes
)

// subscription is one queue on its channel.
type subscription struct {
	queue   string
	tag     string
	declare bool // exclusive queues are declared by the connection that they belong to
	state   subState
	channel bool   // the channel is open
	gen     uint16 // of the channel: deliveries of an older one cannot be acknowledged any more
	retry   uint16 // of attempts: a timer of an older one is void
}

// NewConsumer makes a consumer that begins to connect when it boots.
func NewConsumer(c *Cluster, spec *models.ConsumerSpec, sink models.ConsumerSink) *Consumer {
	x := &Consumer{cluster: c, spec: spec, sink: sink, prefetch: uint16(max(spec.Prefetch, 0))}
	if spec.Prefetch < 0 {
		x.prefetch = uint16(spec.Set.Int(models.ConsumerSection, "prefetch"))
	}
	x.priority = int32(spec.Set.Int(models.ConsumerSection, "x-priority"))
	x.cancel = spec.Set.Bool(models.ConsumerSection, "x-cancel-on-ha-failover")
	for i, q := range c.Streams[spec.Stream].Queues {
		x.subs = append(x.subs, subscription{queue: q.Name, declare: q.Exclusive, tag: spec.Name + "-" + strconv.Itoa(i)})
	}
	return x
}

// Boot begins to connect.
func (c *Consumer) Boot(proc *sim.Proc) {
	c.proc = proc
	c.s.boot(proc, c, c.cluster.route(c.spec.Index, c.spec.At, c.spec.Stay), c.spec.Reconnect,
		askedFor(0, c.spec.Set, models.ConsumerSection))
}

// Ready says that every queue of the stream is consumed.
func (c *Consumer) Ready() bool {
	for i := range c.subs {
		if c.subs[i].state != subOpen {
			return false
		}
	}
	return c.s.isReady()
}

// opened: the connection is open; every queue gets its channel.
func (c *Consumer) opened() {
	for i := range c.subs {
		c.subs[i].channel = false
		c.subscribe(i)
	}
}

func number(i int) wire.Chan { return wire.Chan{Channel: uint16(i + 1)} }

// subscribe asks for a queue, on a fresh channel if there is none.
func (c *Consumer) subscribe(i int) {
	s := &c.subs[i]
	s.retry++
	s.state = subOpening
	if s.channel {
		c.consume(i)
		return
	}
	c.s.send(&wire.ChannelOpen{Chan: number(i)})
}

// begin consumes, behind the declaration of a queue that belongs to this connection.
func (c *Consumer) begin(i int) {
	if !c.subs[i].declare {
		c.consume(i)
		return
	}
	for k := range c.cluster.Streams[c.spec.Stream].Queues {
		if q := &c.cluster.Streams[c.spec.Stream].Queues[k]; q.Name == c.subs[i].queue {
			c.s.send(q.Declaration(uint16(i+1), false))
		}
	}
}

func (c *Consumer) consume(i int) {
	s := &c.subs[i]
	c.s.send(&wire.Consume{Chan: number(i), Queue: s.queue, Tag: s.tag, NoAck: c.spec.Ack == models.AckAuto,
		CancelOnFailover: c.cancel, Priority: c.priority})
}

// channel takes a method of a channel.
func (c *Consumer) channel(method wire.Method) {
	i := int(method.Number()) - 1
	if i < 0 || i >= len(c.subs) {
		return
	}
	s := &c.subs[i]
	switch m := method.(type) {
	case *wire.Deliver:
		c.deliver(i, m)
	case *wire.ChannelOpenOk:
		s.channel = true
		s.gen++
		if c.prefetch > 0 {
			c.s.send(&wire.Qos{Chan: number(i), Prefetch: c.prefetch})
			return
		}
		c.begin(i)
	case *wire.QosOk:
		c.begin(i)
	case *wire.QueueDeclareOk:
		c.consume(i)
	case *wire.ConsumeOk:
		s.state = subOpen
		c.s.ready()
		c.proc.Emit("consumer-assigned", s.queue, "through "+c.s.node().Name)
	case *wire.Cancel:
		c.ended(i)
	case *wire.ChannelClose:
		s.channel = false
		c.s.send(&wire.ChannelCloseOk{Chan: m.Chan})
		c.ended(i)
	}
}

// ended: a queue cannot be consumed now. A connection on which nothing is consumed is given up for the
// next node; otherwise only this queue is tried again after the same pause.
func (c *Consumer) ended(i int) {
	s := &c.subs[i]
	s.state = subIdle
	for k := range c.subs {
		if c.subs[k].state != subIdle {
			s.retry++
			c.proc.After(c.s.pause, timerRetry, uint32(i)<<16|uint32(s.retry))
			return
		}
	}
	c.s.fail()
}

// lost: what was delivered and not acknowledged comes again to somebody.
func (c *Consumer) lost() {
	for i := range c.subs {
		s := &c.subs[i]
		s.state, s.channel = subIdle, false
		s.gen++
		s.retry++
	}
}

// blocked concerns connections that publish.
func (c *Consumer) blocked(bool) {}

// deliver hands a message to the application.
func (c *Consumer) deliver(i int, m *wire.Deliver) {
	s := &c.subs[i]
	if s.state != subOpen {
		c.cluster.Pool.Deliver.Put(m)
		return
	}
	d := models.Delivery{
		Body: m.Body, Stream: c.spec.Stream, Partition: int32(i), Offset: -1, Redelivered: m.Redelivered,
		Token: uint64(s.gen)<<48 | uint64(i)<<32 | m.Tag&(1<<32-1),
	}
	tag := m.Tag
	c.cluster.Pool.Deliver.Put(m)
	if c.spec.Ack == models.AckBefore {
		c.ack(i, tag)
		c.noteEarly(d.Body)
	}
	c.sink.Delivered(d)
}

// noteEarly writes into the biography of a message that the broker may forget it from now on.
func (c *Consumer) noteEarly(body sim.Ref) {
	w := c.proc.W
	if !w.Watching() {
		return
	}
	if id, ok := sim.BodyID(w.Arena.Bytes(body)); ok {
		w.Note(id, "process-buffer", c.proc.Host, "acknowledged before it was processed")
	}
}

func (c *Consumer) ack(i int, tag uint64) {
	m := c.cluster.Pool.Ack.Get()
	m.Channel, m.Tag = uint16(i+1), tag
	c.s.send(m)
}

// Processed acknowledges a delivery, or gives it back. On the channel of an earlier connection there is
// nothing to acknowledge any more (confirms.md, Delivery Tags).
func (c *Consumer) Processed(token uint64, ok bool) {
	i := int(token >> 32 & 0xffff)
	s := &c.subs[i]
	if uint16(token>>48) != s.gen || !s.channel || c.spec.Ack == models.AckAuto || c.spec.Ack == models.AckBefore {
		return
	}
	tag := token & (1<<32 - 1)
	if ok {
		c.ack(i, tag)
		return
	}
	m := c.cluster.Pool.Nack.Get()
	m.Channel, m.Tag, m.Requeue = uint16(i+1), tag, true
	c.s.send(m)
}

// Timer runs the session and what is tried again.
func (c *Consumer) Timer(kind uint16, arg uint32) {
	if kind != timerRetry {
		c.s.timer(kind, arg)
		return
	}
	i := int(arg >> 16)
	if s := &c.subs[i]; s.state == subIdle && s.retry == uint16(arg) && c.s.isOpen() {
		c.subscribe(i)
	}
}

// Accept is never called: clients do not listen.
func (c *Consumer) Accept(conn *sim.Conn) {}

// Connected is the answer to Dial.
func (c *Consumer) Connected(conn *sim.Conn, err error) { c.s.connected(conn, err) }

// Receive takes what the node sent.
func (c *Consumer) Receive(conn *sim.Conn, m any) { c.s.receive(conn, m) }

// Closed is the end of a connection.
func (c *Consumer) Closed(conn *sim.Conn, why sim.CloseReason) { c.s.connectionClosed(conn) }

// Synced is never called: clients have no files.
func (c *Consumer) Synced(arg uint32, err error) {}

// Stop closes the connection in order.
func (c *Consumer) Stop() { c.s.stop() }
