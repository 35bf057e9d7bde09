package kafka

import (
	"slices"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// ackSpan is a stretch in which one broker, in one leader epoch, told producers of a partition ok.
type ackSpan struct {
	broker      int32
	epoch       int32
	first, last sim.Time
}

// noteAck is told by every producer which broker answered a batch with success.
func (c *Cluster) noteAck(stream int, partition, id int32) {
	t := c.topics[stream]
	now := c.w.Now()
	spans := t.acks[partition]
	if n := len(spans); n > 0 && spans[n-1].broker == id {
		spans[n-1].last = now // nobody else has acknowledged since
		return
	}
	epoch := int32(-1)
	if p := c.partition(t.tp(partition), id); p != nil {
		epoch = p.LeaderEpoch()
	}
	// The span that goes on moves to the end, so that the next ack finds it at once.
	for i := range spans {
		if s := spans[i]; s.broker == id && (s.epoch == epoch || epoch < 0) {
			copy(spans[i:], spans[i+1:])
			s.last = now
			spans[len(spans)-1] = s
			return
		}
	}
	t.acks[partition] = append(spans, ackSpan{broker: id, epoch: epoch, first: now, last: now})
}

// splitBrain is the time in which two brokers, each in its own leader epoch, told producers of one
// partition ok; the worst partition counts.
func (c *Cluster) splitBrain() sim.Time {
	worst := sim.Time(0)
	for _, t := range c.topics {
		for _, spans := range t.acks {
			worst = max(worst, overlap(spans))
		}
	}
	return worst
}

// overlap is how long at least two spans of different brokers held at once.
func overlap(spans []ackSpan) sim.Time {
	var both [][2]sim.Time
	for i, a := range spans {
		for _, b := range spans[i+1:] {
			if from, to := max(a.first, b.first), min(a.last, b.last); a.broker != b.broker && from < to {
				both = append(both, [2]sim.Time{from, to})
			}
		}
	}
	slices.SortFunc(both, func(a, b [2]sim.Time) int {
		if a[0] != b[0] {
			return int(max(-1, min(1, a[0]-b[0])))
		}
		return int(max(-1, min(1, a[1]-b[1])))
	})
	sum, end := sim.Time(0), sim.Time(-1)
	for _, s := range both {
		if from := max(s[0], end); s[1] > from {
			sum += s[1] - from
			end = s[1]
		}
	}
	return sum
}

// Metrics are Kafka's own counters since t = 0.
func (c *Cluster) Metrics() []models.Metric {
	s := c.stats
	return []models.Metric{
		{Name: "elections", Value: s.Elections},
		{Name: "isr_min", Value: s.ISRMin, Null: s.ISRMin < 0},
		{Name: "isr_shrinks", Value: s.Shrinks},
		{Name: "truncated", Value: s.TruncatedRecords},
		{Name: "split_brain", Value: int64(c.splitBrain()), Unit: "s"},
	}
}
