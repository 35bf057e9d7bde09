package broker

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// writer sends one record after another with acks=all to whoever leads, and repeats what failed.
type writer struct {
	k     *cluster
	b     *log.Builder
	n     int
	acked map[string]bool
	turn  int
	wait  bool
	stop  bool
	asked sim.Time
	gen   int
}

// poke is called often: it gives up on silence and sends the next.
func (w *writer) poke() {
	now := w.k.w.Now()
	if w.wait && now-w.asked > 3*sim.Second {
		w.wait = false
		w.turn++
		w.gen++
		for _, h := range w.k.brokers {
			if c := w.k.client.conns[h.Name]; c != nil {
				c.Reset()
				delete(w.k.client.conns, h.Name)
			}
		}
	}
	if !w.wait && !w.stop {
		w.send()
	}
}

func (w *writer) send() {
	body := fmt.Sprintf("m%d", w.n)
	w.b.Add(1700000000000, nil, []byte(body))
	batch := w.b.Build(log.None, log.None, log.None)
	w.wait, w.asked = true, w.k.w.Now()
	gen := w.gen
	w.k.client.ask(w.k.brokers[w.turn%3], &wire.ProduceRequest{Acks: -1, TimeoutMs: 2000, Parts: []wire.ProducePart{
		{TopicPartition: t0, Refs: []sim.Ref{batch.Header, batch.Records}}}}, func(r wire.Response) {
		if gen != w.gen {
			return
		}
		w.wait = false
		switch p := r.(*wire.ProduceResponse).Parts[0]; p.Err {
		case wire.None:
			w.acked[body] = true
			w.n++
		case wire.NotLeaderOrFollower, wire.UnknownTopicOrPartition:
			w.turn++
			w.n++
		default:
			w.n++
		}
	})
}

// bodies are all records of a replica's log, in order.
func (k *cluster) bodies(id int32) []string {
	var out []string
	l := k.broker(id).Partition(t0).Log
	for at := l.Start(); at < l.End(); {
		got, err := l.Read(at, 1<<20, l.End(), true, nil)
		if err != nil || got.Batches == 0 {
			k.t.Fatalf("broker %d: read at %d: %v", id, at, err)
		}
		c := log.NewCursor(&k.w.Arena, got.Refs)
		for c.Next() {
			rs := c.Records()
			for rs.Next() {
				out = append(out, string(rs.Record.Value))
			}
		}
		at = got.Next
	}
	return out
}

// eras are rules of versions under which the same is promised.
var eras = []struct {
	name    string
	rules   controller.Rules
	replica replica.Rules
}{
	{"3.9", controller.Rules{}, replica.Rules{}},
	{"3.6", controller.Rules{}, replica.Rules{HWIgnoresMinISR: true, MinISRUncapped: true, NoLeaderHints: true}},
	{"2.4", controller.Rules{LeadersWriteISR: true, NoRecoveryState: true}, replica.Rules{Truncation: replica.TruncateKIP279,
		HWIgnoresMinISR: true, HWCountsFenced: true, HWWakesFollowers: true, MinISRUncapped: true, NoLeaderHints: true}},
}

// Brokers are killed, paused, stopped, cut off and deprived of power, one at a time and overlapping;
// acks=all with min.insync.replicas=2 must lose nothing, the replicas must end equal, and no invariant
// may break. Power goes only when all three replicas were in sync, because nothing is synced.
func TestChaos(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		era := eras[seed%3]
		o := options{brokers: 3, minISR: 2, seed: seed, rules: era.rules, replica: era.replica}
		switch seed % 4 {
		case 2:
			o.minISR = 1 // still nothing is lost as long as the power stays
		case 3:
			o.minISR, o.unclean = 1, true // much may be lost
		}
		k := newCluster(t, o)
		k.run(5 * sim.Second)
		k.create("t0", []int32{1, 2, 3})
		w := &writer{k: k, b: log.NewBuilder(k.w), acked: map[string]bool{}}
		r := sim.NewRand(seed, "chaos")
		for range 12 {
			k.chaos(r, w, o)
		}
		k.heal()
		k.poked(w, 60*sim.Second)
		w.stop = true
		k.until(90*sim.Second, "three in sync", k.settled(t0, 3))
		k.run(sim.Second)
		first := k.bodies(1)
		seen := map[string]bool{}
		for _, b := range first {
			seen[b] = true
		}
		for b := range w.acked { //mqsim:unordered reported one by one
			if !seen[b] && !o.unclean {
				t.Errorf("seed %d: acknowledged %s is lost", seed, b)
			}
		}
		for id := int32(2); id <= 3; id++ {
			if got := k.bodies(id); fmt.Sprint(got) != fmt.Sprint(first) {
				t.Errorf("seed %d: broker %d has %d records, broker 1 %d", seed, id, len(got), len(first))
			}
		}
		if len(w.acked) < 100 {
			t.Errorf("seed %d: only %d acknowledged", seed, len(w.acked))
		}
		k.check()
		t.Logf("%s, seed %d: %d acknowledged, %d elections, %d truncated, ISR shrank %d times", era.name, seed, len(w.acked),
			k.stats.Elections, k.stats.TruncatedRecords, k.stats.Shrinks)
		if t.Failed() {
			k.dump()
			return
		}
	}
}

// poked runs for d with the writer at work.
func (k *cluster) poked(w *writer, d sim.Time) {
	for end := k.w.Now() + d; k.w.Now() < end; {
		w.poke()
		k.run(50 * sim.Millisecond)
	}
}

func (k *cluster) chaos(r *sim.Rand, w *writer, o options) {
	id := int32(r.Below(3)) + 1
	s := k.service(id)
	switch r.Below(8) {
	case 0:
		s.Kill()
	case 1:
		s.Pause()
		k.poked(w, r.Range(sim.Second, 40*sim.Second))
		s.Resume()
	case 2:
		s.Stop()
	case 3:
		if k.settled(t0, 3)() && o.minISR == 2 || o.unclean {
			k.brokers[id-1].PowerOff(sim.CrashTypical)
			k.poked(w, r.Range(sim.Second, 30*sim.Second))
			k.brokers[id-1].PowerOn(sim.Second)
			k.heal()
			for end := k.w.Now() + 90*sim.Second; k.w.Now() < end && !k.settled(t0, 3)() && !o.unclean; {
				k.poked(w, sim.Second)
			}
		}
	case 5, 6, 7:
		// Cut it off: from everybody, from ZooKeeper and the control plane, or from replication.
		undo := k.cut(id, r.Below(3), r.Below(3))
		k.poked(w, r.Range(sim.Second, 50*sim.Second))
		undo()
	case 4:
		k.brokers[id-1].Service(ServiceName).Kill()
		k.poked(w, r.Range(0, 5*sim.Second))
		s.Start()
	}
	k.poked(w, r.Range(sim.Second, 30*sim.Second))
	if r.Chance(2, 3) {
		k.heal()
		k.poked(w, r.Range(sim.Second, 30*sim.Second))
	}
}

// heal starts everything that is down.
func (k *cluster) heal() {
	for i, h := range k.brokers {
		if h.Up && !k.service(int32(i+1)).Running() {
			k.service(int32(i + 1)).Start()
		}
	}
}

// cut separates a broker from all other machines, in one or both directions, for some kinds of traffic.
func (k *cluster) cut(id int32, what, way uint64) (undo func()) {
	me := sim.NewHostSet(k.brokers[id-1])
	var others sim.HostSet
	for _, h := range k.w.Hosts {
		if h != k.brokers[id-1] {
			others = others.With(h)
		}
	}
	classes := [...]uint8{0, 1 << sim.PortCoordination, 1 << sim.PortReplication}[what]
	out := &sim.Rule{From: me, To: others, Classes: classes, Cut: true}
	in := &sim.Rule{From: others, To: me, Classes: classes, Cut: true}
	if way != 0 {
		k.w.Net.Add(out)
	}
	if way != 1 {
		k.w.Net.Add(in)
	}
	return func() {
		k.w.Net.RemoveRule(out)
		k.w.Net.RemoveRule(in)
	}
}
