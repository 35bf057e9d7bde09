package rocketmq

import (
	"strconv"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/broker"
	"github.com/mqsim/mqsim/models/rocketmq/profile"
	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/sim"
)

// masterRole is brokerRole of a host that is no slave.
func masterRole(r *models.Resolved) broker.Role { return roleNamed(r.Str(models.Broker, "brokerRole")) }

func roleNamed(word string) broker.Role {
	switch word {
	case "SYNC_MASTER":
		return broker.SyncMaster
	case "SLAVE":
		return broker.Slave
	}
	return broker.AsyncMaster
}

// brokerConfig turns the settings of a host into what its broker is started with.
func (c *Cluster) brokerConfig(s *server, role broker.Role) *broker.Config {
	const b = models.Broker
	r := s.set
	conf := broker.DefaultConfig(c.names[s.group], int64(s.id), role, s.host.Name, c.namesrv, c.clients.Pool)
	conf.RegisterPeriod = r.Time(b, "registerNameServerPeriod")
	conf.RegisterWait = r.Time(b, "registerBrokerTimeoutMills")
	conf.SendCapacity = int(r.Int(b, "sendThreadPoolQueueCapacity"))
	conf.SendQueueWait = r.Time(b, "waitTimeMillsInSendQueue")
	conf.PageCacheBusy = r.Time(b, "osPageCacheBusyTimeOutMills")
	conf.FastFailure = r.Bool(b, "brokerFastFailureEnable")
	conf.MasterHost = r.Str(b, "haMasterAddress")
	conf.ShortPolling = r.Time(b, "shortPollingTimeMills")
	conf.DelayLevels, _ = profile.DelayLevels(r.Str(b, "messageDelayLevel"))
	conf.LongPolling = r.Bool(b, "longPollingEnable")
	conf.SlaveReadEnable = r.Bool(b, "slaveReadEnable")
	conf.CheckInSlave = r.Bool(b, "offsetCheckInSlave")
	conf.AutoCreateTopic = r.Bool(b, "autoCreateTopicEnable")
	conf.TopicQueueNums = int32(r.Int(b, "defaultTopicQueueNums"))
	conf.OffsetFlush = r.Time(b, "flushConsumerOffsetInterval")
	conf.DelayFlush = r.Time(b, "flushDelayOffsetInterval")
	conf.LockExpiry = r.Time(b, "rebalanceLockMaxLiveTime")

	h := &conf.HA
	h.Heartbeat = r.Time(b, "haSendHeartbeatInterval")
	h.Housekeeping = r.Time(b, "haHousekeepingInterval")
	h.Batch = int32(r.Int(b, "haTransferBatchSize"))
	haRules(h, r)
	storeConfig(&conf.Store, r)
	storeRules(&conf.Store, r)
	brokerRules(&conf, r)
	c.ledgerConfig(&conf, s)
	if s.host.Spec.Memory > 0 {
		conf.Store.Memory = s.host.Spec.Memory
	}
	return &conf
}

func storeConfig(o *store.Options, r *models.Resolved) {
	const b = models.Broker
	o.FileSize = r.Int(b, "mappedFileSizeCommitLog")
	o.QueueFileSize = (r.Int(b, "mappedFileSizeConsumeQueue") + store.EntrySize - 1) / store.EntrySize * store.EntrySize
	o.MaxMessageSize = int(r.Int(b, "maxMessageSize"))
	o.FlushDisk = store.AsyncFlush
	if r.Str(b, "flushDiskType") == "SYNC_FLUSH" {
		o.FlushDisk = store.SyncFlush
	}
	o.SyncFlushTO = r.Time(b, "syncFlushTimeout")
	o.FlushInterval = r.Time(b, "flushIntervalCommitLog")
	o.FlushPages = r.Int(b, "flushCommitLogLeastPages")
	o.FlushThorough = r.Time(b, "flushCommitLogThoroughInterval")
	o.FlushTimed = r.Bool(b, "flushCommitLogTimed")
	o.QueueInterval = r.Time(b, "flushIntervalConsumeQueue")
	o.QueuePages = r.Int(b, "flushConsumeQueueLeastPages")
	o.QueueThorough = r.Time(b, "flushConsumeQueueThoroughInterval")
	o.CheckCRC = r.Bool(b, "checkCRCOnRecover")
	o.PoolEnable = r.Bool(b, "transientStorePoolEnable")
	o.PoolSize = int(r.Int(b, "transientStorePoolSize"))
	o.CommitTime = r.Time(b, "commitIntervalCommitLog")
	o.CommitPages = r.Int(b, "commitCommitLogLeastPages")
	o.CommitThorough = r.Time(b, "commitCommitLogThoroughInterval")
	o.MaxCount, o.MaxBytes = int(r.Int(b, "maxTransferCountOnMessageInMemory")), r.Int(b, "maxTransferBytesOnMessageInMemory")
	o.MaxCountDisk, o.MaxBytesDisk = int(r.Int(b, "maxTransferCountOnMessageInDisk")), r.Int(b, "maxTransferBytesOnMessageInDisk")
	o.DeleteInterval = r.Time(b, "deleteCommitLogFilesInterval")
	o.IndexEnable = r.Bool(b, "messageIndexEnable")
	o.IndexSlots, o.IndexEntries = r.Int(b, "maxHashSlotNum"), r.Int(b, "maxIndexNum")
	o.MemoryRatio = r.Int(b, "accessMessageInMemoryMaxRatio")
	o.DiskMaxUsed = int(r.Int(b, "diskMaxUsedSpaceRatio"))
	o.DiskWarning = int(r.Int(b, "diskSpaceWarningLevelRatio"))
	o.DiskForcibly = int(r.Int(b, "diskSpaceCleanForciblyRatio"))
	o.DiskClear = o.DiskWarning
	o.CleanInterval = r.Time(b, "cleanResourceInterval")
	o.CleanForcibly = r.Bool(b, "cleanFileForciblyEnable")
	o.FileReserved = sim.Time(r.Int(b, "fileReservedTime")) * sim.Hour
	if hour, err := strconv.Atoi(r.Str(b, "deleteWhen")); err == nil {
		o.DeleteWhen = hour
	}
}
