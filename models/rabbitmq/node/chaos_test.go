package node

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Nodes die and come back one after another, each time once the mirrors are full: no confirmed message
// may be lost.
func TestKillsLoseNothing(t *testing.T) {
	for seed := uint64(1); seed <= 4; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			k := newRig(t, 3, rules310())
			rnd := sim.NewRand(seed, "chaos")
			k.mirrored(Policy{AutoSync: true, OnShutdown: WhenSynced})
			k.declare("t0-0", 0)
			k.until(5*sim.Second, "mirrors", k.synced("t0-0", 2))
			var clients []*bare
			for range 5 {
				victim := int(rnd.Below(3))
				p := k.client((victim + 1) % 3)
				clients = append(clients, p)
				p.pace("t0-0", 20+int(rnd.Below(50)), 2*sim.Millisecond, wire.Persistent)
				if rnd.Chance(1, 3) {
					k.nodes[victim].Service("server").Stop()
				} else {
					k.nodes[victim].Service("server").Kill()
				}
				p.pace("t0-0", 100, 2*sim.Millisecond, wire.Persistent)
				k.run(sim.Second)
				k.nodes[victim].Service("server").Start()
				k.until(20*sim.Second, "recovery", func() bool {
					v, _ := k.node((victim + 1) % 3).View("t0-0")
					return len(v.Synced) == 2 && k.node(victim) != nil && k.node(victim).Running()
				})
			}
			c := k.clientWith(2, func(b *bare) { b.consume, b.prefetch = "t0-0", 100 })
			k.run(2 * sim.Second)
			got := map[uint64]bool{}
			for _, id := range c.got {
				got[id] = true
			}
			for _, p := range clients {
				if len(p.acked)+len(p.nacked) != int(p.sent) {
					t.Errorf("%d of %d answered", len(p.acked)+len(p.nacked), p.sent)
				}
				for s := range p.acked {
					if !got[p.base+s] {
						t.Fatalf("confirmed %d is lost", s)
					}
				}
			}
			for i := range k.nodes {
				if d := k.node(i).Depth("t0-0"); d != 0 {
					t.Errorf("depth %d at n%d", d, i+1)
				}
			}
			k.check()
		})
	}
}
