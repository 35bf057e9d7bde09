// Package controller is Kafka's controller in ZooKeeper mode: one broker, elected through the
// ephemeral node /controller, that elects partition leaders, keeps the ISR in ZooKeeper and tells
// brokers what to do. It follows branch 3.9: core/src/main/scala/kafka/controller/KafkaController.scala,
// PartitionStateMachine.scala, ReplicaStateMachine.scala, Election.scala and ControllerChannelManager.scala.
//
// Every broker has a [Controller]; at most one is active in ZooKeeper's eyes. It is a state machine:
// events queue up and are handled one after another, each to its end including its answers from
// ZooKeeper, as the controller's event thread does it.
package controller

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// ZK is the part of the ZooKeeper client that the controller uses: KafkaZkClient's
// retryRequestsUntilConnected. zk.Client has it.
type ZK interface {
	Retry(r zk.Request, done func(zk.Response))
}

// Env is what the controller sees of its broker.
type Env interface {
	After(d sim.Time, kind uint16, arg uint32)
	// Connect opens the queue of requests to a live broker, Disconnect drops it with its content.
	Connect(n wire.Node)
	Disconnect(id int32)
	// Send queues a request: one queue per broker, strictly in order, repeated until the broker answers.
	Send(id int32, m wire.Request)
	// Unclean is the topic's unclean.leader.election.enable.
	Unclean(topic string) bool
	// Elected counts an election.
	Elected(tp wire.TopicPartition, unclean bool)
	// ISR records a committed in-sync set.
	ISR(tp wire.TopicPartition, epoch, version int32, isr []int32)
	// Active tells that this broker became the controller, or is it no longer.
	Active(active bool)

	Emit(kind, part, text string)
	// EmitOf tells what happened to another broker.
	EmitOf(broker int32, kind, part, text string)
	Probe(name string)
	Violate(invariant, detail string)
}

// Config holds the settings of the controller.
type Config struct {
	Broker             int32
	AutoRebalance      bool     // auto.leader.rebalance.enable
	ImbalanceCheck     sim.Time // leader.imbalance.check.interval.seconds
	ImbalancePercent   int64    // leader.imbalance.per.broker.percentage
	FirstRebalanceWait sim.Time // 5 s after the failover (KafkaController.onControllerFailover)
	Rules              Rules
}

// DefaultConfig is 3.9's.
func DefaultConfig(broker int32) Config {
	return Config{
		Broker: broker, AutoRebalance: true, ImbalanceCheck: 300 * sim.Second, ImbalancePercent: 10,
		FirstRebalanceWait: 5 * sim.Second,
	}
}

// Timer kinds of Controller.Timer.
const (
	timerRebalance uint16 = iota
	TimerKinds            // kinds in use: 0 to TimerKinds-1
)

// event is one unit of work of the event thread; it calls done exactly once when it is finished.
type event func(done func())

// Controller is the controller of one incarnation of a broker.
type Controller struct {
	cfg Config
	env Env
	zk  ZK

	activeID     int32 // broker that ZooKeeper named last, -1: none known
	epoch        int32
	epochVersion int32 // znode version of /controller_epoch
	term         uint32

	queue []event
	busy  bool

	// context, valid while active
	live         []liveBroker // ascending by id
	shuttingDown []int32
	topics       []string // in order of discovery
	parts        map[wire.TopicPartition]*partition
	order        []*partition

	out batch
}

type liveBroker struct {
	node  wire.Node
	epoch int64 // czxid of its registration
}

type partitionState uint8

const (
	stateNew partitionState = iota
	stateOnline
	stateOffline
)

// partition is the controller's view of one partition.
type partition struct {
	tp       wire.TopicPartition
	name     string
	replicas []int32
	offline  []int32 // brokers that live, but whose replica is in a log directory that failed
	state    partitionState
	// target is what a reassignment under way leads to, nil if there is none; replicas is the union with the
	// original assignment until then (ReplicaAssignment).
	target   []int32
	adding   []int32
	removing []int32
	known    bool // it has a state znode, and this is it:
	now      leaderISR
	highest  int32 // leader epoch, for invariant I6
}

// New makes an inactive controller.
func New(cfg Config, env Env, z ZK) *Controller {
	return &Controller{cfg: cfg, env: env, zk: z, activeID: -1, epoch: -1}
}

// IsActive says whether this broker believes that it is the controller.
func (c *Controller) IsActive() bool { return c.activeID == c.cfg.Broker }

// Epoch is the controller epoch that this broker was elected with.
func (c *Controller) Epoch() int32 { return c.epoch }

// ActiveID is the broker that ZooKeeper named last, -1 if none is known.
func (c *Controller) ActiveID() int32 { return c.activeID }

// put adds an event to the queue and begins it if the thread is idle.
func (c *Controller) put(e event) {
	c.queue = append(c.queue, e)
	c.next()
}

func (c *Controller) next() {
	for !c.busy && len(c.queue) > 0 {
		e := c.queue[0]
		c.queue = c.queue[1:]
		c.busy = true
		finished, inside := false, true
		e(func() {
			if finished {
				panic("kafka controller: an event ended twice")
			}
			finished = true
			c.busy = false
			if !inside {
				c.next()
			}
		})
		inside = false
	}
}

// Startup watches /controller and stands for election; called after the broker has registered.
func (c *Controller) Startup() { c.put(c.watchAndElect) }

// Expired is the loss of the ZooKeeper session: this broker is controller no more, and what was queued
// is void (ControllerZNode's beforeInitializingSession clears the event queue).
func (c *Controller) Expired() {
	c.queue = nil
	c.put(func(done func()) {
		c.activeID = -1
		c.resign()
		done()
	})
}

// Watch handles a watch event; it reports whether the event was the controller's.
func (c *Controller) Watch(e zk.WatchEvent) bool {
	switch {
	case e.Path == pathController && e.Type == zk.NodeDeleted:
		c.put(c.watchAndElect)
	case e.Path == pathController:
		c.put(c.maybeResign)
	case e.Path == pathIDs && e.Type == zk.NodeChildrenChanged:
		c.put(c.brokerChange)
	case e.Path == pathLogDirEvents && e.Type == zk.NodeChildrenChanged:
		c.put(c.logDirEvent)
	case e.Path == pathTopics && e.Type == zk.NodeChildrenChanged:
		c.put(c.topicChange)
	case e.Type == zk.NodeDataChanged && c.reassigning(e.Path) != nil:
		c.put(func(done func()) { c.isrMoved(c.reassigning(e.Path), done) })
	case e.Path == pathISRChanges && e.Type == zk.NodeChildrenChanged:
		c.put(c.isrChange)
	default:
		return false
	}
	return true
}

// Timer is a timer that Env.After armed.
func (c *Controller) Timer(kind uint16, arg uint32) {
	if kind == timerRebalance && arg == c.term && c.IsActive() {
		c.put(c.rebalance)
	}
}

// watchAndElect is KafkaController.processReelect: resign if somebody else holds /controller, then
// try to take it.
func (c *Controller) watchAndElect(done func()) {
	c.maybeResign(func() {
		if c.activeID != -1 {
			done()
			return
		}
		c.elect(done)
	})
}

// maybeResign reads /controller and watches it (KafkaController.maybeResign).
func (c *Controller) maybeResign(done func()) {
	was := c.IsActive()
	c.zk.Retry(zk.ExistsRequest(pathController, true), func(r zk.Response) {
		if r.Code == zk.SessionExpired {
			done()
			return
		}
		c.zk.Retry(zk.GetDataRequest(pathController, false), func(r zk.Response) {
			c.activeID = -1
			if r.Code == zk.OK {
				c.activeID = decodeController(r.Data)
			}
			if was && !c.IsActive() {
				c.resign()
			}
			done()
		})
	})
}

// elect creates /controller and raises /controller_epoch in one transaction, so that a slow loser
// can never raise it (KafkaZkClient.registerControllerAndIncrementControllerEpoch, KAFKA-6082).
func (c *Controller) elect(done func()) {
	c.zk.Retry(zk.GetDataRequest(pathControllerEpoch, false), func(r zk.Response) {
		switch r.Code {
		case zk.OK:
			c.register(decodeEpoch(r.Data), r.Stat.Version, done)
		case zk.NoNode:
			c.zk.Retry(zk.CreateRequest(pathControllerEpoch, encodeEpoch(0), zk.Persistent), func(r zk.Response) {
				if r.Code == zk.OK {
					c.register(0, 0, done)
					return
				}
				c.zk.Retry(zk.GetDataRequest(pathControllerEpoch, false), func(r zk.Response) {
					if r.Code != zk.OK {
						done()
						return
					}
					c.register(decodeEpoch(r.Data), r.Stat.Version, done)
				})
			})
		default:
			done()
		}
	})
}

func (c *Controller) register(epoch, version int32, done func()) {
	ops := []zk.Op{
		zk.CreateOp(pathController, encodeController(c.cfg.Broker), zk.Ephemeral),
		zk.SetDataOp(pathControllerEpoch, encodeEpoch(epoch+1), version),
	}
	c.zk.Retry(zk.MultiRequest(ops), func(r zk.Response) {
		switch r.Code {
		case zk.OK:
			c.won(epoch+1, r.Results[1].Stat.Version, done)
		case zk.NodeExists, zk.BadVersion:
			// Either somebody was faster, or this is the echo of our own try whose answer was lost.
			c.checkOwn(epoch+1, done)
		default:
			done()
		}
	})
}

func (c *Controller) checkOwn(epoch int32, done func()) {
	c.zk.Retry(zk.GetDataRequest(pathController, false), func(r zk.Response) {
		c.activeID = -1
		if r.Code != zk.OK {
			done()
			return
		}
		id := decodeController(r.Data)
		if id != c.cfg.Broker {
			c.activeID = id
			done()
			return
		}
		c.zk.Retry(zk.GetDataRequest(pathControllerEpoch, false), func(r zk.Response) {
			if r.Code != zk.OK || decodeEpoch(r.Data) != epoch {
				done()
				return
			}
			c.won(epoch, r.Stat.Version, done)
		})
	})
}

func (c *Controller) won(epoch, version int32, done func()) {
	if epoch <= c.epoch {
		c.env.Violate("kafka-I6", "controller epoch did not rise")
	}
	c.activeID, c.epoch, c.epochVersion = c.cfg.Broker, epoch, version
	c.term++
	c.env.Emit("controller-elected", "", "controller epoch "+itoa(epoch))
	c.env.Active(true)
	c.failover(done)
}

// resign drops everything that a controller knows.
func (c *Controller) resign() {
	if c.parts == nil {
		return
	}
	c.env.Emit("controller-resigned", "", "controller epoch "+itoa(c.epoch))
	for _, b := range c.live {
		c.env.Disconnect(b.node.ID)
	}
	c.live, c.shuttingDown, c.topics, c.parts, c.order = nil, nil, nil, nil, nil
	c.term++
	c.env.Active(false)
}

// moved is ControllerMovedException: ZooKeeper knows a newer controller.
func (c *Controller) moved(done func()) {
	c.env.Probe("kafka-controller-moved")
	c.maybeResign(done)
}

// failover is KafkaController.onControllerFailover: read everything, tell everybody, repair.
func (c *Controller) failover(done func()) {
	c.parts = map[wire.TopicPartition]*partition{}
	c.dropNotices(func() { c.readAll(done) })
}

// readAll reads brokers, topics and partition states.
func (c *Controller) readAll(done func()) {
	c.zk.Retry(zk.GetChildrenRequest(pathIDs, true), func(r zk.Response) {
		if r.Code != zk.OK {
			done()
			return
		}
		c.readBrokers(r.Children, func(brokers []liveBroker) {
			c.live = brokers
			c.zk.Retry(zk.GetChildrenRequest(pathTopics, true), func(r zk.Response) {
				if r.Code != zk.OK {
					done()
					return
				}
				c.readTopics(r.Children, func() {
					c.readStates(c.order, func() { c.takeOver(done) })
				})
			})
		})
	})
}

func (c *Controller) takeOver(done func()) {
	if !c.IsActive() || c.parts == nil {
		done()
		return
	}
	for _, b := range c.live {
		c.env.Connect(b.node)
	}
	c.out.metadata(c.liveOrShuttingDown(), nil)
	c.flush()
	for _, p := range c.order {
		p.state = stateNew
		if p.known {
			p.state = stateOffline
			if c.online(p.now.Leader) {
				p.state = stateOnline
			}
		}
	}
	c.watchLogDirs()
	// ReplicaStateMachine.startup: tell every live replica its role, then take the dead out of the ISRs.
	for _, p := range c.order {
		if p.known {
			c.out.leaderAndISR(c, p, filter(p.replicas, c.online), false)
		}
	}
	c.flush()
	c.replicasOffline(c.deadReplicas(), func() {
		c.electOffline(func() {
			if c.cfg.AutoRebalance && c.IsActive() {
				c.env.After(c.cfg.FirstRebalanceWait, timerRebalance, c.term)
			}
			c.resumeReassignments(done)
		})
	})
}

// deadReplicas lists brokers that are assigned replicas and are not live, ascending.
func (c *Controller) deadReplicas() []int32 {
	var dead []int32
	for _, p := range c.order {
		for _, id := range p.replicas {
			if !c.online(id) && !contains(dead, id) {
				dead = insert(dead, id)
			}
		}
	}
	return dead
}

// online is ControllerContext.isReplicaOnline without those that are shutting down.
func (c *Controller) online(id int32) bool {
	return c.liveIndex(id) >= 0 && !contains(c.shuttingDown, id)
}

func (c *Controller) liveIndex(id int32) int {
	for i := range c.live {
		if c.live[i].node.ID == id {
			return i
		}
	}
	return -1
}

func (c *Controller) liveOrShuttingDown() []int32 {
	list := make([]int32, len(c.live))
	for i := range c.live {
		list[i] = c.live[i].node.ID
	}
	return list
}
