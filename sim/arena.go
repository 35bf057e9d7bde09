package sim

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Ref is a range of bytes in an Arena: a handle without pointers. The zero Ref has no bytes.
type Ref struct {
	Chunk, Off, Len uint32
}

// Slice is the part [from, to) of r.
func (r Ref) Slice(from, to uint32) Ref {
	if from > to || to > r.Len {
		panic(fmt.Sprintf("sim: slice [%d:%d) of an extent of %d bytes", from, to, r.Len))
	}
	return Ref{Chunk: r.Chunk, Off: r.Off + from, Len: to - from}
}

func (r Ref) end() uint64 { return uint64(r.Off) + uint64(r.Len) }

const (
	chunkSize   = 1 << 20
	granule     = 16            // extents start at a multiple of this
	largeExtent = chunkSize / 4 // larger extents get a chunk of their own: the waste stays below a quarter
)

// Arena holds the shared bytes of a run. Extents are immutable once their Ref is shared, and live
// until the run ends. The zero Arena is ready for use.
type Arena struct {
	chunks []chunk
	open   int    // the chunk that small extents are cut from
	used   uint32 // bytes of it that are taken
	spare  [][]byte
	stale  bool // the open chunk served another run: extents are cleared when they are cut
	bytes  uint64
}

type chunk struct {
	data     []byte
	verified rangeSet
	marks    []mark // ordered by start, then length
	longest  uint32 // the length of the longest mark
}

type mark struct {
	off, len uint32
	id       MsgID
}

func (m mark) key() uint64 { return rangeKey(m.off, m.len) }

// NewArena is an empty arena.
func NewArena() *Arena { return new(Arena) }

// Reset forgets all extents and keeps chunks of the usual size for the next run.
func (a *Arena) Reset() {
	spare := a.spare
	for i := range a.chunks {
		if d := a.chunks[i].data; len(d) == chunkSize {
			spare = append(spare, d)
		}
	}
	clear(a.chunks)
	*a = Arena{chunks: a.chunks[:0], spare: spare}
}

// Reuse takes over the memory of an arena that nobody uses any more.
func (a *Arena) Reuse(old *Arena) {
	old.Reset()
	a.spare = append(a.spare, old.spare...)
	*old = Arena{}
}

// Size is the number of bytes in all extents, without padding.
func (a *Arena) Size() uint64 { return a.bytes }

// Alloc makes an extent of n zero bytes, which may be filled until the Ref is shared.
func (a *Arena) Alloc(n int) (Ref, []byte) {
	if n < 0 || uint64(n) > math.MaxUint32 {
		panic(fmt.Sprintf("sim: extent of %d bytes", n))
	}
	if n == 0 {
		return Ref{}, nil
	}
	a.bytes += uint64(n)
	if n > largeExtent {
		a.chunks = append(a.chunks, chunk{data: make([]byte, n)})
		r := Ref{Chunk: uint32(len(a.chunks) - 1), Len: uint32(n)}
		if r.Chunk == 0 {
			a.used = chunkSize // chunk 0 is not open for small extents
		}
		return r, a.Bytes(r)
	}
	if len(a.chunks) == 0 || a.used+uint32(n) > chunkSize {
		a.openChunk()
	}
	r := Ref{Chunk: uint32(a.open), Off: a.used, Len: uint32(n)}
	a.used += (uint32(n) + granule - 1) &^ (granule - 1)
	b := a.Bytes(r)
	if a.stale {
		clear(b)
	}
	return r, b
}

func (a *Arena) openChunk() {
	var d []byte
	n := len(a.spare)
	a.stale = n > 0
	if n > 0 {
		d = a.spare[n-1]
		a.spare = a.spare[:n-1]
	} else {
		d = make([]byte, chunkSize)
	}
	a.open, a.used = len(a.chunks), 0
	a.chunks = append(a.chunks, chunk{data: d})
}

// Put makes an extent with a copy of b.
func (a *Arena) Put(b []byte) Ref {
	r, dst := a.Alloc(len(b))
	copy(dst, b)
	return r
}

// Bytes are the bytes of r. They are read only once r is shared.
func (a *Arena) Bytes(r Ref) []byte {
	if r.Len == 0 {
		return nil
	}
	return a.chunks[r.Chunk].data[r.Off:r.end():r.end()]
}

// MarkVerified remembers that the checksum over exactly the bytes of r was found right. Extents
// are immutable, so it stays right for every replica that shares them.
func (a *Arena) MarkVerified(r Ref) {
	if r.Len != 0 {
		a.chunks[r.Chunk].verified.add(rangeKey(r.Off, r.Len))
	}
}

// Verified says whether MarkVerified was called for this range; a part of a verified range is not
// verified, as its checksum is another one.
func (a *Arena) Verified(r Ref) bool {
	return r.Len != 0 && a.chunks[r.Chunk].verified.has(rangeKey(r.Off, r.Len))
}

// Mark remembers that r holds the body of id. Only watched runs call it. Marking the same range
// again replaces its id.
func (a *Arena) Mark(r Ref, id MsgID) {
	if r.Len == 0 {
		return
	}
	c := &a.chunks[r.Chunk]
	m := mark{off: r.Off, len: r.Len, id: id}
	i, found := slices.BinarySearchFunc(c.marks, m, compareMarks)
	if found {
		c.marks[i] = m
		return
	}
	c.marks = slices.Insert(c.marks, i, m)
	c.longest = max(c.longest, r.Len)
}

func compareMarks(a, b mark) int {
	switch x, y := a.key(), b.key(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// Marked visits the id of every marked range that shares a byte with r, in order of address.
func (a *Arena) Marked(r Ref, visit func(id MsgID)) {
	if r.Len == 0 || int(r.Chunk) >= len(a.chunks) {
		return
	}
	c := &a.chunks[r.Chunk]
	// A mark that overlaps r starts less than the longest mark's length before it.
	from := mark{}
	if r.Off >= c.longest {
		from.off = r.Off - c.longest
	}
	i, _ := slices.BinarySearchFunc(c.marks, from, compareMarks)
	for ; i < len(c.marks) && uint64(c.marks[i].off) < r.end(); i++ {
		if m := c.marks[i]; uint64(m.off)+uint64(m.len) > uint64(r.Off) {
			visit(m.id)
		}
	}
}

// rangeKey names a range of a chunk. It orders by start, then length, and is not 0 for a range
// that has bytes.
func rangeKey(off, n uint32) uint64 { return uint64(off)<<32 | uint64(n) }

// rangeSet is a set of range keys, one per chunk, in ascending order. Extents are verified about when
// they are made and asked for soon after, so both happen at the end of the list, in memory that is
// still in the cache; a hash set of the same keys was a cache miss for each question.
type rangeSet []uint64

// nearEnd is how many keys are looked at from the end before the search begins in the middle.
const nearEnd = 12

// at is the index of key, or where it would be inserted.
func (s rangeSet) at(key uint64) (int, bool) {
	i := len(s)
	for stop := max(0, i-nearEnd); i > stop; i-- {
		if k := s[i-1]; k <= key {
			if k == key {
				return i - 1, true
			}
			return i, false
		}
	}
	return slices.BinarySearch(s[:i], key)
}

func (s rangeSet) has(key uint64) bool {
	_, ok := s.at(key)
	return ok
}

func (s *rangeSet) add(key uint64) {
	if i, ok := s.at(key); !ok {
		*s = slices.Insert(*s, i, key)
	}
}

// bodyBlock is 16 bytes of a body's stream: the product of a mixed counter, used twice. Blocks do
// not wait for each other. (A multiplication for every word, as in splitmix, has better bits than
// anybody needs here, and took half as long again.)
func bodyBlock(c uint64) (first, second uint64) {
	hi, lo := bits.Mul64(c, c^0xe7037ed1a0b428db)
	return hi ^ lo, hi + c
}

// FillBody makes dst the body of id: the id (8 bytes, big endian, cut if dst is shorter), then a
// pseudo-random stream that depends on the id alone.
func FillBody(dst []byte, id MsgID) {
	rest := putID(dst, id)
	c := splitmix(uint64(id))
	for len(rest) >= 32 {
		w0, w1 := bodyBlock(c)
		w2, w3 := bodyBlock(c + golden)
		binary.LittleEndian.PutUint64(rest[0:8], w0)
		binary.LittleEndian.PutUint64(rest[8:16], w1)
		binary.LittleEndian.PutUint64(rest[16:24], w2)
		binary.LittleEndian.PutUint64(rest[24:32], w3)
		c += golden * 2 % (1 << 64)
		rest = rest[32:]
	}
	for len(rest) > 0 {
		block := bodyBytes(c)
		c += golden
		rest = rest[copy(rest, block[:]):]
	}
}

// bodyBytes is a block as bytes, for the end of a body.
func bodyBytes(c uint64) (block [16]byte) {
	w0, w1 := bodyBlock(c)
	binary.LittleEndian.PutUint64(block[:8], w0)
	binary.LittleEndian.PutUint64(block[8:], w1)
	return block
}

// putID writes the id at the front of a body and returns what follows.
func putID(dst []byte, id MsgID) []byte {
	if len(dst) >= 8 {
		binary.BigEndian.PutUint64(dst, uint64(id))
		return dst[8:]
	}
	for i := range dst {
		dst[i] = byte(id >> (56 - 8*i))
	}
	return nil
}

// BodyID is the id of a body; false if the bytes are not exactly the body of that id, or too few
// to hold one. A body of 8 bytes is nothing but an id, and every one of them is right; from 16 on
// damage does not pass.
func BodyID(body []byte) (MsgID, bool) {
	if len(body) < 8 {
		return 0, false
	}
	id := MsgID(binary.BigEndian.Uint64(body))
	return id, CheckBody(body, id)
}

// CheckBody says whether body is exactly what FillBody makes for id at this length.
func CheckBody(body []byte, id MsgID) bool {
	var front [8]byte
	binary.BigEndian.PutUint64(front[:], uint64(id))
	n := min(8, len(body))
	if string(body[:n]) != string(front[:n]) {
		return false
	}
	rest := body[n:]
	c := splitmix(uint64(id))
	var diff uint64
	for len(rest) >= 32 {
		w0, w1 := bodyBlock(c)
		w2, w3 := bodyBlock(c + golden)
		diff |= binary.LittleEndian.Uint64(rest[0:8]) ^ w0
		diff |= binary.LittleEndian.Uint64(rest[8:16]) ^ w1
		diff |= binary.LittleEndian.Uint64(rest[16:24]) ^ w2
		diff |= binary.LittleEndian.Uint64(rest[24:32]) ^ w3
		c += golden * 2 % (1 << 64)
		rest = rest[32:]
	}
	for len(rest) > 0 {
		block := bodyBytes(c)
		c += golden
		n := min(len(block), len(rest))
		if string(rest[:n]) != string(block[:n]) {
			return false
		}
		rest = rest[n:]
	}
	return diff == 0
}
