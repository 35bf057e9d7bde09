package quorum

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// link is the connection to one voter, with one request at a time (KafkaNetworkChannel, RequestManager).
type link struct {
	n     *Node
	id    int32
	host  *sim.Host
	index uint32

	conn     *sim.Conn
	open     bool
	req      wire.Request
	corr     int32
	deadline sim.Time
	armed    bool
}

// send sends a request, connecting first if need be. The answer or the failure goes to the replica.
func (l *link) send(m wire.Request) {
	l.req = m
	l.corr++
	setHeader(m, l.corr)
	l.deadline = l.n.p.Now() + l.n.cfg.RequestTimeout
	l.arm()
	switch {
	case l.conn == nil:
		l.conn = l.n.p.Dial(l.host, wire.ControllerPort)
		l.conn.Data = l
	case l.open:
		l.conn.Send(m, m.Size())
	}
}

// arm keeps one timer per link: it fires, finds a later deadline and sleeps again.
func (l *link) arm() {
	if !l.armed {
		l.armed = true
		l.n.p.At(l.deadline, l.n.cfg.Timer+timerLink, l.index)
	}
}

// check fails a request that has waited for controller.quorum.request.timeout.ms, with its connection.
func (l *link) check() {
	l.armed = false
	switch {
	case l.req == nil:
	case l.n.p.Now() < l.deadline:
		l.arm()
	default:
		l.n.p.Probe("kraft-request-timeout")
		if l.conn != nil {
			l.conn.Close()
			l.conn, l.open = nil, false
		}
		l.fail()
	}
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
	if c != l.conn || l.req == nil || m.Correlation() != l.corr {
		return
	}
	l.req = nil
	l.n.raft.Answered(l.id, m)
}

func (l *link) lost(c *sim.Conn) {
	if c == l.conn {
		l.conn, l.open = nil, false
		l.fail()
	}
}

func (l *link) fail() {
	if l.req != nil {
		l.req = nil
		l.n.raft.Failed(l.id)
	}
}

// clientID is the client id in the requests of the raft client (KafkaRaftManager).
const clientID = "raft-client-1"

func setHeader(m wire.Request, corr int32) {
	h := wire.ReqHeader{Corr: corr, Client: clientID}
	switch m := m.(type) {
	case *wire.VoteRequest:
		m.ReqHeader = h
	case *wire.BeginQuorumEpochRequest:
		m.ReqHeader = h
	case *wire.EndQuorumEpochRequest:
		m.ReqHeader = h
	case *wire.QuorumFetchRequest:
		m.ReqHeader = h
	case *wire.FetchSnapshotRequest:
		m.ReqHeader = h
	default:
		panic("kafka quorum: a request that replicas do not send")
	}
}
