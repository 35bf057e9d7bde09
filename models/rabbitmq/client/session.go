package client

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Limits of the measured client: its dialer waits 2 s, and the handshake may take 5 s.
const (
	dialTimeout      = 2 * sim.Second
	handshakeTimeout = 5 * sim.Second
	defaultPause     = 200 * sim.Millisecond // before the next node
)

// Timer kinds of every client.
const (
	timerStep  uint16 = iota // the session's next step is due or took too long; arg is its generation
	timerBeat                // heartbeats; arg is the generation of the connection
	timerRetry               // a subscription is tried again; arg is the consumer's own
)

type sessionState uint8

const (
	sessionDown sessionState = iota // pause before the next node
	sessionDialing
	sessionHandshake
	sessionOpening // the owner opens its channels
	sessionReady
	sessionClosing // close was sent
)

// owner is what stands on a session.
type owner interface {
	// opened: the connection is open, channels can be opened.
	opened()
	// channel takes a method of a channel.
	channel(m wire.Method)
	// blocked: the node stopped, or began, to read what is published.
	blocked(on bool)
	// lost: the connection is gone; the session goes to the next node by itself.
	lost()
}

// session is one connection at a time, to one node after the other.
type session struct {
	p     *sim.Proc
	owner owner
	route []*sim.Host
	at    int // in route
	pause sim.Time
	want  int // heartbeat that the application asks for, in seconds; proposed: what the node proposes

	conn      *sim.Conn
	state     sessionState
	gen       uint32 // of steps: a timer of an older one is void
	failures  int    // since a session was last ready
	stopping  bool
	isBlocked bool

	interval sim.Time // of heartbeats; 0: none
	beatGen  uint32
	lastSent sim.Time
	lastRead sim.Time
	late     bool // the deadline passed while the process was frozen
}

func (s *session) boot(p *sim.Proc, o owner, route []*sim.Host, pause sim.Time, heartbeat int) {
	if pause <= 0 {
		pause = defaultPause
	}
	*s = session{p: p, owner: o, route: route, pause: pause, want: heartbeat}
	s.dial()
}

// node is the node that the session is connected to, or tries.
func (s *session) node() *sim.Host { return s.route[s.at] }

// step arms the limit of the present step and voids that of the one before.
func (s *session) step(state sessionState, limit sim.Time) {
	s.state = state
	s.gen++
	if limit > 0 {
		s.p.After(limit, timerStep, s.gen)
	}
}

func (s *session) dial() {
	s.step(sessionDialing, dialTimeout)
	s.conn = s.p.Dial(s.node(), wire.ClientPort)
}

// send writes a method to the socket.
func (s *session) send(m wire.Message) {
	s.lastSent = s.p.Now()
	s.conn.Send(m, m.Size())
}

// timer handles timerStep and timerBeat.
func (s *session) timer(kind uint16, arg uint32) {
	switch {
	case kind == timerBeat && arg == s.beatGen:
		s.beat()
	case kind == timerStep && arg == s.gen:
		switch s.state {
		case sessionDown:
			s.dial()
		case sessionDialing, sessionHandshake:
			s.fail()
		case sessionClosing:
			s.closed()
		}
	}
}

// connected is the answer to Dial.
func (s *session) connected(c *sim.Conn, err error) {
	if c != s.conn || s.state != sessionDialing {
		return
	}
	if err != nil {
		s.conn = nil
		s.down()
		return
	}
	s.lastRead = s.p.Now()
	s.step(sessionHandshake, handshakeTimeout)
	s.send(&wire.ProtocolHeader{})
}

// receive takes what the node sent; methods of channels go to the owner.
func (s *session) receive(c *sim.Conn, msg any) {
	if c != s.conn {
		return
	}
	s.lastRead = s.p.Now()
	switch m := msg.(type) {
	case *wire.Deliver, *wire.Ack, *wire.Nack, *wire.Return:
		if s.state != sessionClosing {
			s.owner.channel(m.(wire.Method))
		}
	case *wire.ConnectionStart:
		s.send(&wire.ConnectionStartOk{})
	case *wire.ConnectionTune:
		beat := negotiate(s.want, m.Heartbeat)
		s.interval = sim.Time(beat) * sim.Second
		s.send(&wire.ConnectionTuneOk{Heartbeat: beat})
		s.send(&wire.ConnectionOpen{})
	case *wire.ConnectionOpenOk:
		s.step(sessionOpening, 0) // calls on channels have no time-out (amqp091-go, Channel.call)
		s.startBeats()
		s.owner.opened()
	case *wire.ConnectionBlocked:
		s.isBlocked = true
		s.owner.blocked(true)
	case *wire.ConnectionUnblocked:
		s.isBlocked = false
		s.owner.blocked(false)
	case *wire.ConnectionClose:
		s.send(&wire.ConnectionCloseOk{})
		s.fail()
	case *wire.ConnectionCloseOk:
		if s.state == sessionClosing {
			s.closed()
		}
	case *wire.Heartbeat:
	case wire.Method:
		if s.state != sessionClosing {
			s.owner.channel(m)
		}
	}
}

// proposed stands for an application that takes the heartbeat that the node proposes.
const proposed = -1

// askedFor is the heartbeat of a client: of the workload, else of the manual's setting if somebody wrote
// it, else what the node proposes.
func askedFor(own sim.Time, set *models.Resolved, section models.Section) int {
	switch {
	case own > 0:
		return int((own + sim.Second - 1) / sim.Second)
	case set.IsSet(section, "heartbeat"):
		return int(set.Int(section, "heartbeat"))
	}
	return proposed
}

// negotiate is the heartbeat that both sides use: the lower one; none if the client says none; the
// client's if the node says none (heartbeats.md).
func negotiate(client int, server uint16) uint16 {
	switch {
	case client == proposed:
		return server
	case client == 0 || server == 0:
		return uint16(client)
	}
	return min(uint16(client), server)
}

// ready ends the owner's opening.
func (s *session) ready() {
	if s.state != sessionOpening {
		return
	}
	s.step(sessionReady, 0)
	if s.failures > 0 {
		s.p.Emit("client-reconnected", "", "to "+s.node().Name)
	}
	s.failures = 0
}

func (s *session) isReady() bool { return s.state == sessionReady }

// isOpen says that channels can be used.
func (s *session) isOpen() bool { return s.state == sessionReady || s.state == sessionOpening }

// fail gives the connection up and goes to the next node.
func (s *session) fail() {
	if c := s.conn; c != nil {
		s.conn = nil
		c.Close()
	}
	s.down()
}

// connectionClosed: the node or a kernel ended it.
func (s *session) connectionClosed(c *sim.Conn) {
	if c != s.conn {
		return
	}
	s.conn = nil
	if s.state == sessionClosing {
		s.closed()
		return
	}
	s.down()
}

// down: next node, after the pause.
func (s *session) down() {
	tell := s.state == sessionOpening || s.state == sessionReady
	s.beatGen++
	s.isBlocked = false
	s.failures++
	s.at = (s.at + 1) % len(s.route)
	s.step(sessionDown, s.pause)
	if tell {
		s.owner.lost()
	}
	if s.stopping {
		s.closed()
	}
}

// stop closes the connection in order and then ends the process.
func (s *session) stop() {
	s.stopping = true
	if !s.isOpen() {
		s.closed()
		return
	}
	s.step(sessionClosing, handshakeTimeout)
	s.send(&wire.ConnectionClose{Code: wire.ReplySuccess, Text: "kthxbai"})
}

func (s *session) closed() {
	s.gen++
	if c := s.conn; c != nil {
		s.conn = nil
		c.Close()
	}
	s.p.Exit()
}

// Heartbeats as amqp091-go has them: a ticker of half the interval sends a frame if nothing was sent for
// almost that long, and a reader that has got nothing for three halves of the interval gives up
// (connection.go, heartbeater; measured: 15 s with an interval of 10 s).

func (s *session) startBeats() {
	s.beatGen++
	if s.interval > 0 {
		s.p.After(s.interval/2, timerBeat, s.beatGen)
	}
}

func (s *session) beat() {
	now := s.p.Now()
	half := s.interval / 2
	if deadline := s.lastRead + 3*half; now >= deadline {
		if now > deadline && !s.late {
			// The process was frozen: what arrived meanwhile is read first.
			s.late = true
			s.p.After(0, timerBeat, s.beatGen)
			return
		}
		s.late = false
		s.p.Probe("rabbit-client-heartbeat-missed")
		s.fail()
		return
	}
	s.late = false
	if now-s.lastSent > half-sim.Second {
		s.send(&wire.Heartbeat{})
	}
	s.p.At(min(now+half, s.lastRead+3*half), timerBeat, s.beatGen)
}
