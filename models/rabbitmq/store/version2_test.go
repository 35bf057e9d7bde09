package store

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/sim"
)

func (r *rig) bytes(path string) []byte {
	f := r.host.Disk(0).FS().Open(path)
	require.NotNil(r.t, f, path)
	b := make([]byte, f.Size())
	_, err := f.ReadAt(b, 0)
	require.NoError(r.t, err)
	return b
}

// TestVersion2Bytes: both files, byte for byte as rabbit_classic_queue_index_v2 and _store_v2 lay them out.
func TestVersion2Bytes(t *testing.T) {
	r := newRig(t, 1)
	r.version = 2
	r.start()
	syncs := r.host.Disk(0).Stats.Syncs
	r.do(func(_ *Vhost, q *Queue) {
		q.Publish(r.message(100))
		q.Publish(r.message(5000))
		q.Publish(r.message(30))
		d, _ := q.Fetch(true)
		q.Ack(d.Seq)
		_, pending := q.Publish(r.message(31))
		require.True(t, pending)
		require.Len(t, r.confirmed, 0)
		q.Settle(true)
		require.Equal(t, []uint64{1, 3, 4}, r.confirmed, "acknowledged before, and written")
	})
	r.wait(20 * sim.Millisecond)
	require.Equal(t, []uint64{1, 3, 4, 2}, r.confirmed, "the shared store still syncs in 3.12")
	require.Equal(t, syncs+2, r.host.Disk(0).Stats.Syncs, "its name and its bytes; nothing of version 2")

	stub := r.bytes(QueueDir("q") + "/.queue_name")
	require.Equal(t, "VHOST: /\nQUEUE: q\nINDEX: v2\n", string(stub))
	b := r.bytes(QueueDir("q") + "/0.qi")
	require.Len(t, b, 64+4*32)
	require.Equal(t, "RCQI\x02", string(b[:5]))
	require.Equal(t, uint64(0), binary.BigEndian.Uint64(b[5:]))
	require.Equal(t, uint64(4096), binary.BigEndian.Uint64(b[13:]))
	require.Equal(t, make([]byte, 43+32), b[21:64+32], "the rest of the head, and the message that was never written")
	big := b[64+32:]
	require.Equal(t, []byte{1, 1, 0, 1}, big[:4], "exists, persistent, in the message store")
	require.Equal(t, uint32(5000), binary.BigEndian.Uint32(big[20:]))
	require.Equal(t, uint64(0), binary.BigEndian.Uint64(big[24:]), "no expiry")
	small := b[64+2*32:]
	first := 64 + 8 + len(appendHead(nil, "", "q", 2, 100)) + 100 + tailSize(true)
	size := len(appendHead(nil, "", "q", 2, 30)) + 30 + tailSize(true)
	require.Equal(t, []byte{1, 1, 0, 2}, small[:4])
	require.Equal(t, uint64(first), binary.BigEndian.Uint64(small[4:]), "behind the place of the one that was never written")
	require.Equal(t, uint32(size), binary.BigEndian.Uint32(small[12:]))

	s := r.bytes(QueueDir("q") + "/0.qs")
	require.Equal(t, "RCQS\x02", string(s[:5]))
	require.Equal(t, make([]byte, first-64), s[64:first], "a hole")
	m := s[first:]
	require.Equal(t, uint32(size), binary.BigEndian.Uint32(m))
	require.Equal(t, byte(1), m[4], "with a sum")
	require.Equal(t, uint16(crc32.ChecksumIEEE(m[8:8+size])), binary.BigEndian.Uint16(m[5:]))
	require.Equal(t, byte(131), m[8])

	// An acknowledgement fills the entry with zeros, and the last one of a segment takes the files.
	r.do(func(_ *Vhost, q *Queue) {
		d, _ := q.Fetch(true)
		q.Ack(d.Seq)
		q.Settle(true)
	})
	r.wait(2 * sim.Second)
	require.Equal(t, make([]byte, 32), r.bytes(QueueDir("q") + "/0.qi")[64+32:64+64])
	r.do(func(_ *Vhost, q *Queue) {
		for q.Len() > 0 {
			q.Fetch(false)
		}
		q.Settle(true)
	})
	require.Equal(t, []string{".queue_name"}, r.host.Disk(0).FS().List(QueueDir("q")))
}

// TestVersion2Redelivered: after a clean stop the number up to which messages were delivered is known; after a
// crash all may have been.
func TestVersion2Redelivered(t *testing.T) {
	r := newRig(t, 1)
	r.version = 2
	r.start()
	r.do(func(_ *Vhost, q *Queue) {
		for range 4 {
			q.Publish(r.message(100))
		}
		q.Fetch(true)
		q.Fetch(true)
		q.Settle(true)
	})
	r.stop()
	require.Equal(t, "1r 2r 3 4", r.show(r.q()))
	r.kill()
	require.Equal(t, "1r 2r 3r 4r", r.show(r.q()))
}

// TestVersion2Buffers: many acknowledgements are written without the entries behind them, and a full buffer is
// written without anybody waiting for a confirm.
func TestVersion2Buffers(t *testing.T) {
	r := newRig(t, 1)
	r.version, r.cfg.Segment2Entries = 2, 16
	r.start()
	index := QueueDir("q") + "/0.qi"
	r.do(func(_ *Vhost, q *Queue) {
		for i := range 16 {
			m := r.message(100)
			m.Confirm = false
			q.Publish(m)
			q.Settle(false)
			if i < 15 {
				require.Len(t, r.bytes(index), 64, "only the head is there")
			}
		}
		require.Len(t, r.bytes(index), 64+16*32)
		for i := range 8 {
			d, _ := q.Fetch(true)
			q.Ack(d.Seq)
			require.Equal(t, i == 7, r.bytes(index)[64] == 0, "half a segment of acknowledgements")
		}
		q.Settle(false)
	})
	require.Nil(t, r.host.Disk(0).FS().Open(QueueDir("q")+"/0.qs"), "bodies wait for 512000 bytes, a confirm or idleness")
	r.kill()
	require.Empty(t, r.show(r.q()), "entries without a body are dropped")
	require.Equal(t, []string{".queue_name"}, r.host.Disk(0).FS().List(QueueDir("q")))
}
