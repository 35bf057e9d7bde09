package zk

import (
	"encoding/binary"
	"errors"
	"hash/adler32"

	"github.com/mqsim/mqsim/sim"
)

// txn is a transaction: a request whose checks are done and whose outcome is fixed, so that every
// server that applies it gets the same tree. A failed request is a transaction too (OpError).
// Shared by all servers; nobody writes to it.
type txn struct {
	session int64
	cxid    int32
	zxid    int64
	time    int64 // ms, the leader's clock
	op      OpCode

	path           string
	data           []byte
	ephemeral      bool
	parentCversion int32 // creates under the parent, this one included
	version        int32 // setData: the new version; check: the expected one
	code           Code  // error
	timeout        sim.Time
	paths          []string // closeSession: ephemeral nodes to delete
	ops            []txn    // multi
}

// entry is one record of the transaction log: the decoded transaction, and its bytes as they are
// in every server's log.
type entry struct {
	t   *txn
	rec sim.Ref
}

// Layout of a record in the log (FileTxnLog): adler32 as a long, length, TxnHeader and record in
// jute, and an end mark.
const (
	recordFront  = 8 + 4
	recordEnd    = 1
	recordEOR    = 'B'
	txnHeaderLen = 8 + 4 + 8 + 8 + 4
)

// payload is the transaction's size on the wire.
func (e *entry) payload() int { return int(e.rec.Len) - recordFront - recordEnd }

// errBadRecord says that bytes are not a whole, intact log record.
var errBadRecord = errors.New("zk: bad log record")

// newEntry encodes a transaction for the log.
func newEntry(a *sim.Arena, t *txn) entry {
	n := txnHeaderLen + txnBodySize(t)
	ref, b := a.Alloc(recordFront + n + recordEnd)
	body := b[recordFront : recordFront : recordFront+n]
	body = appendLong(body, t.session)
	body = appendInt(body, t.cxid)
	body = appendLong(body, t.zxid)
	body = appendLong(body, t.time)
	body = appendInt(body, int32(t.op))
	body = appendTxnBody(body, t)
	if len(body) != n {
		panic("zk: transaction of another size than computed")
	}
	binary.BigEndian.PutUint64(b, uint64(adler32.Checksum(body)))
	binary.BigEndian.PutUint32(b[8:], uint32(n))
	b[recordFront+n] = recordEOR
	return entry{t, ref}
}

func txnBodySize(t *txn) int {
	switch t.op {
	case OpCreate:
		return sizeString(t.path) + sizeBuffer(t.data) + sizeOpenACL + 1 + 4
	case OpDelete:
		return sizeString(t.path)
	case OpSetData:
		return sizeString(t.path) + sizeBuffer(t.data) + 4
	case OpCheck:
		return sizeString(t.path) + 4
	case OpError, OpCreateSession:
		return 4
	case OpCloseSession:
		return sizeStrings(t.paths)
	case OpMulti:
		n := 4
		for i := range t.ops {
			n += 4 + 4 + txnBodySize(&t.ops[i])
		}
		return n
	}
	panic("zk: no transaction of type " + t.op.String())
}

func appendInt(b []byte, v int32) []byte  { return binary.BigEndian.AppendUint32(b, uint32(v)) }
func appendLong(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }
func appendString(b []byte, s string) []byte {
	return append(appendInt(b, int32(len(s))), s...)
}
func appendBuffer(b, data []byte) []byte {
	return append(appendInt(b, int32(len(data))), data...)
}
func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendTxnBody(b []byte, t *txn) []byte {
	switch t.op {
	case OpCreate:
		b = appendString(b, t.path)
		b = appendBuffer(b, t.data)
		b = appendInt(b, 1) // one ACL: world, anyone, all rights
		b = appendInt(b, 31)
		b = appendString(b, "world")
		b = appendString(b, "anyone")
		b = appendBool(b, t.ephemeral)
		b = appendInt(b, t.parentCversion)
	case OpDelete:
		b = appendString(b, t.path)
	case OpSetData:
		b = appendString(b, t.path)
		b = appendBuffer(b, t.data)
		b = appendInt(b, t.version)
	case OpCheck:
		b = appendString(b, t.path)
		b = appendInt(b, t.version)
	case OpError:
		b = appendInt(b, int32(t.code))
	case OpCreateSession:
		b = appendInt(b, int32(t.timeout/sim.Millisecond))
	case OpCloseSession:
		b = appendInt(b, int32(len(t.paths)))
		for _, p := range t.paths {
			b = appendString(b, p)
		}
	case OpMulti:
		b = appendInt(b, int32(len(t.ops)))
		for i := range t.ops {
			o := &t.ops[i]
			b = appendInt(b, int32(o.op))
			b = appendInt(b, int32(txnBodySize(o)))
			b = appendTxnBody(b, o)
		}
	}
	return b
}

// decodeRecord reads the record at the beginning of b and returns its length in b.
func decodeRecord(b []byte) (*txn, int, error) {
	if len(b) < recordFront {
		return nil, 0, errBadRecord
	}
	n := int64(int32(binary.BigEndian.Uint32(b[8:])))
	if n < txnHeaderLen || n > int64(len(b)-recordFront-recordEnd) {
		return nil, 0, errBadRecord
	}
	body := b[recordFront : recordFront+n]
	if binary.BigEndian.Uint64(b) != uint64(adler32.Checksum(body)) || b[recordFront+n] != recordEOR {
		return nil, 0, errBadRecord
	}
	r := reader{b: body}
	t := &txn{session: r.long(), cxid: r.int(), zxid: r.long(), time: r.long(), op: OpCode(r.int())}
	r.txnBody(t, 0)
	if r.bad || len(r.b) != 0 {
		return nil, 0, errBadRecord
	}
	return t, recordFront + int(n) + recordEnd, nil
}

// reader decodes jute; after the first error it returns zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) int() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) long() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *reader) buffer() []byte { return r.take(int(r.int())) }
func (r *reader) str() string    { return string(r.buffer()) }

// count reads the length of a vector whose elements have at least min bytes.
func (r *reader) count(min int) int {
	n := int(r.int())
	if n < 0 || n > len(r.b)/min {
		r.bad, r.b = true, nil
		return 0
	}
	return n
}

func (r *reader) txnBody(t *txn, depth int) {
	switch t.op {
	case OpCreate:
		t.path = r.str()
		t.data = r.buffer()
		for range r.count(12) {
			r.int()
			r.str()
			r.str()
		}
		b := r.take(1)
		t.ephemeral = len(b) == 1 && b[0] != 0
		t.parentCversion = r.int()
	case OpDelete:
		t.path = r.str()
	case OpSetData:
		t.path = r.str()
		t.data = r.buffer()
		t.version = r.int()
	case OpCheck:
		t.path = r.str()
		t.version = r.int()
	case OpError:
		t.code = Code(r.int())
	case OpCreateSession:
		t.timeout = sim.Time(r.int()) * sim.Millisecond
	case OpCloseSession:
		for range r.count(4) {
			t.paths = append(t.paths, r.str())
		}
	case OpMulti:
		if depth > 0 {
			r.bad = true
			return
		}
		for range r.count(8) {
			o := txn{session: t.session, cxid: t.cxid, zxid: t.zxid, time: t.time, op: OpCode(r.int())}
			sub := reader{b: r.buffer()}
			sub.txnBody(&o, depth+1)
			if sub.bad || len(sub.b) != 0 {
				r.bad = true
			}
			t.ops = append(t.ops, o)
		}
	default:
		r.bad = true
	}
}
