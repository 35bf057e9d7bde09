package broker

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// settled: every live broker's replica of tp has the same log end, and the ISR is n brokers.
func (k *cluster) settled(tp wire.TopicPartition, n int) func() bool {
	return func() bool {
		id, _ := k.leader(tp)
		if id < 0 {
			return false
		}
		p := k.broker(id).Partition(tp)
		return len(p.ISR()) == n && p.HW() == p.LEO()
	}
}

func (k *cluster) service(id int32) *sim.Service { return k.brokers[id-1].Service(ServiceName) }

func (k *cluster) events(kind string) int {
	n := 0
	for _, e := range k.w.Trace.Events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// The leader is killed: its session ends 12 to 20 s later, the next replica in order leads, nothing
// that was acknowledged to acks=all is lost, and the old leader comes back as a follower.
func TestLeaderCrash(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		k := newCluster(t, options{brokers: 3, minISR: 2, seed: seed})
		k.run(5 * sim.Second)
		k.create("t0", []int32{1, 2, 3})
		for i := range 10 {
			k.produce(1, t0, -1, fmt.Sprintf("m%d", i))
		}
		k.produce(1, t0, 1, "tail")
		killed := k.w.Now()
		k.service(1).Kill()
		k.until(60*sim.Second, "new leader", func() bool { id, _ := k.leader(t0); return id == 2 })
		if d := k.w.Now() - killed; d < 12*sim.Second || d > 21*sim.Second {
			t.Errorf("seed %d: new leader after %v", seed, d)
		}
		if r := k.produce(2, t0, -1, "after"); r.Err != wire.None {
			t.Errorf("produce to the new leader: %s", r.Err)
		}
		k.service(1).Start()
		k.until(60*sim.Second, "three in sync", k.settled(t0, 3))
		k.run(5 * sim.Second)
		// If broker 1 was the controller too, its successor elects preferred leaders after 5 s.
		id, epoch := k.leader(t0)
		if epoch < 1 {
			t.Errorf("leader %d epoch %d", id, epoch)
		}
		got := k.read(id, t0)
		if len(got) < 11 || got[9] != "m9" || got[len(got)-1] != "after" {
			t.Errorf("read %v", got)
		}
		k.check()
		if t.Failed() {
			k.dump()
			return
		}
	}
}

// A start inside the old session's life is refused and repeated by the supervisor.
func TestFastRestart(t *testing.T) {
	k := newCluster(t, options{brokers: 3, minISR: 2})
	k.run(5 * sim.Second)
	k.create("t0", []int32{1, 2, 3})
	k.produce(1, t0, -1, "a")
	k.service(1).Kill()
	k.run(sim.Second)
	k.service(1).Start()
	k.until(60*sim.Second, "new leader", func() bool { id, _ := k.leader(t0); return id == 2 })
	k.until(60*sim.Second, "three in sync", k.settled(t0, 3))
	if k.events("process-died") < 3 {
		t.Error("no start was refused")
	}
	k.check()
}

// A follower is killed: acks=all stalls until the controller takes it out of the ISR.
func TestFollowerCrash(t *testing.T) {
	k := newCluster(t, options{brokers: 3, minISR: 2})
	k.run(5 * sim.Second)
	k.create("t0", []int32{1, 2, 3})
	k.produce(1, t0, -1, "a")
	k.run(10 * sim.Second)
	k.service(3).Kill()
	start := k.w.Now()
	if r := k.produce(1, t0, -1, "b"); r.Err != wire.None {
		t.Errorf("produce: %s", r.Err)
	}
	if d := k.w.Now() - start; d < 11*sim.Second || d > 21*sim.Second {
		t.Errorf("acks=all stalled %v", d)
	}
	k.service(3).Start()
	k.until(60*sim.Second, "three in sync", k.settled(t0, 3))
	k.check()
}

// Two of three die: with min.insync.replicas=2 writes are refused; the last one is not removed.
func TestTwoCrashes(t *testing.T) {
	k := newCluster(t, options{brokers: 3, minISR: 2})
	k.run(5 * sim.Second)
	k.create("t0", []int32{1, 2, 3})
	k.produce(1, t0, -1, "a")
	k.service(2).Kill()
	k.service(3).Kill()
	k.until(60*sim.Second, "ISR of one", func() bool { return len(k.broker(1).Partition(t0).ISR()) == 1 })
	if r := k.produce(1, t0, -1, "b"); r.Err != wire.NotEnoughReplicas {
		t.Errorf("produce: %s", r.Err)
	}
	if r := k.produce(1, t0, 1, "c"); r.Err != wire.None {
		t.Errorf("produce acks=1: %s", r.Err)
	}
	if got := k.read(1, t0); len(got) != 1 {
		t.Errorf("read %v: the high watermark moved below min.insync.replicas", got)
	}
	k.service(2).Start()
	k.until(60*sim.Second, "two in sync", k.settled(t0, 2))
	if got := k.read(1, t0); len(got) != 2 {
		t.Errorf("read %v", got)
	}
	k.check()
}

// A graceful stop moves leaderships first: no session has to expire.
func TestControlledShutdown(t *testing.T) {
	k := newCluster(t, options{brokers: 3, minISR: 2})
	k.run(5 * sim.Second)
	k.create("t0", []int32{1, 2, 3})
	k.produce(1, t0, -1, "a")
	start := k.w.Now()
	k.service(1).Stop()
	k.until(10*sim.Second, "end of the process", func() bool { return !k.service(1).Running() })
	if d := k.w.Now() - start; d > sim.Second {
		t.Errorf("stopping took %v", d)
	}
	if id, _ := k.leader(t0); id != 2 {
		t.Errorf("leader %d", id)
	}
	if r := k.produce(2, t0, -1, "b"); r.Err != wire.None {
		t.Errorf("produce: %s", r.Err)
	}
	k.run(10 * sim.Second)
	if k.service(1).Running() {
		t.Error("the supervisor restarted a broker that was stopped")
	}
	k.service(1).Start()
	k.until(30*sim.Second, "three in sync", k.settled(t0, 3))
	// Preferred leader election after at most 300 s.
	k.until(310*sim.Second, "preferred leader", func() bool { id, _ := k.leader(t0); return id == 1 })
	k.check()
}

// The leader is cut off from ZooKeeper only: it goes on leading while another one is elected, and
// steps down when it is back.
func TestZombieLeader(t *testing.T) {
	k := newCluster(t, options{brokers: 3, minISR: 1})
	k.run(5 * sim.Second)
	k.create("t0", []int32{1, 2, 3})
	k.produce(1, t0, -1, "a")
	k.service(1).Pause()
	k.until(60*sim.Second, "new leader", func() bool { id, _ := k.leader(t0); return id == 2 })
	k.produce(2, t0, -1, "b")
	k.service(1).Resume()
	k.run(100 * sim.Microsecond)
	if !k.broker(1).Partition(t0).Leads() {
		t.Error("the zombie stepped down by itself")
	}
	k.until(60*sim.Second, "three in sync", k.settled(t0, 3))
	if k.broker(1).Partition(t0).Leads() {
		t.Error("two leaders")
	}
	k.check()
}

// All brokers lose power. The ISR in ZooKeeper stays; the first member back becomes controller and
// leads with ISR = {it}.
func TestAllPowerLoss(t *testing.T) {
	k := newCluster(t, options{brokers: 3, minISR: 2})
	k.run(5 * sim.Second)
	k.create("t0", []int32{1, 2, 3})
	for i := range 10 {
		k.produce(1, t0, -1, fmt.Sprintf("m%d", i))
	}
	k.run(60 * sim.Second)
	for _, h := range k.brokers {
		h.PowerOff(sim.CrashPrefix)
	}
	k.run(20 * sim.Second)
	for i := 2; i >= 0; i-- {
		k.brokers[i].PowerOn(sim.Second)
		k.run(30 * sim.Second)
	}
	k.until(60*sim.Second, "three in sync", k.settled(t0, 3))
	if id, _ := k.leader(t0); id != 3 {
		t.Errorf("leader %d", id)
	}
	if got := k.read(3, t0); len(got) != 10 {
		t.Errorf("read %v", got)
	}
	k.check()
}

// Equal seeds give equal runs, different seeds do not.
func TestDeterminism(t *testing.T) {
	digest := func(seed uint64) uint64 {
		k := newCluster(t, options{brokers: 3, minISR: 2, seed: seed})
		k.run(5 * sim.Second)
		k.create("t0", []int32{1, 2, 3}, []int32{2, 3, 1})
		k.produce(1, t0, -1, "a")
		k.brokers[0].PowerOff(sim.CrashTypical)
		k.run(30 * sim.Second)
		k.brokers[0].PowerOn(sim.Second)
		k.run(30 * sim.Second)
		k.check()
		return k.w.K.Digest()
	}
	a, b, c := digest(7), digest(7), digest(8)
	if a != b || a == c {
		t.Errorf("digests %x %x %x", a, b, c)
	}
}

// Fifty brokers with 500 partitions: the cost of idling grows with fetch sessions that exist (each
// broker follows two others), not with pairs of brokers or partitions.
func TestManyBrokersIdle(t *testing.T) {
	k := newCluster(t, options{brokers: 50, minISR: 2})
	var assignment [][]int32
	for i := range 500 {
		assignment = append(assignment, []int32{int32(i%50 + 1), int32((i+1)%50 + 1), int32((i+2)%50 + 1)})
	}
	k.until(30*sim.Second, "all brokers", func() bool {
		for i := range k.brokers {
			if b := k.broker(int32(i + 1)); b == nil || !b.Serving() {
				return false
			}
		}
		return true
	})
	k.create("t0", assignment...)
	k.run(60 * sim.Second)
	before := k.w.K.Events()
	k.run(sim.Hour)
	// 100 sessions x 2 fetches a second x 6 events, ZooKeeper, checkpoints.
	if n := k.w.K.Events() - before; n > 60*100_000 {
		t.Errorf("%d events in an idle hour", n)
	}
	if n := k.events("isr-shrink"); n > 0 {
		t.Errorf("%d ISR shrinks", n)
	}
	k.check()
}
