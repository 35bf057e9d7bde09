package log

import (
	"hash/crc32"

	"github.com/mqsim/mqsim/sim"
)

// Limits of FileLogInputStream: with no more bytes than a header up to its magic there is no
// batch, and a length field below a legacy record's overhead is garbage.
const (
	minTail   = 17
	minLength = 14
)

// Cursor walks over the batches of a byte range, given as extents: what a file read or a fetch
// response holds. Usually each batch is two extents, its header and its records; after damage,
// torn writes or truncation extents may begin and end anywhere. A Cursor does not allocate unless
// a batch is split in such a way.
//
//	c := NewCursor(a, refs)
//	for c.Next() { use c.Header, c.Batch(), c.Records() }
//	err := c.Err()
type Cursor struct {
	// Header is the present batch's.
	Header Header

	a     *sim.Arena
	refs  []sim.Ref
	at    place // the first unread byte
	start place // the present batch
	body  place // its records section
	pos   int64 // the present batch's position in the range
	size  int64 // of the present batch
	left  int64 // unread bytes
	need  int64 // size of the batch of which the range holds only the beginning, 0: unknown
	err   error
}

// place is a byte in a list of extents.
type place struct {
	ref int
	off uint32
}

// NewCursor stands before the first batch of the range.
func NewCursor(a *sim.Arena, refs []sim.Ref) Cursor {
	c := Cursor{a: a, refs: refs}
	for _, r := range refs {
		c.left += int64(r.Len)
	}
	return c
}

// Next goes to the next batch. It ends before a batch of which the range holds only the beginning,
// as FileLogInputStream.nextBatch does; Rest then says how many bytes are left. It does not look
// at the CRC.
func (c *Cursor) Next() bool {
	c.pos += c.size
	c.size = 0
	if c.err != nil || c.left <= minTail {
		return false
	}
	c.start = c.normal(c.at)
	if c.left < HeaderSize {
		c.err = c.judgeStump()
		return false
	}
	c.Header, c.body = c.header()
	size := c.Header.Size()
	switch {
	case size-lengthOverhead < minLength:
		c.err = ErrCorruptMessage
	case size > c.left:
		c.need = size
	case size < HeaderSize || c.Header.Magic() != magicV2 || !c.Header.sane():
		c.err = ErrCorruptMessage
	default:
		c.size = size
		c.at = c.skip(c.body, size-HeaderSize)
		c.left -= size
		return true
	}
	return false
}

// judgeStump looks at a range that is too short for a header: its length field alone may say that
// it is garbage rather than the beginning of a batch.
func (c *Cursor) judgeStump() error {
	var b [HeaderSize]byte
	c.copyFrom(c.start, b[:c.left])
	size := Header(b[:]).Size()
	if size-lengthOverhead < minLength || size <= c.left {
		return ErrCorruptMessage
	}
	return nil
}

// Err is ErrCorruptMessage if the range holds something that is no batch.
func (c *Cursor) Err() error { return c.err }

// Pos is the position of the present batch in the range, or, when Next returned false, the end of
// the last whole batch.
func (c *Cursor) Pos() int64 { return c.pos }

// Rest is the number of bytes behind the present batch.
func (c *Cursor) Rest() int64 { return c.left }

// Size is the number of bytes of the present batch.
func (c *Cursor) Size() int64 { return c.size }

// normal is p, or the beginning of the next extent with bytes if p is the end of one.
func (c *Cursor) normal(p place) place {
	for p.ref < len(c.refs) && p.off == c.refs[p.ref].Len {
		p = place{ref: p.ref + 1}
	}
	return p
}

// skip is the place n bytes behind p.
func (c *Cursor) skip(p place, n int64) place {
	for n > 0 {
		rest := int64(c.refs[p.ref].Len - p.off)
		if n <= rest {
			return place{p.ref, p.off + uint32(n)}
		}
		n -= rest
		p = place{ref: p.ref + 1}
	}
	return p
}

// header is the present batch's header, joined if it is split, and the place behind it.
func (c *Cursor) header() (Header, place) {
	p := c.start
	if c.refs[p.ref].Len-p.off >= HeaderSize {
		b := c.a.Bytes(c.refs[p.ref])
		return b[p.off : p.off+HeaderSize], place{p.ref, p.off + HeaderSize}
	}
	b := make([]byte, HeaderSize)
	c.copyFrom(p, b)
	return b, c.skip(p, HeaderSize)
}

// copyFrom fills dst with the bytes from p on.
func (c *Cursor) copyFrom(p place, dst []byte) {
	for len(dst) > 0 {
		n := copy(dst, c.a.Bytes(c.refs[p.ref])[p.off:])
		dst = dst[n:]
		p = place{ref: p.ref + 1}
	}
}

// extent is the range of n bytes from p as one extent; false if it is split.
func (c *Cursor) extent(p place, n int64) (sim.Ref, bool) {
	if n == 0 {
		return sim.Ref{}, true
	}
	p = c.normal(p)
	r := c.refs[p.ref]
	if int64(r.Len-p.off) < n {
		return sim.Ref{}, false
	}
	return r.Slice(p.off, p.off+uint32(n)), true
}

// Batch is the present batch as two extents. ok is false if header or records are split.
func (c *Cursor) Batch() (b Batch, ok bool) {
	header, ok1 := c.extent(c.start, HeaderSize)
	records, ok2 := c.extent(c.body, c.size-HeaderSize)
	return Batch{Header: header, Records: records}, ok1 && ok2
}

// Valid says whether the CRC of the present batch is right. It is computed unless it is remembered
// with the extents.
func (c *Cursor) Valid() bool {
	if b, ok := c.Batch(); ok && sealed(c.a, b.Header, b.Records) {
		return true
	}
	crc := crc32.Update(0, castagnoli, c.Header[atAttributes:HeaderSize])
	p := c.body
	for n := c.size - HeaderSize; n > 0; p = (place{ref: p.ref + 1}) {
		b := c.a.Bytes(c.refs[p.ref])[p.off:]
		if int64(len(b)) > n {
			b = b[:n]
		}
		crc = crc32.Update(crc, castagnoli, b)
		n -= int64(len(b))
	}
	return crc == c.Header.CRC()
}

// Records is an iterator over the records of the present batch. A section that is split over
// extents is joined by a copy, so that keys and values are contiguous.
func (c *Cursor) Records() Records {
	section, ok := c.extent(c.body, c.size-HeaderSize)
	if !ok {
		var b []byte
		section, b = c.a.Alloc(int(c.size - HeaderSize))
		c.copyFrom(c.body, b)
	}
	return newRecords(c.a, c.Header, section)
}
