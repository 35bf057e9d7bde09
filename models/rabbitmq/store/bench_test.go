package store

import (
	"testing"

	"github.com/mqsim/mqsim/sim"
)

func benchRig(b *testing.B) *rig {
	r := newRig(b, 1)
	r.start()
	b.ReportAllocs()
	return r
}

// BenchmarkPublishConfirm publishes batches of 50 messages and lets each be synced and confirmed.
func BenchmarkPublishConfirm(b *testing.B) {
	r := benchRig(b)
	body, _ := r.w.Arena.Alloc(1024)
	for i := 0; i < b.N; i += 50 {
		r.do(func(_ *Vhost, q *Queue) {
			for j := range 50 {
				q.Publish(Message{ID: uint64(i + j + 1), Body: body, Key: "q", Mode: 2, Tag: 1, Confirm: true})
			}
			q.Settle(true)
		})
		r.wait(4 * sim.Millisecond)
		r.confirmed = r.confirmed[:0]
		if q := r.q(); q.Len() > 100000 {
			q.Purge()
		}
	}
}

// BenchmarkPublishDeliverAck is the whole life of a message.
func BenchmarkPublishDeliverAck(b *testing.B) { benchLife(b, 1024, 2) }

// BenchmarkStored is the same for a message that goes to the shared store.
func BenchmarkStored(b *testing.B) { benchLife(b, 8192, 2) }

// BenchmarkTransient is the same for a message that needs no disk.
func BenchmarkTransient(b *testing.B) { benchLife(b, 1024, 1) }

func benchLife(b *testing.B, size int, mode uint8) {
	r := benchRig(b)
	body, _ := r.w.Arena.Alloc(size)
	for i := 0; i < b.N; i += 50 {
		r.do(func(_ *Vhost, q *Queue) {
			for j := range 50 {
				q.Publish(Message{ID: uint64(i + j + 1), Body: body, Key: "q", Mode: mode, Tag: 1, Confirm: true})
			}
			q.Settle(true)
		})
		r.wait(4 * sim.Millisecond)
		r.do(func(_ *Vhost, q *Queue) {
			for q.Len() > 0 {
				d, _ := q.Fetch(true)
				q.Ack(d.Seq)
			}
			q.Settle(true)
		})
		r.confirmed = r.confirmed[:0]
	}
}
