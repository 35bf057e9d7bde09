package rocketmq

// Fidelity lists what is assumed or left out.
func (c *Cluster) Fidelity() []string {
	return []string{
		"RocketMQ: CPU times of brokers and NameServers are assumptions; client machines are never the bottleneck",
		"RocketMQ: a supervisor starts a broker or NameServer again 2 s after it ended by itself (assumption)",
		"RocketMQ: a NameServer needs 1 s from exec until it listens (assumption)",
		"RocketMQ: a client makes its blocking calls at the same time instead of one after the other, and its sender threads never run out",
		"RocketMQ: a send without a master in the route asks for the route together with all other waiting sends",
		"RocketMQ: the first poll of a client's NameServer, k mod n for client k, is not drawn as the Java client does",
		"RocketMQ: where a consumer asks for the route again before it commits without a master, the answer counts from the next commit on",
		"RocketMQ: SQL filters, broadcasting, pop and lite pull are left out",
		"RocketMQ: deleting a file takes no time; of a classic broker's answers [PC_SYNCHRONIZED] is the one that only delayed messages and send-backs meet: a busy page cache refuses sends before or in their queue",
		"RocketMQ: several brokers in one process (BrokerContainer) are left out",
		"RocketMQ: a consumer's application processes one message after the other, whatever consumeThreadMin says",
		"RocketMQ: transactions, compression, ACLs, TLS and VIP channels are left out",
		"RocketMQ: controller mode is not built; acting masters escape no delayed messages to other groups, and a returning master takes over its slave's offsets whatever their version",
		"RocketMQ: DLedger members keep all their entries (DLedger's own cleaning, preferredLeaderId and batch pushes are left out); a send-back and a due delayed message do not wait for the majority",
	}
}
