package scenarios

import (
	"fmt"
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
)

// operations reads operations: or, with setup, setup:.
func (c *schedule) operations(root *object, key string) []faults.Operation {
	var out []faults.Operation
	for i, n := range root.items(key) {
		o := c.d.object(n, index(key, i))
		if o == nil {
			continue
		}
		if op, ok := c.operation(o, i, key == "setup"); ok {
			out = append(out, op)
		}
	}
	return out
}

func (c *schedule) operation(o *object, i int, setup bool) (faults.Operation, bool) {
	op := faults.Operation{Setup: setup, Pos: o.n.at, Name: fmt.Sprintf("op-%d", i+1)}
	if setup {
		op.Name = fmt.Sprintf("setup-%d", i+1)
	}
	o.require("do", "what the operator does (start, stop, restart, wait ...)")
	word := o.scalar("do", "an operation")
	o.known = append(o.known, operationKeys...)
	if word == nil {
		return op, false
	}
	verb := operationNamed(word.text)
	switch {
	case verb == nil:
		c.d.failHint(word.at, join(o.path, "do"), models.Nearest(word.text, operationNames()), "%s is no operation", quoted(word.text))
		return op, false
	case !verb.built:
		c.d.fail(word.at, join(o.path, "do"), "operation %s is not built yet", verb.name)
		return op, false
	}
	op.Do = verb.name
	if contains(verb.keys, "name") {
		op.Target = o.str("name", "")
		o.require("name", "the name of the policy")
	} else {
		op.Name = c.claim(o, op.Name)
	}
	if !setup {
		op.At, op.When = c.start(o)
	} else if o.has("at") || o.has("when") {
		key := map[bool]string{true: "at", false: "when"}[o.has("at")]
		o.fail(key, "setup runs in order before the load: it has no times")
	}
	op.Systems = c.limited(o)
	op.MustFail = o.word("must", "succeed", "succeed", "fail") == "fail"
	systems := c.concerned(op.Systems)
	for _, s := range systems {
		if verb.models != nil && !contains(verb.models, s.Model) {
			c.d.fail(word.at, join(o.path, "do"), "%s is for %s, and %s is %s; say which systems it concerns: systems: [..]",
				verb.name, strings.Join(verb.models, ", "), s.Name, s.Model)
		}
	}
	if n := o.scalar("selector", "a selector (broker-1, primary)"); n != nil {
		op.Selector = c.selector(n, join(o.path, "selector"), systems, false)
	}
	c.verbKeys(o, &op, verb, systems)
	o.other = func(key string) string {
		var of []string
		for _, v := range operations {
			if contains(v.keys, key) {
				of = append(of, v.name)
			}
		}
		if len(of) == 0 {
			return ""
		}
		return fmt.Sprintf("not a key of %s (it belongs to %s)", verb.name, strings.Join(of, ", "))
	}
	o.done()
	return op, true
}

// verbKeys reads what belongs to the verb.
func (c *schedule) verbKeys(o *object, op *faults.Operation, verb *operation, systems []*System) {
	switch verb.name {
	case "start", "stop", "restart":
		c.restart(o, op, systems)
	case "wait":
		op.For = o.positive("for", 1)
		if !o.has("for") {
			op.For = 0
		}
		if o.has("until") {
			op.Until = c.event(o, "until", systems)
		}
		o.known = append(o.known, "until")
		if o.has("for") == o.has("until") {
			o.require("for", "either for: 2s or until: EVENT")
			if o.has("for") {
				o.fail("until", "stands beside for; only one of them ends the wait")
			}
		}
	case "set-config":
		op.Definition = c.definition(o, models.Broker, systems)
	case "set-policy":
		op.Pattern = o.str("pattern", "")
		o.require("pattern", "a regular expression over the names of queues")
		op.Definition = c.definition(o, models.Policy, systems)
	case "promote-slave":
		op.Role = o.word("role", "ASYNC_MASTER", "ASYNC_MASTER", "SYNC_MASTER")
		op.Took = o.span("took", 60_000_000_000)
		o.require("selector", "which slave: slave(a), broker-a-1")
	case "sync-queue":
		if n := o.scalar("queue", "the name of a queue"); n != nil {
			op.Queue = n.text
			for _, s := range systems {
				c.partition(s, n.text, n.at, join(o.path, "queue"))
			}
		}
		o.require("queue", "the name of a queue")
	case "set-rate":
		op.Rate = o.rate("rate")
		o.require("rate", "messages/s, or max")
	}
}

func (c *schedule) restart(o *object, op *faults.Operation, systems []*System) {
	names, nodes := o.words("order")
	op.Order = names
	for i, name := range names {
		for _, s := range systems {
			c.d.host(s, name, nodes[i].at, index(join(o.path, "order"), i))
		}
	}
	switch {
	case o.has("order") && o.has("selector"):
		o.fail("order", "stands beside selector; only one of them says which hosts")
	case !o.has("order") && !o.has("selector"):
		o.require("selector", "which hosts (or order: [..], one after the other)")
	}
	op.Wait = o.word("wait", "ready", "ready", "synced", "in-sync", "none")
	op.Pause = o.span("pause", 0)
	if set := o.settings("settings", false); len(set) > 0 {
		op.Settings = set
		if op.Do == "stop" {
			o.fail("settings", "a stopped process has no settings; they belong to start or restart")
		}
		c.check(set, models.Broker, join(o.path, "settings"), systems)
	}
}

func (c *schedule) definition(o *object, sec models.Section, systems []*System) models.Settings {
	set := o.settings("definition", false)
	o.require("definition", "the settings and their values")
	c.check(set, sec, join(o.path, "definition"), systems)
	return set
}

// check judges settings by the table of every system that they are for.
func (c *schedule) check(set models.Settings, sec models.Section, path string, systems []*System) {
	for _, s := range systems {
		if hasSection(s.Table, sec) {
			_, problems := s.Set.Check(sec, set, path)
			c.d.take("", problems)
		}
	}
}
