package verdict

import (
	"fmt"
	"slices"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// facts is the history in the orders that measuring needs. Messages are numbered through: those of
// producer 0 in order of sequence, then those of producer 1 ...
type facts struct {
	*Input
	h     *workload.History
	parts []workload.Part

	base  []int // number of the first message of each producer
	sends []workload.Send
	owner []uint16 // producer of each message

	acks      []stamp   // acked messages in order of their ack
	latencies []latency // of acked messages: due to ack, sorted
	e2e       []latency // of first deliveries to a group: due to delivery, sorted
	messages  []int32   // message of each delivery; -1 if it is none that was sent
	received  []receipt // by group
	waits     [][]wait  // by group
	firstPart []uint32  // partition of a message's first delivery, or NoPart
	lost      []bool
	lostList  []int32
	scratch   []sim.Time // of measureLatency
	spare     []stamp    // of sortStamps

	groupStart []sim.Time // when a group's first consumer runs
	subscribed [][]bool   // by group and stream: some consumer reads it before the drain
	subEver    [][]bool   // ... at all
	simple     []bool     // by group: it reads every stream before the drain, and is owed everything

	writeStream []int32 // write stream of each message
	writeNames  []string
	writeBase   []writeBase
	readNames   []string
	readStream  [][]int32 // by group and partition; -1 if the group does not read it
}

// latency is one measured span, with what is needed to select it.
type latency struct {
	took, due sim.Time
	i         int32 // message or delivery
}

// receipt holds, by message, when a group first received it; never if it did not.
type receipt struct {
	at   []sim.Time
	part []uint32
}

// writeBase finds the write streams of one producer.
type writeBase struct {
	whole  int32   // its only stream; -1 if it addresses partitions
	byPart []int32 // partition to stream
}

func newFacts(in *Input) *facts {
	f := &facts{Input: in, h: in.History, parts: in.History.Parts()}
	f.flatten()
	f.subscribe()
	f.receive()
	f.findLost()
	f.nameStreams()
	for g := range f.h.Groups {
		f.waits = append(f.waits, f.findWaits(g))
	}
	return f
}

// flatten copies the sends into one list and sorts them by ack and by latency. Every message must
// have ended as exactly one of acked, rejected and unknown: the first thing that is asserted.
func (f *facts) flatten() {
	n := f.h.Messages()
	f.sends, f.owner = make([]workload.Send, 0, n), make([]uint16, 0, n)
	for p := range f.h.Producers {
		f.base = append(f.base, len(f.sends))
		f.sends = append(f.sends, f.h.Sends(p)...)
		for range f.h.Sends(p) {
			f.owner = append(f.owner, uint16(p))
		}
	}
	f.acks = make([]stamp, 0, n)
	for i := range f.sends {
		switch s := &f.sends[i]; s.Outcome() {
		case models.Acked:
			f.acks = append(f.acks, stamp{s.Done, int32(i)})
		case models.Pending:
			panic(fmt.Sprintf("verdict: %v is still open: the history was not closed", f.id(i)))
		}
	}
	f.spare = sortStamps(f.acks, f.spare)
	due, took := make([]sim.Time, n), make([]stamp, 0, n)
	for i := range f.sends {
		due[i] = f.sends[i].Due
	}
	for _, a := range f.acks {
		if s := &f.sends[a.i]; !s.Backlog() {
			took = append(took, stamp{a.at - due[a.i], a.i})
		}
	}
	f.latencies = f.sortLatencies(took, due)
}

// sortLatencies sorts spans and keeps the due time with each.
func (f *facts) sortLatencies(took []stamp, due []sim.Time) []latency {
	f.spare = sortStamps(took, f.spare)
	out := make([]latency, len(took))
	for k, t := range took {
		out[k] = latency{t.at, due[t.i], t.i}
	}
	return out
}

func (f *facts) id(i int) sim.MsgID {
	p := f.owner[i]
	return sim.NewMsgID(uint32(p), uint32(i-f.base[p]))
}

// index is the number of a message; -1 if no send of it ever began.
func (f *facts) index(id sim.MsgID) int {
	if f.h.Send(id) == nil {
		return -1
	}
	return f.base[id.Producer()] + int(id.Seq())
}

// subscribe notes which group reads which stream.
func (f *facts) subscribe() {
	f.groupStart = make([]sim.Time, len(f.h.Groups))
	for g := range f.h.Groups {
		f.groupStart[g] = never
		f.subscribed = append(f.subscribed, make([]bool, len(f.h.Streams)))
		f.subEver = append(f.subEver, make([]bool, len(f.h.Streams)))
	}
	for _, c := range f.h.Consumers {
		f.groupStart[c.Group] = min(f.groupStart[c.Group], c.Start)
		f.subEver[c.Group][c.Stream] = true
		if c.Start < f.Duration {
			f.subscribed[c.Group][c.Stream] = true
		}
	}
	for g, info := range f.h.Groups {
		f.simple = append(f.simple, !info.Fresh && !slices.Contains(f.subscribed[g], false))
	}
}

// reaches says whether a message reaches a stream that is marked in a list by stream.
func (f *facts) reaches(i int, streams []bool) bool {
	if streams[f.sends[i].Stream] {
		return true
	}
	for _, to := range f.h.Producers[f.owner[i]].To {
		if streams[to] {
			return true
		}
	}
	return false
}

// owed says whether a group that reads the marked streams is to receive message i.
func (f *facts) owed(g, i int, streams [][]bool) bool {
	if f.simple[g] {
		return true
	}
	return f.reaches(i, streams[g]) && !(f.h.Groups[g].Fresh && f.sends[i].Done < f.groupStart[g])
}

// receive finds when each group first received each message.
func (f *facts) receive() {
	n := len(f.sends)
	f.firstPart = make([]uint32, n)
	for i := range f.firstPart {
		f.firstPart[i] = workload.NoPart
	}
	f.received = make([]receipt, len(f.h.Groups))
	for g := range f.received {
		at, part := make([]sim.Time, n), make([]uint32, n)
		for i := range at {
			at[i] = never
		}
		f.received[g] = receipt{at, part}
	}
	took := make([]stamp, 0, n)
	due := make([]sim.Time, len(f.h.Deliveries)) // by delivery
	f.messages = make([]int32, len(f.h.Deliveries))
	for k := range f.h.Deliveries {
		d := &f.h.Deliveries[k]
		i := -1
		if d.Flags&workload.Corrupted == 0 {
			i = f.index(d.ID)
		}
		f.messages[k] = int32(i)
		if d.Flags&workload.First == 0 || i < 0 {
			continue
		}
		g := f.h.Consumers[d.Consumer].Group
		f.received[g].at[i], f.received[g].part[i] = d.At, d.Part
		if f.firstPart[i] == workload.NoPart {
			f.firstPart[i] = d.Part
		}
		if s := &f.sends[i]; !s.Backlog() {
			due[k] = s.Due
			took = append(took, stamp{d.At - s.Due, int32(k)})
		}
	}
	f.e2e = f.sortLatencies(took, due)
}

func (f *facts) findLost() {
	f.lost = make([]bool, len(f.sends))
	for _, id := range f.h.Lost() {
		i := f.index(id)
		f.lost[i] = true
		f.lostList = append(f.lostList, int32(i))
	}
}

// partOf is the partition of a message: where the client was told that it is, else where it came
// from when it was first received.
func (f *facts) partOf(i int) uint32 {
	if p := f.sends[i].Part; p != workload.NoPart {
		return p
	}
	return f.firstPart[i]
}

// nameStreams numbers the single streams of writing (a producer and what it addresses) and of
// reading (a group and a partition).
func (f *facts) nameStreams() {
	f.writeBase = make([]writeBase, len(f.h.Producers))
	f.writeStream = make([]int32, len(f.sends))
	for p, info := range f.h.Producers {
		b := &f.writeBase[p]
		if !info.Each {
			b.whole = int32(len(f.writeNames))
			f.writeNames = append(f.writeNames, info.Name+" to "+f.h.Streams[info.Stream].Name)
			continue
		}
		b.whole = -1
		b.byPart = make([]int32, len(f.parts)+1)
		for slot := range b.byPart {
			b.byPart[slot] = -1
		}
		used := make([]bool, len(f.parts)+1)
		for i := range f.h.Sends(p) {
			used[f.partSlot(f.h.Sends(p)[i].Part)] = true
		}
		for _, m := range f.h.Missed {
			if int(m.Producer) == p && m.Part != workload.NoPart {
				used[m.Part] = true
			}
		}
		for slot := range used {
			if used[slot] {
				b.byPart[slot] = int32(len(f.writeNames))
				f.writeNames = append(f.writeNames, info.Name+" to "+f.partName(slot))
			}
		}
	}
	for i := range f.sends {
		f.writeStream[i] = f.writeStreamOf(int(f.owner[i]), f.sends[i].Part)
	}
	f.readStream = make([][]int32, len(f.h.Groups))
	for g, info := range f.h.Groups {
		f.readStream[g] = make([]int32, len(f.parts))
		for part, p := range f.parts {
			f.readStream[g][part] = -1
			if f.subscribed[g][p.Stream] {
				f.readStream[g][part] = int32(len(f.readNames))
				f.readNames = append(f.readNames, info.Name+" from "+p.Name)
			}
		}
	}
}

// writeStreamOf is -1 for a send that never began and so was addressed nowhere.
func (f *facts) writeStreamOf(producer int, part uint32) int32 {
	b := &f.writeBase[producer]
	if b.whole >= 0 {
		return b.whole
	}
	return b.byPart[f.partSlot(part)]
}

// partSlot puts NoPart behind all partitions.
func (f *facts) partSlot(part uint32) int { return min(int(part), len(f.parts)) }

func (f *facts) partName(slot int) string {
	if slot < len(f.parts) {
		return f.parts[slot].Name
	}
	return "a partition that is not known"
}
