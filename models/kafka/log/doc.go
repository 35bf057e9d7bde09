// Package log is Kafka's storage engine: record batches, segments with their indexes, checkpoints,
// the leader-epoch cache, the producer state and recovery, in the file formats of a real broker.
//
// A [Dir] is one log directory on one disk; it holds the partition [Log]s, the text checkpoints
// and the clean-shutdown marker, and it owns the syncs that run in the background. A Log is a list
// of segments. It decides nothing about replication: the replica says which epoch it leads, up to
// where it may read, and to which offset it must truncate.
//
//	batch.go record.go builder.go cursor.go   RecordBatch v2: fields, records, making, walking
//	segment.go index.go                       one .log file with its .index and .timeindex
//	log.go append.go read.go truncate.go      the log of a partition
//	flush.go epochfile.go                     syncs in the background, clean shutdown
//	retention.go cleaner.go clean.go swap.go  what happens to old segments: deletion, compaction
//	manager.go dir.go checkpoint.go epoch.go  log directories, their checkpoints, leader epochs
//	producerstate.go snapshot.go              deduplication and its snapshots
//	recovery.go scanner.go audit.go           opening after a clean or unclean stop; the audit
//	dump*.go                                  printing files without a world (mqsim inspect)
//
// # Bytes
//
// A record batch is two extents of the world's arena: a header of 61 bytes and the records
// section. The producer makes both. The leader writes a new header with the base offset and its
// epoch in it (the CRC starts behind these fields, so it stays valid) and appends the two extents;
// followers append the extents that they fetched. So all replicas share one copy of the payload.
//
// # Three layers
//
// Append reaches the page cache: it survives the death of the process. Nothing on the append path
// syncs (flush.messages is unlimited by default); a segment is synced in the background after it
// rolled, and only then the recovery point passes it.
//
// # Left out
//
// Transactions (.txnindex, last stable offset) and tiered storage. A compressed records
// section is stored and served but not read, so the cleaner leaves such a log alone. There is one
// cleaner thread, without a limit on its I/O, and a round of it takes its time at the end. Tombstones
// go by the horizon in their batch (KIP-534) in every version, where before 3.1 a broker goes by the age
// of the segment file. Replicas do not move between directories. A read ends with a whole batch, where a broker cuts the
// answer at maxBytes and the reader drops the part of a batch.
//
// # Sources
//
// Rules cite Kafka 3.9 by class: DefaultRecordBatch, UnifiedLog, LocalLog, LogSegment, OffsetIndex,
// TimeIndex, LogLoader, LogManager, ProducerStateManager, LeaderEpochFileCache, CheckpointFile.
package log
