package broker

import (
	"strconv"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// link is a connection that this broker opens: to a NameServer or, on a slave, to its master's remoting
// port. One request is under way at a time; one that is not answered in time is forgotten, and the
// connection with it.
type link struct {
	b       *Broker
	index   uint32
	host    *sim.Host
	port    sim.Port
	timeout sim.Time
	answer  func(m wire.Response)
	failed  func()

	conn     *sim.Conn
	open     bool
	req      wire.Request
	opaque   int32
	deadline sim.Time
	armed    bool
}

func (b *Broker) newLink(host *sim.Host, port sim.Port, timeout sim.Time) *link {
	l := &link{b: b, index: uint32(len(b.links)), host: host, port: port, timeout: timeout}
	b.links = append(b.links, l)
	return l
}

// send sends a request, connecting first if need be; a request under way gives way. answer or failed
// follows unless the next one comes first.
func (l *link) send(m wire.Request) {
	l.opaque++
	wire.Head(m).Opaque = l.opaque
	l.req = m
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

func (l *link) check() {
	l.armed = false
	if l.req == nil {
		return
	}
	if l.deadline > l.b.p.Now() {
		l.arm()
		return
	}
	// NettyRemotingClient closes the channel of a request that timed out (clientCloseSocketIfTimeout).
	l.b.p.Probe("rocketmq-link-timeout")
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
	if c != l.conn || l.req == nil || m.Correlation() != l.opaque {
		return
	}
	l.req = nil
	if l.answer != nil {
		l.answer(m)
	}
}

func (l *link) lost(c *sim.Conn) {
	if c == l.conn {
		l.conn, l.open = nil, false
		l.fail()
	}
}

func (l *link) fail() {
	if l.req == nil {
		return
	}
	l.req = nil
	if l.failed != nil {
		l.failed()
	}
}

func (l *link) close() {
	if l.conn != nil {
		l.conn.Close()
		l.conn, l.open = nil, false
	}
}

func itoa(v int64) string { return strconv.FormatInt(v, 10) }
