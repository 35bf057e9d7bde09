package wire

import (
	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/sim"
)

// LedgerPort is where the members of a DLedger group hear each other (dLegerPeers: n0-host:40911).
var LedgerPort = sim.Port{Num: 40911, Class: sim.PortReplication}

// Reason says why a member refused its vote (VoteResponse.RESULT of openmessaging/dledger).
type Reason uint8

// The reasons that matter to the candidate.
const (
	NoReason  Reason = iota
	BiggerLog        // REJECT_EXPIRED_LEDGER_TERM, REJECT_SMALL_LEDGER_END_INDEX
	HasLeader        // REJECT_ALREADY_HAS_LEADER
)

// LedgerMessage is what members of a DLedger group tell each other: VOTE, HEART_BEAT and PUSH with their
// answers (DLedgerRequestCode.java). A push carries one entry, header and record.
type LedgerMessage struct {
	consensus.Message
	Beat   bool // a heartbeat, or the answer to one
	Reason Reason
	Refs   []sim.Ref
	Bytes  int32
	// EntryTerm is that of the entry, as its header says.
	EntryTerm consensus.Term
}

// Size counts the encoded bytes: a remoting frame whose body is JSON, or JSON with the entry behind it.
func (m *LedgerMessage) Size() int {
	const body = len(`{"code":200,"group":"a","leaderId":"n0","localId":"n0","remoteId":"n0","term":,"ledgerEndIndex":,"ledgerEndTerm":}`)
	h := Header{}
	return h.frame(50000, 0, body+digits(int64(m.Term))+digits(int64(m.Index))+digits(int64(m.LogTerm))+int(m.Bytes))
}

// Ledger gives an empty message; Refs has length 0.
func (p *Pool) Ledger() *LedgerMessage { return take(&p.ledger) }

// PutLedger takes a message back.
func (p *Pool) PutLedger(m *LedgerMessage) {
	*m = LedgerMessage{Refs: m.Refs[:0]}
	p.ledger = append(p.ledger, m)
}
