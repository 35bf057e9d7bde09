// Package client is RocketMQ's Java client as state machines: producers, push consumers and the admin
// client of an operator, at rocketmq-all-4.9.8 (client/ and remoting/src/main/java/org/apache/rocketmq).
// Each incarnation is one sim.Program.
//
// A client is an instance (MQClientInstance with its NettyRemotingClient: connections, requests in
// flight, routes, heartbeats) and what stands on it. Where the Java client blocks a thread, here a
// request is under way and its answer goes on.
//
// Time-outs are those of the two kinds of call that remoting knows. A call with a waiting thread ends at
// its deadline and its connection is closed with it (closeSocketIfTimeout); an asynchronous one ends at
// the first scan of the response table, once a second, that is a second after its deadline
// (NettyRemotingAbstract.scanResponseTable). Rules name the Java class that they follow.
package client

import (
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Cluster is what every client of one cluster knows at its start.
type Cluster struct {
	Topics  []string    // by stream
	Queues  []int32     // by stream: queues on each broker group
	Groups  []string    // names of the broker groups, in order
	Namesrv []*sim.Host // namesrv-1 first
	Pool    *wire.Pool
	// Acked, if set, is told of every send that the broker at addr answered with a stored status.
	Acked func(stream int, partition int32, addr string)
	// Status, if set, is told of the status of every send that ended with one.
	Status func(status uint8)
}

// Partition is the number of a queue among all queues of a stream: those of the first group, then
// those of the next; -1 if it is none of them.
func (c *Cluster) Partition(stream int, group string, queue int32) int32 {
	n := c.Queues[stream]
	for i, g := range c.Groups {
		if g == group && queue < n {
			return int32(i)*n + queue
		}
	}
	return -1
}

// Queue is the group and queue of a partition.
func (c *Cluster) Queue(stream int, partition int32) (group string, queue int32) {
	n := c.Queues[stream]
	return c.Groups[partition/n], partition % n
}
