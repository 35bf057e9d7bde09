package verdict

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// Input is all that the judge gets to see of a run. Times count from the start of the load.
type Input struct {
	History *workload.History

	// The window is [Warmup, Duration); Ended is the end of the drain.
	Warmup, Duration, Ended sim.Time
	OutageThreshold         sim.Time // gaps below it do not count
	SLO                     sim.Time // for write_served and read_served

	Faults []FaultWindow // faults and operations
	// NotReady says why the setup did not get ready; "" if it did.
	NotReady string
	// Invalid are further reasons why the run proves nothing: a refused operation that had to
	// succeed, a selector that matched nobody.
	Invalid []string
	// Broken says that an invariant of the engines did not hold: our bug, so the verdict is invalid.
	Broken bool
	// Random says that the schedule was drawn, not written: then a fault on something that is
	// already in that state is normal.
	Random bool

	Promises []models.Promise
	Causes   Causes          // nil in the first run
	Model    []models.Metric // the model's own counters
	// Own are the metrics that the model adds to those of every model, from its table. nacked and
	// returned are reported if it lists them.
	Own      []models.Word
	Counters Counters
}

// Causes are the causes of losses by message, from the biographies of the second run.
type Causes map[sim.MsgID]string

// Counters are what the world counted.
type Counters struct {
	NetworkBytes     int64
	ReplicationBytes int64 // the part between servers
	DiskBytes        int64
	Fsyncs           int64
	// Busy shares of the busiest host, in millionths of a percent.
	BusyCPU, BusyNIC, BusyDisk int64
}

// WindowKind tells faults from what an operator did.
type WindowKind uint8

// Kinds of windows.
const (
	Fault WindowKind = iota
	Operation
)

// FaultWindow is what became of one fault or operation: the stretch in which it held.
type FaultWindow struct {
	Name   string
	Action string // a fault's action, an operation's do
	Hosts  []string
	Kind   WindowKind
	From   sim.Time // workload.Never: it never fired
	To     sim.Time // its undo; workload.Never: never undone
	// TookHold: the world changed. Healed: the world changed back. Absorbed: the target was already
	// in that state.
	TookHold, Healed, Absorbed bool
	Permanent                  bool  // not meant to be undone
	Touched                    int64 // packets, calls or processes that it hit
	Note                       string
}

// invalid lists why the run proves nothing.
func (in *Input) invalid() []string {
	var why []string
	if in.NotReady != "" {
		why = append(why, "not ready: "+in.NotReady)
	}
	for i := range in.Faults {
		if reason := in.Faults[i].invalid(in.Random); reason != "" {
			why = append(why, reason)
		}
	}
	return append(why, in.Invalid...)
}

func (f *FaultWindow) invalid(random bool) string {
	what := "fault " + f.Name
	if f.Kind == Operation {
		what = "operation " + f.Name
	}
	reason := ""
	switch {
	case f.From == never:
		reason = "never fired"
	case f.Absorbed && random:
	case f.Absorbed:
		reason = "was absorbed: its target was already in that state"
	case !f.TookHold:
		reason = "did not take hold"
	case !f.Healed && !f.Permanent && f.Kind == Fault:
		reason = "was not undone"
	}
	if reason == "" {
		return ""
	}
	if f.Note != "" {
		reason += " (" + f.Note + ")"
	}
	return what + " " + reason
}
