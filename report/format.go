// Package report turns a result file into something to read. Every format is a pure function of the
// file and of Options: no clock, no environment, no terminal is looked at here, so that a report of
// a saved result has the same bytes as the one printed by the run itself.
//
// A format is one file with one Format value and one line in the list below.
package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// Options say how to render, never what. The zero value is English, 80 columns, no colour.
type Options struct {
	Lang    string // en, zh
	Width   int    // columns; 0: 80
	Color   bool   // ANSI colours; no information is in a colour alone
	ASCII   bool   // ok and FAIL instead of tick and cross, for terminals that are not UTF-8
	Verbose bool   // also what a configuration does not promise, what was injected, what is assumed
	Summary bool   // JSON: without series, roles and events
}

// Format is one way to render a result.
type Format struct {
	Name string
	Doc  result.Text // one line for help and completion
	// Render writes the whole report. It changes nothing in f.
	Render func(w io.Writer, f *result.File, o Options) error
}

var formats = []Format{
	tableFormat,
	jsonFormat,
	ndjsonFormat,
	csvFormat,
	markdownFormat,
	junitFormat,
	strictJUnitFormat,
	benchFormat,
	trackerFormat,
	openMessagingFormat,
	htmlFormat,
	baselineFormat,
}

// Formats lists all formats, the default first.
func Formats() []Format { return append([]Format(nil), formats...) }

// Lookup finds a format by its name; the error lists those that exist.
func Lookup(name string) (Format, error) {
	var names []string
	for _, f := range formats {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("unknown format %q: one of %s", name, strings.Join(names, ", "))
}

// page is a buffered writer that remembers its first error, so that rendering reads straight on.
type page struct{ *bufio.Writer }

func newPage(w io.Writer) page { return page{bufio.NewWriter(w)} }

// line writes one line without trailing blanks.
func (p page) line(parts ...string) {
	_, _ = p.WriteString(strings.TrimRight(strings.Join(parts, ""), " ") + "\n")
}
