package sim

import "slices"

// span says that the bytes of a file from off on are those of ref.
type span struct {
	off int64
	ref Ref
}

func (s span) end() int64 { return s.off + int64(s.ref.Len) }

// clip is the part of s inside [from, to); false if there is none.
func (s span) clip(from, to int64) (span, bool) {
	lo, hi := max(s.off, from), min(s.end(), to)
	if lo >= hi {
		return span{}, false
	}
	return span{lo, s.ref.Slice(uint32(lo-s.off), uint32(hi-s.off))}, true
}

// follows says that r continues s in the file and in the arena, so that both are one span.
func (s span) follows(off int64, r Ref) bool {
	return s.end() == off && s.ref.Chunk == r.Chunk && s.ref.Off+s.ref.Len == r.Off
}

// leafSpans bounds a leaf: an insertion in the middle of a file moves at most so many spans, an
// append moves none.
const leafSpans = 256

// extents is the content of a file: spans in order of offset that do not overlap; what no span
// covers is a hole and reads as zeros. It is a list of leaves, none of them empty.
type extents struct {
	leaves [][]span
	spare  [][]span // leaves without spans, for use again
}

// recycle empties y; its leaves serve x.
func (x *extents) recycle(y *extents) {
	for _, l := range y.leaves {
		if cap(l) >= leafSpans {
			x.spare = append(x.spare, l[:0])
		}
	}
	clear(y.leaves)
	y.leaves = y.leaves[:0]
}

// leaf is an empty leaf with room for at least n spans.
func (x *extents) leaf(n int) []span {
	if k := len(x.spare); k > 0 {
		l := x.spare[k-1]
		x.spare = x.spare[:k-1]
		return l
	}
	return make([]span, 0, n)
}

// end is the offset after the last span.
func (x *extents) end() int64 {
	if n := len(x.leaves); n > 0 {
		l := x.leaves[n-1]
		return l[len(l)-1].end()
	}
	return 0
}

// find is the position of the first span that ends after off; li is len(x.leaves) if there is none.
func (x *extents) find(off int64) (li, si int) {
	n := len(x.leaves)
	if n == 0 || off >= x.end() {
		return n, 0
	}
	// The usual reader follows the end: look at the last leaf before searching for another.
	li = n - 1
	if x.leaves[li][0].off > off {
		lo, hi := 0, n-1 // the last leaf ends after off
		for lo < hi {
			m := int(uint(lo+hi) >> 1)
			if l := x.leaves[m]; l[len(l)-1].end() > off {
				hi = m
			} else {
				lo = m + 1
			}
		}
		li = lo
	}
	leaf := x.leaves[li]
	lo, hi := 0, len(leaf)
	for lo < hi {
		if m := int(uint(lo+hi) >> 1); leaf[m].end() > off {
			hi = m
		} else {
			lo = m + 1
		}
	}
	return li, lo
}

// push adds a span at or after the end.
func (x *extents) push(off int64, r Ref) {
	if r.Len == 0 {
		return
	}
	n := len(x.leaves)
	if n == 0 {
		x.leaves = append(x.leaves, append(x.leaf(4), span{off, r}))
		return
	}
	leaf := x.leaves[n-1]
	if last := &leaf[len(leaf)-1]; last.follows(off, r) {
		last.ref.Len += r.Len
		return
	}
	if len(leaf) == leafSpans {
		x.leaves = append(x.leaves, append(x.leaf(leafSpans), span{off, r}))
		return
	}
	x.leaves[n-1] = append(leaf, span{off, r})
}

// put makes r the content from off on, whatever was there.
func (x *extents) put(off int64, r Ref) {
	if r.Len == 0 {
		return
	}
	if off >= x.end() {
		x.push(off, r)
		return
	}
	li, si := x.cut(off, off+int64(r.Len))
	if pl, ps, ok := x.before(li, si); ok {
		if prev := &x.leaves[pl][ps]; prev.follows(off, r) {
			prev.ref.Len += r.Len
			return
		}
	}
	x.insert(li, si, span{off, r})
}

// before is the position of the span before (li, si).
func (x *extents) before(li, si int) (int, int, bool) {
	if si > 0 {
		return li, si - 1, true
	}
	if li > 0 {
		return li - 1, len(x.leaves[li-1]) - 1, true
	}
	return 0, 0, false
}

// insert puts s before the span at (li, si).
func (x *extents) insert(li, si int, s span) {
	if si == 0 && li > 0 { // the end of the leaf before is the same place
		li--
		si = len(x.leaves[li])
	}
	if li == len(x.leaves) {
		x.leaves = append(x.leaves, append(make([]span, 0, 4), s))
		return
	}
	leaf := slices.Insert(x.leaves[li], si, s)
	if len(leaf) <= leafSpans {
		x.leaves[li] = leaf
		return
	}
	half := len(leaf) / 2
	right := append(x.leaf(leafSpans), leaf[half:]...)
	x.leaves[li] = leaf[:half]
	x.leaves = slices.Insert(x.leaves, li+1, right)
}

// cut makes a hole of [from, to) and returns the position of the first span after it.
func (x *extents) cut(from, to int64) (li, si int) {
	li, si = x.find(from)
	if li == len(x.leaves) {
		return li, si
	}
	if s := x.leaves[li][si]; s.off < from {
		x.leaves[li][si], _ = s.clip(s.off, from)
		si++
		if right, ok := s.clip(to, s.end()); ok {
			x.insert(li, si, right)
			return x.find(to)
		}
	}
	for li < len(x.leaves) {
		leaf := x.leaves[li]
		k := si
		for k < len(leaf) && leaf[k].end() <= to {
			k++
		}
		leaf = slices.Delete(leaf, si, k)
		x.leaves[li] = leaf
		if si < len(leaf) { // the rest of the file is in this leaf and those after it
			leaf[si], _ = leaf[si].clip(to, leaf[si].end())
			return li, si
		}
		if len(leaf) == 0 {
			x.leaves = slices.Delete(x.leaves, li, li+1)
		} else {
			li++
		}
		si = 0
	}
	return li, 0
}

// truncate drops everything from size on.
func (x *extents) truncate(size int64) {
	if end := x.end(); end > size {
		x.cut(size, end)
	}
}

// cursor walks the spans of a range, clipped to it. The extents must not change meanwhile.
type cursor struct {
	x        *extents
	li, si   int
	from, to int64
}

func (x *extents) scan(from, to int64) cursor {
	li, si := x.find(from)
	return cursor{x, li, si, from, to}
}

func (c *cursor) next() (span, bool) {
	if c.li >= len(c.x.leaves) {
		return span{}, false
	}
	leaf := c.x.leaves[c.li]
	s := leaf[c.si]
	if c.si++; c.si == len(leaf) {
		c.li, c.si = c.li+1, 0
	}
	return s.clip(c.from, c.to)
}
