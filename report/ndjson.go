package report

import (
	"encoding/json"
	"io"
	"slices"

	"github.com/mqsim/mqsim/result"
)

var ndjsonFormat = Format{
	Name: "ndjson",
	Doc:  result.Text{En: "one JSON object a line, in order of virtual time: what happened, checks, metrics", Zh: "每行一个 JSON 对象，按虚拟时间排列：事件、检查与指标"},
	Render: func(w io.Writer, f *result.File, _ Options) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		for _, r := range f.Results {
			for _, l := range linesOf(r) {
				if err := e.Encode(l); err != nil {
					return err
				}
			}
		}
		return nil
	},
}

// record is one line. Action is one of run, fault-start, fault-end, operation, outage, event, loss,
// anomaly, invalid, broken, pass, fail, verdict; t is virtual time, null for what is never.
type record struct {
	T        result.Number `json:"t"`
	Action   string        `json:"action"`
	Scenario string        `json:"scenario"`
	System   string        `json:"system"`
	Seed     uint64        `json:"seed"`

	Host     string              `json:"host,omitempty"`
	Kind     string              `json:"kind,omitempty"`
	Text     string              `json:"text,omitempty"`
	Fault    *result.Fault       `json:"fault,omitempty"`
	Command  *result.Operation   `json:"operation,omitempty"`
	Outage   *result.Outage      `json:"outage,omitempty"`
	Loss     *result.Loss        `json:"loss,omitempty"`
	Check    *result.Expectation `json:"expectation,omitempty"`
	Verdict  result.Verdict      `json:"verdict,omitempty"`
	Model    string              `json:"model,omitempty"`
	Digest   string              `json:"digest,omitempty"`
	Metrics  result.Metrics      `json:"metrics,omitempty"`
	Hash     string              `json:"trace_hash,omitempty"`
	Config   *result.Config      `json:"config,omitempty"`
	Workload *result.Load        `json:"load,omitempty"`
}

// linesOf is a run as lines: its head, what happened in order of time, what was found, its verdict.
func linesOf(r *result.Result) []record {
	line := func(t result.Number, action string) record {
		return record{T: t, Action: action, Scenario: r.Scenario, System: r.System, Seed: r.Seed}
	}
	var during []record
	for i := range r.Faults {
		f := &r.Faults[i]
		begin, end := line(f.From, "fault-start"), line(f.To, "fault-end")
		begin.Fault, end.Fault = f, f
		during = append(during, begin, end)
	}
	for i := range r.Operations {
		l := line(r.Operations[i].At, "operation")
		l.Command = &r.Operations[i]
		during = append(during, l)
	}
	for i := range r.Outages {
		l := line(r.Outages[i].From, "outage")
		l.Outage = &r.Outages[i]
		during = append(during, l)
	}
	for _, e := range r.Events {
		l := line(e.T, "event")
		l.Host, l.Kind, l.Text = e.Host, e.Kind, e.Text
		during = append(during, l)
	}
	slices.SortStableFunc(during, func(a, b record) int { return a.T.Cmp(b.T) })
	head := line(0, "run")
	head.Model, head.Digest, head.Config, head.Workload = r.Model, r.Digest, &r.Config, &r.Load
	return append(append([]record{head}, during...), findingsOf(r, line)...)
}

func findingsOf(r *result.Result, line func(result.Number, string) record) (out []record) {
	for i := range r.Losses {
		l := line(r.Ended, "loss")
		l.Loss = &r.Losses[i]
		out = append(out, l)
	}
	for i := range r.Anomalies {
		l := line(r.Ended, "anomaly")
		l.Loss = &r.Anomalies[i]
		out = append(out, l)
	}
	for _, why := range r.Invalid {
		l := line(r.Ended, "invalid")
		l.Text = why
		out = append(out, l)
	}
	for _, b := range r.Broken {
		l := line(b.T, "broken")
		l.Kind, l.Text = b.Invariant, b.Detail
		out = append(out, l)
	}
	for i := range r.Expectations {
		action := "fail"
		if r.Expectations[i].Pass {
			action = "pass"
		}
		l := line(r.Ended, action)
		l.Check = &r.Expectations[i]
		out = append(out, l)
	}
	last := line(r.Ended, "verdict")
	last.Verdict, last.Metrics, last.Hash = r.Verdict, r.Metrics, r.TraceHash
	return append(out, last)
}
