// Package profile holds what RabbitMQ's settings are called, what they default to and when that
// changed: data that the loader reads without touching the engine. The sources are
// rabbitmq/rabbitmq-server at v3.12.14 and its manual (rabbitmq-website, versioned_docs/version-3.13)
// unless a row says otherwise; `#n` and `PR n` are issues and pull requests of rabbitmq-server.
package profile

import "github.com/mqsim/mqsim/models"

// Sources of the rows, as rabbitmq-server and the manual name their files.
const (
	srcMakefile  = "deps/rabbit/Makefile (application defaults)"
	srcConfigure = "configure.md"
	srcParts     = "partitions.md"
	srcHA        = "ha.md, rabbit_mirror_queue_misc.erl"
	srcMirror    = "rabbit_mirror_queue_slave.erl, rabbit_mirror_queue_misc.erl"
	srcQueues    = "queues.md"
	srcLength    = "maxlength.md"
	srcConfirms  = "confirms.md"
	srcPublish   = "publishers.md"
	srcConsume   = "consumers.md"
	srcQuorum    = "quorum-queues.md"
	srcPersist   = "persistence-conf.md"
)

// Table is RabbitMQ's.
func Table() *models.Table { return &table }

var table = models.Table{
	Model:   "rabbitmq",
	Default: "3.12",
	Stream:  "queue",
	// A line's Last is the newest patch that has what the line is known for: the double debit of mirrors
	// (quirk double-mirror-debit) was measured on 3.10.8 and is gone in 3.10.25.
	Versions: []models.VersionLine{
		{Name: "3.3", Last: "3.3.4", Built: true, Doc: "pause_minority without the confirm guard; what Jepsen tested in 2014"},
		{Name: "3.7", Last: "3.7.28", Built: true, Doc: "acknowledges what was in flight to a queue whose node died"},
		{Name: "3.8", Last: "3.8.34", Built: true, Doc: "nacks instead; quorum queues"},
		{Name: "3.9", Last: "3.9.29", Built: true, Doc: "streams"},
		{Name: "3.10", Last: "3.10.25", Built: true, Doc: "drops and acknowledges while a queue's node is down; 3.10.8 is the patch that was measured"},
		{Name: "3.11", Last: "3.11.28", Built: true, Doc: "the record of a durable queue stays while its node is down: publishes are nacked"},
		{Name: "3.12", Last: "3.12.14", Built: true, Doc: "the last line whose confirms follow an fsync; classic queues keep few messages in memory"},
		{Name: "3.13", Last: "3.13.7", Built: true, Doc: "the shared message store no longer syncs before a confirm"},
		{Name: "4.0", Last: "4.0.9", Built: true, Doc: "no mirrored queues, classic queues of version 2 only"},
		{Name: "4.2", Last: "4.2.0", Built: true, Doc: "Khepri is the default metadata store, which is not built: it needs khepri_db: false"},
	},
	Sections: []models.Section{models.Broker, models.Queue, models.Policy, models.ProducerSection, models.ConsumerSection},
	Topology: topology,
	Settings: settings(),
	Quirks:   quirks,
	Roles: []models.Word{
		{Name: "home", Arg: "partition", Doc: "the node that a queue, or its master, lives on", DocZH: "队列（或其 master）所在的节点"},
		{Name: "leader", Arg: "partition", Doc: "the node of a queue's master or leader", DocZH: "队列 master 或 leader 所在的节点"},
		{Name: "follower", Arg: "partition", Doc: "the nodes of a quorum queue's members that do not lead", DocZH: "仲裁队列中不是 leader 的成员所在的节点"},
		{Name: "mirror", Arg: "partition", Doc: "the nodes of a queue's mirrors, the oldest first", DocZH: "队列镜像所在的节点，最老的在前"},
	},
	Events: []models.Word{
		{Name: "node-down", Doc: "a node noticed that another one is gone", DocZH: "节点发现另一节点离开"},
		{Name: "node-up", Doc: "a node sees another one running", DocZH: "节点发现另一节点运行"},
		{Name: "promoted", Doc: "a mirror became master", DocZH: "镜像升为 master"},
		{Name: "mirror-joined", Doc: "a queue got a mirror", DocZH: "队列增加了镜像"},
		{Name: "sync-started", Doc: "a master began to copy its queue to mirrors", DocZH: "开始向镜像同步"},
		{Name: "sync-finished", Doc: "that copy is complete", DocZH: "镜像同步完成"},
		{Name: "node-paused", Doc: "a node in a minority stopped its broker", DocZH: "少数派节点暂停"},
		{Name: "node-resumed", Doc: "a paused node starts its broker again", DocZH: "暂停的节点恢复"},
		{Name: "partition-detected", Doc: "nodes met again and found that they had been split", DocZH: "重新连通后发现曾经分区"},
		{Name: "leader-elected", Doc: "a queue got a master", DocZH: "队列有了 master"},
		{Name: "alarm-set", Doc: "a node is short of memory or disk space: publishers are blocked", DocZH: "内存或磁盘告警，发布被阻塞"},
		{Name: "alarm-cleared", Doc: "no longer", DocZH: "告警解除"},
	},
	Metrics: []models.Word{
		{Name: "nacked"}, {Name: "returned"}, {Name: "elections"}, {Name: "promoted_unsynced"}, {Name: "split_brain"},
	},
	Processes: []models.Word{
		{Name: "app", Doc: "the broker without its Erlang VM: links to other nodes stay", DocZH: "仅停 broker，Erlang VM 和节点连接保留"},
		{Name: "queue", Doc: "one queue's process", DocZH: "单个队列的进程"},
	},
	Hosts:  hosts,
	Check:  check,
	Nobody: nobody,
}

// from builds a default with its history: from("580", "3.5.5", "60").
func from(first string, changes ...string) []models.VersionValue {
	out := []models.VersionValue{{Value: first}}
	for i := 0; i+1 < len(changes); i += 2 {
		out = append(out, models.VersionValue{From: changes[i], Value: changes[i+1]})
	}
	return out
}

var topology = []models.Setting{
	{Name: "nodes", Kind: models.KindInt, Min: 1, Max: 100, Defaults: from("3"), Effect: true,
		Doc: "Number of nodes, n1 upwards.", DocZH: "节点数量。"},
}

func settings() []models.Setting {
	var out []models.Setting
	for _, part := range []struct {
		section models.Section
		rows    []models.Setting
	}{
		{models.Broker, brokerRows}, {models.Queue, queueRows}, {models.Policy, policyRows},
		{models.ProducerSection, producerRows}, {models.ConsumerSection, consumerRows},
	} {
		for _, row := range part.rows {
			row.Section = part.section
			out = append(out, row)
		}
	}
	return out
}
