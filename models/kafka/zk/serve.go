package zk

import (
	"fmt"

	"github.com/mqsim/mqsim/sim"
)

// clientStage is how far a client's connection has come.
type clientStage uint8

const (
	clientNew        clientStage = iota // no ConnectRequest yet
	clientCreating                      // its session is being created
	clientValidating                    // its session is being looked up
	clientOpen
	clientGone
)

// clientConn is one client connection at a server (NIOServerCnxn).
type clientConn struct {
	conn    *sim.Conn
	stage   clientStage
	session int64
	timeout sim.Time
	queue   []waitingRequest // unanswered, in order
	watched map[string]struct{}
}

// waitingRequest is a request that has not been answered: a write that is not committed, or
// anything that came after one (CommitProcessor keeps the order within a session).
type waitingRequest struct {
	req   *Request
	ready bool
}

func (s *server) acceptClient(c *sim.Conn) {
	cc := &clientConn{conn: c, watched: map[string]struct{}{}}
	c.Data = cc
	s.clients = append(s.clients, cc)
}

// forget removes a connection that is over. The session lives on.
func (s *server) forget(c *clientConn) {
	if c.stage == clientGone {
		return
	}
	c.stage = clientGone
	s.watches.drop(c)
	for i, x := range s.clients {
		if x == c {
			s.clients = append(s.clients[:i], s.clients[i+1:]...)
			break
		}
	}
	if s.bySession[c.session] == c {
		delete(s.bySession, c.session)
	}
}

func (s *server) hangUp(c *clientConn) {
	s.forget(c)
	c.conn.Close()
}

func (s *server) receiveClient(c *clientConn, m any) {
	switch m := m.(type) {
	case *connectRequest:
		s.connect(c, m)
	case *Request:
		s.request(c, m)
	default:
		panic(fmt.Sprintf("zk: server received %T from a client", m))
	}
}

// connect creates a session or takes up an old one (ZooKeeperServer.processConnectRequest).
func (s *server) connect(c *clientConn, m *connectRequest) {
	switch {
	case c.stage != clientNew:
		return
	case !s.serving:
		s.hangUp(c) // "ZooKeeperServer not running"
		return
	case m.lastZxid > s.tree.lastZxid:
		s.p.Probe("zk-server-behind-client")
		s.hangUp(c) // "client must try another server"
		return
	}
	tick := s.e.cfg.TickTime
	c.timeout = min(max(m.timeout, 2*tick), 20*tick)
	if m.session == 0 {
		s.nextSession++
		c.session = s.nextSession
		c.stage = clientCreating
		s.bySession[c.session] = c
		s.e.clientOf[c.session] = c.conn.Peer
		s.submit(&writeRequest{session: c.session, req: createSessionRequest, timeout: c.timeout})
		return
	}
	if old := s.bySession[m.session]; old != nil {
		s.hangUp(old) // CLIENT_RECONNECT
	}
	c.session = m.session
	c.stage = clientValidating
	if s.lead != nil {
		s.takenUp(c, s.lead.takeUp(c.session, s.id))
		return
	}
	s.follow.validating = append(s.follow.validating, c)
	s.follow.send(&revalidate{c.session, c.timeout})
}

// createSessionRequest is the write that every new session begins with; nobody writes to it.
var createSessionRequest = &Request{Op: Op{Type: OpCreateSession}}

// takenUp ends the handshake of an old session (ZooKeeperServer.finishSessionInit).
func (s *server) takenUp(c *clientConn, valid bool) {
	if c.stage != clientValidating {
		return
	}
	if !valid {
		c.conn.Send(&connectResponse{}, connectResponseSize)
		s.hangUp(c)
		return
	}
	s.bySession[c.session] = c
	s.open(c)
}

func (s *server) open(c *clientConn) {
	c.stage = clientOpen
	c.conn.Send(&connectResponse{timeout: c.timeout, session: c.session}, connectResponseSize)
}

// request queues a request behind the unanswered ones and sends a write on its way.
func (s *server) request(c *clientConn, req *Request) {
	if c.stage != clientOpen || !s.serving {
		return
	}
	if s.lead != nil {
		s.lead.sessions.touch(c.session, s.p.Now())
	} else {
		s.follow.touch(c)
	}
	if req.Type.write() {
		c.queue = append(c.queue, waitingRequest{req, false})
		s.submit(&writeRequest{session: c.session, cxid: req.xid, req: req})
		return
	}
	if len(c.queue) > 0 {
		c.queue = append(c.queue, waitingRequest{req, true})
		return
	}
	s.answerRead(c, req)
}

// submit gives a write to the leader, which may be this server.
func (s *server) submit(w *writeRequest) {
	w.owner = s.id
	if s.lead != nil {
		s.lead.propose(w)
		return
	}
	s.follow.send(&forward{*w})
}

// answerRead answers from this server's tree (FinalRequestProcessor).
func (s *server) answerRead(c *clientConn, req *Request) {
	switch req.Type {
	case OpPing:
		c.conn.Send(pingReply, pingReplySize)
		return
	case OpSetWatches:
		s.setWatches(c, req.watches)
		s.reply(c, &reply{xid: req.xid, Response: Response{Op: OpSetWatches, Zxid: s.tree.lastZxid}})
		return
	case OpExists, OpGetData, OpGetChildren:
	default:
		s.reply(c, &reply{xid: req.xid, Response: Response{Op: req.Type, Code: Unimplemented, Zxid: s.tree.lastZxid}})
		return
	}
	m := &reply{xid: req.xid, Response: s.tree.read(req)}
	if req.Watch {
		switch {
		case req.Type == OpExists || (req.Type == OpGetData && m.Code == OK):
			s.watches.watchData(req.Path, c)
		case req.Type == OpGetChildren && m.Code == OK:
			s.watches.watchChildren(req.Path, c)
		}
	}
	s.reply(c, m)
}

func (s *server) reply(c *clientConn, m *reply) { c.conn.Send(m, replySize(m)) }

// setWatches takes over the watches of a client that comes from another server; what changed since
// the zxid that it has seen fires at once (DataTree.setWatches).
func (s *server) setWatches(c *clientConn, w *watchSets) {
	for _, path := range w.data {
		n := s.tree.nodes[path]
		switch {
		case n == nil:
			s.sendEvent(c, WatchEvent{NodeDeleted, path})
		case n.stat.Mzxid > w.zxid:
			s.sendEvent(c, WatchEvent{NodeDataChanged, path})
		default:
			s.watches.watchData(path, c)
		}
	}
	for _, path := range w.exist {
		if s.tree.nodes[path] != nil {
			s.sendEvent(c, WatchEvent{NodeCreated, path})
		} else {
			s.watches.watchData(path, c)
		}
	}
	for _, path := range w.child {
		n := s.tree.nodes[path]
		switch {
		case n == nil:
			s.sendEvent(c, WatchEvent{NodeDeleted, path})
		case n.stat.Pzxid > w.zxid:
			s.sendEvent(c, WatchEvent{NodeChildrenChanged, path})
		default:
			s.watches.watchChildren(path, c)
		}
	}
}

func (s *server) fireWatches(e WatchEvent) { s.watches.fire(e, s.sendEvent) }

func (s *server) sendEvent(c *clientConn, e WatchEvent) {
	m := &watcherEvent{e}
	c.conn.Send(m, eventSize(m))
}

// apply executes a committed transaction: watches fire, and if the request came in here its client
// is answered, and so is what waited behind it.
func (s *server) apply(e entry) {
	s.e.check(s.p.Host, e, s.lead != nil || s.follow.joined)
	t := e.t
	r := s.tree.apply(t)
	c := s.bySession[t.session]
	switch t.op {
	case OpCreateSession:
		if c != nil && c.stage == clientCreating {
			s.open(c)
		}
		return
	case OpCloseSession:
		if s.lead != nil {
			s.lead.ended(t)
		}
		if c == nil {
			return
		}
		if len(c.queue) > 0 && c.queue[0].req.xid == t.cxid {
			s.reply(c, &reply{xid: t.cxid, Response: r})
		}
		s.hangUp(c)
		return
	}
	if c == nil || len(c.queue) == 0 || c.queue[0].req.xid != t.cxid {
		return
	}
	if t.op == OpError && t.code == SessionMoved {
		s.hangUp(c) // "session moved is a connection level error"
		return
	}
	req := c.queue[0].req
	r.Op = req.Type
	if t.op == OpError {
		r.Path = req.Path
	}
	s.reply(c, &reply{xid: t.cxid, Response: r})
	n := 1
	for n < len(c.queue) && c.queue[n].ready {
		s.answerRead(c, c.queue[n].req)
		n++
	}
	c.queue = append(c.queue[:0], c.queue[n:]...)
}
