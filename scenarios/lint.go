package scenarios

import (
	"slices"
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/verdict"
)

// This file finds at load time what would be INVALID, or say nothing, in every run: faults that no host can
// match, checks that nothing can fail.

// coordinators are the beginnings of the names of hosts that hold no data.
var coordinators = []string{"zk-", "controller-", "namesrv-"}

// data are the servers of a system that hold messages.
func (s *System) data() []string {
	return slices.DeleteFunc(slices.Clone(s.Hosts), func(h string) bool {
		return slices.ContainsFunc(coordinators, func(c string) bool { return strings.HasPrefix(h, c) })
	})
}

// static is whom a selector names in every run; known is false if that depends on roles.
func (s *System) static(sel faults.Selector) (hosts []string, known bool) {
	for _, t := range sel.Terms {
		var add []string
		switch is, _ := s.isClient(t.Word); {
		case t.Not != nil:
			inner, ok := s.static(*t.Not)
			if !ok {
				return nil, false
			}
			add = minus(s.data(), inner)
		case t.Word == "all":
			add = s.Hosts
		case t.Word == "brokers":
			add = s.data()
		case is || contains(s.Hosts, t.Word):
			add = []string{t.Word}
		default:
			return nil, false
		}
		hosts = append(hosts, minus(add, hosts)...)
	}
	return hosts, true
}

func minus(list, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(h string) bool { return contains(gone, h) })
}

// matches checks that a fault hits somebody in every system that it concerns.
func (c *schedule) matches(o *object, f *faults.Spec, a *action) {
	if f.Optional {
		return
	}
	for _, s := range c.concerned(f.Systems) {
		switch {
		case !f.Selector.Empty():
			c.matchesSelector(o, f, a, s)
		case f.Shape != "":
			if n := len(s.data()); n < 3 {
				o.fail("shape", "%s has %d servers; a shape needs at least 3", s.Name, n)
			} else if f.Shape == "ring" && n == 3 {
				o.fail("shape", "a ring of the 3 servers of %s cuts nobody: everybody is a neighbour of everybody", s.Name)
			}
		case len(f.Between) == 2:
			x, known := s.static(f.Between[0])
			y, known2 := s.static(f.Between[1])
			if known && known2 && len(minus(y, x)) == 0 {
				o.fail("between", "%s: both sides are the same hosts", s.Name)
			}
		case len(f.Groups) > 0:
			c.disjoint(o, f, s)
		}
	}
}

func (c *schedule) matchesSelector(o *object, f *faults.Spec, a *action, s *System) {
	hosts, known := s.static(f.Selector)
	if !known {
		return
	}
	n := len(hosts)
	switch {
	case n == 0:
		o.fail("selector", "%s: %s leaves no host", s.Name, quoted(f.Selector.Text))
	case f.Mode == faults.Minority && n < 3:
		o.fail("mode", "%s: a minority of %d is nobody", s.Name, n)
	case f.Mode == faults.Fixed && f.Value > n:
		o.fail("value", "%s: there are only %d", s.Name, n)
	case a.target == byCut && (f.Mode == faults.One || f.Mode == faults.All) && len(minus(s.Hosts, hosts)) == 0:
		o.fail("selector", "%s: %s is every server, and nobody is left to cut them off from", s.Name, quoted(f.Selector.Text))
	}
	for _, w := range []struct{ process, prefix string }{{"zookeeper", "zk-"}, {"namesrv", "namesrv-"}} {
		if f.Process == w.process && !slices.ContainsFunc(hosts, func(h string) bool { return strings.HasPrefix(h, w.prefix) }) {
			o.fail("process", "%s: no host of %s runs a %s", s.Name, quoted(f.Selector.Text), w.process)
		}
	}
}

// disjoint checks that no host stands in two groups.
func (c *schedule) disjoint(o *object, f *faults.Spec, s *System) {
	var seen []string
	for _, g := range f.Groups {
		var group []string
		for _, sel := range g {
			hosts, known := s.static(sel)
			if !known {
				return
			}
			group = append(group, minus(hosts, group)...)
		}
		for _, h := range group {
			if contains(seen, h) {
				o.fail("groups", "%s stands in two groups", h)
				return
			}
		}
		seen = append(seen, group...)
	}
}

// spans are the metrics whose value is at most the window.
var spans = []string{"write_outage", "read_outage", "write_outage_partial", "read_outage_partial", "write_unavailable", "read_unavailable"}

// says checks that a check can fail in this system: that its fault happens there, that its bound is inside of
// what a run can give.
func (c *schedule) says(s *System, e verdict.Expectation, n *node, path string) bool {
	for _, name := range []string{e.During, e.After, faultScope(e.Left)} {
		if spec, ok := c.specs[name]; ok && !concerns(spec, s.Name) {
			if !e.All {
				c.d.fail(n.at, path, "%s does not concern %s", quoted(name), s.Name)
			}
			return false
		}
	}
	if e.Right != nil {
		return true
	}
	window := result.Seconds(int64(c.duration - c.warmup))
	switch m := e.Left.Metric.Name; {
	case contains(spans, m) && (e.Op == verdict.LessEqual && e.Low.Cmp(window) >= 0 || e.Op == verdict.Less && e.Low.Cmp(window) > 0 ||
		e.Op == verdict.In && e.Low <= 0 && e.High.Cmp(window) >= 0):
		c.d.fail(n.at, path, "%s: no value can fail this check: the window is %s long", quoted(e.Check), c.duration-c.warmup)
		return false
	case contains(spans, m) && (e.Op == verdict.Greater && e.Low.Cmp(window) >= 0 || (e.Op == verdict.GreaterEqual || e.Op == verdict.In) && e.Low.Cmp(window) > 0):
		c.d.fail(n.at, path, "%s: no value can pass this check: the window is %s long", quoted(e.Check), c.duration-c.warmup)
		return false
	case m == "failover" && !e.All && (e.Op == verdict.Less || e.Op == verdict.LessEqual) && !c.faulty(s):
		c.d.fail(n.at, path, "%s: no value can fail this check: no fault concerns %s", quoted(e.Check), s.Name)
		return false
	}
	return true
}

func faultScope(r verdict.Ref) string {
	if r.Scope.Kind == "fault" {
		return r.Scope.Name
	}
	return ""
}

func concerns(list []string, system string) bool { return len(list) == 0 || contains(list, system) }

// faulty says whether a fault concerns a system.
func (c *schedule) faulty(s *System) bool {
	for _, name := range c.faults {
		if systems, read := c.specs[name]; read && concerns(systems, s.Name) {
			return true
		}
	}
	return false
}
