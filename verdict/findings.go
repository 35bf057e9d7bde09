package verdict

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// anomaly is a way in which something can be wrong beside a loss. Promises name it by its word.
type anomaly uint8

const (
	duplicate anomaly = iota
	reordered
	phantom
	corrupted
	skipped
	inconsistentOffset
	offsetBackwards
	anomalies
)

var anomalyWords = [anomalies]string{
	"duplicate", "reordered", "phantom", "corrupted", "skipped", "inconsistent-offset", "offset-backwards",
}

var metricOf = [anomalies]string{reordered: "reordered", phantom: "phantom", corrupted: "corrupted", skipped: "skipped"}

// What allows duplicates and reordering where the model says nothing.
const (
	atLeastOnce    = "at-least-once delivery"
	noOrder        = "no order is promised"
	noConsumerLeft = "no consumer left"
)

// occurrence is one anomaly: at a delivery, of a message, or at an offset of a partition.
type occurrence struct {
	at       sim.Time
	message  int32 // -1: not known
	delivery int32 // -1: found by the audit or by its absence
	part     uint32
	gone     bool // skipped: the group had no consumer left
}

// findings are all that went wrong.
type findings struct {
	causes     []string // of facts.lostList
	by         [anomalies][]occurrence
	losses     []result.Loss
	anomalies  []result.Loss
	violations int64
}

func (f *facts) find() *findings {
	out := &findings{}
	f.findDeliveries(out)
	f.findSkipped(out)
	f.findOffsets(out)
	for _, i := range f.lostList {
		out.causes = append(out.causes, f.causeOf(int(i)))
	}
	f.classify(out)
	return out
}

// causeOf is what the biography says; without one, a message that a disk still holds is stranded.
func (f *facts) causeOf(i int) string {
	if cause := f.Causes[f.id(i)]; cause != "" {
		return cause
	}
	if f.sends[i].OnDisk() {
		return "stranded"
	}
	return Unexplained
}

// findDeliveries looks at every delivery for itself and in the order in which a group received.
func (f *facts) findDeliveries(out *findings) {
	highest := make([][]uint32, len(f.h.Groups)*(len(f.parts)+1)) // sequence + 1 by group and partition, then producer
	bad := map[place]bool{}
	for k := range f.h.Deliveries {
		d := &f.h.Deliveries[k]
		o := occurrence{at: d.At, message: -1, delivery: int32(k), part: d.Part}
		if d.Flags&workload.Corrupted != 0 {
			if at := (place{d.Part, d.Offset}); d.Offset < 0 || !bad[at] {
				bad[at] = true
				out.by[corrupted] = append(out.by[corrupted], o)
			}
			continue
		}
		i := f.messages[k]
		o.message = i
		if i < 0 || d.Flags&workload.FirstOfAll != 0 && f.sends[i].Outcome() == models.Rejected {
			out.by[phantom] = append(out.by[phantom], o)
		}
		if i < 0 {
			continue
		}
		if d.Flags&workload.First == 0 {
			out.by[duplicate] = append(out.by[duplicate], o)
			continue
		}
		slot := f.h.Consumers[d.Consumer].Group*(len(f.parts)+1) + f.partSlot(d.Part)
		if highest[slot] == nil {
			highest[slot] = make([]uint32, len(f.h.Producers))
		}
		top := &highest[slot][d.ID.Producer()]
		if d.ID.Seq()+1 < *top {
			out.by[reordered] = append(out.by[reordered], o)
		}
		*top = max(*top, d.ID.Seq()+1)
	}
	for _, a := range f.h.Audit {
		if at := (place{a.Part, a.Offset}); a.Corrupted && (a.Offset < 0 || !bad[at]) {
			bad[at] = true
			out.by[corrupted] = append(out.by[corrupted], occurrence{at: f.Ended, message: -1, delivery: -1, part: a.Part})
		}
	}
}

// findSkipped looks for messages that are there, or were received by others, and that a group that
// subscribed never received.
func (f *facts) findSkipped(out *findings) {
	alive := make([]bool, len(f.h.Groups))
	for _, c := range f.h.Consumers {
		alive[c.Group] = alive[c.Group] || !c.Gone
	}
	for i := range f.sends {
		if !f.acked(i) || f.lost[i] {
			continue
		}
		for g := range f.h.Groups {
			if f.received[g].at[i] == never && f.owed(g, i, f.subEver) {
				out.by[skipped] = append(out.by[skipped], occurrence{
					at: f.sends[i].Done, message: int32(i), delivery: -1, part: f.partOf(i), gone: !alive[g],
				})
				break
			}
		}
	}
}

// place is a position in a partition.
type place struct {
	part   uint32
	offset int64
}

// findOffsets looks for a position at which two readers found different messages, and for groups
// that received a new message at a lower offset than one that they had received already.
func (f *facts) findOffsets(out *findings) {
	holds := newPlaces(f)
	highest := make([]int64, len(f.h.Groups)*len(f.parts))
	for k := range f.h.Deliveries {
		d := &f.h.Deliveries[k]
		if d.Offset < 0 || d.Part == workload.NoPart || d.Flags&workload.Corrupted != 0 {
			continue
		}
		o := occurrence{at: d.At, message: f.messages[k], delivery: int32(k), part: d.Part}
		if !holds.agree(d.Part, d.Offset, d.ID) {
			out.by[inconsistentOffset] = append(out.by[inconsistentOffset], o)
		}
		top := &highest[f.h.Consumers[d.Consumer].Group*len(f.parts)+int(d.Part)]
		if d.Flags&workload.First != 0 && d.Offset+1 < *top {
			out.by[offsetBackwards] = append(out.by[offsetBackwards], o)
		}
		*top = max(*top, d.Offset+1)
	}
	for _, a := range f.h.Audit {
		if a.Offset >= 0 && a.Part != workload.NoPart && !a.Corrupted && !holds.agree(a.Part, a.Offset, a.ID) {
			out.by[inconsistentOffset] = append(out.by[inconsistentOffset],
				occurrence{at: f.Ended, message: int32(f.index(a.ID)), delivery: -1, part: a.Part})
		}
	}
}

// places remembers which message was read at which offset. Offsets are dense in every broker that
// has them, so a list per partition serves; what lies far outside goes to a map.
type places struct {
	dense  [][]sim.MsgID // id + 1 by partition and offset
	sparse map[place]sim.MsgID
	limit  int64
}

func newPlaces(f *facts) *places {
	p := &places{
		dense: make([][]sim.MsgID, len(f.parts)), sparse: map[place]sim.MsgID{},
		limit: 4*int64(len(f.sends)) + 1024,
	}
	size := make([]int64, len(f.parts))
	for k := range f.h.Deliveries {
		if d := &f.h.Deliveries[k]; d.Part != workload.NoPart && d.Offset < p.limit {
			size[d.Part] = max(size[d.Part], d.Offset+1)
		}
	}
	for part := range size {
		p.dense[part] = make([]sim.MsgID, size[part])
	}
	return p
}

// agree says whether the position held this message when it was last read.
func (p *places) agree(part uint32, offset int64, id sim.MsgID) bool {
	if offset >= p.limit {
		at := place{part, offset}
		was, ok := p.sparse[at]
		p.sparse[at] = id
		return !ok || was == id
	}
	list := p.dense[part]
	if int64(len(list)) <= offset {
		list = append(list, make([]sim.MsgID, offset+1-int64(len(list)))...)
		p.dense[part] = list
	}
	was := list[offset]
	list[offset] = id + 1
	return was == 0 || was == id+1
}
