package kafka

import (
	"fmt"
	"strconv"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/broker"
	"github.com/mqsim/mqsim/models/kafka/quorum"
	"github.com/mqsim/mqsim/models/kafka/raft"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// combinedControllers is the number of brokers that are controllers too with `controllers: combined`: the
// first three, or all of a smaller cluster.
const combinedControllers = 3

// firstControllerID is the node.id of controller-1; brokers have the ids from 1 on.
const firstControllerID = 3001

// controllerServer is a dedicated controller's machine.
type controllerServer struct {
	host *sim.Host
	svc  *sim.Service
}

// node is the member of the quorum that runs on the machine, nil if it is down or booting.
func (s *controllerServer) node() *quorum.Node {
	if p, ok := s.svc.Program().(*quorum.Server); ok {
		return p.Node()
	}
	return nil
}

// kraft says whether the cluster keeps its metadata in a quorum.
func (c *Cluster) kraft() bool { return c.quorum != nil }

// newQuorum makes what all nodes share. Voters get their machines when these are made.
func (c *Cluster) newQuorum() {
	r := c.cfg.Set
	const s = models.Broker
	set := quorum.DefaultSettings()
	set.Session = r.Time(s, "broker.session.timeout.ms")
	set.NoOpEvery = r.Time(s, "metadata.max.idle.interval.ms")
	set.AutoRebalance = r.Bool(s, "auto.leader.rebalance.enable")
	set.ImbalanceCheck = r.Time(s, "leader.imbalance.check.interval.seconds")
	set.UncleanEvery = 0
	if r.Has(s, "unclean.leader.election.interval.ms") {
		set.UncleanEvery = r.Time(s, "unclean.leader.election.interval.ms")
	}
	set.FencePeriodic = r.AtLeast("4.0")
	set.ELR = r.Has(s, "eligible.leader.replicas.version") && r.Int(s, "eligible.leader.replicas.version") > 0
	set.BrokerEpochs = !r.Quirk("stale-alter-partition")
	set.MetadataVersion = metadataVersion(r)
	topic := c.topicConfigs(r)
	set.MinISR = func(name string) int { return topic(name).MinISR }
	set.Unclean = func(name string) bool { return topic(name).Unclean }
	with := c.topicWith(r)
	set.TopicWith = func(name string, brokers, own []wire.Setting) quorum.TopicSettings {
		t := with(name, brokers, own)
		return quorum.TopicSettings{MinISR: t.MinISR, Unclean: t.Unclean}
	}
	var voters []quorum.Voter
	n, err := strconv.Atoi(r.Str(models.Topology, "controllers"))
	first := int32(firstControllerID)
	if err != nil {
		n, first = min(combinedControllers, int(r.Int(models.Topology, "brokers"))), 1
	}
	for i := range n {
		voters = append(voters, quorum.Voter{ID: first + int32(i)})
	}
	c.quorum = quorum.NewCluster(voters, set, c.stats)
}

// metadataVersion is the level of metadata.version that a new cluster of a version gets
// (MetadataVersion.java).
func metadataVersion(r *models.Resolved) int16 {
	switch {
	case r.AtLeast("4.1"):
		return 27
	case r.AtLeast("3.9"):
		return 21
	}
	return 14 // 3.6-IV2
}

// raftConfig is the configuration of a member of the quorum.
func (c *Cluster) raftConfig(id int32, r *models.Resolved) raft.Config {
	const s = models.Broker
	k := raft.DefaultConfig(id, c.quorum.IDs())
	k.ElectionTimeout = r.Time(s, "controller.quorum.election.timeout.ms")
	k.FetchTimeout = r.Time(s, "controller.quorum.fetch.timeout.ms")
	k.BackoffMax = r.Time(s, "controller.quorum.election.backoff.max.ms")
	k.Linger = r.Time(s, "controller.quorum.append.linger.ms")
	k.RetryBackoff = r.Time(s, "controller.quorum.retry.backoff.ms")
	k.SnapshotBytes = r.Int(s, "metadata.log.max.record.bytes.between.snapshots")
	k.CheckQuorum = r.AtLeast("3.7")
	k.RepeatBegin = r.AtLeast("3.9")
	k.PreVote = r.AtLeast("4.0")
	k.FetchWakesHW = r.AtLeast("4.1")
	return k
}

// brokerKRaft is what a broker needs to take part in the quorum.
func (c *Cluster) brokerKRaft(id int32, r *models.Resolved) *broker.KRaft {
	const s = models.Broker
	return &broker.KRaft{
		Cluster: c.quorum, Raft: c.raftConfig(id, r), RequestTimeout: r.Time(s, "controller.quorum.request.timeout.ms"),
		Session: r.Time(s, "broker.session.timeout.ms"), Heartbeat: r.Time(s, "broker.heartbeat.interval.ms"),
		RegistrationTimeout: r.Time(s, "initial.broker.registration.timeout.ms"), RetryAtInterval: r.AtLeast("4.1"),
	}
}

// installControllers puts the dedicated controllers on machines of their own; in combined mode there are
// none.
func (c *Cluster) installControllers() {
	for i := range c.quorum.Voters {
		v := &c.quorum.Voters[i]
		if v.ID < firstControllerID {
			return
		}
		name := fmt.Sprintf("controller-%d", i+1)
		spec := c.template()
		spec.Disks = 1
		v.Host = c.w.AddHost(name, spec)
		r := c.cfg.Set.ForHost(name)
		conf := &quorum.Config{
			Cluster: c.quorum, Raft: c.raftConfig(v.ID, r), RequestTimeout: r.Time(models.Broker, "controller.quorum.request.timeout.ms"),
			LogDir: broker.LogDir, Tag: 1 << 31, LaneRaft: 0, LaneControl: 1,
		}
		s := &controllerServer{host: v.Host}
		s.svc = v.Host.Install(quorum.ServiceName, c.cfg.System.Boot, func() sim.Program { return quorum.NewServer(conf) })
		c.controllers = append(c.controllers, s)
		c.servers = append(c.servers, v.Host)
	}
}

// activeNode is the machine of the active controller: of those that believe it, the one with the highest
// epoch. Nil if nobody does.
func (c *Cluster) activeNode() *sim.Host {
	var found *sim.Host
	epoch := int32(-1)
	look := func(h *sim.Host, n *quorum.Node) {
		if n != nil && n.Active() && n.Raft().Epoch() > epoch {
			found, epoch = h, n.Raft().Epoch()
		}
	}
	for _, s := range c.controllers {
		look(s.host, s.node())
	}
	for _, s := range c.brokers {
		if b := s.program(); b != nil {
			look(s.host, b.Node())
		}
	}
	return found
}

// quorumServes starts the controllers, and with combined ones the brokers, and waits for one to be active.
func (o *operator) quorumServes() (bool, string) {
	for _, s := range o.c.controllers {
		s.svc.Start()
	}
	if len(o.c.controllers) == 0 {
		for _, s := range o.c.brokers {
			s.svc.Start()
		}
	}
	if o.c.activeNode() == nil {
		return false, "no controller is active yet"
	}
	for _, s := range o.c.brokers {
		s.svc.Start()
	}
	return true, ""
}

// kraftFidelity is what the model of KRaft assumes or leaves out.
func kraftFidelity() []string {
	return []string{
		"KRaft: a static quorum (controller.quorum.voters, kraft.version 0); voters are not added or removed",
		"KRaft: metadata records have Kafka's frame and field order; features other than metadata.version and eligible.leader.replicas.version, ACLs, quotas and SCRAM have no records",
		"KRaft: CPU times of controllers are assumptions; controller and raft client run on a thread each",
		"KRaft: brokers have one log directory (no directory assignment of KIP-858), and without it they end",
		"KRaft: a replica that was reassigned away while its broker was down keeps its files (KAFKA-14616 deletes them at the next start)",
	}
}
