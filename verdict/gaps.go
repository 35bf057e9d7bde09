package verdict

import (
	"sort"

	"github.com/mqsim/mqsim/sim"
)

// gap is a stretch of the window without service.
type gap struct {
	from, to sim.Time
	open     bool // not over when the window ended
}

// gapFinder finds the gaps of one stream of service. Events are what ends a gap: acks, deliveries.
// Wants are what makes a stretch between two events a gap: a send that is due and not answered, a
// message that waits for a reader.
//
// A gap starts at the last event if something is wanted then, else at the first moment after it at
// which something begins to be wanted. It ends at the next event or with the window, and counts if
// it is not shorter than the threshold. Only the few stretches that are long enough to count are kept
// while events pass by; wants are matched against those alone.
type gapFinder struct {
	from, to, threshold sim.Time // the window
	last                sim.Time // last event
	done                bool     // the window is over
	stretches           []stretch
}

type stretch struct {
	last  sim.Time // event before it
	to    sim.Time // event after it, at most the window's end
	first sim.Time // when something was first wanted; never if nothing was
	open  bool
}

func newGapFinder(from, to, threshold sim.Time) gapFinder {
	return gapFinder{from: from, to: to, threshold: max(threshold, 1), last: before}
}

// event must be called in order of time.
func (f *gapFinder) event(t sim.Time) {
	if f.done {
		return
	}
	f.stretch(t)
	f.last = t
	f.done = t >= f.to
}

func (f *gapFinder) stretch(next sim.Time) {
	to := min(next, f.to)
	if to-max(f.last, f.from) >= f.threshold {
		f.stretches = append(f.stretches, stretch{last: f.last, to: to, first: never, open: next >= f.to})
	}
}

// finish is called after the last event and before the first want.
func (f *gapFinder) finish() {
	if !f.done {
		f.stretch(never)
		f.done = true
	}
}

// want says that something is wanted during [from, to). One that is over as soon as it begins still
// begins a gap: a send that falls due and is refused at once.
func (f *gapFinder) want(from, to sim.Time) {
	if len(f.stretches) == 0 {
		return
	}
	i := sort.Search(len(f.stretches), func(i int) bool { return f.stretches[i].last >= from })
	if i > 0 {
		s := &f.stretches[i-1]
		s.first = min(s.first, from)
	}
	for ; i < len(f.stretches) && f.stretches[i].last < to; i++ {
		f.stretches[i].first = f.stretches[i].last
	}
}

// gaps are those that count, in order of time.
func (f *gapFinder) gaps() []gap {
	var out []gap
	for _, s := range f.stretches {
		if s.first == never {
			continue
		}
		if from := max(s.first, f.from); s.to-from >= f.threshold {
			out = append(out, gap{from: from, to: s.to, open: s.open})
		}
	}
	return out
}

// cut is the parts of gaps that lie within periods: an outage that reaches over the border of a phase
// belongs to both.
func cut(gaps []gap, p periods) []gap {
	if p == nil {
		return gaps
	}
	var out []gap
	for _, g := range gaps {
		for _, s := range p.clip(g.from, g.to) {
			out = append(out, gap{from: s.from, to: s.to, open: g.open && s.to == g.to})
		}
	}
	return out
}

func longest(gaps []gap) sim.Time {
	var most sim.Time
	for _, g := range gaps {
		most = max(most, g.to-g.from)
	}
	return most
}

func total(gaps []gap) sim.Time {
	var sum sim.Time
	for _, g := range gaps {
		sum += g.to - g.from
	}
	return sum
}
