package sim

import (
	"bytes"
	"slices"
	"testing"
)

func TestArenaExtents(t *testing.T) {
	a := NewArena()
	r := NewRand(1, "arena")
	type kept struct {
		ref Ref
		val []byte
	}
	var all []kept
	total := uint64(0)
	for i := range 600 {
		n := int(r.Below(5000))
		if i%50 == 0 {
			n = int(r.Below(3 * chunkSize)) // own chunks, the very first extent among them
		}
		ref, b := a.Alloc(n)
		if len(b) != n || cap(b) != n || int(ref.Len) != n || ref.Off%granule != 0 {
			t.Fatalf("extent of %d bytes: %+v, len %d, cap %d", n, ref, len(b), cap(b))
		}
		for j := range b {
			if b[j] != 0 {
				t.Fatal("a fresh extent is not zero: extents overlap")
			}
			b[j] = byte(i + j)
		}
		all = append(all, kept{ref, bytes.Clone(b)})
		total += uint64(n)
	}
	for _, k := range all {
		if !bytes.Equal(a.Bytes(k.ref), k.val) {
			t.Fatalf("extent %+v changed", k.ref)
		}
		if n := k.ref.Len; n > 10 {
			if !bytes.Equal(a.Bytes(k.ref.Slice(3, n-2).Slice(1, n-5)), k.val[4:n-2]) {
				t.Fatalf("slice of %+v", k.ref)
			}
		}
	}
	if a.Size() != total {
		t.Errorf("size %d, want %d", a.Size(), total)
	}
}

func TestArenaEdges(t *testing.T) {
	var a Arena // the zero value works
	if a.Bytes(Ref{}) != nil || a.Verified(Ref{}) {
		t.Error("the zero Ref has bytes")
	}
	a.MarkVerified(Ref{})
	a.Mark(Ref{}, 1)
	a.Marked(Ref{}, func(MsgID) { t.Error("the zero Ref is marked") })
	if ref, b := a.Alloc(0); ref != (Ref{}) || b != nil {
		t.Error("an empty extent is not the zero Ref")
	}
	src := []byte("abc")
	ref := a.Put(src)
	src[0] = 'x'
	if string(a.Bytes(ref)) != "abc" {
		t.Error("Put does not copy")
	}
	for _, s := range [][2]uint32{{2, 1}, {0, 4}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Slice(%d, %d) of 3 bytes", s[0], s[1])
				}
			}()
			ref.Slice(s[0], s[1])
		}()
	}
}

func TestArenaReset(t *testing.T) {
	a := NewArena()
	fill := func() (refs []Ref) {
		for range 3000 {
			ref, b := a.Alloc(1000)
			for i := range b {
				if b[i] != 0 {
					t.Fatal("a reused chunk is not zero")
				}
				b[i] = 0xee
			}
			if a.Verified(ref) {
				t.Fatal("a fresh extent is verified")
			}
			a.MarkVerified(ref)
			a.Mark(ref, 1)
			refs = append(refs, ref)
		}
		return refs
	}
	first := fill()
	a.Reset()
	if a.Size() != 0 {
		t.Error("bytes left after Reset")
	}
	if !slices.Equal(first, fill()) {
		t.Error("the same allocations gave other extents after Reset")
	}
}

func TestArenaVerifiedIsExact(t *testing.T) {
	a := NewArena()
	var refs []Ref
	for i := range 5000 {
		ref, _ := a.Alloc(1 + i%700)
		refs = append(refs, ref)
		if i%2 == 0 {
			a.MarkVerified(ref)
			a.MarkVerified(ref)
		}
	}
	for i, ref := range refs {
		if a.Verified(ref) != (i%2 == 0) {
			t.Fatalf("extent %d %+v: verified %v", i, ref, a.Verified(ref))
		}
		longer := ref
		longer.Len++
		if a.Verified(longer) {
			t.Fatalf("a longer range than %+v is verified", ref)
		}
		for _, part := range [][2]uint32{{0, ref.Len - 1}, {1, ref.Len}, {0, ref.Len / 2}} {
			if part[0] < part[1] && a.Verified(ref.Slice(part[0], part[1])) {
				t.Fatalf("part %v of %+v is verified", part, ref)
			}
		}
	}
	// A part may be verified by itself, beside the whole.
	whole := refs[4998]
	part := whole.Slice(0, whole.Len/2)
	a.MarkVerified(part)
	if !a.Verified(part) || !a.Verified(whole) || a.Verified(whole.Slice(0, whole.Len/2-1)) {
		t.Error("part and whole are not told apart")
	}
}

func TestArenaMarks(t *testing.T) {
	a := NewArena()
	r := NewRand(3, "marks")
	type m struct {
		ref Ref
		id  MsgID
	}
	var marks []m
	for i := range 400 {
		n := 1 + int(r.Below(20_000))
		if i%40 == 7 {
			n = 2 * chunkSize
		}
		ref, _ := a.Alloc(n)
		if i%3 != 0 { // a body inside of an extent, and sometimes one inside of another
			x := uint32(r.Below(uint64(n)))
			marks = append(marks, m{ref.Slice(x, x+uint32(r.Below(uint64(n)-uint64(x)))+1), NewMsgID(1, uint32(i))})
		}
		if i%5 == 0 {
			marks = append(marks, m{ref, NewMsgID(2, uint32(i))})
		}
	}
	for _, i := range r.Perm(len(marks)) { // in any order
		a.Mark(marks[i].ref, 0)
		a.Mark(marks[i].ref, marks[i].id) // again: replaced
	}
	slices.SortFunc(marks, func(x, y m) int {
		return compareMarks(mark{off: x.ref.Off, len: x.ref.Len}, mark{off: y.ref.Off, len: y.ref.Len})
	})
	for range 3000 {
		c := uint32(r.Below(uint64(len(a.chunks))))
		size := uint64(len(a.chunks[c].data))
		q := Ref{Chunk: c, Off: uint32(r.Below(size))}
		q.Len = uint32(r.Below(min(50_000, size-uint64(q.Off)) + 1))
		var got, want []MsgID
		a.Marked(q, func(id MsgID) { got = append(got, id) })
		for _, x := range marks {
			if q.Len > 0 && x.ref.Chunk == c && x.ref.end() > uint64(q.Off) && uint64(x.ref.Off) < q.end() {
				want = append(want, x.id)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: marked %v, want %v", q, got, want)
		}
	}
}

func TestBodyProvesItsID(t *testing.T) {
	for _, n := range []int{8, 9, 15, 16, 31, 39, 40, 41, 64, 100, 1024, 4099} {
		for _, id := range []MsgID{0, 1, NewMsgID(7, 20418), 1<<64 - 1} {
			body := make([]byte, n)
			FillBody(body, id)
			if got, ok := BodyID(body); got != id || !ok {
				t.Fatalf("%d bytes of %v: got %v %v", n, id, got, ok)
			}
			for i := range body {
				body[i] ^= 1 << (i % 8)
				// Below 16 bytes too little follows the id to prove it: another id may fit.
				if got, ok := BodyID(body); ok && (n >= 16 || i >= 8) {
					t.Fatalf("%d bytes of %v, byte %d damaged: still the body of %v", n, id, i, got)
				}
				if CheckBody(body, id) {
					t.Fatalf("%d bytes of %v, byte %d damaged: passes", n, id, i)
				}
				body[i] ^= 1 << (i % 8)
			}
		}
	}
}

func TestBodyShorterThanItsID(t *testing.T) {
	id := MsgID(0x0102030405060708)
	for n := range 8 {
		body := make([]byte, n)
		FillBody(body, id)
		if !bytes.Equal(body, []byte{1, 2, 3, 4, 5, 6, 7, 8}[:n]) {
			t.Errorf("%d bytes: %v", n, body)
		}
		if _, ok := BodyID(body); ok || !CheckBody(body, id) {
			t.Errorf("%d bytes: BodyID %v, CheckBody %v", n, ok, CheckBody(body, id))
		}
	}
}

// A body is part of the format of results: its bytes must never change.
func TestBodyGolden(t *testing.T) {
	body := make([]byte, 45)
	FillBody(body, NewMsgID(0, 20418))
	want := []byte{
		0, 0, 0, 0, 0, 0, 0x4f, 0xc2,
		0x92, 0xbe, 0x7e, 0x5a, 0x7d, 0x8b, 0x4f, 0x83, 0x12, 0xc5, 0xc0, 0x30, 0x56, 0xc0, 0x93, 0xb5,
		0x7b, 0x0, 0xef, 0xbe, 0xb1, 0xd3, 0x77, 0xe6, 0xa2, 0x4, 0x4a, 0x8a, 0x48, 0xcb, 0x1b, 0x21,
		0xf5, 0xf9, 0x36, 0x94, 0xcf,
	}
	if !bytes.Equal(body, want) {
		t.Errorf("got %#v", body)
	}
	// A body of another length begins alike.
	long := make([]byte, 4096)
	FillBody(long, NewMsgID(0, 20418))
	if !bytes.HasPrefix(long, body) {
		t.Error("the stream depends on the length")
	}
	// It does not repeat itself, and other ids have other streams.
	other := make([]byte, 4096)
	FillBody(other, NewMsgID(0, 20419))
	same, ones := 0, 0
	seen := make(map[string]bool)
	for i := 8; i < len(long); i += 8 {
		seen[string(long[i:i+8])] = true
		seen[string(other[i:i+8])] = true
	}
	for i := 8; i < len(long); i++ {
		if long[i] == other[i] {
			same++
		}
		for b := long[i]; b != 0; b &= b - 1 {
			ones++
		}
	}
	if len(seen) != 2*511 || same > 40 || ones < 15_900 || ones > 16_800 {
		t.Errorf("%d words of 1022, %d equal bytes, %d bits set", len(seen), same, ones)
	}
}

func TestBodiesDoNotAllocate(t *testing.T) {
	body := make([]byte, 1027)
	if n := testing.AllocsPerRun(100, func() {
		FillBody(body, 5)
		if _, ok := BodyID(body); !ok {
			t.Fatal("not a body")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
