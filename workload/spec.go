// Package workload drives a cluster's clients and writes the history of what they were told and
// what they received. This file holds the part of its specification that belongs to a whole run;
// the clients themselves are specified by models.Stream.
package workload

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// Spec is the load of one run.
type Spec struct {
	Streams         []models.Stream
	Duration        sim.Time // of load, from t = 0
	Warmup          sim.Time // the window is [Warmup, Duration)
	Drain           Drain
	OutageThreshold sim.Time // gaps below it do not count
	SLO             sim.Time // write_served and read_served
}

// Drain is how long consumers go on after the load has ended.
type Drain struct {
	Quiet sim.Time // after the last delivery or answer
	Limit sim.Time // at the latest
}

// Defaults of a run; the scenario language gives them.
const (
	DefaultWarmup          = 2 * sim.Second
	DefaultQuiet           = 180 * sim.Second
	DefaultLimit           = 15 * sim.Minute
	DefaultOutageThreshold = 200 * sim.Millisecond
	DefaultSLO             = sim.Second
)
