package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models"
)

// Problem is one thing that is wrong with a scenario, or a warning about it.
type Problem struct {
	File   string // as given to Load, or "--set"
	Line   int    // from 1
	Col    int    // from 1, in characters
	Path   string // systems.kafka.topic.min.insync.replicas
	Text   string // what is wrong
	Hint   string // the nearest valid word, "" = none
	Source string // the line as written
	src    int
}

// Error is the first line: file:line:col: path: what is wrong (did you mean ...?)
func (p Problem) Error() string {
	s := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Col)
	if p.Path != "" {
		s += p.Path + ": "
	}
	s += p.Text
	if p.Hint != "" {
		s += " (did you mean " + p.Hint + "?)"
	}
	return s
}

// String is Error with the source line and a caret under the column.
func (p Problem) String() string {
	if p.Source == "" {
		return p.Error()
	}
	line, col := excerpt(p.Source, p.Col)
	number := fmt.Sprintf("%4d", p.Line)
	return fmt.Sprintf("%s\n%s | %s\n%s | %s^", p.Error(), number, line, strings.Repeat(" ", len(number)), blank(line, col))
}

// excerpt cuts a long line to the part around col, counted from 1 in characters.
func excerpt(line string, col int) (string, int) {
	const width, before = 100, 60
	r := []rune(strings.TrimRight(line, "\r\n"))
	for i := range r {
		if r[i] < ' ' && r[i] != '\t' || r[i] == 0x7f {
			r[i] = '.' // control characters would move the caret, or the terminal
		}
	}
	from := 0
	if len(r) > width && col > before {
		from = min(col-before, len(r))
	}
	return string(r[from:min(len(r), from+width)]), col - from
}

// blank is the space that moves a caret below character col of line.
func blank(line string, col int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		switch {
		case i+1 >= col:
			return b.String()
		case r == '\t':
			b.WriteByte('\t')
		case r >= 0x2e80: // CJK and beyond take two columns
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Problems are all that is wrong with a scenario, in order of place. As an error it is nil or has
// at least one member.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// String has the source line and a caret for each.
func (ps Problems) String() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Err is ps as an error: nil if it is empty.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// sorted puts problems in order of place and drops repetitions: systems that are copies of one
// another have the same faults at the same place, of which the first is kept.
func sorted(ps Problems) Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(a.src-b.src, a.Line-b.Line, a.Col-b.Col, strings.Compare(a.Text, b.Text))
	})
	return slices.CompactFunc(ps, func(a, b Problem) bool {
		return a.src == b.src && a.Line == b.Line && a.Col == b.Col && a.Text == b.Text
	})
}

// source is a text that nodes come from: the file, or the value of one --set.
type source struct {
	name  string
	lines []string
}

func newSource(name string, data []byte) source {
	return source{name: name, lines: strings.Split(string(data), "\n")}
}

// place makes a Problem of a position.
func place(sources []source, at models.Pos, path, hint, text string) Problem {
	at.Src = min(max(at.Src, 0), len(sources)-1)
	src := sources[at.Src]
	p := Problem{File: src.name, Line: max(at.Line, 1), Col: max(at.Col, 1), Path: path, Hint: hint, Text: text, src: at.Src}
	if p.Line <= len(src.lines) {
		p.Source = src.lines[p.Line-1]
	}
	return p
}

// quoted shows a piece of the user's text in a message: short, and on one line.
func quoted(text string) string {
	r := []rune(text)
	if len(r) > 40 {
		r = append(r[:39:39], '…')
	}
	return fmt.Sprintf("%q", string(r))
}
