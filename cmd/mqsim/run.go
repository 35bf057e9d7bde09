package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/runner"
	"github.com/mqsim/mqsim/scenarios"
)

// runOptions are the flags of run.
type runOptions struct {
	rendering
	seed           uint64
	seeds          seedsFlag
	pattern        string
	systems        []string
	sets, whatIf   []string
	jobs           int
	dataDir        string
	trace, history string
	quiet, check   bool
}

func (a *app) runCommand() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run [NAME or FILE ...]",
		Short: "run scenarios on every system they name and compare the systems",
		Long: `run executes scenarios, each on every system that it names, and prints what happened.
An argument with a slash or ending in .yaml is a file, any other a name of the library.`,
		Example: `  mqsim run primary-crash
  mqsim run primary-crash --seeds 1..20
  mqsim run my.yaml --set kafka.topic.min.insync.replicas=1 --systems kafka
  mqsim run -k isolated -f json -o result.json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: a.scenarioArgs,
		RunE:              func(c *cobra.Command, args []string) error { return a.run(c, args, &o) },
	}
	o.register(c)
	fs := c.Flags()
	fs.Uint64Var(&o.seed, "seed", 0, "seed `N` instead of the scenario's own")
	fs.Var(&o.seeds, "seeds", "several seeds, such as 1..20: median and range")
	fs.StringVarP(&o.pattern, "match", "k", "", "only scenarios whose name contains `PATTERN` (or matches it, with * or ?)")
	fs.StringSliceVar(&o.systems, "systems", nil, "only these systems, `A,B`")
	fs.StringArrayVar(&o.sets, "set", nil, "override `PATH=VALUE` (repeatable): workload.producerRate=100, kafka.producer.acks=1, *.brokers=5")
	fs.StringArrayVar(&o.whatIf, "what-if", nil, "run with and without `PATH=VALUE` and show what differs (repeatable)")
	fs.IntVarP(&o.jobs, "jobs", "j", 0, "`N` runs at the same time (0: one per core)")
	fs.StringVar(&o.dataDir, "data-dir", "", "keep the simulated disks as files in `DIR`, which must be empty or made by mqsim")
	fs.StringVar(&o.trace, "trace", "", "write the trace of events to `FILE`")
	fs.StringVar(&o.history, "history", "", "write one JSON line per operation to `FILE`")
	fs.BoolVar(&o.check, "check", false, "run everything twice and compare the digests")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no warnings")
	must(c, "systems", a.systemsFlag)
	must(c, "set", a.setFlag)
	c.MarkFlagsMutuallyExclusive("seed", "seeds")
	c.MarkFlagsMutuallyExclusive("quiet", "verbose")
	return c
}

func (a *app) run(c *cobra.Command, args []string, o *runOptions) error {
	to, err := o.sinks()
	if err != nil {
		return err
	}
	chosen, err := a.load(args, o)
	if err != nil {
		return err
	}
	opt := runner.Options{Scenarios: chosen, Systems: o.systems, Seeds: o.seeds.seeds, Set: o.sets, Jobs: o.jobs, DataDir: o.dataDir, Check: o.check}
	if c.Flags().Changed("seed") {
		opt.Seeds = []uint64{o.seed}
	}
	if len(o.whatIf) > 0 {
		return a.whatIf(c, args, o, opt, chosen)
	}
	closeFiles, err := openRecords(&opt, o)
	if err != nil {
		return err
	}
	var p *progress
	if a.errTerminal && !o.quiet {
		p = startProgress(a.streams.err)
		opt.Progress = p.update
	}
	f, err := a.engine.Run(c.Context(), opt)
	if p != nil {
		p.end()
	}
	if closed := closeFiles(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := a.write(f, to, o.look(a)); err != nil {
		return err
	}
	a.annotate(f)
	return outcome(f)
}

// load chooses and reads the scenarios; all problems of all of them are printed before it gives up.
func (a *app) load(args []string, o *runOptions) ([]*scenarios.Scenario, error) {
	targets, err := choose(args, o.pattern, a.names())
	if err != nil {
		return nil, err
	}
	var all []*scenarios.Scenario
	var systems [][]string
	wrong := 0
	for _, t := range targets {
		s, problems, err := a.open(t, o.sets)
		if err != nil {
			return nil, err
		}
		if len(problems) > 0 {
			fmt.Fprintln(a.streams.err, problems.String())
			wrong += len(problems)
			continue
		}
		if len(s.Warnings) > 0 && !o.quiet {
			fmt.Fprintln(a.streams.err, warningText(s.Warnings))
		}
		all, systems = append(all, s), append(systems, systemNames(s))
	}
	if wrong > 0 {
		return nil, usage("%s, nothing was run", counted(wrong, "problem"))
	}
	keep, err := keepSystems(o.systems, systems)
	if err != nil {
		return nil, err
	}
	var out []*scenarios.Scenario
	for i, s := range all {
		if keep[i] {
			out = append(out, s)
		}
	}
	return out, nil
}

// openRecords creates the files of --trace and --history. The function that it gives closes them.
func openRecords(opt *runner.Options, o *runOptions) (closeAll func() error, err error) {
	var files []*os.File
	closeAll = func() error {
		var errs []error
		for _, f := range files {
			errs = append(errs, f.Close())
		}
		return errors.Join(errs...)
	}
	for _, r := range []struct {
		name string
		to   *io.Writer
	}{{o.trace, &opt.Trace}, {o.history, &opt.History}} {
		if r.name == "" {
			continue
		}
		f, err := os.Create(r.name)
		if err != nil {
			_ = closeAll()
			return nil, usage("%w", err)
		}
		files = append(files, f)
		*r.to = f
	}
	return closeAll, nil
}

// outcome is the exit code that the results ask for.
func outcome(f *result.File) error {
	switch f.Worst() {
	case result.Invalid:
		return &exitError{code: codeInvalid}
	case result.Fail:
		return &exitError{code: codeFail}
	}
	if len(f.Results) == 0 {
		return &exitError{codeNothing, errors.New("nothing was selected")}
	}
	return nil
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
