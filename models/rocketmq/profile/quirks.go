package profile

import "github.com/mqsim/mqsim/models"

var everywhere = []models.QuirkRange{{}}

func until(version string) []models.QuirkRange { return []models.QuirkRange{{Until: version}} }
func since(version string) []models.QuirkRange { return []models.QuirkRange{{Since: version}} }

func classic(since, until string) []models.QuirkRange {
	return []models.QuirkRange{{Since: since, Until: until, Key: "mode", Value: "classic"}}
}

// quirks are the historical behaviours that a scenario can switch by name. Those that are not Built
// follow from the design and have no other side to switch to.
var quirks = []models.Quirk{
	{Name: "inflated-slave-offset", Where: everywhere, Built: true, Source: "#3015, #3016, #1155; HAConnection.java",
		Doc:   "A slave that is ahead of its restarted master counts as having what it never got: SYNC_MASTER acknowledges without a copy.",
		DocZH: "slave 超前于重启后的 master 时，SYNC_MASTER 会在没有副本的情况下确认。"},
	{Name: "stale-offset-sync", Where: classic("", ""), Built: true, Source: "#1094; SlaveSynchronize.java",
		Doc:   "The offsets of a returning master overwrite the newer ones of its slave: consumers that restart read again.",
		DocZH: "返回的 master 的旧位点覆盖 slave 的新位点：重启的消费者会重复消费。"},
	{Name: "ha-stuck-below-min", Where: classic("", ""), Source: "#3388",
		Doc: "A slave that was away longer than the retention never catches up.", DocZH: "离线超过保留期的 slave 永远追不上。"},
	{Name: "blank-slave-newest-file", Where: classic("", ""), Built: true, Source: "#3661, #9580",
		Doc: "A blank slave gets only the newest CommitLog file and what follows.", DocZH: "空 slave 只从最新的 CommitLog 文件开始复制。"},
	{Name: "fsync-error-ignored", Where: everywhere, Built: true, Source: "#2706, #5235, #9713; MappedFile.flush",
		Doc: "A failed sync counts as done: SEND_OK with SYNC_FLUSH, gone after a power loss.", DocZH: "刷盘失败被忽略：SYNC_FLUSH 返回 SEND_OK，断电后丢失。"},
	{Name: "timeout-eats-retries", Where: everywhere, Built: true, Source: "#760, #1921, #4720, #7295",
		Doc: "A send that times out is not tried elsewhere: its retries share one budget.", DocZH: "超时耗尽重试预算，不会换 broker。"},
	{Name: "busy-not-retried", Where: until("5.3"), Built: true, Source: "#1196; DefaultMQProducer.retryResponseCodes",
		Doc: "SYSTEM_BUSY is thrown at once instead of being tried on another group.", DocZH: "SYSTEM_BUSY 直接抛出，不重试。"},
	{Name: "fin-not-failed-fast", Where: until("5.1.3"), Built: true, Source: "NettyRemotingClient.NettyConnectManageHandler",
		Doc: "Sends in flight on a connection that the broker closed wait out their time-out.", DocZH: "broker 关闭连接后，在途发送仍等到超时。"},
	{Name: "slave-timeout-early", Where: until("4.9"), Built: true, Source: "#1244",
		Doc: "FLUSH_SLAVE_TIMEOUT may come after five reports, early under mixed traffic.", DocZH: "混合流量下 FLUSH_SLAVE_TIMEOUT 可能提前返回。"},
	{Name: "overflow-loop-on-slave", Where: everywhere, Built: true, Source: "alibaba/rocketmq#395; PullMessageProcessor",
		Doc: "A consumer ahead of a slave asks it again without a pause.", DocZH: "位点超过 slave 的消费者会无间隔地反复拉取。"},
	{Name: "orderly-needs-master", Where: everywhere, Built: true, Source: "alibaba/rocketmq#399; RebalanceImpl.lock",
		Doc: "Orderly consumption stops without a master, although a slave has the data.", DocZH: "没有 master 时顺序消费停止，即使 slave 有数据。"},
	{Name: "offset-reuse", Where: everywhere, Source: "#8539; DefaultMessageStore.recoverTopicQueueTable",
		Doc: "Queue offsets of a lost tail are given out again; a consumer that was ahead skips what takes them.", DocZH: "丢失尾部的位点会被重用，已超前的消费者会跳过新消息。"},
	{Name: "disagreeing-nameservers", Where: everywhere, Source: "#841, #1095, #4807",
		Doc: "Consumers at NameServers that disagree own a queue twice or not at all.", DocZH: "NameServer 视图不一致时队列被重复或无人消费。"},
	{Name: "sync-never-degrades", Where: since("5.0"), Built: true, Source: "#8715; GroupTransferService.java",
		Doc: "With inSyncReplicas=2 and no slave every send waits slaveTimeout.", DocZH: "inSyncReplicas=2 且无 slave 时每次发送都等到超时。"},
	{Name: "slave-rejects-pulls", Where: since("5.0"), Built: true, Source: "#9879, #2484; PullMessageProcessor.rejectRequest",
		Doc: "A slave without slaveReadEnable rejects every pull, also when the master is gone.", DocZH: "未开启 slaveReadEnable 的 slave 拒绝所有拉取。"},
}
