package broker

import (
	"github.com/mqsim/mqsim/models/kafka/log"
	meta "github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/quorum"
	"github.com/mqsim/mqsim/models/kafka/raft"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// KRaft is the configuration of a broker in KRaft mode.
type KRaft struct {
	Cluster             *quorum.Cluster
	Raft                raft.Config
	RequestTimeout      sim.Time // controller.quorum.request.timeout.ms
	Session             sim.Time // broker.session.timeout.ms
	Heartbeat           sim.Time // broker.heartbeat.interval.ms
	RegistrationTimeout sim.Time // initial.broker.registration.timeout.ms
	// RetryAtInterval: a heartbeat that failed is repeated after the interval, and waits no longer for its
	// answer (KAFKA-19294, 4.1). Before, it backs off, doubling, and waits for a whole session.
	RetryAtInterval bool
}

// Timer kinds and lanes of KRaft mode.
const (
	timerLifecycle uint16 = 130 // the next registration or heartbeat
	timerChannel   uint16 = 131 // channel arg may try again
	timerStopWait  uint16 = 132 // controlled shutdown has waited long enough
	timerOpen      uint16 = 133 // read the metadata log
	timerOpened    uint16 = 134 // it was read
	timerTold      uint16 = 135 // look whether the quorum knows that this controller stops
	timerNode      uint16 = 140 // quorum.Node

	laneRaft    = 5
	laneQuorum  = 6
	metadataTag = 1 << 31
)

// kraft is coordination through the metadata quorum (BrokerServer.scala): the broker copies the metadata
// log as an observer, or as a voter if it is a controller too, and does what it says.
type kraft struct {
	b    *Broker
	cfg  *KRaft
	node *quorum.Node
	life lifecycle

	beats  *channel // registration and heartbeats
	alters *channel // AlterPartition
	asks   *channel // what clients want of the controller, and producer ids

	opening bool // the logs are being opened, or are open
	open    bool
	changed []*meta.State // since the last Applied, in order, each once
	brokers bool          // some registration changed too
	configs bool          // so did settings
	until   sim.Time
}

func newKRaft(b *Broker) *kraft {
	k := &kraft{b: b, cfg: b.cfg.KRaft}
	k.life.init(k)
	k.beats = k.newChannel(k.cfg.Session)
	if k.cfg.RetryAtInterval {
		k.beats.timeout = k.cfg.Heartbeat
	}
	k.alters = k.newChannel(0)
	k.asks = k.newChannel(forwardTimeout)
	return k
}

// boot opens the metadata log and registers; both go on side by side (BrokerServer.startup).
func (k *kraft) boot() {
	b := k.b
	dir := b.cfg.LogDir
	if dir == "" {
		dir = LogDir
	}
	k.life.previous = log.CleanEpoch(b.p.FS(0), dir)
	k.node = quorum.NewNode(&quorum.Config{
		Cluster: k.cfg.Cluster, Raft: k.cfg.Raft, RequestTimeout: k.cfg.RequestTimeout, LogDir: dir, Tag: metadataTag,
		Timer: timerNode, LaneRaft: laneRaft, LaneControl: laneQuorum,
	}, b.p, k)
	b.p.Work(laneRaft, 0, timerOpen, 0)
}

// loaded: the logs are open.
func (k *kraft) loaded() { k.maybeServe() }

// maybeServe accepts requests once the logs are open and the controller has said that the broker is caught
// up, which it says to none but a registered one; then the next heartbeat asks to be unfenced. A broker that
// came back before its old session ended does not serve, although the metadata still call it a leader.
func (k *kraft) maybeServe() {
	if k.b.phase == registering && k.life.state == recovering && !k.open {
		k.open = true
		k.b.serve()
	}
}

func (k *kraft) served() {
	k.publishAll()
	k.life.readyToUnfence()
}

func (k *kraft) active() bool { return k.node != nil && k.node.Active() }

// mayJoin is Partition.isBrokerIsrEligible.
func (k *kraft) mayJoin(id int32, epoch int64) bool {
	r := k.node.Image().Broker(id)
	return r != nil && r.Active() && (epoch < 0 || epoch == r.Epoch)
}

func (k *kraft) alterPartition(m *wire.AlterPartitionRequest) {
	k.alters.send(m, func(r wire.Response) { k.b.rm.AlterPartitionDone(r.(*wire.AlterPartitionResponse)) })
}

// createTopics is passed on to the active controller (ForwardingManager).
func (k *kraft) createTopics(c *sim.Conn, m *wire.CreateTopicsRequest) {
	corr, client := m.Corr, m.Client
	k.asks.send(m, func(r wire.Response) {
		resp, ok := r.(*wire.CreateTopicsResponse)
		if !ok {
			resp = &wire.CreateTopicsResponse{}
			for i := range m.Topics {
				resp.Topics = append(resp.Topics, wire.CreatedTopic{Topic: m.Topics[i].Topic, Err: wire.RequestTimedOut})
			}
		}
		m.ReqHeader = wire.ReqHeader{Corr: corr, Client: client}
		resp.Corr = corr
		k.b.reply(c, resp)
	})
}

func (k *kraft) electLeaders(c *sim.Conn, m *wire.ElectLeadersRequest) {
	corr := m.Corr
	k.asks.send(m, func(r wire.Response) {
		resp, ok := r.(*wire.ElectLeadersResponse)
		if !ok {
			resp = &wire.ElectLeadersResponse{Err: wire.RequestTimedOut}
		}
		resp.Corr = corr
		k.b.reply(c, resp)
	})
}

// reserveIDs is RPCProducerIdManager.
func (k *kraft) reserveIDs() {
	k.asks.send(&wire.AllocateProducerIDsRequest{Broker: k.b.cfg.ID, BrokerEpoch: k.b.epoch}, func(r wire.Response) {
		resp, ok := r.(*wire.AllocateProducerIDsResponse)
		if !ok || resp.Err != wire.None {
			k.b.refusePIDs()
			return
		}
		k.b.reserved(resp.Start, int64(resp.Len))
	})
}

// control passes on what is for the controller (ForwardingManager).
func (k *kraft) control(c *sim.Conn, m wire.Request) bool {
	switch m := m.(type) {
	case *wire.AlterReassignmentsRequest:
		corr := m.Corr
		k.asks.send(m, func(r wire.Response) {
			resp, ok := r.(*wire.AlterReassignmentsResponse)
			if !ok {
				resp = &wire.AlterReassignmentsResponse{Err: wire.RequestTimedOut}
			}
			resp.Corr = corr
			k.b.reply(c, resp)
		})
	case *wire.AlterConfigsRequest:
		corr := m.Corr
		k.asks.send(m, func(r wire.Response) {
			resp, ok := r.(*wire.AlterConfigsResponse)
			if !ok {
				resp = &wire.AlterConfigsResponse{Err: wire.RequestTimedOut}
			}
			resp.Corr = corr
			k.b.reply(c, resp)
		})
	default:
		return false
	}
	return true
}

// dirFailed: heartbeats do not carry directories, so a broker that lost one of several cannot say which
// replicas are offline. It stops, as a broker does that cannot report for log.dir.failure.timeout.ms.
func (k *kraft) dirFailed() { k.b.halt("a log directory failed") }

func (k *kraft) relieve() {
	k.b.p.After(stopWait, timerStopWait, 0)
	k.life.wantStop()
}

// leave ends the replica of the metadata log; a leader of the quorum resigns first.
func (k *kraft) leave(done func()) {
	if !k.node.Stop() {
		done()
		return
	}
	k.b.p.StopListening(wire.ControllerPort)
	k.until = k.b.p.Now() + 5*sim.Second
	k.b.p.After(10*sim.Millisecond, timerTold, 0)
}

// stopWait is how long a controlled shutdown may take (BrokerServer.shutdown).
const stopWait = 5 * sim.Minute

func (k *kraft) timer(kind uint16, arg uint32) bool {
	switch kind {
	case timerLifecycle:
		k.life.timer(arg)
	case timerChannel:
		k.b.links[arg].again()
	case timerStopWait:
		if k.b.phase == relieving {
			k.b.p.Probe("kafka-uncontrolled-shutdown")
			k.b.close()
		}
	case timerOpen:
		if k.node.Open() {
			k.b.p.Work(laneRaft, 0, timerOpened, 0)
		}
	case timerOpened:
		k.node.Start()
		k.life.start()
	case timerTold:
		if k.node.Told() || k.b.p.Now() >= k.until {
			k.b.p.Exit()
			return true
		}
		k.b.p.After(10*sim.Millisecond, timerTold, 0)
	default:
		return k.node.HandleTimer(kind, arg)
	}
	return true
}

func (k *kraft) accepted(c *sim.Conn) bool                     { return k.node.Accept(c) }
func (k *kraft) connected(c *sim.Conn, err error) bool         { return k.node.HandleConnected(c, err) }
func (k *kraft) received(c *sim.Conn, m any) bool              { return k.node.HandleReceive(c, m) }
func (k *kraft) closed(c *sim.Conn, _ sim.CloseReason) bool    { return k.node.HandleClosed(c) }
func (k *kraft) synced(arg uint32, err error) bool             { return k.node.HandleSynced(arg, err) }
func (k *kraft) cost(c *sim.Conn, m any) (int, sim.Time, bool) { return k.node.Cost(c, m) }

// Changed notes what the next Applied publishes.
func (k *kraft) Changed(ch meta.Changed) {
	if ch.Broker != nil {
		k.brokers = true
	}
	if ch.Config != nil {
		k.configs = true
		entity := k.b.configure(ch.Config.Type, ch.Config.Resource, k.node.Image())
		if k.open {
			k.b.p.Emit("config-changed", "", entity)
		}
	}
	if ch.Partition != nil {
		for _, s := range k.changed {
			if s == ch.Partition {
				return
			}
		}
		k.changed = append(k.changed, ch.Partition)
	}
}

// Applied is MetadataLoader's publication of a batch: first to the cache that clients are answered from,
// then to the replicas. The first time that the log has been applied up to its high watermark, the broker
// begins to load its logs (BrokerMetadataPublisher.initializeManagers).
func (k *kraft) Applied(next int64) {
	if !k.opening && next >= k.node.Raft().HW() {
		k.opening = true
		k.b.p.Work(laneLoad, 0, timerLoad, 0)
	}
	if !k.open || k.b.phase == closing {
		k.changed, k.brokers, k.configs = k.changed[:0], false, false
		return
	}
	if k.configs {
		k.b.rm.Reconfigure()
	}
	if k.brokers {
		k.publishBrokers()
	}
	if len(k.changed) > 0 {
		k.publish(k.changed)
	}
	k.changed, k.brokers, k.configs = k.changed[:0], false, false
}

// Restored publishes everything.
func (k *kraft) Restored() {
	k.b.configureAll(k.node.Image())
	if k.open {
		k.publishAll()
	}
}

// Halt ends the process: without its metadata log a broker does not go on.
func (k *kraft) Halt(reason string) { k.b.halt(reason) }

func (k *kraft) publishAll() {
	k.publishBrokers()
	k.publish(k.node.Image().Partitions())
}

// publishBrokers renews the list of brokers in the cache: clients are told those that are not fenced
// (KRaftMetadataCache.getAliveBrokers). As controller they are told any live broker, which passes on
// what is meant for the controller.
func (k *kraft) publishBrokers() {
	c := &k.b.meta
	c.live, c.fenced, c.controller = nil, nil, -1
	for _, r := range k.node.Image().Brokers {
		n := wire.Node{ID: r.ID, Host: r.Host}
		if r.Fenced {
			c.fenced = append(c.fenced, n)
		} else {
			c.live = append(c.live, n)
		}
	}
	if n := len(c.live); n > 0 {
		c.controller = c.live[k.b.p.Rand("metadata").Below(uint64(n))].ID
	}
}

func (k *kraft) publish(list []*meta.State) {
	states := make([]wire.PartitionState, len(list))
	for i, s := range list {
		states[i] = wire.PartitionState{
			TopicPartition: s.TP, ControllerEpoch: k.node.Raft().Epoch(), Leader: s.Leader, LeaderEpoch: s.LeaderEpoch, ISR: s.ISR,
			PartitionEpoch: s.PartitionEpoch, Replicas: s.Replicas, Recovering: s.Recovering,
		}
		k.b.meta.set(&states[i])
	}
	k.b.rm.ApplyDelta(states, k.b.phase == relieving)
	k.b.showRole()
}

// unfenced: the controller counts the broker in.
func (b *Broker) unfenced() {
	if b.phase == registering {
		b.phase = serving
		b.p.Ready()
	}
}

// Node is the broker's member of the metadata quorum, nil in ZooKeeper mode.
func (b *Broker) Node() *quorum.Node {
	if k, ok := b.co.(*kraft); ok {
		return k.node
	}
	return nil
}
