package zk

import "fmt"

// propose turns a request into a transaction, logs it and sends it to all followers
// (PrepRequestProcessor, ProposalRequestProcessor).
func (l *leader) propose(w *writeRequest) {
	s := l.s
	refused := OK
	switch w.req.Type {
	case OpCreateSession:
		l.sessions.add(w.session, w.timeout, s.p.Now(), w.owner)
		l.armExpiry()
	case OpCloseSession:
		// Not checked: the expiry closes sessions that it does not own.
		l.sessions.close(w.session)
	default:
		if refused = l.sessions.check(w.session, w.owner); refused != OK {
			s.p.Probe("zk-write-of-ended-or-moved-session")
		}
	}
	l.zxid++
	t := l.prep.transaction(w, l.zxid, s.p.Wall(), refused)
	e := newEntry(&s.p.W.Arena, t)
	if err := s.log.append(e); err != nil {
		s.fail(err)
		return
	}
	s.log.sync()
	m := &proposal{e}
	for _, x := range l.learners {
		if x.stage < learnerSyncing {
			continue
		}
		if x.acked >= x.sent {
			x.oldest = s.p.Now()
		}
		x.sent = t.zxid
		l.send(x, m)
	}
}

// acked takes a follower's word that its log is on disk up to a zxid.
func (l *leader) acked(x *learner, m *proposalAck) {
	if m.zxid <= x.acked {
		return
	}
	x.acked = m.zxid
	x.oldest = l.s.p.Now() // what is still open is counted from this sign of life
	l.commit()
}

// synced is the leader's own acknowledgement.
func (l *leader) synced() {
	if l.stage != established {
		l.advance()
		return
	}
	l.commit()
}

// commit commits, in order, what a majority has on its disks (Leader.tryToCommit).
func (l *leader) commit() {
	if l.stage != established {
		return
	}
	s := l.s
	first := l.committed
	for l.committed < len(s.log.entries) {
		e := s.log.entries[l.committed]
		count := 0
		if s.log.synced > l.committed {
			count++
		}
		for _, x := range l.learners {
			if x.stage == learnerSynced && x.acked >= e.t.zxid {
				count++
			}
		}
		if !s.majority(count) {
			break
		}
		l.committed++
	}
	n := l.committed - first
	if n == 0 {
		return
	}
	last := s.log.entries[l.committed-1].t.zxid
	m := &commit{last}
	for _, x := range l.learners {
		if x.stage >= learnerSyncing {
			x.conn.Send(m, n*sizeQuorumPacket)
		}
	}
	for _, e := range s.log.entries[first:l.committed] {
		s.apply(e)
	}
	l.prep.applied(last)
}

// takeUp says whether a session lives, and if so makes a server the owner of its connection
// (LearnerHandler, REVALIDATE).
func (l *leader) takeUp(session int64, owner serverID) bool {
	if l.sessions == nil || !l.sessions.touch(session, l.s.p.Now()) {
		return false
	}
	l.sessions.move(session, owner)
	return true
}

// armExpiry arms the one timer of the session table for its earliest expiry. Touches only move
// deadlines; the timer finds out when it fires.
func (l *leader) armExpiry() {
	at := l.sessions.next()
	if at == 0 || (l.expiryAt != 0 && l.expiryAt <= at) {
		return
	}
	l.expiryAt = at
	l.s.expiryGen++
	l.expiryGen = l.s.expiryGen
	l.s.p.At(at, timerExpiry, l.expiryGen)
}

// expire closes the sessions whose time is up. That is a write: without a quorum it does not
// happen (SessionTrackerImpl.run, ZooKeeperServer.expire).
func (l *leader) expire(gen uint32) {
	if gen != l.expiryGen || l.stage != established {
		return
	}
	l.expiryAt = 0
	for _, id := range l.sessions.expired(l.s.p.Now()) {
		l.propose(&writeRequest{session: id, req: closeSessionRequest})
		if l.s.dead {
			return
		}
	}
	l.armExpiry()
}

// closeSessionRequest is the request by which the leader ends a session, with cxid 0, which no
// client uses; nobody writes to it.
var closeSessionRequest = &Request{Op: Op{Type: OpCloseSession}}

// ended is told of every committed transaction that ends a session.
func (l *leader) ended(t *txn) {
	if l.sessions != nil {
		l.sessions.remove(t.session)
	}
	if t.cxid != 0 || t.zxid <= l.s.e.decided {
		return
	}
	l.s.e.decided = t.zxid
	l.s.e.Expired++
	h := l.s.e.clientOf[t.session]
	if h == nil {
		h = l.s.p.Host
	}
	l.s.p.W.Emit(h, "session-expired", "", fmt.Sprintf("session 0x%x", uint64(t.session)))
}

// setAcceptedEpoch and setCurrentEpoch write an epoch to the disk before it is acted upon; false:
// the server failed.
func (s *server) setAcceptedEpoch(epoch int64) bool {
	if err := writeEpoch(s.fs, acceptedEpochFile, epoch); err != nil {
		s.fail(err)
		return false
	}
	s.acceptedEpoch = epoch
	return true
}

func (s *server) setCurrentEpoch(epoch int64) bool {
	if err := writeEpoch(s.fs, currentEpochFile, epoch); err != nil {
		s.fail(err)
		return false
	}
	s.currentEpoch = epoch
	return true
}
