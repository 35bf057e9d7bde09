package log

import (
	"github.com/mqsim/mqsim/sim"
)

// RecordHeader is an application header of a record; a nil Value is null.
type RecordHeader struct {
	Key   string
	Value []byte
}

// Builder collects the records of one batch and encodes them into the arena. Message bodies are
// generated in place, so a batch is written once and copied never. A Builder is reused for batch
// after batch and then allocates nothing but the batch.
type Builder struct {
	w       *sim.World
	records []pending
	keys    []byte // the keys of all records, one after another
	bytes   int    // size of the records section so far
	baseTS  int64
	maxTS   int64
}

// pending is a record that was added but not encoded yet.
type pending struct {
	timestamp int64
	id        sim.MsgID // of the body, when body is set
	value     []byte
	headers   []RecordHeader
	length    int32 // of the record after its own length field
	valueLen  int32 // -1: null
	keyFrom   int32
	keyLen    int32 // -1: null
	body      bool
}

// NewBuilder returns a builder of batches in a world's arena.
func NewBuilder(w *sim.World) *Builder { return &Builder{w: w} }

// Count is the number of records added since the last Build or Reset.
func (b *Builder) Count() int { return len(b.records) }

// Size is the number of bytes of the batch if it were built now.
func (b *Builder) Size() int { return HeaderSize + b.bytes }

// Reset forgets the records.
func (b *Builder) Reset() {
	clear(b.records)
	b.records, b.keys, b.bytes = b.records[:0], b.keys[:0], 0
}

// SizeWith is what Size would be with one more record without headers; keyLen -1 means no key.
// A producer closes its batch when this passes batch.size (MemoryRecordsBuilder.hasRoomFor).
func (b *Builder) SizeWith(timestamp int64, keyLen, valueLen int) int {
	p := pending{timestamp: timestamp, keyLen: int32(keyLen), valueLen: int32(valueLen)}
	return b.Size() + b.measure(&p)
}

// AddBody adds a record whose value is the size bytes of the body of message id. The timestamp is
// in milliseconds since 1970; a nil key is null.
func (b *Builder) AddBody(timestamp int64, key []byte, id sim.MsgID, size int) {
	b.add(pending{timestamp: timestamp, id: id, valueLen: int32(size), body: true}, key)
}

// Add adds a record with any value; a nil key or value is null. value and headers must stay
// unchanged until Build.
func (b *Builder) Add(timestamp int64, key, value []byte, headers ...RecordHeader) {
	p := pending{timestamp: timestamp, value: value, valueLen: int32(len(value)), headers: headers}
	if value == nil {
		p.valueLen = -1
	}
	b.add(p, key)
}

func (b *Builder) add(p pending, key []byte) {
	p.keyFrom, p.keyLen = int32(len(b.keys)), int32(len(key))
	if key == nil {
		p.keyLen = -1
	}
	b.keys = append(b.keys, key...)
	b.bytes += b.measure(&p)
	if len(b.records) == 0 {
		b.baseTS, b.maxTS = p.timestamp, p.timestamp
	}
	b.maxTS = max(b.maxTS, p.timestamp)
	b.records = append(b.records, p)
}

// measure sets the record's length and returns its encoded size as the next record of the batch
// (DefaultRecord.sizeInBytes).
func (b *Builder) measure(p *pending) int {
	delta := int64(0)
	if len(b.records) > 0 {
		delta = p.timestamp - b.baseTS
	}
	n := 1 + varintSize(delta) + varintSize(int64(len(b.records)))
	n += varintSize(int64(p.keyLen)) + max(int(p.keyLen), 0)
	n += varintSize(int64(p.valueLen)) + max(int(p.valueLen), 0)
	n += varintSize(int64(len(p.headers)))
	for i := range p.headers {
		h := &p.headers[i]
		n += varintSize(int64(len(h.Key))) + len(h.Key)
		if h.Value == nil {
			n += varintSize(None)
		} else {
			n += varintSize(int64(len(h.Value))) + len(h.Value)
		}
	}
	p.length = int32(n)
	return varintSize(int64(n)) + n
}

// Build encodes the records as a client sends them (base offset 0, leader epoch -1) and empties
// the builder. Without idempotence all three producer fields are None. It panics on an empty batch.
func (b *Builder) Build(producerID int64, producerEpoch int16, baseSequence int32) Batch {
	return b.build(0, producerID, producerEpoch, baseSequence)
}

// BuildControl encodes the records as a control batch, as only brokers write them.
func (b *Builder) BuildControl() Batch { return b.build(attrControl, None, None, None) }

func (b *Builder) build(attributes int16, producerID int64, producerEpoch int16, baseSequence int32) Batch {
	if len(b.records) == 0 {
		panic("kafka log: batch without records")
	}
	a := &b.w.Arena
	records, dst := a.Alloc(b.bytes)
	at := 0
	for i := range b.records {
		at += b.encode(dst, at, i, records)
	}
	if at != len(dst) {
		panic("kafka log: a record is not as long as it was measured")
	}
	header, h := newHeader(a)
	putHeader(h, &fields{
		epoch: None, attributes: attributes, lastDelta: int32(len(b.records) - 1), count: int32(len(b.records)),
		baseTimestamp: b.baseTS, maxTimestamp: b.maxTS,
		producerID: producerID, producerEpoch: producerEpoch, baseSequence: baseSequence,
	}, dst)
	seal(a, header, h, records)
	b.Reset()
	return Batch{Header: header, Records: records}
}

// encode writes record i at dst[at:], which is that part of the extent ref, and returns its size.
func (b *Builder) encode(dst []byte, at, i int, ref sim.Ref) int {
	p := &b.records[i]
	d := dst[at:]
	n := putVarint(d, int64(p.length))
	d[n] = 0 // attributes: none are defined for records
	n++
	n += putVarint(d[n:], p.timestamp-b.baseTS)
	n += putVarint(d[n:], int64(i))
	n += putVarint(d[n:], int64(p.keyLen))
	if p.keyLen > 0 {
		n += copy(d[n:], b.keys[p.keyFrom:p.keyFrom+p.keyLen])
	}
	n += putVarint(d[n:], int64(p.valueLen))
	switch {
	case p.body:
		b.w.Body(ref.Slice(uint32(at+n), uint32(at+n)+uint32(p.valueLen)), p.id)
		n += int(p.valueLen)
	case p.valueLen > 0:
		n += copy(d[n:], p.value)
	}
	n += putVarint(d[n:], int64(len(p.headers)))
	for j := range p.headers {
		h := &p.headers[j]
		n += putVarint(d[n:], int64(len(h.Key)))
		n += copy(d[n:], h.Key)
		if h.Value == nil {
			n += putVarint(d[n:], None)
			continue
		}
		n += putVarint(d[n:], int64(len(h.Value)))
		n += copy(d[n:], h.Value)
	}
	return n
}
