package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

func op(t *testing.T, name, do string, from sim.Time, selector string, change func(*faults.Operation)) faults.Operation {
	o := faults.Operation{Name: name, Do: do, At: at(from)}
	if selector != "" {
		o.Selector = sel(t, selector)
	}
	if change != nil {
		change(&o)
	}
	return o
}

func TestWipeAndRejoin(t *testing.T) {
	b, _ := operated(t,
		[]faults.Spec{fault(t, "dark", "power-loss", 20*second, 20*second)},
		[]faults.Operation{
			op(t, "wipe", "wipe-and-rejoin", 5*second, "s1+s2", nil),
			op(t, "off", "wipe-and-rejoin", 25*second, "s1", nil),
		})
	b.to(4 * second)
	f := b.w.HostNamed("s1").Disk(0).FS().Open("log")
	require.Greater(t, f.Size(), int64(100_000))
	b.to(10 * second)
	w := b.named(t, "wipe")
	require.True(t, w.Answered && w.OK)
	require.Equal(t, "2 hosts", w.Text)
	require.EqualValues(t, 2*second, w.To-w.From, "two boots, one after the other")
	require.Less(t, b.w.HostNamed("s1").Disk(0).FS().Open("log").Size(), int64(5000), "a new file")
	b.to(30 * second)
	off := b.named(t, "off")
	require.False(t, off.OK)
	require.Equal(t, "s1 is switched off", off.Text)
}

func TestOperatorOfClients(t *testing.T) {
	b, d := operated(t, nil, []faults.Operation{
		op(t, "pause", "pause-client", 5*second, "producer-0", nil),
		op(t, "twice", "pause-client", 6*second, "producer-0", nil),
		op(t, "resume", "resume-client", 10*second, "producer-0", nil),
		op(t, "again", "resume-client", 11*second, "producer-0", nil),
		op(t, "restart", "restart-client", 20*second, "producer-0+consumer-0", nil),
		op(t, "server", "restart-client", 30*second, "s1", nil),
	})
	svc := b.w.HostNamed("producer-0").Service(models.ClientService)
	b.to(7 * second)
	require.True(t, svc.Paused())
	require.Equal(t, "producer-0 is paused already", b.named(t, "twice").Text)
	b.to(12 * second)
	require.False(t, svc.Paused())
	require.Equal(t, "producer-0 is not paused", b.named(t, "again").Text)
	old := svc.Proc()
	b.to(21 * second)
	require.NotSame(t, old, svc.Proc(), "another process")
	require.True(t, svc.Running())
	b.to(59 * second)
	require.Equal(t, "s1 is no client", b.named(t, "server").Text)
	for _, name := range []string{"pause", "resume", "restart"} {
		require.True(t, b.named(t, name).OK, name)
	}
	for _, name := range []string{"twice", "again", "server"} {
		require.False(t, b.named(t, name).OK, name)
	}
	require.Greater(t, len(d.History().Deliveries), 5800)
}

func TestSetRate(t *testing.T) {
	rate := func(o *faults.Operation) { o.Rate = []models.RateStep{{Milli: 10_000}} }
	b, d := operated(t, nil, []faults.Operation{
		op(t, "slower", "set-rate", 10*second, "producer-0", rate),
		op(t, "nobody", "set-rate", 11*second, "consumer-0", rate),
	})
	b.to(20 * second)
	require.True(t, b.named(t, "slower").OK)
	require.False(t, b.named(t, "nobody").OK)
	require.InDelta(t, 1000+100, d.History().NextID(0).Seq(), 3)
}

func TestAPartOfAProcess(t *testing.T) {
	part := func(name, action string, from sim.Time, arg string) faults.Spec {
		s := fault(t, name, action, from, 2*second)
		s.Process, s.ProcArg = "worker", arg
		return s
	}
	b, _ := loaded(t, part("kill", "kill", 1*second, "a"), part("stop", "stop", 5*second, "a"), part("pause", "pause", 10*second, "a"),
		part("dead", "kill", 1500*sim.Millisecond, "a"), part("none", "kill", 20*second, "b"))
	w := b.c.Worker("s1", "a")
	b.to(2 * second)
	require.False(t, w.Running())
	require.True(t, b.named(t, "kill").TookHold)
	require.True(t, b.named(t, "dead").Absorbed)
	b.to(4 * second)
	require.True(t, w.Running())
	b.to(6 * second)
	require.False(t, w.Running())
	b.to(11 * second)
	require.True(t, w.Running() && w.Paused())
	b.to(30 * second)
	require.False(t, w.Paused())
	require.Equal(t, "s1 runs no process worker(b) at this moment", b.named(t, "none").Text)
	require.False(t, b.named(t, "none").TookHold)
	require.True(t, b.runs("s1"))
}
