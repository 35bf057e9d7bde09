package quorum

import (
	"slices"

	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// beat is what the active controller knows of a broker's heartbeats, in memory alone
// (BrokerHeartbeatManager.BrokerHeartbeatState).
type beat struct {
	id         int32
	fenced     bool
	last       sim.Time // last contact
	metadata   int64    // offset that it has applied, -1: not known
	shutdownAt int64    // offset of what its controlled shutdown changed last; -1: none begun
}

func (c *Controller) beat(id int32) *beat {
	i, ok := slices.BinarySearchFunc(c.beats, id, func(b beat, id int32) int { return int(b.id) - int(id) })
	if !ok {
		c.beats = slices.Insert(c.beats, i, beat{id: id, fenced: true, last: -c.set.Session - 1, metadata: -1, shutdownAt: -1})
	}
	return &c.beats[i]
}

// active says whether a broker may lead and be in ISRs.
func (c *Controller) active(id int32) bool {
	b := c.img.Broker(id)
	return b != nil && b.Active()
}

// register is ClusterControlManager.registerBroker: another incarnation is refused while the session of
// the one before is valid, so a broker cannot come back before it was fenced. Its epoch is the offset
// of its registration.
func (c *Controller) register(m *wire.BrokerRegistrationRequest, reply func(wire.Response)) {
	resp := &wire.BrokerRegistrationResponse{RespHeader: wire.RespHeader{Corr: m.Corr}, BrokerEpoch: -1}
	if c.img == nil {
		resp.Err = wire.NotController
		reply(resp)
		return
	}
	old, now := c.img.Broker(m.Broker), c.env.Now()
	h := c.beat(m.Broker)
	same := old != nil && old.Incarnation == metadata.UUID(m.Incarnation)
	if old != nil && !same && !h.fenced && h.last+c.set.Session >= now {
		c.env.Probe("kraft-duplicate-registration")
		resp.Err = wire.DuplicateBrokerRegistration
		reply(resp)
		return
	}
	var list []metadata.Record
	if old != nil && !same {
		// Since 4.0 a broker that does not name the epoch of its last clean stop has lost its page cache
		// for all that the controller knows (handleBrokerUncleanShutdown, KIP-966).
		if c.elr() && m.PreviousEpoch != old.Epoch {
			c.env.Probe("kraft-unclean-shutdown")
			list = c.uncleanShutdown(m.Broker)
		} else if !old.Fenced {
			list = c.withoutBroker(m.Broker)
		}
	}
	epoch := c.env.Next() + int64(len(list))
	if same {
		epoch = old.Epoch
	}
	list = append(list, &metadata.RegisterBroker{
		Broker: m.Broker, Incarnation: m.Incarnation, Epoch: epoch, Host: m.Host, Fenced: true,
	})
	*h = beat{id: m.Broker, fenced: true, last: now, metadata: -1, shutdownAt: -1}
	c.write(list, func(committed bool) {
		if resp.BrokerEpoch = epoch; !committed {
			resp.Err, resp.BrokerEpoch = wire.NotController, -1
		}
		reply(resp)
	})
	c.checkSessions()
}

// brokerState is what a heartbeat asks for or gets (BrokerControlState).
type brokerState uint8

const (
	fenced brokerState = iota
	unfenced
	inShutdown
	shutdownNow
)

// heartbeat is ReplicationControlManager.processBrokerHeartbeat.
func (c *Controller) heartbeat(m *wire.BrokerHeartbeatRequest, reply func(wire.Response)) {
	resp := &wire.BrokerHeartbeatResponse{RespHeader: wire.RespHeader{Corr: m.Corr}, Fenced: true}
	if c.img == nil {
		resp.Err = wire.NotController
		reply(resp)
		return
	}
	b := c.img.Broker(m.Broker)
	if b == nil || b.Epoch != m.BrokerEpoch {
		resp.Err = wire.StaleBrokerEpoch
		reply(resp)
		return
	}
	h := c.beat(m.Broker)
	h.metadata = max(h.metadata, m.MetadataOffset)
	now := stateOf(b)
	next := c.nextState(b, h, now, m)
	var list []metadata.Record
	if now != next {
		list = c.enter(b, next)
	}
	h.last = c.env.Now()
	h.fenced = next == fenced || next == shutdownNow
	resp.CaughtUp = m.MetadataOffset >= b.Epoch
	resp.Fenced = h.fenced
	resp.ShouldStop = next == shutdownNow
	c.write(list, func(committed bool) {
		if !committed {
			resp = &wire.BrokerHeartbeatResponse{RespHeader: resp.RespHeader, Err: wire.NotController, Fenced: true}
		}
		reply(resp)
	})
	if next == inShutdown && h.shutdownAt < c.offset && len(list) > 0 {
		h.shutdownAt = c.offset
	}
	c.checkSessions()
}

func stateOf(b *metadata.Broker) brokerState {
	switch {
	case b.Fenced:
		return fenced
	case b.InShutdown:
		return inShutdown
	}
	return unfenced
}

// nextState is BrokerHeartbeatManager.calculateNextBrokerState.
func (c *Controller) nextState(b *metadata.Broker, h *beat, now brokerState, m *wire.BrokerHeartbeatRequest) brokerState {
	switch now {
	case fenced:
		switch {
		case m.WantShutDown:
			return shutdownNow
		case !m.WantFence && m.MetadataOffset >= b.Epoch:
			return unfenced
		}
		return fenced
	case unfenced:
		switch {
		case m.WantFence && m.WantShutDown:
			return shutdownNow
		case m.WantFence:
			return fenced
		case m.WantShutDown && c.leads(b.ID):
			return inShutdown
		case m.WantShutDown:
			return shutdownNow
		}
		return unfenced
	}
	// In controlled shutdown: until it leads nothing, and every active broker knows (lowestActiveOffset).
	if c.leads(b.ID) || h.shutdownAt > c.lowestOffset() {
		return inShutdown
	}
	return shutdownNow
}

// leads says whether a broker leads a partition (BrokersToIsrs.hasLeaderships).
func (c *Controller) leads(id int32) bool {
	for _, s := range c.img.Partitions() {
		if s.Leader == id {
			return true
		}
	}
	return false
}

// lowestOffset is the least metadata offset of the active brokers.
func (c *Controller) lowestOffset() int64 {
	low := int64(1<<63 - 1)
	for i := range c.beats {
		if h := &c.beats[i]; c.active(h.id) {
			low = min(low, h.metadata)
		}
	}
	return low
}

// enter is what a change of a broker's state means for partitions (handleBrokerFenced,
// handleBrokerUnfenced, handleBrokerInControlledShutdown).
func (c *Controller) enter(b *metadata.Broker, next brokerState) []metadata.Record {
	change := &metadata.BrokerChange{Broker: b.ID, Epoch: b.Epoch}
	switch next {
	case unfenced:
		change.Fenced = -1
		return append([]metadata.Record{change}, c.withBroker(b.ID)...)
	case inShutdown:
		change.InShutdown = 1
		return append([]metadata.Record{change}, c.withoutBroker(b.ID)...)
	}
	if b.Fenced {
		return nil
	}
	change.Fenced = 1
	return append(c.withoutBroker(b.ID), change)
}

// checkSessions arms the timer at the end of the earliest session (3.3 to 3.9,
// rescheduleMaybeFenceStaleBrokers).
func (c *Controller) checkSessions() {
	if c.set.FencePeriodic || c.img == nil {
		return
	}
	earliest := sim.Time(-1)
	for i := range c.beats {
		if h := &c.beats[i]; !h.fenced && (earliest < 0 || h.last < earliest) {
			earliest = h.last
		}
	}
	if earliest < 0 {
		return
	}
	at := earliest + c.set.Session + 1
	if c.armed != 0 && c.armed <= at {
		return // it fires, looks again and sleeps on
	}
	c.armed = at
	c.env.After(max(at-c.env.Now(), 0), timerFence, c.term)
}

// fenceStale fences one broker whose session is over: up to 3.9 that of the oldest contact, since 4.0
// any. The next one gets its turn at once, with the effects of this one in the image.
func (c *Controller) fenceStale() {
	if c.armed != 0 && c.env.Now() < c.armed {
		return
	}
	c.armed = 0
	var stale []*beat
	for i := range c.beats {
		if h := &c.beats[i]; !h.fenced && h.last+c.set.Session < c.env.Now() {
			stale = append(stale, h)
		}
	}
	if len(stale) > 0 {
		h := stale[0]
		if c.set.FencePeriodic {
			h = stale[c.env.Below(uint64(len(stale)))]
		} else {
			for _, x := range stale {
				if x.last < h.last {
					h = x
				}
			}
		}
		c.env.Probe("kraft-session-over")
		h.fenced = true
		c.write(c.enter(c.img.Broker(h.id), fenced), nil)
	}
	switch {
	case len(stale) > 1:
		c.env.After(0, timerFence, c.term)
	case c.set.FencePeriodic:
		c.env.After(c.set.Session/8, timerFence, c.term)
	default:
		c.checkSessions()
	}
}
