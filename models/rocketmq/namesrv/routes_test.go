package namesrv

import (
	"testing"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

func reg(id int64, addr string, counter int64, topics ...string) *wire.RegisterBrokerRequest {
	m := &wire.RegisterBrokerRequest{Broker: "a", ID: id, Addr: addr, Version: wire.DataVersion{Counter: counter}}
	for _, t := range topics {
		m.Topics = append(m.Topics, wire.TopicConfig{Topic: t, ReadQueues: 4, WriteQueues: 4, Perm: wire.PermRead | wire.PermWrite})
	}
	return m
}

// A group's queues stay in the route while one of its addresses does.
func TestMasterGoneSlaveStays(t *testing.T) {
	r := newRoutes()
	c0, c1 := new(sim.Conn), new(sim.Conn)
	if m, moved := r.register(reg(0, "h0", 1, "t0"), c0, 0); m != "" || !moved {
		t.Error("first registration of a master")
	}
	if m, _ := r.register(reg(1, "h1", 0), c1, 0); m != "h0" {
		t.Errorf("the slave is told %q", m)
	}
	if b, addr, id := r.destroy(c0); b != "a" || addr != "h0" || id != 0 {
		t.Error("destroy", b, addr, id)
	}
	x := r.route("t0")
	if x.Code != wire.Success || len(x.Brokers[0].Addrs) != 1 || x.Brokers[0].Addrs[0].ID != 1 {
		t.Errorf("%+v", x)
	}
	if m, _ := r.register(reg(1, "h1", 0), c1, 0); m != "" {
		t.Errorf("no master, but the slave is told %q", m)
	}
	r.destroy(c1)
	if r.route("t0").Code != wire.TopicNotExist || len(r.topics)+len(r.groups)+len(r.live) != 0 {
		t.Error("the last address takes the queues along")
	}
}

// Row 23: two masters of one group; the last registration wins.
func TestTwoMastersFlap(t *testing.T) {
	r := newRoutes()
	c := new(sim.Conn)
	r.register(reg(0, "h0", 1, "t0"), c, 0)
	if _, moved := r.register(reg(0, "h1", 1, "t0"), new(sim.Conn), 0); !moved || r.route("t0").Brokers[0].Addrs[0].Addr != "h1" {
		t.Error("h1 registered last")
	}
	if _, moved := r.register(reg(0, "h0", 1, "t0"), c, 0); !moved {
		t.Error("h0 registered last")
	}
}

// A promoted slave leaves its old id.
func TestPromotedSlave(t *testing.T) {
	r := newRoutes()
	r.register(reg(1, "h1", 0), new(sim.Conn), 0)
	r.register(reg(0, "h1", 5, "t0"), new(sim.Conn), 0)
	if a := r.route("t0").Brokers[0].Addrs; len(a) != 1 || a[0].ID != 0 {
		t.Errorf("%v", a)
	}
}

// A wiped write permission holds until the topics change.
func TestWipeWritePerm(t *testing.T) {
	r := newRoutes()
	c := new(sim.Conn)
	r.register(reg(0, "h0", 1, "t0", "t1"), c, 0)
	if n := r.setWrite("a", false); n != 2 || r.route("t0").Queues[0].Perm != wire.PermRead {
		t.Error("wipe")
	}
	r.register(reg(0, "h0", 1, "t0", "t1"), c, 0)
	if r.route("t0").Queues[0].Perm != wire.PermRead {
		t.Error("an unchanged registration does not bring it back")
	}
	r.register(reg(0, "h0", 2, "t0", "t1"), c, 0)
	if r.route("t0").Queues[0].Perm != wire.PermRead|wire.PermWrite {
		t.Error("a changed one does")
	}
}
