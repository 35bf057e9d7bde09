package runner

import (
	"context"
	"fmt"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/scenarios"
	"github.com/mqsim/mqsim/sim"
)

// WhatIf runs the same systems with the same seeds in two configurations, before and after a change, and
// compares each pair: the first event at which they part, and the metrics that differ.
func WhatIf(ctx context.Context, before, after *scenarios.Scenario, opt Options, change []string) (*result.WhatIf, error) {
	out := &result.WhatIf{Schema: result.WhatIfSchema, Version: result.Version, Scenario: before.Name, Change: change, Pairs: []result.WhatIfPair{}}
	seeds := opt.Seeds
	if len(seeds) == 0 {
		seeds = []uint64{before.Seed}
	}
	for _, sys := range before.Systems {
		if len(opt.Systems) > 0 && !contains(opt.Systems, sys.Name) {
			continue
		}
		changed := after.System(sys.Name)
		if after.Digest(sys.Name) == before.Digest(sys.Name) {
			continue // the change does not concern this system
		}
		for _, seed := range seeds {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			pair, err := compareRuns(job{before, sys, seed, 0}, job{after, changed, seed, 0})
			if err != nil {
				return nil, err
			}
			out.Pairs = append(out.Pairs, *pair)
		}
	}
	if len(out.Pairs) == 0 {
		return nil, &InputError{fmt.Errorf("the change concerns none of the selected systems: nothing would differ")}
	}
	return out, nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func compareRuns(a, b job) (*result.WhatIfPair, error) {
	x, err := execute(a.sc, a.sys, a.seed, "", nil)
	if err != nil {
		return nil, err
	}
	first, err := x.judge("")
	if err != nil {
		return nil, err
	}
	y, err := execute(b.sc, b.sys, b.seed, "", nil)
	if err != nil {
		return nil, err
	}
	second, err := y.judge("")
	if err != nil {
		return nil, err
	}
	check([]job{a}, []*judged{first}, 1)
	check([]job{b}, []*judged{second}, 1)
	pair := &result.WhatIfPair{System: a.sys.Name, Seed: a.seed, Before: first.res.Verdict, After: second.res.Verdict, Changes: []result.Change{}}
	for key, value := range second.res.Config.Set { //mqsim:unordered put into a map
		if first.res.Config.Set[key] != value {
			if pair.Settings == nil {
				pair.Settings = map[string]string{}
			}
			pair.Settings[key] = value
		}
	}
	pair.FirstEvent = parting(x, y)
	for _, m := range result.Table() {
		for _, name := range first.res.Metrics.Names() {
			if was, is := first.res.Metrics[name], second.res.Metrics[name]; base(name) == m.Name && was != is {
				pair.Changes = append(pair.Changes, result.Change{Metric: name, Before: was, After: is, Better: m.Better})
			}
		}
	}
	return pair, nil
}

func base(name string) string {
	for i := range name {
		if name[i] == '.' {
			return name[:i]
		}
	}
	return name
}

// parting is the first domain event after t = 0 at which two runs differ: the one that happens in only
// one of them, or earlier in one. nil if all are equal (only numbers differ).
func parting(x, y *execution) *result.Parting {
	a, b := during(x), during(y)
	for i := 0; i < max(len(a), len(b)); i++ {
		switch {
		case i >= len(a):
			return &result.Parting{After: eventOf(y, b[i])}
		case i >= len(b):
			return &result.Parting{Before: eventOf(x, a[i])}
		case !sameEvent(x, y, a[i], b[i]):
			return &result.Parting{Before: eventOf(x, a[i]), After: eventOf(y, b[i])}
		}
	}
	return nil
}

func during(x *execution) (out []sim.DomainEvent) {
	for _, e := range x.w.Trace.Events {
		if e.At >= x.origin && e.At <= x.ended {
			out = append(out, e)
		}
	}
	return out
}

// sameTime is how far apart events of two runs may be to count as one: another size of a request shifts
// everything by microseconds.
const sameTime = 10 * sim.Millisecond

func sameEvent(x, y *execution, a, b sim.DomainEvent) bool {
	apart := (a.At - x.origin) - (b.At - y.origin)
	return apart < sameTime && apart > -sameTime && a.Kind == b.Kind && a.Part == b.Part && hostName(a.Host) == hostName(b.Host)
}

func hostName(h *sim.Host) string {
	if h == nil {
		return ""
	}
	return h.Name
}

func eventOf(x *execution, e sim.DomainEvent) *result.Event {
	text := e.Text
	if e.Part != "" {
		text = e.Part + ": " + text
	}
	return &result.Event{T: x.seconds(e.At), Host: hostName(e.Host), Kind: e.Kind, Text: text}
}
