package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/mqsim/mqsim/report"
)

// streams are the outside of the program; tests give their own.
type streams struct {
	out, err io.Writer
	env      func(string) string
	// outWidth is the width of the terminal that out is, 0 if it is none.
	outWidth int
	// errTerminal: progress may be drawn.
	errTerminal bool
}

func processIO() streams {
	s := streams{out: os.Stdout, err: os.Stderr, env: os.Getenv, errTerminal: term.IsTerminal(int(os.Stderr.Fd()))}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		s.outWidth = 80
		if width, _, err := term.GetSize(fd); err == nil && width > 0 {
			s.outWidth = width
		}
	}
	return s
}

// colour decides as https://no-color.org and https://bixense.com/clicolors say.
func (s streams) colour() bool {
	switch force := s.env("CLICOLOR_FORCE"); {
	case s.env("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	case s.env("CLICOLOR") == "0", s.env("TERM") == "dumb":
		return false
	}
	return s.outWidth > 0
}

// ascii says that the locale was set to one that is not UTF-8. No locale at all, as in most containers, is UTF-8.
func (s streams) ascii() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(s.env(name)); value != "" {
			return !strings.Contains(value, "utf-8") && !strings.Contains(value, "utf8")
		}
	}
	return false
}

// look are the options of a report on out.
func (s streams) look(lang string) report.Options {
	return report.Options{Lang: lang, Width: s.outWidth, Color: s.colour(), ASCII: s.ascii()}
}
