package client

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// posState is what SubscriptionState knows of a partition's position.
type posState uint8

const (
	posInitial    posState = iota // the committed offset is asked for
	posResetting                  // no offset: auto.offset.reset decides
	posValidating                 // the leader changed: does it have what was read (KIP-320)
	posFetching
	posStuck // the application would get an exception from poll()
)

// assigned is one partition of the assignment (SubscriptionState.TopicPartitionState).
type assigned struct {
	index       int32
	state       posState
	offset      int64 // next to be handed over
	epoch       int32 // of the record before it, -1 unknown
	leader      int32 // whom the position was last checked against
	leaderEpoch int32

	gone         bool // not assigned any more
	elsewhere    bool // the leader named a replica to read from
	replica      int32
	replicaUntil sim.Time

	buffered  bool // a fetched response waits
	held      bool // an error answer: not before heldUntil
	heldUntil sim.Time

	asking  bool // OffsetFetch, ListOffsets or OffsetsForLeaderEpoch is in flight
	retryAt sim.Time
	failed  int

	done      int64 // below it the application has processed everything
	committed int64 // newest offset that was sent to the coordinator, -1 unknown
}

// fetchable says that a fetch may ask for the partition.
func (p *assigned) fetchable(now sim.Time) bool {
	if p.state != posFetching || p.buffered {
		return false
	}
	if p.held {
		if now < p.heldUntil {
			return false
		}
		p.held = false
	}
	return true
}

// part is the assigned partition of that number, nil if it is not assigned.
func (c *Consumer) part(index int32) *assigned {
	lo, hi := 0, len(c.parts)
	for lo < hi {
		mid := (lo + hi) / 2
		if c.parts[mid].index < index {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(c.parts) && c.parts[lo].index == index {
		return c.parts[lo]
	}
	return nil
}

// leaderChanged is SubscriptionState.maybeValidatePositionForCurrentLeader: a position that is known
// with its epoch is validated before the new leader is read from.
func (c *Consumer) leaderChanged(p *assigned) {
	at := c.net.meta.topic(c.topic).part(p.index)
	if at.leader < 0 || at.leader == p.leader && at.epoch == p.leaderEpoch {
		return
	}
	p.leader, p.leaderEpoch = at.leader, at.epoch
	p.held, p.elsewhere = false, false
	if p.state != posFetching && p.state != posValidating {
		return
	}
	p.asking = false
	if c.cfg.validate && p.epoch >= 0 && at.epoch >= 0 {
		p.state = posValidating
	} else {
		p.state = posFetching
	}
}

// updatePositions does what each position lacks (KafkaConsumer.updateFetchPositions). It reports
// whether all of them are known.
func (c *Consumer) updatePositions(now sim.Time) bool {
	all, initial := true, false
	for _, p := range c.parts {
		if p.state == posFetching || p.state == posStuck {
			continue
		}
		all = false
		switch {
		case p.asking:
		case now < p.retryAt:
			c.net.need(p.retryAt)
		case p.state == posInitial:
			initial = true
		default:
			c.askLeader(p)
		}
	}
	if initial {
		c.fetchCommitted(now)
	}
	return all
}

// fetchCommitted asks the coordinator for the offsets of all partitions that have no position.
func (c *Consumer) fetchCommitted(now sim.Time) {
	l := c.coordinator()
	if l == nil {
		return
	}
	req := &wire.OffsetFetchRequest{ReqHeader: c.net.header(), Group: c.cfg.group}
	for _, p := range c.parts {
		if p.state == posInitial && !p.asking && now >= p.retryAt {
			p.asking = true
			req.Parts = append(req.Parts, wire.TopicPartition{Topic: c.topic, Partition: p.index})
		}
	}
	call := c.net.send(l, callOffsetFetch, req, c.cfg.net.requestTimeout)
	call.arg = int64(c.assignment)
}

// gotCommitted is ConsumerCoordinator.OffsetFetchResponseHandler.
func (c *Consumer) gotCommitted(call *call, resp wire.Response, err wire.Error) {
	var r *wire.OffsetFetchResponse
	if resp != nil {
		r = resp.(*wire.OffsetFetchResponse)
		err = r.Err
	}
	if err != wire.None && c.coordinatorError(err, resp == nil) {
		c.coordinatorLost(resp == nil)
	}
	if call.arg != int64(c.assignment) {
		return // of an assignment that is over
	}
	if err != wire.None {
		for _, p := range c.parts {
			if p.state == posInitial && p.asking {
				c.retryPosition(p)
			}
		}
		return
	}
	for i := range r.Parts {
		o := &r.Parts[i]
		p := c.part(o.Partition)
		if p == nil || p.state != posInitial {
			continue
		}
		p.asking = false
		switch {
		case o.Err != wire.None:
			c.retryPosition(p)
		case o.Offset < 0:
			c.resetPosition(p)
		default:
			p.committed = o.Offset
			c.seek(p, o.Offset, o.LeaderEpoch)
		}
	}
}

func (c *Consumer) retryPosition(p *assigned) {
	p.asking = false
	p.retryAt = c.proc.Now() + c.cfg.net.retry.draw(c.net.rnd, p.failed)
	p.failed++
	c.net.need(p.retryAt)
}

// seek sets a position that comes from elsewhere; with an epoch it is validated first.
func (c *Consumer) seek(p *assigned, offset int64, epoch int32) {
	p.offset, p.done, p.epoch, p.failed = offset, offset, epoch, 0
	p.asking = false
	p.leader, p.leaderEpoch = -1, -1
	p.state = posFetching
	c.leaderChanged(p)
}

// resetPosition follows auto.offset.reset; none means that the application gets an exception.
func (c *Consumer) resetPosition(p *assigned) {
	p.asking, p.failed, p.retryAt = false, 0, 0
	if c.cfg.reset == "none" {
		p.state = posStuck
		c.proc.Probe("kafka-consumer-no-reset-policy")
		return
	}
	p.state = posResetting
}

// askLeader sends ListOffsets or OffsetsForLeaderEpoch for one partition to its leader.
func (c *Consumer) askLeader(p *assigned) {
	at := c.net.meta.topic(c.topic).part(p.index)
	l := c.net.link(at.leader)
	if at.leader < 0 || l == nil || !l.listed {
		c.net.wantMetadata()
		return
	}
	if !c.net.reach(l) {
		return
	}
	tp := wire.TopicPartition{Topic: c.topic, Partition: p.index}
	p.asking = true
	var call *call
	if p.state == posResetting {
		ts := wire.LatestTimestamp
		if c.cfg.reset == "earliest" {
			ts = wire.EarliestTimestamp
		}
		call = c.net.send(l, callListOffsets, &wire.ListOffsetsRequest{ReqHeader: c.net.header(), Replica: -1,
			Parts: []wire.ListOffsetsPart{{TopicPartition: tp, CurrentLeaderEpoch: at.epoch, Timestamp: ts}}}, c.cfg.net.requestTimeout)
	} else {
		call = c.net.send(l, callEpochs, &wire.OffsetsForLeaderEpochRequest{ReqHeader: c.net.header(), Replica: -1,
			Parts: []wire.EpochPart{{TopicPartition: tp, CurrentLeaderEpoch: p.leaderEpoch, LeaderEpoch: p.epoch}}}, c.cfg.net.requestTimeout)
	}
	call.arg = int64(c.assignment)<<32 | int64(p.index)
}

// answeredPosition is the partition that an askLeader call was for, nil if that is over.
func (c *Consumer) answeredPosition(call *call, state posState) *assigned {
	if call.arg>>32 != int64(c.assignment) {
		return nil
	}
	p := c.part(int32(call.arg))
	if p == nil || p.state != state || !p.asking {
		return nil
	}
	p.asking = false
	return p
}

// positionError notes a failed askLeader; what it says about the leader leads to new metadata.
func (c *Consumer) positionError(p *assigned, e wire.Error) {
	if e.InvalidMetadata() || e == wire.UnknownLeaderEpoch {
		c.net.wantMetadata()
	}
	c.retryPosition(p)
}

// gotOffsets is OffsetFetcher's handling of ListOffsets. OFFSET_NOT_AVAILABLE: a new leader does not
// know its high watermark yet (KIP-207).
func (c *Consumer) gotOffsets(call *call, resp wire.Response, err wire.Error) {
	p := c.answeredPosition(call, posResetting)
	if p == nil {
		return
	}
	if resp == nil {
		c.positionError(p, err)
		return
	}
	r := &resp.(*wire.ListOffsetsResponse).Parts[0]
	if r.Err != wire.None || r.Offset < 0 {
		c.positionError(p, r.Err)
		return
	}
	c.seek(p, r.Offset, r.LeaderEpoch)
	p.state = posFetching // what the leader just said needs no validation
}

// gotEpochEnd is OffsetFetcher.validatePositionsAsync: if the leader's log of that epoch ends below
// the position, what was read beyond is gone, and reading goes on where the logs part.
func (c *Consumer) gotEpochEnd(call *call, resp wire.Response, err wire.Error) {
	p := c.answeredPosition(call, posValidating)
	if p == nil {
		return
	}
	if resp == nil {
		c.positionError(p, err)
		return
	}
	r := &resp.(*wire.OffsetsForLeaderEpochResponse).Parts[0]
	switch {
	case r.Err != wire.None:
		c.positionError(p, r.Err)
	case r.LeaderEpoch < 0 || r.EndOffset < 0:
		c.proc.Probe("kafka-consumer-truncated-undefined")
		c.resetPosition(p)
	case r.EndOffset < p.offset:
		c.proc.Probe("kafka-consumer-truncated")
		if c.cfg.reset == "none" {
			p.state = posStuck
			return
		}
		p.offset, p.done, p.epoch, p.failed, p.state = r.EndOffset, r.EndOffset, r.LeaderEpoch, 0, posFetching
	default:
		p.failed, p.state = 0, posFetching
	}
}
