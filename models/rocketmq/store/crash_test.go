package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// Crash at every k: run a fixed script, cut the power before the k-th call that changes the disk,
// boot, and check what recovery made of it; for all k and all kinds of power loss.

// cut is the panic that ends a script at its k-th point.
type cut struct{}

// history is what was put, in the order of the log, and how much of it was acknowledged as flushed.
type history struct {
	r     *rig
	puts  []string
	floor int
}

func (h *history) put(topic string, queue int32, size int) {
	r := h.r
	id := sim.NewMsgID(0, r.seq)
	m := r.message(topic, queue, size, AppendProperty(nil, PropTags, "x"))
	r.do(func(s *Store) {
		next := int64(0)
		if q := s.Queue(topic, queue); q != nil {
			next = q.Next()
		}
		h.puts = append(h.puts, fmt.Sprintf("%s/%d@%d=%v", topic, queue, next, id))
		if p := s.Put(&m); p.Status != PutOK || p.QueueOffset != next {
			r.t.Fatalf("%+v", p)
		} else if s.group.on {
			s.AwaitFlush(p.End(), uint32(len(h.puts)))
		}
	})
}

func script(h *history) {
	r := h.r
	for i := range 14 {
		h.put("A", int32(i%2), 400+100*i)
		if i%3 == 0 {
			r.wait(3 * sim.Millisecond)
		}
	}
	r.wait(700 * sim.Millisecond)
	h.put("B", 0, 900)
	r.wait(64 * sim.Second)
	for i := range 12 {
		h.put("AB"[i%2:i%2+1], 0, 1200)
		r.wait(sim.Time(i) * sim.Millisecond)
	}
	r.wait(2500 * sim.Millisecond)
	h.put("A", 1, 100)
	r.wait(20 * sim.Millisecond)
}

// crashRun runs the script up to its k-th point and reports whether it got so far.
func crashRun(t *testing.T, o Options, seed uint64, k int, kind sim.CrashKind) (*history, bool) {
	r := newRig(t, seed, o)
	h := &history{r: r}
	r.quiet = true
	r.onFlush = func(token uint32, ok bool) {
		if ok {
			h.floor = max(h.floor, int(token))
		}
	}
	r.start()
	r.wait(6 * sim.Second) // the journal knows the abort file
	points := 0
	r.point = func() {
		if points == k {
			panic(cut{})
		}
		points++
	}
	reached := func() (cutOff bool) {
		defer func() {
			if e := recover(); e != nil {
				if _, ok := e.(cut); !ok {
					panic(e)
				}
				cutOff = true
			}
		}()
		script(h)
		return false
	}()
	r.power(kind)
	return h, reached
}

func TestCrashAtEveryPoint(t *testing.T) {
	for _, flush := range []FlushType{SyncFlush, AsyncFlush} {
		for _, kind := range []sim.CrashKind{sim.CrashTypical, sim.CrashAll, sim.CrashNone, sim.CrashPrefix, sim.CrashPages} {
			t.Run(fmt.Sprintf("%d/%v", flush, kind), func(t *testing.T) {
				step := 1
				if testing.Short() {
					step = 7
				}
				for k := 0; ; k += step {
					o := smallOptions()
					o.FlushDisk = flush
					h, reached := crashRun(t, o, uint64(k+1), k, kind)
					h.check(k)
					if t.Failed() {
						t.Fatalf("k %d", k)
					}
					if !reached {
						break
					}
				}
			})
		}
	}
}

func (h *history) check(k int) {
	r, t := h.r, h.r.t
	if r.err != nil {
		t.Errorf("k %d: the store does not open: %v", k, r.err)
		return
	}
	if !r.rec.Abnormal {
		t.Errorf("k %d: a normal recovery", k)
	}
	got := r.logged()
	if len(got) > len(h.puts) || !slices.Equal(got, h.puts[:len(got)]) {
		t.Errorf("k %d: the log is no prefix of what was put:\n%s", k, strings.Join(got, " "))
	}
	if len(got) < h.floor {
		t.Errorf("k %d: %d records left, %d were acknowledged", k, len(got), h.floor)
	}
	h.consistent(k, got, false)
	// The store goes on, and loses nothing by a kill or a clean stop.
	r.put("A", 0, 333, nil)
	r.put("C", 1, 333, nil)
	r.wait(5 * sim.Millisecond)
	want := r.logged()
	if n := len(got); len(want) != n+2 || !slices.Equal(want[:n], got) {
		t.Errorf("k %d: after two puts:\n%s", k, strings.Join(want, " "))
	}
	h.consistent(k, want, false)
	for _, how := range []string{"kill", "stop"} {
		if how == "kill" {
			r.kill()
		} else {
			r.stop()
			r.start()
		}
		if r.rec.Abnormal != (how == "kill") {
			t.Errorf("k %d: recovery after a %s: %+v", k, how, r.rec)
		}
		if now := r.logged(); !slices.Equal(now, want) {
			t.Errorf("k %d: after a %s:\n%s", k, how, strings.Join(now, " "))
		}
		h.consistent(k, want, true)
	}
}

// consistent checks that the queues list what the log holds, in its order. A later restart can bring
// back more: entries of lost records that recovery cut off but did not erase, once the log has grown
// beyond the places to which they point (see mappedQueue.truncate). They come behind the good ones.
func (h *history) consistent(k int, logged []string, restarted bool) {
	r := h.r
	n := 0
	for _, q := range r.s().Queues() {
		var want, got []string
		prefix := fmt.Sprintf("%s/%d@", q.Topic, q.ID)
		for _, m := range logged {
			if strings.HasPrefix(m, prefix) {
				want = append(want, m)
			}
		}
		slots := q.Next()
		for at := q.Min(); at < q.Max() && len(got) < len(want); at++ {
			e, ok := q.Entry(at)
			if e.Size == 0 { // what truncateAt makes of an empty file
				slots--
				continue
			}
			var c Cursor
			if !ok || !r.s().Record(e.Offset, &c) || c.Record.Size != e.Size {
				r.t.Errorf("k %d: slot %d of %s: %+v", k, at, prefix, e)
				break
			}
			id, _ := sim.BodyID(c.BodyBytes())
			got = append(got, fmt.Sprintf("%s/%d@%d=%v", c.Record.Topic, c.Record.QueueID, c.Record.QueueOffset, id))
		}
		if e, ok := q.Entry(0); len(want) == 0 && ok && e.Size == 0 {
			slots--
		}
		if !slices.Equal(got, want) || slots < int64(len(want)) || !restarted && slots != int64(len(want)) {
			r.t.Errorf("k %d: queue %s next %d lists\n%s\nthe log has\n%s", k, prefix, q.Next(), strings.Join(got, " "), strings.Join(want, " "))
		}
		n += len(got)
	}
	if n != len(logged) {
		r.t.Errorf("k %d: %d of %d records are in queues", k, n, len(logged))
	}
}
