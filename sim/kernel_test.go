package sim

import (
	"slices"
	"testing"
	"unsafe"
)

// recorder keeps what it was handed and does more if told to.
type recorder struct {
	got []Event
	do  func(e Event)
}

func (r *recorder) Handle(e Event) {
	r.got = append(r.got, e)
	if r.do != nil {
		r.do(e)
	}
}

func (r *recorder) args() (out []uint32) {
	for _, e := range r.got {
		out = append(out, e.Arg)
	}
	return out
}

func TestEventIsSixteenBytes(t *testing.T) {
	if n := unsafe.Sizeof(Event{}); n != 16 {
		t.Errorf("Event has %d bytes", n)
	}
	if n := unsafe.Sizeof(entry{}); n != 24 {
		t.Errorf("entry has %d bytes", n)
	}
}

func TestKernelRunsInOrderAndStopsAtUntil(t *testing.T) {
	k, n := NewKernel(), &recorder{}
	id := k.AddNode(n)
	if id != 1 {
		t.Fatalf("first node got id %d", id)
	}
	n.do = func(e Event) {
		if k.Now() != e.At {
			t.Errorf("now %v during an event at %v", k.Now(), e.At)
		}
		if e.Arg == 1 {
			k.At(k.Now(), id, 0, 10) // at now: after those already due now
		}
	}
	k.At(5, id, 0, 1)
	k.At(5, id, 0, 2)
	k.At(10, id, 0, 3)
	k.At(11, id, 0, 4)
	k.Run(10)
	if got, want := n.args(), []uint32{1, 2, 10, 3}; !slices.Equal(got, want) {
		t.Errorf("fired %v, want %v", got, want)
	}
	k.Run(Second - 1 - 10)
	if k.Now() != Second-11 || k.Events() != 5 || k.Pending() != 0 {
		t.Errorf("now %v, %d events, %d pending", k.Now(), k.Events(), k.Pending())
	}
	if k.Step() {
		t.Error("stepped without events")
	}
}

func TestKernelRunUntil(t *testing.T) {
	k, n := NewKernel(), &recorder{}
	id := k.AddNode(n)
	for i := range 10 {
		k.At(Time(i)*Second, id, 0, uint32(i))
	}
	if !k.RunUntil(Minute, func() bool { return len(n.got) == 3 }) || k.Now() != 2*Second {
		t.Errorf("stopped at %v after %d events", k.Now(), len(n.got))
	}
	if !k.RunUntil(Minute, func() bool { return true }) || len(n.got) != 3 {
		t.Error("an event happened although stop said yes before")
	}
	if k.RunUntil(Minute, func() bool { return false }) || k.Now() != Minute || len(n.got) != 10 {
		t.Errorf("ended at %v after %d events", k.Now(), len(n.got))
	}
}

func TestKernelDropsEventsForNobody(t *testing.T) {
	k, a, b := NewKernel(), &recorder{}, &recorder{}
	id := k.AddNode(a)
	k.At(1, 0, 0, 1) // nobody
	k.At(2, id, 0, 2)
	k.Run(2)
	k.Replace(id, nil)
	k.At(3, id, 0, 3)
	k.Run(3)
	k.Replace(id, b)
	k.At(4, id, 0, 4)
	k.Run(4)
	if !slices.Equal(a.args(), []uint32{2}) || !slices.Equal(b.args(), []uint32{4}) {
		t.Errorf("a got %v, b got %v", a.args(), b.args())
	}
	if k.Events() != 4 {
		t.Errorf("%d events counted, want dropped ones too", k.Events())
	}
}

func TestKernelDigest(t *testing.T) {
	type shot struct {
		at   Time
		kind uint16
		arg  uint32
	}
	base := []shot{{5, 1, 1}, {5, 1, 2}, {9, 2, 3}, {Hour, 1, 4}}
	run := func(k *Kernel, shots []shot, fold ...uint64) uint64 {
		id := k.AddNode(&recorder{})
		for _, s := range shots {
			k.At(s.at, id, s.kind, s.arg)
		}
		for _, x := range fold {
			k.Fold(x)
		}
		k.Run(2 * Hour)
		return k.Digest()
	}
	want := run(NewKernel(), base)
	k := NewKernel()
	for range 2 {
		if got := run(k, base); got != want {
			t.Errorf("equal runs: %x and %x", got, want)
		}
		k.Reset()
	}
	edit := func(f func(s []shot)) []shot {
		s := slices.Clone(base)
		f(s)
		return s
	}
	seen := map[uint64]string{want: "the base run"}
	for name, digest := range map[string]uint64{
		"a swapped tie": run(NewKernel(), edit(func(s []shot) { s[0], s[1] = s[1], s[0] })),
		"another time":  run(NewKernel(), edit(func(s []shot) { s[2].at++ })),
		"another kind":  run(NewKernel(), edit(func(s []shot) { s[2].kind++ })),
		"another arg":   run(NewKernel(), edit(func(s []shot) { s[3].arg++ })),
		"one less":      run(NewKernel(), base[:3]),
		"a fold":        run(NewKernel(), base, 7),
		"two folds":     run(NewKernel(), base, 7, 7),
		"fold of zero":  run(NewKernel(), base, 0),
	} {
		if other, dup := seen[digest]; dup {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[digest] = name
	}
}

func TestKernelReset(t *testing.T) {
	k, n := NewKernel(), &recorder{}
	k.At(3, k.AddNode(n), 0, 1)
	k.At(Hour, 1, 0, 1)
	k.Run(10)
	k.Reset()
	if k.Now() != 0 || k.Pending() != 0 || k.Events() != 0 || k.Digest() != NewKernel().Digest() {
		t.Errorf("reset kernel: now %v, %d pending, %d events", k.Now(), k.Pending(), k.Events())
	}
	if id := k.AddNode(n); id != 1 {
		t.Errorf("first node after Reset got id %d", id)
	}
}

func TestKernelSteadyStateDoesNotAllocate(t *testing.T) {
	k := NewKernel()
	startHops(k, 8, 256)
	k.Run(100 * Millisecond) // the slab has found its size
	before := k.Events()
	allocs := testing.AllocsPerRun(10, func() { k.Run(k.Now() + 10*Millisecond) })
	if allocs != 0 || k.Events() == before {
		t.Errorf("%v allocations in %d events", allocs, k.Events()-before)
	}
}

func TestTimeAndMsgID(t *testing.T) {
	if s := (90*Second + 500*Millisecond).String(); s != "1m30.5s" {
		t.Error(s)
	}
	id := NewMsgID(3, 20418)
	if id.Producer() != 3 || id.Seq() != 20418 || id.String() != "p3-20418" {
		t.Errorf("%d %d %s", id.Producer(), id.Seq(), id)
	}
	if s := MsgID(1<<64 - 1).String(); s != "p4294967295-4294967295" {
		t.Error(s)
	}
}

// again is a node that re-arms its timer for the same instant.
type again struct{ k *Kernel }

func (a again) Handle(e Event) { a.k.At(e.At, e.Node, 0, 0) }

func TestTimeThatStandsStillIsNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("20 million events")
	}
	k := NewKernel()
	k.At(5, k.AddNode(again{k}), 0, 0)
	defer func() {
		if recover() == nil {
			t.Error("the kernel went on for ever")
		}
	}()
	k.Run(10)
}
