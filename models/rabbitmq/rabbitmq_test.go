package rabbitmq_test

import (
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq"
	"github.com/mqsim/mqsim/models/rabbitmq/profile"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// bench is a whole cluster under load, as the runner builds it.
type bench struct {
	t      testing.TB
	w      *sim.World
	c      *rabbitmq.Cluster
	d      *workload.Driver
	origin sim.Time
}

type setup struct {
	seed      uint64
	version   string
	policy    models.Settings
	broker    models.Settings
	producer  models.Settings
	queue     models.Settings
	rate      int64 // messages a second of all producers
	size      uint32
	producers int
	at        string // of the producers
	consumers int
	drain     bool // consumers start at the end
	parts     int
	backlog   int64
	duration  sim.Time
	nodes     string
	home      string
	dir       string         // of real files; "": memory
	then      func(b *bench) // between backlog and clients
}

func entries(pairs ...string) models.Settings {
	var s models.Settings
	for i := 0; i < len(pairs); i += 2 {
		s = append(s, models.Entry{Name: pairs[i], Value: pairs[i+1]})
	}
	return s
}

func mirrored(pairs ...string) models.Settings {
	return append(entries("ha-mode", "all"), entries(pairs...)...)
}

func newBench(t testing.TB, s setup) *bench {
	t.Helper()
	sys := &models.System{Name: "rabbitmq", Model: "rabbitmq", Version: s.version, Boot: sim.Range{Min: 6800 * sim.Millisecond, Max: 7800 * sim.Millisecond}}
	sys.Sections[models.Policy], sys.Sections[models.Broker] = s.policy, s.broker
	sys.Sections[models.ProducerSection], sys.Sections[models.Queue] = s.producer, s.queue
	if s.nodes != "" {
		sys.Sections[models.Topology] = entries("nodes", s.nodes)
	}
	set, problems := models.Resolve(profile.Table(), sys)
	for _, p := range problems {
		if !p.Warn {
			t.Fatalf("%s: %s", p.Path, p.Text)
		}
	}
	disk := sim.DiskSpec{Write: 20 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 400e6, Capacity: 100e9}
	if s.size == 0 {
		s.size = 256
	}
	pause := 200 * sim.Millisecond
	st := models.Stream{
		Name: "t0", Home: s.home, Partitions: max(s.parts, 1), MessageSize: s.size, Backlog: s.backlog,
		Producers: []models.ProducerGroup{{Count: max(s.producers, 1), Rate: []models.RateStep{{Milli: s.rate * 1000}}, MaxInFlight: 1000,
			At: s.at, Reconnect: pause, Declare: "once", Missed: models.Drop}},
		Consumers: []models.ConsumerGroup{{Count: max(s.consumers, 1), Group: "g", Prefetch: 100, Reconnect: pause, Drain: s.drain}},
	}
	cfg := &models.Config{System: sys, Set: set, Disk: disk, Host: sim.HostSpec{Cores: 4, NIC: 10e9 / 8, Disks: 1, Disk: disk, Server: true}, Streams: []models.Stream{st}}
	w := sim.NewWorld(s.seed, sim.NetSpec{Latency: 250 * sim.Microsecond, Jitter: 50 * sim.Microsecond, Bandwidth: 10e9 / 8})
	w.DataDir = s.dir
	c, err := rabbitmq.Model{}.Build(w, cfg)
	if err != nil {
		t.Fatal(err)
	}
	spec := &workload.Spec{Streams: cfg.Streams, Duration: s.duration, Warmup: workload.DefaultWarmup}
	b := &bench{t: t, w: w, c: c.(*rabbitmq.Cluster), d: workload.NewDriver(w, c, cfg, spec)}
	b.c.Start()
	b.until(60*sim.Second, b.c.Ready)
	b.d.StartBacklogs()
	b.until(60*sim.Second, b.d.BacklogsDone)
	if s.then != nil {
		s.then(b)
	}
	b.d.StartClients()
	b.until(60*sim.Second, b.d.ClientsReady)
	b.origin = w.Now()
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
		b.t.Logf("%12v %-12s %-20s %-10s %s", e.At-b.origin, name, e.Kind, e.Part, e.Text)
	}
}

// at runs until t after the start of the load.
func (b *bench) at(t sim.Time) { b.w.K.Run(b.origin + t) }

func (b *bench) service(host string) *sim.Service {
	return b.w.HostNamed(host).Service(models.ServerService)
}

func (b *bench) do(op string, args ...string) {
	b.t.Helper()
	o := &models.Operation{Do: op, Args: map[string]string{}}
	for i := 0; i < len(args); i += 2 {
		o.Args[args[i]] = args[i+1]
	}
	answer, got := models.OpAnswer{}, false
	b.c.Do(o, func(a models.OpAnswer) { answer, got = a, true })
	for end := b.w.Now() + 10*sim.Second; !got && b.w.Now() < end; {
		b.w.K.Run(b.w.Now() + 10*sim.Millisecond)
	}
	if !got || !answer.OK {
		b.t.Fatalf("%s: answered=%v %s", op, got, answer.Text)
	}
}

// outcome is what a run came to.
type outcome struct {
	h                                *workload.History
	acked, nacked, returned, unknown int
	lost                             int
	gap                              sim.Time // longest time without an ack
	gapEnd                           sim.Time
}

// finish ends the load, drains, waits for convergence and audits.
func (b *bench) finish(duration sim.Time) outcome {
	b.t.Helper()
	b.at(duration)
	b.d.EndLoad()
	b.w.K.RunUntil(b.w.Now()+4*sim.Minute, b.d.Drained)
	b.until(5*sim.Minute, b.c.Settled)
	b.d.Finish()
	o := outcome{h: b.d.History()}
	b.c.Serve(func(stream int, partition int32, offset int64, body []byte) {
		id, ok := sim.BodyID(body)
		o.h.AuditRead(stream, partition, offset, id, ok)
	})
	for _, v := range b.w.Trace.Violations {
		b.t.Errorf("violated: %s", v)
	}
	var acks []sim.Time
	for p := range o.h.Producers {
		sends := o.h.Sends(p)
		for i := range sends {
			s := &sends[i]
			if s.Nacked() {
				o.nacked++
			}
			if s.Returned() {
				o.returned++
			}
			switch {
			case s.Outcome() == models.Acked:
				o.acked++
				if s.Done >= 0 {
					acks = append(acks, s.Done)
				}
			case s.Outcome() == models.Unknown:
				o.unknown++
			}
		}
	}
	sortTimes(acks)
	for i := 1; i < len(acks); i++ {
		if d := acks[i] - acks[i-1]; d > o.gap {
			o.gap, o.gapEnd = d, acks[i]
		}
	}
	o.lost = len(o.h.Lost())
	return o
}

func sortTimes(t []sim.Time) {
	for i := 1; i < len(t); i++ {
		for j := i; j > 0 && t[j] < t[j-1]; j-- {
			t[j], t[j-1] = t[j-1], t[j]
		}
	}
}

func TestSteadyState(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup setup
	}{
		{"classic", setup{version: "3.10"}},
		{"mirrored", setup{version: "3.10", policy: mirrored("ha-sync-mode", "automatic")}},
		{"mirrored-3.12", setup{version: "3.12", policy: mirrored()}},
		{"exactly-2", setup{version: "3.12", policy: entries("ha-mode", "exactly", "ha-params", "2")}},
		{"large", setup{version: "3.12", policy: mirrored(), size: 10_000}},
		{"transient", setup{version: "3.12", producer: entries("delivery_mode", "1")}},
		{"unconfirmed", setup{version: "3.12", producer: entries("confirms", "false")}},
		{"three-queues", setup{version: "3.12", parts: 3, consumers: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.setup
			s.seed, s.rate, s.producers, s.duration = 1, 500, 2, 4*sim.Second
			b := newBench(t, s)
			o := b.finish(s.duration)
			if o.lost != 0 || o.unknown != 0 || o.acked < 1990 || o.acked > 2010 || o.nacked != 0 {
				b.dump()
				t.Errorf("%d acked, %d unknown, %d nacked, %d lost", o.acked, o.unknown, o.nacked, o.lost)
			}
			if n := len(o.h.Deliveries); n != o.acked {
				t.Errorf("%d deliveries of %d", n, o.acked)
			}
			if o.gap > 500*sim.Millisecond {
				t.Errorf("no ack for %v", o.gap)
			}
		})
	}
}

// killed is a run in which n1 is killed at 5 s and started again at 10 s.
func killed(t *testing.T, s setup) (*bench, outcome) {
	s.seed, s.producers, s.duration = 3, 2, 25*sim.Second
	if s.rate == 0 {
		s.rate = 200
	}
	b := newBench(t, s)
	b.at(5 * sim.Second)
	if home := b.c.Select("primary", "", false); len(home) != 1 || home[0].Name != "n1" {
		t.Fatalf("primary is %v", home)
	}
	b.service("n1").Kill()
	b.at(10 * sim.Second)
	b.service("n1").Start()
	return b, b.finish(s.duration)
}

// The only copy's node is killed. 3.10 drops and acknowledges until the queue is back (12 s here, at 200
// messages a second); with the mandatory flag it says so; from 3.11 on everything is nacked.
func TestHomeKilled(t *testing.T) {
	t.Run("3.10", func(t *testing.T) {
		b, o := killed(t, setup{version: "3.10"})
		if o.lost < 1500 || o.lost > 2700 || o.nacked > 50 {
			b.dump()
			t.Errorf("%d lost, %d nacked", o.lost, o.nacked)
		}
	})
	t.Run("mandatory", func(t *testing.T) {
		b, o := killed(t, setup{version: "3.10", producer: entries("mandatory", "true")})
		if o.lost != 0 || o.returned < 1500 {
			b.dump()
			t.Errorf("%d lost, %d returned", o.lost, o.returned)
		}
	})
	t.Run("3.12", func(t *testing.T) {
		b, o := killed(t, setup{version: "3.12"})
		if o.lost != 0 || o.nacked < 1500 || o.gap < 10*sim.Second {
			b.dump()
			t.Errorf("%d lost, %d nacked, gap %v", o.lost, o.nacked, o.gap)
		}
	})
}

// A synchronised mirror takes over within a second and nothing is lost.
func TestMasterKilled(t *testing.T) {
	for _, version := range []string{"3.10", "3.12"} {
		t.Run(version, func(t *testing.T) {
			b, o := killed(t, setup{version: version, policy: mirrored("ha-sync-mode", "automatic")})
			if o.lost != 0 || o.gap > 2*sim.Second || o.acked < 4900 {
				b.dump()
				t.Errorf("%d lost, %d acked, gap %v", o.lost, o.acked, o.gap)
			}
			for _, m := range b.c.Metrics() {
				if m.Name == "elections" && m.Value != 1 || m.Name == "promoted_unsynced" && m.Value != 0 {
					t.Errorf("%s is %d", m.Name, m.Value)
				}
			}
		})
	}
}

// The mirrors joined after the backlog was there and were never synchronised.
func TestUnsyncedMirror(t *testing.T) {
	for _, promote := range []string{"always", "when-synced"} {
		t.Run(promote, func(t *testing.T) {
			b, o := killed(t, setup{version: "3.12", backlog: 2000, drain: true, at: "n2", then: func(b *bench) {
				b.do("set-policy", "name", "ha", "pattern", ".*", "definition.ha-mode", "all", "definition.ha-promote-on-failure", promote)
				b.w.K.Run(b.w.Now() + 2*sim.Second)
			}})
			switch promote {
			case "always":
				if o.lost != 2000 || o.gap > 2*sim.Second {
					b.dump()
					t.Errorf("%d lost, gap %v", o.lost, o.gap)
				}
			default:
				if o.lost != 0 || o.gap < 8*sim.Second {
					b.dump()
					t.Errorf("%d lost, gap %v", o.lost, o.gap)
				}
			}
		})
	}
}

// The master is cut from the other nodes: the minority pauses, the others go on, nothing is lost.
func TestMinorityPauses(t *testing.T) {
	s := setup{seed: 5, version: "3.12", rate: 200, producers: 2, duration: 50 * sim.Second, policy: mirrored("ha-sync-mode", "automatic"),
		broker: entries("net_ticktime", "10", "cluster_partition_handling", "pause_minority")}
	b := newBench(t, s)
	b.at(5 * sim.Second)
	n1, others := sim.NewHostSet(b.w.HostNamed("n1")), sim.NewHostSet(b.w.HostNamed("n2"), b.w.HostNamed("n3"))
	cuts := []*sim.Rule{{From: n1, To: others, Cut: true}, {From: others, To: n1, Cut: true}}
	for _, r := range cuts {
		b.w.Net.Add(r)
	}
	b.at(30 * sim.Second)
	for _, r := range cuts {
		b.w.Net.RemoveRule(r)
	}
	o := b.finish(s.duration)
	if o.lost != 0 || o.gap < 9*sim.Second || o.gap > 18*sim.Second {
		b.dump()
		t.Errorf("%d lost, gap %v", o.lost, o.gap)
	}
}

// Equal seeds give equal runs.
func TestDeterministic(t *testing.T) {
	run := func() uint64 {
		b, _ := killed(t, setup{version: "3.10", parts: 2, consumers: 2, policy: mirrored("ha-sync-mode", "automatic")})
		return b.w.K.Digest()
	}
	if a, b := run(), run(); a != b {
		t.Errorf("digests %x and %x", a, b)
	}
}

// BenchmarkMessage is the cost of one message of 1 KiB, confirmed, consumed and acknowledged, at 500
// messages a second.
func BenchmarkMessage(b *testing.B) {
	for _, c := range []struct {
		name   string
		policy models.Settings
	}{{"classic", nil}, {"mirrored", mirrored("ha-sync-mode", "automatic")}} {
		b.Run(c.name, func(b *testing.B) {
			span := sim.Time(b.N) * 2 * sim.Millisecond
			x := newBench(b, setup{seed: 1, version: "3.12", rate: 500, producers: 2, duration: span, size: 1024, policy: c.policy})
			events := x.w.K.Events()
			b.ReportAllocs()
			b.ResetTimer()
			x.at(span)
			b.StopTimer()
			b.ReportMetric(float64(x.w.K.Events()-events)/float64(b.N), "events/msg")
		})
	}
}
