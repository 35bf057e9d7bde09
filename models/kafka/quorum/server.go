package quorum

import (
	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// ServiceName is the name of a dedicated controller's program on its host.
const ServiceName = "controller"

// Timer kinds of a Server, behind its node's.
const (
	timerBooted uint16 = 300 + iota
	timerStopped
)

// stopWait is how long a stopping leader waits for the others to hear it (KafkaRaftClient.shutdown).
const stopWait = 5 * sim.Second

// stopLook is how often it looks.
const stopLook = 10 * sim.Millisecond

// Server is a controller with a machine of its own (process.roles=controller, ControllerServer.scala).
type Server struct {
	cfg   *Config
	p     *sim.Proc
	node  *Node
	until sim.Time
}

// NewServer makes one incarnation.
func NewServer(cfg *Config) *Server { return &Server{cfg: cfg} }

// respawn is the pause of the supervisor before it starts a controller again that ended by itself.
const respawn = 2 * sim.Second

// Boot reads the metadata log, then listens.
func (s *Server) Boot(p *sim.Proc) {
	s.p = p
	p.Service.Respawn = respawn
	s.node = NewNode(s.cfg, p, s)
	if s.node.Open() {
		p.Work(s.cfg.LaneRaft, 0, timerBooted, 0)
	}
}

// Timer runs a timer.
func (s *Server) Timer(kind uint16, arg uint32) {
	switch kind {
	case timerBooted:
		s.node.Start()
		s.node.showRole()
		s.p.Ready()
	case timerStopped:
		if s.node.Told() || s.p.Now() >= s.until {
			s.p.Exit()
			return
		}
		s.p.After(stopLook, timerStopped, 0)
	default:
		s.node.HandleTimer(kind, arg)
	}
}

// Accept takes a connection.
func (s *Server) Accept(c *sim.Conn) { s.node.Accept(c) }

// Connected answers a Dial.
func (s *Server) Connected(c *sim.Conn, err error) { s.node.HandleConnected(c, err) }

// Receive takes a message.
func (s *Server) Receive(c *sim.Conn, m any) { s.node.HandleReceive(c, m) }

// Closed is the end of a connection.
func (s *Server) Closed(c *sim.Conn, _ sim.CloseReason) { s.node.HandleClosed(c) }

// Synced completes a sync.
func (s *Server) Synced(arg uint32, err error) { s.node.HandleSynced(arg, err) }

// Cost is the CPU time of a message.
func (s *Server) Cost(c *sim.Conn, m any) (lane int, cost sim.Time) {
	lane, cost, _ = s.node.Cost(c, m)
	return lane, cost
}

// Stop resigns if need be, so that the others elect at once, and exits.
func (s *Server) Stop() {
	s.p.Service.Respawn = 0
	if !s.node.Stop() {
		s.p.Exit()
		return
	}
	s.p.StopListening(wire.ControllerPort)
	s.until = s.p.Now() + stopWait
	s.p.After(stopLook, timerStopped, 0)
}

// Changed is of interest to brokers only.
func (s *Server) Changed(metadata.Changed) {}

// Applied is too.
func (s *Server) Applied(int64) {}

// Restored is too.
func (s *Server) Restored() {}

// Halt ends the process.
func (s *Server) Halt(reason string) { s.p.Crash(reason) }

// Node is the member of the quorum in it.
func (s *Server) Node() *Node { return s.node }
