package verdict

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/mqsim/mqsim/result"
)

// TestExpectations reads one check a line. `parse` prints its canonical form or the error; `eval`
// first reads "METRIC = VALUE" lines (of this system or of SYSTEM.METRIC), then checks.
func TestExpectations(t *testing.T) {
	datadriven.Walk(t, "testdata/expect", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "parse":
				return parseLines(t, d.Input, d.HasArg("model"))
			case "eval":
				return evalLines(t, d.Input, d.HasArg("all"))
			}
			t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
			return ""
		})
	})
}

func parseLines(t *testing.T, input string, model bool) string {
	var known []string
	if model {
		known = []string{"hw_stalls"}
	}
	var b strings.Builder
	for _, line := range strings.Split(input, "\n") {
		e, err := ParseExpectation(line, known...)
		if err != nil {
			fmt.Fprintf(&b, "error: %v\n", err)
			continue
		}
		fmt.Fprintln(&b, e)
		again, err := ParseExpectation(e.String(), known...)
		if err != nil || again.String() != e.String() {
			t.Errorf("%s: its form %q is read as %q, %v", line, e, again, err)
		}
	}
	return b.String()
}

func evalLines(t *testing.T, input string, all bool) string {
	values := map[string]result.Number{}
	lookup := func(r Ref, during, after string) (result.Number, bool, string) {
		v, ok := values[r.String()]
		return v, ok, ""
	}
	var b strings.Builder
	for _, line := range strings.Split(input, "\n") {
		if name, value, ok := strings.Cut(line, " = "); ok {
			v, err := result.ParseNumber(value)
			if err != nil {
				t.Fatal(err)
			}
			values[name] = v
			continue
		}
		e, err := ParseExpectation(line)
		if err != nil {
			t.Fatal(err)
		}
		e.All = all
		out := e.Eval(lookup)
		word := map[bool]string{true: "pass", false: "FAIL"}[out.Pass]
		if out.Skipped {
			word = "skip"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", word, line, out.Actual)
	}
	return b.String()
}

func TestWithin(t *testing.T) {
	e, err := ParseExpectation("lost == 0")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Within("fault", "crash"); err != nil || e.During != "fault" || e.After != "crash" {
		t.Errorf("lost during fault: %v, %+v", err, e)
	}
	e, err = ParseExpectation("network_bytes < 1MB")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Within("", ""); err != nil {
		t.Errorf("the whole run: %v", err)
	}
	if err := e.Within("steady", ""); err == nil {
		t.Error("network_bytes during steady: no error")
	}
}

// TestCatalogue: the judge's list and the result's table name the same metrics with the same units.
func TestCatalogue(t *testing.T) {
	table := result.Table()
	names := MetricNames()
	if len(names) != len(table) {
		t.Errorf("%d metrics here, %d in the table", len(names), len(table))
	}
	for i, m := range Metrics() {
		row, ok := result.LookupMetric(m.Name)
		switch {
		case !ok:
			t.Errorf("%s is not in the table", m.Name)
		case row.Unit != m.Unit:
			t.Errorf("%s is in %q here, in %q there", m.Name, m.Unit, row.Unit)
		case (row.Parts != "") != (m.Parts != NoParts):
			t.Errorf("%s: parts %q there, %v here", m.Name, row.Parts, m.Parts)
		case i < len(table) && table[i].Name != m.Name:
			t.Errorf("%s is number %d here, %s is there", m.Name, i, table[i].Name)
		}
	}
}

// TestMeasuredMetrics: what the catalogue calls phased is measured for phases, the rest is not.
func TestMeasuredMetrics(t *testing.T) {
	s := tell(t, "window 0s 2s 3s\nown nacked returned\nfault crash 1s 2s\nsend p0-0 due=0s acked=+1ms part=0\naudit p0-0")
	j := Judge(&s.in)
	var r result.Result
	j.Fill(&r)
	for _, m := range Metrics() {
		if m.Parts == Statuses || m.Model && !m.Phased {
			continue
		}
		if _, ok := r.Metrics[m.Name]; !ok {
			t.Errorf("%s is missing", m.Name)
		}
		if _, ok := r.Phases["fault"][m.Name]; ok != m.Phased {
			t.Errorf("%s: in a phase %v, phased %v", m.Name, ok, m.Phased)
		}
	}
	for name := range r.Metrics {
		base, _, _ := strings.Cut(name, ".")
		if _, ok := LookupMetric(base); !ok {
			t.Errorf("%s is not in the catalogue", name)
		}
	}
}

func FuzzParseExpectation(f *testing.F) {
	for _, seed := range []string{
		"lost == 0", "failover in 12s..23s", "lost.unreplicated-tail == lost", "write_outage of producer-1 < 500ms",
		"amplification >= 4 * rabbitmq-classic.amplification", "failover of fault(crash) != 0s", "send_status.SEND_OK > 3",
		"write_availability of group(a) >= 99.9%", "disk_bytes < 1.5GiB", "x", "lost = 0", "in in in", " in ..", "p99 < -1.5ms",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExpectation(text)
		if err != nil {
			if err.Error() == "" {
				t.Errorf("%q: an empty error", text)
			}
			return
		}
		again, err := ParseExpectation(e.String())
		if err != nil || again.String() != e.String() {
			t.Errorf("%q: its form %q is read as %q, %v", text, e, again, err)
		}
		for _, v := range []result.Number{0, 1, hundred, result.Never} {
			e.Eval(func(Ref, string, string) (result.Number, bool, string) { return v, true, "" })
		}
	})
}
