package store

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// A batch is a record for each of its messages, with offsets in a row; between two batches a single
// message takes the offset after them.
func TestPutBatch(t *testing.T) {
	r := newRig(t, 1, smallOptions())
	r.start()
	size := int64(Overhead + 1 + 1000)
	var puts []Put
	batch := func(n int) {
		var ms []Message
		for range n {
			ms = append(ms, r.message("T", 0, 1000, nil))
		}
		r.do(func(s *Store) { puts = append(puts, s.PutBatch(ms)) })
	}
	batch(3)
	puts = append(puts, r.put("T", 0, 1000, nil))
	batch(4) // has no place behind the four: 8 KiB hold seven
	batch(8) // has no place in any file
	for i, want := range []Put{
		{Offset: 0, Size: int32(3 * size), QueueOffset: 0},
		{Offset: 3 * size, Size: int32(size), QueueOffset: 3},
		{Offset: r.opt.FileSize, Size: int32(4 * size), QueueOffset: 4},
		{Status: MessageIllegal},
	} {
		got := puts[i]
		got.StoreTime = 0
		if got != want {
			t.Errorf("put %d: %+v, want %+v", i, got, want)
		}
	}
	r.wait(2 * sim.Millisecond)
	var want []string
	for i := range 8 {
		want = append(want, fmt.Sprintf("T/0@%d=%v", i, sim.NewMsgID(0, uint32(i))))
	}
	if got := r.queued("T", 0); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("queue %v, want %v", got, want)
	}
	if got := r.logged(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("log %v, want %v", got, want)
	}
	r.kill()
	if got := r.queued("T", 0); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after a kill %v, want %v", got, want)
	}
}

func TestPutBatchTooLarge(t *testing.T) {
	o := smallOptions()
	o.MaxMessageSize = 3000
	r := newRig(t, 1, o)
	r.start()
	before := r.s().WroteOffset()
	ms := []Message{r.message("T", 0, 1000, nil), r.message("T", 0, 1000, nil), r.message("T", 0, 1000, nil)}
	r.do(func(s *Store) {
		if p := s.PutBatch(ms); p.Status != MessageIllegal || s.WroteOffset() != before {
			t.Errorf("%+v: all together are larger than maxMessageSize", p)
		}
		if p := s.PutBatch(ms[:2]); p.Status != PutOK || p.QueueOffset != 0 {
			t.Errorf("%+v", p)
		}
	})
}
