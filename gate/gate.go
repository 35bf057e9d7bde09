// Package gate compares two result files, a baseline and a new one, against budgets: the decision of a
// CI job whether a change made something worse. It looks at results only, so what was saved once can be
// compared at any time.
package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// Schema is the value of the key "schema" of a comparison in JSON.
const Schema = "mqsim.compare/v1"

// Budget is how much worse a metric may get.
type Budget struct {
	Metric string
	// Percent of the baseline's value; meaningless with Absolute.
	Percent result.Number
	// Absolute: no share, but this much in the metric's own unit.
	Absolute bool
	Amount   result.Number
}

// exact are metrics of which any rise is a regression: what is lost or wrong has no budget.
var exact = []string{"lost", "stranded", "skipped", "duplicates", "reordered", "phantom", "corrupted", "violations", "split_brain", "promoted_unsynced"}

// relative are metrics that may get worse by a share.
var relative = []string{"write_outage", "read_outage", "write_outage_partial", "read_outage_partial", "write_unavailable", "read_unavailable",
	"failover", "rpo", "write_served", "read_served", "throughput", "delivered_rate", "p50", "p99", "p999", "e2e_p50", "e2e_p99", "e2e_p999",
	"network_bytes", "replication_bytes", "amplification", "disk_bytes", "fsyncs"}

// Budgets are the defaults, times and rates by percent, with the given ones instead of or beside them.
func Budgets(percent result.Number, own []Budget) []Budget {
	var out []Budget
	for _, name := range exact {
		out = append(out, Budget{Metric: name, Absolute: true})
	}
	for _, name := range relative {
		out = append(out, Budget{Metric: name, Percent: percent})
	}
	for _, b := range own {
		if i := slices.IndexFunc(out, func(o Budget) bool { return o.Metric == b.Metric }); i >= 0 {
			out[i] = b
		} else {
			out = append(out, b)
		}
	}
	return out
}

// ParseBudget reads METRIC=5% or METRIC=3 (in the metric's unit).
func ParseBudget(text string) (Budget, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return Budget{}, fmt.Errorf("budget %q: want METRIC=5%% or METRIC=3", text)
	}
	m, known := result.LookupMetric(name)
	if !known {
		return Budget{}, fmt.Errorf("budget %q: no metric %q", text, name)
	}
	if m.Better == 0 {
		return Budget{}, fmt.Errorf("budget %q: of %s neither more nor less is better", text, name)
	}
	number, percent := strings.CutSuffix(value, "%")
	n, err := result.ParseNumber(number)
	if err != nil || n.IsNever() || n < 0 {
		return Budget{}, fmt.Errorf("budget %q: %q is no amount", text, value)
	}
	return Budget{Metric: name, Percent: n, Absolute: !percent, Amount: n}, nil
}

func (b Budget) String() string {
	if b.Absolute {
		return b.Amount.String()
	}
	return b.Percent.String() + "%"
}

// Class is what became of a value.
type Class string

// The classes of a change, worst first.
const (
	Regression  Class = "regression"
	Improvement Class = "improvement"
	Within      Class = "within" // worse, but within its budget
)

// Row is one value that changed.
type Row struct {
	Scenario string        `json:"scenario"`
	System   string        `json:"system"`
	Seed     uint64        `json:"seed"`
	Metric   string        `json:"metric"`
	Base     result.Number `json:"base"`
	New      result.Number `json:"new"`
	// Percent is the change as a share of the baseline's value; null if that was 0 or never.
	Percent result.Number `json:"percent"`
	Budget  string        `json:"budget"`
	Class   Class         `json:"class"`
}

// Run names one run.
type Run struct {
	Scenario string `json:"scenario"`
	System   string `json:"system"`
	Seed     uint64 `json:"seed"`
	Why      string `json:"why,omitempty"`
}

func (r Run) String() string { return fmt.Sprintf("%s %s seed %d", r.Scenario, r.System, r.Seed) }

// Comparison is the outcome.
type Comparison struct {
	Schema string `json:"schema"`
	// Verdict is ok, regression or incomparable.
	Verdict string `json:"verdict"`
	Base    string `json:"base_version"`
	New     string `json:"new_version"`
	// Runs is how many runs stand in both files, Same how many of them are equal event for event.
	Runs int   `json:"runs"`
	Same int   `json:"same"`
	Rows []Row `json:"rows"`
	// Failed are runs whose verdict got worse, Missing those that only the baseline has (both are
	// regressions), Added those that only the new file has, Incomparable those of another scenario digest.
	Failed       []Run `json:"failed"`
	Missing      []Run `json:"missing"`
	Added        []Run `json:"added"`
	Incomparable []Run `json:"incomparable"`
}

// Compare puts the runs of two files beside each other.
func Compare(base, now *result.File, budgets []Budget) *Comparison {
	c := &Comparison{Schema: Schema, Base: base.Version, New: now.Version, Rows: []Row{}, Failed: []Run{}, Missing: []Run{}, Added: []Run{}, Incomparable: []Run{}}
	for _, b := range base.Results {
		run := Run{Scenario: b.Scenario, System: b.System, Seed: b.Seed}
		n := find(now, b)
		switch {
		case n == nil:
			c.Missing = append(c.Missing, run)
		case n.Digest != b.Digest:
			run.Why = "the scenarios differ: " + short(b.Digest) + " and " + short(n.Digest)
			c.Incomparable = append(c.Incomparable, run)
		default:
			c.Runs++
			c.pair(run, b, n, budgets)
		}
	}
	for _, n := range now.Results {
		if find(base, n) == nil {
			c.Added = append(c.Added, Run{Scenario: n.Scenario, System: n.System, Seed: n.Seed})
		}
	}
	c.Verdict = c.verdict()
	return c
}

func (c *Comparison) verdict() string {
	if len(c.Incomparable) > 0 {
		return "incomparable"
	}
	if len(c.Failed)+len(c.Missing) > 0 || slices.ContainsFunc(c.Rows, func(r Row) bool { return r.Class == Regression }) {
		return "regression"
	}
	return "ok"
}

func find(f *result.File, like *result.Result) *result.Result {
	for _, r := range f.Results {
		if r.Scenario == like.Scenario && r.System == like.System && r.Seed == like.Seed {
			return r
		}
	}
	return nil
}

func short(digest string) string { return digest[:min(len(digest), 8)] }

var severity = map[result.Verdict]int{result.Pass: 0, result.Fail: 1, result.Invalid: 2}

// pair compares one run of both files.
func (c *Comparison) pair(run Run, b, n *result.Result, budgets []Budget) {
	if severity[n.Verdict] > severity[b.Verdict] {
		run.Why = fmt.Sprintf("%s became %s%s", b.Verdict, n.Verdict, firstFailure(n))
		c.Failed = append(c.Failed, run)
	}
	if b.TraceHash == n.TraceHash && b.TraceHash != "" {
		c.Same++
		return
	}
	for _, budget := range budgets {
		was, had := b.Metrics[budget.Metric]
		is, has := n.Metrics[budget.Metric]
		if !had || !has || was == is {
			continue
		}
		c.Rows = append(c.Rows, Row{Scenario: b.Scenario, System: b.System, Seed: b.Seed, Metric: budget.Metric, Base: was, New: is,
			Percent: changeOf(was, is), Budget: budget.String(), Class: classOf(budget, was, is)})
	}
}

func firstFailure(r *result.Result) string {
	for _, why := range r.Invalid {
		return ": " + why
	}
	for _, e := range r.Expectations {
		if !e.Pass {
			return ": " + e.Check + " was " + e.Actual
		}
	}
	return ""
}

func changeOf(was, is result.Number) result.Number {
	if was.IsNever() || is.IsNever() || was == 0 {
		return result.Never
	}
	return result.Percent(int64(is-was), int64(was))
}

func classOf(b Budget, was, is result.Number) Class {
	m, _ := result.LookupMetric(b.Metric)
	worse := is.Cmp(was) > 0
	if m.Better > 0 {
		worse = !worse
	}
	if !worse {
		return Improvement
	}
	if was.IsNever() || is.IsNever() {
		return Regression
	}
	rise := is - was
	if rise < 0 {
		rise = -rise
	}
	allowed := b.Amount
	if !b.Absolute {
		allowed = result.Ratio(int64(was), int64(result.Int(100))) // of one percent
		allowed = result.Number(int64(allowed) * int64(b.Percent) / int64(result.Int(1)))
	}
	if rise <= allowed {
		return Within
	}
	return Regression
}
