package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// handshakeLimit is rabbit's handshake_timeout.
const handshakeTimeout = 10 * sim.Second

// conn is a client's connection: its reader, writer and channels (rabbit_reader.erl). As a process it
// stands for the connection itself: exclusive queues belong to it.
type conn struct {
	n         *Node
	pr        *process
	c         *sim.Conn
	lane      int
	open      bool
	channels  []*channel
	credit    int // credit_flow of the reader toward the channel
	held      []wire.Method
	publishes bool
	blocked   bool

	beat     sim.Time // agreed heartbeat; 0: none
	lastRead sim.Time
	lastSent sim.Time
}

func (n *Node) accept(c *sim.Conn) {
	d := &conn{n: n, c: c, credit: creditInitial}
	d.pr = n.spawn(d)
	d.lane = d.pr.lane
	d.lastRead = n.p.Now()
	c.Data = d
	n.conns = append(n.conns, d)
	n.p.After(handshakeTimeout, timerLimit, d.pr.pid.Serial)
}

func (d *conn) handle(m wire.Message) {}
func (d *conn) idle()                 {}

func (d *conn) send(m wire.Message) {
	d.lastSent = d.n.p.Now()
	d.c.Send(m, m.Size())
}

// received takes one method. A reader without credit, or of a publishing connection while an alarm is on,
// does not read its socket at all [rules 57, 60].
func (d *conn) received(m wire.Method) {
	d.lastRead = d.n.p.Now()
	if len(d.held) > 0 || d.stopped(m) {
		d.held = append(d.held, m)
		return
	}
	d.method(m)
}

func (d *conn) stopped(m wire.Method) bool {
	if d.credit <= 0 {
		return true
	}
	if !d.n.alarms.on() {
		return false
	}
	if _, ok := m.(*wire.Publish); ok {
		d.publishes = true
	}
	if d.publishes && !d.blocked {
		d.blocked = true
		d.send(&wire.ConnectionBlocked{Reason: "low on " + d.n.alarms.reason()})
	}
	return d.publishes
}

// resume reads on.
func (d *conn) resume() {
	if d.blocked && !d.n.alarms.on() {
		d.blocked = false
		d.lastRead = d.n.p.Now()
		d.send(&wire.ConnectionUnblocked{})
	}
	for len(d.held) > 0 && !d.pr.dead && !d.stopped(d.held[0]) {
		m := d.held[0]
		d.held[0] = nil
		d.held = d.held[1:]
		d.method(m)
	}
	if len(d.held) == 0 {
		d.held = nil
	}
}

func (d *conn) method(m wire.Method) {
	if m.Number() > 0 {
		d.channelMethod(m)
		return
	}
	switch m := m.(type) {
	case *wire.ProtocolHeader:
		d.send(&wire.ConnectionStart{})
	case *wire.ConnectionStartOk:
		d.send(&wire.ConnectionTune{Heartbeat: uint16(d.n.k.Rules.Heartbeat / sim.Second)})
	case *wire.ConnectionTuneOk:
		d.beat = sim.Time(m.Heartbeat) * sim.Second
		if d.beat > 0 {
			d.n.p.After(d.beat/2, timerHeart, d.pr.pid.Serial)
		}
	case *wire.ConnectionOpen:
		d.open = true
		d.send(&wire.ConnectionOpenOk{})
	case *wire.ConnectionClose:
		d.send(&wire.ConnectionCloseOk{})
		d.end()
		d.c.Close()
	case *wire.ConnectionCloseOk:
		d.end()
		d.c.Close()
	}
}

func (d *conn) channelMethod(m wire.Method) {
	num := m.Number()
	ch := d.channel(num)
	if _, ok := m.(*wire.ChannelOpen); ok && ch == nil {
		ch = d.n.newChannel(d, num)
		d.channels = append(d.channels, ch)
		d.send(&wire.ChannelOpenOk{Chan: wire.Chan{Channel: num}})
		return
	}
	if ch == nil {
		if _, ok := m.(*wire.ChannelCloseOk); !ok {
			return // what was under way when the channel closed
		}
		return
	}
	ch.method(m)
}

func (d *conn) channel(num uint16) *channel {
	for _, ch := range d.channels {
		if ch.num == num {
			return ch
		}
	}
	return nil
}

// closed: the peer is gone.
func (d *conn) closed() { d.end() }

// end ends the connection's processes; exclusive queues go with them (rule 5).
func (d *conn) end() {
	if d.pr.dead {
		return
	}
	d.n.conns = slices.DeleteFunc(d.n.conns, func(x *conn) bool { return x == d })
	for _, ch := range slices.Clone(d.channels) {
		ch.end()
	}
	for _, name := range slices.Clone(d.n.meta.Order) {
		if r := d.n.meta.get(name); r != nil && r.Exclusive == d.pr.pid {
			d.n.transact(&tx{Op: opDelete, Name: name}, nil)
		}
	}
	d.held = nil
	d.pr.exit(false, false)
}

// force closes a connection because the application stops (CONNECTION_FORCED).
func (d *conn) force() {
	d.send(&wire.ConnectionClose{Code: wire.ConnectionForced, Text: "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"})
	d.end()
	d.c.Close()
}

func (n *Node) connOf(serial uint32) *conn {
	pr := n.procs[serial&(1<<slotBits-1)]
	if pr == nil || pr.pid.Serial != serial {
		return nil
	}
	d, _ := pr.act.(*conn)
	return d
}

// heartbeat is rabbit_heartbeat: a frame when nothing was sent for half the time-out; the peer is dead
// after two intervals without anything [rule 95]. A blocked connection is not watched [rule 60].
func (n *Node) heartbeat(serial uint32) {
	d := n.connOf(serial)
	if d == nil {
		return
	}
	now := n.p.Now()
	if now-d.lastRead > 2*d.beat && !d.blocked && d.credit > 0 {
		n.p.Probe("rabbitmq-heartbeat-timeout")
		d.end()
		d.c.Close()
		return
	}
	if now-d.lastSent >= d.beat/2 {
		d.send(&wire.Heartbeat{})
	}
	n.p.After(d.beat/2, timerHeart, serial)
}

func (n *Node) handshakeLimit(serial uint32) {
	if d := n.connOf(serial); d != nil && !d.open {
		d.end()
		d.c.Close()
	}
}
