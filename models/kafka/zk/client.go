package zk

import (
	"sort"

	"github.com/mqsim/mqsim/sim"
)

// TimerKinds is how many timer kinds a client uses, from the base given to NewClient.
const TimerKinds = 4

const (
	clientTimerConnect uint16 = iota // begin an attempt to connect
	clientTimerIO                    // ping due, or the server silent for too long
	clientTimerFail                  // deliver answers of requests that could not be sent
)

// Pauses between attempts to connect: a random one below a second before each but the first
// (ClientCnxn.startConnect), and one second more after each full round (StaticHostProvider.next).
const (
	reconnectPause = 1000 * sim.Millisecond
	spinDelay      = 1000 * sim.Millisecond
	maxPingPause   = 10 * sim.Second // ClientCnxn.MAX_SEND_PING_INTERVAL
	pingMargin     = 1000 * sim.Millisecond
)

// clientState is where a client stands.
type clientState uint8

const (
	clientClosed     clientState = iota // not opened, closed, or expired
	clientPausing                       // between two attempts
	clientDialing                       // TCP connects
	clientHandshake                     // the session is being created or taken up again
	clientConnected                     // requests flow
	clientDiscarding                    // a clean close was sent
)

// Client is ZooKeeper's client library: one session, one connection at a time. It is part of the
// program that embeds it and dies with it. See the package comment for its use.
type Client struct {
	p       *sim.Proc
	h       Handler
	base    uint16
	rand    *sim.Rand
	timeout sim.Time // asked for

	servers   []*sim.Host // in the random order of this client
	current   int
	lastIndex int // server of the last session; a full round back to it costs spinDelay
	first     bool

	state       clientState
	gen         uint32 // of the armed timers; others are stale
	conn        *sim.Conn
	sessionID   int64
	negotiated  sim.Time
	readTimeout sim.Time
	lastZxid    int64
	lastSend    sim.Time
	lastHeard   sim.Time
	pingDue     sim.Time
	ioAt        sim.Time // when the I/O timer is armed for

	xid         int32
	maxInFlight int
	queued      []pendingRequest // not sent yet
	pending     []pendingRequest // sent, in order
	failed      []failure
	waiting     []pendingRequest // Retry without a connection
	watches     watchTable
}

// pendingRequest is a request with its callback.
type pendingRequest struct {
	req  *Request
	done func(Response)
}

// failure is an answer that the library gives by itself, on a later event.
type failure struct {
	r    Response
	done func(Response)
}

// NewClient makes a client for the ensemble on the given hosts. timeout is the session timeout
// that it asks for (the servers clamp it to 2..20 ticks); h hears of the session and of watches;
// timer kinds [timerBase, timerBase+TimerKinds) of the program belong to it. Nothing happens
// before Open.
func NewClient(p *sim.Proc, servers []*sim.Host, timeout sim.Time, h Handler, timerBase uint16) *Client {
	c := &Client{p: p, h: h, base: timerBase, timeout: timeout, rand: p.Rand("zk-client")}
	// StaticHostProvider shuffles the connect string once.
	for _, i := range c.rand.Perm(len(servers)) {
		c.servers = append(c.servers, servers[i])
	}
	return c
}

// SetMaxInFlight bounds the requests that are sent and not answered (Kafka's
// zookeeper.max.in.flight.requests, default 10 there); 0 means no bound.
func (c *Client) SetMaxInFlight(n int) { c.maxInFlight = n }

// Open begins a new session; ZKConnected(true) follows. It may be called at the start and after
// ZKExpired or Close, and does nothing on an open client.
func (c *Client) Open() {
	if c.state != clientClosed {
		return
	}
	c.sessionID, c.lastZxid, c.xid = 0, 0, 0
	c.negotiated, c.readTimeout = c.timeout, c.timeout*2/3
	c.current, c.lastIndex, c.first = -1, -1, true
	c.watches = watchTable{}
	c.schedule()
}

// Connected says whether a session is established and its connection up, as far as is known.
func (c *Client) Connected() bool { return c.state == clientConnected }

// SessionID is the id of the present session, the EphemeralOwner of its nodes; 0 without one.
func (c *Client) SessionID() int64 { return c.sessionID }

// SessionTimeout is the timeout that the servers granted.
func (c *Client) SessionTimeout() sim.Time { return c.negotiated }

// Server is the host of the present connection, nil without one.
func (c *Client) Server() *sim.Host {
	if c.state != clientConnected {
		return nil
	}
	return c.conn.Peer
}

// Create creates a node; the answer's Path is the name made.
func (c *Client) Create(path string, data []byte, mode CreateMode, done func(Response)) {
	c.Do(CreateRequest(path, data, mode), done)
}

// Delete deletes a node without children.
func (c *Client) Delete(path string, version int32, done func(Response)) {
	c.Do(DeleteRequest(path, version), done)
}

// Exists asks for a node's stat; NoNode is an answer, and sets the watch all the same.
func (c *Client) Exists(path string, watch bool, done func(Response)) {
	c.Do(ExistsRequest(path, watch), done)
}

// GetData asks for a node's data.
func (c *Client) GetData(path string, watch bool, done func(Response)) {
	c.Do(GetDataRequest(path, watch), done)
}

// SetData replaces a node's data.
func (c *Client) SetData(path string, data []byte, version int32, done func(Response)) {
	c.Do(SetDataRequest(path, data, version), done)
}

// GetChildren asks for the names of a node's children, sorted.
func (c *Client) GetChildren(path string, watch bool, done func(Response)) {
	c.Do(GetChildrenRequest(path, watch), done)
}

// Multi executes all operations or none.
func (c *Client) Multi(ops []Op, done func(Response)) { c.Do(MultiRequest(ops), done) }

// Do issues a request. done may be nil.
func (c *Client) Do(req Request, done func(Response)) {
	if c.state == clientClosed || c.state == clientDiscarding {
		// ClientCnxn.conLossPacket: a closed client answers SESSIONEXPIRED.
		c.failLater(&req, SessionExpired, done)
		return
	}
	c.queued = append(c.queued, pendingRequest{&req, done})
	c.flush()
}

// Retry issues a request and repeats it while the answer is ConnectionLoss, each time when
// connected again (Kafka: KafkaZkClient.retryRequestsUntilConnected). It ends with any other
// answer, or with SessionExpired when the session does.
func (c *Client) Retry(req Request, done func(Response)) {
	switch c.state {
	case clientClosed, clientDiscarding:
		c.failLater(&req, SessionExpired, done)
		return
	case clientConnected:
	default:
		c.waiting = append(c.waiting, pendingRequest{&req, done})
		return
	}
	c.Do(req, func(r Response) {
		if r.Code == ConnectionLoss {
			c.p.Probe("zk-client-retry-after-connection-loss")
			c.Retry(req, done)
			return
		}
		if done != nil {
			done(r)
		}
	})
}

// Close ends the session at once, with its ephemeral nodes, and then the connection. Without a
// connection the client just gives up and the session is left to expire (ClientCnxn.run: "don't
// re-establish connection if we are closing"); then done gets ConnectionLoss.
func (c *Client) Close(done func(Response)) {
	req := Request{Op: Op{Type: OpCloseSession}}
	switch c.state {
	case clientClosed, clientDiscarding:
		c.failLater(&req, SessionExpired, done)
		return
	case clientConnected:
		c.maxInFlight = 0
		c.flush()
		c.state = clientDiscarding
		c.transmit(pendingRequest{&req, done})
		return
	}
	c.p.Probe("zk-client-close-while-disconnected")
	c.failLater(&req, ConnectionLoss, done)
	c.shut(ConnectionLoss)
}

// failLater answers a request that cannot be sent, on a later event of this instant.
func (c *Client) failLater(req *Request, code Code, done func(Response)) {
	if done == nil {
		return
	}
	if len(c.failed) == 0 {
		c.p.After(0, c.base+clientTimerFail, 0)
	}
	c.failed = append(c.failed, failure{Response{Op: req.Type, Path: req.Path, Code: code}, done})
}

// flush sends what is queued, as far as the bound on requests in flight lets it.
func (c *Client) flush() {
	if c.state != clientConnected {
		return
	}
	n := 0
	for ; n < len(c.queued) && (c.maxInFlight == 0 || len(c.pending) < c.maxInFlight); n++ {
		c.transmit(c.queued[n])
		c.queued[n] = pendingRequest{}
	}
	if n == len(c.queued) {
		c.queued = c.queued[:0]
	} else if n > 0 {
		c.queued = append(c.queued[:0], c.queued[n:]...)
	}
}

func (c *Client) transmit(r pendingRequest) {
	c.xid++
	r.req.xid = c.xid
	c.pending = append(c.pending, r)
	c.send(r.req)
}

func (c *Client) send(req *Request) {
	c.conn.Send(req, requestSize(req))
	c.lastSend = c.p.Now()
	c.pingDue = c.lastSend + c.pingPause()
}

// pingPause is the idle time after which a ping is sent: half of the read timeout, a third of the
// session timeout, at most 10 s (ClientCnxn.SendThread.run).
func (c *Client) pingPause() sim.Time { return min(c.readTimeout/2, maxPingPause) }

// cleanup ends all requests, sent or queued (ClientCnxn.cleanup). Their callbacks may issue new ones.
func (c *Client) cleanup(code Code) {
	pending, queued := c.pending, c.queued
	c.pending, c.queued = nil, nil
	for _, list := range [2][]pendingRequest{pending, queued} {
		for _, r := range list {
			if r.done != nil {
				r.done(Response{Op: r.req.Type, Path: r.req.Path, Code: code})
			}
		}
	}
}

// shut closes the client for good, until the next Open.
func (c *Client) shut(code Code) {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
	c.state = clientClosed
	c.gen++
	c.sessionID = 0
	c.watches = watchTable{}
	waiting := c.waiting
	c.waiting = nil
	c.cleanup(code)
	for _, r := range waiting {
		if r.done != nil {
			r.done(Response{Op: r.req.Type, Path: r.req.Path, Code: SessionExpired})
		}
	}
}

// watchTable holds the watches that the servers have promised to fire (ZKWatchManager).
type watchTable struct {
	data, exist, child map[string]struct{}
}

// watchSets is what a client asks a new server to watch for it after a reconnect, and the zxid it
// has seen: what changed since then is reported at once (SetWatches).
type watchSets struct {
	zxid               int64
	data, exist, child []string
}

// register notes a watch once the answer says that the server has set it.
func (t *watchTable) register(req *Request, code Code) {
	if !req.Watch {
		return
	}
	set := &t.data
	switch {
	case req.Type == OpExists && code == NoNode:
		set = &t.exist
	case code != OK:
		return
	case req.Type == OpGetChildren:
		set = &t.child
	}
	if *set == nil {
		*set = map[string]struct{}{}
	}
	(*set)[req.Path] = struct{}{}
}

// fire uses up the watches that an event answers and says whether there were any
// (ZKWatchManager.materialize).
func (t *watchTable) fire(e WatchEvent) bool {
	found := false
	take := func(set map[string]struct{}) {
		if _, ok := set[e.Path]; ok {
			found = true
			delete(set, e.Path)
		}
	}
	switch e.Type {
	case NodeCreated, NodeDataChanged:
		take(t.data)
		take(t.exist)
	case NodeChildrenChanged:
		take(t.child)
	case NodeDeleted:
		take(t.data)
		take(t.exist)
		take(t.child)
	}
	return found
}

// sets lists all watches for SetWatches, nil if there are none.
func (t *watchTable) sets(zxid int64) *watchSets {
	if len(t.data)+len(t.exist)+len(t.child) == 0 {
		return nil
	}
	return &watchSets{zxid: zxid, data: sortedNames(t.data), exist: sortedNames(t.exist), child: sortedNames(t.child)}
}

func sortedNames(set map[string]struct{}) []string {
	names := make([]string, 0, len(set))
	for name := range set { //mqsim:unordered sorted below
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
