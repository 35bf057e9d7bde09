package broker

import (
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// What LogManager does in a broker: it loads the log directories, and its scheduler looks after
// retention, flush.ms, checkpoints and deleted files.

// logTag marks the completions of syncs: directory i has the tag (i+1) << 24.
const logTag = 1 << 24

// laneShare is the first lane of the threads that load logs beside the first of them.
const laneShare = 256

// producerCheck is how often silent producers are looked for
// (LogManager.ProducerIdExpirationCheckIntervalMs, later producer.id.expiration.check.interval.ms).
const producerCheck = 10 * sim.Minute

// neverMillis is a period that no run reaches.
const neverMillis = sim.Time(1) << 62

// openDirs opens the log directory on each disk, then lets num.recovery.threads.per.data.dir threads of
// each load its logs. A directory that cannot be opened is offline from the start; with none left the
// broker ends (LogManager.createAndValidateLogDirs).
func (b *Broker) openDirs() {
	path := b.cfg.LogDir
	if path == "" {
		path = LogDir
	}
	var dirs []*log.Dir
	for i := range b.p.Host.Disks {
		opt := b.cfg.LogOptions
		opt.OnFail = func(err error) { b.dirFailed(i, err) }
		if b.cfg.KRaft != nil {
			opt.BrokerEpoch = func() int64 { return b.epoch }
		}
		opt.Wake = func(d sim.Time) { b.p.After(d, timerDeleted, uint32(i)) }
		d, _ := log.OpenDir(b.p.FS(i), path, uint32(i+1)*logTag, opt)
		dirs = append(dirs, d)
	}
	b.logs = log.NewManager(dirs)
	if b.logs.Live() == 0 {
		b.halt("no log directory can be opened: " + dirs[0].Offline().Error())
		return
	}
	threads := max(b.cfg.RecoveryThreads, 1)
	b.loadingShares = len(dirs) * threads
	for i := range b.loadingShares {
		lane := laneLoad
		if i > 0 {
			lane = laneShare + i
		}
		b.p.Work(lane, 0, timerShare, uint32(i))
	}
}

// loadShare opens one thread's logs of a directory, one after another. After an unclean stop that reads
// and checks everything behind the recovery points.
func (b *Broker) loadShare(share int) {
	threads := max(b.cfg.RecoveryThreads, 1)
	dir := b.logs.Dirs()[share/threads]
	scanned := int64(0)
	if dir.Offline() == nil {
		for i, name := range dir.Partitions() {
			if i%threads != share%threads {
				continue
			}
			r, ok := b.loadLog(dir, name)
			if scanned += r.Scanned; !ok {
				break
			}
		}
	}
	if !b.p.Alive() {
		return
	}
	b.p.Charge(sim.Time(scanned) * costCheckKiB / 1024)
	lane := laneLoad
	if share > 0 {
		lane = laneShare + share
	}
	b.p.Work(lane, 0, timerLoaded, 0)
}

func (b *Broker) loadLog(dir *log.Dir, name string) (log.Recovery, bool) {
	topic, partition, ok := log.SplitPartitionDir(name)
	if !ok {
		return log.Recovery{}, true
	}
	_, r, err := dir.Open(topic, partition, b.cfg.Replica.Topic(topic).Log, b.p.Wall())
	if err != nil {
		return r, false
	}
	if r.Cut > 0 {
		b.p.Emit("log-cut", name, strconv.FormatInt(r.Cut, 10)+" bytes behind the last whole batch, at offset "+
			strconv.FormatInt(r.Offsets, 10))
	}
	return r, true
}

// sharesLoaded says whether that was the last thread; the directories are loaded then.
func (b *Broker) sharesLoaded() bool {
	b.loadingShares--
	if b.loadingShares > 0 {
		return false
	}
	for _, d := range b.logs.Dirs() {
		if d.Offline() == nil {
			d.Loaded()
			_ = d.DropCleanMarker()
		}
	}
	return b.p.Alive()
}

// startLogs arms the scheduler of LogManager.startup. A broker begins 30 s after its start
// (InitialTaskDelayMs); here each task has a phase of its own, as all periodic work of a run.
func (b *Broker) startLogs() {
	b.p.Every(b.cfg.RetentionCheck, timerRetention, 0)
	b.p.Every(producerCheck, timerProducers, 0)
	if b.cfg.CleanerBackoff > 0 {
		b.p.After(b.p.Rand("phase").Range(1, b.cfg.CleanerBackoff), timerCleanSoon, 0)
	}
	if b.cfg.FlushCheck < neverMillis {
		b.p.Every(b.cfg.FlushCheck, timerFlush, 0)
	}
}

// logTimer handles the timers of the log manager.
func (b *Broker) logTimer(kind uint16, arg uint32) {
	switch kind {
	case timerRetention:
		if b.logs.CleanupLogs(b.p.Wall()) > 0 {
			b.p.Probe("kafka-retention")
		}
	case timerProducers:
		b.logs.ExpireProducers(b.p.Wall())
	case timerFlush:
		b.logs.FlushDirty()
	case timerDeleted:
		_ = b.logs.Dirs()[arg].Tick()
	case timerCleanSoon:
		b.p.Work(laneCleaner, 0, timerClean, 0)
	case timerClean:
		b.clean()
	case timerDirFailed:
		b.handleDirFailure(int(arg))
	}
}

// dirFailed is told by a directory what its disk answered. The handler runs beside the request that met
// the error (ReplicaManager.LogDirFailureHandler), except that the last directory ends the process at
// once: nothing could be answered in between that a client would believe.
func (b *Broker) dirFailed(i int, err error) {
	for j, d := range b.dirs() {
		if j != i && d.Offline() == nil && !b.cfg.HaltOnDirError {
			b.p.Emit("log-dir-failed", "", "disk "+strconv.Itoa(i)+": "+err.Error())
			b.p.After(0, timerDirFailed, uint32(i))
			return
		}
	}
	if len(b.dirs()) > 0 || len(b.p.Host.Disks) == 1 {
		b.halt("log directory failed: " + err.Error())
	}
}

// dirs are the directories, none before all of them were opened.
func (b *Broker) dirs() []*log.Dir {
	if b.logs == nil {
		return nil
	}
	return b.logs.Dirs()
}

// handleDirFailure takes the partitions of a directory offline and tells the controller
// (ReplicaManager.handleLogDirFailure).
func (b *Broker) handleDirFailure(i int) {
	if b.rm == nil {
		return
	}
	b.rm.DirFailed(b.logs.Dirs()[i])
	b.co.dirFailed()
}

// announceDirFailure writes a sequential node whose creation tells the controller that some log
// directory of this broker failed (KafkaZkClient.propagateLogDirEvent). Which replicas were in it, the
// controller learns from the answers to the LeaderAndIsr that it sends then.
func (b *Broker) announceDirFailure() {
	data := []byte(`{"version":1,"broker":` + itoa(b.cfg.ID) + `,"event":1}`)
	b.zk.Retry(zk.CreateRequest(controller.LogDirEventPath, data, zk.PersistentSequential), func(zk.Response) {})
}

// clean is a round of the log cleaner. After one that found nothing it waits for log.cleaner.backoff.ms.
func (b *Broker) clean() {
	c, err := b.logs.Clean(b.cfg.Cleaner, b.p.Wall())
	if err != nil || !b.p.Alive() {
		return
	}
	b.p.Charge(sim.Time(c.Read) * costCheckKiB / 1024)
	if c.Log == nil {
		b.p.After(b.cfg.CleanerBackoff, timerCleanSoon, 0)
		return
	}
	b.p.Probe("kafka-compaction")
	b.p.Work(laneCleaner, 0, timerClean, 0)
}
