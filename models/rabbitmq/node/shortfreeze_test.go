package node

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// A freeze about as long as the detection time: some nodes have given the others up and some have not.
// Whatever they make of it, with automatic synchronisation every mirror is in sync again afterwards.
func TestFreezeAboutAsLongAsTheDetection(t *testing.T) {
	for step := range 120 {
		handling := []Handling{PauseMinority, Autoheal}[step%2]
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			r := DefaultRules()
			r.Partition, r.NetTick = handling, 10*sim.Second
			k := newRig(t, 3, r)
			k.mirrored(Policy{AutoSync: true})
			k.declare("t0-0", 0)
			k.until(5*sim.Second, "mirrors", k.synced("t0-0", 2))
			k.run(sim.Time(step/2) * 170 * sim.Millisecond)
			p, q := k.client(1), k.client(0)
			p.publish("t0-0", 300, wire.Persistent)
			q.publish("t0-0", 300, wire.Persistent)
			k.run(sim.Millisecond)
			k.nodes[0].Service("server").Pause()
			p.pace("t0-0", 200, sim.Millisecond, wire.Persistent)
			k.run(9500*sim.Millisecond + sim.Time(step/2)*80*sim.Millisecond)
			k.nodes[0].Service("server").Resume()
			k.run(20 * sim.Second)
			v, _ := k.node(1).View("t0-0")
			if len(v.Mirrors) != 2 || len(v.Synced) != 2 {
				k.dump()
				t.Errorf("n2 says %+v", v)
			}
			k.check()
		})
	}
}
