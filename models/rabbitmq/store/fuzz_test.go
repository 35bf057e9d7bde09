package store

import (
	"bytes"
	"testing"

	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

// fill makes the files of a queue and a store, as seeds for the fuzzers.
func fill(t testing.TB) *rig {
	r := newRig(t, 1)
	r.start()
	r.do(func(_ *Vhost, q *Queue) {
		for i := range 4 {
			q.Publish(r.message(10 + i%2*5000))
		}
		q.Fetch(false)
		q.Settle(true)
	})
	r.wait(sim.Second / 2)
	return r
}

func content(r *rig, path string) []byte {
	f := r.host.Disk(0).FS().Open(path)
	b := make([]byte, f.Size())
	_, err := f.ReadAt(b, 0)
	require.NoError(r.t, err)
	return b
}

// readerOf cuts the bytes into extents, so that records lie across their borders.
func readerOf(a *sim.Arena, b []byte, step int) reader {
	r := reader{a: a, end: int64(len(b))}
	for len(b) > 0 {
		n := min(step, len(b))
		r.refs = append(r.refs, a.Put(b[:n]))
		b = b[n:]
	}
	return r
}

func FuzzJournal(f *testing.F) {
	r := fill(f)
	f.Add(content(r, QueueDir("q")+"/"+journalName), 7)
	f.Add(make([]byte, 100), 8)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		a := sim.NewArena()
		run := func(step int) (n int) {
			rd := readerOf(a, b, step)
			scanJournal(&rd, func(_ uint64, p pub) {
				n++
				if p.embedded && p.whole {
					require.Equal(t, p.size, uint32(len(a.Bytes(p.m.body))))
				}
			}, func(uint64, uint64) { n++ })
			return n
		}
		require.Equal(t, run(len(b)+1), run(1+(step&63)), "extents do not matter")
	})
}

func FuzzSegment(f *testing.F) {
	r := fill(f)
	r.wait(3 * sim.Second)
	f.Add(content(r, QueueDir("q")+"/0.idx"), 5)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		rd := readerOf(sim.NewArena(), b, 1+(step&63))
		valid := scanSegment(&rd, 2048, func(rel uint64, _ pub) { require.Less(t, rel, uint64(2048)) }, func(uint64) {})
		require.LessOrEqual(t, valid, int64(len(b)))
	})
}

func FuzzStore(f *testing.F) {
	r := fill(f)
	f.Add(content(r, Base+"/"+storePersistent+"/0.rdq"), 100)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		a := sim.NewArena()
		rd := readerOf(a, b, 1+(step&1023))
		valid := scanRdq(&rd, func(_ uint64, off, size int64, body *reader) {
			require.Equal(t, byte(rdqMarker), b[off+size-1])
			if m, ok := decode(body, size-rdqHead-1); ok {
				require.True(t, bytes.Contains(b[off:off+size], a.Bytes(m.body)))
			}
		})
		require.LessOrEqual(t, valid, int64(len(b)))
	})
}

// FuzzRecover boots from a damaged journal.
func FuzzRecover(f *testing.F) {
	r := fill(f)
	good := content(r, QueueDir("q")+"/"+journalName)
	f.Add(good, uint16(3), byte(0xFF))
	f.Add(good[:200], uint16(9), byte(1))
	f.Fuzz(func(t *testing.T, b []byte, at uint16, flip byte) {
		r := fill(t)
		if len(b) > 0 {
			b = bytes.Clone(b)
			b[int(at)%len(b)] ^= flip
		}
		file, err := r.host.Disk(0).FS().Create(QueueDir("q") + "/" + journalName)
		require.NoError(t, err)
		require.NoError(t, file.AppendBytes(b))
		r.kill()
		q := r.q()
		n := q.Len()
		for range n {
			_, ok := q.Fetch(false)
			require.True(t, ok)
		}
		require.Zero(t, q.Depth())
	})
}
