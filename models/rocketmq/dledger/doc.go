// Package dledger is one member of a DLedger group: the Raft of RocketMQ's dledger mode. Elections follow
// DLedgerLeaderElector.java, replication DLedgerEntryPusher.java of openmessaging/dledger 0.3.1.2; the rules
// of Raft itself are those of package consensus, the files are the store's.
//
// Three things are DLedger's own. A member counts as having an entry when it is in its page cache, so that
// a majority that loses power together loses acknowledged entries. A member whose leader is silent first
// asks for votes in the old term, in which everybody has voted, and only then in the next one. A leader
// steps down when no majority has answered its heartbeats for three intervals.
package dledger

import (
	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Config is shared by the incarnations of a member.
type Config struct {
	Self    consensus.Member // 1 is n0
	Members []consensus.Member

	Heartbeat sim.Time // heartBeatTimeIntervalMs
	Leak      sim.Time // maxHeartBeatLeak: so many intervals
	VoteMin   sim.Time // minVoteIntervalMs
	VoteMax   sim.Time // maxVoteIntervalMs
	AckWait   sim.Time // maxWaitAckTimeMs
	Pending   int      // maxPendingRequestsNum
}

// DefaultConfig are the defaults of DLedgerConfig.java.
func DefaultConfig() Config {
	return Config{Heartbeat: 2 * sim.Second, Leak: 3, VoteMin: 300 * sim.Millisecond, VoteMax: sim.Second,
		AckWait: 2500 * sim.Millisecond, Pending: 10000}
}

// Env is the broker as the member sees it.
type Env interface {
	Now() sim.Time
	At(t sim.Time, kind uint16, arg uint32)
	Rand() *sim.Rand
	// Send sends to another member; Failed follows if a vote request cannot be delivered.
	Send(m *wire.LedgerMessage)
	// Changed: role or term changed.
	Changed()
	// Replicated ends a wait that Wait began.
	Replicated(waiter uint32, ok bool)
	Emit(kind, part, text string)
	Probe(name string)
}

// Log is the store as the member sees it.
type Log interface {
	LedgerState() consensus.State
	LedgerTerm(t consensus.Term)
	LedgerRead(i consensus.Index, dst []sim.Ref) ([]sim.Ref, int, bool)
	LedgerAppend(refs []sim.Ref) bool
	LedgerTruncate(i consensus.Index) error
	LedgerCommit(i consensus.Index)
	SaveVote(t consensus.Term, vote consensus.Member)
	LoadVote() (consensus.Term, consensus.Member)
}
