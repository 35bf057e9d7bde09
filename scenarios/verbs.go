package scenarios

import (
	"strings"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// verbKeys reads what belongs to the verb.
func (c *schedule) verbKeys(o *object, op *faults.Operation, verb *operation, systems []*System) {
	switch verb.name {
	case "start", "stop", "restart":
		c.restart(o, op, systems)
	case "wait":
		c.wait(o, op, systems)
	case "set-config":
		c.setConfig(o, op, systems)
	case "set-policy":
		op.Pattern = o.str("pattern", "")
		o.require("pattern", "a regular expression over the names of queues")
		op.Definition = c.definition(o, models.Policy, systems)
	case "promote-slave":
		op.Role = o.word("role", "ASYNC_MASTER", "ASYNC_MASTER", "SYNC_MASTER")
		op.Took = o.span("took", 60*sim.Second)
		o.require("selector", "which slave: slave(a), broker-a-1")
	case "wipe-write-perm", "add-write-perm":
		c.group(o, op, systems)
		c.either(o, "group", "which broker group (group: a, or selector: broker-a-0)")
	case "set-rate":
		op.Rate = o.rate("rate")
		o.require("rate", "messages/s, or max")
	case "wipe-and-rejoin":
		o.require("selector", "which server")
	case "pause-client", "resume-client", "restart-client":
		o.require("selector", "which client: producer-0, consumer-0")
	default:
		c.target(o, op, verb, systems)
	}
}

// target reads partition, queue, node and to: of the verbs that have them.
func (c *schedule) target(o *object, op *faults.Operation, verb *operation, systems []*System) {
	for _, key := range verb.keys {
		switch key {
		case "partition":
			op.Partition = c.partName(o, key, systems)
		case "queue":
			op.Queue = c.partName(o, key, systems)
		case "node":
			op.Node = c.hostName(o, key, systems)
		case "to":
			op.To = c.replicas(o, systems)
		}
	}
	for _, key := range verb.needs {
		switch {
		case key == "node" && verb.name != "forget-node" && verb.name != "grow" && verb.name != "shrink":
			c.either(o, key, "which node (node: n1, or selector: home)")
		default:
			o.require(key, neededOf[key])
		}
	}
}

var neededOf = map[string]string{
	"partition": "which partition (t0-0)",
	"queue":     "the name of a queue",
	"node":      "the name of a node",
	"to":        "the brokers that shall hold it (to: [broker-2, broker-3])",
	"name":      "the name of the policy",
}

// either requires a key or a selector.
func (c *schedule) either(o *object, key, why string) {
	switch {
	case o.has(key) && o.has("selector"):
		o.fail(key, "stands beside selector; only one of them says which")
	case !o.has(key) && !o.has("selector"):
		o.require(key, why)
	}
}

func (c *schedule) partName(o *object, key string, systems []*System) string {
	n := o.scalar(key, "the name of a partition or queue (t0-0)")
	if n == nil {
		return ""
	}
	for _, s := range systems {
		c.partition(s, n.text, n.at, join(o.path, key))
	}
	return n.text
}

func (c *schedule) hostName(o *object, key string, systems []*System) string {
	n := o.scalar(key, "the name of a node")
	if n == nil {
		return ""
	}
	for _, s := range systems {
		c.d.host(s, n.text, n.at, join(o.path, key))
	}
	return n.text
}

// replicas reads brokers by name, or by their number as assignment: does.
func (c *schedule) replicas(o *object, systems []*System) []string {
	texts, nodes := o.words("to")
	for i, t := range texts {
		if strings.Trim(t, "0123456789") == "" {
			texts[i] = "broker-" + t
		}
		at := index(join(o.path, "to"), i)
		if contains(texts[:i], texts[i]) {
			c.d.fail(nodes[i].at, at, "%s stands there twice", texts[i])
			continue
		}
		for _, s := range systems {
			c.d.host(s, texts[i], nodes[i].at, at)
		}
	}
	return texts
}

func (c *schedule) group(o *object, op *faults.Operation, systems []*System) {
	n := o.scalar("group", "the name of a broker group (a)")
	if n == nil {
		return
	}
	op.Group = n.text
	for _, s := range systems {
		if groups := s.groups(); len(groups) > 0 && !contains(groups, n.text) {
			c.d.fail(n.at, join(o.path, "group"), "%s has no broker group %s (%s)", s.Name, quoted(n.text), strings.Join(groups, ", "))
		}
	}
}

func (c *schedule) wait(o *object, op *faults.Operation, systems []*System) {
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
}

// setConfig changes brokers, or with name: a topic.
func (c *schedule) setConfig(o *object, op *faults.Operation, systems []*System) {
	sec := models.Broker
	if n := o.scalar("name", "the name of a topic"); n != nil {
		op.Target, sec = n.text, models.Topic
		for _, s := range systems {
			if !hasSection(s.Table, models.Topic) {
				c.d.fail(n.at, join(o.path, "name"), "%s has no settings of topics; without name: the settings are those of servers", s.Model)
			} else if names := s.streamNames(); !contains(names, n.text) {
				c.d.failHint(n.at, join(o.path, "name"), models.Nearest(n.text, names), "%s has no topic %s", s.Name, quoted(n.text))
			}
		}
	}
	op.Definition = c.definition(o, sec, systems)
}

func (s *System) streamNames() []string {
	var out []string
	for i := range s.Streams {
		out = append(out, s.Streams[i].Name)
	}
	return out
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
	op.Wait = o.word("wait", "ready", waitWords...)
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
