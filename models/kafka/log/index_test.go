package log

import (
	"encoding/hex"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// sized is a batch of n records that is exactly size bytes long.
func (r *rig) sized(n, size int) Batch {
	r.now++
	for i := range n {
		body := 20
		if i == n-1 {
			for r.build.SizeWith(r.now, -1, body) < size {
				body++
			}
		}
		r.build.Add(r.now, nil, make([]byte, body))
	}
	b := r.build.Build(None, None, None)
	if b.Size() != size {
		r.t.Fatalf("a batch of %d bytes, want %d", b.Size(), size)
	}
	return b
}

// worked makes the log of the worked example: base 100, seven appends of ten records in 1500 bytes.
func worked(t *testing.T, opt Options) *rig {
	r := newRig(t, 1, opt)
	r.start()
	r.do(func(l *Log) {
		if err := l.TruncateFully(100, WhyRecovery, 0); err != nil {
			t.Fatal(err)
		}
		for range 7 {
			if _, err := l.AppendAsLeader(r.sized(10, 1500), 0, r.now); err != nil {
				t.Fatal(err)
			}
		}
	})
	return r
}

func (r *rig) bytesOf(name string, n int) string {
	f := r.host.Disk(0).FS().Open(dataDir + "/t0-0/" + name)
	b := make([]byte, n)
	if _, err := f.ReadAt(b, 0); err != nil {
		r.t.Fatal(name, err)
	}
	return hex.EncodeToString(b)
}

func TestWorkedIndexExample(t *testing.T) {
	r := worked(t, DefaultOptions())
	l := r.log()
	if l.End() != 170 {
		t.Fatal(l)
	}
	// Entries (rel 39, pos 4500) and (rel 69, pos 9000); zeros behind them.
	if got := r.bytesOf("00000000000000000100.index", 24); got != "0000002700001194"+"0000004500002328"+"0000000000000000" {
		t.Errorf("index file: %s", got)
	}
	if f := r.host.Disk(0).FS().Open(dataDir + "/t0-0/00000000000000000100.index"); f.Size() != 10<<20 {
		t.Errorf("the index of the active segment has %d bytes", f.Size())
	}
	for _, c := range []struct{ offset, entry, entryPos, pos int64 }{
		{135, 100, 0, 4500},    // scan from 0 to batch 3
		{139, 139, 4500, 4500}, // the entry itself
		{145, 139, 4500, 6000}, // entry, then one batch on
		{100, 100, 0, 0},
		{169, 169, 9000, 9000},
	} {
		if o, p := l.active().index.lookup(c.offset); o != c.entry || p != c.entryPos {
			t.Errorf("index lookup of %d: (%d, %d)", c.offset, o, p)
		}
		if _, pos, err := l.PositionOf(c.offset); pos != c.pos || err != nil {
			t.Errorf("position of %d is %d, %v", c.offset, pos, err)
		}
	}
	r.do(func(l *Log) {
		if gone, err := l.TruncateTo(139, WhyTruncated, 0); gone != 31 || err != nil {
			t.Errorf("truncated %d, %v", gone, err)
		}
	})
	if len(l.active().index.entries) != 0 || l.active().size() != 4500 || l.End() != 139 {
		t.Errorf("after truncation to 139: %d entries, %d bytes, end %d", len(l.active().index.entries), l.active().size(), l.End())
	}
}

// With the rule of 4.1 a follower's append of several batches gives the entries that the leader's
// appends gave; with the older rule it gives fewer.
func TestIndexRulePerBatch(t *testing.T) {
	for _, perBatch := range []bool{false, true} {
		opt := DefaultOptions()
		opt.IndexPerBatch = perBatch
		lead, follow := worked(t, opt), newRig(t, 1, opt)
		follow.start()
		f, err := lead.log().Read(100, 1<<20, 170, true, nil)
		if err != nil || f.Batches != 7 {
			t.Fatal(f, err)
		}
		var refs []sim.Ref
		for _, x := range f.Refs {
			refs = append(refs, follow.w.Arena.Put(lead.w.Arena.Bytes(x)))
		}
		follow.do(func(l *Log) {
			if err := l.TruncateFully(100, WhyRecovery, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := l.AppendAsFollower(refs, 0); err != nil {
				t.Fatal(err)
			}
		})
		if n := len(lead.log().active().index.entries); n != 2 {
			t.Errorf("leader, per batch %v: %d entries", perBatch, n)
		}
		if n := len(follow.log().active().index.entries); n != map[bool]int{false: 0, true: 2}[perBatch] {
			t.Errorf("follower, per batch %v: %d entries", perBatch, n)
		}
	}
}

func TestTimeIndex(t *testing.T) {
	r := worked(t, DefaultOptions())
	l := r.log()
	first := r.now - 6
	for i := range int64(7) {
		o, ts, ok, err := l.OffsetForTime(first + i)
		if o != 100+10*i || ts != first+i || !ok || err != nil {
			t.Errorf("time of batch %d: offset %d, %d, %v, %v", i, o, ts, ok, err)
		}
	}
	if _, _, ok, _ := l.OffsetForTime(r.now + 1); ok {
		t.Error("found a record of the future")
	}
	r.stop() // the final entry is forced in, files are trimmed
	x := r.host.Disk(0).FS().Open(dataDir + "/t0-0/00000000000000000100.timeindex")
	if x.Size() != 2*timeEntrySize { // (ts of batch 3, 139) and (ts of batch 6, 169)
		t.Errorf("%d bytes of time index", x.Size())
	}
}

// FuzzIndexes opens index files of any content: they are refused, or rise strictly.
func FuzzIndexes(f *testing.F) {
	entries, _ := hex.DecodeString("0000002700001194" + "0000004500002328" + "0000000000000000")
	f.Add(entries)
	times, _ := hex.DecodeString("0000018bcfe56800" + "00000027" + "0000018bcfe56801" + "00000045")
	f.Add(times)
	f.Fuzz(func(t *testing.T, b []byte) {
		w := testWorld()
		fs := &volume{FS: w.AddHost("h", sim.HostSpec{}).Disk(0).FS()}
		g, _ := fs.Create("x")
		if g.AppendBytes(b) != nil {
			t.Fatal("cannot write")
		}
		if x, err := openOffsetIndex(g, 100, 1<<20); err == nil {
			for rel := int64(0); rel < 4; rel++ {
				if o, p := x.lookup(100 + rel*1000); o < 100 || o > 100+rel*1000 || p < 0 || p >= 1<<20 {
					t.Fatalf("lookup: (%d, %d)", o, p)
				}
			}
		}
		if x, err := openTimeIndex(g, 100); err == nil {
			last := int64(None)
			for _, e := range x.entries {
				if e.timestamp <= last {
					t.Fatalf("%d after %d", e.timestamp, last)
				}
				last = e.timestamp
			}
		}
	})
}

// A lookup gives the same answer from memory, through a mapping and with positional reads.
func TestLookupsAgree(t *testing.T) {
	build := func(dir string, plain bool) *Log {
		o := DefaultOptions()
		o.IndexInterval, o.IndexBytes, o.SegmentBytes = 100, 64<<10, 40_000
		r := newRigIn(t, dir, 1, o)
		r.w.PlainReads = plain
		r.start()
		r.do(func(l *Log) {
			for range 300 {
				if _, err := l.AppendAsLeader(r.batch(3, 100), 0, r.now); err != nil {
					t.Fatal(err)
				}
			}
		})
		return r.log()
	}
	mem, mapped, read := build("", false), build(t.TempDir(), false), build(t.TempDir(), true)
	if mem.active().index.file.Real() || !mapped.active().index.file.Real() || !read.active().index.file.Real() {
		t.Fatal("the wrong backings")
	}
	if n := len(mem.active().index.entries); n < 20 || len(mem.segments) < 3 {
		t.Fatalf("only %d entries in %d segments", n, len(mem.segments))
	}
	for i := range mem.segments {
		for target := mem.segments[i].base - 1; target <= mem.End(); target++ {
			o, p := mem.segments[i].index.lookup(target)
			for _, l := range []*Log{mapped, read} {
				if o2, p2 := l.segments[i].index.lookup(target); o2 != o || p2 != p {
					t.Fatalf("segment %d, offset %d: (%d, %d) in memory, (%d, %d)", i, target, o, p, o2, p2)
				}
			}
		}
		for ts := int64(1700000000000); ts < 1700000003100; ts += 7 {
			a, o := mem.segments[i].times.lookup(ts)
			for _, l := range []*Log{mapped, read} {
				if a2, o2 := l.segments[i].times.lookup(ts); a2 != a || o2 != o {
					t.Fatalf("segment %d, timestamp %d: (%d, %d) in memory, (%d, %d)", i, ts, a, o, a2, o2)
				}
			}
		}
	}
}
