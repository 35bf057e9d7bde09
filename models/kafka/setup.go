package kafka

import (
	"fmt"
	"slices"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/client"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// operatorName is the machine from which the cluster is set up and operated.
const operatorName = "operator"

// operator is the person at the admin client: sets the cluster up, step by step, then does what the
// scenario asks for.
type operator struct {
	c     *Cluster
	svc   *sim.Service
	proc  *sim.Proc
	admin *client.Admin
	step  int
	busy  bool // an admin request of the present step is under way
	why   string
	ready bool // the list is done

	committing bool
	commits    int // groups that are not created yet
	failure    string
}

// lookEvery is how often the operator looks whether a step is done.
const lookEvery = 20 * sim.Millisecond

const timerLook uint16 = 1

func (c *Cluster) installOperator() {
	o := &operator{c: c, why: "not started"}
	host := c.w.AddHost(operatorName, sim.HostSpec{Cores: 4})
	o.svc = host.Install(operatorName, sim.Range{}, func() sim.Program {
		o.admin = client.NewAdmin(&c.clients, operatorName)
		return o.admin
	})
	o.svc.OnBoot = func(p *sim.Proc) {
		o.proc = p
		p.SetApp(o)
		p.AppAfter(lookEvery, timerLook, 0)
	}
	c.operator = o
}

// Start boots the ensemble; the operator does the rest in virtual time.
func (c *Cluster) Start() {
	if !c.kraft() {
		c.zk.Start()
	}
	c.operator.svc.Start()
}

// AppTimer looks at the present step.
func (o *operator) AppTimer(kind uint16, arg uint32) {
	steps := zooKeeperSetup
	if o.c.kraft() {
		steps = kraftSetup
	}
	for !o.busy && o.step < len(steps) {
		done, why := steps[o.step](o)
		if !done {
			o.why = why
			break
		}
		o.step++
	}
	if o.step == len(steps) {
		o.ready = true
		return
	}
	o.proc.AppAfter(lookEvery, timerLook, 0)
}

// zooKeeperSetup and kraftSetup bring the cluster to the state that a run begins with. With ZooKeeper the
// broker that shall be the controller starts first, so that it wins the election; a quorum elects whom it
// elects.
var (
	zooKeeperSetup = append([]func(*operator) (bool, string){(*operator).ensembleServes, (*operator).controllerServes}, setupSteps...)
	kraftSetup     = append([]func(*operator) (bool, string){(*operator).quorumServes}, setupSteps...)
)

var setupSteps = []func(o *operator) (bool, string){
	(*operator).brokersServe,
	(*operator).createTopics,
	(*operator).partitionsSettled,
	(*operator).commitGroups,
}

func (o *operator) ensembleServes() (bool, string) {
	if ok, why := o.c.zk.Ready(); !ok {
		return false, why
	}
	o.c.brokers[o.c.controller].svc.Start()
	return true, ""
}

func (o *operator) controllerServes() (bool, string) {
	s := o.c.brokers[o.c.controller]
	if b := s.program(); b == nil || !b.Serving() || !b.IsController() {
		return false, s.host.Name + " is not controller yet"
	}
	for _, s := range o.c.brokers {
		s.svc.Start()
	}
	return true, ""
}

func (o *operator) brokersServe() (bool, string) {
	for _, s := range o.c.brokers {
		if b := s.program(); b == nil || !b.Serving() {
			return false, s.host.Name + " is not registered yet"
		}
	}
	return o.admin.Brokers() == len(o.c.brokers), "the operator does not see every broker yet"
}

func (o *operator) createTopics() (bool, string) {
	if o.c.created() {
		return true, ""
	}
	topics := []wire.NewTopic{o.c.offsets}
	for _, t := range o.c.topics {
		topics = append(topics, t.creation())
	}
	o.busy = true
	o.admin.CreateTopics(topics, func(err error) {
		o.busy = false
		if err != nil {
			o.why = "topics are not created: " + err.Error()
		}
	})
	return false, "topics are being created"
}

// created says whether some broker has a replica of every topic.
func (c *Cluster) created() bool {
	for _, t := range c.topics {
		if len(t.replicas) > 0 && c.partition(t.tp(0), t.replicas[0][0]) == nil {
			return false
		}
	}
	offsets := wire.TopicPartition{Topic: c.offsets.Topic}
	return c.partition(offsets, c.offsets.Assignment[0][0]) != nil
}

// partition is a broker's replica, nil if the broker is down or has none.
func (c *Cluster) partition(tp wire.TopicPartition, id int32) *replica.Partition {
	b := c.brokers[id-1].program()
	if b == nil {
		return nil
	}
	return b.Partition(tp)
}

func (o *operator) partitionsSettled() (bool, string) {
	for _, t := range o.c.topics {
		for i, ids := range t.replicas {
			tp := t.tp(int32(i))
			p := o.c.partition(tp, ids[0])
			if p == nil || !p.Leads() || len(p.ISR()) != len(ids) {
				return false, fmt.Sprintf("%s-%d is not led by broker-%d with all its replicas in sync", t.name, i, ids[0])
			}
		}
	}
	return true, ""
}

// commitGroups makes the workload's groups exist before its first message, with offset 0 committed for
// every partition. A group that a scenario calls new follows its reset setting instead.
func (o *operator) commitGroups() (bool, string) {
	if !o.committing {
		o.committing = true
		for _, g := range o.c.groups() {
			o.commits++
			o.admin.Commit(g.name, g.parts, func(err error) {
				if err != nil {
					o.failure = "group " + g.name + " is not created: " + err.Error()
					return
				}
				o.commits--
			})
		}
	}
	if o.failure != "" {
		return false, o.failure
	}
	return o.commits == 0, "offsets of the groups are being committed"
}

// workGroup is a consumer group of the workload with what it reads.
type workGroup struct {
	name  string
	parts []wire.CommitPart
}

func (c *Cluster) groups() []*workGroup {
	var out []*workGroup
	for i := range c.cfg.Streams {
		for _, g := range c.cfg.Streams[i].Consumers {
			if g.Group == "new" {
				continue
			}
			k := slices.IndexFunc(out, func(w *workGroup) bool { return w.name == g.Group })
			if k < 0 {
				k = len(out)
				out = append(out, &workGroup{name: g.Group})
			}
			if hasTopic(out[k].parts, c.topics[i].name) {
				continue
			}
			for p := range c.topics[i].replicas {
				out[k].parts = append(out[k].parts, wire.CommitPart{TopicPartition: c.topics[i].tp(int32(p)), LeaderEpoch: -1})
			}
		}
	}
	return out
}

func hasTopic(parts []wire.CommitPart, topic string) bool {
	return len(parts) > 0 && parts[len(parts)-1].Topic == topic
}

// Ready says whether the brokers are registered, every partition is led by its first replica with a
// full ISR, and the groups exist.
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
	for _, t := range c.topics {
		for i := range t.acks {
			t.acks[i] = t.acks[i][:0]
		}
	}
}

// Settled says whether the cluster has converged: every broker that runs is registered, every
// partition has a leader, and its ISR holds all replicas whose brokers run.
func (c *Cluster) Settled() (bool, string) {
	for _, s := range c.brokers {
		if b := s.program(); s.svc.Running() && (b == nil || !b.Serving()) {
			return false, s.host.Name + " is not registered"
		}
	}
	if c.kraft() && c.activeNode() == nil {
		return false, "no controller is active"
	}
	for _, t := range c.topics {
		for i, ids := range t.replicas {
			if why := c.unsettled(t.tp(int32(i)), ids); why != "" {
				return false, fmt.Sprintf("%s-%d %s", t.name, i, why)
			}
		}
	}
	return true, ""
}

func (c *Cluster) unsettled(tp wire.TopicPartition, ids []int32) string {
	_, p := c.leader(tp)
	if p == nil {
		for _, id := range ids {
			if c.brokers[id-1].svc.Running() {
				return "has no leader"
			}
		}
		return "" // nobody is there to lead
	}
	for _, id := range ids {
		if own := c.partition(tp, id); own != nil && own.Offline() {
			continue // its log directory failed: it stays out until the broker restarts
		}
		if c.brokers[id-1].svc.Running() && !contains(p.ISR(), id) {
			return fmt.Sprintf("has broker-%d outside its ISR", id)
		}
	}
	return ""
}

func contains(ids []int32, id int32) bool {
	for _, x := range ids {
		if x == id {
			return true
		}
	}
	return false
}

var _ sim.App = (*operator)(nil)
var _ models.Cluster = (*Cluster)(nil)
