package scenarios

import "github.com/mqsim/mqsim/result"

// eventMeanings are the events that every model has.
var eventMeanings = []meaning{
	{"process-ready", result.Text{En: "A process serves: it has booted and recovered what its disk holds.", Zh: "进程可以服务：已启动并完成磁盘恢复。"}},
	{"process-died", result.Text{En: "A process ended: killed, stopped, or by itself.", Zh: "进程结束：被杀、被停止或自行退出。"}},
	{"host-down", result.Text{En: "A machine lost its power.", Zh: "机器断电。"}},
	{"host-up", result.Text{En: "A machine's operating system runs again.", Zh: "机器的操作系统重新运行。"}},
	{"disk-full", result.Text{En: "A write was refused because the disk is full; the first since there was room.", Zh: "磁盘写满，写入被拒绝（自上次有空间以来的第一次）。"}},
	{"client-reconnected", result.Text{En: "A client found a server again after its connection was gone.", Zh: "客户端断线后重新连上服务器。"}},
	{"consumer-assigned", result.Text{En: "A consumer got partitions or a queue.", Zh: "消费者获得分区或队列。"}},
	{"fault-start", result.Text{En: "A fault begins; with after: the one of that name.", Zh: "故障开始；配合 after: 指定名字。"}},
	{"fault-end", result.Text{En: "A fault is undone.", Zh: "故障被恢复。"}},
}

// faultKeyMeanings are the keys of single actions.
var faultKeyMeanings = []meaning{
	{"process", result.Text{En: "Which program of the host is meant: server, or a word of the model (zookeeper, controller, namesrv, app, queue(q)).", Zh: "主机上的哪个进程：server，或模型的词（zookeeper、controller、namesrv、app、queue(q)）。"}},
	{"crash", result.Text{En: "What of the un-synced bytes a power loss takes: typical (drawn from the seed), none, all, prefix, pages.", Zh: "断电丢失哪些未刷盘的字节：typical（由种子抽取）、none、all、prefix、pages。"}},
	{"between", result.Text{En: "The two sides of a link: [broker-1, producer-0].", Zh: "链路的两侧：[broker-1, producer-0]。"}},
	{"groups", result.Text{En: "Sides of a partition, each cut from every other: [[broker-1], [broker-2, broker-3]].", Zh: "分区的各组，组间两两隔离。"}},
	{"shape", result.Text{En: "A partition of all servers, drawn from the seed: halves, bridge (one server sees both halves), ring (everybody sees only two neighbours).", Zh: "全体服务器的分区形状：halves、bridge（一台同时看到两半）、ring（只看到两个邻居）。"}},
	{"direction", result.Text{En: "Which packets are hit, seen from the first side: both, to it, from it.", Zh: "影响哪个方向（从第一侧看）：both、to、from。"}},
	{"port", result.Text{En: "Which traffic is hit: all, client, replication, coordination, metadata.", Zh: "影响哪类流量：all、client、replication、coordination、metadata。"}},
	{"style", result.Text{En: "drop: packets vanish, and peers learn of it by time-outs; reset: connections break and new ones are refused.", Zh: "drop：数据包消失，对端靠超时发现；reset：连接被重置并拒绝新连接。"}},
	{"clients", result.Text{En: "Who reaches a side that is cut off: reach-all (every client does), majority (none does), or a list of clients that are cut off with it.", Zh: "谁能访问被隔离的一侧：reach-all（所有客户端）、majority（无人），或与其一同被隔离的客户端列表。"}},
	{"latency", result.Text{En: "How much later packets arrive, or calls on the disk return.", Zh: "数据包或磁盘调用增加的延迟。"}},
	{"jitter", result.Text{En: "Latency varies by up to so much, plus or minus.", Zh: "延迟的抖动（正负）。"}},
	{"percent", result.Text{En: "The share of segments or calls that is hit, in percent.", Zh: "受影响的报文或调用的百分比。"}},
	{"ops", result.Text{En: "Which calls on the disk are hit: read, write, sync; all without it.", Zh: "影响哪些磁盘调用：read、write、sync；不写则全部。"}},
	{"path", result.Text{En: "Which files are hit: a path or a pattern, against the whole path or the file's name (*.log, t0-0/*).", Zh: "影响哪些文件：路径或模式（*.log、t0-0/*）。"}},
	{"disk", result.Text{En: "Which disk of a host with several, from 0; without it all of them. At the top level: the hardware of disks.", Zh: "多盘主机中的哪块盘（从 0 起），不写则全部；顶层的 disk: 是磁盘硬件参数。"}},
	{"factor", result.Text{En: "How many times as long calls or work take (10).", Zh: "耗时的倍数（默认 10）。"}},
	{"fill", result.Text{En: "How full the disk gets (91%); of several such faults the fuller one holds.", Zh: "磁盘写满到的比例（91%）；多个同时存在时取最满的。"}},
	{"free", result.Text{En: "How much room is left on the disk (40MB).", Zh: "磁盘剩余空间（40MB）。"}},
	{"used", result.Text{En: "The share of the host's memory that is taken (45%).", Zh: "占用主机内存的比例（45%）。"}},
	{"what", result.Text{En: "What becomes of the bytes: flip (one bit of each), zero, truncate (the file ends there), delete (the file is gone).", Zh: "字节的遭遇：flip（翻转一位）、zero（清零）、truncate（从此截断）、delete（删除文件）。"}},
	{"offset", result.Text{En: "Where in each file: a number of bytes, or random.", Zh: "文件中的位置：字节数或 random。"}},
	{"bytes", result.Text{En: "How many bytes are hit (1).", Zh: "影响多少字节（默认 1）。"}},
	{"by", result.Text{En: "How far the clock jumps (-5s); the undo jumps back.", Zh: "时钟跳变的幅度（-5s）；恢复时跳回。"}},
	{"ppm", result.Text{En: "By how many millionths the clock runs fast, or with a minus slow; its error stays when the drift ends.", Zh: "时钟快（负数为慢）百万分之几；漂移结束后误差保留。"}},
}
