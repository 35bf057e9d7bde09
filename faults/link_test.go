package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/internal/toy"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// loaded is three servers, a producer of 100 messages/s of 1000 bytes and a consumer, both at s1.
func loaded(t *testing.T, specs ...faults.Spec) (*bench, *workload.Driver) {
	return operated(t, specs, nil)
}

// operated is loaded with an operator.
func operated(t *testing.T, specs []faults.Spec, ops []faults.Operation) (*bench, *workload.Driver) {
	stream := models.Stream{Name: "t0", Partitions: 1, MessageSize: 1000,
		Producers: []models.ProducerGroup{{Count: 1, Rate: []models.RateStep{{Milli: 100_000}}, MaxInFlight: 1000}},
		Consumers: []models.ConsumerGroup{{Count: 1, Group: "g"}}}
	w := sim.NewWorld(1, sim.NetSpec{Latency: sim.Millisecond})
	c := toy.New(w, 3, sim.HostSpec{Cores: 1, Memory: 1 << 30}, second, []models.Stream{stream})
	sys := &models.System{Name: "toy", OSBoot: at(second)}
	load := &workload.Spec{Streams: []models.Stream{stream}, Duration: 60 * second}
	d := workload.NewDriver(w, c, &models.Config{System: sys, Streams: []models.Stream{stream}}, load)
	b := &bench{w: w, c: c, in: faults.New(w, c, sys, specs, ops)}
	b.in.Rate = d.SetRate
	c.Start()
	d.StartClients()
	w.K.Run(2 * second)
	b.in.Schedule(w.Now(), 60*second)
	d.StartLoad()
	return b, d
}

func (b *bench) named(t *testing.T, name string) *faults.Window {
	for _, w := range b.in.Windows {
		if w.Name == name {
			return w
		}
	}
	require.Fail(t, "no window "+name)
	return nil
}

// link is a disturbance of the way between a producer and s1.
func link(t *testing.T, name, action string, from, long sim.Time, change func(*faults.Spec)) faults.Spec {
	s := faults.Spec{Name: name, Action: action, At: at(from), Duration: long,
		Between: []faults.Selector{sel(t, "s1"), sel(t, "producer-0")}, Direction: "both", Port: "all"}
	if change != nil {
		change(&s)
	}
	return s
}

func TestTwoDelaysOnOneLinkAddUp(t *testing.T) {
	b, d := loaded(t,
		link(t, "a", "delay", 5*second, 10*second, func(s *faults.Spec) { s.Latency = 20 * sim.Millisecond }),
		link(t, "b", "delay", 10*second, 10*second, func(s *faults.Spec) {
			s.Latency = 7 * sim.Millisecond
			s.Direction = "to"
		}))
	s1, p := b.w.HostNamed("s1"), b.w.HostNamed("producer-0")
	extra := func(x, y *sim.Host) sim.Time {
		l, _ := b.w.Net.WouldDelay(x, y, sim.PortClient)
		return l
	}
	b.to(12 * second)
	require.Equal(t, 27*sim.Millisecond, extra(p, s1))
	require.Equal(t, 20*sim.Millisecond, extra(s1, p), "the second one is one way")
	b.to(16 * second)
	require.Equal(t, 7*sim.Millisecond, extra(p, s1))
	b.to(21 * second)
	require.Zero(t, extra(p, s1))
	require.True(t, b.named(t, "a").TookHold && b.named(t, "b").TookHold)
	require.Greater(t, b.named(t, "a").Touched, int64(1900), "about 10 s of 100 messages/s and their answers")
	require.InDelta(t, 1000, b.named(t, "b").Touched, 20)
	b.to(30 * second)
	latency := func(second sim.Time) sim.Time {
		s := d.History().Send(sim.NewMsgID(0, uint32(100*second)))
		return s.Done - s.Due
	}
	require.Equal(t, 42*sim.Millisecond, latency(7))
	require.Equal(t, 49*sim.Millisecond, latency(12))
	require.Equal(t, 9*sim.Millisecond, latency(17))
	require.Equal(t, 2*sim.Millisecond, latency(25))
}

func TestLossDelaysAndLosesNothing(t *testing.T) {
	b, d := loaded(t,
		link(t, "some", "loss", 5*second, 20*second, func(s *faults.Spec) { s.PPM = 100_000 }),
		link(t, "more", "loss", 10*second, 5*second, func(s *faults.Spec) { s.PPM = 500_000 }))
	s1, p := b.w.HostNamed("s1"), b.w.HostNamed("producer-0")
	b.to(11 * second)
	require.EqualValues(t, 550_000, b.w.Net.LossChance(s1, p, sim.PortClient), "1 - 0.9 * 0.5")
	b.to(16 * second)
	require.EqualValues(t, 100_000, b.w.Net.LossChance(p, s1, sim.PortClient))
	b.to(60 * second)
	require.Greater(t, b.named(t, "some").Touched, int64(100))
	require.Zero(t, d.History().Open())
	slow := 0
	for i := range uint32(6000) {
		if s := d.History().Send(sim.NewMsgID(0, i)); s != nil && s.Done-s.Due > 4*sim.Millisecond {
			slow++
		}
	}
	require.Greater(t, slow, 100)
}

func TestBandwidthQueuesAndTheUndoLetsGo(t *testing.T) {
	b, d := loaded(t, link(t, "narrow", "bandwidth", 5*second, 10*second, func(s *faults.Spec) { s.Rate = 50_000 }))
	s1, p, q := b.w.HostNamed("s1"), b.w.HostNamed("producer-0"), b.w.HostNamed("consumer-0")
	b.to(10 * second)
	require.EqualValues(t, 50_000, b.w.Net.Limit(p, s1, sim.PortClient))
	require.Zero(t, b.w.Net.Limit(s1, q, sim.PortClient))
	h := d.History()
	acked := func() (n int) {
		for i := range uint32(6000) {
			if s := h.Send(sim.NewMsgID(0, i)); s != nil && s.Done != workload.Never {
				n++
			}
		}
		return n
	}
	at10 := acked()
	require.InDelta(t, 500+250, at10, 5, "100/s before it, 50 kB/s of 1 kB messages since")
	b.to(14900 * sim.Millisecond)
	require.InDelta(t, 500+495, acked(), 5)
	b.to(15100 * sim.Millisecond)
	require.InDelta(t, 1510, acked(), 5, "what waited leaves at once")
	require.InDelta(t, 1000+1000*50/100, b.named(t, "narrow").Touched, 60)
}

func TestTwoLimitsOnOneLink(t *testing.T) {
	b, d := loaded(t,
		link(t, "wide", "bandwidth", 5*second, 20*second, func(s *faults.Spec) { s.Rate = 80_000 }),
		link(t, "narrow", "bandwidth", 6*second, 10*second, func(s *faults.Spec) { s.Rate = 40_000 }),
		link(t, "cut", "partition", 10*second, 3*second, nil),
		link(t, "late", "partition", 15*second, 3*second, nil)) // the narrow limit ends in it
	b.to(60 * second)
	h := d.History()
	last := sim.Time(0)
	for i := range h.Deliveries {
		require.Equal(t, uint32(i), h.Deliveries[i].ID.Seq(), "in order, each once: the connection lived on")
		last = max(last, h.Deliveries[i].At)
	}
	require.Greater(t, len(h.Deliveries), 5990)
	for _, w := range b.in.Windows {
		require.True(t, w.TookHold && w.Healed, w.Name)
	}
}

func TestResetBreaksOnceAndRefuses(t *testing.T) {
	b, d := loaded(t,
		link(t, "once", "reset", 5*second, 0, nil),
		link(t, "refuse", "reset", 10*second, 5*second, nil),
		link(t, "again", "reset", 12*second, 5*second, nil),
		link(t, "idle", "reset", 13*second, 0, func(s *faults.Spec) { s.Between[1] = sel(t, "s2") }))
	s1, p := b.w.HostNamed("s1"), b.w.HostNamed("producer-0")
	b.to(6 * second)
	require.False(t, b.w.Net.WouldRefuse(p, s1, sim.PortClient))
	once := b.named(t, "once")
	require.True(t, once.TookHold && once.Healed)
	require.Equal(t, once.From, once.To)
	require.EqualValues(t, 1, once.Touched)
	b.to(14 * second)
	require.True(t, b.w.Net.WouldRefuse(p, s1, sim.PortClient))
	require.True(t, b.named(t, "again").Absorbed, "the producer has gone to s2")
	b.to(16 * second)
	require.True(t, b.w.Net.WouldRefuse(p, s1, sim.PortClient), "the second one still refuses")
	b.to(18 * second)
	require.False(t, b.w.Net.WouldRefuse(p, s1, sim.PortClient))
	require.False(t, b.named(t, "idle").TookHold)
	require.Equal(t, "there is no connection to break", b.named(t, "idle").Text)
	b.to(60 * second)
	require.Zero(t, d.History().Open())
}

func TestClientCrashReturnsAsANewOne(t *testing.T) {
	one := fault(t, "client", "client-crash", 5*second, 5*second)
	one.Selector = sel(t, "producer-0")
	wrong := fault(t, "server", "client-crash", 5*second, 5*second)
	b, d := loaded(t, one, wrong)
	b.to(7 * second)
	svc := b.w.HostNamed("producer-0").Service(models.ClientService)
	require.False(t, svc.Running())
	require.Equal(t, "s1 is no client", b.named(t, "server").Text)
	require.False(t, b.named(t, "server").TookHold)
	require.True(t, b.runs("s1"))
	b.to(12 * second)
	require.True(t, svc.Running())
	require.True(t, b.named(t, "client").TookHold && b.named(t, "client").Healed)
	b.to(60 * second)
	require.InDelta(t, 5500, d.History().NextID(0).Seq(), 10, "what fell due while it was dead was never begun")
}
