// Package client is Kafka's client libraries as state machines: the Java producer and consumer of
// branch 3.9 (clients/src/main/java/org/apache/kafka/clients), and the admin client that an operator
// uses. Each incarnation is one sim.Program.
//
// A client is a network (connections, requests in flight, metadata: NetworkClient, Metadata) and what
// stands on it. The Java producer's second thread, the Sender, is here a pass that runs after the
// application's callback at the same instant; so records that an application sends in one go share
// batches. The Java consumer's poll() is here a pass that runs whenever the application has finished
// what the previous poll returned, as a loop around poll() does.
//
// Time-outs cost no timer per message or request: a client keeps one armed alarm, the earliest deadline
// of all its concerns; a deadline that moved later costs one early firing. Rules name the Java class
// that they follow.
package client

import "github.com/mqsim/mqsim/sim"

// Cluster is what every client of one cluster knows at its start.
type Cluster struct {
	Topics  []string    // by stream
	Brokers []*sim.Host // the bootstrap list, broker-1 first
	// Acked, if set, is told of every batch that broker id answered a producer with success.
	Acked func(stream int, partition, id int32)
}

// bootstrap is the list of servers in the order in which client number k tries them: its own first
// ("producer and consumer k connect to server k"), or the one that the scenario names.
func (c *Cluster) bootstrap(k int, at string, stay bool) []*sim.Host {
	n := len(c.Brokers)
	first := k % n
	for i, h := range c.Brokers {
		if at != "" && h.Name == at {
			first = i
		}
	}
	if stay && at != "" {
		return []*sim.Host{c.Brokers[first]}
	}
	out := make([]*sim.Host, 0, n)
	for i := range n {
		out = append(out, c.Brokers[(first+i)%n])
	}
	return out
}
