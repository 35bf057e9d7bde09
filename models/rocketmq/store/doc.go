// Package store is RocketMQ's storage engine: the commit log of mapped files, consume queues,
// dispatch, flush services, checkpoint, recovery, disk watermarks and cleaning, in the file formats
// of a real broker. The profile is 4.9.8; differences of 4.3 and 5.3 are fields of [Options].
//
// A [Store] is the store directory of one broker process. It is a state machine: it is called by
// the broker, it arms timers and asks for syncs through [Env] and the file system, and it tells the
// broker through [Hooks]. It decides nothing about replication: the broker says when it waits for
// whom.
//
//	s, rec, err := store.Open(proc, proc.FS(0), options, hooks) // load and recover
//	s.Start()                                  // dispatch; then Hooks.Started
//	r := s.Put(&m)                             // master: append; r.End for the waits
//	r = s.PutBatch(ms)                         // the messages of a batch
//	s.AwaitFlush(r.End, token)                 // SYNC_FLUSH: Hooks.Flushed(token, ok)
//	s.Get(...), s.Queue(...), s.Record(...)    // serve
//	s.ReadRange(off, max, refs)                // master's HA connection
//	s.PutRaw(off, refs)                        // slave's HA client
//	s.Timer(kind, arg), s.Synced(arg, err)     // the broker passes these on
//	s.Shutdown(done)                           // clean stop
//
//	options.go env.go                    switches, environment
//	record.go parse.go properties.go     one record: layout, making, reading
//	mappedfile.go commitlog.go put.go putbatch.go   files, the log, appending
//	consumequeue.go reput.go get.go      queues, dispatch, pulls
//	flush.go groupcommit.go cqflush.go   flush services
//	pool.go                              transientStorePool
//	checkpoint.go recovery.go shutdown.go
//	disk.go                              watermarks and cleaning
//	index.go                             IndexFile
//	meta.go scan.go                      JSON files, the audit
//
// # Bytes
//
// A record is three extents: its fixed fields, the body, and topic with properties. The body is the
// extent that the producer made; replicas share it. The other two are copied into the file, where
// they are adjacent to those of the neighbouring records. A slave stores the extents that it got
// from its master, cut wherever a frame ends.
//
// # Layers
//
// Put reaches the page cache through a mapping: it survives the death of the process. A flush brings
// it to the platter. With transientStorePool it first stays in the process. A store into a mapping
// that finds no space on the disk kills the process (SIGBUS).
//
// The broker syncs no directory. On ext4 the first fsync of a file commits the journal's transaction
// that created it, with the names made before; so the engine syncs the directory of a new mapped
// file, and once the store directory, with the file's first flush. Names of metadata files wait for
// the journal.
//
// # DLedger
//
// With Options.Ledger the log is one of DLedger: ledger.go has the headers of its entries, their index,
// truncation and recovery. What is committed is what readers and dispatch see.
//
// # Left out
//
// LMQ, batch consume queues, consume queue extension files, message filters by SQL, warm-up of mapped
// files, duplicationEnable, DLedger.
//
// # Sources
//
// Rules cite RocketMQ 4.9.8 by class of org.apache.rocketmq.store unless another version is named.
package store
