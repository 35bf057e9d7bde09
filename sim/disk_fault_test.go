package sim

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// faultRig is a process with a file on a disk that tests put faults on.
type faultRig struct {
	w *World
	d *Disk
	x *diskProg
	f *File // of the audit
}

func newFaultRig(t *testing.T) *faultRig {
	w, d := diskWorld(1, "", testSpec)
	f, err := d.FS().Create("a/log")
	require.NoError(t, err)
	require.NoError(t, d.FS().SyncDir("a"))
	return &faultRig{w, d, startProg(w, d.Host), f}
}

// call runs f in the process and returns what it charged and answered.
func (r *faultRig) call(f func(p *Proc, g *File) error) (cost Time, err error) {
	r.x.run(0, func(p *Proc) {
		err = f(p, p.FS(0).Open("a/log"))
		cost = p.debt
	})
	r.w.K.Run(r.w.Now() + 100*Millisecond)
	return cost, err
}

func appendHello(_ *Proc, g *File) error { return g.AppendBytes([]byte("hello")) }
func syncNow(_ *Proc, g *File) error     { return g.SyncNow() }

func TestDiskSlow(t *testing.T) {
	r := newFaultRig(t)
	a := r.d.Slow(OpWrite|OpSync, "*.log", 10, 0)
	require.Zero(t, r.d.WouldSlow(OpWrite, "a/log", Millisecond), "the glob wants a suffix")
	b := r.d.Slow(OpWrite|OpSync, "log", 10, 0) // the base name
	c := r.d.Slow(OpAll, "", 0, Millisecond)
	require.Equal(t, 10*Millisecond, r.d.WouldSlow(OpSync, "a/log", Millisecond))

	cost, err := r.call(appendHello)
	require.NoError(t, err)
	require.Equal(t, 200*Microsecond+Millisecond, cost)
	cost, _ = r.call(syncNow)
	require.Equal(t, 10*(2*Millisecond+5)+Millisecond, cost)
	cost, _ = r.call(func(_ *Proc, g *File) error { _, err := g.Read(0, 5, nil); return err })
	require.Equal(t, Millisecond, cost)

	require.EqualValues(t, 3, r.d.Undo(c), "faults compose and are undone one by one")
	cost, _ = r.call(appendHello)
	require.Equal(t, 200*Microsecond, cost)
	require.EqualValues(t, 0, r.d.Undo(a))
	require.EqualValues(t, 3, r.d.Touched(b))
	require.EqualValues(t, 3, r.d.Undo(b))
	cost, _ = r.call(appendHello)
	require.Equal(t, 20*Microsecond, cost)
}

func TestDiskStall(t *testing.T) {
	r := newFaultRig(t)
	require.False(t, r.d.WouldStall(OpSync, "a/log"))
	id := r.d.Stall(OpWrite|OpSync, "")
	require.True(t, r.d.WouldStall(OpSync, "a/log"))
	var order []string
	r.x.run(0, func(p *Proc) {
		order = append(order, "blocked call")
		require.NoError(t, p.FS(0).Open("a/log").AppendBytes([]byte("x")))
	})
	r.x.run(0, func(p *Proc) { order = append(order, "next on the lane at "+p.Now().String()) })
	r.x.run(1, func(p *Proc) {
		p.FS(0).Open("a/log").Sync(7)
		order = append(order, "async sync issued")
	})
	r.x.run(2, func(p *Proc) { _ = p.FS(0).Open("a/log").SyncNow() })
	r.x.run(2, func(p *Proc) { order = append(order, "after SyncNow at "+p.Now().String()) })
	r.w.K.Run(40 * Second)
	require.Equal(t, []string{"blocked call", "async sync issued"}, order)
	require.Empty(t, r.x.log)
	require.Zero(t, r.f.in.durable, "neither a sync nor write-back comes through")
	require.NotZero(t, r.d.Undo(id))
	r.w.K.Run(50 * Second)
	require.Equal(t, []string{"blocked call", "async sync issued", "next on the lane at 40s", "after SyncNow at 40.004000001s"}, order)
	require.Equal(t, []string{"40.002000001s synced 7 <nil>"}, r.x.log)
	require.EqualValues(t, 1, r.f.in.durable)
}

// TestStallCatchesSyncOnTheDevice: a sync that was under way when the stall began waits too.
func TestStallCatchesSyncOnTheDevice(t *testing.T) {
	r := newFaultRig(t)
	r.x.run(-1, func(p *Proc) {
		g := p.FS(0).Open("a/log")
		_ = g.AppendBytes([]byte("x"))
		g.Sync(1)
	})
	r.w.K.Run(Millisecond)
	id := r.d.Stall(OpSync, "")
	r.w.K.Run(Second)
	require.Empty(t, r.x.log)
	r.d.Undo(id)
	r.w.K.Run(2 * Second)
	require.Equal(t, []string{"1s synced 1 <nil>"}, r.x.log)
}

// TestSyncDirOnBadDisks: a directory's sync stalls, fails and lies like a file's.
func TestSyncDirOnBadDisks(t *testing.T) {
	r := newFaultRig(t)
	create := func(name string) {
		_, err := r.d.FS().Create("a/" + name)
		require.NoError(t, err)
	}
	syncDir := func(p *Proc, _ *File) error { return p.FS(0).SyncDir("a") }
	durable := func(name string) bool { return r.d.names.platter["a/"+name] != nil }
	r.d.phase = 5*Second - 1 // the journal comes later

	create("1")
	cost, err := r.call(syncDir)
	require.NoError(t, err)
	require.Equal(t, 2*Millisecond, cost)
	require.True(t, durable("1"))

	create("2")
	id := r.d.Fail(OpSync, "", 100)
	_, err = r.call(syncDir)
	require.ErrorIs(t, err, ErrIO)
	r.d.Undo(id)
	id = r.d.Lie("")
	_, err = r.call(syncDir)
	require.NoError(t, err)
	r.d.Undo(id)
	require.False(t, durable("2"))

	id = r.d.Stall(OpSync, "a")
	_, _ = r.call(syncDir)
	require.False(t, durable("2"))
	r.d.Undo(id)
	require.True(t, durable("2"))
}

// TestStalledDiskLosesPower: what waited is forgotten with the machine.
func TestStalledDiskLosesPower(t *testing.T) {
	r := newFaultRig(t)
	id := r.d.Stall(OpAll, "")
	r.x.run(0, func(p *Proc) {
		g := p.FS(0).Open("a/log")
		_ = g.AppendBytes([]byte("x"))
		g.Sync(1)
		_ = g.SyncNow()
	})
	r.w.K.Run(Second)
	r.d.Host.PowerOff(CrashAll)
	r.d.Undo(id)
	r.w.K.Run(Minute)
	require.Empty(t, r.x.log)
	require.Empty(t, content(r.d, "a/log"))
	require.Len(t, r.d.spare, len(r.d.reqs), "no request leaks")
}

func TestDiskError(t *testing.T) {
	r := newFaultRig(t)
	id := r.d.Fail(OpSync, "", 100)
	require.True(t, r.d.WouldFail(OpSync, "a/log"))
	require.False(t, r.d.WouldFail(OpWrite, "a/log"))
	_, err := r.call(appendHello)
	require.NoError(t, err)
	_, err = r.call(syncNow)
	require.ErrorIs(t, err, ErrIO)
	r.x.run(0, func(p *Proc) { p.FS(0).Open("a/log").Sync(1) })
	r.w.K.Run(r.w.Now() + Second)
	require.True(t, strings.HasSuffix(r.x.log[0], "synced 1 input/output error"), r.x.log[0])
	require.Zero(t, r.f.in.durable)
	require.EqualValues(t, 2, r.d.Undo(id))
	_, err = r.call(syncNow)
	require.NoError(t, err)
	require.EqualValues(t, 5, r.f.in.durable, "what a sync did not write stayed dirty")

	id = r.d.Fail(OpWrite, "", 30)
	failed := 0
	for range 100 {
		if _, err := r.call(appendHello); err != nil {
			failed++
		}
	}
	require.InDelta(t, 30, failed, 15)
	require.EqualValues(t, failed, r.d.Undo(id))
	require.EqualValues(t, 5+5*(100-failed), r.f.Size(), "a write that failed wrote nothing")
}

func TestDiskLie(t *testing.T) {
	r := newFaultRig(t)
	id := r.d.Lie("")
	require.True(t, r.d.WouldLie("a/log"))
	_, _ = r.call(appendHello)
	_, err := r.call(syncNow)
	require.NoError(t, err)
	r.x.run(0, func(p *Proc) { p.FS(0).Open("a/log").Sync(1) })
	r.w.K.Run(r.w.Now() + 2*Minute) // write-back lies too
	require.True(t, strings.HasSuffix(r.x.log[0], "synced 1 <nil>"))
	require.GreaterOrEqual(t, r.d.Touched(id), uint64(2))
	r.d.Host.PowerOff(CrashAll)
	require.Empty(t, content(r.d, "a/log"))
}

func TestDiskFull(t *testing.T) {
	r := newFaultRig(t)
	_, _ = r.call(appendHello)
	id := r.d.LeaveFree(2 * pageSize)
	require.True(t, r.d.WouldRefuse(3*pageSize))
	require.False(t, r.d.WouldRefuse(2*pageSize))
	cost, err := r.call(func(_ *Proc, g *File) error { return g.AppendBytes(make([]byte, 3*pageSize)) })
	require.ErrorIs(t, err, ErrNoSpace)
	require.Equal(t, 20*Microsecond, cost)
	require.EqualValues(t, 5, r.f.Size())
	_, err = r.call(func(_ *Proc, g *File) error { return g.AppendBytes(make([]byte, 2*pageSize)) })
	require.NoError(t, err)
	_, err = r.call(func(p *Proc, _ *File) error { _, err := p.FS(0).Create("new"); return err })
	require.ErrorIs(t, err, ErrNoSpace)
	_, err = r.call(func(_ *Proc, g *File) error { return g.Allocate(1 << 20) })
	require.ErrorIs(t, err, ErrNoSpace)
	require.EqualValues(t, 3, r.d.Undo(id))

	_, err = r.call(func(_ *Proc, g *File) error { return g.Allocate(1 << 20) })
	require.NoError(t, err)
	id = r.d.Fill(100)
	used, capacity := r.d.FS().Usage()
	require.Equal(t, capacity, used)
	died := ""
	r.w.OnEmit(func(e DomainEvent) { died += e.Kind + " " + e.Text + "; " })
	_, _ = r.call(func(_ *Proc, g *File) error {
		g.Store(100, []byte("a page that has space")) // no death
		g.Store(1<<19, []byte("a hole"))
		return nil
	})
	require.Equal(t, "disk-full disk 0: no space left on device; process-died prog: SIGBUS; ", died)
	require.EqualValues(t, 1, r.d.Undo(id))
	require.Less(t, r.d.Used(), int64(10*pageSize))
	require.NoError(t, r.d.FS().Remove("a/log", "retention"))
	require.Zero(t, r.d.Used())
}

func TestCorrupt(t *testing.T) {
	_, d := diskWorld(1, "", testSpec)
	for _, name := range []string{"q/1", "q/2", "r/1"} {
		f, _ := d.FS().Create(name)
		_ = f.AppendBytes([]byte("0123456789"))
		_ = f.SyncNow()
	}
	_ = d.FS().SyncDir("q")
	_ = d.FS().SyncDir("r")
	require.Equal(t, 1, d.Corrupt("q/1", DamageZero, 3, 2))
	require.Equal(t, 2, d.Corrupt("q/*", DamageTruncate, 8, 1))
	require.Equal(t, 0, d.Corrupt("q/*", DamageZero, 8, 1), "beyond the end")
	require.Equal(t, 1, d.Corrupt("r/*", DamageDelete, 0, 1))
	require.Equal(t, "012\x00\x00567", string(content(d, "q/1")))
	d.Host.PowerOff(CrashAll)
	require.Equal(t, "012\x00\x00567", string(content(d, "q/1")), "the platter is damaged too")
	require.Equal(t, "01234567", string(content(d, "q/2")))
	require.Nil(t, content(d, "r/1"))
}

func TestWipe(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		w, d := diskWorld(1, dir, testSpec)
		f, _ := d.FS().Create("a/b")
		_ = f.AppendBytes([]byte("x"))
		_ = f.SyncNow()
		d.Host.PowerOff(CrashNone)
		d.Wipe()
		require.Empty(t, d.FS().List(""))
		require.Zero(t, d.Used())
		_, err := d.FS().Create("a/b")
		require.NoError(t, err)
		w.K.Run(Minute)
		require.NoError(t, w.CloseDisks())
	}
}
