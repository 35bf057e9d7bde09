package node

import (
	"testing"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

func rules310() Rules {
	r := DefaultRules()
	r.DropAndAck = true
	return r
}

func TestPublishConfirmConsume(t *testing.T) {
	k := newRig(t, 3, DefaultRules())
	k.declare("t0-0", 0)
	p := k.client(1)
	p.publish("t0-0", 500, wire.Persistent)
	k.until(5*sim.Second, "confirms", func() bool { return len(p.acked) == 500 })
	c := k.clientWith(2, func(b *bare) { b.consume, b.prefetch = "t0-0", 100 })
	k.until(5*sim.Second, "deliveries", func() bool { return len(c.got) == 500 })
	for i, id := range c.got {
		if id != p.base+uint64(i)+1 {
			t.Fatalf("delivery %d is %x", i, id)
		}
	}
	p.pace("t0-0", 50, 2*sim.Millisecond, wire.Transient)
	k.run(sim.Second)
	if len(c.got) != 550 || len(c.again) != 0 || len(p.acked) != 550 || k.node(0).Depth("t0-0") != 0 {
		t.Errorf("got %d, again %d, acked %d, depth %d", len(c.got), len(c.again), len(p.acked), k.node(0).Depth("t0-0"))
	}
	k.check()
}

func TestHomeKilledDropAndAck(t *testing.T) {
	k := newRig(t, 3, rules310())
	k.declare("t0-0", 0)
	p := k.client(1)
	p.pace("t0-0", 50, 2*sim.Millisecond, wire.Persistent)
	k.run(100 * sim.Millisecond)
	k.nodes[0].Service("server").Kill()
	p.pace("t0-0", 500, 2*sim.Millisecond, wire.Persistent)
	k.run(sim.Second)
	if len(p.nacked) < 5 || len(p.nacked) > 20 || len(p.acked)+len(p.nacked) != 550 {
		t.Errorf("%d nacked, %d acked", len(p.nacked), len(p.acked))
	}
	c := k.clientWith(2, func(b *bare) { b.consume = "t0-0" })
	if len(c.errors) != 1 || c.errors[0] != wire.NotFound {
		t.Errorf("consume: %v", c.errors)
	}
	k.nodes[0].Service("server").Start()
	k.until(10*sim.Second, "home", func() bool { n := k.node(0); return n != nil && n.Running() })
	k.run(sim.Second)
	c = k.clientWith(2, func(b *bare) { b.consume = "t0-0" })
	p.publish("t0-0", 5, wire.Persistent)
	k.run(sim.Second)
	if len(c.got) != 55 || len(c.again) != 50 {
		t.Errorf("got %d, redelivered %d", len(c.got), len(c.again))
	}
	k.check()
}

func TestHomeKilledNacks(t *testing.T) {
	k := newRig(t, 3, DefaultRules())
	k.declare("t0-0", 0)
	p := k.client(1)
	k.nodes[0].Service("server").Kill()
	k.run(100 * sim.Millisecond)
	p.pace("t0-0", 100, 2*sim.Millisecond, wire.Persistent)
	k.run(sim.Second)
	if len(p.nacked) != 100 {
		t.Errorf("%d nacked, %d acked", len(p.nacked), len(p.acked))
	}
	k.check()
}

func TestMirroredPromotion(t *testing.T) {
	k := newRig(t, 3, rules310())
	k.mirrored(Policy{})
	k.declare("t0-0", 0)
	k.until(5*sim.Second, "mirrors", k.synced("t0-0", 2))
	p := k.client(1)
	c := k.clientWith(2, func(b *bare) { b.consume, b.prefetch = "t0-0", 100 })
	p.pace("t0-0", 300, 2*sim.Millisecond, wire.Persistent)
	k.run(100 * sim.Millisecond)
	if len(p.acked) != 300 || len(c.got) != 300 {
		t.Fatalf("acked %d, got %d", len(p.acked), len(c.got))
	}
	for i := range k.nodes {
		if d := k.node(i).Depth("t0-0"); d != 0 {
			t.Errorf("depth %d at n%d", d, i+1)
		}
	}
	at := k.w.Now()
	k.nodes[0].Service("server").Kill()
	before := len(p.acked)
	p.pace("t0-0", 500, 2*sim.Millisecond, wire.Persistent)
	k.run(sim.Second)
	if len(p.acked) != 800 || len(p.nacked) != 0 || distinct(c.got) != 800 {
		k.dump()
		t.Errorf("acked %d (%d before), nacked %d, got %d, since %v", len(p.acked), before, len(p.nacked), distinct(c.got), at)
	}
	if k.k.Stats.Promotions != 1 || k.k.Stats.PromotedUnsynced != 0 {
		t.Errorf("stats %+v", k.k.Stats)
	}
	k.nodes[0].Service("server").Start()
	k.until(10*sim.Second, "rejoin", func() bool { v, _ := k.node(1).View("t0-0"); return len(v.Synced) == 2 })
	k.check()
}

func TestUnsyncedPromotionLosesBacklog(t *testing.T) {
	k := newRig(t, 3, rules310())
	k.declare("t0-0", 0)
	p := k.client(1)
	p.publish("t0-0", 200, wire.Persistent)
	k.run(sim.Second)
	k.mirrored(Policy{})
	k.run(sim.Second)
	if v, _ := k.node(1).View("t0-0"); len(v.Mirrors) != 2 || len(v.Synced) != 0 {
		t.Fatalf("%+v", v)
	}
	p.pace("t0-0", 50, 2*sim.Millisecond, wire.Persistent)
	k.run(sim.Second)
	k.nodes[0].Service("server").Kill()
	k.run(sim.Second)
	if len(p.acked) != 250 || k.k.Stats.PromotedUnsynced != 1 {
		t.Errorf("acked %d, %+v", len(p.acked), k.k.Stats)
	}
	c := k.clientWith(2, func(b *bare) { b.consume = "t0-0" })
	k.run(sim.Second)
	if len(c.got) != 50 || len(c.again) != 50 {
		t.Errorf("got %d, again %d", len(c.got), len(c.again))
	}
	k.check()
}

func TestAutomaticSync(t *testing.T) {
	k := newRig(t, 3, rules310())
	k.declare("t0-0", 0)
	p := k.client(1)
	p.publish("t0-0", 300, wire.Persistent)
	k.run(sim.Second)
	k.mirrored(Policy{AutoSync: true, SyncBatch: 100})
	k.until(5*sim.Second, "sync", k.synced("t0-0", 2))
	p.pace("t0-0", 50, 2*sim.Millisecond, wire.Persistent)
	k.run(100 * sim.Millisecond)
	k.nodes[0].Service("server").Kill()
	k.run(sim.Second)
	c := k.clientWith(2, func(b *bare) { b.consume = "t0-0" })
	k.run(sim.Second)
	if distinct(c.got) != 350 || len(p.acked) != 350 {
		t.Errorf("got %d, acked %d", distinct(c.got), len(p.acked))
	}
	k.check()
}

func TestWhenSyncedRefuses(t *testing.T) {
	r := rules310()
	r.DoubleDebit = true
	k := newRig(t, 3, r)
	k.declare("t0-0", 0)
	p := k.client(1)
	p.publish("t0-0", 200, wire.Persistent)
	k.run(sim.Second)
	k.mirrored(Policy{OnFailure: WhenSynced})
	k.run(sim.Second)
	k.nodes[0].Service("server").Kill()
	k.run(sim.Second)
	p = k.client(1)
	p.pace("t0-0", 900, sim.Millisecond, wire.Persistent)
	k.run(sim.Second)
	if len(p.acked) != 0 || len(p.nacked) != 0 {
		t.Errorf("acked %d, nacked %d", len(p.acked), len(p.nacked))
	}
	k.nodes[0].Service("server").Start()
	k.until(20*sim.Second, "home", func() bool { n := k.node(0); return n != nil && n.Running() })
	k.run(2 * sim.Second)
	if len(p.nacked) != 600 || len(p.acked) != 300 {
		t.Errorf("afterwards acked %d, nacked %d", len(p.acked), len(p.nacked))
	}
	c := k.clientWith(2, func(b *bare) { b.consume = "t0-0" })
	k.run(sim.Second)
	if distinct(c.got) != 500 {
		t.Errorf("got %d", distinct(c.got))
	}
	k.check()
}

func TestCleanStop(t *testing.T) {
	k := newRig(t, 3, rules310())
	k.mirrored(Policy{OnShutdown: WhenSynced})
	k.declare("t0-0", 0)
	k.until(5*sim.Second, "mirrors", k.synced("t0-0", 2))
	p := k.client(1)
	p.publish("t0-0", 200, wire.Persistent)
	k.run(sim.Second)
	k.nodes[0].Service("server").Stop()
	k.run(2 * sim.Second)
	if v, _ := k.node(1).View("t0-0"); v.Home != 1 && v.Home != 2 || k.nodes[0].Service("server").Running() {
		t.Errorf("%+v", v)
	}
	p.publish("t0-0", 10, wire.Persistent)
	k.run(sim.Second)
	c := k.clientWith(2, func(b *bare) { b.consume = "t0-0" })
	k.run(sim.Second)
	if distinct(c.got) != 210 || len(p.acked) != 210 {
		t.Errorf("got %d acked %d", distinct(c.got), len(p.acked))
	}
	k.check()
}

func TestPauseMinority(t *testing.T) {
	r := rules310()
	r.Partition, r.NetTick = PauseMinority, 10*sim.Second
	k := newRig(t, 3, r)
	k.mirrored(Policy{})
	k.declare("t0-0", 0)
	k.until(5*sim.Second, "mirrors", k.synced("t0-0", 2))
	p := k.client(1)
	p.publish("t0-0", 100, wire.Persistent)
	k.run(sim.Second)
	for i := 1; i < 3; i++ {
		one, other := sim.NewHostSet(k.nodes[0]), sim.NewHostSet(k.nodes[i])
		k.w.Net.Add(&sim.Rule{From: one, To: other, Cut: true})
		k.w.Net.Add(&sim.Rule{From: other, To: one, Cut: true})
	}
	at := k.w.Now()
	k.until(20*sim.Second, "pause", func() bool { return !k.node(0).Running() })
	if d := k.w.Now() - at; d < 9900*sim.Millisecond || d > 12600*sim.Millisecond {
		t.Errorf("paused after %v", d)
	}
	k.run(5 * sim.Second)
	p.publish("t0-0", 50, wire.Persistent)
	k.run(sim.Second)
	if len(p.acked) != 150 {
		t.Errorf("acked %d, nacked %d", len(p.acked), len(p.nacked))
	}
	k.check()
}
