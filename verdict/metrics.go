package verdict

import (
	"slices"
	"strings"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/verdict/autopsy"
)

// MetricInfo is what the expectation language has to know about a metric. What a metric means is
// documented in result.Table.
type MetricInfo struct {
	Name string
	Unit result.Unit // "" counts, "s", "/s", "%", "B", "x"
	// Top is the largest possible value; result.Never if there is none. The smallest is always 0.
	Top result.Number
	// Null says that the metric can be null: it never happened, or did not end.
	Null bool
	// Phased says that the metric exists for phases and named faults, not only for the whole run.
	Phased bool
	// Scopes are the kinds of scope that `of` may name.
	Scopes ScopeSet
	// Parts says what may follow after a dot.
	Parts PartKind
	// Model says that the models count it, each only what it has.
	Model bool
	// OwnUnit says that the unit is not known before a value is: a model's own metric.
	OwnUnit bool
}

// ScopeSet is a set of kinds of scope.
type ScopeSet uint8

// Kinds of scope. A bare name is a client, a stream or a partition.
const (
	ScopeSends      ScopeSet = 1 << iota // producer-1, t0, t0-2, group(a) of brokers
	ScopeDeliveries                      // as ScopeSends, and consumer-0, group(g) of consumers
	ScopeFault                           // fault(crash)
)

// PartKind is what may stand after METRIC and a dot.
type PartKind uint8

// Kinds of parts.
const (
	NoParts PartKind = iota
	CausesAndStatuses
	Statuses
)

// Unexplained is the judge's own word for the cause of a loss that has no biography.
const Unexplained = "unexplained"

// causeNames are the causes of losses as the biographies of messages name them.
var causeNames = append(slices.Clone(autopsy.Causes), Unexplained)

const (
	send    = ScopeSends
	deliver = ScopeDeliveries
	both    = ScopeSends | ScopeDeliveries
	hundred = result.Number(100_000_000)
)

func count(name string, s ScopeSet) MetricInfo {
	return MetricInfo{Name: name, Top: result.Never, Phased: true, Scopes: s | ScopeFault}
}

func span(name string, s ScopeSet) MetricInfo {
	return MetricInfo{Name: name, Unit: "s", Top: result.Never, Phased: true, Scopes: s | ScopeFault}
}

func took(name string, s ScopeSet) MetricInfo {
	m := span(name, s)
	m.Null = true
	return m
}

func percent(name string, s ScopeSet) MetricInfo {
	return MetricInfo{Name: name, Unit: "%", Top: hundred, Null: true, Phased: true, Scopes: s | ScopeFault}
}

func whole(name string, unit result.Unit) MetricInfo {
	return MetricInfo{Name: name, Unit: unit, Top: result.Never}
}

func perModel(name string, unit result.Unit) MetricInfo {
	return MetricInfo{Name: name, Unit: unit, Top: result.Never, Model: true}
}

func (m MetricInfo) with(change func(*MetricInfo)) MetricInfo {
	change(&m)
	return m
}

// catalogue lists the metrics in the order of the scenario language.
var catalogue = []MetricInfo{
	count("attempted", send), count("acked", send), count("rejected", send), count("unknown", send),
	count("nacked", send).with(func(m *MetricInfo) { m.Model = true }),
	count("returned", send).with(func(m *MetricInfo) { m.Model = true }), count("not_attempted", send),
	count("delivered", deliver), count("late", deliver), count("duplicates", deliver),
	count("redelivered", deliver), count("reordered", deliver),
	count("lost", send).with(func(m *MetricInfo) { m.Parts = CausesAndStatuses }),
	count("stranded", send), count("skipped", send),
	count("phantom", deliver), count("corrupted", deliver), whole("violations", ""),
	span("write_outage", send), span("read_outage", deliver),
	span("write_outage_partial", send), span("read_outage_partial", deliver),
	span("write_unavailable", send), span("read_unavailable", deliver),
	percent("write_availability", send), percent("read_availability", deliver),
	percent("write_availability_partial", send), percent("read_availability_partial", deliver),
	percent("write_served", send), percent("read_served", deliver),
	{Name: "failover", Unit: "s", Top: result.Never, Null: true, Scopes: ScopeFault},
	whole("rpo", "s").with(func(m *MetricInfo) { m.Null = true }), whole("loss_window", "s"),
	count("throughput", send).with(func(m *MetricInfo) { m.Unit, m.Null = "/s", true }),
	count("delivered_rate", deliver).with(func(m *MetricInfo) { m.Unit, m.Null = "/s", true }),
	took("p50", send), took("p99", send), took("p999", send), took("max", send),
	took("e2e_p50", deliver), took("e2e_p99", deliver), took("e2e_p999", deliver), took("e2e_max", deliver),
	whole("network_bytes", "B"), whole("replication_bytes", "B"),
	whole("amplification", "x").with(func(m *MetricInfo) { m.Null = true }),
	whole("disk_bytes", "B"), whole("fsyncs", ""),
	whole("busy_cpu", "%").with(func(m *MetricInfo) { m.Top = hundred }),
	whole("busy_nic", "%").with(func(m *MetricInfo) { m.Top = hundred }),
	whole("busy_disk", "%").with(func(m *MetricInfo) { m.Top = hundred }),
	perModel("elections", ""), perModel("isr_min", ""), perModel("isr_shrinks", ""), perModel("truncated", ""),
	perModel("promoted_unsynced", ""), perModel("split_brain", "s"),
	count("send_status", send).with(func(m *MetricInfo) { m.Parts, m.Model = Statuses, true }),
}

// MetricNames are the names of all metrics of the language, in its order.
func MetricNames() []string {
	names := make([]string, len(catalogue))
	for i, m := range catalogue {
		names[i] = m.Name
	}
	return names
}

// Metrics are all metrics of the language, in its order.
func Metrics() []MetricInfo { return append([]MetricInfo(nil), catalogue...) }

// LookupMetric finds a metric by its name without a part.
func LookupMetric(name string) (MetricInfo, bool) {
	for _, m := range catalogue {
		if m.Name == name {
			return m, true
		}
	}
	return MetricInfo{}, false
}

// isStatus says whether a part has the form of a send status (FLUSH_DISK_TIMEOUT).
func isStatus(part string) bool {
	return part != "" && strings.Trim(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}
