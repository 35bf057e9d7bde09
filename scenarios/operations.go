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
	if verb == nil {
		c.d.failHint(word.at, join(o.path, "do"), models.Nearest(word.text, operationNames()), "%s is no operation", quoted(word.text))
		return op, false
	}
	op.Do = verb.name
	switch {
	case contains(verb.needs, "name"):
		op.Target = o.str("name", "")
		o.require("name", neededOf["name"])
	case !contains(verb.keys, "name"):
		op.Name = c.claim(o, op.Name)
	}
	if !setup {
		op.At, op.When = c.start(o)
	} else if o.has("at") || o.has("when") {
		key := map[bool]string{true: "at", false: "when"}[o.has("at")]
		o.fail(key, "setup runs in order before the load: it has no times")
	}
	op.Systems = c.limited(o)
	c.specs[op.Name] = op.Systems
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
		c.suits(op.Selector, verb.name, verb.on, n, join(o.path, "selector"), systems)
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
