package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sweep"
)

// sweepOptions are the flags of sweep.
type sweepOptions struct {
	runOptions
	shard, results, ties string
	form                 choice
	check                int
	random, unbounded    bool
	model, shrink        string
	faults               []string
	budget               int
}

func (a *app) sweepCommand() *cobra.Command {
	var o sweepOptions
	c := &cobra.Command{
		Use:   "sweep [NAME or FILE ...]",
		Short: "many seeds: probabilities with confidence intervals",
		Long: `sweep repeats scenarios over seeds and reports distributions: the probability of a loss with
its 95 % confidence interval (Wilson; at zero the rule of three), quantiles of what is lost,
of outages and of failover, every anomaly and every finding.

--results keeps one line of JSON per unit of work in a file; the same command with the same
file goes on where it was ended. --shard I/N takes a part of the work, merge puts the parts
together. Nothing depends on -j.

--random draws the schedules from the seed instead: cluster size, configuration, load, which faults
are on, how often, how they overlap; bounded so that a majority survives, then everything heals
and the cluster must converge. What no setting allows and no known defect of the version explains
is a finding; --shrink DIR writes each kind of finding as the smallest scenario that shows it.

Exit codes are those of run; a finding is 1, an INVALID run 3. Ctrl-C prints what is known.`,
		Example: `  mqsim sweep primary-crash --seeds 1..500
  mqsim sweep primary-crash --seeds 1..2000 --shard 2/8 --results part-2.jsonl
  mqsim merge part-*.jsonl
  mqsim sweep --random --model kafka --seeds 1..2000 --shrink found
  mqsim sweep --random --model kafka --set kafka.version=2.4 --set kafka.producer.acks=1`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: a.scenarioArgs,
		RunE:              func(c *cobra.Command, args []string) error { return a.sweep(c, args, &o) },
	}
	fs := c.Flags()
	fs.Var(&o.seeds, "seeds", "seeds, such as 1..500 (default 1..100)")
	fs.StringVarP(&o.pattern, "match", "k", "", "only scenarios whose name contains `PATTERN` (or matches it, with * or ?)")
	fs.StringSliceVar(&o.systems, "systems", nil, "only these systems, `A,B`")
	fs.StringArrayVar(&o.sets, "set", nil, "override `PATH=VALUE` (repeatable)")
	fs.IntVarP(&o.jobs, "jobs", "j", 0, "`N` runs at the same time (0: one per core)")
	fs.StringVar(&o.shard, "shard", "", "only part `I/N` of the work; auto or auto/N reads the index from the batch system")
	fs.StringVar(&o.results, "results", "", "keep the runs in `FILE` (JSON lines) and go on with what it holds")
	fs.StringVar(&o.ties, "ties", "insertion", "order of events of one instant: `insertion` or shuffle (drawn from the seed)")
	fs.IntVar(&o.check, "check-every", 100, "run every `N`th unit twice and compare (0: none)")
	fs.BoolVar(&o.random, "random", false, "draw the schedules from the seed")
	fs.StringVar(&o.model, "model", "", "with --random: "+strings.Join(sweep.Models, ", "))
	fs.BoolVar(&o.unbounded, "unbounded", false, "with --random: more servers may be down at once than leave a majority")
	fs.StringSliceVar(&o.faults, "faults", nil, "with --random: draw from these `ACTIONS` (default all that a cluster must survive)")
	fs.StringVar(&o.shrink, "shrink", "", "with --random: write the smallest scenario of each kind of finding into `DIR`")
	fs.IntVar(&o.budget, "shrink-runs", 200, "at most `N` runs to make one finding smaller")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no warnings")
	mustComplete(c, "model", sweep.Models)
	mustComplete(c, "faults", sweep.Actions())
	registerSweepForm(c, &o.form, &o.output)
	must(c, "systems", a.systemsFlag)
	must(c, "set", a.setFlag)
	return c
}

// registerSweepForm adds -f and -o of commands that print a summary.
func registerSweepForm(c *cobra.Command, form *choice, output *string) {
	*form = choice{value: sweep.Formats[0], words: sweep.Formats}
	c.Flags().VarP(form, "format", "f", "format: "+strings.Join(sweep.Formats, ", "))
	c.Flags().StringVarP(output, "output", "o", "", "write to `FILE` instead of standard output")
	mustComplete(c, "format", sweep.Formats)
}

func (a *app) sweep(c *cobra.Command, args []string, o *sweepOptions) error {
	if o.ties != "insertion" && o.ties != "shuffle" {
		return usage("--ties %s: insertion or shuffle", o.ties)
	}
	if len(o.seeds.seeds) == 0 {
		_ = o.seeds.Set("1..100")
	}
	src, random, err := a.sweepSource(args, o)
	if err != nil {
		return err
	}
	return a.runSweep(c.Context(), src, random, o)
}

// sweepSource is what is swept.
func (a *app) sweepSource(args []string, o *sweepOptions) (src sweep.Source, random bool, err error) {
	if o.random {
		return a.drawnSource(args, o)
	}
	if o.model != "" || o.unbounded || len(o.faults) > 0 || o.shrink != "" {
		return src, false, usage("--model, --unbounded, --faults and --shrink want --random")
	}
	chosen, err := a.load(args, &o.runOptions)
	if err != nil {
		return src, false, err
	}
	what := "seeds " + o.seeds.text
	if o.ties == "shuffle" {
		what += ", ties shuffled"
	}
	return sweep.Scenarios(chosen, o.seeds.seeds, what+":"), false, nil
}

func (a *app) drawnSource(args []string, o *sweepOptions) (src sweep.Source, random bool, err error) {
	if len(args) > 0 || o.pattern != "" || len(o.systems) > 0 {
		return src, false, usage("--random draws its scenarios: no names, no -k, no --systems")
	}
	src, err = sweep.Random(o.drawing(), o.seeds.seeds, o.seeds.text)
	if err != nil {
		return src, false, usage("%w", err)
	}
	if o.ties == "shuffle" {
		src.What += ", ties shuffled"
	}
	return src, true, nil
}

func (o *sweepOptions) drawing() sweep.Drawing {
	return sweep.Drawing{Model: o.model, Sets: o.sets, Unbounded: o.unbounded, Faults: o.faults}
}

// shrinkAll writes the smallest scenario of each kind of finding.
func (a *app) shrinkAll(ctx context.Context, s *sweep.Summary, opt sweep.Options, o *sweepOptions) error {
	if err := os.MkdirAll(o.shrink, 0o755); err != nil {
		return usage("--shrink: %w", err)
	}
	for _, f := range s.Findings {
		p, err := sweep.Draw(o.drawing(), f.Seeds[0])
		if err != nil {
			return err
		}
		small, err := sweep.Shrink(ctx, p, f.Class, opt, o.budget)
		if err != nil {
			return err
		}
		name := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return '-'
		}, strings.ToLower(f.Class))
		path := filepath.Join(o.shrink, fmt.Sprintf("%s-%d-%.60s.yaml", f.Model, f.Seeds[0], strings.Trim(name, "-")))
		if err := store(path, []byte(small.File())); err != nil {
			return &exitError{codeInvalid, err}
		}
		fmt.Fprintf(a.streams.err, "%s: %s\n", path, small.Story)
	}
	return nil
}

func (a *app) runSweep(ctx context.Context, src sweep.Source, random bool, o *sweepOptions) error {
	opt := sweep.Options{Run: a.engine.Run, Systems: o.systems, Jobs: o.jobs, CheckEvery: o.check, ShuffleTies: o.ties == "shuffle"}
	var err error
	if o.shard != "" {
		if opt.Shard, err = sweep.ParseShard(o.shard, a.env); err != nil {
			return usage("--shard %w", err)
		}
	}
	if o.results != "" {
		if opt.Store, err = sweep.Open(o.results, src.What); err != nil {
			return usage("--results %w", err)
		}
	}
	var p *progress
	if a.errTerminal && !o.quiet {
		p = startProgress(a.streams.err)
		opt.Each = paced(p)
	}
	lines, err := sweep.Run(ctx, src, opt)
	if p != nil {
		p.end()
	}
	if opt.Store != nil {
		err = errors.Join(err, opt.Store.Close())
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	s := sweep.Summarize(sweep.Header{Version: result.Version, What: src.What}, lines, random, err == nil)
	if werr := a.writeSummary(s, o.form.value, o.output); werr != nil {
		return werr
	}
	if err != nil {
		return err
	}
	if o.shrink != "" && len(s.Findings) > 0 {
		if err := a.shrinkAll(ctx, s, opt, o); err != nil {
			return err
		}
	}
	return sweepOutcome(s, len(lines))
}

// paced tells the rate and the time that is left.
func paced(p *progress) func([]sweep.Line, int, int) {
	first := -1
	return func(_ []sweep.Line, done, total int) {
		if first < 0 {
			first = done - 1
		}
		seconds := time.Since(p.started).Seconds()
		rate := float64(done-first) / max(seconds, 0.001)
		left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
		p.update(done, total, fmt.Sprintf("%.1f/s, %s left", rate, left))
	}
}

func (a *app) writeSummary(s *sweep.Summary, format, output string) error {
	var b bytes.Buffer
	err := s.Write(&b, format)
	if err == nil {
		if output == "" || output == "-" {
			_, err = a.out.Write(b.Bytes())
		} else {
			err = store(output, b.Bytes())
		}
	}
	if err != nil {
		return &exitError{codeInvalid, fmt.Errorf("writing the summary: %w", err)}
	}
	return nil
}

func sweepOutcome(s *sweep.Summary, lines int) error {
	switch s.Worst() {
	case result.Invalid:
		return &exitError{code: codeInvalid}
	case result.Fail:
		return &exitError{code: codeFail}
	}
	if lines == 0 {
		return &exitError{codeNothing, errors.New("nothing was selected")}
	}
	return nil
}

func (a *app) mergeCommand() *cobra.Command {
	var output, results string
	c := &cobra.Command{
		Use:   "merge RESULTS.jsonl ...",
		Short: "put the parts of a sweep together",
		Long: `merge reads the files that sweep --results wrote, of one or of many machines, and prints the
statistics of all of them. Units that several files hold count once and must be equal.`,
		Example: "  mqsim merge part-*.jsonl -f markdown",
		Args:    cobra.MinimumNArgs(1),
	}
	var form choice
	registerSweepForm(c, &form, &output)
	c.Flags().StringVar(&results, "results", "", "also write the merged lines to `FILE`")
	c.RunE = func(_ *cobra.Command, args []string) error {
		var parts []*sweep.Store
		for _, arg := range args {
			s, err := sweep.Read(arg)
			if err != nil {
				return usage("%w", err)
			}
			parts = append(parts, s)
		}
		all, err := sweep.Merge(parts)
		if err != nil {
			return usage("%w", err)
		}
		if results != "" {
			var b bytes.Buffer
			if err := errors.Join(all.WriteJSONL(&b), store(results, b.Bytes())); err != nil {
				return &exitError{codeInvalid, err}
			}
		}
		random := strings.HasPrefix(all.Header.What, sweep.RandomPrefix)
		s := sweep.Summarize(all.Header, all.Lines, random, true)
		if err := a.writeSummary(s, form.value, output); err != nil {
			return err
		}
		return sweepOutcome(s, len(all.Lines))
	}
	return c
}
