package profile

import "github.com/mqsim/mqsim/models"

func until(version string) []models.QuirkRange { return []models.QuirkRange{{Until: version}} }

func between(since, version string) []models.QuirkRange {
	return []models.QuirkRange{{Since: since, Until: version}}
}

// quirks are the historical behaviours that a scenario can switch by name. Those that 3.9 still has
// are the behaviour of its engine and need no switch.
var quirks = []models.Quirk{
	{Name: "truncate-hw", Built: true, Where: until("0.11.0"), Source: "KIP-101 scenarios 1 and 2; TLA KafkaTruncateToHighWatermark",
		Doc:   "A new follower cuts its log to its own high watermark: acks=all data can be lost in clean elections, and logs can diverge.",
		DocZH: "新 follower 截断到自己的高水位：正常选举也会丢 acks=all 的数据。"},
	{Name: "truncate-kip101", Built: true, Where: between("0.11.0", "2.0"), Source: "KAFKA-6361, KIP-279",
		Doc: "The first epoch rule: fast failovers can leave diverged logs.", DocZH: "第一版 leader epoch 规则：连续快速切换后日志可能分叉。"},
	{Name: "no-epoch-on-become-leader", Built: true, Where: until("2.0.1"), Source: "KAFKA-7415",
		Doc: "A new leader does not note its epoch before data arrives.", DocZH: "新 leader 在写入前不记录自己的 epoch。"},
	{Name: "isr-expand-hw-only", Built: true, Where: until("2.0.1"), Source: "KAFKA-7128",
		Doc: "A replica enters the ISR at the high watermark, below the start of the leader's epoch.", DocZH: "仅按高水位即可加入 ISR。"},
	{Name: "skip-truncate-same-leader", Built: true, Where: until("2.1"), Source: "KAFKA-7164",
		Doc: "A follower that missed an epoch does not truncate when the leader is the same again.", DocZH: "错过一个 epoch 且 leader 未变时不截断。"},
	{Name: "no-fetch-epoch-fencing", Built: true, Where: until("2.1"), Source: "KIP-320; TLA Kip320",
		Doc: "Fetches carry no leader epoch: stale leaders count them.", DocZH: "拉取不带 leader epoch，旧 leader 也会计数。"},
	{Name: "hw-before-truncate", Built: true, Where: until("3.4.1"), Source: "KAFKA-14704",
		Doc: "A follower takes the high watermark before it truncates.", DocZH: "先更新高水位再截断。"},
	{Name: "hw-ignores-min-isr", Built: true, Where: until("3.7"), Source: "KAFKA-15583",
		Doc:   "The high watermark moves although fewer than min.insync.replicas are in sync: consumers read what can still vanish.",
		DocZH: "同步副本不足时高水位仍前进：消费者会读到可能消失的消息。"},
	{Name: "last-isr-lossy-restart", Where: until("4.1"), Source: "KIP-966",
		Doc:   "The last ISR member is elected even if a power loss cut its log; the others truncate to it.",
		DocZH: "最后一个 ISR 成员断电丢尾后仍会当选，其他副本向它截断。"},
	{Name: "stale-alter-partition", Built: true, Source: "KIP-903",
		Where: []models.QuirkRange{{Until: "3.5", Key: "coordination", Value: "kraft"}, {Key: "coordination", Value: "zookeeper"}},
		Doc:   "A delayed ISR change can readmit a broker that came back empty.", DocZH: "迟到的 ISR 变更可能让空盘 broker 重新入列。"},
	{Name: "zk-cached-version-loop", Built: true, Where: until("2.7"), Source: "KAFKA-2729",
		Doc: "A leader with a stale znode version skips every ISR change until it restarts.", DocZH: "znode 版本过期的 leader 永远跳过 ISR 更新。"},
	{Name: "zombie-controller", Built: true, Where: until("2.1"), Source: "KAFKA-6082",
		Doc: "A paused controller can overwrite its successor's election.", DocZH: "暂停后恢复的旧 controller 会覆盖新选举。"},
	{Name: "missed-bounce", Built: true, Where: until("2.2"), Source: "KAFKA-7235, KIP-380",
		Doc: "A broker that restarts quickly enough is not noticed and gets no roles.", DocZH: "重启过快的 broker 未被察觉，也得不到角色。"},
	{Name: "hw-checkpoint-lost", Built: true, Where: until("0.8.2"), Source: "KAFKA-1647",
		Doc: "Partitions without a leader at boot vanish from the high watermark checkpoint.", DocZH: "启动时无 leader 的分区从高水位检查点消失。"},
	{Name: "exit-on-ahead", Built: true, Where: until("2.0.1"), Source: "KAFKA-3924, KAFKA-7414",
		Doc: "A follower ahead of its leader ends its process.", DocZH: "follower 超前于 leader 时进程退出。"},
	{Name: "clean-marker-deleted-late", Built: true, Where: until("2.8"), Source: "KAFKA-10471",
		Doc: "A crash while logs load looks like a clean stop.", DocZH: "加载日志时崩溃会被当作正常停止。"},
	{Name: "no-dir-fsync", Built: true, Where: until("3.0"), Source: "KAFKA-3968",
		Doc: "Power loss can drop a whole flushed new segment.", DocZH: "断电可能丢失整个已刷盘的新日志段。"},
	{Name: "epoch-file-no-fsync", Built: true, Where: between("3.7", "3.8"), Source: "KAFKA-16541",
		Doc: "The truncated leader-epoch file is not synced.", DocZH: "截断后的 leader-epoch 文件未刷盘。"},
	{Name: "idempotence-not-effective", Built: true, Source: "KAFKA-13598",
		Where: []models.QuirkRange{{Since: "3.0.0", Until: "3.0.1"}, {Since: "3.1.0", Until: "3.1.1"}},
		Doc:   "The default says idempotent, the producer is not.", DocZH: "默认值写着幂等，实际未生效。"},
	{Name: "hw-counts-fenced", Built: true, Where: between("0.10.2", "3.6"), Source: "KAFKA-15021",
		Doc: "A replica in controlled shutdown holds the high watermark back.", DocZH: "受控关闭中的副本会拖住高水位。"},
	{Name: "offset-reset-on-leader-move", Built: true, Where: until("0.10"), Source: "KAFKA-2143",
		Doc: "A follower out of range during a move cuts its log to the beginning.", DocZH: "迁移期间越界的 follower 会清空日志。"},
	{Name: "shrink-ignores-equal-leo", Built: true, Where: until("2.1"), Source: "KAFKA-7152",
		Doc: "The leader removes an idle dead follower that has everything.", DocZH: "数据完全一致的宕机 follower 也会被移出 ISR。"},
}
