package scenarios

import (
	"fmt"
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/sim"
)

// The glyphs of a timeline.
const (
	lineFree  = '·' // nothing holds
	lineMaybe = '░' // it begins or ends somewhere here: the seed draws when
	lineHeld  = '█' // it holds
	lineOnce  = '◆' // it happens at this moment
	lineOn    = '▶' // it outlives the heal
)

// Timeline draws the schedule of a scenario: one line for each fault and operation, over a ruler of the load
// that is width characters long. Words are in "en" or "zh". What waits for an event has no bar.
func (s *Scenario) Timeline(lang string, width int) string {
	width = max(width, 20)
	t := timeline{s: s, lang: lang, width: width}
	for i := range s.Faults {
		t.fault(&s.Faults[i])
	}
	for i := range s.Operations {
		t.operation(&s.Operations[i])
	}
	left := 0
	for _, r := range t.rows {
		left = max(left, columns(r.label))
	}
	var b strings.Builder
	for i := range s.Setup {
		fmt.Fprintf(&b, "%s%s%s\n", say(lang, "before the load: ", "负载之前："), doing(&s.Setup[i]), only(s.Setup[i].Systems))
	}
	fmt.Fprintf(&b, "%s  %s\n", pad("", left), t.ruler())
	for _, r := range t.rows {
		fmt.Fprintf(&b, "%s  %s  %s\n", pad(r.label, left), r.bar, r.note)
	}
	return b.String()
}

type timeline struct {
	s     *Scenario
	lang  string
	width int
	rows  []row
}

type row struct{ label, bar, note string }

// ruler has a mark with its time at the quarters of the load.
func (t *timeline) ruler() string {
	line := []rune(strings.Repeat(" ", t.width+8))
	for i := range 5 {
		copy(line[i*(t.width-1)/4:], []rune(clock(t.s.Duration*sim.Time(i)/4)))
	}
	return strings.TrimRight(string(line), " ")
}

// column is where a moment stands.
func (t *timeline) column(at sim.Time) int {
	return int(min(max(at, 0), t.s.Duration) * sim.Time(t.width-1) / t.s.Duration)
}

func (t *timeline) empty() []rune { return []rune(strings.Repeat(string(lineFree), t.width)) }

func (t *timeline) fault(f *faults.Spec) {
	who := f.Selector.Text
	switch {
	case len(f.Between) == 2:
		who = f.Between[0].Text + " | " + f.Between[1].Text
	case len(f.Groups) > 0:
		var sides []string
		for _, g := range f.Groups {
			var words []string
			for _, sel := range g {
				words = append(words, sel.Text)
			}
			sides = append(sides, strings.Join(words, "+"))
		}
		who = strings.Join(sides, " | ")
	case f.Shape != "":
		who = f.Shape
	}
	r := row{label: fmt.Sprintf("%s: %s %s", f.Name, f.Action, who)}
	once := actionNamed(f.Action).once || f.Action == "reset" && f.Duration == 0
	if f.When != nil {
		r.bar, r.note = string(t.empty()), t.when(f.When)
	} else {
		r.bar, r.note = t.bar(f, once), between(f.At)
	}
	switch {
	case f.Permanent:
		r.note += say(t.lang, ", never undone", "，不恢复")
	case f.Duration > 0:
		r.note += say(t.lang, " for ", "，持续 ") + clock(f.Duration)
	case !once:
		r.note += say(t.lang, ", until the end of the load", "，直到负载结束")
	}
	if f.Every > 0 {
		r.note += say(t.lang, ", every ", "，每隔 ") + clock(f.Every)
	}
	if f.Stagger > 0 {
		r.note += say(t.lang, ", one after the other, ", "，依次间隔 ") + clock(f.Stagger)
	}
	r.note += only(f.Systems)
	t.rows = append(t.rows, r)
}

// bar draws when a fault holds.
func (t *timeline) bar(f *faults.Spec, once bool) string {
	line := t.empty()
	paint := func(from, to sim.Time, glyph rune) {
		for i := t.column(from); i <= t.column(to); i++ {
			if line[i] != lineHeld {
				line[i] = glyph
			}
		}
	}
	for _, first := range t.starts(f) {
		t.repeat(f, first, once, line, paint)
	}
	if f.Permanent {
		line[len(line)-1] = lineOn
	}
	return string(line)
}

// starts are when each target of a fault is hit, as far as that is known before the run.
func (t *timeline) starts(f *faults.Spec) []sim.Range {
	out := []sim.Range{f.At}
	if f.Stagger == 0 {
		return out
	}
	for _, s := range t.s.Systems {
		hosts, known := s.static(f.Selector)
		if !known || !f.Concerns(s.Name) {
			continue
		}
		for i := 1; i < len(hosts); i++ {
			by := f.Stagger * sim.Time(i)
			out = append(out, sim.Range{Min: f.At.Min + by, Max: f.At.Max + by})
		}
		break
	}
	return out
}

// repeat draws one target's part of a bar.
func (t *timeline) repeat(f *faults.Spec, first sim.Range, once bool, line []rune, paint func(from, to sim.Time, glyph rune)) {
	n := 0
	for at := first; at.Min < t.s.Duration && (n == 0 || f.Every > 0) && (f.Times == 0 || n < f.Times); n++ {
		end := sim.Range{Min: t.s.Duration, Max: t.s.Duration}
		if f.Duration > 0 {
			end = sim.Range{Min: at.Min + f.Duration, Max: at.Max + f.Duration}
		}
		switch {
		case once:
			paint(at.Min, at.Max, lineMaybe)
			line[t.column((at.Min+at.Max)/2)] = lineOnce
		default:
			if at.Max < end.Min {
				paint(at.Max, end.Min, lineHeld)
			}
			if at.Max > at.Min {
				paint(at.Min, at.Max, lineMaybe)
				paint(end.Min, end.Max, lineMaybe)
			}
		}
		at = sim.Range{Min: at.Min + f.Every, Max: at.Max + f.Every}
	}
}

func (t *timeline) operation(o *faults.Operation) {
	line := t.empty()
	r := row{label: o.Name + ": " + doing(o)}
	if o.When != nil {
		r.note = t.when(o.When)
	} else {
		line[t.column((o.At.Min+o.At.Max)/2)] = lineOnce
		r.note = between(o.At)
	}
	r.bar = string(line)
	r.note += only(o.Systems)
	t.rows = append(t.rows, r)
}

// doing is what an operation does to whom.
func doing(o *faults.Operation) string {
	words := []string{o.Do}
	for _, w := range []string{o.Selector.Text, strings.Join(o.Order, "+"), o.Target, o.Partition, o.Queue, o.Group, o.Node, o.Until} {
		if w != "" {
			words = append(words, w)
		}
	}
	if o.For > 0 {
		words = append(words, clock(o.For))
	}
	return strings.Join(words, " ")
}

// when says what an entry waits for.
func (t *timeline) when(w *faults.When) string {
	text := say(t.lang, "when ", "当 ") + w.Event
	for _, x := range []string{w.Host, w.Partition} {
		if x != "" {
			text += " " + x
		}
	}
	if w.Nth > 1 {
		text += fmt.Sprintf(" #%d", w.Nth)
	}
	if w.After != "" {
		text += say(t.lang, " after ", " 在其后：") + w.After
	}
	if w.Delay > 0 {
		text += " + " + clock(w.Delay)
	}
	return text
}

func between(at sim.Range) string {
	if at.Max > at.Min {
		return clock(at.Min) + ".." + clock(at.Max)
	}
	return clock(at.Min)
}

// clock writes 1m0s as 1m.
func clock(t sim.Time) string {
	text := t.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func only(systems []string) string {
	if len(systems) == 0 {
		return ""
	}
	return " [" + strings.Join(systems, ", ") + "]"
}

// columns is how wide a text is on a terminal.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r >= 0x2e80 {
			n++
		}
	}
	return n
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}
