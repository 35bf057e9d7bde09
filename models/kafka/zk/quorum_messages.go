package zk

import "github.com/mqsim/mqsim/sim"

// sizeQuorumPacket is an empty QuorumPacket: type, zxid, data buffer, authinfo vector.
const sizeQuorumPacket = 4 + 8 + 4 + 4

// Messages between a learner and its leader, in the order of a connection's life
// (Learner.registerWithLeader, LearnerHandler.run). One sim message may stand for several packets
// that are sent together; sizes are those of the packets.
type (
	// followerInfo begins: the epoch that the follower has promised to accept (FOLLOWERINFO).
	followerInfo struct{ acceptedEpoch int64 }
	// leaderInfo proposes the new epoch (LEADERINFO).
	leaderInfo struct{ epoch int64 }
	// ackEpoch accepts it and tells where the follower's log ends (ACKEPOCH).
	ackEpoch struct{ currentEpoch, lastZxid int64 }
	// syncPacket makes the follower's log a prefix of the leader's (TRUNC, DIFF with proposals
	// and commits, NEWLEADER).
	syncPacket struct {
		epoch     int64
		truncate  bool
		lastZxid  int64 // where to truncate to
		entries   []entry
		committed int64 // entries up to here are committed
	}
	// ackNewLeader: the follower's log and epoch are on its disk (ACK of NEWLEADER).
	ackNewLeader struct{}
	// upToDate: serve clients (UPTODATE).
	upToDate struct{}
	// proposal carries one transaction (PROPOSAL).
	proposal struct{ entry entry }
	// proposalAck says that the follower has synced its log up to zxid (ACK).
	proposalAck struct{ zxid int64 }
	// commit says that everything up to zxid is committed (COMMIT).
	commit struct{ zxid int64 }
	// quorumPing keeps the connection alive; the follower's answer brings the sessions that were
	// touched since its last one (PING).
	quorumPing struct{ touched []touch }
	// forward brings a write of a follower's client to the leader (REQUEST).
	forward struct{ w writeRequest }
	// revalidate asks whether a session that moves to this follower lives (REVALIDATE).
	revalidate struct {
		session int64
		timeout sim.Time
	}
	// revalidated is the answer.
	revalidated struct {
		session int64
		valid   bool
	}
)

// touch is a session that was heard from.
type touch struct {
	session int64
	timeout sim.Time
}

// emptyPing is a ping without sessions: the leader's, and the answer of a follower that has heard
// of no client since the last. Nobody writes to it.
var emptyPing = &quorumPing{}

// quorumSize is the size of a quorum message in jute.
func quorumSize(m any) int {
	switch m := m.(type) {
	case *followerInfo:
		return sizeQuorumPacket + 20 // LearnerInfo: sid, protocol version, config version
	case *leaderInfo, *ackEpoch:
		return sizeQuorumPacket + 4
	case *syncPacket:
		n := 2 * sizeQuorumPacket // DIFF and NEWLEADER
		if m.truncate {
			n += sizeQuorumPacket
		}
		for i := range m.entries {
			n += 2*sizeQuorumPacket + m.entries[i].payload()
		}
		return n
	case *proposal:
		return sizeQuorumPacket + m.entry.payload()
	case *quorumPing:
		return sizeQuorumPacket + 12*len(m.touched)
	case *forward:
		return sizeQuorumPacket + 16 + requestBody(m.w.req)
	case *revalidate:
		return sizeQuorumPacket + 12
	case *revalidated:
		return sizeQuorumPacket + 9
	}
	return sizeQuorumPacket
}

// notificationSize is a vote of the leader election: 4 bytes of length, 44 of vote, version and
// length of the configuration, and the configuration of a small ensemble, about 32 bytes a server
// (FastLeaderElection.buildMsg).
func notificationSize(servers int) int { return 4 + 44 + 32*servers + 20 }
