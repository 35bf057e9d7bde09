package result

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite testdata")

// sample uses every type of a result at least once.
func sample() *File {
	return &File{
		Schema: Schema, Version: "0.0.1", Set: []string{"workload.producerRate=100"},
		Scenarios: []Scenario{{Name: "primary-crash", File: "primary-crash.yaml", Library: true,
			Title: Text{"The primary's process is killed", "主节点进程被杀"}}},
		Results: []*Result{{
			Scenario: "primary-crash", System: "kafka-acks1", Model: "kafka", Seed: 1<<64 - 1, Verdict: Fail,
			Digest: "ab12", Window: [2]Number{Int(2), Int(60)}, Ended: Seconds(66_200_000_000), EventsTotal: 1234567,
			Config: Config{Set: map[string]string{"topic.min.insync.replicas": "1", "producer.acks": "1"}},
			Metrics: Metrics{
				"p99": Seconds(4_200_000), "lost": Int(3), "attempted": Int(30000), "failover": Never, "write_outage": Seconds(14_200_000_000),
				"lost.unreplicated-tail": Int(3), "zz_own": Int(1), "isr_min": Int(2), "a_own": Int(1), "lost.SEND_OK": Int(0),
			},
			Phases: Phases{"recovery": {}, "steady": {"throughput": Int(500)}, "fault": nil, "own": {"acked": Int(1)}},
			Outages: []Outage{{Kind: "write", Scope: "full", From: Seconds(10_600_000_000), To: Seconds(24_800_000_000),
				Fault: "crash", Edge: "start", EndedBy: "failover", EndedHow: "new leader"}},
			Losses:    []Loss{{Cause: "unreplicated-tail", Class: Allowed, By: "acks=1", Count: 3, Examples: []string{"p0-20418"}}},
			Anomalies: []Loss{{Cause: "duplicate", Class: Known, By: "KIP-98", Count: 1}},
			Promises:  []Promise{{Cause: "unreplicated-tail", Class: Allowed, By: "acks=1", Why: "acks < all"}},
			Faults: []Fault{{Name: "crash", Action: "kill", Hosts: []string{"broker-1"}, From: Seconds(10_600_000_000),
				To: Never, TookHold: true, Touched: 1}},
			Operations:   []Operation{{Do: "restart", At: Int(20), Answer: "refused: \"no\" {[,]}"}},
			Expectations: []Expectation{{Check: "lost == 0", Actual: "3", Line: 58, Because: Text{En: "a reason"}}},
			Series:       &Series{Step: Ratio(1, 10), Due: []int64{50, 50}, Acked: []int64{50, 0}, P50: []Number{Seconds(1_100_000), Never}},
			Roles:        []Role{{Host: "broker-1", To: Seconds(10_600_000_000), Role: "leader"}},
			Events:       []Event{},
			Flow:         []Flow{{Told: "acked", Stored: "truncated", Received: "never", Count: 3}},
			Why:          []Why{{Text: Text{En: "rule", Zh: "规则"}, Source: "ReplicaManager.scala"}},
			TraceHash:    "cd34",
		}},
	}
}

func TestCanonicalForm(t *testing.T) {
	got, err := sample().Bytes()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("testdata/sample.json", got, 0o644))
	}
	want, err := os.ReadFile("testdata/sample.json")
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestRoundTrip(t *testing.T) {
	for name, f := range map[string]*File{"full": sample(), "summary": sample().Summarize(), "empty": {Schema: Schema, Version: Version}} {
		once, err := f.Bytes()
		require.NoError(t, err)
		back, err := Read(name, once)
		require.NoError(t, err)
		twice, err := back.Bytes()
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice), name)
	}
}

func TestWriteLeavesItsInputAlone(t *testing.T) {
	f := sample()
	_, err := f.Bytes()
	require.NoError(t, err)
	require.Nil(t, f.Results[0].Series.Lag)
	require.Nil(t, f.Results[0].Operations[0].Hosts)
}

func TestSummary(t *testing.T) {
	f := sample()
	f.Results[0].Events = []Event{{Kind: "isr-shrink"}, {Kind: "isr-expand"}}
	f.Results[0].EventsOmitted = 5
	b, err := f.Summarize().Bytes()
	require.NoError(t, err)
	for _, key := range []string{`"series"`, `"roles"`, `"events"`} {
		require.NotContains(t, string(b), key)
	}
	require.Contains(t, string(b), `"events_omitted": 7`)
	require.NotNil(t, f.Results[0].Series, "the original keeps its series")
}

func TestReadErrors(t *testing.T) {
	good, err := sample().Bytes()
	require.NoError(t, err)
	for _, c := range []struct{ name, in, want string }{
		{"empty", "  \n", "x.json: empty"},
		{"not JSON", "{\n \"schema\": oops}", "x.json:2:12: invalid character 'o'"},
		{"a list", "[]", "x.json:1:1: "},
		{"no schema", `{"a": 1}`, `x.json: no key "schema": not a result of mqsim`},
		{"other schema", `{"schema": "mqsim.result/v9"}`, `schema is "mqsim.result/v9"; this mqsim reads "mqsim.result/v1"`},
		{"unknown key", `{"schema": "mqsim.result/v1", "version": "9.0", "foo": 1}`, `x.json: json: unknown field "foo" (the file was written by mqsim 9.0, this is ` + Version + `)`},
		{"verdict", strings.Replace(string(good), `"verdict": "fail"`, `"verdict": "maybe"`, 1), `results[0]: verdict "maybe"`},
		{"number", strings.Replace(string(good), `"ended": 66.2`, `"ended": 6e1`, 1), `"6e1": not a number`},
		{"type", strings.Replace(string(good), `"system": "kafka-acks1"`, `"system": 7`, 1), "cannot be a JSON number"},
		{"window", strings.Replace(string(good), "[2,60]", "[60,2]", 1), "window [60, 2] is not a span"},
		{"cut off", string(good[:len(good)/2]), "unexpected end"},
		{"trailing", string(good) + "{}", "x.json:"},
	} {
		_, err := Read("x.json", []byte(c.in))
		require.ErrorContains(t, err, c.want, c.name)
	}
}

func TestWorst(t *testing.T) {
	f := func(vs ...Verdict) *File {
		out := &File{}
		for _, v := range vs {
			out.Results = append(out.Results, &Result{Verdict: v})
		}
		return out
	}
	require.Equal(t, Pass, f().Worst())
	require.Equal(t, Pass, f(Pass, Pass).Worst())
	require.Equal(t, Fail, f(Pass, Fail, Pass).Worst())
	require.Equal(t, Invalid, f(Fail, Invalid, Pass).Worst())
	broken := f(Pass)
	broken.Results[0].Broken = []Broken{{Invariant: "hw-below-leo"}}
	require.Equal(t, Invalid, broken.Worst())
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Table() {
		require.False(t, seen[m.Name], m.Name)
		seen[m.Name] = true
		require.NotEmpty(t, m.Doc.En, m.Name)
		require.NotEmpty(t, m.Doc.Zh, m.Name)
		require.NotEmpty(t, m.Unit.In("en"), m.Name)
	}
	for name, known := range map[string]bool{
		"lost": true, "lost.unreplicated-tail": true, "send_status.FLUSH_DISK_TIMEOUT": true, "e2e_p99": true,
		"lost.": false, "acked.x": false, "loss": false, "": false,
	} {
		_, ok := LookupMetric(name)
		require.Equal(t, known, ok, name)
	}
	text, ok := Explain("failover", "zh")
	require.True(t, ok)
	require.Contains(t, text, "指标")
}

// A canonical file survives reading and writing; whatever is not one is refused without a panic.
func FuzzRead(f *testing.F) {
	good, _ := sample().Bytes()
	f.Add(good)
	f.Add([]byte(`{"schema":"mqsim.result/v1","version":"","results":[null]}`))
	f.Add([]byte(`{"schema":"mqsim.result/v1","version":"","results":[{"scenario":"a","system":"b","verdict":"pass","window":[0,1]}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := Read("fuzz", in)
		if err != nil {
			return
		}
		once, err := file.Bytes()
		require.NoError(t, err)
		again, err := Read("fuzz", once)
		require.NoError(t, err)
		twice, err := again.Bytes()
		require.NoError(t, err)
		require.True(t, bytes.Equal(once, twice))
	})
}
