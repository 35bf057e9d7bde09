package broker

import (
	"strconv"

	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// delays is ScheduleMessageService: one consumer per delay level, on masters only.
type delays struct {
	offsets []int64 // next queue offset of each level; delayOffset.json
	armed   []bool  // Timer(timerDeliver, level) is under way
	dirty   bool
}

// Steps of the service: the first look, the period of looks, the pause after a failed put
// (FIRST_DELAY_TIME, DELAY_FOR_A_WHILE, DELAY_FOR_A_PERIOD).
const (
	delayFirst  = sim.Second
	delayLook   = 100 * sim.Millisecond
	delayFailed = 10 * sim.Second
)

// costDeliver is the CPU time of storing one due message: an assumption, as a send's.
const costDeliver = 20 * sim.Microsecond

func (b *Broker) startDelays() {
	d := &b.delays
	for len(d.offsets) < len(b.cfg.DelayLevels) {
		d.offsets = append(d.offsets, 0)
	}
	d.armed = make([]bool, len(d.offsets))
	for level := range d.offsets {
		b.armDelay(level, delayFirst)
	}
}

func (b *Broker) armDelay(level int, in sim.Time) {
	if d := &b.delays; !d.armed[level] {
		d.armed[level] = true
		b.p.After(in, timerDeliver, uint32(level))
	}
}

// scheduled: the queue of a level got an entry. The real service looks every 100 ms; a level without
// entries sleeps here.
func (b *Broker) scheduled(level int) {
	if b.cfg.isMaster() && level < len(b.delays.armed) {
		b.armDelay(level, delayLook)
	}
}

// deliver stores the due messages of a level under their real topics
// (DeliverDelayedMessageTimerTask.executeOnTimeup).
func (b *Broker) deliver(level int) {
	d := &b.delays
	d.armed[level] = false
	q := b.store.Queue(scheduleTopic, int32(level))
	if q == nil || b.phase != serving || !b.cfg.isMaster() {
		return
	}
	// An offset outside of the queue is moved to its nearer end: a delayOffset.json that is older or newer
	// than the log.
	if at := min(max(d.offsets[level], q.Min()), q.Max()); at != d.offsets[level] {
		b.p.Probe("rocketmq-delay-offset-corrected")
		d.offsets[level] = at
	}
	for {
		e, ok := q.Entry(d.offsets[level])
		if !ok {
			return
		}
		if wait := sim.Time(e.TagsCode-b.p.Wall()) * sim.Millisecond; wait > 0 {
			b.armDelay(level, (min(wait, b.cfg.DelayLevels[level])+delayLook-1)/delayLook*delayLook)
			return
		}
		if !b.deliverOne(e) {
			b.armDelay(level, delayFailed)
			return
		}
		d.offsets[level]++
		d.dirty = true
	}
}

// deliverOne stores one message again (messageTimeup). A record that cannot be read is passed over.
func (b *Broker) deliverOne(e store.Entry) bool {
	var cur store.Cursor
	if !b.store.Record(e.Offset, &cur) {
		return true
	}
	msg := b.messageOf(&cur)
	topic, ok := store.Property(msg.Properties, store.PropRealTopic)
	id, ok2 := store.Property(msg.Properties, store.PropRealQueue)
	n, err := strconv.Atoi(string(id))
	if !ok || !ok2 || err != nil {
		return true
	}
	msg.Topic, msg.QueueID = string(topic), int32(n)
	msg.Properties = withoutWait(store.WithoutProperty(msg.Properties, store.PropDelay))
	b.p.Charge(costDeliver)
	r := b.store.put(&msg)
	if r.code != wire.Success {
		return false
	}
	if t := b.topics.get(msg.Topic); t != nil && int(msg.QueueID) < len(t.queues) {
		b.checkQueueOffset(t, msg.QueueID, r.queueOffset, 1)
	}
	return true
}
