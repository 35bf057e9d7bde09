// Package namesrv is RocketMQ's NameServer: a table of who serves which topic, kept in memory only,
// filled by the brokers' registrations and read by clients. NameServers do not know each other.
//
// Rules and figures follow namesrv/.../routeinfo/RouteInfoManager.java, BrokerHousekeepingService.java
// and NamesrvController.java at rocketmq-all-4.9.8.
package namesrv

import (
	"strconv"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// ServiceName is the name of the NameServer's program on its host.
const ServiceName = "namesrv"

// Config is what a NameServer is configured with. It is shared by all incarnations.
type Config struct {
	Expiry    sim.Time // BROKER_CHANNEL_EXPIRED_TIME; brokers that do not register so long are removed
	ScanFirst sim.Time // delay of the first scan for them
	Scan      sim.Time // period of the scans
	Idle      sim.Time // serverChannelMaxIdleTimeSeconds: a connection without traffic is closed
	// Order is ORDER_TOPIC_CONFIG in the key-value table, which is on disk and has been the same since the
	// topics were made.
	Order   map[string][]wire.OrderQueues
	Respawn sim.Time // pause of the supervisor before it starts an ended NameServer again; 0: none
}

// DefaultConfig is 4.9's.
func DefaultConfig() Config {
	return Config{Expiry: 120 * sim.Second, ScanFirst: 5 * sim.Second, Scan: 10 * sim.Second,
		Idle: 120 * sim.Second, Respawn: 2 * sim.Second}
}

const (
	timerScan uint16 = iota
	timerIdle        // connection arg may have been idle too long
)

// CPU time per message: assumptions, of the order of a small JSON message on one core.
const (
	costRoute    = 20 * sim.Microsecond
	costRegister = 40 * sim.Microsecond
	costTopic    = 300 * sim.Nanosecond // for each topic of a registration
	costOther    = 10 * sim.Microsecond
	laneRegister = 0 // RouteInfoManager's write lock
)

// Server is one incarnation of a NameServer.
type Server struct {
	cfg    *Config
	p      *sim.Proc
	routes routes
	peers  []*peer
	free   []uint32
}

// peer is an accepted connection.
type peer struct {
	c     *sim.Conn
	last  sim.Time // of the last traffic in either direction
	index uint32
}

// New makes one incarnation.
func New(cfg *Config) *Server { return &Server{cfg: cfg, routes: newRoutes()} }

// Boot begins to listen: there is nothing to load.
func (s *Server) Boot(p *sim.Proc) {
	s.p = p
	p.Service.Respawn = s.cfg.Respawn
	p.Listen(wire.NamesrvPort)
	p.EveryFrom(s.cfg.ScanFirst, s.cfg.Scan, timerScan, 0)
	p.Role("namesrv")
	p.Ready()
}

// Timer fires the scan of silent brokers and the idle checks.
func (s *Server) Timer(kind uint16, arg uint32) {
	switch kind {
	case timerScan:
		for _, l := range s.routes.expired(s.p.Now(), s.cfg.Expiry) {
			s.p.Probe("namesrv-expired")
			s.drop(l.conn, "silent for too long")
		}
	case timerIdle:
		s.checkIdle(arg)
	}
}

// checkIdle is netty's IdleStateHandler: one timer per connection that sleeps again after traffic.
func (s *Server) checkIdle(i uint32) {
	d := s.peers[i]
	if d.c == nil {
		s.free = append(s.free, i)
		return
	}
	if due := d.last + s.cfg.Idle; due > s.p.Now() {
		s.p.At(due, timerIdle, i)
		return
	}
	s.drop(d.c, "connection idle for "+s.cfg.Idle.String())
	s.free = append(s.free, i)
}

// drop closes a connection from this side and removes the broker behind it.
func (s *Server) drop(c *sim.Conn, why string) {
	c.Close()
	s.gone(c, why)
}

// gone: the broker of a connection is removed at once (BrokerHousekeepingService).
func (s *Server) gone(c *sim.Conn, why string) {
	if d, ok := c.Data.(*peer); ok && d.c == c {
		d.c = nil
	}
	broker, addr, id := s.routes.destroy(c)
	if broker != "" {
		s.p.Emit("route-removed", broker, addr+" (id "+strconv.FormatInt(id, 10)+"): "+why)
	}
}

// Accept takes a connection from a broker or a client.
func (s *Server) Accept(c *sim.Conn) {
	d := &peer{}
	if n := len(s.free); n > 0 {
		d = s.peers[s.free[n-1]]
		s.free = s.free[:n-1]
	} else {
		d.index = uint32(len(s.peers))
		s.peers = append(s.peers, d)
	}
	d.c, d.last = c, s.p.Now()
	c.Data = d
	s.p.After(s.cfg.Idle, timerIdle, d.index)
}

// Connected answers Dial, which a NameServer never does.
func (s *Server) Connected(*sim.Conn, error) {}

// Closed is the end of a connection.
func (s *Server) Closed(c *sim.Conn, why sim.CloseReason) {
	s.gone(c, "connection closed ("+why.String()+")")
}

// Synced completes a sync; a NameServer keeps nothing on disk that matters.
func (s *Server) Synced(uint32, error) {}

// Stop ends the process at once.
func (s *Server) Stop() {
	s.p.Service.Respawn = 0
	s.p.Exit()
}

// Cost is the CPU time of a message.
func (s *Server) Cost(_ *sim.Conn, m any) (lane int, cost sim.Time) {
	switch m := m.(type) {
	case *wire.RouteRequest:
		return -1, costRoute
	case *wire.RegisterBrokerRequest:
		return laneRegister, costRegister + sim.Time(len(m.Topics))*costTopic
	}
	return -1, costOther
}

// Receive executes a request.
func (s *Server) Receive(c *sim.Conn, m any) {
	if d, ok := c.Data.(*peer); ok {
		d.last = s.p.Now()
	}
	switch m := m.(type) {
	case *wire.RouteRequest:
		r := s.routes.route(m.Topic)
		r.Opaque = m.Opaque
		if r.Code == wire.Success {
			r.Order = s.cfg.Order[m.Topic]
		}
		c.Send(r, r.Size())
	case *wire.RegisterBrokerRequest:
		s.register(c, m)
	case *wire.BrokerHeartbeatRequest:
		s.routes.heartbeat(m.Addr, s.p.Now())
	case *wire.MemberGroupRequest:
		r := &wire.MemberGroupResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}, Addrs: s.routes.members(m.Broker)}
		c.Send(r, r.Size())
	case *wire.UnregisterBrokerRequest:
		s.routes.unregister(m.Broker, m.ID, m.Addr)
		s.p.Emit("route-removed", m.Broker, m.Addr+" (id "+strconv.FormatInt(m.ID, 10)+"): unregistered")
		s.answer(c, &m.Header)
	case *wire.WritePermRequest:
		r := &wire.WritePermResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}, Topics: s.routes.setWrite(m.Broker, m.Add)}
		c.Send(r, r.Size())
	default:
		r := &wire.Answer{RespHeader: wire.RespHeader{Opaque: m.(wire.Request).Correlation(), Code: wire.RequestCodeNotSupported}}
		c.Send(r, r.Size())
	}
}

func (s *Server) answer(c *sim.Conn, h *wire.Header) {
	r := &wire.Answer{RespHeader: wire.RespHeader{Opaque: h.Opaque}}
	c.Send(r, r.Size())
}

func (s *Server) register(c *sim.Conn, m *wire.RegisterBrokerRequest) {
	master, moved := s.routes.register(m, c, s.p.Now())
	if moved {
		s.p.Emit("master-registered", m.Broker, m.Addr)
	}
	r := &wire.RegisterBrokerResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}, MasterAddr: master}
	c.Send(r, r.Size())
}

// Route is the route that a client would get now, for the cluster's selectors.
func (s *Server) Route(topic string) *wire.RouteResponse { return s.routes.route(topic) }

// Master is the address of id 0 of a broker group, "" if there is none.
func (s *Server) Master(broker string) string {
	if g := s.routes.groups[broker]; g != nil && g.Addrs[0].ID == 0 {
		return g.Addrs[0].Addr
	}
	return ""
}

// Registered says whether the broker at addr is in the table under this id.
func (s *Server) Registered(broker string, id int64, addr string) bool {
	if g := s.routes.groups[broker]; g != nil {
		for _, a := range g.Addrs {
			if a.ID == id && a.Addr == addr {
				return true
			}
		}
	}
	return false
}
