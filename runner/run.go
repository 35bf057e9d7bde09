// Package runner turns scenarios into results: one run is a scenario, a system and a seed. Runs are
// independent of each other, so they go on in parallel; inside a run there is one thread.
package runner

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka"
	"github.com/mqsim/mqsim/models/rabbitmq"
	"github.com/mqsim/mqsim/models/rocketmq"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/scenarios"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/verdict"
)

// allModels are the brokers, in the order of reports.
var allModels = []models.Model{kafka.Model{}, rocketmq.Model{}, rabbitmq.Model{}}

func modelNamed(name string) models.Model {
	for _, m := range allModels {
		if m.Name() == name {
			return m
		}
	}
	panic("runner: the loader let an unknown model pass: " + name)
}

// job is one run.
type job struct {
	sc    *scenarios.Scenario
	sys   *scenarios.System
	seed  uint64
	group int // runs of one scenario and seed, whose expectations may look at each other
}

// Run executes the selected systems of the scenarios with every seed and judges them. Results stand
// in order of scenario, system, seed, whatever Jobs is.
func Run(ctx context.Context, opt Options) (*result.File, error) {
	if opt.DataDir != "" {
		if err := sim.PrepareDataDir(opt.DataDir); err != nil {
			return nil, &InputError{err}
		}
	}
	jobs, groups := plan(opt)
	done := make([]*judged, len(jobs))
	errs := make([]error, len(jobs))
	var next, finished atomic.Int64
	var wg sync.WaitGroup
	for range min(workers(opt.Jobs), max(1, len(jobs))) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				done[i], errs[i] = runJob(jobs[i], opt)
				if opt.Progress != nil {
					opt.Progress(int(finished.Add(1)), len(jobs), jobs[i].sc.Name+" "+jobs[i].sys.Name)
				}
			}
		}()
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	check(jobs, done, groups)
	if err := record(opt, done); err != nil {
		return nil, err
	}
	return collect(opt, jobs, done), nil
}

func workers(jobs int) int {
	if jobs <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return jobs
}

// plan lists the runs in order of scenario, seed, system; the reports' order is restored at the end.
func plan(opt Options) (jobs []job, groups int) {
	for _, sc := range opt.Scenarios {
		seeds := opt.Seeds
		if len(seeds) == 0 {
			seeds = []uint64{sc.Seed}
		}
		for _, seed := range seeds {
			for i := range sc.Systems {
				sys := sc.Systems[i]
				if len(opt.Systems) == 0 || slices.Contains(opt.Systems, sys.Name) {
					jobs = append(jobs, job{sc, sys, seed, groups})
				}
			}
			groups++
		}
	}
	return jobs, groups
}

// runJob runs and judges one job. A panic in an engine is our bug: it is reported with the line that
// reproduces it, and ends no other run.
func runJob(j job, opt Options) (out *judged, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error in %s, system %s, seed %d (please report it): %v\n%s", j.sc.Name, j.sys.Name, j.seed, r, debug.Stack())
		}
	}()
	dir := ""
	if opt.DataDir != "" {
		dir = filepath.Join(opt.DataDir, j.sc.Name, j.sys.Name, fmt.Sprint(j.seed))
		if err := sim.PrepareDataDir(dir); err != nil {
			return nil, err
		}
	}
	how := manner{random: opt.Random, shuffle: opt.ShuffleTies, mutate: opt.Mutate}
	x, err := executeAs(how, j.sc, j.sys, j.seed, dir, nil)
	if err != nil {
		return nil, err
	}
	if opt.Check {
		again, err := executeAs(how, j.sc, j.sys, j.seed, "", nil)
		if err != nil {
			return nil, err
		}
		if again.hash() != x.hash() {
			x.w.Violate("determinism", "a second run ended with trace hash "+again.hash())
		}
		again.release()
	}
	out, err = x.judge(dir)
	if err == nil && opt.Trace == nil && opt.History == nil {
		out.first = nil // the world is no longer needed
		x.release()
	}
	return out, err
}

// check evaluates the expectations of each group of runs.
func check(jobs []job, done []*judged, groups int) {
	bySystem := make([]map[string]*judged, groups)
	for i, j := range jobs {
		if bySystem[j.group] == nil {
			bySystem[j.group] = map[string]*judged{}
		}
		bySystem[j.group][j.sys.Name] = done[i]
	}
	for i, j := range jobs {
		done[i].judge.Check(done[i].res, j.sys.Expect, func(system string) *verdict.Judgement {
			if other := bySystem[j.group][system]; other != nil {
				return other.judge
			}
			return nil
		})
	}
}

// collect puts the results into the order of scenario, system, seed.
func collect(opt Options, jobs []job, done []*judged) *result.File {
	f := &result.File{Schema: result.Schema, Version: result.Version, Set: opt.Set, Results: []*result.Result{}}
	for _, sc := range opt.Scenarios {
		f.Scenarios = append(f.Scenarios, result.Scenario{Name: sc.Name, File: sc.File, Library: inLibrary(sc), Title: sc.TitleText, Lesson: sc.LessonText})
		for _, sys := range sc.Systems {
			for i, j := range jobs {
				if j.sc == sc && j.sys == sys {
					f.Results = append(f.Results, done[i].res)
				}
			}
		}
	}
	return f
}

// inLibrary says whether a scenario is an embedded one, so that its name reproduces it.
func inLibrary(sc *scenarios.Scenario) bool {
	e, _, ok := scenarios.Find(sc.Name)
	return ok && e.File == sc.File
}
