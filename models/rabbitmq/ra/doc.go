// Package ra is the storage of quorum queues on one node: the log of rabbitmq/ra (v2.6). All members write
// to one write-ahead log, which is synced once for each batch; what a closed log held goes to segment files
// of each member; terms and votes have a file of their own; a snapshot replaces the beginning of a log.
//
// The frames of the write-ahead log (ra_log_wal.erl) and of segments (ra_log_segment.erl) are Ra's, byte
// for byte, with their checksums. The command inside a frame, which Ra writes as an Erlang term, has an
// encoding of the model's own, with the message's body as it came. Ra keeps terms and votes in a DETS
// table; here they are a log of small records with checksums.
package ra
