package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// WriteBiography renders what one message went through, as a table or as JSON.
func WriteBiography(w io.Writer, b *result.Biography, format string, o Options) error {
	if format == "json" {
		return indentedJSON(w, b)
	}
	p, st := newPage(w), newStyle(o)
	p.line(st.paint(strong, b.Message), fmt.Sprintf(": %s, %s, seed %d", b.Scenario, b.System, b.Seed))
	p.line(fmt.Sprintf("told %s; stored in the end: %s; received: %s", b.Told, b.Stored, b.Received))
	if b.Cause != "" {
		text := "LOST: " + b.Cause + ", " + string(b.Class)
		if b.By != "" {
			text += ", " + b.By
		}
		p.line(st.paint(bad, text))
		if b.Why != "" {
			for _, line := range wrap(b.Why, max(40, o.Width)-2) {
				p.line("  ", line)
			}
		}
	}
	p.line()
	storyLines(p, st, b.Steps, "")
	p.line()
	p.line(st.paint(faint, fmt.Sprintf("trace hash %s, the same as without the watch", b.TraceHash)))
	return p.Flush()
}

// storyLines prints steps in columns: time, host, what, where.
func storyLines(p page, st style, steps []result.Step, indent string) {
	wide, host, what := 0, 0, 0
	for _, s := range steps {
		wide, host, what = max(wide, columnsOf(s.T.Fixed(6))), max(host, columnsOf(s.Host)), max(what, columnsOf(s.What))
	}
	for _, s := range steps {
		colour := plain
		switch s.What {
		case "removed", "lost-in-power-loss", "dropped":
			colour = bad
		case "acked", "received", "synced":
			colour = good
		}
		p.line(indent, st.paint(faint, pad(s.T.Fixed(6), wide, true)+" s"), "  ", pad(s.Host, host, false), "  ", st.paint(colour, pad(s.What, what, false)), "  ", s.Detail)
	}
}

func indentedJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// WriteWhatIf renders what a change of settings changes.
func WriteWhatIf(w io.Writer, f *result.WhatIf, format string, o Options) error {
	if format == "json" {
		return indentedJSON(w, f)
	}
	p, st := newPage(w), newStyle(o)
	p.line(st.paint(strong, f.Scenario), ": what if ", strings.Join(f.Change, ", "))
	for _, pair := range f.Pairs {
		p.line()
		p.line(st.paint(strong, pair.System), fmt.Sprintf(", seed %d: %s before, %s after", pair.Seed, pair.Before, pair.After))
		whatIfEvents(p, pair.FirstEvent)
		whatIfChanges(p, st, shownChanges(pair.Changes, o.Verbose))
	}
	return p.Flush()
}

func whatIfEvents(p page, at *result.Parting) {
	line := func(side string, e *result.Event) {
		if e == nil {
			p.line("    ", side, " nothing more happens")
			return
		}
		p.line("    ", side, fmt.Sprintf(" %s s %s %s %s", e.T.Fixed(3), e.Host, e.Kind, e.Text))
	}
	if at == nil {
		p.line("  the same events happen, at the same moments to 10 ms; only numbers differ")
		return
	}
	p.line("  the first event at which they part:")
	line("before:", at.Before)
	line("after: ", at.After)
}

// shownChanges leaves out what looks the same when it is printed.
func shownChanges(all []result.Change, verbose bool) (out []result.Change) {
	for _, c := range all {
		if verbose || valueText(c.Metric, c.Before) != valueText(c.Metric, c.After) {
			out = append(out, c)
		}
	}
	return out
}

// whatIfChanges prints the metrics that differ: better, worse, or only different.
func whatIfChanges(p page, st style, changes []result.Change) {
	name, was, is := 0, 0, 0
	for _, c := range changes {
		name, was, is = max(name, len(c.Metric)), max(was, len(valueText(c.Metric, c.Before))), max(is, len(valueText(c.Metric, c.After)))
	}
	for _, c := range changes {
		colour, sign := plain, "·"
		if d := c.After.Cmp(c.Before) * c.Better; d > 0 {
			colour, sign = good, "+"
		} else if d < 0 {
			colour, sign = bad, "-"
		}
		p.line("  ", st.paint(colour, sign), " ", pad(c.Metric, name, false), "  ", pad(valueText(c.Metric, c.Before), was, true), " -> ", pad(valueText(c.Metric, c.After), is, true))
	}
}

func valueText(metric string, v result.Number) string {
	if m, ok := result.LookupMetric(metric); ok && m.Unit == result.UnitSeconds {
		return releasing.Replace(strings.ReplaceAll(span(v), "∞", "never"))
	}
	if v.IsNever() {
		return "never"
	}
	return v.String()
}
