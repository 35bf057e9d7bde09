package sweep

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// Formats are the views of a summary, the default first.
var Formats = []string{"table", "json", "markdown", "html"}

// Write renders the summary.
func (s *Summary) Write(w io.Writer, format string) error {
	switch format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	case "markdown":
		return s.text(w, true)
	case "html":
		return s.html(w)
	}
	return s.text(w, false)
}

// text is table and Markdown: the same cells between different lines.
func (s *Summary) text(w io.Writer, markdown bool) error {
	var b strings.Builder
	if !s.Complete {
		b.WriteString("INTERRUPTED: what is known so far\n\n")
	}
	for _, name := range s.scenarios() {
		heading(&b, markdown, name)
		grid(&b, markdown, s.overview(name))
		b.WriteByte('\n')
		for _, metric := range shown {
			if rows := s.quantiles(name, metric); len(rows) > 1 {
				grid(&b, markdown, rows)
				b.WriteByte('\n')
			}
		}
		if rows := s.anomalies(name); len(rows) > 1 {
			grid(&b, markdown, rows)
			b.WriteByte('\n')
		}
		for _, c := range s.of(name) {
			if s.Random && len(c.Unreached) > 0 {
				fmt.Fprintf(&b, "%s: excused by some configuration and reached by no schedule: %s\n\n", c.System, strings.Join(c.Unreached, ", "))
			}
		}
	}
	if len(s.Findings) == 0 {
		b.WriteString("No promise was violated, no invariant broke, everything converged.\n")
	} else {
		heading(&b, markdown, "Findings")
		grid(&b, markdown, s.findings())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func heading(b *strings.Builder, markdown bool, text string) {
	if markdown {
		b.WriteString("## ")
	}
	b.WriteString(text + "\n\n")
}

func (s *Summary) scenarios() (out []string) {
	for _, c := range s.Columns {
		if len(out) == 0 || out[len(out)-1] != c.Scenario {
			out = append(out, c.Scenario)
		}
	}
	return out
}

func (s *Summary) of(scenario string) (out []*Column) {
	for _, c := range s.Columns {
		if c.Scenario == scenario {
			out = append(out, c)
		}
	}
	return out
}

func (s *Summary) overview(scenario string) [][]string {
	rows := [][]string{{"system", "runs", "failed", "invalid", "P(loss)", "95 % interval", "P(violation)", "95 % interval"}}
	for _, c := range s.of(scenario) {
		rows = append(rows, []string{c.System, fmt.Sprint(c.Runs), fmt.Sprint(c.Failed), fmt.Sprint(c.Invalid),
			c.Loss.text(), c.Loss.interval(), c.Violation.text(), c.Violation.interval()})
	}
	return rows
}

func (s Share) text() string {
	if s.N == 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d = %s %%", s.K, s.N, s.Percent().Fixed(2))
}

func (s Share) interval() string {
	switch {
	case s.N == 0:
		return "-"
	case s.K == 0:
		return "<= " + s.High.Fixed(2) + " % (rule of three)"
	}
	return s.Low.Fixed(2) + " .. " + s.High.Fixed(2) + " %"
}

func (s *Summary) quantiles(scenario, metric string) [][]string {
	rows := [][]string{{metric, "min", "p50", "p90", "p99", "max", "n"}}
	interesting := false
	for _, c := range s.of(scenario) {
		for _, d := range c.Distributions {
			if d.Metric == metric {
				interesting = interesting || d.Max != 0
				rows = append(rows, []string{c.System, cell(metric, d.Min), cell(metric, d.P50), cell(metric, d.P90), cell(metric, d.P99), cell(metric, d.Max), fmt.Sprint(d.N)})
			}
		}
	}
	if !interesting {
		return nil
	}
	return rows
}

func cell(metric string, n result.Number) string {
	switch {
	case n.IsNever():
		return "never"
	case has(metric, "outage") || metric == "failover" || metric == "rpo":
		return n.Fixed(3) + " s"
	}
	return n.String()
}

func (s *Summary) anomalies(scenario string) [][]string {
	rows := [][]string{{"system", "anomaly", "class", "by", "runs", "messages", "first seed"}}
	for _, c := range s.of(scenario) {
		for _, t := range c.Anomalies {
			rows = append(rows, []string{c.System, t.Cause, string(t.Class), t.By, fmt.Sprint(t.Runs), fmt.Sprint(t.Count), fmt.Sprint(t.First)})
		}
	}
	return rows
}

func (s *Summary) findings() [][]string {
	rows := [][]string{{"model", "finding", "runs", "first", "seeds", "example"}}
	for _, f := range s.Findings {
		seeds := strings.Trim(fmt.Sprint(f.Seeds), "[]")
		if f.Runs > len(f.Seeds) {
			seeds += " ..."
		}
		rows = append(rows, []string{f.Model, f.Class, fmt.Sprint(f.Runs), f.Name + " " + f.System, seeds, f.Example})
	}
	return rows
}

// grid writes rows with their columns lined up; the first row is the head.
func grid(b *strings.Builder, markdown bool, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	for n, r := range rows {
		var cells []string
		for i, c := range r {
			if markdown {
				c = strings.ReplaceAll(c, "|", `\|`)
			}
			cells = append(cells, c+strings.Repeat(" ", max(0, width[i]-len([]rune(c)))))
		}
		if markdown {
			b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		} else {
			b.WriteString(strings.TrimRight(strings.Join(cells, "  "), " ") + "\n")
		}
		if n == 0 {
			for i, c := range width {
				cells[i] = strings.Repeat("-", c)
			}
			if markdown {
				b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
			} else {
				b.WriteString(strings.Join(cells, "  ") + "\n")
			}
		}
	}
}
