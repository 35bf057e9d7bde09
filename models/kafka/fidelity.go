package kafka

import "github.com/mqsim/mqsim/models/kafka/zk"

func zkFidelity() []string { return zk.Fidelity() }

// fidelity is what the model assumes or leaves out.
func fidelity() []string {
	return []string{
		"Kafka: CPU times of brokers are assumptions; client machines are never the bottleneck",
		"Kafka: a supervisor starts a broker again 2 s after it ended by itself (assumption)",
		"Kafka: the TCP send buffer of a client takes any amount, so acks=0 is never slowed down by a silent broker",
		"Kafka: a batch that is larger than max.message.bytes is refused, not split; nothing is compressed",
		"Kafka: there are no transactions; consumers speak the classic group protocol (no KIP-848, no share groups) and subscribe to one topic each",
		"Kafka: consumers know no failure of a single message: a failed one counts as processed",
		"Kafka: after an error of a partition a consumer fetches again when metadata has come or after 100 ms, not in a loop",
		"Kafka: __consumer_offsets gets as many replicas as there are brokers if these are fewer than its replication factor",
		"Kafka: quotas, TLS, ACLs and tiered storage are left out",
	}
}
