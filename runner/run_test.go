package runner

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/scenarios"
)

// seeds is how many seeds TestLibrary tries; CI asks for 20.
var seeds = flag.Int("seeds", 1, "seeds per scenario of the library")

// childVar names the scenarios that a child process runs instead of the tests.
const childVar = "MQSIM_TEST_CHILD"

func TestMain(m *testing.M) {
	flag.Parse()
	if names := os.Getenv(childVar); names != "" {
		child(strings.Split(names, ","))
		return
	}
	os.Exit(m.Run())
}

// child writes the results of library scenarios to standard output.
func child(names []string) {
	opt := Options{}
	for _, name := range names {
		e, _, ok := scenarios.Find(name)
		if !ok {
			panic("no scenario " + name)
		}
		sc, problems := e.Load()
		if len(problems) > 0 {
			panic(problems.Error())
		}
		opt.Scenarios = append(opt.Scenarios, sc)
	}
	f, err := Run(context.Background(), opt)
	if err != nil {
		panic(err)
	}
	if err := result.Write(os.Stdout, f); err != nil {
		panic(err)
	}
}

func load(t *testing.T, name string) *scenarios.Scenario {
	t.Helper()
	e, _, ok := scenarios.Find(name)
	require.True(t, ok, name)
	sc, problems := e.Load()
	require.Empty(t, problems)
	return sc
}

func run(t *testing.T, opt Options) *result.File {
	t.Helper()
	f, err := Run(context.Background(), opt)
	require.NoError(t, err)
	return f
}

func encode(t *testing.T, f *result.File) string {
	t.Helper()
	b, err := f.Bytes()
	require.NoError(t, err)
	return string(b)
}

// The library, twice, in fresh processes that differ in everything that may not matter.
func TestSameBytesInFreshProcesses(t *testing.T) {
	var names []string
	for _, e := range scenarios.Library() {
		names = append(names, e.Name)
	}
	in := func(env ...string) []byte {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append([]string{childVar + "=" + strings.Join(names, ","), "HOME=" + t.TempDir()}, env...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		require.NoError(t, err, errs.String())
		return out
	}
	a := in("GOMAXPROCS=1", "GOGC=400", "TZ=UTC", "LANG=C")
	b := in("GOMAXPROCS=3", "GOGC=20", "TZ=Asia/Shanghai", "LANG=zh_CN.UTF-8", "NO_COLOR=1")
	require.NotEmpty(t, a)
	if !bytes.Equal(a, b) {
		t.Fatal("two processes gave different bytes; first difference: " + firstDifference(a, b))
	}
}

func firstDifference(a, b []byte) string {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			other := ""
			if i < len(y) {
				other = y[i]
			}
			return fmt.Sprintf("line %d:\n%.300s\n%.300s", i+1, x[i], other)
		}
	}
	return "one is longer"
}

// small has every kind of process fault and power loss, on little load.
const small = `
name: small
seed: 3
duration: 40s
workload: {topics: 1, partitionsPerTopic: 2, messageSize: 300B, producersPerTopic: 1, producerRate: 60, consumersPerTopic: 1}
systems:
  kafka: {version: "3.9", coordination: zookeeper, topic: {replication.factor: 3, min.insync.replicas: 2}, producer: {acks: all}}
  kafka-acks1: {like: kafka, producer: {acks: 1}}
  rocketmq: {version: "4.9", broker: {brokerRole: SYNC_MASTER, flushDiskType: ASYNC_FLUSH}}
  rabbitmq: {version: "3.10", queue: {durable: true}, producer: {confirms: true, delivery_mode: 2}}
  rabbitmq-mirrored: {like: rabbitmq, policy: {ha-mode: all, ha-sync-mode: automatic}}
faults:
  - {name: kill, at: 5s..6s, duration: 3s, action: kill, selector: primary}
  - {name: dark, at: 20s..25s, duration: 2s, action: power-loss, selector: replica}
`

func loadSmall(t *testing.T) *scenarios.Scenario {
	sc, problems := scenarios.Load("small.yaml", []byte(small))
	require.Empty(t, problems)
	return sc
}

func TestMemoryAndDirectoryGiveTheSameBytes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	memory := encode(t, run(t, Options{Scenarios: []*scenarios.Scenario{loadSmall(t)}}))
	files := encode(t, run(t, Options{Scenarios: []*scenarios.Scenario{loadSmall(t)}, DataDir: dir}))
	require.Equal(t, memory, files)
	logs, err := filepath.Glob(filepath.Join(dir, "small", "kafka", "3", "broker-1", "disk0", "*", "t0-*", "*.log"))
	require.NoError(t, err)
	require.NotEmpty(t, logs, "real files in Kafka's layout")
}

func TestDataDirOfSomebodyElseIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "precious"), []byte("x"), 0o600))
	_, err := Run(context.Background(), Options{Scenarios: []*scenarios.Scenario{loadSmall(t)}, DataDir: dir})
	var input *InputError
	require.ErrorAs(t, err, &input)
	require.FileExists(t, filepath.Join(dir, "precious"))
}

func TestParallelJobsGiveTheSameBytes(t *testing.T) {
	opt := Options{Scenarios: []*scenarios.Scenario{loadSmall(t)}, Seeds: []uint64{1, 2, 3}}
	opt.Jobs = 1
	one := encode(t, run(t, opt))
	opt.Jobs = 4
	require.Equal(t, one, encode(t, run(t, opt)))
}

func TestSeedsGiveDifferentRuns(t *testing.T) {
	f := run(t, Options{Scenarios: []*scenarios.Scenario{loadSmall(t)}, Seeds: []uint64{1, 2, 3, 4}})
	seen := map[string]bool{}
	for _, r := range f.Results {
		require.False(t, seen[r.TraceHash], "%s seed %d", r.System, r.Seed)
		seen[r.TraceHash] = true
	}
}

func TestCheckRunsTwice(t *testing.T) {
	f := run(t, Options{Scenarios: []*scenarios.Scenario{loadSmall(t)}, Check: true})
	for _, r := range f.Results {
		require.Empty(t, r.Broken)
	}
}

// A fault that cannot take hold makes the run INVALID, whatever the expectations say.
func TestAbsorbedFaultIsInvalid(t *testing.T) {
	sc, problems := scenarios.Load("x.yaml", []byte(strings.Replace(small, "faults:",
		"faults:\n  - {name: again, at: 7s, duration: 1s, action: kill, selector: broker-1, systems: [kafka, kafka-acks1]}\n  - {name: first, at: 4s, duration: 30s, action: kill, selector: broker-1, systems: [kafka, kafka-acks1]}", 1)))
	require.Empty(t, problems)
	f := run(t, Options{Scenarios: []*scenarios.Scenario{sc}})
	require.Equal(t, result.Invalid, f.Results[0].Verdict)
	require.Contains(t, strings.Join(f.Results[0].Invalid, "\n"), "again was absorbed")
}

// Every lost message has a cause, and the watched run is the same run.
func TestEveryLossHasABiography(t *testing.T) {
	var trace bytes.Buffer
	f := run(t, Options{Scenarios: []*scenarios.Scenario{load(t, "acks-ladder")}, Systems: []string{"kafka-acks1"}, Trace: &trace})
	r := f.Results[0]
	require.Empty(t, r.Broken)
	sum := int64(0)
	for _, l := range r.Losses {
		require.NotEqual(t, "unexplained", l.Cause)
		sum += l.Count
	}
	require.Positive(t, sum)
	require.Equal(t, result.Int(sum), r.Metrics["lost"])
	require.Contains(t, trace.String(), "unreplicated-tail")
	require.Contains(t, trace.String(), "\twritten\t")
}

// Expectations of the library hold for every seed.
func TestLibrary(t *testing.T) {
	for _, e := range scenarios.Library() {
		t.Run(e.Name, func(t *testing.T) {
			opt := Options{Scenarios: []*scenarios.Scenario{load(t, e.Name)}}
			for s := range *seeds {
				opt.Seeds = append(opt.Seeds, uint64(s+1))
			}
			for _, r := range run(t, opt).Results {
				for _, why := range r.Invalid {
					t.Errorf("%s seed %d INVALID: %s", r.System, r.Seed, why)
				}
				for _, b := range r.Broken {
					t.Errorf("%s seed %d: invariant %s: %s", r.System, r.Seed, b.Invariant, b.Detail)
				}
				for _, x := range r.Expectations {
					if !x.Pass {
						t.Errorf("%s seed %d: %s, was %s (line %d)", r.System, r.Seed, x.Check, x.Actual, x.Line)
					}
				}
			}
		})
	}
}
