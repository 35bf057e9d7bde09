package sweep

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mqsim/mqsim/result"
)

// Line is what a sweep keeps of one run.
type Line struct {
	Scenario  string         `json:"scenario"`
	System    string         `json:"system"`
	Model     string         `json:"model"`
	Seed      uint64         `json:"seed"`
	Digest    string         `json:"digest,omitempty"`
	Verdict   result.Verdict `json:"verdict"`
	Invalid   []string       `json:"invalid,omitempty"`
	Broken    []string       `json:"broken,omitempty"` // invariant: detail
	Stuck     string         `json:"stuck,omitempty"`
	Panic     string         `json:"panic,omitempty"` // the internal error that ended the run
	Failed    []string       `json:"failed,omitempty"`
	Metrics   result.Metrics `json:"metrics"`
	Anomalies []Group        `json:"anomalies,omitempty"` // losses and other anomalies
	Promises  []string       `json:"promises,omitempty"`  // causes that the configuration would excuse
	Events    uint64         `json:"events"`
	Checked   bool           `json:"checked,omitempty"` // run twice and compared
	TraceHash string         `json:"trace_hash,omitempty"`
}

// Group counts anomalies of one kind.
type Group struct {
	Cause string       `json:"cause"`
	Class result.Class `json:"class"`
	By    string       `json:"by,omitempty"`
	Count int64        `json:"count"`
}

func lineOf(r *result.Result, checked bool) Line {
	l := Line{Scenario: r.Scenario, System: r.System, Model: r.Model, Seed: r.Seed, Digest: r.Digest, Verdict: r.Verdict, Invalid: r.Invalid,
		Stuck: r.Stuck, Metrics: r.Metrics, Events: r.EventsTotal, TraceHash: r.TraceHash, Checked: checked}
	for _, b := range r.Broken {
		l.Broken = append(l.Broken, b.Invariant+": "+b.Detail)
	}
	for _, list := range [][]result.Loss{r.Losses, r.Anomalies} {
		for _, a := range list {
			l.Anomalies = append(l.Anomalies, Group{a.Cause, a.Class, a.By, a.Count})
		}
	}
	for _, p := range r.Promises {
		if p.Class != result.Violation && !slices.Contains(l.Promises, p.Cause) {
			l.Promises = append(l.Promises, p.Cause)
		}
	}
	for _, e := range r.Expectations {
		if !e.Pass {
			l.Failed = append(l.Failed, fmt.Sprintf("%s, was %s", e.Check, e.Actual))
		}
	}
	return l
}

// Sort puts lines into the order of scenario, system, seed.
func Sort(lines []Line) {
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.System, b.System), cmp.Compare(a.Seed, b.Seed))
	})
}

// Classes names what is wrong in a run, one word for each kind, the worst first: what a finding is about.
// Only what may not happen under the configuration counts.
func (l *Line) Classes() (out []string) {
	add := func(word string) {
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	if l.Panic != "" {
		add("internal-error")
	}
	for _, b := range l.Broken {
		add("invariant " + before(b, ":"))
	}
	for _, a := range l.Anomalies {
		if a.Class == result.Violation {
			add("violation " + a.Cause)
		}
	}
	for _, why := range l.Invalid {
		switch {
		case has(why, "did not converge"):
			add("stuck")
		default:
			add("invalid " + before(why, ":"))
		}
	}
	return out
}

// Known names the anomalies that a setting allows or that are known of the version, each with what excuses it.
func (l *Line) Known(class result.Class) (out []string) {
	for _, a := range l.Anomalies {
		if a.Class == class {
			out = append(out, a.Cause+" ("+a.By+")")
		}
	}
	return out
}
