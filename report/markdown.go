package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/mqsim/mqsim/result"
)

var markdownFormat = Format{
	Name: "markdown",
	Doc:  result.Text{En: "GitHub-flavoured Markdown, for a step summary or a pull request", Zh: "GitHub 风格 Markdown，供步骤摘要或合并请求使用"},
	Render: func(w io.Writer, f *result.File, o Options) error {
		p := newPage(w)
		plainStyle := Options{Lang: o.Lang}
		t := &table{page: p, st: newStyle(plainStyle), w: wordsOf(o.Lang), o: plainStyle, f: f, width: 1 << 16}
		for i, s := range sections(f) {
			if i > 0 {
				p.line()
			}
			t.s = s
			t.markdown()
		}
		if len(f.Results) == 0 {
			p.line(t.w.noResults)
		}
		return p.Flush()
	},
}

// markdownCells is the length of a curve in a Markdown table.
const markdownCells = 24

// markdown renders one section: verdict, comparison, what failed, the details folded, the command.
func (t *table) markdown() {
	sign := "✅"
	for _, y := range t.s.systems {
		for _, r := range y.runs {
			switch {
			case r.Verdict == result.Invalid || len(r.Broken) > 0:
				sign = "⚠️"
			case r.Verdict == result.Fail && sign == "✅":
				sign = "❌"
			}
		}
	}
	heading := "### " + sign + " " + escapeMarkdown(t.s.Name)
	if title := t.s.Title.In(t.w.lang); title != "" {
		heading += ": " + escapeMarkdown(title)
	}
	t.line(heading)
	t.line()
	t.markdownTable()
	t.markdownFailures()
	if text := t.sentence(); text != "" {
		t.line()
		t.line(escapeMarkdown(releasing.Replace(text)))
	}
	for _, y := range t.s.systems {
		t.markdownDetails(y)
	}
	t.line()
	t.line(t.w.reproduce)
	t.line("```sh")
	t.line(t.command())
	t.line("```")
}

func (t *table) markdownTable() {
	heads := []string{t.w.system, t.w.writes, t.w.reads, t.w.served, t.w.acked, t.w.lost, t.w.duplicates, t.w.latency, t.w.amplification, t.w.acks}
	rule := []string{"---", "---", "---", "--:", "--:", "---", "--:", "--:", "--:", "---"}
	for i, h := range heads {
		heads[i] = cellMarkdown(h)
	}
	t.line("| " + strings.Join(heads, " | ") + " |")
	t.line("|" + strings.Join(rule, "|") + "|")
	full := fullRate(t.s, markdownCells)
	for _, y := range t.s.systems {
		service, messages := t.row(y)
		var row []string
		for _, c := range append(service, messages...) {
			row = append(row, cellMarkdown(c.text))
		}
		curve := ""
		if c := curveOf(y, markdownCells); c != nil {
			curve = c.draw(t.st, full)
		}
		t.line("| " + strings.Join(append(row, curve), " | ") + " |")
	}
}

func (t *table) markdownFailures() {
	var failed []*check
	held := 0
	for _, c := range t.s.checks() {
		if len(c.failed) > 0 {
			failed = append(failed, c)
		} else {
			held++
		}
	}
	t.line()
	t.line("**" + t.w.expectations + "** " + fmt.Sprintf(t.w.holds, held) + pick(len(failed) > 0, t.w.clause+fmt.Sprintf(t.w.fails, len(failed)), ""))
	for _, c := range failed {
		place := ""
		if c.Line > 0 {
			place = fmt.Sprintf(" (`%s:%d`)", t.s.File, c.Line)
		}
		line := "- ❌ " + escapeMarkdown(c.system) + t.w.colon + "`" + c.label() + "`" + t.w.clause + escapeMarkdown(fmt.Sprintf(t.w.actualSeed, c.actual, c.failed[0])) + place
		if reason := c.Because.In(t.w.lang); reason != "" {
			line += t.w.clause + escapeMarkdown(fmt.Sprintf(t.w.because, reason))
		}
		t.line(line)
	}
	for _, y := range t.s.systems {
		for _, r := range y.runs {
			for _, why := range r.Invalid {
				t.line("- ⚠️ " + t.w.invalidRun + " " + escapeMarkdown(r.System+t.w.clause+fmt.Sprintf(t.w.seed, r.Seed)+t.w.colon+why))
			}
			for _, b := range r.Broken {
				t.line("- ⚠️ " + t.w.brokenRun + " " + escapeMarkdown(r.System+t.w.clause+fmt.Sprintf(t.w.seed, r.Seed)+t.w.colon+b.Invariant+t.w.colon+b.Detail))
			}
		}
	}
}

// markdownDetails folds what became of faults, outages and messages of the first valid run of a system.
func (t *table) markdownDetails(y *system) {
	valid := y.valid()
	if len(valid) == 0 {
		return
	}
	r := valid[0]
	t.line()
	t.line(fmt.Sprintf("<details><summary>%s (%s)</summary>", escapeMarkdown(y.name), fmt.Sprintf(t.w.seed, r.Seed)))
	t.line()
	for _, f := range r.Faults {
		t.line(fmt.Sprintf("- `%s` %s %s: %s–%s s", f.Name, f.Action, escapeMarkdown(strings.Join(f.Hosts, ", ")), seconds(f.From), seconds(f.To)))
	}
	for _, o := range r.Outages {
		if o.Scope == "full" {
			t.line(fmt.Sprintf("- %s: %s–%s s%s", o.Kind, seconds(o.From), seconds(o.To), prefixed(t.w.clause, escapeMarkdown(t.w.ending(o)))))
		}
	}
	for _, l := range r.Losses {
		t.line(fmt.Sprintf("- %s: %s %s `%s`", fmt.Sprintf(t.w.lostBy, l.Count, l.Cause), escapeMarkdown(t.judged(l)), "e.g.", strings.Join(l.Examples, "` `")))
	}
	for _, why := range r.Why {
		t.line("- " + escapeMarkdown(why.Text.In(t.w.lang)) + prefixed(" — ", escapeMarkdown(why.Source)))
	}
	t.line()
	t.line("</details>")
}

// cellMarkdown makes a cell's text one line of a table.
func cellMarkdown(s string) string {
	return strings.ReplaceAll(escapeMarkdown(releasing.Replace(s)), "\n", "<br>")
}

var markdownEscapes = strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`)

func escapeMarkdown(s string) string { return markdownEscapes.Replace(s) }
