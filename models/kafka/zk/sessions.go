package zk

import "github.com/mqsim/mqsim/sim"

// serverID is myid of a server, 1..N.
type serverID int

// tracked is a session at the leader.
type tracked struct {
	id      int64
	timeout sim.Time
	expiry  sim.Time
	owner   serverID // server of its connection; 0: none since this leader began
	closing bool
}

// tracker is the leader's table of sessions with their expiry times (SessionTrackerImpl,
// ExpiryQueue). Only the leader has one, and a new leader begins with a fresh one, in which every
// session has its full timeout.
type tracker struct {
	tick  sim.Time
	phase sim.Time // ticks are multiples of tick on the leader's monotonic clock, which began here
	list  []*tracked
	byID  map[int64]*tracked
}

func newTracker(tick, phase sim.Time) *tracker {
	return &tracker{tick: tick, phase: phase, byID: map[int64]*tracked{}}
}

// round is ExpiryQueue.roundToNextInterval: the first tick after t.
func (t *tracker) round(at sim.Time) sim.Time {
	return ((at+t.phase)/t.tick+1)*t.tick - t.phase
}

// add begins to track a session.
func (t *tracker) add(id int64, timeout, now sim.Time, owner serverID) {
	if s := t.byID[id]; s != nil {
		s.expiry, s.owner = t.round(now+timeout), owner
		return
	}
	s := &tracked{id: id, timeout: timeout, expiry: t.round(now + timeout), owner: owner}
	t.list = append(t.list, s)
	t.byID[id] = s
}

// touch gives a session its full timeout again; false: there is no such session, or it is closing.
func (t *tracker) touch(id int64, now sim.Time) bool {
	s := t.byID[id]
	if s == nil || s.closing {
		return false
	}
	s.expiry = t.round(now + s.timeout)
	return true
}

// check says whether a request of a session that came in through owner is valid.
func (t *tracker) check(id int64, owner serverID) Code {
	s := t.byID[id]
	switch {
	case s == nil || s.closing:
		return SessionExpired
	case s.owner == 0:
		s.owner = owner
	case s.owner != owner:
		return SessionMoved
	}
	return OK
}

// move makes a server the owner of a session.
func (t *tracker) move(id int64, owner serverID) {
	if s := t.byID[id]; s != nil {
		s.owner = owner
	}
}

// close marks a session whose end is on its way: it cannot be touched any more.
func (t *tracker) close(id int64) {
	if s := t.byID[id]; s != nil {
		s.closing = true
	}
}

// remove forgets a session.
func (t *tracker) remove(id int64) {
	s := t.byID[id]
	if s == nil {
		return
	}
	delete(t.byID, id)
	for i, x := range t.list {
		if x == s {
			t.list = append(t.list[:i], t.list[i+1:]...)
			break
		}
	}
}

// expired marks the sessions whose time is up as closing and returns them, oldest session first.
func (t *tracker) expired(now sim.Time) []int64 {
	var ids []int64
	for _, s := range t.list {
		if !s.closing && s.expiry <= now {
			s.closing = true
			ids = append(ids, s.id)
		}
	}
	return ids
}

// next is the earliest expiry, 0 if there is none.
func (t *tracker) next() sim.Time {
	var at sim.Time
	for _, s := range t.list {
		if !s.closing && (at == 0 || s.expiry < at) {
			at = s.expiry
		}
	}
	return at
}
