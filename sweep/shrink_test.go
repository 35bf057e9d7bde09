package sweep

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/runner"
	"github.com/mqsim/mqsim/scenarios"
)

// An engine that loses a message if and only if a process was killed while messages are larger than
// 100 bytes: shrinking must leave that and nothing else.
func TestShrinkLeavesTheCause(t *testing.T) {
	lossy := func(_ context.Context, o runner.Options) (*result.File, error) {
		sc := o.Scenarios[0]
		r := &result.Result{Scenario: sc.Name, System: "kafka", Model: "kafka", Seed: o.Seeds[0], Verdict: result.Pass}
		for _, f := range sc.Faults {
			if f.Action == "kill" && sc.Systems[0].Streams[0].MessageSize > 100 {
				r.Losses = []result.Loss{{Cause: "stranded", Class: result.Violation, Count: 2, Examples: []string{"p0-1"}}}
			}
			r.Faults = append(r.Faults, result.Fault{Name: f.Name, Action: f.Action, Hosts: []string{"broker-1"}})
		}
		return &result.File{Results: []*result.Result{r}}, nil
	}
	d := Drawing{Model: "kafka", Faults: []string{"kill", "pause", "delay", "loss", "cpu"}}
	tried := 0
	for seed := uint64(1); tried < 5; seed++ {
		p, err := Draw(d, seed)
		require.NoError(t, err)
		if len(p.Faults) < 4 || !strings.Contains(p.YAML(), "action: kill") || strings.Contains(p.YAML(), "messageSize: 100B") {
			continue
		}
		tried++
		s, err := Shrink(context.Background(), p, "violation stranded", Options{Run: lossy}, 400)
		require.NoError(t, err)
		require.True(t, s.Reproduced)
		require.Len(t, s.Plan.Faults, 1, s.File())
		require.Equal(t, "kill", s.Plan.Faults[0].Action)
		require.Len(t, s.Plan.Faults[0].Keys, 1, "only where")
		require.LessOrEqual(t, s.Plan.Faults[0].Length, int64(1000))
		require.LessOrEqual(t, s.Plan.Duration, s.Plan.Faults[0].end()+2000)
		require.Empty(t, s.Plan.Hardware)
		if where := s.Plan.Faults[0].Keys[0].Value; where != "broker-4" && where != "broker-5" {
			require.Equal(t, "3", s.Plan.setting("", "brokers"), "three replicas need three")
		}
		require.Empty(t, s.Plan.setting("producer", "acks"))
		require.Contains(t, s.Story, `2 messages are "stranded" and no setting allows it (such as p0-1) after kill of broker-1`)
		_, problems := scenarios.Load("small.yaml", []byte(s.File()))
		require.Empty(t, problems, "the file with its story loads")
	}
}

// A budget ends the search with the best that it has.
func TestShrinkKeepsToItsBudget(t *testing.T) {
	runs := 0
	p, err := Draw(Drawing{Model: "kafka"}, 2)
	require.NoError(t, err)
	s, err := Shrink(context.Background(), p, "stuck", Options{Run: func(_ context.Context, o runner.Options) (*result.File, error) {
		runs++
		return &result.File{Results: []*result.Result{{Scenario: o.Scenarios[0].Name, Verdict: result.Invalid, Invalid: []string{"the healed cluster did not converge: x"}}}}, nil
	}}, 5)
	require.NoError(t, err)
	require.LessOrEqual(t, runs, 7)
	require.Contains(t, s.Story, "did not converge: x")
}
