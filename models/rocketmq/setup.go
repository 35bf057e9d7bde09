package rocketmq

import (
	"slices"

	"github.com/mqsim/mqsim/models/rocketmq/client"
	"github.com/mqsim/mqsim/models/rocketmq/namesrv"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// operatorName is the machine from which the cluster is set up and operated.
const operatorName = "operator"

// operator is the person at mqadmin: sets the cluster up, step by step, then does what the scenario asks
// for.
type operator struct {
	c     *Cluster
	svc   *sim.Service
	proc  *sim.Proc
	admin *client.Admin
	step  int
	why   string
	ready bool // the list is done

	sent    bool // the requests of the present step
	pending int
	failure string
	until   sim.Time // end of the last step's pause
}

// lookEvery is how often the operator looks whether a step is done.
const lookEvery = 20 * sim.Millisecond

// phases is the longest period of a broker's timers that matters to clients: how long a broker has run
// when the load begins is drawn from it.
const phases = 30 * sim.Second

const timerLook uint16 = 1

func (c *Cluster) installOperator() {
	o := &operator{c: c, why: "not started"}
	host := c.w.AddHost(operatorName, sim.HostSpec{Cores: 4})
	o.svc = host.Install(operatorName, sim.Range{}, func() sim.Program {
		o.admin = client.NewAdmin(&c.clients)
		return o.admin
	})
	o.svc.OnBoot = func(p *sim.Proc) {
		o.proc = p
		p.SetApp(o)
		p.AppAfter(lookEvery, timerLook, 0)
	}
	c.operator = o
}

// Start boots the NameServers; the operator does the rest in virtual time.
func (c *Cluster) Start() {
	for _, h := range c.namesrv {
		h.Service(namesrv.ServiceName).Start()
	}
	c.operator.svc.Start()
}

// AppTimer looks at the present step.
func (o *operator) AppTimer(uint16, uint32) {
	for o.step < len(setupSteps) {
		done, why := setupSteps[o.step](o)
		if !done {
			o.why = why
			o.proc.AppAfter(lookEvery, timerLook, 0)
			return
		}
		o.step++
		o.sent = false
	}
	o.ready = true
}

// setupSteps bring the cluster to the state that a run begins with.
var setupSteps = []func(o *operator) (bool, string){
	(*operator).namesrvServe,
	(*operator).mastersServe,
	(*operator).slavesServe,
	(*operator).createTopics,
	(*operator).topicsRouted,
	(*operator).commitGroups,
	(*operator).slavesHave,
	(*operator).pause,
}

func (o *operator) namesrvServe() (bool, string) {
	for _, h := range o.c.namesrv {
		if !h.Service(namesrv.ServiceName).Ready {
			return false, h.Name + " does not listen yet"
		}
	}
	o.c.startBrokers(true)
	return true, ""
}

// startBrokers starts the masters or the slaves, not all at the same instant.
func (c *Cluster) startBrokers(masters bool) {
	rnd := c.w.Rand("rocketmq/start")
	for _, s := range c.brokers {
		if c.switching() || s.isMaster() == masters {
			s.host.After(rnd.Range(0, sim.Second), s.svc.Start)
		}
	}
}

func (o *operator) mastersServe() (bool, string) {
	for g, name := range o.c.names {
		if o.c.switching() && o.c.master(g) == nil {
			return false, "group " + name + " has no master yet"
		}
	}
	for _, s := range o.c.brokers {
		if s.isMaster() && !o.c.registered(s) {
			return false, s.host.Name + " is not registered yet"
		}
	}
	if !o.c.switching() {
		o.c.startBrokers(false)
	}
	return true, ""
}

func (o *operator) slavesServe() (bool, string) {
	for _, s := range o.c.brokers {
		if !o.c.registered(s) {
			return false, s.host.Name + " is not registered yet"
		}
	}
	return o.c.replicated()
}

// registered says whether every NameServer that runs knows the broker as what it is.
func (c *Cluster) registered(s *server) bool {
	if !s.serves() {
		return false
	}
	for _, h := range c.namesrv {
		if n, ok := h.Service(namesrv.ServiceName).Program().(*namesrv.Server); ok && !n.Registered(c.names[s.group], s.cfg.ID, s.host.Name) {
			return false
		}
	}
	return true
}

// replicated says whether every slave that runs has what its master has.
func (c *Cluster) replicated() (bool, string) {
	if c.mode() == "dledger" {
		return c.ledgersAgree()
	}
	for _, s := range c.brokers {
		if s.isMaster() || !s.svc.Running() {
			continue
		}
		m := c.master(s.group)
		if m == nil {
			continue
		}
		b := m.program()
		if b.Master().Stuck(s.host.Name) {
			continue // for good
		}
		if off, ok := b.Master().Reported(s.host.Name); !ok || off < b.LogEnd() {
			return false, s.host.Name + " has not caught up with " + m.host.Name
		}
	}
	return true, ""
}

// ask sends a request to every master, once a step, and counts the answers.
func (o *operator) ask(h *sim.Host, req wire.Request) {
	o.pending++
	o.admin.Ask(h, req, func(_ wire.Response, err error) {
		o.pending--
		if err != nil {
			o.failure = h.Name + ": " + err.Error()
		}
	})
}

func (o *operator) answered(what string) (bool, string) {
	if o.failure != "" {
		return false, o.failure
	}
	return o.pending == 0, what
}

// createTopics is mqadmin updateTopic on every master.
func (o *operator) createTopics() (bool, string) {
	if !o.sent {
		o.sent = true
		for _, s := range o.c.brokers {
			if !s.isMaster() {
				continue
			}
			for i, t := range o.c.clients.Topics {
				n := o.c.clients.Queues[i]
				o.ask(s.host, &wire.CreateTopicRequest{TopicConfig: wire.TopicConfig{Topic: t, ReadQueues: n, WriteQueues: n,
					Perm: wire.PermRead | wire.PermWrite}})
			}
		}
	}
	return o.answered("topics are being created")
}

func (o *operator) topicsRouted() (bool, string) {
	for _, h := range o.c.namesrv {
		n, ok := h.Service(namesrv.ServiceName).Program().(*namesrv.Server)
		if !ok {
			return false, h.Name + " does not run"
		}
		for _, t := range o.c.clients.Topics {
			if r := n.Route(t); len(r.Queues) != len(o.c.names) {
				return false, h.Name + " does not know every group of " + t
			}
		}
	}
	return true, ""
}

// commitGroups makes the workload's groups exist before its first message, with offset 0 committed for
// every queue. A group that a scenario calls new follows consumeFromWhere instead.
func (o *operator) commitGroups() (bool, string) {
	if !o.sent {
		o.sent = true
		o.c.eachOffset(func(group string, q wire.Queue) {
			for _, s := range o.c.brokers {
				if s.isMaster() {
					o.ask(s.host, &wire.UpdateOffsetRequest{Group: group, Queue: q})
				}
			}
		})
	}
	return o.answered("offsets of the groups are being committed")
}

// eachOffset visits each group of the workload with each queue number of what it reads.
func (c *Cluster) eachOffset(visit func(group string, q wire.Queue)) {
	type read struct {
		group  string
		stream int
	}
	var seen []read
	for i := range c.cfg.Streams {
		for _, g := range c.cfg.Streams[i].Consumers {
			if g.Group == "new" || slices.Contains(seen, read{g.Group, i}) {
				continue
			}
			seen = append(seen, read{g.Group, i})
			for id := range c.clients.Queues[i] {
				visit(g.Group, wire.Queue{Topic: c.clients.Topics[i], ID: id})
			}
		}
	}
}

// slavesHave waits for a slave's metadata sync: topics and offsets are copied every 10 s.
func (o *operator) slavesHave() (bool, string) {
	for _, s := range o.c.brokers {
		b := s.program()
		if b == nil {
			return false, s.host.Name + " does not run"
		}
		for _, t := range o.c.clients.Topics {
			if !b.HasTopic(t) {
				return false, s.host.Name + " does not know " + t
			}
		}
		missing := ""
		o.c.eachOffset(func(group string, q wire.Queue) {
			if b.Offset(group, q) < 0 {
				missing = group
			}
		})
		if missing != "" {
			return false, s.host.Name + " does not know group " + missing
		}
	}
	o.until = o.c.w.Now() + o.c.w.Rand("rocketmq/phase").Range(0, phases)
	return true, ""
}

// pause draws the phases of the brokers' timers relative to the load.
func (o *operator) pause() (bool, string) {
	return o.c.w.Now() >= o.until, "the operator waits"
}

// Ready says whether the brokers are registered, slaves have caught up, topics and groups exist.
func (c *Cluster) Ready() (bool, string) {
	if !c.operator.ready {
		return false, c.operator.why
	}
	c.Mark()
	return true, ""
}

// Mark begins the measurement: what was counted so far belongs to the setup.
func (c *Cluster) Mark() {
	c.mark = c.w.Now()
	c.statuses = [5]int64{}
	for _, t := range c.acks {
		for i := range t {
			t[i] = t[i][:0]
		}
	}
}

// Settled says whether the cluster has converged: every broker that runs is registered, and every slave
// has what its master has. A group whose master is down stays as it is, and so does one with two masters:
// each registration takes id 0 from the other one (RouteInfoManager.registerBroker).
func (c *Cluster) Settled() (bool, string) {
	for _, h := range c.namesrv {
		if s := h.Service(namesrv.ServiceName); s.Running() && !s.Ready {
			return false, h.Name + " does not listen yet"
		}
	}
	for _, s := range c.brokers {
		if s.svc.Running() && !c.registered(s) && !c.rivalled(s) {
			return false, s.host.Name + " is not registered"
		}
	}
	return c.replicated()
}

// rivalled says whether another master of its group has taken the place of a master that serves.
func (c *Cluster) rivalled(s *server) bool {
	for _, x := range c.brokers {
		if x != s && x.group == s.group && x.isMaster() && s.isMaster() && s.serves() && x.serves() {
			return true
		}
	}
	return false
}

var _ sim.App = (*operator)(nil)
