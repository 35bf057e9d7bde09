package log

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/mqsim/mqsim/sim"
)

// HeaderSize is the fixed size of a RecordBatch v2 header (DefaultRecordBatch).
const HeaderSize = 61

// Offsets of the header's fields, big-endian.
const (
	atBaseOffset    = 0
	atLength        = 8 // bytes after this field: total - 12
	atLeaderEpoch   = 12
	atMagic         = 16
	atCRC           = 17
	atAttributes    = 21 // the CRC covers everything from here on
	atLastDelta     = 23
	atBaseTimestamp = 27
	atMaxTimestamp  = 35
	atProducerID    = 43
	atProducerEpoch = 51
	atBaseSequence  = 53
	atCount         = 57
)

// lengthOverhead is what batchLength does not count: base offset and itself.
const lengthOverhead = 12

const (
	magicV2           = 2
	codecMask         = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
	attrDeleteHorizon = 0x40
)

// None stands for "no producer id", "no sequence", "no epoch", "no offset" and "no timestamp".
const None = -1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Batch is one record batch as two extents: the header and the records section. Replicas that hold
// the same batch share both, copies that a broker restamped share the records.
type Batch struct {
	Header  sim.Ref // HeaderSize bytes
	Records sim.Ref
}

// Size is the number of bytes of the batch on the wire and on disk.
func (b Batch) Size() int { return int(b.Header.Len) + int(b.Records.Len) }

// Header reads the fields of an encoded batch header of at least HeaderSize bytes.
type Header []byte

// BaseOffset is the offset of the first record.
func (h Header) BaseOffset() int64 { return int64(binary.BigEndian.Uint64(h[atBaseOffset:])) }

// LastOffset is the offset of the last record, also if compaction removed it.
func (h Header) LastOffset() int64 { return h.BaseOffset() + int64(h.LastOffsetDelta()) }

// NextOffset is the offset after the batch.
func (h Header) NextOffset() int64 { return h.LastOffset() + 1 }

// Size is the number of bytes of the whole batch as the length field has it; it may be nonsense.
func (h Header) Size() int64 {
	return int64(int32(binary.BigEndian.Uint32(h[atLength:]))) + lengthOverhead
}

// LeaderEpoch is the epoch of the leader that appended the batch, -1 from a client.
func (h Header) LeaderEpoch() int32 { return int32(binary.BigEndian.Uint32(h[atLeaderEpoch:])) }

// Magic is the format's version, 2 for all that this package writes.
func (h Header) Magic() int8 { return int8(h[atMagic]) }

// CRC is the CRC-32C of everything from the attributes on.
func (h Header) CRC() uint32 { return binary.BigEndian.Uint32(h[atCRC:]) }

// Attributes are the flag bits.
func (h Header) Attributes() int16 { return int16(binary.BigEndian.Uint16(h[atAttributes:])) }

// Codec is the compression of the records section, 0 for none.
func (h Header) Codec() int { return int(h.Attributes() & codecMask) }

// DeleteHorizon is the time from which the tombstones of the batch may be deleted, if it has one
// (KIP-534): it is in the place of the base timestamp.
func (h Header) DeleteHorizon() (millis int64, ok bool) {
	return h.BaseTimestamp(), h.Attributes()&attrDeleteHorizon != 0
}

// Control says that the batch holds markers of a transaction, not messages.
func (h Header) Control() bool { return h.Attributes()&attrControl != 0 }

// LastOffsetDelta is LastOffset - BaseOffset.
func (h Header) LastOffsetDelta() int32 { return int32(binary.BigEndian.Uint32(h[atLastDelta:])) }

// BaseTimestamp is the first record's timestamp in milliseconds since 1970.
func (h Header) BaseTimestamp() int64 { return int64(binary.BigEndian.Uint64(h[atBaseTimestamp:])) }

// MaxTimestamp is the largest timestamp of the batch.
func (h Header) MaxTimestamp() int64 { return int64(binary.BigEndian.Uint64(h[atMaxTimestamp:])) }

// ProducerID is -1 for a producer without idempotence.
func (h Header) ProducerID() int64 { return int64(binary.BigEndian.Uint64(h[atProducerID:])) }

// ProducerEpoch is -1 for a producer without idempotence.
func (h Header) ProducerEpoch() int16 { return int16(binary.BigEndian.Uint16(h[atProducerEpoch:])) }

// BaseSequence is the sequence number of the first record, -1 without idempotence.
func (h Header) BaseSequence() int32 { return int32(binary.BigEndian.Uint32(h[atBaseSequence:])) }

// LastSequence is the sequence number of the last record; it wraps from 2^31-1 to 0.
func (h Header) LastSequence() int32 {
	if h.BaseSequence() == None {
		return None
	}
	return addSequence(h.BaseSequence(), h.LastOffsetDelta())
}

// Count is the number of records.
func (h Header) Count() int32 { return int32(binary.BigEndian.Uint32(h[atCount:])) }

// sane says whether the offsets can be offsets; they are partly outside the CRC.
func (h Header) sane() bool {
	base, delta := h.BaseOffset(), h.LastOffsetDelta()
	return base >= 0 && delta >= 0 && base < math.MaxInt64-int64(delta)
}

// addSequence and subSequence follow DefaultRecordBatch.incrementSequence and decrementSequence.
func addSequence(seq, by int32) int32 {
	return int32((int64(seq) + int64(by)) & (1<<31 - 1))
}

func subSequence(seq, by int32) int32 {
	return int32((int64(seq) - int64(by)) & (1<<31 - 1))
}

// fields is a header that is about to be written.
type fields struct {
	base          int64
	epoch         int32
	attributes    int16
	lastDelta     int32
	baseTimestamp int64
	maxTimestamp  int64
	producerID    int64
	producerEpoch int16
	baseSequence  int32
	count         int32
}

// putHeader encodes a header for a records section and puts the CRC over both in it.
func putHeader(h []byte, f *fields, records []byte) {
	binary.BigEndian.PutUint64(h[atBaseOffset:], uint64(f.base))
	binary.BigEndian.PutUint32(h[atLength:], uint32(HeaderSize+len(records)-lengthOverhead))
	binary.BigEndian.PutUint32(h[atLeaderEpoch:], uint32(f.epoch))
	h[atMagic] = magicV2
	binary.BigEndian.PutUint16(h[atAttributes:], uint16(f.attributes))
	binary.BigEndian.PutUint32(h[atLastDelta:], uint32(f.lastDelta))
	binary.BigEndian.PutUint64(h[atBaseTimestamp:], uint64(f.baseTimestamp))
	binary.BigEndian.PutUint64(h[atMaxTimestamp:], uint64(f.maxTimestamp))
	binary.BigEndian.PutUint64(h[atProducerID:], uint64(f.producerID))
	binary.BigEndian.PutUint16(h[atProducerEpoch:], uint16(f.producerEpoch))
	binary.BigEndian.PutUint32(h[atBaseSequence:], uint32(f.baseSequence))
	binary.BigEndian.PutUint32(h[atCount:], uint32(f.count))
	crc := crc32.Update(0, castagnoli, h[atAttributes:HeaderSize])
	crc = crc32.Update(crc, castagnoli, records)
	binary.BigEndian.PutUint32(h[atCRC:], crc)
}

// A CRC that was computed or checked is remembered with the header's extent: the allocation holds,
// behind the 61 bytes of the header, the Ref of the records that the CRC was found to cover. Both
// extents are immutable, so the finding holds for ever, in every replica that shares them. Damage
// and torn writes make other extents, which are checked again. A mark on the header or on the
// records alone would not do: the CRC is over the pair.
const sealSize = 12

// newHeader allocates a header with room for its seal.
func newHeader(a *sim.Arena) (sim.Ref, []byte) {
	r, b := a.Alloc(HeaderSize + sealSize)
	return r.Slice(0, HeaderSize), b
}

// seal remembers that the CRC in a header made by newHeader covers records.
func seal(a *sim.Arena, header sim.Ref, alloc []byte, records sim.Ref) {
	binary.LittleEndian.PutUint32(alloc[HeaderSize:], records.Chunk)
	binary.LittleEndian.PutUint32(alloc[HeaderSize+4:], records.Off)
	binary.LittleEndian.PutUint32(alloc[HeaderSize+8:], records.Len)
	a.MarkVerified(header)
}

// sealed says whether the CRC in header is known to cover exactly the extent records.
func sealed(a *sim.Arena, header, records sim.Ref) bool {
	if header.Len != HeaderSize || !a.Verified(header) {
		return false
	}
	header.Len += sealSize
	s := a.Bytes(header)[HeaderSize:]
	return binary.LittleEndian.Uint32(s) == records.Chunk &&
		binary.LittleEndian.Uint32(s[4:]) == records.Off &&
		binary.LittleEndian.Uint32(s[8:]) == records.Len
}

// restamp is the batch with the offset and epoch that a leader assigned, in a header of its own.
// The CRC does not cover these fields, so what is known about it carries over.
func restamp(a *sim.Arena, b Batch, base int64, epoch int32) Batch {
	r, h := newHeader(a)
	copy(h, a.Bytes(b.Header))
	binary.BigEndian.PutUint64(h[atBaseOffset:], uint64(base))
	binary.BigEndian.PutUint32(h[atLeaderEpoch:], uint32(epoch))
	seal(a, r, h, b.Records)
	return Batch{Header: r, Records: b.Records}
}

// dated is the batch with a leader's clock in it instead of its records' timestamps, which stay and count no
// more (LogValidator with LogAppendTime, DefaultRecordBatch.setMaxTimestamp). The CRC is computed again.
func dated(a *sim.Arena, b Batch, now int64) Batch {
	old := Header(a.Bytes(b.Header))
	r, h := newHeader(a)
	putHeader(h, &fields{
		base: old.BaseOffset(), epoch: old.LeaderEpoch(), attributes: old.Attributes() | attrLogAppendTime,
		lastDelta: old.LastOffsetDelta(), baseTimestamp: old.BaseTimestamp(), maxTimestamp: now,
		producerID: old.ProducerID(), producerEpoch: old.ProducerEpoch(), baseSequence: old.BaseSequence(), count: old.Count(),
	}, a.Bytes(b.Records))
	seal(a, r, h, b.Records)
	return Batch{Header: r, Records: b.Records}
}

// Renumber is the batch of an idempotent producer with another id, epoch or sequence, as KIP-360
// clients do when they bump their epoch. The CRC covers these fields and is computed again.
func Renumber(a *sim.Arena, b Batch, producerID int64, epoch int16, baseSequence int32) Batch {
	old := Header(a.Bytes(b.Header))
	r, h := newHeader(a)
	putHeader(h, &fields{
		base: old.BaseOffset(), epoch: old.LeaderEpoch(), attributes: old.Attributes(),
		lastDelta: old.LastOffsetDelta(), baseTimestamp: old.BaseTimestamp(), maxTimestamp: old.MaxTimestamp(),
		producerID: producerID, producerEpoch: epoch, baseSequence: baseSequence, count: old.Count(),
	}, a.Bytes(b.Records))
	seal(a, r, h, b.Records)
	return Batch{Header: r, Records: b.Records}
}
