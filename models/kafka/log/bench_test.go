package log

import (
	"testing"

	"github.com/mqsim/mqsim/sim"
)

func benchRig(b *testing.B) *rig {
	r := newRig(b, 1, DefaultOptions())
	r.start()
	return r
}

// appendBench appends batches of n bodies of that size; every 64 Ki appends the world is new, so
// that its memory stays in bounds.
func appendBench(b *testing.B, n, size int, pid int64, follower bool) {
	const perWorld = 1 << 14
	b.ReportAllocs()
	var l *Log
	var batches []Batch
	for i := range b.N {
		if i%perWorld == 0 {
			b.StopTimer()
			r := benchRig(b)
			l = r.log()
			batches = batches[:0]
			seq := int32(0)
			for range perWorld {
				x := r.idempotent(n, size, pid, 0, seq)
				if pid == None {
					x = r.batch(n, size)
				}
				seq += int32(n)
				if follower {
					x = restamp(&r.w.Arena, x, int64(len(batches)*n), 0)
				}
				batches = append(batches, x)
			}
			b.StartTimer()
		}
		x := batches[i%perWorld]
		if follower {
			refs := [2]sim.Ref{x.Header, x.Records}
			if _, err := l.AppendAsFollower(refs[:], 0); err != nil {
				b.Fatal(err)
			}
		} else if _, err := l.AppendAsLeader(x, 0, 0); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(n * size))
}

func BenchmarkAppendLeader1x1KiB(b *testing.B)           { appendBench(b, 1, 1024, None, false) }
func BenchmarkAppendLeaderIdempotent1x1KiB(b *testing.B) { appendBench(b, 1, 1024, 1, false) }
func BenchmarkAppendLeader16x1KiB(b *testing.B)          { appendBench(b, 16, 1024, None, false) }
func BenchmarkAppendFollower1x1KiB(b *testing.B)         { appendBench(b, 1, 1024, None, true) }
func BenchmarkAppendFollower16x1KiB(b *testing.B)        { appendBench(b, 16, 1024, None, true) }

func BenchmarkBuild1x1KiB(b *testing.B) {
	b.ReportAllocs()
	var r *rig
	for i := range b.N {
		if i%(1<<14) == 0 {
			b.StopTimer()
			r = newRig(b, 1, DefaultOptions())
			b.StartTimer()
		}
		r.batch(1, 1024)
	}
	b.SetBytes(1024)
}

// filled is a log of n batches of one 1 KiB message each.
func filled(b *testing.B, n int) *rig {
	r := benchRig(b)
	for range n {
		if _, err := r.log().AppendAsLeader(r.batch(1, 1024), 0, 0); err != nil {
			b.Fatal(err)
		}
	}
	return r
}

func BenchmarkLookup(b *testing.B) {
	const n = 100_000
	l := filled(b, n).log()
	rnd := sim.NewRand(1, "bench")
	b.ResetTimer()
	b.ReportAllocs()
	for range b.N {
		if _, _, err := l.PositionOf(int64(rnd.Below(n))); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadTail is the follower's fetch of the batch that was just appended.
func BenchmarkReadTail(b *testing.B) {
	const n = 10_000
	l := filled(b, n).log()
	dst := make([]sim.Ref, 0, 64)
	b.ResetTimer()
	b.ReportAllocs()
	for range b.N {
		f, err := l.Read(n-1, 1<<20, n, true, dst)
		if err != nil || f.Batches != 1 {
			b.Fatal(f, err)
		}
	}
}

// BenchmarkReadSequential reads a log of 1 KiB messages from end to end in fetches of 64 KiB; one
// operation is one message.
func BenchmarkReadSequential(b *testing.B) {
	const n = 100_000
	l := filled(b, n).log()
	dst := make([]sim.Ref, 0, 256)
	b.ResetTimer()
	b.ReportAllocs()
	at := int64(0)
	for i := 0; i < b.N; {
		f, err := l.Read(at, 64<<10, n, true, dst)
		if err != nil {
			b.Fatal(err)
		}
		i += f.Batches
		if at = f.Next; at == n {
			at = 0
		}
	}
	b.SetBytes(1024)
}

// BenchmarkRecovery kills the broker and scans 100,000 messages of 1 KiB; bytes per second are
// those of the log. Checksums are remembered with the extents, as they are in a run.
func BenchmarkRecovery(b *testing.B) {
	r := filled(b, 100_000)
	b.ResetTimer()
	for range b.N {
		r.kill()
	}
	if r.rec.Scanned == 0 || r.log().End() != 100_000 {
		b.Fatal(r.rec, r.log())
	}
	b.SetBytes(r.rec.Scanned)
}
