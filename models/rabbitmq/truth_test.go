package rabbitmq_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq"
	"github.com/mqsim/mqsim/scenarios"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

var truthSeeds = flag.Int("truth-seeds", 0, "seeds of the comparison with measured figures; 0: 20 if it is asked for by name, else 1")

// measured is one queue of one case of testdata/truth/rabbitmq-3.10.json.
type measured struct {
	Case, Queue, Fault string
	Config             struct{ Text string }
	Metrics            map[string]figure
}

type figure struct{ Median, Min, Max float64 }

// truthRun is a scenario that has run with one seed, up to the end of its drain.
type truthRun struct {
	sc     *scenarios.Scenario
	h      *workload.History
	fault  sim.Time // start and end of the first fault; 0: there is none
	healed sim.Time
	n2n    int64 // bytes between nodes during the load
}

// playTruth runs a scenario as the runner does, and keeps its history instead of a judgement.
func playTruth(t *testing.T, path string, seed uint64) *truthRun {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sc, problems := scenarios.Load(path, src)
	if sc == nil {
		t.Fatalf("%s: %v", path, problems)
	}
	sys := sc.Systems[0]
	w := sim.NewWorld(seed, sc.Hardware.NetSpec())
	cfg := sc.Config(sys)
	if sc.Hardware.SharedCPU {
		cfg.Host.CPU = sim.NewCPU(sc.Hardware.Cores)
	}
	c, err := rabbitmq.Model{}.Build(w, cfg)
	if err != nil {
		t.Fatal(err)
	}
	load := sc.Workload(sys)
	d := workload.NewDriver(w, c, cfg, &load)
	in := faults.New(w, c, sys.System, sc.Faults, append(slices.Clone(sc.Setup), sc.Operations...))
	until := func(limit sim.Time, ready func() (bool, string)) {
		for {
			ok, why := ready()
			if ok {
				return
			}
			if w.Now() >= limit {
				t.Fatalf("%s, seed %d: %s", path, seed, why)
			}
			w.K.Run(w.Now() + 50*sim.Millisecond)
		}
	}
	c.Start()
	setup := in.Setup()
	until(300*sim.Second, c.Ready)
	d.StartBacklogs()
	until(300*sim.Second, d.BacklogsDone)
	setup.Start()
	until(300*sim.Second, setup.Done)
	d.StartClients()
	until(300*sim.Second, d.ClientsReady)

	origin, before := w.Now(), w.Net.ServerBytes
	c.(models.Marker).Mark()
	in.Schedule(origin, load.Duration)
	d.StartLoad()
	w.K.Run(origin + load.Duration)
	r := &truthRun{sc: sc, h: d.History(), n2n: w.Net.ServerBytes - before}
	in.Heal()
	d.EndLoad()
	limit := w.Now() + load.Drain.Limit
	for !d.Drained() && w.Now() < min(limit, d.LastAnswer()+load.Drain.Quiet) {
		w.K.RunUntil(min(limit, d.LastAnswer()+load.Drain.Quiet), d.Drained)
	}
	d.Finish()
	for _, f := range in.Windows {
		if !f.Operation && r.fault == 0 {
			r.fault, r.healed = f.From-origin, f.To-origin
		}
	}
	for _, v := range w.Trace.Violations {
		t.Errorf("%s, seed %d: %s", path, seed, v)
	}
	return r
}

// figures computes what the measured client wrote down for one queue.
func (r *truthRun) figures(queue string) map[string]float64 {
	m := map[string]float64{}
	stream := slices.IndexFunc(r.h.Streams, func(s workload.StreamInfo) bool { return s.Name == queue })
	var merged []sim.Time
	rank := 0
	for p, info := range r.h.Producers {
		if info.Stream != stream {
			continue
		}
		var acks []sim.Time
		for seq := range r.h.Sends(p) {
			s := &r.h.Sends(p)[seq]
			r.count(m, s, r.h.ReceivedByAny(sim.NewMsgID(uint32(p), uint32(seq))))
			if s.Outcome() == models.Acked {
				acks = append(acks, s.Done)
			}
		}
		merged = append(merged, acks...)
		if rank++; !r.backlog(p) {
			m[fmt.Sprintf("publishOutageP%d", rank)] = r.outage(acks)
		}
	}
	m["publishOutageMerged"] = r.outage(merged)
	r.deliveries(m, stream)
	if m["confirmed"] > 0 {
		m["n2nPerMsg"] = float64(r.n2n) / m["confirmed"]
	}
	return m
}

func (r *truthRun) backlog(p int) bool {
	return len(r.h.Sends(p)) > 0 && r.h.Sends(p)[0].Backlog()
}

func (r *truthRun) count(m map[string]float64, s *workload.Send, received bool) {
	m["attempted"]++
	switch {
	case s.Returned():
		m["returned"]++
	case s.Outcome() == models.Acked:
		m["confirmed"]++
		if received {
			return
		}
		m["loss"]++
		if s.Backlog() {
			m["backlogLoss"]++
		}
		switch {
		case s.Done < r.fault:
			m["lossConfirmedBefore"]++
		case s.Done < r.phaseEnd():
			m["lossConfirmedDuring"]++
		default:
			m["lossConfirmedAfter"]++
		}
	case s.Nacked():
		m["nacked"]++
	default:
		m["unknown"]++
		if received {
			m["unknownReceived"]++
		}
	}
}

// phaseEnd is where the measured phase "during" ends: at the heal of a cut, 5 s after the start of a
// killed node.
func (r *truthRun) phaseEnd() sim.Time {
	if len(r.sc.Faults) == 0 {
		return r.sc.Duration
	}
	if r.sc.Faults[0].Action == "kill" {
		return r.healed + 5*sim.Second
	}
	return r.healed
}

// outage is the longest interval without events that ends after the fault began; the measuring client
// kept those of 0.15 s and more.
func (r *truthRun) outage(at []sim.Time) float64 {
	slices.Sort(at)
	longest := sim.Time(0)
	for i := 1; i < len(at); i++ {
		if at[i] > r.fault {
			longest = max(longest, at[i]-at[i-1])
		}
	}
	if longest < 150*sim.Millisecond {
		return 0
	}
	return float64(longest) / float64(sim.Second)
}

func (r *truthRun) deliveries(m map[string]float64, stream int) {
	var live []sim.Time
	last := map[uint32]uint32{}
	for i := range r.h.Deliveries {
		d := &r.h.Deliveries[i]
		if r.h.Consumers[d.Consumer].Stream != stream {
			continue
		}
		if d.Flags&workload.Redelivered != 0 {
			m["redelivered"]++
		}
		if d.Flags&workload.FirstOfAll == 0 {
			m["duplicates"]++
		} else if p, seq := d.ID.Producer(), d.ID.Seq(); seq+1 < last[p] {
			m["reordered"]++
		} else {
			last[p] = seq + 1
		}
		if d.At < r.sc.Duration {
			live = append(live, d.At)
		}
	}
	m["consumeOutage"] = r.outage(live)
}

// What is compared, and how: by range, or only whether it is 0.
var (
	truthDurations = []string{"publishOutageP1", "publishOutageP2", "publishOutageMerged", "consumeOutage"}
	truthCounts    = []string{"attempted", "confirmed", "nacked", "unknown", "returned", "loss", "lossConfirmedBefore",
		"lossConfirmedDuring", "lossConfirmedAfter", "backlogLoss", "duplicates"}
	truthVerdicts = []string{"redelivered", "reordered", "unknownReceived"}
)

// truthMiss are the figures in which the model is known to differ from what was measured, with the reason.
var truthMiss = map[string]string{
	"A c.p unknownReceived":                 "a publish is between its write and its confirm for a tenth of the time, so some seed in ten has one; three real runs had none",
	"C ma.c unknownReceived":                busyMachine,
	"C ma.cb unknownReceived":               busyMachine,
	"F-pause_minority ma.g unknownReceived": busyMachine,
}

// busyMachine: these count what is stored and not yet confirmed at the moment of the fault, which is the
// publish rate times the confirm latency. Latencies of the measured machine do not carry over.
const busyMachine = "three nodes and the client shared two cores: confirms took 10 to 27 ms there, half a millisecond here"

// TestTruth holds the model to the figures of a real cluster. For each queue of each case: a measured
// maximum of 0 of what must not be lost is 0 with every seed, a measured minimum above 0 is above 0, and
// in nine of ten seeds every figure lies in the measured range, widened by a quarter of its median or by
// 0.6 s, 20 messages or what is sent in 0.1 s.
func TestTruth(t *testing.T) {
	var file struct{ Cases []measured }
	b, err := os.ReadFile("testdata/truth/rabbitmq-3.10.json")
	if err == nil {
		err = json.Unmarshal(b, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	seeds := *truthSeeds
	if seeds == 0 {
		if seeds = 1; strings.Contains(flag.Lookup("test.run").Value.String(), "Truth") {
			seeds = 20
		}
	}
	runs := map[string][]*truthRun{}
	good, all := 0, 0
	for _, c := range file.Cases {
		path := "testdata/truth/" + c.Case + ".yaml"
		if _, err := os.Stat(path); err != nil {
			t.Logf("%s %s: no scenario", c.Case, c.Queue)
			continue
		}
		for seed := len(runs[c.Case]) + 1; seed <= seeds; seed++ {
			runs[c.Case] = append(runs[c.Case], playTruth(t, path, uint64(seed)))
		}
		if !slices.ContainsFunc(runs[c.Case][0].h.Streams, func(s workload.StreamInfo) bool { return s.Name == c.Queue }) {
			t.Logf("%s %s: no such queue in the scenario", c.Case, c.Queue)
			continue
		}
		t.Run(c.Case+"/"+c.Queue, func(t *testing.T) {
			g, a := holdTo(t, &c, runs[c.Case])
			good, all = good+g, all+a
		})
	}
	t.Logf("%d of %d figures hold", good, all)
}

// holdTo compares one queue of one case and counts the figures that hold.
func holdTo(t *testing.T, c *measured, runs []*truthRun) (good, all int) {
	t.Logf("%s; %s", c.Config.Text, c.Fault)
	var sim []map[string]float64
	for _, r := range runs {
		sim = append(sim, r.figures(c.Queue))
	}
	rate := 0.0
	for _, s := range runs[0].sc.Systems[0].Streams {
		for _, p := range s.Producers {
			if s.Name == c.Queue {
				rate += float64(p.Rate[0].Milli) / 1000
			}
		}
	}
	names := slices.Concat(truthDurations, truthCounts, truthVerdicts)
	if strings.HasPrefix(c.Case, "I-") {
		names = []string{"n2nPerMsg"}
	}
	for _, name := range names {
		f, ok := c.Metrics[name]
		if !ok {
			continue
		}
		all++
		values := make([]float64, len(sim))
		for i := range sim {
			values[i] = sim[i][name]
		}
		held, why := f.holds(name, rate, values)
		slices.SortFunc(values, cmp.Compare)
		line := fmt.Sprintf("%-20s measured %9.6g (%g..%g)  simulated %9.6g (%g..%g)", name, f.Median, f.Min, f.Max,
			values[len(values)/2], values[0], values[len(values)-1])
		known := truthMiss[c.Case+" "+c.Queue+" "+name]
		switch {
		case held:
			good++
			t.Log(line)
		case known != "":
			t.Logf("%s  MISS %s: %s", line, why, known)
		default:
			t.Errorf("%s  %s", line, why)
		}
	}
	return good, all
}

// holds applies the rule to one figure over all seeds.
func (f figure) holds(name string, rate float64, values []float64) (bool, string) {
	strict := slices.Contains([]string{"loss", "backlogLoss", "returned"}, name)
	verdict := slices.Contains(truthVerdicts, name)
	slack := 0.0
	switch {
	case name == "n2nPerMsg":
		return f.near(values, f.Median/4+1, 1)
	case slices.Contains(truthDurations, name):
		slack = max(f.Median/4, 0.6)
	default:
		slack = max(f.Median/4, 20, rate/10)
	}
	if strict || verdict {
		wrong := 0
		for _, v := range values {
			if f.Max == 0 && v > 0 || f.Min > 0 && v == 0 {
				wrong++
			}
		}
		if strict && wrong > 0 || wrong*10 > len(values) {
			return false, fmt.Sprintf("zero or not differs in %d of %d seeds", wrong, len(values))
		}
		if verdict {
			return true, ""
		}
	}
	return f.near(values, slack, 10)
}

// near says whether all but one in tenth of the values lie in the range, widened by slack.
func (f figure) near(values []float64, slack float64, tenth int) (bool, string) {
	out := 0
	for _, v := range values {
		if v < f.Min-slack || v > f.Max+slack {
			out++
		}
	}
	if tenth == 1 && out > 0 || out*tenth > len(values) {
		return false, fmt.Sprintf("%d of %d seeds outside %g..%g", out, len(values), f.Min-slack, f.Max+slack)
	}
	return true, ""
}
