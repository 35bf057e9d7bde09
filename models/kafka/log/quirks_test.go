package log

import (
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// A broker that dies while it loads its logs after a clean stop has to recover at the next start. Before
// 2.8 the marker was still there and the next start skipped that (KAFKA-10471).
func TestMarkerDeletedLate(t *testing.T) {
	for _, late := range []bool{false, true} {
		r := newRig(t, 1, DefaultOptions())
		r.dir.CleanMarkerKept = late
		r.start()
		r.append(3, 100, 0)
		r.stop()
		r.start() // dies before DropCleanMarker, that is: while it loads
		if !r.b.d.Clean() {
			t.Fatalf("late %v: the stop was clean", late)
		}
		r.kill()
		if r.b.d.Clean() != late {
			t.Errorf("late %v: the start after the crash takes the stop for clean: %v", late, r.b.d.Clean())
		}
		if err := r.b.d.DropCleanMarker(); err != nil {
			t.Fatal(err)
		}
		r.kill()
		if r.b.d.Clean() {
			t.Errorf("late %v: a marker is left after loading", late)
		}
	}
}

// Before 3.0 a flush synced a new segment's bytes and not its name: a power loss can drop the whole file
// (KAFKA-3968).
func TestNoDirSync(t *testing.T) {
	for _, missing := range []bool{false, true} {
		o := DefaultOptions()
		o.SegmentBytes, o.NoDirSync = 1000, missing
		r := newRig(t, 1, o)
		r.start()
		r.wait(6 * sim.Second) // the journal knows the first segment
		for range 6 {
			r.append(1, 300, 0)
		}
		r.do(func(l *Log) {
			if err := l.FlushNow(); err != nil {
				t.Fatal(err)
			}
		})
		end := r.log().End()
		r.power(sim.CrashAll)
		if lost := r.log().End() < end; lost != missing {
			t.Errorf("directory not synced %v: the log ends at %d, was flushed up to %d", missing, r.log().End(), end)
		}
	}
}

// flush.ms syncs in the background what the scheduler finds unflushed for that long.
func TestFlushMillis(t *testing.T) {
	o := DefaultOptions()
	o.FlushMillis = 1000
	r := newRig(t, 1, o)
	r.start()
	r.append(1, 300, 0)
	r.do(func(l *Log) { l.d.FlushDirty() })
	r.wait(100 * sim.Millisecond)
	if p := r.log().RecoveryPoint(); p != 0 {
		t.Errorf("flushed up to %d before flush.ms", p)
	}
	r.wait(sim.Second)
	r.do(func(l *Log) { l.d.FlushDirty() })
	r.wait(100 * sim.Millisecond)
	if p := r.log().RecoveryPoint(); p != 1 {
		t.Errorf("recovery point %d after flush.ms", p)
	}
}

// New logs go where the fewest are; a directory that failed gets none, and its logs are not found.
func TestPlacement(t *testing.T) {
	w := testWorld()
	h := w.AddHost("b", sim.HostSpec{Disks: 3})
	var dirs []*Dir
	for i := range 3 {
		d, err := OpenDir(h.Disk(i).FS(), "logs", 0, DirOptions{})
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, d)
	}
	m := NewManager(dirs)
	for p := range int32(6) {
		if _, _, err := m.Open("t", p, DefaultOptions(), 0); err != nil {
			t.Fatal(err)
		}
	}
	for i, d := range dirs {
		if len(d.Logs()) != 2 {
			t.Errorf("directory %d has %d logs", i, len(d.Logs()))
		}
	}
	dirs[1].fail(sim.ErrIO)
	if m.Live() != 2 || !m.SomeOffline() || m.Log("t", 1) != nil || m.Log("t", 0) == nil {
		t.Errorf("after a failure: %d live, log of t-1 %v", m.Live(), m.Log("t", 1))
	}
	for p := int32(6); p < 10; p++ {
		if l, _, err := m.Open("t", p, DefaultOptions(), 0); err != nil || l.Dir() == dirs[1] {
			t.Fatal(l, err)
		}
	}
}

// A truncation writes the leader-epoch checkpoint anew. In 3.7 it was renamed into place without a sync
// (KAFKA-16541): after a power loss the name is there and the content is not.
func TestEpochFileNoSync(t *testing.T) {
	for _, missing := range []bool{true, false} {
		o := DefaultOptions()
		o.EpochFlush = EpochFlushInline
		if missing {
			o.EpochFlush = EpochFlushNoSync
		}
		r := newRig(t, 1, o)
		r.start()
		r.append(2, 100, 0)
		r.append(2, 100, 1)
		r.append(2, 100, 2)
		r.do(func(l *Log) {
			if err := l.FlushNow(); err != nil {
				t.Fatal(err)
			}
			if err := l.d.CheckpointRecoveryPoints(); err != nil {
				t.Fatal(err)
			}
			if _, err := l.TruncateTo(4, "test", r.now); err != nil {
				t.Fatal(err)
			}
		})
		r.wait(6 * sim.Second) // the journal knows the new name
		path := r.log().path
		r.host.PowerOff(sim.CrashAll)
		r.host.PowerOn(sim.Second)
		b, _, err := readText(&volume{FS: r.host.Disks[0].FS()}, path+"/"+epochFile)
		want := "0\n2\n0 0\n1 2\n"
		if missing {
			want = ""
		}
		if err != nil || string(b) != want {
			t.Errorf("without a sync %v: the checkpoint is %q, %v", missing, b, err)
		}
	}
}
