package verdict

import (
	"slices"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// storedAs says in one word where a lost message ended, by the cause of its loss.
var storedAs = map[string]string{
	"unreplicated-tail":         "truncated",
	"discarded-after-partition": "discarded",
	"truncated-by-new-leader":   "truncated",
	"unsynced-page-cache":       "unsynced",
	"process-buffer":            "in memory",
	"unsynced-mirror-promoted":  "discarded",
	"acked-while-home-down":     "nowhere",
	"stranded":                  "stranded",
	"disk-lost":                 "disk lost",
	"retention":                 "expired",
	"skipped-offset":            "skipped",
	Unexplained:                 "unexplained",
}

var receivedWords = [...]string{"never", "once", "late", "again"}

// Places of a message that is not lost, as flow says them.
const (
	served = iota
	consumed
	left // on a disk that nobody reads
	no
	lostPlaces // from here on the causes of losses
)

// flow counts all messages by the way that they went.
//
// stored: "served", the audit read it; "consumed", received and no longer there (a queue forgets what
// is acked); for a lost message where it ended; "no", not acked and nowhere to be seen.
// received: "never", "once", "late" (first after the load), "again" (some group more than once).
func (f *facts) flow(found *findings) []result.Flow {
	stored := []string{"served", "consumed", "stranded", "no"}
	lostAs := make(map[int32]int, len(f.lostList))
	for k, i := range f.lostList {
		word, ok := storedAs[found.causes[k]]
		if !ok {
			word = found.causes[k]
		}
		at := slices.Index(stored[lostPlaces:], word) + lostPlaces
		if at < lostPlaces {
			at, stored = len(stored), append(stored, word)
		}
		lostAs[i] = at
	}
	received := f.receivedKinds()
	rowOf := make([]int, len(stored)*16) // row + 1 by stored, told and received
	var rows []result.Flow
	for i := range f.sends {
		s := &f.sends[i]
		place := no
		switch {
		case f.lost[i]:
			place = lostAs[int32(i)]
		case s.Served():
			place = served
		case received[i] != 0:
			place = consumed
		case s.OnDisk():
			place = left
		}
		row := &rowOf[place*16+int(s.Outcome())*4+int(received[i])]
		if *row == 0 {
			rows = append(rows, result.Flow{Told: s.Outcome().String(), Stored: stored[place], Received: receivedWords[received[i]]})
			*row = len(rows)
		}
		r := &rows[*row-1]
		if r.Count++; r.Count <= maxExamples {
			r.Examples = append(r.Examples, f.id(i).String())
		}
	}
	slices.SortStableFunc(rows, compareFlow)
	return rows
}

func compareFlow(a, b result.Flow) int {
	told := []string{models.Acked.String(), models.Rejected.String(), models.Unknown.String()}
	if d := slices.Index(told, a.Told) - slices.Index(told, b.Told); d != 0 {
		return d
	}
	if a.Count != b.Count {
		if a.Count > b.Count {
			return -1
		}
		return 1
	}
	return 0
}

// receivedKinds gives, by message, the index of its word.
func (f *facts) receivedKinds() []uint8 {
	kinds := make([]uint8, len(f.sends))
	for k := range f.h.Deliveries {
		d := &f.h.Deliveries[k]
		i := f.messages[k]
		switch {
		case i < 0:
		case d.Flags&workload.First == 0:
			kinds[i] = 3
		case d.Flags&workload.FirstOfAll == 0:
		case d.At >= f.Duration:
			kinds[i] = 2
		default:
			kinds[i] = 1
		}
	}
	return kinds
}

// step is the resolution of series.
const step = 100 * sim.Millisecond

// series counts what happened in each step from the start of the load to the last thing that
// happened. The latencies of a step are those of the sends that fell due in it.
func (f *facts) series() *result.Series {
	end := f.Duration
	for i := range f.sends {
		end = max(end, f.sends[i].Done+1)
	}
	if n := len(f.h.Deliveries); n > 0 {
		end = max(end, f.h.Deliveries[n-1].At+1)
	}
	n := int((min(end, max(f.Ended, f.Duration)+1) + step - 1) / step)
	s := &result.Series{
		Step: seconds(step), Due: make([]int64, n), Acked: make([]int64, n), Rejected: make([]int64, n),
		Unknown: make([]int64, n), Delivered: make([]int64, n), Lag: make([]int64, n),
		P50: make([]result.Number, n), P99: make([]result.Number, n),
	}
	byOutcome := [...][]int64{models.Acked: s.Acked, models.Rejected: s.Rejected, models.Unknown: s.Unknown}
	for i := range f.sends {
		send := &f.sends[i]
		mark(s.Due, send.Due)
		mark(byOutcome[send.Outcome()], send.Done)
	}
	for k := range f.h.Missed {
		mark(s.Due, f.h.Missed[k].Due)
	}
	for k := range f.h.Deliveries {
		if d := &f.h.Deliveries[k]; d.Flags&workload.FirstOfAll != 0 && f.messages[k] >= 0 {
			mark(s.Delivered, d.At)
		}
	}
	f.seriesLatency(s)
	f.seriesLag(s.Lag)
	return s
}

// mark counts an instant in its step; what lies outside is not shown.
func mark(counts []int64, at sim.Time) {
	if k := at / step; at >= 0 && int(k) < len(counts) {
		counts[k]++
	}
}

// seriesLatency walks the latencies in order of size once, and so finds each step's quantiles where
// its count passes their rank.
func (f *facts) seriesLatency(s *result.Series) {
	counts, seen := make([]int64, len(s.P50)), make([]int64, len(s.P50))
	for _, l := range f.latencies {
		mark(counts, l.due)
	}
	for k := range s.P50 {
		s.P50[k], s.P99[k] = result.Never, result.Never
	}
	for _, l := range f.latencies {
		k := l.due / step
		if l.due < 0 || int(k) >= len(counts) {
			continue
		}
		seen[k]++
		if seen[k] == (counts[k]*500+999)/1000 {
			s.P50[k] = seconds(l.took)
		}
		if seen[k] == (counts[k]*990+999)/1000 {
			s.P99[k] = seconds(l.took)
		}
	}
}

// seriesLag is, at the end of each step, the number of messages that wait for the group that lags most.
func (f *facts) seriesLag(lag []int64) {
	for g := range f.h.Groups {
		change := make([]int64, len(lag)+1)
		move := func(at sim.Time, by int64) {
			k := max(at, 0) / step
			if at != never && int(k) < len(change) {
				change[k] += by
			}
		}
		for _, w := range f.waits[g] {
			move(w.from, 1)
			move(w.to, -1)
		}
		sum := int64(0)
		for k := range lag {
			sum += change[k]
			lag[k] = max(lag[k], sum)
		}
	}
}
