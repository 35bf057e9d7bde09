package client

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// beforeState is where a consumer that commits before it processes stands.
type beforeState uint8

const (
	beforeIdle    beforeState = iota
	beforeWaiting             // the poll's records are held until their commit is answered
)

// commits is the consumer's traffic of OffsetCommit: at most one request in flight.
type commits struct {
	inFlight  bool
	dirty     bool // positions moved since the last commit
	before    beforeState
	rebalance bool // a rebalance waits for the answer
	retryAt   sim.Time
	failed    int
	nextAuto  sim.Time
	lent      *commitRequest // memory of the next request, nil: none
}

// ready is the offset of a partition that may be committed: with ack: after what was processed, else
// the position.
func (c *Consumer) ready(p *assigned) int64 {
	if c.cfg.ack == models.AckAfter {
		return p.done
	}
	return p.offset
}

// commitRequest is a request with its answer. The same memory serves one commit after the other, as
// long as each is answered: the coordinator is done with both then.
type commitRequest struct {
	wire.OffsetCommitRequest
	answer wire.OffsetCommitResponse
}

func (k *commits) take() *wire.OffsetCommitRequest {
	r := k.lent
	if r == nil {
		r = &commitRequest{}
		r.Room = &r.answer
		k.lent = r
	}
	r.Parts = r.Parts[:0]
	return &r.OffsetCommitRequest
}

// commit sends the offsets that may be committed. It reports whether a request left.
func (c *Consumer) commit() bool {
	l := c.coordinator()
	g := &c.group
	if l == nil || len(c.parts) == 0 || g.joins() {
		return false
	}
	if c.commits.inFlight {
		c.commits.lent = nil // close() commits beside what is under way
	}
	req := c.commits.take()
	req.ReqHeader, req.Group, req.Generation, req.Member = c.net.header(), c.cfg.group, g.generation, g.member
	req.Instance = c.cfg.instance
	for _, p := range c.parts {
		if p.state == posInitial || p.state == posResetting {
			continue
		}
		if !c.cfg.autoCommit && c.ready(p) == p.committed {
			continue // an application commits what it processed
		}
		p.committed = c.ready(p)
		req.Parts = append(req.Parts, wire.CommitPart{
			TopicPartition: wire.TopicPartition{Topic: c.topic, Partition: p.index}, Offset: p.committed, LeaderEpoch: p.epoch,
		})
	}
	if len(req.Parts) == 0 {
		return false
	}
	c.commits.inFlight = true
	call := c.net.send(l, callCommit, req, c.cfg.net.requestTimeout)
	call.arg = int64(c.assignment)
	return true
}

// autoCommit is maybeAutoCommitOffsetsAsync: inside poll, every auto.commit.interval.ms, the position,
// which is the end of what the previous poll returned.
func (c *Consumer) autoCommit(now sim.Time) {
	if c.cfg.ack == models.AckAfter && c.commits.dirty {
		c.commitAsync(now) // what could not leave before
	}
	if !c.cfg.autoCommit {
		return
	}
	if c.commits.inFlight {
		return // its answer, or its time-out, polls again
	}
	if now < c.commits.nextAuto {
		c.net.need(c.commits.nextAuto)
		return
	}
	c.commit()
	c.commits.nextAuto = now + c.cfg.autoInterval
	c.net.need(c.commits.nextAuto)
}

// commitAsync commits what was processed unless a commit is in flight; then its answer brings the next.
func (c *Consumer) commitAsync(now sim.Time) {
	k := &c.commits
	if !k.dirty || k.inFlight || c.group.state != memberStable {
		return
	}
	if now < k.retryAt {
		c.net.need(k.retryAt)
		return
	}
	k.dirty = false
	if !c.commit() && c.uncommitted() {
		k.dirty = true
	}
}

// uncommitted says that something may be committed that was not sent to the coordinator.
func (c *Consumer) uncommitted() bool {
	for _, p := range c.parts {
		if p.state != posInitial && p.state != posResetting && c.ready(p) != p.committed {
			return true
		}
	}
	return false
}

// commitBefore holds the poll's records until their positions are committed (commitSync, then process).
func (c *Consumer) commitBefore() {
	k := &c.commits
	k.before = beforeWaiting
	if k.inFlight {
		return
	}
	if now := c.proc.Now(); now < k.retryAt {
		c.net.need(k.retryAt)
		return
	}
	if !c.commit() {
		c.net.need(c.proc.Now() + c.cfg.net.retry.first)
	}
}

// goOnBefore is called when time or a connection may have made the commit possible.
func (c *Consumer) goOnBefore() {
	if c.commits.before == beforeWaiting && !c.commits.inFlight && !c.polling {
		if c.group.state != memberStable && (!c.cfg.cooperative || c.group.generation < 0) {
			c.dropHeld()
			return
		}
		c.commitBefore()
	}
}

// dropHeld: the commit is refused because the group has moved on; nothing of the poll was processed,
// and whoever gets the partition reads it again.
func (c *Consumer) dropHeld() {
	c.commits.before = beforeIdle
	c.batch = c.batch[:0]
	for _, p := range c.parts { // that stay with a cooperative member
		p.offset = p.done
	}
	c.dropBuffers()
}

// commitForRebalance commits before partitions are given up and reports whether that is over: the
// auto-commit of onJoinPrepare, or commitSync in the application's onPartitionsRevoked.
func (c *Consumer) commitForRebalance(now sim.Time) bool {
	k := &c.commits
	if c.group.generation < 0 || c.cfg.ack == models.AckBefore {
		return !k.inFlight
	}
	if k.inFlight {
		return false
	}
	if k.rebalance {
		k.rebalance = false // it has been answered, well or not
		return true
	}
	if (c.cfg.autoCommit || c.cfg.ack == models.AckAfter && c.uncommitted()) && c.commit() {
		k.rebalance = true
		return false
	}
	return true
}

// commitOnClose sends what close() commits.
func (c *Consumer) commitOnClose() {
	if c.group.state == memberStable && c.outstanding == 0 && (c.cfg.autoCommit || c.cfg.ack == models.AckAfter) &&
		c.group.link != nil && c.net.usable(c.group.link) {
		c.commit()
	}
}

// committed is OffsetCommitResponseHandler.
func (c *Consumer) committed(call *call, resp wire.Response, err wire.Error) {
	k := &c.commits
	k.inFlight = false
	if resp == nil {
		k.lent = nil // it may still be on its way
		c.coordinatorLost(true)
	} else {
		err = wire.None
		parts := resp.(*wire.OffsetCommitResponse).Parts
		for i := range parts {
			if e := parts[i].Err; e != wire.None {
				err = e
			}
		}
	}
	if call.arg != int64(c.assignment) {
		return
	}
	if err == wire.None {
		k.failed = 0
		if k.before == beforeWaiting {
			k.before = beforeIdle
			c.deliver()
			return
		}
		c.commitAsync(c.proc.Now())
		return
	}
	for _, p := range c.parts {
		p.committed = -1 // what was in the request is not known to be stored
	}
	k.dirty = true
	switch {
	case err == wire.FencedInstanceID:
		c.fatal(err)
		return
	case err == wire.UnknownMemberID || err == wire.IllegalGeneration:
		c.forgetGeneration(err)
		c.requestRejoin()
	case err == wire.RebalanceInProgress:
		c.requestRejoin()
	default:
		if resp != nil && c.coordinatorError(err, false) || err == wire.RequestTimedOut && resp != nil {
			c.coordinatorLost(false)
		}
		k.retryAt = c.proc.Now() + c.cfg.net.retry.draw(c.net.rnd, k.failed)
		k.failed++
		c.net.need(k.retryAt)
		if c.cfg.autoCommit {
			k.nextAuto = k.retryAt
		}
		return
	}
	if k.before == beforeWaiting {
		c.dropHeld()
	}
}
