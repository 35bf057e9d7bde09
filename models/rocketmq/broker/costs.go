package broker

import (
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Lanes of the process: what is one thread or one lock at a time. Everything else runs on any core.
const (
	laneLoad     = 0 // the thread that loads and recovers the store
	lanePut      = 1 // putMessageLock: one append at a time, held by a blocking disk call
	laneHA       = 2 // HAClient's thread on a slave
	laneConsumer = 3 // ClientManageProcessor and ConsumerManageProcessor
	laneSchedule = 4 // the scheduled executor: registration, persistence, metadata sync
	laneWriter   = 8 // + slot of the slave's connection: its WriteSocketService
)

// CPU time per message. All figures are assumptions, set so that a broker with 8 cores appends some
// 100,000 small messages a second, the order of magnitude that public benchmarks of RocketMQ 4.x report;
// copies and checksums are charged by size at 1 to 2 GB/s.
const (
	costSend    = 8 * sim.Microsecond  // under the append lock: encode, copy into the mapping
	costAround  = 12 * sim.Microsecond // of a send outside that lock: decode, headers, response
	costPull    = 20 * sim.Microsecond // ConsumeQueue lookup, response header, write of mapped buffers
	costReport  = 5 * sim.Microsecond  // a slave's 8 bytes
	costApply   = 10 * sim.Microsecond // a frame at the slave
	costBeat    = 25 * sim.Microsecond // HEART_BEAT: JSON
	costOffset  = 8 * sim.Microsecond  // query or update of an offset
	costOther   = 15 * sim.Microsecond
	costKiB     = 600                 // ns for each KiB of bytes that are copied into a mapping
	costScanKiB = 600                 // ns for each KiB that recovery checks
	costTopic   = 1 * sim.Microsecond // for each topic, offset or group of a table sent or taken
)

// Cost is the CPU time of a message and the thread or lock that it needs. Sends go through a queue of
// their own: see sendQueue.
func (b *Broker) Cost(c *sim.Conn, m any) (lane int, cost sim.Time) {
	switch m := m.(type) {
	case *wire.SendMessageRequest:
		m.Arrived = b.p.Now()
		return -1, costAround
	case *wire.PullMessageRequest:
		return -1, costPull
	case *wire.HAReport:
		return -1, costReport
	case *wire.HAFrame:
		return laneHA, costApply + sim.Time(m.Bytes)*costKiB/1024
	case *wire.LedgerMessage:
		if m.Bytes > 0 {
			return laneHA, costApply + sim.Time(m.Bytes)*costKiB/1024
		}
		return laneHA, costReport
	case *wire.UpdateOffsetRequest, *wire.QueryOffsetRequest:
		return laneConsumer, costOffset
	case *wire.HeartbeatRequest:
		return laneConsumer, costBeat
	case *wire.AllTopicsResponse:
		return laneSchedule, costOther + sim.Time(len(m.Topics))*costTopic
	case *wire.AllOffsetsResponse:
		return laneSchedule, costOther + sim.Time(len(m.Offsets))*costTopic
	}
	return -1, costOther
}
