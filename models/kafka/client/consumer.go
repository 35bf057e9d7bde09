package client

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Consumer is one incarnation of a Java consumer with the classic group protocol: KafkaConsumer,
// ConsumerCoordinator with its heartbeat thread, and Fetcher. The application loops around poll(): what
// a poll returned is processed before the next one.
type Consumer struct {
	cluster *Cluster
	spec    *models.ConsumerSpec
	sink    models.ConsumerSink
	cfg     consumerConfig
	proc    *sim.Proc
	net     network
	topic   string

	group membership

	// positions
	parts      []*assigned // in order of partition
	assignment uint32      // counts assignments

	// what was fetched and not yet handed over
	buffers []buffer
	head    int
	links   []*link // scratch

	// the application
	polling     bool // inside poll
	delivering  bool // between the first and last record of a poll
	outstanding int  // records that the application has not finished
	token       uint64
	lastPoll    sim.Time
	batch       []models.Delivery // what the present poll returns
	stopping    bool

	commits commits
}

// buffer is CompletedFetch: one partition's part of a response.
type buffer struct {
	p       *assigned
	refs    []sim.Ref
	cur     log.Cursor
	recs    log.Records
	inBatch bool
	next    int64 // offset after the present batch
	epoch   int32 // of the present batch
}

// NewConsumer makes a consumer that joins its group when it boots.
func NewConsumer(c *Cluster, spec *models.ConsumerSpec, sink models.ConsumerSink) *Consumer {
	return &Consumer{cluster: c, spec: spec, sink: sink, cfg: readConsumer(spec), topic: c.Topics[spec.Stream]}
}

// Boot starts the library.
func (c *Consumer) Boot(proc *sim.Proc) {
	c.proc = proc
	c.lastPoll = proc.Now()
	c.group.init()
	c.commits.nextAuto = proc.Now() + c.cfg.autoInterval
	c.net.boot(proc, &c.cfg.net, c, c.cluster.bootstrap(c.spec.Index, c.spec.At, c.spec.Stay), []string{c.topic})
}

// Ready says that the consumer has its assignment and knows where to read.
func (c *Consumer) Ready() bool {
	if c.group.state != memberStable || c.group.given {
		return false
	}
	for _, p := range c.parts {
		if p.state != posFetching && p.state != posStuck {
			return false
		}
	}
	return true
}

// Timer runs the alarm; the library has no other timer.
func (c *Consumer) Timer(kind uint16, arg uint32) {
	if kind == timerAlarm {
		c.net.alarmed()
	}
}

// Accept is never called: clients do not listen.
func (c *Consumer) Accept(*sim.Conn) {}

// Connected is the answer to Dial.
func (c *Consumer) Connected(conn *sim.Conn, err error) { c.net.connectedTo(conn, err) }

// Receive takes an answer.
func (c *Consumer) Receive(conn *sim.Conn, m any) { c.net.receive(conn, m) }

// Closed is the end of a connection.
func (c *Consumer) Closed(conn *sim.Conn, why sim.CloseReason) { c.net.closed(conn) }

// Synced is never called: clients have no files.
func (c *Consumer) Synced(arg uint32, err error) {}

// Stop is KafkaConsumer.close: commit what may be committed and wait for the answer, leave the group, end.
func (c *Consumer) Stop() {
	c.stopping = true
	c.commitOnClose()
	if !c.commits.inFlight {
		c.finish()
	}
}

func (c *Consumer) finish() {
	c.leave()
	c.net.close()
	c.proc.Exit()
}

func (c *Consumer) connected(l *link) {
	if l == c.group.link {
		c.group.findFailed, c.group.reached = 0, true
	}
	c.goOn()
}

// goOn gives every part of the library its turn: the heartbeat thread, then the application's.
func (c *Consumer) goOn() {
	c.beat(c.proc.Now())
	c.goOnBefore()
	c.poll()
}

// metadataChanged: leaders may have moved, and a group's leader may have waited for a topic.
func (c *Consumer) metadataChanged() {
	for _, p := range c.parts {
		c.leaderChanged(p)
		p.held = false
	}
	c.finishAssigning()
	c.goOn()
}

// deadline is the alarm's share: heartbeats, back-offs, auto-commits.
func (c *Consumer) deadline(now sim.Time) { c.goOn() }

// answered dispatches the answers to the library's requests.
func (c *Consumer) answered(l *link, call *call, resp wire.Response, err wire.Error) {
	if c.stopping {
		if call.kind == callCommit && c.proc.Alive() {
			c.finish()
		}
		return
	}
	switch call.kind {
	case callFetch:
		c.fetched(l, resp)
	case callCommit:
		c.committed(call, resp, err)
	case callHeartbeat:
		c.beaten(call, resp, err)
	case callFindCoordinator:
		c.foundCoordinator(resp, err)
	case callJoin:
		c.joined(resp, err)
	case callSync:
		c.synced(call, resp, err)
	case callOffsetFetch:
		c.gotCommitted(call, resp, err)
	case callListOffsets:
		c.gotOffsets(call, resp, err)
	case callEpochs:
		c.gotEpochEnd(call, resp, err)
	}
	if resp == nil || call.kind == callFindCoordinator {
		c.beat(c.proc.Now())
	}
	c.goOnBefore()
	c.poll()
}

// poll is KafkaConsumer.poll, called again and again while the application is idle: take part in the
// group, commit on schedule, find positions, send fetches, hand over what has come.
func (c *Consumer) poll() {
	if c.polling || c.stopping {
		return
	}
	c.polling = true
	defer func() { c.polling = false }()
	for c.outstanding == 0 && c.commits.before == beforeIdle {
		now := c.proc.Now()
		c.lastPoll = now
		if c.group.given {
			c.assign()
		}
		if !c.takePart(now) && len(c.parts) == 0 {
			return // a cooperative member goes on with what it has (KAFKA-8421)
		}
		c.autoCommit(now)
		c.updatePositions(now)
		if !c.collect() {
			c.sendFetches()
			return
		}
		// The next fetches leave before the application gets the records.
		c.sendFetches()
		if c.cfg.ack == models.AckBefore {
			c.commitBefore()
			return
		}
		c.deliver()
	}
}

// deliver hands the present poll's records to the application.
func (c *Consumer) deliver() {
	c.delivering = true
	c.outstanding = len(c.batch)
	for i := range c.batch {
		c.sink.Delivered(c.batch[i])
	}
	c.batch = c.batch[:0]
	c.delivering = false
	if c.outstanding == 0 {
		c.processed()
		return
	}
	c.net.need(c.lastPoll + c.cfg.maxPollInterval)
}

// Processed ends the processing of one record. Kafka knows no failure of a single record: the position
// moves on.
func (c *Consumer) Processed(token uint64, ok bool) {
	if c.outstanding == 0 {
		return
	}
	c.outstanding--
	if c.outstanding == 0 && !c.delivering {
		c.processed()
		c.poll()
	}
}

// processed: the application is through with a poll's records.
func (c *Consumer) processed() {
	for _, p := range c.parts {
		p.done = p.offset
	}
	if c.cfg.ack == models.AckAfter {
		c.commits.dirty = true
		c.commitAsync(c.proc.Now())
	}
}

// buffer keeps a fetched response until poll returns its records.
func (c *Consumer) buffer(p *assigned, refs []sim.Ref) {
	p.buffered = true
	c.buffers = append(c.buffers, buffer{p: p, refs: refs, cur: log.NewCursor(&c.proc.W.Arena, refs)})
}

// collect is FetchCollector.collectFetch: up to max.poll.records, buffer after buffer. Positions move
// with what is returned. It reports whether there is anything.
func (c *Consumer) collect() bool {
	c.batch = c.batch[:0]
	for c.head < len(c.buffers) && len(c.batch) < c.cfg.maxPollRecords {
		b := &c.buffers[c.head]
		if !b.p.gone && b.p.state == posFetching && c.take(b) {
			break // the poll is full and the buffer is not empty
		}
		b.p.buffered = false
		*b = buffer{}
		c.head++
	}
	if c.head == len(c.buffers) {
		c.buffers, c.head = c.buffers[:0], 0
	}
	return len(c.batch) > 0
}

// take moves records from a buffer to the poll's result; true if the poll is full first.
func (c *Consumer) take(b *buffer) bool {
	p := b.p
	for {
		for b.inBatch && b.recs.Next() {
			r := &b.recs.Record
			if r.Offset < p.offset {
				continue // a fetch returns whole batches
			}
			c.token++
			c.batch = append(c.batch, models.Delivery{
				Body: r.Body, Stream: c.spec.Stream, Partition: p.index, Offset: r.Offset, Token: c.token,
			})
			p.offset, p.epoch = r.Offset+1, b.epoch
			if len(c.batch) == c.cfg.maxPollRecords {
				return true
			}
		}
		if b.inBatch {
			b.inBatch = false
			if err := b.recs.Err(); err != nil {
				c.stuck(p)
				return false
			}
			p.offset, p.epoch = max(p.offset, b.next), b.epoch
		}
		if !b.cur.Next() {
			if b.cur.Err() != nil {
				c.stuck(p)
			}
			return false
		}
		if c.cfg.checkCRCs && !b.cur.Valid() {
			c.stuck(p)
			return false
		}
		h := b.cur.Header
		b.next, b.epoch = h.NextOffset(), h.LeaderEpoch()
		if h.Control() {
			p.offset, p.epoch = max(p.offset, b.next), b.epoch
			continue
		}
		b.recs, b.inBatch = b.cur.Records(), true
	}
}

// stuck: poll() throws at this record, now and whenever it is called again; the application cannot
// get past it.
func (c *Consumer) stuck(p *assigned) {
	p.state = posStuck
	c.proc.Probe("kafka-consumer-corrupt")
	c.proc.Emit("consumer-stuck", c.topic, "a record does not match its checksum")
}
