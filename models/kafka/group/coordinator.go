// Package group is Kafka's group coordinator with the classic protocol: members join, a leader among
// them assigns, all sync; heartbeats keep them in; committed offsets and the group's state are records
// of __consumer_offsets, from which a new coordinator rebuilds everything. It follows branch 3.9:
// core/src/main/scala/kafka/coordinator/group/GroupCoordinator.scala, GroupMetadata.scala and
// GroupMetadataManager.scala.
//
// Left out: transactions, and quotas on the size of a group.
package group

import (
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Topic is the internal topic that holds groups and offsets.
const Topic = "__consumer_offsets"

// Config holds the settings of the coordinator.
type Config struct {
	InitialDelay   sim.Time // group.initial.rebalance.delay.ms
	MinSession     sim.Time // group.min.session.timeout.ms
	MaxSession     sim.Time // group.max.session.timeout.ms
	CommitTimeout  sim.Time // offsets.commit.timeout.ms
	RequiredAcks   int16    // offsets.commit.required.acks
	Partitions     int32    // offsets.topic.num.partitions
	Retention      sim.Time // offsets.retention.minutes
	RetentionCheck sim.Time // offsets.retention.check.interval.ms
	// ExpireInUse: offsets expire though the group has members, as before KIP-211 (2.1).
	ExpireInUse bool
	// NoMemberIDs: a first join without an id is taken at once, as before KIP-394 (2.2).
	NoMemberIDs bool
}

// DefaultConfig is 3.9's.
func DefaultConfig() Config {
	return Config{
		InitialDelay: 3 * sim.Second, MinSession: 6 * sim.Second, MaxSession: 30 * sim.Minute,
		CommitTimeout: 5 * sim.Second, RequiredAcks: -1, Partitions: 50,
		Retention: 7 * 24 * sim.Hour, RetentionCheck: 10 * sim.Minute,
	}
}

// Env is what the coordinator sees of its broker.
type Env interface {
	Now() sim.Time
	Wall() int64
	After(d sim.Time, kind uint16, arg uint32)
	// Work uses CPU of the coordinator's thread and then calls Coordinator.Timer(kind, arg).
	Work(cost sim.Time, kind uint16, arg uint32)
	Rand() *sim.Rand
	World() *sim.World
	Reply(c *sim.Conn, m wire.Response)
	// Append writes to a partition of Topic with offsets.commit.required.acks.
	Append(partition int32, refs []sim.Ref, timeout sim.Time, done func(err wire.Error, base int64))
	// Log is the broker's replica of a partition of Topic.
	Log(partition int32) *log.Log
	Emit(kind, part, text string)
	Probe(name string)
}

// Timer kinds of Coordinator.Timer.
const (
	timerMember uint16 = iota // a member's session may be over
	timerGroup                // a rebalance may be over
	timerExpire               // look for offsets that are too old
	timerLoad                 // a partition of Topic has been read
	TimerKinds                // kinds in use: 0 to TimerKinds-1
)

// newMemberTimeout bounds a join that has not completed (GroupCoordinator.NewMemberJoinTimeoutMs).
const newMemberTimeout = 5 * sim.Minute

// costLoadKiB is the CPU time to read a KiB of the offsets topic (assumption).
const costLoadKiB = 5 * sim.Microsecond

// Coordinator is the group coordinator of one incarnation of a broker.
type Coordinator struct {
	cfg Config
	env Env

	owned    []owned // partitions of Topic that this broker leads
	expiring bool    // a look for old offsets is due
	groups   map[string]*group
	order    []*group
	members  []*member // by timer index; nil: free
	builder  *log.Builder
	lastID   uint32

	recent  *group     // the group that was asked for last
	storing []*storing // free list
	scratch []byte     // keys and values of the record batch that is being built
}

// owned is a partition of Topic in this broker's care.
type owned struct {
	partition int32
	epoch     int32
	loading   bool
}

// New makes a coordinator that owns nothing.
func New(cfg Config, env Env) *Coordinator {
	return &Coordinator{cfg: cfg, env: env, groups: map[string]*group{}, builder: log.NewBuilder(env.World())}
}

// PartitionOf is the partition of Topic that a group belongs to (Utils.abs of Java's String.hashCode:
// Math.abs with 0 for the smallest integer, not a mask).
func PartitionOf(name string, partitions int32) int32 {
	h := int32(0)
	for i := 0; i < len(name); i++ {
		h = 31*h + int32(name[i])
	}
	switch {
	case h == -1<<31:
		h = 0
	case h < 0:
		h = -h
	}
	return h % partitions
}

// PartitionOf is the partition of Topic that a group belongs to.
func (k *Coordinator) PartitionOf(name string) int32 { return PartitionOf(name, k.cfg.Partitions) }

func (k *Coordinator) ownedAt(partition int32) *owned {
	for i := range k.owned {
		if k.owned[i].partition == partition {
			return &k.owned[i]
		}
	}
	return nil
}

// Elected: this broker leads a partition of Topic now and reads it (GroupCoordinator.onElection).
func (k *Coordinator) Elected(partition, epoch int32) {
	if o := k.ownedAt(partition); o != nil {
		if epoch <= o.epoch {
			return
		}
		k.unload(partition)
		o.epoch, o.loading = epoch, true
	} else {
		k.owned = append(k.owned, owned{partition, epoch, true})
	}
	k.scheduleExpiry()
	size := int64(0)
	if l := k.env.Log(partition); l != nil {
		size = l.Size()
	}
	k.env.Work(sim.Time(size/1024)*costLoadKiB, timerLoad, uint32(partition))
}

// Resigned: another broker leads the partition (GroupCoordinator.onResignation). Members that wait are
// told to look for the new coordinator.
func (k *Coordinator) Resigned(partition int32) {
	for i := range k.owned {
		if k.owned[i].partition == partition {
			k.owned = append(k.owned[:i], k.owned[i+1:]...)
			k.unload(partition)
			return
		}
	}
}

// unload drops the groups of a partition.
func (k *Coordinator) unload(partition int32) {
	kept := k.order[:0]
	for _, g := range k.order {
		if k.PartitionOf(g.name) != partition {
			kept = append(kept, g)
			continue
		}
		g.state = dead
		for _, m := range g.members {
			m.answerJoin(&wire.JoinGroupResponse{Err: wire.NotCoordinator, Generation: -1, Member: m.id})
			m.answerSync(&wire.SyncGroupResponse{Err: wire.NotCoordinator})
			k.forget(m)
		}
		for _, m := range g.pending {
			k.forget(m)
		}
		delete(k.groups, g.name)
		k.recent = nil
	}
	clear(k.order[len(kept):])
	k.order = kept
}

// Owns says whether this broker coordinates a group and has loaded it.
func (k *Coordinator) Owns(name string) bool { return k.check(name) == wire.None }

// check is GroupCoordinator.validateGroupStatus.
func (k *Coordinator) check(name string) wire.Error {
	if g := k.recent; g != nil && g.name == name {
		return k.checkPartition(g.partition)
	}
	return k.checkPartition(k.PartitionOf(name))
}

func (k *Coordinator) checkPartition(partition int32) wire.Error {
	o := k.ownedAt(partition)
	switch {
	case o == nil:
		return wire.NotCoordinator
	case o.loading:
		return wire.CoordinatorLoadInProgress
	}
	return wire.None
}

// Timer is a timer that the environment armed.
func (k *Coordinator) Timer(kind uint16, arg uint32) {
	switch kind {
	case timerMember:
		if m := k.members[arg]; m != nil {
			k.memberTimer(m)
		}
	case timerGroup:
		k.groupTimer(arg)
	case timerExpire:
		k.expire()
	case timerLoad:
		k.load(int32(arg))
	}
}

func (k *Coordinator) get(name string) *group {
	if g := k.recent; g != nil && g.name == name {
		return g
	}
	g := k.groups[name]
	k.recent = g
	return g
}

func (k *Coordinator) create(name string) *group {
	k.lastID++
	g := &group{k: k, name: name, partition: k.PartitionOf(name), id: k.lastID, offsets: map[wire.TopicPartition]commit{}}
	k.groups[name] = g
	k.order = append(k.order, g)
	return g
}

// track gives a member a number for its timers.
func (k *Coordinator) track(m *member) {
	for i := range k.members {
		if k.members[i] == nil {
			m.index = uint32(i)
			k.members[i] = m
			return
		}
	}
	m.index = uint32(len(k.members))
	k.members = append(k.members, m)
}

// forget ends a member. Its number stays taken while its timer is under way.
func (k *Coordinator) forget(m *member) {
	m.gone = true
	if !m.armed {
		k.members[m.index] = nil
	}
}

// newMemberID is the client id with a random UUID.
func (k *Coordinator) newMemberID(client string) string {
	r := k.env.Rand()
	a, b := r.Uint64(), r.Uint64()
	hex := func(v uint64, n int) string {
		s := strconv.FormatUint(v&(1<<(4*n)-1), 16)
		for len(s) < n {
			s = "0" + s
		}
		return s
	}
	return client + "-" + hex(a>>32, 8) + "-" + hex(a>>16, 4) + "-4" + hex(a, 3) + "-a" + hex(b>>48, 3) + "-" + hex(b, 12)
}
