package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/internal/toy"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// bench is three servers and a schedule.
type bench struct {
	w  *sim.World
	c  *toy.Cluster
	in *faults.Injector
}

const second = sim.Second

func newBench(t *testing.T, specs []faults.Spec, ops []faults.Operation) *bench {
	w := sim.NewWorld(1, sim.NetSpec{Latency: sim.Millisecond})
	c := toy.New(w, 3, sim.HostSpec{Cores: 1}, second, []models.Stream{{Name: "t0", MessageSize: 64}})
	b := &bench{w: w, c: c, in: faults.New(w, c, &models.System{Name: "toy"}, specs, ops)}
	c.Start()
	w.K.Run(2 * second)
	b.in.Schedule(w.Now(), 60*second) // t = 0 is 2 s
	return b
}

func (b *bench) to(t sim.Time) { b.w.K.Run(2*second + t) }

func sel(t *testing.T, text string) faults.Selector {
	s, err := faults.ParseSelector(text)
	require.NoError(t, err)
	return s
}

func at(t sim.Time) sim.Range { return sim.Range{Min: t, Max: t} }

func TestKillTakesHoldAndIsUndone(t *testing.T) {
	b := newBench(t, []faults.Spec{{Name: "crash", Action: "kill", At: at(10 * second), Duration: 5 * second, Selector: sel(t, "primary")}}, nil)
	b.to(11 * second)
	require.False(t, b.w.HostNamed("s1").Service("server").Running())
	b.to(17 * second)
	require.True(t, b.w.HostNamed("s1").Service("server").Ready, "restarted and booted")
	w := b.in.Windows[0]
	require.Equal(t, []string{"s1"}, w.Hosts)
	require.True(t, w.TookHold && w.Healed && !w.Absorbed)
	require.EqualValues(t, 12*second, w.From)
	require.EqualValues(t, 17*second, w.To)
	require.EqualValues(t, 1, w.Touched)
}

func TestKillingTheDeadIsAbsorbed(t *testing.T) {
	b := newBench(t, []faults.Spec{
		{Name: "a", Action: "kill", At: at(1 * second), Duration: 20 * second, Selector: sel(t, "s1")},
		{Name: "b", Action: "kill", At: at(2 * second), Duration: 20 * second, Selector: sel(t, "s1")},
	}, nil)
	b.to(3 * second)
	require.True(t, b.in.Windows[1].Absorbed)
	require.False(t, b.in.Windows[1].TookHold)
}

func TestSelectorThatMatchesNobodyDoesNotTakeHold(t *testing.T) {
	b := newBench(t, []faults.Spec{{Name: "x", Action: "kill", At: at(second), Selector: sel(t, "coordinator")}}, nil)
	b.to(2 * second)
	require.False(t, b.in.Windows[0].TookHold)
	require.Contains(t, b.in.Windows[0].Text, "matches no host")
}

func TestOptionalSelectorThatMatchesNobodyIsNothing(t *testing.T) {
	b := newBench(t, []faults.Spec{{Name: "x", Action: "kill", Optional: true, At: at(second), Selector: sel(t, "coordinator")}}, nil)
	b.to(2 * second)
	require.Empty(t, b.in.Windows)
}

func TestWhenAnEventHappens(t *testing.T) {
	b := newBench(t, []faults.Spec{
		{Name: "first", Action: "kill", At: at(5 * second), Duration: 3 * second, Selector: sel(t, "s2")},
		{Name: "second", Action: "kill", Selector: sel(t, "s3"), Duration: second,
			When: &faults.When{Event: "process-ready", Host: "s2", Nth: 1, Delay: 2 * second, After: "first"}},
		{Name: "never", Action: "kill", Selector: sel(t, "s3"), When: &faults.When{Event: "no-such-event"}},
	}, nil)
	b.to(30 * second)
	require.Len(t, b.in.Windows, 2)
	// s2 is ready again 5 + 3 + 1 (boot) s after t = 0; two more seconds.
	require.EqualValues(t, (2+5+3+1+2)*second, b.in.Windows[1].From)
	require.Equal(t, []string{"never waits for no-such-event, which did not happen"}, b.in.Unfired())
}

func TestStaggerAndRepetition(t *testing.T) {
	b := newBench(t, []faults.Spec{
		{Name: "roll", Action: "stop", At: at(second), Duration: second, Stagger: 3 * second, Mode: faults.All, Selector: sel(t, "all")},
		{Name: "blink", Action: "pause", At: at(20 * second), Every: 5 * second, Times: 2, Duration: second, Selector: sel(t, "s1")},
	}, nil)
	b.to(59 * second)
	var from []sim.Time
	for _, w := range b.in.Windows {
		from = append(from, (w.From-2*second)/second)
		require.True(t, w.TookHold && w.Healed, "%+v", w)
	}
	require.Equal(t, []sim.Time{1, 4, 7, 20, 25}, from)
}

func TestPartitionCutsServersAndComposes(t *testing.T) {
	b := newBench(t, []faults.Spec{
		{Name: "outer", Action: "partition", At: at(second), Duration: 10 * second, Selector: sel(t, "s1")},
		{Name: "inner", Action: "partition", At: at(3 * second), Duration: 20 * second, Between: []faults.Selector{sel(t, "s1"), sel(t, "s2")}, Direction: "from", Port: "replication"},
	}, nil)
	s1, s2, s3 := b.w.HostNamed("s1"), b.w.HostNamed("s2"), b.w.HostNamed("s3")
	drop := b.w.Net.WouldDrop
	b.to(2 * second)
	require.True(t, drop(s1, s2, sim.PortClient) && drop(s3, s1, sim.PortReplication))
	require.False(t, drop(s2, s3, sim.PortClient))
	b.to(4 * second)
	require.True(t, b.in.Windows[1].Absorbed, "everything it would cut is cut already")
	b.to(12 * second)
	require.False(t, drop(s1, s2, sim.PortClient), "the outer cut is healed")
	require.True(t, drop(s1, s2, sim.PortReplication), "the inner one is not")
	require.False(t, drop(s2, s1, sim.PortReplication), "it is one way")
	b.to(24 * second)
	require.False(t, drop(s1, s2, sim.PortReplication))
}

func TestPowerLossComesBackAfterTheSystem(t *testing.T) {
	w := sim.NewWorld(1, sim.NetSpec{Latency: sim.Millisecond})
	c := toy.New(w, 3, sim.HostSpec{Cores: 1}, second, []models.Stream{{Name: "t0", MessageSize: 64}})
	in := faults.New(w, c, &models.System{Name: "toy", OSBoot: at(30 * second)}, []faults.Spec{
		{Name: "dark", Action: "power-loss", At: at(second), Duration: 5 * second, Selector: sel(t, "s1")}}, nil)
	c.Start()
	w.K.Run(2 * second)
	in.Schedule(w.Now(), 60*second)
	w.K.Run(4 * second)
	require.False(t, w.HostNamed("s1").Up)
	w.K.Run(2*second + 6*second + 30*second)
	require.True(t, w.HostNamed("s1").Up)
	w.K.Run(2*second + 6*second + 32*second)
	require.True(t, w.HostNamed("s1").Service("server").Ready)
	require.True(t, in.Windows[0].TookHold && in.Windows[0].Healed)
}

func TestHealUndoesWhatIsNotPermanent(t *testing.T) {
	b := newBench(t, []faults.Spec{
		{Name: "gone", Action: "kill", At: at(second), Permanent: true, Selector: sel(t, "s1")},
		{Name: "down", Action: "kill", At: at(second), Selector: sel(t, "s2")},
		{Name: "cut", Action: "partition", At: at(second), Selector: sel(t, "s3")},
	}, nil)
	b.to(60 * second)
	b.in.Heal()
	b.to(70 * second)
	require.False(t, b.w.HostNamed("s1").Service("server").Running())
	require.True(t, b.w.HostNamed("s2").Service("server").Ready)
	require.False(t, b.w.Net.WouldDrop(b.w.HostNamed("s3"), b.w.HostNamed("s2"), sim.PortClient))
}

func TestOperationsAreAnsweredAndCanBeRefused(t *testing.T) {
	b := newBench(t, nil, []faults.Operation{
		{Name: "op-1", Do: "forbidden", At: at(second)},
		{Name: "op-2", Do: "restart", At: at(2 * second), Selector: sel(t, "all"), Mode: faults.All, Pause: second, Wait: "ready"},
		{Name: "op-3", Do: "wait", At: at(3 * second), For: second},
	})
	b.to(20 * second)
	require.False(t, b.in.Windows[0].OK)
	require.Equal(t, "403 forbidden", b.in.Windows[0].Text)
	roll := b.in.Windows[1]
	require.True(t, roll.OK && roll.Answered)
	require.EqualValues(t, 3*second+2*second, roll.To-roll.From, "three boots and two pauses")
	for _, h := range b.c.Servers() {
		require.True(t, h.Service("server").Ready)
	}
}

func TestSetupRunsInOrderBeforeTheLoad(t *testing.T) {
	b := newBench(t, nil, []faults.Operation{
		{Name: "op-1", Do: "set-config", Setup: true}, {Name: "op-2", Do: "wait", For: second, Setup: true},
	})
	s := b.in.Setup()
	s.Start()
	ok, _ := s.Done()
	require.False(t, ok)
	b.to(5 * second)
	ok, _ = s.Done()
	require.True(t, ok)
	require.Equal(t, []string{"set-config"}, b.c.Ops)
}
