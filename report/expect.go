package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// check is one expectation of one system over all its valid runs.
type check struct {
	result.Expectation
	system string
	runs   int
	failed []uint64 // seeds
	// actual is what the first failing run saw, else the first run.
	actual string
}

func (c check) key() string {
	return c.Check + "\x00" + c.During + "\x00" + c.After + "\x00" + strconv.Itoa(c.Line)
}

// label is the check with its phase.
func (c check) label() string {
	text := c.Check
	if c.During != "" {
		text += " during " + c.During
	}
	if c.After != "" {
		text += " after " + c.After
	}
	return text
}

// checks gathers the expectations of a section in the order of systems and file.
func (s *section) checks() []*check {
	var out []*check
	for _, y := range s.systems {
		first := len(out)
		for _, r := range y.valid() {
			for _, e := range r.Expectations {
				c := &check{Expectation: e, system: y.name, actual: e.Actual}
				i := slices.IndexFunc(out[first:], func(o *check) bool { return o.key() == c.key() })
				if i < 0 {
					out = append(out, c)
				} else {
					c = out[first+i]
				}
				c.runs++
				if !e.Pass {
					if len(c.failed) == 0 {
						c.actual = e.Actual
					}
					c.failed = append(c.failed, r.Seed)
				}
			}
		}
	}
	return out
}

// expectations prints those that failed with their place and value, then those that hold.
func (t *table) expectations() {
	checks := t.s.checks()
	if len(checks) == 0 {
		return
	}
	var failed, held []*check
	for _, c := range checks {
		if len(c.failed) > 0 {
			failed = append(failed, c)
		} else {
			held = append(held, c)
		}
	}
	t.line()
	tail := fmt.Sprintf(t.w.holds, len(held))
	if len(failed) > 0 {
		tail += t.w.clause + t.st.paint(bad, fmt.Sprintf(t.w.fails, len(failed)))
	}
	t.line(t.st.paint(strong, t.w.expectations), "  ", tail)
	for _, c := range failed {
		t.failure(c)
	}
	t.held(held)
}

// failure prints "✗ kafka-acks1: lost == 0, was 3   primary-crash.yaml:58" and the scenario's reason.
func (t *table) failure(c *check) {
	text := unbroken(c.system) + t.w.colon + c.label() + t.w.clause
	if len(t.s.seeds) == 1 {
		text += fmt.Sprintf(t.w.actual, c.actual)
	} else {
		text += fmt.Sprintf(t.w.actualSeed, c.actual, c.failed[0]) + t.w.clause + fmt.Sprintf(t.w.failsIn, len(c.failed), c.runs)
	}
	place := ""
	if c.Line > 0 {
		file := t.s.File
		if file == "" {
			file = t.s.Name
		}
		place = file + ":" + strconv.Itoa(c.Line)
	}
	first := "  " + t.st.cross + " "
	indent := columnsOf(first)
	lines := wrap(text, t.width-indent)
	last := len(lines) - 1
	if room := t.width - indent - columnsOf(lines[last]) - 2; columnsOf(place) <= room {
		lines[last] += strings.Repeat(" ", room+2-columnsOf(place)) + t.st.paint(faint, place)
	} else {
		lines = append(lines, t.st.paint(faint, place))
	}
	for i, line := range lines {
		if i == 0 {
			t.line(t.st.paint(bad, first), line)
			continue
		}
		t.line(strings.Repeat(" ", indent), line)
	}
	if reason := c.Because.In(t.w.lang); reason != "" {
		t.paragraph(cell{text: strings.Repeat(" ", indent)}, cell{fmt.Sprintf(t.w.because, reason), faint}, indent)
	}
}

// held prints one line a system, and one for the checks that every system passed.
func (t *table) held(held []*check) {
	byLabel := map[string]int{}
	for _, c := range held {
		byLabel[c.key()]++
	}
	common := func(c *check) bool { return len(t.s.systems) > 1 && byLabel[c.key()] == len(t.s.systems) }
	var everywhere []string
	for _, c := range held {
		if common(c) && c.system == t.s.systems[0].name {
			everywhere = append(everywhere, unbroken(c.label()))
		}
	}
	if len(everywhere) > 0 {
		t.heldLine(fmt.Sprintf(t.w.all, len(t.s.systems)), everywhere)
	}
	for _, y := range t.s.systems {
		var own []string
		for _, c := range held {
			if c.system == y.name && !common(c) {
				own = append(own, t.heldText(c))
			}
		}
		if len(own) > 0 {
			t.heldLine(y.name, own)
		}
	}
}

// heldText is a check with its value, where the check does not say it already.
func (t *table) heldText(c *check) string {
	text := c.label()
	if !strings.Contains(c.Check, "==") && c.actual != "" && len(t.s.seeds) == 1 {
		text += " (" + c.actual + ")"
	}
	return unbroken(text)
}

func (t *table) heldLine(who string, checks []string) {
	first := "  " + t.st.tick + " "
	t.paragraph(cell{first, good}, cell{text: unbroken(who) + t.w.colon + strings.Join(checks, ", ")}, columnsOf(first))
}
