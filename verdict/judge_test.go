package verdict

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/mqsim/mqsim/result"
)

// TestJudge feeds the judge hand-written histories with known verdicts: no model, no world. The
// arguments of `judge` are metrics, PHASE:metric, and the lists of a result to print.
func TestJudge(t *testing.T) {
	datadriven.Walk(t, "testdata/judge", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd != "judge" {
				t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
			}
			s := tell(t, d.Input)
			j := Judge(&s.in)
			var r result.Result
			j.Fill(&r)
			j.Check(&r, s.checks, func(string) *Judgement { return nil })
			var b strings.Builder
			for _, arg := range d.CmdArgs {
				show(&b, arg.Key, j, &r)
			}
			return b.String()
		})
	})
}

func show(b *strings.Builder, what string, j *Judgement, r *result.Result) {
	switch what {
	case "verdict":
		fmt.Fprintf(b, "verdict %s\n", r.Verdict)
		for _, why := range r.Invalid {
			fmt.Fprintf(b, "  %s\n", why)
		}
	case "outages":
		for _, o := range r.Outages {
			words := []string{o.Kind, o.Scope, o.From.String() + ".." + o.To.String(), o.Fault, o.Edge, o.EndedBy}
			if o.Open {
				words = append(words, "open")
			}
			words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
			fmt.Fprintln(b, strings.Join(words, " "))
		}
	case "losses":
		showLosses(b, r.Losses)
	case "anomalies":
		showLosses(b, r.Anomalies)
	case "flow":
		for _, f := range r.Flow {
			fmt.Fprintf(b, "%s > %s > %s: %d %v\n", f.Told, f.Stored, f.Received, f.Count, f.Examples)
		}
	case "series":
		fmt.Fprintf(b, "due %v\nacked %v\nrejected %v\nunknown %v\ndelivered %v\np50 %v\np99 %v\nlag %v\n", r.Series.Due,
			r.Series.Acked, r.Series.Rejected, r.Series.Unknown, r.Series.Delivered, r.Series.P50, r.Series.P99, r.Series.Lag)
	case "checks":
		for _, e := range r.Expectations {
			fmt.Fprintf(b, "%v %s: %s\n", e.Pass, e.Check, e.Actual)
		}
	default:
		m, name := r.Metrics, what
		if phase, rest, ok := strings.Cut(what, ":"); ok {
			m, name = r.Phases[phase], rest
		}
		v, ok := m[name]
		if !ok {
			fmt.Fprintf(b, "%s absent\n", what)
			return
		}
		fmt.Fprintf(b, "%s %s\n", what, v)
	}
}

func showLosses(b *strings.Builder, list []result.Loss) {
	for _, l := range list {
		fmt.Fprintf(b, "%s %s by %q: %d %v\n", l.Cause, l.Class, l.By, l.Count, l.Examples)
	}
}

func judgeAll(in *Input) result.Result {
	var r result.Result
	j := Judge(in)
	j.Fill(&r)
	j.Check(&r, nil, nil)
	return r
}

// TestEqualInputsGiveEqualResults: nothing depends on the order of a map.
func TestEqualInputsGiveEqualResults(t *testing.T) {
	const text = "window 0s 4s 5s\nfault crash 1s 2s\nsend p0-0..30 due=0s every=100ms acked=+1ms part=0\nrecv p0-4..20 at=+4ms part=0\nrecv p0-7..9 at=2s part=0"
	var first []byte
	for range 5 {
		r := judgeAll(&tell(t, text).in)
		b, err := (&result.File{Results: []*result.Result{&r}}).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if string(first) != string(b) {
			t.Fatalf("%s\n%s", first, b)
		}
	}
}
