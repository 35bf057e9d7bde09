package client

import (
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// isolation is a table of MQFaultStrategy.java: a latency of at least max[i] keeps a broker group out of
// the choice for out[i]; an exception counts as failed.
type isolation struct {
	max, out [7]sim.Time
	failed   sim.Time
}

const ms, sec = sim.Millisecond, sim.Second

// The tables of versions up to 5.1.3, and since.
var (
	slowIsolation = isolation{
		max:    [7]sim.Time{50 * ms, 100 * ms, 550 * ms, 1000 * ms, 2000 * ms, 3000 * ms, 15000 * ms},
		out:    [7]sim.Time{0, 0, 30 * sec, 60 * sec, 120 * sec, 180 * sec, 600 * sec},
		failed: 30 * sec,
	}
	quickIsolation = isolation{
		max:    [7]sim.Time{50 * ms, 100 * ms, 550 * ms, 1800 * ms, 3000 * ms, 5000 * ms, 15000 * ms},
		out:    [7]sim.Time{0, 0, 2 * sec, 5 * sec, 6 * sec, 10 * sec, 30 * sec},
		failed: 10 * sec,
	}
)

// of is computeNotAvailableDuration.
func (x *isolation) of(latency sim.Time) sim.Time {
	for i := len(x.max) - 1; i >= 0; i-- {
		if latency >= x.max[i] {
			return x.out[i]
		}
	}
	return 0
}

// faultItem is LatencyFaultToleranceImpl.FaultItem.
type faultItem struct {
	group   string
	latency sim.Time
	until   sim.Time // it is available from then on
}

// faultTable is LatencyFaultToleranceImpl.
type faultTable struct {
	rules *isolation
	items []faultItem // in order of appearance
	worst uint32
}

// update notes the latency of one send; failed counts it as an exception.
func (t *faultTable) update(group string, latency sim.Time, failed bool, now sim.Time) {
	by := latency
	if failed {
		by = t.rules.failed
	}
	out := t.rules.of(by)
	i := slices.IndexFunc(t.items, func(x faultItem) bool { return x.group == group })
	if i < 0 {
		i = len(t.items)
		t.items = append(t.items, faultItem{group: group})
	}
	t.items[i].latency, t.items[i].until = latency, now+out
}

func (t *faultTable) available(group string, now sim.Time) bool {
	for i := range t.items {
		if t.items[i].group == group {
			return now >= t.items[i].until
		}
	}
	return true
}

// pick is pickOneAtLeast: one of the better half of those known, in turn; "" if none is.
func (t *faultTable) pick(now sim.Time) string {
	if len(t.items) == 0 {
		return ""
	}
	list := slices.Clone(t.items)
	slices.SortStableFunc(list, func(a, b faultItem) int {
		if x, y := now >= a.until, now >= b.until; x != y {
			if x {
				return -1
			}
			return 1
		}
		if a.latency != b.latency {
			return sign(a.latency - b.latency)
		}
		return sign(a.until - b.until)
	})
	half := len(list) / 2
	if half == 0 {
		return list[0].group
	}
	t.worst++
	return list[int(t.worst)%half].group
}

func (t *faultTable) remove(group string) {
	t.items = slices.DeleteFunc(t.items, func(x faultItem) bool { return x.group == group })
}

func sign(d sim.Time) int {
	switch {
	case d < 0:
		return -1
	case d > 0:
		return 1
	}
	return 0
}
