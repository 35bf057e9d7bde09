package client

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Producer is one incarnation of a Java producer: KafkaProducer, RecordAccumulator and Sender.
type Producer struct {
	cluster *Cluster
	spec    *models.ProducerSpec
	sink    models.ProducerSink
	cfg     producerConfig
	proc    *sim.Proc
	net     network

	// accumulator
	queues   []*queue // by partition
	active   []*queue // those with batches, in order of partition
	sticky   sticky
	free     int64 // of buffer.memory
	refused  int64 // what a Send needed and did not find
	waiting  bool  // a Send came before the metadata
	blocked  blocked
	grown    int // bytes that the last append took
	spare    []*batch
	builders []*log.Builder

	// sender
	armed   bool // a pass is scheduled
	closing bool
	links   []*link // scratch of a pass
	lists   [][]*batch
	lent    []*produceRequest // free list of requests

	// idempotence
	pid       int64 // -1: none yet
	pepoch    int16
	asking    bool // InitProducerId is in flight
	askFailed int
	askAt     sim.Time // end of its back-off
	bump      bool     // the epoch must be bumped
	doubts    int      // partitions with an unresolved sequence
}

// blocked is the send() that waits for metadata or memory, if any: the application calls it again with
// the same message.
type blocked struct {
	id    sim.MsgID
	since sim.Time
	holds bool
	over  bool // for longer than max.block.ms
}

// NewProducer makes a producer that begins to connect when it boots.
func NewProducer(c *Cluster, spec *models.ProducerSpec, sink models.ProducerSink) *Producer {
	return &Producer{cluster: c, spec: spec, sink: sink, cfg: readProducer(spec)}
}

// Boot starts the library: it connects to a bootstrap server and asks for metadata.
func (p *Producer) Boot(proc *sim.Proc) {
	p.proc = proc
	p.free = p.cfg.bufferMemory
	p.sticky.partition = -1
	p.pid, p.pepoch = -1, -1
	p.net.boot(proc, &p.cfg.net, p, p.cluster.bootstrap(p.spec.Index, p.spec.At, p.spec.Stay),
		[]string{p.cluster.Topics[p.spec.Stream]})
}

func (p *Producer) topic() *topicMeta { return &p.net.meta.topics[0] }

// Ready says that the producer knows the topic and, if it is idempotent, has its producer id.
func (p *Producer) Ready() bool {
	if len(p.queues) == 0 || p.cfg.idempotent && p.pid < 0 {
		return false
	}
	for i := range p.queues {
		if l := p.net.link(p.topic().part(int32(i)).leader); l == nil || l.state != linkReady {
			return false
		}
	}
	return true
}

// Send is KafkaProducer.send without its blocking: where the Java call would wait for metadata or for
// memory it returns false; after max.block.ms the call ends with a TimeoutException, and nothing was begun.
func (p *Producer) Send(m models.Message) bool {
	if p.take(m) {
		p.blocked.holds = false
		return true
	}
	now := p.proc.Now()
	if b := &p.blocked; !b.holds || b.id != m.ID {
		*b = blocked{id: m.ID, since: now, holds: true}
	}
	if p.blocked.over {
		p.blocked.holds = false
		p.sink.Answered(m.ID, models.Answer{Outcome: models.Rejected, Partition: -1, Offset: -1})
		return true
	}
	p.net.need(p.blocked.since + p.cfg.maxBlock)
	return false
}

// unblock ends a send() that has waited for max.block.ms: the application's next try is told.
func (p *Producer) unblock(now sim.Time) {
	b := &p.blocked
	if !b.holds || b.over {
		return
	}
	if by := b.since + p.cfg.maxBlock; now < by {
		p.net.need(by)
		return
	}
	p.proc.Probe("kafka-producer-max-block")
	b.over = true
	p.sink.CanSend()
}

func (p *Producer) take(m models.Message) bool {
	if len(p.queues) == 0 {
		p.waiting = true
		return false
	}
	var key []byte
	if m.Key >= 0 {
		key = keyBytes(m.Key)
	}
	if n := upperBound(key, int(m.Size)); n > p.cfg.maxRequestSize || int64(n) > p.cfg.bufferMemory {
		// RecordTooLargeException out of send(): nothing was begun.
		p.sink.Answered(m.ID, models.Answer{Outcome: models.Rejected, Partition: -1, Offset: -1})
		return true
	}
	keyless := false
	partition := m.Partition
	switch {
	case partition >= 0:
	case key != nil:
		partition = partitionForKey(key, len(p.queues))
	default:
		keyless = true
		partition = p.sticky.choose(p, int(m.Size))
	}
	if int(partition) >= len(p.queues) {
		p.sink.Answered(m.ID, models.Answer{Outcome: models.Rejected, Partition: -1, Offset: -1})
		return true
	}
	q := p.queues[partition]
	if !p.append(q, key, m.ID, int(m.Size)) {
		return false
	}
	if keyless {
		last := q.last()
		p.sticky.noteAppend(p, partition, p.grown, last == nil || last.full)
	}
	if p.spec.OneWay {
		p.sink.Answered(m.ID, models.Answer{Outcome: models.Acked, Partition: partition, Offset: -1})
	}
	return true
}

// pass schedules a pass of the Sender behind the present callback.
func (p *Producer) pass() {
	if !p.armed {
		p.armed = true
		p.proc.After(0, timerPass, 0)
	}
}

// Timer runs the library's thread.
func (p *Producer) Timer(kind uint16, arg uint32) {
	switch kind {
	case timerAlarm:
		p.net.alarmed()
	case timerPass:
		p.armed = false
		p.run()
	}
}

// Accept is never called: clients do not listen.
func (p *Producer) Accept(c *sim.Conn) {}

// Connected is the answer to Dial.
func (p *Producer) Connected(c *sim.Conn, err error) { p.net.connectedTo(c, err) }

// Receive takes an answer.
func (p *Producer) Receive(c *sim.Conn, m any) { p.net.receive(c, m) }

// Closed is the end of a connection.
func (p *Producer) Closed(c *sim.Conn, why sim.CloseReason) { p.net.closed(c) }

// Synced is never called: clients have no files.
func (p *Producer) Synced(arg uint32, err error) {}

// Stop is KafkaProducer.close: everything that was sent is completed first.
func (p *Producer) Stop() {
	p.closing = true
	p.pass()
}

// metadataChanged makes the queues of a topic that grew and goes on with what waited for a leader.
func (p *Producer) metadataChanged() {
	t := p.topic()
	for i := len(p.queues); i < len(t.parts); i++ {
		p.queues = append(p.queues, &queue{
			tp: wire.TopicPartition{Topic: t.name, Partition: int32(i)}, lastAcked: -1, pid: -1, pepoch: -1,
		})
	}
	// Connections are opened here rather than at the first send, so that a client that is ready has
	// its handshakes behind it, as one that has sent before.
	for i := range t.parts {
		if l := p.net.link(t.parts[i].leader); l != nil && !p.warm() {
			p.net.connect(l)
		}
	}
	p.pass()
}

// warm says that the producer has been used: from then on it connects only when it has to send.
func (p *Producer) warm() bool { return p.free != p.cfg.bufferMemory || p.sticky.partition >= 0 }

func (p *Producer) connected(l *link) { p.pass() }

// deadline is the alarm's share of the Sender.
func (p *Producer) deadline(now sim.Time) {
	p.expireBatches(now)
	p.unblock(now)
	p.run()
}

// answered dispatches the answers to the Sender's requests.
func (p *Producer) answered(l *link, c *call, resp wire.Response, err wire.Error) {
	switch c.kind {
	case callProduce:
		p.produced(l, c, resp, err)
	case callInitProducer:
		p.gotProducerID(resp, err)
	}
	p.pass()
}
