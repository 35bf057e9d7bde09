package client

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

const (
	timerGiveUp = timerLibrary + iota // a send failed without a request
	timerBatch                        // a batch has been gathered for long enough
)

// Indexes of Cluster.Statuses.
const (
	StatusNone uint8 = iota
	StatusOK
	StatusFlushDisk
	StatusFlushSlave
	StatusNoSlave
)

func statusOf(c wire.Code) uint8 {
	switch c {
	case wire.FlushDiskTimeout:
		return StatusFlushDisk
	case wire.FlushSlaveTimeout:
		return StatusFlushSlave
	case wire.SlaveNotAvailable:
		return StatusNoSlave
	}
	return StatusOK
}

// Producer is one incarnation of a Java producer: DefaultMQProducerImpl.
type Producer struct {
	cluster *Cluster
	spec    *models.ProducerSpec
	sink    models.ProducerSink
	cfg     producerConfig
	proc    *sim.Proc
	net     instance
	pub     *publish
	faults  faultTable
	sends   []send
	free    []uint32
	waiting []uint32 // sends that wait for a route
	flushed []uint32 // scratch
	props   []byte   // of every message, around its UNIQ_KEY
	warm    bool     // connections were opened ahead of the first send
	batch   gathering
	booted  sim.Time
}

// send is one message on its way, over all its attempts.
type send struct {
	m     models.Message
	body  sim.Ref
	ids   []sim.MsgID // of a batch; m is its first message
	refs  []sim.Ref   // the body of a batch
	begun sim.Time
	sent  sim.Time // of the present attempt
	pub   *publish // of the first attempt
	to    target
	addr  string
	tries int
	fixed bool // a MessageQueueSelector chose the queue (sendSelectImpl)
	doubt bool // an attempt may have been stored
	// stored is an answer that was not good enough (retryAnotherBrokerWhenNotStoreOK).
	stored bool
	best   models.Answer
}

// NewProducer makes a producer that begins to connect when it boots.
func NewProducer(c *Cluster, spec *models.ProducerSpec, sink models.ProducerSink) *Producer {
	return &Producer{cluster: c, spec: spec, sink: sink, cfg: readProducer(c, spec)}
}

// Boot starts the library.
func (p *Producer) Boot(proc *sim.Proc) {
	p.proc, p.booted = proc, proc.Now()
	p.props = append(p.props[:0], "UNIQ_KEY\x01"...)
	p.faults = faultTable{rules: p.cfg.isolation}
	p.net.producer = "PG-" + p.spec.Name
	p.net.boot(proc, p.cluster, &p.cfg.net, p, []string{p.cluster.Topics[p.spec.Stream]})
}

// Ready says that there is a route with a master, and that its connections stand.
func (p *Producer) Ready() bool {
	if !p.pub.ok() {
		return false
	}
	for i := range p.pub.queues {
		addr := p.net.master(p.pub.queues[i].group)
		if addr == "" || p.net.remote(addr).state != remoteOpen {
			return false
		}
	}
	return true
}

// Send is send(msg, callback), or send(msg) and sendOneway in their modes. The library takes every
// message; what it cannot send fails later.
func (p *Producer) Send(m models.Message) bool {
	if m.Size > p.cfg.maxSize {
		p.sink.Answered(m.ID, models.Answer{Outcome: models.Rejected, Partition: -1, Offset: -1}) // Validators.checkMessage
		return true
	}
	body, _ := p.proc.W.Arena.Alloc(int(m.Size))
	p.proc.W.Body(body, m.ID)
	fixed := m.Partition >= 0 || m.Key >= 0
	if p.cfg.batches() && !fixed {
		p.gather(m, body)
		return true
	}
	i := p.slot()
	p.sends[i] = send{m: m, body: body, begun: p.proc.Now(), fixed: fixed}
	p.begin(i)
	return true
}

// begin asks for a route if there is none, and makes the first attempt.
func (p *Producer) begin(i uint32) {
	if !p.pub.ok() {
		// tryToFindTopicPublishInfo asks the NameServer before it gives up.
		p.waiting = append(p.waiting, i)
		p.net.askRoute(0)
		return
	}
	p.first(i)
}

func (p *Producer) slot() uint32 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		return i
	}
	p.sends = append(p.sends, send{})
	return uint32(len(p.sends) - 1)
}

// first is the beginning of sendDefaultImpl and sendSelectImpl.
func (p *Producer) first(i uint32) {
	s := &p.sends[i]
	s.pub = p.pub
	switch {
	case s.m.Partition >= 0:
		group, queue := p.cluster.Queue(s.m.Stream, s.m.Partition)
		s.to = target{group, queue}
		if !s.pub.has(s.to) {
			p.later(i) // the selector finds no such queue in the list
			return
		}
	case s.m.Key >= 0: // SelectMessageQueueByHash
		s.to = s.pub.queues[int(s.m.Key)%len(s.pub.queues)]
	default:
		s.to = p.choose(s.pub, "")
	}
	p.attempt(i)
}

func (p *publish) has(t target) bool {
	for _, q := range p.queues {
		if q == t {
			return true
		}
	}
	return false
}

// later ends a send that failed inside the library.
func (p *Producer) later(i uint32) { p.proc.After(giveUpAfter, timerGiveUp, i) }

// giveUpAfter is how long an exception out of the library takes its caller: an assumption.
const giveUpAfter = 100 * sim.Microsecond

// attempt is sendKernelImpl.
func (p *Producer) attempt(i uint32) {
	s := &p.sends[i]
	now := p.proc.Now()
	s.tries++
	s.sent = now
	left := s.begun + p.cfg.timeout - now
	if left <= 0 && s.tries > 1 {
		p.proc.Probe("rocketmq-producer-budget-gone")
		p.giveUp(i) // RemotingTooMuchRequestException
		return
	}
	s.addr = p.net.master(s.to.group)
	if s.addr == "" {
		// "The broker[a] not exist". A synchronous send tries another queue; an asynchronous one has
		// only this attempt, and a retry of it ends at the NameServer, which knows no such request.
		p.proc.Probe("rocketmq-producer-no-master")
		p.later(i)
		return
	}
	req := p.request(s)
	r := p.net.remote(s.addr)
	if p.cfg.oneWay {
		p.net.oneway(r, callSend, req, i)
		return
	}
	if !p.cfg.sync {
		p.fault(s.to.group, 0, false)
	} else if p.cfg.perRequest > 0 {
		left = min(left, p.cfg.perRequest) // sendDefaultImpl@5.3.3
	}
	p.net.invoke(r, callSend, req, left, p.cfg.sync, i)
}

// request builds SEND_MESSAGE_V2 or SEND_BATCH_MESSAGE. Retries carry the same UNIQ_KEYs.
func (p *Producer) request(s *send) *wire.SendMessageRequest {
	req := p.cluster.Pool.Send()
	req.Group, req.Topic = p.net.producer, p.net.topics[0].name
	req.DefaultTopicNums, req.QueueID = 4, s.to.queue
	req.BornTimestamp = p.proc.Wall()
	req.MaxReconsumeTimes = -1
	req.WaitStore = p.cfg.waitStore
	if len(s.ids) > 0 {
		req.Props = p.cfg.appendWait(req.Props[:0])
		if p.cfg.autoBatch {
			req.Props = p.cfg.appendTags(req.Props) // MessageAccumulation.batch
		}
		req.Batch = append(req.Batch[:0], s.refs...)
		return req
	}
	req.Props = p.properties(req.Props[:0], s.m.ID)
	req.Body = s.body
	return req
}

// properties appends those of a message.
func (p *Producer) properties(b []byte, id sim.MsgID) []byte {
	b = appendKey(append(b, p.props...), id)
	return p.cfg.appendTags(p.cfg.appendWait(append(b, 2)))
}

func (c *producerConfig) appendWait(b []byte) []byte {
	if c.waitStore {
		return append(b, "WAIT\x01true\x02"...)
	}
	return append(b, "WAIT\x01false\x02"...)
}

func (c *producerConfig) appendTags(b []byte) []byte {
	if c.tags == "" {
		return b
	}
	return append(append(append(b, "TAGS\x01"...), c.tags...), 2)
}

// appendKey writes a UNIQ_KEY: 16 bytes in hex (MessageClientIDSetter.java). Here they are the number of
// the message.
func appendKey(b []byte, id sim.MsgID) []byte {
	const hex = "0123456789ABCDEF"
	b = append(b, "7F00000100010000"...)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hex[uint64(id)>>shift&15])
	}
	return b
}

// ended is the end of a call.
func (p *Producer) ended(r *remote, c call, resp wire.Response, how failure) {
	if c.kind == callSend {
		p.sendEnded(c, resp, how)
	}
}

// sendEnded is the callback of MQClientAPIImpl.sendMessageAsync, or what sendDefaultImpl's loop does with
// the result of an attempt.
func (p *Producer) sendEnded(c call, resp wire.Response, how failure) {
	i := c.arg
	s := &p.sends[i]
	now := p.proc.Now()
	if how == handedOver {
		p.answer(i, models.Answer{Outcome: models.Acked, Partition: p.cluster.Partition(s.m.Stream, s.to.group, s.to.queue), Offset: -1})
		return
	}
	if how != answered {
		s.doubt = s.doubt || how != unreachable
		p.fault(s.to.group, now-s.sent, true)
		p.again(i)
		return
	}
	code := resp.Result()
	if m, ok := resp.(*wire.SendMessageResponse); ok && code.Stored() {
		p.fault(s.to.group, now-s.sent, false)
		a := models.Answer{Outcome: models.Acked, Status: statusOf(code), Offset: m.QueueOffset,
			Partition: p.cluster.Partition(s.m.Stream, s.to.group, m.QueueID)}
		if p.cluster.Acked != nil {
			p.cluster.Acked(s.m.Stream, a.Partition, s.addr)
		}
		if code != wire.Success && p.cfg.sync && p.cfg.retryNotOK && !s.fixed {
			s.stored, s.best = true, a
			p.again(i)
			return
		}
		p.answer(i, a)
		return
	}
	p.fault(s.to.group, now-s.sent, true)
	s.doubt = s.doubt || code == wire.SystemError
	if p.cfg.sync && p.retried(code) {
		p.again(i)
		return
	}
	p.giveUp(i) // MQBrokerException; an asynchronous send never retries an answer
}

// retried says whether a code is one of DefaultMQProducer.retryResponseCodes.
func (p *Producer) retried(c wire.Code) bool {
	switch c {
	case wire.TopicNotExist, wire.ServiceNotAvailable, wire.SystemError, wire.NoPermission, wire.NoBuyerID, wire.NotInCurrentUnit:
		return true
	case wire.SystemBusy:
		return p.cfg.retryBusy
	}
	return false
}

// again is the next attempt, if there is one: of the loop in sendDefaultImpl, or of onExceptionImpl. The
// former begins with the list of now, both avoid the group that failed last.
func (p *Producer) again(i uint32) {
	s := &p.sends[i]
	retries := p.cfg.asyncRetries
	switch {
	case p.cfg.oneWay, p.cfg.sync && s.fixed:
		retries = 0
	case p.cfg.sync:
		retries = p.cfg.retries
	}
	if s.tries > retries {
		p.giveUp(i)
		return
	}
	if !s.fixed {
		// An asynchronous retry keeps the number of the queue that was chosen first: only the broker is
		// another one.
		queue := s.to.queue
		s.to = p.choose(s.pub, s.to.group)
		if !p.cfg.sync {
			s.to.queue = queue
		}
	}
	p.attempt(i)
}

// giveUp ends a send with an exception.
func (p *Producer) giveUp(i uint32) {
	s := &p.sends[i]
	switch {
	case s.stored:
		p.answer(i, s.best)
	case s.doubt:
		p.answer(i, models.Answer{Outcome: models.Unknown, Partition: -1, Offset: -1})
	default:
		p.answer(i, models.Answer{Outcome: models.Rejected, Partition: -1, Offset: -1})
	}
}

func (p *Producer) answer(i uint32, a models.Answer) {
	s := p.sends[i]
	p.sends[i] = send{}
	p.free = append(p.free, i)
	if len(s.ids) > 0 {
		p.answerBatch(&s, a)
		return
	}
	p.tell(s.m.ID, a)
}

// tell gives the application its answer.
func (p *Producer) tell(id sim.MsgID, a models.Answer) {
	if p.cluster.Status != nil && a.Status != StatusNone {
		p.cluster.Status(a.Status)
	}
	p.sink.Answered(id, a)
}

func (p *Producer) fault(group string, latency sim.Time, failed bool) {
	if p.cfg.latencyFaults {
		p.faults.update(group, latency, failed, p.proc.Now())
	}
}

// routeTaken goes on with the sends that waited for a route: there is one now, or they fail.
func (p *Producer) routeTaken(t int, known, changed bool) {
	if changed {
		p.pub = newPublish(p.net.topics[0].route, p.net.rnd)
	}
	if p.pub.ok() && !p.warm {
		// Connections are opened here rather than by the heartbeat a second later, so that a client
		// that is ready has its handshakes behind it.
		p.warm = true
		p.net.heartbeat()
	}
	if len(p.waiting) == 0 {
		return
	}
	list := p.waiting
	p.waiting, p.flushed = p.flushed[:0], nil
	for _, i := range list {
		if p.pub.ok() {
			p.first(i)
		} else {
			p.giveUp(i) // No route info of this topic
		}
	}
	p.flushed = list[:0]
}

func (p *Producer) wantsRoute(int) bool { return !p.pub.ok() }
func (p *Producer) notified()           {}
func (p *Producer) connected(*remote)   {}

// Timer runs the library.
func (p *Producer) Timer(kind uint16, arg uint32) {
	if p.net.timer(kind) {
		return
	}
	if kind == timerBatch {
		p.batchDue(arg)
		return
	}
	if p.cfg.sync && p.sends[arg].addr == "" && !p.sends[arg].fixed {
		p.again(arg)
		return
	}
	p.giveUp(arg)
}

// Accept is never called: clients do not listen.
func (p *Producer) Accept(*sim.Conn) {}

// Connected is the answer to Dial.
func (p *Producer) Connected(c *sim.Conn, err error) { p.net.connectedTo(c, err) }

// Receive takes an answer.
func (p *Producer) Receive(c *sim.Conn, m any) { p.net.receive(c, m) }

// Closed is the end of a connection.
func (p *Producer) Closed(c *sim.Conn, why sim.CloseReason) { p.net.closed(c, why) }

// Synced is never called: clients have no files.
func (p *Producer) Synced(uint32, error) {}

// Stop is DefaultMQProducer.shutdown: what is in flight is not waited for.
func (p *Producer) Stop() {
	p.net.close()
	p.proc.Exit()
}
