package result

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Number is a quantity of a result: millionths, held as an integer. A result must have the same
// bytes on every architecture, and a compiler may fuse floating-point operations on one and not on
// another; integers leave it no choice. The range is plus or minus 9.2e12, six digits after the
// point: a microsecond where the unit is a second.
type Number int64

// Never is the value of what did not happen or did not end; null in JSON. It fails every upper bound.
const Never Number = math.MinInt64

const (
	million = 1_000_000
	maximum = math.MaxInt64
)

// Int is a count. Beyond the range of a Number it saturates.
func Int(n int64) Number {
	switch {
	case n > maximum/million:
		return maximum
	case n < -maximum/million:
		return -maximum
	}
	return Number(n * million)
}

// Seconds turns nanoseconds of virtual time into seconds, rounded to the microsecond.
func Seconds(ns int64) Number { return mulDiv(ns, 1, 1000) }

// Ratio is a/b; Never if b is 0.
func Ratio(a, b int64) Number { return mulDiv(a, million, b) }

// Percent is 100 a/b; Never if b is 0.
func Percent(a, b int64) Number { return mulDiv(a, 100*million, b) }

// PerSecond is a count over a span of nanoseconds as a rate; Never if the span is 0.
func PerSecond(count, ns int64) Number { return mulDiv(count, 1_000_000_000*million, ns) }

// mulDiv is a*m/d in 128 bits, rounded half away from zero; m > 0.
func mulDiv(a int64, m uint64, d int64) Number {
	if d == 0 {
		return Never
	}
	negative := (a < 0) != (d < 0)
	divisor := magnitude(d)
	hi, lo := bits.Mul64(magnitude(a), m)
	lo, carry := bits.Add64(lo, divisor/2, 0)
	hi += carry
	if hi >= divisor { // the quotient does not fit in 64 bits
		return signed(maximum, negative)
	}
	q, _ := bits.Div64(hi, lo, divisor)
	return signed(min(q, maximum), negative)
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return uint64(-(a + 1)) + 1
	}
	return uint64(a)
}

func signed(q uint64, negative bool) Number {
	if negative {
		return -Number(q)
	}
	return Number(q)
}

// IsNever says whether n is null.
func (n Number) IsNever() bool { return n == Never }

// Whole is n without its fraction; 0 for Never.
func (n Number) Whole() int64 {
	if n == Never {
		return 0
	}
	return int64(n) / million
}

// Nanoseconds is n seconds as virtual time, to the microsecond; n must not be Never or beyond 292 years.
func (n Number) Nanoseconds() int64 { return int64(n) * 1000 }

// Cmp orders numbers; Never is above every other, as an outage that does not end is longer than any that does.
func (n Number) Cmp(m Number) int {
	switch {
	case n == m:
		return 0
	case n == Never:
		return 1
	case m == Never || n < m:
		return -1
	}
	return 1
}

// String is the shortest decimal form: "14.2", "30000", "null"; never an exponent.
func (n Number) String() string {
	if n == Never {
		return "null"
	}
	s := n.Fixed(6)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Fixed is n with exactly this many digits after the point (0 to 6), rounded half away from zero.
func (n Number) Fixed(digits int) string {
	if n == Never {
		return "null"
	}
	digits = min(max(digits, 0), 6)
	unit := uint64(1)
	for i := digits; i < 6; i++ {
		unit *= 10
	}
	abs := (magnitude(int64(n)) + unit/2) / unit
	sign := ""
	if n < 0 && abs > 0 {
		sign = "-"
	}
	s := strconv.FormatUint(abs, 10)
	if digits == 0 {
		return sign + s
	}
	if len(s) <= digits {
		s = strings.Repeat("0", digits+1-len(s)) + s
	}
	return sign + s[:len(s)-digits] + "." + s[len(s)-digits:]
}

var errNotNumber = errors.New("not a number")

// ParseNumber reads a plain decimal or "null". More than six digits after the point are an error,
// because the value could not be written back as it was.
func ParseNumber(s string) (Number, error) {
	if s == "null" {
		return Never, nil
	}
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" || (point && fraction == "") || !onlyDigits(whole) || !onlyDigits(fraction) {
		return 0, fmt.Errorf("%q: %w", s, errNotNumber)
	}
	if len(fraction) > 6 {
		return 0, fmt.Errorf("%q has more than six digits after the point", s)
	}
	v, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", 6-len(fraction)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is out of range", s)
	}
	if negative {
		v = -v
	}
	return Number(v), nil
}

func onlyDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// MarshalJSON writes the shortest decimal form.
func (n Number) MarshalJSON() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalJSON reads a decimal or null.
func (n *Number) UnmarshalJSON(b []byte) error {
	v, err := ParseNumber(string(b))
	if err != nil {
		return err
	}
	*n = v
	return nil
}
