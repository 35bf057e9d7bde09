package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tiny is a run of a second or so.
func tiny(t *testing.T, ids ...string) *Result {
	dir := t.TempDir()
	r, err := Run(context.Background(), Options{Dir: dir, Size: 2 << 20, Time: time.Millisecond, Quick: true, Reserve: 1, Only: ids}, nil)
	require.NoError(t, err)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "the lab leaves files")
	return r
}

func TestEveryExperimentMeasuresAndExplains(t *testing.T) {
	r := tiny(t)
	require.Len(t, r.Experiments, len(IDs()))
	for _, e := range r.Experiments {
		require.NotEmpty(t, e.Rows, e.ID)
		for _, lesson := range []string{e.Lesson.En, e.Lesson.Zh} {
			require.Equal(t, 1, strings.Count(lesson, "\n"), "%s: a lesson has two lines", e.ID)
		}
		names := map[string]bool{}
		for _, row := range e.Rows {
			require.Positive(t, row.Ops, row.Name)
			require.Positive(t, row.Nanos, row.Name)
			require.False(t, names[row.Name], "%s/%s twice", e.ID, row.Name)
			require.NotContains(t, row.Name, " ", "a name of a benchmark has no blanks")
			names[row.Name] = true
		}
	}
}

// row finds a figure.
func row(t *testing.T, r *Result, name string) Row {
	for _, x := range r.Experiments[0].Rows {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("no row %s", name)
	return Row{}
}

func extra(t *testing.T, r Row, unit string) float64 {
	for _, v := range r.Extra {
		if v.Unit == unit {
			return v.Value
		}
	}
	t.Fatalf("no %s in %v", unit, r)
	return 0
}

func TestASparseIndexIsSmaller(t *testing.T) {
	r := tiny(t, "index")
	messages := int64(2<<20) / 4 / small
	require.EqualValues(t, messages*20, extra(t, row(t, r, "dense"), "index-B"))
	require.InDelta(t, float64(messages)/41*8, extra(t, row(t, r, "sparse/4-KiB"), "index-B"), 8)
}

func TestGroupCommitSharesASync(t *testing.T) {
	dir := t.TempDir()
	r, err := Run(context.Background(), Options{Dir: dir, Size: 8 << 20, Time: 100 * time.Millisecond, Reserve: 1, Only: []string{"sync"}}, nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, extra(t, row(t, r, "group-commit/1-senders"), "msgs/sync"))
	require.Greater(t, extra(t, row(t, r, "group-commit/64-senders"), "msgs/sync"), 2.0)
}

func TestCompressionDependsOnTheBatch(t *testing.T) {
	r := tiny(t, "compression")
	for _, c := range []string{"snappy", "s2", "lz4", "gzip", "zstd"} {
		one, batch := extra(t, row(t, r, c+"/256-B/compress"), "ratio"), extra(t, row(t, r, c+"/16384-B/compress"), "ratio")
		require.Greater(t, batch, one, c)
		require.Greater(t, batch, 1.5, c)
	}
}

func TestInterruptedRunCleansUp(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Run(ctx, Options{Dir: dir, Size: 64 << 20, Time: time.Minute, Reserve: 1, Only: []string{"crc"}},
		func(string) { time.AfterFunc(20*time.Millisecond, cancel) })
	require.ErrorIs(t, err, context.Canceled)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	_, err := Run(ctx, Options{Dir: t.TempDir(), Reserve: 1 << 60}, nil)
	if _, _, unknown := diskSpace(t.TempDir()); unknown == nil {
		require.ErrorIs(t, err, ErrSpace)
	}
	_, err = Run(ctx, Options{Dir: t.TempDir(), Only: []string{"nonsense"}}, nil)
	require.ErrorIs(t, err, ErrInput)
	_, err = Run(ctx, Options{Dir: t.TempDir(), Size: 1000}, nil)
	require.ErrorIs(t, err, ErrInput)
}

// sample is a result with every kind of cell.
func sample() *Result {
	return &Result{Schema: Schema, Version: "v", Machine: Machine{OS: "linux", Arch: "amd64", Go: "go1", CPUs: 2, Memory: 24 << 30, Dir: "/data"},
		Experiments: []Experiment{{ID: "e", Title: Text{En: "An experiment", Zh: "一个实验"}, Lesson: Text{En: "One.\nTwo.", Zh: "一。\n二。"},
			Rows: []Row{
				{Name: "a/b", Ops: 1000, Nanos: 250, Bytes: 1000, CPU: 1500, Extra: []Value{{2, "msgs/sync"}, {3e6, "ns/sync"}}},
				{Name: "longer", Ops: 3, Nanos: 2e9, Extra: []Value{{4 << 20, "index-B"}}},
			}, Notes: []Text{{En: "a note", Zh: "注"}}}}}
}

func TestFormats(t *testing.T) {
	for format, want := range map[string]string{
		"table": `linux/amd64, 2 CPUs, 24 GiB of memory, go1, files in /data

e  An experiment
          operations/s      time    MB/s      CPU
  a/b        4,000,000  250.0 ns  4000.0  1.50 us  2.0 msgs/sync, 3.00 ms/sync
  longer           0.5    2.00 s                   index 4096 KiB
  One.
  Two.
  ! a note
`,
		"bench": `goos: linux
goarch: amd64
pkg: github.com/mqsim/mqsim/lab
BenchmarkLab/e/a/b 1000 250 ns/op 4000 MB/s 1500 cpu-ns/op 2 msgs/sync 3e+06 ns/sync
BenchmarkLab/e/longer 3 2e+09 ns/op 4.1943e+06 index-B
`,
	} {
		var b bytes.Buffer
		require.NoError(t, Render(&b, sample(), format, "en"))
		require.Equal(t, want, b.String(), format)
	}
	var b bytes.Buffer
	require.NoError(t, Render(&b, sample(), "json", ""))
	var back Result
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	require.Equal(t, sample(), &back)
	require.Error(t, Render(&b, sample(), "nonsense", ""))
	b.Reset()
	require.NoError(t, Render(&b, sample(), "table", "zh"))
	require.Contains(t, b.String(), "一个实验")
}
