// Package sweep turns one run into a distribution: the same scenario over many seeds, or schedules that
// are themselves drawn from the seed; statistics over the runs; and the smallest schedule that still fails.
//
// Every run is one line of JSON. The lines of a file may stand in any order and the file may end in the
// middle of a line: what is done is never done again, and reports sort first, so that neither the number
// of workers nor a killed process shows in a result.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/runner"
	"github.com/mqsim/mqsim/scenarios"
)

// Unit is one scenario with one seed: all its systems run, and their expectations may look at each other.
type Unit struct {
	Scenario *scenarios.Scenario
	Seed     uint64
	Random   bool // the schedule was drawn
}

// Source gives the units of a sweep by number, so that drawn schedules need not all be in memory.
type Source struct {
	Len int
	// Key names unit i in the file of results without making it.
	Key func(i int) (scenario string, seed uint64)
	// Make gives unit i.
	Make func(i int) (Unit, error)
	// What says in one line what is swept: files of different sweeps do not mix.
	What string
}

// Options say how to go through a source. The zero value of each is a sensible default.
type Options struct {
	Run     func(context.Context, runner.Options) (*result.File, error) // runner.Run
	Systems []string
	Jobs    int
	Shard   Shard
	// Store keeps the lines; nil: only in memory.
	Store *Store
	// ShuffleTies and Mutate are the runner's.
	ShuffleTies bool
	Mutate      []string
	// CheckEvery repeats every so manieth run and compares; 0: never.
	CheckEvery int
	// Each is told each new line and how many units are done, skipped ones included. One call at a time.
	Each func(lines []Line, done, total int)
	// Stop ends the sweep early when it says yes; it is asked after each unit.
	Stop func(lines []Line) bool
}

// Run goes through the units of this shard and gives all lines, those of an earlier process in the store
// included, sorted. When the context ends it gives what is known, with the context's error.
func Run(ctx context.Context, src Source, opt Options) ([]Line, error) {
	if opt.Run == nil {
		opt.Run = runner.Run
	}
	var mine []int
	for i := range src.Len {
		if opt.Shard.has(i) {
			mine = append(mine, i)
		}
	}
	s := &state{src: src, opt: opt, total: len(mine)}
	if opt.Store != nil {
		s.lines = slices.Clone(opt.Store.Lines)
		mine = slices.DeleteFunc(mine, func(i int) bool {
			name, seed := src.Key(i)
			return opt.Store.Has(name, seed)
		})
	}
	s.todo, s.done = mine, s.total-len(mine)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	s.cancel = cancel
	var wg sync.WaitGroup
	jobs := opt.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	for range min(jobs, max(1, len(mine))) {
		wg.Go(func() { s.work(inner) })
	}
	wg.Wait()
	Sort(s.lines)
	if s.err != nil {
		return s.lines, s.err
	}
	return s.lines, ctx.Err()
}

// state is a sweep under way.
type state struct {
	src    Source
	opt    Options
	total  int
	cancel func()

	mu    sync.Mutex
	todo  []int
	lines []Line
	done  int
	err   error
}

func (s *state) work(ctx context.Context) {
	for ctx.Err() == nil {
		s.mu.Lock()
		if len(s.todo) == 0 {
			s.mu.Unlock()
			return
		}
		i := s.todo[0]
		s.todo = s.todo[1:]
		s.mu.Unlock()
		lines, err := s.unit(ctx, i)
		if errors.Is(err, context.Canceled) {
			return
		}
		s.take(lines, err)
	}
}

// take keeps the lines of one unit.
func (s *state) take(lines []Line, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.opt.Store != nil {
		err = s.opt.Store.add(lines)
	}
	if err != nil {
		if s.err == nil {
			s.err = err
		}
		s.cancel()
		return
	}
	s.lines = append(s.lines, lines...)
	s.done++
	if s.opt.Each != nil {
		s.opt.Each(lines, s.done, s.total)
	}
	if s.opt.Stop != nil && s.opt.Stop(lines) {
		s.todo = nil
	}
}

// unit runs unit i. An internal error of a run is a finding, not the end of the sweep.
func (s *state) unit(ctx context.Context, i int) ([]Line, error) {
	u, err := s.src.Make(i)
	if err != nil {
		return nil, err
	}
	return runUnit(ctx, u, s.opt, s.opt.CheckEvery > 0 && i%s.opt.CheckEvery == 0)
}

func runUnit(ctx context.Context, u Unit, opt Options, check bool) ([]Line, error) {
	f, err := opt.Run(ctx, runner.Options{
		Scenarios: []*scenarios.Scenario{u.Scenario}, Systems: opt.Systems, Seeds: []uint64{u.Seed}, Jobs: 1,
		Check: check, Random: u.Random, ShuffleTies: opt.ShuffleTies, Mutate: opt.Mutate,
	})
	if err != nil {
		if _, input := errors.AsType[*runner.InputError](err); input || ctx.Err() != nil {
			return nil, err
		}
		first, _, _ := strings.Cut(err.Error(), "\n")
		line := Line{Scenario: u.Scenario.Name, Seed: u.Seed, Verdict: result.Invalid, Panic: first}
		for _, sys := range u.Scenario.Systems {
			if strings.Contains(first, "system "+sys.Name+",") || len(u.Scenario.Systems) == 1 {
				line.System, line.Model = sys.Name, sys.Model
			}
		}
		return []Line{line}, nil
	}
	var out []Line
	for _, r := range f.Results {
		out = append(out, lineOf(r, check))
	}
	return out, nil
}

// Scenarios is the source of written scenarios over seeds. Without seeds each runs with its own.
func Scenarios(list []*scenarios.Scenario, seeds []uint64, what string) Source {
	type pair struct {
		sc   *scenarios.Scenario
		seed uint64
	}
	var all []pair
	for _, sc := range list {
		if len(seeds) == 0 {
			all = append(all, pair{sc, sc.Seed})
		}
		for _, seed := range seeds {
			all = append(all, pair{sc, seed})
		}
	}
	var digests []string
	for _, sc := range list {
		for _, sys := range sc.Systems {
			digests = append(digests, fmt.Sprintf("%s/%s=%.12s", sc.Name, sys.Name, sc.Digest(sys.Name)))
		}
	}
	return Source{
		Len:  len(all),
		Key:  func(i int) (string, uint64) { return all[i].sc.Name, all[i].seed },
		Make: func(i int) (Unit, error) { return Unit{Scenario: all[i].sc, Seed: all[i].seed}, nil },
		What: strings.TrimSpace(what + " " + strings.Join(digests, " ")),
	}
}

// RandomPrefix begins what is swept when schedules are drawn.
const RandomPrefix = "random schedules"
