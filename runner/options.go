package runner

import (
	"io"

	"github.com/mqsim/mqsim/scenarios"
)

// Options say what to run and what to keep of it. The zero value of every field but Scenarios is a
// sensible default.
type Options struct {
	Scenarios []*scenarios.Scenario
	// Systems are the systems to run, by their names in the scenarios; empty: all. A scenario that
	// has none of them is left out.
	Systems []string
	// Seeds replace the scenarios' own seed; each is a run of its own.
	Seeds []uint64
	// Set are the --set arguments as typed; the scenarios were loaded with them.
	Set []string
	// Jobs is how many runs go on at the same time; 0: as many as the machine has cores. The result
	// does not depend on it.
	Jobs int
	// DataDir keeps the simulated disks in a directory of real files; empty: in memory.
	DataDir string
	// Trace and History get the trace of events and one JSON line per operation; nil: not kept.
	Trace, History io.Writer
	// Check runs everything twice and compares the digests.
	Check bool
	// Random says that the schedules were drawn, not written: a fault on what is already in that state
	// makes no run INVALID.
	Random bool
	// ShuffleTies draws the order of events of one instant from the seed.
	ShuffleTies bool
	// Mutate names deliberate defects of the engines. Only tests and the table of mutations use it: a
	// suite that does not notice them proves nothing.
	Mutate []string
	// Progress is told after each run how many are done. Calls may come from several goroutines.
	Progress func(done, total int, name string)
}

// InputError is an error of the command line or of a scenario that shows only when runs are
// prepared: a --data-dir with other files in it, a system that a scenario does not have.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }

func (e *InputError) Unwrap() error { return e.Err }
