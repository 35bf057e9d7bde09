package client

import (
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// The vectors of UtilsTest.testMurmur2.
func TestMurmur2(t *testing.T) {
	for text, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2([]byte(text))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestKeysGoToOnePartition(t *testing.T) {
	first := partitionForKey(keyBytes(7), 6)
	for range 3 {
		if p := partitionForKey(keyBytes(7), 6); p != first || p < 0 || p > 5 {
			t.Fatalf("partition %d, then %d", first, p)
		}
	}
}

// Without keys a partition gets batch.size bytes before another is drawn, and all get their share.
func TestStickyPartitions(t *testing.T) {
	h := newProducerHarness(t, world("brokers=1", "partitions=4", "acks=1", "linger.ms=1000", "batch.size=4096"))
	counts := map[int32]int{}
	last, runs, n := int32(-1), 0, 2000
	for i := range n {
		at := h.p.sticky.choose(h.p, 400)
		if at != last {
			runs++
		}
		last = at
		counts[at]++
		if !h.p.Send(models.Message{ID: sim.NewMsgID(0, uint32(i)), Partition: -1, Key: -1, Size: 400}) {
			t.Fatal("refused")
		}
	}
	// Nine records of 400 bytes are a batch of almost 4096, so a run is two batches; a draw may hit the
	// same partition again.
	if runs < n/40 || runs > n/16 {
		t.Errorf("%d messages came in %d runs", n, runs)
	}
	for p := range int32(4) {
		if counts[p] < n/8 {
			t.Errorf("partition %d got %d of %d", p, counts[p], n)
		}
	}
}

// Before 3.3 the partition changes with each batch, never to the same; before 2.4 with each message.
func TestPartitionersOfOlderVersions(t *testing.T) {
	for _, c := range []struct {
		version string
		runs    int // of messages to one partition
	}{{"2.8", 9}, {"0.10", 1}} {
		h := newProducerHarness(t, world("brokers=1", "partitions=4", "acks=1", "linger.ms=1000", "batch.size=4096", "version="+c.version))
		counts := map[int32]int{}
		last, runs, n := int32(-1), 0, 1800
		for i := range n {
			if !h.p.Send(models.Message{ID: sim.NewMsgID(0, uint32(i)), Partition: -1, Key: -1, Size: 400}) {
				t.Fatal("refused")
			}
			for _, q := range h.p.queues {
				if b := q.last(); b != nil && len(b.ids) > 0 && b.ids[len(b.ids)-1] == sim.NewMsgID(0, uint32(i)) {
					counts[q.tp.Partition]++
					if q.tp.Partition != last {
						runs++
					}
					last = q.tp.Partition
				}
			}
		}
		if want := n / c.runs; runs < want-1 || runs > want+1 {
			t.Errorf("%s: %d messages came in %d runs, want %d", c.version, n, runs, want)
		}
		for p := range int32(4) {
			if counts[p] < n/8 {
				t.Errorf("%s: partition %d got %d of %d", c.version, p, counts[p], n)
			}
		}
	}
}
