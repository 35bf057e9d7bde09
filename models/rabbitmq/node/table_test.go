package node

import (
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// TestTableAgainstMap changes a table and a map alike; few different numbers make long probes and gaps.
func TestTableAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x table[int]
		want := map[uint64]int{}
		stride := rapid.SampledFrom([]uint64{1, 7, 1 << 32, 0x9e3779b97f4a7c15}).Draw(t, "stride")
		for i := range rapid.IntRange(1, 300).Draw(t, "steps") {
			k := rapid.Uint64Range(0, 60).Draw(t, "number") * stride
			switch rapid.IntRange(0, 20).Draw(t, "do") {
			case 0:
				x.clear()
				clear(want)
			case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
				x.put(k, i)
				want[k] = i
			default:
				v, ok := x.take(k)
				if w, is := want[k]; ok != is || v != w {
					t.Fatalf("take %d: %d %v, want %d %v", k, v, ok, w, is)
				}
				delete(want, k)
			}
			got := map[uint64]int{}
			x.each(func(k uint64, v int) { got[k] = v })
			if x.len() != len(want) || !maps.Equal(got, want) {
				t.Fatalf("table %v, want %v", got, want)
			}
			for k, v := range want {
				if g, ok := x.get(k); !ok || g != v {
					t.Fatalf("get %d: %d %v, want %d", k, g, ok, v)
				}
			}
		}
	})
}
