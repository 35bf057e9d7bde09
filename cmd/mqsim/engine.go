package main

import (
	"context"
	"errors"
	"strings"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/runner"
	"github.com/mqsim/mqsim/scenarios"
)

// engine is everything that the commands call. Tests of the command line put a fake in its place.
type engine interface {
	// Library lists the embedded scenarios in order of name.
	Library() []scenarios.Entry
	// Load checks a scenario with the --set arguments applied; file is only for messages.
	Load(file string, data []byte, sets []string) (*scenarios.Scenario, scenarios.Problems)
	// Explain says what a word means, or names the nearest one.
	Explain(word, lang string) (text, hint string, ok bool)
	// Run executes and judges.
	Run(ctx context.Context, opt runner.Options) (*result.File, error)
}

// realEngine is the simulator.
type realEngine struct{}

func (realEngine) Library() []scenarios.Entry { return scenarios.Library() }

func (realEngine) Load(file string, data []byte, sets []string) (*scenarios.Scenario, scenarios.Problems) {
	s, problems := scenarios.Load(file, data)
	if len(problems) > 0 {
		return nil, problems
	}
	for _, set := range sets {
		path, value, ok := strings.Cut(set, "=")
		if !ok {
			problems = append(problems, scenarios.Problem{File: "--set", Line: 1, Col: 1, Text: "want PATH=VALUE", Source: set})
			continue
		}
		if err := s.Set(path, value); err != nil {
			problems = append(problems, asProblems(err)...)
		}
	}
	return s, problems
}

// asProblems unpacks what Scenario.Set answers.
func asProblems(err error) scenarios.Problems {
	if problems, ok := errors.AsType[scenarios.Problems](err); ok {
		return problems
	}
	return scenarios.Problems{{File: "--set", Line: 1, Col: 1, Text: err.Error()}}
}

func (realEngine) Explain(word, lang string) (text, hint string, ok bool) {
	return scenarios.Explain(word, lang)
}

func (realEngine) Run(ctx context.Context, opt runner.Options) (*result.File, error) {
	return runner.Run(ctx, opt)
}
