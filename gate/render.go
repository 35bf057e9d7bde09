package gate

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// Formats are the words of compare's --format.
var Formats = []string{"table", "markdown", "json"}

// Write renders a comparison. all also lists what got worse within its budget.
func (c *Comparison) Write(w io.Writer, format string, all bool) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(c)
	case "markdown":
		return c.markdown(w, all)
	}
	return c.table(w, all)
}

// headline is the verdict in one line.
func (c *Comparison) headline() string {
	counts := map[Class]int{}
	for _, r := range c.Rows {
		counts[r.Class]++
	}
	text := fmt.Sprintf("%d runs compared, %d of them equal event for event", c.Runs, c.Same)
	for _, part := range []struct {
		n    int
		what string
	}{{counts[Regression], "regressions"}, {len(c.Failed), "verdicts worse"}, {len(c.Missing), "runs missing"}, {len(c.Incomparable), "not comparable"},
		{counts[Within], "worse within budget"}, {counts[Improvement], "improvements"}, {len(c.Added), "runs new"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

// shown are the rows worth a line.
func (c *Comparison) shown(all bool) (out []Row) {
	for _, class := range []Class{Regression, Within, Improvement} {
		for _, r := range c.Rows {
			if r.Class == class && (all || class != Within) {
				out = append(out, r)
			}
		}
	}
	return out
}

func change(r Row) string {
	if r.Percent.IsNever() {
		return r.Base.String() + " -> " + r.New.String()
	}
	sign := ""
	if r.Percent > 0 {
		sign = "+"
	}
	return fmt.Sprintf("%s -> %s (%s%s %%)", r.Base, r.New, sign, strings.TrimSuffix(r.Percent.Fixed(1), ".0"))
}

func (c *Comparison) table(w io.Writer, all bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", strings.ToUpper(c.Verdict), c.headline())
	list := func(sign string, runs []Run) {
		for _, r := range runs {
			b.WriteString("  " + sign + " " + r.String())
			if r.Why != "" {
				b.WriteString(": " + r.Why)
			}
			b.WriteString("\n")
		}
	}
	list("✗ not comparable:", c.Incomparable)
	list("✗ worse:", c.Failed)
	list("✗ missing:", c.Missing)
	for _, r := range c.shown(all) {
		sign := map[Class]string{Regression: "✗", Within: "·", Improvement: "✓"}[r.Class]
		fmt.Fprintf(&b, "  %s %s %s seed %d: %s %s", sign, r.Scenario, r.System, r.Seed, r.Metric, change(r))
		if r.Class != Improvement {
			fmt.Fprintf(&b, ", budget %s", r.Budget)
		}
		b.WriteString("\n")
	}
	list("· new:", c.Added)
	_, err := io.WriteString(w, b.String())
	return err
}

func (c *Comparison) markdown(w io.Writer, all bool) error {
	var b strings.Builder
	sign := map[string]string{"ok": "✅", "regression": "❌", "incomparable": "⚠️"}[c.Verdict]
	fmt.Fprintf(&b, "### %s mqsim compare: %s\n\n%s.\n", sign, c.Verdict, c.headline())
	for _, part := range []struct {
		what string
		runs []Run
	}{{"not comparable", c.Incomparable}, {"worse verdict", c.Failed}, {"missing", c.Missing}, {"new", c.Added}} {
		for _, r := range part.runs {
			fmt.Fprintf(&b, "- %s: %s %s\n", part.what, r, r.Why)
		}
	}
	if rows := c.shown(all); len(rows) > 0 {
		b.WriteString("\n| | scenario | system | seed | metric | base | new | change | budget |\n|---|---|---|--:|---|--:|--:|--:|--:|\n")
		for _, r := range rows {
			percent := "-"
			if !r.Percent.IsNever() {
				percent = r.Percent.Fixed(1) + " %"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %s | %s | %s | %s | %s |\n", map[Class]string{Regression: "❌", Within: "·", Improvement: "✅"}[r.Class],
				r.Scenario, r.System, r.Seed, r.Metric, r.Base, r.New, percent, r.Budget)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Comparable says why two files cannot be compared at all; empty if they can.
func Comparable(base, now *result.File) string {
	if len(base.Results) == 0 {
		return "the baseline holds no results"
	}
	if len(now.Results) == 0 {
		return "the new file holds no results"
	}
	return ""
}
