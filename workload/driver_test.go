package workload_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/internal/toy"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

const second = sim.Second

// rig is a toy cluster under load.
type rig struct {
	w *sim.World
	c *toy.Cluster
	d *workload.Driver
}

func producers(mod func(*models.ProducerGroup)) []models.ProducerGroup {
	g := models.ProducerGroup{Count: 1, Rate: []models.RateStep{{Milli: 100_000}}, MaxInFlight: 1000}
	if mod != nil {
		mod(&g)
	}
	return []models.ProducerGroup{g}
}

func newRig(t *testing.T, seed uint64, s models.Stream) *rig {
	w := sim.NewWorld(seed, sim.NetSpec{Latency: sim.Millisecond})
	s.Name, s.MessageSize, s.Partitions = "t0", 100, 1
	cfg := &models.Config{Streams: []models.Stream{s}}
	r := &rig{w: w, c: toy.New(w, 2, sim.HostSpec{Cores: 1}, 0, cfg.Streams)}
	r.d = workload.NewDriver(w, r.c, cfg, &workload.Spec{Streams: cfg.Streams, Duration: 10 * second})
	r.c.Start()
	w.K.Run(second)
	r.d.StartBacklogs()
	for ok, _ := r.d.BacklogsDone(); !ok; ok, _ = r.d.BacklogsDone() {
		w.K.Run(w.Now() + sim.Millisecond)
	}
	r.d.StartClients()
	for ok, _ := r.d.ClientsReady(); !ok; ok, _ = r.d.ClientsReady() {
		w.K.Run(w.Now() + sim.Millisecond)
	}
	r.d.StartLoad()
	return r
}

func (r *rig) finish() *workload.History {
	r.d.EndLoad()
	r.w.K.Run(r.w.Now() + 60*second)
	r.d.Finish()
	return r.d.History()
}

func TestEvenScheduleIsExactAndPhased(t *testing.T) {
	r := newRig(t, 1, models.Stream{Producers: producers(func(g *models.ProducerGroup) {
		g.Count, g.Rate = 3, []models.RateStep{{Milli: 90_000}} // 30 a second each
	})})
	r.w.K.Run(r.w.Now() + 10*second)
	h := r.finish()
	first := map[sim.Time]bool{}
	for p := range 3 {
		s := h.Sends(p)
		require.Len(t, s, 300)
		first[s[0].Due] = true
		require.Less(t, s[0].Due, second/30)
		// 300 periods of 1/30 s: no drift beyond the rounding of one.
		require.InDelta(t, float64(10*second), float64(s[299].Due-s[0].Due+second/30), 2)
	}
	require.Len(t, first, 3, "each producer has a phase of its own")
}

func TestRateScheduleAndEnd(t *testing.T) {
	r := newRig(t, 1, models.Stream{Producers: producers(func(g *models.ProducerGroup) {
		g.Rate = []models.RateStep{{Milli: 100_000}, {From: 2 * second, Milli: 0}, {From: 4 * second, Milli: 10_000}}
	})})
	r.w.K.Run(r.w.Now() + 6*second)
	h := r.finish()
	var counts [3]int
	for _, s := range h.Sends(0) {
		counts[min(2, s.Due/(2*second))]++
	}
	require.Equal(t, [3]int{200, 0, 20}, counts)
}

func TestClosedLoopKeepsTheWindowFull(t *testing.T) {
	r := newRig(t, 1, models.Stream{Producers: producers(func(g *models.ProducerGroup) {
		g.Rate, g.MaxInFlight = []models.RateStep{{Max: true}}, 10
	})})
	r.w.K.Run(r.w.Now() + second)
	// 10 in flight, 2 ms a round trip: 5000 a second.
	require.InDelta(t, 5000, r.finish().Messages(), 20)
}

func TestLateAndDrop(t *testing.T) {
	for _, missed := range []models.Missed{models.Late, models.Drop} {
		r := newRig(t, 1, models.Stream{Producers: producers(func(g *models.ProducerGroup) { g.Missed = missed })})
		r.w.K.Run(r.w.Now() + second)
		r.c.Servers()[0].Service("server").Kill()
		r.c.Servers()[1].Service("server").Kill()
		r.w.K.Run(r.w.Now() + second)
		r.c.Servers()[0].Service("server").Start()
		r.w.K.Run(r.w.Now() + second)
		h := r.finish()
		if missed == models.Late {
			require.Empty(t, h.Missed)
			require.Equal(t, 300, h.Messages())
		} else {
			require.InDelta(t, 100, len(h.Missed), 2)
			require.InDelta(t, 200, h.Messages(), 3)
		}
	}
}

func TestBacklogIsAckedBeforeZero(t *testing.T) {
	r := newRig(t, 1, models.Stream{Backlog: 500, Producers: producers(nil), Consumers: []models.ConsumerGroup{{Count: 1, Group: "g"}}})
	h := r.d.History()
	require.Len(t, h.Sends(1), 500)
	for _, s := range h.Sends(1) {
		require.True(t, s.Backlog())
		require.Less(t, s.Done, sim.Time(0))
		require.Equal(t, models.Acked, s.Outcome())
	}
}

func TestClientDiesAndReturnsAsANewOne(t *testing.T) {
	r := newRig(t, 1, models.Stream{Producers: producers(nil), Consumers: []models.ConsumerGroup{{Count: 1, Group: "g"}}})
	r.w.K.Run(r.w.Now() + second)
	client := r.w.HostNamed("producer-0").Service(models.ClientService)
	old := client.Program()
	client.Kill()
	r.w.K.Run(r.w.Now() + second)
	client.Start()
	r.w.K.Run(r.w.Now() + second)
	require.NotSame(t, old, client.Program())
	h := r.finish()
	require.InDelta(t, 200, h.Messages(), 3)
	require.InDelta(t, 100, len(h.Missed), 3, "a dead application sends nothing")
	acked := 0
	for _, s := range h.Sends(0) {
		if s.Outcome() == models.Acked {
			acked++
		}
	}
	require.InDelta(t, 200, acked, 3)
}

func TestSlowConsumerProcessesOneAfterTheOther(t *testing.T) {
	r := newRig(t, 1, models.Stream{Producers: producers(nil), Consumers: []models.ConsumerGroup{{Count: 1, Group: "g", Process: 20 * sim.Millisecond}}})
	r.w.K.Run(r.w.Now() + second)
	require.InDelta(t, 50, len(r.d.History().Deliveries), 2)
	h := r.finish()
	for i := 1; i < len(h.Deliveries); i++ {
		require.GreaterOrEqual(t, h.Deliveries[i].At-h.Deliveries[i-1].At, 20*sim.Millisecond)
	}
}

func run(t *testing.T, seed uint64, watch []sim.MsgID) (uint64, []sim.Note) {
	w := sim.NewWorld(seed, sim.NetSpec{Latency: sim.Millisecond, Jitter: 100 * sim.Microsecond})
	if watch != nil {
		w.Watch(watch)
	}
	cfg := &models.Config{Streams: []models.Stream{{Name: "t0", MessageSize: 100, Partitions: 1, Producers: producers(nil)}}}
	c := toy.New(w, 2, sim.HostSpec{Cores: 1}, 0, cfg.Streams)
	d := workload.NewDriver(w, c, cfg, &workload.Spec{Streams: cfg.Streams, Duration: 5 * second})
	c.Start()
	d.StartClients()
	w.K.Run(second)
	d.StartLoad()
	w.K.Run(3 * second)
	c.Servers()[0].PowerOff(sim.CrashAll)
	w.K.Run(6 * second)
	d.EndLoad()
	d.Finish()
	return w.K.Digest(), w.Notes()
}

// The second, watched run of law 8: the same trace hash, and the biography of the watched bytes.
func TestWatchedRunEndsWithTheSameHash(t *testing.T) {
	plain, notes := run(t, 7, nil)
	require.Empty(t, notes)
	id := sim.NewMsgID(0, 3)
	watched, notes := run(t, 7, []sim.MsgID{id})
	require.Equal(t, plain, watched)
	var what []string
	for _, n := range notes {
		require.Equal(t, id, n.ID)
		what = append(what, n.What+" "+n.Host)
	}
	require.Equal(t, []string{"written s1", "acked producer-0", "lost-in-power-loss s1"}, what)
	other, _ := run(t, 8, nil)
	require.NotEqual(t, plain, other)
}
