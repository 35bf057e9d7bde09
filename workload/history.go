package workload

import (
	"fmt"
	"math"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// History is the compact record of a run: what the applications asked for, what they were told and
// what they received. The driver fills it while the world runs, the judge reads it afterwards; it
// holds nothing that an application or a fresh reader outside the cluster could not know, except the
// marks of Scanned, which the audit sets after the end.
//
// A message on its way costs 64 bytes: a Send and a Delivery. Times are relative to the start of the
// load; what belongs to setup (backlogs) is negative.
type History struct {
	Streams   []StreamInfo
	Producers []ProducerInfo
	Consumers []ConsumerInfo
	Groups    []GroupInfo
	Statuses  []string // names of Send.Status; index 0 is ""

	// Deliveries stand in order of time.
	Deliveries []Delivery
	Audit      []AuditRead
	// Missed are sends that fell due and never began: not attempted.
	Missed []Miss
	// Repeated are the answers of further tries of a message that the application sent again.
	Repeated []RepeatedAnswer

	parts []Part
	first []uint32   // first part of each stream
	sends [][]Send   // by producer, then sequence number
	got   [][]seqSet // by group, then producer: messages that the group received
	seen  []seqSet   // by producer: messages that somebody received
	owed  int
	open  int
}

// StreamInfo is one topic or queue.
type StreamInfo struct {
	Name        string
	Partitions  []string // names of its partitions or queues, by number
	MessageSize uint32   // bytes of a body
}

// ProducerInfo is one producer client over all its incarnations.
type ProducerInfo struct {
	Name   string
	Stream int
	To     []int // more streams that its messages reach: RabbitMQ fanout
	// Each says that the workload, not the library, addresses partitions: then each partition that it
	// addresses is a write stream of its own.
	Each bool
}

// ConsumerInfo is one consumer client over all its incarnations.
type ConsumerInfo struct {
	Name   string
	Stream int
	Group  int
	Start  sim.Time // when it first runs; with start: drain the end of the load
	// Gone: it was not running when the run ended (a permanent fault), so its group may be owed messages.
	Gone bool
}

// GroupInfo is one group of consumers: each message is meant for one of them.
type GroupInfo struct {
	Name string
	// Fresh: the group did not exist before its first consumer (group: new), so that messages acked
	// before then are not owed to it.
	Fresh bool
}

// Part is one partition or queue of the whole run. Sends and deliveries refer to it by number.
type Part struct {
	Stream int
	Name   string
}

// NoPart stands for a partition that nobody told.
const NoPart = math.MaxUint32

// Never is a time that does not come: the end of a send that is still open, of a permanent fault.
const Never = sim.Time(math.MaxInt64)

// Send is one message as its producer's application saw it, over all its tries.
type Send struct {
	Due   sim.Time // when the schedule wanted it sent
	Begun sim.Time // when the library took it first
	// Done is the time of the first ack, else of the last answer; Never while it is open.
	Done   sim.Time
	Part   uint32 // NoPart: not told
	Stream uint16
	Status uint8 // of the answer at Done; index into History.Statuses
	bits   uint8
}

// The low two bits of Send.bits are the outcome.
const (
	outcomeBits  uint8 = 3
	nackedBit    uint8 = 1 << 2
	returnedBit  uint8 = 1 << 3
	backlogBit   uint8 = 1 << 4
	onDiskBit    uint8 = 1 << 5
	servedBit    uint8 = 1 << 6
	maybeKeptBit uint8 = 1 << 7 // an earlier try ended unknown
)

// Outcome is what the application knows: acked if any try was, rejected only if every try was
// refused before it could be stored, else unknown.
func (s *Send) Outcome() models.Outcome { return models.Outcome(s.bits & outcomeBits) }

// Nacked says that the first answer was a basic.nack.
func (s *Send) Nacked() bool { return s.bits&nackedBit != 0 }

// Returned says that the first answer came with a basic.return.
func (s *Send) Returned() bool { return s.bits&returnedBit != 0 }

// Backlog says that the message was sent before the load.
func (s *Send) Backlog() bool { return s.bits&backlogBit != 0 }

// OnDisk says that the scan of the disks found it whole on some replica.
func (s *Send) OnDisk() bool { return s.bits&onDiskBit != 0 }

// Served says that the audit's fresh reader received it.
func (s *Send) Served() bool { return s.bits&servedBit != 0 }

func (s *Send) setOutcome(o models.Outcome) { s.bits = s.bits&^outcomeBits | uint8(o) }

// Miss is one send that fell due and was never begun.
type Miss struct {
	Due   sim.Time
	Until sim.Time // when the application gave it up: at once with missed: drop, else the end of the load
	Part  uint32   // with route: each
	// Producer is the number of the producer.
	Producer uint16
}

// RepeatedAnswer is an answer to a further try.
type RepeatedAnswer struct {
	At               sim.Time
	ID               sim.MsgID
	Nacked, Returned bool
	Status           uint8
}

// DeliveryFlags say what the consumer's application saw.
type DeliveryFlags uint8

// Flags of a delivery. The history sets First and FirstOfAll itself.
const (
	Redelivered DeliveryFlags = 1 << iota // with the broker's redelivered flag
	Corrupted                             // checksum or body wrong: counts as received by nobody
	First                                 // the first delivery of the message to this group
	FirstOfAll                            // the first delivery of the message to anybody
)

// Delivery is one message whose processing a consumer's application finished.
type Delivery struct {
	At       sim.Time
	ID       sim.MsgID // meaningless with Corrupted
	Offset   int64     // -1: the product has none
	Part     uint32
	Consumer uint16
	Flags    DeliveryFlags
}

// AuditRead is one message that the fresh reader received after the end.
type AuditRead struct {
	ID        sim.MsgID // meaningless with Corrupted
	Offset    int64
	Part      uint32
	Corrupted bool
}

// NewHistory makes an empty record. Streams, partitions and clients are fixed for the whole run.
func NewHistory(streams []StreamInfo, producers []ProducerInfo, groups []GroupInfo, consumers []ConsumerInfo, statuses []string) *History {
	h := &History{Streams: streams, Producers: producers, Groups: groups, Consumers: consumers, Statuses: statuses}
	for i, s := range streams {
		h.first = append(h.first, uint32(len(h.parts)))
		for _, name := range s.Partitions {
			h.parts = append(h.parts, Part{Stream: i, Name: name})
		}
	}
	h.sends = make([][]Send, len(producers))
	h.seen = make([]seqSet, len(producers))
	h.got = make([][]seqSet, len(groups))
	for g := range h.got {
		h.got[g] = make([]seqSet, len(producers))
	}
	return h
}

// Reserve makes room for n messages of a producer, so that a run of known length does not copy.
func (h *History) Reserve(producer, n int) {
	if cap(h.sends[producer]) < n {
		grown := make([]Send, len(h.sends[producer]), n)
		copy(grown, h.sends[producer])
		h.sends[producer] = grown
	}
}

// ReserveDeliveries makes room for n deliveries.
func (h *History) ReserveDeliveries(n int) {
	if cap(h.Deliveries) < n {
		h.Deliveries = append(make([]Delivery, 0, n), h.Deliveries...)
	}
}

// Part is the number of a stream's partition; NoPart for one that is not known (-1).
func (h *History) Part(stream int, partition int32) uint32 {
	if partition < 0 || int(partition) >= len(h.Streams[stream].Partitions) {
		return NoPart
	}
	return h.first[stream] + uint32(partition)
}

// Parts are all partitions and queues, by number.
func (h *History) Parts() []Part { return h.parts }

// Sends are the messages of a producer, by sequence number. The caller must not change them.
func (h *History) Sends(producer int) []Send { return h.sends[producer] }

// Messages is the number of messages whose send began.
func (h *History) Messages() int {
	n := 0
	for _, s := range h.sends {
		n += len(s)
	}
	return n
}

// Send finds a message; nil if no send of that id ever began.
func (h *History) Send(id sim.MsgID) *Send {
	p, seq := int(id.Producer()), int(id.Seq())
	if p >= len(h.sends) || seq >= len(h.sends[p]) {
		return nil
	}
	return &h.sends[p][seq]
}

// NextID is the id of the next message that the producer begins.
func (h *History) NextID(producer int) sim.MsgID {
	return sim.NewMsgID(uint32(producer), uint32(len(h.sends[producer])))
}

// BeginSend records that a library took a message, which must be the producer's next. due is when
// the schedule wanted it sent (in a closed loop: now); partition is -1 if the library chooses.
func (h *History) BeginSend(id sim.MsgID, now, due sim.Time, stream int, partition int32, backlog bool) {
	p := id.Producer()
	if id != h.NextID(int(p)) {
		panic(fmt.Sprintf("workload: %v begins, but %v is next", id, h.NextID(int(p))))
	}
	if due > now {
		panic(fmt.Sprintf("workload: %v begins at %v, before it is due at %v", id, now, due))
	}
	s := Send{Due: due, Begun: now, Done: Never, Part: h.Part(stream, partition), Stream: uint16(stream)}
	if backlog {
		s.bits |= backlogBit
	}
	h.sends[p] = append(h.sends[p], s)
	h.open++
}

// Resend records that the application sends a message again whose last try was not acked.
func (h *History) Resend(id sim.MsgID) {
	s := h.Send(id)
	switch s.Outcome() {
	case models.Unknown:
		s.bits |= maybeKeptBit
	case models.Rejected:
	default:
		panic(fmt.Sprintf("workload: %v is sent again while %v", id, s.Outcome()))
	}
	s.setOutcome(models.Pending)
	s.Done = Never
	h.open++
}

// EndSend records the answer to the open try of a message. An answer to a message that is not open
// is ignored unless it says acked, which then holds.
func (h *History) EndSend(id sim.MsgID, now sim.Time, a models.Answer) {
	s := h.Send(id)
	was := s.Outcome()
	if was == models.Acked || was != models.Pending && a.Outcome != models.Acked {
		return
	}
	if was == models.Pending {
		h.open--
	}
	if s.bits&(nackedBit|returnedBit) == 0 && s.Status == 0 && was == models.Pending {
		s.markAnswer(a)
	} else {
		h.Repeated = append(h.Repeated, RepeatedAnswer{At: now, ID: id, Nacked: a.Nacked, Returned: a.Returned, Status: a.Status})
	}
	outcome := a.Outcome
	if outcome == models.Rejected && s.bits&maybeKeptBit != 0 {
		outcome = models.Unknown
	}
	s.setOutcome(outcome)
	s.Done, s.Status = now, a.Status
	if part := h.Part(int(s.Stream), a.Partition); part != NoPart {
		s.Part = part
	}
	if outcome == models.Acked {
		h.owed += h.unreceived(id)
	}
}

func (s *Send) markAnswer(a models.Answer) {
	if a.Nacked {
		s.bits |= nackedBit
	}
	if a.Returned {
		s.bits |= returnedBit
	}
}

// Miss records a send that fell due and was given up before it began.
func (h *History) Miss(producer int, due, until sim.Time, partition int32) {
	part := h.Part(h.Producers[producer].Stream, partition)
	h.Missed = append(h.Missed, Miss{Due: due, Until: until, Part: part, Producer: uint16(producer)})
}

// Deliver records that a consumer's application finished processing a message. ok is false if the
// bytes were not the body of a message; then id means nothing. Calls come in order of time.
func (h *History) Deliver(now sim.Time, consumer, stream int, partition int32, offset int64, id sim.MsgID, ok, redelivered bool) {
	if n := len(h.Deliveries); n > 0 && h.Deliveries[n-1].At > now {
		panic(fmt.Sprintf("workload: delivery of %v at %v after one at %v", id, now, h.Deliveries[n-1].At))
	}
	d := Delivery{At: now, ID: id, Offset: offset, Part: h.Part(stream, partition), Consumer: uint16(consumer)}
	if redelivered {
		d.Flags |= Redelivered
	}
	switch {
	case !ok:
		d.Flags |= Corrupted
	case h.Send(id) != nil:
		d.Flags |= h.receive(id, h.Consumers[consumer].Group)
	default: // the body of a message that nobody sent
		d.Flags |= First | FirstOfAll
	}
	h.Deliveries = append(h.Deliveries, d)
}

// receive marks a message as received by a group and says which first that was.
func (h *History) receive(id sim.MsgID, group int) (flags DeliveryFlags) {
	p, seq := id.Producer(), id.Seq()
	if h.seen[p].set(seq) {
		flags |= FirstOfAll
	}
	if h.got[group][p].set(seq) {
		flags |= First
		if h.Send(id).Outcome() == models.Acked && h.Owes(group, id) {
			h.owed--
		}
	}
	return flags
}

// Owes says whether a group is to receive a message: one of its consumers subscribes to a stream
// that the message reaches and, if the group is a fresh one, did so before the message was acked.
func (h *History) Owes(group int, id sim.MsgID) bool {
	s := h.Send(id)
	p := &h.Producers[id.Producer()]
	for i := range h.Consumers {
		c := &h.Consumers[i]
		if c.Group != group || h.Groups[group].Fresh && c.Start > s.Done {
			continue
		}
		if c.Stream == int(s.Stream) {
			return true
		}
		for _, to := range p.To {
			if c.Stream == to {
				return true
			}
		}
	}
	return false
}

// unreceived counts the groups that are owed a message and have not received it.
func (h *History) unreceived(id sim.MsgID) int {
	n := 0
	for g := range h.Groups {
		if !h.got[g][id.Producer()].has(id.Seq()) && h.Owes(g, id) {
			n++
		}
	}
	return n
}

// Received says whether a group received a message, and ReceivedByAny whether any did.
func (h *History) Received(group int, id sim.MsgID) bool {
	return int(id.Producer()) < len(h.sends) && h.got[group][id.Producer()].has(id.Seq())
}

// ReceivedByAny says whether any consumer of the workload received a message.
func (h *History) ReceivedByAny(id sim.MsgID) bool {
	return int(id.Producer()) < len(h.sends) && h.seen[id.Producer()].has(id.Seq())
}

// Open is the number of sends without an answer.
func (h *History) Open() int { return h.open }

// Unreceived is the number of acked messages that groups are still owed, summed over groups. The
// drain ends when it and Open are 0.
func (h *History) Unreceived() int { return h.owed }

// AuditRead records one message that the fresh reader received; ok is as in Deliver.
func (h *History) AuditRead(stream int, partition int32, offset int64, id sim.MsgID, ok bool) {
	if ok {
		if s := h.Send(id); s != nil {
			s.bits |= servedBit
		}
	}
	if h.Audit == nil {
		h.Audit = make([]AuditRead, 0, h.Messages())
	}
	h.Audit = append(h.Audit, AuditRead{ID: id, Offset: offset, Part: h.Part(stream, partition), Corrupted: !ok})
}

// Scanned records that the scan of a replica's disk found a message whole.
func (h *History) Scanned(id sim.MsgID) {
	if s := h.Send(id); s != nil {
		s.bits |= onDiskBit
	}
}

// Lost are the messages that were acked and that nobody received, neither a consumer nor the audit,
// in order of producer and sequence: the watch list of the second run.
func (h *History) Lost() []sim.MsgID {
	var lost []sim.MsgID
	for p := range h.sends {
		for seq := range h.sends[p] {
			s := &h.sends[p][seq]
			if s.Outcome() == models.Acked && !s.Served() && !h.seen[p].has(uint32(seq)) {
				lost = append(lost, sim.NewMsgID(uint32(p), uint32(seq)))
			}
		}
	}
	return lost
}

// Close ends the record: sends that are still open are unknown.
func (h *History) Close(now sim.Time) {
	for p := range h.sends {
		for seq := range h.sends[p] {
			if s := &h.sends[p][seq]; s.Outcome() == models.Pending {
				h.EndSend(sim.NewMsgID(uint32(p), uint32(seq)), now, models.Answer{Outcome: models.Unknown, Partition: -1, Offset: -1})
			}
		}
	}
}

// seqSet is a set of sequence numbers.
type seqSet []uint64

// set adds i and says whether it was missing.
func (b *seqSet) set(i uint32) bool {
	for int(i/64) >= len(*b) {
		*b = append(*b, 0)
	}
	word, mask := &(*b)[i/64], uint64(1)<<(i%64)
	missing := *word&mask == 0
	*word |= mask
	return missing
}

func (b seqSet) has(i uint32) bool {
	return int(i/64) < len(b) && b[i/64]&(1<<(i%64)) != 0
}
