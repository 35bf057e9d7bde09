package kafka

import (
	"strconv"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/client"
	"github.com/mqsim/mqsim/models/kafka/profile"
)

// terms are the settings that decide what a configuration promises: the weakest over all its topics,
// producers and consumers.
type terms struct {
	acks       string // 0, 1 or all: the weakest
	oneWay     bool
	idempotent bool // every producer
	inFlight   int64
	resend     bool
	replicas   int64 // fewest
	minISR     int64
	unclean    bool
	flush      int64 // flush.messages
	retention  bool
	latest     bool // a consumer jumps to the end when it has no valid position
	before     bool // a consumer commits before it processes
	autoCommit bool

	byHW, kip101, noEpoch, hwOnly bool // historical behaviours
}

func (c *Cluster) terms() terms {
	t := terms{acks: "all", idempotent: true, replicas: 1 << 30, minISR: 1 << 30, flush: 1}
	for i := range c.cfg.Streams {
		s := &c.cfg.Streams[i]
		r := c.cfg.Set.ForStream(s)
		for _, ids := range c.topics[i].replicas {
			t.replicas = min(t.replicas, int64(len(ids)))
		}
		t.minISR = min(t.minISR, r.Int(models.Topic, "min.insync.replicas"))
		t.unclean = t.unclean || r.Bool(models.Topic, "unclean.leader.election.enable")
		now := c.changed(r, s.Name)
		t.minISR = min(t.minISR, now.Int(models.Topic, "min.insync.replicas"))
		t.unclean = t.unclean || now.Bool(models.Topic, "unclean.leader.election.enable")
		t.retention = t.retention || now.IsSet(models.Topic, "retention.ms") || now.IsSet(models.Topic, "retention.bytes")
		t.flush = max(t.flush, r.Int(models.Topic, "flush.messages"))
		t.retention = t.retention || r.IsSet(models.Topic, "retention.ms") || r.IsSet(models.Topic, "retention.bytes")
		for g := range s.Producers {
			t.producer(r.With(models.ProducerSection, s.Producers[g].Settings), &s.Producers[g])
		}
		for g := range s.Consumers {
			k := r.With(models.ConsumerSection, s.Consumers[g].Settings)
			t.latest = t.latest || k.Str(models.ConsumerSection, "auto.offset.reset") == "latest"
			t.before = t.before || s.Consumers[g].Ack == models.AckBefore
			t.autoCommit = t.autoCommit || client.AutoCommits(s.Consumers[g].Ack, k)
		}
	}
	set := c.cfg.Set
	t.byHW, t.kip101 = set.Quirk("truncate-hw"), set.Quirk("truncate-kip101")
	t.noEpoch = set.Quirk("no-epoch-on-become-leader") && !t.byHW
	t.hwOnly = set.Quirk("isr-expand-hw-only")
	return t
}

func (t *terms) producer(r *models.Resolved, g *models.ProducerGroup) {
	if a := r.Str(models.ProducerSection, "acks"); a == "0" || a == "1" && t.acks == "all" {
		t.acks = a
	}
	t.oneWay = t.oneWay || g.Send == models.OneWay
	t.idempotent = t.idempotent && profile.Idempotent(r)
	t.inFlight = max(t.inFlight, r.Int(models.ProducerSection, "max.in.flight.requests.per.connection"))
	t.resend = t.resend || g.Resend != models.ResendNever
}

// Promises is the promise table of the configuration: the first line of a cause counts.
func (c *Cluster) Promises() []models.Promise {
	t := c.terms()
	var out []models.Promise
	line := func(class models.LossClass, cause, by, why string) {
		out = append(out, models.Promise{Cause: cause, Class: class, By: by, Why: why})
	}
	t.memory(line)
	t.defects(line)
	t.replication(line)
	t.disk(line)
	t.consumers(line)
	t.order(line)
	return out
}

type promiseLine func(class models.LossClass, cause, by, why string)

// memory: what the library or a socket holds when a process dies.
func (t *terms) memory(line promiseLine) {
	switch {
	case t.acks == "0":
		line(models.Allowed, "process-buffer", "acks=0",
			"The broker sends no answer; the library reports success once the socket has taken the bytes (KafkaApis.sendNoOpResponseExemptThrottle).")
	case t.oneWay:
		line(models.Allowed, "process-buffer", "send: oneway",
			"The application does not wait for the result of send().")
	}
}

// defects: what the version loses, though no setting allows it.
func (t *terms) defects(line promiseLine) {
	known := func(on bool, by, why string) {
		if on {
			for _, cause := range []string{"truncated-by-new-leader", "unreplicated-tail", "stranded", "inconsistent-offset", "offset-backwards"} {
				line(models.Known, cause, by, why)
			}
		}
	}
	known(t.byHW, "KIP-101", "A new follower cuts its log to its own high watermark, which lags: committed records can go in clean elections, and logs can differ for ever.")
	known(t.kip101, "KIP-279", "After two fast failovers the first rule of leader epochs leaves logs that differ.")
	known(t.noEpoch, "KAFKA-7415", "A new leader without data cannot say where an epoch ended, and followers fall back to their high watermark.")
	known(t.hwOnly, "KAFKA-7128", "A replica that reached only the high watermark of a new leader may enter the ISR without committed records.")
}

// replication: what only some replicas had when leadership moved.
func (t *terms) replication(line promiseLine) {
	tail := func(by, why string) {
		line(models.Allowed, "unreplicated-tail", by, why)
		line(models.Allowed, "truncated-by-new-leader", by, why)
		line(models.Allowed, "stranded", by, why)
	}
	switch {
	case t.acks == "0" || t.acks == "1" || t.oneWay:
		by := "acks=" + t.acks
		if t.acks == "all" {
			by = "send: oneway"
		}
		tail(by, "The answer does not wait for followers, which fetch later; a new leader without the tail makes the old one cut it (ReplicaManager.appendRecords).")
	case t.replicas == 1:
		tail("replication.factor=1", "There is no other copy (design.html, Replication).")
	case t.unclean:
		tail("unclean.leader.election.enable=true", "A replica outside the ISR may be elected, and the others cut their logs to its (design.html, Unclean leader election).")
	case t.minISR == 1:
		why := "With the ISR shrunk to the leader alone, acks=all is acknowledged by one copy (design.html, Availability and Durability Guarantees)."
		line(models.Allowed, "unreplicated-tail", "min.insync.replicas=1", why)
		line(models.Allowed, "stranded", "min.insync.replicas=1", why)
	default:
		line(models.Allowed, "stranded", "unclean.leader.election.enable=false",
			"A partition whose ISR is gone stays offline rather than lose what its members hold (design.html, Unclean leader election).")
	}
	if t.unclean {
		line(models.Allowed, "inconsistent-offset", "unclean.leader.election.enable=true", "Offsets above the new leader's log end are given out again.")
		line(models.Allowed, "offset-backwards", "unclean.leader.election.enable=true", "A consumer ahead of the new leader is put back to where the logs part (KIP-320).")
	}
}

// disk: what a power loss takes from the page cache.
func (t *terms) disk(line promiseLine) {
	if t.flush > 1 {
		by := "flush.messages=" + strconv.FormatInt(t.flush, 10)
		if t.flush == 1<<63-1 {
			by = "flush.messages (default: never)"
		}
		line(models.Allowed, "unsynced-page-cache", by,
			"No sync happens before the answer; durability rests on the other replicas (UnifiedLog.append, design.html).")
		if t.acks == "all" && !t.unclean {
			line(models.Known, "truncated-by-new-leader", "KIP-966",
				"The last ISR member is elected even if a power loss cut its log, and the others cut theirs to it, although they hold what was acknowledged.")
		}
		line(models.Known, "inconsistent-offset", "KIP-966", "After such an election offsets are given out again.")
		line(models.Known, "offset-backwards", "KIP-966", "A consumer that had read beyond the short log is put back (KIP-320).")
	}
	switch {
	case t.replicas == 1:
		line(models.Allowed, "disk-lost", "replication.factor=1", "The only copy goes with its disk, synced or not (design.html, Replication).")
	case t.minISR == 1:
		line(models.Allowed, "disk-lost", "min.insync.replicas=1",
			"With the ISR shrunk to the leader alone, its disk is the only one that has what it acknowledged (design.html, Availability and Durability Guarantees).")
	}
	if t.retention {
		line(models.Allowed, "retention", "retention.ms, retention.bytes", "Old segments are deleted (UnifiedLog.deleteOldSegments).")
	}
}

// consumers: what a group may miss or get twice.
func (t *terms) consumers(line promiseLine) {
	switch {
	case t.before:
		line(models.Allowed, "skipped", "ack: before", "Offsets are committed before the records are processed: at most once.")
	case t.latest:
		line(models.Allowed, "skipped", "auto.offset.reset=latest",
			"Without a valid position a consumer jumps to the end of the log (SubscriptionState, OffsetResetStrategy).")
		line(models.Allowed, "skipped-offset", "auto.offset.reset=latest", "Without a valid position a consumer jumps to the end of the log.")
	}
	switch {
	case !t.idempotent:
		line(models.Allowed, "duplicate", "enable.idempotence=false",
			"A retry after a lost answer is appended again; acks other than all switch idempotence off (KIP-679).")
	case t.autoCommit:
		line(models.Allowed, "duplicate", "enable.auto.commit=true", "What was read since the last commit is read again after a consumer's crash or a rebalance.")
	default:
		line(models.Allowed, "duplicate", "ack: after", "What was processed since the last commit is read again after a consumer's crash or a rebalance.")
	}
}

// order: within a partition, of one producer.
func (t *terms) order(line promiseLine) {
	switch {
	case t.resend:
		line(models.Allowed, "reordered", "resend", "The application itself sends again, behind later messages.")
	case !t.idempotent && t.inFlight > 1:
		line(models.Allowed, "reordered", "max.in.flight.requests.per.connection="+strconv.FormatInt(t.inFlight, 10),
			"Without idempotence a retried request comes behind those that were in flight with it (ProducerConfig).")
	case t.unclean || t.acks != "all":
		line(models.Allowed, "reordered", "acks="+t.acks, "Where a log was cut, later messages may stand before those that are sent again.")
	default:
		line(models.Violation, "reordered", "enable.idempotence=true",
			"Sequence numbers keep the order of a partition (ProducerAppendInfo.checkSequence).")
	}
}

// detection is how a dead broker is noticed.
func (c *Cluster) detection() models.Rule {
	if c.kraft() {
		session := c.cfg.Set.Str(models.Broker, "broker.session.timeout.ms")
		beat := c.cfg.Set.Str(models.Broker, "broker.heartbeat.interval.ms")
		return models.Rule{
			Metric: "failover",
			EN:     "The active controller fences a broker that sent no heartbeat for " + session + " ms; brokers send one every " + beat + " ms, so that is noticed between their difference and " + session + " ms after the crash. Killing the process does not make it sooner.",
			ZH:     "broker 超过 " + session + " ms 没有心跳，controller 才将其隔离；心跳间隔为 " + beat + " ms，因此在两者之差到 " + session + " ms 之间被发现。杀死进程不会更快。",
			Source: "BrokerHeartbeatManager.java",
		}
	}
	session := c.cfg.Set.Str(models.Broker, "zookeeper.session.timeout.ms")
	return models.Rule{
		Metric: "failover",
		EN:     "A dead broker is noticed when its ZooKeeper session of " + session + " ms ends: between two thirds of it and one tick more after the crash. Killing the process does not end the session earlier.",
		ZH:     "宕机的 broker 要等 ZooKeeper 会话（" + session + " ms）结束才被发现：宕机后三分之二到一个会话再加一个 tick。杀死进程不会提前结束会话。",
		Source: "ZooKeeper ClientCnxn.java, ExpiryQueue.java",
	}
}

// Rules are the broker's own rules behind what surprises in a result.
func (c *Cluster) Rules() []models.Rule {
	t := c.terms()
	out := []models.Rule{c.detection()}
	if t.acks != "all" {
		out = append(out, models.Rule{
			Metric: "lost",
			EN:     "acks=" + t.acks + " is answered before any follower has fetched; the leader that is elected lacks the tail, and the old one cuts it off.",
			ZH:     "acks=" + t.acks + " 在 follower 拉取之前就已应答；新 leader 没有这段尾部，旧 leader 回来后会将其截断。",
			Source: "ReplicaManager.scala, KIP-101",
		})
	} else if t.flush > 1 {
		out = append(out, models.Rule{
			Metric: "lost",
			EN:     "acks=all waits for the page caches of the replicas in sync, not for their disks: nothing is synced before the answer.",
			ZH:     "acks=all 等待的是同步副本的页缓存而不是磁盘：应答之前不刷盘。",
			Source: "LogConfig.java (flush.messages), KIP-966",
		})
	}
	if !t.idempotent {
		out = append(out, models.Rule{
			Metric: "duplicates",
			EN:     "Without idempotence a request whose answer was lost is appended a second time.",
			ZH:     "未启用幂等时，丢失应答的请求会被再次追加。",
			Source: "ProducerConfig.java, KIP-679",
		})
	}
	return out
}

// Fidelity lists what is assumed or left out.
func (c *Cluster) Fidelity() []string {
	if c.kraft() {
		return append(fidelity(), kraftFidelity()...)
	}
	return append(fidelity(), zkFidelity()...)
}
