// Package log is Kafka's storage engine: record batches, segments with their indexes, checkpoints,
// the leader-epoch cache, the producer state and recovery, in the file formats of a real broker.
//
// A [Dir] is one log directory on one disk; it holds the partition [Log]s, the text checkpoints
// and the clean-shutdown marker, and it owns the syncs that run in the background. A Log is a list
// of segments. It decides nothing about replication: the replica says which epoch it leads, up to
// where it may read, and to which offset it must truncate.
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
// # Sources
//
// Rules cite Kafka 3.9 by class: DefaultRecordBatch, UnifiedLog, LocalLog, LogSegment, OffsetIndex,
// TimeIndex, LogLoader, LogManager, ProducerStateManager, LeaderEpochFileCache, CheckpointFile.
package log
