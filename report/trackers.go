package report

import (
	"io"

	"github.com/mqsim/mqsim/result"
)

var trackerFormat = Format{
	Name:   "benchmark-action",
	Doc:    result.Text{En: "JSON for github-action-benchmark, tool customSmallerIsBetter", Zh: "供 github-action-benchmark（customSmallerIsBetter）使用的 JSON"},
	Render: tracker,
}

// trackerMetrics are numbers of which less is better: that tool alerts on the ratio of two values.
var trackerMetrics = []string{"write_unavailable", "read_unavailable", "failover", "lost", "duplicates", "violations", "p99", "amplification"}

type trackerEntry struct {
	Name  string        `json:"name"`
	Unit  string        `json:"unit"`
	Value result.Number `json:"value"`
	Range string        `json:"range,omitempty"`
	Extra string        `json:"extra,omitempty"`
}

func tracker(w io.Writer, f *result.File, _ Options) error {
	entries := []trackerEntry{}
	for _, s := range sections(f) {
		for _, y := range s.systems {
			for _, name := range trackerMetrics {
				v := y.stat(name)
				if v.n == 0 || v.median.IsNever() {
					continue
				}
				e := trackerEntry{Name: s.Name + " / " + y.name + " / " + name, Unit: "count", Value: v.median, Extra: "seeds " + seedList(s.seeds)}
				if about, ok := result.LookupMetric(name); ok && about.Unit != result.UnitCount {
					e.Unit = string(about.Unit)
				}
				if v.spread() {
					e.Range = v.min.String() + ".." + v.max.String()
				}
				entries = append(entries, e)
			}
		}
	}
	return indentedJSON(w, entries)
}

var openMessagingFormat = Format{
	Name:   "openmessaging",
	Doc:    result.Text{En: "result files of OpenMessaging Benchmark, for its charts", Zh: "OpenMessaging Benchmark 的结果格式，可用其绘图工具"},
	Render: openMessaging,
}

// testResult has the keys of OpenMessaging Benchmark's TestResult.java that a run can fill: latencies
// are milliseconds, rates per second, one entry of a list per step of the series.
type testResult struct {
	Workload          string `json:"workload"`
	Driver            string `json:"driver"`
	MessageSize       int64  `json:"messageSize"`
	Topics            int    `json:"topics"`
	Partitions        int    `json:"partitions"`
	ProducersPerTopic int    `json:"producersPerTopic"`
	ConsumersPerTopic int    `json:"consumersPerTopic"`

	PublishRate         []result.Number `json:"publishRate"`
	PublishErrorRate    []result.Number `json:"publishErrorRate"`
	ConsumeRate         []result.Number `json:"consumeRate"`
	Backlog             []int64         `json:"backlog"`
	PublishLatency50pct []result.Number `json:"publishLatency50pct"`
	PublishLatency99pct []result.Number `json:"publishLatency99pct"`

	Publish50        result.Number            `json:"aggregatedPublishLatency50pct"`
	Publish99        result.Number            `json:"aggregatedPublishLatency99pct"`
	Publish999       result.Number            `json:"aggregatedPublishLatency999pct"`
	PublishMax       result.Number            `json:"aggregatedPublishLatencyMax"`
	PublishQuantiles map[string]result.Number `json:"aggregatedPublishLatencyQuantiles"`
	E2E50            result.Number            `json:"aggregatedEndToEndLatency50pct"`
	E2E99            result.Number            `json:"aggregatedEndToEndLatency99pct"`
	E2E999           result.Number            `json:"aggregatedEndToEndLatency999pct"`
	E2EMax           result.Number            `json:"aggregatedEndToEndLatencyMax"`
	E2EQuantiles     map[string]result.Number `json:"aggregatedEndToEndLatencyQuantiles"`
}

// openMessaging writes one object, as that tool's files hold; several runs are a list of them.
func openMessaging(w io.Writer, f *result.File, _ Options) error {
	all := make([]testResult, len(f.Results))
	for i, r := range f.Results {
		all[i] = testResultOf(r)
	}
	if len(all) == 1 {
		return indentedJSON(w, all[0])
	}
	return indentedJSON(w, all)
}

func testResultOf(r *result.Result) testResult {
	perTopic := func(n int) int { return n / max(1, r.Load.Streams) }
	t := testResult{Workload: r.Scenario, Driver: r.System, MessageSize: r.Load.MessageSize, Topics: r.Load.Streams,
		Partitions: r.Load.Partitions, ProducersPerTopic: perTopic(r.Load.Producers), ConsumersPerTopic: perTopic(r.Load.Consumers)}
	t.PublishRate, t.PublishErrorRate, t.ConsumeRate = []result.Number{}, []result.Number{}, []result.Number{}
	t.Backlog, t.PublishLatency50pct, t.PublishLatency99pct = []int64{}, []result.Number{}, []result.Number{}
	if s := r.Series; s != nil {
		step := s.Step.Nanoseconds()
		for _, n := range s.Acked {
			t.PublishRate = append(t.PublishRate, result.PerSecond(n, step))
		}
		for _, n := range s.Delivered {
			t.ConsumeRate = append(t.ConsumeRate, result.PerSecond(n, step))
		}
		for i := range min(len(s.Rejected), len(s.Unknown)) {
			t.PublishErrorRate = append(t.PublishErrorRate, result.PerSecond(s.Rejected[i]+s.Unknown[i], step))
		}
		t.Backlog = append(t.Backlog, s.Lag...)
		for _, v := range s.P50 {
			t.PublishLatency50pct = append(t.PublishLatency50pct, milliseconds(v))
		}
		for _, v := range s.P99 {
			t.PublishLatency99pct = append(t.PublishLatency99pct, milliseconds(v))
		}
	}
	ms := func(name string) result.Number { return milliseconds(r.Metrics[name]) }
	t.Publish50, t.Publish99, t.Publish999, t.PublishMax = ms("p50"), ms("p99"), ms("p999"), ms("max")
	t.E2E50, t.E2E99, t.E2E999, t.E2EMax = ms("e2e_p50"), ms("e2e_p99"), ms("e2e_p999"), ms("e2e_max")
	t.PublishQuantiles = map[string]result.Number{"50.0": t.Publish50, "99.0": t.Publish99, "99.9": t.Publish999, "100.0": t.PublishMax}
	t.E2EQuantiles = map[string]result.Number{"50.0": t.E2E50, "99.0": t.E2E99, "99.9": t.E2E999, "100.0": t.E2EMax}
	return t
}

// milliseconds of a latency; 0 where nothing was measured, as that tool's lists hold no null.
func milliseconds(n result.Number) result.Number {
	if n.IsNever() {
		return 0
	}
	return n * 1000
}
