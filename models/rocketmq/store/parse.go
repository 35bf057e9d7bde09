package store

import (
	"encoding/binary"

	"github.com/mqsim/mqsim/sim"
)

// Record is a record as a Cursor found it. Topic, Properties and what Body returns are valid until
// the next call of the cursor.
type Record struct {
	Size           int32
	CRC            uint32
	QueueID        int32
	Flag           int32
	QueueOffset    int64
	PhysicalOffset int64 // as the record says; nothing verifies it
	SysFlag        int32
	BornTimestamp  int64
	StoreTimestamp int64
	BornHost       Addr // zero with an IPv6 host
	StoreHost      Addr
	Reconsume      int32
	Prepared       int64
	BodyLen        int32
	Topic          []byte
	Properties     []byte
}

// Verdict is what a Cursor makes of the bytes at its place
// (CommitLog.checkMessageAndReturnSize and the DispatchRequest that it returns).
type Verdict uint8

// Verdicts.
const (
	// Good: a record.
	Good Verdict = iota
	// Blank: the filler at a file's end; the next record begins with the next file.
	Blank
	// Bad: no record, the beginning of one, or a body with the wrong CRC.
	Bad
	// BadSize: the fields can be read, but TOTALSIZE is not what they add up to.
	BadSize
)

// Cursor walks over the records of a byte range that is given as extents, which may begin and end
// anywhere: what a file or a pull response holds. It does not allocate unless topic or properties
// are split between extents.
type Cursor struct {
	Record Record

	a     *sim.Arena
	refs  []sim.Ref
	ref   int    // the first unread byte
	off   uint32 //
	left  int64  // unread bytes
	pos   int64  // of the unread part in the range
	body  mark   // of the present record
	fixed [fixedSize + 24]byte
	join  []byte      // topic and properties that were split
	head  int64       // of each record: EntryHeader in a log of DLedger
	entry ledgerEntry // what it says
	lead  [EntryHeader]byte
}

// mark is a byte in a list of extents.
type mark struct {
	ref int
	off uint32
}

// NewCursor stands before the first record of the range.
func NewCursor(a *sim.Arena, refs []sim.Ref) Cursor {
	var c Cursor
	c.Reset(a, refs)
	return c
}

// Reset goes to the beginning of another range.
func (c *Cursor) Reset(a *sim.Arena, refs []sim.Ref) {
	c.a, c.refs, c.ref, c.off, c.left, c.pos = a, refs, 0, 0, 0, 0
	for _, r := range refs {
		c.left += int64(r.Len)
	}
}

// Pos is the number of bytes of the range before the next record.
func (c *Cursor) Pos() int64 { return c.pos }

// Left is the number of bytes from there on.
func (c *Cursor) Left() int64 { return c.left }

// Next looks at the next record and goes behind it if it is Good; otherwise the cursor stays. The
// CRC of the body is verified on request.
func (c *Cursor) Next(verify bool) Verdict {
	start := mark{c.ref, c.off}
	left := c.left
	v := c.next(verify)
	if v == Good {
		c.pos += c.head + int64(c.Record.Size)
		return v
	}
	c.ref, c.off, c.left = start.ref, start.off, left
	return v
}

func (c *Cursor) next(verify bool) Verdict {
	if c.head > 0 {
		if v := c.ledgerHead(); v != Good {
			return v
		}
	}
	be := binary.BigEndian
	r := &c.Record
	if c.left < 8 {
		return Bad
	}
	first := int(min(c.left, fixedSize))
	b := c.take(first, c.fixed[:0])
	r.Size = int32(be.Uint32(b[atTotal:]))
	switch be.Uint32(b[atMagic:]) {
	case magicMessage:
	case magicBlank:
		return Blank
	default:
		return Bad
	}
	if first < fixedSize {
		return Bad
	}
	r.SysFlag = int32(be.Uint32(b[atSysFlag:]))
	if r.SysFlag&(sysBornV6|sysStoreV6) != 0 {
		if b = c.longer(b); b == nil {
			return Bad
		}
	}
	born, store := hostSizes(r.SysFlag)
	c.fields(b, born, store)
	if int64(max(r.BodyLen, 0)) > c.left {
		return Bad
	}
	c.body = mark{c.ref, c.off}
	if verify && r.BodyLen > 0 {
		if c.crc() != r.CRC {
			return Bad
		}
	} else {
		c.skip(int64(max(r.BodyLen, 0)))
	}
	if !c.tail() {
		return Bad
	}
	n := len(b) + int(max(r.BodyLen, 0)) + 1 + len(r.Topic) + 2 + len(r.Properties)
	if int64(r.Size) != int64(n) {
		return BadSize
	}
	if c.head > 0 && int64(c.entry.size) != c.head+int64(n) {
		return Bad
	}
	return Good
}

// ledgerHead reads the header of DLedger before a record.
func (c *Cursor) ledgerHead() Verdict {
	if c.left < 8 {
		return Bad
	}
	b := c.take(int(min(c.left, EntryHeader)), c.lead[:0])
	switch magic := binary.BigEndian.Uint32(b); {
	case magic == ledgerBlank:
		return Blank
	case magic != ledgerMagic || len(b) < EntryHeader:
		return Bad
	}
	c.entry = entryOf(b)
	return Good
}

func hostSizes(sysFlag int32) (born, store int) {
	born, store = 8, 8
	if sysFlag&sysBornV6 != 0 {
		born = 20
	}
	if sysFlag&sysStoreV6 != 0 {
		store = 20
	}
	return born, store
}

// longer is the fixed part with IPv6 hosts, nil if the range ends before.
func (c *Cursor) longer(b []byte) []byte {
	born, store := hostSizes(int32(binary.BigEndian.Uint32(b[atSysFlag:])))
	more := born + store - 16
	if int64(more) > c.left {
		return nil
	}
	n := copy(c.fixed[:], b)
	c.copyOut(c.fixed[n : n+more])
	return c.fixed[:n+more]
}

// fields reads the fixed part behind SYSFLAG, whose places depend on the hosts' lengths, and what
// is before it.
func (c *Cursor) fields(b []byte, born, store int) {
	be := binary.BigEndian
	r := &c.Record
	r.CRC = be.Uint32(b[atCRC:])
	r.QueueID = int32(be.Uint32(b[atQueueID:]))
	r.Flag = int32(be.Uint32(b[atFlag:]))
	r.QueueOffset = int64(be.Uint64(b[atQueueOffset:]))
	r.PhysicalOffset = int64(be.Uint64(b[atPhysical:]))
	r.BornTimestamp = int64(be.Uint64(b[atBornTime:]))
	at := atBornHost
	r.BornHost = address(b[at : at+born])
	at += born
	r.StoreTimestamp = int64(be.Uint64(b[at:]))
	r.StoreHost = address(b[at+8 : at+8+store])
	at += 8 + store
	r.Reconsume = int32(be.Uint32(b[at:]))
	r.Prepared = int64(be.Uint64(b[at+4:]))
	r.BodyLen = int32(be.Uint32(b[at+12:]))
}

func address(b []byte) (a Addr) {
	if len(b) == 8 {
		copy(a.IP[:], b)
		a.Port = int32(binary.BigEndian.Uint32(b[4:]))
	}
	return a
}

// tail reads topic and properties; false if the range ends before. A negative length counts as
// none, as in the broker.
func (c *Cursor) tail() bool {
	r := &c.Record
	c.join = c.join[:0]
	var two [2]byte
	if c.left < 1 {
		return false
	}
	n := int64(int8(c.take(1, two[:0])[0]))
	if n < 0 || c.left < n+2 { // new byte[negative] throws
		return false
	}
	r.Topic = c.piece(int(n))
	p := int64(int16(binary.BigEndian.Uint16(c.take(2, two[:0]))))
	if p > c.left {
		return false
	}
	r.Properties = c.piece(int(max(p, 0)))
	return true
}

// piece is the next n bytes; if they are split, a copy in c.join.
func (c *Cursor) piece(n int) []byte {
	if n == 0 {
		return nil
	}
	c.normal()
	if rest := c.refs[c.ref].Len - c.off; int64(rest) >= int64(n) {
		return c.take(n, nil)
	}
	from := len(c.join)
	c.join = append(c.join, make([]byte, n)...)
	b := c.join[from : from+n : from+n]
	c.copyOut(b)
	return b
}

// take is the next n bytes; if they are split, a copy in buf. The range has them.
func (c *Cursor) take(n int, buf []byte) []byte {
	c.normal()
	r := c.refs[c.ref]
	if int64(r.Len-c.off) >= int64(n) {
		b := c.a.Bytes(r)[c.off : c.off+uint32(n) : c.off+uint32(n)]
		c.off += uint32(n)
		c.left -= int64(n)
		return b
	}
	b := buf[:n]
	c.copyOut(b)
	return b
}

func (c *Cursor) copyOut(b []byte) {
	for len(b) > 0 {
		c.normal()
		n := copy(b, c.a.Bytes(c.refs[c.ref])[c.off:])
		b = b[n:]
		c.off += uint32(n)
		c.left -= int64(n)
	}
}

// normal makes the present extent one with unread bytes, if there is one.
func (c *Cursor) normal() {
	for c.ref < len(c.refs) && c.off == c.refs[c.ref].Len {
		c.ref, c.off = c.ref+1, 0
	}
}

func (c *Cursor) skip(n int64) {
	c.left -= n
	for n > 0 {
		rest := int64(c.refs[c.ref].Len - c.off)
		if n < rest {
			c.off += uint32(n)
			return
		}
		n -= rest
		c.ref, c.off = c.ref+1, 0
	}
}

// Body appends the extents of the present record's body to dst.
func (c *Cursor) Body(dst []sim.Ref) []sim.Ref {
	n := int64(max(c.Record.BodyLen, 0))
	at := c.body
	for n > 0 {
		r := c.refs[at.ref]
		k := min(n, int64(r.Len-at.off))
		if k > 0 {
			dst = append(dst, r.Slice(at.off, at.off+uint32(k)))
		}
		n -= k
		at = mark{ref: at.ref + 1}
	}
	return dst
}

// BodyBytes is the present record's body, joined if it is split.
func (c *Cursor) BodyBytes() []byte {
	var few [4]sim.Ref
	refs := c.Body(few[:0])
	if len(refs) == 1 {
		return c.a.Bytes(refs[0])
	}
	var b []byte
	for _, r := range refs {
		b = append(b, c.a.Bytes(r)...)
	}
	return b
}
