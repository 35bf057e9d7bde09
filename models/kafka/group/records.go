package group

import (
	"encoding/binary"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Versions of the records that 3.9 writes (GroupMetadataManager, OffsetCommitKey.json,
// OffsetCommitValue.json, GroupMetadataKey.json, GroupMetadataValue.json).
const (
	keyOffset   = 1
	keyGroup    = 2
	valueOffset = 3
	valueGroup  = 3
)

func putInt16(b []byte, v int16) []byte { return binary.BigEndian.AppendUint16(b, uint16(v)) }
func putInt32(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }
func putInt64(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }
func putString(b []byte, s string) []byte {
	return append(putInt16(b, int16(len(s))), s...)
}
func putBytes(b, v []byte) []byte { return append(putInt32(b, int32(len(v))), v...) }

// reader takes fields off a record; bad stays set after the first that does not fit.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad = true
		return make([]byte, max(n, 8)&0xffff)
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) int16() int16 { return int16(binary.BigEndian.Uint16(r.take(2))) }
func (r *reader) int32() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) }
func (r *reader) int64() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) }

// string reads a nullable string; null is "".
func (r *reader) string() string {
	n := r.int16()
	if n < 0 {
		return ""
	}
	return string(r.take(int(n)))
}

func (r *reader) bytes() []byte {
	n := r.int32()
	if n < 0 {
		return nil
	}
	if int(n) > len(r.b) {
		r.bad = true
		return nil
	}
	return append([]byte(nil), r.take(int(n))...)
}

// storing is an append to the log of a partition of Topic that is under way: a commit, or a group's
// state with done. There is one for every commit, so they are used again.
type storing struct {
	k    *Coordinator
	done func(wire.Error)
	refs [2]sim.Ref
	// of a commit
	g    *group
	conn *sim.Conn
	req  *wire.OffsetCommitRequest

	finish func(wire.Error, int64) // the method finished, bound once
}

func (k *Coordinator) takeStoring() *storing {
	if n := len(k.storing); n > 0 {
		s := k.storing[n-1]
		k.storing = k.storing[:n-1]
		return s
	}
	s := &storing{k: k}
	s.finish = s.finished
	return s
}

// finished is the answer to the append.
func (s *storing) finished(e wire.Error, _ int64) {
	e = shown(e)
	switch {
	case s.req != nil:
		s.k.stored(s, e)
	case s.done != nil:
		s.done(e)
	}
	s.done, s.g, s.conn, s.req = nil, nil, nil, nil
	s.k.storing = append(s.k.storing, s)
}

// storeOffsets appends a commit to the log of the group's partition (storeOffsets).
func (k *Coordinator) storeOffsets(s *storing) {
	if len(s.req.Parts) == 0 {
		s.finished(wire.None, 0)
		return
	}
	now := k.env.Wall()
	b := k.scratch[:0] // if it grows, what is in use of the old memory stays valid
	for i := range s.req.Parts {
		p := &s.req.Parts[i]
		from := len(b)
		b = putString(putInt16(b, keyOffset), s.g.name)
		b = putInt32(putString(b, p.Topic), p.Partition)
		at := len(b)
		b = putInt64(putInt16(b, valueOffset), p.Offset)
		b = putInt64(putString(putInt32(b, p.LeaderEpoch), ""), now)
		k.builder.Add(now, b[from:at:at], b[at:])
	}
	k.scratch = b
	k.append(s.g, s)
}

// store appends the group's state (storeGroup).
func (k *Coordinator) store(g *group, done func(wire.Error)) {
	now := k.env.Wall()
	g.since = now
	key := putString(putInt16(nil, keyGroup), g.name)
	val := putInt32(putString(putInt16(nil, valueGroup), "consumer"), g.generation)
	val = putInt64(putNullable(putNullable(val, g.protocol), g.leader), now)
	val = putInt32(val, int32(len(g.members)))
	for _, m := range g.members {
		val = putNullable(putString(val, m.id), m.instance)
		val = putString(putString(val, m.client), "/"+m.client)
		val = putInt32(putInt32(val, int32(m.rebalance/sim.Millisecond)), int32(m.session/sim.Millisecond))
		val = putBytes(putBytes(val, m.metadata(g.protocol)), m.assigned)
	}
	k.builder.Add(now, key, val)
	s := k.takeStoring()
	s.done = done
	k.append(g, s)
}

func putNullable(b []byte, s string) []byte {
	if s == "" {
		return putInt16(b, -1)
	}
	return putString(b, s)
}

func (k *Coordinator) append(g *group, s *storing) {
	b := k.builder.Build(log.None, log.None, log.None)
	s.refs = [2]sim.Ref{b.Header, b.Records}
	k.env.Append(g.partition, s.refs[:], k.cfg.CommitTimeout, s.finish)
}

// shown maps errors of the append to what a client is told (GroupMetadataManager.storeOffsets).
func shown(e wire.Error) wire.Error {
	switch e {
	case wire.UnknownTopicOrPartition, wire.NotEnoughReplicas, wire.NotEnoughReplicasAfterAppend:
		return wire.CoordinatorNotAvailable
	case wire.NotLeaderOrFollower, wire.KafkaStorageError:
		return wire.NotCoordinator
	case wire.MessageTooLarge, wire.RecordListTooLarge, wire.InvalidFetchSize:
		return wire.InvalidCommitOffsetSize
	case wire.RequestTimedOut:
		return wire.CoordinatorNotAvailable
	}
	return e
}

// load replays a partition of Topic up to the end of its log (doLoadGroupsAndOffsets) and gives every
// member of the groups in it a full session.
func (k *Coordinator) load(partition int32) {
	o := k.ownedAt(partition)
	if o == nil || !o.loading {
		return
	}
	l := k.env.Log(partition)
	if l == nil {
		return
	}
	arena := &k.env.World().Arena
	for at := l.Start(); at < l.End(); {
		got, err := l.Read(at, 5<<20, l.End(), true, nil)
		if err != nil || got.Batches == 0 {
			break
		}
		c := log.NewCursor(arena, got.Refs)
		for c.Next() {
			r := c.Records()
			for r.Next() {
				k.replay(r.Record.Key, r.Record.Value)
			}
		}
		at = got.Next
	}
	o.loading = false
	for _, g := range k.order {
		if g.partition == partition {
			for _, m := range g.members {
				m.touch()
			}
		}
	}
}

// replay applies one record.
func (k *Coordinator) replay(key, value []byte) {
	r := reader{b: key}
	version := r.int16()
	name := r.string()
	if r.bad || name == "" {
		return
	}
	g := k.get(name)
	if g == nil {
		g = k.create(name)
	}
	switch {
	case version == keyGroup:
		k.replayGroup(g, value)
	case version < keyGroup:
		tp := wire.TopicPartition{Topic: r.string(), Partition: r.int32()}
		if value == nil {
			delete(g.offsets, tp)
			return
		}
		v := reader{b: value}
		v.int16()
		o := commit{offset: v.int64(), epoch: v.int32()}
		v.string()
		o.at = v.int64()
		if !v.bad && !r.bad {
			g.offsets[tp] = o
		}
	}
}

func (k *Coordinator) replayGroup(g *group, value []byte) {
	for _, m := range g.members {
		k.forget(m)
	}
	g.members, g.state = nil, empty
	if value == nil {
		if len(g.offsets) == 0 {
			k.remove(g)
		}
		return
	}
	v := reader{b: value}
	v.int16()
	v.string()
	g.generation = v.int32()
	g.protocol, g.leader = v.string(), v.string()
	g.since = v.int64()
	for n := v.int32(); n > 0 && !v.bad; n-- {
		m := &member{g: g, id: v.string(), instance: v.string()}
		m.client = v.string()
		v.string()
		m.rebalance = sim.Time(v.int32()) * sim.Millisecond
		m.session = sim.Time(v.int32()) * sim.Millisecond
		m.protocols = []wire.Protocol{{Name: g.protocol, Metadata: v.bytes()}}
		m.assigned, m.synced = v.bytes(), true
		if !v.bad {
			k.track(m)
			g.members = append(g.members, m)
		}
	}
	if len(g.members) > 0 {
		g.state = stable
	}
}
