package node

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// RabbitMQ's own suites say what these situations end in; each test names the case that it repeats.

// unsyncedMirror is a queue with ten messages on n1 and an empty mirror on n2, which was restarted.
func unsyncedMirror(t *testing.T, p Policy) *rig {
	k := newRig(t, 2, DefaultRules())
	k.mirrored(p)
	k.declare("q", 0)
	k.run(sim.Second)
	k.client(0).publish("q", 10, wire.Persistent)
	k.run(sim.Second)
	k.nodes[1].Service("server").Kill()
	k.run(sim.Second)
	k.nodes[1].Service("server").Start()
	k.run(6 * sim.Second)
	v, _ := k.node(1).View("q")
	require.Equal(t, []int{1}, v.Mirrors, "n2 is a mirror again")
	require.Empty(t, v.Synced, "an empty one")
	return k
}

// TestOraclePromotion: dynamic_ha_SUITE, promote_on_failure and promote_on_shutdown. depth -1: the queue cannot
// be reached (404).
func TestOraclePromotion(t *testing.T) {
	for _, c := range []struct {
		name                  string
		onFailure, onShutdown Promote
		stop                  bool
		depth                 int
	}{
		{"killed, on-failure always", Always, WhenSynced, false, 0},
		{"killed, on-failure when-synced", WhenSynced, WhenSynced, false, -1},
		{"stopped, on-shutdown always", Always, Always, true, 0},
		{"stopped, on-shutdown when-synced", Always, WhenSynced, true, -1},
		{"stopped, on-failure when-synced wins over on-shutdown always", WhenSynced, Always, true, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := unsyncedMirror(t, Policy{OnFailure: c.onFailure, OnShutdown: c.onShutdown})
			if s := k.nodes[0].Service("server"); c.stop {
				s.Stop()
			} else {
				s.Kill()
			}
			k.run(2 * sim.Second)
			require.Equal(t, c.depth, k.node(1).Depth("q"))
			v, _ := k.node(1).View("q")
			require.Equal(t, c.depth >= 0, v.Routed)
			k.nodes[0].Service("server").Start()
			k.run(6 * sim.Second)
			if c.depth < 0 {
				require.Equal(t, 10, k.node(0).Depth("q"), "its old master has everything")
			}
			k.check()
		})
	}
}

// TestOracleForgetOffline: dynamic_ha_SUITE, promote_follower_after_standalone_restart. All nodes stop, the
// master last; each mirror's node, told to forget the others, starts with all messages.
func TestOracleForgetOffline(t *testing.T) {
	for _, survivor := range []int{1, 2} {
		k := newRig(t, 3, DefaultRules())
		k.mirrored(Policy{OnShutdown: WhenSynced})
		k.declare("q", 0)
		k.run(sim.Second)
		k.client(0).publish("q", 15, wire.Persistent)
		k.run(sim.Second)
		for _, i := range []int{2, 1, 0} {
			k.nodes[i].Service("server").Stop()
			k.run(2 * sim.Second)
		}
		for i := range 3 {
			if i != survivor {
				require.NoError(t, ForgetOffline(k.k, survivor, i))
			}
		}
		k.nodes[survivor].Service("server").Start()
		k.run(6 * sim.Second)
		require.Equal(t, 15, k.node(survivor).Depth("q"), "n%d", survivor+1)
		k.check()
	}
}

// TestOracleDeadQueueRejects: confirms_rejects_SUITE, dead_queue_rejects and mixed_dead_alive_queues_reject: the
// crash of a queue's process nacks every outstanding message, also those that a second, live queue has.
func TestOracleDeadQueueRejects(t *testing.T) {
	for _, exchange := range []string{"", "both"} {
		k := newRig(t, 1, DefaultRules())
		k.declare("q", 0)
		k.declare("alive", 0)
		if exchange != "" {
			for _, q := range []string{"q", "alive"} {
				k.node(0).Bind(exchange, q, func(err error) { require.NoError(t, err) })
			}
		}
		k.run(sim.Second)
		b := k.client(0)
		k.node(0).FreezeQueue("q", true) // it takes messages and handles none
		ch := k.node(0).conns[0].channels[0]
		ch.confirming = true
		for range 5 {
			ch.method(&wire.Publish{Exchange: exchange, Key: "q", Content: wire.Content{Mode: wire.Persistent}})
		}
		k.run(sim.Second)
		require.Empty(t, b.acked)
		require.True(t, k.node(0).CrashQueue("q"))
		k.run(sim.Second)
		require.Len(t, b.nacked, 5)
		require.Empty(t, b.acked)
		require.True(t, k.node(0).HasQueue("q"), "its supervisor has started it again")
		k.check()
	}
}

// TestAutohealDecision divides a cluster by the lists of partitions at one moment (rabbit_autoheal,
// all_partitions and make_decision).
func TestAutohealDecision(t *testing.T) {
	for _, c := range []struct {
		name       string
		partitions [][]uint16
		conns      []int
		winner     uint16
		losers     []uint16
	}{
		{"all lists are full, most connections", [][]uint16{{1, 2}, {0}, {0}}, []int{5, 1, 1}, 0, []uint16{1, 2}},
		{"all lists are full, more connections on the other side", [][]uint16{{1, 2}, {0}, {0}}, []int{1, 1, 1}, 1, []uint16{0}},
		{"tie: most nodes", [][]uint16{{1, 2}, {0}, {0}}, []int{2, 1, 1}, 1, []uint16{0}},
		{"the leader's list lacks n3, which goes to the wrong group", [][]uint16{{1}, {0}, {}}, []int{1, 3, 1}, 1, []uint16{0, 2}},
		{"n1's list is stale: n2 has come back", [][]uint16{{1, 2}, {}, {0}}, []int{3, 0, 2}, 0, []uint16{1, 2}},
	} {
		h := healing{answers: map[uint16]healAnswer{}}
		for i, p := range c.partitions {
			h.answers[uint16(i)] = healAnswer{Partitions: p, Conns: c.conns[i]}
		}
		winner, losers := h.decide(len(c.partitions))
		require.Equal(t, c.winner, winner, c.name)
		require.Equal(t, c.losers, losers, c.name)
	}
}
