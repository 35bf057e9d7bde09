package client

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// forever stands for no deadline.
const forever = sim.Time(1<<63 - 1)

// Timer kinds of every client.
const (
	timerAlarm uint16 = iota // the earliest deadline of all concerns
	timerPass                // the library's own thread has its turn
)

type callKind uint8

const (
	callVersions callKind = iota
	callMetadata
	callProduce
	callInitProducer
	callFindCoordinator
	callJoin
	callSync
	callHeartbeat
	callLeave
	callCommit
	callOffsetFetch
	callListOffsets
	callEpochs
	callFetch
	callAdmin
)

// call is one request in flight.
type call struct {
	corr    int32
	kind    callKind
	sent    sim.Time
	timeout sim.Time
	batches []*batch // of a produce request
	lent    *produceRequest
	arg     int64 // the library's own
}

// library is what stands on a network.
type library interface {
	// answered hands over the answer to a call. resp is nil when the connection was lost first; then
	// err is NETWORK_EXCEPTION, or REQUEST_TIMED_OUT when the client itself closed it.
	answered(l *link, c *call, resp wire.Response, err wire.Error)
	// metadataChanged follows every metadata response that was taken over.
	metadataChanged()
	// connected: requests can be sent to l.
	connected(l *link)
	// deadline does what is due, and asks for the next alarm with network.need.
	deadline(now sim.Time)
}

type linkState uint8

const (
	linkDown    linkState = iota
	linkDialing           // SYN sent
	linkHello             // waiting for the answer to ApiVersions
	linkReady
)

// link is a client's connection to one broker, or to one bootstrap address (negative id).
type link struct {
	id     int32
	host   *sim.Host
	listed bool // by the newest metadata

	conn     *sim.Conn
	state    linkState
	calls    []call   // in flight, oldest first: brokers answer in order
	failures int      // connections that ended since one was last ready
	retryAt  sim.Time // end of the reconnect back-off
	tried    sim.Time
	setups   int // set-ups that failed in a row
	setupBy  sim.Time

	session fetchSession  // of a consumer
	lent    *fetchRequest // of a consumer: memory of the next fetch, nil: none
	turn    int           // where a producer's next drain begins
	ready   bool          // scratch of a producer's pass
}

// network is NetworkClient: connections with their back-off, requests in flight with their time-out,
// and the metadata.
type network struct {
	p     *sim.Proc
	cfg   *netConfig
	lib   library
	meta  metadata
	links []*link // bootstrap addresses first, then brokers in order of appearance
	byID  map[int32]*link
	near  [nearLinks]*link // a cache in front of byID
	rnd   *sim.Rand
	corr  int32
	alarm sim.Time
	done  call // the one that is being answered
}

func (n *network) boot(p *sim.Proc, cfg *netConfig, lib library, bootstrap []*sim.Host, topics []string) {
	*n = network{p: p, cfg: cfg, lib: lib, byID: map[int32]*link{}, rnd: p.Rand("client"), alarm: forever}
	n.meta.init(topics)
	for i, h := range bootstrap {
		n.add(int32(-1-i), h)
	}
	n.need(p.Now())
}

func (n *network) add(id int32, h *sim.Host) *link {
	l := &link{id: id, host: h, listed: true}
	n.links = append(n.links, l)
	n.byID[id] = l
	return l
}

// link is the connection to a broker, nil if metadata never named it.
func (n *network) link(id int32) *link {
	slot := &n.near[uint32(id)%nearLinks]
	if l := *slot; l != nil && l.id == id {
		return l
	}
	l := n.byID[id]
	*slot = l
	return l
}

// nearLinks is a power of two.
const nearLinks = 8

// need asks for an alarm at t or before.
func (n *network) need(t sim.Time) {
	if t >= n.alarm {
		return
	}
	n.alarm = max(t, n.p.Now())
	n.p.At(n.alarm, timerAlarm, 0)
}

// alarmed handles timerAlarm. Alarms that were overtaken by an earlier one do nothing.
func (n *network) alarmed() {
	now := n.p.Now()
	if now < n.alarm {
		return
	}
	if late := now > n.alarm; late {
		// The process was frozen: what arrived meanwhile is read before time-outs are judged
		// (NetworkClient.poll: completed receives, then timed-out requests).
		n.alarm = now
		n.p.At(now, timerAlarm, 0)
		return
	}
	n.alarm = forever
	n.expire(now)
	n.lib.deadline(now)
	n.updateMetadata(now)
}

// expire closes connections with a request, or a set-up, that took too long.
func (n *network) expire(now sim.Time) {
	for _, l := range n.links {
		if l.state == linkDown {
			continue
		}
		by := l.deadline()
		if l.state == linkDialing {
			by = l.setupBy
		}
		if by <= now {
			l.conn.Close()
			n.down(l, true)
			continue
		}
		n.need(by)
	}
}

// deadline is when the first of a connection's requests times out.
func (l *link) deadline() sim.Time {
	by := forever
	for i := range l.calls {
		by = min(by, l.calls[i].sent+l.calls[i].timeout)
	}
	return by
}

// usable says that a request can be sent to l now (NetworkClient.canSendRequest).
func (n *network) usable(l *link) bool {
	return l.state == linkReady && len(l.calls) < n.cfg.maxInFlight
}

// reach is NetworkClient.ready: is l usable, and if it is down, connect.
func (n *network) reach(l *link) bool {
	if n.usable(l) {
		return true
	}
	n.connect(l)
	return false
}

// connect dials unless a connection exists or its back-off holds.
func (n *network) connect(l *link) {
	if l.state != linkDown {
		return
	}
	now := n.p.Now()
	if now < l.retryAt {
		n.need(l.retryAt)
		return
	}
	l.state, l.tried = linkDialing, now
	l.setupBy = now + n.cfg.setup.draw(n.rnd, l.setups)
	l.conn = n.p.Dial(l.host, wire.ClientPort)
	l.conn.Data = l
	n.need(l.setupBy)
}

// send gives a request to a connection that is ready.
func (n *network) send(l *link, kind callKind, req wire.Request, timeout sim.Time) *call {
	now := n.p.Now()
	l.calls = append(l.calls, call{corr: n.corr, kind: kind, sent: now, timeout: timeout})
	l.conn.Send(req, req.Size())
	n.need(now + timeout)
	return &l.calls[len(l.calls)-1]
}

// header numbers the next request.
func (n *network) header() wire.ReqHeader {
	n.corr++
	return wire.ReqHeader{Corr: n.corr, Client: n.cfg.client}
}

// Connected is the answer to Dial.
func (n *network) connectedTo(c *sim.Conn, err error) {
	l, ok := c.Data.(*link)
	if !ok || l.conn != c {
		return
	}
	if err != nil {
		n.down(l, false)
		return
	}
	l.state = linkHello
	n.send(l, callVersions, &wire.ApiVersionsRequest{ReqHeader: n.header()}, n.cfg.requestTimeout)
}

// receive matches an answer with the oldest request of its connection.
func (n *network) receive(c *sim.Conn, m any) {
	l, ok := c.Data.(*link)
	if !ok || l.conn != c || len(l.calls) == 0 {
		return
	}
	resp := m.(wire.Response)
	done := &n.done
	*done = l.calls[0]
	if done.corr != resp.Correlation() {
		n.p.W.Violate("kafka-client-correlation", n.p.Host.Name+" got an answer out of order from "+l.host.Name)
		return
	}
	l.calls = l.calls[:copy(l.calls, l.calls[1:])]
	switch done.kind {
	case callVersions:
		l.state = linkReady
		if l.failures > 0 {
			n.p.Emit("client-reconnected", "", "to "+l.host.Name)
		}
		l.failures, l.setups = 0, 0
		n.lib.connected(l)
		n.updateMetadata(n.p.Now())
	case callMetadata:
		n.takeMetadata(resp.(*wire.MetadataResponse))
	default:
		n.lib.answered(l, done, resp, wire.None)
	}
}

// closed is the end of a connection that the peer or its kernel brought about.
func (n *network) closed(c *sim.Conn) {
	if l, ok := c.Data.(*link); ok && l.conn == c {
		n.down(l, false)
	}
}

// down is NetworkClient.processDisconnection: every request in flight fails, the broker is not
// dialled again before its back-off is over, and the metadata may be stale.
func (n *network) down(l *link, timedOut bool) {
	now := n.p.Now()
	if l.state == linkDialing {
		l.setups++
	} else {
		l.setups = 0
	}
	l.conn, l.state = nil, linkDown
	l.retryAt = now + n.cfg.reconnect.draw(n.rnd, l.failures)
	l.failures++
	err := wire.NetworkException
	if timedOut && n.cfg.ownTimeout {
		err = wire.RequestTimedOut
	}
	calls := l.calls
	l.calls, l.lent = nil, nil // requests may still be on their way
	for i := range calls {
		switch calls[i].kind {
		case callVersions:
		case callMetadata:
			n.meta.failed(now, n)
		default:
			n.lib.answered(l, &calls[i], nil, err)
		}
	}
	l.session.reset()
	n.meta.need = true
	n.need(now)
}

// leastLoaded picks the broker for a request that any can answer (NetworkClient.leastLoadedNode): one
// that is idle and connected, else connected, else being connected, else the one tried longest ago.
// Where the search begins is drawn, except among bootstrap addresses, which are tried in order.
func (n *network) leastLoaded(now sim.Time) *link {
	var ready, dialing, idle *link
	start := 0
	if n.meta.known {
		start = int(n.rnd.Below(uint64(len(n.links))))
	}
	for i := range n.links {
		l := n.links[(start+i)%len(n.links)]
		switch {
		case !l.listed:
		case n.usable(l):
			if len(l.calls) == 0 {
				return l
			}
			if ready == nil || len(l.calls) < len(ready.calls) {
				ready = l
			}
		case l.state == linkDialing || l.state == linkHello:
			dialing = l
		case l.state == linkDown && now >= l.retryAt:
			if idle == nil || l.tried < idle.tried {
				idle = l
			}
		}
	}
	switch {
	case ready != nil:
		return ready
	case dialing != nil:
		return dialing
	}
	return idle
}

// anyUsable is a broker that a request can go to now, connecting if there is none yet.
func (n *network) anyUsable(now sim.Time) *link {
	l := n.leastLoaded(now)
	if l == nil {
		n.need(now + max(n.cfg.reconnect.first, sim.Millisecond)) // as long as poll() then waits
		return nil
	}
	if n.reach(l) {
		return l
	}
	return nil
}

// close ends all connections in order.
func (n *network) close() {
	for _, l := range n.links {
		if l.conn != nil {
			l.conn.Close()
			l.conn, l.state = nil, linkDown
		}
	}
}
