package namesrv

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// A slave stands in the route as id 0, for reading only, until its master registers again.
func TestActingMaster(t *testing.T) {
	r := newRoutes()
	master, slave, second := new(sim.Conn), new(sim.Conn), new(sim.Conn)
	register := func(id int64, addr string, c *sim.Conn, now sim.Time) {
		m := reg(id, addr, 1, "t0")
		m.Acting = true
		r.register(m, c, now)
	}
	register(0, "h0", master, 0)
	register(2, "h2", second, 0)
	register(1, "h1", slave, 0)
	require.Equal(t, wire.PermRead|wire.PermWrite, r.route("t0").Queues[0].Perm)
	r.destroy(master)
	x := r.route("t0")
	require.Equal(t, []wire.BrokerAddr{{ID: 0, Addr: "h1"}, {ID: 2, Addr: "h2"}}, x.Brokers[0].Addrs)
	require.Equal(t, wire.PermRead, x.Queues[0].Perm)
	require.Equal(t, int64(1), r.groups["a"].Addrs[0].ID, "the table itself keeps the slave's id")
	register(0, "h0", master, 1)
	x = r.route("t0")
	require.Equal(t, wire.BrokerAddr{ID: 0, Addr: "h0"}, x.Brokers[0].Addrs[0])
	require.Equal(t, wire.PermRead|wire.PermWrite, x.Queues[0].Perm)
}

// A NameServer that never saw the master gives the first slave, for reading only.
func TestPrimeSlave(t *testing.T) {
	r := newRoutes()
	m := reg(1, "h1", 1, "t0")
	m.Acting = true
	r.register(m, new(sim.Conn), 0)
	x := r.route("t0")
	require.Equal(t, wire.BrokerAddr{ID: 0, Addr: "h1"}, x.Brokers[0].Addrs[0])
	require.Equal(t, wire.PermRead, x.Queues[0].Perm)
}

// Heartbeats count for a known broker only; ten seconds without one end its registration.
func TestHeartbeats(t *testing.T) {
	r := newRoutes()
	m := reg(0, "h0", 1, "t0")
	m.Acting = true
	r.register(m, new(sim.Conn), 0)
	r.register(&wire.RegisterBrokerRequest{Broker: "b", Addr: "h9"}, new(sim.Conn), 0)
	r.heartbeat("h0", 9*sim.Second)
	r.heartbeat("unknown", 9*sim.Second)
	require.Empty(t, r.expired(19*sim.Second, 120*sim.Second))
	gone := r.expired(19*sim.Second+1, 120*sim.Second)
	require.Len(t, gone, 1)
	require.Equal(t, "h0", gone[0].addr)
}
