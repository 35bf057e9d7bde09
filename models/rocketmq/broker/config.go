package broker

import (
	"github.com/mqsim/mqsim/models/rocketmq/ha"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// ServiceName is the name of the broker's program on its host.
const ServiceName = "rocketmq"

// Role is brokerRole, the authority on what a broker is (BrokerStartup.java).
type Role uint8

// The three roles.
const (
	AsyncMaster Role = iota
	SyncMaster
	Slave
)

func (r Role) String() string { return [...]string{"ASYNC_MASTER", "SYNC_MASTER", "SLAVE"}[r] }

// Config is what a broker is configured with. All incarnations share it; an operator changes Role and
// ID between a stop and the next start, as one edits broker.conf.
type Config struct {
	Cluster string
	Name    string // brokerName: the group
	ID      int64  // brokerId; a master role forces 0
	Role    Role
	Host    string // this broker's address

	Namesrv []*sim.Host
	Pool    *wire.Pool
	Store   StoreConfig
	HA      ha.Config

	// MasterHost is haMasterAddress: "" leaves it to the NameServers.
	MasterHost string

	RegisterFirst  sim.Time // delay of the first periodic registration
	RegisterPeriod sim.Time // registerNameServerPeriod
	RegisterWait   sim.Time // registerBrokerTimeoutMills
	SyncFirst      sim.Time // first metadata sync of a slave
	SyncPeriod     sim.Time // P_meta
	SyncLook       sim.Time // 5.x: how often it looks whether the period is over, which it overshoots by that; 0: not at all
	// OlderOffsets: a slave takes the master's consumer offsets also where its own are larger (#1094).
	OlderOffsets bool

	SendCapacity  int      // sendThreadPoolQueueCapacity
	SendQueueWait sim.Time // waitTimeMillsInSendQueue
	PageCacheBusy sim.Time // osPageCacheBusyTimeOutMills
	FastFailure   bool     // brokerFastFailureEnable
	// BlockingSends: so many sends wait for flush and slave at a time, as each holds a thread of the pool
	// (sendMessageThreadPoolNums before 4.7); 0: any number.
	BlockingSends int
	// BusyOnSlave: a send to a slave is refused with SYSTEM_BUSY instead of SERVICE_NOT_AVAILABLE (5.x).
	BusyOnSlave bool

	LongPolling     bool     // longPollingEnable
	ShortPolling    sim.Time // shortPollingTimeMills
	HoldCheck       sim.Time // PullRequestHoldService with long polling
	SlaveReadEnable bool
	CheckInSlave    bool // offsetCheckInSlave
	// NotifyOnSlave: arrivals wake held pulls on a slave too (5.x); 4.x re-checks every HoldCheck.
	NotifyOnSlave bool
	// RejectOnSlave: a slave with slaveReadEnable=false refuses every pull (5.x).
	RejectOnSlave bool
	// NoHoldOnSlave: a slave answers a pull that finds nothing with PULL_RETRY_IMMEDIATELY (5.x).
	NoHoldOnSlave bool
	// LoopOnSlave: so it does, in every version, with a pull from beyond its end (alibaba/rocketmq#395).
	LoopOnSlave bool

	AutoCreateTopic  bool  // autoCreateTopicEnable
	TopicQueueNums   int32 // defaultTopicQueueNums
	OffsetFlush      sim.Time
	OffsetFlushFirst sim.Time // first persistence of consumer offsets
	DelayFlush       sim.Time // flushDelayOffsetInterval
	DelayLevels      []sim.Time
	ClientExpiry     sim.Time // CHANNEL_EXPIRED_TIMEOUT
	ClientScan       sim.Time
	ConnIdle         sim.Time // serverChannelMaxIdleTimeSeconds
	LockExpiry       sim.Time // REBALANCE_LOCK_MAX_LIVE_TIME
	RetryMax         int32    // retryMaxTimes
	Respawn          sim.Time // pause of the supervisor before it starts an ended broker again; 0: none

	// Acting is enableSlaveActingMaster (5.x), MaxGap haMaxGapNotInSync.
	Acting bool
	MaxGap int64
	// Ledger, if set, makes the broker a member of a DLedger group, which decides Role and ID.
	Ledger *LedgerConfig

	lastRole Role // of the last incarnation
	booted   bool
	// SyncFailed: some incarnation's fsync failed.
	SyncFailed bool
}

// DefaultConfig is 4.9.8's for a broker on a host.
func DefaultConfig(name string, id int64, role Role, host string, namesrv []*sim.Host, pool *wire.Pool) Config {
	return Config{
		Cluster: "DefaultCluster", Name: name, ID: id, Role: role, Host: host, Namesrv: namesrv, Pool: pool,
		Store: DefaultStore(), HA: ha.DefaultConfig(),
		RegisterFirst: 10 * sim.Second, RegisterPeriod: 30 * sim.Second, RegisterWait: 6 * sim.Second,
		SyncFirst: 3 * sim.Second, SyncPeriod: 10 * sim.Second,
		SendCapacity: 10000, SendQueueWait: 200 * sim.Millisecond, PageCacheBusy: sim.Second, FastFailure: true,
		OlderOffsets: true, LoopOnSlave: true, LongPolling: true, ShortPolling: sim.Second, HoldCheck: 5 * sim.Second,
		AutoCreateTopic: true, TopicQueueNums: 8,
		OffsetFlush: 5 * sim.Second, OffsetFlushFirst: 10 * sim.Second, DelayFlush: 10 * sim.Second,
		DelayLevels:  defaultDelays(),
		ClientExpiry: 120 * sim.Second, ClientScan: 10 * sim.Second, ConnIdle: 120 * sim.Second,
		LockExpiry: 60 * sim.Second, RetryMax: 16, Respawn: 2 * sim.Second,
	}
}

// defaultDelays is messageDelayLevel.
func defaultDelays() []sim.Time {
	const s, m, h = sim.Second, sim.Minute, sim.Hour
	return []sim.Time{1 * s, 5 * s, 10 * s, 30 * s, 1 * m, 2 * m, 3 * m, 4 * m, 5 * m, 6 * m, 7 * m, 8 * m, 9 * m,
		10 * m, 20 * m, 30 * m, 1 * h, 2 * h}
}

// isMaster says whether this broker takes messages.
func (c *Config) isMaster() bool { return c.Role != Slave }
