package log

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"testing"

	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

// vectors are the two of the specification.
const (
	vector1 = "00000000000000000000003d0000000002e641a44b0000000000000000018bcfe568000000018bcfe56800ffffffffffffffffffffffffffff0000000116000000010a68656c6c6f00"
	vector2 = "000000000000002a0000004900000007024a27371d0000000000010000018bcfe568000000018bcfe5680500000000000003e800030000000b0000000214000000046b310476310018000a02046b32010202680278"
)

func testWorld() *sim.World { return sim.NewWorld(1, sim.NetSpec{}) }

func encoded(w *sim.World, b Batch) string {
	return hex.EncodeToString(w.Arena.Bytes(b.Header)) + hex.EncodeToString(w.Arena.Bytes(b.Records))
}

func TestCastagnoli(t *testing.T) {
	if got := crc32.Checksum([]byte("123456789"), castagnoli); got != 0xe3069283 {
		t.Errorf("CRC-32C of the check string is %08x", got)
	}
}

func TestVarints(t *testing.T) {
	for _, c := range []struct {
		v    int64
		want string
	}{{0, "00"}, {-1, "01"}, {63, "7e"}, {64, "8001"}, {300, "d804"}, {1<<31 - 1, "feffffff0f"}, {-1 << 31, "ffffffff0f"}} {
		var b [10]byte
		n := putVarint(b[:], c.v)
		if got := hex.EncodeToString(b[:n]); got != c.want || n != varintSize(c.v) {
			t.Errorf("%d -> %s (size %d), want %s", c.v, got, varintSize(c.v), c.want)
		}
		if v, m := varint32(b[:n]); int64(v) != c.v || m != n {
			t.Errorf("%s -> %d in %d bytes", c.want, v, m)
		}
		if v, m := varint64(b[:n]); v != c.v || m != n {
			t.Errorf("%s -> %d in %d bytes", c.want, v, m)
		}
		if _, m := varint32(b[:n-1]); m != 0 {
			t.Errorf("%s without its last byte was accepted", c.want)
		}
	}
	if _, n := varint32([]byte{0xff, 0xff, 0xff, 0xff, 0x1f}); n != 0 {
		t.Error("a varint of more than 32 bits was accepted")
	}
}

func TestVectors(t *testing.T) {
	w := testWorld()
	b := NewBuilder(w)
	b.Add(1700000000000, nil, []byte("hello"))
	one := restamp(&w.Arena, b.Build(None, None, None), 0, 0)
	if got := encoded(w, one); got != vector1 {
		t.Errorf("vector 1:\n%s", got)
	}
	b.Add(1700000000000, []byte("k1"), []byte("v1"))
	b.Add(1700000000005, []byte("k2"), nil, RecordHeader{"h", []byte("x")})
	sent := b.Build(1000, 3, 11)
	two := restamp(&w.Arena, sent, 42, 7)
	if got := encoded(w, two); got != vector2 {
		t.Errorf("vector 2:\n%s", got)
	}
	if h := Header(w.Arena.Bytes(restamp(&w.Arena, two, 99, 8).Header)); h.CRC() != 0x4a27371d || h.BaseOffset() != 99 || h.LeaderEpoch() != 8 {
		t.Errorf("restamped: crc %08x, base %d, epoch %d", h.CRC(), h.BaseOffset(), h.LeaderEpoch())
	}
	if again := Renumber(&w.Arena, restamp(&w.Arena, sent, 42, 7), 1000, 3, 11); encoded(w, again) != vector2 {
		t.Error("Renumber with the same numbers changed the batch")
	}
}

// split cuts the bytes of a batch sequence into extents at every n-th byte.
func split(a *sim.Arena, raw []byte, n int) []sim.Ref {
	var refs []sim.Ref
	for len(raw) > n {
		refs = append(refs, a.Put(raw[:n]))
		raw = raw[n:]
	}
	return append(refs, a.Put(raw))
}

func TestCursorOverAnyExtents(t *testing.T) {
	raw, _ := hex.DecodeString(vector1 + vector2)
	for n := 1; n <= len(raw); n++ {
		w := testWorld()
		c := NewCursor(&w.Arena, split(&w.Arena, raw, n))
		var values []string
		for c.Next() {
			if !c.Valid() {
				t.Fatalf("cut at every %d: bad CRC at %d", n, c.Pos())
			}
			r := c.Records()
			for r.Next() {
				values = append(values, string(w.Arena.Bytes(r.Record.Body)))
			}
			if r.Err() != nil {
				t.Fatalf("cut at every %d: %v", n, r.Err())
			}
		}
		if c.Err() != nil || c.Rest() != 0 || len(values) != 3 || values[0] != "hello" || values[1] != "v1" {
			t.Fatalf("cut at every %d: %q, rest %d, %v", n, values, c.Rest(), c.Err())
		}
	}
}

func TestCursorStopsBeforePartOfABatch(t *testing.T) {
	raw, _ := hex.DecodeString(vector1 + vector2)
	first := len(vector1) / 2
	for n := 0; n < len(raw); n++ {
		w := testWorld()
		c := NewCursor(&w.Arena, []sim.Ref{w.Arena.Put(raw[:n])})
		count := 0
		for c.Next() {
			count++
		}
		want, end := 0, 0
		if n >= first {
			want, end = 1, first
		}
		if count != want || c.Pos() != int64(end) || c.Err() != nil {
			t.Errorf("%d bytes: %d batches up to %d, %v", n, count, c.Pos(), c.Err())
		}
	}
}

func TestCorruptionIsNoticed(t *testing.T) {
	raw, _ := hex.DecodeString(vector2)
	for i := range raw {
		w := testWorld()
		bad := append([]byte(nil), raw...)
		bad[i] ^= 0x10
		c := NewCursor(&w.Arena, []sim.Ref{w.Arena.Put(bad)})
		ok := c.Next() && c.Valid()
		// Base offset and leader epoch are outside the CRC, by design.
		outside := i < atLength || i >= atLeaderEpoch && i < atMagic
		if ok != outside {
			t.Errorf("a flipped bit in byte %d: accepted %v", i, ok)
		}
	}
}

func TestRecordHeaders(t *testing.T) {
	w := testWorld()
	b := NewBuilder(w)
	b.Add(5, []byte{}, []byte{}, RecordHeader{"a", nil}, RecordHeader{"", []byte("z")})
	r := RecordsOf(&w.Arena, b.Build(None, None, None))
	if !r.Next() {
		t.Fatal(r.Err())
	}
	rec := &r.Record
	if rec.Key == nil || rec.Value == nil || rec.Headers() != 2 {
		t.Errorf("key %v value %v headers %d", rec.Key, rec.Value, rec.Headers())
	}
	if k, v := rec.Header(0); k != "a" || v != nil {
		t.Errorf("header 0 is %q=%v", k, v)
	}
	if k, v := rec.Header(1); k != "" || string(v) != "z" {
		t.Errorf("header 1 is %q=%q", k, v)
	}
	if r.Next() || r.Err() != nil {
		t.Errorf("after the last record: %v", r.Err())
	}
}

func TestBodiesAreMadeInPlace(t *testing.T) {
	w := testWorld()
	b := NewBuilder(w)
	for i := range uint32(5) {
		b.AddBody(1000+int64(i), []byte("key"), sim.NewMsgID(1, i), 1024)
	}
	size := b.Size()
	batch := b.Build(7, 0, 0)
	if batch.Size() != size {
		t.Errorf("%d bytes, promised %d", batch.Size(), size)
	}
	if !sealed(&w.Arena, batch.Header, batch.Records) {
		t.Error("the CRC is not remembered")
	}
	r := RecordsOf(&w.Arena, batch)
	for i := range uint32(5) {
		if !r.Next() {
			t.Fatal(r.Err())
		}
		if id, ok := sim.BodyID(r.Record.Value); !ok || id != sim.NewMsgID(1, i) {
			t.Errorf("record %d holds %v", i, id)
		}
	}
}

// A remembered CRC belongs to a pair of extents: another header or other records are checked again.
func TestSealIsOfThePair(t *testing.T) {
	w := testWorld()
	b := NewBuilder(w)
	build := func(id sim.MsgID) Batch {
		b.AddBody(1000, nil, id, 100)
		return b.Build(None, None, None)
	}
	x, y := build(1), build(2)
	for _, c := range []struct {
		name string
		refs []sim.Ref
		ok   bool
	}{
		{"whole", []sim.Ref{x.Header, x.Records}, true},
		{"restamped", []sim.Ref{restamp(&w.Arena, x, 5, 6).Header, x.Records}, true},
		{"copied", []sim.Ref{w.Arena.Put(w.Arena.Bytes(x.Header)), w.Arena.Put(w.Arena.Bytes(x.Records))}, true},
		{"other records", []sim.Ref{x.Header, y.Records}, false},
		{"other header", []sim.Ref{y.Header, x.Records}, false},
	} {
		if cur := NewCursor(&w.Arena, c.refs); !cur.Next() || cur.Valid() != c.ok {
			t.Errorf("%s: valid is not %v", c.name, c.ok)
		}
	}
}

func FuzzBatches(f *testing.F) {
	for _, v := range []string{vector1, vector2, vector1 + vector2} {
		raw, _ := hex.DecodeString(v)
		f.Add(raw, byte(0))
		f.Add(raw, byte(7))
	}
	f.Fuzz(func(t *testing.T, raw []byte, cut byte) {
		w := testWorld()
		refs := []sim.Ref{w.Arena.Put(raw)}
		if cut > 0 {
			refs = split(&w.Arena, raw, int(cut))
		}
		c := NewCursor(&w.Arena, refs)
		var total int64
		for c.Next() {
			if c.Pos() != total || c.Size() < HeaderSize {
				t.Fatalf("batch at %d of %d bytes, expected at %d", c.Pos(), c.Size(), total)
			}
			total += c.Size()
			c.Valid()
			r := c.Records()
			last := c.Header.BaseOffset() - 1
			for r.Next() {
				rec := &r.Record
				if rec.Offset <= last || rec.Offset > c.Header.LastOffset() {
					t.Fatalf("offset %d after %d", rec.Offset, last)
				}
				last = rec.Offset
				for i := range min(rec.Headers(), 4) {
					rec.Header(i)
				}
				if string(w.Arena.Bytes(rec.Body)) != string(rec.Value) {
					t.Fatal("Body and Value differ")
				}
			}
		}
		if total+c.Rest() != int64(len(raw)) {
			t.Fatalf("%d + %d of %d bytes", total, c.Rest(), len(raw))
		}
	})
}

// fixCRC makes the checksum of an encoded batch right.
func fixCRC(b []byte) {
	binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], castagnoli))
}

// TestLogAppendTime: the leader's clock replaces every record's timestamp, under a CRC that is right.
func TestLogAppendTime(t *testing.T) {
	opt := DefaultOptions()
	opt.AppendTime = true
	r := newRig(t, 1, opt)
	r.start()
	const now = 1_700_000_000_123
	r.do(func(l *Log) {
		_, err := l.AppendAsLeader(r.idempotent(3, 100, 7, 0, 0), 4, now)
		require.NoError(t, err)
		f, err := l.Read(0, 1<<20, l.End(), true, nil)
		require.NoError(t, err)
		c := NewCursor(&r.w.Arena, f.Refs)
		require.True(t, c.Next())
		require.True(t, c.Valid())
		require.Equal(t, int16(attrLogAppendTime), c.Header.Attributes())
		require.Equal(t, []int64{now, 7, 4}, []int64{c.Header.MaxTimestamp(), c.Header.ProducerID(), int64(c.Header.LeaderEpoch())})
		n := 0
		for records := c.Records(); records.Next(); n++ {
			require.Equal(t, int64(now), records.Record.Timestamp)
		}
		require.Equal(t, 3, n)
	})
}
