package node

import (
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Periods of the VM and of the node monitor.
const (
	beatEvery = 100 * sim.Millisecond // aten's heartbeat_interval
	pingEvery = sim.Second            // rabbit_node_monitor: pings of nodes known to be down
	netSetup  = 7 * sim.Second        // net_setuptime of the kernel application
)

// link is the distribution connection to one other node (dist_util.erl, net_kernel.erl).
type link struct {
	n        *Node
	peer     int // -1 until the other side has said who it is
	conn     *sim.Conn
	up       bool
	creation uint32   // of the peer
	setup    uint32   // number of the set-up attempt
	accepted bool     // conn was dialled by the peer
	tried    sim.Time // the boot that has tried this link last
	failed   bool     // the last set-up failed
	state    status   // what the peer says about its application

	last     sim.Time // when something arrived last
	suspect  bool     // aten: silent at its last look
	heard    bool     // something arrived since the last tick
	misses   int      // ticks without anything
	sentTick bool     // something was sent since the last tick
	sentBeat bool     // something was sent since the last beat
}

// status is what a node tells its peers about its rabbit application.
type status struct {
	Phase  phase
	Formed bool     // it has tables of its own
	Wait   []uint16 // the nodes whose tables may be newer than its own
	DB     []uint16 // members of the database that it is running in
}

func (l *link) dial() {
	if l.conn != nil || l.up {
		return
	}
	l.begin(l.n.p.Dial(l.n.k.Hosts[l.peer], wire.DistPort), false)
}

// begin is the start of a set-up over a connection, which net_setuptime limits.
func (l *link) begin(c *sim.Conn, accepted bool) {
	l.setup++
	l.conn, l.accepted = c, accepted
	c.Data = l
	l.n.p.After(netSetup, timerSetup, l.setup<<16|uint32(l.peer))
}

// setupTimeout gives a set-up attempt up (net_setuptime).
func (l *link) setupTimeout(setup uint32) {
	if l.up || l.conn == nil || l.setup&0xffff != setup {
		return
	}
	l.conn.Close()
	l.setupFailed()
}

func (l *link) setupFailed() {
	l.conn = nil
	l.failed = true
	l.n.bootStep()
}

func (l *link) connected(c *sim.Conn, err error) {
	if c != l.conn {
		return
	}
	if err != nil {
		l.setupFailed()
		return
	}
	l.sayHello(false)
}

// send writes a message to the peer.
func (l *link) send(m wire.Message) {
	l.sentTick, l.sentBeat = true, true
	l.conn.Send(m, m.Size())
}

func (l *link) received(c *sim.Conn, m wire.Message) {
	l.heard = true
	l.last = l.n.p.Now()
	switch m := m.(type) {
	case *wire.Hello:
		l.n.hello(l, c, m)
	case *wire.Tick, *wire.Beat:
	default:
		if l.up && l.conn == c {
			l.n.dispatch(l, m)
		}
	}
}

// hello is a step of a set-up (dist_util.erl). When both sides dial at once, the attempt of the greater
// name wins. A connection from a node that this one still believes connected replaces the old one, which
// goes down first: the dialling side has closed it, and the end of it is read before the new handshake is
// over (status "alive", answered with true). The accepting side is connected when its challenge has been
// replied to, a round trip later: what a node that was frozen finds in its sockets, it takes for the end
// of every connection before any is there again.
func (n *Node) hello(l *link, c *sim.Conn, m *wire.Hello) {
	switch {
	case l.peer < 0:
		n.links[m.From].challenge(c, m)
		return
	case c != l.conn || l.up:
		return
	case !l.accepted:
		l.sayHello(true)
	case !m.Reply:
		return
	}
	l.failed = false
	l.creation = m.Creation
	l.up, l.misses, l.heard = true, 0, true
	n.linkUp(l)
}

// challenge answers the first message of a node that dialled.
func (l *link) challenge(c *sim.Conn, m *wire.Hello) {
	if !l.up && l.conn != nil {
		if !l.accepted && int(m.From) < l.n.index && l.conn.Open() {
			c.Close()
			return
		}
		l.conn.Close()
		l.conn = nil
	}
	if l.up {
		why := "connection closed"
		if l.creation != m.Creation {
			why = "a new incarnation connected"
		}
		l.down(why)
	}
	if !l.n.p.Alive() {
		return
	}
	l.begin(c, true)
	l.sayHello(false)
}

func (l *link) sayHello(reply bool) {
	m := &wire.Hello{From: uint16(l.n.index), Creation: l.n.creation, Reply: reply}
	l.conn.Send(m, m.Size())
}

func (l *link) lost(c *sim.Conn) {
	if c != l.conn {
		return
	}
	if !l.up {
		l.conn = nil
		l.failed = true
		l.n.bootStep()
		return
	}
	l.down("connection closed")
}

// down is nodedown.
func (l *link) down(why string) {
	if l.conn != nil {
		l.conn.Close()
	}
	l.conn, l.up, l.failed = nil, false, true
	st := l.state
	l.state = status{}
	l.n.linkDown(l, st, why)
}

const netTickTimeout = "net_tick_timeout"

// stallMasters: the first process that turns to a node that went silent waits for the set-up of a connection
// that nobody answers [rule 94]. The model lets it be the masters of queues that had a mirror there. Only with
// the quirk reconnect-stall.
func (n *Node) stallMasters(i uint16) {
	if n.k.Rules.ReconnectStall == 0 {
		return
	}
	for _, q := range n.order {
		if q.master != nil && !q.rec.onNode(i).IsZero() && !q.frozen {
			q.frozen = true
			n.p.After(n.k.Rules.ReconnectStall, timerStall, q.pr.pid.Serial)
		}
	}
}

func (n *Node) stallOver(serial uint32) {
	if pr := n.procs[serial&(1<<slotBits-1)]; pr != nil && pr.pid.Serial == serial {
		if q, ok := pr.act.(*queue); ok {
			n.FreezeQueue(q.name, false)
		}
	}
}

// tick is net_kernel's: every quarter of net_ticktime it sends something on links that were silent and
// counts how often nothing has come. The fourth time in a row the link is closed: between 1 and 1.25
// net_ticktime after the last byte.
func (n *Node) tick() {
	for _, l := range n.links {
		if l == nil || !l.up {
			continue
		}
		if l.heard {
			l.heard, l.misses = false, 0
		} else if l.misses++; l.misses >= 4 {
			n.p.Probe("rabbitmq-net-tick-timeout")
			l.down(netTickTimeout)
			continue
		}
		if !l.sentTick {
			m := &wire.Tick{}
			l.send(m)
		}
		l.sentTick = false
	}
}

// beat is aten's heartbeat on links that carried nothing for 100 ms: since 3.8 no link is ever silent.
func (n *Node) beat() {
	n.thaw()
	if n.k.Rules.NoBeats {
		return
	}
	for _, l := range n.links {
		if l == nil || !l.up {
			continue
		}
		if !l.sentBeat {
			l.send(&wire.Beat{})
		}
		l.sentBeat = false
	}
}

// thaw: a node that was frozen for longer than its peers wait for it. They have closed its connections,
// and the ends of all of them are what its poll finds first: nodedown of every peer comes before anything
// that connects anew [rules 93, 103c].
func (n *Node) thaw() {
	gap := n.p.Now() - n.lastBeat
	n.lastBeat = n.p.Now()
	if gap < n.k.Rules.NetTick*5/4+2*beatEvery {
		return
	}
	n.p.Probe("rabbitmq-thawed")
	for _, l := range n.links {
		if l != nil && l.up {
			l.down("connection closed")
		}
	}
}

// ping tries to reach nodes that are down (rabbit_node_monitor ping_down_nodes).
func (n *Node) ping() {
	for _, l := range n.links {
		if l != nil && !l.up {
			l.dial()
		}
	}
	n.pollPaused()
}
