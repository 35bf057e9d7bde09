package rabbitmq

// Fidelity lists what is assumed or left out.
func (c *Cluster) Fidelity() []string {
	return []string{
		"RabbitMQ: CPU times of nodes are assumptions; client machines are never the bottleneck",
		"RabbitMQ: a node's time to boot is one range, measured on a small machine (6.8 to 7.8 s); it does not grow with the number of queues",
		"RabbitMQ: clients behave as amqp091-go with an application that goes to the next node 200 ms after any failure",
		"RabbitMQ: the TCP send buffer of a client takes any amount; a publisher is held by its own limit of messages in flight and by connection.blocked",
		"RabbitMQ: a producer takes its topic's queues in turn, a consumer has one channel for each queue",
		"RabbitMQ: messages in an index entry are framed exactly; the Erlang term around a body is counted, not built",
		"RabbitMQ: virtual hosts, plugins, management, TLS, dead-lettering, expiry, priorities and transactions are left out; of exchanges the default one and fanout",
		"RabbitMQ: memory of a node is 100 MiB, its queues' messages and what a fault takes; queues do not page out under pressure",
		"RabbitMQ: up to 3.7 mandatory is judged when a message is routed, not when it is received",
		"RabbitMQ: streams are not built; of metadata stores only Mnesia is; a queue is not converted to another queue-version",
		"RabbitMQ: quorum queues: commands inside the frames of Ra's logs, and snapshots, have an encoding of the model's own; terms and votes are a log, not a DETS table",
		"RabbitMQ: quorum queues: a snapshot is taken when the log is 4096 entries and much longer than what the queue holds",
		"RabbitMQ: from 3.13 on a stored message keeps the term of 3.12; Erlang's padding between the estimated and the real size of a term is taken as none",
	}
}
