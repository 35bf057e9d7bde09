package rocketmq

import (
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/broker"
	"github.com/mqsim/mqsim/models/rocketmq/client"
	"github.com/mqsim/mqsim/models/rocketmq/store"
)

// terms are the settings that decide what a configuration promises: the weakest over all its brokers,
// producers and consumers.
type terms struct {
	async     bool // some master does not wait for a slave
	asyncDisk bool // some master does not wait for its disk
	pool      bool // transientStorePoolEnable has an effect somewhere
	slaves    int
	groups    int
	oneWay    bool
	noWait    bool // waitStoreMsgOK=false
	notOK     bool // retryAnotherBrokerWhenNotStoreOK
	sync      bool // every producer sends synchronously
	resend    bool
	before    bool // a consumer commits before it processes
	last      bool // a fresh group begins at the end
	keys      bool
	filtered  string // a subExpression that is not *
}

func (c *Cluster) terms() terms {
	t := terms{slaves: int(c.cfg.Set.Int(models.Topology, "slaves")), groups: len(c.names), sync: true}
	for _, s := range c.brokers {
		if !s.isMaster() {
			continue
		}
		t.async = t.async || s.cfg.Role == broker.AsyncMaster
		t.asyncDisk = t.asyncDisk || s.cfg.Store.FlushDisk == store.AsyncFlush
		t.pool = t.pool || s.cfg.Store.PoolEnable && s.cfg.Store.FlushDisk == store.AsyncFlush
	}
	for i := range c.cfg.Streams {
		s := &c.cfg.Streams[i]
		r := c.cfg.Set.ForStream(s)
		for g := range s.Producers {
			p := r.With(models.ProducerSection, s.Producers[g].Settings)
			t.noWait = t.noWait || !p.Bool(models.ProducerSection, "waitStoreMsgOK")
			t.notOK = t.notOK || p.Bool(models.ProducerSection, "retryAnotherBrokerWhenNotStoreOK")
			t.oneWay = t.oneWay || s.Producers[g].Send == models.OneWay
			t.sync = t.sync && s.Producers[g].Send == models.Sync
			t.resend = t.resend || s.Producers[g].Resend != models.ResendNever
			t.keys = t.keys || s.Producers[g].Keys > 0
		}
		for g := range s.Consumers {
			k := r.With(models.ConsumerSection, s.Consumers[g].Settings)
			if x := k.Str(models.ConsumerSection, "subExpression"); x != "*" {
				t.filtered = x
			}
			t.before = t.before || s.Consumers[g].Ack == models.AckBefore
			t.last = t.last || s.Consumers[g].Group == "new" && k.Str(models.ConsumerSection, "consumeFromWhere") != "CONSUME_FROM_FIRST_OFFSET"
		}
	}
	return t
}

type promiseLine func(class models.LossClass, cause, by, why string)

// Promises is the promise table of the configuration: the first line of a cause counts. A status other
// than SEND_OK says that one of the promises does not hold for that message; where such statuses were
// answered, what they leave open is allowed.
func (c *Cluster) Promises() []models.Promise {
	t := c.terms()
	var out []models.Promise
	line := func(class models.LossClass, cause, by, why string) {
		out = append(out, models.Promise{Cause: cause, Class: class, By: by, Why: why})
	}
	if c.mode() == "dledger" {
		c.ledgerPromises(&t, line)
	}
	c.disk(&t, line)
	c.replication(&t, line)
	t.consumers(line)
	return out
}

// answeredWith lists the statuses among these that some send ended with, "" if none did.
func (c *Cluster) answeredWith(statuses ...uint8) string {
	names := c.Statuses()
	var out []string
	for _, s := range statuses {
		if c.statuses[s] > 0 {
			out = append(out, names[s])
		}
	}
	return strings.Join(out, ", ")
}

// disk: what a process and a page cache hold.
func (c *Cluster) disk(t *terms, line promiseLine) {
	if t.oneWay {
		line(models.Allowed, "process-buffer", "send: oneway", "sendOneway hears nothing of the broker (DefaultMQProducer.sendOneway).")
	}
	if t.pool {
		line(models.Allowed, "process-buffer", "transientStorePoolEnable=true",
			"Messages wait in the broker's own memory until they are committed to the page cache (MappedFile.commit).")
	}
	status := c.answeredWith(client.StatusFlushDisk)
	switch {
	case t.oneWay:
		line(models.Allowed, "unsynced-page-cache", "send: oneway", "sendOneway hears nothing of the broker (DefaultMQProducer.sendOneway).")
	case t.asyncDisk:
		line(models.Allowed, "unsynced-page-cache", "flushDiskType=ASYNC_FLUSH",
			"The answer does not wait for the disk, which is flushed every 500 ms if 4 pages are dirty, else every 10 s (CommitLog.FlushRealTimeService).")
	case t.noWait:
		line(models.Allowed, "unsynced-page-cache", "waitStoreMsgOK=false", "Such messages wait for nothing (CommitLog.submitFlushRequest).")
	case status != "":
		line(models.Allowed, "unsynced-page-cache", "status "+status, "The message is stored, but not on the disk in time (SendStatus.java).")
	case c.syncFailed():
		line(models.Known, "unsynced-page-cache", "#2706", "A failed fsync is logged and counts as done (MappedFile.flush).")
	}
	line(models.Allowed, "retention", "fileReservedTime, diskMaxUsedSpaceRatio",
		"Old files are deleted by age, above 85 % of the disk regardless of it, whether consumed or not (CleanCommitLogService).")
}

// syncFailed says whether some broker's fsync failed and was taken for done.
func (c *Cluster) syncFailed() bool {
	for _, s := range c.brokers {
		if s.cfg.SyncFailed {
			return true
		}
	}
	return false
}

// replication: what only the master had.
func (c *Cluster) replication(t *terms, line promiseLine) {
	all := func(class models.LossClass, by, why string) {
		for _, cause := range []string{"unreplicated-tail", "stranded", "disk-lost"} {
			line(class, cause, by, why)
		}
	}
	status := c.answeredWith(client.StatusFlushSlave, client.StatusNoSlave)
	switch {
	case t.slaves == 0:
		all(models.Allowed, "slaves: 0", "There is no other copy of a group's messages (docs/en/Deployment.md).")
	case t.oneWay:
		all(models.Allowed, "send: oneway", "sendOneway hears nothing of the broker (DefaultMQProducer.sendOneway).")
	case t.async:
		all(models.Allowed, "brokerRole=ASYNC_MASTER",
			"The answer does not wait for a slave, which follows within 100 ms when it has caught up (HAConnection.WriteSocketService).")
	case t.noWait:
		all(models.Allowed, "waitStoreMsgOK=false", "Such messages wait for nothing (CommitLog.submitReplicaRequest).")
	case status != "":
		all(models.Allowed, "status "+status, "The message is stored on the master; no slave has confirmed it in time (SendStatus.java).")
	default:
		all(models.Known, "#3015",
			"A slave that is ahead of its restarted master counts as having what it never got, so sends are acknowledged without a copy (HAConnection.java).")
	}
	if t.slaves > 0 {
		line(models.Allowed, "truncated-by-new-leader", "mode=classic",
			"A broker that comes back as a slave is wiped by its operator: classic replication has no epochs and no truncation (HAService.java).")
	}
	const again = "Queue offsets are rebuilt from what is left after a crash and given out again (DefaultMessageStore.recoverTopicQueueTable)."
	line(models.Known, "inconsistent-offset", "#8539", again)
	line(models.Known, "offset-backwards", "#8539", "A consumer that had read beyond what is left is put back (PullMessageProcessor, PULL_OFFSET_MOVED).")
}

// consumers: what a group may miss, get twice or get late.
func (t *terms) consumers(line promiseLine) {
	for _, cause := range []string{"skipped", "skipped-offset"} {
		switch {
		case t.filtered != "":
			line(models.Allowed, cause, "subExpression="+t.filtered, "The group wants other tags (FilterAPI.buildSubscriptionData).")
		case t.before:
			line(models.Allowed, cause, "ack: before", "Progress is noted before the message is processed: at most once.")
		case t.last:
			line(models.Allowed, cause, "consumeFromWhere=CONSUME_FROM_LAST_OFFSET", "A new group begins at the end of each queue (RebalancePushImpl.computePullFromWhere).")
		default:
			line(models.Known, cause, "#8539",
				"A consumer ahead of what is left after a crash skips the messages that take the lost offsets (DefaultMessageStore.nextOffsetCorrection).")
		}
	}
	switch {
	case t.notOK:
		line(models.Allowed, "duplicate", "retryAnotherBrokerWhenNotStoreOK=true", "A stored message is sent again to another group (DefaultMQProducerImpl.sendDefaultImpl).")
	default:
		line(models.Allowed, "duplicate", "at least once",
			"The broker does not compare UNIQ_KEY: retries are stored again, and offsets on a broker may be old after a switch (docs/en/best_practice.md, #1094).")
	}
	switch {
	case t.resend:
		line(models.Allowed, "reordered", "resend", "The application itself sends again, behind later messages.")
	case !t.sync:
		line(models.Allowed, "reordered", "send: async", "Sends are in flight together, and a retried one comes behind the others (MQClientAPIImpl.onExceptionImpl).")
	default:
		line(models.Allowed, "reordered", "retryTimesWhenSendFailed", "A retry goes to a queue of another group (TopicPublishInfo.selectOneMessageQueue).")
	}
}

// Rules are the broker's own rules behind what surprises in a result.
func (c *Cluster) Rules() []models.Rule {
	t := c.terms()
	out := []models.Rule{}
	rule := func(metric, en, zh, source string) {
		out = append(out, models.Rule{Metric: metric, EN: en, ZH: zh, Source: source})
	}
	switch {
	case c.mode() == "dledger":
		rule("failover",
			"A member that hears no heartbeat for 6 s asks for votes, first in the old term, where everybody has voted, then in the next; clients find the new master with their next poll of the route, up to 30 s later.",
			"6 秒没有心跳后 DLedger 成员发起选举，先在旧任期（必败），再进入新任期；客户端最多 30 秒后才从路由得知新 master。",
			"DLedgerLeaderElector.java, DLedgerRoleChangeHandler.java")
	case c.mode() == "acting_master":
		rule("write_outage",
			"Without its master a group is shown by the NameServers for reading only, with the slave of the smallest id in the master's place: reads, commits and locks go on, writes wait for the master.",
			"没有 master 时，NameServer 将该组标为只读，由最小 id 的 slave 代行：读取、提交位点、加锁照常，写入要等 master 回来。",
			"RouteInfoManager.pickupTopicRouteData, docs/cn/SlaveActingMasterMode.md")
	case t.groups == 1:
		rule("failover",
			"A classic group never promotes a slave: without its master nobody takes messages, until the same master is back or an operator changes brokerRole on a slave.",
			"经典模式从不自动升主：没有 master 就没有人接收消息，直到原 master 回来，或人工把 slave 的 brokerRole 改掉。",
			"docs/en/operation.md, BrokerStartup.java")
	default:
		rule("write_outage",
			"Queues are not replicated across groups, but a send that fails at once is tried on another group; a send that times out has no budget left for that.",
			"队列不跨组复制，但立即失败的发送会换组重试；超时的发送已没有预算重试。",
			"DefaultMQProducerImpl.sendDefaultImpl, MQClientAPIImpl.onExceptionImpl, #4720")
	}
	if t.slaves > 0 {
		rule("read_outage",
			"A consumer turns to the slave only when its route has lost the master, which it learns by polling every 30 s; a pull that hangs on a connection closed in order waits out its 30 s first.",
			"消费者只有在路由里没有 master 时才转向 slave，而路由每 30 秒轮询一次；挂在已正常关闭连接上的拉取要先等满 30 秒。",
			"MQClientInstance.findBrokerAddressInSubscribe, NettyRemotingClient.NettyConnectManageHandler")
	} else {
		rule("read_outage",
			"Without a slave a group's messages are readable only at its master.",
			"没有 slave 时，该组消息只能从 master 读取。", "docs/en/architecture.md")
	}
	if t.asyncDisk {
		rule("lost",
			"ASYNC_FLUSH answers from the page cache: killing the process loses nothing, losing the machine loses up to 500 ms at a high rate and 10 s below 4 dirty pages.",
			"ASYNC_FLUSH 从页缓存应答：杀进程不丢，整机掉电在高流量下丢约 500 毫秒，脏页不足 4 个时最多 10 秒。",
			"CommitLog.FlushRealTimeService, MappedFile.isAbleToFlush")
	}
	if t.async && t.slaves > 0 {
		rule("lost",
			"ASYNC_MASTER does not wait for its slave: what had not been copied is gone with the master's disk.",
			"ASYNC_MASTER 不等待 slave：未复制的部分随 master 磁盘一起丢失。", "HAConnection.WriteSocketService")
	}
	rule("duplicates",
		"The broker never compares message keys: a send whose answer was lost and is sent again is stored twice, and a consumer that restarts goes back to the last committed offset.",
		"broker 从不按消息 key 去重：应答丢失后重发会存两份，重启的消费者从上次提交的位点重新消费。",
		"docs/en/best_practice.md, RemoteBrokerOffsetStore.java")
	rule("skipped",
		"Queue offsets of a lost tail are given out again; a consumer that had read further skips the messages that take them.",
		"丢失尾部的位点会被重新使用；已读到更后面的消费者会跳过占用这些位点的新消息。",
		"DefaultMessageStore.recoverTopicQueueTable, PullMessageProcessor")
	return out
}
