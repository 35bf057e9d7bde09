package zk

import (
	"fmt"

	"github.com/mqsim/mqsim/sim"
)

// pingRequest is the one ping that every client sends; nobody writes to it.
var pingRequest = &Request{Op: Op{Type: OpPing}, xid: xidPing}

// schedule begins the next attempt to connect after the pauses of the Java client
// (ClientCnxn.startConnect, StaticHostProvider.next).
func (c *Client) schedule() {
	pause := sim.Time(0)
	c.current = (c.current + 1) % len(c.servers)
	if c.current == c.lastIndex {
		pause += spinDelay
	}
	if c.lastIndex < 0 {
		c.lastIndex = 0
	}
	if !c.first {
		pause += sim.Time(c.rand.Below(uint64(reconnectPause)))
	}
	c.first = false
	c.state = clientPausing
	c.gen++
	c.p.After(pause, c.base+clientTimerConnect, c.gen)
}

// dial opens the connection. It may take the session timeout divided by the number of servers
// (ClientCnxn.connectTimeout).
func (c *Client) dial() {
	c.state = clientDialing
	now := c.p.Now()
	c.lastSend, c.lastHeard = now, now
	c.conn = c.p.Dial(c.servers[c.current], clientPort)
	c.conn.Data = c
	c.arm(now + c.connectTimeout())
}

// connectTimeout bounds the TCP connect, and then again the session handshake.
func (c *Client) connectTimeout() sim.Time { return c.negotiated / sim.Time(len(c.servers)) }

// arm sets the I/O timer; there is one at a time.
func (c *Client) arm(at sim.Time) {
	c.gen++
	c.ioAt = at
	c.p.At(at, c.base+clientTimerIO, c.gen)
}

// owns says whether a connection is this client's, the present one or an old one.
func (c *Client) owns(conn *sim.Conn) bool {
	owner, ok := conn.Data.(*Client)
	return ok && owner == c
}

// HandleConnected takes the answer to a Dial of this client; false: not its connection.
func (c *Client) HandleConnected(conn *sim.Conn, err error) bool {
	if !c.owns(conn) {
		return false
	}
	if conn != c.conn || c.state != clientDialing {
		return true
	}
	if err != nil {
		c.lost()
		return true
	}
	c.state = clientHandshake
	m := &connectRequest{lastZxid: c.lastZxid, timeout: c.timeout, session: c.sessionID}
	c.conn.Send(m, connectRequestSize)
	now := c.p.Now()
	c.lastSend, c.lastHeard = now, now
	c.arm(now + c.connectTimeout())
	return true
}

// HandleClosed takes the end of a connection of this client; false: not its connection.
func (c *Client) HandleClosed(conn *sim.Conn, why sim.CloseReason) bool {
	if !c.owns(conn) {
		return false
	}
	if conn == c.conn {
		c.lost()
	}
	return true
}

// HandleReceive takes a message on a connection of this client; false: not its connection.
func (c *Client) HandleReceive(conn *sim.Conn, m any) bool {
	if !c.owns(conn) {
		return false
	}
	if conn != c.conn {
		return true
	}
	now := c.p.Now()
	c.lastHeard = now
	if now-c.lastSend > pingMargin {
		// Woken by traffic, the client sees that it has been idle for more than a second and
		// takes a second off the pause until the next ping (ClientCnxn: "race condition missing
		// to send the second ping").
		if due := max(now, c.lastSend+c.pingPause()-pingMargin); due < c.pingDue {
			c.pingDue = due
			if c.state == clientConnected && due < c.ioAt {
				c.arm(due)
			}
		}
	}
	switch m := m.(type) {
	case *connectResponse:
		c.established(m)
	case *reply:
		c.answered(m)
	case *watcherEvent:
		if c.watches.fire(m.WatchEvent) {
			c.h.ZKWatch(m.WatchEvent)
		}
	default:
		panic(fmt.Sprintf("zk: client received %T", m))
	}
	return true
}

// HandleTimer takes a timer of this client; false: not its kind.
func (c *Client) HandleTimer(kind uint16, arg uint32) bool {
	if kind < c.base || kind >= c.base+TimerKinds {
		return false
	}
	switch kind - c.base {
	case clientTimerConnect:
		if arg == c.gen && c.state == clientPausing {
			c.dial()
		}
	case clientTimerIO:
		if arg == c.gen {
			c.checkIO()
		}
	case clientTimerFail:
		failed := c.failed
		c.failed = nil
		for _, f := range failed {
			f.done(f.r)
		}
	}
	return true
}

// checkIO pings an idle connection and gives up a silent one.
func (c *Client) checkIO() {
	now := c.p.Now()
	if now > c.ioAt {
		// The process was frozen. Java's selector reads what waits in the socket before it looks
		// at the clock, so let everything that queued up come first.
		c.arm(now)
		return
	}
	if c.state == clientDialing || c.state == clientHandshake {
		c.p.Probe("zk-client-connect-timeout")
		c.lost()
		return
	}
	silent := c.lastHeard + c.readTimeout
	if now >= silent {
		c.p.Probe("zk-client-server-silent")
		c.lost()
		return
	}
	if now >= c.pingDue {
		c.send(pingRequest)
	}
	c.arm(min(silent, c.pingDue))
}

// established ends the handshake: the session is new, taken up again, or gone.
func (c *Client) established(m *connectResponse) {
	if m.timeout <= 0 {
		c.p.Probe("zk-client-expired")
		c.conn.Close()
		c.conn = nil
		c.state = clientClosed
		c.gen++
		// ClientCnxn.onConnected queues the event before the answers of what still waited.
		pending, queued, waiting := c.pending, c.queued, c.waiting
		c.pending, c.queued, c.waiting = nil, nil, nil
		c.sessionID = 0
		c.watches = watchTable{}
		c.h.ZKExpired()
		for _, list := range [3][]pendingRequest{pending, queued, waiting} {
			for _, r := range list {
				if r.done != nil {
					r.done(Response{Op: r.req.Type, Path: r.req.Path, Code: SessionExpired})
				}
			}
		}
		return
	}
	fresh := c.sessionID == 0
	c.sessionID = m.session
	c.negotiated = m.timeout
	c.readTimeout = m.timeout * 2 / 3
	c.lastIndex = c.current
	c.state = clientConnected
	c.pingDue = c.p.Now() + c.pingPause()
	if sets := c.watches.sets(c.lastZxid); sets != nil {
		// ClientCnxn.primeConnection: watches move to the new server before any request.
		c.send(&Request{Op: Op{Type: OpSetWatches}, xid: xidSetWatches, watches: sets})
	}
	c.arm(min(c.lastHeard+c.readTimeout, c.pingDue))
	c.flush()
	waiting := c.waiting
	c.waiting = nil
	for _, r := range waiting {
		c.Retry(*r.req, r.done)
	}
	c.h.ZKConnected(fresh)
}

// answered ends the oldest request.
func (c *Client) answered(m *reply) {
	if m.xid == xidPing {
		return
	}
	c.lastZxid = max(c.lastZxid, m.Zxid)
	if m.xid == xidSetWatches {
		return
	}
	if len(c.pending) == 0 || c.pending[0].req.xid != m.xid {
		panic(fmt.Sprintf("zk: answer %d out of order, %d requests wait", m.xid, len(c.pending)))
	}
	r := c.pending[0]
	c.pending = append(c.pending[:0], c.pending[1:]...)
	c.watches.register(r.req, m.Code)
	if r.req.Type == OpCloseSession {
		c.shut(SessionExpired)
	} else {
		c.flush()
	}
	if r.done != nil {
		r.done(m.Response)
	}
}

// lost ends the connection or the attempt: requests end with ConnectionLoss, the next server is
// tried, unless the client was closing.
func (c *Client) lost() {
	c.conn.Close()
	c.conn = nil
	was := c.state
	if was == clientDiscarding {
		c.shut(ConnectionLoss)
		return
	}
	c.schedule()
	c.cleanup(ConnectionLoss)
	if was == clientConnected {
		c.h.ZKDisconnected()
	}
}
