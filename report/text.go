package report

import (
	"strings"
	"unicode"
)

// glue is a blank, and bond a hyphen, at which no line breaks: between a number and its unit, within
// a name. They are written as a blank and a hyphen.
const (
	glue = "\u00a0"
	bond = "\u2011"
)

var (
	binding   = strings.NewReplacer(" ", glue, "-", bond)
	releasing = strings.NewReplacer(glue, " ", bond, "-")
)

// unbroken makes s one piece for wrap.
func unbroken(s string) string { return binding.Replace(s) }

// columnsOf is the width of s on a terminal: CJK takes two columns, a combining mark none.
// Block elements and arrows are "ambiguous" in Unicode; they count as one, as terminals outside of
// legacy CJK locales draw them, because a report must not depend on a locale.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// pad fills s with blanks to a width; right puts them in front.
func pad(s string, width int, right bool) string {
	blanks := strings.Repeat(" ", max(0, width-columnsOf(s)))
	if right {
		return blanks + s
	}
	return s + blanks
}

// wrap breaks s into lines of at most width columns: at blanks and between CJK characters, unless one
// is closing punctuation. A newline in s always breaks. What has no place to break is longer than
// width; nothing is ever cut off.
func wrap(s string, width int) []string { return wrapAt(s, width, false) }

// wrapAt is wrap that may also break behind hyphens, as narrow cells need.
func wrapAt(s string, width int, hyphens bool) []string {
	var lines []string
	for _, paragraph := range strings.Split(s, "\n") {
		line, used, blank := "", 0, ""
		for _, piece := range pieces(paragraph, hyphens) {
			if piece == " " {
				blank = " "
				continue
			}
			w := columnsOf(piece)
			if line != "" && used+len(blank)+w > width {
				lines = append(lines, line)
				line, used, blank = "", 0, ""
			}
			line += blank + piece
			used += len(blank) + w
			blank = ""
		}
		lines = append(lines, line)
	}
	for i, line := range lines {
		lines[i] = releasing.Replace(line)
	}
	return lines
}

// pieces are the parts of s between which a line may break.
func pieces(s string, hyphens bool) []string {
	var out []string
	start := 0
	cut := func(end int) {
		if end > start {
			out = append(out, s[start:end])
		}
		start = end
	}
	previous := rune(0)
	for i, r := range s {
		wide := runeColumns(r) == 2
		switch {
		case r == ' ':
			cut(i)
			out = append(out, " ")
			start = i + 1
		case strings.ContainsRune("，。；：、）」！？),.;:!?%]", r):
			// stays with what it closes
		case wide || runeColumns(previous) == 2 && previous != '（' && previous != '「':
			if previous != '（' && previous != '「' {
				cut(i)
			}
		case hyphens && previous == '-' && i-start > 3 && unicode.IsLetter(r):
			cut(i)
		}
		previous = r
	}
	cut(len(s))
	return out
}

// longestPiece is the least width that wrapAt can keep with hyphens.
func longestPiece(s string) int {
	n := 0
	for _, paragraph := range strings.Split(s, "\n") {
		for _, piece := range pieces(paragraph, true) {
			n = max(n, columnsOf(piece))
		}
	}
	return n
}
