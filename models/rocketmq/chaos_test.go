package rocketmq_test

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// TestChaos kills, stops, freezes and powers off servers at random while clients work, then lets everything
// come back: no invariant breaks, nothing is received that was refused, and kills alone lose nothing.
func TestChaos(t *testing.T) {
	for seed := uint64(1); seed <= 4; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := setup{seed: seed, groups: 2, rate: 100, duration: 90 * sim.Second, parts: 2, consumers: 2,
				orderly: seed%2 == 0, broker: []models.Entry{syncMaster}}
			if !s.orderly {
				s.failPPM = 10_000
			}
			b := newBench(t, s)
			rnd := sim.NewRand(seed, "chaos")
			power := seed > 2
			for at := 2 * sim.Second; at < 80*sim.Second; {
				b.at(at)
				h := b.c.Servers()[rnd.Below(uint64(len(b.c.Servers())))]
				p := h.Services()[0]
				down := rnd.Range(100*sim.Millisecond, 8*sim.Second)
				switch k := rnd.Below(4); {
				case k == 0 && power:
					h.PowerOff(sim.CrashKind(0))
					h.After(down, func() { h.PowerOn(sim.Second) })
				case k == 1:
					p.Pause()
					h.After(down, p.Resume)
				case k == 2:
					p.Stop()
					h.After(down, p.Start)
				default:
					p.Kill()
					h.After(down, p.Start)
				}
				at += rnd.Range(sim.Second, 6*sim.Second)
			}
			b.at(85 * sim.Second)
			for _, h := range b.c.Servers() {
				h.Services()[0].Resume()
				h.Services()[0].Start()
			}
			h := b.finish(90 * sim.Second)
			n, _, _ := counts(h)
			if n[models.Pending] != 0 || n[models.Acked] == 0 {
				t.Errorf("%v", n)
			}
			if lost := len(h.Lost()); lost != 0 && !power {
				b.dump()
				t.Errorf("%d lost", lost)
			}
			t.Logf("%v, %d deliveries, %d lost, %d not received by the group", n, len(h.Deliveries), len(h.Lost()), h.Unreceived())
		})
	}
}
