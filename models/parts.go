package models

import "github.com/mqsim/mqsim/sim"

// Parts is a Cluster with programs inside of a process that faults can hit alone: the broker without its
// runtime, one queue's process. They are the words of process: that are no service of a host.
type Parts interface {
	// Part finds the program that process: WORD(ARG) names on a host, nil if it is not there at this moment.
	Part(h *sim.Host, word, arg string) Part
}

// Part is one such program.
type Part interface {
	Running() bool
	Paused() bool
	// Kill ends it at once, Stop in order; Start begins it again, unless its supervisor has done so.
	Kill()
	Stop()
	Start()
	// Pause freezes it, Resume lets it go on.
	Pause()
	Resume()
}
