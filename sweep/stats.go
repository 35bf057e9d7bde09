package sweep

import (
	"math"
	"slices"

	"github.com/mqsim/mqsim/result"
)

// Distribution is one metric over the runs of one system.
type Distribution struct {
	Metric string        `json:"metric"`
	N      int           `json:"n"`
	Never  int           `json:"never,omitempty"` // runs in which it never ended; above every other value
	Min    result.Number `json:"min"`
	P50    result.Number `json:"p50"`
	P90    result.Number `json:"p90"`
	P99    result.Number `json:"p99"`
	Max    result.Number `json:"max"`

	values []result.Number // sorted
}

// Share is a probability estimated from runs: K of N, with its 95 % confidence interval in percent.
type Share struct {
	K    int           `json:"k"`
	N    int           `json:"n"`
	Low  result.Number `json:"low"`
	High result.Number `json:"high"`
}

// Percent is the estimate itself.
func (s Share) Percent() result.Number { return result.Percent(int64(s.K), int64(max(1, s.N))) }

// share computes the interval: Wilson's score interval (1927); where nothing happened in any run, the rule of
// three (Hanley, Lippman-Hand 1983): at most 3/n.
func share(k, n int) Share {
	s := Share{K: k, N: n, High: result.Int(100)}
	switch {
	case n == 0:
		return s
	case k == 0:
		s.High = result.Percent(3, int64(n))
		if s.High > result.Int(100) {
			s.High = result.Int(100)
		}
		return s
	case k == n:
		s.Low = result.Int(100) - min(result.Int(100), result.Percent(3, int64(n)))
		return s
	}
	const z = 1.959963984540054
	// Each product is rounded by itself: a fused multiplication would make the digits depend on the machine.
	p, m := float64(k)/float64(n), float64(n)
	zz := float64(z * z)
	scale := 1 + float64(zz/m)
	middle := float64(p+float64(zz/float64(2*m))) / scale
	inner := float64(float64(p*(1-p))/m) + float64(zz/float64(float64(4*m)*m))
	half := float64(z*math.Sqrt(inner)) / scale
	percent := func(x float64) result.Number { return result.Percent(int64(math.Round(x*1e8)), 100_000_000) }
	s.Low, s.High = percent(middle-half), percent(middle+half)
	return s
}

// distributionOf gives the quantiles by nearest rank, so that each is a value that occurred.
func distributionOf(metric string, values []result.Number) Distribution {
	slices.SortFunc(values, result.Number.Cmp)
	d := Distribution{Metric: metric, N: len(values), values: values}
	for _, v := range values {
		if v.IsNever() {
			d.Never++
		}
	}
	at := func(percent int) result.Number {
		rank := (percent*len(values) + 99) / 100
		return values[max(1, rank)-1]
	}
	d.Min, d.P50, d.P90, d.P99, d.Max = values[0], at(50), at(90), at(99), values[len(values)-1]
	return d
}

// shown are the metrics whose distribution is reported, where a model has them.
var shown = []string{"lost", "stranded", "duplicates", "reordered", "skipped", "unknown", "write_outage", "read_outage", "failover", "rpo"}

// Column is all runs of one system of one scenario; of drawn schedules, all runs of one model.
type Column struct {
	Scenario      string         `json:"scenario"`
	System        string         `json:"system"`
	Model         string         `json:"model"`
	Runs          int            `json:"runs"`
	Invalid       int            `json:"invalid"`
	Failed        int            `json:"failed"`
	Checked       int            `json:"checked"`
	Events        uint64         `json:"events"`
	Loss          Share          `json:"loss"`      // runs in which an acknowledged message was lost
	Violation     Share          `json:"violation"` // runs with a violation of a promise
	Distributions []Distribution `json:"distributions"`
	Anomalies     []Tally        `json:"anomalies"`
	// Unreached are causes that some run's configuration would have excused and that no run showed.
	Unreached []string `json:"unreached,omitempty"`
}

// Tally counts runs and messages of one kind of anomaly.
type Tally struct {
	Group
	Runs  int    `json:"runs"`
	First uint64 `json:"first_seed"`
}

// Summary is the report of a sweep.
type Summary struct {
	Schema   string    `json:"schema"`
	Version  string    `json:"version"`
	What     string    `json:"what"`
	Random   bool      `json:"random,omitempty"`
	Complete bool      `json:"complete"`
	Columns  []*Column `json:"columns"`
	Findings []Finding `json:"findings"`
}

// Finding is one kind of thing that may not happen, with the runs that showed it.
type Finding struct {
	Class   string   `json:"class"`
	Model   string   `json:"model"`
	Runs    int      `json:"runs"`
	System  string   `json:"system"` // of the first run
	Name    string   `json:"scenario"`
	Seeds   []uint64 `json:"seeds"` // the first ten
	Example string   `json:"example"`
}

// SummarySchema is the schema of a summary's JSON.
const SummarySchema = "mqsim.sweep-summary/v1"

// Summarize computes the statistics. lines must be sorted. Drawn schedules are grouped by model.
func Summarize(h Header, lines []Line, random, complete bool) *Summary {
	s := &Summary{Schema: SummarySchema, Version: h.Version, What: h.What, Random: random, Complete: complete, Columns: []*Column{}, Findings: []Finding{}}
	type tally struct {
		col    *Column
		values map[string][]result.Number
		excuse []string
	}
	byKey := map[string]*tally{}
	var order []*tally
	for i := range lines {
		l := &lines[i]
		key := l.Scenario + "\x00" + l.System
		if random {
			key = l.Model
		}
		t := byKey[key]
		if t == nil {
			t = &tally{col: &Column{Scenario: l.Scenario, System: l.System, Model: l.Model, Anomalies: []Tally{}}, values: map[string][]result.Number{}}
			if random {
				t.col.Scenario, t.col.System = "random", l.Model
			}
			byKey[key] = t
			order = append(order, t)
		}
		t.col.count(l)
		for _, name := range shown {
			if v, ok := l.Metrics[name]; ok && l.Panic == "" {
				t.values[name] = append(t.values[name], v)
			}
		}
		for _, p := range l.Promises {
			if !slices.Contains(t.excuse, p) {
				t.excuse = append(t.excuse, p)
			}
		}
		s.find(l)
	}
	for _, t := range order {
		t.col.finish(t.values, t.excuse)
		s.Columns = append(s.Columns, t.col)
	}
	return s
}

func (c *Column) count(l *Line) {
	c.Runs++
	c.Events += l.Events
	if l.Checked {
		c.Checked++
	}
	switch l.Verdict {
	case result.Invalid:
		c.Invalid++
	case result.Fail:
		c.Failed++
	}
	if l.Panic == "" {
		c.Loss.N++
		c.Violation.N++
		if l.Metrics["lost"] > 0 {
			c.Loss.K++
		}
		if slices.ContainsFunc(l.Anomalies, func(a Group) bool { return a.Class == result.Violation }) {
			c.Violation.K++
		}
	}
	for _, a := range l.Anomalies {
		i := slices.IndexFunc(c.Anomalies, func(t Tally) bool { return t.Cause == a.Cause && t.Class == a.Class && t.By == a.By })
		if i < 0 {
			i = len(c.Anomalies)
			c.Anomalies = append(c.Anomalies, Tally{Group: Group{a.Cause, a.Class, a.By, 0}, First: l.Seed})
		}
		c.Anomalies[i].Runs++
		c.Anomalies[i].Count += a.Count
	}
}

func (c *Column) finish(values map[string][]result.Number, excuse []string) {
	c.Loss, c.Violation = share(c.Loss.K, c.Loss.N), share(c.Violation.K, c.Violation.N)
	c.Distributions = []Distribution{}
	for _, name := range shown {
		if len(values[name]) > 0 {
			c.Distributions = append(c.Distributions, distributionOf(name, values[name]))
		}
	}
	slices.SortStableFunc(c.Anomalies, func(a, b Tally) int { return classRank(a.Class) - classRank(b.Class) })
	for _, p := range excuse {
		if !slices.ContainsFunc(c.Anomalies, func(t Tally) bool { return t.Cause == p }) {
			c.Unreached = append(c.Unreached, p)
		}
	}
	slices.Sort(c.Unreached)
}

func classRank(c result.Class) int {
	return slices.Index([]result.Class{result.Violation, result.Known, result.Allowed}, c)
}

// find adds what may not happen in a run to the findings.
func (s *Summary) find(l *Line) {
	for _, class := range l.Classes() {
		i := slices.IndexFunc(s.Findings, func(f Finding) bool { return f.Class == class && f.Model == l.Model })
		if i < 0 {
			i = len(s.Findings)
			s.Findings = append(s.Findings, Finding{Class: class, Model: l.Model, System: l.System, Name: l.Scenario, Example: l.example(class)})
		}
		f := &s.Findings[i]
		f.Runs++
		if len(f.Seeds) < 10 {
			f.Seeds = append(f.Seeds, l.Seed)
		}
	}
}

// example is the detail behind a class.
func (l *Line) example(class string) string {
	switch {
	case class == "internal-error":
		return l.Panic
	case has(class, "invariant "):
		for _, b := range l.Broken {
			if "invariant "+before(b, ":") == class {
				return b
			}
		}
	case class == "stuck" || has(class, "invalid "):
		for _, why := range l.Invalid {
			if class == "stuck" && has(why, "converge") || "invalid "+before(why, ":") == class {
				return why
			}
		}
	}
	return ""
}

// Worst is the verdict that decides the exit code: failed expectations count only for written scenarios.
func (s *Summary) Worst() result.Verdict {
	worst := result.Pass
	for _, f := range s.Findings {
		if has(f.Class, "invariant ") || has(f.Class, "invalid ") || f.Class == "internal-error" {
			return result.Invalid
		}
		worst = result.Fail
	}
	for _, c := range s.Columns {
		if c.Failed > 0 {
			worst = result.Fail
		}
	}
	return worst
}
