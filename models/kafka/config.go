package kafka

import (
	"math"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/broker"
	"github.com/mqsim/mqsim/models/kafka/group"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/profile"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// brokerConfig turns the settings of a host into what its broker is started with.
func (c *Cluster) brokerConfig(i int, r *models.Resolved) *broker.Config {
	const s = models.Broker
	id := int32(i + 1)
	conf := broker.DefaultConfig(id, nil, c.stats)
	if c.kraft() {
		conf.KRaft = c.brokerKRaft(id, r)
		conf.Replica.Announced, conf.Replica.BrokerEpochs = true, true
	} else {
		conf.ZooKeeper = c.zk.Hosts()
		conf.Session = r.Time(s, "zookeeper.session.timeout.ms")
		conf.Controller.ImbalancePercent = r.Int(s, "leader.imbalance.per.broker.percentage")
	}
	conf.Controlled = r.Bool(s, "controlled.shutdown.enable")
	conf.Retries = int(r.Int(s, "controlled.shutdown.max.retries"))
	conf.RetryPause = r.Time(s, "controlled.shutdown.retry.backoff.ms")
	conf.Checkpoints = r.Time(s, "log.flush.offset.checkpoint.interval.ms")
	conf.RetentionCheck = r.Time(s, "log.retention.check.interval.ms")
	if every := r.Int(s, "log.flush.scheduler.interval.ms"); every < int64(sim.Second)*1000 {
		conf.FlushCheck = r.Time(s, "log.flush.scheduler.interval.ms")
	}
	conf.RecoveryThreads = int(r.Int(s, "num.recovery.threads.per.data.dir"))
	conf.LogOptions.Meta = log.Meta{Cluster: uuid("cluster", ""), Broker: id}
	if r.AtLeast("3.7") {
		conf.LogOptions.Meta.Directory = uuid("directory", strconv.Itoa(int(id)))
	}
	conf.HaltOnDirError = !r.AtLeast("1.0")
	conf.CleanerBackoff = r.Time(s, "log.cleaner.backoff.ms")
	if !r.Bool(s, "log.cleaner.enable") {
		conf.CleanerBackoff = 0
	}
	conf.Cleaner.Keys = int(r.Int(s, "log.cleaner.dedupe.buffer.size") / 24 * 9 / 10)
	conf.Cleaner.Chunk = r.Int(s, "log.cleaner.io.buffer.size") / 2
	conf.LogOptions.HWOfHeld = r.Quirk("hw-checkpoint-lost")
	conf.LogOptions.CleanMarkerKept = r.Quirk("clean-marker-deleted-late")
	conf.LogOptions.CleanMarkerNoSync = !r.AtLeast("3.7")

	p := &conf.Replica
	p.LagTimeMax = r.Time(s, "replica.lag.time.max.ms")
	p.FetchWaitMax = r.Time(s, "replica.fetch.wait.max.ms")
	p.FetchMinBytes = int32(r.Int(s, "replica.fetch.min.bytes"))
	p.FetchMaxBytes = int32(r.Int(s, "replica.fetch.max.bytes"))
	p.ResponseMaxBytes = int32(r.Int(s, "replica.fetch.response.max.bytes"))
	p.FetchBackoff = r.Time(s, "replica.fetch.backoff.ms")
	p.SocketTimeout = r.Time(s, "replica.socket.timeout.ms")
	p.HWCheckpoint = r.Time(s, "replica.high.watermark.checkpoint.interval.ms")
	p.Topic = c.topicConfigs(r)
	conf.TopicWith = c.topicWith(r)
	p.Rules = replicaRules(r)
	if r.Str(s, "replica.selector.class") == profile.RackAware {
		p.Rack = c.rackOf
	}
	if p.ResponseMaxBytes == 0 {
		p.ResponseMaxBytes = math.MaxInt32 // before 0.10.1 nothing bounds the whole (KIP-74)
	}

	k := &conf.Controller
	k.AutoRebalance = r.Bool(s, "auto.leader.rebalance.enable")
	k.ImbalanceCheck = r.Time(s, "leader.imbalance.check.interval.seconds")
	k.Rules = controllerRules(r)
	conf.AnyIncarnation = r.Quirk("missed-bounce")

	g := &conf.Group
	g.InitialDelay = 0 // before 0.11 nobody waits
	if r.Has(s, "group.initial.rebalance.delay.ms") {
		g.InitialDelay = r.Time(s, "group.initial.rebalance.delay.ms")
	}
	g.Retention = sim.Time(r.Int(s, "offsets.retention.minutes")) * sim.Minute
	g.RetentionCheck = r.Time(s, "offsets.retention.check.interval.ms")
	g.ExpireInUse = !r.AtLeast("2.1")
	g.NoMemberIDs = !r.AtLeast("2.2")
	g.MinSession = r.Time(s, "group.min.session.timeout.ms")
	g.MaxSession = r.Time(s, "group.max.session.timeout.ms")
	g.RequiredAcks = -1
	if r.Has(s, "offsets.commit.required.acks") {
		g.RequiredAcks = int16(r.Int(s, "offsets.commit.required.acks"))
	}
	g.CommitTimeout = r.Time(s, "offsets.commit.timeout.ms")
	g.Partitions = int32(r.Int(s, "offsets.topic.num.partitions"))
	return &conf
}

// rackOf is the broker.rack of a broker.
func (c *Cluster) rackOf(id int32) string {
	return c.brokers[id-1].set.Str(models.Broker, "broker.rack")
}

// topicConfigs is what each topic is configured with on a host, by name.
func (c *Cluster) topicConfigs(r *models.Resolved) func(string) replica.TopicConfig {
	byName := map[string]replica.TopicConfig{}
	for i := range c.cfg.Streams {
		name := c.cfg.Streams[i].Name
		t := topicConfig(r.ForStream(&c.cfg.Streams[i]))
		t.Log.TopicID = topicID(r, name)
		byName[name] = t
	}
	own := topicConfig(r)
	// The broker's own defaults hold for its internal topic, whatever topic: says of the user's.
	own.MinISR = int(r.Int(models.Broker, "min.insync.replicas"))
	own.Unclean = r.Bool(models.Broker, "unclean.leader.election.enable")
	own.Log.SegmentBytes = r.Int(models.Broker, "offsets.topic.segment.bytes")
	own.Log.FlushMessages = r.Int(models.Broker, "log.flush.interval.messages")
	own.Log.TopicID = topicID(r, group.Topic)
	own.Log.Compact, own.Log.Delete = true, false // GroupCoordinator.offsetsTopicConfigs
	return func(name string) replica.TopicConfig {
		if t, ok := byName[name]; ok {
			return t
		}
		return own
	}
}

// uuid is an id of 16 bytes that only depends on what it names.
func uuid(kind, name string) string {
	var b [16]byte
	rnd := sim.NewRand(0, "kafka/uuid/"+kind+"/"+name)
	for i := range b {
		b[i] = byte(rnd.Below(256))
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4
	return log.ID(b)
}

// topicID is a topic's id; brokers before 2.8 know none (KIP-516).
func topicID(r *models.Resolved, topic string) string {
	if !r.AtLeast("2.8") {
		return ""
	}
	return uuid("topic", topic)
}

func topicConfig(r *models.Resolved) replica.TopicConfig {
	const s = models.Topic
	t := replica.TopicConfig{
		MinISR: int(r.Int(s, "min.insync.replicas")), Unclean: r.Bool(s, "unclean.leader.election.enable"),
		Log: log.DefaultOptions(),
	}
	t.Log.SegmentBytes = r.Int(s, "segment.bytes")
	t.Log.SegmentMillis = roll(r)
	t.Log.AppendTime = r.Str(s, "message.timestamp.type") == "LogAppendTime"
	t.Log.IndexBytes = r.Int(s, "segment.index.bytes")
	t.Log.IndexInterval = r.Int(s, "index.interval.bytes")
	t.Log.MaxMessageBytes = r.Int(s, "max.message.bytes")
	t.Log.FlushMessages = r.Int(s, "flush.messages")
	policy := r.Str(s, "cleanup.policy")
	t.Log.Compact = strings.Contains(policy, "compact")
	t.Log.Delete = strings.Contains(policy, "delete")
	t.Log.MinDirtyRatio = r.Milli(s, "min.cleanable.dirty.ratio")
	t.Log.DeleteRetention = r.Int(s, "delete.retention.ms")
	t.Log.MinCompactionLag = r.Int(s, "min.compaction.lag.ms")
	if r.Has(s, "max.compaction.lag.ms") && r.Int(s, "max.compaction.lag.ms") < 1<<40 && t.Log.Compact {
		t.Log.MaxCompactionLag = r.Int(s, "max.compaction.lag.ms")
		t.Log.SegmentMillis = min(t.Log.SegmentMillis, t.Log.MaxCompactionLag) // LogConfig.maxSegmentMs
	}
	t.Log.FlushMillis = r.Int(s, "flush.ms")
	t.Log.RetentionMillis = retention(r)
	t.Log.RetentionBytes = r.Int(s, "retention.bytes")
	t.Log.FileDeleteDelay = r.Int(s, "file.delete.delay.ms")
	t.Log.ProducerIDMillis = r.Int(models.Broker, "producer.id.expiration.ms")
	if !r.AtLeast("3.4") { // LogManager@3.2.3
		t.Log.ProducerIDMillis = r.Int(models.Broker, "transactional.id.expiration.ms")
	}
	t.Log.KnownProducers = !r.AtLeast("2.5")
	t.Log.NoDirSync = r.Quirk("no-dir-fsync")
	t.Log.IndexPerBatch = r.AtLeast("4.1")
	switch {
	case r.Quirk("epoch-file-no-fsync"):
		t.Log.EpochFlush = log.EpochFlushNoSync
	case !r.AtLeast("3.8"):
		t.Log.EpochFlush = log.EpochFlushInline
	}
	return t
}

// retention is a topic's retention.ms. The broker's default comes in three units, the finest counts, and a
// negative one of any unit means for ever (KafkaConfig.getLogRetentionTimeMillis).
func retention(r *models.Resolved) int64 {
	if r.IsSet(models.Topic, "retention.ms") || r.IsSet(models.Broker, "log.retention.ms") {
		return r.Int(models.Topic, "retention.ms")
	}
	n, unit := r.Int(models.Broker, "log.retention.hours"), int64(3600000)
	if r.IsSet(models.Broker, "log.retention.minutes") {
		n, unit = r.Int(models.Broker, "log.retention.minutes"), 60000
	}
	if n < 0 {
		return -1
	}
	return n * unit
}

// roll is a topic's segment.ms; the broker's default is log.roll.ms, else log.roll.hours
// (KafkaConfig.logRollTimeMillis).
func roll(r *models.Resolved) int64 {
	if r.IsSet(models.Topic, "segment.ms") || r.IsSet(models.Broker, "log.roll.ms") {
		return r.Int(models.Topic, "segment.ms")
	}
	return r.Int(models.Broker, "log.roll.hours") * 3600000
}

// topic is one stream.
type topic struct {
	stream   int
	name     string
	set      *models.Resolved
	replicas [][]int32 // of each partition, leader first
	acks     [][]ackSpan
}

func (t *topic) tp(partition int32) wire.TopicPartition {
	return wire.TopicPartition{Topic: t.name, Partition: partition}
}

// newTopic places a stream's replicas: partition i of topic j on brokers i+j, i+j+1 ... round robin, its
// leader first, unless the scenario says otherwise.
func newTopic(c *Cluster, j int) *topic {
	s := &c.cfg.Streams[j]
	t := &topic{stream: j, name: s.Name, set: c.cfg.Set.ForStream(s), acks: make([][]ackSpan, s.Partitions)}
	n := len(c.brokers)
	first := j
	for i, b := range c.brokers {
		if b.host.Name == s.Home {
			first = i
		}
	}
	given := s.Assignment
	if given == nil {
		given = c.cfg.System.Assignment
	}
	factor := min(int(t.set.Int(models.Topic, "replication.factor")), n)
	for i := range s.Partitions {
		var ids []int32
		if len(given) > 0 {
			for _, id := range given[i%len(given)] {
				ids = append(ids, int32(id))
			}
		} else {
			for k := range factor {
				ids = append(ids, int32((first+i+k)%n+1))
			}
		}
		t.replicas = append(t.replicas, ids)
	}
	return t
}

// creation is the request that creates the topic.
func (t *topic) creation() wire.NewTopic {
	n := wire.NewTopic{Topic: t.name, Assignment: t.replicas}
	for _, name := range []string{"flush.messages", "min.insync.replicas", "segment.bytes", "unclean.leader.election.enable"} {
		if t.set.IsSet(models.Topic, name) {
			n.Configs = append(n.Configs, wire.Setting{Name: name, Value: t.set.Str(models.Topic, name)})
		}
	}
	return n
}

// offsetsTopic places __consumer_offsets as a broker that creates it by itself does: with a start and a
// shift drawn at random (AdminUtils.assignReplicasToBrokersRackUnaware). A cluster with fewer brokers
// than offsets.topic.replication.factor could not create it; here it gets what there is.
func (c *Cluster) offsetsTopic() wire.NewTopic {
	n := len(c.brokers)
	factor := min(int(c.cfg.Set.Int(models.Broker, "offsets.topic.replication.factor")), n)
	parts := int(c.cfg.Set.Int(models.Broker, "offsets.topic.num.partitions"))
	rnd := c.w.Rand("kafka/offsets-topic")
	start, shift := int(rnd.Below(uint64(n))), int(rnd.Below(uint64(n)))
	t := wire.NewTopic{Topic: group.Topic, Configs: []wire.Setting{
		{Name: "cleanup.policy", Value: "compact"}, {Name: "compression.type", Value: "producer"},
		{Name: "segment.bytes", Value: strconv.FormatInt(c.cfg.Set.Int(models.Broker, "offsets.topic.segment.bytes"), 10)},
	}}
	for p := range parts {
		if p > 0 && p%n == 0 {
			shift++
		}
		first := (p + start) % n
		ids := []int32{int32(first + 1)}
		for k := range factor - 1 {
			ids = append(ids, int32((first+1+(shift+k)%(n-1))%n+1))
		}
		t.Assignment = append(t.Assignment, ids)
	}
	return t
}

// Partitions is the number of partitions of a stream's topic.
func (c *Cluster) Partitions(stream int) int { return len(c.topics[stream].replicas) }

// PartitionName is topic-partition: t0-0.
func (c *Cluster) PartitionName(stream int, partition int32) string {
	return log.PartitionDir(c.topics[stream].name, partition)
}

// hostSettings restarts a host's broker with other settings: its next incarnation gets them.
func (c *Cluster) hostSettings(h *sim.Host, over models.Settings) []models.Problem {
	for i, s := range c.brokers {
		if s.host != h {
			continue
		}
		set, problems := s.set.Check(models.Broker, over, "settings")
		for _, p := range problems {
			if !p.Warn {
				return problems
			}
		}
		s.set = set
		s.cfg = c.brokerConfig(i, set)
		return nil
	}
	return nil
}
