// Package quorum is Kafka's controller in KRaft mode and the node of the metadata quorum that it lives
// in. It follows branch 3.9: metadata/src/main/java/org/apache/kafka/controller/QuorumController.java,
// ClusterControlManager.java, BrokerHeartbeatManager.java, ReplicationControlManager.java and
// PartitionChangeBuilder.java.
//
//	controller.go   the active controller: events become records, answers wait for their commit
//	brokers.go      registration, heartbeats, fencing, controlled shutdown
//	change.go       what happens to a partition: elections, ISR, eligible leader replicas
//	partitions.go   changes of many partitions; AlterPartition, elections on demand, balancing
//	reassign.go     other replicas for a partition
//	topics.go       topics and producer ids
//	configs.go      settings that change while the cluster runs
//	node.go         a member of the quorum in a process: log, image, connections
//	link.go         its connections to the voters
//	server.go       a controller on a machine of its own
package quorum

import (
	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Settings of the controller, shared by all nodes of a cluster.
type Settings struct {
	Session         sim.Time // broker.session.timeout.ms
	NoOpEvery       sim.Time // metadata.max.idle.interval.ms, 0: never
	AutoRebalance   bool     // auto.leader.rebalance.enable
	ImbalanceCheck  sim.Time // leader.imbalance.check.interval.seconds
	UncleanEvery    sim.Time // unclean.leader.election.interval.ms (3.9), 0: no such task
	FencePeriodic   bool     // stale brokers are looked for eight times a session (4.0, KAFKA-17793)
	ELR             bool     // a new cluster gets eligible.leader.replicas.version=1 (KIP-966)
	BrokerEpochs    bool     // AlterPartition is checked against broker epochs (3.5, KIP-903)
	BumpOnShrink    bool     // an ISR that shrinks raises the leader epoch (metadata.version < 3.6)
	MetadataVersion int16    // metadata.version
	// MinISR and Unclean are a topic's settings.
	MinISR  func(topic string) int
	Unclean func(topic string) bool
	// TopicWith is both, with settings of all brokers and of the topic that the metadata know of; nil: such
	// settings have no effect.
	TopicWith func(topic string, brokers, own []wire.Setting) TopicSettings
}

// DefaultSettings are 3.9's.
func DefaultSettings() Settings {
	return Settings{
		Session: 9 * sim.Second, NoOpEvery: 500 * sim.Millisecond, AutoRebalance: true, ImbalanceCheck: 300 * sim.Second,
		UncleanEvery: 5 * sim.Minute, BrokerEpochs: true, MetadataVersion: 21,
		MinISR: func(string) int { return 1 }, Unclean: func(string) bool { return false },
	}
}

// Env is what the controller sees of its node.
type Env interface {
	Now() sim.Time
	After(d sim.Time, kind uint16, arg uint32)
	// Append gives records to the log and returns the offset of the last; Next is the first one's.
	Append(values [][]byte) int64
	Next() int64
	Below(n uint64) uint64
	UUID() metadata.UUID
	Probe(name string)
}

// Timer kinds of Controller.Timer.
const (
	timerFence   uint16 = iota // a session may have ended
	timerNoOp                  // metadata.max.idle.interval.ms
	timerBalance               // leader.imbalance.check.interval.seconds
	timerUnclean               // unclean.leader.election.interval.ms
	TimerKinds                 // kinds in use: 0 to TimerKinds-1
)

// Controller is the controller of one node. While its node leads the quorum it is active: it changes an
// image of its own ahead of the log, and answers when what it wrote is committed.
type Controller struct {
	set Settings
	env Env

	img    *metadata.Image // nil: not active
	epoch  int32
	term   uint32 // makes old timers void
	beats  []beat // ascending by broker
	wait   []deferred
	armed  sim.Time                 // of timerFence, 0: none
	bal    bool                     // timerBalance is armed
	offset int64                    // the last offset written
	topics map[string]TopicSettings // as they are now, forgotten when any setting changes
}

// deferred is an answer that waits for the commit of an offset.
type deferred struct {
	offset int64
	done   func(committed bool)
}

// NewController makes an inactive controller.
func NewController(set Settings, env Env) *Controller { return &Controller{set: set, env: env} }

// Active says whether this is the active controller.
func (c *Controller) Active() bool { return c.img != nil }

// Epoch is the controller epoch: that of the quorum's leader.
func (c *Controller) Epoch() int32 { return c.epoch }

// Claim makes the controller active over the committed metadata (QuorumController.claim). Every broker
// that is not fenced gets a full new session.
func (c *Controller) Claim(epoch int32, committed *metadata.Image) {
	c.img, c.epoch, c.wait, c.beats, c.topics = committed.Clone(), epoch, nil, nil, nil
	c.term++
	c.armed, c.bal, c.offset = 0, false, c.env.Next()-1
	now := c.env.Now()
	for _, b := range c.img.Brokers {
		c.beats = append(c.beats, beat{id: b.ID, fenced: b.Fenced, last: now, shutdownAt: -1, metadata: -1})
	}
	c.bootstrap()
	if c.set.FencePeriodic {
		c.env.After(sim.Time(c.env.Below(uint64(c.set.Session/8)))+1, timerFence, c.term)
	} else {
		c.checkSessions()
	}
	if c.set.NoOpEvery > 0 {
		c.env.After(c.set.NoOpEvery, timerNoOp, c.term)
	}
	if c.set.UncleanEvery > 0 {
		c.env.After(c.set.UncleanEvery, timerUnclean, c.term)
	}
	for _, s := range c.img.Partitions() {
		c.noteBalance(s)
	}
}

// bootstrap writes the features of a new cluster (ActivationRecordsGenerator).
func (c *Controller) bootstrap() {
	if len(c.img.Features) > 0 {
		return
	}
	list := []metadata.Record{&metadata.FeatureLevel{Name: featureVersion, Level: c.set.MetadataVersion}}
	if c.set.ELR {
		list = append(list, &metadata.FeatureLevel{Name: featureELR, Level: 1})
	}
	c.write(list, nil)
}

// Names of features.
const (
	featureVersion = "metadata.version"
	featureELR     = "eligible.leader.replicas.version"
)

// Renounce ends the activity; what waited for a commit is answered with NOT_CONTROLLER, committed later
// or not.
func (c *Controller) Renounce() {
	wait := c.wait
	c.img, c.wait, c.beats = nil, nil, nil
	c.term++
	for _, d := range wait {
		d.done(false)
	}
}

// Committed answers what waited for the offsets below next.
func (c *Controller) Committed(next int64) {
	for len(c.wait) > 0 && c.wait[0].offset < next {
		d := c.wait[0]
		c.wait = c.wait[1:]
		d.done(true)
	}
}

// write applies records to the controller's own image, appends them, and calls done when they are
// committed, or when that can no longer be known. Without records done waits for what was written
// before (QuorumController.ControllerWriteEvent).
func (c *Controller) write(list []metadata.Record, done func(committed bool)) {
	if len(list) > 0 {
		for _, m := range list {
			ch := c.img.Replay(m)
			if ch.Partition != nil {
				c.noteBalance(ch.Partition)
			}
			if ch.Config != nil {
				c.topics = nil
			}
		}
		c.offset = c.env.Append(metadata.EncodeAll(list))
	}
	if done == nil {
		return
	}
	if len(list) == 0 && len(c.wait) == 0 {
		done(true)
		return
	}
	c.wait = append(c.wait, deferred{c.offset, done})
}

// Timer is a timer that Env.After armed.
func (c *Controller) Timer(kind uint16, arg uint32) {
	if c.img == nil || arg != c.term {
		return
	}
	switch kind {
	case timerFence:
		c.fenceStale()
	case timerNoOp:
		c.env.After(c.set.NoOpEvery, timerNoOp, c.term)
		c.write([]metadata.Record{&metadata.NoOp{}}, nil)
	case timerBalance:
		c.balance()
	case timerUnclean:
		c.env.After(c.set.UncleanEvery, timerUnclean, c.term)
		c.electUnclean()
	}
}

// Handle executes a request and answers through reply, at once or when its records are committed. It
// reports whether the request is one for controllers.
func (c *Controller) Handle(m wire.Request, reply func(wire.Response)) bool {
	switch m := m.(type) {
	case *wire.BrokerRegistrationRequest:
		c.register(m, reply)
	case *wire.BrokerHeartbeatRequest:
		c.heartbeat(m, reply)
	case *wire.AlterPartitionRequest:
		c.alter(m, reply)
	case *wire.CreateTopicsRequest:
		c.createTopics(m, reply)
	case *wire.ElectLeadersRequest:
		c.electLeaders(m, reply)
	case *wire.AlterReassignmentsRequest:
		c.reassign(m, reply)
	case *wire.AlterConfigsRequest:
		c.alterConfigs(m, reply)
	case *wire.AllocateProducerIDsRequest:
		c.allocate(m, reply)
	default:
		return false
	}
	return true
}
