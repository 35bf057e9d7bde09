package wire

import (
	"encoding/binary"
	"errors"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/sim"
)

// Kinds of commands in the log of a quorum queue (rabbit_fifo.erl; noop and members are Ra's own).
const (
	RaNoop uint8 = iota
	RaMembers
	RaEnqueue
	RaCheckout
	RaCancel
	RaSettle
	RaReturn
	RaDiscard
	RaDown   // of a channel
	RaNodeUp // the node of suspected channels is back
	RaPurge
)

// Command is one entry of a quorum queue's log. It is shared by all members: read only.
type Command struct {
	Kind     uint8
	NoAck    bool
	NoConn   bool // RaDown: the node is not connected; the channel may live
	From     Pid  // channel
	Seq      uint64
	Corr     uint64 // what the answer names; 0: none wanted
	Tag      string // consumer
	Key      string
	Prefetch uint16
	Priority int32
	Node     uint16
	IDs      []uint64 // of deliveries
	Members  []uint16 // RaMembers: nodes
	Content
}

// Entry is a command at its place in the log. Head is the encoded command without the body, which follows
// it in every file; Sum is the checksum of index, term, head and body.
type Entry struct {
	Term consensus.Term
	Sum  uint32
	Head sim.Ref
	Cmd  *Command
}

// Len is the length of the entry's data in a file.
func (e *Entry) Len() int { return int(e.Head.Len) + int(e.Cmd.Body.Len) }

// Encode appends the command without its body.
func (c *Command) Encode(b []byte) []byte {
	flags := byte(0)
	if c.NoAck {
		flags |= 1
	}
	if c.NoConn {
		flags |= 2
	}
	b = append(b, c.Kind, flags, c.Mode)
	b = binary.AppendUvarint(b, uint64(c.From.Node))
	b = binary.AppendUvarint(b, uint64(c.From.Creation))
	b = binary.AppendUvarint(b, uint64(c.From.Serial))
	b = binary.AppendUvarint(b, c.Seq)
	b = binary.AppendUvarint(b, c.Corr)
	b = binary.AppendUvarint(b, uint64(len(c.Tag)))
	b = append(b, c.Tag...)
	b = binary.AppendUvarint(b, uint64(len(c.Key)))
	b = append(b, c.Key...)
	b = binary.AppendUvarint(b, uint64(c.Prefetch))
	b = binary.AppendVarint(b, int64(c.Priority))
	b = binary.AppendUvarint(b, uint64(c.Node))
	b = binary.AppendUvarint(b, uint64(len(c.IDs)))
	for _, id := range c.IDs {
		b = binary.AppendUvarint(b, id)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Members)))
	for _, m := range c.Members {
		b = binary.AppendUvarint(b, uint64(m))
	}
	return b
}

// ErrCommand says that bytes are no command.
var ErrCommand = errors.New("not a command of a quorum queue")

// commandReader reads what Encode wrote; bad stays set after the first thing that does not fit.
type commandReader struct {
	b   []byte
	bad bool
}

func (r *commandReader) uint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *commandReader) text() string {
	n := int(r.uint(1 << 16))
	if n > len(r.b) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

// DecodeCommand reads a command; head is the length of what precedes the body.
func DecodeCommand(b []byte) (c *Command, head int, err error) {
	if len(b) < 3 || b[0] > RaPurge || b[1] > 3 {
		return nil, 0, ErrCommand
	}
	c = &Command{Kind: b[0], NoAck: b[1]&1 != 0, NoConn: b[1]&2 != 0}
	c.Mode = b[2]
	const u16, u32, u64 = 1<<16 - 1, 1<<32 - 1, 1<<64 - 1
	r := commandReader{b: b[3:]}
	c.From = Pid{Node: uint16(r.uint(u16)), Creation: uint32(r.uint(u32)), Serial: uint32(r.uint(u32))}
	c.Seq, c.Corr = r.uint(u64), r.uint(u64)
	c.Tag, c.Key = r.text(), r.text()
	c.Prefetch = uint16(r.uint(u16))
	p, n := binary.Varint(r.b)
	if n <= 0 {
		return nil, 0, ErrCommand
	}
	c.Priority, r.b = int32(p), r.b[n:]
	c.Node = uint16(r.uint(u16))
	for k := r.uint(uint64(len(r.b))); k > 0 && !r.bad; k-- {
		c.IDs = append(c.IDs, r.uint(u64))
	}
	for k := r.uint(uint64(len(r.b))); k > 0 && !r.bad; k-- {
		c.Members = append(c.Members, uint16(r.uint(u16)))
	}
	if r.bad {
		return nil, 0, ErrCommand
	}
	return c, len(b) - len(r.b), nil
}

// Raft is a message between members of a quorum queue; entries or a snapshot travel in it. Pid is the
// member's process that sent it.
type Raft struct {
	Queue    string
	Pid      Pid
	M        consensus.Message
	Entries  []Entry // shared: read only
	Snapshot []byte  // the state behind SnapIndex
	SnapTerm consensus.Term
	Members  []uint16
}

// raftTerm is #append_entries_rpc{} with the leader's server id, or an answer.
const raftTerm = 60

// Size counts the encoded bytes: a cast to a registered name, and {Idx, Term, Command} of each entry.
func (m *Raft) Size() int {
	n := distHead + castTerm + raftTerm + len(m.Queue) + len(m.Snapshot)
	for i := range m.Entries {
		n += 14 + m.Entries[i].Cmd.size()
	}
	return n
}

// size is the command as a term: {'$usr', Meta, #enqueue{}, {notify, Corr, Pid}}.
func (c *Command) size() int {
	n := 50 + 2*pidTerm + len(c.Tag) + 5*len(c.IDs)
	if c.Kind == RaEnqueue {
		n += messageSize(&c.Content, c.Key)
	}
	return n
}

// RaCommand is ra:pipeline_command: a cast of a command to a member.
type RaCommand struct {
	Queue string
	Cmd   *Command
}

// Size counts the encoded bytes.
func (m *RaCommand) Size() int { return distHead + castTerm + len(m.Queue) + m.Cmd.size() }

// Kinds of RaEvent.
const (
	RaApplied      uint8 = iota
	RaRejected           // the member does not lead; Leader may
	RaLeaderChange       // the sender leads now
	RaLeaderIs           // answer to RaWho
	RaDeleted            // eol
	RaNotStored          // reject-publish
)

// RaEvent is {ra_event, Server, _} to a channel.
type RaEvent struct {
	To     Pid
	Queue  string
	Kind   uint8
	Node   uint16 // the member that sent it
	Leader int    // node, -1: not known
	Corrs  []uint64
}

// Size counts the encoded bytes.
func (m *RaEvent) Size() int { return distHead + 40 + 2*len(m.Queue) + 8*len(m.Corrs) }

// RaWho asks a member for the leader (ra:members); RaMissing for deliveries From on that got lost
// (rabbit_fifo's #get_checked_out{}).
type RaWho struct {
	Queue   string
	From    Pid
	Missing bool
	Tag     string
	First   uint64
}

// Size counts the encoded bytes.
func (m *RaWho) Size() int { return distHead + 40 + len(m.Queue) + len(m.Tag) }

// Monitor is erlang:monitor of a process: if it is gone, the answer is a Down.
type Monitor struct{ To Pid }

// Size counts the encoded bytes.
func (m *Monitor) Size() int { return distHead + 20 }
