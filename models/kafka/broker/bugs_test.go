package broker

import (
	"strings"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// TestBugs plays historical bugs that need a whole broker, each with its rules and without.
func TestBugs(t *testing.T) {
	// KAFKA-2729. A controller that was overtaken writes the state of a partition once more; nobody obeys what
	// it then says, so the leader goes on with the old version of the znode. When a follower falls out of
	// sync, each of the leader's updates is skipped and acks=all waits for ever. Since 2.1 such a write is
	// refused, since 2.7 leaders do not write themselves.
	t.Run("6.12 zk-cached-version-loop", func(t *testing.T) {
		for _, old := range []bool{true, false} {
			o := options{brokers: 3}
			if old {
				o.rules = controller.Rules{LeadersWriteISR: true, Unguarded: true}
			}
			k := newCluster(t, o)
			k.run(5 * sim.Second)
			k.create("t0", []int32{1, 2, 3})
			k.until(10*sim.Second, "three in sync", k.settled(t0, 3))
			k.zombieWrite(old)
			undo := k.cut(3, 2, 2)
			w := &writer{k: k, b: log.NewBuilder(k.w), acked: map[string]bool{}}
			k.poked(w, 70*sim.Second)
			frozen := strings.Contains(k.state(t0), `"isr":[1,2,3]`)
			if frozen != old {
				t.Errorf("old rules %v: %s", old, k.state(t0))
			}
			undo()
			k.check()
		}
	})
}

// zombieWrite writes a partition's state as it is, as a controller does that has been overtaken.
func (k *cluster) zombieWrite(unguarded bool) {
	b := k.broker(2)
	data, _, _ := k.ens.Get(controller.StatePath(t0))
	epoch := int32(0) // of /controller_epoch when the zombie was elected
	if unguarded {
		epoch = zk.AnyVersion
	}
	done := false
	b.zk.Retry(zk.MultiRequest([]zk.Op{zk.CheckOp("/controller_epoch", epoch), zk.SetDataOp(controller.StatePath(t0), data, zk.AnyVersion)}),
		func(zk.Response) { done = true })
	k.until(5*sim.Second, "an answer", func() bool { return done })
}
