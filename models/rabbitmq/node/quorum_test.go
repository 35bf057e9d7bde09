package node

import (
	"testing"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

func (k *rig) declareQuorum(name string, home int) {
	k.t.Helper()
	answered := false
	d := Declaration{Name: name, Durable: true, Home: home, Args: wire.QueueArgs{Type: wire.Quorum, DeliveryLimit: -1}}
	k.node(home).Declare(d, func(err error) { answered = err == nil })
	k.until(2*sim.Second, "leader", func() bool {
		v, _ := k.node(home).View(name)
		return answered && v.Routed && v.Home == home
	})
}

func TestQuorumPublishConfirmConsume(t *testing.T) {
	k := newRig(t, 3, DefaultRules())
	k.declareQuorum("q", 0)
	p := k.client(1)
	p.publish("q", 500, wire.Persistent)
	k.until(5*sim.Second, "confirms", func() bool { return len(p.acked) == 500 })
	c := k.clientWith(2, func(b *bare) { b.consume, b.prefetch = "q", 100 })
	k.until(5*sim.Second, "deliveries", func() bool { return len(c.got) == 500 })
	for i, id := range c.got {
		if id != p.base+uint64(i)+1 {
			t.Fatalf("delivery %d is %x", i, id)
		}
	}
	p.pace("q", 50, 2*sim.Millisecond, wire.Transient)
	k.run(sim.Second)
	if len(c.got) != 550 || len(c.again) != 0 || len(p.acked) != 550 {
		t.Errorf("got %d, again %d, acked %d", len(c.got), len(c.again), len(p.acked))
	}
	for i := range k.nodes {
		if d := k.node(i).Depth("q"); d != 0 {
			t.Errorf("depth %d on n%d", d, i+1)
		}
	}
	k.check()
}

func TestQuorumLeaderKilled(t *testing.T) {
	k := newRig(t, 3, DefaultRules())
	k.declareQuorum("q", 0)
	p := k.client(1)
	c := k.clientWith(2, func(b *bare) { b.consume, b.prefetch = "q", 20 })
	p.pace("q", 100, 2*sim.Millisecond, wire.Persistent)
	k.nodes[0].Service("server").Kill()
	at := k.w.Now()
	p.pace("q", 300, 2*sim.Millisecond, wire.Persistent)
	k.until(5*sim.Second, "confirms", func() bool { return len(p.acked) == 400 })
	t.Logf("all confirmed %v after the kill", k.w.Now()-at)
	k.run(sim.Second)
	if len(p.nacked) != 0 || distinct(c.got) != 400 || k.k.Stats.Elections != 2 {
		t.Errorf("nacked %d, got %d (%d), elections %d", len(p.nacked), len(c.got), distinct(c.got), k.k.Stats.Elections)
	}
	k.nodes[0].Service("server").Start()
	k.until(10*sim.Second, "rejoin", func() bool {
		n := k.node(0)
		if n == nil || !n.Running() {
			return false
		}
		r, ok := n.Ra("q")
		return ok && r.Leader > 0
	})
	p.pace("q", 10, 2*sim.Millisecond, wire.Persistent)
	k.run(sim.Second)
	if d := k.node(0).Depth("q"); d != 0 {
		t.Errorf("depth %d on the member that is back", d)
	}
	k.check()
}

func TestQuorumPowerLossOfAll(t *testing.T) {
	k := newRig(t, 3, DefaultRules())
	k.declareQuorum("q", 0)
	p := k.client(1)
	p.publish("q", 300, wire.Persistent)
	k.until(5*sim.Second, "confirms", func() bool { return len(p.acked) == 300 })
	k.run(6 * sim.Second) // the names of the tables' files are on the platter
	p.publish("q", 200, wire.Persistent)
	k.until(5*sim.Second, "confirms", func() bool { return len(p.acked) == 500 })
	for _, h := range k.nodes {
		h.PowerOff(sim.CrashTypical)
	}
	k.run(sim.Second)
	for _, h := range k.nodes {
		h.PowerOn(sim.Second)
		h.Service("server").Start()
	}
	k.until(30*sim.Second, "leader", func() bool {
		for i := range k.nodes {
			n := k.node(i)
			if n == nil || !n.Running() {
				return false
			}
		}
		v, _ := k.node(0).View("q")
		return v.Routed
	})
	c := k.clientWith(2, func(b *bare) { b.consume = "q" })
	k.run(2 * sim.Second)
	if len(c.got) != 500 {
		t.Errorf("got %d", len(c.got))
	}
	k.check()
}
