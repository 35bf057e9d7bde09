package verdict

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
	"pgregory.net/rapid"
)

// The oracles below are the definitions of the scenario language word for word, without a thought
// for speed.

// naiveWriteGaps: a gap starts at the last ack, or at the earliest due time of a send that was open
// then or became due later, whichever is later; it ends at the next ack, or with the window.
func naiveWriteGaps(f *facts, mine func(i int) bool) []gap {
	var acks []sim.Time
	for i := range f.sends {
		if mine(i) && f.acked(i) {
			acks = append(acks, f.sends[i].Done)
		}
	}
	slices.Sort(acks)
	return naiveGaps(f, acks, func(last sim.Time) sim.Time {
		earliest := never
		for i := range f.sends {
			s := &f.sends[i]
			openThen := s.Due <= last && s.Done > last
			if mine(i) && !s.Backlog() && (openThen || s.Due > last) {
				earliest = min(earliest, s.Due)
			}
		}
		return earliest
	})
}

// naiveReadGaps: a message waits from its ack until the group first receives it or receives one of
// the same partition that was acked later.
func naiveReadGaps(f *facts, g int, part int) []gap {
	type wait struct{ from, to sim.Time }
	var waits []wait
	var events []sim.Time
	in := func(p uint32) bool { return part < 0 || p == uint32(part) }
	for k := range f.h.Deliveries {
		if d := &f.h.Deliveries[k]; f.h.Consumers[d.Consumer].Group == g && in(d.Part) {
			events = append(events, d.At)
		}
	}
	for i := range f.sends {
		if !f.acked(i) || !in(f.sends[i].Part) {
			continue
		}
		w := wait{f.sends[i].Done, never}
		for k := range f.h.Deliveries {
			d := &f.h.Deliveries[k]
			if f.h.Consumers[d.Consumer].Group != g {
				continue
			}
			other := f.index(d.ID)
			if other == i || d.Part == f.sends[i].Part && f.acked(other) && f.sends[other].Done > f.sends[i].Done {
				w.to = min(w.to, d.At)
			}
		}
		if w.to > w.from {
			waits = append(waits, w)
		}
	}
	return naiveGaps(f, events, func(last sim.Time) sim.Time {
		earliest := never
		for _, w := range waits {
			if w.to > last {
				earliest = min(earliest, w.from)
			}
		}
		return earliest
	})
}

func naiveGaps(f *facts, events []sim.Time, earliest func(last sim.Time) sim.Time) []gap {
	var out []gap
	events = append([]sim.Time{before}, events...)
	for k, last := range events {
		next := never
		if k+1 < len(events) {
			next = events[k+1]
		}
		wanted := earliest(last)
		if wanted == never {
			continue
		}
		g := gap{from: max(last, wanted, f.Warmup), to: min(next, f.Duration), open: next >= f.Duration}
		if g.to-g.from >= f.OutageThreshold {
			out = append(out, g)
		}
	}
	return out
}

// drawHistory makes a small, tie-heavy history of two producers, two partitions and two groups.
func drawHistory(t *rapid.T) *Input {
	tick := func(label string, lo, hi int) sim.Time {
		return sim.Time(rapid.IntRange(lo, hi).Draw(t, label)) * sim.Millisecond
	}
	h := workload.NewHistory(
		[]workload.StreamInfo{{Name: "t0", Partitions: []string{"t0-0", "t0-1"}}},
		[]workload.ProducerInfo{{Name: "producer-0"}, {Name: "producer-1", Each: true}},
		[]workload.GroupInfo{{Name: "g"}, {Name: "h"}},
		[]workload.ConsumerInfo{{Name: "consumer-0"}, {Name: "consumer-1", Group: 1}}, []string{""})
	type receipt struct {
		at       sim.Time
		id       sim.MsgID
		consumer int
		part     int32
	}
	var receipts []receipt
	for k := range rapid.IntRange(0, 12).Draw(t, "messages") {
		p := k % 2
		id := h.NextID(p)
		due, part := tick("due", 0, 30), int32(rapid.IntRange(0, 1).Draw(t, "part"))
		h.BeginSend(id, due, due, 0, part, rapid.IntRange(0, 9).Draw(t, "backlog") == 0)
		outcome := rapid.SampledFrom([]models.Outcome{models.Pending, models.Acked, models.Acked, models.Rejected, models.Unknown}).Draw(t, "outcome")
		if outcome != models.Pending {
			h.EndSend(id, due+tick("took", 0, 15), models.Answer{Outcome: outcome, Partition: part})
		}
		for range rapid.IntRange(0, 3).Draw(t, "deliveries") {
			receipts = append(receipts, receipt{due + tick("seen", 0, 20), id, rapid.IntRange(0, 1).Draw(t, "consumer"), part})
		}
	}
	slices.SortStableFunc(receipts, func(a, b receipt) int { return int(a.at - b.at) })
	for _, r := range receipts {
		h.Deliver(r.at, r.consumer, 0, r.part, -1, r.id, true, false)
	}
	h.Close(100 * sim.Millisecond)
	return &Input{
		History: h, Warmup: 5 * sim.Millisecond, Duration: 35 * sim.Millisecond, Ended: 100 * sim.Millisecond,
		OutageThreshold: 3 * sim.Millisecond, SLO: 5 * sim.Millisecond,
	}
}

func TestGapsAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawHistory(t)
		f := newFacts(in)
		w, r := f.writes(nil), f.reads(nil)
		same := func(what string, got, want []gap) {
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %v, by definition %v", what, got, want)
			}
		}
		same("write", w.full[0], naiveWriteGaps(f, func(int) bool { return true }))
		for k, name := range w.names {
			stream := slices.Index(f.writeNames, name)
			same(name, w.streams[k], naiveWriteGaps(f, func(i int) bool { return int(f.writeStream[i]) == stream }))
		}
		for g := range f.h.Groups {
			same("read", r.full[g], naiveReadGaps(f, g, -1))
			for part := range f.parts {
				k := int(f.readStream[g][part])
				same(f.readNames[k], r.streams[k], naiveReadGaps(f, g, part))
			}
		}
	})
}

func TestSortStamps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		high := rapid.SampledFrom([]int64{3, 5000, 1 << 40, 1<<63 - 1}).Draw(t, "high")
		times := rapid.SliceOf(rapid.Int64Range(-high/2, high/2)).Draw(t, "times")
		var got, want []stamp
		for i, at := range times {
			got = append(got, stamp{sim.Time(at), int32(i)})
		}
		want = slices.Clone(got)
		slices.SortStableFunc(want, func(a, b stamp) int {
			if a.at < b.at {
				return -1
			}
			return int(min(a.at-b.at, 1))
		})
		sortStamps(got, nil)
		if !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// BenchmarkJudge judges 100,000 messages of two producers with a fault in the middle and a lost
// tail, everything that a result holds included.
func BenchmarkJudge(b *testing.B) {
	const messages = 100_000
	build := func() *Input {
		in := &Input{
			Warmup: 2 * sim.Second, Duration: 100 * sim.Second, Ended: 110 * sim.Second,
			OutageThreshold: 200 * sim.Millisecond, SLO: sim.Second, Causes: Causes{},
			Faults: []FaultWindow{{Name: "crash", From: 40 * sim.Second, To: 70 * sim.Second, TookHold: true, Healed: true}},
		}
		var parts []string
		for p := range 8 {
			parts = append(parts, fmt.Sprintf("t0-%d", p))
		}
		h := workload.NewHistory([]workload.StreamInfo{{Name: "t0", Partitions: parts, MessageSize: 1024}},
			[]workload.ProducerInfo{{Name: "producer-0"}, {Name: "producer-1"}},
			[]workload.GroupInfo{{Name: "g"}}, []workload.ConsumerInfo{{Name: "consumer-0"}}, []string{""})
		rnd := sim.NewRand(1, "bench")
		type receipt struct {
			at sim.Time
			id sim.MsgID
		}
		var receipts []receipt
		for k := range messages {
			due := sim.Time(k) * sim.Millisecond
			id := h.NextID(k % 2)
			h.BeginSend(id, due, due, 0, int32(k%8), false)
			done := due + rnd.Range(sim.Millisecond, 20*sim.Millisecond)
			if due > 40*sim.Second && due < 52*sim.Second {
				done = 52*sim.Second + rnd.Range(0, sim.Second)
			}
			h.EndSend(id, done, models.Answer{Outcome: models.Acked, Partition: int32(k % 8), Offset: int64(k / 8)})
			if k%1000 != 0 {
				receipts = append(receipts, receipt{done + rnd.Range(0, 3*sim.Millisecond), id})
			}
		}
		slices.SortFunc(receipts, func(a, b receipt) int { return int(a.at - b.at) })
		for _, r := range receipts {
			k := int64(r.id.Seq())*2 + int64(r.id.Producer())
			h.Deliver(r.at, 0, 0, int32(k%8), k/8, r.id, true, false)
		}
		h.Close(110 * sim.Second)
		in.History = h
		return in
	}
	in := build()
	b.ReportAllocs()
	for b.Loop() {
		judgeAll(in)
	}
}
