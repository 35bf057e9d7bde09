package scenarios

import "github.com/mqsim/mqsim/result"

// Verdict is what becomes of a claim.
type Verdict string

// The verdicts, as docs/notes.md and `mqsim list --claims` print them.
const (
	Holds    Verdict = "holds"
	OnlyIf   Verdict = "holds only if"
	Outdated Verdict = "outdated since"
	Wrong    Verdict = "wrong"
	NotShown Verdict = "true, not shown by a run"
)

var verdictsZh = map[Verdict]string{Holds: "成立", OnlyIf: "有条件成立", Outdated: "已过时", Wrong: "错误", NotShown: "属实，但运行结果不体现"}

// Claim is a sentence that study notes repeat, with what a run says to it.
type Claim struct {
	Model   string
	Text    result.Text
	Verdict Verdict
	Note    result.Text // the condition, the version, or what is true instead
	Shown   Evidence
}

// Evidence names an expectation of the library, which holds for every seed that is tried; or, in Refused, a
// setting (PATH=VALUE) that the loader refuses in that scenario.
type Evidence struct {
	Scenario, System, Check string
	Refused                 string
}

// Claims are all of them, by model.
func Claims() []Claim { return append([]Claim(nil), claims...) }

var claims = []Claim{
	{"kafka", result.Text{En: "A partition is one file.", Zh: "一个分区就是一个文件。"}, Wrong,
		result.Text{En: "a directory of segments: damage in an old one does not touch writes", Zh: "是由多个段组成的目录：旧段损坏不影响写入"},
		Evidence{Scenario: "bit-rot", System: "kafka-leader", Check: "write_outage == 0s"}},
	{"kafka", result.Text{En: "Only the leader serves.", Zh: "只有 leader 对外服务。"}, Outdated,
		result.Text{En: "2.4 for reading (KIP-392); writes still go to the leader alone", Zh: "2.4 起读可走 follower（KIP-392）；写仍只走 leader"},
		Evidence{Scenario: "read-from-follower", System: "kafka-own-rack", Check: "read_outage < 1500ms"}},
	{"kafka", result.Text{En: "A message is committed when the whole ISR has it, and only then is the producer told.", Zh: "ISR 全部写入才算提交，此时才告诉生产者。"}, OnlyIf,
		result.Text{En: "acks=all; with acks=1 the producer is told before", Zh: "acks=all；acks=1 时提前告知"},
		Evidence{Scenario: "acks-ladder", System: "kafka-acks1", Check: "lost.unreplicated-tail == lost"}},
	{"kafka", result.Text{En: "The ISR lives in ZooKeeper.", Zh: "ISR 保存在 ZooKeeper 里。"}, Outdated,
		result.Text{En: "KRaft (the only mode since 4.0); and since 2.7 the leader asks the controller to change it", Zh: "KRaft（4.0 起唯一模式）；且 2.7 起 leader 通过 controller 修改"},
		Evidence{Scenario: "kafka-zookeeper-vs-kraft", System: "kafka-kraft", Check: "failover in 7s..11s"}},
	{"kafka", result.Text{En: "The controller is the broker that creates the ephemeral node.", Zh: "谁抢到临时节点谁就是 controller。"}, Outdated,
		result.Text{En: "KRaft: the leader of a Raft quorum of controllers", Zh: "KRaft：controller 是 Raft 法定人数选出的 leader"},
		Evidence{Scenario: "kafka-zookeeper-vs-kraft", System: "kafka-kraft-controller-too", Check: "write_outage in 9s..15s"}},
	{"kafka", result.Text{En: "The new leader comes from the ISR.", Zh: "新 leader 从 ISR 中选出。"}, OnlyIf,
		result.Text{En: "unclean.leader.election.enable=false, the default since 0.11", Zh: "unclean.leader.election.enable=false（0.11 起默认）"},
		Evidence{Scenario: "unclean-election", System: "kafka-unclean", Check: "lost in 2900..4200"}},
	{"kafka", result.Text{En: "Members of a group never share a partition.", Zh: "同组消费者不会共享一个分区。"}, Holds,
		result.Text{En: "so a dead member's partition waits for its session", Zh: "所以宕机成员的分区要等会话过期"},
		Evidence{Scenario: "group-member-dies", System: "kafka-cooperative", Check: "read_outage_partial in 42s..50s"}},
	{"kafka", result.Text{En: "The index of a segment is sparse and mapped into memory.", Zh: "段索引是稀疏的，并映射到内存。"}, NotShown,
		result.Text{En: "look at it with run --data-dir and inspect", Zh: "可用 run --data-dir 与 inspect 查看"}, Evidence{}},
	{"kafka", result.Text{En: "Sequential writing beats random writing.", Zh: "顺序写快于随机写。"}, NotShown,
		result.Text{En: "a cost of the disk model (hdd has 8 ms per random access), not a result", Zh: "这是磁盘模型的设定（hdd 随机访问 8 毫秒），不是结论"}, Evidence{}},
	{"kafka", result.Text{En: "Zero copy makes consuming cheap.", Zh: "零拷贝让消费很便宜。"}, NotShown,
		result.Text{En: "CPU costs are assumptions here", Zh: "CPU 开销在这里是假设值"}, Evidence{}},
	{"kafka", result.Text{En: "The replica of the ISR with the longest log is elected.", Zh: "选举 ISR 中 LEO 最大的副本。"}, Wrong,
		result.Text{En: "the first live one in the order of the assignment", Zh: "按分配顺序取第一个存活的"},
		Evidence{Scenario: "first-in-line", System: "kafka-far-first", Check: "lost >= 300"}},
	{"kafka", result.Text{En: "Set replica.lag.max.messages to decide who is in sync.", Zh: "用 replica.lag.max.messages 决定谁在 ISR 中。"}, Outdated,
		result.Text{En: "0.9; only replica.lag.time.max.ms is left", Zh: "0.9；只剩 replica.lag.time.max.ms"},
		Evidence{Scenario: "isr-shrink", Refused: "kafka-lag-30s.broker.replica.lag.max.messages=4000"}},
	{"kafka", result.Text{En: "Unclean election is on by default.", Zh: "脏选举默认开启。"}, Outdated,
		result.Text{En: "0.11", Zh: "0.11"},
		Evidence{Scenario: "unclean-election", System: "kafka-default", Check: "failover of fault(leader) in 54s..60s"}},
	{"kafka", result.Text{En: "acks is 1 by default.", Zh: "acks 默认为 1。"}, Outdated,
		result.Text{En: "3.0: acks=all and idempotence", Zh: "3.0：默认 acks=all 且幂等"},
		Evidence{Scenario: "kafka-defaults-by-version", System: "kafka-3.9", Check: "lost == 0"}},
	{"kafka", result.Text{En: "Kafka flushes synchronously and loses nothing in a power cut.", Zh: "Kafka 同步刷盘，断电零丢失。"}, Wrong,
		result.Text{En: "acks do not wait for fsync; only flush.messages=1 does", Zh: "acks 不等 fsync；只有 flush.messages=1 才等"},
		Evidence{Scenario: "rack-power-loss", System: "kafka", Check: "lost.unsynced-page-cache == lost"}},
	{"kafka", result.Text{En: "A follower cuts its log to its high watermark after a restart.", Zh: "follower 重启后按 HW 截断。"}, Outdated,
		result.Text{En: "0.11: it asks where its leader epoch ended (KIP-101)", Zh: "0.11：先询问 Leader Epoch 的终点（KIP-101）"},
		Evidence{Scenario: "hw-truncation", System: "kafka-0.10-kip-101", Check: "lost == 0"}},
	{"rocketmq", result.Text{En: "brokerId 0 is the master.", Zh: "brokerId=0 是 master。"}, Holds,
		result.Text{En: "and two processes with brokerId 0 are two masters", Zh: "两个 brokerId=0 就是两个 master"},
		Evidence{Scenario: "two-masters-after-promotion", System: "rocketmq-two-masters", Check: "split_brain >= 3s"}},
	{"rocketmq", result.Text{En: "Only the master writes, the slave only reads.", Zh: "只有 master 可写，slave 只读。"}, OnlyIf,
		result.Text{En: "4.x; a 5.x slave does not even serve reads without slaveReadEnable", Zh: "4.x；5.x 的 slave 未设 slaveReadEnable 时连读都拒绝"},
		Evidence{Scenario: "master-down", System: "rocketmq-5.3", Check: "read_outage >= 42s"}},
	{"rocketmq", result.Text{En: "Several broker groups keep a topic writable.", Zh: "多个 broker 组能让 topic 持续可写。"}, Holds,
		result.Text{En: "what fails at once is tried on another group", Zh: "立即失败的会转投另一组"},
		Evidence{Scenario: "two-masters", System: "rocketmq-any-queue", Check: "write_outage <= 3500ms"}},
	{"rocketmq", result.Text{En: "There is no automatic switch of masters.", Zh: "没有主从自动切换。"}, OnlyIf,
		result.Text{En: "classic mode; DLedger (4.5) elects a master", Zh: "经典模式；DLedger（4.5）会自动选主"},
		Evidence{Scenario: "dledger-switch", System: "rocketmq-dledger", Check: "elections >= 1"}},
	{"rocketmq", result.Text{En: "When the master fails the slave becomes the master.", Zh: "master 宕机后 slave 自动变成 master。"}, Wrong,
		result.Text{En: "not in classic mode: its group is closed for writing until the master returns", Zh: "经典模式不会：该组在 master 回来之前不可写"},
		Evidence{Scenario: "master-down", System: "rocketmq-4.9", Check: "write_outage in 42.9s..46s"}},
	{"rocketmq", result.Text{En: "A consumer moves to the slave when the master is away.", Zh: "master 不可用时消费者自动切到 slave。"}, OnlyIf,
		result.Text{En: "the route was polled since (30 s), and in 5.x slaveReadEnable is set", Zh: "路由已重新轮询（30 秒），且 5.x 设置了 slaveReadEnable"},
		Evidence{Scenario: "master-down", System: "rocketmq-5.3-slave-reads", Check: "read_outage <= 33s"}},
	{"rabbitmq", result.Text{En: "A queue's contents live on one node and are pulled through the others.", Zh: "队列内容只在一个节点上，其他节点转发。"}, Holds,
		result.Text{En: "for classic queues without mirrors", Zh: "指没有镜像的经典队列"},
		Evidence{Scenario: "plain-vs-mirrored", System: "rabbitmq-plain", Check: "write_outage in 16s..19s"}},
	{"rabbitmq", result.Text{En: "When the queue's node is down nobody can read it.", Zh: "队列所在节点宕机后谁也读不了。"}, Holds,
		result.Text{En: "for classic queues without mirrors; durable contents come back with the node", Zh: "指没有镜像的经典队列；持久内容随节点回来"},
		Evidence{Scenario: "plain-vs-mirrored", System: "rabbitmq-plain", Check: "read_outage >= 15s"}},
	{"rabbitmq", result.Text{En: "With mirroring a new master is elected.", Zh: "镜像队列会选出新的主。"}, Holds,
		result.Text{En: "up to 3.13; the oldest mirror, synchronised or not by default", Zh: "3.13 及以前；默认最老的镜像升主，无论是否同步"},
		Evidence{Scenario: "plain-vs-mirrored", System: "rabbitmq-mirrored", Check: "write_outage < 2s"}},
	{"rabbitmq", result.Text{En: "Mirroring costs bandwidth.", Zh: "镜像消耗大量带宽。"}, Holds,
		result.Text{En: "2N - 1 copies of each message between N nodes", Zh: "N 个节点间每条消息走 2N - 1 份"},
		Evidence{Scenario: "mirrors-do-not-scale", System: "rabbitmq-mirrored", Check: "amplification in 4.9..5.5"}},
	{"rabbitmq", result.Text{En: "Adding nodes adds no capacity.", Zh: "加节点不增加容量。"}, OnlyIf,
		result.Text{En: "you look at one queue; more queues on more nodes do", Zh: "只看一个队列时；更多节点上的更多队列会增加"},
		Evidence{Scenario: "mirrors-do-not-scale", System: "rabbitmq-plain-5", Check: "throughput <= 1.02 * rabbitmq-plain.throughput"}},
	{"rabbitmq", result.Text{En: `A policy with "ha-mode": "quorum" makes quorum queues.`, Zh: `策略 "ha-mode": "quorum" 可创建仲裁队列。`}, Wrong,
		result.Text{En: "ha-mode is all, exactly or nodes; x-queue-type is an argument of the declaration", Zh: "ha-mode 只有 all、exactly、nodes；x-queue-type 是声明参数"},
		Evidence{Scenario: "plain-vs-mirrored", Refused: "rabbitmq-mirrored.policy.ha-mode=quorum"}},
	{"rabbitmq", result.Text{En: "RabbitMQ pauses the minority by default.", Zh: "RabbitMQ 默认在分区时暂停少数派。"}, Wrong,
		result.Text{En: "the default is ignore: both sides go on", Zh: "默认是 ignore：两边都继续"},
		Evidence{Scenario: "partition-strategies", System: "rabbitmq-default", Check: "split_brain >= 15s"}},
	{"rabbitmq", result.Text{En: "A confirm means that the message is on the disk.", Zh: "confirm 表示消息已落盘。"}, Outdated,
		result.Text{En: "3.13 for bodies of 4 KiB and more in classic queues", Zh: "3.13 起经典队列 4 KiB 以上的消息体不再保证"},
		Evidence{Scenario: "confirm-and-fsync", System: "rabbitmq-3.13", Check: "lost.unsynced-page-cache >= 500"}},
}
