package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/report"
	"github.com/mqsim/mqsim/result"
)

// rendering are the flags of every command that renders a result.
type rendering struct {
	format           choice
	output           string
	outs             []string
	summary, verbose bool
}

func (r *rendering) register(c *cobra.Command) {
	r.format = choice{value: report.Formats()[0].Name}
	for _, f := range report.Formats() {
		r.format.words = append(r.format.words, f.Name)
	}
	fs := c.Flags()
	fs.VarP(&r.format, "format", "f", "format on standard output: "+strings.Join(r.format.words, ", "))
	fs.StringVarP(&r.output, "output", "o", "", "write to `FILE` instead of standard output")
	fs.StringArrayVar(&r.outs, "out", nil, "also write `FORMAT=FILE` (repeatable)")
	fs.BoolVar(&r.summary, "summary", false, "JSON without series, roles and events")
	fs.BoolVarP(&r.verbose, "verbose", "v", false, "also faults, promises, configuration and assumptions")
	mustComplete(c, "format", r.format.words)
}

func (r *rendering) sinks() ([]sink, error) { return sinks(r.format.value, r.output, r.outs) }

func (r *rendering) look(a *app) report.Options {
	look := a.look(a.lang.value)
	look.Verbose, look.Summary = r.verbose, r.summary
	return look
}

func (a *app) reportCommand() *cobra.Command {
	var r rendering
	c := &cobra.Command{
		Use:   "report RESULT.json",
		Short: "render a saved result in any format",
		Long: `report renders what run -f json saved. The bytes are those that run itself prints in
that format. With - the result is read from standard input.`,
		Example: "  mqsim run primary-crash -f json -o result.json\n  mqsim report result.json -f markdown",
		Args:    cobra.ExactArgs(1),

		ValidArgsFunction: filesOf("json"),
		RunE: func(_ *cobra.Command, args []string) error {
			to, err := r.sinks()
			if err != nil {
				return err
			}
			f, err := readResult(args[0])
			if err != nil {
				return err
			}
			return a.write(f, to, r.look(a))
		},
	}
	r.register(c)
	return c
}

// readResult reads a result file; - is standard input.
func readResult(path string) (*result.File, error) {
	var data []byte
	var err error
	if path == "-" {
		data, err = io.ReadAll(os.Stdin)
	} else {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, usage("%w", err)
	}
	f, err := result.Read(path, data)
	if err != nil {
		return nil, usage("%w", err)
	}
	return f, nil
}

// annotate writes GitHub's workflow commands for failed expectations: on standard error, which the
// runner reads too, so that a piped report stays whole. It shows ten a step; the tenth says how many more.
func (a *app) annotate(f *result.File) {
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return
	}
	const shown = 9
	n := 0
	for _, r := range f.Results {
		file := f.ScenarioNamed(r.Scenario).File
		for _, e := range r.Expectations {
			if e.Pass {
				continue
			}
			if n++; n <= shown {
				fmt.Fprintf(a.streams.err, "::error file=%s,line=%d,title=%s::%s\n", property(file), max(1, e.Line),
					property("mqsim "+r.Scenario), data(fmt.Sprintf("%s: %s, was %s with seed %d", r.System, e.Check, e.Actual, r.Seed)))
			}
		}
		for _, why := range r.Invalid {
			if n++; n <= shown {
				fmt.Fprintf(a.streams.err, "::error file=%s,line=1,title=%s::%s\n", property(file), property("mqsim "+r.Scenario+" INVALID"), data(r.System+": "+why))
			}
		}
	}
	if n > shown {
		fmt.Fprintf(a.streams.err, "::error title=mqsim::and %d more\n", n-shown)
	}
}

// data and property escape as GitHub's workflow commands ask.
var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func data(s string) string     { return dataEscapes.Replace(s) }
func property(s string) string { return propertyEscapes.Replace(s) }
