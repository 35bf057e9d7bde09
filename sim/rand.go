package sim

import (
	"fmt"
	"math"
	"math/bits"
)

// Rand is a stream of random integers: PCG-DXSM with 128 bits of state (O'Neill 2014, 2019).
// Each concern has its own, see NewRand. It draws the same on every machine and Go release.
type Rand struct {
	hi, lo uint64
}

// NewRand is the stream of one concern in the run with this seed. Streams of different labels
// have nothing to do with each other.
func NewRand(seed uint64, label string) *Rand {
	h := uint64(14695981039346656037) // FNV-1a, 64 bits
	for i := 0; i < len(label); i++ {
		h = (h ^ uint64(label[i])) * 1099511628211
	}
	s := splitmix(splitmix(seed) + h)
	return &Rand{hi: splitmix(s), lo: splitmix(s + golden)}
}

const golden = 0x9e3779b97f4a7c15 // 2^64 / golden ratio: the step of splitmix

// splitmix is the output of splitmix64 (Steele, Lea, Flood 2014) after one step from x.
func splitmix(x uint64) uint64 {
	x += golden
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Uint64 draws 64 bits.
func (r *Rand) Uint64() uint64 {
	const (
		mulHi, mulLo = 2549297995355413924, 4865540595714422341
		incHi, incLo = 6364136223846793005, 1442695040888963407
		cheap        = 0xda942042e4dd58b5
	)
	hi, lo := bits.Mul64(r.lo, mulLo)
	hi += r.hi*mulLo + r.lo*mulHi
	lo, carry := bits.Add64(lo, incLo, 0)
	hi, _ = bits.Add64(hi, incHi, carry)
	r.hi, r.lo = hi, lo
	hi ^= hi >> 32
	hi *= cheap
	hi ^= hi >> 48
	return hi * (lo | 1)
}

// Below draws from [0, n), every value equally often (Lemire 2019).
func (r *Rand) Below(n uint64) uint64 {
	if n == 0 {
		panic("sim: Below(0) has nothing to draw from")
	}
	hi, lo := bits.Mul64(r.Uint64(), n)
	if lo < n {
		for reject := -n % n; lo < reject; {
			hi, lo = bits.Mul64(r.Uint64(), n)
		}
	}
	return hi
}

// Range draws from [lo, hi], both ends included.
func (r *Rand) Range(lo, hi Time) Time {
	if hi < lo {
		panic(fmt.Sprintf("sim: Range(%v, %v) is empty", lo, hi))
	}
	span := uint64(hi) - uint64(lo)
	if span == math.MaxUint64 {
		return Time(r.Uint64())
	}
	return lo + Time(r.Below(span+1))
}

// Chance is true num times in den. It draws even if the answer is certain, so that a scenario
// that changes a probability shifts nothing behind it.
func (r *Rand) Chance(num, den uint64) bool { return r.Below(den) < num }

// Perm draws an order of 0 .. n-1.
func (r *Rand) Perm(n int) []int {
	p := make([]int, n)
	for i := range p {
		j := int(r.Below(uint64(i) + 1))
		p[i] = p[j]
		p[j] = i
	}
	return p
}

// Exp draws from the exponential distribution: the time until the next of independent events.
// It is mean * -ln(u) for u = m * 2^-z with m in [1/2, 1): z * ln 2, and -ln m from a table.
func (r *Rand) Exp(mean Time) Time {
	if mean < 0 {
		panic(fmt.Sprintf("sim: Exp of negative mean %v", mean))
	}
	u := r.Uint64() | 1
	z := bits.LeadingZeros64(u)
	u = u << z << 1 // the bits below the leading one
	i, frac := u>>(64-lnBits), u<<lnBits>>32
	a, b := lnTable[i], lnTable[i+1]
	x := uint64(z)*lnTable[0] + a - (a-b)*frac>>32 // 32 binary places
	hi, lo := bits.Mul64(uint64(mean), x)
	if hi >= 1<<31 {
		return math.MaxInt64
	}
	return Time(hi<<32 | lo>>32)
}

const lnBits = 8

// lnTable[i] is -ln(1/2 + i/512) with 32 binary places; between its points a straight line is off
// by less than 2e-6. It is computed with integers alone, and so is the same everywhere.
var lnTable = func() (t [1<<lnBits + 1]uint64) {
	const ln2 = 0xb17217f7d1cf79ac // 64 binary places
	for i := range 1 << lnBits {   // the last point stays 0, for -ln 1
		// m in [1, 2) with 63 binary places; its base-2 logarithm, bit by bit, by squaring.
		m, log := uint64(1)<<63|uint64(i)<<(63-lnBits), uint64(0)
		for range 40 {
			hi, lo := bits.Mul64(m, m)
			log <<= 1
			if hi>>63 == 1 {
				log |= 1
				m = hi
			} else {
				m = hi<<1 | lo>>63
			}
		}
		// -ln(m/2) = (1 - log2 m) * ln 2, with 40 + 64 binary places: keep 32 of them.
		hi, _ := bits.Mul64(1<<40-log, ln2)
		t[i] = hi >> 8
	}
	return t
}()
