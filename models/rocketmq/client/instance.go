package client

import (
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// forever stands for no deadline.
const forever = sim.Time(1<<63 - 1)

// Timer kinds of every client; a library's own begin at timerLibrary.
const (
	timerAlarm     uint16 = iota // the earliest deadline of a waiting thread
	timerScan                    // NettyRemotingAbstract.scanResponseTable
	timerPoll                    // MQClientInstance.updateTopicRouteInfoFromNameServer
	timerHeartbeat               // MQClientInstance.sendHeartbeatToAllBrokerWithLock
	timerLibrary   uint16 = 16
)

// apiTimeout is mqClientApiTimeout: of calls that an application does not set (ClientConfig.java).
const apiTimeout = 3 * sim.Second

type callKind uint8

const (
	callRoute callKind = iota
	callHeartbeat
	callSend
	callPull
	callConsumerList
	callQueryOffset
	callMaxOffset
	callCommit
	callSendBack
	callLock
	callUnlock
	callAdmin
)

// failure is how a call ended without an answer.
type failure uint8

const (
	answered    failure = iota
	unreachable         // no connection: nothing was transmitted
	broken              // the connection ended with the request in flight
	timedOut
	handedOver // oneway: it is with the socket
)

func (f failure) String() string {
	return [...]string{"answered", "connection failed", "connection lost", "timed out", "handed over"}[f]
}

// call is one request in flight.
type call struct {
	opaque  int32
	kind    callKind
	waits   bool // a thread waits for it (invokeSync)
	tries   uint8
	begun   sim.Time
	timeout sim.Time
	arg     uint32 // the library's own
}

// library is what stands on an instance.
type library interface {
	// ended hands over the end of a call: resp if how is answered, else nil.
	ended(r *remote, c call, resp wire.Response, how failure)
	// routeTaken follows every route query of topic number t; known is false if no route came, changed
	// is true if the cached one is another now.
	routeTaken(t int, known, changed bool)
	// wantsRoute says that a route counts as changed even if it is not (isNeedUpdateTopicRouteInfo).
	wantsRoute(t int) bool
	// notified is NOTIFY_CONSUMER_IDS_CHANGED.
	notified()
	// connected: a connection to a broker is open.
	connected(r *remote)
}

type remoteState uint8

const (
	remoteDown remoteState = iota
	remoteDialing
	remoteOpen
)

// remote is a channel of NettyRemotingClient: at most one connection for each address.
type remote struct {
	host    *sim.Host
	port    sim.Port
	conn    *sim.Conn
	state   remoteState
	dialBy  sim.Time
	calls   []call // in flight, oldest first
	head    int
	waiting []waiter // calls whose threads wait for the connection
	lost    bool     // an open connection ended before
}

type waiter struct {
	c      call
	req    wire.Request
	oneway bool
}

// topic is what an instance caches of one topic.
type topic struct {
	name   string
	route  *wire.RouteResponse // nil: never came
	asking bool
}

// instance is MQClientInstance.
type instance struct {
	p        *sim.Proc
	cl       *Cluster
	cfg      *netConfig
	lib      library
	id       string
	producer string // group names; "" = none
	group    string
	filter   string // subExpression of the group's own topic
	topics   []topic
	addrs    []wire.BrokerData // brokerAddrTable, ordered by broker name
	remotes  []*remote
	namesrv  []*remote
	chosen   int
	orphans  []call // in flight on a connection that the peer closed in order
	expired  []expiry
	opaque   int32
	alarm    sim.Time
	rnd      *sim.Rand
}

type expiry struct {
	r *remote
	c call
}

// boot starts the scheduled tasks; their phases are drawn (MQClientInstance.startScheduledTask).
func (n *instance) boot(p *sim.Proc, cl *Cluster, cfg *netConfig, lib library, topics []string) {
	*n = instance{p: p, cl: cl, cfg: cfg, lib: lib, id: p.Host.Name + "@1", alarm: forever, rnd: p.Rand("client"),
		producer: n.producer, group: n.group, filter: n.filter}
	for _, t := range topics {
		n.topics = append(n.topics, topic{name: t})
	}
	for _, h := range cfg.namesrv {
		n.namesrv = append(n.namesrv, &remote{host: h, port: wire.NamesrvPort})
	}
	p.EveryFrom(3*sim.Second, sim.Second, timerScan, 0)
	p.Every(cfg.poll, timerPoll, 0)
	p.Every(cfg.heartbeat, timerHeartbeat, 0)
	for t := range n.topics {
		n.askRoute(t)
	}
}

// timer runs the instance's own timers; false if the kind is the library's.
func (n *instance) timer(kind uint16) bool {
	switch kind {
	case timerAlarm:
		n.alarmed()
	case timerScan:
		n.scan()
	case timerPoll:
		for t := range n.topics {
			n.askRoute(t)
		}
	case timerHeartbeat:
		n.cleanOffline()
		n.heartbeat()
	default:
		return false
	}
	return true
}

// need asks for an alarm at t or before.
func (n *instance) need(t sim.Time) {
	if t >= n.alarm {
		return
	}
	n.alarm = max(t, n.p.Now())
	n.p.At(n.alarm, timerAlarm, 0)
}

// remote is the channel to a broker's address.
func (n *instance) remote(addr string) *remote {
	for _, r := range n.remotes {
		if r.host.Name == addr {
			return r
		}
	}
	r := &remote{host: n.p.W.HostNamed(addr), port: wire.ClientPort}
	n.remotes = append(n.remotes, r)
	return r
}

// invoke sends a request, after connecting if need be (getAndCreateChannel). timeout counts from now;
// waits says that a thread waits for the answer.
func (n *instance) invoke(r *remote, kind callKind, req wire.Request, timeout sim.Time, waits bool, arg uint32) {
	n.opaque++
	h := wire.Head(req)
	h.Opaque, h.Oneway = n.opaque, false
	n.start(r, waiter{c: call{opaque: n.opaque, kind: kind, waits: waits, begun: n.p.Now(), timeout: timeout, arg: arg}, req: req})
}

// oneway sends a request that nobody answers.
func (n *instance) oneway(r *remote, kind callKind, req wire.Request, arg uint32) {
	n.opaque++
	h := wire.Head(req)
	h.Opaque, h.Oneway = n.opaque, true
	n.start(r, waiter{c: call{opaque: n.opaque, kind: kind, begun: n.p.Now(), timeout: apiTimeout, arg: arg}, req: req, oneway: true})
}

func (n *instance) start(r *remote, w waiter) {
	if r.state == remoteOpen {
		n.transmit(r, w)
		return
	}
	r.waiting = append(r.waiting, w)
	n.connect(r)
}

func (n *instance) connect(r *remote) {
	if r.state != remoteDown {
		return
	}
	r.state = remoteDialing
	r.dialBy = n.p.Now() + n.cfg.connect
	r.conn = n.p.Dial(r.host, r.port)
	r.conn.Data = r
	n.need(r.dialBy)
}

func (n *instance) transmit(r *remote, w waiter) {
	r.conn.Send(w.req, w.req.Size())
	if w.oneway {
		if w.c.kind == callSend {
			n.lib.ended(r, w.c, nil, handedOver)
		}
		return
	}
	if r.head > 64 && 2*r.head >= len(r.calls) {
		k := copy(r.calls, r.calls[r.head:])
		r.calls, r.head = r.calls[:k], 0
	}
	r.calls = append(r.calls, w.c)
	if w.c.waits {
		n.need(w.c.begun + w.c.timeout)
	}
}

// connectedTo is the answer to Dial.
func (n *instance) connectedTo(c *sim.Conn, err error) {
	r, ok := c.Data.(*remote)
	if !ok || r.conn != c {
		return
	}
	if err != nil {
		n.down(r, unreachable)
		return
	}
	r.state = remoteOpen
	if r.lost && r.port == wire.ClientPort {
		n.p.Emit("client-reconnected", "", "to "+r.host.Name)
	}
	list := r.waiting
	r.waiting = nil
	for i := range list {
		if w := list[i]; n.p.Now() > w.c.begun+w.c.timeout {
			n.giveBack(w.req)
			n.fail(r, w.c, unreachable)
		} else {
			n.start(r, w)
		}
	}
	r.reuse(list)
	if r.port == wire.ClientPort {
		n.lib.connected(r)
	}
}

// receive matches an answer with its request.
func (n *instance) receive(c *sim.Conn, m any) {
	r, ok := c.Data.(*remote)
	if !ok || r.conn != c {
		return
	}
	resp, ok := m.(wire.Response)
	if !ok {
		if _, notice := m.(*wire.NotifyConsumerIdsChanged); notice {
			n.lib.notified()
		}
		return
	}
	opaque := resp.Correlation()
	for i := r.head; i < len(r.calls); i++ {
		if r.calls[i].opaque != opaque {
			continue
		}
		done := r.calls[i]
		if i == r.head {
			r.head++
		} else {
			r.calls = append(r.calls[:i], r.calls[i+1:]...)
		}
		if r.head == len(r.calls) {
			r.calls, r.head = r.calls[:0], 0
		}
		n.finish(r, done, resp)
		break
	}
	switch m := m.(type) {
	case *wire.SendMessageResponse:
		n.cl.Pool.PutSent(m)
	case *wire.PullMessageResponse:
		n.cl.Pool.PutPulled(m)
	}
}

func (n *instance) finish(r *remote, c call, resp wire.Response) {
	switch c.kind {
	case callRoute:
		n.routeAnswered(int(c.arg), resp)
	default:
		n.lib.ended(r, c, resp, answered)
	}
}

// fail ends a call without an answer.
func (n *instance) fail(r *remote, c call, how failure) {
	if c.kind != callRoute {
		n.lib.ended(r, c, nil, how)
		return
	}
	t := int(c.arg)
	n.topics[t].asking = false
	if how == unreachable && int(c.tries)+1 < len(n.namesrv) {
		// getAndCreateNameserverChannel tries one after the other.
		n.queryRoute(t, c.tries+1)
		return
	}
	n.lib.routeTaken(t, false, false)
}

// closed is the end of a connection that the peer or its kernel brought about.
func (n *instance) closed(c *sim.Conn, why sim.CloseReason) {
	r, ok := c.Data.(*remote)
	if !ok || r.conn != c {
		return
	}
	if why == sim.CloseFIN && n.cfg.slowFIN {
		// Up to 5.1.2 nothing tells the callers: netty closes the channel without its handler's close
		// (NettyConnectManageHandler has no channelInactive). They wait out their time-outs.
		n.p.Probe("rocketmq-client-fin-in-flight")
		n.orphans = append(n.orphans, r.calls[r.head:]...)
		r.calls, r.head = r.calls[:0], 0
	}
	n.down(r, broken)
}

// down fails what is in flight on a connection (failFast) and what waits for it.
func (n *instance) down(r *remote, how failure) {
	r.lost = r.lost || r.state == remoteOpen
	calls, head, waiting := r.calls, r.head, r.waiting
	r.calls, r.head, r.waiting = nil, 0, nil
	r.conn, r.state = nil, remoteDown
	for _, c := range calls[head:] {
		n.fail(r, c, how)
	}
	for i := range waiting {
		n.giveBack(waiting[i].req)
		n.fail(r, waiting[i].c, unreachable)
	}
	r.reuse(waiting)
}

// reuse gives a list of waiters back that has been worked off.
func (r *remote) reuse(list []waiter) {
	if r.waiting == nil {
		clear(list)
		r.waiting = list[:0]
	}
}

// giveBack returns a pooled request that was not sent.
func (n *instance) giveBack(req wire.Request) {
	switch m := req.(type) {
	case *wire.SendMessageRequest:
		n.cl.Pool.PutSend(m)
	case *wire.PullMessageRequest:
		n.cl.Pool.PutPull(m)
	}
}

// close ends all connections in order, after telling the brokers that the client leaves
// (MQClientAPIImpl.unregisterClient).
func (n *instance) close() {
	for _, r := range n.remotes {
		if r.state == remoteOpen {
			m := &wire.UnregisterClientRequest{ClientID: n.id, Producer: n.producer, Consumer: n.group}
			n.opaque++
			m.Opaque, m.Oneway = n.opaque, true
			r.conn.Send(m, m.Size())
		}
	}
	for _, list := range [][]*remote{n.namesrv, n.remotes} {
		for _, r := range list {
			if r.conn != nil {
				r.conn.Close()
				r.conn, r.state = nil, remoteDown
			}
		}
	}
}
