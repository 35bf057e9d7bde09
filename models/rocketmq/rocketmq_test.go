package rocketmq_test

import (
	"cmp"
	"slices"
	"strconv"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq"
	"github.com/mqsim/mqsim/models/rocketmq/profile"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// bench is a whole cluster under load, as the runner builds it.
type bench struct {
	t      testing.TB
	w      *sim.World
	c      *rocketmq.Cluster
	d      *workload.Driver
	origin sim.Time
}

type setup struct {
	seed      uint64
	groups    int
	slaves    int // -1: none
	broker    []models.Entry
	producer  []models.Entry
	rate      int64
	duration  sim.Time
	parts     int
	consumers int
	orderly   bool
	failPPM   int64
	send      models.SendMode
	process   sim.Time
	mode      string // "": classic
	version   string // "": 4.9
}

// newBench brings a cluster and its clients to t = 0.
func newBench(t testing.TB, s setup) *bench {
	t.Helper()
	sys := &models.System{Name: "rocketmq", Model: "rocketmq", Version: cmp.Or(s.version, "4.9"), Boot: sim.Range{Min: 3 * sim.Second, Max: 3 * sim.Second}}
	sys.Sections[models.Topology] = models.Settings{
		{Name: "mode", Value: cmp.Or(s.mode, "classic")},
		{Name: "brokerGroups", Value: strconv.Itoa(max(s.groups, 1))},
		{Name: "slaves", Value: map[bool]string{true: "0", false: strconv.Itoa(max(s.slaves, 1))}[s.slaves < 0]},
	}
	sys.Sections[models.Broker] = append(models.Settings{{Name: "mappedFileSizeCommitLog", Value: "16777216"},
		{Name: "mappedFileSizeConsumeQueue", Value: "600000"}}, s.broker...)
	sys.Sections[models.ProducerSection] = s.producer
	set, problems := models.Resolve(profile.Table(), sys)
	for _, p := range problems {
		if !p.Warn {
			t.Fatalf("%s: %s", p.Path, p.Text)
		}
	}
	disk := sim.DiskSpec{Write: 20 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 400e6, Capacity: 100e9}
	cfg := &models.Config{
		System: sys, Set: set, Disk: disk, Host: sim.HostSpec{Cores: 4, NIC: 10e9 / 8, Disks: 1, Disk: disk, Server: true},
		Streams: []models.Stream{{
			Name: "t0", Partitions: max(s.parts, 1), MessageSize: 1024,
			Producers: []models.ProducerGroup{{Count: 2, Rate: []models.RateStep{{Milli: s.rate * 1000}}, MaxInFlight: 1000, Send: s.send}},
			Consumers: []models.ConsumerGroup{{Count: max(s.consumers, 1), Group: "g", Prefetch: -1, Orderly: s.orderly, FailPPM: s.failPPM, Process: s.process}},
		}},
	}
	w := sim.NewWorld(s.seed, sim.NetSpec{Latency: 250 * sim.Microsecond, Jitter: 50 * sim.Microsecond, Bandwidth: 10e9 / 8})
	c, err := rocketmq.Model{}.Build(w, cfg)
	if err != nil {
		t.Fatal(err)
	}
	spec := &workload.Spec{Streams: cfg.Streams, Duration: s.duration, Warmup: workload.DefaultWarmup}
	b := &bench{t: t, w: w, c: c.(*rocketmq.Cluster), d: workload.NewDriver(w, c, cfg, spec)}
	b.c.Start()
	b.until(120*sim.Second, b.c.Ready)
	b.d.StartClients()
	b.until(60*sim.Second, b.d.ClientsReady)
	b.origin = b.w.Now()
	b.d.StartLoad()
	return b
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
		b.t.Logf("%12v %-12s %-20s %-8s %s", e.At-b.origin, name, e.Kind, e.Part, e.Text)
	}
}

// at runs until t after the start of the load.
func (b *bench) at(t sim.Time) { b.w.K.Run(b.origin + t) }

// one is the first host of a role.
func (b *bench) one(role, arg string) *sim.Host {
	b.t.Helper()
	hosts := b.c.Select(role, arg, false)
	if len(hosts) != 1 {
		b.t.Fatalf("%s(%s) is %v", role, arg, hosts)
	}
	return hosts[0]
}

// finish ends the load, drains, waits for convergence and audits.
func (b *bench) finish(duration sim.Time) *workload.History {
	b.t.Helper()
	b.at(duration)
	b.d.EndLoad()
	b.w.K.RunUntil(b.w.Now()+3*sim.Minute, b.d.Drained)
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

// counts are the outcomes of all sends, and the longest time between two acks with its end.
func counts(h *workload.History) (n map[models.Outcome]int, gap, end sim.Time) {
	n = map[models.Outcome]int{}
	var acks []sim.Time
	for p := range 2 {
		for i := uint32(0); ; i++ {
			id := sim.NewMsgID(uint32(p), i)
			if id == h.NextID(p) {
				break
			}
			s := h.Send(id)
			n[s.Outcome()]++
			if s.Outcome() == models.Acked {
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
	return n, gap, end
}

var syncMaster = models.Entry{Name: "brokerRole", Value: "SYNC_MASTER"}

func TestSteadyState(t *testing.T) {
	for name, s := range map[string]setup{
		"async":     {},
		"sync":      {broker: []models.Entry{syncMaster}},
		"sync-send": {broker: []models.Entry{syncMaster}, send: models.Sync},
		"oneway":    {send: models.OneWay},
		"2 groups":  {groups: 2, parts: 2, consumers: 3},
		"no slave":  {slaves: -1},
		"orderly":   {orderly: true, parts: 2, consumers: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s.seed, s.rate, s.duration = 1, 200, 5*sim.Second
			b := newBench(t, s)
			h := b.finish(5 * sim.Second)
			n, _, _ := counts(h)
			if len(h.Lost()) != 0 || n[models.Acked] != 1000 || len(h.Deliveries) != 1000 {
				b.dump()
				t.Errorf("%d lost, %v, %d deliveries", len(h.Lost()), n, len(h.Deliveries))
			}
		})
	}
}

// The master of the only group is killed: nobody takes messages until it is back, and what it had written
// is all there. Consumers read from the slave once their route has lost the master.
func TestMasterKilled(t *testing.T) {
	b := newBench(t, setup{seed: 2, rate: 200, duration: 60 * sim.Second, broker: []models.Entry{syncMaster}, process: 10 * sim.Millisecond})
	b.at(5 * sim.Second)
	m := b.one("primary", "")
	if m.Name != "broker-a-0" {
		t.Fatalf("primary is %s", m.Name)
	}
	m.Service(models.ServerService).Kill()
	before := len(b.d.History().Deliveries)
	b.at(42 * sim.Second)
	if hosts := b.c.Select("primary", "", false); len(hosts) != 0 {
		t.Errorf("primary is %s", hosts[0].Name)
	}
	if after := len(b.d.History().Deliveries); after <= before {
		t.Error("nothing was read from the slave")
	}
	m.Service(models.ServerService).Start()
	h := b.finish(60 * sim.Second)
	n, gap, _ := counts(h)
	if len(h.Lost()) != 0 {
		t.Errorf("%d lost", len(h.Lost()))
	}
	if gap < 38*sim.Second || gap > 44*sim.Second {
		b.dump()
		t.Errorf("write outage of %v, %v", gap, n)
	}
}

// With a second group the topic stays writable: sends that are refused go there at once.
func TestTwoGroups(t *testing.T) {
	b := newBench(t, setup{seed: 3, groups: 2, rate: 200, duration: 30 * sim.Second, broker: []models.Entry{syncMaster}})
	b.at(5 * sim.Second)
	m := b.one("master", "b")
	if m.Name != "broker-b-0" || b.one("slave", "b").Name != "broker-b-1" {
		t.Fatalf("master(b) is %s", m.Name)
	}
	m.Service(models.ServerService).Kill()
	b.at(25 * sim.Second)
	m.Service(models.ServerService).Start()
	h := b.finish(30 * sim.Second)
	n, gap, _ := counts(h)
	if len(h.Lost()) != 0 || gap > sim.Second || n[models.Acked] < 5990 {
		b.dump()
		t.Errorf("%d lost, write outage of %v, %v", len(h.Lost()), gap, n)
	}
}

// The master's disk is gone and its slave is promoted: SYNC_MASTER loses nothing that was answered
// SEND_OK, ASYNC_MASTER may lose the tail.
func TestPromotion(t *testing.T) {
	for _, role := range []string{"SYNC_MASTER", "ASYNC_MASTER"} {
		t.Run(role, func(t *testing.T) {
			b := newBench(t, setup{seed: 4, rate: 200, duration: 40 * sim.Second, process: 20 * sim.Millisecond,
				broker: []models.Entry{{Name: "brokerRole", Value: role}}})
			b.at(5 * sim.Second)
			b.one("primary", "").Service(models.ServerService).Kill()
			b.at(6 * sim.Second)
			slave := b.one("replica", "")
			answered := false
			b.c.Do(&models.Operation{Do: "promote-slave", Hosts: []*sim.Host{slave},
				Args: map[string]string{"role": "ASYNC_MASTER", "took": strconv.FormatInt(int64(5*sim.Second), 10)}},
				func(a models.OpAnswer) {
					answered = true
					if !a.OK {
						t.Error(a.Text)
					}
				})
			h := b.finish(40 * sim.Second)
			if !answered || b.one("primary", "").Name != "broker-a-1" {
				b.dump()
				t.Fatal("nobody was promoted")
			}
			n, gap, _ := counts(h)
			lost := len(h.Lost())
			if role == "SYNC_MASTER" && lost > 0 || lost > 40 || gap < 7*sim.Second || gap > 30*sim.Second {
				b.dump()
				t.Errorf("%d lost, write outage of %v, %v", lost, gap, n)
			}
			if m := b.c.Metrics(); m[0].Name != "elections" || m[0].Value != 1 {
				t.Errorf("metrics %v", m)
			}
		})
	}
}

// Messages that the application fails to process come again through the retry topic.
func TestFailedProcessing(t *testing.T) {
	b := newBench(t, setup{seed: 5, rate: 100, duration: 10 * sim.Second, failPPM: 50_000})
	h := b.finish(10 * sim.Second)
	again := 0
	for _, d := range h.Deliveries {
		if d.Flags&workload.Redelivered != 0 {
			again++
		}
	}
	if len(h.Lost()) != 0 || again < 20 || h.Unreceived() != 0 {
		b.dump()
		t.Errorf("%d lost, %d again, %d never received", len(h.Lost()), again, h.Unreceived())
	}
}

// wipe-write-perm takes a group out of every route before its broker stops.
func TestWipeWritePerm(t *testing.T) {
	b := newBench(t, setup{seed: 6, groups: 2, rate: 100, duration: 50 * sim.Second})
	var answer models.OpAnswer
	b.c.Do(&models.Operation{Do: "wipe-write-perm", Args: map[string]string{"group": "a"}}, func(a models.OpAnswer) { answer = a })
	b.at(35 * sim.Second) // every producer has polled its route
	if !answer.OK {
		t.Fatal(answer.Text)
	}
	b.one("master", "a").Service(models.ServerService).Stop()
	b.at(40 * sim.Second)
	b.w.HostNamed("broker-a-0").Service(models.ServerService).Start()
	h := b.finish(50 * sim.Second)
	if n, gap, _ := counts(h); n[models.Acked] != 5000 || gap > 100*sim.Millisecond {
		b.dump()
		t.Errorf("%v, gap %v", n, gap)
	}
}

// Equal seeds give equal runs.
func TestDeterministic(t *testing.T) {
	run := func() uint64 {
		b := newBench(t, setup{seed: 7, groups: 2, rate: 200, duration: 15 * sim.Second, parts: 2, consumers: 2})
		b.at(2 * sim.Second)
		b.one("primary", "").Service(models.ServerService).Kill()
		b.finish(15 * sim.Second)
		return b.w.K.Digest()
	}
	if a, b := run(), run(); a != b {
		t.Errorf("digests %x and %x", a, b)
	}
}

// BenchmarkMessage is the cost of one message of 1 KiB with two copies, acknowledged and consumed, at 500
// messages a second.
func BenchmarkMessage(b *testing.B) {
	for _, role := range []string{"SYNC_MASTER", "ASYNC_MASTER"} {
		b.Run(role, func(b *testing.B) {
			span := sim.Time(b.N) * 2 * sim.Millisecond
			x := newBench(b, setup{seed: 1, rate: 500, duration: span, broker: []models.Entry{{Name: "brokerRole", Value: role}}})
			events := x.w.K.Events()
			b.ReportAllocs()
			b.ResetTimer()
			x.at(span)
			b.StopTimer()
			b.ReportMetric(float64(x.w.K.Events()-events)/float64(b.N), "events/msg")
		})
	}
}
