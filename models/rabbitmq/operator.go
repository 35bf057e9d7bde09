package rabbitmq

import (
	"fmt"
	"slices"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/node"
	"github.com/mqsim/mqsim/sim"
)

// operatorName is the machine from which the cluster is set up and operated.
const operatorName = "operator"

// lookEvery is how often the operator looks whether a step is done.
const lookEvery = 20 * sim.Millisecond

const timerLook uint16 = 1

// operator is the person at rabbitmqctl: sets the cluster up, step by step, then does what the scenario
// asks for. rabbitmqctl runs on a node and calls into it.
type operator struct {
	c     *Cluster
	proc  *sim.Proc
	svc   *sim.Service
	step  int
	next  int  // of the things that the present step does one after the other
	busy  bool // one of them is under way
	why   string
	ready bool
}

func (c *Cluster) installOperator() {
	o := &operator{c: c, why: "not started"}
	host := c.w.AddHost(operatorName, sim.HostSpec{Cores: 4})
	o.svc = host.Install(operatorName, sim.Range{}, func() sim.Program { return o })
	c.operator = o
}

// Start boots the nodes, all at once, as a cluster that is deployed does; the operator does the rest in
// virtual time.
func (c *Cluster) Start() {
	for _, s := range c.nodes {
		s.svc.Start()
	}
	c.operator.svc.Start()
}

// Boot begins to look.
func (o *operator) Boot(p *sim.Proc) {
	o.proc = p
	p.After(lookEvery, timerLook, 0)
}

// setupSteps bring the cluster to the state that a run begins with.
var setupSteps = []func(o *operator) (bool, string){
	(*operator).nodesServe,
	(*operator).setPolicies,
	(*operator).declareQueues,
	(*operator).queuesSettled,
}

// Timer looks at the present step.
func (o *operator) Timer(kind uint16, arg uint32) {
	for !o.busy && o.step < len(setupSteps) {
		done, why := setupSteps[o.step](o)
		if !done {
			o.why = why
			break
		}
		o.step++
		o.next = 0
	}
	if o.step == len(setupSteps) {
		o.ready = true
		return
	}
	o.proc.After(lookEvery, timerLook, 0)
}

// call begins one thing of the present step; its answer lets the next one begin.
func (o *operator) call(do func(done func(error))) {
	o.busy = true
	do(func(err error) {
		o.busy = false
		if err != nil {
			o.why = err.Error()
			return
		}
		o.next++
	})
}

// nodesServe waits until every node runs and sees every other.
func (o *operator) nodesServe() (bool, string) { return o.c.formed() }

// formed says whether all nodes that run are one cluster.
func (c *Cluster) formed() (bool, string) {
	for i, s := range c.nodes {
		if !s.svc.Running() {
			continue
		}
		n := s.serving()
		if n == nil {
			return false, s.host.Name + " does not serve yet"
		}
		for j, other := range c.nodes {
			if i != j && other.svc.Running() && !n.Sees(j) {
				return false, s.host.Name + " does not see " + other.host.Name
			}
		}
	}
	return true, ""
}

func (o *operator) setPolicies() (bool, string) {
	c := o.c
	if o.next == len(c.policies) {
		return true, ""
	}
	p := c.nodePolicy(o.next)
	o.call(func(done func(error)) { c.nodes[0].serving().SetPolicy(p, done) })
	return false, "policies are being set"
}

// declareQueues declares each queue through the node that shall be its home (client-local, the default
// of queue_master_locator).
func (o *operator) declareQueues() (bool, string) {
	c := o.c
	if o.next == len(c.queues) {
		return true, ""
	}
	q := c.queues[o.next]
	if c.declaredAs(q).Exclusive {
		o.next++ // its consumer declares it
		return false, "queues are being declared"
	}
	n := c.nodes[q.home].serving()
	if n == nil {
		return false, c.nodes[q.home].host.Name + " does not serve"
	}
	d := c.declaration(q)
	o.call(func(done func(error)) { n.Declare(d, done) })
	return false, "queues are being declared"
}

func (c *Cluster) declaration(q *queue) node.Declaration {
	as := c.declaredAs(q)
	return node.Declaration{Name: q.name, Durable: as.Durable, AutoDelete: as.AutoDelete, Home: q.home, Args: as.Args}
}

func (o *operator) queuesSettled() (bool, string) {
	for _, q := range o.c.queues {
		if o.c.declaredAs(q).Exclusive {
			continue
		}
		v, ok := o.c.nodes[q.home].serving().View(q.name)
		if !ok || !v.Routed || v.Home != q.home {
			return false, q.name + " is not at home on " + o.c.nodes[q.home].host.Name
		}
	}
	return o.c.Settled()
}

// Ready says whether the nodes are one cluster and every queue has its home and its mirrors.
func (c *Cluster) Ready() (bool, string) {
	if !c.operator.ready {
		return false, c.operator.why
	}
	c.Mark()
	return true, ""
}

// Mark begins the measurement: what was counted so far belongs to the setup.
func (c *Cluster) Mark() {
	c.stats.Mark()
	for _, q := range c.queues {
		q.acks = q.acks[:0]
	}
}

// Settled says whether the cluster has converged: every node that runs serves and sees the others, every
// queue has a home and the mirrors that its policy asks for, and those are synchronised where the policy
// synchronises by itself.
func (c *Cluster) Settled() (bool, string) {
	if ok, why := c.formed(); !ok {
		return false, why
	}
	running := 0
	for _, s := range c.nodes {
		if s.svc.Running() {
			running++
		}
	}
	if running == 0 {
		return true, ""
	}
	for _, q := range c.queues {
		if why := c.unsettled(q, running); why != "" {
			return false, q.name + " " + why
		}
	}
	return true, ""
}

func (c *Cluster) unsettled(q *queue, running int) string {
	home := -1
	var v node.View
	for _, s := range c.nodes {
		n := s.serving()
		if n == nil {
			continue
		}
		seen, ok := n.View(q.name)
		switch {
		case !ok:
			continue // deleted, or not declared yet
		case seen.Quorum:
			return c.raftUnsettled(q)
		case home >= 0 && seen.Home != home:
			return fmt.Sprintf("has two masters, %s and %s", c.nodes[home].host.Name, c.nodes[seen.Home].host.Name)
		}
		home, v = seen.Home, seen
	}
	switch {
	case home < 0:
		return ""
	case !c.nodes[home].svc.Running():
		return "" // it waits for its home; nothing to wait for here
	case c.nodes[home].serving() == nil || !v.Routed:
		return "does not run"
	}
	p := c.policyOf(q.name)
	want := min(c.mirrorsWanted(p), running-1)
	if len(v.Mirrors) < want {
		return fmt.Sprintf("has %d of %d mirrors", len(v.Mirrors), want)
	}
	if p != nil && p.get("ha-sync-mode") == "automatic" {
		for _, m := range v.Mirrors {
			if !slices.Contains(v.Synced, m) {
				return "has a mirror that is not synchronised on " + c.nodes[m].host.Name
			}
		}
	}
	return ""
}

// Accept, Connected, Receive, Closed and Synced are never called: rabbitmqctl runs on the nodes.
func (o *operator) Accept(*sim.Conn) {}

// Connected is never called.
func (o *operator) Connected(*sim.Conn, error) {}

// Receive is never called.
func (o *operator) Receive(*sim.Conn, any) {}

// Closed is never called.
func (o *operator) Closed(*sim.Conn, sim.CloseReason) {}

// Synced is never called.
func (o *operator) Synced(uint32, error) {}

// Stop ends the program.
func (o *operator) Stop() { o.proc.Exit() }

var _ models.Cluster = (*Cluster)(nil)
