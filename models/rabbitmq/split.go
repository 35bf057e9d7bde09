package rabbitmq

import (
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// ackSpan is a stretch in which one master of a queue told producers ok. A master is one queue process:
// its node, and a number that no other process of that queue on that node has had.
type ackSpan struct {
	node        int
	life        uint64
	first, last sim.Time
}

// noteAck is told by every producer which node confirmed a message: the master behind it is the one
// that this node believes in.
func (c *Cluster) noteAck(host *sim.Host, stream int, partition int32) {
	if partition < 0 {
		return
	}
	q := c.queueOf(stream, partition)
	n := c.nodes[c.nodeOf(host)].program()
	if n == nil {
		return
	}
	node, life := n.MasterOf(q.name)
	if node < 0 {
		return
	}
	now := c.w.Now()
	spans := q.acks
	if n := len(spans); n > 0 && spans[n-1].node == node && spans[n-1].life == life {
		spans[n-1].last = now
		return
	}
	// The span that goes on moves to the end, so that the next ack finds it at once.
	for i := range spans {
		if s := spans[i]; s.node == node && s.life == life {
			copy(spans[i:], spans[i+1:])
			s.last = now
			spans[len(spans)-1] = s
			return
		}
	}
	q.acks = append(spans, ackSpan{node: node, life: life, first: now, last: now})
}

// splitBrain is the time in which two masters of one queue told producers ok; the worst queue counts.
func (c *Cluster) splitBrain() sim.Time {
	worst := sim.Time(0)
	for _, q := range c.queues {
		worst = max(worst, overlap(q.acks))
	}
	return worst
}

// overlap is how long at least two spans on different nodes held at once.
func overlap(spans []ackSpan) sim.Time {
	var both [][2]sim.Time
	for i, a := range spans {
		for _, b := range spans[i+1:] {
			if from, to := max(a.first, b.first), min(a.last, b.last); a.node != b.node && from < to {
				both = append(both, [2]sim.Time{from, to})
			}
		}
	}
	slices.SortFunc(both, func(a, b [2]sim.Time) int { return slices.Compare(a[:], b[:]) })
	sum, end := sim.Time(0), sim.Time(-1)
	for _, s := range both {
		if from := max(s[0], end); s[1] > from {
			sum += s[1] - from
			end = s[1]
		}
	}
	return sum
}
