// Package ha is RocketMQ's classic replication: a master streams the bytes of its CommitLog to every
// slave that connects, slaves report how far theirs reaches, and sends of a SYNC_MASTER wait for one
// report that covers them.
//
// Master and Slave are state machines without a network: what they say goes through MasterEnv and
// SlaveEnv. Rules and figures follow store/.../ha/HAService.java, HAConnection.java, GroupTransferService
// and CommitLog.submitReplicaRequest at rocketmq-all-4.9.8.
package ha

import (
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Log is the part of a CommitLog that replication reads and writes.
type Log interface {
	// MaxOffset is the offset behind the last readable byte.
	MaxOffset() int64
	// MinOffset is the offset of the first byte that is kept.
	MinOffset() int64
	// FileSize is the size of one file of the log.
	FileSize() int64
	// Read appends to refs at most max bytes from offset on, of one file, and returns how many. ok is
	// false when the log does not have that offset.
	Read(offset int64, max int32, refs []sim.Ref) (out []sim.Ref, n int32, ok bool)
	// AppendRaw stores bytes at an offset, as a slave does. Errors are swallowed there (MappedFile.
	// appendMessage): MaxOffset tells.
	AppendRaw(offset int64, refs []sim.Ref)
}

// Config is shared by both sides.
type Config struct {
	Heartbeat    sim.Time // haSendHeartbeatInterval
	Housekeeping sim.Time // haHousekeepingInterval
	Batch        int32    // haTransferBatchSize
	Idle         sim.Time // how long a caught-up connection waits for new data unless it is woken
	Fallbehind   int64    // haSlaveFallbehindMax
	SlaveTimeout sim.Time // slaveTimeout
	Window       int64    // bytes under way: the two socket buffers
	Retry        sim.Time // pause after a failed connect
	ConnectWait  sim.Time // RemotingUtil.connect
	// InSync is inSyncReplicas of 5.x, the master included: 1 waits for nobody. 0: the rules of 4.x, where
	// one report of any slave is enough and none is waited for without a slave.
	InSync int
	// NeverDegrades: with InSync above 1 a send waits even without a slave (#8715).
	NeverDegrades bool
	// TrustReports: a first report above the master's own end counts (#3015); else it closes the connection.
	TrustReports bool
	// NewestFile: an empty slave begins with the newest file (#3661); else with the oldest.
	NewestFile bool
	// EarlyTimeout: a wait ends in vain when five reports came that did not cover it (4.3, #1244).
	EarlyTimeout bool
	// CheckAhead: a second report above the master's end closes the connection (4.9.3 to 4.9.8, #3015).
	CheckAhead bool
	// PromptReport: the first report follows the connect at once instead of after a heartbeat interval (5.x).
	PromptReport bool
	// ReadIdle: the slave closes a link that brought nothing for Housekeeping (5.x).
	ReadIdle bool
}

// DefaultConfig is 4.9.8's.
func DefaultConfig() Config {
	return Config{
		Heartbeat: 5 * sim.Second, Housekeeping: 20 * sim.Second, Batch: 32 << 10, Idle: 100 * sim.Millisecond,
		Fallbehind: 256 << 20, SlaveTimeout: 3 * sim.Second,
		Window: 2 * 64 << 10, // setSendBufferSize(64K) and setReceiveBufferSize(64K) in HAConnection and HAClient
		Retry:  5 * sim.Second, ConnectWait: 5 * sim.Second, CheckAhead: true, TrustReports: true, NewestFile: true, NeverDegrades: true,
	}
}

// selectStep is the time-out of the selector in both services' loops: what they do by the clock they do
// within a second of it.
const selectStep = sim.Second

// MasterEnv is the broker as its replication service sees it.
type MasterEnv interface {
	Now() sim.Time
	// At fires Master.Timer(kind, arg) at an instant.
	At(t sim.Time, kind uint16, arg uint32)
	// Work fires Master.Timer(kind, arg) after the HA writer thread of connection arg used its CPU time.
	Work(cost sim.Time, kind uint16, arg uint32)
	Send(c *sim.Conn, m *wire.HAFrame)
	Close(c *sim.Conn)
	// Replicated ends a wait that Wait began.
	Replicated(waiter uint32, ok bool)
	Emit(kind, part, text string)
	Probe(name string)
}

// SlaveEnv is the broker as its HA client sees it.
type SlaveEnv interface {
	Now() sim.Time
	At(t sim.Time, kind uint16, arg uint32)
	Rand() *sim.Rand
	// Dial connects to the master; Slave.Connected answers.
	Dial(host string) *sim.Conn
	Send(c *sim.Conn, m *wire.HAReport)
	Close(c *sim.Conn)
	Emit(kind, part, text string)
	Probe(name string)
	Violate(invariant, detail string)
}
