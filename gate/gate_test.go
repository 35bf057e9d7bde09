package gate

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/result"
)

func file(edit func(*result.Result)) *result.File {
	r := &result.Result{Scenario: "crash", System: "kafka", Seed: 42, Verdict: result.Pass, Digest: "0123456789", TraceHash: "a",
		Metrics: result.Metrics{"lost": 0, "duplicates": result.Int(2), "write_outage": result.Int(10), "throughput": result.Int(500), "failover": result.Never, "busy_cpu": result.Int(5), "redelivered": result.Int(5)}}
	if edit != nil {
		r.TraceHash = "b"
		edit(r)
	}
	return &result.File{Schema: result.Schema, Version: "1", Results: []*result.Result{r}}
}

func set(name string, v result.Number) func(*result.Result) {
	return func(r *result.Result) { r.Metrics[name] = v }
}

func TestRules(t *testing.T) {
	five := Budgets(result.Int(5), nil)
	for _, c := range []struct {
		name string
		edit func(*result.Result)
		want string
		rows int
	}{
		{"equal", nil, "ok", 0},
		{"another hash, equal values", func(*result.Result) {}, "ok", 0},
		{"one more lost", set("lost", result.Int(1)), "regression", 1},
		{"one more duplicate", set("duplicates", result.Int(3)), "regression", 1},
		{"fewer duplicates", set("duplicates", result.Int(1)), "ok", 1},
		{"outage +5 %", set("write_outage", result.Int(10)+result.Int(1)/2), "ok", 1},
		{"outage just above", set("write_outage", result.Int(10)+result.Int(1)/2+1), "regression", 1},
		{"outage without end", set("write_outage", result.Never), "regression", 1},
		{"throughput -5 %", set("throughput", result.Int(475)), "ok", 1},
		{"throughput -6 %", set("throughput", result.Int(470)), "regression", 1},
		{"throughput +50 %", set("throughput", result.Int(750)), "ok", 1},
		{"an outage that ends now", set("failover", result.Int(3)), "ok", 1},
		{"no budget, no rule", set("busy_cpu", result.Int(50)), "ok", 0},
		{"verdict", func(r *result.Result) { r.Verdict = result.Fail }, "regression", 0},
		{"digest", func(r *result.Result) { r.Digest = "x" }, "incomparable", 0},
		{"another system", func(r *result.Result) { r.System = "rabbitmq" }, "regression", 0},
	} {
		got := Compare(file(nil), file(c.edit), five)
		require.Equal(t, c.want, got.Verdict, c.name)
		require.Len(t, got.Rows, c.rows, c.name)
	}
	own, err := ParseBudget("duplicates=1")
	require.NoError(t, err)
	require.Equal(t, "ok", Compare(file(nil), file(set("duplicates", result.Int(3))), Budgets(result.Int(5), []Budget{own})).Verdict)
	own, err = ParseBudget("redelivered=100%")
	require.NoError(t, err)
	require.Equal(t, "regression", Compare(file(nil), file(set("redelivered", result.Int(50))), Budgets(result.Int(5), []Budget{own})).Verdict)
}

func TestBudgetErrors(t *testing.T) {
	for _, text := range []string{"lost", "nonsense=5%", "lost=-1", "lost=x", "lost=", "attempted=5%"} {
		_, err := ParseBudget(text)
		require.Error(t, err, text)
	}
}

func TestRender(t *testing.T) {
	c := Compare(file(nil), file(func(r *result.Result) {
		r.Metrics["lost"], r.Metrics["write_outage"], r.Metrics["throughput"] = result.Int(3), result.Int(8), result.Int(490)
		r.Verdict = result.Fail
		r.Expectations = []result.Expectation{{Check: "lost == 0", Actual: "3"}}
	}), Budgets(result.Int(5), nil))
	for format, want := range map[string]string{
		"table": "REGRESSION: 1 runs compared, 0 of them equal event for event, 1 regressions, 1 verdicts worse, 1 worse within budget, 1 improvements\n" +
			"  ✗ worse: crash kafka seed 42: pass became fail: lost == 0 was 3\n" +
			"  ✗ crash kafka seed 42: lost 0 -> 3, budget 0\n" +
			"  · crash kafka seed 42: throughput 500 -> 490 (-2 %), budget 5%\n" +
			"  ✓ crash kafka seed 42: write_outage 10 -> 8 (-20 %)\n",
	} {
		var b bytes.Buffer
		require.NoError(t, c.Write(&b, format, true))
		require.Equal(t, want, b.String())
	}
	var b bytes.Buffer
	require.NoError(t, c.Write(&b, "markdown", false))
	require.Contains(t, b.String(), "| ❌ | crash | kafka | 42 | lost | 0 | 3 | - | 0 |")
	require.NotContains(t, b.String(), "throughput")
	b.Reset()
	require.NoError(t, c.Write(&b, "json", false))
	require.Contains(t, b.String(), `"verdict": "regression"`)
}
