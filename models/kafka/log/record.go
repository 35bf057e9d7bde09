package log

import "github.com/mqsim/mqsim/sim"

// Record is one message of a batch as the iterator shows it. The slices are parts of the arena.
type Record struct {
	Offset    int64
	Timestamp int64   // milliseconds since 1970
	Key       []byte  // nil: null
	Value     []byte  // nil: null
	Body      sim.Ref // where Value lies
	headers   []byte
	count     int // of headers
}

// Records iterates over the records of one batch without allocating. It is strict: lengths must
// fit exactly, offsets must rise and stay within the batch.
type Records struct {
	// Record is the present one.
	Record Record

	section sim.Ref
	b       []byte // the whole section
	at      int    // the next record
	left    int32  // records that should follow
	base    int64
	baseTS  int64
	fixed   int64 // with LogAppendTime every record's timestamp, else None
	last    int32 // delta of the record before
	max     int32 // largest delta of the batch
	err     error
}

func newRecords(a *sim.Arena, h Header, section sim.Ref) Records {
	r := Records{
		section: section, b: a.Bytes(section), left: h.Count(),
		base: h.BaseOffset(), baseTS: h.BaseTimestamp(), last: -1, max: h.LastOffsetDelta(), fixed: None,
	}
	if h.Attributes()&attrLogAppendTime != 0 {
		r.fixed = h.MaxTimestamp()
	}
	switch {
	case h.Codec() != 0:
		r.err, r.left = ErrCompressed, 0
	case r.left < 0 || r.max < 0:
		r.err, r.left = ErrCorruptMessage, 0
	}
	return r
}

// RecordsOf is an iterator over a batch that is two extents.
func RecordsOf(a *sim.Arena, b Batch) Records {
	return newRecords(a, Header(a.Bytes(b.Header)), b.Records)
}

// Err says why the iteration ended early: ErrCorruptMessage or ErrCompressed.
func (r *Records) Err() error { return r.err }

// Next goes to the next record.
func (r *Records) Next() bool {
	if r.left == 0 {
		if r.err == nil && r.at != len(r.b) {
			r.err = ErrCorruptMessage // bytes behind the last record
		}
		return false
	}
	length, n := varint32(r.b[r.at:])
	if n == 0 || length < 0 || int(length) > len(r.b)-r.at-n {
		return r.fail()
	}
	from := r.at + n
	end := from + int(length)
	if !r.parse(r.b[from:end], uint32(from)) {
		return r.fail()
	}
	r.at = end
	r.left--
	return true
}

func (r *Records) fail() bool {
	r.err, r.left = ErrCorruptMessage, 0
	r.at = len(r.b)
	return false
}

// parse decodes a record (DefaultRecord.readFrom) that begins, behind its length, at byte from of
// the section.
func (r *Records) parse(b []byte, from uint32) bool {
	if len(b) == 0 {
		return false
	}
	at := 1 // attributes carry nothing
	ts, n := varint64(b[at:])
	if n == 0 {
		return false
	}
	at += n
	delta, n := varint32(b[at:])
	if n == 0 || delta <= r.last || delta > r.max {
		return false
	}
	at += n
	key, at, ok := field(b, at)
	if !ok {
		return false
	}
	value, at, ok := field(b, at)
	if !ok {
		return false
	}
	valueEnd := from + uint32(at)
	count, n := varint32(b[at:])
	if n == 0 || count < 0 {
		return false
	}
	at += n
	headers := b[at:]
	if !checkHeaders(headers, count) {
		return false
	}
	r.last = delta
	r.Record = Record{
		Offset: r.base + int64(delta), Timestamp: r.baseTS + ts, Key: key, Value: value,
		Body: r.section.Slice(valueEnd-uint32(len(value)), valueEnd), headers: headers, count: int(count),
	}
	if r.fixed != None {
		r.Record.Timestamp = r.fixed
	}
	return true
}

// field reads a length and that many bytes; -1 is null.
func field(b []byte, at int) (v []byte, next int, ok bool) {
	n, size := varint32(b[at:])
	at += size
	switch {
	case size == 0 || n < None || int(n) > len(b)-at:
		return nil, at, false
	case n == None:
		return nil, at, true
	}
	return b[at : at+int(n) : at+int(n)], at + int(n), true
}

// checkHeaders says whether b is exactly count record headers.
func checkHeaders(b []byte, count int32) bool {
	at := 0
	for ; count > 0; count-- {
		key, next, ok := field(b, at)
		if !ok || key == nil {
			return false // a header key may be empty but not null
		}
		if _, next, ok = field(b, next); !ok {
			return false
		}
		at = next
	}
	return at == len(b)
}

// Headers is the number of application headers.
func (r *Record) Headers() int { return r.count }

// Header is the i-th application header.
func (r *Record) Header(i int) (key string, value []byte) {
	at := 0
	for ; ; i-- {
		k, next, _ := field(r.headers, at)
		v, next, _ := field(r.headers, next)
		if i == 0 {
			return string(k), v
		}
		at = next
	}
}
