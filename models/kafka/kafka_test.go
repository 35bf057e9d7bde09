package kafka_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka"
	"github.com/mqsim/mqsim/models/kafka/profile"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// bench is a whole cluster under load, as the runner builds it.
type bench struct {
	t      testing.TB
	w      *sim.World
	c      *kafka.Cluster
	d      *workload.Driver
	origin sim.Time
}

type setup struct {
	seed      uint64
	version   string // 3.9 if empty
	acks      string
	rate      int64 // messages a second of all producers
	duration  sim.Time
	size      uint32
	producers int
	parts     int
	ack       models.AckMode
	topic     []models.Entry
	producer  []models.Entry
	consumer  []models.Entry
	consumers int
	group     string
}

// newBench brings a cluster and its clients to t = 0.
func newBench(t testing.TB, s setup) *bench {
	t.Helper()
	b := build(t, s)
	b.c.Start()
	b.until(60*sim.Second, b.c.Ready)
	b.d.StartClients()
	b.until(60*sim.Second, b.d.ClientsReady)
	b.origin = b.w.Now()
	b.d.StartLoad()
	return b
}

// build installs everything; nothing runs.
func build(t testing.TB, s setup) *bench {
	t.Helper()
	sys := &models.System{Name: "kafka", Model: "kafka", Version: cmp.Or(s.version, "3.9"), Boot: sim.Range{Min: 5 * sim.Second, Max: 5 * sim.Second}}
	sys.Sections[models.Topology] = models.Settings{{Name: "coordination", Value: "zookeeper"}}
	sys.Sections[models.Topic] = append(models.Settings{{Name: "min.insync.replicas", Value: "2"}}, s.topic...)
	sys.Sections[models.ProducerSection] = append(models.Settings{{Name: "acks", Value: s.acks}}, s.producer...)
	sys.Sections[models.ConsumerSection] = s.consumer
	set, problems := models.Resolve(profile.Table(), sys)
	for _, p := range problems {
		if !p.Warn {
			t.Fatalf("%s: %s", p.Path, p.Text)
		}
	}
	if s.group == "" {
		s.group = "g"
	}
	disk := sim.DiskSpec{Write: 20 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 400e6, Capacity: 100e9}
	cfg := &models.Config{
		System: sys, Set: set, Disk: disk, Host: sim.HostSpec{Cores: 4, NIC: 10e9 / 8, Disks: 1, Disk: disk, Server: true},
		Streams: []models.Stream{{
			Name: "t0", Partitions: max(s.parts, 1), MessageSize: s.size,
			Producers: []models.ProducerGroup{{Count: max(s.producers, 1), Rate: []models.RateStep{{Milli: s.rate * 1000}}, MaxInFlight: 1000}},
			Consumers: []models.ConsumerGroup{{Count: max(s.consumers, 1), Group: s.group, Prefetch: -1, Ack: s.ack}},
		}},
	}
	w := sim.NewWorld(s.seed, sim.NetSpec{Latency: 250 * sim.Microsecond, Jitter: 50 * sim.Microsecond, Bandwidth: 10e9 / 8})
	c, err := kafka.Model{}.Build(w, cfg)
	if err != nil {
		t.Fatal(err)
	}
	spec := &workload.Spec{Streams: cfg.Streams, Duration: s.duration, Warmup: workload.DefaultWarmup}
	return &bench{t: t, w: w, c: c.(*kafka.Cluster), d: workload.NewDriver(w, c, cfg, spec)}
}

func (b *bench) until(limit sim.Time, ready func() (bool, string)) {
	b.t.Helper()
	end := b.w.Now() + limit
	for {
		ok, why := ready()
		if ok {
			return
		}
		if b.w.Now() >= end {
			b.dump()
			b.t.Fatalf("after %v: %s", limit, why)
		}
		b.w.K.Run(b.w.Now() + 50*sim.Millisecond)
	}
}

func (b *bench) dump() {
	for _, e := range b.w.Trace.Events {
		name := "-"
		if e.Host != nil {
			name = e.Host.Name
		}
		b.t.Logf("%12v %-12s %-20s %-22s %s", e.At-b.origin, name, e.Kind, e.Part, e.Text)
	}
}

// at runs until t after the start of the load.
func (b *bench) at(t sim.Time) { b.w.K.Run(b.origin + t) }

// finish ends the load, drains, waits for convergence and audits.
func (b *bench) finish(duration sim.Time) *workload.History {
	b.t.Helper()
	b.at(duration)
	b.d.EndLoad()
	b.w.K.RunUntil(b.w.Now()+10*sim.Minute, b.d.Drained)
	b.until(5*sim.Minute, b.c.Settled)
	b.d.Finish()
	h := b.d.History()
	b.c.Serve(func(stream int, partition int32, offset int64, body []byte) {
		id, ok := sim.BodyID(body)
		h.AuditRead(stream, partition, offset, id, ok)
	})
	for _, v := range b.w.Trace.Violations {
		b.t.Errorf("violated: %s", v)
	}
	return h
}

// writeGap is the longest time without an ack while sends were due, and its end.
func writeGap(h *workload.History, producers int) (gap, end sim.Time) {
	var acks []sim.Time
	for p := range producers {
		for i := uint32(0); ; i++ {
			id := sim.NewMsgID(uint32(p), i)
			if id == h.NextID(p) {
				break
			}
			if s := h.Send(id); s.Outcome() == models.Acked {
				acks = append(acks, s.Done)
			}
		}
	}
	slices.Sort(acks)
	for i := 1; i < len(acks); i++ {
		if d := acks[i] - acks[i-1]; d > gap {
			gap, end = d, acks[i]
		}
	}
	return gap, end
}

func TestSteadyState(t *testing.T) {
	for _, acks := range []string{"all", "1", "0"} {
		t.Run(acks, func(t *testing.T) {
			b := newBench(t, setup{seed: 1, acks: acks, rate: 500, duration: 5 * sim.Second, size: 1024, producers: 2})
			h := b.finish(5 * sim.Second)
			if n := len(h.Lost()); n != 0 {
				b.dump()
				t.Errorf("%d lost", n)
			}
			if n := len(h.Deliveries); n < 2490 || n > 2510 {
				t.Errorf("%d deliveries", n)
			}
		})
	}
}

// The leader is killed: acks=all loses nothing and goes on when the ZooKeeper session has ended and
// the next replica is elected; acks=1 may lose the tail.
func TestLeaderKilled(t *testing.T) {
	for _, acks := range []string{"all", "1"} {
		for seed := uint64(1); seed <= 3; seed++ {
			t.Run(fmt.Sprintf("%s/%d", acks, seed), func(t *testing.T) {
				b := newBench(t, setup{seed: seed, acks: acks, rate: 200, duration: 40 * sim.Second, size: 512, producers: 2})
				b.at(5 * sim.Second)
				leader := b.c.Select("primary", "", false)
				if len(leader) != 1 || leader[0].Name != "broker-1" {
					t.Fatalf("primary is %v", leader)
				}
				leader[0].Service(models.ServerService).Kill()
				b.at(35 * sim.Second)
				leader[0].Service(models.ServerService).Start()
				h := b.finish(40 * sim.Second)
				lost := len(h.Lost())
				gap, end := writeGap(h, 2)
				if acks == "all" && lost != 0 || lost > 20 {
					t.Errorf("%d lost", lost)
				}
				if gap < 12*sim.Second || gap > 23*sim.Second || end > 35*sim.Second {
					b.dump()
					t.Errorf("write outage of %v", gap)
				}
				if m := b.c.Metrics(); m[0].Name != "elections" || m[0].Value == 0 {
					t.Errorf("metrics %v", m)
				}
			})
		}
	}
}

// Equal seeds give equal runs.
func TestDeterministic(t *testing.T) {
	run := func() uint64 {
		b := newBench(t, setup{seed: 7, acks: "all", rate: 200, duration: 25 * sim.Second, size: 512, producers: 2, parts: 3, consumers: 2})
		b.at(2 * sim.Second)
		b.c.Select("primary", "", false)[0].Service(models.ServerService).Kill()
		b.finish(25 * sim.Second)
		return b.w.K.Digest()
	}
	if a, b := run(), run(); a != b {
		t.Errorf("digests %x and %x", a, b)
	}
}
