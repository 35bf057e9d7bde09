package wire

import "github.com/mqsim/mqsim/sim"

// Sizes of terms between nodes (erl_ext_dist, erl_dist_protocol). distHead is the 4 bytes of length, the
// distribution header with its atom cache references (about 14 atoms, 1.5 bytes each) and the control
// tuple {22, From, To} with two pids. The others are the term formats of the named records, with atoms as
// cache references of 2 bytes, pids of 15, small integers of 2, integers of 5, and binaries with a head
// of 5; they are estimates as far as they count what a release may change.
const (
	distHead = 4 + 30 + 4 + 2*pidTerm
	pidTerm  = 15 // NEW_PID_EXT: tag, atom reference, id, serial, creation
	guidTerm = 5 + 16
	castTerm = 4 // {'$gen_cast', _}
	// messageTerm is #basic_message{} without key, properties and body: exchange resource 17, routing key
	// list 11, #content{} 25, id 21, persistence and tags 6.
	messageTerm = 80
	// deliveryTerm is {deliver, #delivery{}, Bool} without the message.
	deliveryTerm = 36
	// resourceTerm is {resource, <<"/">>, queue, Name} without the name.
	resourceTerm = 17
)

// Pid is an Erlang process: Serial is unique in one incarnation (Creation) of a node.
type Pid struct {
	Node     uint16
	Creation uint32
	Serial   uint32
}

// IsZero says whether p is no process.
func (p Pid) IsZero() bool { return p == Pid{} }

// GUID names a stored message in the cluster: rabbit_guid's 16 bytes, of which the model carries 8.
type GUID uint64

// message is the term of a message body with its key.
func messageSize(c *Content, key string) int {
	return messageTerm + guidTerm + len(key) + c.propsSize() + int(c.Body.Len)
}

// Hello is the distribution handshake: the first message of a connection in either direction, and once
// more (Reply) from the side that dialled. The accepting side is connected only then.
type Hello struct {
	From     uint16
	Creation uint32
	Reply    bool
}

// Size counts name, status and challenge, or the reply to a challenge (dist_util, version 6).
func (m *Hello) Size() int {
	if m.Reply {
		return 2 + 21
	}
	return 2 + 15 + 14 + 2 + 5
}

// Tick keeps an idle link alive: a packet of length 0.
type Tick struct{}

// Size counts the encoded bytes.
func (m *Tick) Size() int { return 4 }

// Beat is aten's heartbeat between nodes, a cast of 100 ms (rabbit >= 3.8).
type Beat struct{}

// Size counts the encoded bytes.
func (m *Beat) Size() int { return distHead + castTerm + 8 }

// ToQueue is rabbit_classic_queue:deliver: the channel casts the whole message to the master and to each
// mirror.
type ToQueue struct {
	To   Pid
	From Pid    // channel
	Seq  uint64 // the channel's confirm number; 0: none wanted
	ID   GUID
	Key  string
	Exch string
	// Mirror: the channel took the process for a mirror (rabbit_amqqueue_process, SlaveWhenPublished).
	Mirror bool
	Content
}

// Size counts the encoded bytes.
func (m *ToQueue) Size() int {
	return distHead + castTerm + deliveryTerm + messageSize(&m.Content, m.Key) + len(m.Exch)
}

// Confirm is {confirm, MsgSeqNos, QPid} to a channel; Reject is a nack for all of them (reject-publish).
type Confirm struct {
	To     Pid // channel
	From   Pid // queue process
	Seqs   []uint64
	Reject bool
}

// Size counts the encoded bytes.
func (m *Confirm) Size() int { return distHead + castTerm + 10 + pidTerm + 6 + 5*len(m.Seqs) }

// ToChannel delivers one message to a consumer's channel.
type ToChannel struct {
	To          Pid // channel
	From        Pid // queue process
	Tag         string
	NoAck       bool
	Seq         uint64 // the queue's tag of the delivery
	Queue       string
	Key         string
	Exch        string
	Redelivered bool
	Ra          bool // of a quorum queue: Seq counts the consumer's deliveries
	Again       bool // answer to RaWho.Missing: what is not among these has gone back to the queue
	Content
}

// Size counts the encoded bytes.
func (m *ToChannel) Size() int {
	return distHead + castTerm + 30 + len(m.Tag) + resourceTerm + len(m.Queue) + pidTerm + messageSize(&m.Content, m.Key)
}

// Settlements of deliveries.
const (
	SettleAck uint8 = iota
	SettleRequeue
	SettleDiscard
)

// Settle carries a channel's acks and rejects to the queue process.
type Settle struct {
	To   Pid
	From Pid
	How  uint8
	Seqs []uint64
}

// Size counts the encoded bytes.
func (m *Settle) Size() int { return distHead + castTerm + 6 + pidTerm + 6 + 5*len(m.Seqs) }

// Credit is {bump_credit, _} of credit_flow, or notify_sent from a channel's writer (Sent).
type Credit struct {
	To, From Pid
	N        int32
	Sent     bool
}

// Size counts the encoded bytes.
func (m *Credit) Size() int { return distHead + 6 + pidTerm + 5 }

// Down is 'DOWN' of a monitored process. Abnormal: the reason is a crash.
type Down struct {
	Pid      Pid
	Abnormal bool
	Deleted  bool // reason normal of a queue that was deleted
}

// Size counts the encoded bytes.
func (m *Down) Size() int { return distHead + 20 }

// What a Call asks of a queue process.
const (
	CallConsume uint8 = iota
	CallCancel
	CallInfo
	CallDelete
	CallSync
	CallCancelSync
)

// Call is a gen_server call of a channel or an operator to a queue process.
type Call struct {
	To, From Pid
	ID       uint32
	What     uint8
	Tag      string
	NoAck    bool
	Prefetch uint16
	Priority int32
	IfUnused bool
	IfEmpty  bool
}

// Size counts the encoded bytes.
func (m *Call) Size() int { return distHead + 40 + len(m.Tag) }

// Reply answers a Call. Code is an AMQP reply code, ReplySuccess if all went well.
type Reply struct {
	To, From  Pid
	ID        uint32
	Code      uint16
	Messages  uint32
	Consumers uint32
}

// Size counts the encoded bytes.
func (m *Reply) Size() int { return distHead + 25 }

// Kinds of GM instructions (rabbit_mirror_queue_master's broadcasts).
const (
	GMPublish uint8 = iota // publish and publish_delivered
	GMDrop                 // fetch: Len is what is left at the master
	GMAck
	GMRequeue
	GMDepth     // Len is the master's depth, unacked included
	GMSyncStart // unsynced mirrors purge themselves and take batches (rabbit_mirror_queue_sync)
)

// GMItem is one broadcast of the master.
type GMItem struct {
	Serial    uint64
	Kind      uint8
	Delivered bool // publish_delivered
	AckNeeded bool // of a drop or publish_delivered
	Len       uint32
	ID        GUID
	From      Pid // the publisher's channel
	Key       string
	Exch      string
	Content
}

func (i *GMItem) size() int {
	switch i.Kind {
	case GMPublish:
		return 60 + pidTerm + messageSize(&i.Content, i.Key) // {publish, ChPid, flow, #message_properties{}, Msg}
	case GMAck, GMRequeue:
		return 10 + guidTerm
	}
	return 20
}

// GM is one hop of ring traffic: broadcasts of Origin, or the token that says what everybody has.
type GM struct {
	To     Pid
	Origin Pid
	Queue  string
	Items  []GMItem // shared by the members that it passes: read only
	Acked  uint64
	Token  bool
}

// Size counts the encoded bytes: {activity, Version, [{MemberId, Pubs, Acks}]}.
func (m *GM) Size() int {
	n := distHead + castTerm + 12 + 40
	for i := range m.Items {
		n += 8 + m.Items[i].size()
	}
	return n
}

// SyncItem is one message of a batch.
type SyncItem struct {
	ID        GUID
	Unacked   bool
	Delivered bool
	Key       string
	Exch      string
	Content
}

// SyncBatch is {sync_msgs, Ref, [{Msg, MsgProps, Unacked}]}; Items are shared and read only.
type SyncBatch struct {
	To, From Pid
	Items    []SyncItem
	Last     bool
	Cancel   bool
}

// Size counts the encoded bytes.
func (m *SyncBatch) Size() int {
	n := distHead + 25
	for i := range m.Items {
		n += 50 + messageSize(&m.Items[i].Content, m.Items[i].Key)
	}
	return n
}

// SyncAck asks for the next batch ({next, Ref}); Refused leaves the sync.
type SyncAck struct {
	To, From Pid
	Refused  bool
}

// Size counts the encoded bytes.
func (m *SyncAck) Size() int { return distHead + 25 }

// Meta is a message of the replicated tables (Mnesia). Body is the node package's own; Bytes is what its
// terms take.
type Meta struct {
	Body  any
	Bytes int
}

// Size counts the encoded bytes.
func (m *Meta) Size() int { return distHead + m.Bytes }

// Alarm is rabbit_alarm's remote notice.
type Alarm struct {
	Node     uint16
	Resource string // memory, disk
	On       bool
}

// Size counts the encoded bytes.
func (m *Alarm) Size() int { return distHead + 20 }

// BodyOf is the id of a client's message in its content, for biographies.
func BodyOf(a *sim.Arena, c *Content) (sim.MsgID, bool) { return sim.BodyID(a.Bytes(c.Body)) }
