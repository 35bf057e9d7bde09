package zk

import (
	"fmt"

	"github.com/mqsim/mqsim/sim"
)

// A follower tries to reach its leader this often and at this pace before it looks for another
// (Learner.LeaderConnector; leaderConnectDelayDuringRetryMs).
const (
	leaderDialTries = 5
	leaderDialPause = 100 * sim.Millisecond
)

// follower is the role of a server that follows a leader (Follower, Learner).
type follower struct {
	s          *server
	leader     serverID
	conn       *sim.Conn
	tries      int
	deadline   sim.Time // when the leader must have been heard
	checkAt    sim.Time // when the timer fires that looks at deadline
	epoch      int64
	committed  int // entries of the log that are applied
	target     int // entries that must be on disk for the new leader; -1 before the sync
	joined     bool
	ackedZxid  int64
	touched    []touch
	touching   map[int64]struct{}
	validating []*clientConn // waiting for the leader's word on their sessions, in order
}

func newFollower(s *server, leader serverID) *follower {
	return &follower{s: s, leader: leader, target: -1, touching: map[int64]struct{}{}}
}

func (f *follower) close() {
	if f.conn != nil {
		f.conn.Close()
		f.conn = nil
	}
}

// dial connects to the leader. Until the follower is in step it gives the leader initLimit ticks.
func (f *follower) dial() {
	s := f.s
	if f.checkAt == 0 {
		f.deadline = s.p.Now() + f.patience()
		f.arm(f.deadline)
	}
	f.tries++
	f.conn = s.p.Dial(s.e.hosts[f.leader-1], quorumPort)
	f.conn.Data = f
}

// patience is how long the leader may be silent.
func (f *follower) patience() sim.Time {
	limit := f.s.e.cfg.InitLimit
	if f.s.serving {
		limit = f.s.e.cfg.SyncLimit
	}
	return sim.Time(limit) * f.s.e.cfg.TickTime
}

func (f *follower) arm(at sim.Time) {
	f.checkAt = at
	f.s.p.At(at, timerLearner, f.s.gen)
}

// checkLeader gives the leader up when it was silent for too long (the socket's read time-out).
func (f *follower) checkLeader() {
	now := f.s.p.Now()
	if now < f.checkAt {
		return // of an earlier, longer patience
	}
	if now < f.deadline {
		f.arm(f.deadline)
		return
	}
	if now > f.checkAt {
		f.arm(now) // frozen meanwhile: read first what waits in the socket
		return
	}
	f.s.p.Probe("zk-follower-leader-silent")
	f.s.look()
}

// connected begins to join (Learner.registerWithLeader).
func (f *follower) connected(err error) {
	if err != nil {
		f.conn = nil
		if f.tries >= leaderDialTries {
			f.s.p.Probe("zk-follower-cannot-reach-leader")
			f.s.look()
			return
		}
		f.s.p.After(leaderDialPause, timerDialAgain, f.s.gen)
		return
	}
	f.send(&followerInfo{f.s.acceptedEpoch})
}

func (f *follower) send(m any) { f.conn.Send(m, quorumSize(m)) }

// receive takes a message of the leader.
func (f *follower) receive(m any) {
	s := f.s
	f.deadline = s.p.Now() + f.patience()
	switch m := m.(type) {
	case *leaderInfo:
		f.accept(m.epoch)
	case *syncPacket:
		f.sync(m)
	case *upToDate:
		f.upToDate()
	case *proposal:
		if err := s.log.append(m.entry); err != nil {
			s.fail(err)
			return
		}
		s.log.sync()
	case *commit:
		f.commit(m.zxid)
	case *quorumPing:
		if len(f.touched) == 0 {
			f.send(emptyPing)
			return
		}
		f.send(&quorumPing{f.touched})
		f.touched = nil
		clear(f.touching)
	case *revalidated:
		f.validated(m)
	default:
		panic(fmt.Sprintf("zk: follower received %T", m))
	}
}

// accept promises to follow no leader of an older epoch.
func (f *follower) accept(epoch int64) {
	s := f.s
	current := s.currentEpoch
	switch {
	case epoch < s.acceptedEpoch:
		s.p.Probe("zk-follower-refuses-old-epoch")
		s.look()
		return
	case epoch == s.acceptedEpoch:
		current = -1 // accepted before: the leader shall not compare logs again
	default:
		if !s.setAcceptedEpoch(epoch) {
			return
		}
	}
	f.epoch = epoch
	f.send(&ackEpoch{current, s.log.lastZxid()})
}

// sync brings the log in step with the leader's (Learner.syncWithLeader).
func (f *follower) sync(m *syncPacket) {
	s := f.s
	if m.truncate {
		if err := s.log.truncate(m.lastZxid); err != nil {
			s.fail(err)
			return
		}
		if s.log.lastZxid() != m.lastZxid {
			panic(fmt.Sprintf("zk: follower has no zxid 0x%x to truncate to", m.lastZxid))
		}
		s.rebuild()
	}
	f.committed = s.log.find(s.tree.lastZxid)
	if err := s.log.append(m.entries...); err != nil {
		s.fail(err)
		return
	}
	f.commit(m.committed)
	if !s.setCurrentEpoch(m.epoch) {
		return
	}
	s.election.current.epoch = m.epoch
	f.target = len(s.log.entries)
	s.log.sync()
	f.acknowledge()
}

// acknowledge tells the leader what is on the disk: first that the new leader's log is, then each
// proposal. Nothing else may send these.
func (f *follower) acknowledge() {
	s := f.s
	if f.target < 0 || s.log.synced < f.target {
		return
	}
	if !f.joined {
		f.joined = true
		f.ackedZxid = 0
		if f.target > 0 {
			f.ackedZxid = s.log.entries[f.target-1].t.zxid
		}
		f.send(&ackNewLeader{})
		f.send(&proposalAck{f.ackedZxid})
	}
	z := s.log.syncedZxid()
	if z <= f.ackedZxid {
		return
	}
	n := s.log.synced - s.log.find(f.ackedZxid)
	f.ackedZxid = z
	f.conn.Send(&proposalAck{z}, n*sizeQuorumPacket)
}

// upToDate opens the server for clients.
func (f *follower) upToDate() {
	f.s.serve("follower")
	f.deadline = f.s.p.Now() + f.patience()
	f.arm(f.deadline)
}

// commit applies what the leader has committed.
func (f *follower) commit(zxid int64) {
	log := f.s.log
	for f.committed < len(log.entries) && log.entries[f.committed].t.zxid <= zxid {
		f.s.apply(log.entries[f.committed])
		f.committed++
	}
}

// touch remembers a session for the next ping's answer (LearnerSessionTracker).
func (f *follower) touch(c *clientConn) {
	if _, ok := f.touching[c.session]; ok {
		return
	}
	f.touching[c.session] = struct{}{}
	f.touched = append(f.touched, touch{c.session, c.timeout})
}

// validated opens or refuses a connection that took up a session.
func (f *follower) validated(m *revalidated) {
	for i, c := range f.validating {
		if c.session == m.session {
			f.validating = append(f.validating[:i], f.validating[i+1:]...)
			f.s.takenUp(c, m.valid)
			return
		}
	}
}
