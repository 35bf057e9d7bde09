package zk

import (
	"sort"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// znode is one node of the tree (DataNode). data is shared and never written to.
type znode struct {
	data     []byte
	stat     Stat     // as stored: Cversion counts creates only, NumChildren and DataLength unset
	children []string // names, sorted
}

// copyStat is what clients see. Cversion counts creates in the store; clients see creates and
// deletes (DataNode.copyStat: "translate from the count of the creates to the count of the changes").
func (n *znode) copyStat() Stat {
	s := n.stat
	s.NumChildren = int32(len(n.children))
	s.DataLength = int32(len(n.data))
	s.Cversion = s.Cversion*2 - s.NumChildren
	return s
}

// tree is the replicated state of a server: znodes and sessions, changed only by transactions in
// zxid order (DataTree and ZKDatabase.sessionsWithTimeouts).
type tree struct {
	nodes      map[string]*znode
	ephemerals map[int64][]string // by session, in order of creation
	timeouts   map[int64]sim.Time
	sessions   []int64 // keys of timeouts in order of creation
	lastZxid   int64

	// fire is told of each change, in order; nil while a log is replayed.
	fire func(WatchEvent)
}

// newTree returns the tree of an empty server.
func newTree() *tree {
	t := &tree{
		nodes:      map[string]*znode{"/": {}},
		ephemerals: map[int64][]string{},
		timeouts:   map[int64]sim.Time{},
	}
	return t
}

// parentOf splits a path into its parent and the last name.
func parentOf(path string) (parent, name string) {
	i := strings.LastIndexByte(path, '/')
	if i == 0 {
		return "/", path[1:]
	}
	return path[:i], path[i+1:]
}

// validPath checks the rules of PathUtils.validatePath that clients can break by accident.
func validPath(path string) bool {
	if path == "/" {
		return true
	}
	return len(path) > 1 && path[0] == '/' && path[len(path)-1] != '/' && !strings.Contains(path, "//")
}

// apply executes a transaction and returns what the client is answered. Transactions were checked
// when they were made: one that does not fit is a broken replica.
func (t *tree) apply(x *txn) Response {
	if x.zxid <= t.lastZxid {
		panic("zk: transactions out of order")
	}
	t.lastZxid = x.zxid
	r := Response{Op: x.op, Path: x.path, Zxid: x.zxid}
	switch x.op {
	case OpCreateSession:
		if _, ok := t.timeouts[x.session]; !ok {
			t.sessions = append(t.sessions, x.session)
		}
		t.timeouts[x.session] = x.timeout
	case OpCloseSession:
		t.closeSession(x)
	case OpError:
		r.Code = x.code
	case OpMulti:
		t.multi(x, &r)
	default:
		r.Stat = t.applyOne(x, x)
	}
	return r
}

func (t *tree) multi(x *txn, r *Response) {
	for i := range x.ops {
		o := &x.ops[i]
		res := OpResult{Type: o.op, Path: o.path}
		if o.op == OpError {
			res.Code = o.code
			if r.Code == OK {
				r.Code = o.code
			}
		} else {
			res.Stat = t.applyOne(o, x)
		}
		r.Results = append(r.Results, res)
	}
}

// applyOne executes one change; x carries zxid, time and session.
func (t *tree) applyOne(o, x *txn) Stat {
	switch o.op {
	case OpCreate:
		return t.create(o, x)
	case OpDelete:
		t.delete(o.path, x.zxid)
	case OpSetData:
		n := t.must(o.path)
		n.data = o.data
		n.stat.Mtime, n.stat.Mzxid, n.stat.Version = x.time, x.zxid, o.version
		t.notify(NodeDataChanged, o.path)
		return n.copyStat()
	case OpCheck:
	default:
		panic("zk: cannot apply " + o.op.String())
	}
	return Stat{}
}

func (t *tree) must(path string) *znode {
	n := t.nodes[path]
	if n == nil {
		panic("zk: a committed transaction needs " + path)
	}
	return n
}

func (t *tree) create(o, x *txn) Stat {
	parentPath, name := parentOf(o.path)
	parent := t.must(parentPath)
	i := sort.SearchStrings(parent.children, name)
	if i < len(parent.children) && parent.children[i] == name {
		panic("zk: a committed create finds " + o.path)
	}
	parent.children = append(parent.children, "")
	copy(parent.children[i+1:], parent.children[i:])
	parent.children[i] = name
	if o.parentCversion > parent.stat.Cversion {
		parent.stat.Cversion = o.parentCversion
		parent.stat.Pzxid = x.zxid
	}
	n := &znode{data: o.data, stat: Stat{
		Czxid: x.zxid, Mzxid: x.zxid, Pzxid: x.zxid, Ctime: x.time, Mtime: x.time,
	}}
	if o.ephemeral {
		n.stat.EphemeralOwner = x.session
		t.ephemerals[x.session] = append(t.ephemerals[x.session], o.path)
	}
	t.nodes[o.path] = n
	t.notify(NodeCreated, o.path)
	t.notify(NodeChildrenChanged, parentPath)
	return n.copyStat()
}

func (t *tree) delete(path string, zxid int64) {
	n := t.must(path)
	delete(t.nodes, path)
	parentPath, name := parentOf(path)
	parent := t.must(parentPath)
	i := sort.SearchStrings(parent.children, name)
	parent.children = append(parent.children[:i], parent.children[i+1:]...)
	if zxid > parent.stat.Pzxid {
		parent.stat.Pzxid = zxid
	}
	if owner := n.stat.EphemeralOwner; owner != 0 {
		t.ephemerals[owner] = without(t.ephemerals[owner], path)
		if len(t.ephemerals[owner]) == 0 {
			delete(t.ephemerals, owner)
		}
	}
	t.notify(NodeDeleted, path)
	t.notify(NodeChildrenChanged, parentPath)
}

// closeSession ends a session and deletes the ephemeral nodes that the transaction lists
// (DataTree.killSession).
func (t *tree) closeSession(x *txn) {
	for _, path := range x.paths {
		if n := t.nodes[path]; n != nil && n.stat.EphemeralOwner == x.session {
			t.delete(path, x.zxid)
		}
	}
	if _, ok := t.timeouts[x.session]; ok {
		delete(t.timeouts, x.session)
		for i, id := range t.sessions {
			if id == x.session {
				t.sessions = append(t.sessions[:i], t.sessions[i+1:]...)
				break
			}
		}
	}
}

func (t *tree) notify(kind WatchType, path string) {
	if t.fire != nil {
		t.fire(WatchEvent{kind, path})
	}
}

func without(list []string, s string) []string {
	for i, x := range list {
		if x == s {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

// read answers a read request from the present state.
func (t *tree) read(q *Request) Response {
	r := Response{Op: q.Type, Path: q.Path, Zxid: t.lastZxid}
	n := t.nodes[q.Path]
	if n == nil {
		r.Code = NoNode
		return r
	}
	r.Stat = n.copyStat()
	switch q.Type {
	case OpGetData:
		r.Data = n.data
	case OpGetChildren:
		r.Children = append([]string(nil), n.children...)
	}
	return r
}
