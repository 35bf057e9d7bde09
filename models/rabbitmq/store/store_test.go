package store

import (
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

// TestFormat quotes the record formats: section 2 of the specification, rabbit_queue_index.hrl.
func TestFormat(t *testing.T) {
	require.Equal(t, "628WB79CIFDYO9LJI6DKMI09L", base36([16]byte(must(hex.DecodeString("6666cd76f96956469e7be39d750cc7d9")))), "the directory of vhost / on every installation")
	r := newRig(t, 1).start()
	r.do(func(_ *Vhost, q *Queue) {
		q.Publish(r.message(100))
		q.Publish(r.message(5000))
		d, _ := q.Fetch(true)
		q.Ack(d.Seq)
		q.Settle(true)
	})
	r.wait(100 * sim.Millisecond)
	fs := r.host.Disk(0).FS()
	j := fs.Open(QueueDir("q") + "/journal.jif")
	head := len(appendHead(nil, "", "q", 2, 100))
	embedded := head + 100 + tailSize(true)
	require.Equal(t, int64(8+28+4+embedded+8+28+4+8+8), j.Size())
	b := make([]byte, j.Size())
	_, err := j.ReadAt(b, 0)
	require.NoError(t, err)
	require.Equal(t, uint64(0), binary.BigEndian.Uint64(b), "kind 0, sequence number 0")
	require.Equal(t, uint32(100), binary.BigEndian.Uint32(b[32:]))
	require.Equal(t, uint32(embedded), binary.BigEndian.Uint32(b[36:]))
	require.Equal(t, byte(131), b[40], "external term format")
	require.Equal(t, "basic_message", string(b[46:59]))
	rest := b[40+embedded:]
	require.Equal(t, uint64(1), binary.BigEndian.Uint64(rest))
	require.Equal(t, uint32(0), binary.BigEndian.Uint32(rest[36:]), "5000 bytes are not embedded")
	require.Equal(t, uint64(2)<<62, binary.BigEndian.Uint64(rest[40:]), "deliver 0")
	require.Equal(t, uint64(3)<<62, binary.BigEndian.Uint64(rest[48:]), "ack 0")
	s := fs.Open(Base + "/msg_store_persistent/0.rdq")
	b = make([]byte, s.Size())
	_, err = s.ReadAt(b, 0)
	require.NoError(t, err)
	require.Equal(t, uint64(s.Size()-9), binary.BigEndian.Uint64(b), "length counts id and message")
	require.Equal(t, byte(0xFF), b[len(b)-1])

	// Idle for a second: the journal goes to the segment; what lived and died in it leaves no trace.
	r.wait(2 * sim.Second)
	require.Equal(t, int64(0), j.Size())
	seg := fs.Open(QueueDir("q") + "/0.idx")
	require.Equal(t, int64(2+28+4), seg.Size())
	b = make([]byte, 2)
	_, _ = seg.ReadAt(b, 0)
	require.Equal(t, uint16(0xC001), binary.BigEndian.Uint16(b), "publish, persistent, number 1")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestConfirms: what is due when.
func TestConfirms(t *testing.T) {
	r := newRig(t, 1).start()
	r.do(func(_ *Vhost, q *Queue) {
		m := r.message(100)
		m.Mode = 1
		_, pending := q.Publish(m)
		require.False(t, pending, "transient: on receipt")
		for range 3 {
			_, pending = q.Publish(r.message(100))
			require.True(t, pending)
		}
		q.Settle(false)
		require.False(t, q.Syncing(), "a busy process waits")
	})
	require.Empty(t, r.confirmed)
	syncs := r.host.Disk(0).Stats.Syncs
	r.wait(199 * sim.Millisecond)
	require.Empty(t, r.confirmed)
	r.wait(20 * sim.Millisecond)
	require.Equal(t, []uint64{2, 3, 4}, r.confirmed, "one sync for all, after 200 ms")
	require.Equal(t, syncs+2, r.host.Disk(0).Stats.Syncs, "the name of the journal, and the journal")

	r.confirmed = nil
	r.do(func(_ *Vhost, q *Queue) { q.Publish(r.message(100)); q.Settle(true) })
	r.do(func(_ *Vhost, q *Queue) {
		q.Publish(r.message(5000))
		q.Settle(true)
		q.Publish(r.message(9))
		q.Settle(true)
	})
	r.wait(3 * sim.Millisecond)
	require.Equal(t, []uint64{5}, r.confirmed, "an idle process syncs at once")
	r.wait(20 * sim.Millisecond)
	require.ElementsMatch(t, []uint64{5, 6, 7}, r.confirmed, "journal and store")

	r.confirmed = nil
	r.do(func(_ *Vhost, q *Queue) {
		for q.Len() > 0 {
			d, _ := q.Fetch(true)
			q.Ack(d.Seq)
		}
		q.Publish(r.message(100))
		d, _ := q.Fetch(true)
		q.Ack(d.Seq)
		q.Settle(false)
		require.Equal(t, []uint64{8}, r.confirmed, "consumed before the sync")
	})
	r.confirmed = nil
	r.do(func(_ *Vhost, q *Queue) { q.SetMirror(true); q.Publish(r.message(100)); q.Settle(false) })
	r.wait(24 * sim.Millisecond)
	require.Empty(t, r.confirmed)
	r.wait(20 * sim.Millisecond)
	require.Equal(t, []uint64{9}, r.confirmed, "a mirror waits 25 ms")
}

// TestOrder: requeued messages go back to their places.
func TestOrder(t *testing.T) {
	r := newRig(t, 1).start()
	r.do(func(_ *Vhost, q *Queue) {
		for range 5 {
			q.Publish(r.message(50))
		}
		a, _ := q.Fetch(true)
		b, _ := q.Fetch(true)
		c, _ := q.Fetch(true)
		require.False(t, a.Redelivered)
		require.Equal(t, "(1r) (2r) (3r) 4 5", r.show(q))
		require.True(t, q.Requeue(c.Seq))
		require.True(t, q.Requeue(a.Seq))
		require.False(t, q.Requeue(a.Seq))
		require.True(t, q.Ack(b.Seq))
		require.False(t, q.Ack(b.Seq))
		require.Equal(t, "1r 3r 4 5", r.show(q))
		d, _ := q.Fetch(true)
		require.Equal(t, a.Seq, d.Seq)
		require.True(t, d.Redelivered)
		seq, id, ok := q.Drop(false)
		require.True(t, ok && seq == c.Seq && id == c.ID)
		require.Equal(t, []int{2, 1, 3}, []int{q.Len(), q.Unacked(), q.Depth()})
		require.Equal(t, 2, q.Purge())
		q.PurgeUnacked()
		require.Zero(t, q.Depth())
		require.Zero(t, q.Bytes())
	})
}

// TestKill: facts 48, 53 to 55: what was synced is there, redelivered; what was in the process is not.
func TestKill(t *testing.T) {
	r := newRig(t, 1).start()
	r.do(func(_ *Vhost, q *Queue) {
		for i := range 6 {
			m := r.message(50 + i%2*5000)
			if i == 2 {
				m.Mode = 1
			}
			q.Publish(m)
		}
		q.Settle(true)
	})
	r.wait(20 * sim.Millisecond)
	r.do(func(_ *Vhost, q *Queue) {
		d, _ := q.Fetch(true)
		q.Ack(d.Seq)
		q.Publish(r.message(50))
		q.Settle(false) // neither the ack nor the publish leaves the process
	})
	r.kill()
	require.Equal(t, "1r 2r 4r 5r 6r", r.show(r.q()))
	r.do(func(_ *Vhost, q *Queue) { q.Publish(r.message(50)); q.Settle(true) })
	r.wait(20 * sim.Millisecond)
	r.kill()
	require.Equal(t, "1r 2r 4r 5r 6r 8r", r.show(r.q()))
	r.power(sim.CrashAll)
	require.Equal(t, "1r 2r 4r 5r 6r 8r", r.show(r.q()))
}

// TestStop: a clean stop keeps what persists as it was.
func TestStop(t *testing.T) {
	r := newRig(t, 1).start()
	r.do(func(_ *Vhost, q *Queue) {
		for i := range 6 {
			m := r.message(50 + i%2*5000)
			if i == 2 {
				m.Mode = 1
			}
			q.Publish(m)
		}
		q.Fetch(true)
	})
	for range 3 {
		r.stop()
		require.Equal(t, "1r 2 4 5 6", r.show(r.q()))
	}
	r.kill()
	require.Equal(t, "1r 2r 4r 5r 6r", r.show(r.q()))
	r.list = []string{"other"}
	gone := ""
	r.why = func(q string) string { gone = q; return "unsynced-mirror-promoted" }
	r.kill()
	require.Equal(t, "q", gone)
	require.Empty(t, r.show(r.q()))
	require.NotContains(t, r.files(), "idx")
}

// TestFanOut: one body for several queues.
func TestFanOut(t *testing.T) {
	r := newRig(t, 1)
	r.list = []string{"q", "p"}
	r.start()
	r.do(func(v *Vhost, q *Queue) {
		p := v.Open("p", true, 1)
		m := r.message(5000)
		q.Publish(m)
		p.Publish(m)
		q.Settle(true)
		p.Settle(true)
	})
	r.wait(50 * sim.Millisecond)
	require.Equal(t, []uint64{1, 1}, r.confirmed)
	require.Contains(t, r.files(), "0.rdq:51")
	r.do(func(v *Vhost, q *Queue) {
		q.Fetch(false)
		q.Settle(true)
	})
	r.wait(2 * sim.Second)
	r.kill()
	require.Equal(t, "", r.show(r.q()))
	require.Equal(t, "1r", r.show(r.b.v.Open("p", true, 1)))
	r.do(func(v *Vhost, _ *Queue) { v.Queue("p").Delete("retention") })
	require.Nil(t, r.b.v.Queue("p"))
	require.NotContains(t, r.files(), "\x00")
	n := 0
	Scan(r.host.Disk(0).FS(), &r.w.Arena, func(string, []byte) { n++ })
	require.Equal(t, 1, n, "the store still has it as garbage")
}

// TestSegments: many messages, journal flushes, segments that come and go.
func TestSegments(t *testing.T) {
	r := newRig(t, 1)
	r.cfg.SegmentEntries, r.cfg.JournalMax = 16, 40
	r.start()
	for range 40 {
		r.do(func(_ *Vhost, q *Queue) {
			for range 5 {
				q.Publish(r.message(20))
			}
			for range 3 {
				d, _ := q.Fetch(true)
				q.Ack(d.Seq)
			}
			q.Settle(false)
		})
	}
	r.wait(10 * sim.Second)
	q := r.q()
	require.Equal(t, 80, q.Len())
	require.Len(t, r.confirmed, 200)
	want := r.show(q)
	require.NotContains(t, r.files(), " 0.idx")
	r.stop()
	require.Equal(t, want, r.show(r.q()))
	r.do(func(_ *Vhost, q *Queue) {
		for q.Len() > 0 {
			q.Fetch(false)
		}
		q.Settle(true)
	})
	r.wait(10 * sim.Second)
	require.NotContains(t, r.files(), "idx")
	require.LessOrEqual(t, len(r.q().pages), 1)
}

// TestCombine: files of the store that are mostly garbage are combined, and nothing is lost, whatever
// happens in the middle of it.
func TestCombine(t *testing.T) {
	for _, crash := range crashes {
		for k := range sim.Time(30) {
			r := newRig(t, uint64(k))
			r.cfg.FileLimit, r.cfg.Embed = 20000, 0
			r.start()
			var seqs []uint64
			for range 20 {
				r.do(func(_ *Vhost, q *Queue) {
					for range 5 {
						seq, _ := q.PublishDelivered(r.message(1000))
						seqs = append(seqs, seq)
					}
					q.Settle(true)
				})
				r.wait(10 * sim.Millisecond)
			}
			require.Len(t, r.confirmed, 100)
			before := r.host.Disk(0).Used()
			want := map[int]bool{}
			r.do(func(_ *Vhost, q *Queue) {
				for i, s := range seqs {
					if i%4 == 1 {
						want[i+1] = true
					} else {
						q.Ack(s)
					}
				}
				q.Settle(true)
			})
			if k == 29 {
				r.wait(sim.Second)
				require.Less(t, r.host.Disk(0).Used(), before/2)
				require.Equal(t, combineIdle, r.b.v.persistent.job.step)
			}
			r.wait(k * sim.Millisecond)
			crash.do(r)
			for _, n := range r.numbers() {
				delete(want, n)
			}
			require.Empty(t, want, "%s after %d ms", crash.name, k)
			require.NoError(t, r.failed)
		}
	}
}
