package result

import (
	"fmt"
	"strings"
)

// Unit is what a metric's number counts.
type Unit string

// The units.
const (
	UnitCount   Unit = ""
	UnitSeconds Unit = "s"
	UnitRate    Unit = "/s"
	UnitPercent Unit = "%"
	UnitBytes   Unit = "B"
	UnitFactor  Unit = "x"
)

// Metric describes one metric of the scenario language.
type Metric struct {
	Name string
	Unit Unit
	// Better says which direction is good: -1 less, 1 more, 0 neither.
	Better int
	// Parts says what may follow the name after a dot; empty if nothing may.
	Parts string
	Doc   Text
}

// Table lists all metrics in the order of the scenario language.
func Table() []Metric { return append([]Metric(nil), table...) }

// LookupMetric finds a metric by its name, with or without a part.
func LookupMetric(name string) (Metric, bool) {
	base, part, dotted := strings.Cut(name, ".")
	i, ok := rankOf[base]
	if !ok || dotted && (part == "" || table[i].Parts == "") {
		return Metric{}, false
	}
	return table[i], true
}

// Explain says in "en" or "zh" what a metric is; false if there is none of that name.
func Explain(name, lang string) (string, bool) {
	m, ok := LookupMetric(name)
	if !ok {
		return "", false
	}
	kind, unit := "metric", m.Unit.In(lang)
	if lang == "zh" {
		kind = "指标"
	}
	text := fmt.Sprintf("%s: %s, %s\n%s\n", m.Name, kind, unit, m.Doc.In(lang))
	if m.Parts != "" {
		text += m.Name + "." + m.Parts + "\n"
	}
	return text, true
}

// In names the unit in "en" or "zh".
func (u Unit) In(lang string) string {
	names := map[Unit]Text{
		UnitCount:   {"a count", "计数"},
		UnitSeconds: {"seconds", "秒"},
		UnitRate:    {"per second", "每秒"},
		UnitPercent: {"percent", "百分比"},
		UnitBytes:   {"bytes", "字节"},
		UnitFactor:  {"a factor", "倍数"},
	}
	return names[u].In(lang)
}

var rankOf = func() map[string]int {
	at := make(map[string]int, len(table))
	for i, m := range table {
		at[m.Name] = i
	}
	return at
}()
