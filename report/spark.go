package report

import (
	"strings"

	"github.com/mqsim/mqsim/result"
)

// curve is the acks of one system over the load, summed over its seeds, in cells of equal span.
type curve struct {
	acked []int64 // per cell
	steps []int64 // steps of the series that the cell covers, over all seeds
}

// curveOf spreads the series of a system over n cells between t = 0 and the end of the window; nil
// if no valid run has one.
func curveOf(y *system, n int) *curve {
	c := &curve{acked: make([]int64, n), steps: make([]int64, n)}
	found := false
	for _, r := range y.valid() {
		if r.Series == nil || len(r.Series.Acked) == 0 {
			continue
		}
		found = true
		total := stepsOf(r)
		for i := range total {
			at := i * n / total
			c.steps[at]++
			if i < len(r.Series.Acked) {
				c.acked[at] += r.Series.Acked[i]
			}
		}
	}
	if !found {
		return nil
	}
	return c
}

// stepsOf is the number of steps between t = 0 and the end of the window.
func stepsOf(r *result.Result) int {
	return int(max(1, (int64(r.Window[1])+int64(r.Series.Step)-1)/int64(r.Series.Step)))
}

// fullRate is what a full cell stands for, as messages per hundred steps: the highest rate at which
// messages fell due in any cell of any system, so that all curves of a scenario have one scale and the
// burst after an outage does not flatten the rest. Without due times (rate: max) it is the highest rate of acks.
func fullRate(s *section, cells int) int64 {
	var due, acked int64
	for _, y := range s.systems {
		c := curveOf(y, cells)
		if c == nil {
			continue
		}
		dues := make([]int64, cells)
		for _, r := range y.valid() {
			if r.Series == nil {
				continue
			}
			total := stepsOf(r)
			for i, n := range r.Series.Due {
				if i < total {
					dues[i*cells/total] += n
				}
			}
		}
		for i := range cells {
			if c.steps[i] > 0 {
				due = max(due, 100*dues[i]/c.steps[i])
				acked = max(acked, 100*c.acked[i]/c.steps[i])
			}
		}
	}
	if due > 0 {
		return due
	}
	return max(acked, 1)
}

// draw prints the curve. A cell is empty only if nothing was acked in it.
func (c *curve) draw(st style, full int64) string {
	top := int64(len(st.levels) - 1)
	var b strings.Builder
	for i, acked := range c.acked {
		level := int64(0)
		if acked > 0 && c.steps[i] > 0 {
			// Rounded to the nearest level, at least the lowest.
			level = (2*100*acked*top + full*c.steps[i]) / (2 * full * c.steps[i])
			level = max(1, min(top, level))
		}
		b.WriteString(st.levels[level])
	}
	return b.String()
}

// marks draws the spans of a run's faults and operations under a curve of that many cells, each with its name.
// Those that would overlap go to further lines.
func marks(st style, runs []*result.Result, cells int) []string {
	var lines [][]string
	type span struct {
		name string
		a, b int
	}
	drawn := map[span]bool{} // a fault that hits several hosts at once is one span
	place := func(name string, from, to, end result.Number) {
		a := int(min(int64(cells)-1, max(0, int64(from)*int64(cells)/int64(end))))
		b := cells - 1
		if !to.IsNever() {
			b = int(min(int64(cells)-1, max(int64(a), int64(to)*int64(cells)/int64(end))))
		}
		if drawn[span{name, a, b}] {
			return
		}
		drawn[span{name, a, b}] = true
		when := ""
		if len(runs) == 1 && !to.IsNever() && to > from {
			when = " " + between(st, from, to)
		}
		mark := markText(st, name, when, b-a+1)
		a = max(0, min(a, cells-columnsOf(mark)))
		for l := 0; ; l++ {
			if l == len(lines) {
				lines = append(lines, make([]string, cells))
			}
			if free(lines[l], a, columnsOf(mark)) {
				write(lines[l], a, mark)
				return
			}
		}
	}
	if len(runs) == 0 || cells < 1 {
		return nil
	}
	for i, f := range runs[0].Faults {
		from, to := f.From, f.To
		for _, r := range runs[1:] {
			if i < len(r.Faults) {
				from, to = min(from, r.Faults[i].From), latest(to, r.Faults[i].To)
			}
		}
		if !from.IsNever() {
			place(f.Name, from, to, runs[0].Window[1])
		}
	}
	for _, o := range runs[0].Operations {
		place(o.Do, o.At, o.At, runs[0].Window[1])
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		for _, s := range line {
			if s == "" {
				s = " "
			} else if s == taken {
				s = ""
			}
			out[i] += s
		}
		out[i] = strings.TrimRight(out[i], " ")
	}
	return out
}

func latest(a, b result.Number) result.Number {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

// markText is a span with the name and, with room for it, the time in it; or a point with the name behind it.
func markText(st style, name, when string, cells int) string {
	if columnsOf(name+when) <= cells-2 {
		name = releasing.Replace(name + when)
	}
	if inner := cells - 2 - columnsOf(name); inner >= 0 {
		return st.span[0] + name + strings.Repeat(st.span[1], inner) + st.span[2]
	}
	return "^" + name
}

// taken fills the second cell of a wide character.
const taken = "\x00"

func free(line []string, at, n int) bool {
	for i := max(0, at-1); i < min(len(line), at+n+1); i++ {
		if line[i] != "" {
			return false
		}
	}
	return true
}

func write(line []string, at int, mark string) {
	for _, r := range mark {
		if at < len(line) {
			line[at] = string(r)
		}
		at++
		if runeColumns(r) == 2 {
			if at < len(line) {
				line[at] = taken
			}
			at++
		}
	}
}
