package client

import (
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// The tables of MQFaultStrategy.java up to 5.0: a latency of at least latencyMax[i] keeps a broker group
// out of the choice for notAvailable[i].
var (
	latencyMax   = [...]sim.Time{50 * sim.Millisecond, 100 * sim.Millisecond, 550 * sim.Millisecond, sim.Second, 2 * sim.Second, 3 * sim.Second, 15 * sim.Second}
	notAvailable = [...]sim.Time{0, 0, 30 * sim.Second, 60 * sim.Second, 120 * sim.Second, 180 * sim.Second, 600 * sim.Second}
)

// failedLatency is what an exception counts as.
const failedLatency = 30 * sim.Second

// faultItem is LatencyFaultToleranceImpl.FaultItem.
type faultItem struct {
	group   string
	latency sim.Time
	until   sim.Time // it is available from then on
}

// faultTable is LatencyFaultToleranceImpl.
type faultTable struct {
	items []faultItem // in order of appearance
	worst uint32
}

// update notes the latency of one send; failed counts it as an exception.
func (t *faultTable) update(group string, latency sim.Time, failed bool, now sim.Time) {
	by := latency
	if failed {
		by = failedLatency
	}
	out := sim.Time(0)
	for i := len(latencyMax) - 1; i >= 0; i-- {
		if by >= latencyMax[i] {
			out = notAvailable[i]
			break
		}
	}
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
