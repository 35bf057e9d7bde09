package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/verdict"
	"github.com/mqsim/mqsim/verdict/autopsy"
	"github.com/mqsim/mqsim/workload"
)

// judged is a run with its judgement, before expectations that look at other systems are checked.
type judged struct {
	res      *result.Result
	judge    *verdict.Judgement
	findings []autopsy.Finding
	first    *execution
}

// judge runs a system and, if messages are lost, runs it again with their watch list (law 8).
func (x *execution) judge(dataDir string) (*judged, error) {
	out := &judged{first: x}
	in := x.input()
	if lost := x.driver.History().Lost(); len(lost) > 0 {
		again, err := executeAs(x.how, x.sc, x.sys, x.seed, "", lost)
		if err != nil {
			return nil, err
		}
		if again.hash() != x.hash() {
			x.w.Violate("watched-run", fmt.Sprintf("the watched run ended with trace hash %s instead of %s", again.hash(), x.hash()))
		}
		out.findings = autopsy.Explain(lost, again.w.Notes(), autopsy.Takeovers(again.w.Trace.Events), x.partOf)
		again.release()
		in.Causes = verdict.Causes{}
		for _, f := range out.findings {
			in.Causes[f.ID] = f.Cause
		}
	}
	in.Broken = x.w.Trace.ViolationCount > 0
	out.judge = verdict.Judge(in)
	out.res = x.result()
	out.judge.Fill(out.res)
	x.stories(out.res, out.findings)
	x.explainOutages(out.res)
	x.explain(out.res)
	return out, nil
}

// input is what the judge gets to see.
func (x *execution) input() *verdict.Input {
	load := &x.load
	span := load.Duration
	in := &verdict.Input{
		History: x.driver.History(), Warmup: load.Warmup, Duration: load.Duration, Ended: x.ended - x.origin,
		Random:          x.how.random,
		OutageThreshold: load.OutageThreshold, SLO: load.SLO, NotReady: x.notReady,
		Promises: x.cluster.Promises(), Model: x.cluster.Metrics(), Own: x.sys.Table.Metrics,
		Counters: verdict.Counters{
			NetworkBytes:     x.atEnd.network - x.atStart.network,
			ReplicationBytes: x.atEnd.replication - x.atStart.replication,
			DiskBytes:        x.atEnd.disk - x.atStart.disk,
			Fsyncs:           x.atEnd.fsyncs - x.atStart.fsyncs,
			BusyCPU:          busiest(x.atStart.busyCPU, x.atEnd.busyCPU, span),
			BusyNIC:          busiest(x.atStart.busyNIC, x.atEnd.busyNIC, span),
			BusyDisk:         busiest(x.atStart.busyDisk, x.atEnd.busyDisk, span),
		},
	}
	if x.notReady == "" {
		in.Invalid = append(in.Invalid, x.inject.Unfired()...)
	}
	for _, f := range x.inject.Windows {
		in.Faults = append(in.Faults, x.window(f))
		switch {
		case f.Operation && !f.Answered:
			in.Invalid = append(in.Invalid, fmt.Sprintf("operation %s (%s) was never answered", f.Name, f.Action))
		case f.Operation && f.OK == f.MustFail:
			in.Invalid = append(in.Invalid, fmt.Sprintf("operation %s (%s): %s", f.Name, f.Action, f.Text))
		}
	}
	if x.stuck != "" && !slices.ContainsFunc(in.Promises, func(p models.Promise) bool { return p.Cause == "stuck" }) && !x.permanent() {
		in.Invalid = append(in.Invalid, "the healed cluster did not converge: "+x.stuck)
	}
	return in
}

func (x *execution) permanent() bool {
	return slices.ContainsFunc(x.inject.Windows, func(w *faults.Window) bool { return w.Permanent })
}

func (x *execution) window(f *faults.Window) verdict.FaultWindow {
	v := verdict.FaultWindow{
		Name: f.Name, Action: f.Action, Hosts: f.Hosts, From: f.From - x.origin, To: workload.Never,
		TookHold: f.TookHold, Healed: f.Healed, Absorbed: f.Absorbed, Permanent: f.Permanent, Touched: f.Touched, Note: f.Text,
	}
	if f.Operation {
		v.Kind = verdict.Operation
	}
	if f.To >= 0 {
		v.To = f.To - x.origin
	}
	return v
}

// result is everything of a result that is not the judge's.
func (x *execution) result() *result.Result {
	r := &result.Result{
		Scenario: x.sc.Name, System: x.sys.Name, Model: x.sys.Model, Seed: x.seed, Digest: x.sc.Digest(x.sys.Name),
		Config: result.Config{Set: map[string]string{}, Defaults: map[string]string{}},
		Load:   loadOf(x.sys.Streams), EventsTotal: x.w.K.Events(), Stuck: x.stuck, Fidelity: x.cluster.Fidelity(), TraceHash: x.hash(),
	}
	x.sys.Set.Visit(func(set *models.Setting, text string, written bool) {
		key := set.Name
		if set.Section != models.Topology {
			key = set.Section.String() + "." + key
		}
		if written {
			r.Config.Set[key] = text
		} else {
			r.Config.Defaults[key] = text
		}
	})
	for _, v := range x.w.Trace.Violations {
		r.Broken = append(r.Broken, result.Broken{Invariant: v.Invariant, Detail: v.Detail, T: x.seconds(v.At), Step: v.Step})
	}
	x.roles(r)
	x.events(r)
	for _, f := range x.inject.Windows {
		if f.Operation {
			r.Operations = append(r.Operations, result.Operation{Do: f.Action, Hosts: f.Hosts, At: x.seconds(f.From), OK: f.OK, Answer: f.Text})
		}
	}
	return r
}

// seconds is a moment of the world relative to t = 0.
func (x *execution) seconds(t sim.Time) result.Number { return result.Seconds(int64(t - x.origin)) }

// roles turns role changes into spans from t = 0 to the end of the drain.
func (x *execution) roles(r *result.Result) {
	r.Roles = []result.Role{}
	changes := x.w.Trace.Roles
	for _, h := range x.w.Hosts {
		role, since := "", x.origin
		flush := func(until sim.Time) {
			if role != "" && until > since && until > x.origin {
				r.Roles = append(r.Roles, result.Role{Host: h.Name, From: x.seconds(since), To: x.seconds(until), Role: role})
			}
		}
		for _, c := range changes {
			if c.Host != h || c.At > x.ended {
				continue
			}
			flush(c.At)
			role, since = c.Role, max(c.At, x.origin)
		}
		flush(x.ended)
	}
}

func (x *execution) events(r *result.Result) {
	r.Events = []result.Event{}
	for _, e := range x.w.Trace.Events {
		if e.At < x.origin || e.At > x.ended || strings.HasPrefix(e.Part, "__") {
			continue // internal topics (__consumer_offsets) would crowd out everything else
		}
		if len(r.Events) == result.MaxEvents {
			r.EventsOmitted++
			continue
		}
		ev := result.Event{T: x.seconds(e.At), Kind: e.Kind, Text: e.Text}
		if e.Host != nil {
			ev.Host = e.Host.Name
		}
		if e.Part != "" {
			ev.Text = e.Part + ": " + e.Text
		}
		r.Events = append(r.Events, ev)
	}
}

// partOf names the partition that the producer of a message was told, "" if it was told none.
func (x *execution) partOf(id sim.MsgID) string {
	h := x.driver.History()
	if s := h.Send(id); s != nil && s.Part != workload.NoPart {
		return h.Parts()[s.Part].Name
	}
	return ""
}

func loadOf(streams []models.Stream) result.Load {
	load := result.Load{Streams: len(streams)}
	for i, s := range streams {
		if i == 0 {
			load.MessageSize = int64(s.MessageSize)
		}
		load.Partitions += s.Partitions
		for _, p := range s.Producers {
			load.Producers += p.Count
		}
		for _, c := range s.Consumers {
			load.Consumers += c.Count
		}
	}
	return load
}
