package replica

import (
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

type role uint8

const (
	roleNone role = iota // known, no LeaderAndIsr applied yet
	roleLeader
	roleFollower
)

// never is before any instant of a run: "not caught up since the world began".
const never = sim.Time(-1 << 60)

// unknownOffset is UnifiedLog.UnknownOffset: a new leader knows nothing of its followers.
const unknownOffset = -1

// Partition is one replica on this broker (Partition.scala).
type Partition struct {
	TP  wire.TopicPartition
	Log *log.Log

	m    *Manager
	name string // t0-2, as people write it
	cfg  TopicConfig

	role            role
	leader          int32 // -1: none known
	leaderEpoch     int32
	partitionEpoch  int32 // version of the state znode
	controllerEpoch int32 // of the controller that last told this replica its role
	epochStart      int64 // LEO when this leadership began
	replicas        []int32
	isr             []int32 // committed; empty on a follower
	remotes         []remote
	hw              int64
	recovering      bool
	offline         bool // its log directory failed (HostedPartition.Offline)
	change          isrChange
	stalled         bool // acks wait, the ISR is below min.insync.replicas

	waiters      []waiter // acks=all requests that wait for the high watermark
	spareWaiters []waiter
	subs         []*fetched // fetch sessions that contain this partition
	ledger       *ledger
	hwSaved      int64

	fetch fetchState // follower side
}

// remote is what a leader knows about one follower (Replica.scala).
type remote struct {
	id           int32
	leo          int64
	lastFetchLEO int64 // leader's LEO at the last fetch
	lastFetch    sim.Time
	lastCaughtUp sim.Time
	entry        *fetched // in the follower's fetch session, nil before its first fetch
}

func newPartition(m *Manager, tp wire.TopicPartition) *Partition {
	return &Partition{
		TP: tp, m: m, name: tp.Topic + "-" + strconv.Itoa(int(tp.Partition)), cfg: m.cfg.Topic(tp.Topic),
		leader: -1, leaderEpoch: -1, partitionEpoch: -1, hwSaved: -1, ledger: m.stats.ledger(tp),
	}
}

// HW is the high watermark: the first offset that consumers may not read.
func (p *Partition) HW() int64 { return p.hw }

// LEO is the offset that the next record will get.
func (p *Partition) LEO() int64 { return p.Log.End() }

// Offline says that the replica is in a log directory that failed.
func (p *Partition) Offline() bool { return p.offline }

// Leads says whether this broker believes that it leads the partition.
func (p *Partition) Leads() bool { return p.role == roleLeader }

// Leader is the broker that leads as far as this replica knows, -1 for none.
func (p *Partition) Leader() int32 { return p.leader }

// LeaderEpoch is the epoch of the leadership that this replica knows.
func (p *Partition) LeaderEpoch() int32 { return p.leaderEpoch }

// ControllerEpoch is the epoch of the controller that last gave this replica its role.
func (p *Partition) ControllerEpoch() int32 { return p.controllerEpoch }

// ISR is the committed in-sync set on a leader.
func (p *Partition) ISR() []int32 { return p.isr }

// Replicas is the assignment, preferred leader first.
func (p *Partition) Replicas() []int32 { return p.replicas }

// openLog makes the log on first use and sets the high watermark that a checkpoint remembers,
// bounded to what the log has (Partition.createLog, UnifiedLog.initializeLeaderEpochCache).
func (p *Partition) openLog() error {
	if p.Log != nil {
		return nil
	}
	l := p.m.dir.Log(p.TP.Topic, p.TP.Partition)
	if l == nil {
		var err error
		if l, _, err = p.m.dir.Open(p.TP.Topic, p.TP.Partition, p.cfg.Log, p.m.env.Wall()); err != nil {
			return err
		}
	}
	l.Hold()
	p.Log = l
	p.ledger.setEnd(p.m.cfg.Broker, l.End())
	p.hw = l.HighWatermark()
	return nil
}

// effectiveMinISR is min(min.insync.replicas, replication factor) since 3.7 (Partition.effectiveMinIsr).
func (p *Partition) effectiveMinISR() int {
	if p.m.cfg.Rules.MinISRUncapped {
		return p.cfg.MinISR
	}
	return min(p.cfg.MinISR, len(p.replicas))
}

// maximalISR says whether a replica is in the committed ISR or in an expansion that waits for the
// controller; a pending shrink does not count until it is committed (KIP-497).
func (p *Partition) maximalISR(id int32) bool {
	return contains(p.isr, id) || p.change.kind == expanding && p.change.replica == id
}

func (p *Partition) maximalISRSize() int {
	if p.change.kind == expanding {
		return len(p.isr) + 1
	}
	return len(p.isr)
}

func (p *Partition) remote(id int32) *remote {
	for i := range p.remotes {
		if p.remotes[i].id == id {
			return &p.remotes[i]
		}
	}
	return nil
}

// caughtUp is Replica.isCaughtUp: before 2.1 by time alone (KAFKA-7152).
func (p *Partition) caughtUp(r *remote, now sim.Time) bool {
	p.settle(r)
	return r.leo == p.LEO() && !p.m.cfg.Rules.ShrinkByTimeOnly || now-r.lastCaughtUp <= p.m.cfg.LagTimeMax
}

// settle writes down what the fetches of an idle session imply for a follower that is at the log end.
func (p *Partition) settle(r *remote) {
	f := r.entry
	if f == nil || f.hot || r.leo != p.LEO() {
		return
	}
	if t := f.session.lastFetch; t > r.lastFetch {
		r.lastFetch, r.lastCaughtUp, r.lastFetchLEO = t, t, r.leo
	}
}

// noteFetch is Replica.updateFetchStateOrThrow: a follower asked at time t for offset f while the
// leader's log ended at e. A follower that always reaches the log end of its previous fetch counts
// as caught up even if data never stops.
func (r *remote) noteFetch(t sim.Time, f, e int64) {
	if f >= e {
		r.lastCaughtUp = max(r.lastCaughtUp, t)
	} else if f >= r.lastFetchLEO {
		r.lastCaughtUp = max(r.lastCaughtUp, r.lastFetch)
	}
	r.leo = f
	r.lastFetchLEO = max(e, r.lastFetchLEO)
	r.lastFetch = t
}

// advanceHW is Partition.maybeIncrementLeaderHW: the minimum over the log ends of the leader and of
// every replica that is in the maximal ISR, or that is caught up and may join it; forward only; and
// not at all while the ISR is smaller than min.insync.replicas (3.7, KAFKA-15583).
func (p *Partition) advanceHW() bool {
	rules := &p.m.cfg.Rules
	if !rules.HWIgnoresMinISR && len(p.isr) < p.effectiveMinISR() {
		if !p.stalled && p.LEO() > p.hw {
			p.stalled = true
			p.m.env.Emit("hw-stalled", p.name, "ISR "+ids(p.isr)+" is smaller than min.insync.replicas")
		}
		return false
	}
	p.stalled = false
	now := p.m.env.Now()
	hw := p.LEO()
	for i := range p.remotes {
		r := &p.remotes[i]
		if r.leo < hw && (p.maximalISR(r.id) || !rules.HWByISROnly && p.caughtUp(r, now) && (rules.HWCountsFenced || p.eligible(r.id))) {
			hw = r.leo
		}
	}
	if hw <= p.hw {
		return false
	}
	p.setHW(hw)
	return true
}

// eligible is Partition.isReplicaIsrEligible.
func (p *Partition) eligible(id int32) bool { return p.m.env.MayJoin(id, p.brokerEpoch(id)) }

// brokerEpoch is that of the incarnation of a replica which fetched last, -1 if none has.
func (p *Partition) brokerEpoch(id int32) int64 {
	if id == p.m.cfg.Broker {
		return p.m.env.BrokerEpoch()
	}
	if r := p.remote(id); r != nil && r.entry != nil {
		return r.entry.session.brokerEpoch
	}
	return -1
}

// setHW moves the mark and wakes what waits for it. Since 2.6 (KAFKA-9952) a parked follower fetch
// does not wake; its session only learns that there is something to report.
func (p *Partition) setHW(hw int64) {
	if hw > p.LEO() {
		p.m.env.Violate("kafka-I1", p.name+": high watermark "+itoa(hw)+" above log end "+itoa(p.LEO()))
		hw = p.LEO()
	}
	if p.role == roleLeader && hw < p.hw {
		p.m.env.Violate("kafka-I1", p.name+": leader's high watermark fell from "+itoa(p.hw)+" to "+itoa(hw))
	}
	p.hw = hw
	p.Log.SetHighWatermark(hw)
	for _, f := range p.subs {
		f.heat()
		if f.session.replica < 0 && f.offset < hw || f.epoch >= 0 && f.epoch != p.leaderEpoch || f.session.wantsHW() {
			p.m.wake(f.session)
		}
	}
	if len(p.waiters) > 0 {
		p.m.completeWaiters(p)
	}
}

// becomeLeader is Partition.makeLeader.
func (p *Partition) becomeLeader(st *wire.PartitionState) error {
	if st.PartitionEpoch < p.partitionEpoch {
		p.m.env.Probe("kafka-stale-partition-epoch")
		return nil
	}
	now := p.m.env.Now()
	wasLeader := p.role == roleLeader
	newEpoch := st.LeaderEpoch > p.leaderEpoch
	p.assign(st, wasLeader)
	p.isr = append([]int32(nil), st.ISR...)
	p.change = isrChange{}
	if err := p.openLog(); err != nil {
		return err
	}
	p.role, p.leader = roleLeader, p.m.cfg.Broker
	if newEpoch {
		p.epochStart = p.LEO()
		// Even with no data yet (KAFKA-7415): a follower with a later epoch of somebody else must
		// find out where to truncate.
		if !p.m.cfg.Rules.NoEpochOnBecomeLeader {
			if err := p.Log.AssignEpoch(st.LeaderEpoch, p.epochStart); err != nil {
				return err
			}
		}
		for i := range p.remotes {
			p.remotes[i].reset(now, p.epochStart, !wasLeader, contains(p.isr, p.remotes[i].id))
		}
		p.leaderEpoch = st.LeaderEpoch
		p.fenceSessions(false)
		p.checkEpochs()
	}
	p.partitionEpoch = st.PartitionEpoch
	p.recovering = st.Recovering
	p.advanceHW()
	return nil
}

// checkEpochs is invariant I7: both columns of the epoch cache rise, and the last epoch does not begin
// beyond the log's end.
func (p *Partition) checkEpochs() {
	list := p.Log.Epochs().Entries()
	for i := range list {
		if i > 0 && (list[i].Epoch <= list[i-1].Epoch || list[i].Start <= list[i-1].Start) || list[i].Start > p.LEO() {
			p.m.env.Violate("kafka-I7", p.name+": epoch "+itoa(int64(list[i].Epoch))+" at "+itoa(list[i].Start)+
				" is out of order, log end "+itoa(p.LEO()))
			return
		}
	}
}

// reset is Replica.resetReplicaState.
func (r *remote) reset(now sim.Time, leaderLEO int64, newLeader, inSync bool) {
	caught := never
	if inSync {
		caught = now
	}
	if newLeader {
		*r = remote{id: r.id, leo: unknownOffset, lastFetchLEO: unknownOffset, lastFetch: never, lastCaughtUp: caught}
		return
	}
	r.lastFetchLEO, r.lastCaughtUp = leaderLEO, caught
	r.lastFetch = never
	if inSync {
		r.lastFetch = now
	}
}

// becomeFollower is Partition.makeFollower. It reports whether the leader or its epoch is new.
func (p *Partition) becomeFollower(st *wire.PartitionState) (bool, error) {
	if st.PartitionEpoch < p.partitionEpoch {
		p.m.env.Probe("kafka-stale-partition-epoch")
		return false, nil
	}
	newEpoch := st.LeaderEpoch > p.leaderEpoch
	wasLeader := p.role == roleLeader
	p.assign(st, true)
	p.isr, p.change, p.stalled = nil, isrChange{}, false
	if err := p.openLog(); err != nil {
		return false, err
	}
	p.role, p.leader = roleFollower, st.Leader
	if newEpoch {
		p.epochStart = p.LEO()
	}
	p.leaderEpoch, p.partitionEpoch = st.LeaderEpoch, st.PartitionEpoch
	p.fenceSessions(true)
	if wasLeader {
		p.m.failWaiters(p, wire.NotLeaderOrFollower)
	}
	return newEpoch, nil
}

// assign takes over the replica list; keep says that what is known of the followers stays.
func (p *Partition) assign(st *wire.PartitionState, keep bool) {
	p.replicas, p.controllerEpoch = append([]int32(nil), st.Replicas...), st.ControllerEpoch
	old := p.remotes
	p.remotes = make([]remote, 0, len(p.replicas))
	for _, id := range p.replicas {
		if id == p.m.cfg.Broker {
			continue
		}
		r := remote{id: id, leo: unknownOffset, lastFetchLEO: unknownOffset, lastFetch: never, lastCaughtUp: never}
		for i := range old {
			if keep && old[i].id == id {
				r = old[i]
			}
		}
		p.remotes = append(p.remotes, r)
	}
}

// fenceSessions makes every session with this partition look at it again, because the epoch that it
// asked with is over. A replica that leads no more completes parked fetches at once
// (completeDelayedOperationsWhenNotPartitionLeader); one that goes on leading does not: they wait for
// the next append, the next move of the high watermark or their time.
func (p *Partition) fenceSessions(wake bool) {
	for _, f := range p.subs {
		f.heat()
		if wake {
			p.m.wake(f.session)
		}
	}
}

// checkEpoch is Partition.checkCurrentLeaderEpoch (KIP-320).
func (p *Partition) checkEpoch(asked int32) wire.Error {
	switch {
	case asked < 0 || asked == p.leaderEpoch:
		return wire.None
	case asked < p.leaderEpoch:
		return wire.FencedLeaderEpoch
	default:
		return wire.UnknownLeaderEpoch
	}
}

func contains(ids []int32, id int32) bool {
	for _, x := range ids {
		if x == id {
			return true
		}
	}
	return false
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// ids prints a set of brokers as people write it: 1,2,3.
func ids(list []int32) string {
	s := ""
	for i, id := range list {
		if i > 0 {
			s += ","
		}
		s += strconv.Itoa(int(id))
	}
	return s
}
