package profile

import "github.com/mqsim/mqsim/models"

func until(version string) []models.QuirkRange { return []models.QuirkRange{{Until: version}} }

func since(version string) []models.QuirkRange { return []models.QuirkRange{{Since: version}} }

func between(since, version string) []models.QuirkRange {
	return []models.QuirkRange{{Since: since, Until: version}}
}

// quirks are the behaviours of versions that a scenario can switch by name.
var quirks = []models.Quirk{
	{Name: "no-confirm-guard", Where: until("3.3.5"), Source: "5d339c4f90 (first tag 3.3.5)", Built: true,
		Doc:   "A node in a minority goes on confirming until it has noticed and paused.",
		DocZH: "少数派节点在察觉并暂停之前继续确认。"},
	{Name: "ack-in-flight", Where: until("3.8.0"), Source: "PR 1893, b7f29c1dad", Built: true,
		Doc:   "When the node of a queue dies, what was in flight to it is acknowledged although nobody has it.",
		DocZH: "队列所在节点宕机时，在途消息会被确认，尽管无处保存。"},
	{Name: "drop-and-ack", Where: until("3.11.0"), Source: "rabbit_amqqueue.erl (on_node_down), #4888; ended by 7de31d8697, PR 4563", Built: true,
		Doc:   "While the node of a queue is down the queue cannot be routed to: messages are dropped and acknowledged.",
		DocZH: "队列所在节点宕机期间消息无法路由：被丢弃却得到确认。"},
	{Name: "double-mirror-debit", Source: "rabbit_classic_queue.erl, rabbit_mirror_queue_slave.erl; measured on 3.10.8", Built: true,
		Where: []models.QuirkRange{{Since: "3.10.0", Until: "3.10.25"}, {Since: "3.11.0", Until: "3.11.28"}},
		Doc:   "A channel debits a mirror two credits for each message: publishers hang after 600 messages when a mirror gets nothing from the ring. The patch that ended it lies after 3.10.8 and 3.11.0; 3.10.25 and 3.11.28 have it.",
		DocZH: "channel 对镜像每条消息扣两个信用：镜像收不到环上数据时，发布者在 600 条后挂起。"},
	{Name: "confirm-without-store-sync", Where: since("3.13.0"), Source: "985f4e8a68, PR 8507", Built: true,
		Doc:   "The shared message store is written but not synced before a confirm: power loss can take confirmed messages of 4 KiB and more.",
		DocZH: "确认前共享消息存储只写不刷盘：断电可能丢失已确认的大消息。"},
	{Name: "large-index-segments", Where: until("3.8.17"), Source: "rabbit_vhost.erl (segment entry count)", Built: true,
		Doc: "A segment of the queue index holds 16384 messages instead of 2048.", DocZH: "队列索引每段 16384 条而不是 2048 条。"},
	{Name: "reconnect-stall", Source: "OTP net_setuptime; measured on 3.10.8", Built: true,
		Doc:   "After a silent node was given up, the first process that turns to it stalls for 7 s. Off in every version: it was seen in some runs only.",
		DocZH: "无声节点被判定离线后，首个再次访问它的进程会停顿 7 秒。默认关闭：仅在部分实测中出现。"},
	{Name: "boot-hang", Source: "measured on 3.10.8 (#2175)",
		Doc:   "A node that was paused in a minority hangs at boot for 20 s and more. Off in every version: it was seen once.",
		DocZH: "少数派暂停过的节点启动时挂起 20 秒以上。默认关闭：仅见过一次。"},
	{Name: "fresh-channel-nacked", Where: between("3.8.10", "3.12.5"), Source: "rabbit_fifo_client.erl", Built: true,
		Doc:   "A channel that is opened while the recorded leader of a quorum queue is down is nacked until that node is back.",
		DocZH: "仲裁队列记录的 leader 宕机时新开的 channel 一直收到 nack，直到该节点恢复。"},
	{Name: "blip-stays-partitioned", Where: until("4.3"), Source: "#17319, #8110",
		Doc:   "After an interruption of milliseconds Mnesia can stay partitioned without anybody pausing.",
		DocZH: "毫秒级中断后 Mnesia 可能长期处于分区状态而无人暂停。"},
}
