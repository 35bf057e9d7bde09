package rocketmq

import (
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// ackSpan is a stretch in which one broker told producers of a queue that their messages are stored.
type ackSpan struct {
	addr        string
	first, last sim.Time
}

// noteAck is told by every producer which broker answered a send with a stored status.
func (c *Cluster) noteAck(stream int, partition int32, addr string) {
	if partition < 0 {
		return
	}
	now := c.w.Now()
	spans := c.acks[stream][partition]
	if n := len(spans); n > 0 && spans[n-1].addr == addr {
		spans[n-1].last = now // nobody else has acknowledged since
		return
	}
	for i := range spans {
		if s := spans[i]; s.addr == addr {
			copy(spans[i:], spans[i+1:])
			s.last = now
			spans[len(spans)-1] = s
			return
		}
	}
	c.acks[stream][partition] = append(spans, ackSpan{addr: addr, first: now, last: now})
}

func (c *Cluster) noteStatus(status uint8) { c.statuses[status]++ }

// splitBrain is the time in which two brokers told producers of one queue that they stored messages; the
// worst queue counts.
func (c *Cluster) splitBrain() sim.Time {
	worst := sim.Time(0)
	for _, t := range c.acks {
		for _, spans := range t {
			worst = max(worst, overlap(spans))
		}
	}
	return worst
}

// overlap is how long at least two spans held at once.
func overlap(spans []ackSpan) sim.Time {
	var both [][2]sim.Time
	for i, a := range spans {
		for _, b := range spans[i+1:] {
			if from, to := max(a.first, b.first), min(a.last, b.last); from < to {
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

// promotions counts the slaves that became masters since t = 0. Nothing else changes who leads a group.
func (c *Cluster) promotions() (n int64) {
	for _, e := range c.w.Trace.Events {
		if e.Kind == "role-changed" && e.At >= c.mark && strings.HasPrefix(e.Text, "SLAVE") {
			n++
		}
	}
	return n
}

// Metrics are RocketMQ's own counters since t = 0.
func (c *Cluster) Metrics() []models.Metric {
	return []models.Metric{
		{Name: "elections", Value: c.promotions()},
		{Name: "split_brain", Value: int64(c.splitBrain()), Unit: "s"},
	}
}
