package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/sim"
)

// disk makes a fault on the disk of s1, from 1 s on for 5 s, with the loader's defaults.
func disk(t *testing.T, name, action string, change func(*faults.Spec)) faults.Spec {
	s := faults.Spec{Name: name, Action: action, At: at(second), Duration: 5 * second, Selector: sel(t, "s1"),
		Factor: -1, Fill: -1, Free: -1, Offset: -1, Bytes: 1, Disk: -1}
	if change != nil {
		change(&s)
	}
	return s
}

// write appends to the log of s1 as its server does.
func (b *bench) write(t *testing.T, bytes int) error {
	f := b.w.HostNamed("s1").Service("server").Proc().FS(0).Open("log")
	require.NotNil(t, f)
	return f.AppendBytes(make([]byte, bytes))
}

func TestDiskSlowComposes(t *testing.T) {
	b := newBench(t, []faults.Spec{
		disk(t, "a", "disk-slow", func(s *faults.Spec) { s.Factor = 10_000; s.Ops = []string{"write"} }),
		disk(t, "b", "disk-slow", func(s *faults.Spec) {
			s.Latency = 3 * sim.Millisecond
			s.Path = "lo*"
			s.At = at(2 * second)
			s.Duration = 10 * second
		}),
	}, nil)
	d := b.w.HostNamed("s1").Disk(0)
	b.to(3 * second)
	require.Equal(t, 12*sim.Millisecond, d.WouldSlow(sim.OpWrite, "log", sim.Millisecond))
	require.Equal(t, 3*sim.Millisecond, d.WouldSlow(sim.OpSync, "log", sim.Millisecond))
	require.NoError(t, b.write(t, 10))
	b.to(7 * second)
	require.Equal(t, 3*sim.Millisecond, d.WouldSlow(sim.OpWrite, "log", sim.Millisecond), "the second one still holds")
	b.to(13 * second)
	require.Zero(t, d.WouldSlow(sim.OpAll, "log", sim.Millisecond))
	for i, w := range b.in.Windows {
		require.True(t, w.TookHold && w.Healed && !w.Absorbed, w.Name)
		require.EqualValues(t, i, w.Touched, "the write cost nothing, so that a factor did nothing to it")
	}
}

func TestDiskStallInsideOfAStallIsAbsorbed(t *testing.T) {
	b := newBench(t, []faults.Spec{
		disk(t, "a", "disk-stall", nil),
		disk(t, "b", "disk-stall", func(s *faults.Spec) { s.Ops = []string{"sync"}; s.At = at(2 * second) }),
	}, nil)
	d := b.w.HostNamed("s1").Disk(0)
	b.to(3 * second)
	require.True(t, b.in.Windows[0].TookHold)
	require.True(t, b.in.Windows[1].Absorbed)
	b.to(6500 * sim.Millisecond)
	require.False(t, d.WouldStall(sim.OpWrite, "log"))
	require.True(t, d.WouldStall(sim.OpSync, "log"), "the inner stall holds until its own end")
	b.to(8 * second)
	require.False(t, d.WouldStall(sim.OpSync, "log"))
}

func TestDiskError(t *testing.T) {
	b := newBench(t, []faults.Spec{
		disk(t, "some", "disk-error", func(s *faults.Spec) { s.PPM = 100_000 }),
		disk(t, "all", "disk-error", func(s *faults.Spec) { s.PPM = 1_000_000; s.At = at(2 * second); s.Path = "log" }),
		disk(t, "nowhere", "disk-error", func(s *faults.Spec) { s.PPM = 1_000_000; s.Path = "*.index" }),
	}, nil)
	b.to(3 * second)
	require.ErrorIs(t, b.write(t, 10), sim.ErrIO)
	require.EqualValues(t, 100_000, b.w.HostNamed("s1").Disk(0).FailChance(sim.OpWrite, "other"))
	b.to(20 * second)
	require.NoError(t, b.write(t, 10))
	byName := map[string]*faults.Window{}
	for _, w := range b.in.Windows {
		byName[w.Name] = w
	}
	require.True(t, byName["some"].TookHold)
	require.True(t, byName["all"].TookHold, "more calls fail than before")
	require.EqualValues(t, 1, byName["all"].Touched)
	require.False(t, byName["nowhere"].TookHold)
	require.Equal(t, "no file of s1 matches *.index at this moment", byName["nowhere"].Text)
}

func TestDiskFullOfTwoTheFullerHolds(t *testing.T) {
	b := newBench(t, []faults.Spec{
		disk(t, "free", "disk-full", func(s *faults.Spec) { s.Free = 8192; s.Duration = 20 * second }),
		disk(t, "fill", "disk-full", func(s *faults.Spec) { s.Fill = 1_000_000; s.At = at(2 * second) }),
		disk(t, "less", "disk-full", func(s *faults.Spec) { s.Fill = 500_000; s.At = at(3 * second) }),
	}, nil)
	b.to(1500 * sim.Millisecond)
	require.NoError(t, b.write(t, 4096))
	b.to(4 * second)
	require.ErrorIs(t, b.write(t, 8192), sim.ErrNoSpace)
	require.True(t, b.in.Windows[2].Absorbed, "the disk was fuller already")
	b.to(15 * second)
	d := b.w.HostNamed("s1").Disk(0)
	require.Equal(t, d.Spec.Capacity-4096, d.Used(), "the first one holds, and the file has grown")
	b.to(22 * second)
	require.EqualValues(t, 4096, d.Used())
	require.EqualValues(t, 1, b.in.Windows[1].Touched)
}

func TestDiskLie(t *testing.T) {
	b := newBench(t, []faults.Spec{disk(t, "lie", "disk-lie", nil)}, nil)
	b.to(2 * second)
	require.NoError(t, b.write(t, 4096))
	require.NoError(t, b.w.HostNamed("s1").Service("server").Proc().FS(0).Open("log").SyncNow())
	b.w.HostNamed("s1").PowerOff(sim.CrashAll)
	require.Zero(t, b.w.HostNamed("s1").Disk(0).FS().Open("log").Size(), "what the sync answered for is gone")
	b.to(7 * second)
	require.True(t, b.in.Windows[0].TookHold)
	require.EqualValues(t, 1, b.in.Windows[0].Touched)
}

func TestDiskCorruptHappensOnce(t *testing.T) {
	b := newBench(t, []faults.Spec{
		disk(t, "rot", "disk-corrupt", func(s *faults.Spec) { s.What, s.Offset, s.Bytes, s.Duration = "zero", 3, 2, 0 }),
		disk(t, "empty", "disk-corrupt", func(s *faults.Spec) { s.What, s.Offset, s.Selector, s.Duration = "flip", 3, sel(t, "s2"), 0 }),
	}, nil)
	f := b.w.HostNamed("s1").Service("server").Proc().FS(0).Open("log")
	require.NoError(t, f.AppendBytes([]byte("abcdefgh")))
	b.to(2 * second)
	buf := make([]byte, 8)
	_, err := f.ReadAt(buf, 0)
	require.NoError(t, err)
	require.Equal(t, "abc\x00\x00fgh", string(buf))
	rot, empty := b.in.Windows[0], b.in.Windows[1]
	require.True(t, rot.TookHold && rot.Healed)
	require.Equal(t, rot.From, rot.To)
	require.EqualValues(t, 1, rot.Touched)
	require.False(t, empty.TookHold)
}

func TestOneOfTwoDisksIsHit(t *testing.T) {
	b := newBenchOf(t, sim.HostSpec{Cores: 1, Disks: 2}, []faults.Spec{
		disk(t, "one", "disk-stall", func(s *faults.Spec) { s.Disk = 1 }),
		disk(t, "none", "disk-stall", func(s *faults.Spec) { s.Disk = 2 }),
	})
	b.to(2 * second)
	h := b.w.HostNamed("s1")
	require.False(t, h.Disk(0).WouldStall(sim.OpSync, "log"))
	require.True(t, h.Disk(1).WouldStall(sim.OpSync, "log"))
	require.Equal(t, "s1 has no disk 2", b.in.Windows[1].Text)
	require.False(t, b.in.Windows[1].TookHold)
}
