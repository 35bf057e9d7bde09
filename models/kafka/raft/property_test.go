package raft_test

import (
	"testing"

	"github.com/mqsim/mqsim/models/kafka/raft"
	"github.com/mqsim/mqsim/sim"
)

// TestRandomSchedules: kills, power losses, pauses and cuts in random order. At every moment no epoch has
// two leaders and no voter two votes in one, what was committed stays as it is on every disk; and when all
// is well again, the quorum works.
func TestRandomSchedules(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		n := 3 + 2*int(seed%2)
		w := newWorld(t, seed, n, func(_ int32, c *raft.Config) {
			c.PreVote = seed%3 == 0
			c.FetchWakesHW = seed%4 == 0
			c.CheckQuorum = seed%5 != 0
			if seed%2 == 0 {
				c.SnapshotBytes = 1500
			}
		})
		w.start()
		rnd := sim.NewRand(seed, "schedule")
		for range 25 {
			disturb(w, rnd, n)
			w.run(rnd.Range(50*sim.Millisecond, 4*sim.Second))
		}
		w.heal()
		for i := range w.svcs {
			w.revive(i)
		}
		w.run(6 * sim.Second) // who was stopping has stopped
		for i := range w.svcs {
			w.revive(i)
		}
		if !w.settle(20 * sim.Second) {
			t.Fatalf("seed %d: the quorum does not work again", seed)
		}
		end := w.replica(w.active()).HW()
		w.run(5 * sim.Second)
		if w.replica(w.active()).HW() < end+8 {
			t.Fatalf("seed %d: nothing more is committed", seed)
		}
	}
}

func disturb(w *world, rnd *sim.Rand, n int) {
	i := int(rnd.Below(uint64(n)))
	if a := w.active(); a > 0 && rnd.Below(3) == 0 {
		i = a - 1
	}
	svc := w.svcs[i]
	switch rnd.Below(9) {
	case 0:
		svc.Kill()
	case 1:
		w.hosts[i].PowerOff(sim.CrashKind(rnd.Below(2)))
	case 2:
		svc.Pause()
	case 3:
		w.cut(i + 1)
	case 4:
		w.cut(i+1, (i+1)%n+1)
	case 5:
		w.heal()
	case 6:
		svc.Stop()
	default:
		w.revive(i)
	}
}

// revive makes a controller run, whatever was done to it.
func (w *world) revive(i int) {
	w.hosts[i].PowerOn(0)
	w.run(sim.Millisecond)
	w.svcs[i].Resume()
	w.svcs[i].Start()
}
