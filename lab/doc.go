// Package lab measures, by the wall clock and on real files, the claims about storage on which message
// brokers are built: sequential against random access, one sync for many messages, sparse indexes,
// sendfile, one log for all topics, checksums, compression, and the storage engines of this project
// against plain system calls. What is compared is measured in one run, one after the other on the same
// machine and the same disk.
//
//	r, err := lab.Run(ctx, lab.Options{Quick: true}, nil)
//	lab.Table(os.Stdout, r, "en")
//
//	lab.go        the list of experiments, the run, space and cleaning up
//	measure.go    how one figure is taken
//	result.go     what comes out; format.go: table, JSON, benchmark text
//	access.go sync.go index.go send.go topics.go cpu.go engines.go    the experiments
//	sys_*.go      what only some operating systems have
//
// The package stands above the runner: it uses the clock, goroutines and the operating system, and
// nothing that runs in a simulated world may import it.
package lab
