package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// details are the parts of a result that -v adds, for the first run of each system: what was
// injected, what the configuration does not promise, how it was configured and what is assumed.
func (t *table) details() {
	t.each(t.w.faults, func(r *result.Result) (lines []string) {
		for _, f := range r.Faults {
			lines = append(lines, t.faultLine(f))
		}
		return lines
	})
	t.each(t.w.operations, func(r *result.Result) (lines []string) {
		for _, o := range r.Operations {
			state := "ok"
			if !o.OK {
				state = t.w.refused
			}
			if o.Answer != "" {
				state += ": " + o.Answer
			}
			lines = append(lines, fmt.Sprintf("%s %s, %s%ss, %s", o.Do, strings.Join(o.Hosts, "+"), seconds(o.At), glue, state))
		}
		return lines
	})
	t.each(t.w.promises, func(r *result.Result) (lines []string) {
		for _, p := range r.Promises {
			lines = append(lines, p.Cause+", "+t.judged(result.Loss{Class: p.Class, By: p.By})+": "+p.Why)
		}
		return lines
	})
	t.stories()
	t.each(t.w.config, func(r *result.Result) []string {
		var settings []string
		for name, value := range r.Config.Set { //mqsim:unordered sorted below
			settings = append(settings, name+"="+value)
		}
		if len(settings) == 0 {
			return nil
		}
		slices.Sort(settings)
		return []string{strings.Join(settings, ", ")}
	})
	t.each(t.w.fidelity, func(r *result.Result) []string { return r.Fidelity })
}

// stories prints the biography of one lost message for each cause of each system.
func (t *table) stories() {
	for _, y := range t.s.systems {
		told := map[string]bool{}
		for _, r := range y.valid() {
			for _, l := range r.Losses {
				if len(l.Story) == 0 || told[l.Cause] {
					continue
				}
				told[l.Cause] = true
				t.line()
				t.line(t.st.paint(strong, t.w.story), " ", l.Examples[0], t.w.clause, r.System, t.w.colon, l.Cause)
				storyLines(t.page, t.st, l.Story, "  ")
			}
		}
	}
}

func (t *table) faultLine(f result.Fault) string {
	to := t.w.never
	if !f.To.IsNever() {
		to = seconds(f.To)
	}
	states := []string{t.w.tookHold}
	if !f.TookHold {
		states[0] = t.w.notHeld
	}
	if f.Absorbed {
		states = append(states, t.w.absorbed)
	}
	if !f.Healed {
		states = append(states, t.w.notHealed)
	}
	if f.Note != "" {
		states = append(states, f.Note)
	}
	states = append(states, fmt.Sprintf(t.w.touched, f.Touched))
	return fmt.Sprintf("%s: %s %s, %s%s%s%ss, %s", f.Name, f.Action, strings.Join(f.Hosts, "+"),
		seconds(f.From), t.st.dash, to, glue, strings.Join(states, ", "))
}

// each prints a heading and the lines of each system's first run; systems with the same line share it.
func (t *table) each(heading string, lines func(*result.Result) []string) {
	type shared struct {
		text  string
		names []string
	}
	var all []shared
	for _, y := range t.s.systems {
		for _, text := range lines(y.runs[0]) {
			i := slices.IndexFunc(all, func(s shared) bool { return s.text == text })
			if i < 0 {
				i = len(all)
				all = append(all, shared{text: text})
			}
			all[i].names = append(all[i].names, unbroken(y.name))
		}
	}
	if len(all) == 0 {
		return
	}
	t.line()
	t.line(t.st.paint(strong, heading))
	for _, s := range all {
		who := t.w.list(s.names)
		if n := len(t.s.systems); n > 1 && len(s.names) == n {
			who = fmt.Sprintf(t.w.all, n)
		}
		t.paragraph(cell{text: "  "}, cell{text: who + t.w.colon + s.text}, 4)
	}
}
