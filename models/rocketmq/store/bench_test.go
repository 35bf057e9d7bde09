package store

import (
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// perWorld is the number of operations after which a benchmark takes a new world, so that its memory
// stays in bounds.
const perWorld = 1 << 14

func benchRig(b *testing.B) *rig {
	o := DefaultOptions()
	o.FileSize = 64 << 20
	r := newRig(b, 1, o)
	r.quiet = true
	r.start()
	return r
}

var benchTags = AppendProperty(AppendProperty(nil, PropUniqKey, "7F00000100002A9F000000000000006C"), PropTags, "TagA")

func messages(r *rig, n int) []Message {
	out := make([]Message, n)
	for i := range out {
		out[i] = r.message("TopicTest", int32(i%8), 1024, benchTags)
	}
	return out
}

// Put of 1 KiB with its dispatch, 64 messages a turn of the dispatch loop.
func BenchmarkPutDispatch1KiB(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(1024)
	var r *rig
	var ms []Message
	for i := range b.N {
		if i%perWorld == 0 {
			b.StopTimer()
			r = benchRig(b)
			ms = messages(r, perWorld)
			b.StartTimer()
		}
		if p := r.s().Put(&ms[i%perWorld]); p.Status != PutOK {
			b.Fatal(p.Status)
		}
		if i%64 == 63 {
			r.s().reput()
		}
	}
}

// What a slave does for a record of 1 KiB: append the frame, read it back, dispatch.
func BenchmarkSlaveAppendDispatch1KiB(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(1024)
	m := filled(b, perWorld)
	var s *rig
	var refs []sim.Ref
	at := int64(0)
	for i := range b.N {
		if i%perWorld == 0 {
			b.StopTimer()
			o := DefaultOptions()
			o.FileSize, o.Role = 64<<20, Slave
			s = newRig(b, 2, o)
			s.w.Arena = m.w.Arena
			s.start()
			at = 0
			b.StartTimer()
		}
		if i%28 == 27 { // a frame of 32 KiB holds 28 records
			var n int
			refs, n = m.s().ReadRange(at, 32<<10, refs[:0])
			s.s().PutRaw(at, refs)
			at += int64(n)
			s.s().reput()
		}
	}
}

func filled(b *testing.B, n int) *rig {
	r := benchRig(b)
	for _, m := range messages(r, n) {
		if p := r.s().Put(&m); p.Status != PutOK {
			b.Fatal(p.Status)
		}
	}
	r.wait(2 * sim.Millisecond)
	return r
}

// A pull of 32 messages, by message.
func BenchmarkPull32(b *testing.B) {
	b.ReportAllocs()
	r := filled(b, perWorld)
	var g Get
	for i := 0; i < b.N; i += 32 {
		at := int64(i) % (perWorld/8 - 32)
		r.s().Get("TopicTest", int32(i/32%8), at, 32, nil, &g)
		if g.Count != 32 {
			b.Fatal(g.Status, g.Count)
		}
	}
}

// Reading 32 KiB for a slave.
func BenchmarkReadRange32KiB(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(32 << 10)
	r := filled(b, perWorld)
	var refs []sim.Ref
	max := r.s().MaxOffset() - 64<<10
	at := int64(0)
	for range b.N {
		var n int
		refs, n = r.s().ReadRange(at, 32<<10, refs[:0])
		if at += int64(n); at > max {
			at = 0
		}
	}
}

// Abnormal recovery, by record.
func BenchmarkRecovery(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(1024)
	r := filled(b, perWorld)
	b.ResetTimer()
	for i := 0; i < b.N; i += perWorld {
		_, rec, err := Open(r.b.p, r.b.p.FS(0), r.opt, r.b)
		if err != nil || rec.Records != perWorld {
			b.Fatal(err, rec)
		}
	}
}
