package profile

import "strings"

// assignorRow is an assignor of partition.assignment.strategy with the version in which it came.
type assignorRow struct{ name, class, since string }

// assignorRows follow org.apache.kafka.clients.consumer; RangeAssignor and RoundRobinAssignor are older
// than every version here.
var assignorRows = []assignorRow{
	{"range", "RangeAssignor", ""},
	{"roundrobin", "RoundRobinAssignor", ""},
	{"sticky", "StickyAssignor", "0.11.0"},                     // KIP-54
	{"cooperative-sticky", "CooperativeStickyAssignor", "2.4"}, // KIP-429
}

// Assignors are the assignors of a value of partition.assignment.strategy by their names on the wire.
// What is no assignor is left out.
func Assignors(list string) []string {
	var out []string
	for _, word := range strings.Split(list, ",") {
		if row := assignorNamed(word); row != nil {
			out = append(out, row.name)
		}
	}
	return out
}

// assignorNamed takes the name on the wire, or the class with or without its package.
func assignorNamed(word string) *assignorRow {
	word = strings.TrimPrefix(strings.TrimSpace(word), "org.apache.kafka.clients.consumer.")
	for i := range assignorRows {
		if row := &assignorRows[i]; word == row.name || word == row.class {
			return row
		}
	}
	return nil
}
