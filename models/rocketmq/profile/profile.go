// Package profile holds what RocketMQ's settings are called, what they default to and when that
// changed: data that the loader reads without touching the engine. The sources are apache/rocketmq at
// rocketmq-all-4.3.2, rocketmq-all-4.9.8 and rocketmq-all-5.3.3; `#n` is an issue or pull request there.
package profile

import "github.com/mqsim/mqsim/models"

// Sources of the rows, as apache/rocketmq names its files.
const (
	srcStore    = "MessageStoreConfig.java"
	srcBroker   = "BrokerConfig.java"
	srcProducer = "DefaultMQProducer.java"
	srcConsumer = "DefaultMQPushConsumer.java"
	srcClient   = "ClientConfig.java"
	srcPull     = "DefaultMQPushConsumerImpl.java"
)

// The statuses of a send that was stored (client/producer/SendStatus.java).
const (
	SendOK            = "SEND_OK"
	FlushDiskTimeout  = "FLUSH_DISK_TIMEOUT"
	FlushSlaveTimeout = "FLUSH_SLAVE_TIMEOUT"
	SlaveNotAvailable = "SLAVE_NOT_AVAILABLE"
)

// Statuses are all of them.
func Statuses() []string {
	return []string{SendOK, FlushDiskTimeout, FlushSlaveTimeout, SlaveNotAvailable}
}

// Table is RocketMQ's.
func Table() *models.Table { return &table }

var table = models.Table{
	Model:   "rocketmq",
	Default: "4.9",
	Stream:  "topic",
	Versions: []models.VersionLine{
		{Name: "4.3", Last: "4.3.2", Built: true, Doc: "a send holds its thread while it waits for disk and slave, one after the other; metadata of slaves every 60 s; no DLedger"},
		{Name: "4.9", Last: "4.9.8", Built: true, Doc: "the last classic line: flush and replica waits in parallel, SYNC_MASTER degrades to a weaker status"},
		{Name: "5.3", Last: "5.3.3", Built: true, Doc: "inSyncReplicas, slaves reject pulls unless slaveReadEnable, controller mode and acting masters"},
	},
	Sections: []models.Section{models.Broker, models.Topic, models.ProducerSection, models.ConsumerSection},
	Topology: topology,
	Settings: settings(),
	Quirks:   quirks,
	Roles: []models.Word{
		{Name: "coordinator", Doc: "the name servers, namesrv-1 first", DocZH: "NameServer（从 namesrv-1 开始）"},
		{Name: "namesrv", Doc: "the name servers", DocZH: "NameServer"},
		{Name: "master", Arg: "group", Doc: "the master of a broker group", DocZH: "broker 组的 master"},
		{Name: "slave", Arg: "group", Doc: "the slaves of a broker group", DocZH: "broker 组的 slave"},
	},
	Events: []models.Word{
		{Name: "master-registered", Doc: "a NameServer took a master into its routes", DocZH: "NameServer 将 master 加入路由"},
		{Name: "route-removed", Doc: "a NameServer took a broker out of its routes", DocZH: "NameServer 将 broker 移出路由"},
		{Name: "slave-connected", Doc: "a slave's HA connection was accepted", DocZH: "slave 的 HA 连接建立"},
		{Name: "slave-caught-up", Doc: "a slave has everything that its master has", DocZH: "slave 追上 master"},
		{Name: "sync-timeout", Doc: "a send waited for a slave in vain", DocZH: "同步复制等待超时"},
		{Name: "role-changed", Doc: "a broker started in another role", DocZH: "broker 以另一种角色启动"},
	},
	Metrics:  []models.Word{{Name: "elections"}, {Name: "split_brain"}, {Name: "send_status"}},
	Statuses: Statuses(),
	Processes: []models.Word{
		{Name: "namesrv", Doc: "the NameServer of the host", DocZH: "该主机上的 NameServer 进程"},
		{Name: "controller", Doc: "the controller of the host", DocZH: "该主机上的 controller 进程", NotBuilt: true},
	},
	Hosts:  hosts,
	Groups: Groups,
	Check:  check,
	Nobody: nobody,
}

// from builds a default with its history: from("6000", "5.0", "24000").
func from(first string, changes ...string) []models.VersionValue {
	out := []models.VersionValue{{Value: first}}
	for i := 0; i+1 < len(changes); i += 2 {
		out = append(out, models.VersionValue{From: changes[i], Value: changes[i+1]})
	}
	return out
}

const withController = "mode=controller"

// topology are the keys of an entry itself; their defaults are the scenario language's.
var topology = []models.Setting{
	{Name: "mode", Kind: models.KindEnum, Enum: []string{"classic", "acting_master", "dledger", "controller"},
		NotBuilt: []string{"controller"}, Defaults: from("classic"), Effect: true,
		Source: "docs/en/architecture.md, docs/en/controller/design.md, docs/cn/SlaveActingMasterMode.md",
		Doc:    "What happens when a master dies: nothing, a slave serves reads in its place, or another broker becomes master.",
		DocZH:  "master 宕机后如何处理：无切换、slave 代理、DLedger 或 controller 选主。"},
	{Name: "brokerGroups", Kind: models.KindInt, Min: 1, Max: 26, Defaults: from("1"), Effect: true,
		Doc: "Broker groups a, b ..., each with a master; a topic has queues on every group.", DocZH: "broker 组数量（a、b……），每组一个 master，topic 在每组都有队列。"},
	{Name: "slaves", Kind: models.KindInt, Min: 0, Max: 9, Defaults: from("1"), Effect: true,
		Doc: "Slaves of each master.", DocZH: "每个 master 的 slave 数量。"},
	{Name: "nameservers", Kind: models.KindInt, Min: 1, Max: 9, Defaults: from("2"), Effect: true,
		Doc: "Name servers on hosts of their own; brokers register with every one.", DocZH: "NameServer 数量（独立主机），broker 向每一台注册。"},
	{Name: "controllers", Kind: models.KindInt, Min: 1, Max: 9, Defaults: from("3"), OnlyWith: withController, Effect: true,
		Doc: "Controllers on hosts of their own.", DocZH: "controller 数量（独立主机）。"},
}

var topicRows = []models.Setting{
	{Name: "order", Kind: models.KindBool, Defaults: from("false"), Effect: true, Source: "UpdateTopicSubCommand.java (-o), MQClientInstance.topicRouteData2TopicPublishInfo",
		Doc:   "An order topic: NameServers keep the list of its queues, so that a key stays with its queue even if that queue's master is gone.",
		DocZH: "顺序 topic：NameServer 保存队列列表，master 宕机后 key 仍留在原队列（发送失败）。"},
}

func settings() []models.Setting {
	var out []models.Setting
	for _, part := range []struct {
		section models.Section
		rows    []models.Setting
	}{
		{models.Broker, brokerStore}, {models.Broker, brokerHA}, {models.Broker, brokerServing}, {models.Broker, brokerCleaning},
		{models.Topic, topicRows}, {models.ProducerSection, producerRows}, {models.ConsumerSection, consumerRows},
	} {
		for _, row := range part.rows {
			row.Section = part.section
			out = append(out, row)
		}
	}
	return out
}
