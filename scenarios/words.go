package scenarios

import "github.com/mqsim/mqsim/result"

// meaning is a word of the language and what it says.
type meaning struct {
	word string
	text result.Text
}

var actionMeanings = []meaning{
	{"kill", result.Text{En: "The process dies at once (kill -9). The operating system lives: the page cache survives, sockets are closed and peers learn of it within one network latency. Undone: the process starts again from its disk.",
		Zh: "进程立即死亡（kill -9）。操作系统仍在：页缓存保留，套接字被关闭，对端在一个网络延迟内得知。恢复时进程从磁盘重新启动。"}},
	{"stop", result.Text{En: "Graceful shutdown (SIGTERM); undone: start.", Zh: "优雅停止（SIGTERM）；恢复时启动。"}},
	{"pause", result.Text{En: "The process freezes (a long garbage collection, SIGSTOP): sockets stay open, timers fire late, all at once when it goes on.", Zh: "进程冻结（长 GC、SIGSTOP）：套接字保持打开，定时器在恢复时一并触发。"}},
	{"power-loss", result.Text{En: "The machine dies in silence: no packet says so, and bytes that were not synced may vanish. crash: typical draws what is lost from the seed; none, all, prefix and pages fix the kind.",
		Zh: "机器无声断电：对端收不到任何通知，未刷盘的字节可能丢失。crash: typical 由种子抽取，none、all、prefix、pages 指定丢失方式。"}},
	{"wipe", result.Text{En: "As power-loss, and the disk comes back empty.", Zh: "同断电，且磁盘恢复后为空。"}},
	{"partition", result.Text{En: "Packets between two sides are dropped (style: drop) or their connections reset. A selector is cut from all other servers; between and groups name the sides, shape draws them; direction and port cut one way or one kind of traffic; clients still reach everybody unless said otherwise.",
		Zh: "两侧之间的数据包被丢弃（或连接被重置）。selector 与其余服务器隔离；between、groups 指定两侧，shape 给出形状；direction、port 可只切单向或单类流量；客户端默认仍可访问所有节点。"}},
	{"delay", result.Text{En: "Packets arrive later by latency, plus or minus jitter.", Zh: "数据包延迟到达（latency ± jitter）。"}},
	{"loss", result.Text{En: "A share of the segments is lost and sent again, as TCP does.", Zh: "部分报文丢失，由 TCP 重传。"}},
	{"bandwidth", result.Text{En: "A link is limited to a rate.", Zh: "链路限速。"}},
	{"reset", result.Text{En: "Connections break once, and new ones are refused for the duration.", Zh: "连接被重置一次，持续期间拒绝新连接。"}},
	{"disk-slow", result.Text{En: "Calls on the disk take longer: a factor, or a latency more.", Zh: "磁盘调用变慢（倍数或附加延迟）。"}},
	{"disk-stall", result.Text{En: "Calls on the disk do not return.", Zh: "磁盘调用挂起不返回。"}},
	{"disk-error", result.Text{En: "Calls on the disk fail with an error.", Zh: "磁盘调用返回错误。"}},
	{"disk-full", result.Text{En: "The disk is filled to a share, or until so much is free.", Zh: "磁盘被写满到指定比例或剩余空间。"}},
	{"disk-lie", result.Text{En: "Sync answers and does nothing.", Zh: "刷盘立即返回但什么都没做。"}},
	{"disk-corrupt", result.Text{En: "Bytes on the disk change, vanish or are zeroed.", Zh: "磁盘上的字节被翻转、清零、截断或删除。"}},
	{"memory", result.Text{En: "A share of the host's memory is taken.", Zh: "占用主机的一部分内存。"}},
	{"cpu", result.Text{En: "Service times are multiplied by a factor.", Zh: "处理时间乘以倍数。"}},
	{"clock-jump", result.Text{En: "The host's wall clock jumps.", Zh: "主机时钟跳变。"}},
	{"clock-drift", result.Text{En: "The host's wall clock runs fast or slow.", Zh: "主机时钟变快或变慢。"}},
	{"client-crash", result.Text{En: "A client dies; after duration it returns as a new one.", Zh: "客户端崩溃，经过 duration 后作为新客户端回来。"}},
}

var operationMeanings = []meaning{
	{"start", result.Text{En: "Starts processes, in order, waiting for each (wait: ready, synced, in-sync, none).", Zh: "依次启动进程并等待其就绪。"}},
	{"stop", result.Text{En: "Stops processes gracefully, in order.", Zh: "依次优雅停止进程。"}},
	{"restart", result.Text{En: "Stops and starts one host after the other; settings: starts it with other settings.", Zh: "逐台重启；settings 可改变启动配置。"}},
	{"wait", result.Text{En: "Waits for a time or an event.", Zh: "等待一段时间或某个事件。"}},
	{"set-config", result.Text{En: "Changes settings of running brokers.", Zh: "修改运行中 broker 的配置。"}},
	{"set-policy", result.Text{En: "Declares a RabbitMQ policy: pattern and definition.", Zh: "设置 RabbitMQ 策略。"}},
	{"promote-slave", result.Text{En: "Makes a RocketMQ slave a master: stops it, changes brokerRole and brokerId, starts it; took: the operator's time.", Zh: "把 RocketMQ slave 改为 master 并重启；took 是人工耗时。"}},
	{"sync-queue", result.Text{En: "Synchronises the mirrors of a RabbitMQ queue.", Zh: "手动同步 RabbitMQ 镜像。"}},
	{"set-rate", result.Text{En: "Changes the rate of producers.", Zh: "改变生产者的发送速率。"}},
	{"clear-policy", result.Text{En: "Removes a RabbitMQ policy.", Zh: "删除 RabbitMQ 策略。"}},
	{"wipe-write-perm", result.Text{En: "Takes the write permission from a RocketMQ broker group.", Zh: "取消 RocketMQ broker 组的写权限。"}},
	{"add-write-perm", result.Text{En: "Gives it back.", Zh: "恢复 broker 组的写权限。"}},
	{"preferred-election", result.Text{En: "Moves a Kafka partition's leadership to the first replica of its assignment.", Zh: "把 Kafka 分区的 leader 切回首选副本。"}},
	{"unclean-election", result.Text{En: "Elects a Kafka leader outside of the ISR.", Zh: "在 ISR 之外选举 Kafka leader。"}},
	{"reassign", result.Text{En: "Gives a Kafka partition other replicas.", Zh: "重新分配 Kafka 分区的副本。"}},
	{"cancel-sync", result.Text{En: "Stops the synchronisation of a RabbitMQ queue.", Zh: "取消 RabbitMQ 队列的镜像同步。"}},
	{"delete-queue", result.Text{En: "Deletes a RabbitMQ queue.", Zh: "删除 RabbitMQ 队列。"}},
	{"declare-queue", result.Text{En: "Declares a RabbitMQ queue.", Zh: "声明 RabbitMQ 队列。"}},
	{"forget-node", result.Text{En: "Takes a stopped node out of the RabbitMQ cluster.", Zh: "把停止的节点移出 RabbitMQ 集群。"}},
	{"force-boot", result.Text{En: "Lets a RabbitMQ node start without waiting for those that stopped after it.", Zh: "让 RabbitMQ 节点不等待后停止的节点而启动。"}},
	{"reset-node", result.Text{En: "Returns a RabbitMQ node to its virgin state.", Zh: "把 RabbitMQ 节点恢复为初始状态。"}},
	{"grow", result.Text{En: "Adds a member to a quorum queue.", Zh: "为仲裁队列增加成员。"}},
	{"shrink", result.Text{En: "Removes a member of a quorum queue.", Zh: "移除仲裁队列的成员。"}},
	{"rebalance", result.Text{En: "Spreads the leaders of queues over the nodes.", Zh: "在节点间均衡队列的 leader。"}},
	{"close-connections", result.Text{En: "Closes the client connections of a node.", Zh: "关闭节点上的客户端连接。"}},
	{"wipe-and-rejoin", result.Text{En: "Empties a server's disk and lets it join again.", Zh: "清空服务器磁盘后重新加入。"}},
	{"pause-client", result.Text{En: "A client stops for a while.", Zh: "暂停客户端。"}},
	{"resume-client", result.Text{En: "It goes on.", Zh: "恢复客户端。"}},
	{"restart-client", result.Text{En: "It is replaced by a new one.", Zh: "重启客户端。"}},
}

var keyMeanings = []meaning{
	{"selector", result.Text{En: "Names hosts at the moment the fault fires: primary, replica, coordinator, a word of the model, a host, sums (primary+replica), not(primary), brokers, all.", Zh: "在故障触发时选定主机：primary、replica、coordinator、模型自己的角色、主机名、加号组合、not(...)、brokers、all。"}},
	{"primary", result.Text{En: "The leader, master or home of the first partition, group or queue; primary(t0-2) names another.", Zh: "首个分区、组或队列的 leader / master / 主节点；primary(t0-2) 指定其他。"}},
	{"replica", result.Text{En: "The first follower, slave or mirror, in order of assignment, brokerId or age.", Zh: "按分配顺序、brokerId 或加入先后的第一个 follower / slave / 镜像。"}},
	{"coordinator", result.Text{En: "Kafka's controller, RocketMQ's name server; RabbitMQ has none.", Zh: "Kafka 的 controller、RocketMQ 的 NameServer；RabbitMQ 没有。"}},
	{"mode", result.Text{En: "Which of the selected hosts are hit: one, all, fixed (with value), random, minority, majority.", Zh: "命中哪些主机：one、all、fixed、random、minority、majority。"}},
	{"stagger", result.Text{En: "One target after the other, this far apart, undone likewise.", Zh: "目标依次触发的间隔，恢复时同样依次进行。"}},
	{"permanent", result.Text{En: "The fault is not undone by the heal at the end of the load.", Zh: "负载结束时不自动恢复该故障。"}},
	{"optional", result.Text{En: "A selector that matches nobody is no error.", Zh: "选择器无匹配时不报错。"}},
	{"when", result.Text{En: "Starts a fault at an event instead of a time: {event, host, partition, nth, delay, after}.", Zh: "由事件而非时间触发故障。"}},
	{"seed", result.Text{En: "Every draw of a run comes from it; the same scenario and seed give the same bytes.", Zh: "一次运行的所有随机数来自种子；相同场景与种子结果逐字节相同。"}},
	{"warmup", result.Text{En: "The window of rates, outages and latencies begins here (2s).", Zh: "统计窗口的起点（默认 2s）。"}},
	{"drain", result.Text{En: "After the load consumers go on until all is received, quiet (180s) passes without a delivery, or limit (15m).", Zh: "负载结束后消费者继续消费，直到收完、静默 quiet 或达到 limit。"}},
	{"like", result.Text{En: "A copy of another entry; only the named keys differ, a key without a value is taken away.", Zh: "复制另一个条目，只改写列出的键；没有值的键会被去掉。"}},
	{"window", result.Text{En: "[warmup, duration): every rate, outage, availability and latency is of it.", Zh: "统计窗口 [warmup, duration)。"}},
	{"hardware", result.Text{En: "A named profile: cloud-ssd, nvme, hdd, cross-zone, truth-vm; network, disk and cpu override single keys.", Zh: "硬件配置：cloud-ssd、nvme、hdd、cross-zone、truth-vm，可用 network、disk、cpu 覆盖。"}},
	{"boot", result.Text{En: "Time from exec until the process serves, without log recovery; os comes on top after power loss.", Zh: "从启动到可服务的时间（不含日志恢复）；断电后另加 os。"}},
	{"rate", result.Text{En: "Messages per second of all clients of the entry together (open loop), max (closed loop), or a schedule.", Zh: "该条目所有客户端合计的每秒消息数（开环）、max（闭环）或时间表。"}},
	{"maxInFlight", result.Text{En: "Sends begun and not answered, beside the library's own limits (1000).", Zh: "已发出未应答的消息上限（默认 1000）。"}},
	{"missed", result.Text{En: "What becomes of sends that fall due while the client cannot send: late or drop.", Zh: "到期却无法发送的消息：late 补发，drop 放弃。"}},
	{"resend", result.Text{En: "What the application sends again under the same id: never, rejected, unknown.", Zh: "应用重发哪些消息：never、rejected、unknown。"}},
	{"because", result.Text{En: "The rule behind an expectation, in the report beside it.", Zh: "期望背后的规则，报告中一并显示。"}},
	{"teaches", result.Text{En: "The questions that the scenario answers; mqsim list groups by them.", Zh: "该场景回答的问题编号。"}},
}
