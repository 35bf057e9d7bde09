package zk

import "github.com/mqsim/mqsim/sim"

// Ports of a server (clientPort, and the two of server.N=host:2888:3888). All of it is
// coordination traffic: a cut of replication between brokers does not touch the ensemble.
var (
	clientPort   = sim.Port{Num: 2181, Class: sim.PortCoordination}
	quorumPort   = sim.Port{Num: 2888, Class: sim.PortCoordination}
	electionPort = sim.Port{Num: 3888, Class: sim.PortCoordination}
)

// xids that are not requests (ClientCnxn).
const (
	xidPing       int32 = -2
	xidSetWatches int32 = -8
)

// Messages between a client and a server. Requests travel as *Request.
type (
	// connectRequest asks for a session: a new one, or to take up an old one.
	connectRequest struct {
		lastZxid int64 // the client has seen this much
		timeout  sim.Time
		session  int64
	}
	// connectResponse grants a session; timeout 0 means that the session asked for is gone.
	connectResponse struct {
		timeout sim.Time
		session int64
	}
	// reply answers a request.
	reply struct {
		xid int32
		Response
	}
	// watcherEvent is a fired watch.
	watcherEvent struct{ WatchEvent }
)

// pingReply answers every ping; nobody writes to it.
var pingReply = &reply{xid: xidPing}

// Sizes of client packets in jute, with the 4-byte length in front (classes of
// org.apache.zookeeper.proto; ConnectRequest carries a 16-byte password and readOnly).
const (
	sizeLength          = 4
	sizeInt             = 4
	sizeLong            = 8
	sizeStat            = 68
	sizeRequestHeader   = 8
	sizeReplyHeader     = 16
	sizeMultiHeader     = 9 // type, done, err
	sizeOpenACL         = 4 + 4 + 4 + len("world") + 4 + len("anyone")
	connectRequestSize  = sizeLength + 4 + 8 + 4 + 8 + 4 + 16 + 1
	connectResponseSize = sizeLength + 4 + 4 + 8 + 4 + 16 + 1
	pingReplySize       = sizeLength + sizeReplyHeader
)

func sizeString(s string) int { return 4 + len(s) }
func sizeBuffer(b []byte) int { return 4 + len(b) }
func sizeStrings(v []string) int {
	n := 4
	for _, s := range v {
		n += sizeString(s)
	}
	return n
}

// sizeOp is the size of an operation's record, alone or inside a multi.
func sizeOp(o *Op) int {
	switch o.Type {
	case OpCreate:
		return sizeString(o.Path) + sizeBuffer(o.Data) + sizeOpenACL + 4
	case OpDelete, OpCheck:
		return sizeString(o.Path) + 4
	case OpSetData:
		return sizeString(o.Path) + sizeBuffer(o.Data) + 4
	case OpExists, OpGetData, OpGetChildren:
		return sizeString(o.Path) + 1
	}
	return 0
}

// requestBody is the size of a request's record without header.
func requestBody(r *Request) int {
	n := sizeOp(&r.Op)
	switch r.Type {
	case OpMulti:
		for i := range r.Ops {
			n += sizeMultiHeader + sizeOp(&r.Ops[i])
		}
		n += sizeMultiHeader
	case OpSetWatches:
		n += 8 + sizeStrings(r.watches.data) + sizeStrings(r.watches.exist) + sizeStrings(r.watches.child)
	case OpCreateSession:
		n += sizeInt
	}
	return n
}

// requestSize is the size of a request on the wire.
func requestSize(r *Request) int { return sizeLength + sizeRequestHeader + requestBody(r) }

// replySize is the size of an answer on the wire: a header, and a record unless it failed.
func replySize(m *reply) int {
	n := sizeLength + sizeReplyHeader
	if m.Op == OpMulti {
		for i := range m.Results {
			r := &m.Results[i]
			n += sizeMultiHeader
			switch {
			case m.Code != OK:
				n += sizeInt // ErrorResult
			case r.Type == OpCreate:
				n += sizeString(r.Path) + sizeStat
			case r.Type == OpSetData:
				n += sizeStat
			}
		}
		return n + sizeMultiHeader
	}
	if m.Code != OK {
		return n
	}
	switch m.Op {
	case OpCreate:
		n += sizeString(m.Path) + sizeStat
	case OpExists, OpSetData:
		n += sizeStat
	case OpGetData:
		n += sizeBuffer(m.Data) + sizeStat
	case OpGetChildren:
		n += sizeStrings(m.Children) + sizeStat
	}
	return n
}

// eventSize is the size of a WatcherEvent: reply header, type, state, path.
func eventSize(e *watcherEvent) int {
	return sizeLength + sizeReplyHeader + 4 + 4 + sizeString(e.Path)
}
