package sim

import (
	"strconv"
	"time"
)

// Time is a virtual instant or span in nanoseconds; instants count from the start of the run.
type Time int64

// Units of Time.
const (
	Nanosecond  Time = 1
	Microsecond      = 1000 * Nanosecond
	Millisecond      = 1000 * Microsecond
	Second           = 1000 * Millisecond
	Minute           = 60 * Second
	Hour             = 60 * Minute
)

// String writes t exactly and without trailing zeros, as Go writes durations: "1m30.5s", "250µs".
func (t Time) String() string { return time.Duration(t).String() }

// MsgID names a message: the producer in the upper half, its sequence number in the lower.
type MsgID uint64

// NewMsgID is the id of the message with this sequence number of this producer.
func NewMsgID(producer, seq uint32) MsgID { return MsgID(producer)<<32 | MsgID(seq) }

// Producer is the number of the producer that sent the message.
func (id MsgID) Producer() uint32 { return uint32(id >> 32) }

// Seq is the message's number within its producer.
func (id MsgID) Seq() uint32 { return uint32(id) }

// String writes id as reports and --message do: "p0-20418".
func (id MsgID) String() string {
	b := make([]byte, 0, 22)
	b = append(b, 'p')
	b = strconv.AppendUint(b, uint64(id.Producer()), 10)
	b = append(b, '-')
	b = strconv.AppendUint(b, uint64(id.Seq()), 10)
	return string(b)
}
