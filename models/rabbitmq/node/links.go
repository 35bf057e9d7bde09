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
	creation uint32 // of the peer
	setup    uint32 // number of the set-up attempt
	failed   bool   // the last set-up failed
	state    status // what the peer says about its application

	received_ bool // something arrived since the last tick
	misses    int  // ticks without anything
	sentTick  bool // something was sent since the last tick
	sentBeat  bool // something was sent since the last beat
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
	l.setup++
	l.conn = l.n.p.Dial(l.n.k.Hosts[l.peer], wire.DistPort)
	l.conn.Data = l
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
	m := &wire.Hello{From: uint16(l.n.index), Creation: l.n.creation}
	c.Send(m, m.Size())
}

// send writes a message to the peer.
func (l *link) send(m wire.Message) {
	l.sentTick, l.sentBeat = true, true
	l.conn.Send(m, m.Size())
}

func (l *link) received(c *sim.Conn, m wire.Message) {
	l.received_ = true
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

// hello completes a set-up. When both sides dial at once, the attempt of the greater name wins; a
// connection from a node that this one still believes connected replaces the old one, which goes down
// first (dist_util: status "alive" answered with true).
func (n *Node) hello(l *link, c *sim.Conn, m *wire.Hello) {
	if l.peer < 0 {
		mine := n.links[m.From]
		if !mine.up && mine.conn != nil {
			if int(m.From) < n.index && mine.conn.Open() {
				c.Close()
				return
			}
			mine.conn.Close()
			mine.conn = nil
		}
		if mine.up {
			mine.down("a new incarnation connected")
		}
		mine.conn = c
		c.Data = mine
		answer := &wire.Hello{From: uint16(n.index), Creation: n.creation}
		c.Send(answer, answer.Size())
		l = mine
	} else if c != l.conn {
		return
	}
	l.failed = false
	l.creation = m.Creation
	l.up, l.misses, l.received_ = true, 0, true
	n.linkUp(l)
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

// tick is net_kernel's: every quarter of net_ticktime it sends something on links that were silent and
// counts how often nothing has come. The fourth time in a row the link is closed: between 1 and 1.25
// net_ticktime after the last byte.
func (n *Node) tick() {
	for _, l := range n.links {
		if l == nil || !l.up {
			continue
		}
		if l.received_ {
			l.received_, l.misses = false, 0
		} else if l.misses++; l.misses >= 4 {
			n.p.Probe("rabbitmq-net-tick-timeout")
			l.down("net_tick_timeout")
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

// ping tries to reach nodes that are down (rabbit_node_monitor ping_down_nodes).
func (n *Node) ping() {
	for _, l := range n.links {
		if l != nil && !l.up {
			l.dial()
		}
	}
	n.pollPaused()
}
