package verdict

import (
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// service is the gaps of writing or reading: of everything together and of single streams.
type service struct {
	full    [][]gap // writing: one list; reading: one for each group that reads before the drain
	groups  []int   // reading: which groups
	streams [][]gap
	names   []string // of streams
}

// writes finds the write gaps of the messages that a filter lets pass (nil: all).
func (f *facts) writes(sel *selection) service {
	full := newGapFinder(f.Warmup, f.Duration, f.OutageThreshold)
	streams := make([]gapFinder, len(f.writeNames))
	for k := range streams {
		streams[k] = full
	}
	used := make([]bool, len(streams))
	for _, a := range f.acks {
		if sel.sent(int(a.i)) {
			full.event(a.at)
			streams[f.writeStream[a.i]].event(a.at)
		}
	}
	full.finish()
	for k := range streams {
		streams[k].finish()
	}
	want := func(stream int32, from, to sim.Time) {
		full.want(from, to)
		if stream >= 0 {
			streams[stream].want(from, to)
			used[stream] = true
		}
	}
	for i := range f.sends {
		if s := &f.sends[i]; !s.Backlog() && sel.sent(i) {
			want(f.writeStream[i], s.Due, s.Done)
		}
	}
	for k := range f.h.Missed {
		if m := &f.h.Missed[k]; sel.missed(m) {
			want(f.writeStreamOf(int(m.Producer), m.Part), m.Due, m.Until)
		}
	}
	out := service{full: [][]gap{full.gaps()}}
	for k := range streams {
		if used[k] {
			out.streams, out.names = append(out.streams, streams[k].gaps()), append(out.names, f.writeNames[k])
		}
	}
	return out
}

// reads finds the read gaps of every group that has a consumer before the drain.
func (f *facts) reads(sel *selection) service {
	var out service
	streams := make([]gapFinder, len(f.readNames))
	blank := newGapFinder(f.Warmup, f.Duration, f.OutageThreshold)
	for k := range streams {
		streams[k] = blank
	}
	for g := range f.h.Groups {
		if f.groupStart[g] >= f.Duration || !sel.reads(f, g) {
			continue
		}
		full := blank
		for k := range f.h.Deliveries {
			d := &f.h.Deliveries[k]
			if f.h.Consumers[d.Consumer].Group != g || !sel.delivered(d) {
				continue
			}
			full.event(d.At)
			if d.Part != workload.NoPart && f.readStream[g][d.Part] >= 0 {
				streams[f.readStream[g][d.Part]].event(d.At)
			}
		}
		full.finish()
		for _, k := range f.readStream[g] {
			if k >= 0 {
				streams[k].finish()
			}
		}
		for _, w := range f.waits[g] {
			if !f.simple[g] && !f.reaches(int(w.message), f.subscribed[g]) || !sel.sent(int(w.message)) {
				continue
			}
			full.want(w.from, w.to)
			if w.part != workload.NoPart && f.readStream[g][w.part] >= 0 {
				streams[f.readStream[g][w.part]].want(w.from, w.to)
			}
		}
		out.full, out.groups = append(out.full, full.gaps()), append(out.groups, g)
		for part, k := range f.readStream[g] {
			if k >= 0 && sel.holds(uint32(part)) {
				out.streams, out.names = append(out.streams, streams[k].gaps()), append(out.names, f.readNames[k])
			}
		}
	}
	return out
}

// passing is a moment at which a group had received, from one partition, a message that was acked
// later than any that it had received from there before.
type passing struct{ ack, at sim.Time }

// wait is a stretch in which a message waits for a group.
type wait struct {
	from, to sim.Time
	message  int32
	part     uint32
}

// findWaits lists the waits for a group, in order of their begin: from a message's ack until the
// group first receives it or one of the same partition that was acked later. The second half lets a
// lost message stop waiting as soon as the group has passed it.
func (f *facts) findWaits(g int) []wait {
	passings := f.findPassings(g)
	next := make([]int, len(f.parts)) // by partition: the first passing that may still be later
	got := &f.received[g]
	list := make([]wait, 0, len(f.acks))
	for _, a := range f.acks {
		i := int(a.i)
		if !f.owed(g, i, f.subEver) {
			continue
		}
		until, part := got.at[i], f.partOf(i)
		if until != never {
			part = got.part[i]
		}
		if a.at >= until {
			continue
		}
		if part != workload.NoPart {
			p, k := passings[part], &next[part]
			for *k < len(p) && p[*k].ack <= a.at {
				*k++
			}
			if *k < len(p) {
				until = min(until, p[*k].at)
			}
		}
		if a.at < until {
			list = append(list, wait{a.at, until, a.i, part})
		}
	}
	return list
}

// findPassings lists, for each partition, the moments at which a group had come further.
func (f *facts) findPassings(g int) [][]passing {
	passings := make([][]passing, len(f.parts))
	for k := range f.h.Deliveries {
		d, i := &f.h.Deliveries[k], f.messages[k]
		if d.Part == workload.NoPart || i < 0 || f.h.Consumers[d.Consumer].Group != g || !f.acked(int(i)) {
			continue
		}
		list := passings[d.Part]
		if list == nil {
			list = make([]passing, 0, len(f.h.Deliveries)/len(f.parts)+16)
		}
		if ack := f.sends[i].Done; len(list) == 0 || ack > list[len(list)-1].ack {
			passings[d.Part] = append(list, passing{ack, d.At})
		}
	}
	return passings
}
