package log

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// Crash at every k: run a fixed script, cut the power before the k-th call that changes the disk,
// boot, and check what recovery made of it; for all k, all kinds of power loss and several seeds.

// cut is the panic that ends a script at its k-th point.
type cut struct{}

// history is what a log may hold: its content after each step of the script, the step that was
// under way included.
type history struct {
	r        *rig
	versions [][]string
	now      []string // the newest version
	start    int64    // beginning of the log as retention left it
	floor    int64    // what lies below and below the recovery point must survive
	seq      int32    // of producer 1
}

// append adds the batch to the history, then to the log.
func (h *history) append(n int, epoch int32) {
	h.r.do(func(l *Log) {
		h.floor = l.recovery
		next := slices.Clone(h.now)
		for i := range n {
			next = append(next, fmt.Sprintf("%d=%v", l.End()+int64(i), sim.NewMsgID(0, h.r.seq+uint32(i))))
		}
		h.now = next
		h.versions = append(h.versions, next)
		b := h.r.idempotent(n, 300, 1, 0, h.seq)
		if _, err := l.AppendAsLeader(b, epoch, h.r.now); err != nil {
			h.r.t.Fatal(err)
		}
		h.seq += int32(n)
	})
}

func (h *history) truncate(to int64) {
	h.r.do(func(l *Log) {
		h.floor = min(l.recovery, to)
		h.now = slices.Clone(h.now[:to])
		h.versions = append(h.versions, h.now)
		if _, err := l.TruncateTo(to, WhyTruncated, h.r.now); err != nil {
			h.r.t.Fatal(err)
		}
		h.seq = int32(to) // producer 1 wrote every record
	})
}

func (h *history) do(f func(l *Log) error) {
	h.r.do(func(l *Log) {
		h.floor = l.recovery
		if err := f(l); err != nil {
			h.r.t.Fatal(err)
		}
	})
}

// growing rolls, syncs in the background, changes epochs and writes checkpoints, and never cuts.
func growing(h *history) {
	for i := range 12 {
		h.append(1+i%3, int32(i/5))
		if i%4 == 3 {
			h.r.wait(5 * sim.Millisecond) // some syncs of the last roll complete
		}
		if i == 6 {
			h.do(func(l *Log) error { l.SetHighWatermark(l.End() - 1); return l.d.CheckpointHighWatermarks() })
			h.do(func(l *Log) error { return l.d.CheckpointRecoveryPoints() })
		}
	}
	h.do(func(l *Log) error { return l.AssignEpoch(9, l.End()) })
	h.append(2, 9)
	h.r.wait(40 * sim.Millisecond)
	h.do(func(l *Log) error { return l.d.CheckpointRecoveryPoints() })
	h.append(2, 9)
	h.do(func(l *Log) error { return l.FlushNow() })
	h.append(1, 9)
}

// truncating cuts within the active segment, across segments, and goes on. It waits for the file
// system's journal after each cut: the broker relies on truncations reaching the platter before
// what it syncs later in other files, as ext4 and XFS have it, but the world's disk draws for each.
func truncating(h *history) {
	for i := range 8 {
		h.append(2, int32(i/3))
	}
	h.r.wait(50 * sim.Millisecond)
	h.truncate(14)
	h.r.wait(6 * sim.Second)
	h.append(2, 5)
	h.truncate(4)
	h.r.wait(6 * sim.Second)
	h.append(1, 6)
	h.append(2, 6)
}

// retaining appends and deletes from the front, with the removals that follow.
func retaining(h *history) {
	for i := range 10 {
		h.append(1+i%3, int32(i/4))
		if i%3 == 2 {
			h.do(func(l *Log) error {
				l.SetHighWatermark(l.End())
				return h.retain(l)
			})
		}
		if i == 5 {
			h.r.wait(70 * sim.Second)
			h.do(func(l *Log) error { return l.d.CheckpointLogStarts() })
		}
	}
	h.do(func(l *Log) error { h.start = l.End() - 1; l.SetHighWatermark(l.End()); return l.AdvanceStart(h.start) })
	h.do(func(l *Log) error { return l.d.CheckpointLogStarts() })
	h.do(h.retain)
	h.append(2, 9)
}

// retain is told in advance how far a check of retention may go.
func (h *history) retain(l *Log) error {
	size := l.Size()
	for _, s := range l.segments {
		if size -= s.size(); size < l.opt.RetentionBytes {
			break
		}
		h.start = max(h.start, s.base+3)
		for _, n := range l.segments {
			if n.base > s.base {
				h.start = max(h.start, n.base)
				break
			}
		}
	}
	_, err := l.DeleteOldSegments(h.r.now)
	if l.start > h.start {
		h.r.t.Errorf("retention went to %d, beyond %d", l.start, h.start)
	}
	return err
}

func crashOptions() Options {
	o := DefaultOptions()
	o.SegmentBytes, o.IndexBytes, o.IndexInterval = 2400, 4096, 500
	o.RetentionBytes = 3000
	return o
}

// crashRun runs a script up to its k-th point and reports whether it got so far.
func crashRun(t *testing.T, seed uint64, k int, kind sim.CrashKind, script func(*history)) (*history, bool) {
	return crashRunIn(t, "", seed, k, kind, script)
}

// crashRunIn is crashRun with the files in a directory, unless that is "".
func crashRunIn(t *testing.T, dir string, seed uint64, k int, kind sim.CrashKind, script func(*history)) (*history, bool) {
	r := newRigIn(t, dir, seed, crashOptions())
	r.start()
	h := &history{r: r, versions: [][]string{nil}}
	points := 0
	r.point = func() {
		if points == k {
			panic(cut{})
		}
		points++
	}
	reached := func() (cutOff bool) {
		defer func() {
			if e := recover(); e != nil {
				if _, ok := e.(cut); !ok {
					panic(e)
				}
				cutOff = true
			}
		}()
		script(h)
		return false
	}()
	h.floor = min(h.floor, r.log().recovery)
	r.power(kind)
	return h, reached
}

func TestCrashAtEveryPoint(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(*history)
		strict bool
		kinds  []sim.CrashKind
	}{
		{"growing", growing, true, []sim.CrashKind{sim.CrashTypical, sim.CrashAll, sim.CrashNone, sim.CrashPrefix}},
		{"retaining", retaining, true, []sim.CrashKind{sim.CrashTypical, sim.CrashAll, sim.CrashNone}},
		{"truncating", truncating, true, []sim.CrashKind{sim.CrashAll, sim.CrashNone}},
		// A truncation and the removal of later segments reach the platter independently here: the
		// log can keep what was cut from one segment and lose another.
		{"truncating", truncating, false, []sim.CrashKind{sim.CrashTypical, sim.CrashPages}},
	} {
		for _, kind := range c.kinds {
			t.Run(c.name+"/"+kind.String(), func(t *testing.T) {
				seeds := uint64(1)
				if kind == sim.CrashTypical {
					seeds = 4
				}
				if testing.Short() {
					seeds = 1
				}
				for seed := range seeds {
					for k := 0; ; k++ {
						h, reached := crashRun(t, seed+1, k, kind, c.script)
						h.check(k, c.strict)
						if t.Failed() {
							t.Fatalf("seed %d, k %d", seed+1, k)
						}
						if !reached {
							break
						}
					}
				}
			})
		}
	}
}

// check looks at the log after the power loss, goes on with it, and restarts it in other ways.
func (h *history) check(k int, strict bool) {
	r, t := h.r, h.r.t
	if r.err != nil {
		t.Errorf("k %d: the log does not open: %v", k, r.err)
		return
	}
	got, err := contents(r.log())
	if err != nil {
		t.Errorf("k %d: %v", k, err)
	}
	prefix, known := false, map[string]bool{}
	for _, v := range h.versions {
		prefix = prefix || h.prefixes(got, v)
		for _, m := range v {
			known[m] = true
		}
	}
	if strict && !prefix {
		t.Errorf("k %d: the log is no prefix of its past:\n%s", k, strings.Join(got, " "))
	}
	for _, m := range got {
		if !known[m] {
			t.Errorf("k %d: %s was never written", k, m)
		}
	}
	start := r.log().start
	if start > h.start {
		t.Errorf("k %d: the log begins at %d, retention left it at %d", k, start, h.start)
	}
	if n := min(h.floor, int64(len(h.now))) - start; n > 0 && (int64(len(got)) < n || !slices.Equal(got[:n], h.now[start:start+n])) {
		t.Errorf("k %d: what was durable below %d is not all there:\n%s", k, n, strings.Join(got, " "))
	}
	h.consistent(k)
	h.goOn(k, got)
}

// prefixes says whether got holds, segment by segment, a prefix of what version v had there. A
// segment that lost its end in a power loss after it had rolled leaves a hole before the next one,
// if it ends between two batches: recovery deletes later segments only when it had to cut bytes.
func (h *history) prefixes(got, v []string) bool {
	segments := h.r.log().segments
	for i, s := range segments {
		from := min(int(max(s.base, h.r.log().start)), len(v))
		to := len(v)
		if i+1 < len(segments) {
			to = min(int(segments[i+1].base), len(v))
		}
		for from < to && len(got) > 0 && got[0] == v[from] {
			from++
			got = got[1:]
		}
	}
	return len(got) == 0
}

// consistent checks what must hold of every log: offsets, indexes, epochs.
func (h *history) consistent(k int) {
	l, t := h.r.log(), h.r.t
	if !(l.start <= l.hw && l.hw <= l.end && l.recovery <= l.end) {
		t.Errorf("k %d: offsets of %v", k, l)
	}
	for i, s := range l.segments {
		next := s.base
		sc := scan(l.d.arena, s.file, 0, s.size(), nil)
		for sc.next() {
			hd := sc.Header
			for o := max(next, hd.BaseOffset()); o <= hd.LastOffset(); o++ {
				if pos, err := s.position(o); pos != sc.filePos() || err != nil {
					t.Errorf("k %d: offset %d is at %d by the index, at %d in the file, %v", k, o, pos, sc.filePos(), err)
				}
			}
			// Records that retention had dropped can be back; what the cache knew of them is not.
			if e, _ := l.epochs.EpochAt(hd.BaseOffset()); e != hd.LeaderEpoch() && hd.BaseOffset() >= h.start {
				t.Errorf("k %d: offset %d is of epoch %d, the cache says %d", k, hd.BaseOffset(), hd.LeaderEpoch(), e)
			}
			next = hd.NextOffset()
		}
		if sc.filePos() != s.size() || i == len(l.segments)-1 && next != l.end {
			t.Errorf("k %d: segment %d ends at %d of %d bytes, offset %d of %d", k, s.base, sc.filePos(), s.size(), next, l.end)
		}
	}
	if e, ok := l.epochs.Latest(); ok && e.Start > l.end {
		t.Errorf("k %d: epochs %v of %v", k, l.epochs.entries, l)
	}
}

// goOn appends to the recovered log and restarts it: after a kill and after a clean stop nothing
// may be lost, and producer 1's last batch is still a duplicate.
func (h *history) goOn(k int, want []string) {
	r, t := h.r, h.r.t
	r.do(func(l *Log) {
		b := r.batch(2, 700)
		a, err := l.AppendAsLeader(b, 20, r.now)
		if err != nil || a.First != l.End()-2 {
			t.Errorf("k %d: append after recovery: %+v, %v", k, a, err)
		}
		want = append(want, fmt.Sprintf("%d=%v", a.First, sim.NewMsgID(0, r.seq-2)), fmt.Sprintf("%d=%v", a.Last, sim.NewMsgID(0, r.seq-1)))
	})
	h.sameProducer(k)
	for _, how := range []string{"kill", "stop", "kill"} {
		end := r.log().End()
		if how == "kill" {
			r.kill()
		} else {
			r.stop()
			r.start()
			if r.rec.Scanned != 0 || r.log().RecoveryPoint() != end {
				t.Errorf("k %d: a clean start scanned %d bytes, %v", k, r.rec.Scanned, r.log())
			}
		}
		got, err := contents(r.log())
		if err != nil || !slices.Equal(got, want) || r.log().End() != end || r.rec.Cut != 0 {
			t.Errorf("k %d: after a %s: %v, cut %d\n%v", k, how, err, r.rec.Cut, got)
		}
		h.consistent(k)
		h.sameProducer(k)
	}
}

// sameProducer sends producer 1's last batch again: it must be recognised.
func (h *history) sameProducer(k int) {
	l := h.r.log()
	e := l.producers.find(1)
	if e == nil || e.n == 0 {
		return
	}
	m := e.window[e.n-1]
	h.r.do(func(l *Log) {
		b := h.r.idempotent(int(m.offsetDelta)+1, 10, 1, e.epoch, m.firstSeq())
		if a, err := l.AppendAsLeader(b, 20, h.r.now); !a.Duplicate || a.Last != m.lastOffset || err != nil {
			h.r.t.Errorf("k %d: producer 1's last batch again: %+v, %v", k, a, err)
		}
	})
}

// Memory and a directory of real files give the same log, the same disk and the same digest.
func TestBackingsAgree(t *testing.T) {
	run := func(dir string, k int) (string, uint64) {
		h, _ := crashRunIn(t, dir, 5, k, sim.CrashTypical, growing)
		got, err := contents(h.r.log())
		if err != nil {
			t.Fatal(err)
		}
		h.goOn(k, got)
		return fmt.Sprint(got, h.r.log()), h.r.w.K.Digest()
	}
	for _, k := range []int{30, 77, 1000} {
		mem, memDigest := run("", k)
		real, realDigest := run(t.TempDir(), k)
		if mem != real || memDigest != realDigest {
			t.Errorf("k %d: %x in memory, %x in a directory\n%s\n%s", k, memDigest, realDigest, mem, real)
		}
	}
}
