package client

import (
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// publishing is the channel of a producer.
const publishing = 1

// Producer is one incarnation of a publisher: one connection with one channel.
type Producer struct {
	cluster *Cluster
	spec    *models.ProducerSpec
	sink    models.ProducerSink
	proc    *sim.Proc
	s       session

	confirms  bool
	mandatory bool
	mode      uint8
	declare   string
	exchange  string // "" = the default exchange; the routing key names the queue
	queues    []Queue

	steps    []wire.Message // what is still to be said on the channel before publishing, in order
	declared bool           // this incarnation has declared its queues
	open     outstanding
	turn     int
	refused  bool
}

// NewProducer makes a producer that begins to connect when it boots.
func NewProducer(c *Cluster, spec *models.ProducerSpec, sink models.ProducerSink) *Producer {
	const section = models.ProducerSection
	p := &Producer{cluster: c, spec: spec, sink: sink, queues: c.Streams[spec.Stream].Queues, declare: spec.Declare}
	p.confirms = spec.Set.Bool(section, "confirms") && !spec.OneWay
	p.mandatory = spec.Set.Bool(section, "mandatory")
	p.mode = uint8(spec.Set.Int(section, "delivery_mode"))
	if len(spec.To) > 0 {
		p.exchange = exchangeName(c, spec.Stream, spec.To)
	}
	return p
}

// exchangeName names the fanout exchange that leads to the queues of several streams.
func exchangeName(c *Cluster, stream int, to []int) string {
	var b strings.Builder
	b.WriteString("to-" + c.Streams[stream].Name)
	for _, i := range to {
		b.WriteString("+" + c.Streams[i].Name)
	}
	return b.String()
}

// Boot begins to connect.
func (p *Producer) Boot(proc *sim.Proc) {
	p.proc = proc
	p.s.boot(proc, p, p.cluster.route(p.spec.Index, p.spec.At, p.spec.Stay), p.spec.Reconnect,
		askedFor(p.spec.Heartbeat, p.spec.Set, models.ProducerSection))
}

// Ready says that the channel takes messages.
func (p *Producer) Ready() bool { return p.s.isReady() }

// opened: the connection is open.
func (p *Producer) opened() {
	p.open.reset()
	p.steps = append(p.steps[:0], &wire.ChannelOpen{Chan: wire.Chan{Channel: publishing}})
	if p.declare == "reconnect" || p.declare == "passive" || (p.declare == "once" || p.declare == "") && !p.declared {
		for i := range p.queues {
			if !p.queues[i].Exclusive { // that is its consumer's business
				p.steps = append(p.steps, p.queues[i].Declaration(publishing, p.declare == "passive"))
			}
		}
	}
	if p.exchange != "" && !p.declared {
		p.bind()
	}
	if p.confirms {
		p.steps = append(p.steps, &wire.ConfirmSelect{Chan: wire.Chan{Channel: publishing}})
	}
	p.s.send(p.steps[0])
}

// bind makes the exchange of a producer with several streams; it belongs to the producer, whatever
// declare: says about queues.
func (p *Producer) bind() {
	ch := wire.Chan{Channel: publishing}
	p.steps = append(p.steps, &wire.ExchangeDeclare{Chan: ch, Exchange: p.exchange, Type: "fanout", Durable: true})
	for _, stream := range append([]int{p.spec.Stream}, p.spec.To...) {
		for _, q := range p.cluster.Streams[stream].Queues {
			p.steps = append(p.steps, &wire.QueueBind{Chan: ch, Queue: q.Name, Exchange: p.exchange})
		}
	}
}

// Declaration is the method that declares the queue on a channel.
func (q *Queue) Declaration(channel uint16, passive bool) *wire.QueueDeclare {
	return &wire.QueueDeclare{Chan: wire.Chan{Channel: channel}, Queue: q.Name, Passive: passive, Durable: q.Durable,
		Exclusive: q.Exclusive, AutoDelete: q.AutoDelete, Args: q.Args}
}

// channel takes a method of the channel. The answers to the steps are synchronous: one after the other.
func (p *Producer) channel(method wire.Method) {
	switch m := method.(type) {
	case *wire.Ack:
		tag, multiple := m.Tag, m.Multiple
		p.cluster.Pool.Ack.Put(m)
		p.confirmed(tag, multiple, false)
	case *wire.Nack:
		tag, multiple := m.Tag, m.Multiple
		p.cluster.Pool.Nack.Put(m)
		p.confirmed(tag, multiple, true)
	case *wire.Return:
		if id, ok := sim.BodyID(p.proc.W.Arena.Bytes(m.Body)); ok {
			p.open.markReturned(id)
		}
	case *wire.ChannelOpenOk, *wire.QueueDeclareOk, *wire.ExchangeDeclareOk, *wire.QueueBindOk, *wire.ConfirmSelectOk:
		p.stepDone()
	case *wire.ChannelClose:
		p.s.send(&wire.ChannelCloseOk{Chan: m.Chan})
		p.s.fail()
	}
}

func (p *Producer) stepDone() {
	if len(p.steps) == 0 {
		return
	}
	if p.steps = p.steps[1:]; len(p.steps) > 0 {
		p.s.send(p.steps[0])
		return
	}
	p.declared = true
	p.s.ready()
	p.goOn()
}

// goOn tells an application that had to wait that it need not any more.
func (p *Producer) goOn() {
	if p.refused && p.takes() {
		p.refused = false
		p.sink.CanSend()
	}
}

func (p *Producer) takes() bool { return p.s.isReady() && !p.s.isBlocked }

// blocked: the node does not read what is published; a well-behaved application waits until it is told
// that it does again (connection-blocked.md).
func (p *Producer) blocked(on bool) {
	if !on {
		p.goOn()
	}
}

// lost: what is not confirmed may or may not be stored.
func (p *Producer) lost() {
	for {
		tag, ok := p.open.oldest()
		if !ok {
			break
		}
		x, _ := p.open.take(tag)
		p.sink.Answered(x.id, models.Answer{Outcome: models.Unknown, Returned: x.returned, Partition: x.partition, Offset: -1})
	}
	p.steps = p.steps[:0]
}

// Send publishes a message. The library has no queue of its own: without a usable channel it refuses.
func (p *Producer) Send(m models.Message) bool {
	if !p.takes() {
		p.refused = true
		return false
	}
	partition := p.choose(&m)
	w := p.proc.W
	ref, _ := w.Arena.Alloc(int(m.Size))
	w.Body(ref, m.ID)
	pub := p.cluster.Pool.Publish.Get()
	pub.Channel, pub.Mandatory, pub.Exchange = publishing, p.mandatory, p.exchange
	pub.Body, pub.Mode = ref, p.mode
	if partition >= 0 {
		pub.Key = p.queues[partition].Name
	}
	p.s.send(pub)
	if !p.confirms {
		p.sink.Answered(m.ID, models.Answer{Outcome: models.Acked, Partition: partition, Offset: -1})
		return true
	}
	p.open.add(m.ID, partition)
	return true
}

// choose picks a queue: the one that the workload names, that of the key, or the next in turn; -1 for a
// fanout exchange, which leads to all.
func (p *Producer) choose(m *models.Message) int32 {
	n := int32(len(p.queues))
	switch {
	case p.exchange != "":
		return -1
	case m.Partition >= 0:
		return m.Partition
	case m.Key >= 0:
		return m.Key % n
	}
	p.turn++
	return int32(p.turn-1) % n
}

// confirmed ends one publish, or with multiple every one up to the tag (confirms.md).
func (p *Producer) confirmed(tag uint64, multiple, nack bool) {
	if !multiple {
		if x, ok := p.open.take(tag); ok {
			p.answer(x, nack)
		}
		return
	}
	for {
		t, ok := p.open.oldest()
		if !ok || t > tag {
			return
		}
		x, _ := p.open.take(t)
		p.answer(x, nack)
	}
}

// answer tells the application. An ack after a return says only that nobody wanted the message; a nack
// says that the node could not take responsibility, not that nothing is stored.
func (p *Producer) answer(x publish, nack bool) {
	a := models.Answer{Outcome: models.Acked, Partition: x.partition, Offset: -1, Nacked: nack, Returned: x.returned}
	switch {
	case nack:
		a.Outcome = models.Unknown
	case x.returned:
		a.Outcome = models.Rejected
	default:
		if p.cluster.Acked != nil {
			p.cluster.Acked(p.s.node(), p.spec.Stream, x.partition)
		}
	}
	p.sink.Answered(x.id, a)
}

// Timer runs the session.
func (p *Producer) Timer(kind uint16, arg uint32) { p.s.timer(kind, arg) }

// Accept is never called: clients do not listen.
func (p *Producer) Accept(c *sim.Conn) {}

// Connected is the answer to Dial.
func (p *Producer) Connected(c *sim.Conn, err error) { p.s.connected(c, err) }

// Receive takes what the node sent.
func (p *Producer) Receive(c *sim.Conn, m any) { p.s.receive(c, m) }

// Closed is the end of a connection.
func (p *Producer) Closed(c *sim.Conn, why sim.CloseReason) { p.s.connectionClosed(c) }

// Synced is never called: clients have no files.
func (p *Producer) Synced(arg uint32, err error) {}

// Stop closes the connection in order.
func (p *Producer) Stop() { p.s.stop() }
