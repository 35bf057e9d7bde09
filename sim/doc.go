// Package sim is the world in which the brokers run: one clock, one queue of events, named
// random streams, hosts, processes, connections, disks and a trace.
//
// A run is one loop on one goroutine. Nothing in this package reads the wall clock, the global
// random source, the order of a map or the value of a pointer, and nothing computes with floating
// point: equal scenario, seed and version give equal bytes on every machine.
//
// # Time and order
//
// [Time] counts virtual nanoseconds since the start of the run. Events fire in a total order: by
// time, and at equal times in the order in which they were pushed. Faults of a scenario are pushed
// when it is loaded, so at an equal instant they come before the traffic.
//
// # Events and nodes
//
// An [Event] is sixteen bytes without pointers; what it means is known to the [Node] that it is
// sent to. [Kernel] keeps pending events in a radix wheel, and folds every event that fires into
// a digest. The digest is always on: two runs with one digest did the same things at the same
// times in the same order.
//
// # Randomness
//
// Every concern ("net", "disk/broker-1", ...) draws from a stream of its own ([NewRand]), so that
// one more draw somewhere shifts nothing elsewhere.
//
// # Bytes
//
// Payload lives in an [Arena] and is passed around as a [Ref], a handle without pointers. Extents
// are immutable once shared: a leader, its followers and their files hold one copy. Damage makes a
// new extent, so that it hits one replica. Bodies are pseudo-random from the message's id
// ([FillBody]), and so prove by themselves which message they are ([BodyID]).
package sim
