package log

import (
	"reflect"
	"testing"
	"testing/quick"
)

func TestOffsetCheckpointFormat(t *testing.T) {
	entries := []OffsetEntry{{"orders", 0, 1042}, {"orders", 1, 17}}
	const want = "0\n2\norders 0 1042\norders 1 17\n"
	if got := string(AppendOffsets(nil, entries)); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	got, err := ParseOffsets([]byte(want))
	if err != nil || !reflect.DeepEqual(got, entries) {
		t.Errorf("%v %v", got, err)
	}
}

func TestMalformedCheckpoints(t *testing.T) {
	for _, s := range []string{
		"0", "0\n", "0\n1", "0\n1\n", "1\n0\n", "0\n0", "0\n1\na 0 0", "0\n1\na 0 0\nb 0 0\n", "0\n2\na 0 0\n", "0\n-1\n",
		"0\n1\na 0\n", "0\n1\na 0 0 0\n", "0\n1\na  0\n", "0\n1\n 0 0\n", "0\n1\na x 0\n", "0\n1\na 0 -1\n", "0\n1\na 0 00\n",
		"0\n1\na 2147483648 0\n", "0\n1\na 0 9223372036854775808\n", "0\n99999999999\n", "\n", "0\r\n0\r\n",
	} {
		if got, err := ParseOffsets([]byte(s)); err == nil {
			t.Errorf("%q was accepted as %v", s, got)
		}
	}
	for _, s := range []string{"0\n2\n1 5\n1 9\n", "0\n2\n1 5\n2 5\n", "0\n2\n3 5\n2 9\n", "0\n1\n-1 0\n"} {
		if got, err := ParseEpochs([]byte(s)); err == nil {
			t.Errorf("%q was accepted as %v", s, got)
		}
	}
	if got, err := ParseOffsets(nil); err != nil || got != nil {
		t.Errorf("an empty file: %v %v", got, err)
	}
}

// What a parser accepts, the writer writes: both checkpoints have one form only.
func FuzzCheckpoints(f *testing.F) {
	f.Add([]byte("0\n2\norders 0 1042\norders 1 17\n"))
	f.Add([]byte("0\n2\n0 0\n7 100\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := ParseOffsets(b); err == nil && len(b) > 0 {
			if got := AppendOffsets(nil, e); string(got) != string(b) {
				t.Errorf("%q -> %q", b, got)
			}
		}
		if e, err := ParseEpochs(b); err == nil && len(b) > 0 {
			if got := AppendEpochs(nil, e); string(got) != string(b) {
				t.Errorf("%q -> %q", b, got)
			}
		}
	})
}

func TestEndOffsetFor(t *testing.T) {
	c := EpochCache{entries: []EpochEntry{{2, 10}, {4, 20}, {7, 30}}}
	for _, x := range []struct {
		epoch, wantEpoch int32
		want             int64
	}{
		{7, 7, 99}, // the latest ends at the log's end
		{8, None, None},
		{None, None, None},
		{5, 4, 30}, // unknown: the next lower one
		{4, 4, 30},
		{3, 2, 20},
		{2, 2, 20},
		{1, 1, 10}, // before all: the start of the first
	} {
		if e, o := c.EndOffsetFor(x.epoch, 99); e != x.wantEpoch || o != x.want {
			t.Errorf("epoch %d: (%d, %d), want (%d, %d)", x.epoch, e, o, x.wantEpoch, x.want)
		}
	}
	if e, o := new(EpochCache).EndOffsetFor(0, 99); e != None || o != None {
		t.Errorf("empty cache: (%d, %d)", e, o)
	}
}

// The cache stays strictly monotonic in both columns whatever is done to it (invariant I7), and
// EpochAt agrees with a naive search.
func TestEpochCacheIsMonotonic(t *testing.T) {
	check := func(ops []uint16) bool {
		var c EpochCache
		for _, op := range ops {
			x, y := int32(op>>8&15), int64(op&31)
			switch op >> 12 % 4 {
			case 0:
				c.truncateFromEnd(y)
			case 1:
				c.truncateFromStart(y)
			default:
				c.assign(x, y)
				if last, _ := c.Latest(); last.Epoch != x {
					return false
				}
			}
			for i := 1; i < len(c.entries); i++ {
				if c.entries[i].Epoch <= c.entries[i-1].Epoch || c.entries[i].Start <= c.entries[i-1].Start {
					return false
				}
			}
			for o := int64(0); o < 32; o++ {
				want := int32(None)
				for _, e := range c.entries {
					if e.Start <= o {
						want = e.Epoch
					}
				}
				if got, _ := c.EpochAt(o); got != want {
					return false
				}
			}
		}
		return true
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}

func TestEpochWithoutDataIsReplaced(t *testing.T) {
	var c EpochCache
	c.assign(0, 0)
	c.assign(1, 5) // led, wrote nothing
	c.assign(2, 5)
	if want := []EpochEntry{{0, 0}, {2, 5}}; !reflect.DeepEqual(c.entries, want) {
		t.Errorf("%v, want %v", c.entries, want)
	}
	if c.assign(2, 9) {
		t.Error("a later append of the same epoch changed the cache")
	}
	c.assign(1, 3) // an older epoch from a truncated history drops the newer
	if want := []EpochEntry{{0, 0}, {1, 3}}; !reflect.DeepEqual(c.entries, want) {
		t.Errorf("%v, want %v", c.entries, want)
	}
}
