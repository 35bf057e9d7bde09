package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/mqsim/mqsim/sim"
)

// TestTranscripts plays testdata: each command answers with the queue (r: redelivered, brackets:
// unacked), the confirms since the last answer, and the files.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		r := newRig(t, 1)
		r.cfg.SegmentEntries = 8
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			r.command(t, td)
			var b strings.Builder
			fmt.Fprintf(&b, "queue: %s\n", r.show(r.q()))
			if len(r.confirmed) > 0 {
				fmt.Fprintf(&b, "confirmed: %d\n", r.confirmed)
				r.confirmed = r.confirmed[:0]
			}
			fmt.Fprintf(&b, "files: %s\n", r.files())
			return b.String()
		})
	})
}

func (r *rig) command(t *testing.T, td *datadriven.TestData) {
	n, size, mode, ms := 1, 100, 2, 0
	if td.HasArg("n") {
		td.ScanArgs(t, "n", &n)
	}
	if td.HasArg("size") {
		td.ScanArgs(t, "size", &size)
	}
	if td.HasArg("mode") {
		td.ScanArgs(t, "mode", &mode)
	}
	if td.HasArg("ms") {
		td.ScanArgs(t, "ms", &ms)
	}
	each := func(f func(q *Queue)) {
		r.do(func(_ *Vhost, q *Queue) {
			for range n {
				f(q)
			}
			q.Settle(!td.HasArg("busy"))
		})
	}
	switch td.Cmd {
	case "start":
		if td.HasArg("ram") {
			td.ScanArgs(t, "ram", &r.cfg.RAM)
		}
		r.start()
	case "publish":
		each(func(q *Queue) {
			m := r.message(size)
			m.Mode, m.Delivered = uint8(mode), td.HasArg("delivered")
			q.Publish(m)
		})
	case "fetch":
		each(func(q *Queue) { q.Fetch(true) })
	case "ack", "requeue":
		each(func(q *Queue) {
			seq := uint64(0)
			q.Each(0, func(d Delivery, unacked bool) bool { seq = d.Seq; return !unacked })
			if td.Cmd == "ack" {
				q.Ack(seq)
			} else {
				q.Requeue(seq)
			}
		})
	case "purge":
		each(func(q *Queue) { q.Purge() })
	case "wait":
		r.wait(sim.Time(ms) * sim.Millisecond)
	case "kill":
		r.kill()
	case "power":
		r.power(sim.CrashAll)
	case "stop":
		r.stop()
	default:
		t.Fatalf("what is %s?", td.Cmd)
	}
}
