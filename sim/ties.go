package sim

import "math/bits"

// maxTies bounds how far a draw looks: a resumed process may have thousands of events at one instant.
const maxTies = 64

// popTie is PopUntil with the order of events of one instant drawn from r: a node is drawn among those
// that have an event now, and its first event is taken. A node's own events keep their order.
func (w *wheel) popTie(limit Time, r *Rand) (Event, bool) {
	if w.nearWords == 0 {
		switch i := w.spread(limit); i {
		case 0:
			return Event{}, false
		case spreadOut:
		default:
			e := w.slab[i].ev
			w.release(i)
			w.now = e.At
			return e, true
		}
	}
	j := bits.TrailingZeros64(w.nearWords) % 64
	s := (j*64 + bits.TrailingZeros64(w.nearUsed[j])) % nearSlots
	if w.base&^(nearSlots-1)|Time(s) <= limit {
		w.drawTie(&w.near[s], r)
	}
	return w.PopUntil(limit)
}

// drawTie brings the first event of a drawn node to the head of a list.
func (w *wheel) drawTie(l *list, r *Rand) {
	n := uint64(0)
	for i := l.head; i != 0 && n < maxTies; i = w.slab[i].next {
		n++
	}
	if n < 2 {
		return
	}
	drawn := l.head
	for range r.Below(n) {
		drawn = w.slab[drawn].next
	}
	before, first := uint32(0), l.head
	for w.slab[first].ev.Node != w.slab[drawn].ev.Node {
		before, first = first, w.slab[first].next
	}
	if before == 0 {
		return
	}
	w.slab[before].next = w.slab[first].next
	if l.tail == first {
		l.tail = before
	}
	w.slab[first].next = l.head
	l.head = first
}
