package scenarios

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
)

// selector reads a selector and checks its words as far as that is possible before a run.
func (c *schedule) selector(n *node, path string, systems []*System, optional bool) faults.Selector {
	if n = c.d.scalarOf(n, path, "a selector (primary, broker-1, primary+replica)"); n == nil {
		return faults.Selector{}
	}
	sel, err := faults.ParseSelector(n.text)
	if err != nil {
		c.d.fail(n.at, path, "%s", clip(err))
		return faults.Selector{}
	}
	sel.Words(func(t faults.Term) { c.term(t, n.at, path, systems, optional) })
	return sel
}

// term checks one word of a selector in every system that it concerns.
func (c *schedule) term(t faults.Term, at models.Pos, path string, systems []*System, optional bool) {
	var matches []string
	type miss struct{ system, why string }
	var misses []miss
	for _, s := range systems {
		why, known := c.answers(s, t, at, path)
		switch {
		case !known:
			misses = append(misses, miss{s.Name, why})
		case why != "":
			if !optional {
				c.d.fail(at, path, "%s: %s", s.Name, why)
			}
			matches = append(matches, s.Name)
		default:
			matches = append(matches, s.Name)
		}
	}
	switch {
	case len(misses) == 0 || optional && (len(matches) > 0 || c.knownSomewhere(t)):
	case len(matches) > 0:
		c.d.fail(at, path, "%s matches nobody in %s; name the others in systems: [%s], or write optional: true",
			quoted(t.Word), misses[0].system, strings.Join(matches, ", "))
	case contains(laterRoles, t.Word) || c.knownSomewhere(t):
		c.d.fail(at, path, "%s matches nobody in %s", quoted(t.Word), misses[0].system)
	default:
		c.d.failHint(at, path, models.Nearest(t.Word, c.words(systems)), "%s names nobody", quoted(t.Word))
	}
}

// answers says whether a system knows the word (known), and if so why nobody answers to it ("" =
// somebody may).
func (c *schedule) answers(s *System, t faults.Term, at models.Pos, path string) (why string, known bool) {
	if is, has := s.isClient(t.Word); is {
		if !has {
			return "there is no client " + t.Word, true
		}
		return noArg(t), true
	}
	if contains(s.Hosts, t.Word) {
		return noArg(t), true
	}
	arg := ""
	switch {
	case t.Word == "brokers" || t.Word == "all":
	case t.Word == "primary" || t.Word == "replica":
		arg = "partition"
	default:
		role := roleOf(s.Table, t.Word)
		if role == nil {
			return "", false
		}
		if role.NotBuilt {
			return "selector " + t.Word + " is not built yet", true
		}
		arg = role.Arg
	}
	if s.Table.Nobody != nil {
		if why := s.Table.Nobody(s.Set, s.Streams, t.Word, t.Arg); why != "" {
			return why, true
		}
	}
	switch {
	case t.Arg == "":
		return "", true
	case arg == "partition":
		c.partition(s, t.Arg, at, path)
	case arg == "group":
		if groups := s.groups(); !contains(groups, t.Arg) {
			return fmt.Sprintf("there is no group %s (%s)", quoted(t.Arg), strings.Join(groups, ", ")), true
		}
	case arg == "member":
		if groups := s.consumerGroups(); !contains(groups, t.Arg) {
			return fmt.Sprintf("there is no consumer group %s", quoted(t.Arg)), true
		}
	default:
		return noArg(t), true
	}
	return "", true
}

func noArg(t faults.Term) string {
	if t.Arg == "" {
		return ""
	}
	return t.Word + " takes nothing in brackets"
}

func roleOf(t *models.Table, word string) *models.Word {
	for i := range t.Roles {
		if t.Roles[i].Name == word {
			return &t.Roles[i]
		}
	}
	return nil
}

// groups are the broker groups of a system, nil where there are none.
func (s *System) groups() []string {
	if s.Table.Groups == nil {
		return nil
	}
	return s.Table.Groups(s.Set)
}

func (s *System) consumerGroups() []string {
	var out []string
	for i := range s.Streams {
		for _, g := range s.Streams[i].Consumers {
			if !contains(out, g.Group) {
				out = append(out, g.Group)
			}
		}
	}
	return out
}

// partition checks the name of a partition, a queue, a stream or a broker group: t0-2, t0, a, a/t0-2.
func (c *schedule) partition(s *System, name string, at models.Pos, path string) {
	groups := s.groups()
	if contains(groups, name) {
		return
	}
	rest := name
	if g, inner, ok := strings.Cut(name, "/"); ok && contains(groups, g) {
		rest = inner
	}
	var names []string
	for i := range s.Streams {
		st := &s.Streams[i]
		names = append(names, st.Name)
		if st.Name == rest {
			return
		}
		if num, ok := strings.CutPrefix(rest, st.Name+"-"); ok {
			n, err := strconv.Atoi(num)
			if err == nil && n >= 0 && n < st.Partitions && strconv.Itoa(n) == num {
				return
			}
			if err == nil && st.Partitions == 1 {
				c.d.fail(at, path, "%s: %s has only one partition or queue, %s-0", s.Name, st.Name, st.Name)
				return
			}
			if err == nil {
				c.d.fail(at, path, "%s: %s has %d partitions or queues, %s-0 to %s-%d", s.Name, st.Name, st.Partitions, st.Name, st.Name, st.Partitions-1)
				return
			}
		}
	}
	c.d.failHint(at, path, models.Nearest(name, append(names, groups...)), "%s has no partition or queue %s", s.Name, quoted(name))
}

// knownSomewhere says whether any model has the word, so that it is no typing error.
func (c *schedule) knownSomewhere(t faults.Term) bool {
	for _, table := range tables {
		if roleOf(table, t.Word) != nil {
			return true
		}
	}
	for _, s := range c.systems {
		if contains(s.Hosts, t.Word) {
			return true
		}
	}
	return contains(commonRoles, t.Word)
}

// words are all that a selector could have meant.
func (c *schedule) words(systems []*System) []string {
	out := append([]string{}, commonRoles...)
	for _, s := range systems {
		for _, r := range s.Table.Roles {
			out = append(out, r.Name)
		}
		out = append(out, s.Hosts...)
		p, n := s.clients()
		for i := 0; i < min(p, 20); i++ {
			out = append(out, fmt.Sprintf("producer-%d", i))
		}
		for i := 0; i < min(n, 20); i++ {
			out = append(out, fmt.Sprintf("consumer-%d", i))
		}
	}
	return append(out, "not")
}
