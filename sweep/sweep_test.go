package sweep

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/runner"
	"github.com/mqsim/mqsim/scenarios"
)

const tiny = `
name: tiny
duration: 10s
warmup: 0s
workload: {topics: 1, partitionsPerTopic: 1, messageSize: 100B, producersPerTopic: 1, producerRate: 20, consumersPerTopic: 1}
systems:
  kafka: {version: "3.9", coordination: zookeeper, topic: {replication.factor: 3, min.insync.replicas: 1}, producer: {acks: 1}}
faults:
  - {name: kill, at: 3s..5s, duration: 2s, action: kill, selector: primary}
`

func load(t *testing.T, text string) *scenarios.Scenario {
	sc, problems := scenarios.Load("x.yaml", []byte(text))
	require.Empty(t, problems, problems.String())
	return sc
}

func seeds(n int) (out []uint64) {
	for i := range n {
		out = append(out, uint64(i+1))
	}
	return out
}

func summary(t *testing.T, what string, lines []Line) string {
	var b bytes.Buffer
	s := Summarize(Header{Schema, result.Version, what}, lines, false, true)
	require.NoError(t, s.Write(&b, "json"))
	require.NoError(t, s.Write(&b, "table"))
	require.NoError(t, s.Write(&b, "html"))
	return b.String()
}

// One machine with one worker, with four, and two machines whose files are merged: the same bytes.
func TestWorkersAndShardsDoNotShow(t *testing.T) {
	src := Scenarios([]*scenarios.Scenario{load(t, tiny)}, seeds(6), "seeds 1..6")
	one, err := Run(context.Background(), src, Options{Jobs: 1, CheckEvery: 3})
	require.NoError(t, err)
	require.Len(t, one, 6)
	four, err := Run(context.Background(), src, Options{Jobs: 4, CheckEvery: 3})
	require.NoError(t, err)
	want := summary(t, src.What, one)
	require.Equal(t, want, summary(t, src.What, four))
	var parts []*Store
	for i := range 2 {
		path := filepath.Join(t.TempDir(), "part")
		store, err := Open(path, src.What)
		require.NoError(t, err)
		_, err = Run(context.Background(), src, Options{Store: store, Shard: Shard{i, 2}, CheckEvery: 3})
		require.NoError(t, err)
		require.NoError(t, store.Close())
		part, err := Read(path)
		require.NoError(t, err)
		require.Len(t, part.Lines, 3)
		parts = append(parts, part)
	}
	all, err := Merge(append(parts, parts[0]))
	require.NoError(t, err)
	require.Equal(t, want, summary(t, src.What, all.Lines))
	parts[0].Header.What = "another"
	_, err = Merge(parts)
	require.ErrorContains(t, err, "different sweeps")
}

// fake is an engine that fails where a test wants it to.
type fake struct {
	mu    sync.Mutex
	ran   []uint64
	fails func(seed uint64) error
}

func (f *fake) run(_ context.Context, o runner.Options) (*result.File, error) {
	seed := o.Seeds[0]
	f.mu.Lock()
	f.ran = append(f.ran, seed)
	f.mu.Unlock()
	if err := f.fails(seed); err != nil {
		return nil, err
	}
	return &result.File{Results: []*result.Result{{Scenario: o.Scenarios[0].Name, System: "kafka", Model: "kafka", Seed: seed, Verdict: result.Pass,
		Metrics: result.Metrics{"lost": result.Int(int64(seed) % 2)}}}}, nil
}

// A killed process leaves half a line; what the file holds whole is not run again.
func TestResume(t *testing.T) {
	src := Scenarios([]*scenarios.Scenario{load(t, tiny)}, seeds(8), "w")
	path := filepath.Join(t.TempDir(), "r.jsonl")
	store, err := Open(path, src.What)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	f := &fake{fails: func(seed uint64) error {
		if seed == 5 {
			cancel()
			return ctx.Err()
		}
		return nil
	}}
	known, err := Run(ctx, src, Options{Run: f.run, Jobs: 1, Store: store})
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, known, 4, "what is known is not lost")
	require.NoError(t, store.Close())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data[:len(data)-10], 0o600))

	store, err = Open(path, src.What)
	require.NoError(t, err)
	g := &fake{fails: func(uint64) error { return nil }}
	lines, err := Run(context.Background(), src, Options{Run: g.run, Jobs: 1, Store: store})
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.Equal(t, []uint64{4, 5, 6, 7, 8}, g.ran)
	require.Len(t, lines, 8)
	again, err := Read(path)
	require.NoError(t, err)
	Sort(again.Lines)
	require.Equal(t, lines, again.Lines)
	_, err = Open(path, "something else")
	require.ErrorContains(t, err, "another sweep")
}

// An engine that panics is a finding with its seed; the other seeds run on.
func TestInternalErrorIsAFinding(t *testing.T) {
	src := Scenarios([]*scenarios.Scenario{load(t, tiny)}, seeds(3), "w")
	f := &fake{fails: func(seed uint64) error {
		if seed == 2 {
			return errors.New("internal error in tiny, system kafka, seed 2: boom\nstack")
		}
		return nil
	}}
	lines, err := Run(context.Background(), src, Options{Run: f.run})
	require.NoError(t, err)
	s := Summarize(Header{}, lines, false, true)
	require.Equal(t, []Finding{{Class: "internal-error", Model: "kafka", Runs: 1, System: "kafka", Name: "tiny", Seeds: []uint64{2},
		Example: "internal error in tiny, system kafka, seed 2: boom"}}, s.Findings)
	require.Equal(t, result.Invalid, s.Worst())
	require.Equal(t, 2, s.Columns[0].Loss.N)
}

// Wilson's interval (1927), computed by hand for these counts, and the rule of three.
func TestShare(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high string
	}{{1, 10, "1.79", "40.42"}, {5, 10, "23.66", "76.34"}, {50, 500, "7.67", "12.94"}, {0, 500, "0.00", "0.60"}, {0, 2, "0.00", "100.00"}, {500, 500, "99.40", "100.00"}} {
		s := share(c.k, c.n)
		require.Equal(t, c.low+" "+c.high, s.Low.Fixed(2)+" "+s.High.Fixed(2), "%d of %d", c.k, c.n)
	}
}

// Quantiles are values that occurred; what never ended is above all others.
func TestQuantiles(t *testing.T) {
	var v []result.Number
	for i := range int64(100) {
		v = append(v, result.Int(100-i))
	}
	v[0] = result.Never
	d := distributionOf("failover", v)
	require.Equal(t, []result.Number{result.Int(1), result.Int(50), result.Int(90), result.Int(99), result.Never}, []result.Number{d.Min, d.P50, d.P90, d.P99, d.Max})
	require.Equal(t, 1, d.Never)
	last := d.chart("s").Bars
	require.Equal(t, "never: 1 runs", last[len(last)-1].Title)
}

func TestShards(t *testing.T) {
	for _, c := range []struct {
		text, env, want string
	}{
		{"2/8", "", "2/8"}, {"auto/10", "JOB_COMPLETION_INDEX=0", "1/10"}, {"auto", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_COUNT=4", "3/4"},
		{"auto", "CI_NODE_INDEX=4 CI_NODE_TOTAL=4", "4/4"}, {"auto", "BUILDKITE_PARALLEL_JOB=1 BUILDKITE_PARALLEL_JOB_COUNT=2", "2/2"},
		{"auto", "", "none of the variables"}, {"auto", "JOB_COMPLETION_INDEX=0", "write auto/N"}, {"9/8", "", "no shard 9"}, {"0/8", "", "no shard 0"}, {"3", "", "I/N"}, {"a/b", "", "I/N"},
	} {
		s, err := ParseShard(c.text, func(name string) string {
			for f := range strings.FieldsSeq(c.env) {
				if value, ok := strings.CutPrefix(f, name+"="); ok {
					return value
				}
			}
			return ""
		})
		if err != nil {
			require.ErrorContains(t, err, c.want)
		} else {
			require.Equal(t, c.want, s.String())
		}
	}
}

// Whatever the order of events of one instant, the library's scenarios keep to what they promise.
func TestShuffledTiesBreakNothing(t *testing.T) {
	e, _, _ := scenarios.Find("replica-crash")
	sc, problems := e.Load()
	require.Empty(t, problems)
	src := Scenarios([]*scenarios.Scenario{sc}, seeds(1), "ties")
	lines, err := Run(context.Background(), src, Options{ShuffleTies: true, CheckEvery: 1})
	require.NoError(t, err)
	plain, err := Run(context.Background(), src, Options{})
	require.NoError(t, err)
	for i, l := range lines {
		require.Empty(t, l.Classes(), "%s seed %d", l.System, l.Seed)
		require.NotEqual(t, plain[i].TraceHash, l.TraceHash, "the order of ties is another one")
	}
}
