package scenarios

import (
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/verdict"
)

// expectations reads expect: and gives every system its checks, those of all first.
func (c *schedule) expectations(root *object, ops []faults.Operation) {
	o := c.d.object(root.field("expect"), "expect")
	if o == nil {
		return
	}
	phases := []string{"steady", "fault", "recovery"}
	phases = append(phases, c.faults...)
	for _, op := range ops {
		phases = append(phases, op.Name)
	}
	o.known = append([]string{"all"}, c.names...)
	for _, p := range o.n.pairs {
		if !contains(o.known, p.key) && !strings.HasPrefix(p.key, "x-") {
			c.d.failHint(p.at, "expect."+short(p.key), models.Nearest(p.key, o.known), "there is no system %s", quoted(p.key))
		}
	}
	for pass := 0; pass < 2; pass++ {
		for _, p := range o.n.pairs {
			if (p.key == "all") != (pass == 0) || !contains(o.known, p.key) {
				continue
			}
			path := "expect." + p.key
			if p.value.null {
				c.d.fail(p.at, path, "has no value")
				continue
			}
			if p.value.kind != list {
				c.d.fail(p.value.at, path, "must be a list of checks ([lost == 0]), not %s", p.value.what())
				continue
			}
			for i, n := range p.value.items {
				if e, ok := c.expectation(n, index(path, i), phases); ok {
					c.attach(e, p.key, n, index(path, i))
				}
			}
		}
	}
}

// expectation reads one check, short or long.
func (c *schedule) expectation(n *node, path string, phases []string) (verdict.Expectation, bool) {
	var e verdict.Expectation
	check := n
	var during, after string
	var long *object
	if n.kind == mapping {
		long = c.d.object(n, path)
		long.require("check", "what must hold (lost == 0)")
		check = long.scalar("check", "a check (lost == 0)")
		during, after = c.phase(long, "during", phases), c.phase(long, "after", c.faults)
		e.Because = long.text("because")
		long.done()
	} else {
		check = c.d.scalarOf(n, path, "a check (lost == 0)")
	}
	if check == nil {
		return e, false
	}
	because := e.Because
	e, err := verdict.ParseExpectation(check.text, c.metricNames()...)
	if err == nil {
		err = e.Within(during, after)
	}
	if err != nil {
		c.d.fail(check.at, path, "%s", clip(err))
		return e, false
	}
	e.Because, e.Line = because, check.at.Line
	return e, true
}

func (c *schedule) phase(o *object, key string, words []string) string {
	n := o.scalar(key, "a phase")
	if n == nil {
		return ""
	}
	return c.d.wordOf(n, join(o.path, key), "", words)
}

// metricNames are the metrics that models add.
func (c *schedule) metricNames() []string {
	var out []string
	for _, t := range tables {
		for _, m := range t.Metrics {
			out = append(out, m.Name)
		}
	}
	return out
}

// attach gives the check to the systems that it is for, if they can be judged by it.
func (c *schedule) attach(e verdict.Expectation, under string, n *node, path string) {
	for _, name := range e.Systems() {
		if !contains(c.names, name) {
			c.d.failHint(n.at, path, models.Nearest(name, c.names), "there is no system %s", quoted(name))
			return
		}
	}
	e.All = under == "all"
	for _, s := range c.systems {
		if !e.All && s.Name != under {
			continue
		}
		fits := true
		for _, ref := range e.Refs() {
			of := s
			if ref.System != "" {
				if of = c.named(ref.System); of == nil {
					continue
				}
			}
			fits = c.fits(of, ref, e.All, n, path) && fits
		}
		if fits && c.says(s, e, n, path) {
			s.Expect = append(s.Expect, e)
		}
	}
}

func (c *schedule) named(name string) *System {
	for _, s := range c.systems {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// fits says whether a system has the metric and what it is narrowed to.
func (c *schedule) fits(s *System, ref verdict.Ref, all bool, n *node, path string) bool {
	m := ref.Metric
	if m.Model && !s.counts(m.Name) {
		if !all {
			c.d.fail(n.at, path, "%s has no metric %s", s.Model, m.Name)
		}
		return false
	}
	if strings.HasPrefix(m.Name, "read_") || strings.HasPrefix(m.Name, "e2e_") {
		if !s.reads() {
			if !all {
				c.d.fail(n.at, path, "%s has no %s: nobody consumes before the drain", s.Name, m.Name)
			}
			return false
		}
	}
	if m.Name == "send_status" && len(s.Table.Statuses) > 0 && !contains(s.Table.Statuses, ref.Part) {
		c.d.failHint(n.at, path, models.Nearest(ref.Part, s.Table.Statuses), "%s has no send status %s", s.Model, ref.Part)
		return false
	}
	return c.scope(s, ref.Scope, n, path)
}

// counts says whether the model of a system has a metric of its own.
func (s *System) counts(metric string) bool {
	for _, w := range s.Table.Metrics {
		if w.Name == metric {
			return true
		}
	}
	return false
}

// reads says whether anybody consumes before the drain.
func (s *System) reads() bool {
	for i := range s.Streams {
		for _, g := range s.Streams[i].Consumers {
			if !g.Drain {
				return true
			}
		}
	}
	return false
}

// scope checks what `of` names.
func (c *schedule) scope(s *System, sc verdict.Scope, n *node, path string) bool {
	before := len(c.d.problems)
	switch {
	case sc.Name == "":
	case sc.Kind == "fault":
		if !contains(c.faults, sc.Name) {
			c.d.failHint(n.at, path, models.Nearest(sc.Name, c.faults), "there is no fault %s", quoted(sc.Name))
		}
	case sc.Kind == "group":
		if words := append(s.groups(), s.consumerGroups()...); !contains(words, sc.Name) {
			c.d.failHint(n.at, path, models.Nearest(sc.Name, words), "%s has no group %s", s.Name, quoted(sc.Name))
		}
	default:
		if is, has := s.isClient(sc.Name); is {
			if !has {
				c.d.fail(n.at, path, "%s has no client %s", s.Name, sc.Name)
			}
		} else {
			c.partition(s, sc.Name, n.at, path)
		}
	}
	return len(c.d.problems) == before
}
