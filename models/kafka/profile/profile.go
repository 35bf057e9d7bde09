// Package profile holds what Kafka's settings are called, what they default to and when that
// changed: data that the loader reads without touching the engine. The sources are apache/kafka at
// branch 3.9 unless a row says otherwise; `KIP-n` and `KAFKA-n` name the change.
package profile

import "github.com/mqsim/mqsim/models"

// Sources of the rows, as apache/kafka names its files.
const (
	srcProducer  = "ProducerConfig.java"
	srcConsumer  = "ConsumerConfig.java"
	srcCommon    = "CommonClientConfigs.java"
	srcCleaner   = "CleanerConfig.java, LogConfig.java"
	srcLog       = "LogConfig.java, ServerLogConfigs.java"
	srcReplica   = "ReplicationConfigs.java"
	srcServer    = "ServerConfigs.java"
	srcGroup     = "GroupCoordinatorConfig.java"
	srcZooKeeper = "ZkConfigs.java"
	srcKRaft     = "KRaftConfigs.java"
	srcQuorum    = "QuorumConfig.java"
)

// Table is Kafka's.
func Table() *models.Table { return &table }

var table = models.Table{
	Model:   "kafka",
	Default: "3.9",
	Stream:  "topic",
	Versions: []models.VersionLine{
		{Name: "0.10", Last: "0.10.2.2", Built: true, Doc: "truncates to the high watermark, unclean elections by default"},
		{Name: "2.4", Last: "2.4.1", Built: true, Doc: "leader epochs, the leader writes the ISR to ZooKeeper, 6 s sessions"},
		{Name: "2.8", Last: "2.8.2", Built: true, Doc: "AlterPartition through the controller, truncation on fetch, first KRaft"},
		{Name: "3.6", Last: "3.6.2", Built: true, Doc: "acks=all and idempotence by default; the high watermark still moves below min.insync.replicas"},
		{Name: "3.9", Last: "3.9.1", Built: true, Doc: "the last line with ZooKeeper; the high watermark freezes below min.insync.replicas"},
		{Name: "4.1", Last: "4.1.0", Built: true, Doc: "KRaft only, eligible leader replicas (KIP-966) on in new clusters"},
	},
	Sections: []models.Section{models.Broker, models.Topic, models.ProducerSection, models.ConsumerSection},
	Topology: topology,
	Settings: settings(),
	Quirks:   quirks,
	Roles: []models.Word{
		{Name: "leader", Arg: "partition", Doc: "the leader of a partition", DocZH: "分区的 leader"},
		{Name: "coordinator", Doc: "the active controller", DocZH: "当前的 controller"},
		{Name: "controller", Doc: "the broker or node that is the active controller", DocZH: "当前的 controller"},
		{Name: "zookeeper", Doc: "the ZooKeeper servers", DocZH: "ZooKeeper 服务器"},
		{Name: "group-coordinator", Arg: "member", Doc: "the broker that coordinates a consumer group", DocZH: "消费组的协调者"},
	},
	Events: []models.Word{
		{Name: "isr-shrink", Doc: "a replica left the ISR", DocZH: "副本被移出 ISR"},
		{Name: "isr-expand", Doc: "a replica entered the ISR", DocZH: "副本加入 ISR"},
		{Name: "leader-elected", Doc: "a partition got a leader", DocZH: "分区选出 leader"},
		{Name: "leader-lost", Doc: "a partition lost its leader", DocZH: "分区失去 leader"},
		{Name: "controller-elected", Doc: "a controller took office", DocZH: "选出新的 controller"},
		{Name: "session-expired", Doc: "a ZooKeeper session expired", DocZH: "ZooKeeper 会话过期"},
		{Name: "broker-fenced", Doc: "a KRaft controller fenced a broker", DocZH: "KRaft controller 隔离了 broker"},
		{Name: "config-changed", Doc: "a broker has read changed settings", DocZH: "broker 读取了变更的配置"},
		{Name: "reassignment-started", Doc: "a partition is to get other replicas", DocZH: "开始重新分配副本"},
		{Name: "reassignment-finished", Doc: "a partition has its new replicas, and only them", DocZH: "副本重新分配完成"},
		{Name: "truncated", Doc: "a replica cut its log", DocZH: "副本截断日志"},
		{Name: "hw-stalled", Doc: "a high watermark stopped below the log end", DocZH: "高水位停止前进"},
	},
	Metrics: []models.Word{
		{Name: "elections"}, {Name: "isr_min"}, {Name: "isr_shrinks"}, {Name: "truncated"}, {Name: "split_brain"},
	},
	Processes: []models.Word{
		{Name: "zookeeper", Doc: "the ZooKeeper server of the host", DocZH: "该主机上的 ZooKeeper 进程"},
		{Name: "controller", Doc: "the dedicated KRaft controller of the host", DocZH: "该主机上的 KRaft controller 进程"},
	},
	Hosts:  hosts,
	Check:  check,
	Nobody: nobody,
}

// from builds a default with its history: from("10000", "2.5", "30000").
func from(first string, changes ...string) []models.VersionValue {
	out := []models.VersionValue{{Value: first}}
	for i := 0; i+1 < len(changes); i += 2 {
		out = append(out, models.VersionValue{From: changes[i], Value: changes[i+1]})
	}
	return out
}

const (
	withZooKeeper = "coordination=zookeeper"
	withKRaft     = "coordination=kraft"
	maxLong       = "9223372036854775807"
)

// topology are the keys of an entry itself. Their defaults are the scenario language's; coordination
// has none where both kinds existed, so that a file says which one it means.
var topology = []models.Setting{
	{Name: "brokers", Kind: models.KindInt, Min: 1, Max: 100, Defaults: from("3"), Effect: true,
		Doc: "Number of brokers, broker-1 upwards.", DocZH: "broker 数量。"},
	{Name: "coordination", Kind: models.KindEnum, Enum: []string{"zookeeper", "kraft"}, Effect: true,
		Defaults: from("zookeeper", "2.8", "", "4.0", "kraft"), Source: "KIP-500",
		Doc: "Who keeps the metadata and detects dead brokers.", DocZH: "由谁保存元数据并发现宕机的 broker。"},
	{Name: "zookeepers", Kind: models.KindInt, Min: 1, Max: 9, Defaults: from("3"), OnlyWith: withZooKeeper, Effect: true,
		Doc: "Number of ZooKeeper servers, on hosts of their own.", DocZH: "ZooKeeper 服务器数量（独立主机）。"},
	{Name: "controllers", Kind: models.KindString, Defaults: from("3"), OnlyWith: withKRaft, Effect: true,
		Doc:   "Number of KRaft controllers on hosts of their own; combined: the first three brokers are controllers too (process.roles=broker,controller).",
		DocZH: "独立主机上的 KRaft controller 数量；combined 表示前三个 broker 兼任 controller。"},
	{Name: "disks", Kind: models.KindInt, Min: 1, Max: 16, Defaults: from("1"), Effect: true,
		Doc: "Disks of each broker, one log directory each.", DocZH: "每个 broker 的磁盘数（每盘一个日志目录）。"},
}

func settings() []models.Setting {
	var out []models.Setting
	for _, part := range []struct {
		section models.Section
		rows    []models.Setting
	}{
		{models.Broker, brokerReplication}, {models.Broker, brokerLog}, {models.Broker, brokerCluster},
		{models.Topic, topicRows}, {models.ProducerSection, producerRows}, {models.ConsumerSection, consumerRows},
	} {
		for _, row := range part.rows {
			row.Section = part.section
			out = append(out, row)
		}
	}
	return out
}
