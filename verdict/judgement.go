package verdict

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
)

// Judgement is the verdict on one run, before and after its expectations were checked.
type Judgement struct {
	in       *Input
	f        *facts
	found    *findings
	all      gaugeInput // of the whole run
	metrics  result.Metrics
	byPeriod map[[2]string]result.Metrics // by during and after
	invalid  []string
}

// Judge measures a run and classifies what went wrong. The history must be closed.
func Judge(in *Input) *Judgement {
	j := &Judgement{in: in, f: newFacts(in), byPeriod: map[[2]string]result.Metrics{}, invalid: in.invalid()}
	j.found = j.f.find()
	j.all = gaugeInput{facts: j.f, found: j.found, writes: j.f.writes(nil), reads: j.f.reads(nil)}
	j.metrics = j.all.measure(&selection{})
	j.wholeRun()
	return j
}

// wholeRun adds the metrics that exist for a whole run only, and asserts that every message has
// ended in exactly one way.
func (j *Judgement) wholeRun() {
	m, in := j.metrics, j.in
	if sum := m["acked"] + m["rejected"] + m["unknown"]; m["attempted"] != sum {
		panic(fmt.Sprintf("verdict: attempted %v is not acked %v + rejected %v + unknown %v",
			m["attempted"], m["acked"], m["rejected"], m["unknown"]))
	}
	m["violations"] = result.Int(j.found.violations)
	worst, _ := in.failovers("", j.all.writes.full[0])
	m["failover"] = seconds(worst)
	j.lossTimes()
	var body int64
	for i := range j.f.sends {
		if s := &j.f.sends[i]; s.Outcome() == models.Acked {
			body += int64(j.f.h.Streams[s.Stream].MessageSize)
		}
	}
	c := &in.Counters
	m["network_bytes"], m["replication_bytes"] = result.Int(c.NetworkBytes), result.Int(c.ReplicationBytes)
	m["amplification"] = result.Ratio(c.ReplicationBytes, body)
	m["disk_bytes"], m["fsyncs"] = result.Int(c.DiskBytes), result.Int(c.Fsyncs)
	m["busy_cpu"], m["busy_nic"], m["busy_disk"] = result.Number(c.BusyCPU), result.Number(c.BusyNIC), result.Number(c.BusyDisk)
	for _, own := range in.Model {
		switch {
		case own.Null:
			m[own.Name] = result.Never
		case own.Unit == "s":
			m[own.Name] = result.Seconds(own.Value)
		default:
			m[own.Name] = result.Int(own.Value)
		}
	}
}

// lossTimes: rpo reaches back from the first fault to the ack of the oldest lost message, the loss
// window from there to the newest.
func (j *Judgement) lossTimes() {
	oldest, newest := never, before
	for _, i := range j.f.lostList {
		oldest, newest = min(oldest, j.f.sends[i].Done), max(newest, j.f.sends[i].Done)
	}
	if oldest == never {
		j.metrics["rpo"], j.metrics["loss_window"] = 0, 0
		return
	}
	j.metrics["loss_window"] = seconds(newest - oldest)
	j.metrics["rpo"] = result.Never // something is lost, and no fault to reach back from
	if first, ok := j.in.firstFault(); ok {
		j.metrics["rpo"] = seconds(max(0, first-oldest))
	}
}

// Metrics are the metrics of the whole run.
func (j *Judgement) Metrics() result.Metrics { return j.metrics }

// InvalidReasons say why the run proves nothing; empty if it does not.
func (j *Judgement) InvalidReasons() []string { return j.invalid }

// Value is the value of a metric, narrowed by scope and phase. Without one, the text says why; it is
// "" if the model has no such metric.
func (j *Judgement) Value(r Ref, during, after string) (result.Number, bool, string) {
	if r.Scope.Kind == "fault" {
		if r.Metric.Name == "failover" {
			v, found := j.in.failovers(r.Scope.Name, j.all.writes.full[0])
			if !found {
				return 0, false, "no fault called " + r.Scope.Name + " happened"
			}
			return seconds(v), true, ""
		}
		if during == "" {
			during = r.Scope.Name
		}
		r.Scope = Scope{}
	}
	m, why := j.measured(r, during, after)
	if why != "" {
		return 0, false, why
	}
	if v, ok := m[r.Name()]; ok {
		return v, true, ""
	}
	return 0, j.counted(r), ""
}

// counted says whether a part that does not appear is one that happened not to occur.
func (j *Judgement) counted(r Ref) bool {
	switch {
	case r.Part == "":
		return false
	case isStatus(r.Part):
		return slices.Contains(j.f.h.Statuses, r.Part)
	}
	return true
}

func (j *Judgement) measured(r Ref, during, after string) (result.Metrics, string) {
	when, why := j.in.within(during, after)
	if why != "" {
		return nil, why
	}
	if r.Scope.Name == "" {
		if when == nil {
			return j.metrics, ""
		}
		return j.phase(during, after, when), ""
	}
	sel, why := j.f.selectScope(r.Scope, when)
	if why != "" {
		return nil, why
	}
	if sel.oneGroup() && r.Metric.Scopes&ScopeDeliveries == 0 {
		return nil, r.Metric.Name + " cannot be told for consumers"
	}
	part := j.all
	part.writes, part.reads = j.f.writes(sel), j.f.reads(sel)
	return part.measure(sel), ""
}

// phase measures a phase once.
func (j *Judgement) phase(during, after string, when periods) result.Metrics {
	key := [2]string{during, after}
	m, ok := j.byPeriod[key]
	if !ok {
		m = j.all.measure(&selection{when: when})
		j.byPeriod[key] = m
	}
	return m
}

// Fill writes the judge's part of a result: all but who ran, the configuration, the timelines, and
// what Check adds.
func (j *Judgement) Fill(r *result.Result) {
	in := j.in
	r.Invalid = j.invalid
	r.Window = [2]result.Number{seconds(in.Warmup), seconds(in.Duration)}
	r.Ended = seconds(in.Ended)
	r.Metrics = j.metrics
	r.Phases = j.phases()
	r.Outages = j.outages()
	r.Losses, r.Anomalies = j.found.losses, j.found.anomalies
	for _, p := range in.Promises {
		r.Promises = append(r.Promises, result.Promise{Cause: p.Cause, Class: result.Class(p.Class.String()), By: p.By, Why: p.Why})
	}
	for i := range in.Faults {
		f := &in.Faults[i]
		if f.Kind != Fault {
			continue
		}
		r.Faults = append(r.Faults, result.Fault{
			Name: f.Name, Action: f.Action, Hosts: f.Hosts, From: seconds(f.From), To: seconds(f.To),
			TookHold: f.TookHold, Healed: f.Healed, Touched: f.Touched, Absorbed: f.Absorbed, Note: f.Note,
		})
	}
	r.Flow = j.f.flow(j.found)
	r.Series = j.f.series()
	r.Verdict = j.verdict(nil)
}

// phases measures the three phases, and single faults and operations where there are several.
func (j *Judgement) phases() result.Phases {
	out := result.Phases{}
	steady, fault, recovery := j.in.phases()
	add := func(name string, when periods) {
		if len(when.clip(before, max(j.in.Ended, j.in.Duration))) > 0 {
			out[name] = j.phase(name, "", when)
		}
	}
	add("steady", steady)
	add("fault", fault)
	add("recovery", recovery)
	var names []string
	for i := range j.in.Faults {
		if name := j.in.Faults[i].Name; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) < 2 {
		return out
	}
	for _, name := range names {
		if _, taken := out[name]; !taken {
			when, _ := j.in.named(name)
			add(name, when)
		}
	}
	return out
}

// maxPartial is how many outages of single streams a result lists: the longest.
const maxPartial = 50

// outages lists the full gaps, then, where there are several streams, those of single ones.
func (j *Judgement) outages() []result.Outage {
	edges := j.in.edges()
	var out []result.Outage
	for _, g := range j.all.writes.full[0] {
		out = append(out, outage("write", "full", g, edges))
	}
	worst := 0
	for k := range j.all.reads.full {
		if longest(j.all.reads.full[k]) > longest(j.all.reads.full[worst]) {
			worst = k
		}
	}
	for k, gaps := range j.all.reads.full {
		scope := "full"
		if k != worst {
			scope = j.f.h.Groups[j.all.reads.groups[k]].Name
		}
		for _, g := range gaps {
			out = append(out, outage("read", scope, g, edges))
		}
	}
	out = append(out, partial("write", j.all.writes, edges)...)
	return append(out, partial("read", j.all.reads, edges)...)
}

func partial(kind string, s service, edges []edge) []result.Outage {
	if len(s.streams) < 2 {
		return nil
	}
	type named struct {
		gap
		name string
	}
	var list []named
	for k, gaps := range s.streams {
		for _, g := range gaps {
			list = append(list, named{g, s.names[k]})
		}
	}
	slices.SortStableFunc(list, func(a, b named) int { return cmp.Compare(b.to-b.from, a.to-a.from) })
	list = list[:min(len(list), maxPartial)]
	slices.SortStableFunc(list, func(a, b named) int { return cmp.Compare(a.from, b.from) })
	var out []result.Outage
	for _, g := range list {
		out = append(out, outage(kind, g.name, g.gap, edges))
	}
	return out
}

// Check answers the expectations and gives the verdict. others finds the judgement of another system
// of the same scenario and seed; nil if there is none. `violations == 0` is expected of every system
// whose scenario says nothing about violations.
func (j *Judgement) Check(r *result.Result, list []Expectation, others func(system string) *Judgement) {
	lookup := func(ref Ref, during, after string) (result.Number, bool, string) {
		if ref.System == "" {
			return j.Value(ref, during, after)
		}
		other := others(ref.System)
		if other == nil {
			return 0, false, "system " + ref.System + " was not run"
		}
		ref.System = ""
		return other.Value(ref, during, after)
	}
	r.Expectations = nil
	for _, e := range withImplied(list) {
		out := e.Eval(lookup)
		if out.Skipped {
			continue
		}
		r.Expectations = append(r.Expectations, result.Expectation{
			Check: e.Check, Pass: out.Pass, Actual: out.Actual, Line: e.Line,
			During: e.During, After: e.After, Because: e.Because,
		})
	}
	r.Verdict = j.verdict(r.Expectations)
}

var noViolations = Expectation{
	Check: "violations == 0", Op: Equal, Factor: one,
	Left: Ref{Metric: MetricInfo{Name: "violations", Top: result.Never}},
}

func withImplied(list []Expectation) []Expectation {
	for _, e := range list {
		if e.Left.Metric.Name == noViolations.Left.Metric.Name {
			return list
		}
	}
	return append(slices.Clip(list), noViolations)
}

func (j *Judgement) verdict(checks []result.Expectation) result.Verdict {
	if len(j.invalid) > 0 || j.in.Broken {
		return result.Invalid
	}
	for _, c := range checks {
		if !c.Pass {
			return result.Fail
		}
	}
	return result.Pass
}
