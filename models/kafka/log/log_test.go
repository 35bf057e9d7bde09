package log

import (
	"reflect"
	"slices"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

func (r *rig) append(n, size int, epoch int32) {
	r.do(func(l *Log) {
		if _, err := l.AppendAsLeader(r.batch(n, size), epoch, r.now); err != nil {
			r.t.Fatal(err)
		}
	})
}

// A flush that was under way when the log was truncated must not move the recovery point over what
// was written since.
func TestTruncationVoidsRunningFlush(t *testing.T) {
	opt := DefaultOptions()
	opt.SegmentBytes = 1000
	r := newRig(t, 1, opt)
	r.start()
	for range 5 {
		r.append(1, 300, 0) // the third rolls and begins a flush
	}
	if r.log().Segments() < 2 || r.log().RecoveryPoint() != 0 {
		t.Fatal(r.log())
	}
	r.do(func(l *Log) {
		if _, err := l.TruncateTo(1, WhyTruncated, r.now); err != nil {
			t.Fatal(err)
		}
	})
	r.append(1, 300, 1)
	r.append(1, 20, 1)
	r.wait(sim.Second)
	if p := r.log().RecoveryPoint(); p > 1 {
		t.Errorf("recovery point %d, though only offset 0 was synced", p)
	}
}

func TestReadAfterTruncation(t *testing.T) {
	r := newRig(t, 1, DefaultOptions())
	r.start()
	for range 4 {
		r.append(2, 100, 0)
	}
	if f, err := r.log().Read(0, 1<<20, 4, true, nil); f.Next != 4 || err != nil {
		t.Fatal(f, err) // remembers where offset 4 begins
	}
	r.do(func(l *Log) {
		if _, err := l.TruncateTo(2, WhyTruncated, r.now); err != nil {
			t.Fatal(err)
		}
	})
	r.append(2, 500, 1)
	r.append(2, 500, 1)
	if f, err := r.log().Read(4, 1<<20, 6, true, nil); f.First != 4 || f.Next != 6 || err != nil {
		t.Errorf("%+v, %v", f, err)
	}
}

// A lost leader-epoch checkpoint is rebuilt from the batches that recovery scans.
func TestEpochsRebuiltByRecovery(t *testing.T) {
	r := newRig(t, 1, DefaultOptions())
	r.start()
	for e := range int32(3) {
		r.append(2, 100, 2*e)
	}
	want := slices.Clone(r.log().Epochs().Entries())
	if n := r.host.Disk(0).Corrupt(epochFile, sim.DamageDelete, 0, 0); n != 1 {
		t.Fatal(n)
	}
	r.kill()
	if got := r.log().Epochs().Entries(); !reflect.DeepEqual(got, want) || len(got) != 3 {
		t.Errorf("%v, want %v", got, want)
	}
	r.kill() // and it was written
	if got := r.log().Epochs().Entries(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestMissingIndexIsRebuiltAfterCleanStop(t *testing.T) {
	opt := DefaultOptions()
	opt.SegmentBytes, opt.IndexInterval = 5000, 500
	r := newRig(t, 1, opt)
	r.start()
	for range 12 {
		r.append(2, 300, 0)
	}
	r.wait(sim.Second)
	r.stop()
	fs := r.host.Disk(0).FS()
	const first = dataDir + "/t0-0/00000000000000000000.index"
	n := fs.Open(first).Size()
	want := r.bytesOf("00000000000000000000.index", int(n))
	r.host.Disk(0).Corrupt("00000000000000000000.index", sim.DamageDelete, 0, 0)
	r.start()
	if r.rec.Segments != 1 || r.rec.Cut != 0 || r.log().End() != 24 {
		t.Errorf("%+v, %v", r.rec, r.log())
	}
	if got := r.bytesOf("00000000000000000000.index", int(fs.Open(first).Size())); got != want {
		t.Errorf("index %s, want %s", got, want)
	}
}

// Reads with any arguments agree with a naive walk over the batches.
func TestReadAgainstNaive(t *testing.T) {
	rnd := sim.NewRand(3, "read")
	opt := DefaultOptions()
	opt.SegmentBytes, opt.IndexInterval = 300_000, 2000
	r := newRig(t, 1, opt)
	r.start()
	type batch struct{ first, last, size, segment int64 }
	var all []batch
	for range 200 {
		size := int(rnd.Below(3000))
		if rnd.Chance(1, 20) {
			size = int(rnd.Below(100_000))
		}
		b := r.batch(int(rnd.Below(3))+1, size)
		r.do(func(l *Log) {
			a, err := l.AppendAsLeader(b, 0, r.now)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, batch{a.First, a.Last, a.Bytes, l.active().base})
		})
	}
	l := r.log()
	if l.Segments() < 3 {
		t.Fatal(l)
	}
	for i := range 3000 {
		offset := int64(rnd.Below(uint64(l.End())))
		limit := int64(rnd.Below(200_000))
		upTo := int64(rnd.Below(uint64(l.End() + 2)))
		minOne := rnd.Chance(1, 2)
		k := slices.IndexFunc(all, func(b batch) bool { return b.last >= offset })
		var bytes, count int64
		next := offset
		for j := k; j < len(all) && all[j].segment == all[k].segment && all[j].last < upTo && offset < upTo; j++ {
			if bytes+all[j].size > limit && !(minOne && count == 0) {
				break
			}
			bytes, count, next = bytes+all[j].size, count+1, all[j].last+1
		}
		f, err := l.Read(offset, int(limit), upTo, minOne, nil)
		if err != nil || int64(f.Bytes) != bytes || int64(f.Batches) != count || f.Next != next {
			t.Fatalf("read %d: offset %d limit %d upto %d minone %v: %d batches %d bytes next %d, %v; want %d, %d, %d",
				i, offset, limit, upTo, minOne, f.Batches, f.Bytes, f.Next, err, count, bytes, next)
		}
		var sum int64
		for _, x := range f.Refs {
			sum += int64(x.Len)
		}
		if sum != bytes {
			t.Fatalf("read %d: extents of %d bytes, want %d", i, sum, bytes)
		}
	}
}

// A follower's file is made of the leader's extents: payload and headers are there once.
func TestReplicasShareExtents(t *testing.T) {
	w := sim.NewWorld(1, sim.NetSpec{})
	open := func(name string) *Log {
		d, err := OpenDir(w.AddHost(name, sim.HostSpec{Disks: 1}).Disk(0).FS(), dataDir, 0, DirOptions{})
		if err != nil {
			t.Fatal(err)
		}
		l, _, err := d.Open("t0", 0, DefaultOptions(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	lead, follow := open("a"), open("b")
	b := NewBuilder(w)
	for i := range uint32(10) {
		b.AddBody(1000, nil, sim.NewMsgID(0, i), 2000)
		if _, err := lead.AppendAsLeader(b.Build(None, None, None), 0, 1000); err != nil {
			t.Fatal(err)
		}
	}
	before := w.Arena.Size()
	f, err := lead.Read(0, 1<<20, lead.End(), true, nil)
	if err != nil || f.Batches != 10 {
		t.Fatal(f, err)
	}
	// The last batch did not arrive whole: the follower takes nine.
	refs := append(slices.Clone(f.Refs[:19]), f.Refs[19].Slice(0, 500))
	if a, err := follow.AppendAsFollower(refs, 1000); err != nil || a.Last != 8 {
		t.Fatal(a, err)
	}
	if a, err := follow.AppendAsFollower(f.Refs[18:], 1000); err != nil || a.First != 9 || follow.End() != 10 {
		t.Fatal(a, err)
	}
	g, err := follow.Read(0, 1<<20, follow.End(), true, nil)
	if err != nil || !slices.Equal(f.Refs, g.Refs) {
		t.Error("the follower's extents are others")
	}
	if grown := w.Arena.Size() - before; grown > 300 { // its epoch checkpoint; the messages are 20,000 bytes
		t.Errorf("the follower's copy took %d bytes", grown)
	}
	var bodies []sim.MsgID
	Scan(w.HostNamed("b").Disk(0).FS(), dataDir, func(offset int64, body []byte) {
		if id, ok := sim.BodyID(body); ok {
			bodies = append(bodies, id)
		}
	})
	if len(bodies) != 10 || bodies[9] != sim.NewMsgID(0, 9) {
		t.Errorf("the audit found %v", bodies)
	}
}

func TestFollowerRefusesDamage(t *testing.T) {
	r := newRig(t, 1, DefaultOptions())
	r.start()
	b := restamp(&r.w.Arena, r.batch(1, 100), 0, 0)
	bad := slices.Clone(r.w.Arena.Bytes(b.Records))
	bad[20] ^= 1
	r.do(func(l *Log) {
		if _, err := l.AppendAsFollower([]sim.Ref{b.Header, r.w.Arena.Put(bad)}, 0); err != ErrCorruptMessage || l.End() != 0 {
			t.Errorf("%v, %v", err, l)
		}
	})
}

func TestLeaderRefuses(t *testing.T) {
	r := newRig(t, 1, DefaultOptions())
	r.start()
	a := &r.w.Arena
	change := func(f func(h []byte)) Batch {
		b := r.batch(2, 100)
		h := append([]byte(nil), a.Bytes(b.Header)...)
		f(h)
		return Batch{Header: a.Put(h), Records: b.Records}
	}
	recount := func(h []byte, records sim.Ref) []byte {
		b := append(append([]byte(nil), h...), a.Bytes(records)...)
		fixCRC(b)
		return b[:HeaderSize]
	}
	for _, c := range []struct {
		name string
		b    Batch
		want error
	}{
		{"crc", change(func(h []byte) { h[atCRC] ^= 1 }), ErrCorruptMessage},
		{"magic", change(func(h []byte) { h[atMagic] = 1 }), ErrCorruptMessage},
		{"length", change(func(h []byte) { h[atLength+3]++ }), ErrCorruptMessage},
		{"base offset", change(func(h []byte) { h[atBaseOffset+7] = 1 }), ErrInvalidRecord},
		{"header of another size", Batch{Header: a.Put(make([]byte, 60))}, ErrCorruptMessage},
		{"too large", r.batch(1, 2<<20), ErrRecordTooLarge},
		{"no sequence", r.idempotent(1, 10, 5, 0, None), ErrInvalidRecord},
	} {
		r.do(func(l *Log) {
			if _, err := l.AppendAsLeader(c.b, 0, 0); err != c.want || l.End() != 0 {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
	// A count that does not fit the records, under a right CRC.
	b := r.batch(2, 100)
	h := append([]byte(nil), a.Bytes(b.Header)...)
	h[atCount+3], h[atLastDelta+3] = 3, 2
	b.Header = a.Put(recount(h, b.Records))
	r.do(func(l *Log) {
		if _, err := l.AppendAsLeader(b, 0, 0); err != ErrInvalidRecord {
			t.Errorf("wrong count: %v", err)
		}
	})
}

func TestPartitionNames(t *testing.T) {
	for _, c := range []struct {
		name, topic string
		partition   int32
		ok          bool
	}{
		{"orders-0", "orders", 0, true}, {"a-b-12", "a-b", 12, true}, {"orders", "", 0, false}, {"-1", "", 0, false},
		{"orders-0.00ff-delete", "", 0, false}, {"t-01", "", 0, false},
	} {
		topic, p, ok := SplitPartitionDir(c.name)
		if ok != c.ok || ok && (topic != c.topic || p != c.partition || PartitionDir(topic, p) != c.name) {
			t.Errorf("%s: %s %d %v", c.name, topic, p, ok)
		}
	}
}

func TestDirOfSeveralLogs(t *testing.T) {
	w := sim.NewWorld(1, sim.NetSpec{})
	fs := w.AddHost("a", sim.HostSpec{Disks: 1}).Disk(0).FS()
	d, err := OpenDir(fs, dataDir, 0, DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range int32(3) {
		l, rec, err := d.Open("t", p, DefaultOptions(), 0)
		if err != nil || !rec.Created {
			t.Fatal(rec, err)
		}
		if p < 2 {
			b := NewBuilder(w)
			b.AddBody(1000, nil, 1, 100)
			if _, err := l.AppendAsLeader(b.Build(None, None, None), 0, 0); err != nil {
				t.Fatal(err)
			}
			l.SetHighWatermark(1)
		}
	}
	if err := d.CheckpointHighWatermarks(); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(d.Log("t", 1), "deleted"); err != nil {
		t.Fatal(err)
	}
	again, err := OpenDir(fs, dataDir, 0, DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Partitions(); !slices.Equal(got, []string{"t-0", "t-2"}) {
		t.Errorf("partitions %v", got)
	}
	l, _, err := again.Open("t", 0, DefaultOptions(), 0)
	if err != nil || l.HighWatermark() != 1 || l.End() != 1 {
		t.Error(l, err)
	}
	// A malformed high-watermark file fails the directory, a malformed recovery point is empty.
	for name, fails := range map[string]bool{highWatermarkFile: true, recoveryPointFile: false, logStartFile: false} { //mqsim:unordered each alone
		f, _ := fs.Create(dataDir + "/" + name)
		if err := f.AppendBytes([]byte("0\nx\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenDir(fs, dataDir, 0, DirOptions{}); (err != nil) != fails {
			t.Errorf("%s malformed: %v", name, err)
		}
		if err := fs.Remove(dataDir+"/"+name, "test"); err != nil {
			t.Fatal(err)
		}
	}
}

// A log whose end is below its checkpointed start is emptied and begins there.
func TestLogEndsBelowItsStart(t *testing.T) {
	r := newRig(t, 1, DefaultOptions())
	r.start()
	r.append(3, 100, 0)
	r.do(func(l *Log) {
		if err := writeAtomic(l.d.fs, dataDir, logStartFile, AppendOffsets(nil, []OffsetEntry{{"t0", 0, 10}}), true); err != nil {
			t.Fatal(err)
		}
	})
	r.kill()
	if l := r.log(); l.Start() != 10 || l.End() != 10 || l.HighWatermark() != 10 || l.Segments() != 1 || len(l.Epochs().Entries()) != 0 {
		t.Error(l)
	}
	r.append(1, 100, 0)
	if got, err := contents(r.log()); len(got) != 1 || err != nil {
		t.Error(got, err)
	}
}
