package result

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Metrics are the values of one run or phase by name. A name is one of the table of metrics, one of
// them with a part (lost.unreplicated-tail, send_status.FLUSH_DISK_TIMEOUT), or a model's own.
type Metrics map[string]Number

// Names lists the names in the order of the table; parts follow their metric, a model's own come last.
func (m Metrics) Names() []string {
	names := make([]string, 0, len(m))
	for name := range m { //mqsim:unordered sorted below
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return names
}

// rank is the place of a metric or of its parts in the table.
func rank(name string) int {
	base, _, _ := strings.Cut(name, ".")
	if i, ok := rankOf[base]; ok {
		return i
	}
	return len(table)
}

// MarshalJSON writes the metrics in the order of Names.
func (m Metrics) MarshalJSON() ([]byte, error) {
	return ordered(m.Names(), func(name string) any { return m[name] })
}

// Phases are the metrics cut at the borders of steady, fault and recovery, and of further phases
// that expectations name.
type Phases map[string]Metrics

// Names lists the phases: the three of every run first.
func (p Phases) Names() []string {
	var names, others []string
	for _, name := range []string{"steady", "fault", "recovery"} {
		if _, ok := p[name]; ok {
			names = append(names, name)
		}
	}
	for name := range p { //mqsim:unordered sorted below
		if !slices.Contains(names, name) {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	return append(names, others...)
}

// MarshalJSON writes the phases in the order of Names.
func (p Phases) MarshalJSON() ([]byte, error) {
	return ordered(p.Names(), func(name string) any {
		if p[name] == nil {
			return Metrics{}
		}
		return p[name]
	})
}

func ordered(names []string, value func(name string) any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := marshal(name)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(value(name))
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
