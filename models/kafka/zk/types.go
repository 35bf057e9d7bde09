package zk

import "strconv"

// Code is the outcome of a request, numbered as KeeperException.Code.
type Code int32

// Codes that clients meet.
const (
	OK                      Code = 0
	RuntimeInconsistency    Code = -2 // in a failed multi: an operation after the one that failed
	ConnectionLoss          Code = -4 // the connection ended before the answer: outcome unknown
	Unimplemented           Code = -6
	BadArguments            Code = -8
	NoNode                  Code = -101
	BadVersion              Code = -103
	NoChildrenForEphemerals Code = -108
	NodeExists              Code = -110
	NotEmpty                Code = -111
	SessionExpired          Code = -112
	SessionMoved            Code = -118 // the session was taken over by another connection
)

// String gives the name that ZooKeeper's Java client prints.
func (c Code) String() string {
	switch c {
	case OK:
		return "OK"
	case RuntimeInconsistency:
		return "RUNTIMEINCONSISTENCY"
	case ConnectionLoss:
		return "CONNECTIONLOSS"
	case Unimplemented:
		return "UNIMPLEMENTED"
	case BadArguments:
		return "BADARGUMENTS"
	case NoNode:
		return "NONODE"
	case BadVersion:
		return "BADVERSION"
	case NoChildrenForEphemerals:
		return "NOCHILDRENFOREPHEMERALS"
	case NodeExists:
		return "NODEEXISTS"
	case NotEmpty:
		return "NOTEMPTY"
	case SessionExpired:
		return "SESSIONEXPIRED"
	case SessionMoved:
		return "SESSIONMOVED"
	}
	return "CODE(" + strconv.Itoa(int(c)) + ")"
}

// AnyVersion as an expected version means: do not check.
const AnyVersion int32 = -1

// CreateMode is the flags word of a create.
type CreateMode int32

// Modes, with the values of the wire format.
const (
	Persistent           CreateMode = 0
	Ephemeral            CreateMode = 1
	PersistentSequential CreateMode = 2
	EphemeralSequential  CreateMode = 3
)

func (m CreateMode) ephemeral() bool  { return m&1 != 0 }
func (m CreateMode) sequential() bool { return m&2 != 0 }

// OpCode is a request type, numbered as ZooDefs.OpCode.
type OpCode int32

// Request types.
const (
	OpError         OpCode = -1 // only in transactions and results: a request that failed its checks
	OpCreateSession OpCode = -10
	OpCloseSession  OpCode = -11
	OpCreate        OpCode = 15 // create2: the answer carries the stat
	OpDelete        OpCode = 2
	OpExists        OpCode = 3
	OpGetData       OpCode = 4
	OpSetData       OpCode = 5
	OpPing          OpCode = 11
	OpGetChildren   OpCode = 12 // getChildren2: names and stat
	OpCheck         OpCode = 13 // only inside a multi
	OpMulti         OpCode = 14
	OpSetWatches    OpCode = 101
)

// String gives the name of the operation.
func (o OpCode) String() string {
	switch o {
	case OpError:
		return "error"
	case OpCreateSession:
		return "createSession"
	case OpCloseSession:
		return "closeSession"
	case OpCreate:
		return "create"
	case OpDelete:
		return "delete"
	case OpExists:
		return "exists"
	case OpGetData:
		return "getData"
	case OpSetData:
		return "setData"
	case OpPing:
		return "ping"
	case OpGetChildren:
		return "getChildren"
	case OpCheck:
		return "check"
	case OpMulti:
		return "multi"
	case OpSetWatches:
		return "setWatches"
	}
	return "op(" + strconv.Itoa(int(o)) + ")"
}

// write says whether the request becomes a transaction.
func (o OpCode) write() bool {
	switch o {
	case OpCreate, OpDelete, OpSetData, OpMulti, OpCreateSession, OpCloseSession:
		return true
	}
	return false
}

// Stat is what a znode's header tells, field by field ZooKeeper's Stat.
type Stat struct {
	Czxid          int64 // zxid of the create (Kafka's broker epoch on /brokers/ids/N)
	Mzxid          int64 // zxid of the last change of the data
	Ctime, Mtime   int64 // ms, clock of the leader of that moment
	Version        int32 // changes of the data
	Cversion       int32 // changes of the list of children
	Aversion       int32
	EphemeralOwner int64 // session id, 0 for a persistent node
	DataLength     int32
	NumChildren    int32
	Pzxid          int64 // zxid of the last change of the list of children
}

// Op is one operation of a multi; make it with CreateOp, DeleteOp, SetDataOp or CheckOp.
type Op struct {
	Type    OpCode
	Path    string
	Data    []byte
	Mode    CreateMode
	Version int32
}

// CreateOp creates a node inside a multi.
func CreateOp(path string, data []byte, mode CreateMode) Op {
	return Op{Type: OpCreate, Path: path, Data: data, Mode: mode}
}

// DeleteOp deletes a node inside a multi, if its version is the expected one.
func DeleteOp(path string, version int32) Op {
	return Op{Type: OpDelete, Path: path, Version: version}
}

// SetDataOp replaces a node's data inside a multi, if its version is the expected one.
func SetDataOp(path string, data []byte, version int32) Op {
	return Op{Type: OpSetData, Path: path, Data: data, Version: version}
}

// CheckOp makes a multi fail unless the node exists with the expected version.
func CheckOp(path string, version int32) Op {
	return Op{Type: OpCheck, Path: path, Version: version}
}

// OpResult is the outcome of one operation of a multi. When the multi failed, all results are of
// type OpError, operations before the failed one carry OK, the failed one its code, those after it
// RuntimeInconsistency, and none took effect.
type OpResult struct {
	Type OpCode
	Code Code
	Path string // of a create: the name made, with its sequence number
	Stat Stat   // of a create and a setData that took effect
}

// Request is a request before it is sent; make it with CreateRequest and its siblings.
type Request struct {
	Op
	Watch bool
	Ops   []Op // multi

	xid     int32
	watches *watchSets // setWatches
}

// CreateRequest creates a node.
func CreateRequest(path string, data []byte, mode CreateMode) Request {
	return Request{Op: CreateOp(path, data, mode)}
}

// DeleteRequest deletes a node if its version is the expected one.
func DeleteRequest(path string, version int32) Request { return Request{Op: DeleteOp(path, version)} }

// SetDataRequest replaces a node's data if its version is the expected one.
func SetDataRequest(path string, data []byte, version int32) Request {
	return Request{Op: SetDataOp(path, data, version)}
}

// ExistsRequest asks for a node's stat.
func ExistsRequest(path string, watch bool) Request {
	return Request{Op: Op{Type: OpExists, Path: path}, Watch: watch}
}

// GetDataRequest asks for a node's data and stat.
func GetDataRequest(path string, watch bool) Request {
	return Request{Op: Op{Type: OpGetData, Path: path}, Watch: watch}
}

// GetChildrenRequest asks for the names of a node's children and its stat.
func GetChildrenRequest(path string, watch bool) Request {
	return Request{Op: Op{Type: OpGetChildren, Path: path}, Watch: watch}
}

// MultiRequest executes all operations or none.
func MultiRequest(ops []Op) Request { return Request{Op: Op{Type: OpMulti}, Ops: ops} }

// Response ends a request.
type Response struct {
	Op       OpCode
	Path     string // of the request; of a create that took effect: the name made
	Code     Code   // of a multi: the first operation's code that is not OK
	Zxid     int64  // the server's last zxid; of a write: the zxid of its transaction
	Stat     Stat   // create, exists, getData, setData, getChildren
	Data     []byte // getData
	Children []string
	Results  []OpResult // multi
}

// WatchType is the kind of a watch event, numbered as Watcher.Event.EventType.
type WatchType int32

// Watch events.
const (
	NodeCreated         WatchType = 1
	NodeDeleted         WatchType = 2
	NodeDataChanged     WatchType = 3
	NodeChildrenChanged WatchType = 4
)

// String gives the event's Java name.
func (t WatchType) String() string {
	switch t {
	case NodeCreated:
		return "NodeCreated"
	case NodeDeleted:
		return "NodeDeleted"
	case NodeDataChanged:
		return "NodeDataChanged"
	case NodeChildrenChanged:
		return "NodeChildrenChanged"
	}
	return "WatchType(" + strconv.Itoa(int(t)) + ")"
}

// WatchEvent says that a watched node changed. The watch is used up.
type WatchEvent struct {
	Type WatchType
	Path string
}

// Handler is told what happens to a client's session.
type Handler interface {
	// ZKConnected: the client is connected; fresh says that a new session began (else the same
	// session moved to a new connection).
	ZKConnected(fresh bool)
	// ZKDisconnected: the connection is lost; the session may live on at the servers.
	ZKDisconnected()
	// ZKExpired: on reconnecting, the servers said that the session is gone, with its ephemeral
	// nodes. Watches are dropped. The client stays closed until Open begins a new session.
	ZKExpired()
	// ZKWatch: a watched node changed.
	ZKWatch(e WatchEvent)
}
