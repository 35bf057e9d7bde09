package result

// table is the metric table of the scenario language; its order is the order in every report.
// Definitions are short here; the exact ones are those of the language's documentation.
var table = []Metric{
	{Name: "attempted", Unit: UnitCount, Doc: Text{
		En: "Messages whose send began. attempted = acked + rejected + unknown, asserted in every run.",
		Zh: "已开始发送的消息数。attempted = acked + rejected + unknown，每次运行都会断言。",
	}},
	{Name: "acked", Unit: UnitCount, Better: 1, Doc: Text{
		En: "Messages of which any try was acknowledged.",
		Zh: "任意一次尝试得到确认的消息数。",
	}},
	{Name: "rejected", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Messages of which every try was refused before it could be stored.",
		Zh: "每次尝试都在可能落盘之前被拒绝的消息数。",
	}},
	{Name: "unknown", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Messages that are neither acked nor rejected: they may or may not be stored.",
		Zh: "既未确认也未拒绝的消息数：可能已存储，也可能没有。",
	}},
	{Name: "nacked", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Sends that RabbitMQ answered with basic.nack.",
		Zh: "RabbitMQ 以 basic.nack 应答的发送数。",
	}},
	{Name: "returned", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Sends that RabbitMQ returned as unroutable (basic.return).",
		Zh: "RabbitMQ 因无法路由而退回（basic.return）的发送数。",
	}},
	{Name: "not_attempted", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Sends that fell due while the client could not send, and were dropped (missed: drop).",
		Zh: "到期时客户端无法发送而被放弃的消息数（missed: drop）。",
	}},
	{Name: "delivered", Unit: UnitCount, Better: 1, Doc: Text{
		En: "Unique messages that the application of some consumer finished processing.",
		Zh: "至少被一个消费者应用处理完的不同消息数。",
	}},
	{Name: "late", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Delivered messages that were first received after the load ended.",
		Zh: "负载结束之后才首次收到的消息数。",
	}},
	{Name: "duplicates", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Deliveries of a message to one group beyond the first. The audit does not count.",
		Zh: "同一消息对同一消费组首次投递之后的重复投递数，不含审计读取。",
	}},
	{Name: "redelivered", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Deliveries that carried the broker's redelivered flag.",
		Zh: "带有 broker 重投标记（redelivered）的投递数。",
	}},
	{Name: "reordered", Unit: UnitCount, Better: -1, Doc: Text{
		En: "First deliveries to a group whose sequence number is below one already received of the same producer and partition or queue.",
		Zh: "对一个消费组首次投递时，序号小于同一生产者、同一分区（队列）已收到序号的消息数。",
	}},
	{Name: "lost", Unit: UnitCount, Better: -1, Parts: "CAUSE or lost.STATUS", Doc: Text{
		En: "Acked, and received by nobody: no consumer in load or drain, no audit. With a part: those lost for that cause, or whose ack had that status.",
		Zh: "已确认却无人收到的消息数：负载与排空阶段的消费者和审计都没有读到。带后缀时只计该原因或该发送状态的丢失。",
	}},
	{Name: "stranded", Unit: UnitCount, Better: -1, Doc: Text{
		En: "The part of lost that some replica's disk still holds whole.",
		Zh: "lost 中仍完整存在于某个副本磁盘上的部分。",
	}},
	{Name: "skipped", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Acked and not lost, but never delivered to a group that subscribed: only the audit found it.",
		Zh: "已确认且未丢失，但从未投递给订阅的消费组，只有审计读到。",
	}},
	{Name: "phantom", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Received although the producer was told that it was rejected.",
		Zh: "生产者被告知拒绝，却仍被收到的消息数。",
	}},
	{Name: "corrupted", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Received or found by the audit with a wrong checksum or body.",
		Zh: "收到或审计读到时校验和或内容错误的消息数。",
	}},
	{Name: "violations", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Anomalies that neither a setting nor a known defect of the version allows. 0 is expected of every system.",
		Zh: "既非配置允许、也非该版本已知缺陷的异常数。默认期望每个系统都为 0。",
	}},
	{Name: "write_outage", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "The longest write gap of the window, all producers together: something was due, and no send was acknowledged. Gaps below outageThreshold do not count; a refusal is no ack.",
		Zh: "窗口内最长的写中断（所有生产者合计）：有消息到期，却没有任何发送得到确认。短于 outageThreshold 的不计；拒绝不算确认。",
	}},
	{Name: "read_outage", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "The longest read gap of the window, all consumers of one group together, worst group: a message waits and nothing is delivered.",
		Zh: "窗口内最长的读中断（同组消费者合计，取最差的组）：有消息在等待，却没有任何投递。",
	}},
	{Name: "write_outage_partial", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "The longest write gap of a single stream: one producer and what it addresses.",
		Zh: "单个写流（一个生产者及其目标）最长的写中断。",
	}},
	{Name: "read_outage_partial", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "The longest read gap of a single stream: one group and one partition or queue.",
		Zh: "单个读流（一个消费组与一个分区或队列）最长的读中断。",
	}},
	{Name: "write_unavailable", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "The sum of the full write gaps that count.",
		Zh: "计入的全部写中断之和。",
	}},
	{Name: "read_unavailable", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "The sum of the full read gaps that count.",
		Zh: "计入的全部读中断之和。",
	}},
	{Name: "write_availability", Unit: UnitPercent, Better: 1, Doc: Text{
		En: "100 x (1 - write_unavailable / window). Depends on the duration: never read it alone.",
		Zh: "100 x (1 - write_unavailable / 窗口)。取决于时长，不应单独使用。",
	}},
	{Name: "read_availability", Unit: UnitPercent, Better: 1, Doc: Text{
		En: "100 x (1 - read_unavailable / window). Depends on the duration: never read it alone.",
		Zh: "100 x (1 - read_unavailable / 窗口)。取决于时长，不应单独使用。",
	}},
	{Name: "write_availability_partial", Unit: UnitPercent, Better: 1, Doc: Text{
		En: "The mean write availability over all single streams.",
		Zh: "所有单个写流可用率的平均值。",
	}},
	{Name: "read_availability_partial", Unit: UnitPercent, Better: 1, Doc: Text{
		En: "The mean read availability over all single streams.",
		Zh: "所有单个读流可用率的平均值。",
	}},
	{Name: "write_served", Unit: UnitPercent, Better: 1, Doc: Text{
		En: "Share of the sends due in the window that were acked within slo (1 s) of their due time.",
		Zh: "窗口内到期的发送中，在 slo（1 秒）之内得到确认的比例。",
	}},
	{Name: "read_served", Unit: UnitPercent, Better: 1, Doc: Text{
		En: "Share of the messages acked in the window that were received within slo (1 s) of their ack.",
		Zh: "窗口内确认的消息中，在确认后 slo（1 秒）之内被收到的比例。",
	}},
	{Name: "failover", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "From the start of a fault to the end of the first full write outage that it caused; the largest of all faults. 0: none. null: still open at the end of the window.",
		Zh: "从故障开始到它引起的第一个全局写中断结束的时间，取各故障中最大者。0 表示没有；null 表示窗口结束时仍未恢复。",
	}},
	{Name: "rpo", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "Start of the first fault minus the ack time of the oldest lost message; 0 if nothing older is lost.",
		Zh: "第一个故障开始时刻减去最早丢失消息的确认时刻；没有更早的丢失则为 0。",
	}},
	{Name: "loss_window", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "Ack time of the newest minus that of the oldest lost message.",
		Zh: "最晚与最早丢失消息的确认时刻之差。",
	}},
	{Name: "throughput", Unit: UnitRate, Better: 1, Doc: Text{
		En: "Acks per second in the window or phase.",
		Zh: "窗口或阶段内每秒确认数。",
	}},
	{Name: "delivered_rate", Unit: UnitRate, Better: 1, Doc: Text{
		En: "First deliveries per second in the window or phase.",
		Zh: "窗口或阶段内每秒首次投递数。",
	}},
	{Name: "p50", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "Median time from the scheduled send to the ack, acked messages only.",
		Zh: "从计划发送到确认的时间的中位数，仅计已确认的消息。",
	}},
	{Name: "p99", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "99th percentile of the time from the scheduled send to the ack.",
		Zh: "从计划发送到确认的时间的第 99 百分位。",
	}},
	{Name: "p999", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "99.9th percentile of the time from the scheduled send to the ack.",
		Zh: "从计划发送到确认的时间的第 99.9 百分位。",
	}},
	{Name: "max", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "Longest time from the scheduled send to the ack.",
		Zh: "从计划发送到确认的最长时间。",
	}},
	{Name: "e2e_p50", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "Median time from the scheduled send to the delivery.",
		Zh: "从计划发送到投递的时间的中位数。",
	}},
	{Name: "e2e_p99", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "99th percentile of the time from the scheduled send to the delivery.",
		Zh: "从计划发送到投递的时间的第 99 百分位。",
	}},
	{Name: "e2e_p999", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "99.9th percentile of the time from the scheduled send to the delivery.",
		Zh: "从计划发送到投递的时间的第 99.9 百分位。",
	}},
	{Name: "e2e_max", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "Longest time from the scheduled send to the delivery.",
		Zh: "从计划发送到投递的最长时间。",
	}},
	{Name: "network_bytes", Unit: UnitBytes, Better: -1, Doc: Text{
		En: "Encoded protocol bytes on all links, without TCP/IP headers.",
		Zh: "所有链路上的协议编码字节数，不含 TCP/IP 头。",
	}},
	{Name: "replication_bytes", Unit: UnitBytes, Better: -1, Doc: Text{
		En: "The part of network_bytes between servers.",
		Zh: "network_bytes 中服务器之间的部分。",
	}},
	{Name: "amplification", Unit: UnitFactor, Better: -1, Doc: Text{
		En: "replication_bytes / body bytes of the acked messages.",
		Zh: "replication_bytes / 已确认消息的正文字节数。",
	}},
	{Name: "disk_bytes", Unit: UnitBytes, Better: -1, Doc: Text{
		En: "Bytes written to disks.",
		Zh: "写入磁盘的字节数。",
	}},
	{Name: "fsyncs", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Syncs of files.",
		Zh: "文件同步（fsync）次数。",
	}},
	{Name: "busy_cpu", Unit: UnitPercent, Doc: Text{
		En: "How busy the CPU of the busiest host was.",
		Zh: "最忙主机的 CPU 占用率。",
	}},
	{Name: "busy_nic", Unit: UnitPercent, Doc: Text{
		En: "How busy the network card of the busiest host was.",
		Zh: "最忙主机的网卡占用率。",
	}},
	{Name: "busy_disk", Unit: UnitPercent, Doc: Text{
		En: "How busy the disk of the busiest host was.",
		Zh: "最忙主机的磁盘占用率。",
	}},
	{Name: "elections", Unit: UnitCount, Doc: Text{
		En: "Completed leader changes after t = 0.",
		Zh: "t = 0 之后完成的领导者切换次数。",
	}},
	{Name: "isr_min", Unit: UnitCount, Better: 1, Doc: Text{
		En: "Smallest in-sync replica set in the window (Kafka).",
		Zh: "窗口内最小的 ISR 大小（Kafka）。",
	}},
	{Name: "isr_shrinks", Unit: UnitCount, Better: -1, Doc: Text{
		En: "How often an in-sync replica set shrank (Kafka).",
		Zh: "ISR 收缩的次数（Kafka）。",
	}},
	{Name: "truncated", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Messages that replicas cut off their logs to follow another history.",
		Zh: "副本为跟随另一份历史而从日志中截断的消息数。",
	}},
	{Name: "promoted_unsynced", Unit: UnitCount, Better: -1, Doc: Text{
		En: "Promotions of a mirror that was not synchronised (RabbitMQ).",
		Zh: "提升未同步镜像的次数（RabbitMQ）。",
	}},
	{Name: "split_brain", Unit: UnitSeconds, Better: -1, Doc: Text{
		En: "Time in which two servers led the same partition or queue and clients were told ok by both.",
		Zh: "两个服务器同时领导同一分区（队列）且都向客户端返回成功的时间。",
	}},
	{Name: "send_status", Unit: UnitCount, Parts: "STATUS", Doc: Text{
		En: "Sends that were answered with this status (RocketMQ: SEND_OK, FLUSH_DISK_TIMEOUT, FLUSH_SLAVE_TIMEOUT, SLAVE_NOT_AVAILABLE).",
		Zh: "以该状态应答的发送数（RocketMQ：SEND_OK、FLUSH_DISK_TIMEOUT、FLUSH_SLAVE_TIMEOUT、SLAVE_NOT_AVAILABLE）。",
	}},
}
