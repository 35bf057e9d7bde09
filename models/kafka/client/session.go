package client

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// fetchSession is FetchSessionHandler: what the broker remembers of a consumer's fetches (KIP-227), so
// that a request names only the partitions that changed.
type fetchSession struct {
	id    int32
	epoch int32         // of the next request; 0: a full one
	parts []sessionPart // in order of partition
	next  []sessionPart // scratch
}

type sessionPart struct {
	index       int32
	offset      int64
	leaderEpoch int32
}

// reset makes the next request a full one that also ends the old session
// (FetchMetadata.nextCloseExistingAttemptNew).
func (s *fetchSession) reset() {
	s.epoch = wire.SessionInitial
	s.parts = s.parts[:0]
}

// forget is for a session that the broker does not know any more.
func (s *fetchSession) forget() {
	s.reset()
	s.id = 0
}

// took is FetchSessionHandler.handleResponse: it reports whether the answer's data counts.
func (s *fetchSession) took(r *wire.FetchResponse) bool {
	switch {
	case r.Err == wire.FetchSessionIDNotFound:
		s.forget()
		return false
	case r.Err != wire.None:
		s.reset()
		return false
	case s.epoch == wire.SessionInitial:
		s.id = r.SessionID
		if s.id != 0 {
			s.epoch = 1
		}
	case s.epoch == 1<<31-1:
		s.epoch = 1
	default:
		s.epoch++
	}
	return true
}

// asked is the offset that the last request asked for, -1 if the partition was not in it.
func (s *fetchSession) asked(index int32) int64 {
	lo, hi := 0, len(s.parts)
	for lo < hi {
		mid := (lo + hi) / 2
		if s.parts[mid].index < index {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(s.parts) && s.parts[lo].index == index {
		return s.parts[lo].offset
	}
	return -1
}

// fetchRequest is a request with room for the usual single partition. A connection has one, which
// serves one fetch after the other as long as each is answered.
type fetchRequest struct {
	wire.FetchRequest
	part [1]wire.FetchPart
}

// sendFetches is Fetcher.sendFetches: one request to each leader of a partition that can be fetched
// and has nothing buffered, unless one to that broker is in flight.
func (c *Consumer) sendFetches() {
	now := c.proc.Now()
	for _, p := range c.parts {
		if !p.fetchable(now) {
			continue
		}
		id := c.readFrom(p, now)
		l := c.net.link(id)
		if id < 0 || l == nil || !l.listed {
			c.net.wantMetadata()
			continue
		}
		if l.ready || l.fetching() {
			continue
		}
		if c.net.reach(l) {
			l.ready = true
			c.links = append(c.links, l)
		}
	}
	for _, l := range c.links {
		l.ready = false
		c.fetch(l, now)
	}
	c.links = c.links[:0]
}

// readFrom is the broker to read a partition from: the leader, or the replica that it named, until
// metadata.max.age.ms is over or that replica is gone (AbstractFetch.selectReadReplica, KIP-392).
func (c *Consumer) readFrom(p *assigned, now sim.Time) int32 {
	if !p.elsewhere {
		return p.leader
	}
	l := c.net.link(p.replica)
	if now < p.replicaUntil && l != nil && l.listed {
		return p.replica
	}
	p.elsewhere = false
	if l == nil || !l.listed {
		c.net.wantMetadata()
	}
	return p.leader
}

// fetching says that a fetch is in flight on the connection.
func (l *link) fetching() bool {
	for i := range l.calls {
		if l.calls[i].kind == callFetch {
			return true
		}
	}
	return false
}

// fetch builds and sends one request (AbstractFetch.prepareFetchRequests).
func (c *Consumer) fetch(l *link, now sim.Time) {
	s := &l.session
	s.next = s.next[:0]
	for _, p := range c.parts {
		if p.fetchable(now) && c.readFrom(p, now) == l.id {
			s.next = append(s.next, sessionPart{p.index, p.offset, p.leaderEpoch})
		}
	}
	r := l.lent
	if r == nil {
		r = &fetchRequest{}
		r.Replica, r.ReplicaEpoch = -1, -1
		r.Rack = c.cfg.rack
		r.MaxWaitMs, r.MinBytes, r.MaxBytes = int32(c.cfg.maxWait/sim.Millisecond), c.cfg.minBytes, c.cfg.maxBytes
		r.Parts = r.part[:0]
		l.lent = r
	}
	req := &r.FetchRequest
	req.ReqHeader = c.net.header()
	req.SessionID, req.SessionEpoch = s.id, s.epoch
	if !c.cfg.sessions {
		req.SessionEpoch = wire.SessionFinal
		s.parts = s.parts[:0]
	}
	req.Parts, req.Forgotten = req.Parts[:0], req.Forgotten[:0]
	i, j := 0, 0
	for i < len(s.next) || j < len(s.parts) {
		switch {
		case j == len(s.parts) || i < len(s.next) && s.next[i].index < s.parts[j].index:
			req.Parts = append(req.Parts, c.wanted(s.next[i]))
			i++
		case i == len(s.next) || s.parts[j].index < s.next[i].index:
			req.Forgotten = append(req.Forgotten, wire.TopicPartition{Topic: c.topic, Partition: s.parts[j].index})
			j++
		default:
			if s.next[i] != s.parts[j] {
				req.Parts = append(req.Parts, c.wanted(s.next[i]))
			}
			i++
			j++
		}
	}
	s.parts, s.next = s.next, s.parts
	c.net.send(l, callFetch, req, c.cfg.net.requestTimeout)
}

func (c *Consumer) wanted(s sessionPart) wire.FetchPart {
	return wire.FetchPart{
		TopicPartition:     wire.TopicPartition{Topic: c.topic, Partition: s.index},
		CurrentLeaderEpoch: s.leaderEpoch, Offset: s.offset, LastFetchedEpoch: -1, LogStart: -1,
		MaxBytes: c.cfg.partitionBytes,
	}
}

// fetched is Fetcher.handleFetchSuccess and handleFetchFailure.
func (c *Consumer) fetched(l *link, resp wire.Response) {
	if resp == nil {
		l.session.reset()
		return
	}
	r := resp.(*wire.FetchResponse)
	if !l.session.took(r) {
		return
	}
	for i := range r.Parts {
		c.fetchedPart(l, &r.Parts[i], r.Nodes)
	}
}

func (c *Consumer) fetchedPart(l *link, r *wire.FetchResult, nodes []wire.Node) {
	p := c.part(r.Partition)
	if p == nil || p.state != posFetching || p.buffered || l.session.asked(r.Partition) != p.offset {
		return // revoked, or the position has moved meanwhile
	}
	switch r.Err {
	case wire.None:
		if r.HasReadReplica {
			p.elsewhere, p.replica = true, r.ReadReplica
			p.replicaUntil = c.proc.Now() + c.cfg.net.metadataMaxAge
		}
		if len(r.Refs) > 0 && r.Bytes > 0 {
			c.buffer(p, r.Refs)
		}
	case wire.OffsetOutOfRange:
		if p.elsewhere {
			// A follower may lag behind or be truncated: only the leader's word counts
			// (FetchCollector.handleInitializeErrors).
			p.elsewhere = false
			c.proc.Probe("kafka-consumer-out-of-range-at-follower")
			return
		}
		c.proc.Probe("kafka-consumer-out-of-range")
		c.resetPosition(p)
	case wire.NotLeaderOrFollower, wire.FencedLeaderEpoch, wire.ReplicaNotAvailable, wire.KafkaStorageError,
		wire.OffsetNotAvailable, wire.UnknownTopicOrPartition, wire.UnknownTopicID, wire.InconsistentTopicID:
		p.elsewhere = false
		if c.net.hint(r.TopicPartition, r.HintLeader, r.HintEpoch, nodes) {
			c.leaderChanged(p)
			return
		}
		// The Java fetcher asks the same broker again at once, until new metadata comes; here it
		// asks again when that has come or after a back-off, which changes no outcome.
		p.held, p.heldUntil = true, c.proc.Now()+c.cfg.net.retry.first
		c.net.need(p.heldUntil)
		c.net.wantMetadata()
	default: // UNKNOWN_LEADER_EPOCH, CORRUPT_MESSAGE, UNKNOWN_SERVER_ERROR: asked again
		p.held, p.heldUntil = true, c.proc.Now()+c.cfg.net.retry.first
		c.net.need(p.heldUntil)
	}
}
