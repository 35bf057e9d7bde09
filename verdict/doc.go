// Package verdict is the judge. It stands outside: all that it knows of a run is what the clients
// were told and received (workload.History), when faults and operations held, and what a fresh
// reader and a scan of the disks found after the end. From that it computes the metrics of the
// scenario language, finds what went wrong, and says whether the configuration allows it.
//
// The verdict has three levels. What was seen: lost, duplicate, phantom ... What of it was allowed by
// a setting (acks=1) or is known for the version (KIP-966): the promises of the model say so. All
// the rest is a violation of the broker's promise, and so most likely a bug of our engine.
//
// Everything here is integer arithmetic: nanoseconds, counts, and result.Number for quotients.
package verdict
