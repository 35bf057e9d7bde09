package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/internal/toy"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

func newBenchOf(t *testing.T, spec sim.HostSpec, specs []faults.Spec) *bench {
	w := sim.NewWorld(1, sim.NetSpec{Latency: sim.Millisecond})
	c := toy.New(w, 3, spec, second, []models.Stream{{Name: "t0", MessageSize: 64}})
	b := &bench{w: w, c: c, in: faults.New(w, c, &models.System{Name: "toy", OSBoot: at(2 * second)}, specs, nil)}
	c.Start()
	w.K.Run(2 * second)
	b.in.Schedule(w.Now(), 60*second)
	return b
}

func (b *bench) runs(host string) bool { return b.w.HostNamed(host).Service("server").Running() }

// fault is one on s1 from, for so long.
func fault(t *testing.T, name, action string, from, long sim.Time) faults.Spec {
	return faults.Spec{Name: name, Action: action, At: at(from), Duration: long, Selector: sel(t, "s1"), Disk: -1}
}

func TestTheLastOfTwoKillsLetsTheProcessUp(t *testing.T) {
	b := newBenchOf(t, sim.HostSpec{Cores: 1}, []faults.Spec{
		fault(t, "a", "kill", 1*second, 5*second),
		fault(t, "b", "kill", 2*second, 10*second),
	})
	b.to(8 * second)
	require.False(t, b.runs("s1"), "the second kill still holds")
	b.to(13 * second)
	require.True(t, b.runs("s1"))
	for _, w := range b.in.Windows {
		require.True(t, w.Healed)
	}
}

func TestWhatWasNotEndedByAFaultIsNotStartedByItsUndo(t *testing.T) {
	b := newBenchOf(t, sim.HostSpec{Cores: 1}, []faults.Spec{fault(t, "a", "kill", 2*second, 5*second)})
	b.to(1 * second)
	b.w.HostNamed("s1").Service("server").Kill()
	b.to(10 * second)
	require.True(t, b.in.Windows[0].Absorbed)
	require.False(t, b.runs("s1"))
}

func TestKillAndPowerLossOverlap(t *testing.T) {
	b := newBenchOf(t, sim.HostSpec{Cores: 1}, []faults.Spec{
		fault(t, "kill", "kill", 1*second, 20*second),
		fault(t, "dark", "power-loss", 2*second, 5*second), // the system runs again at 9 s
	})
	b.to(10 * second)
	require.True(t, b.w.HostNamed("s1").Up)
	require.False(t, b.runs("s1"), "the kill still holds")
	b.to(22 * second)
	require.True(t, b.runs("s1"))

	b = newBenchOf(t, sim.HostSpec{Cores: 1}, []faults.Spec{
		fault(t, "kill", "kill", 1*second, 5*second),
		fault(t, "dark", "power-loss", 2*second, 10*second), // 14 s
	})
	b.to(13 * second)
	require.False(t, b.runs("s1"))
	b.to(16 * second)
	require.True(t, b.runs("s1"), "the kill was undone while the machine was off")
}

func TestPowerLossWhileTheSystemBoots(t *testing.T) {
	b := newBenchOf(t, sim.HostSpec{Cores: 1}, []faults.Spec{
		fault(t, "a", "power-loss", 1*second, 2*second), // boots from 3 s to 5 s
		fault(t, "b", "power-loss", 4*second, 4*second), // 10 s
	})
	b.to(6 * second)
	require.False(t, b.w.HostNamed("s1").Up, "its boot was cut off")
	require.True(t, b.in.Windows[1].TookHold)
	b.to(12 * second)
	require.True(t, b.w.HostNamed("s1").Up)
	require.True(t, b.runs("s1"))
}

func TestTheLastOfTwoPausesThaws(t *testing.T) {
	b := newBenchOf(t, sim.HostSpec{Cores: 1}, []faults.Spec{
		fault(t, "a", "pause", 1*second, 5*second),
		fault(t, "b", "pause", 2*second, 10*second),
	})
	s := b.w.HostNamed("s1").Service("server")
	b.to(8 * second)
	require.True(t, s.Paused())
	b.to(13 * second)
	require.False(t, s.Paused())
	require.True(t, b.in.Windows[0].Healed && b.in.Windows[1].Healed)
}

func TestAPauseEndsWithItsProcess(t *testing.T) {
	b := newBenchOf(t, sim.HostSpec{Cores: 1}, []faults.Spec{
		fault(t, "old", "pause", 1*second, 10*second),
		fault(t, "kill", "kill", 2*second, 2*second), // again from 5 s on
		fault(t, "new", "pause", 6*second, 10*second),
	})
	s := b.w.HostNamed("s1").Service("server")
	b.to(5500 * sim.Millisecond)
	require.True(t, s.Running() && !s.Paused())
	b.to(12 * second)
	require.True(t, s.Paused(), "the end of the first pause does not thaw another process")
	b.to(17 * second)
	require.False(t, s.Paused())
}

func TestWipe(t *testing.T) {
	b := newBenchOf(t, sim.HostSpec{Cores: 1}, []faults.Spec{fault(t, "wipe", "wipe", 2*second, 5*second)})
	b.to(1 * second)
	require.NoError(t, b.write(t, 100))
	b.to(3 * second)
	h := b.w.HostNamed("s1")
	require.False(t, h.Up)
	require.Zero(t, h.Disk(0).Used())
	b.to(12 * second)
	require.True(t, b.runs("s1"))
	require.Zero(t, h.Disk(0).FS().Open("log").Size(), "a new log")
	require.True(t, b.in.Windows[0].TookHold && b.in.Windows[0].Healed)
}

func TestPermanentHoldsAfterTheHeal(t *testing.T) {
	specs := []faults.Spec{fault(t, "kill", "kill", 2*second, 0), fault(t, "slow", "cpu", 2*second, 0), fault(t, "dead", "kill", 2*second, 0)}
	specs[0].Permanent, specs[1].Permanent = true, true
	specs[1].Selector, specs[1].Factor = sel(t, "s2+s3"), 2000
	specs[2].Selector = sel(t, "s3")
	b := newBenchOf(t, sim.HostSpec{Cores: 1}, specs)
	b.to(60 * second)
	b.w.HostNamed("s2").Service("server").Kill() // by itself: no fault holds it down
	b.in.Heal()
	b.to(63 * second)
	require.False(t, b.runs("s1"))
	require.True(t, b.runs("s2"), "a permanent fault of another kind keeps nobody from starting")
	require.True(t, b.runs("s3"))
	require.Equal(t, 2*sim.Millisecond, b.w.HostNamed("s2").WouldTake(sim.Millisecond))
}

func TestCPUFactorsMultiply(t *testing.T) {
	specs := []faults.Spec{fault(t, "a", "cpu", 1*second, 5*second), fault(t, "b", "cpu", 2*second, 10*second)}
	specs[0].Factor, specs[1].Factor = 10_000, 1_500
	b := newBenchOf(t, sim.HostSpec{Cores: 1}, specs)
	h := b.w.HostNamed("s1")
	b.to(3 * second)
	require.Equal(t, 15*sim.Millisecond, h.WouldTake(sim.Millisecond))
	busy := h.CPU.Busy()
	h.Service("server").Proc().Work(-1, sim.Millisecond, 0, 0)
	require.Equal(t, 15*sim.Millisecond, h.CPU.Busy()-busy)
	b.to(7 * second)
	require.Equal(t, 1500*sim.Microsecond, h.WouldTake(sim.Millisecond))
	b.to(13 * second)
	require.Equal(t, sim.Millisecond, h.WouldTake(sim.Millisecond))
	for _, w := range b.in.Windows {
		require.True(t, w.TookHold && w.Healed)
		require.EqualValues(t, 1, w.Touched)
	}
}

func TestMemoryIsTakenTogether(t *testing.T) {
	specs := []faults.Spec{fault(t, "a", "memory", 1*second, 5*second), fault(t, "b", "memory", 2*second, 10*second), fault(t, "c", "memory", 2*second, second)}
	specs[0].Fill, specs[1].Fill, specs[2].Fill = 450_000, 200_000, 100_000
	specs[2].Selector = sel(t, "s2")
	b := newBenchOf(t, sim.HostSpec{Cores: 1, Memory: 1000}, specs)
	used := func() int64 {
		_, n := b.w.HostNamed("s1").Memory()
		return n
	}
	b.to(3 * second)
	require.EqualValues(t, 650, used())
	b.to(7 * second)
	require.EqualValues(t, 200, used())
	b.to(13 * second)
	require.Zero(t, used())
	require.EqualValues(t, 1, b.in.Windows[0].Touched, "somebody looked once while it held")
	require.EqualValues(t, 2, b.in.Windows[1].Touched)
	require.Zero(t, b.in.Windows[2].Touched)
}

func TestClocks(t *testing.T) {
	specs := []faults.Spec{fault(t, "back", "clock-jump", 1*second, 5*second), fault(t, "fast", "clock-drift", 10*second, 10*second),
		fault(t, "slow", "clock-drift", 15*second, 10*second)}
	specs[0].By, specs[1].PPM, specs[2].PPM = -5*second, 1000, -400
	b := newBenchOf(t, sim.HostSpec{Cores: 1}, specs)
	wrong := func() sim.Time { return b.w.HostNamed("s1").Wall() - b.w.Now() }
	b.to(3 * second)
	require.Equal(t, -5*second, wrong())
	b.to(7 * second)
	require.Zero(t, wrong())
	b.to(15 * second)
	require.Equal(t, 5*sim.Millisecond, wrong())
	b.to(20 * second)
	require.Equal(t, 8*sim.Millisecond, wrong(), "two drifts add up")
	b.to(25 * second)
	require.Equal(t, 6*sim.Millisecond, wrong())
	b.to(30 * second)
	require.Equal(t, 6*sim.Millisecond, wrong(), "the drift is over, its error stays")
	for _, w := range b.in.Windows {
		require.True(t, w.TookHold && w.Healed)
	}
}
