package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/mqsim/mqsim/scenarios"
)

// maxFile bounds what is read of a file: a byte more than the loader takes, so that it can say so.
const maxFile = 1<<20 + 1

// names lists the library.
func (a *app) names() []string {
	var names []string
	for _, e := range a.Library() {
		names = append(names, e.Name)
	}
	return names
}

// open reads and checks one scenario.
func (a *app) open(t target, sets []string) (*scenarios.Scenario, scenarios.Problems, error) {
	text, err := a.source(t)
	if err != nil {
		return nil, nil, err
	}
	s, problems := a.engine.Load(a.path(t), []byte(text), sets)
	return s, problems, nil
}

// path is the name of a scenario's file in messages and results.
func (a *app) path(t target) string {
	for _, e := range a.Library() {
		if t.file == "" && e.Name == t.name {
			return e.File
		}
	}
	return t.file
}

// source is the text of a scenario.
func (a *app) source(t target) (string, error) {
	for _, e := range a.Library() {
		if t.file == "" && e.Name == t.name {
			return string(e.Data), nil
		}
	}
	f, err := os.Open(t.file)
	if err != nil {
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("%s: %w", path.Path, path.Err)
		}
		return "", usage("%w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", usage("%w", err)
	}
	return string(text), nil
}

// warningText marks warnings as such, because they stand on the same stream as errors.
func warningText(ps scenarios.Problems) string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = "warning: " + p.Error()
	}
	return strings.Join(lines, "\n")
}

func systemNames(s *scenarios.Scenario) []string {
	var names []string
	for _, y := range s.Systems {
		names = append(names, y.Name)
	}
	return names
}
