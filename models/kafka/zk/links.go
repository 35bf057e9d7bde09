package zk

import "github.com/mqsim/mqsim/sim"

// linkTimeout is QuorumCnxManager's cnxTO: how long opening an election connection may take.
const linkTimeout = 5 * sim.Second

// link is the election connection to one other server. There is one per pair, and it is the one
// that the server with the larger id opened (QuorumCnxManager: "If wins the challenge, then close
// the new connection"). It stays open between elections.
type link struct {
	peer serverID
	conn *sim.Conn
	up   bool
	last *notification // of the messages that wait only the last is kept
}

func (s *server) linkTo(id serverID) *link {
	l := &s.links[id-1]
	l.peer = id
	return l
}

// sendVote sends a notification, or keeps it until the connection is there.
func (s *server) sendVote(to serverID, n notification) {
	l := s.linkTo(to)
	if l.up {
		l.conn.Send(&n, notificationSize(len(s.e.hosts)))
		return
	}
	l.last = &n
	if l.conn == nil {
		s.dialLink(l)
	}
}

func (s *server) dialLink(l *link) {
	l.conn = s.p.Dial(s.e.hosts[l.peer-1], electionPort)
	l.conn.Data = l
	s.p.After(linkTimeout, timerLink, uint32(l.peer))
}

// linkTimeout gives up a connection that does not open. An attempt that began later than the timer
// is given up early: the next vote dials again.
func (s *server) linkTimeout(peer uint32) {
	l := s.linkTo(serverID(peer))
	if l.conn != nil && !l.up {
		l.conn.Close()
		l.conn = nil
	}
}

func (s *server) linkConnected(c *sim.Conn, err error) {
	l := c.Data.(*link)
	if l.conn != c {
		return
	}
	if err != nil {
		l.conn = nil
		return
	}
	if l.peer > s.id {
		// The larger id opens: the peer closes this connection and dials back. Until then,
		// nothing may be sent on it.
		return
	}
	s.linkUp(l)
}

// acceptLink takes a connection from a larger id, and answers a smaller one by dialling it.
func (s *server) acceptLink(c *sim.Conn) {
	l := s.linkTo(s.hostID(c.Peer))
	if l.peer < s.id {
		c.Close()
		if l.conn != nil {
			l.conn.Close() // of an earlier incarnation, or an attempt that waits for its next SYN
			l.up = false
		}
		s.dialLink(l)
		return
	}
	if l.conn != nil {
		l.conn.Close()
	}
	l.conn = c
	c.Data = l
	s.linkUp(l)
}

// linkUp sends what waited. A looking server tells its present vote in any case.
func (s *server) linkUp(l *link) {
	l.up = true
	n := l.last
	l.last = nil
	if s.state == looking && s.election.running {
		m := s.election.message()
		n = &m
	}
	if n != nil {
		l.conn.Send(n, notificationSize(len(s.e.hosts)))
	}
}

// receiveVote gives a notification to the election, or tells a looking server what has been
// elected (FastLeaderElection.WorkerReceiver).
func (s *server) receiveVote(l *link, n *notification) {
	if s.state == looking {
		s.election.receive(*n)
		return
	}
	if n.state == looking {
		s.sendVote(n.from, s.election.settled(s.state))
	}
}
