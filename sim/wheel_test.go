package sim

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// oracle is the obvious queue: a binary heap ordered by (time, sequence of insertion).
type oracle struct {
	now   Time
	seq   uint64
	items oracleHeap
}

type oracleItem struct {
	ev  Event
	seq uint64
}

type oracleHeap []oracleItem

func (h oracleHeap) Len() int { return len(h) }
func (h oracleHeap) Less(i, j int) bool {
	if h[i].ev.At != h[j].ev.At {
		return h[i].ev.At < h[j].ev.At
	}
	return h[i].seq < h[j].seq
}
func (h oracleHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *oracleHeap) Push(x any)   { *h = append(*h, x.(oracleItem)) }
func (h *oracleHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

func (o *oracle) Push(e Event) {
	o.seq++
	heap.Push(&o.items, oracleItem{e, o.seq})
}

func (o *oracle) PopUntil(limit Time) (Event, bool) {
	if len(o.items) == 0 || o.items[0].ev.At > limit {
		return Event{}, false
	}
	e := heap.Pop(&o.items).(oracleItem).ev
	o.now = e.At
	return e, true
}

// wheelPair drives a wheel and its oracle alike and compares every answer.
type wheelPair struct {
	t     testing.TB
	wheel wheel
	heap  oracle
	args  uint32
}

func (p *wheelPair) push(delay Time) {
	at := p.wheel.now + delay
	if at >= horizon {
		at = horizon - 1
	}
	p.args++
	e := Event{At: at, Arg: p.args, Node: NodeID(p.args), Kind: uint16(p.args >> 3)}
	p.wheel.Push(e)
	p.heap.Push(e)
}

func (p *wheelPair) popUntil(limit Time) bool {
	p.t.Helper()
	next, some := p.wheel.Peek()
	if n := len(p.heap.items); some != (n > 0) || p.wheel.Len() != n {
		p.t.Fatalf("wheel has %d events (peek %v), heap %d", p.wheel.Len(), some, n)
	} else if some && next != p.heap.items[0].ev.At {
		p.t.Fatalf("peek says %d, heap %d", next, p.heap.items[0].ev.At)
	}
	got, ok := p.wheel.PopUntil(limit)
	want, wantOK := p.heap.PopUntil(limit)
	if got != want || ok != wantOK {
		p.t.Fatalf("pop until %d: wheel %+v %v, heap %+v %v", limit, got, ok, want, wantOK)
	}
	return ok
}

// advance does what Kernel.Run does at its end: the clock moves on without an event.
func (p *wheelPair) advance(to Time) {
	for p.popUntil(to) {
	}
	p.wheel.now = max(p.wheel.now, to)
}

func (p *wheelPair) drain() {
	for p.popUntil(horizon) {
	}
	if p.wheel.Len() != 0 || p.wheel.nearWords != 0 || p.wheel.levels != 0 {
		p.t.Fatalf("drained wheel is not empty: %d events, levels %b", p.wheel.Len(), p.wheel.levels)
	}
}

// delays that the workloads draw from, by kind.
func drawDelay(r *Rand, kind uint64) Time {
	switch kind {
	case 0:
		return 0 // at now
	case 1:
		return Time(r.Below(20)) * Microsecond // many ties
	case 2:
		return Time(r.Below(3)) // the same nanoseconds
	case 3:
		return Time(r.Below(5000)) // across the edge of the near level
	case 4:
		return Time(r.Below(30)) * Millisecond
	case 5:
		return Time(r.Below(100)) * 100 * Millisecond
	case 6:
		return Time(r.Below(8)) * Hour
	}
	return Time(1)<<r.Below(62) - Time(r.Below(2)) // around every power of two
}

func TestWheelFiresInTheOrderOfAHeap(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := NewRand(seed, "wheel")
			p := &wheelPair{t: t}
			kinds := 1 + r.Below(8) // some workloads are all ties, some reach far
			bias := 40 + r.Below(20)
			for range 4000 {
				switch x := r.Below(100); {
				case x < bias:
					for range r.Below(6) {
						p.push(drawDelay(r, r.Below(kinds)))
					}
				case x < 98:
					for range r.Below(8) {
						p.popUntil(horizon)
					}
				default:
					p.advance(min(p.wheel.now+drawDelay(r, r.Below(kinds)), horizon-1))
				}
			}
			p.drain()
		})
	}
}

func TestWheelTieAcrossLevels(t *testing.T) {
	// An event pushed from afar, and later one for the same instant pushed from near: the old one
	// reaches the near level by spreading, and must still come first.
	p := &wheelPair{t: t}
	const at = 3*Hour + 17
	p.push(at)
	for _, before := range []Time{Hour, Minute, Second, Millisecond, Microsecond, 1, 0} {
		p.advance(at - before - 1)
		p.push(at - p.wheel.now)
		p.push(0)
	}
	p.drain()
}

func TestWheelLookAheadChangesNothing(t *testing.T) {
	var w wheel
	w.Push(Event{At: Hour, Arg: 2})
	if _, ok := w.PopUntil(Second); ok {
		t.Fatal("popped an event after the limit")
	}
	w.Push(Event{At: 2 * Second, Arg: 1})
	for want := uint32(1); want <= 2; want++ {
		if e, ok := w.Pop(); !ok || e.Arg != want {
			t.Fatalf("got %+v %v, want event %d", e, ok, want)
		}
	}
}

func TestWheelRefusesThePastAndTheHorizon(t *testing.T) {
	var w wheel
	w.Push(Event{At: 1500})
	w.Pop()
	for _, c := range []struct {
		at   Time
		want []string
	}{
		{1499, []string{"1499 ns", "1500 ns", "before now"}},
		{-1, []string{"-1 ns", "before now"}},
		{horizon, []string{"beyond the horizon"}},
	} {
		func() {
			defer func() {
				msg := fmt.Sprint(recover())
				for _, s := range c.want {
					if !strings.Contains(msg, s) {
						t.Errorf("push at %d: panic %q lacks %q", int64(c.at), msg, s)
					}
				}
			}()
			w.Push(Event{At: c.at})
		}()
	}
	if w.Len() != 0 {
		t.Errorf("a refused event was kept")
	}
	w.Push(Event{At: 1500}) // at now is allowed
	w.Push(Event{At: horizon - 1})
}

func TestWheelReset(t *testing.T) {
	p := &wheelPair{t: t}
	r := NewRand(1, "reset")
	for round := range 3 {
		for range 500 {
			p.push(drawDelay(r, r.Below(8)))
			if r.Below(3) == 0 {
				p.popUntil(horizon)
			}
		}
		if round < 2 {
			p.wheel.Reset()
			p.heap = oracle{}
		}
	}
	p.drain()
}

// FuzzWheel reads its input as operations: a push with a delay of any magnitude, a pop, or an
// advance of the clock. The wheel must answer as the heap does.
func FuzzWheel(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0, 1, 1, 1})
	f.Add([]byte{0, 12, 255, 2, 0, 12, 255, 3, 2, 13, 1, 0, 0, 0, 0, 0, 1, 1, 1})
	f.Add([]byte{0, 61, 255, 255, 0, 61, 255, 255, 2, 61, 0, 0, 0, 1, 0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		p := &wheelPair{t: t}
		for ; len(ops) >= 4; ops = ops[4:] {
			// shift and mantissa: small steps make ties, large ones reach every level
			d := Time(binary.LittleEndian.Uint16(ops[2:])) << (ops[1] % 62) & (horizon - 1)
			switch ops[0] % 4 {
			case 0, 1:
				p.push(d)
			case 2:
				p.popUntil(horizon)
			case 3:
				if to := p.wheel.now + d; to < horizon {
					p.advance(to)
				}
			}
		}
		p.drain()
	})
}
