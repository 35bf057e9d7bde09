package zk

import "github.com/mqsim/mqsim/sim"

// laneServer is the one lane of a server's CPU work.
const laneServer = 0

// CPU time per message: assumptions in the order of the throughput that ZooKeeper's authors report
// for three servers (Hunt et al., USENIX ATC 2010, table 1: some 87,000 reads/s over all servers,
// 21,000 writes/s, the leader being the bottleneck). Pings, acks and votes cost about a packet.
const (
	costPacket   = 5 * sim.Microsecond  // ping, ack, commit, vote
	costRead     = 20 * sim.Microsecond // a read at the server
	costWrite    = 50 * sim.Microsecond // a write at the server that takes it, or at the leader
	costProposal = 20 * sim.Microsecond // a proposal at a follower
	costAnswer   = 15 * sim.Microsecond // an answer or event at the client
)

// serverCost is the CPU time of a message at a server.
func serverCost(m any) sim.Time {
	switch m := m.(type) {
	case *Request:
		switch {
		case m.Type == OpPing:
			return costPacket
		case m.Type.write():
			return costWrite
		}
		return costRead
	case *connectRequest, *forward:
		return costWrite
	case *proposal:
		return costProposal
	case *syncPacket:
		return costPacket + sim.Time(len(m.entries))*costProposal
	}
	return costPacket
}

// ClientCost is the CPU time of a message of this package at a client, for the embedding program's
// Coster; ok is false for messages of others. The lane must be a fixed one, not -1: answers and
// watch events may not overtake each other.
func ClientCost(m any) (cost sim.Time, ok bool) {
	switch m := m.(type) {
	case *reply:
		if m.xid == xidPing {
			return costPacket, true
		}
		return costAnswer, true
	case *watcherEvent, *connectResponse:
		return costAnswer, true
	}
	return 0, false
}
