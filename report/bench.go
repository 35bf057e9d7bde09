package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/mqsim/mqsim/result"
)

var benchFormat = Format{
	Name:   "bench",
	Doc:    result.Text{En: "Go's benchmark format, for benchstat", Zh: "Go 基准测试格式，供 benchstat 使用"},
	Render: bench,
}

// benchMetrics are what a benchmark line holds, in this order. An outage in seconds compares well, an
// availability in percent does not (99.99 and 99.0 differ by one percent).
var benchMetrics = []struct{ metric, unit string }{
	{"write_outage", "write-outage-sec"}, {"read_outage", "read-outage-sec"}, {"write_unavailable", "write-unavailable-sec"},
	{"failover", "failover-sec"}, {"lost", "lost-msgs"}, {"duplicates", "duplicate-msgs"}, {"reordered", "reordered-msgs"},
	{"violations", "violations"}, {"rpo", "rpo-sec"}, {"write_served", "write-served-%"}, {"read_served", "read-served-%"},
	{"throughput", "msgs/sec"}, {"delivered_rate", "delivered-msgs/sec"}, {"p50", "p50-sec"}, {"p99", "p99-sec"}, {"e2e_p99", "e2e-p99-sec"},
	{"amplification", "amplification-x"}, {"network_bytes", "network-B"}, {"disk_bytes", "disk-B"}, {"fsyncs", "fsyncs"},
}

// bench writes one line a run. With one seed values are exact: benchstat then shows every difference;
// with several it takes them as a sample.
func bench(w io.Writer, f *result.File, _ Options) error {
	p := newPage(w)
	p.line("mqsim-version: ", f.Version)
	several := false
	for _, s := range sections(f) {
		several = several || len(s.seeds) > 1
	}
	if len(f.Results) > 0 && !several { // benchstat would split samples of several seeds by it
		p.line("seed: ", strconv.FormatUint(f.Results[0].Seed, 10))
	}
	for _, m := range benchMetrics {
		unit := "Unit " + m.unit
		if about, ok := result.LookupMetric(m.metric); ok && about.Better != 0 {
			unit += " better=" + pick(about.Better > 0, "higher", "lower")
		}
		if !several {
			unit += " assume=exact"
		}
		p.line(unit)
	}
	for _, r := range f.Results {
		if r.Verdict == result.Invalid {
			continue // its numbers prove nothing
		}
		line := fmt.Sprintf("Benchmark%s/model=%s/system=%s 1", camel(r.Scenario), r.Model, r.System)
		for _, m := range benchMetrics {
			if v, ok := r.Metrics[m.metric]; ok && !v.IsNever() {
				line += " " + v.String() + " " + m.unit
			}
		}
		p.line(line)
	}
	return p.Flush()
}

// camel is a scenario's name as Go names benchmarks: primary-crash is PrimaryCrash.
func camel(name string) string {
	var b strings.Builder
	up := true
	for _, c := range name {
		switch {
		case c == '-' || c == '_' || c == '.' || c == ' ' || c == '/':
			up = true
		case up:
			b.WriteRune(unicode.ToUpper(c))
			up = false
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
