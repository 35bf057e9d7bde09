package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mqsim/mqsim/report"
	"github.com/mqsim/mqsim/result"
)

// sink is one rendering of the results: a format and where it goes ("" or "-": stdout).
type sink struct {
	format report.Format
	file   string
}

// sinks are what -f, -o and the repeatable --out ask for. Files are tried before anything runs.
func sinks(format, output string, extra []string) ([]sink, error) {
	main, err := report.Lookup(format)
	if err != nil {
		return nil, usage("-f: %w", err)
	}
	out := []sink{{main, output}}
	for _, e := range extra {
		name, file, ok := strings.Cut(e, "=")
		if !ok || file == "" {
			return nil, usage("--out %s: want FORMAT=FILE", e)
		}
		f, err := report.Lookup(name)
		if err != nil {
			return nil, usage("--out %s: %w", e, err)
		}
		out = append(out, sink{f, file})
	}
	for i, s := range out {
		for _, other := range out[:i] {
			if s.toStdout() == other.toStdout() && (s.toStdout() || filepath.Clean(s.file) == filepath.Clean(other.file)) {
				return nil, usage("two outputs go to the same place: %s", s.place())
			}
		}
		if !s.toStdout() {
			if err := writable(s.file); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (s sink) toStdout() bool { return s.file == "" || s.file == "-" }

func (s sink) place() string {
	if s.toStdout() {
		return "standard output"
	}
	return s.file
}

// writable finds out before a long run whether its result can be written at the end.
func writable(file string) error {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return usage("%s is a directory", file)
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return usage("%s: there is no directory %s", file, filepath.Dir(file))
	}
	return nil
}

// write renders the file into each sink. Colour and the terminal's width are for stdout only.
func (a *app) write(f *result.File, to []sink, o report.Options) error {
	for _, s := range to {
		options := o
		if !s.toStdout() {
			options.Color, options.Width = false, 0
		}
		var b bytes.Buffer
		err := s.format.Render(&b, f, options)
		if err == nil {
			if s.toStdout() {
				_, err = a.out.Write(b.Bytes())
			} else {
				err = store(s.file, b.Bytes())
			}
		}
		if err != nil {
			return &exitError{codeInvalid, fmt.Errorf("writing %s: %w", s.place(), err)}
		}
	}
	return nil
}
