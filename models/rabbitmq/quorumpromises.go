package rabbitmq

import "github.com/mqsim/mqsim/models"

// quorums: what a group of members does not promise.
func (t *terms) quorums(line promiseLine) {
	if !t.quorum {
		return
	}
	line(models.Allowed, "stranded", "quorum queue", "Without a majority of its members a quorum queue neither takes nor delivers messages (quorum-queues.md).")
	line(models.Allowed, "disk-lost", "quorum queue", "A message is gone when the disks of a majority of its members are (quorum-queues.md).")
	if t.limit {
		line(models.Allowed, "retention", "x-delivery-limit", "A message that came back more often than the limit is dropped (quorum-queues.md, Poison Message Handling).")
	}
}

func quorumRules() []models.Rule {
	return []models.Rule{{
		Metric: "failover",
		EN:     "When the connections of a leader's node close, the first follower asks for votes after 101 to 600 ms; a silent leader is noticed by aten, which looks every 5 s, and replaced 5 to 6 s after that.",
		ZH:     "leader 所在节点的连接断开后，101 到 600 毫秒内 follower 发起选举；无声的 leader 由 aten 发现（每 5 秒检查一次），再过 5 到 6 秒才被替换。",
		Source: "ra_server_proc.erl, aten_detect.erl",
	}, {
		Metric: "amplification",
		EN:     "Each message crosses the network once to the leader and once from it to every other member.",
		ZH:     "每条消息先到 leader，再由 leader 发给其他每个成员各一次。",
		Source: "quorum-queues.md, ra",
	}, {
		Metric: "p99",
		EN:     "A confirm waits until a majority of the members has synced its write-ahead log, and the leader has applied the message.",
		ZH:     "确认要等多数成员的预写日志刷盘并由 leader 应用之后。",
		Source: "ra_log_wal.erl, rabbit_fifo.erl",
	}}
}
