package store

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// FuzzCursor: records in any bytes, cut into extents anywhere, are found in the same way, never
// beyond the range; Good records add up, and their body has the CRC they say.
func FuzzCursor(f *testing.F) {
	v, _ := hex.DecodeString(vector)
	f.Add(v, uint16(7))
	f.Add(append(slices.Clone(v), v...), uint16(50))
	f.Add([]byte{0, 0, 0, 9, 0xCB, 0xD4, 0x31, 0x94, 1}, uint16(3))
	f.Add(v[:100], uint16(99))
	six := slices.Clone(v)
	six[39] = sysBornV6
	f.Add(six, uint16(11))
	f.Fuzz(func(t *testing.T, b []byte, piece uint16) {
		a := sim.NewArena()
		whole := []sim.Ref{a.Put(b)}
		var cut []sim.Ref
		for p := b; len(p) > 0; {
			n := min(len(p), int(piece)+1)
			cut = append(cut, a.Put(p[:n]))
			p = p[n:]
		}
		x, y := NewCursor(a, whole), NewCursor(a, cut)
		for {
			at := x.Pos()
			v, w := x.Next(true), y.Next(true)
			if v != w || x.Pos() != y.Pos() || x.Left() != y.Left() || x.Pos()+x.Left() != int64(len(b)) {
				t.Fatalf("verdicts %d and %d at %d: %d/%d, %d/%d of %d", v, w, at, x.Pos(), x.Left(), y.Pos(), y.Left(), len(b))
			}
			if v != Good {
				return
			}
			r, s := &x.Record, &y.Record
			if string(r.Topic) != string(s.Topic) || string(r.Properties) != string(s.Properties) || string(x.BodyBytes()) != string(y.BodyBytes()) ||
				r.QueueOffset != s.QueueOffset || r.StoreTimestamp != s.StoreTimestamp {
				t.Fatalf("%+v\n%+v", r, s)
			}
			if x.Pos()-at != int64(r.Size) || r.BodyLen > 0 && bodyCRC(x.BodyBytes()) != r.CRC {
				t.Fatalf("%d bytes: %+v", x.Pos()-at, r)
			}
		}
	})
}

// FuzzStore: whatever log, queue, checkpoint and index hold, a store opens, serves and goes on.
func FuzzStore(f *testing.F) {
	v, _ := hex.DecodeString(vector)
	entry, _ := hex.DecodeString("0000000000000000" + "0000006c" + "0000000000000041")
	cp := encodeCheckpoint(1700000000000, 1700000000000, 0)
	f.Add(v, entry, cp[:], []byte{0, 0, 0, 1}, true)
	f.Add(append(slices.Clone(v), v...), append(slices.Clone(entry), entry...), []byte{}, []byte{}, false)
	f.Add([]byte{0, 0, 0x20, 0, 0xCB, 0xD4, 0x31, 0x94}, make([]byte, 40), []byte{1}, slices.Repeat([]byte{0xff}, 100), false)
	f.Fuzz(func(t *testing.T, log, queue, check, index []byte, abort bool) {
		o := smallOptions()
		o.IndexEnable, o.IndexSlots, o.IndexEntries = true, 5, 20
		r := newRig(t, 1, o)
		fs := r.host.Disk(0).FS()
		write := func(path string, size int64, b []byte) {
			h, _ := fs.Create("store/" + path)
			_ = h.Allocate(size)
			if len(b) > 0 {
				h.Store(0, b[:min(int64(len(b)), size)])
			}
		}
		write("commitlog/00000000000000000000", o.FileSize, log)
		write("consumequeue/Topic/3/00000000000000000000", o.QueueFileSize, queue)
		write("checkpoint", checkpointSize, check)
		write("index/20231114221320000", indexHeaderSize+5*indexSlotSize+20*indexEntrySize, index)
		if abort {
			write("abort", 0, nil)
		}
		r.quiet = true
		r.svc.Start()
		r.wait(3 * sim.Second)
		if r.err != nil {
			t.Fatal(r.err)
		}
		s := r.s()
		var g Get
		for _, q := range s.Queues() {
			for at := int64(-1); at <= q.Max()+1; at++ {
				s.Get(q.Topic, q.ID, at, 32, nil, &g)
			}
		}
		s.Lookup("Topic", "key", 100)
		if !r.b.started {
			t.Fatalf("dispatch is behind by %d", s.Behind())
		}
		p := r.put("Topic", 3, 100, AppendProperty(nil, PropKeys, "key"))
		var c Cursor
		if p.Status != PutOK || !s.Record(p.Offset, &c) {
			t.Fatalf("%+v", p)
		}
	})
}
