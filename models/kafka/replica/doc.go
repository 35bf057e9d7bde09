// Package replica is Kafka's replication engine of one broker: partitions that lead or follow, the
// high watermark, the in-sync set, produce and fetch requests with their purgatories, fetch sessions
// and the fetchers that copy from other brokers. It follows branch 3.9 in ZooKeeper mode:
// core/src/main/scala/kafka/cluster/Partition.scala, Replica.scala, server/ReplicaManager.scala,
// AbstractFetcherThread.scala, DelayedFetch.scala, DelayedProduce.scala, FetchSession.scala and
// AlterPartitionManager.scala.
//
// A [Manager] is a state machine. Requests, the controller's commands, answers and timers come in by
// method calls; what goes out goes through [Env]. It knows no sockets and no ZooKeeper, so that a test
// drives it with nothing but a disk.
//
// Work grows with events, not with partitions. A fetch session (KIP-227) keeps a list of its hot
// partitions: those that have data to send, a high watermark to report, an error, or a replica that
// wants into the ISR. A fetch visits only these. What Kafka would note for the others at every fetch
// ("caught up at t") is implied by the time of the session's last fetch and written down at the moment
// when it begins to matter, which is the next append.
package replica

import (
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Env is all that a Manager sees of the world.
type Env interface {
	Now() sim.Time
	Wall() int64 // host clock, ms since 1970
	// After arms Manager.Timer(kind, arg).
	After(d sim.Time, kind uint16, arg uint32)
	// Reply answers a request that came in on c. If c is closed it does nothing.
	Reply(c *sim.Conn, m wire.Response)
	// Done ends a request that gets no answer (acks=0).
	Done(c *sim.Conn)
	// Hangup closes a connection: the only way to tell a producer with acks=0 that something failed.
	Hangup(c *sim.Conn)
	// Fetch sends a fetch to another broker, connecting first if need be. Exactly one of
	// Manager.FetchResponse, FetchFailed, EpochsResponse and OffsetsResponse answers.
	Fetch(source int32, m wire.Request)
	// Hush closes the connection of an idle fetcher.
	Hush(source int32)
	// AlterPartition asks the controller; Manager.AlterPartitionDone answers exactly once.
	AlterPartition(m *wire.AlterPartitionRequest)
	// Alive says whether the metadata cache lists a broker as live.
	Alive(broker int32) bool
	// MayJoin says whether a follower may enter an ISR: in ZooKeeper mode it is alive; in KRaft mode it is
	// neither fenced nor shutting down, and the incarnation that fetches, by its broker epoch (-1 unknown),
	// is the one that is registered (KIP-903).
	MayJoin(broker int32, brokerEpoch int64) bool
	// Leader is who leads a partition in the metadata cache (KIP-951), -1 if unknown.
	Leader(tp wire.TopicPartition) (leader, epoch int32)
	// Node is a broker's address in the metadata cache.
	Node(broker int32) (wire.Node, bool)
	// BrokerEpoch is the czxid of this broker's registration.
	BrokerEpoch() int64
	// Halt ends the process at once: the last log directory failed.
	Halt(reason string)
	// Led tells that partitions of the broker changed their role.
	Led(tp wire.TopicPartition, epoch int32, leader bool)

	Emit(kind, part, text string)
	Probe(name string)
	Violate(invariant, detail string)
}

// TopicConfig is what a topic can set.
type TopicConfig struct {
	MinISR  int  // min.insync.replicas
	Unclean bool // unclean.leader.election.enable
	Log     log.Options
}

// Config holds the settings of the replica manager under their manual's meaning.
type Config struct {
	Broker           int32
	LagTimeMax       sim.Time // replica.lag.time.max.ms
	FetchWaitMax     sim.Time // replica.fetch.wait.max.ms
	FetchMinBytes    int32    // replica.fetch.min.bytes
	FetchMaxBytes    int32    // replica.fetch.max.bytes, per partition
	ResponseMaxBytes int32    // replica.fetch.response.max.bytes
	FetchBackoff     sim.Time // replica.fetch.backoff.ms
	SocketTimeout    sim.Time // replica.socket.timeout.ms
	BrokerEpochs     bool     // AlterPartition names the broker epochs of the ISR (KRaft since 3.5, KIP-903)
	Announced        bool     // ISR changes are told by who commits them (KRaft), not by the leader
	HWCheckpoint     sim.Time // replica.high.watermark.checkpoint.interval.ms
	Topic            func(name string) TopicConfig
	Rules            Rules // of the version
	// Rack is a broker's broker.rack; nil unless replica.selector.class is RackAwareReplicaSelector.
	Rack func(broker int32) string
}

// DefaultConfig is 3.9's.
func DefaultConfig(broker int32) Config {
	return Config{
		Broker: broker, LagTimeMax: 30 * sim.Second, FetchWaitMax: 500 * sim.Millisecond, FetchMinBytes: 1,
		FetchMaxBytes: 1 << 20, ResponseMaxBytes: 10 << 20, FetchBackoff: sim.Second,
		SocketTimeout: 30 * sim.Second, HWCheckpoint: 5 * sim.Second,
		Topic: func(string) TopicConfig { return TopicConfig{MinISR: 1, Log: log.DefaultOptions()} },
	}
}

// Timer kinds of Manager.Timer.
const (
	timerProduce  uint16 = iota // the earliest acks=all request may have timed out
	timerFetch                  // a parked fetch of session arg may have waited long enough
	timerFetcher                // partitions of fetcher arg may leave their back-off
	timerShrink                 // ISR check, see Config.ShrinkEvery
	timerHW                     // high watermark checkpoint
	timerAlterISR               // retry an AlterPartition after a top-level error
	TimerKinds                  // kinds in use: 0 to TimerKinds-1
)
