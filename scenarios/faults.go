package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// schedule reads faults, operations and setup against the systems that they concern.
type schedule struct {
	d        *decoder
	systems  []*System
	names    []string // of all entries of systems, those with problems too
	duration sim.Time
	warmup   sim.Time
	faults   []string            // names of faults, for after:
	taken    []string            // names of faults and operations
	specs    map[string][]string // of these: the systems that they concern, nil = all
}

// limited reads systems: the entries that a fault or an operation concerns.
func (c *schedule) limited(o *object) []string {
	texts, nodes := o.words("systems")
	for i, name := range texts {
		if !contains(c.names, name) {
			c.d.failHint(nodes[i].at, join(o.path, "systems"), models.Nearest(name, c.names), "there is no system %s", quoted(name))
		}
	}
	return texts
}

// concerned are the systems that stand and that a list names.
func (c *schedule) concerned(list []string) []*System {
	var out []*System
	for _, s := range c.systems {
		if len(list) == 0 || contains(list, s.Name) {
			out = append(out, s)
		}
	}
	return out
}

// claim gives an entry its name, once.
func (c *schedule) claim(o *object, def string) string {
	name := o.name("name", def)
	if contains([]string{"steady", "fault", "recovery"}, name) {
		o.fail("name", "%s is the name of a phase", quoted(name))
	}
	if contains(c.taken, name) {
		o.fail("name", "%s is the name of another fault or operation", quoted(name))
	}
	c.taken = append(c.taken, name)
	return name
}

func (c *schedule) readFaults(root *object) []faults.Spec {
	items := root.items("faults")
	for i, n := range items {
		name := n.get("name")
		if name == nil {
			c.faults = append(c.faults, fmt.Sprintf("fault-%d", i+1))
		} else {
			c.faults = append(c.faults, name.text)
		}
	}
	var out []faults.Spec
	for i, n := range items {
		o := c.d.object(n, index("faults", i))
		if o == nil {
			continue
		}
		if f, ok := c.fault(o, i); ok {
			out = append(out, f)
		}
	}
	return out
}

// fault reads one entry; false if its action is unknown.
func (c *schedule) fault(o *object, i int) (faults.Spec, bool) {
	f := newFault()
	f.Name, f.Pos = c.claim(o, fmt.Sprintf("fault-%d", i+1)), o.n.at
	o.require("action", "what happens (kill, stop, pause, power-loss, partition, delay ...)")
	word := o.scalar("action", "an action")
	o.known = append(o.known, faultKeys...)
	a := c.action(o, word)
	c.timing(o, &f)
	f.Systems = c.limited(o)
	f.Optional = o.boolean("optional", false)
	f.Permanent = o.boolean("permanent", false)
	f.Stagger = o.span("stagger", 0)
	if n := o.field("boot"); n != nil {
		if r, ok := c.d.rangeOf(n, o.path+".boot"); ok {
			f.Boot = &r
		}
	}
	if a == nil {
		// Its own keys cannot be told; those of every fault can.
		if o.has("selector") {
			c.aim(o, &f, &action{target: bySelector})
		}
		return f, false
	}
	f.Action = a.name
	c.specs[f.Name] = f.Systems
	before := len(c.d.problems)
	c.aim(o, &f, a)
	c.keys(o, &f, a)
	if len(c.d.problems) == before {
		c.matches(o, &f, a)
	}
	o.other = func(key string) string {
		var of []string
		for _, b := range actions {
			if contains(b.keys, key) {
				of = append(of, b.name)
			}
		}
		if len(of) == 0 {
			return ""
		}
		return fmt.Sprintf("not a key of %s (it belongs to %s)", a.name, strings.Join(of, ", "))
	}
	o.done()
	return f, true
}

// action finds an action by its word; nil after a problem.
func (c *schedule) action(o *object, word *node) *action {
	if word == nil {
		return nil
	}
	a := actionNamed(word.text)
	if a == nil {
		c.d.failHint(word.at, join(o.path, "action"), models.Nearest(word.text, actionNames()), "%s is no action", quoted(word.text))
	}
	return a
}

// timing reads when the fault begins and how long and how often it holds.
func (c *schedule) timing(o *object, f *faults.Spec) {
	f.At, f.When = c.start(o)
	f.Duration = o.positive("duration", sim.Nanosecond)
	if !o.has("duration") {
		f.Duration = 0
	}
	f.Every = o.positive("every", sim.Nanosecond)
	if !o.has("every") {
		f.Every = 0
	}
	f.Times = int(o.count("times", 0, 1, 10_000))
	switch {
	case f.Times > 0 && !o.has("every"):
		o.fail("times", "needs every: the time between two of them")
	case f.Every > 0 && f.When != nil:
		o.fail("every", "repeats a time (at:), not an event (when:)")
	case f.Every > 0 && f.Duration > f.Every:
		o.fail("every", "is shorter than duration (%s): the fault would begin again while it holds", f.Duration)
	}
	if f.Permanent = o.boolean("permanent", false); f.Permanent && f.Duration > 0 {
		o.fail("permanent", "is never undone, so it has no duration")
	}
}

// start reads at: or when:; exactly one of them must be there.
func (c *schedule) start(o *object) (at sim.Range, when *faults.When) {
	switch {
	case o.has("at") && o.has("when"):
		o.fail("when", "stands beside at: a fault or operation begins at a time or when an event happens")
	case !o.has("at") && !o.has("when"):
		o.require("at", "a time (10s), a range (10s..12s), or when: {event: ...}")
	}
	if n := o.field("at"); n != nil {
		r, ok := c.d.rangeOf(n, join(o.path, "at"))
		if ok && r.Max >= c.duration && c.duration > 0 {
			c.d.fail(n.at, join(o.path, "at"), "%s is not before the end of the load (duration: %s)", quoted(n.text), c.duration)
		}
		at = r
	}
	if w := c.d.object(o.field("when"), join(o.path, "when")); w != nil {
		when = c.when(w, c.concerned(listOf(o.n.get("systems"))))
	}
	return at, when
}

// listOf are the scalars of a list, for a look ahead.
func listOf(n *node) []string {
	var out []string
	if n != nil {
		for _, i := range n.items {
			out = append(out, i.text)
		}
	}
	return out
}

func (c *schedule) when(w *object, systems []*System) *faults.When {
	out := &faults.When{}
	w.require("event", "what must happen (leader-elected, process-ready ...)")
	out.Event = c.event(w, "event", systems)
	if n := w.scalar("host", "the name of a host"); n != nil {
		out.Host = n.text
		for _, s := range systems {
			if is, has := s.isClient(n.text); !is || !has {
				c.d.host(s, n.text, n.at, join(w.path, "host"))
			}
		}
	}
	if n := w.scalar("partition", "the name of a partition or queue"); n != nil {
		out.Partition = n.text
		for _, s := range systems {
			c.partition(s, n.text, n.at, join(w.path, "partition"))
		}
	}
	out.Nth = int(w.count("nth", 1, 1, 1_000_000))
	out.Delay = w.span("delay", 0)
	if n := w.scalar("after", "the name of a fault"); n != nil {
		out.After = n.text
		if !contains(c.faults, n.text) {
			c.d.failHint(n.at, join(w.path, "after"), models.Nearest(n.text, c.faults), "there is no fault %s", quoted(n.text))
		}
	}
	w.done()
	return out
}

// event reads the name of an event that every concerned system can have.
func (c *schedule) event(o *object, key string, systems []*System) string {
	n := o.scalar(key, "an event")
	if n == nil {
		return ""
	}
	path := join(o.path, key)
	if contains(commonEvents, n.text) {
		return n.text
	}
	words := slices.Clone(commonEvents)
	var has, lacks []string
	for _, s := range systems {
		found := false
		for _, e := range s.Table.Events {
			words = append(words, e.Name)
			if e.Name == n.text {
				found = true
			}
		}
		if found {
			has = append(has, s.Name)
		} else {
			lacks = append(lacks, s.Name)
		}
	}
	switch {
	case len(systems) == 0 || len(lacks) == 0:
	case len(has) == 0:
		c.d.failHint(n.at, path, models.Nearest(n.text, words), "%s is no event", quoted(n.text))
	default:
		c.d.fail(n.at, path, "%s has no event %s; name the others in systems: [%s]", lacks[0], n.text, strings.Join(has, ", "))
	}
	return n.text
}

// aim reads selector, mode and the sides of a cut.
func (c *schedule) aim(o *object, f *faults.Spec, a *action) {
	f.Mode = pick(o, "mode", faults.One, faults.Modes()...)
	f.Value = int(o.count("value", 0, 1, 1000))
	switch {
	case f.Mode == faults.Fixed && !o.has("value"):
		o.require("value", "how many hosts mode: fixed picks")
	case f.Mode != faults.Fixed && o.has("value"):
		o.fail("value", "only mode: fixed has a value")
	}
	systems := c.concerned(f.Systems)
	if n := o.scalar("selector", "a selector (primary, broker-1, primary+replica)"); n != nil {
		f.Selector = c.selector(n, join(o.path, "selector"), systems, f.Optional)
		c.suits(f.Selector, a.name, a.on, n, join(o.path, "selector"), systems)
	}
	ways := []string{"selector"}
	if a.target >= bySides {
		ways = append(ways, "between")
		f.Between = c.between(o, systems, f.Optional)
	}
	if a.target == byCut {
		ways = append(ways, "groups", "shape")
		f.Groups = c.groups(o, systems, f.Optional)
		f.Shape = o.word("shape", "", shapeWords...)
	}
	var given []string
	for _, w := range ways {
		if o.has(w) {
			given = append(given, w)
		}
	}
	switch {
	case len(given) == 0:
		o.require("selector", "whom it hits"+map[bool]string{true: " (or " + strings.Join(ways[1:], ", ") + ")"}[len(ways) > 1])
	case len(given) > 1:
		o.fail(given[1], "stands beside %s; only one of them says who is hit", given[0])
	}
}

// suits checks that an action or operation can do something to what a selector names: only clients crash as clients, and
// clients have neither disks nor memory of a known size.
func (c *schedule) suits(sel faults.Selector, name string, on victims, n *node, path string, systems []*System) {
	if len(systems) == 0 {
		return
	}
	sel.Words(func(t faults.Term) {
		switch is, _ := systems[0].isClient(t.Word); {
		case on == onClients && !is:
			c.d.fail(n.at, path, "%s hits clients (producer-0, consumer-0), and %s is none", name, quoted(t.Word))
		case on == onServers && is:
			c.d.fail(n.at, path, "%s hits servers, and %s is a client", name, quoted(t.Word))
		}
	})
}

func (c *schedule) between(o *object, systems []*System, optional bool) []faults.Selector {
	var out []faults.Selector
	items := o.items("between")
	for i, n := range items {
		out = append(out, c.selector(n, index(join(o.path, "between"), i), systems, optional))
	}
	if o.has("between") && len(items) != 2 {
		o.fail("between", "has two sides: between: [broker-1, broker-2]")
	}
	return out
}

func (c *schedule) groups(o *object, systems []*System, optional bool) [][]faults.Selector {
	var out [][]faults.Selector
	items := o.items("groups")
	for i, g := range items {
		path := index(join(o.path, "groups"), i)
		if g.kind != list {
			c.d.fail(g.at, path, "must be a list of selectors, not %s", g.what())
			continue
		}
		var group []faults.Selector
		for j, n := range g.items {
			group = append(group, c.selector(n, index(path, j), systems, optional))
		}
		out = append(out, group)
	}
	if o.has("groups") && len(items) < 2 {
		o.fail("groups", "needs at least two groups: groups: [[broker-1], [broker-2, broker-3]]")
	}
	return out
}
