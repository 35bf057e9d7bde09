package broker

import (
	"cmp"
	"slices"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// offsets is ConsumerOffsetManager.
type offsets struct {
	m     map[lockKey]int64
	dirty bool
}

func (o *offsets) get(group string, q wire.Queue) (int64, bool) {
	v, ok := o.m[lockKey{group, q}]
	return v, ok
}

// put stores whatever arrives, even a smaller offset.
func (o *offsets) put(group string, q wire.Queue, v int64) (smaller bool) {
	k := lockKey{group, q}
	old, ok := o.m[k]
	if ok && old == v {
		return false
	}
	o.m[k] = v
	o.dirty = true
	return ok && v < old
}

// all is the table in order of topic, group and queue.
func (o *offsets) all() []wire.GroupOffset {
	out := make([]wire.GroupOffset, 0, len(o.m))
	for k, v := range o.m { //mqsim:unordered sorted below
		out = append(out, wire.GroupOffset{Group: k.group, Queue: k.queue, Offset: v})
	}
	slices.SortFunc(out, func(a, b wire.GroupOffset) int {
		if c := cmp.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		if c := cmp.Compare(a.Group, b.Group); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return out
}

func (b *Broker) commit(group string, q wire.Queue, offset int64) {
	if b.offsets.put(group, q, offset) {
		b.p.Probe("rocketmq-offset-moved-back") // "[NOTIFYME]update consumer offset less than store"
	}
}

func (b *Broker) updateOffset(c *sim.Conn, m *wire.UpdateOffsetRequest) {
	b.commit(m.Group, m.Queue, m.Offset)
	if !m.Oneway {
		b.reply(c, &wire.Answer{RespHeader: wire.RespHeader{Opaque: m.Opaque}})
	}
}

// queryOffset: a group without an offset starts at 0 if the queue's beginning is still there and in
// memory; else the client decides (ConsumerManageProcessor.queryConsumerOffset).
func (b *Broker) queryOffset(c *sim.Conn, m *wire.QueryOffsetRequest) {
	r := &wire.OffsetResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}}
	if v, ok := b.offsets.get(m.Group, m.Queue); ok {
		r.Offset = v
	} else if b.store.queueMin(m.Topic, m.ID) > 0 || b.store.onDiskOnly(m.Topic, m.ID) {
		r.Code, r.Remark = wire.QueryNotFound, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first"
	}
	b.reply(c, r)
}
