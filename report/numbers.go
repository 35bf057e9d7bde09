package report

import (
	"strings"

	"github.com/mqsim/mqsim/result"
)

var (
	second      = result.Int(1)
	millisecond = second / 1000
)

// span prints a time of seconds in the unit that a person would use: 0.25 ms, 420 ms, 14.2 s, 153 s.
func span(n result.Number) string {
	value, unit := spanParts(n, spanUnit(n))
	return value + unit
}

// between prints a range with one unit if both ends would use it: 13.1–16.8 s.
func between(st style, lo, hi result.Number) string {
	unit := spanUnit(hi)
	if lo.IsNever() || hi.IsNever() || (lo != 0 && spanUnit(lo) != unit) {
		return span(lo) + st.dash + span(hi)
	}
	low, _ := spanParts(lo, unit)
	high, suffix := spanParts(hi, unit)
	return low + st.dash + high + suffix
}

func spanUnit(n result.Number) result.Number {
	if n < second {
		return millisecond
	}
	return second
}

func spanParts(n, unit result.Number) (value, suffix string) {
	suffix = glue + "s"
	if unit == millisecond {
		suffix = glue + "ms"
	}
	if n.IsNever() {
		return "∞", ""
	}
	scaled := result.Ratio(int64(n), int64(unit))
	digits := 0
	switch {
	case scaled == 0:
	case scaled < second:
		digits = 2
	case unit == millisecond && scaled < result.Int(10), unit == second && scaled < result.Int(100):
		digits = 1
	}
	return scaled.Fixed(digits), suffix
}

// percent prints a share. What is not all is never rounded up to 100.
func percent(n result.Number, digits int) string {
	hundred := result.Int(100)
	if n.IsNever() {
		return "-"
	}
	text := n.Fixed(digits)
	if n < hundred && strings.HasPrefix(text, "100") {
		text = "99.99"
		if n < hundred-second/100 {
			text = n.Fixed(2)
		}
	}
	return strings.TrimSuffix(text, ".0")
}

// seconds prints a point in time.
func seconds(n result.Number) string {
	if n.IsNever() {
		return "∞"
	}
	return strings.TrimSuffix(n.Fixed(1), ".0")
}

// plainNumber prints a count or a factor.
func plainNumber(n result.Number, digits int) string {
	if n.IsNever() {
		return "-"
	}
	return n.Fixed(digits)
}
