package runner

import (
	"fmt"
	"slices"
	"sync"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/scenarios"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

const (
	setupLimit  = 300 * sim.Second      // not ready by then: INVALID
	setupStep   = 50 * sim.Millisecond  // how often readiness is asked
	settleLimit = 5 * 60 * sim.Second   // after the drain, for convergence
	settleStep  = 500 * sim.Millisecond // how often it is asked
)

// execution is one run of one system with one seed, from an empty world to the audit.
type execution struct {
	sc   *scenarios.Scenario
	sys  *scenarios.System
	seed uint64
	load workload.Spec
	how  manner

	w       *sim.World
	cluster models.Cluster
	driver  *workload.Driver
	inject  *faults.Injector

	origin   sim.Time // t = 0 in the world's clock
	ended    sim.Time // end of the drain
	notReady string
	stuck    string
	atStart  counters
	atEnd    counters
}

// counters are what the world has counted at a moment.
type counters struct {
	network, replication, disk, fsyncs int64
	busyCPU, busyNIC, busyDisk         []sim.Time // by server host
}

// memory are the arenas of runs that are over. Fresh memory costs page faults: some tens of MiB a run.
var memory sync.Pool

// release gives the world's bytes to a later run. Nothing of the world may be read afterwards.
func (x *execution) release() {
	old := new(sim.Arena)
	old.Reuse(&x.w.Arena)
	memory.Put(old)
}

// manner is how runs differ from ordinary ones: see Options. The zero value is an ordinary run.
type manner struct {
	random  bool
	shuffle bool
	mutate  []string
}

// execute runs a system. watch is nil for a first run, else the messages whose biography is wanted.
// dataDir "" keeps files in memory.
func execute(sc *scenarios.Scenario, sys *scenarios.System, seed uint64, dataDir string, watch []sim.MsgID) (*execution, error) {
	return executeAs(manner{}, sc, sys, seed, dataDir, watch)
}

func executeAs(how manner, sc *scenarios.Scenario, sys *scenarios.System, seed uint64, dataDir string, watch []sim.MsgID) (*execution, error) {
	x := &execution{sc: sc, sys: sys, seed: seed, how: how}
	x.w = sim.NewWorld(seed, sc.Hardware.NetSpec())
	if how.shuffle {
		x.w.K.ShuffleTies(sim.NewRand(seed, "ties"))
	}
	for _, m := range how.mutate {
		x.w.Mutate(m)
	}
	if old, ok := memory.Get().(*sim.Arena); ok {
		x.w.Arena.Reuse(old)
	}
	x.w.K.Fold(seed)
	x.w.DataDir = dataDir
	if watch != nil {
		x.w.Watch(watch)
	}
	x.load = sc.Workload(sys)
	cfg := sc.Config(sys)
	if sc.Hardware.SharedCPU {
		cfg.Host.CPU = sim.NewCPU(sc.Hardware.Cores)
	}
	var err error
	if x.cluster, err = modelNamed(sys.Model).Build(x.w, cfg); err != nil {
		return nil, fmt.Errorf("%s, system %s: %w", sc.Name, sys.Name, err)
	}
	x.driver = workload.NewDriver(x.w, x.cluster, cfg, &x.load)
	x.inject = faults.New(x.w, x.cluster, sys.System, sc.Faults, append(slices.Clone(sc.Setup), sc.Operations...))
	x.inject.Rate = x.driver.SetRate
	if x.setup() {
		x.run()
	}
	x.driver.Finish()
	x.inject.Finish()
	x.audit()
	return x, x.w.CloseDisks()
}

// setup brings the system to t = 0: hosts boot, topics are declared, backlogs are sent, the setup
// list is done, clients connect.
func (x *execution) setup() bool {
	x.cluster.Start()
	setup := x.inject.Setup()
	phases := []struct {
		begin func()
		ready func() (bool, string)
	}{
		{func() {}, x.cluster.Ready},
		{x.driver.StartBacklogs, x.driver.BacklogsDone},
		{setup.Start, setup.Done},
		{x.driver.StartClients, x.driver.ClientsReady},
	}
	for _, p := range phases {
		p.begin()
		for {
			ok, why := p.ready()
			if ok {
				break
			}
			if x.w.Now() >= setupLimit {
				x.notReady = fmt.Sprintf("after %s of setup: %s", setupLimit, why)
				return false
			}
			x.w.K.Run(x.w.Now() + setupStep)
		}
	}
	return true
}

// run goes from t = 0 through heal and drain to convergence.
func (x *execution) run() {
	x.origin = x.w.Now()
	x.atStart = x.count()
	if m, ok := x.cluster.(models.Marker); ok {
		m.Mark()
	}
	x.inject.Schedule(x.origin, x.load.Duration)
	x.driver.StartLoad()
	x.w.K.Run(x.origin + x.load.Duration)
	x.atEnd = x.count()
	x.inject.Heal()
	x.driver.EndLoad()
	x.drain()
	x.ended = x.w.Now()
	x.settle()
}

// drain waits until no send is open and every acked message was received, or until nobody has heard
// anything for the quiet time, or until the limit.
func (x *execution) drain() {
	limit := x.w.Now() + x.load.Drain.Limit
	for !x.driver.Drained() {
		until := min(limit, x.driver.LastAnswer()+x.load.Drain.Quiet)
		if x.w.Now() >= until {
			return
		}
		x.w.K.RunUntil(until, x.driver.Drained)
	}
}

// settle gives the healed cluster time to converge; what does not is reported as stuck.
func (x *execution) settle() {
	limit := x.w.Now() + settleLimit
	for {
		ok, why := x.cluster.Settled()
		if ok {
			return
		}
		if x.w.Now() >= limit {
			x.stuck = why
			return
		}
		x.w.K.Run(x.w.Now() + settleStep)
	}
}

// audit reads once what the system would serve and, when something is missing, scans every disk.
func (x *execution) audit() {
	h := x.driver.History()
	x.cluster.Serve(func(stream int, partition int32, offset int64, body []byte) {
		id, ok := sim.BodyID(body)
		h.AuditRead(stream, partition, offset, id, ok)
	})
	if len(h.Lost()) == 0 {
		return
	}
	for _, host := range x.cluster.Servers() {
		x.cluster.Scan(host, func(body []byte) {
			if id, ok := sim.BodyID(body); ok {
				h.Scanned(id)
			}
		})
	}
}

func (x *execution) count() counters {
	c := counters{network: x.w.Net.Bytes, replication: x.w.Net.ServerBytes}
	for _, h := range x.cluster.Servers() {
		var busy sim.Time
		for _, d := range h.Disks {
			c.disk += int64(d.Stats.Written)
			c.fsyncs += int64(d.Stats.Syncs)
			busy = max(busy, d.Stats.Busy)
		}
		c.busyDisk = append(c.busyDisk, busy)
		c.busyCPU = append(c.busyCPU, h.CPU.Busy()/sim.Time(h.CPU.Cores()))
		c.busyNIC = append(c.busyNIC, h.NICBusy())
	}
	return c
}

// busiest is the share of the load's duration, in millionths of a percent, that the busiest host worked.
func busiest(from, to []sim.Time, span sim.Time) int64 {
	worst := sim.Time(0)
	for i := range to {
		if i < len(from) {
			worst = max(worst, to[i]-from[i])
		}
	}
	return int64(worst/sim.Microsecond) * 100 * 1_000_000 / max(1, int64(span/sim.Microsecond))
}

// hash is the run's trace hash: every event, every domain event, every byte that a disk took.
func (x *execution) hash() string { return fmt.Sprintf("%016x", x.w.K.Digest()) }
