package rabbitmq

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/node"
)

// Do executes an operator's command with rabbitmqctl on a node that serves: the one that is named or
// selected, else the first. Starting and stopping hosts is not a command to the cluster; the injector
// does it.
func (c *Cluster) Do(op *models.Operation, done func(models.OpAnswer)) {
	if op.Do == "host-settings" {
		c.setHosts(op, done)
		return
	}
	switch {
	case op.Do == "force-boot":
		c.forceBoot(op, done)
		return
	case op.Do == "close-connections":
		c.closeConnections(op, done)
		return
	case op.Do == "forget-node" && c.stopped(op.Hosts) >= 0:
		c.forgetOffline(op, done)
		return
	}
	n, why := c.ctl(op)
	if n == nil {
		done(models.OpAnswer{Text: why})
		return
	}
	switch op.Do {
	case "set-policy":
		c.setPolicy(n, op, done)
	case "clear-policy":
		c.clearPolicy(n, op, done)
	case "sync-queue", "cancel-sync":
		if c.cfg.Set.AtLeast("4.0") {
			done(models.OpAnswer{Text: "refused: 4.0 and later have no mirrored queues"})
			return
		}
		c.queueCommand(n, op, done)
	case "delete-queue", "declare-queue":
		c.queueCommand(n, op, done)
	case "forget-node":
		c.forgetNode(op, done)
	case "rebalance":
		c.rebalance(n, done)
	case "set-config":
		done(models.OpAnswer{Text: "refused: rabbitmq reads its configuration at start; restart hosts with settings: instead"})
	default:
		done(models.OpAnswer{Text: fmt.Sprintf("refused: %s is not built for rabbitmq", op.Do)})
	}
}

// ctl is the node that a command is given to; a queue is declared through the node that shall be its home.
func (c *Cluster) ctl(op *models.Operation) (*node.Node, string) {
	name := op.Args["node"]
	if op.Do == "forget-node" {
		name = "" // that is the node to forget
	}
	if len(op.Hosts) > 0 {
		name = op.Hosts[0].Name
	}
	for _, s := range c.nodes {
		if n := s.serving(); n != nil && (name == "" || s.host.Name == name) {
			return n, ""
		}
	}
	if name != "" {
		return nil, name + " does not serve"
	}
	return nil, "no node serves"
}

func answered(done func(models.OpAnswer), text string) func(error) {
	return func(err error) {
		if err != nil {
			done(models.OpAnswer{Text: err.Error()})
			return
		}
		done(models.OpAnswer{OK: true, Text: text})
	}
}

func (c *Cluster) setPolicy(n *node.Node, op *models.Operation, done func(models.OpAnswer)) {
	var keys []string
	for k := range op.Args { //mqsim:unordered sorted below
		if key, ok := strings.CutPrefix(k, "definition."); ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var def models.Settings
	for _, k := range keys {
		def = append(def, models.Entry{Name: k, Value: op.Args["definition."+k]})
	}
	if _, problems := c.cfg.Set.Check(models.Policy, def, "definition"); len(problems) > 0 {
		for _, p := range problems {
			if !p.Warn {
				done(models.OpAnswer{Text: p.Path + ": " + p.Text})
				return
			}
		}
	}
	name, pattern := op.Args["name"], op.Args["pattern"]
	if name == "" {
		name = "policy"
	}
	if pattern == "" {
		pattern = ".*"
	}
	if _, version := def.Get("queue-version"); version {
		done(models.OpAnswer{Text: "refused: the conversion of queues to another queue-version while they run is not built"})
		return
	}
	p, err := newPolicy(name, pattern, canonical(c.cfg.Set, def))
	if err != nil {
		done(models.OpAnswer{Text: "pattern: " + err.Error()})
		return
	}
	for i := range c.policies { // the same name replaces (rabbit_policy:set)
		c.policies[i].cleared = c.policies[i].cleared || c.policies[i].name == name
	}
	c.policies = append(c.policies, p)
	n.SetPolicy(c.nodePolicy(len(c.policies)-1), answered(done, "policy "+name+" is set"))
}

func (c *Cluster) clearPolicy(n *node.Node, op *models.Operation, done func(models.OpAnswer)) {
	name, found := op.Args["name"], false
	for i := range c.policies {
		if p := &c.policies[i]; p.name == name && !p.cleared {
			p.cleared, found = true, true
		}
	}
	if !found {
		done(models.OpAnswer{Text: "there is no policy " + name})
		return
	}
	n.ClearPolicy(name, answered(done, "policy "+name+" is cleared"))
}

// queueCommand is a command about one queue: that of the argument, else the first.
func (c *Cluster) queueCommand(n *node.Node, op *models.Operation, done func(models.OpAnswer)) {
	q := c.queues[0]
	if arg := op.Args["queue"]; arg != "" {
		if q = c.queueNamed(arg); q == nil {
			done(models.OpAnswer{Text: "there is no queue " + arg})
			return
		}
	}
	switch op.Do {
	case "sync-queue":
		n.SyncQueue(q.name, answered(done, q.name+" is being synchronised"))
	case "cancel-sync":
		n.CancelSync(q.name, answered(done, q.name+": the synchronisation is cancelled"))
	case "delete-queue":
		c.deleted = true
		n.DeleteQueue(q.name, answered(done, q.name+" is deleted"))
	case "declare-queue":
		d := c.declaration(q)
		for i, s := range c.nodes {
			if s.serving() == n {
				d.Home = i // client-local
			}
		}
		n.Declare(d, answered(done, q.name+" is declared"))
	}
}

// forgetNode takes a dead node's queues out of the cluster (forget_cluster_node).
func (c *Cluster) forgetNode(op *models.Operation, done func(models.OpAnswer)) {
	n, _ := c.ctl(op)
	h := c.w.HostNamed(op.Args["node"])
	if h == nil || c.nodeOf(h) < 0 {
		done(models.OpAnswer{Text: "there is no node " + op.Args["node"]})
		return
	}
	c.deleted = true
	n.ForgetNode(c.nodeOf(h), answered(done, h.Name+" is forgotten"))
}

// forceBoot lets the next boot of a node start from its own tables.
func (c *Cluster) forceBoot(op *models.Operation, done func(models.OpAnswer)) {
	hosts := op.Hosts
	if h := c.w.HostNamed(op.Args["node"]); h != nil {
		hosts = append(hosts, h)
	}
	for _, h := range hosts {
		i := c.nodeOf(h)
		switch {
		case i < 0:
			done(models.OpAnswer{Text: h.Name + " is no node"})
			return
		case c.nodes[i].svc.Running():
			done(models.OpAnswer{Text: h.Name + " runs"})
			return
		}
		c.nodes[i].view.ForceBoot(i)
	}
	done(models.OpAnswer{OK: len(hosts) > 0, Text: "the next boot waits for nobody"})
}

// setHosts gives the next incarnations of nodes other settings.
func (c *Cluster) setHosts(op *models.Operation, done func(models.OpAnswer)) {
	var names []string
	for k := range op.Args { //mqsim:unordered sorted below
		if name, ok := strings.CutPrefix(k, "settings."); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var over models.Settings
	for _, n := range names {
		over = append(over, models.Entry{Name: n, Value: op.Args["settings."+n]})
	}
	for _, h := range op.Hosts {
		s := c.nodes[c.nodeOf(h)]
		set, problems := s.set.Check(models.Broker, over, "settings")
		for _, p := range problems {
			if !p.Warn {
				done(models.OpAnswer{Text: h.Name + ": " + p.Path + ": " + p.Text})
				return
			}
		}
		s.set = set
		s.view = c.nodeView(set)
	}
	done(models.OpAnswer{OK: true, Text: "the next start uses other settings"})
}
