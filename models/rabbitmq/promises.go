package rabbitmq

import (
	"strings"

	"github.com/mqsim/mqsim/models"
)

// terms are the settings that decide what a configuration promises: the weakest over all its queues,
// producers and consumers, and over every policy that was in force at any time of the run.
type terms struct {
	confirms   bool // every producer waits for confirms
	mandatory  bool // every producer publishes with the mandatory flag
	persistent bool // every message is persistent and every queue durable
	weak       string
	single     bool // some queue has one copy
	quorum     bool // some queue is a quorum queue
	limit      bool // with a delivery limit
	mirrored   bool // some queue has mirrors
	always     bool // ha-promote-on-failure=always for some mirrored queue
	manual     bool // ha-sync-mode=manual for some mirrored queue
	noGuard    bool // the version confirms in a minority
	inFlight   bool // the version acknowledges what was in flight to a queue whose node died
	dropAck    bool // the version acknowledges what it drops while a queue's home is down
	partitions string
	syncs      bool // a confirm of a persistent message follows its sync
	version2   bool // some queue has storage version 2
	limited    string
	deleted    bool // an operator deleted a queue
	autoAck    bool
	before     bool
	shared     bool // several groups consume one stream
	resend     bool
	several    bool // a stream has several consumers
	tick       string
}

func (c *Cluster) terms() terms {
	t := terms{confirms: true, mandatory: true, persistent: true, syncs: !c.cfg.Set.AtLeast("3.13"), deleted: c.deleted}
	t.noGuard = c.cfg.Set.Quirk("no-confirm-guard")
	t.inFlight = c.cfg.Set.Quirk("ack-in-flight")
	t.dropAck = c.cfg.Set.Quirk("drop-and-ack")
	t.partitions = c.cfg.Set.Str(models.Broker, "cluster_partition_handling")
	t.tick = c.cfg.Set.Str(models.Broker, "net_ticktime")
	for i := range c.cfg.Streams {
		s := &c.cfg.Streams[i]
		r := c.cfg.Set.ForStream(s)
		if !r.Bool(models.Queue, "durable") {
			t.persistent, t.weak = false, "durable: false"
		}
		for _, name := range []string{"x-max-length", "x-max-length-bytes", "x-message-ttl", "x-expires"} {
			if c.hasSetting(models.Queue, name) && r.IsSet(models.Queue, name) {
				t.limited = name
			}
		}
		if r.Str(models.Queue, "x-queue-type") == "quorum" {
			t.quorum = true
			t.limit = t.limit || r.Has(models.Queue, "x-delivery-limit")
		} else {
			t.version2 = t.version2 || queueVersion(r) == 2
			t.policies(c, s)
		}
		for g := range s.Producers {
			p := r.With(models.ProducerSection, s.Producers[g].Settings)
			t.confirms = t.confirms && p.Bool(models.ProducerSection, "confirms") && s.Producers[g].Send != models.OneWay
			t.mandatory = t.mandatory && p.Bool(models.ProducerSection, "mandatory")
			t.resend = t.resend || s.Producers[g].Resend != models.ResendNever
			if p.Int(models.ProducerSection, "delivery_mode") != 2 {
				t.persistent, t.weak = false, "delivery_mode: 1"
			}
		}
		group := ""
		for g := range s.Consumers {
			k := &s.Consumers[g]
			t.autoAck = t.autoAck || k.Ack == models.AckAuto
			t.before = t.before || k.Ack == models.AckBefore
			t.several = t.several || k.Count > 1 || g > 0
			t.shared = t.shared || g > 0 && k.Group != group
			group = k.Group
		}
	}
	return t
}

// policies adds what the policies that ever matched a queue of the stream allow.
func (t *terms) policies(c *Cluster, s *models.Stream) {
	stream := c.streamNamed(s.Name)
	for _, q := range c.queues {
		if q.stream != stream {
			continue
		}
		mirrored := false
		for i := range c.policies {
			p := &c.policies[i]
			if !p.matches(q.name) {
				continue
			}
			mode := p.get("ha-mode")
			if mode == "" || mode == "exactly" && p.get("ha-params") == "1" {
				continue
			}
			mirrored = true
			t.always = t.always || p.get("ha-promote-on-failure") != "when-synced"
			t.manual = t.manual || p.get("ha-sync-mode") != "automatic"
		}
		t.mirrored = t.mirrored || mirrored
		t.single = t.single || !mirrored
	}
}

func (c *Cluster) hasSetting(s models.Section, name string) bool {
	return c.cfg.Set.Table().Find(s, name) != nil
}

// Promises is the promise table of the configuration: the first line of a cause counts.
func (c *Cluster) Promises() []models.Promise {
	t := c.terms()
	var out []models.Promise
	line := func(class models.LossClass, cause, by, why string) {
		out = append(out, models.Promise{Cause: cause, Class: class, By: by, Why: why})
	}
	t.confirmation(line)
	t.consumption(line)
	t.routing(line)
	t.mirrors(line)
	t.quorums(line)
	t.splits(line)
	t.rest(line)
	return out
}

type promiseLine func(class models.LossClass, cause, by, why string)

// everywhere are the causes by which a message can vanish that no replica was bound to keep.
var everywhere = []string{"process-buffer", "unreplicated-tail", "unsynced-page-cache", "truncated-by-new-leader", "stranded"}

// confirmation: what nobody promised to keep.
func (t *terms) confirmation(line promiseLine) {
	all := func(by, why string) {
		for _, cause := range everywhere {
			line(models.Allowed, cause, by, why)
		}
	}
	if !t.confirms {
		const why = "Without publisher confirms nothing tells the publisher of a loss; a cast to a dead node vanishes (confirms.md)."
		all("confirms: false", why)
		line(models.Allowed, "acked-while-home-down", "confirms: false", why)
		line(models.Allowed, "unsynced-mirror-promoted", "confirms: false", why)
		line(models.Allowed, "discarded-after-partition", "confirms: false", why)
	}
	if !t.persistent {
		all(t.weak, "A transient message, and any message of a queue that is not durable, is confirmed on receipt and does not survive a restart of its node (confirms.md, persistence-conf.md).")
		if t.weak == "durable: false" {
			line(models.Allowed, "acked-while-home-down", t.weak,
				"A queue that is not durable dies with its node; what is published before somebody declares it again is unroutable, dropped and acknowledged (rabbit_amqqueue:on_node_down).")
		}
	}
	if t.version2 {
		line(models.Allowed, "unsynced-page-cache", "x-queue-version: 2",
			"Index and per-queue store of version 2 are written but not synced before the confirm (rabbit_classic_queue_index_v2.erl, sync).")
	}
	if !t.syncs {
		line(models.Allowed, "unsynced-page-cache", "3.13",
			"From 3.13 on the shared message store is written but not synced before the confirm (PR 8507).")
	}
}

// consumption: what was acknowledged before it was processed.
func (t *terms) consumption(line promiseLine) {
	if by, why := "ack: auto", "With automatic acknowledgement a message is forgotten when it is handed to the socket (confirms.md, Delivery Acknowledgement Modes)."; t.autoAck {
		for _, cause := range everywhere {
			line(models.Allowed, cause, by, why)
		}
	}
	if by, why := "ack: before", "What is acknowledged before it is processed is lost with the consumer: at most once."; t.before {
		for _, cause := range everywhere {
			line(models.Allowed, cause, by, why)
		}
	}
	if t.shared {
		line(models.Allowed, "skipped", "one queue for several groups", "Consumers of one queue share its messages; RabbitMQ knows no consumer groups (consumers.md).")
	}
	line(models.Allowed, "duplicate", "ack: after", "What is not acknowledged when a channel closes or a mirror is promoted is delivered again (confirms.md, Automatic Requeueing).")
	switch {
	case t.resend:
		line(models.Allowed, "reordered", "resend", "The application itself sends again, behind later messages.")
	case t.several:
		line(models.Allowed, "reordered", "several consumers", "Only one consuming channel of a queue sees its order, and only in first deliveries (queues.md, Message Ordering).")
	default:
		line(models.Allowed, "reordered", "redelivery", "Only first deliveries of one channel to one queue are in order; requeues and promotions break it (queues.md, Message Ordering).")
	}
}

// routing: what was acknowledged because no queue matched.
func (t *terms) routing(line promiseLine) {
	const hole = "acked-while-home-down"
	switch {
	case t.inFlight:
		line(models.Known, hole, "ack-in-flight",
			"Up to 3.7 the death of a queue's last process acknowledges what was in flight to it (PR 1893), and what follows is dropped and acknowledged.")
	case t.single && t.dropAck && !t.mandatory:
		line(models.Known, hole, "drop-and-ack",
			"While the node of a durable queue is down, 3.8 to 3.10 remove its runtime record: what is published is unroutable, dropped and acknowledged (rabbit_amqqueue:on_node_down, #4888).")
	case t.deleted && !t.mandatory:
		line(models.Allowed, hole, "delete-queue", "A message that matches no queue is dropped and acknowledged unless it is mandatory (confirms.md).")
	}
	if t.deleted {
		for _, cause := range []string{"disk-lost", "stranded", "unreplicated-tail", "discarded-after-partition"} {
			line(models.Allowed, cause, "forget-node", "A queue whose home is forgotten goes, or becomes what an older copy holds (clustering.md, rabbit_amqqueue:forget_all_durable).")
		}
		line(models.Allowed, "retention", "delete-queue", "A deleted queue takes its messages along.")
	}
	if t.limited != "" {
		line(models.Allowed, "retention", t.limited, "The queue itself drops messages, confirmed or not (maxlength.md, ttl.md).")
	}
}

// mirrors: whose copy becomes the queue.
func (t *terms) mirrors(line promiseLine) {
	if t.mirrored && t.always {
		by := "ha-promote-on-failure=always"
		why := "The oldest mirror is promoted whether it is synchronised or not, and the old master drops its copy when it rejoins (rabbit_mirror_queue_misc:remove_from_queue)."
		line(models.Allowed, "unsynced-mirror-promoted", by, why)
		line(models.Allowed, "stranded", by, why)
	}
	if t.mirrored && !t.always {
		line(models.Allowed, "stranded", "ha-promote-on-failure=when-synced", "Without a synchronised mirror the queue stays closed until its old master returns (ha.md).")
	}
	if t.single {
		line(models.Allowed, "disk-lost", "classic queue, one copy", "The queue's only copy goes with the disk of its node (clustering.md).")
		line(models.Allowed, "stranded", "classic queue, one copy", "The queue lives on one node and cannot be used while that node is away (clustering.md).")
	}
}

// splits: who is right after a partition.
func (t *terms) splits(line promiseLine) {
	if t.noGuard && t.partitions == "pause_minority" && t.mirrored {
		for _, cause := range []string{"discarded-after-partition", "truncated-by-new-leader", "unreplicated-tail"} {
			line(models.Known, cause, "no-confirm-guard",
				"Before 3.3.5 a node in a minority confirmed what waited for its lost mirrors until it had paused (5d339c4f90).")
		}
	}
	switch t.partitions {
	case "ignore":
		by := "cluster_partition_handling=ignore"
		why := "Both sides keep a master and accept messages; whoever is restarted afterwards discards what its mirrored queues held (partitions.md)."
		if t.mirrored {
			line(models.Allowed, "discarded-after-partition", by, why)
			line(models.Allowed, "truncated-by-new-leader", by, why)
		}
		line(models.Allowed, "skipped", by, "A consumer sees the side that it is connected to (partitions.md).")
		line(models.Allowed, "stuck", by, "Nothing merges after the partition; an operator has to restart one side (partitions.md).")
	case "autoheal":
		if t.mirrored {
			line(models.Allowed, "discarded-after-partition", "cluster_partition_handling=autoheal",
				"The side with fewer client connections restarts and discards what it accepted (partitions.md, rabbit_autoheal).")
		}
	}
}

// rest: the order in which things are promised where nothing weaker holds.
func (t *terms) rest(line promiseLine) {
	if t.syncs && !t.version2 && t.persistent && t.confirms {
		line(models.Violation, "unsynced-page-cache", "confirms: true",
			"Up to 3.12 a persistent message is confirmed after the sync of its index entry and its body (rabbit_variable_queue, rabbit_queue_index).")
	}
}

// Rules are the broker's own rules behind what surprises in a result.
func (c *Cluster) Rules() []models.Rule {
	t := c.terms()
	var out []models.Rule
	rule := func(metric, en, zh, source string) {
		out = append(out, models.Rule{Metric: metric, EN: en, ZH: zh, Source: source})
	}
	if t.single {
		out = append(out, t.singleRules()...)
	}
	if t.mirrored {
		out = append(out, t.mirrorRules()...)
	}
	if t.quorum {
		out = append(out, quorumRules()...)
	}
	if t.quorum && !t.single && !t.mirrored {
		return out
	}
	rule("failover",
		"A killed process is noticed at once because its connections close; a silent node only after net_ticktime, "+t.tick+" to "+fiveFourths(t.tick)+" s.",
		"进程被杀时连接关闭，立即被发现；无声断电要等 net_ticktime，即 "+t.tick+" 到 "+fiveFourths(t.tick)+" 秒。",
		"OTP dist_util.erl, nettick.md")
	if t.mirrored {
		rule("redelivered",
			"After a promotion the whole backlog carries the redelivered flag, because a mirror stores what it gets as already delivered; these are no duplicates.",
			"升主之后全部积压都带 redelivered 标志（镜像按已投递存储），并不是重复消息。",
			"rabbit_mirror_queue_slave.erl, process_instruction")
	}
	return out
}

func (t *terms) singleRules() []models.Rule {
	out := []models.Rule{{
		Metric: "read_outage",
		EN:     "A queue without mirrors lives on one node; nobody can consume until that node has recovered it.",
		ZH:     "没有镜像的队列只在一个节点上，该节点恢复之前无法消费。",
		Source: "clustering.md, rabbit_amqqueue.erl",
	}}
	switch {
	case t.dropAck && !t.mandatory:
		out = append(out, models.Rule{
			Metric: "lost",
			EN:     "3.8 to 3.10 forget where a queue is while its node is down: messages match no queue, are dropped, and confirmed. With mandatory they would be returned.",
			ZH:     "3.8 到 3.10 在节点宕机时会移除队列的运行时记录：消息无法路由，被丢弃却得到确认；设置 mandatory 则会被退回。",
			Source: "rabbit_amqqueue:on_node_down, #4888",
		})
	case !t.dropAck:
		out = append(out, models.Rule{
			Metric: "write_outage",
			EN:     "From 3.11 on the record of a durable queue stays while its node is down, so every publish is answered with nack until the node is back.",
			ZH:     "3.11 起持久队列的记录在节点宕机时保留，因此节点恢复前每条发布都会收到 nack。",
			Source: "PR 4563",
		})
	}
	return out
}

func (t *terms) mirrorRules() []models.Rule {
	out := []models.Rule{{
		Metric: "amplification",
		EN:     "Each message reaches each mirror twice: from the publisher's channel, and round the ring that starts and ends at the master.",
		ZH:     "每条消息到达每个镜像两次：一次来自发布者所在节点的 channel，一次沿以主节点为起止的环。",
		Source: "rabbit_mirror_queue_coordinator.erl, gm.erl",
	}, {
		Metric: "p99",
		EN:     "A confirm waits for the master and every mirror, each with its own sync; the slowest replica sets the pace.",
		ZH:     "确认要等主节点和每个镜像各自刷盘，最慢的副本决定速度。",
		Source: "rabbit_mirror_queue_slave.erl, confirms.md",
	}}
	if t.always {
		en := "The oldest mirror is promoted, never the fullest; with ha-promote-on-failure=always also one that is not synchronised."
		zh := "升主的是最老的镜像而不是最完整的；ha-promote-on-failure=always 时未同步的也会升主。"
		out = append(out, models.Rule{Metric: "lost", EN: en, ZH: zh, Source: "rabbit_mirror_queue_misc.erl, ha.md"})
	} else {
		out = append(out, models.Rule{
			Metric: "write_outage",
			EN:     "With ha-promote-on-failure=when-synced a mirror that is not synchronised stops instead of taking over; the queue is back with its old master.",
			ZH:     "ha-promote-on-failure=when-synced 时未同步的镜像会停止而不接管，队列要等旧主回来。",
			Source: "rabbit_mirror_queue_slave.erl, ha.md",
		})
	}
	return out
}

// fiveFourths is 1.25 times a whole number of seconds as written, for a sentence.
func fiveFourths(seconds string) string {
	n, ok := models.ParseMilli(seconds)
	if !ok {
		return seconds
	}
	n = n * 5 / 4
	text := strings.TrimRight(decimal(n), "0")
	return strings.TrimRight(text, ".")
}
