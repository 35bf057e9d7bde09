package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/result"
)

var tableFormat = Format{
	Name: "table",
	Doc:  result.Text{En: "a comparison to read on a terminal", Zh: "供终端阅读的对比表"},
	Render: func(w io.Writer, f *result.File, o Options) error {
		width := o.Width
		if width == 0 {
			width = 80
		}
		p := newPage(w)
		t := &table{page: p, st: newStyle(o), w: wordsOf(o.Lang), o: o, f: f, width: max(40, min(width, maxWidth))}
		for i, s := range sections(f) {
			if i > 0 {
				p.line()
			}
			t.s = s
			t.section()
		}
		if len(f.Results) == 0 {
			p.line(t.w.noResults)
		}
		return p.Flush()
	},
}

// maxWidth: lines beyond this are harder to follow, not easier.
const maxWidth = 180

// table renders one section after the other.
type table struct {
	page
	st    style
	w     words
	o     Options
	f     *result.File
	s     *section
	width int
}

func (t *table) section() {
	t.head()
	t.alarms()
	t.expectations()
	t.systems()
	t.comparison()
	if t.o.Verbose {
		t.details()
	}
	t.reproduce()
}

// paragraph writes text wrapped to the width behind a first word, further lines indented.
func (t *table) paragraph(first cell, text cell, indent int) {
	for i, line := range wrap(text.text, t.width-max(columnsOf(first.text), indent)) {
		begin := strings.Repeat(" ", indent)
		if i == 0 {
			begin = t.st.paint(first.paint, first.text)
		}
		t.line(begin, t.st.paint(text.paint, line))
	}
}

func (t *table) head() {
	title := t.s.Title.In(t.w.lang)
	name := t.st.paint(strong, t.s.Name)
	if title == "" {
		t.line(name)
	} else {
		for i, line := range wrap(t.s.Name+": "+title, t.width) {
			if i == 0 {
				line = strings.Replace(line, t.s.Name, name, 1)
			}
			t.line(line)
		}
	}
	window := t.s.systems[0].runs[0].Window
	text := fmt.Sprintf(t.w.head, t.seedText(), seconds(window[1]), seconds(window[0]), t.w.systems(len(t.s.systems)))
	text += t.w.clause + "mqsim " + t.f.Version
	t.paragraph(cell{}, cell{text, faint}, 0)
	if len(t.s.seeds) > 1 {
		t.paragraph(cell{}, cell{t.w.headSeeds, faint}, 0)
	}
	if len(t.f.Set) > 0 {
		t.paragraph(cell{}, cell{text: "--set " + strings.Join(t.f.Set, " --set ")}, 2)
	}
}

// seedText names the seeds: "seed 42", "seeds 1..20".
func (t *table) seedText() string {
	if len(t.s.seeds) == 1 {
		return fmt.Sprintf(t.w.seed, t.s.seeds[0])
	}
	return fmt.Sprintf(t.w.seeds, seedList(t.s.seeds))
}

// seedList writes sorted seeds as --seeds takes them: 1..20,42.
func seedList(seeds []uint64) string {
	var parts []string
	for i := 0; i < len(seeds); {
		j := i
		for j+1 < len(seeds) && seeds[j+1] == seeds[j]+1 {
			j++
		}
		part := strconv.FormatUint(seeds[i], 10)
		if j > i {
			part += ".." + strconv.FormatUint(seeds[j], 10)
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// alarms are what must not be overlooked: runs that prove nothing, bugs, broken promises.
func (t *table) alarms() {
	for _, y := range t.s.systems {
		for _, r := range y.runs {
			t.runAlarms(r)
		}
	}
}

func (t *table) runAlarms(r *result.Result) {
	who := unbroken(r.System) + t.w.clause + unbroken(fmt.Sprintf(t.w.seed, r.Seed))
	for _, b := range r.Broken {
		t.alarm(t.w.brokenRun, who+t.w.colon+b.Invariant+t.w.colon+b.Detail+" ("+
			fmt.Sprintf(t.w.brokenAt, seconds(b.T), b.Step)+")"+t.w.colon+t.w.brokenHint)
	}
	for _, why := range r.Invalid {
		t.alarm(t.w.invalidRun, who+t.w.colon+why)
	}
	if r.Verdict == result.Invalid {
		if len(r.Invalid)+len(r.Broken) == 0 {
			t.alarm(t.w.invalidRun, who)
		}
		return // its losses prove nothing
	}
	accuse := func(what string, examples []string) {
		t.alarm(t.w.violationRun, who+t.w.colon+what+" ("+strings.Join(examples, t.w.comma)+")"+t.w.colon+t.w.violationHint)
	}
	for _, loss := range r.Losses {
		if loss.Class == result.Violation {
			accuse(fmt.Sprintf(t.w.lostBy, loss.Count, loss.Cause), loss.Examples)
		}
	}
	for _, a := range r.Anomalies {
		if a.Class == result.Violation {
			accuse(strconv.FormatInt(a.Count, 10)+" "+a.Cause, a.Examples)
		}
	}
}

func (t *table) alarm(kind, text string) {
	t.line()
	label := t.st.alarm + " " + kind
	for i, line := range wrap(unbroken(label)+" "+text, t.width-3) {
		if i == 0 {
			t.line(t.st.paint(loud, label), strings.TrimPrefix(line, label))
			continue
		}
		t.line("   ", line)
	}
}

// systems prints one row a system. Where the terminal is wide the whole row is one line with its
// curve; on 80 columns it is in two grids, who could write and read, and what became of the messages.
func (t *table) systems() {
	t.line()
	service := []column{{title: t.w.system}, {title: t.w.writes}, {title: t.w.reads}, {title: t.w.served, right: true}}
	messages := []column{{title: t.w.acked, right: true}, {title: t.w.lost}, {title: t.w.duplicates, right: true},
		{title: t.w.latency, right: true}, {title: t.w.amplification, right: true}}
	var left, right [][]cell
	for _, y := range t.s.systems {
		a, b := t.row(y)
		left, right = append(left, a), append(right, b)
	}
	if wide, rows := append(service[:4:4], messages...), joined(left, right, 0); gridWidth(wide, rows) <= t.width {
		t.grid(wide, rows, true)
		return
	}
	t.grid(service, left, true)
	t.line()
	t.grid(append(service[:1:1], messages...), joined(left, right, 1), false)
}

// joined puts each second row behind the first, of which it keeps n cells (0: all).
func joined(a, b [][]cell, n int) [][]cell {
	out := make([][]cell, len(a))
	for i := range a {
		keep := len(a[i])
		if n > 0 {
			keep = n
		}
		out[i] = append(a[i][:keep:keep], b[i]...)
	}
	return out
}

// row makes the cells of one system.
func (t *table) row(y *system) (service, messages []cell) {
	name := cell{text: unbroken(y.name), paint: strong}
	if len(y.valid()) == 0 {
		no := cell{text: "-"}
		return []cell{name, {t.w.invalid, loud}, no, no}, []cell{no, no, no, no, no}
	}
	return []cell{name, t.outageCell(y, "write"), t.outageCell(y, "read"), t.servedCell(y)},
		[]cell{t.numberCell(y, "acked", 0), t.lostCell(y), t.numberCell(y, "duplicates", 0),
			t.latencyCell(y), t.numberCell(y, "amplification", 2)}
}

// grid prints a grid; with curves each row is followed by the acks over time on the same axis, and the
// faults are marked below: once if they are the same for all.
func (t *table) grid(cols []column, rows [][]cell, curves bool) {
	lines := grid(t.st, cols, rows, t.width)
	t.lines(lines[0])
	indent := 2
	for _, row := range rows {
		indent = max(indent, min(columnsOf(row[0].text), 20)+gap)
	}
	cells := min(t.width-indent, maxCells)
	blank := strings.Repeat(" ", indent)
	full := fullRate(t.s, cells)
	var below []string
	for i, y := range t.s.systems {
		var c *curve
		if curves {
			c = curveOf(y, cells)
		}
		if c != nil {
			m := marks(t.st, y.valid(), cells)
			if strings.Join(m, "\n") != strings.Join(below, "\n") {
				t.marks(blank, below)
			}
			below = m
		}
		t.lines(lines[i+1])
		if c != nil {
			t.line(blank, c.draw(t.st, full))
		}
	}
	t.marks(blank, below)
}

func (t *table) marks(blank string, lines []string) {
	for _, m := range lines {
		t.line(blank, t.st.paint(faint, m))
	}
}

// maxCells is the length of the longest curve: two cells a second in a run of a minute.
const maxCells = 120

func (t *table) lines(lines []string) {
	for _, line := range lines {
		t.line(line)
	}
}

// reproduce prints the command. One line whatever its length: it is there to be copied.
func (t *table) reproduce() {
	t.line()
	t.line(t.st.paint(faint, t.w.reproduce), " ", t.command())
}

// command gives this section again; with a failure, the smallest that shows it.
func (t *table) command() string {
	name := t.s.Name
	if !t.s.Library && t.s.File != "" {
		name = t.s.File
	}
	args := []string{"mqsim", "run", shellWord(name)}
	seeds, only := t.s.seeds, []string(nil)
	for _, y := range t.s.systems {
		for _, r := range y.runs {
			if r.Verdict != result.Pass && len(only) == 0 {
				seeds, only = []uint64{r.Seed}, []string{y.name}
			}
		}
	}
	if len(seeds) == 1 {
		args = append(args, "--seed", strconv.FormatUint(seeds[0], 10))
	} else {
		args = append(args, "--seeds", seedList(seeds))
	}
	if len(only) > 0 && len(t.s.systems) > 1 {
		args = append(args, "--systems", shellWord(only[0]))
	}
	for _, set := range t.f.Set {
		args = append(args, "--set", shellWord(set))
	}
	return strings.Join(args, " ")
}

// shellWord quotes what a shell would not take as one word.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
