package faults_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/sim"
)

// storm draws a schedule of every kind of fault, overlapping at random, all undone before 55 s.
func storm(t *testing.T, seed uint64, n int) []faults.Spec {
	r := sim.NewRand(seed, "storm")
	who := []string{"s1", "s2", "s3", "primary", "replica", "brokers", "not(s2)", "producer-0", "s1+consumer-0"}
	servers := who[:7]
	pick := func(words ...string) string { return words[r.Below(uint64(len(words)))] }
	var out []faults.Spec
	for i := range n {
		s := faults.Spec{Name: fmt.Sprintf("f%d", i), At: at(r.Range(second, 40*second)), Duration: r.Range(second, 12*second), Optional: true,
			Selector: sel(t, pick(servers...)), Direction: pick("both", "to", "from"), Port: pick("all", "client", "replication"), Style: pick("drop", "reset"),
			Clients: pick("reach-all", "majority"), Latency: 5 * sim.Millisecond, PPM: int64(r.Range(1, 900_000)), Rate: 100_000, Factor: 3000,
			Fill: int64(r.Range(1, 1_000_000)), Free: -1, Offset: -1, Bytes: 1, Disk: -1, What: pick("flip", "zero", "truncate", "delete"), By: second}
		s.Action = pick("kill", "stop", "pause", "power-loss", "wipe", "partition", "delay", "loss", "bandwidth", "reset", "disk-slow", "disk-stall",
			"disk-error", "disk-full", "disk-lie", "disk-corrupt", "memory", "cpu", "clock-jump", "client-crash")
		switch s.Action {
		case "kill", "pause", "delay", "loss", "bandwidth", "cpu":
			s.Selector = sel(t, pick(who...))
		case "client-crash":
			s.Selector = sel(t, pick("producer-0", "consumer-0"))
		}
		if r.Chance(1, 4) {
			s.Stagger, s.Mode = second, faults.All
		}
		out = append(out, s)
	}
	return out
}

// TestEverythingIsUndone: whatever overlaps, when all is undone the world is as before.
func TestEverythingIsUndone(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(40) {
		b, _ := loaded(t, storm(t, seed, 25)...)
		b.to(60 * second)
		b.in.Heal()
		b.to(70 * second)
		for _, w := range b.in.Windows {
			seen[w.Action] = seen[w.Action] || w.TookHold
			require.GreaterOrEqual(t, w.To, sim.Time(0), "seed %d: %s %s is still on", seed, w.Name, w.Action)
			require.False(t, w.TookHold && w.Absorbed, "seed %d: %s", seed, w.Name)
			if w.TookHold {
				require.True(t, w.Healed, "seed %d: %s %s", seed, w.Name, w.Action)
			}
		}
		for _, h := range b.w.Hosts {
			require.True(t, h.Up, "seed %d: %s", seed, h.Name)
			for _, s := range h.Services() {
				require.True(t, s.Running() && !s.Paused(), "seed %d: %s %s", seed, h.Name, s.Name)
			}
			taken, _ := h.Taken()
			require.Zero(t, taken)
			require.Zero(t, h.Wall()-b.w.Now())
			require.Equal(t, second, h.WouldTake(second))
			d := h.Disk(0)
			for _, op := range []sim.DiskOps{sim.OpRead, sim.OpWrite, sim.OpSync} {
				require.Zero(t, d.WouldSlow(op, "log", second))
				require.False(t, d.WouldStall(op, "log") || d.WouldFail(op, "log") || d.WouldLie("log"))
			}
			require.False(t, d.WouldRefuse(1<<30))
			for _, to := range b.w.Hosts {
				n := b.w.Net
				latency, jitter := n.WouldDelay(h, to, sim.PortClient)
				require.Zero(t, latency+jitter)
				require.Zero(t, n.LossChance(h, to, sim.PortClient)+n.Limit(h, to, sim.PortClient))
				require.False(t, n.WouldDrop(h, to, sim.PortClient) || n.WouldRefuse(h, to, sim.PortClient))
			}
		}
		ok, why := b.c.Settled()
		require.True(t, ok, "seed %d: %s", seed, why)
	}
	require.Len(t, seen, 20, "every action took part")
	for action, took := range seen {
		require.True(t, took, action)
	}
}

// TestStormsAreDeterministic: the same schedule and seed give the same run.
func TestStormsAreDeterministic(t *testing.T) {
	for seed := range uint64(5) {
		var digests []uint64
		for range 2 {
			b, _ := loaded(t, storm(t, seed, 25)...)
			b.to(70 * second)
			digests = append(digests, b.w.K.Digest())
		}
		require.Equal(t, digests[0], digests[1], "seed %d", seed)
	}
}

func TestCutsOneAfterTheOther(t *testing.T) {
	cut := fault(t, "roll", "partition", 5*second, 2*second)
	cut.Selector, cut.Stagger, cut.Mode = sel(t, "brokers"), 5*second, faults.All
	cut.Direction, cut.Port, cut.Clients = "both", "all", "reach-all"
	b, _ := loaded(t, cut)
	var got []string
	b.to(59 * second)
	for _, w := range b.in.Windows {
		require.True(t, w.TookHold && w.Healed)
		got = append(got, fmt.Sprint(w.Hosts, int64((w.From-2*second)/second), int64((w.To-2*second)/second)))
	}
	require.Equal(t, []string{"[s1] 5 7", "[s2] 10 12", "[s3] 15 17"}, got)
}
