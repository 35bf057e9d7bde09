package zk

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

// TestExpiryWindow: D_zk of spec 3.4: a killed client's session ends 12 to 20 s later (T = 18 s, tick
// 2 s), up to half a tick more when its server is a follower, which tells the leader of touches with
// its next ping. Over the seeds the whole window is used.
func TestExpiryWindow(t *testing.T) {
	for _, c := range []struct{ timeout, lo, hi sim.Time }{
		{18 * sim.Second, 12 * sim.Second, 20 * sim.Second},
		{6 * sim.Second, 4 * sim.Second, 8 * sim.Second},
		{sim.Second, 4*sim.Second - 4*sim.Second/3, 6 * sim.Second}, // clamped to two ticks
	} {
		least, most := sim.Time(1<<62), sim.Time(0)
		for seed := range uint64(40) {
			w := newTestWorld(seed, 3, c.timeout)
			w.boot()
			a, b := w.addClient("a"), w.addClient("b")
			w.wait(t, func(done func(Response)) { a.zk.Create("/e", nil, Ephemeral, done) })
			onLeader := a.zk.Server() == w.ens.Leader()
			w.wait(t, func(done func(Response)) { b.zk.Exists("/e", true, done) })
			w.run(w.Rand("test").Range(0, 40*sim.Second))
			killed, gone := w.Now(), sim.Time(0)
			b.onFire = func(e WatchEvent) { gone = w.Now() }
			a.p.Service.Kill()
			w.run(c.hi + 2*sim.Second)
			d := gone - killed
			hi := c.hi + 5*sim.Millisecond // two network latencies and a quorum write
			if !onLeader {
				hi += sim.Second
			}
			require.Greater(t, d, c.lo, "seed %d", seed)
			require.LessOrEqual(t, d, hi, "seed %d", seed)
			least, most = min(least, d), max(most, d)
			require.True(t, b.zk.Connected())
			require.EqualValues(t, 1, w.ens.Expired)
		}
		span := c.hi - c.lo
		require.Less(t, least, c.lo+span/4)
		require.Greater(t, most, c.hi-span/4)
	}
}

// TestSessionSurvivesLeaderLoss: whatever server dies, a connected client keeps its session, and
// after a change of leader a dead client's session gets its full timeout again.
func TestSessionSurvivesLeaderLoss(t *testing.T) {
	for seed := range uint64(20) {
		w := newTestWorld(seed, 3, 6*sim.Second)
		w.boot()
		a, b := w.addClient("a"), w.addClient("b")
		w.wait(t, func(done func(Response)) { a.zk.Create("/a", nil, Ephemeral, done) })
		w.wait(t, func(done func(Response)) { b.zk.Create("/b", nil, Ephemeral, done) })
		a.p.Service.Kill()
		w.run(3 * sim.Second)
		w.ens.Leader().Service(ServiceName).Kill()
		w.run(5500 * sim.Millisecond)
		_, _, ok := w.ens.Get("/a")
		require.True(t, ok, "seed %d: the timers were not restarted", seed)
		w.run(4 * sim.Second)
		_, _, ok = w.ens.Get("/a")
		require.False(t, ok, "seed %d", seed)
		_, _, ok = w.ens.Get("/b")
		require.True(t, ok, "seed %d", seed)
		require.True(t, b.zk.Connected())
		require.EqualValues(t, 2, w.ens.Elections)
	}
}

// counter increments a shared node by compare-and-set, for ever, through whatever happens.
type counter struct {
	c     *testClient
	acked map[int32]bool // versions that a set was acknowledged to have made
	t     *testing.T
	name  string
	last  int32
	read  int32 // the newest version seen by this session, in reads too
	fresh int   // the session
	quit  bool
}

// rest is the pause before the next step.
func (x *counter) rest() {
	if !x.quit {
		x.c.p.After(x.c.p.Rand("rest").Range(0, 200*sim.Millisecond), 0, 0)
	}
}

func (x *counter) step() {
	x.c.zk.Retry(GetDataRequest("/counter", false), func(r Response) {
		if r.Code != OK {
			x.rest()
			return
		}
		if x.fresh != x.c.fresh {
			x.fresh, x.read = x.c.fresh, 0
		}
		require.GreaterOrEqual(x.t, r.Stat.Version, x.read, "a session went back in time")
		x.read = r.Stat.Version
		x.c.zk.Do(SetDataRequest("/counter", []byte(x.name), r.Stat.Version), func(r Response) {
			if r.Code == OK {
				require.False(x.t, x.acked[r.Stat.Version], "two sets made version %d", r.Stat.Version)
				require.Greater(x.t, r.Stat.Version, x.last)
				x.acked[r.Stat.Version] = true
				x.last = r.Stat.Version
			}
			x.rest()
		})
	})
}

// harm does one random thing to a random server; it may also help.
func (w *testWorld) harm(r *sim.Rand) {
	h := w.servers[r.Below(uint64(len(w.servers)))]
	svc := h.Service(ServiceName)
	switch r.Below(10) {
	case 0, 1:
		svc.Kill()
	case 2:
		h.PowerOff(sim.CrashTypical)
		h.PowerOn(r.Range(100*sim.Millisecond, 5*sim.Second))
	case 3:
		svc.Pause()
	case 4:
		svc.Resume()
	case 5:
		var others []*sim.Host
		for _, x := range w.Hosts {
			if x != h && r.Chance(1, 2) {
				others = append(others, x)
			}
		}
		w.cut([]*sim.Host{h}, others)
	case 6:
		w.heal()
	default:
		svc.Start()
	}
}

// soak runs clients through random faults, heals everything and checks that no acknowledged write
// is lost, that no version was made twice and that all servers agree.
func soak(t *testing.T, seed uint64, servers int) *testWorld {
	w := newTestWorld(seed, servers, 6*sim.Second)
	w.boot()
	acked := map[int32]bool{}
	first := w.addClient("c0")
	w.wait(t, func(done func(Response)) { first.zk.Create("/counter", nil, Persistent, done) })
	var counters []*counter
	for i := range 4 {
		name := fmt.Sprintf("c%d", i)
		c := w.clients[name]
		if c == nil {
			c = w.addClient(name)
		}
		c.reopen = true
		x := &counter{c: c, acked: acked, t: t, name: name}
		c.onTick = x.step
		counters = append(counters, x)
		x.step()
	}
	r := w.Rand("soak")
	for range 30 {
		w.run(r.Range(0, 4*sim.Second))
		w.harm(r)
	}
	w.heal()
	for _, h := range w.servers {
		h.Service(ServiceName).Resume()
	}
	w.run(6 * sim.Second)
	for _, h := range w.servers {
		h.Service(ServiceName).Start()
	}
	// TCP may notice a heal as late as its next retransmission, and so does the election.
	w.run(3 * sim.Minute)
	for _, x := range counters {
		x.quit = true
	}
	ok, why := w.ens.Ready()
	require.True(t, ok, "seed %d: %s", seed, why)
	_, stat, ok := w.ens.Get("/counter")
	require.True(t, ok)
	require.GreaterOrEqual(t, int(stat.Version), len(acked))
	require.Greater(t, len(acked), 1000)
	for _, c := range w.clients {
		require.True(t, c.zk.Connected(), "seed %d", seed)
	}
	require.Empty(t, w.Trace.Violations, "seed %d", seed)
	return w
}

// soakSeeds is how many seeds TestSoak runs; more have been run by hand.
var soakSeeds = 24

func TestSoak(t *testing.T) {
	probes := map[string]int{}
	for seed := range uint64(soakSeeds) {
		w := soak(t, seed, 3+2*int(seed%2))
		names, counts := w.Trace.Probes()
		for i, n := range names {
			probes[n] += counts[i]
		}
	}
	for _, p := range []string{
		"zk-log-truncated", "zk-leader-lost-quorum", "zk-follower-leader-silent", "zk-client-server-silent",
		"zk-client-connect-timeout", "zk-client-expired", "zk-leader-follower-silent",
	} {
		if probes[p] == 0 {
			t.Errorf("no run reached %s", p)
		}
	}
	t.Log(probes)
}

// TestSameSeedSameRun: equal seeds give equal digests, different ones do not.
func TestSameSeedSameRun(t *testing.T) {
	a, b, c := soak(t, 1, 3), soak(t, 1, 3), soak(t, 2, 3)
	require.Equal(t, a.K.Digest(), b.K.Digest())
	require.NotEqual(t, a.K.Digest(), c.K.Digest())
}

// TestCrashAtEveryK cuts the power of all servers after every k-th event while a client writes.
// Whatever was acknowledged is in the tree after the reboot: with one server from its disk alone, with
// three even if the one that led does not come back.
func TestCrashAtEveryK(t *testing.T) {
	for _, kind := range []sim.CrashKind{sim.CrashAll, sim.CrashTypical} {
		for _, servers := range []int{1, 3} {
			for k := 0; k < 400; k += 3 {
				crashAt(t, k, servers, kind)
			}
		}
	}
}

func crashAt(t *testing.T, k, servers int, kind sim.CrashKind) {
	w := newTestWorld(uint64(k), servers, 18*sim.Second)
	w.boot()
	c := w.addClient("c")
	c.reopen = true
	acked := 0
	for i := range 20 {
		c.zk.Create(fmt.Sprintf("/n%02d", i), make([]byte, 300), Persistent, func(r Response) {
			if r.Code == OK {
				acked++
			}
		})
		if i%4 == 3 {
			for range k / 8 {
				w.K.Step()
			}
		}
	}
	for range k {
		w.K.Step()
	}
	before := acked
	led := w.ens.Leader()
	for _, h := range w.servers {
		h.PowerOff(kind)
	}
	for _, h := range w.servers {
		if servers == 1 || h != led {
			h.PowerOn(sim.Second)
		}
	}
	ready := func() bool { ok, _ := w.ens.Ready(); return ok }
	require.True(t, w.K.RunUntil(w.Now()+20*sim.Second, ready))
	for i := range before {
		_, _, ok := w.ens.Get(fmt.Sprintf("/n%02d", i))
		require.True(t, ok, "k=%d: /n%02d was acknowledged and is lost", k, i)
	}
	require.Empty(t, w.Trace.Violations)
}

// TestIdleCost: an idle ensemble costs its pings: some five events per session every 6 s, and
// the leader's ticks.
func TestIdleCost(t *testing.T) {
	w := newTestWorld(1, 3, 18*sim.Second)
	w.boot()
	for i := range 50 {
		w.addClient(fmt.Sprintf("c%d", i))
	}
	w.run(10 * sim.Second)
	before := w.K.Events()
	w.run(10 * sim.Minute)
	perSecond := (w.K.Events() - before) / 600
	require.Less(t, perSecond, uint64(150))
	t.Logf("%d events a virtual second with 50 sessions", perSecond)
	allocs := testing.AllocsPerRun(3, func() { w.run(10 * sim.Second) })
	t.Logf("%.0f allocations in 10 s", allocs)
	require.Less(t, allocs, 400.0)
}
