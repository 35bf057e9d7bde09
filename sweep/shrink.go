package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/runner"
	"github.com/mqsim/mqsim/scenarios"
)

// Shrunk is a finding made as small as it got.
type Shrunk struct {
	Plan   *Plan
	Class  string
	Runs   int // that it took
	Was    int // faults before
	Result *result.Result
	Line   Line
	Story  string // one sentence
	// Reproduced: mqsim run of the file shows the class.
	Reproduced bool
}

// shrinker tries smaller plans while the class persists.
type shrinker struct {
	ctx    context.Context
	opt    Options
	class  string
	best   *Plan
	random bool
	runs   int
	budget int
}

// Shrink makes a plan smaller as long as a run of it shows the same class: fewer faults, fewer messages and
// clients, an earlier end, fewer settings, shorter and rounder faults. budget bounds the runs. The result is checked
// as mqsim run runs it.
func Shrink(ctx context.Context, p *Plan, class string, opt Options, budget int) (*Shrunk, error) {
	if opt.Run == nil {
		opt.Run = runner.Run
	}
	s := &shrinker{ctx: ctx, opt: opt, class: class, best: p, budget: budget}
	out := &Shrunk{Class: class, Was: len(p.Faults)}
	// As a written scenario a fault on something dead makes a run INVALID; that is fine as long as the class is there.
	if ok, err := s.shows(p); err != nil {
		return nil, err
	} else if !ok {
		s.random = true
	}
	for changed := true; changed && s.runs < s.budget; {
		changed = false
		for _, pass := range []func(*shrinker) (bool, error){dropFaults, endEarlier, lessLoad, fewerSettings, simplerFaults} {
			better, err := pass(s)
			if err != nil {
				return nil, err
			}
			changed = changed || better
		}
	}
	out.Plan, out.Runs = s.best, s.runs
	f, err := s.run(s.best)
	if err != nil {
		return nil, err
	}
	out.Line = f.line
	out.Result = f.result
	out.Reproduced = !s.random && slices.Contains(f.line.Classes(), class)
	out.Story = story(out)
	return out, nil
}

type outcomeOf struct {
	line   Line
	result *result.Result
}

func (s *shrinker) run(p *Plan) (outcomeOf, error) {
	sc, err := p.Scenario()
	if err != nil {
		return outcomeOf{}, err
	}
	s.runs++
	var kept *result.Result
	opt := s.opt
	opt.Run = func(ctx context.Context, o runner.Options) (*result.File, error) {
		f, err := s.opt.Run(ctx, o)
		if err == nil && len(f.Results) == 1 {
			kept = f.Results[0]
		}
		return f, err
	}
	lines, err := runUnit(s.ctx, Unit{Scenario: sc, Seed: p.Seed, Random: s.random}, opt, strings.Contains(s.class, "determinism"))
	if err != nil {
		return outcomeOf{}, err
	}
	return outcomeOf{lines[0], kept}, nil
}

// shows says whether a plan shows the class; a plan that does not load does not.
func (s *shrinker) shows(p *Plan) (bool, error) {
	o, err := s.run(p)
	var problems scenarios.Problems
	switch {
	case errors.As(err, &problems):
		return false, nil
	case err != nil:
		return false, err
	}
	return slices.Contains(o.line.Classes(), s.class), nil
}

// try keeps what change makes of the best plan if the class persists.
func (s *shrinker) try(change func(p *Plan)) (bool, error) {
	if s.runs >= s.budget {
		return false, nil
	}
	p := s.best.clone()
	change(p)
	if p.YAML() == s.best.YAML() {
		return false, nil
	}
	ok, err := s.shows(p)
	if ok {
		s.best = p
	}
	return ok, err
}

func dropFaults(s *shrinker) (changed bool, err error) {
	if len(s.best.Faults) > 3 { // halves first
		half := len(s.best.Faults) / 2
		for _, keep := range [][2]int{{0, half}, {half, len(s.best.Faults)}} {
			ok, err := s.try(func(p *Plan) { p.Faults = p.Faults[keep[0]:keep[1]] })
			if err != nil || ok {
				return ok, err
			}
		}
	}
	for i := len(s.best.Faults) - 1; i >= 0; i-- {
		ok, err := s.try(func(p *Plan) { p.Faults = slices.Delete(p.Faults, i, i+1) })
		if err != nil {
			return changed, err
		}
		changed = changed || ok
	}
	return changed, nil
}

func endEarlier(s *shrinker) (changed bool, err error) {
	last := int64(0)
	for i := range s.best.Faults {
		last = max(last, s.best.Faults[i].end())
	}
	for _, at := range []int64{last + 1000, last + 5000, last + 10_000} {
		at = (at + 999) / 1000 * 1000
		if at < s.best.Duration {
			ok, err := s.try(func(p *Plan) { p.Duration = at })
			if err != nil || ok {
				return ok, err
			}
		}
	}
	return false, nil
}

func lessLoad(s *shrinker) (changed bool, err error) {
	if s.best.Hardware != "" {
		ok, err := s.try(func(p *Plan) { p.Hardware = "" })
		if err != nil {
			return changed, err
		}
		changed = changed || ok
	}
	for i, pair := range s.best.Load {
		least := "1"
		switch pair.Key {
		case "messageSize":
			least = "100B"
		case "producerRate":
			least = "10"
			if n, err := strconv.Atoi(pair.Value); err == nil && n > 20 {
				ok, err := s.try(func(p *Plan) { p.Load[i].Value = strconv.Itoa(n / 2) })
				if err != nil {
					return changed, err
				}
				changed = changed || ok
				continue
			}
		}
		if pair.Value != least {
			ok, err := s.try(func(p *Plan) { p.Load[i].Value = least })
			if err != nil {
				return changed, err
			}
			changed = changed || ok
		}
	}
	return changed, nil
}

func fewerSettings(s *shrinker) (changed bool, err error) {
	for i := len(s.best.Settings) - 1; i >= 0; i-- {
		set := s.best.Settings[i]
		if set.Section == "" {
			if n, err := strconv.Atoi(set.Value); err == nil && n > 1 {
				ok, err := s.try(func(p *Plan) { p.Settings[i].Value = strconv.Itoa(n - 1) })
				if err != nil {
					return changed, err
				}
				changed = changed || ok
			}
			continue
		}
		ok, err := s.try(func(p *Plan) { p.Settings = slices.Delete(p.Settings, i, i+1) })
		if err != nil {
			return changed, err
		}
		changed = changed || ok
	}
	return changed, nil
}

func simplerFaults(s *shrinker) (changed bool, err error) {
	note := func(ok bool, e error) bool {
		changed = changed || ok
		if e != nil {
			err = e
		}
		return e == nil
	}
	for i := range s.best.Faults {
		if n := s.best.Faults[i].Length; n > 500 && !note(s.try(func(p *Plan) { p.Faults[i].Length = n / 2 })) {
			return changed, err
		}
		for _, unit := range []int64{1000, 100} {
			if !note(s.try(func(p *Plan) {
				f := &p.Faults[i]
				f.At, f.Length = (f.At+unit/2)/unit*unit, max(unit, (f.Length+unit/2)/unit*unit)
			})) {
				return changed, err
			}
		}
		for k := len(s.best.Faults[i].Keys) - 1; k > 0; k-- { // the first says where and stays
			if !note(s.try(func(p *Plan) { p.Faults[i].Keys = slices.Delete(p.Faults[i].Keys, k, k+1) })) {
				return changed, err
			}
		}
	}
	return changed, nil
}

// story says in one sentence what happened.
func story(s *Shrunk) string {
	var told []string
	if s.Result != nil {
		for _, f := range s.Result.Faults {
			told = append(told, fmt.Sprintf("%s of %s at %s s for %s s", f.Action, strings.Join(f.Hosts, "+"), f.From, s.Plan.lengthOf(f.Name)))
		}
	}
	what := s.Class
	if s.Result != nil {
		for _, list := range [][]result.Loss{s.Result.Losses, s.Result.Anomalies} {
			for _, l := range list {
				if l.Class == result.Violation && "violation "+l.Cause == s.Class {
					what = fmt.Sprintf("%d messages are %q and no setting allows it (such as %s)", l.Count, l.Cause, strings.Join(l.Examples, ", "))
				}
			}
		}
	}
	if detail := s.Line.example(s.Class); detail != "" {
		what = s.Class + " (" + detail + ")"
	}
	if len(told) == 0 {
		return what + " without any fault."
	}
	return what + " after " + strings.Join(told, ", then ") + "."
}

func (p *Plan) lengthOf(name string) string {
	i, err := strconv.Atoi(strings.TrimPrefix(name, "f"))
	if err != nil || i < 1 || i > len(p.Faults) {
		return "?"
	}
	return result.Seconds(p.Faults[i-1].Length * 1_000_000).String()
}

// File is the scenario file of a finding: story, class and autopsy above, then what mqsim run takes.
func (s *Shrunk) File() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Found by: mqsim sweep --random --model %s --seeds %d; %d of %d faults are left after %d runs.\n", s.Plan.Model, s.Plan.Seed, len(s.Plan.Faults), s.Was, s.Runs)
	fmt.Fprintf(&b, "# class: %s\n# story: %s\n", s.Class, strings.ReplaceAll(s.Story, "\n", " "))
	if !s.Reproduced {
		b.WriteString("# A fault of this schedule hits something that is down already: mqsim run calls it INVALID beside showing the class.\n")
	}
	if s.Result != nil {
		for _, l := range s.Result.Losses {
			for i, step := range l.Story {
				if i == 0 {
					fmt.Fprintf(&b, "# autopsy of %s (%s):\n", strings.Join(l.Examples[:1], ""), l.Cause)
				}
				fmt.Fprintf(&b, "#   %s s  %s  %s  %s\n", step.T, step.Host, step.What, step.Detail)
			}
		}
	}
	return b.String() + s.Plan.YAML()
}
