package node

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// isolate cuts n1 off from the others and returns how to heal that.
func (k *rig) isolate() (heal func()) {
	var rules []*sim.Rule
	one := sim.NewHostSet(k.nodes[0])
	for _, h := range k.nodes[1:] {
		other := sim.NewHostSet(h)
		rules = append(rules, &sim.Rule{From: one, To: other, Cut: true}, &sim.Rule{From: other, To: one, Cut: true})
	}
	for _, r := range rules {
		k.w.Net.Add(r)
	}
	return func() {
		for _, r := range rules {
			k.w.Net.RemoveRule(r)
		}
	}
}

func TestPartitionHeals(t *testing.T) {
	for name, h := range map[string]Handling{"ignore": Ignore, "pause": PauseMinority, "autoheal": Autoheal} {
		t.Run(name, func(t *testing.T) {
			r := rules310()
			r.Partition, r.NetTick = h, 10*sim.Second
			k := newRig(t, 3, r)
			k.mirrored(Policy{AutoSync: true})
			k.declare("t0-0", 0)
			k.until(5*sim.Second, "mirrors", k.synced("t0-0", 2))
			p, q := k.client(1), k.client(0)
			heal := k.isolate()
			k.run(15 * sim.Second)
			p.publish("t0-0", 50, wire.Persistent)
			q.publish("t0-0", 50, wire.Persistent)
			k.run(5 * sim.Second)
			heal()
			k.run(20 * sim.Second)
			v0, _ := k.node(0).View("t0-0")
			v1, _ := k.node(1).View("t0-0")
			whole := k.node(0).Running() && k.node(0).Sees(1) && k.node(1).Sees(0) && v0.Home == v1.Home && len(v1.Synced) == 2
			if whole == (h == Ignore) {
				k.dump()
				t.Errorf("whole: %v; n1 says %+v, n2 says %+v", whole, v0, v1)
			}
			if len(p.acked) != 50 || (h == PauseMinority) != (len(q.acked) == 0) {
				t.Errorf("acked %d and %d", len(p.acked), len(q.acked))
			}
			k.check()
		})
	}
}

// A node frozen for longer than its peers wait takes every connection for closed before any is there again.
// In a minority by that it pauses, boots its application and joins the others with an empty mirror;
// cluster_partition_handling=ignore leaves two masters.
func TestFrozenMasterComesBack(t *testing.T) {
	for name, h := range map[string]Handling{"ignore": Ignore, "pause": PauseMinority} {
		for step := range 6 {
			t.Run(fmt.Sprint(name, step), func(t *testing.T) {
				r := DefaultRules()
				r.Partition, r.NetTick = h, 10*sim.Second
				k := newRig(t, 3, r)
				k.mirrored(Policy{AutoSync: true})
				k.declare("t0-0", 0)
				k.until(5*sim.Second, "mirrors", k.synced("t0-0", 2))
				k.run(sim.Time(step) * 170 * sim.Millisecond)
				p, q := k.client(1), k.client(0)
				p.publish("t0-0", 300, wire.Persistent)
				q.publish("t0-0", 300, wire.Persistent)
				k.run(sim.Millisecond)
				k.nodes[0].Service("server").Pause()
				p.pace("t0-0", 200, sim.Millisecond, wire.Persistent)
				k.run(25*sim.Second + sim.Time(step)*300*sim.Millisecond)
				if n := k.k.Stats.Promotions; n != 1 {
					t.Fatalf("%d promotions", n)
				}
				k.nodes[0].Service("server").Resume()
				k.run(10 * sim.Second)
				whole := k.node(0).Running() && k.node(0).Sees(1) && k.node(0).Sees(2) && k.node(1).Sees(0) && k.node(2).Sees(0)
				v0, _ := k.node(0).View("t0-0")
				v1, _ := k.node(1).View("t0-0")
				if h == PauseMinority && (!whole || v0.Home != v1.Home || v0.Home == 0 || len(v1.Synced) != 2) {
					k.dump()
					t.Errorf("whole: %v; n1 says %+v, n2 says %+v", whole, v0, v1)
				}
				if h == Ignore && (k.node(0).Sees(1) || v0.Home != 0 || v1.Home == 0) {
					t.Errorf("no split: n1 says %+v, n2 says %+v", v0, v1)
				}
				if len(p.acked) != 500 {
					t.Errorf("%d acked by n2", len(p.acked))
				}
				k.check()
			})
		}
	}
}

// The connections of a paused node come back one after another: it has its mirror all the same.
func TestHealOneLinkAfterTheOther(t *testing.T) {
	r := DefaultRules()
	r.Partition, r.NetTick = PauseMinority, 10*sim.Second
	for first := 1; first <= 2; first++ {
		k := newRig(t, 3, r)
		k.mirrored(Policy{AutoSync: true})
		k.declare("t0-0", 0)
		k.until(5*sim.Second, "mirrors", k.synced("t0-0", 2))
		one := sim.NewHostSet(k.nodes[0])
		cuts := map[int][]*sim.Rule{}
		for i := 1; i <= 2; i++ {
			other := sim.NewHostSet(k.nodes[i])
			cuts[i] = []*sim.Rule{{From: one, To: other, Cut: true}, {From: other, To: one, Cut: true}}
			for _, c := range cuts[i] {
				k.w.Net.Add(c)
			}
		}
		k.run(20 * sim.Second)
		for _, i := range []int{first, 3 - first} {
			for _, c := range cuts[i] {
				k.w.Net.RemoveRule(c)
			}
			k.run(12 * sim.Second)
		}
		v, _ := k.node(1).View("t0-0")
		if !k.node(0).Sees(1) || !k.node(0).Sees(2) || len(v.Mirrors) != 2 || len(v.Synced) != 2 {
			k.dump()
			t.Errorf("n%d first: %+v", first+1, v)
		}
		k.check()
	}
}
