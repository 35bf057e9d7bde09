package zk

import (
	"fmt"

	"github.com/mqsim/mqsim/sim"
)

// leaderStage is how far a new leader has come (Leader.lead).
type leaderStage uint8

const (
	gathering   leaderStage = iota // a quorum must tell its accepted epoch
	proposing                      // a quorum must accept the new epoch
	syncing                        // a quorum must have the new leader's log on its disks
	established                    // serving
)

// learnerStage is how far a follower has come in joining its leader (LearnerHandler.run).
type learnerStage uint8

const (
	learnerNew      learnerStage = iota // connected
	learnerInformed                     // told its accepted epoch; waits for the new one
	learnerAccepted                     // accepted the new epoch
	learnerSyncing                      // gets the log and every proposal
	learnerSynced                       // has the leader's log on its disk: counts for the quorum
)

// learner is the leader's view of a follower.
type learner struct {
	id       serverID
	conn     *sim.Conn
	stage    learnerStage
	accepted int64
	lastZxid int64
	acked    int64    // zxid that it has on its disk
	sent     int64    // zxid of the last proposal sent to it
	oldest   sim.Time // when the oldest proposal that it has not acked was sent
	deadline int      // tick by which it must be heard again
}

// leader is the role of a leading server.
type leader struct {
	s         *server
	stage     leaderStage
	epoch     int64
	learners  []*learner // in order of connection
	prep      *prep
	sessions  *tracker
	zxid      int64 // last proposed
	history   int   // entries of the log when the leader was elected
	committed int   // entries of the log that are committed and applied
	ticks     int
	half      bool
	expiryGen uint32
	expiryAt  sim.Time
}

func newLeader(s *server) *leader {
	n := len(s.log.entries)
	return &leader{s: s, history: n, committed: n}
}

func (l *leader) start() {
	p := l.s.p
	p.Listen(quorumPort)
	p.After(sim.Time(l.s.e.cfg.InitLimit)*l.s.e.cfg.TickTime, timerSetup, l.s.gen)
	l.advance()
}

func (l *leader) close() {
	l.s.p.StopListening(quorumPort)
	for _, x := range l.learners {
		x.conn.Close()
	}
	l.learners = nil
}

// accept takes the connection of a server that wants to follow.
func (l *leader) accept(c *sim.Conn) {
	x := &learner{id: l.s.hostID(c.Peer), conn: c, deadline: l.ticks + l.s.e.cfg.InitLimit}
	for _, old := range l.learners {
		if old.id == x.id {
			l.s.p.Probe("zk-leader-learner-came-twice")
			old.conn.Close()
			l.remove(old)
			break
		}
	}
	c.Data = x
	l.learners = append(l.learners, x)
}

func (l *leader) remove(x *learner) {
	for i, y := range l.learners {
		if y == x {
			l.learners = append(l.learners[:i], l.learners[i+1:]...)
			return
		}
	}
}

// drop forgets a follower whose connection is over. Whether the rest is a quorum is asked at the
// next tick (Leader.lead).
func (l *leader) drop(x *learner) {
	l.remove(x)
}

func (l *leader) send(x *learner, m any) { x.conn.Send(m, quorumSize(m)) }

// receive takes a message of a follower.
func (l *leader) receive(x *learner, m any) {
	defer l.heard(x)
	switch m := m.(type) {
	case *followerInfo:
		x.accepted, x.stage = m.acceptedEpoch, learnerInformed
		if l.stage >= proposing {
			l.send(x, &leaderInfo{l.epoch})
		}
		l.advance()
	case *ackEpoch:
		l.ackedEpoch(x, m)
	case *ackNewLeader:
		x.stage = learnerSynced
		if l.stage == established {
			l.send(x, &upToDate{})
		}
		l.advance()
	case *proposalAck:
		l.acked(x, m)
	case *quorumPing:
		now := l.s.p.Now()
		for _, t := range m.touched {
			if l.sessions != nil {
				l.sessions.touch(t.session, now)
			}
		}
	case *forward:
		if l.stage == established {
			w := m.w
			l.propose(&w)
		}
	case *revalidate:
		l.send(x, &revalidated{m.session, l.takeUp(m.session, x.id)})
	default:
		panic(fmt.Sprintf("zk: leader received %T", m))
	}
}

// heard gives a follower its time until the next sign of life: initLimit ticks while it joins, then
// syncLimit. Ticks are counted by the leader's own loop, so a frozen leader does not blame others.
func (l *leader) heard(x *learner) {
	x.deadline = l.ticks + l.s.e.cfg.InitLimit
	if x.stage == learnerSynced {
		x.deadline = l.ticks + l.s.e.cfg.SyncLimit
	}
}

// ackedEpoch checks that the follower has nothing newer than the leader (Leader.waitForEpochAck).
func (l *leader) ackedEpoch(x *learner, m *ackEpoch) {
	own := vote{epoch: l.s.currentEpoch, zxid: l.s.log.lastZxid()}
	its := vote{epoch: m.currentEpoch, zxid: m.lastZxid}
	if l.stage == proposing && its.better(own) {
		l.s.p.Probe("zk-leader-follower-is-newer")
		l.s.look()
		return
	}
	x.lastZxid, x.stage = m.lastZxid, learnerAccepted
	if l.stage >= syncing {
		l.sync(x)
	}
	l.advance()
}

// advance takes the next steps of establishing the leader for which a quorum is there.
func (l *leader) advance() {
	s := l.s
	if l.stage == gathering && s.majority(1+l.count(learnerInformed)) {
		l.epoch = s.acceptedEpoch
		for _, x := range l.learners {
			if x.stage >= learnerInformed {
				l.epoch = max(l.epoch, x.accepted)
			}
		}
		l.epoch++
		if !s.setAcceptedEpoch(l.epoch) {
			return
		}
		l.stage = proposing
		for _, x := range l.learners {
			if x.stage >= learnerInformed {
				l.send(x, &leaderInfo{l.epoch})
			}
		}
	}
	if l.stage == proposing && s.majority(1+l.count(learnerAccepted)) {
		if !s.setCurrentEpoch(l.epoch) {
			return
		}
		l.stage = syncing
		for _, x := range l.learners {
			if x.stage == learnerAccepted {
				l.sync(x)
			}
		}
	}
	if l.stage == syncing && s.log.synced >= l.history && s.majority(1+l.count(learnerSynced)) {
		l.establish()
	}
}

// count is the number of followers that have come to a stage.
func (l *leader) count(stage learnerStage) int {
	n := 0
	for _, x := range l.learners {
		if x.stage >= stage {
			n++
		}
	}
	return n
}

// sync sends what a follower lacks, after cutting off what the leader does not have
// (LearnerHandler.syncFollower). From now on the follower gets every proposal.
func (l *leader) sync(x *learner) {
	log := l.s.log
	from := log.find(x.lastZxid)
	m := &syncPacket{epoch: l.epoch, entries: append([]entry(nil), log.entries[from:]...)}
	if from > 0 {
		m.lastZxid = log.entries[from-1].t.zxid
	}
	m.truncate = m.lastZxid != x.lastZxid
	if l.committed > 0 {
		m.committed = log.entries[l.committed-1].t.zxid
	}
	x.stage = learnerSyncing
	x.acked = m.lastZxid
	x.sent = log.lastZxid()
	x.oldest = l.s.p.Now()
	l.send(x, m)
}

// establish opens the leader for business: a new epoch of zxids, and the full timeout for every
// session (LeaderZooKeeperServer.startup creates a new SessionTrackerImpl).
func (l *leader) establish() {
	s := l.s
	l.stage = established
	l.zxid = l.epoch << 32
	s.e.checkLeader(s)
	s.election.current.epoch = l.epoch
	l.prep = newPrep(s.tree)
	l.sessions = newTracker(s.e.cfg.TickTime, s.phase)
	now := s.p.Now()
	for _, id := range s.tree.sessions {
		l.sessions.add(id, s.tree.timeouts[id], now, 0)
	}
	for _, x := range l.learners {
		l.heard(x)
		if x.stage == learnerSynced {
			l.send(x, &upToDate{})
		}
	}
	for _, e := range s.log.entries[s.log.find(s.e.decided):] {
		if e.t.op == OpCloseSession && e.t.cxid == 0 {
			s.p.Probe("zk-leader-completes-expiry-of-predecessor")
			l.ended(e.t)
		}
	}
	s.e.Elections++
	s.p.Emit("zk-leader-elected", "", fmt.Sprintf("epoch %d", l.epoch))
	s.serve("leader")
	s.p.After(s.e.cfg.TickTime/2, timerTick, s.gen)
	l.armExpiry()
}

// setupTimeout gives up when no quorum has joined within initLimit ticks.
func (l *leader) setupTimeout() {
	if l.stage != established {
		l.s.p.Probe("zk-leader-no-quorum-joined")
		l.s.look()
	}
}

// tick runs every half tick: pings, and every other time the question whether a quorum still
// follows (Leader.lead: "Not sufficient followers synced").
func (l *leader) tick() {
	s := l.s
	if l.half {
		l.ticks++
	}
	now := s.p.Now()
	limit := sim.Time(s.e.cfg.SyncLimit) * s.e.cfg.TickTime
	for i := 0; i < len(l.learners); i++ {
		x := l.learners[i]
		late := x.acked < x.sent && now-x.oldest > limit // LearnerHandler.SyncLimitCheck
		if l.ticks > x.deadline || (x.stage == learnerSynced && late) {
			s.p.Probe("zk-leader-follower-silent")
			x.conn.Close()
			l.remove(x)
			i--
		}
	}
	if l.half && !s.majority(1+l.count(learnerSynced)) {
		s.p.Probe("zk-leader-lost-quorum")
		s.look()
		return
	}
	l.half = !l.half
	for _, x := range l.learners {
		if x.stage == learnerSynced {
			l.send(x, emptyPing)
		}
	}
	s.p.After(s.e.cfg.TickTime/2, timerTick, s.gen)
}
