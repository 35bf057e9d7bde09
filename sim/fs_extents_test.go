package sim

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestExtentsAgainstBytes runs random changes on extents and on plain bytes.
func TestExtentsAgainstBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 6000
		var a Arena
		var x extents
		plain := make([]byte, size)
		end := int64(0)
		next := byte(0)
		for range rapid.IntRange(1, 900).Draw(t, "ops") {
			off := rapid.Int64Range(0, size-20).Draw(t, "off")
			n := rapid.Int64Range(1, 20).Draw(t, "n")
			switch rapid.IntRange(0, 9).Draw(t, "op") {
			case 0:
				x.cut(off, off+n*10)
				clear(plain[off:min(size, off+n*10)])
			case 1:
				if n == 1 {
					x.truncate(off)
					clear(plain[off:])
				}
			case 2, 3, 4:
				if end = x.end(); end+n > size {
					continue
				}
				off = end
				fallthrough
			default:
				next = next%250 + 1
				b := bytes.Repeat([]byte{next}, int(n))
				x.put(off, a.Put(b))
				copy(plain[off:], b)
			}
		}
		got := make([]byte, size)
		last := int64(-1)
		c := x.scan(0, size)
		for s, ok := c.next(); ok; s, ok = c.next() {
			require.Greater(t, s.off, last, "spans are in order and do not overlap")
			require.NotZero(t, s.ref.Len)
			copy(got[s.off:], a.Bytes(s.ref))
			last = s.end() - 1
		}
		require.Equal(t, plain, got)
		for _, leaf := range x.leaves {
			require.NotEmpty(t, leaf)
			require.LessOrEqual(t, len(leaf), leafSpans)
		}
		from := rapid.Int64Range(0, size).Draw(t, "from")
		to := rapid.Int64Range(from, size).Draw(t, "to")
		part := make([]byte, to-from)
		c = x.scan(from, to)
		for s, ok := c.next(); ok; s, ok = c.next() {
			copy(part[s.off-from:], a.Bytes(s.ref))
		}
		require.Equal(t, plain[from:to], part)
	})
}

// TestExtentsMerge: bytes that are adjacent in the file and in the arena are one span.
func TestExtentsMerge(t *testing.T) {
	var a Arena
	var x extents
	r := a.Put(make([]byte, 64))
	x.push(0, r.Slice(0, 20))
	x.push(20, r.Slice(20, 40))
	x.put(60, r.Slice(60, 64))
	x.put(40, r.Slice(40, 60))
	c := x.scan(0, 100)
	s, _ := c.next()
	require.Equal(t, span{0, r.Slice(0, 60)}, s)
}
