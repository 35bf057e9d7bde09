// Package broker is one Kafka broker as a program of the simulated world: it boots from its log
// directory, becomes a member of its cluster through ZooKeeper or the KRaft quorum, serves the requests of
// package wire and ties together the replica manager, the controller and the group coordinator, which are
// state machines of their own (core/src/main/scala/kafka/server/KafkaServer.scala, BrokerServer.scala and
// KafkaApis.scala of branch 3.9).
//
//	stats := replica.NewStats(w)
//	host.Install(broker.ServiceName, boot, func() sim.Program { return broker.New(cfg) })
//
// A start that finds the broker's old session still alive fails and ends the process; Config.Respawn
// is the supervisor that starts it again.
package broker

import (
	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/group"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// ServiceName is the name of the broker's program on its host.
const ServiceName = "kafka"

// LogDir is the path of the log directory on each disk.
const LogDir = "kafka-logs"

// Config is what a broker is configured with. It is shared by all incarnations.
type Config struct {
	ID          int32
	ZooKeeper   []*sim.Host
	Session     sim.Time // zookeeper.session.timeout.ms
	ZKInFlight  int      // zookeeper.max.in.flight.requests
	KRaft       *KRaft   // nil: ZooKeeper
	LogDir      string   // path on each disk; "" = LogDir
	LogOptions  log.DirOptions
	Replica     replica.Config
	Controller  controller.Config
	Group       group.Config
	Stats       *replica.Stats
	Controlled  bool     // controlled.shutdown.enable
	Retries     int      // controlled.shutdown.max.retries
	RetryPause  sim.Time // controlled.shutdown.retry.backoff.ms
	Respawn     sim.Time // pause of the supervisor before it starts an ended broker again; 0: none
	Checkpoints sim.Time // log.flush.offset.checkpoint.interval.ms and its sibling

	RetentionCheck  sim.Time // log.retention.check.interval.ms
	FlushCheck      sim.Time // log.flush.scheduler.interval.ms
	RecoveryThreads int      // num.recovery.threads.per.data.dir
	HaltOnDirError  bool     // before 1.0 (KIP-112) the broker ends with any of its directories
	CleanerBackoff  sim.Time // log.cleaner.backoff.ms; 0: log.cleaner.enable is false
	Cleaner         log.CleanerOptions
	// TopicWith is Replica.Topic with settings of the broker and of the topic that were changed since.
	TopicWith func(topic string, broker, own []wire.Setting) replica.TopicConfig
	// AnyIncarnation (until 2.2, KIP-380): commands of the controller to an earlier incarnation are obeyed.
	AnyIncarnation bool
}

// DefaultConfig is 3.9's for broker id (broker-1 has id 1).
func DefaultConfig(id int32, zookeeper []*sim.Host, stats *replica.Stats) Config {
	return Config{
		ID: id, ZooKeeper: zookeeper, Session: 18 * sim.Second, ZKInFlight: 10, LogDir: LogDir,
		Replica: replica.DefaultConfig(id), Controller: controller.DefaultConfig(id), Group: group.DefaultConfig(),
		Stats: stats, Controlled: true, Retries: 3, RetryPause: 5 * sim.Second, Respawn: 2 * sim.Second,
		Checkpoints: 60 * sim.Second, RetentionCheck: 300 * sim.Second, FlushCheck: neverMillis, RecoveryThreads: 1,
		CleanerBackoff: 15 * sim.Second, Cleaner: log.DefaultCleanerOptions(),
	}
}

// Timer kinds. Each part has a range of its own.
const (
	timerReplica    uint16 = 0   // replica.Manager
	timerController uint16 = 20  // controller.Controller
	timerGroup      uint16 = 30  // group.Coordinator
	timerZK         uint16 = 100 // zk.Client

	timerLoad     uint16 = 50 // read the log directory
	timerLoaded   uint16 = 51 // the log directory was read
	timerNext     uint16 = 52 // the next request of connection arg has its turn
	timerLink     uint16 = 53 // a request of link arg may have timed out
	timerOutbox   uint16 = 54 // repeat the request at the head of a controller's queue
	timerAskAgain uint16 = 55 // look for the controller again
	timerOffsets  uint16 = 56 // write recovery points and log starts
	timerShutdown uint16 = 57 // ask again to be relieved
	timerCreation uint16 = 58 // a topic creation may have waited long enough
	timerNotices  uint16 = 59 // write the note about changed ISRs

	timerLogs      uint16 = 70 // the log manager's from here on
	timerRetention uint16 = 70
	timerFlush     uint16 = 71
	timerDeleted   uint16 = 72 // directory arg may have files to remove
	timerDirFailed uint16 = 73 // directory arg failed
	timerShare     uint16 = 74 // thread arg begins to load
	timerCleanSoon uint16 = 75 // the cleaner has waited
	timerClean     uint16 = 76 // the cleaner's next round
	timerProducers uint16 = 77 // forget silent producers
	timerLogsEnd   uint16 = 80
)

// phase is where a broker stands between boot and exit.
type phase uint8

const (
	loading phase = iota
	registering
	serving
	relieving // controlled shutdown
	closing   // logs are being closed
)

// Broker is one incarnation.
type Broker struct {
	cfg   *Config
	p     *sim.Proc
	logs  *log.Manager
	zk    *zk.Client
	rm    *replica.Manager
	ctl   *controller.Controller
	group *group.Coordinator
	meta  metadata
	stats *replica.Stats

	phase phase
	epoch int64 // broker epoch: czxid of the registration

	co            coordination
	loadingShares int // threads that still load logs
	tries         int // of the controlled shutdown

	peers     []*peer
	freePeers []uint32
	links     []*link
	fetchers  map[int32]*link
	outboxes  map[int32]*outbox
	toControl *controlChannel
	shutdown  *link

	creating []*creation // CreateTopics that wait for leaders
	pids     producerIDs
	notices  isrNotices
	dynamic  dynamic
	role     string
}

// New makes one incarnation of a broker.
func New(cfg *Config) *Broker {
	return &Broker{cfg: cfg, stats: cfg.Stats, fetchers: map[int32]*link{}, outboxes: map[int32]*outbox{}, epoch: -1}
}

// Boot begins what the kind of coordination begins with.
func (b *Broker) Boot(p *sim.Proc) {
	b.p = p
	p.Service.Respawn = b.cfg.Respawn
	b.meta.init()
	b.co = (*zooKeeper)(b)
	if b.cfg.KRaft != nil {
		b.co = newKRaft(b)
	}
	b.co.boot()
}

// loaded builds what works on the logs, and goes on to become a member of the cluster.
func (b *Broker) loaded() {
	b.phase = registering
	conf := b.cfg.Replica
	conf.Topic = b.topicConfig
	b.rm = replica.NewManager(conf, (*replicaEnv)(b), b.logs, b.stats)
	b.group = group.New(b.cfg.Group, (*groupEnv)(b))
	b.co.loaded()
}

// serve begins to accept requests.
func (b *Broker) serve() {
	b.p.Listen(wire.ClientPort)
	b.p.Listen(wire.ReplicationPort)
	phase := b.p.Rand("phase")
	b.rm.Start(phase.Range(1, b.cfg.Replica.ShrinkEvery()))
	b.p.Every(b.cfg.Checkpoints, timerOffsets, 0)
	b.startLogs()
	b.stats.Watch(b.cfg.ID, b.showRole)
	b.showRole()
	b.co.served()
}

// Timer routes a timer to the part that armed it.
func (b *Broker) Timer(kind uint16, arg uint32) {
	switch {
	case kind < timerController:
		b.rm.Timer(kind-timerReplica, arg)
	case b.co.timer(kind, arg):
	case kind < timerLoad:
		b.group.Timer(kind-timerGroup, arg)
	default:
		b.ownTimer(kind, arg)
	}
}

func (b *Broker) ownTimer(kind uint16, arg uint32) {
	switch kind {
	case timerLoad:
		b.openDirs()
	case timerShare:
		b.loadShare(int(arg))
	case timerLoaded:
		if b.sharesLoaded() {
			b.loaded()
		}
	case timerNext:
		b.turn(arg)
	case timerLink:
		b.links[arg].check()
	case timerOutbox:
		b.links[arg].out.next()
	case timerAskAgain:
		b.toControl.next()
	case timerOffsets:
		b.logs.CheckpointOffsets()
	case timerShutdown:
		b.askRelief()
	case timerCreation:
		b.completeCreations()
	case timerNotices:
		b.checkNotices()
	default:
		if kind >= timerLogs && kind < timerLogsEnd {
			b.logTimer(kind, arg)
		}
	}
}

// Accept takes a connection from a client, a follower or a controller.
func (b *Broker) Accept(c *sim.Conn) {
	if !b.co.accepted(c) {
		b.addPeer(c)
	}
}

// Connected answers Dial.
func (b *Broker) Connected(c *sim.Conn, err error) {
	if l, ok := c.Data.(*link); ok {
		l.connected(c, err)
		return
	}
	b.co.connected(c, err)
}

// Receive takes a request of a peer or an answer on a link.
func (b *Broker) Receive(c *sim.Conn, m any) {
	switch d := c.Data.(type) {
	case *peer:
		d.received(m.(wire.Request))
	case *link:
		d.received(c, m.(wire.Response))
	default:
		b.co.received(c, m)
	}
}

// Closed is the end of a connection.
func (b *Broker) Closed(c *sim.Conn, why sim.CloseReason) {
	switch d := c.Data.(type) {
	case *peer:
		d.closed(why)
	case *link:
		d.lost(c)
	default:
		b.co.closed(c, why)
	}
}

// Synced completes a sync of a log directory.
func (b *Broker) Synced(arg uint32, err error) {
	if b.co.synced(arg, err) {
		return
	}
	if i := int(arg/logTag) - 1; i < len(b.dirs()) {
		b.dirs()[i].Synced(arg, err)
	}
}

// halt ends the process without closing anything (LogManager.handleLogDirFailure: Exit.halt(1)).
func (b *Broker) halt(reason string) { b.p.Crash(reason) }

// showRole sets the host's role lane: what an observer who knows everything would say.
func (b *Broker) showRole() {
	if !b.p.Alive() || b.phase == closing {
		return
	}
	role := b.stats.Role(b.cfg.ID)
	if role == "" {
		role = "idle"
		if b.co.active() {
			role = "controller"
		}
	}
	if role != b.role {
		b.role = role
		b.p.Role(role)
	}
}

// ID is the broker's id.
func (b *Broker) ID() int32 { return b.cfg.ID }

// Partition is the broker's replica of a partition, nil if it has none.
func (b *Broker) Partition(tp wire.TopicPartition) *replica.Partition {
	if b.rm == nil {
		return nil
	}
	return b.rm.Partition(tp)
}

// IsController says whether this broker believes that it is the controller.
func (b *Broker) IsController() bool { return b.co != nil && b.co.active() }

// Serving says whether the broker is registered and answers requests.
func (b *Broker) Serving() bool { return b.phase == serving }

// Coordinates says whether this broker is the coordinator of a group and has loaded its state.
func (b *Broker) Coordinates(name string) bool { return b.group != nil && b.group.Owns(name) }
