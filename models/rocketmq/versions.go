package rocketmq

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/broker"
	"github.com/mqsim/mqsim/models/rocketmq/ha"
	"github.com/mqsim/mqsim/models/rocketmq/namesrv"
	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/sim"
)

// brokerRules are the rules of a version that no setting names. Defaults of the engines are 4.9.8's.
func brokerRules(c *broker.Config, r *models.Resolved) {
	five := r.AtLeast("5.0")
	// SlaveSynchronize: <= 4.4 a task each 60 s, first after 10 s; 4.5 to 4.9 each 10 s, first after 3 s; 5.x
	// looks each 3 s and runs when more than 60 s have passed since the last time, the start included
	// (BrokerController.java).
	switch {
	case five:
		c.SyncFirst, c.SyncPeriod, c.SyncLook = 60*sim.Second, 60*sim.Second, 3*sim.Second
	case !r.AtLeast("4.5"):
		c.SyncFirst, c.SyncPeriod = 10*sim.Second, 60*sim.Second
	}
	// SendMessageProcessor waited for flush and replica in its own thread until asyncSendMessage came with
	// 4.7, and for one after the other.
	if !r.AtLeast("4.7") {
		c.BlockingSends = int(r.Int(models.Broker, "sendMessageThreadPoolNums"))
	}
	// PullMessageProcessor.rejectRequest and SendMessageProcessor.rejectRequest@5.
	c.RejectOnSlave = r.Quirk("slave-rejects-pulls")
	c.BusyOnSlave = five
	// minBrokerIdInGroup stays 0 outside acting-master mode, so that a 5.x slave holds no pulls
	// (PullMessageProcessor.java@5); it would wake them otherwise.
	c.NoHoldOnSlave, c.NotifyOnSlave = five, five
	if r.Str(models.Topology, "mode") == "acting_master" {
		c.Acting, c.MaxGap = true, r.Int(models.Broker, "haMaxGapNotInSync")
		c.BusyOnSlave, c.NoHoldOnSlave = false, false
	}
	c.LoopOnSlave = r.Quirk("overflow-loop-on-slave")
	c.OlderOffsets = r.Quirk("stale-offset-sync")
}

// haRules are those of replication.
func haRules(h *ha.Config, r *models.Resolved) {
	const b = models.Broker
	h.TrustReports = r.Quirk("inflated-slave-offset")
	h.NewestFile = r.Quirk("blank-slave-newest-file")
	h.EarlyTimeout = r.Quirk("slave-timeout-early")
	// The comparison of a second report came with 4.9.3 (#3016) and is not in 5.x.
	h.CheckAhead = r.AtLeast("4.9.3") && !r.AtLeast("5.0")
	if r.Has(b, "slaveTimeout") {
		h.SlaveTimeout = r.Time(b, "slaveTimeout")
	} else {
		h.SlaveTimeout = r.Time(b, "syncFlushTimeout")
	}
	if r.Has(b, "haSlaveFallbehindMax") {
		h.Fallbehind = r.Int(b, "haSlaveFallbehindMax")
	}
	if r.AtLeast("5.0") {
		h.InSync = int(r.Int(b, "inSyncReplicas"))
		h.PromptReport, h.ReadIdle = true, true
		h.NeverDegrades = r.Quirk("sync-never-degrades")
	}
}

// storeRules are those of storage.
func storeRules(o *store.Options, r *models.Resolved) {
	const b = models.Broker
	o.FsyncErrors = !r.Quirk("fsync-error-ignored")
	// The check of the watermark by itself is in 4.7.1 to 4.9.8 (#1400); before and after the cleaning task
	// sees to it, and DISK_FULL ends at the level of forced cleaning.
	if !r.AtLeast("4.7.1") || r.AtLeast("5.0") {
		o.DiskCheck, o.DiskClear = 0, o.DiskForcibly
	}
	if r.AtLeast("5.0") {
		o.ReputFromEnd = !r.Bool(b, "recheckReputOffsetFromCq")
		o.ArriveOnSlave = true
	}
	// ReputMessageService.getReputEndOffset, CommitLog.getConfirmOffset@5.3.
	o.DispatchFlushed = r.Has(b, "readUnCommitted") && !r.Bool(b, "readUnCommitted")
	o.DispatchOnRecover = r.AtLeast("5.3.2")
	if r.AtLeast("5.3.3") {
		o.CheckpointEvery = sim.Second // DefaultMessageStore.addScheduleTask
	}
}

// namesrvRules: NamesrvController.java scans each 5 s from 5.0 on.
func namesrvRules(n *namesrv.Config, r *models.Resolved) {
	if r.AtLeast("5.0") {
		n.Scan = 5 * sim.Second
	}
}
