package broker

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Lanes of the process: what is one thread or one lock at a time. Everything else runs on any core.
const (
	laneLoad    = 0 // the thread that loads logs at start
	laneZK      = 1 // the ZooKeeper client's event thread
	laneControl = 2 // the controller's event thread and its requests (control plane)
	laneState   = 3 // replicaStateChangeLock: LeaderAndIsr, StopReplica, UpdateMetadata
	laneGroup   = 4 // the group coordinator
	laneCleaner = 5 // the log cleaner's thread
	laneLog     = 8 // + a hash of the partition: a log's lock, held by blocking disk calls
	lanesLog    = 64
	laneFetcher = laneLog + lanesLog // + source broker: the fetcher threads
)

// CPU time per message. All figures are assumptions, set so that a broker with 8 cores handles some
// 150,000 small requests a second, the order of magnitude that public benchmarks of Kafka report;
// checksums and copies are charged by size at 1 to 2 GB/s.
const (
	costProduce   = 25 * sim.Microsecond // parse, validate, append to the page cache
	costFetch     = 15 * sim.Microsecond // session, index lookup, sendfile
	costFetched   = 15 * sim.Microsecond // a fetch response at the follower: validate, append
	costPartition = 1 * sim.Microsecond  // for each partition named in a request or response
	costSmall     = 10 * sim.Microsecond // any other request or response
	costMetadata  = 20 * sim.Microsecond
	costGroup     = 20 * sim.Microsecond
	costState     = 50 * sim.Microsecond // LeaderAndIsr: each partition opens files or moves fetchers
	costKiB       = 600                  // ns for each KiB of records that a broker checks and writes
	costCheckKiB  = 600                  // ns for each KiB that recovery checks
)

// Cost is the CPU time of a message and the thread or lock that it needs. A request that arrives while
// an earlier one of its connection is not answered costs nothing yet: the broker has not read it.
func (b *Broker) Cost(c *sim.Conn, m any) (lane int, cost sim.Time) {
	switch d := c.Data.(type) {
	case *peer:
		if !d.claim(m) {
			return -1, 0
		}
		return b.requestCost(m)
	case *link:
		return d.lane, responseCost(m)
	}
	if lane, cost, ok := b.co.cost(c, m); ok {
		return lane, cost
	}
	return -1, 0
}

func (b *Broker) requestCost(m any) (lane int, cost sim.Time) {
	switch m := m.(type) {
	case *wire.ProduceRequest:
		bytes := 0
		for i := range m.Parts {
			bytes += wire.RefsLen(m.Parts[i].Refs)
		}
		cost = costProduce + sim.Time(len(m.Parts))*costPartition + sim.Time(bytes)*costKiB/1024
		if len(m.Parts) == 0 {
			return -1, cost
		}
		return laneOf(m.Parts[0].TopicPartition), cost
	case *wire.FetchRequest:
		return -1, costFetch + sim.Time(len(m.Parts)+len(m.Forgotten))*costPartition
	case *wire.LeaderAndIsrRequest:
		return laneState, costSmall + sim.Time(len(m.Parts))*costState
	case *wire.UpdateMetadataRequest:
		return laneState, costSmall + sim.Time(len(m.Parts))*costPartition
	case *wire.StopReplicaRequest:
		return laneState, costSmall + sim.Time(len(m.Parts))*costPartition
	case *wire.AlterPartitionRequest, *wire.ControlledShutdownRequest, *wire.CreateTopicsRequest, *wire.ElectLeadersRequest:
		return laneControl, costSmall
	case *wire.MetadataRequest:
		return -1, costMetadata
	case *wire.JoinGroupRequest, *wire.SyncGroupRequest, *wire.HeartbeatRequest, *wire.LeaveGroupRequest,
		*wire.OffsetCommitRequest, *wire.OffsetFetchRequest:
		return laneGroup, costGroup
	}
	return -1, costSmall
}

func responseCost(m any) sim.Time {
	r, ok := m.(*wire.FetchResponse)
	if !ok {
		return costSmall
	}
	bytes := 0
	for i := range r.Parts {
		bytes += int(r.Parts[i].Bytes)
	}
	return costFetched + sim.Time(len(r.Parts))*costPartition + sim.Time(bytes)*costKiB/1024
}

// laneOf is the lock of a partition's log. Partitions share 64 locks of the model, so that a broker
// with thousands of partitions keeps no lane for each.
func laneOf(tp wire.TopicPartition) int {
	h := uint32(2166136261)
	for i := 0; i < len(tp.Topic); i++ {
		h = (h ^ uint32(tp.Topic[i])) * 16777619
	}
	return laneLog + int((h+uint32(tp.Partition))%lanesLog)
}
