package replica

import (
	"errors"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Manager is the replica manager of one incarnation of a broker.
type Manager struct {
	cfg   Config
	env   Env
	dir   Logs
	stats *Stats

	parts map[wire.TopicPartition]*Partition
	order []*Partition // in order of creation
	// recent is a small cache in front of parts: most requests are about few partitions.
	recent [recentParts]*Partition

	controllerEpoch int32
	leaving         bool // a shutdown has begun
	stopping        bool // and is past its controlled part
	ticking         bool

	// answers to the controller about the ISR
	unsent    []proposal
	altering  bool
	proposals uint32

	// produce purgatory: a list in order of deadline
	first, last  *delayed
	freeDelayed  []*delayed
	produceArmed bool
	produceAt    sim.Time

	// fetch sessions and those to look at again when the present input is done
	sessions []*session
	byID     []*session // session id-1; nil: over
	woken    []*session
	inFlush  bool
	fetchers []*fetcher
}

// Logs is where replicas are: one log directory, or the log manager over several.
type Logs interface {
	// Log is a partition's log, nil if there is none in a directory that works.
	Log(topic string, partition int32) *log.Log
	Open(topic string, partition int32, opt log.Options, now int64) (*log.Log, log.Recovery, error)
	CheckpointHighWatermarks() error
	// SomeOffline says whether a directory failed since the start.
	SomeOffline() bool
}

// NewManager makes a replica manager over loaded logs. stats is shared by the cluster.
func NewManager(cfg Config, env Env, dir Logs, stats *Stats) *Manager {
	return &Manager{
		cfg: cfg, env: env, dir: dir, stats: stats, controllerEpoch: -1,
		parts: map[wire.TopicPartition]*Partition{},
	}
}

// Partition returns a replica of this broker, nil if it has none.
func (m *Manager) Partition(tp wire.TopicPartition) *Partition { return m.find(tp) }

// recentParts is a power of two.
const recentParts = 16

// recentSlot spreads partitions of few topics over the caches in front of maps.
func recentSlot(tp *wire.TopicPartition) uint32 {
	return uint32(tp.Partition) + uint32(len(tp.Topic))
}

// find is a lookup in parts. Names that are the same
// string compare by address, so that a hit costs next to nothing.
func (m *Manager) find(tp wire.TopicPartition) *Partition {
	slot := &m.recent[recentSlot(&tp)%recentParts]
	if p := *slot; p != nil && p.TP == tp {
		return p
	}
	p := m.parts[tp]
	if p != nil {
		*slot = p
	}
	return p
}

// Partitions are the broker's replicas in order of creation.
func (m *Manager) Partitions() []*Partition { return m.order }

// Start arms the periodic ISR check (ReplicaManager.startup), see Config.ShrinkEvery. phase is the delay to the first, drawn by the caller.
func (m *Manager) Start(phase sim.Time) { m.env.After(phase, timerShrink, 0) }

// Leave begins a shutdown: leaderships will move away, and what follows from now on is not fetched any more
// (ReplicaManager.makeFollowers, isShuttingDown).
func (m *Manager) Leave() { m.leaving = true }

// Stop ends fetching and ISR changes, the first step of a shutdown (ReplicaManager.shutdown).
func (m *Manager) Stop() {
	m.leaving, m.stopping = true, true
	for _, f := range m.fetchers {
		for len(f.parts) > 0 {
			m.unfetch(f.parts[0])
		}
	}
}

func (m *Manager) partition(tp wire.TopicPartition) *Partition {
	p := m.parts[tp]
	if p == nil {
		p = newPartition(m, tp)
		m.parts[tp] = p
		m.order = append(m.order, p)
	}
	return p
}

// LeaderAndIsr applies what the controller decided (ReplicaManager.becomeLeaderOrFollower).
func (m *Manager) LeaderAndIsr(req *wire.LeaderAndIsrRequest) *wire.LeaderAndIsrResponse {
	resp := &wire.LeaderAndIsrResponse{RespHeader: wire.RespHeader{Corr: req.Corr}}
	if !m.Obeys(req.ControllerEpoch) {
		resp.Err = wire.StaleControllerEpoch
		return resp
	}
	resp.Parts = make([]wire.PartError, len(req.Parts))
	for i := range req.Parts {
		st := &req.Parts[i]
		resp.Parts[i] = wire.PartError{TopicPartition: st.TopicPartition, Err: m.apply(st)}
	}
	if !m.ticking {
		// startHighWatermarkCheckPointThread: with the first LeaderAndIsr.
		m.ticking = true
		m.env.After(m.cfg.HWCheckpoint, timerHW, 0)
	}
	m.runFetchers()
	m.flush()
	return resp
}

// Obeys says whether a controller's epoch is not older than one seen before, and remembers it.
func (m *Manager) Obeys(epoch int32) bool {
	if epoch < m.controllerEpoch {
		m.env.Probe("kafka-stale-controller-epoch")
		return false
	}
	m.controllerEpoch = epoch
	return true
}

// apply handles one partition of a LeaderAndIsr. An epoch that is not newer is ignored, in ZooKeeper
// mode also an equal one.
func (m *Manager) apply(st *wire.PartitionState) wire.Error {
	if !contains(st.Replicas, m.cfg.Broker) {
		return wire.UnknownTopicOrPartition
	}
	p := m.partition(st.TopicPartition)
	if p.offline || p.Log == nil && !st.IsNew && m.dir.SomeOffline() && m.dir.Log(st.Topic, st.Partition) == nil {
		return wire.KafkaStorageError
	}
	if st.LeaderEpoch <= p.leaderEpoch {
		return wire.StaleControllerEpoch
	}
	var err error
	if st.Leader == m.cfg.Broker {
		err = m.lead(p, st)
	} else {
		err = m.follow(p, st)
	}
	if err != nil {
		m.failed(err)
		return wire.KafkaStorageError
	}
	return wire.None
}

func (m *Manager) lead(p *Partition, st *wire.PartitionState) error {
	m.unfetch(p)
	if err := p.becomeLeader(st); err != nil {
		return err
	}
	m.stats.leads(p, m.cfg.Broker)
	m.stats.ISR(p.TP, p.leaderEpoch, p.partitionEpoch, p.isr)
	m.env.Led(p.TP, p.leaderEpoch, true)
	return nil
}

// follow is ReplicaManager.makeFollowers: a leader that the metadata cache does not know as live is
// not followed; the replica keeps its role.
func (m *Manager) follow(p *Partition, st *wire.PartitionState) error {
	if !m.env.Alive(st.Leader) {
		m.env.Probe("kafka-leader-not-alive")
		if m.cfg.Rules.HWNotSaved {
			return nil // KAFKA-1647: the replica is not even opened, so no checkpoint has it
		}
		return p.openLog()
	}
	was := p.Leads()
	same := p.role == roleFollower && p.leader == st.Leader && p.fetch.f != nil
	fresh, err := p.becomeFollower(st)
	if err != nil {
		return err
	}
	if was || fresh {
		m.env.Led(p.TP, p.leaderEpoch, false)
	}
	if same && m.cfg.Rules.SkipSameLeader {
		// KAFKA-7164: Partition.makeFollower reports no change, the fetcher goes on where it is.
		m.env.Probe("kafka-truncation-skipped")
		p.fetch.epoch = p.leaderEpoch
		return nil
	}
	m.unfetch(p)
	if m.leaving {
		return nil
	}
	return m.fetchFrom(p, st.Leader)
}

// StopReplica is ReplicaManager.stopReplicas.
func (m *Manager) StopReplica(req *wire.StopReplicaRequest) *wire.StopReplicaResponse {
	resp := &wire.StopReplicaResponse{RespHeader: wire.RespHeader{Corr: req.Corr}}
	if !m.Obeys(req.ControllerEpoch) {
		resp.Err = wire.StaleControllerEpoch
		return resp
	}
	for i := range req.Parts {
		s := &req.Parts[i]
		e := wire.None
		p := m.find(s.TopicPartition)
		switch {
		case p == nil:
		case p.offline:
			e = wire.KafkaStorageError
		default:
			if s.LeaderEpoch < p.leaderEpoch {
				e = wire.FencedLeaderEpoch
			} else {
				m.unfetch(p)
				m.failWaiters(p, wire.NotLeaderOrFollower)
				p.fenceSessions(true)
				if s.Delete {
					m.remove(p)
				}
			}
		}
		resp.Parts = append(resp.Parts, wire.PartError{TopicPartition: s.TopicPartition, Err: e})
	}
	m.runFetchers()
	m.flush()
	return resp
}

// remove deletes a replica with its log (ReplicaManager.stopPartitions, LogManager.asyncDelete).
func (m *Manager) remove(p *Partition) {
	delete(m.parts, p.TP)
	m.order = drop(m.order, p)
	m.recent[recentSlot(&p.TP)%recentParts] = nil
	for len(p.subs) > 0 {
		f := p.subs[0]
		f.session.unlink(f)
		f.heat()
		m.wake(f.session)
	}
	p.role = roleNone
	p.ledger.setEnd(m.cfg.Broker, -1)
	if p.Log != nil {
		if err := p.Log.Dir().Delete(p.Log, "reassigned"); err != nil {
			m.failed(err)
		}
	}
	m.env.Emit("replica-deleted", p.name, "it is not assigned to this broker any more")
}

// Reconfigure takes over changed settings of topics (LogManager.updateTopicConfig). What waits is looked at
// again when something else happens to it.
func (m *Manager) Reconfigure() {
	for _, p := range m.order {
		p.cfg = m.cfg.Topic(p.TP.Topic)
		if p.Log != nil {
			*p.Log.Options() = p.cfg.Log
		}
	}
}

// ListOffsets is KafkaApis.handleListOffsetRequest: consumers ask leaders only, and get no latest
// offset before the high watermark has reached the start of this leadership (KIP-207).
func (m *Manager) ListOffsets(req *wire.ListOffsetsRequest) *wire.ListOffsetsResponse {
	resp := &wire.ListOffsetsResponse{RespHeader: wire.RespHeader{Corr: req.Corr}}
	resp.Parts = make([]wire.ListOffsetsResult, len(req.Parts))
	for i := range req.Parts {
		q := &req.Parts[i]
		r := &resp.Parts[i]
		*r = wire.ListOffsetsResult{TopicPartition: q.TopicPartition, Timestamp: -1, Offset: -1, LeaderEpoch: -1}
		p, e := m.leading(q.TopicPartition, q.CurrentLeaderEpoch)
		if e != wire.None {
			r.Err = e
			continue
		}
		m.offsetAt(p, q.Timestamp, req.Replica, r)
	}
	return resp
}

func (m *Manager) offsetAt(p *Partition, ts int64, replica int32, r *wire.ListOffsetsResult) {
	limit := p.hw
	if replica >= 0 {
		limit = p.LEO()
	}
	r.LeaderEpoch = p.leaderEpoch
	switch ts {
	case wire.EarliestTimestamp:
		r.Offset = p.Log.Start()
	case wire.LatestTimestamp:
		if replica < 0 && p.hw < p.epochStart && !m.cfg.Rules.LatestAtOnce {
			r.Err, r.LeaderEpoch = wire.OffsetNotAvailable, -1
			return
		}
		r.Offset = limit
	default:
		off, at, ok, err := p.Log.OffsetForTime(ts)
		if err != nil {
			m.failed(err)
			r.Err = wire.KafkaStorageError
			return
		}
		if !ok {
			return
		}
		if off >= limit {
			if replica < 0 && p.hw < p.epochStart && !m.cfg.Rules.LatestAtOnce {
				r.Err = wire.OffsetNotAvailable
			}
			return
		}
		r.Offset, r.Timestamp = off, at
	}
}

// missing is the error about a partition of which this broker has no replica: it may exist elsewhere
// (ReplicaManager.getPartitionOrError).
func (m *Manager) missing(tp wire.TopicPartition) wire.Error {
	if leader, _ := m.env.Leader(tp); leader >= 0 && leader != m.cfg.Broker {
		return wire.NotLeaderOrFollower
	}
	return wire.UnknownTopicOrPartition
}

// leading finds a partition that this broker leads at the asker's epoch.
func (m *Manager) leading(tp wire.TopicPartition, epoch int32) (*Partition, wire.Error) {
	p := m.find(tp)
	if p == nil {
		return nil, wire.UnknownTopicOrPartition
	}
	if p.offline {
		return nil, wire.KafkaStorageError
	}
	if e := p.checkEpoch(epoch); e != wire.None {
		return nil, e
	}
	if !p.Leads() {
		return nil, wire.NotLeaderOrFollower
	}
	return p, wire.None
}

// OffsetsForLeaderEpoch is ReplicaManager.lastOffsetForLeaderEpoch.
func (m *Manager) OffsetsForLeaderEpoch(req *wire.OffsetsForLeaderEpochRequest) *wire.OffsetsForLeaderEpochResponse {
	resp := &wire.OffsetsForLeaderEpochResponse{RespHeader: wire.RespHeader{Corr: req.Corr}}
	resp.Parts = make([]wire.EpochResult, len(req.Parts))
	for i := range req.Parts {
		q := &req.Parts[i]
		r := &resp.Parts[i]
		*r = wire.EpochResult{TopicPartition: q.TopicPartition, LeaderEpoch: -1, EndOffset: -1}
		p, e := m.leading(q.TopicPartition, q.CurrentLeaderEpoch)
		if r.Err = e; e == wire.None {
			r.LeaderEpoch, r.EndOffset = p.endOfEpoch(q.LeaderEpoch)
		}
	}
	return resp
}

// Timer is a timer that Env.After armed.
func (m *Manager) Timer(kind uint16, arg uint32) {
	switch kind {
	case timerProduce:
		m.expireProduce()
	case timerFetch:
		m.expireFetch(arg)
	case timerFetcher:
		f := m.fetchers[arg]
		f.armed = false
		f.run()
	case timerShrink:
		m.env.After(m.cfg.ShrinkEvery(), timerShrink, 0)
		now := m.env.Now()
		for _, p := range m.order {
			p.maybeShrink(now)
		}
	case timerHW:
		m.env.After(m.cfg.HWCheckpoint, timerHW, 0)
		m.CheckpointHW()
	case timerAlterISR:
		m.sendAlter()
	}
	m.flush()
}

// CheckpointHW writes replication-offset-checkpoint, every 5 s. A file that would get the same bytes
// is left alone.
func (m *Manager) CheckpointHW() {
	changed := m.cfg.Rules.HWNotSaved // what was left out drops from the file
	for _, p := range m.order {
		if p.Log != nil && p.hw != p.hwSaved {
			p.hwSaved, changed = p.hw, true
		}
	}
	if !changed {
		return
	}
	if err := m.dir.CheckpointHighWatermarks(); err != nil {
		m.failed(err)
	}
}

// failed is told that a log refused. After an I/O error its directory is offline and has told so; what
// follows is in DirFailed. Anything else would be an error of the engine.
func (m *Manager) failed(err error) {
	if !errors.Is(err, log.ErrStorage) {
		m.env.Halt("log error: " + err.Error())
	}
}

// DirFailed takes the partitions of a log directory offline, for as long as the broker lives
// (ReplicaManager.handleLogDirFailure): they are not fetched any more, and every request about them is
// answered KAFKA_STORAGE_ERROR. Requests that wait for replication are not told; they time out.
func (m *Manager) DirFailed(d *log.Dir) {
	for _, p := range m.order {
		if p.Log != nil && p.Log.Dir() == d && !p.offline {
			m.unfetch(p)
			p.offline = true
			p.role, p.isr, p.change = roleNone, nil, isrChange{}
			p.fenceSessions(false)
			m.env.Emit("replica-offline", p.name, "its log directory failed")
		}
	}
	m.runFetchers()
	m.flush()
}
