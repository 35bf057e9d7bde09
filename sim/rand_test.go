package sim

import (
	"math"
	randv2 "math/rand/v2"
	"slices"
	"testing"
)

func TestRandGolden(t *testing.T) {
	for _, c := range []struct {
		seed  uint64
		label string
		want  [3]uint64
	}{
		{1, "net", [3]uint64{0xa394b6fb9567dcba, 0xa9ea923dc9bf03b9, 0xb8efb356634fb199}},
		{1, "disk/broker-1", [3]uint64{0xd01383e6321eb79f, 0xedb05f9aa1919a6f, 0x3c48b3ed4113f117}},
		{2, "net", [3]uint64{0x24f072842a17ca11, 0x980c88f82e64ab0, 0xf858be62cdc0af93}},
	} {
		r := NewRand(c.seed, c.label)
		if got := [3]uint64{r.Uint64(), r.Uint64(), r.Uint64()}; got != c.want {
			t.Errorf("seed %d %q: %#x, want %#x", c.seed, c.label, got, c.want)
		}
	}
}

// The standard library has the same generator: an independent oracle, as long as it stays so.
func TestRandIsPCGDXSM(t *testing.T) {
	r := NewRand(42, "oracle")
	std := randv2.NewPCG(r.hi, r.lo)
	for i := range 1000 {
		if got, want := r.Uint64(), std.Uint64(); got != want {
			t.Fatalf("draw %d: %x, want %x", i, got, want)
		}
	}
}

func TestRandBelow(t *testing.T) {
	r := NewRand(1, "below")
	const draws = 70_000
	var count [7]int
	for range draws {
		count[r.Below(7)]++
	}
	for v, n := range count {
		if n < draws/7-500 || n > draws/7+500 { // five standard deviations
			t.Errorf("%d drawn %d times of %d", v, n, draws)
		}
	}
	// For n = 3/4 of 2^64 a plain multiply-shift would hit a third of the values twice as often.
	const n = 3 << 62
	third := 0
	for range draws {
		x := r.Below(n)
		if x >= n {
			t.Fatalf("%d is not below %d", x, uint64(n))
		}
		if x%3 == 0 {
			third++
		}
	}
	if third < draws/3-650 || third > draws/3+650 {
		t.Errorf("%d of %d draws are multiples of 3", third, draws)
	}
	if r.Below(1) != 0 {
		t.Error("Below(1) is not 0")
	}
}

func TestRandRange(t *testing.T) {
	r := NewRand(1, "range")
	var seen [4]bool
	for range 200 {
		seen[r.Range(-1, 2)+1] = true
	}
	if seen != [4]bool{true, true, true, true} {
		t.Errorf("not all of -1..2 drawn: %v", seen)
	}
	if r.Range(5, 5) != 5 {
		t.Error("Range(5, 5)")
	}
	r.Range(math.MinInt64, math.MaxInt64) // the whole span
}

func TestRandChanceAndPerm(t *testing.T) {
	r := NewRand(1, "chance")
	hits := 0
	for range 30_000 {
		if r.Chance(1, 3) {
			hits++
		}
		if r.Chance(0, 3) || !r.Chance(3, 3) {
			t.Fatal("a certain chance was not")
		}
	}
	if hits < 9_600 || hits > 10_400 {
		t.Errorf("1 in 3 came %d times in 30000", hits)
	}
	var first [5]int
	for range 5000 {
		p := r.Perm(5)
		first[p[0]]++
		slices.Sort(p)
		if !slices.Equal(p, []int{0, 1, 2, 3, 4}) {
			t.Fatalf("not a permutation: %v", p)
		}
	}
	for v, n := range first {
		if n < 850 || n > 1150 {
			t.Errorf("%d came first %d times of 5000", v, n)
		}
	}
}

func TestRandExp(t *testing.T) {
	for i, got := range lnTable {
		want := -math.Log(0.5+float64(i)/512) * (1 << 32)
		if math.Abs(float64(got)-want) > 4 {
			t.Errorf("lnTable[%d] = %d, want %.0f", i, got, want)
		}
	}
	for _, mean := range []Time{100, Millisecond, Hour} {
		r := NewRand(1, "exp")
		const draws = 200_000
		sum, above := float64(0), 0
		for range draws {
			d := r.Exp(mean)
			if d < 0 {
				t.Fatalf("negative time %v", d)
			}
			sum += float64(d)
			if d > 3*mean {
				above++
			}
		}
		if m := sum / draws / float64(mean); m < 0.98 || m > 1.02 {
			t.Errorf("mean is %.4f of %v", m, mean)
		}
		if p := float64(above) / draws * math.Exp(3); p < 0.95 || p > 1.06 {
			t.Errorf("the tail above three means of %v is %.3f of what it should be", mean, p)
		}
	}
	if r := NewRand(1, "zero"); r.Exp(0) != 0 {
		t.Error("Exp(0)")
	}
	r := NewRand(1, "saturate")
	for range 1000 {
		if r.Exp(math.MaxInt64/2) < 0 {
			t.Fatal("overflow")
		}
	}
}
