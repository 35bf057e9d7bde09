package sim

import (
	"fmt"
	"math/bits"
)

// Event is a thing that happens to a node. It is a value of sixteen bytes without pointers.
type Event struct {
	At   Time
	Arg  uint32 // the node's own: an index into its slab, a generation
	Node NodeID
	Kind uint16 // the node's own enumeration
}

const (
	nearBits  = 12 // the near level: one slot per nanosecond
	nearSlots = 1 << nearBits
	farBits   = 10 // each far level resolves ten more bits
	farSlots  = 1 << farBits
	farLevels = 5

	// horizon is the first instant that the wheel cannot hold: 146 years.
	horizon = Time(1) << (nearBits + farLevels*farBits)
)

// wheel is a monotone radix queue of events, ordered by time and then by insertion.
//
// An event sits at the level of the highest digit in which its time differs from base (the near
// level has one digit of 12 bits, the far levels one of 10 bits each), in the slot of that digit.
// So all events of one slot share their higher digits, events of equal time always share a slot,
// and a slot is a plain list in order of insertion: ties need neither a sequence number nor a
// comparison. When the near level runs empty, the first slot of the lowest level in use holds the
// earliest event; base moves there and the slot is spread over the levels below, in its order.
//
// base moves only when that earliest event is popped at once, never for a look ahead, so that
// base <= now holds and every push is at or after base.
type wheel struct {
	now    Time // no push may be earlier
	base   Time // slots are relative to this instant
	size   int
	free   uint32 // first unused entry, linked by next
	levels uint32 // bit l: far[l] holds events
	slab   []entry

	nearWords uint64 // bit i: nearUsed[i] is not zero
	nearUsed  [nearSlots / 64]uint64
	near      [nearSlots]list
	far       [farLevels]farLevel
}

// entry is a pending event and its successor in its slot; index 0 ends a list.
type entry struct {
	ev   Event
	next uint32
}

type list struct{ head, tail uint32 }

type farLevel struct {
	words uint64 // bit i: used[i] is not zero
	used  [farSlots / 64]uint64
	slots [farSlots]farSlot
}

// farSlot knows its earliest time, so that a look ahead need not walk the list and a spread can
// move base straight to it: a lone far timer takes one step, not one per level.
type farSlot struct {
	list
	min Time
}

// levelOf maps the bit length of a difference in time to the far level that resolves it.
var levelOf = func() (t [64]uint8) {
	for n := nearBits + 1; n < len(t); n++ {
		t[n] = uint8((n - nearBits - 1) / farBits)
	}
	return t
}()

// Len is the number of pending events.
func (w *wheel) Len() int { return w.size }

// Reset drops all events and returns to time 0. The memory is kept.
func (w *wheel) Reset() { *w = wheel{slab: w.slab[:0]} }

// Push adds e after all pending events of the same time. An event in the past is a broken program.
func (w *wheel) Push(e Event) {
	if e.At < w.now || e.At >= horizon {
		refuse(e, w.now)
	}
	i := w.free
	if i != 0 {
		w.free = w.slab[i].next
	} else {
		i = w.grow()
	}
	w.slab[i].ev = e
	w.size++
	w.link(i, e.At)
}

func refuse(e Event, now Time) {
	if e.At >= horizon {
		panic(fmt.Sprintf("sim: event for node %d kind %d at %d ns is beyond the horizon of %d ns", e.Node, e.Kind, int64(e.At), int64(horizon)))
	}
	panic(fmt.Sprintf("sim: event for node %d kind %d at %v (%d ns) is before now %v (%d ns)",
		e.Node, e.Kind, e.At, int64(e.At), now, int64(now)))
}

func (w *wheel) grow() uint32 {
	if len(w.slab) == 0 {
		w.slab = append(w.slab, entry{}) // index 0 means none
	}
	w.slab = append(w.slab, entry{})
	return uint32(len(w.slab) - 1)
}

// link puts entry i at the end of the slot for at.
func (w *wheel) link(i uint32, at Time) {
	d := uint64(at ^ w.base)
	w.slab[i].next = 0
	if d < nearSlots {
		s := uint64(at) % nearSlots
		l := &w.near[s]
		if l.head != 0 {
			w.slab[l.tail].next = i
		} else {
			l.head = i
			w.nearUsed[s/64] |= 1 << (s % 64)
			w.nearWords |= 1 << (s / 64)
		}
		l.tail = i
		return
	}
	lv := uint(levelOf[bits.Len64(d)%64])
	f := &w.far[lv]
	s := uint64(at) >> (nearBits + lv*farBits) % farSlots
	l := &f.slots[s]
	if l.head != 0 {
		w.slab[l.tail].next = i
		l.min = min(l.min, at)
	} else {
		l.head = i
		l.min = at
		f.used[s/64] |= 1 << (s % 64)
		f.words |= 1 << (s / 64)
		w.levels |= 1 << lv
	}
	l.tail = i
}

// Peek is the time of the next event; false if there is none.
func (w *wheel) Peek() (Time, bool) {
	if w.nearWords != 0 {
		j := bits.TrailingZeros64(w.nearWords) % 64
		return w.base&^(nearSlots-1) | Time(j*64+bits.TrailingZeros64(w.nearUsed[j])), true
	}
	if w.levels == 0 {
		return 0, false
	}
	f := &w.far[bits.TrailingZeros32(w.levels)]
	return f.slots[f.first()].min, true
}

// Pop takes the next event and moves now to it; false if there is none.
func (w *wheel) Pop() (Event, bool) { return w.PopUntil(horizon) }

// PopUntil is Pop for events at or before limit; if there is none it changes nothing.
func (w *wheel) PopUntil(limit Time) (Event, bool) {
	if w.nearWords == 0 {
		i := w.spread(limit)
		if i == 0 {
			return Event{}, false
		}
		if i != spreadOut {
			e := w.slab[i].ev
			w.release(i)
			w.now = e.At
			return e, true
		}
	}
	j := bits.TrailingZeros64(w.nearWords) % 64
	s := (j*64 + bits.TrailingZeros64(w.nearUsed[j])) % nearSlots
	at := w.base&^(nearSlots-1) | Time(s)
	if at > limit {
		return Event{}, false
	}
	l := &w.near[s]
	i := l.head
	n := &w.slab[i]
	e := n.ev
	l.head = n.next
	if n.next == 0 {
		w.nearUsed[j] &= w.nearUsed[j] - 1
		if w.nearUsed[j] == 0 {
			w.nearWords &= w.nearWords - 1
		}
	}
	w.release(i)
	w.now = at
	return e, true
}

// release gives the entry of a popped event back.
func (w *wheel) release(i uint32) {
	w.slab[i].next = w.free
	w.free = i
	w.size--
}

// spreadOut is spread's answer when the near level holds the earliest event now.
const spreadOut = ^uint32(0)

// spread moves base to the earliest event if that is at or before limit, and with it the events
// of its slot to lower levels. It wants an empty near level and leaves one that is not, unless the
// earliest event is alone in its slot: then it is taken out at once and its entry is the answer.
func (w *wheel) spread(limit Time) uint32 {
	if w.levels == 0 {
		return 0
	}
	lv := bits.TrailingZeros32(w.levels) % 32
	f := &w.far[lv]
	s := f.first()
	l := &f.slots[s]
	if l.min > limit {
		return 0
	}
	w.base = l.min
	i := l.head
	l.head = 0
	f.used[s/64] &= f.used[s/64] - 1
	if f.used[s/64] == 0 {
		f.words &= f.words - 1
		if f.words == 0 {
			w.levels &= w.levels - 1
		}
	}
	if i == l.tail {
		return i
	}
	for i != 0 {
		n := &w.slab[i]
		next := n.next
		w.link(i, n.ev.At)
		i = next
	}
	return spreadOut
}

// first is the first slot of f that holds events.
func (f *farLevel) first() int {
	j := bits.TrailingZeros64(f.words) % len(f.used)
	return (j*64 + bits.TrailingZeros64(f.used[j])) % farSlots
}
