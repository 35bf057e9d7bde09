package zk

import (
	"fmt"

	"github.com/mqsim/mqsim/sim"
)

// writeRequest is a write on its way to the leader.
type writeRequest struct {
	session int64
	cxid    int32
	owner   serverID // of the connection that it came in on
	req     *Request
	timeout sim.Time // createSession
}

// changeRecord is what a path will look like once all transactions proposed so far are applied
// (ZooKeeperServer.ChangeRecord).
type changeRecord struct {
	zxid     int64
	path     string
	exists   bool
	version  int32
	creates  int32 // stored cversion
	children int32
	owner    int64
}

// prep turns requests into transactions at the leader (PrepRequestProcessor): checks are made
// against the tree as it will be when everything proposed before has been applied.
type prep struct {
	tree    *tree
	pending map[string]*changeRecord // the latest of each path
	order   []*changeRecord          // all that are not applied yet
	staged  []*changeRecord          // of the transaction being made
}

func newPrep(t *tree) *prep { return &prep{tree: t, pending: map[string]*changeRecord{}} }

// applied forgets the records of transactions up to zxid: the tree shows them now.
func (p *prep) applied(zxid int64) {
	n := 0
	for n < len(p.order) && p.order[n].zxid <= zxid {
		if r := p.order[n]; p.pending[r.path] == r {
			delete(p.pending, r.path)
		}
		n++
	}
	p.order = append(p.order[:0], p.order[n:]...)
}

// record is the future state of a path, as a copy that the caller may change and stage.
func (p *prep) record(path string) changeRecord {
	for i := len(p.staged) - 1; i >= 0; i-- {
		if p.staged[i].path == path {
			return *p.staged[i]
		}
	}
	if r := p.pending[path]; r != nil {
		return *r
	}
	n := p.tree.nodes[path]
	if n == nil {
		return changeRecord{path: path}
	}
	return changeRecord{
		path: path, exists: true, version: n.stat.Version, creates: n.stat.Cversion,
		children: int32(len(n.children)), owner: n.stat.EphemeralOwner,
	}
}

func (p *prep) stage(r changeRecord, zxid int64) {
	r.zxid = zxid
	p.staged = append(p.staged, &r)
}

// accept makes the staged records part of the future.
func (p *prep) accept() {
	for _, r := range p.staged {
		p.pending[r.path] = r
		p.order = append(p.order, r)
	}
	p.staged = nil
}

// transaction makes the transaction of a request. refused, when not OK, is a failure that was
// found before (session expired or moved).
func (p *prep) transaction(w *writeRequest, zxid, wall int64, refused Code) *txn {
	x := &txn{session: w.session, cxid: w.cxid, zxid: zxid, time: wall, op: w.req.Type}
	if refused != OK {
		x.op, x.code = OpError, refused
		return x
	}
	p.staged = nil
	switch w.req.Type {
	case OpCreateSession:
		x.timeout = w.timeout
	case OpCloseSession:
		x.paths = p.ephemerals(w.session)
		for _, path := range x.paths {
			p.stage(changeRecord{path: path}, zxid)
		}
	case OpMulti:
		p.multi(x, w.req.Ops)
	default:
		if code := p.op(x, &w.req.Op, x); code != OK {
			*x = txn{session: w.session, cxid: w.cxid, zxid: zxid, time: wall, op: OpError, code: code}
			p.staged = nil
		}
	}
	p.accept()
	return x
}

// multi makes all operations or, when one fails, the list of errors that the client is shown.
func (p *prep) multi(x *txn, ops []Op) {
	failed := OK
	x.ops = make([]txn, len(ops))
	for i := range ops {
		o := &x.ops[i]
		*o = txn{session: x.session, cxid: x.cxid, zxid: x.zxid, time: x.time, op: ops[i].Type}
		if failed != OK {
			*o = txn{op: OpError, code: RuntimeInconsistency}
			continue
		}
		if failed = p.op(o, &ops[i], x); failed == OK {
			continue
		}
		for j := range i {
			x.ops[j] = txn{op: OpError}
		}
		*o = txn{op: OpError, code: failed}
		p.staged = nil
	}
}

// op checks one operation against the future and, if it fits, completes its transaction in o.
func (p *prep) op(o *txn, q *Op, x *txn) Code {
	if !validPath(q.Path) {
		return BadArguments
	}
	o.path = q.Path
	switch q.Type {
	case OpCreate:
		return p.create(o, q, x)
	case OpDelete:
		return p.delete(q, x.zxid)
	case OpSetData:
		r := p.record(q.Path)
		if !r.exists {
			return NoNode
		}
		if q.Version != AnyVersion && q.Version != r.version {
			return BadVersion
		}
		r.version++
		o.data, o.version = q.Data, r.version
		p.stage(r, x.zxid)
		return OK
	case OpCheck:
		r := p.record(q.Path)
		if !r.exists {
			return NoNode
		}
		if q.Version != AnyVersion && q.Version != r.version {
			return BadVersion
		}
		o.version = q.Version
		return OK
	}
	return Unimplemented
}

func (p *prep) create(o *txn, q *Op, x *txn) Code {
	if q.Path == "/" {
		return NodeExists
	}
	parentPath, _ := parentOf(q.Path)
	parent := p.record(parentPath)
	if !parent.exists {
		return NoNode
	}
	if q.Mode.sequential() {
		o.path = fmt.Sprintf("%s%010d", q.Path, parent.creates)
	}
	if p.record(o.path).exists {
		return NodeExists
	}
	if parent.owner != 0 {
		return NoChildrenForEphemerals
	}
	parent.creates++
	parent.children++
	o.data, o.ephemeral, o.parentCversion = q.Data, q.Mode.ephemeral(), parent.creates
	p.stage(parent, x.zxid)
	r := changeRecord{path: o.path, exists: true}
	if o.ephemeral {
		r.owner = x.session
	}
	p.stage(r, x.zxid)
	return OK
}

func (p *prep) delete(q *Op, zxid int64) Code {
	if q.Path == "/" {
		return BadArguments
	}
	r := p.record(q.Path)
	if !r.exists {
		return NoNode
	}
	if q.Version != AnyVersion && q.Version != r.version {
		return BadVersion
	}
	if r.children > 0 {
		return NotEmpty
	}
	parentPath, _ := parentOf(q.Path)
	parent := p.record(parentPath)
	parent.children--
	p.stage(parent, zxid)
	p.stage(changeRecord{path: q.Path}, zxid)
	return OK
}

// ephemerals lists what the end of a session will delete: its nodes in the tree, corrected by the
// transactions on their way.
func (p *prep) ephemerals(session int64) []string {
	paths := append([]string(nil), p.tree.ephemerals[session]...)
	for _, r := range p.order {
		if !r.exists {
			paths = without(paths, r.path)
		} else if r.owner == session {
			paths = append(without(paths, r.path), r.path)
		}
	}
	return paths
}
