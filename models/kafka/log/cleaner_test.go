package log

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// keyed records: what a compacted log was given, by offset.
type keyValue struct{ key, value string }

// compacting is a log with cleanup.policy=compact and a past.
type compacting struct {
	r     *rig
	past  []keyValue
	floor int64 // recovery point before the present step
}

func (c *compacting) put(n int) {
	c.r.do(func(l *Log) {
		c.floor = l.recovery
		for range n {
			i := len(c.past)
			kv := keyValue{fmt.Sprintf("k%d", i*7%5), fmt.Sprintf("v%d", i)}
			c.past = append(c.past, kv)
			c.r.now += 10
			c.r.build.Add(c.r.now, []byte(kv.key), []byte(kv.value))
		}
		if _, err := l.AppendAsLeader(c.r.build.Build(1, 0, int32(len(c.past)-n)), 0, c.r.now); err != nil {
			c.r.t.Fatal(err)
		}
		l.SetHighWatermark(l.End())
	})
}

func (c *compacting) clean() {
	c.r.do(func(l *Log) {
		c.floor = l.recovery
		if _, err := NewManager([]*Dir{l.d}).Clean(DefaultCleanerOptions(), c.r.now); err != nil {
			c.r.t.Fatal(err)
		}
	})
}

func (c *compacting) script() {
	for i := range 4 {
		for range 6 {
			c.put(1 + i%2)
		}
		c.r.wait(30 * sim.Millisecond) // what rolled is synced
		c.clean()
		if i == 1 {
			c.r.wait(61 * sim.Second)
		}
	}
}

// check: every record that is there is the one that was written, and of the records that were durable
// the last of each key is there.
func (c *compacting) check(k int) {
	r, t := c.r, c.r.t
	if r.err != nil {
		t.Fatalf("k %d: the log does not open: %v", k, r.err)
	}
	l := r.log()
	got := map[int64]keyValue{}
	for _, s := range l.segments {
		sc := scan(l.d.arena, s.file, 0, s.size(), nil)
		for sc.next() {
			if !sc.Valid() {
				t.Fatalf("k %d: bad CRC at offset %d", k, sc.Header.BaseOffset())
			}
			rec := sc.Records()
			for rec.Next() {
				o := rec.Record.Offset
				if _, twice := got[o]; twice {
					t.Fatalf("k %d: offset %d is there twice", k, o)
				}
				if got[o] = (keyValue{string(rec.Record.Key), string(rec.Record.Value)}); got[o] != c.past[o] {
					t.Fatalf("k %d: offset %d is %v, was %v", k, o, got[o], c.past[o])
				}
			}
		}
	}
	last := map[string]int64{}
	for o := range l.End() {
		last[c.past[o].key] = o
	}
	for o := range min(c.floor, l.End()) {
		if _, there := got[o]; !there && last[c.past[o].key] == o {
			t.Fatalf("k %d: %v at offset %d is gone, recovery point %d, end %d", k, c.past[o], o, c.floor, l.End())
		}
	}
	if l.End() < c.floor {
		t.Fatalf("k %d: the log ends at %d, the recovery point was %d", k, l.End(), c.floor)
	}
	for _, name := range l.d.fs.List(l.path) {
		if _, ok := baseOf(name, swapSuffix); ok {
			t.Fatalf("k %d: %s is left", k, name)
		}
		if _, ok := baseOf(name, cleanedSuffix); ok {
			t.Fatalf("k %d: %s is left", k, name)
		}
	}
}

// The power goes before each call of a log that is compacted: the old or the new content is there, never
// neither and never both.
func TestCrashWhileCompacting(t *testing.T) {
	for _, kind := range []sim.CrashKind{sim.CrashTypical, sim.CrashAll, sim.CrashNone, sim.CrashPrefix} {
		t.Run(kind.String(), func(t *testing.T) {
			cleaned := false
			for k := 0; ; k++ {
				o := DefaultOptions()
				o.SegmentBytes, o.IndexBytes, o.IndexInterval, o.Compact, o.Delete = 400, 2048, 100, true, false
				c := &compacting{r: newRig(t, uint64(k%3)+1, o)}
				c.r.start()
				reached := c.run(k)
				cleaned = cleaned || c.r.log().cleanedTo > 0
				c.r.power(kind)
				c.check(k)
				c.r.do(func(l *Log) { l.SetHighWatermark(l.End()) })
				c.past = c.past[:c.r.log().End()]
				c.clean()
				c.floor = c.r.log().recovery
				c.r.kill()
				c.check(k)
				if !reached {
					break
				}
			}
			if !cleaned {
				t.Error("nothing was ever cleaned")
			}
		})
	}
}

// run cuts the script at its k-th call and says whether it got so far.
func (c *compacting) run(k int) (reached bool) {
	points := 0
	c.r.point = func() {
		if points == k {
			panic(cut{})
		}
		points++
	}
	defer func() {
		if e := recover(); e != nil {
			if _, ok := e.(cut); !ok {
				panic(e)
			}
			reached = true
		}
	}()
	c.script()
	return false
}
