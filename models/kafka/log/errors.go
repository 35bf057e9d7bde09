package log

import "errors"

// What a caller of an append or a read can meet. Each is one error code of the protocol or, for a
// follower, one exception of UnifiedLog.
var (
	// ErrCorruptMessage: a batch is malformed or its CRC does not match (CORRUPT_MESSAGE).
	ErrCorruptMessage = errors.New("kafka log: corrupt message")
	// ErrInvalidRecord: a well-formed batch that a client may not send (INVALID_RECORD).
	ErrInvalidRecord = errors.New("kafka log: invalid record")
	// ErrRecordTooLarge: larger than max.message.bytes (MESSAGE_TOO_LARGE).
	ErrRecordTooLarge = errors.New("kafka log: message larger than max.message.bytes")
	// ErrBatchTooLarge: an append larger than segment.bytes (RECORD_LIST_TOO_LARGE).
	ErrBatchTooLarge = errors.New("kafka log: append larger than segment.bytes")
	// ErrOutOfOrderSequence: a gap in an idempotent producer's sequence (OUT_OF_ORDER_SEQUENCE_NUMBER).
	ErrOutOfOrderSequence = errors.New("kafka log: out of order sequence number")
	// ErrUnknownProducerID: a producer without state that does not begin at sequence 0, where the version
	// asks for that (UNKNOWN_PRODUCER_ID).
	ErrUnknownProducerID = errors.New("kafka log: unknown producer id")
	// ErrInvalidProducerEpoch: an older epoch than the producer's last one (INVALID_PRODUCER_EPOCH).
	ErrInvalidProducerEpoch = errors.New("kafka log: invalid producer epoch")
	// ErrUnexpectedOffset: a follower was given offsets below its log end (UnexpectedAppendOffsetException).
	ErrUnexpectedOffset = errors.New("kafka log: append below the log end offset")
	// ErrOffsetsOutOfOrder: offsets within one append do not rise (OffsetsOutOfOrderException).
	ErrOffsetsOutOfOrder = errors.New("kafka log: offsets of the append are not monotonic")
	// ErrOffsetOutOfRange: a read beyond the log's ends (OFFSET_OUT_OF_RANGE).
	ErrOffsetOutOfRange = errors.New("kafka log: offset out of range")
	// ErrStorage: the log directory failed and is offline until the broker restarts (KAFKA_STORAGE_ERROR).
	ErrStorage = errors.New("kafka log: log directory is offline")
	// ErrCompressed: the records section is compressed, which this engine stores but does not read.
	ErrCompressed = errors.New("kafka log: compressed batch")
	// ErrMalformed: a checkpoint, snapshot or index file that breaks its format.
	ErrMalformed = errors.New("kafka log: malformed file")
)
