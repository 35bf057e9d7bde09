package report

import (
	"slices"

	"github.com/mqsim/mqsim/result"
)

// section is one scenario of a file: all its systems with all their seeds.
type section struct {
	result.Scenario
	seeds   []uint64
	systems []*system
}

// system is one system of a scenario.
type system struct {
	name string
	runs []*result.Result // by seed
}

// sections sorts the results by scenario and system, each in order of first appearance.
func sections(f *result.File) []*section {
	var out []*section
	for _, r := range f.Results {
		i := slices.IndexFunc(out, func(s *section) bool { return s.Name == r.Scenario })
		if i < 0 {
			i = len(out)
			out = append(out, &section{Scenario: f.ScenarioNamed(r.Scenario)})
		}
		out[i].add(r)
	}
	for _, s := range out {
		slices.Sort(s.seeds)
		for _, y := range s.systems {
			slices.SortStableFunc(y.runs, func(a, b *result.Result) int {
				if a.Seed < b.Seed {
					return -1
				}
				return int(min(a.Seed-b.Seed, 1))
			})
		}
	}
	return out
}

func (s *section) add(r *result.Result) {
	if !slices.Contains(s.seeds, r.Seed) {
		s.seeds = append(s.seeds, r.Seed)
	}
	for _, y := range s.systems {
		if y.name == r.System {
			y.runs = append(y.runs, r)
			return
		}
	}
	s.systems = append(s.systems, &system{name: r.System, runs: []*result.Result{r}})
}

// valid are the runs that prove something; only these are counted anywhere.
func (y *system) valid() []*result.Result {
	return slices.DeleteFunc(slices.Clone(y.runs), func(r *result.Result) bool {
		return r.Verdict == result.Invalid || len(r.Broken) > 0
	})
}

// stat is a metric over the seeds of a system.
type stat struct {
	n                int // runs that have the metric
	median, min, max result.Number
}

// stat collects one metric of the valid runs.
func (y *system) stat(name string) stat {
	var all []result.Number
	for _, r := range y.valid() {
		if v, ok := r.Metrics[name]; ok {
			all = append(all, v)
		}
	}
	return statOf(all)
}

// statOf takes the lower of the two middle values as median: a value that some run had.
func statOf(all []result.Number) stat {
	if len(all) == 0 {
		return stat{}
	}
	slices.SortFunc(all, result.Number.Cmp)
	return stat{n: len(all), median: all[(len(all)-1)/2], min: all[0], max: all[len(all)-1]}
}

func (s stat) spread() bool { return s.n > 1 && s.min != s.max }

// lostShare is lost/acked of each valid run in percent.
func (y *system) lostShare() stat {
	var all []result.Number
	for _, r := range y.valid() {
		lost, acked := r.Metrics["lost"], r.Metrics["acked"]
		if share := result.Percent(int64(lost), int64(acked)); !lost.IsNever() && !acked.IsNever() && !share.IsNever() {
			all = append(all, share)
		}
	}
	return statOf(all)
}

// longest is the full outage of a kind ("write", "read") that lasted longest; false if there is none.
func longest(r *result.Result, kind string) (result.Outage, bool) {
	var found result.Outage
	ok := false
	for _, o := range r.Outages {
		if o.Kind == kind && o.Scope == "full" && (!ok || o.To-o.From > found.To-found.From) {
			found, ok = o, true
		}
	}
	return found, ok
}
