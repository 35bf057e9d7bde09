package rocketmq_test

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// TestLedgerChaos kills, stops, freezes and cuts off members of a DLedger group at random while clients
// work: nothing that was acknowledged is lost, and no invariant breaks. With power losses, never of two
// members within ten seconds, it is the same: the files are flushed every 10 ms.
func TestLedgerChaos(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		modeChaos(t, seed, "dledger", []string{"4.9", "5.3"}[seed%2], seed > 3)
	}
}

// TestActingChaos does the same to a group with an acting master, without power losses.
func TestActingChaos(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		modeChaos(t, seed, "acting_master", "5.3", false)
	}
}

func modeChaos(t *testing.T, seed uint64, mode, version string, power bool) {
	t.Run(fmt.Sprint(seed), func(t *testing.T) {
		b := newBench(t, setup{seed: seed, slaves: 2, rate: 100, duration: 150 * sim.Second, parts: 2, consumers: 2,
			mode: mode, version: version})
		rnd := sim.NewRand(seed, "chaos")
		step := sim.Range{Min: sim.Second, Max: 8 * sim.Second}
		if power {
			step = sim.Range{Min: 16 * sim.Second, Max: 22 * sim.Second}
		}
		for at := 2 * sim.Second; at < 120*sim.Second; at += rnd.Range(step.Min, step.Max) {
			b.at(at)
			servers := b.c.Servers()
			h := servers[rnd.Below(uint64(len(servers)))]
			p := h.Services()[0]
			down := rnd.Range(100*sim.Millisecond, 9*sim.Second)
			switch k := rnd.Below(5); {
			case k < 2 && power:
				h.PowerOff(sim.CrashKind(0))
				h.After(down, func() { h.PowerOn(sim.Second) })
			case k == 0:
				p.Pause()
				h.After(down, p.Resume)
			case k == 1:
				p.Stop()
				h.After(down, p.Start)
			case k == 2:
				b.cut(h, down)
			default:
				p.Kill()
				h.After(down, p.Start)
			}
		}
		b.at(132 * sim.Second)
		for _, h := range b.c.Servers() {
			h.Services()[0].Resume()
			h.Services()[0].Start()
		}
		h := b.finish(150 * sim.Second)
		n, _, _ := counts(h)
		if n[models.Pending] != 0 || n[models.Acked] == 0 {
			t.Errorf("%v", n)
		}
		if lost := len(h.Lost()); lost != 0 {
			b.dump()
			t.Errorf("%d lost", lost)
		}
		t.Logf("%v, %d deliveries, %d lost", n, len(h.Deliveries), len(h.Lost()))
	})
}

// cut cuts a host off from all the other servers for a while.
func (b *bench) cut(h *sim.Host, d sim.Time) {
	var others []*sim.Host
	for _, x := range b.c.Servers() {
		if x != h {
			others = append(others, x)
		}
	}
	one, rest := sim.NewHostSet(h), sim.NewHostSet(others...)
	for _, r := range []*sim.Rule{{From: one, To: rest, Cut: true}, {From: rest, To: one, Cut: true}} {
		b.w.Net.Add(r)
		h.After(d, func() { b.w.Net.RemoveRule(r) })
	}
}
