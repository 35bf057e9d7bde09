package store

import (
	"strconv"
	"strings"
	"testing"

	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

var crashes = []struct {
	name string
	do   func(r *rig)
}{
	{"kill", func(r *rig) { r.kill() }},
	{"stop", func(r *rig) { r.stop() }},
	{"power", func(r *rig) { r.power(sim.CrashTypical) }},
	{"power, all", func(r *rig) { r.power(sim.CrashAll) }},
	{"power, prefix", func(r *rig) { r.power(sim.CrashPrefix) }},
	{"power, pages", func(r *rig) { r.power(sim.CrashPages) }},
	{"stop, power", func(r *rig) { r.stop(); r.power(sim.CrashAll) }},
}

// numbers are the messages of the queue, all of which must be redelivered, without checks of state.
func (r *rig) numbers() []int {
	var out []int
	for _, word := range strings.Fields(r.show(r.q())) {
		n, err := strconv.Atoi(strings.Trim(word, "r()"))
		require.NoError(r.t, err)
		out = append(out, n)
	}
	return out
}

// cut is the panic that ends a script at its k-th point.
type cut struct{}

// script publishes, consumes and waits, so that flushes, rolls and syncs are met in all their phases.
func script(r *rig, acked map[int]bool) {
	open := []Delivery{}
	for i := range 26 {
		r.do(func(_ *Vhost, q *Queue) {
			for j := range 1 + i%4 {
				m := r.message(30)
				if (i+j)%3 == 0 {
					m = r.message(4500)
				}
				m.Confirm = i%7 != 3
				if i%6 == 5 && j == 0 {
					m.Mode = 1
				}
				q.Publish(m)
			}
			q.Settle(i%5 != 4)
		})
		r.do(func(_ *Vhost, q *Queue) {
			for range i % 3 {
				if d, ok := q.Fetch(true); ok {
					open = append(open, d)
				}
			}
			if i%4 == 3 && len(open) > 1 {
				q.Requeue(open[0].Seq)
				open = open[1:]
			}
			for len(open) > 2 {
				acked[int(sim.MsgID(open[0].ID).Seq())] = true
				q.Ack(open[0].Seq)
				open = open[1:]
			}
			q.Settle(true)
		})
		switch {
		case i%9 == 8:
			r.point()
			r.wait(1500 * sim.Millisecond) // idle: the journal goes to the segments
		case i%3 == 0:
			r.point()
			r.wait(sim.Time(i%5) * 900 * sim.Microsecond)
		}
	}
}

// TestCrashAtEveryStep: whatever was confirmed, persistent and not consumed survives the death of the
// process and of the machine (section 2.4 of the specification: version 1 up to 3.12), in order, and
// flagged as redelivered; a second crash right after recovery changes nothing.
func TestCrashAtEveryStep(t *testing.T) {
	for _, crash := range crashes {
		crashAtEveryStep(t, crash.name, crash.do, 1, true)
	}
}

// TestVersion2CrashAtEveryStep: version 2 keeps what was confirmed when the process dies or stops. A power loss
// may take confirmed messages, which nothing has synced, even after a clean stop: that one syncs a file of the
// per-queue store only if something is left to write to it (qs2, terminate). What is left is whole, in order,
// and the queue goes on.
func TestVersion2CrashAtEveryStep(t *testing.T) {
	for _, crash := range crashes {
		crashAtEveryStep(t, crash.name, crash.do, 2, !strings.Contains(crash.name, "power"))
	}
}

func crashAtEveryStep(t *testing.T, name string, do func(r *rig), version int, safe bool) {
	lost := 0
	for k := 0; ; k++ {
		r := newRig(t, uint64(k))
		r.cfg.SegmentEntries, r.cfg.JournalMax, r.cfg.FileLimit, r.cfg.Segment2Entries = 8, 30, 20000, 8
		r.version = version
		r.start()
		acked := map[int]bool{}
		ended := runTo(r, k, acked)
		must := map[int]bool{}
		for _, tag := range r.confirmed {
			must[int(tag)] = !acked[int(tag)]
		}
		published := int(r.seq)
		do(r)
		if k%3 == 0 {
			do(r)
		}
		got := r.numbers()
		for i, n := range got {
			require.LessOrEqual(t, n, published)
			require.True(t, i == 0 || got[i-1] < n, "%s at %d: order %v", name, k, got)
			delete(must, n)
		}
		for n, unconsumed := range must {
			require.False(t, unconsumed && safe, "%s at %d: confirmed message %d is lost: %v", name, k, n, got)
			if unconsumed {
				lost++
			}
		}
		if len(got) > 0 && !strings.HasPrefix(name, "stop") {
			require.Equal(t, len(got), strings.Count(r.show(r.q()), "r"), "%s at %d", name, k)
		}
		r.do(func(_ *Vhost, q *Queue) { q.Publish(r.message(10)); q.Settle(true) })
		r.wait(sim.Second)
		require.Contains(t, r.confirmed, uint64(r.seq))
		require.NoError(t, r.failed)
		if ended {
			require.Greater(t, k, 40)
			break
		}
	}
	require.Equal(t, !safe, lost > 0, "%s: confirmed messages lost: %d", name, lost)
}

// runTo runs the script up to its k-th point and says whether it ended before.
func runTo(r *rig, k int, acked map[int]bool) (ended bool) {
	defer func() {
		r.point = nil
		if x := recover(); x != nil {
			if _, ok := x.(cut); !ok {
				panic(x)
			}
		}
	}()
	n := 0
	r.point = func() {
		if n == k {
			panic(cut{})
		}
		n++
	}
	script(r, acked)
	return true
}
