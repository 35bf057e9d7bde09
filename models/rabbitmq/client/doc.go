// Package client is what applications use to talk to RabbitMQ: a publisher and a consumer in the way of
// the plain AMQP 0-9-1 libraries (amqp091-go, v1.16.0, whose behaviour is the one that was measured),
// and the reconnecting loop that every application has to write around them, because these libraries
// have none: on any failure of the connection, the channel or the subscription they go to the next node
// after a pause.
//
// A client is a session (dial, handshake, heartbeats, the pause before the next node) and what stands
// on it. No timer is armed per message: a session keeps one for its heartbeats and one for its next
// step. Rules name where they come from: the specification of AMQP 0-9-1, the manual of RabbitMQ, or
// the library.
package client

import (
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Cluster is what every client of one cluster knows at its start.
type Cluster struct {
	Nodes   []*sim.Host // n1 first
	Streams []Stream
	Pool    *wire.Pool // shared with the nodes
	// Acked, if set, is told of every publish of a queue that was confirmed on a connection to a node.
	Acked func(node *sim.Host, stream int, partition int32)
}

// Stream is one topic of the workload: its queues.
type Stream struct {
	Name   string
	Queues []Queue
}

// Queue is how a client declares a queue.
type Queue struct {
	Name       string
	Durable    bool
	AutoDelete bool
	Exclusive  bool
	Args       wire.QueueArgs
}

// route is the list of nodes in the order in which client number k tries them: its own first ("producer
// and consumer k connect to server k"), or the one that the scenario names. With stay there is no other.
func (c *Cluster) route(k int, at string, stay bool) []*sim.Host {
	n := len(c.Nodes)
	first := k % n
	for i, h := range c.Nodes {
		if at != "" && h.Name == at {
			first = i
		}
	}
	if stay {
		return []*sim.Host{c.Nodes[first]}
	}
	out := make([]*sim.Host, 0, n)
	for i := range n {
		out = append(out, c.Nodes[(first+i)%n])
	}
	return out
}
