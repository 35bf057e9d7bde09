package models

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// ParseMilli reads a decimal number in thousandths: 0.5 is 500. At most three decimals and eleven
// digits before them, so that products of two stay inside 64 bits in every use here.
func ParseMilli(text string) (int64, bool) {
	neg := strings.HasPrefix(text, "-")
	whole, frac, dot := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if whole == "" || dot && frac == "" || len(frac) > 3 || len(whole) > 11 || !digits(whole) || !digits(frac) {
		return 0, false
	}
	n, _ := strconv.ParseInt(whole+(frac + "000")[:3], 10, 64)
	if neg {
		n = -n
	}
	return n, true
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

var spanUnits = []struct {
	suffix string
	unit   sim.Time
}{{"ns", sim.Nanosecond}, {"us", sim.Microsecond}, {"µs", sim.Microsecond}, {"ms", sim.Millisecond},
	{"s", sim.Second}, {"m", sim.Minute}, {"h", sim.Hour}}

// ParseSpan reads a duration with its unit: 500ms, 10s, 1m30s, -5s.
func ParseSpan(text string) (sim.Time, error) {
	bad := func() (sim.Time, error) {
		if _, ok := ParseMilli(text); ok {
			return 0, fmt.Errorf("%s needs a unit (500ms, 10s, 2m)", text)
		}
		return 0, fmt.Errorf("%q is not a duration (500ms, 10s, 2m)", text)
	}
	rest, neg := strings.CutPrefix(text, "-")
	if rest == "" {
		return bad()
	}
	var total sim.Time
	for rest != "" {
		i := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if i <= 0 {
			return bad()
		}
		n, ok := ParseMilli(rest[:i])
		if !ok {
			return bad()
		}
		rest = rest[i:]
		j := strings.IndexFunc(rest, func(r rune) bool { return r >= '0' && r <= '9' })
		if j < 0 {
			j = len(rest)
		}
		unit := sim.Time(0)
		for _, u := range spanUnits {
			if u.suffix == rest[:j] {
				unit = u.unit
			}
		}
		if unit == 0 || unit == sim.Nanosecond && n%1000 != 0 {
			return bad()
		}
		rest = rest[j:]
		if n > int64(maxWritten/unit)*1000 {
			return 0, fmt.Errorf("%s is too long (at most 1000h)", text)
		}
		if total += sim.Time(n) * unit / 1000; total > maxWritten {
			return 0, fmt.Errorf("%s is too long (at most 1000h)", text)
		}
	}
	if neg {
		total = -total
	}
	return total, nil
}

// maxWritten bounds what a scenario may say; sums of a few of them stay inside 64 bits.
const maxWritten = 1000 * sim.Hour

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"B", 1}, {"kB", 1e3}, {"KB", 1e3}, {"KiB", 1 << 10}, {"MB", 1e6}, {"MiB", 1 << 20}, {"GB", 1e9}, {"GiB", 1 << 30},
	{"TB", 1e12}, {"TiB", 1 << 40}}

// ParseSize reads a size with its unit: 256B, 1KiB, 16MB.
func ParseSize(text string) (int64, error) {
	i := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i < 0 && text != "" {
		return 0, fmt.Errorf("%s needs a unit (256B, 1KiB, 16MB)", text)
	}
	if i > 0 {
		for _, u := range sizeUnits {
			if n, ok := ParseMilli(text[:i]); ok && u.suffix == text[i:] && n <= 1<<53/u.bytes && n*u.bytes%1000 == 0 {
				return n * u.bytes / 1000, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is not a size (256B, 1KiB, 16MB)", text)
}

// ParseBandwidth reads bytes or bits per second: 400MB, 10Gbit, 16MB/s. The result is in bytes.
func ParseBandwidth(text string) (int64, error) {
	rate := strings.TrimSuffix(text, "/s")
	for _, u := range []struct {
		suffix string
		bits   int64
	}{{"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}, {"Kbit", 1e3}} {
		if num, ok := strings.CutSuffix(rate, u.suffix); ok {
			if n, ok := ParseMilli(num); ok && n >= 0 && n <= 1<<53/u.bits {
				return n * u.bits / 8000, nil
			}
		}
	}
	n, err := ParseSize(rate)
	if err != nil {
		if _, number := ParseMilli(text); number {
			return 0, fmt.Errorf("%s needs a unit (16MB, 10Gbit: per second)", text)
		}
		return 0, fmt.Errorf("%q is not a bandwidth (16MB, 10Gbit: per second)", text)
	}
	return n, nil
}

// ParseShare reads a share in millionths: 25% is 250000.
func ParseShare(text string) (int64, error) {
	num, ok := strings.CutSuffix(text, "%")
	n, number := ParseMilli(num)
	switch {
	case !number:
		return 0, fmt.Errorf("%q is not a share (25%%)", text)
	case !ok:
		return 0, fmt.Errorf("%s needs a unit (25%%)", text)
	case n < 0 || n > 100_000:
		return 0, fmt.Errorf("%s is not between 0%% and 100%%", text)
	}
	return n * 10, nil
}

// Nearest is the word of the list that was most likely meant, or "". Case and separators do not
// count; otherwise at most two letters may differ, in long words a third of them.
func Nearest(word string, words []string) string {
	if len(word) > 64 {
		return ""
	}
	best, distance := "", 1+max(2, len(word)/4)
	switch {
	case len(word) < 3:
		distance = 1 // only case and separators
	case len(word) < 5:
		distance = 2
	}
	for _, w := range words {
		if d := editDistance(plain(word), plain(w)); d < distance {
			best, distance = w, d
		}
	}
	return best
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '.', '_', '-', ' ':
			return -1
		}
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// editDistance counts insertions, deletions, changes and swaps of neighbours (optimal string alignment).
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	var before []int
	last, row := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, make([]int, len(y)+1)
	}
	return last[len(y)]
}
