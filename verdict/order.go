package verdict

import (
	"math"

	"github.com/mqsim/mqsim/sim"
)

const (
	never  = sim.Time(math.MaxInt64)
	before = sim.Time(math.MinInt64) // before every instant
)

// stamp is an instant or a span with the index of what it belongs to.
type stamp struct {
	at sim.Time
	i  int32
}

// sortStamps sorts by time, keeping the order of equal times: a radix sort, because a judge that is
// slower than the run it judges would be the larger part of a sweep. spare is used if it is large
// enough; the result is the list for the next call.
func sortStamps(a, spare []stamp) []stamp {
	if len(a) < 2 {
		return spare
	}
	low, high, sorted := a[0].at, a[0].at, true
	for k := 1; k < len(a); k++ {
		low, high = min(low, a[k].at), max(high, a[k].at)
		sorted = sorted && a[k-1].at <= a[k].at
	}
	if sorted {
		return spare
	}
	if cap(spare) < len(a) {
		spare = make([]stamp, len(a))
	}
	const width = 11
	from, to := a, spare[:len(a)]
	for shift := uint(0); uint64(high-low)>>shift != 0; shift += width {
		var counts [1 << width]int32
		for _, s := range from {
			counts[uint64(s.at-low)>>shift&(1<<width-1)]++
		}
		sum := int32(0)
		for d, c := range counts {
			counts[d] = sum
			sum += c
		}
		for _, s := range from {
			d := uint64(s.at-low) >> shift & (1<<width - 1)
			to[counts[d]] = s
			counts[d]++
		}
		from, to = to, from
	}
	if &from[0] != &a[0] {
		copy(a, from)
	}
	return spare
}

// quantile is the value at rank ceil(per * n / 1000) of a sorted list, the nearest-rank definition:
// a latency that some message really had.
func quantile(sorted []sim.Time, perMille int) sim.Time {
	rank := (len(sorted)*perMille + 999) / 1000
	return sorted[max(rank, 1)-1]
}

// period is [from, to).
type period struct{ from, to sim.Time }

// periods are sorted and disjoint; nil is all time.
type periods []period

func (p periods) has(t sim.Time) bool {
	if p == nil {
		return true
	}
	for _, s := range p {
		if t < s.from {
			return false
		}
		if t < s.to {
			return true
		}
	}
	return false
}

// clip cuts the periods to [from, to). The result is never nil.
func (p periods) clip(from, to sim.Time) periods {
	if p == nil {
		p = periods{{before, never}}
	}
	out := periods{}
	for _, s := range p {
		s.from, s.to = max(s.from, from), min(s.to, to)
		if s.from < s.to {
			out = append(out, s)
		}
	}
	return out
}

func (p periods) length() sim.Time {
	var sum sim.Time
	for _, s := range p {
		sum += s.to - s.from
	}
	return sum
}

// union makes sorted, disjoint periods of any.
func union(list []period) periods {
	stamps := make([]stamp, len(list))
	for i, s := range list {
		stamps[i] = stamp{s.from, int32(i)}
	}
	sortStamps(stamps, nil)
	out := periods{}
	for _, st := range stamps {
		s := list[st.i]
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
		} else if s.from < s.to {
			out = append(out, s)
		}
	}
	return out
}
