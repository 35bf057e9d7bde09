package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/result"
)

// outageCell is the longest outage of a kind and how it ended: "14.2 s, new leader".
func (t *table) outageCell(y *system, kind string) cell {
	s := y.stat(kind + "_outage")
	if s.n == 0 {
		return cell{text: "-"}
	}
	text, colour := t.w.none, good
	if s.median > 0 {
		text, colour = span(s.median), plain
	} else if share := y.lostShare(); kind == "write" && share.median >= result.Int(1) {
		// Nothing stood still because the broker answered ok and threw the message away.
		text, colour = fmt.Sprintf(t.w.nowhere, percent(share.median, 0)+glue+"%"), bad
	}
	if how := t.howEnded(y, kind); how != "" && s.max > 0 {
		text += t.w.clause + how
	}
	if s.spread() {
		text += "\n" + between(t.st, s.min, s.max)
	}
	return cell{text, colour}
}

// howEnded names the ways in which the longest outages of a kind ended, the most frequent first.
func (t *table) howEnded(y *system, kind string) string {
	var ways []tally
	runs := 0
	for _, r := range y.valid() {
		if o, ok := longest(r, kind); ok {
			ways = count(ways, t.w.ending(o), 1)
			runs++
		}
	}
	var parts []string
	for _, way := range ranked(ways) {
		switch {
		case way.name == "":
		case int(way.n) == runs:
			parts = append(parts, unbroken(way.name))
		default:
			parts = append(parts, unbroken(fmt.Sprintf(t.w.times, way.name, way.n)))
		}
	}
	return strings.Join(parts, t.w.comma)
}

func (t *table) servedCell(y *system) cell {
	write, read := y.stat("write_served"), y.stat("read_served")
	text := shares(write.median, write.n, read.median, read.n)
	if write.spread() || read.spread() {
		text += "\n" + shares(write.min, write.n, read.min, read.n) + t.st.dash + "\n" + shares(write.max, write.n, read.max, read.n)
	}
	return cell{text: text}
}

func shares(write result.Number, writes int, read result.Number, reads int) string {
	one := func(v result.Number, n int) string {
		if n == 0 {
			return "-"
		}
		return percent(v, 1)
	}
	return one(write, writes) + glue + "/" + glue + one(read, reads) + glue + "%"
}

// numberCell is a metric as a plain number with its range.
func (t *table) numberCell(y *system, name string, digits int) cell {
	s := y.stat(name)
	if s.n == 0 {
		return cell{text: "-"}
	}
	text := plainNumber(s.median, digits)
	if s.spread() {
		text += "\n" + t.numberRange(s, digits)
	}
	return cell{text: text}
}

func (t *table) numberRange(s stat, digits int) string {
	return plainNumber(s.min, digits) + t.st.dash + plainNumber(s.max, digits)
}

// lostCell is how many messages are lost, by which causes, and what allows that.
func (t *table) lostCell(y *system) cell {
	s := y.stat("lost")
	if s.n == 0 {
		return cell{text: "-"}
	}
	c := cell{text: plainNumber(s.median, 0)}
	if s.spread() {
		c.text += "\n" + t.numberRange(s, 0)
	}
	var causes []tally
	for _, r := range y.valid() {
		for _, loss := range r.Losses {
			causes = count(causes, loss.Cause+"\n"+t.judged(loss), loss.Count)
			if loss.Class == result.Violation {
				c.paint = loud
			}
		}
	}
	for i, cause := range ranked(causes) {
		if i == 2 {
			c.text += "\n" + fmt.Sprintf(t.w.more, len(causes)-2)
			break
		}
		c.text += "\n" + cause.name
	}
	return c
}

// judged says which setting or defect a loss comes from.
func (t *table) judged(loss result.Loss) string {
	switch loss.Class {
	case result.Allowed:
		return fmt.Sprintf(t.w.allowedBy, loss.By)
	case result.Known:
		return fmt.Sprintf(t.w.knownAs, loss.By)
	}
	return t.w.violation
}

func (t *table) latencyCell(y *system) cell {
	p50, p99 := y.stat("p50"), y.stat("p99")
	if p50.n == 0 || p99.n == 0 {
		return cell{text: "-"}
	}
	text := pair(p50.median, p99.median)
	if p50.spread() || p99.spread() {
		text += "\n" + pair(p50.min, p99.min) + t.st.dash + "\n" + pair(p50.max, p99.max)
	}
	return cell{text: text}
}

// pair prints two times, the unit once if it is the same.
func pair(a, b result.Number) string {
	if spanUnit(a) == spanUnit(b) {
		value, _ := spanParts(a, spanUnit(a))
		return value + glue + "/" + glue + span(b)
	}
	return span(a) + glue + "/" + glue + span(b)
}

// tally counts occurrences of a name.
type tally struct {
	name string
	n    int64
}

func count(list []tally, name string, n int64) []tally {
	for i := range list {
		if list[i].name == name {
			list[i].n += n
			return list
		}
	}
	return append(list, tally{name, n})
}

// ranked sorts by frequency, then by name.
func ranked(list []tally) []tally {
	slices.SortFunc(list, func(a, b tally) int {
		if a.n != b.n {
			return int(max(-1, min(1, b.n-a.n)))
		}
		return strings.Compare(a.name, b.name)
	})
	return list
}
