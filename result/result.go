// Package result is what a run leaves behind: the one leaf that judge, runner and reports share.
//
// A File is the whole input of every report. Equal scenario, seed and mqsim version give a File with
// equal bytes on any machine, so nothing here knows a wall clock, a machine or a path that the user
// did not type. Times are seconds of virtual time. Lists are never null; what a model does not have
// is absent; null is for what never happened or never ended.
package result

// Schema is the value of the key "schema" of a result file that this package reads and writes.
const Schema = "mqsim.result/v1"

// Version is the version of mqsim: results are only comparable byte for byte between equal versions.
const Version = "0.1.0"

// MaxEvents is how many events a result lists; the rest is counted in EventsOmitted.
const MaxEvents = 2000

// File is the outcome of one command: all its runs.
type File struct {
	Schema  string `json:"schema"`
	Version string `json:"version"`
	// Set are the --set arguments as typed, so that a report can print the line that reproduces it.
	Set       []string   `json:"set,omitempty"`
	Scenarios []Scenario `json:"scenarios,omitempty"`
	// Results stand in order of scenario, system, seed.
	Results []*Result `json:"results"`
}

// Scenario is what reports need to know about a scenario beside its results.
type Scenario struct {
	Name string `json:"name"`
	// File is the path as the user typed it, or the file's name within the library. Problems and
	// failed expectations point into it.
	File string `json:"file,omitempty"`
	// Library says that the scenario is embedded and is run by its name.
	Library bool `json:"library,omitempty"`
	Title   Text `json:"title,omitzero"`
	Lesson  Text `json:"lesson,omitzero"`
}

// Result is one run: one system under one scenario with one seed.
type Result struct {
	Scenario string  `json:"scenario"`
	System   string  `json:"system"`
	Model    string  `json:"model"`
	Seed     uint64  `json:"seed"`
	Verdict  Verdict `json:"verdict"`
	// Invalid says why the run proves nothing: a fault that did not take hold, an operation that was
	// refused, a cluster that did not get ready. Empty unless the verdict is Invalid.
	Invalid []string `json:"invalid,omitempty"`
	// Broken are invariants of the engines that did not hold: a bug of mqsim, never a finding about a broker.
	Broken []Broken `json:"broken,omitempty"`
	// Digest is the SHA-256 of this system's canonical scenario: results compare only within one digest.
	Digest string `json:"digest"`
	Config Config `json:"config"`
	// Load is the size of the workload of this system.
	Load Load `json:"load,omitzero"`
	// Window is the span in which rates, outages, availability and latency are measured.
	Window      [2]Number `json:"window"`
	Ended       Number    `json:"ended"`
	EventsTotal uint64    `json:"events_total"`
	Metrics     Metrics   `json:"metrics"`
	Phases      Phases    `json:"phases"`
	Outages     []Outage  `json:"outages"`
	Losses      []Loss    `json:"losses"`
	// Anomalies are what is wrong beside losses (duplicate, reordered, phantom, corrupted, skipped),
	// judged like them.
	Anomalies []Loss    `json:"anomalies,omitempty"`
	Promises  []Promise `json:"promises,omitempty"`
	Faults    []Fault   `json:"faults"`
	// Operations are the operators' commands with their answers.
	Operations   []Operation   `json:"operations,omitempty"`
	Expectations []Expectation `json:"expectations"`
	// Stuck says what had not converged after the heal, and why the specs say that it stays so.
	Stuck string `json:"stuck,omitempty"`
	// Series, Roles and Events are absent in a summary.
	Series *Series `json:"series,omitempty"`
	Roles  []Role  `json:"roles,omitzero"`
	Events []Event `json:"events,omitzero"`
	// EventsOmitted counts the events beyond MaxEvents.
	EventsOmitted int64  `json:"events_omitted,omitempty"`
	Flow          []Flow `json:"flow"`
	// Why names the broker's rules behind what surprises in this result.
	Why       []Why    `json:"why,omitempty"`
	Fidelity  []string `json:"fidelity"`
	TraceHash string   `json:"trace_hash"`
}

// Verdict is the judge's word on one run.
type Verdict string

// The verdicts, from good to bad.
const (
	Pass    Verdict = "pass"
	Fail    Verdict = "fail"    // an expectation failed or a violation was found
	Invalid Verdict = "invalid" // the run proves nothing, or an invariant of mqsim broke
)

// Broken is an invariant that did not hold.
type Broken struct {
	Invariant string `json:"invariant"`
	Detail    string `json:"detail"`
	T         Number `json:"t"`
	Step      uint64 `json:"step"` // events handled until then
}

// Config is the configuration of the system: what the scenario set, and the defaults of the version
// that were in force beside it. Keys are SECTION.SETTING, as in --set.
type Config struct {
	Set      map[string]string `json:"set"`
	Defaults map[string]string `json:"defaults"`
}

// Load is how many topics or queues, clients and bytes a workload has.
type Load struct {
	Streams     int   `json:"streams"`
	Partitions  int   `json:"partitions"`
	Producers   int   `json:"producers"`
	Consumers   int   `json:"consumers"`
	MessageSize int64 `json:"message_size"` // of the first stream
}

// Outage is one gap in service that counts.
type Outage struct {
	Kind  string `json:"kind"`  // write, read
	Scope string `json:"scope"` // full, or the name of a stream, a partition or a group
	From  Number `json:"from"`
	To    Number `json:"to"`
	Fault string `json:"fault,omitempty"`
	Edge  string `json:"edge,omitempty"` // start, heal
	// EndedBy is failover (before the fault's undo) or repair (at or after it).
	EndedBy string `json:"ended_by,omitempty"`
	// EndedHow says it in the broker's terms: "new leader", "same master back", "promoted mirror", "link healed".
	EndedHow string `json:"ended_how,omitempty"`
	// Open: not over when the window ended; To is the window's end.
	Open bool `json:"open,omitempty"`
}

// Loss is a group of messages that went wrong in the same way.
type Loss struct {
	Cause string `json:"cause"`
	Class Class  `json:"class"`
	// By is the setting that allows it or the id of the known defect; empty for a violation.
	By       string   `json:"by,omitempty"`
	Count    int64    `json:"count"`
	Examples []string `json:"examples"`
	// Story is what became of the copies of the first example.
	Story []Step `json:"story,omitempty"`
}

// Class is the judge's second level.
type Class string

// The classes of a loss or anomaly.
const (
	Allowed   Class = "allowed"   // by a setting
	Known     Class = "known"     // a defect or design gap of the version, with its id
	Violation Class = "violation" // of the broker's promise, and so most likely a bug of our engine
)

// Promise is one line of what the configuration does not promise.
type Promise struct {
	Cause string `json:"cause"`
	Class Class  `json:"class"`
	By    string `json:"by"`
	Why   string `json:"why"`
}

// Fault is what became of one fault.
type Fault struct {
	Name     string   `json:"name"`
	Action   string   `json:"action"`
	Hosts    []string `json:"hosts"`
	From     Number   `json:"from"`
	To       Number   `json:"to"` // null: never undone
	TookHold bool     `json:"took_hold"`
	Healed   bool     `json:"healed"`
	Touched  int64    `json:"touched"` // packets, calls or processes that it hit
	// Absorbed: its target was already in that state.
	Absorbed bool   `json:"absorbed,omitempty"`
	Note     string `json:"note,omitempty"` // why it did not take hold or was not undone
}

// Operation is one operator's command.
type Operation struct {
	Do     string   `json:"do"`
	Hosts  []string `json:"hosts"`
	At     Number   `json:"at"`
	OK     bool     `json:"ok"`
	Answer string   `json:"answer,omitempty"`
}

// Expectation is one check of a scenario.
type Expectation struct {
	Check  string `json:"check"`
	Pass   bool   `json:"pass"`
	Actual string `json:"actual"`
	Line   int    `json:"line,omitempty"` // in the scenario's file; absent for what is expected of every system
	During string `json:"during,omitempty"`
	After  string `json:"after,omitempty"`
	// Because is the scenario's own reason.
	Because Text `json:"because,omitzero"`
}

// Series are counts and latencies of consecutive steps, the first from t = 0.
type Series struct {
	Step      Number   `json:"step"`
	Due       []int64  `json:"due"`
	Acked     []int64  `json:"acked"`
	Rejected  []int64  `json:"rejected"`
	Unknown   []int64  `json:"unknown"`
	Delivered []int64  `json:"delivered"`
	P50       []Number `json:"p50"` // null in a step without acks
	P99       []Number `json:"p99"`
	Lag       []int64  `json:"lag"`
}

// Role is a span in which a host had a role.
type Role struct {
	Host string `json:"host"`
	From Number `json:"from"`
	To   Number `json:"to"`
	Role string `json:"role"`
}

// Event is one domain event.
type Event struct {
	T    Number `json:"t"`
	Host string `json:"host"`
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// Flow counts messages by what was told, what was stored and what was received.
type Flow struct {
	Told     string   `json:"told"`
	Stored   string   `json:"stored"`
	Received string   `json:"received"`
	Count    int64    `json:"count"`
	Examples []string `json:"examples"`
}

// Why names one rule of the broker and where it is written.
type Why struct {
	Text   Text   `json:"text"`
	Source string `json:"source"`
	// Against is the system that does the opposite under the same fault.
	Against string `json:"against,omitempty"`
}

// Summarize leaves out what grows with the length of a run: series, roles and events.
func (f *File) Summarize() *File {
	short := *f
	short.Results = make([]*Result, len(f.Results))
	for i, r := range f.Results {
		c := *r
		c.Series, c.Roles, c.Events = nil, nil, nil
		c.EventsOmitted += int64(len(r.Events))
		short.Results[i] = &c
	}
	return &short
}

// Baseline keeps of each run what a comparison needs: its identity, verdict, metrics and trace hash.
func (f *File) Baseline() *File {
	short := &File{Schema: f.Schema, Version: f.Version, Set: f.Set, Results: make([]*Result, len(f.Results))}
	for i, r := range f.Results {
		short.Results[i] = &Result{Scenario: r.Scenario, System: r.System, Model: r.Model, Seed: r.Seed, Verdict: r.Verdict, Digest: r.Digest,
			Config: Config{Set: map[string]string{}, Defaults: map[string]string{}}, Window: r.Window, Ended: r.Ended, EventsTotal: r.EventsTotal,
			Metrics: r.Metrics, Phases: Phases{}, Outages: []Outage{}, Losses: []Loss{}, Faults: []Fault{}, Expectations: []Expectation{},
			Flow: []Flow{}, Fidelity: []string{}, TraceHash: r.TraceHash}
	}
	return short
}

// Worst is the worst verdict of all runs; Pass if there is none.
func (f *File) Worst() Verdict {
	worst := Pass
	for _, r := range f.Results {
		switch {
		case r.Verdict == Invalid || len(r.Broken) > 0:
			return Invalid
		case r.Verdict == Fail:
			worst = Fail
		}
	}
	return worst
}

// ScenarioNamed finds what is known about a scenario; if nothing is, only its name.
func (f *File) ScenarioNamed(name string) Scenario {
	for _, s := range f.Scenarios {
		if s.Name == name {
			return s
		}
	}
	return Scenario{Name: name}
}
