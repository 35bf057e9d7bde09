package broker

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// link is a connection that this broker opens to another one, with one request at a time
// (InterBrokerSendThread, BlockingSend).
type link struct {
	b       *Broker
	index   uint32
	host    *sim.Host
	port    sim.Port
	lane    int
	client  string
	timeout sim.Time
	answer  func(m wire.Response)
	failed  func()
	again   func() // of a channel to the controller: its pause is over
	out     *outbox

	conn     *sim.Conn
	open     bool
	req      wire.Request
	corr     int32
	deadline sim.Time
	armed    bool
}

func (b *Broker) newLink(host *sim.Host, port sim.Port, lane int, client string) *link {
	l := &link{b: b, index: uint32(len(b.links)), host: host, port: port, lane: lane, client: client,
		timeout: b.cfg.Replica.SocketTimeout}
	b.links = append(b.links, l)
	return l
}

// send sends a request, connecting first if need be. Exactly one of answer and failed follows.
func (l *link) send(m wire.Request) {
	if l.req != nil {
		panic("kafka broker: a second request on a link")
	}
	l.req = m
	l.corr++
	setHeader(m, l.corr, l.client)
	l.deadline = l.b.p.Now() + l.timeout
	l.arm()
	switch {
	case l.conn == nil:
		l.conn = l.b.p.Dial(l.host, l.port)
		l.conn.Data = l
	case l.open:
		l.conn.Send(m, m.Size())
	}
}

// arm keeps one timer per link: it fires, finds a later deadline and sleeps again.
func (l *link) arm() {
	if !l.armed {
		l.armed = true
		l.b.p.At(l.deadline, timerLink, l.index)
	}
}

// check fails a request that has waited for its time-out; the connection goes with it.
func (l *link) check() {
	l.armed = false
	if l.req == nil {
		return
	}
	if l.deadline > l.b.p.Now() {
		l.arm()
		return
	}
	l.b.p.Probe("kafka-inter-broker-timeout")
	l.close()
	l.fail()
}

func (l *link) connected(c *sim.Conn, err error) {
	if c != l.conn {
		return
	}
	if err != nil {
		l.conn, l.open = nil, false
		l.fail()
		return
	}
	l.open = true
	if l.req != nil {
		c.Send(l.req, l.req.Size())
	}
}

func (l *link) received(c *sim.Conn, m wire.Response) {
	if c != l.conn || l.req == nil || m.Correlation() != l.corr {
		return
	}
	l.req = nil
	l.answer(m)
}

func (l *link) lost(c *sim.Conn) {
	if c != l.conn {
		return
	}
	l.conn, l.open = nil, false
	l.fail()
}

func (l *link) fail() {
	if l.req == nil {
		return
	}
	l.req = nil
	l.failed()
}

// close drops the connection; a request under way is forgotten by the caller.
func (l *link) close() {
	if l.conn != nil {
		l.conn.Close()
		l.conn, l.open = nil, false
	}
}

// setHeader puts the correlation id and client id into a request of this broker.
func setHeader(m wire.Request, corr int32, client string) {
	h := wire.ReqHeader{Corr: corr, Client: client}
	switch m := m.(type) {
	case *wire.FetchRequest:
		m.ReqHeader = h
	case *wire.ListOffsetsRequest:
		m.ReqHeader = h
	case *wire.OffsetsForLeaderEpochRequest:
		m.ReqHeader = h
	case *wire.LeaderAndIsrRequest:
		m.ReqHeader = h
	case *wire.UpdateMetadataRequest:
		m.ReqHeader = h
	case *wire.StopReplicaRequest:
		m.ReqHeader = h
	case *wire.AlterPartitionRequest:
		m.ReqHeader = h
	case *wire.ControlledShutdownRequest:
		m.ReqHeader = h
	case *wire.BrokerRegistrationRequest:
		m.ReqHeader = h
	case *wire.BrokerHeartbeatRequest:
		m.ReqHeader = h
	case *wire.AllocateProducerIDsRequest:
		m.ReqHeader = h
	case *wire.CreateTopicsRequest:
		m.ReqHeader = h
	case *wire.ElectLeadersRequest:
		m.ReqHeader = h
	case *wire.AlterReassignmentsRequest:
		m.ReqHeader = h
	case *wire.AlterConfigsRequest:
		m.ReqHeader = h
	default:
		panic("kafka broker: a request that brokers do not send")
	}
}

// fetcher is the connection of the fetcher thread for one source.
func (b *Broker) fetcher(source int32) *link {
	l := b.fetchers[source]
	if l != nil {
		return l
	}
	n, ok := b.meta.address(source)
	if !ok {
		return nil
	}
	l = b.newLink(b.p.W.HostNamed(n.Host), wire.ReplicationPort, laneFetcher+int(source), "broker-"+itoa(b.cfg.ID)+"-fetcher-0")
	l.answer = func(m wire.Response) {
		switch m := m.(type) {
		case *wire.FetchResponse:
			b.rm.FetchResponse(source, m)
		case *wire.ListOffsetsResponse:
			b.rm.OffsetsResponse(source, m)
		case *wire.OffsetsForLeaderEpochResponse:
			b.rm.EpochsResponse(source, m)
		}
	}
	l.failed = func() { b.rm.FetchFailed(source) }
	b.fetchers[source] = l
	return l
}

// outbox is the controller's queue to one broker (RequestSendThread): strictly in order, one under
// way, repeated after 100 ms until the broker answers or leaves the live set.
type outbox struct {
	l     *link
	queue []wire.Request
	dead  bool
}

const outboxRetry = 100 * sim.Millisecond

func (b *Broker) connect(n wire.Node) {
	o := &outbox{}
	o.l = b.newLink(b.p.W.HostNamed(n.Host), wire.ControlPort, laneControl, itoa(b.cfg.ID))
	o.l.out = o
	o.l.answer = func(m wire.Response) {
		if r, ok := m.(*wire.LeaderAndIsrResponse); ok {
			b.ctl.LeaderAndIsrDone(n.ID, r)
		}
		o.queue[0] = nil
		o.queue = o.queue[1:]
		o.next()
	}
	o.l.failed = func() { b.p.After(outboxRetry, timerOutbox, o.l.index) }
	b.outboxes[n.ID] = o
}

func (b *Broker) disconnect(id int32) {
	if o := b.outboxes[id]; o != nil {
		o.dead = true
		o.queue = nil
		o.l.req = nil
		o.l.close()
		delete(b.outboxes, id)
	}
}

func (o *outbox) put(m wire.Request) {
	o.queue = append(o.queue, m)
	if len(o.queue) == 1 {
		o.next()
	}
}

func (o *outbox) next() {
	if !o.dead && len(o.queue) > 0 && o.l.req == nil {
		o.l.send(o.queue[0])
	}
}

// controlChannel carries requests of this broker to whoever is the controller
// (NodeToControllerChannelManager): it finds it in the metadata cache and repeats until answered.
type controlChannel struct {
	b    *Broker
	l    *link
	to   int32
	req  *wire.AlterPartitionRequest
	busy bool
}

// askAgain is the pause before a request to the controller is repeated (reconnect.backoff.ms of its
// NetworkClient); unknown, the controller is looked for every 100 ms.
const (
	askAgain   = 50 * sim.Millisecond
	lookForOne = 100 * sim.Millisecond
)

func (k *controlChannel) send(m *wire.AlterPartitionRequest) {
	k.req = m
	k.next()
}

func (k *controlChannel) next() {
	if k.req == nil || k.busy {
		return
	}
	n, ok := k.b.meta.node(k.b.meta.controller)
	if !ok {
		k.b.p.After(lookForOne, timerAskAgain, 0)
		return
	}
	if k.l == nil || k.to != n.ID {
		if k.l != nil {
			k.l.close()
		}
		k.to = n.ID
		k.l = k.b.newLink(k.b.p.W.HostNamed(n.Host), wire.ControlPort, laneControl, itoa(k.b.cfg.ID))
		k.l.answer, k.l.failed = k.answered, k.retry
	}
	k.busy = true
	k.l.send(k.req)
}

func (k *controlChannel) retry() {
	k.busy = false
	k.b.p.After(askAgain, timerAskAgain, 0)
}

func (k *controlChannel) answered(m wire.Response) {
	r := m.(*wire.AlterPartitionResponse)
	if r.Err == wire.NotController {
		k.l.close()
		k.retry()
		return
	}
	k.busy, k.req = false, nil
	k.b.rm.AlterPartitionDone(r)
}
