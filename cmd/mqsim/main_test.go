package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/runner"
	"github.com/mqsim/mqsim/scenarios"
)

// mqsim in the scripts is the program; mqsim-fake is the program with a fake engine, for what does
// not depend on the simulation: selection, exit codes, files.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"mqsim":      main,
		"mqsim-fake": func() { os.Exit(run(fakeEngine{}, os.Args[1:], processIO())) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exitcode": exitcode},
		Setup: func(e *testscript.Env) error {
			e.Setenv("LANG", "C.UTF-8")
			return nil
		},
	})
}

// exitcode N COMMAND ... runs a command and compares the exact code of its end.
func exitcode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode N COMMAND ...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// fakeEngine has a library of three scenarios. Each run ends as the environment says: FAKE holds a
// verdict for every system, or an error.
type fakeEngine struct{}

func (fakeEngine) Library() []scenarios.Entry {
	var out []scenarios.Entry
	for _, name := range []string{"alpha", "beta", "gamma-crash"} {
		out = append(out, scenarios.Entry{Name: name, File: name + ".yaml", Data: []byte("name: " + name + "\n")})
	}
	return out
}

// Load takes "name: X" and a list "systems: a b"; "wrong" in the text is two problems.
func (fakeEngine) Load(file string, data []byte, sets []string) (*scenarios.Scenario, scenarios.Problems) {
	text := string(data)
	if strings.Contains(text, "wrong") {
		return nil, scenarios.Problems{{File: file, Line: 1, Col: 1, Text: "is wrong"}, {File: file, Line: 2, Col: 3, Text: "too"}}
	}
	for _, set := range sets {
		if !strings.Contains(set, "=") {
			return nil, scenarios.Problems{{File: "--set", Line: 1, Col: 1, Text: set + " lacks ="}}
		}
	}
	s := &scenarios.Scenario{File: file, Seed: 42}
	systems := "kafka rocketmq"
	for line := range strings.SplitSeq(text, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "name":
			s.Name = value
		case "systems":
			systems = value
		case "warn":
			s.Warnings = append(s.Warnings, scenarios.Problem{File: file, Line: 3, Col: 1, Text: value})
		}
	}
	for name := range strings.FieldsSeq(systems) {
		s.Systems = append(s.Systems, &scenarios.System{System: &models.System{Name: name, Model: name}})
	}
	return s, nil
}

func (fakeEngine) Explain(word, lang string) (text, hint string, ok bool) {
	text, ok = result.Explain(word, lang)
	return text, "throughput", ok
}

func (fakeEngine) Run(ctx context.Context, opt runner.Options) (*result.File, error) {
	wanted := strings.Fields(os.Getenv("FAKE"))
	if len(wanted) > 0 && wanted[0] == "error" {
		return nil, errors.New("the engine broke")
	}
	if len(wanted) > 0 && wanted[0] == "input" {
		return nil, &runner.InputError{Err: errors.New("the data directory is not empty")}
	}
	if len(wanted) > 0 && wanted[0] == "interrupted" {
		return nil, context.Canceled
	}
	f := &result.File{Schema: result.Schema, Version: result.Version, Set: opt.Set}
	for _, s := range opt.Scenarios {
		seeds := opt.Seeds
		if len(seeds) == 0 {
			seeds = []uint64{s.Seed}
		}
		for i, y := range s.Systems {
			if len(opt.Systems) > 0 && !strings.Contains(strings.Join(opt.Systems, ","), y.Name) {
				continue
			}
			verdict := result.Pass
			if i < len(wanted) {
				verdict = result.Verdict(wanted[i])
			}
			for _, seed := range seeds {
				f.Results = append(f.Results, &result.Result{Scenario: s.Name, System: y.Name, Seed: seed, Verdict: verdict,
					Window: [2]result.Number{0, result.Int(60)}})
			}
		}
	}
	if opt.Trace != nil {
		fmt.Fprintln(opt.Trace, "a trace")
	}
	return f, nil
}
