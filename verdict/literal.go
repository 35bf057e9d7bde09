package verdict

import (
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// unitScale is one unit of a literal: its name and its size in the metric's unit as num/den.
type unitScale struct {
	name     string
	num, den int64
}

var durationUnits = []unitScale{
	{"us", 1, 1_000_000}, {"µs", 1, 1_000_000}, {"ms", 1, 1000}, {"s", 1, 1}, {"m", 60, 1}, {"h", 3600, 1},
}

var byteUnits = []unitScale{
	{"B", 1, 1}, {"KB", 1000, 1}, {"kB", 1000, 1}, {"MB", 1_000_000, 1}, {"GB", 1_000_000_000, 1}, {"TB", 1_000_000_000_000, 1},
	{"KiB", 1 << 10, 1}, {"MiB", 1 << 20, 1}, {"GiB", 1 << 30, 1}, {"TiB", 1 << 40, 1},
}

// parseLiteral reads a value in the form that the metric's unit asks for.
func parseLiteral(text string, m MetricInfo) (result.Number, error) {
	number, unit := splitUnit(text)
	if number == "" {
		return 0, fmt.Errorf("%q is no value; write %s", text, exampleOf(m))
	}
	v, err := result.ParseNumber(number)
	if err != nil {
		return 0, fmt.Errorf("%w; write %s", err, exampleOf(m))
	}
	if m.OwnUnit {
		if unit == "" || unit == "%" || unit == "x" || unit == "/s" {
			return v, nil
		}
		if n, err := scale(v, unit, text, durationUnits); err == nil {
			return n, nil
		}
		return scale(v, unit, text, byteUnits)
	}
	switch m.Unit {
	case "s":
		return scaled(v, unit, text, durationUnits, m)
	case "B":
		return scaled(v, unit, text, byteUnits, m)
	case "":
		if unit != "" || int64(v)%1_000_000 != 0 {
			return 0, fmt.Errorf("%s is a count: %q is no whole number", m.Name, text)
		}
		return v, nil
	}
	if unit != "" && unit != string(m.Unit) {
		return 0, fmt.Errorf("%s is in %s: %q has another unit; write %s", m.Name, m.Unit, text, exampleOf(m))
	}
	return v, nil
}

func scaled(v result.Number, unit, text string, units []unitScale, m MetricInfo) (result.Number, error) {
	if unit == "" {
		return 0, fmt.Errorf("%q needs a unit: %s", text, exampleOf(m))
	}
	n, err := scale(v, unit, text, units)
	if err != nil {
		return 0, fmt.Errorf("%w; write %s", err, exampleOf(m))
	}
	return n, nil
}

func scale(v result.Number, unit, text string, units []unitScale) (result.Number, error) {
	names := make([]string, 0, len(units))
	for _, u := range units {
		if u.name != unit {
			names = append(names, u.name)
			continue
		}
		hi, lo := bits.Mul64(abs64(int64(v)), uint64(u.num))
		if hi != 0 || lo > math.MaxInt64 {
			return 0, fmt.Errorf("%q is out of range", text)
		}
		if lo%uint64(u.den) != 0 {
			return 0, fmt.Errorf("%q is finer than a microsecond", text)
		}
		n := result.Number(lo / uint64(u.den))
		if v < 0 {
			n = -n
		}
		return n, nil
	}
	return 0, fmt.Errorf("%q has an unknown unit%s", text, didYouMean(unit, names))
}

// splitUnit cuts a number from what follows it.
func splitUnit(text string) (number, unit string) {
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == '.' || end == 0 && text[end] == '-') {
		end++
	}
	return text[:end], strings.TrimSpace(text[end:])
}

func exampleOf(m MetricInfo) string {
	switch m.Unit {
	case "s":
		return "500ms, 10s or 2m"
	case "B":
		return "256B, 1KiB or 16MB"
	case "%":
		return "25%"
	case "/s":
		return "500"
	case "x":
		return "2.5"
	}
	return "a whole number"
}

// showValue writes a value as an expectation would: with its unit, exactly.
func showValue(v result.Number, unit result.Unit) string {
	if v.IsNever() {
		return "null"
	}
	if unit == "x" || unit == "/s" {
		return v.String()
	}
	return v.String() + string(unit)
}

func abs64(n int64) uint64 {
	if n < 0 {
		return uint64(-(n + 1)) + 1
	}
	return uint64(n)
}

// product is a*b in millionths, saturating; both are finite.
func product(a, b result.Number) result.Number {
	hi, lo := bits.Mul64(abs64(int64(a)), abs64(int64(b)))
	const million = 1_000_000
	n := result.Number(math.MaxInt64)
	if hi < million {
		if q, _ := bits.Div64(hi, lo, million); q < math.MaxInt64 {
			n = result.Number(q)
		}
	}
	if (a < 0) != (b < 0) {
		return -n
	}
	return n
}
