package zk

import (
	"fmt"

	"github.com/mqsim/mqsim/sim"
)

// Timers of a server. The argument is the role's generation: a change of role makes them stale.
const (
	timerElection  uint16 = iota // wait for votes
	timerTick                    // leader: half a tick
	timerExpiry                  // leader: the earliest session expiry
	timerSetup                   // leader: a quorum must have joined and synced by now
	timerLearner                 // follower: the leader must have been heard by now
	timerDialAgain               // follower: the leader did not listen yet
	timerLink                    // an election connection could not be opened in time; arg: server
)

// server is one ZooKeeper server (QuorumPeer): it looks for a leader, follows or leads, and serves
// clients as long as it does either.
type server struct {
	e    *Ensemble
	id   serverID
	p    *sim.Proc
	fs   *sim.FS
	dead bool

	log           *txnLog
	tree          *tree
	watches       *watchManager
	acceptedEpoch int64
	currentEpoch  int64

	state     peerState
	gen       uint32 // of the role
	serving   bool
	election  *election
	voteGen   uint32 // of the armed election timer
	expiryGen uint32 // of the armed session expiry timer
	links     []link // election connections, by server id - 1
	lead      *leader
	follow    *follower

	clients     []*clientConn
	bySession   map[int64]*clientConn
	nextSession int64
	phase       sim.Time // of this incarnation's tick
}

func newServer(e *Ensemble, id serverID) *server { return &server{e: e, id: id} }

// Boot loads the tree from the log and looks for a leader (QuorumPeer.loadDataBase, start).
func (s *server) Boot(p *sim.Proc) {
	s.p = p
	s.fs = p.FS(s.e.cfg.Disk)
	s.phase = p.Rand("zk-tick").Range(0, s.e.cfg.TickTime-1)
	s.watches = newWatchManager()
	s.bySession = map[int64]*clientConn{}
	s.links = make([]link, len(s.e.hosts))
	s.election = newElection(s, s.id, len(s.e.hosts))
	// SessionTrackerImpl.initializeNextSessionId.
	s.nextSession = int64(uint64(p.Wall())<<24>>8) | int64(s.id)<<56
	if err := s.load(); err != nil {
		s.fail(err)
		return
	}
	p.Listen(electionPort)
	p.Listen(clientPort)
	s.look()
}

func (s *server) load() (err error) {
	if s.log, err = openLog(s.p, s.fs); err != nil {
		return err
	}
	s.rebuild()
	if s.currentEpoch, err = readEpoch(s.fs, currentEpochFile, s.log.lastZxid()); err != nil {
		return err
	}
	s.acceptedEpoch, err = readEpoch(s.fs, acceptedEpochFile, s.log.lastZxid())
	return err
}

// rebuild makes the tree from the whole log, as a boot does.
func (s *server) rebuild() {
	s.tree = newTree()
	s.tree.fire = s.fireWatches
	s.fastForward()
}

// fastForward applies everything in the log: a server that looks for a leader counts all it has
// logged, committed or not (ZKDatabase.fastForwardDataBase).
func (s *server) fastForward() {
	for _, e := range s.log.entries[s.log.find(s.tree.lastZxid):] {
		s.tree.apply(e.t)
	}
}

// fail ends the process: ZooKeeper exits when its log cannot be written.
func (s *server) fail(err error) {
	if s.dead {
		return
	}
	s.dead = true
	s.p.Probe("zk-server-io-error")
	s.p.Crash(fmt.Sprintf("unrecoverable error: %v", err))
}

// leave ends whatever role the server has, with all its connections.
func (s *server) leave() {
	s.gen++
	s.serving = false
	s.p.Service.Ready = false
	for len(s.clients) > 0 {
		c := s.clients[len(s.clients)-1]
		s.forget(c)
		c.conn.Close()
	}
	if s.lead != nil {
		s.lead.close()
		s.lead = nil
	}
	if s.follow != nil {
		s.follow.close()
		s.follow = nil
	}
}

// look begins an election (QuorumPeer.run, LOOKING).
func (s *server) look() {
	s.leave()
	s.state = looking
	s.p.Role("looking")
	s.fastForward()
	s.log.sync()
	s.election.start(s.log.lastZxid(), s.currentEpoch)
}

// elected follows or leads as the election says.
func (s *server) elected(id serverID) {
	s.gen++
	if id == s.id {
		s.state = leading
		s.lead = newLeader(s)
		s.lead.start()
		return
	}
	s.state = following
	s.follow = newFollower(s, id)
	s.follow.dial()
}

func (s *server) electionTimer(d sim.Time) {
	s.voteGen++
	s.p.After(d, timerElection, s.voteGen)
}

// serve opens the server for clients.
func (s *server) serve(role string) {
	s.serving = true
	s.p.Role(role)
	s.p.Ready()
}

// Timer dispatches by role.
func (s *server) Timer(kind uint16, arg uint32) {
	if s.dead {
		return
	}
	switch kind {
	case timerElection:
		if arg == s.voteGen && s.state == looking {
			s.election.timeout()
		}
		return
	case timerLink:
		s.linkTimeout(arg)
		return
	}
	if kind == timerExpiry && s.lead != nil {
		s.lead.expire(arg)
		return
	}
	if arg != s.gen {
		return
	}
	switch kind {
	case timerTick:
		s.lead.tick()
	case timerSetup:
		s.lead.setupTimeout()
	case timerLearner:
		s.follow.checkLeader()
	case timerDialAgain:
		s.follow.dial()
	}
}

// Synced acknowledges what is now on the platter.
func (s *server) Synced(arg uint32, err error) {
	if s.dead {
		return
	}
	if err != nil {
		s.fail(err)
		return
	}
	if !s.log.onSynced(arg) {
		return
	}
	s.log.sync()
	switch {
	case s.lead != nil:
		s.lead.synced()
	case s.follow != nil:
		s.follow.acknowledge()
	}
}

// Accept takes a connection on one of the three ports.
func (s *server) Accept(c *sim.Conn) {
	switch {
	case s.dead:
		c.Close()
	case c.Port == clientPort:
		s.acceptClient(c)
	case c.Port == electionPort:
		s.acceptLink(c)
	case s.lead != nil:
		s.lead.accept(c)
	default:
		c.Close()
	}
}

// Connected answers the dialling of another server.
func (s *server) Connected(c *sim.Conn, err error) {
	if s.dead {
		return
	}
	if c.Port == electionPort {
		s.linkConnected(c, err)
		return
	}
	if s.follow != nil && s.follow.conn == c {
		s.follow.connected(err)
	}
}

// Receive dispatches by connection.
func (s *server) Receive(c *sim.Conn, m any) {
	if s.dead {
		return
	}
	switch owner := c.Data.(type) {
	case *clientConn:
		s.receiveClient(owner, m)
	case *link:
		s.receiveVote(owner, m.(*notification))
	case *learner:
		if s.lead != nil {
			s.lead.receive(owner, m)
		}
	case *follower:
		if s.follow == owner {
			owner.receive(m)
		}
	}
}

// Closed dispatches by connection.
func (s *server) Closed(c *sim.Conn, why sim.CloseReason) {
	if s.dead {
		return
	}
	switch owner := c.Data.(type) {
	case *clientConn:
		s.forget(owner)
	case *link:
		if owner.conn == c {
			owner.conn, owner.up = nil, false
		}
	case *learner:
		if s.lead != nil {
			s.lead.drop(owner)
		}
	case *follower:
		if s.follow == owner {
			s.p.Probe("zk-follower-connection-lost")
			s.look()
		}
	}
}

// Stop ends the server; its sockets close with it.
func (s *server) Stop() {
	s.dead = true
	s.p.Exit()
}

// Cost gives each message its CPU time, all on one lane: the stages of ZooKeeper's pipeline keep
// the order of requests.
func (s *server) Cost(c *sim.Conn, m any) (int, sim.Time) { return laneServer, serverCost(m) }

// hostID is the server id of a host.
func (s *server) hostID(h *sim.Host) serverID {
	for i, x := range s.e.hosts {
		if x == h {
			return serverID(i + 1)
		}
	}
	return 0
}

func (s *server) majority(count int) bool { return count*2 > len(s.e.hosts) }
