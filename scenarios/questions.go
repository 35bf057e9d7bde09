package scenarios

import "github.com/mqsim/mqsim/result"

// Question is one that a run can answer; scenarios name the ids that they teach.
type Question struct {
	ID   string
	Text result.Text
}

// Questions are all of them, in order: K Kafka, R RocketMQ, B RabbitMQ, M all three.
func Questions() []Question { return append([]Question(nil), questions...) }

var questions = []Question{
	{"K01", result.Text{En: "What is the ISR, when does a follower leave it and return?", Zh: "ISR 是什么，follower 何时被踢出、何时重新加入？"}},
	{"K02", result.Text{En: "What do acks 0, 1 and all promise?", Zh: "acks 取 0、1、all 有什么区别？"}},
	{"K03", result.Text{En: "Can acks=all lose data?", Zh: "acks=all 还会丢消息吗？"}},
	{"K04", result.Text{En: "Three replicas, min.insync.replicas 2: kill one, then two?", Zh: "3 副本、min.insync.replicas=2，先后宕机一台、两台会怎样？"}},
	{"K05", result.Text{En: "The leader's broker crashes: what happens, and how long does it take?", Zh: "leader 宕机后会发生什么，多久恢复？"}},
	{"K06", result.Text{En: "Why should the replication factor exceed min.insync.replicas?", Zh: "为什么副本数要大于 min.insync.replicas？"}},
	{"K07", result.Text{En: "What does unclean.leader.election.enable trade?", Zh: "unclean.leader.election（脏选举）的取舍是什么？"}},
	{"K08", result.Text{En: "High watermark and log end offset: who can read what?", Zh: "HW 与 LEO：消费者能读到哪里？"}},
	{"K09", result.Text{En: "What does the leader epoch fix?", Zh: "Leader Epoch 解决了什么问题？"}},
	{"K10", result.Text{En: "What does the idempotent producer prevent?", Zh: "幂等生产者避免了什么？"}},
	{"K11", result.Text{En: "Is order kept with retries and several requests in flight?", Zh: "重试与多个在途请求会乱序吗？"}},
	{"K12", result.Text{En: "Does a controller outage stop traffic?", Zh: "controller 挂了会影响读写吗？"}},
	{"K13", result.Text{En: "What does a zombie leader do during a partition?", Zh: "网络分区时旧 leader（脑裂）会怎样？"}},
	{"K14", result.Text{En: "How does a slow follower show in latency?", Zh: "慢副本会怎样拖慢写入？"}},
	{"R01", result.Text{En: "The master is down: can a slave take writes, is it promoted?", Zh: "master 宕机后 slave 能写吗，会自动升主吗？"}},
	{"R02", result.Text{En: "SYNC_MASTER or ASYNC_MASTER?", Zh: "同步双写与异步复制有什么区别？"}},
	{"R03", result.Text{En: "SYNC_FLUSH or ASYNC_FLUSH?", Zh: "同步刷盘与异步刷盘有什么区别？"}},
	{"R04", result.Text{En: "Which of the four combinations of flush and role?", Zh: "刷盘与复制的四种组合如何权衡？"}},
	{"R05", result.Text{En: "What do the four send statuses mean: is the message lost?", Zh: "四种发送状态各是什么意思，消息丢了吗？"}},
	{"R06", result.Text{En: "All name servers are down: what still works?", Zh: "NameServer 全部宕机后还能收发吗？"}},
	{"R07", result.Text{En: "How long until clients notice a dead broker?", Zh: "客户端多久才能感知 broker 宕机？"}},
	{"R08", result.Text{En: "Two masters: what if one dies?", Zh: "多主集群宕机一台会怎样？"}},
	{"R09", result.Text{En: "How do DLedger and the controller switch masters?", Zh: "DLedger 与 controller 模式如何自动切换？"}},
	{"R10", result.Text{En: "What becomes of un-replicated messages when the master returns?", Zh: "master 恢复后，未同步的消息会丢吗？"}},
	{"B01", result.Text{En: "Plain cluster or mirrored queues?", Zh: "普通集群与镜像集群有什么区别？"}},
	{"B02", result.Text{En: "The mirrored queue's master crashes: who is promoted, what is lost?", Zh: "镜像队列主节点宕机后谁升主，丢什么？"}},
	{"B03", result.Text{En: "What if an unsynchronised mirror is promoted?", Zh: "未同步的镜像升主会怎样？"}},
	{"B04", result.Text{En: "Why does synchronisation stop a queue?", Zh: "镜像同步为什么会阻塞队列？"}},
	{"B05", result.Text{En: "Confirms, transactions or nothing?", Zh: "发布确认、事务、什么都不用有何区别？"}},
	{"B06", result.Text{En: "Durable queue, persistent message, confirm: are all three needed?", Zh: "队列持久化、消息持久化、发布确认缺一不可吗？"}},
	{"B07", result.Text{En: "ignore, pause_minority or autoheal?", Zh: "网络分区策略 ignore、pause_minority、autoheal 怎么选？"}},
	{"B08", result.Text{En: "Two nodes with pause_minority?", Zh: "两节点使用 pause_minority 会怎样？"}},
	{"B09", result.Text{En: "A quorum queue loses its majority: what then?", Zh: "仲裁队列失去多数派后会怎样？"}},
	{"B10", result.Text{En: "Why were mirrored queues replaced by quorum queues?", Zh: "镜像队列为什么被仲裁队列取代？"}},
	{"M01", result.Text{En: "How is nothing lost from end to end?", Zh: "如何保证消息从头到尾不丢失？"}},
	{"M02", result.Text{En: "How is high availability done in each, with which RTO and RPO?", Zh: "三者如何实现高可用，RTO 与 RPO 是多少？"}},
	{"M03", result.Text{En: "Where do duplicates come from, what must a consumer do?", Zh: "重复消费从何而来，消费者要怎样幂等？"}},
	{"M04", result.Text{En: "Is order kept across a failover?", Zh: "故障切换时消息顺序能保证吗？"}},
	{"M05", result.Text{En: "The whole rack loses power: what survives?", Zh: "整个机柜断电后还剩什么？"}},
	{"M06", result.Text{En: "Which is CP, which is AP?", Zh: "三者在 CAP 中如何取舍？"}},
}

// answeredBy names the scenario whose lesson is the short answer to a question.
var answeredBy = map[string]string{
	"K01": "isr-shrink",
	"K02": "acks-ladder",
	"K03": "last-replica-standing",
	"K04": "two-of-three",
	"K05": "kafka-zookeeper-vs-kraft",
	"K06": "min-isr-equals-factor",
	"K07": "unclean-election",
	"K08": "high-watermark",
	"K09": "hw-truncation",
	"K10": "idempotence",
	"K11": "order-with-retries",
	"K12": "controller-outage",
	"K13": "leader-cut-from-metadata",
	"K14": "slow-follower-disk",
	"R01": "master-down",
	"R02": "promoted-while-behind",
	"R03": "rack-power-loss",
	"R04": "flush-by-role",
	"R05": "send-statuses",
	"R06": "nameserver-blackout",
	"R07": "route-staleness",
	"R08": "two-masters",
	"R09": "dledger-switch",
	"R10": "master-returns",
	"B01": "plain-vs-mirrored",
	"B02": "primary-crash",
	"B03": "unsynced-mirror",
	"B04": "mirror-sync-blocks",
	"B05": "confirm-or-nothing",
	"B06": "durable-matrix",
	"B07": "partition-strategies",
	"B08": "two-node-pause-minority",
	"B09": "quorum-minority",
	"B10": "mirrors-do-not-scale",
	"M01": "machine-gone-for-ever",
	"M02": "primary-crash",
	"M03": "consumer-crash",
	"M04": "order-across-failover",
	"M05": "rack-power-loss",
	"M06": "primary-isolated",
}

func questionNamed(id string) *Question {
	for i := range questions {
		if questions[i].ID == id {
			return &questions[i]
		}
	}
	return nil
}

func questionIDs() []string {
	var out []string
	for _, q := range questions {
		out = append(out, q.ID)
	}
	return out
}
