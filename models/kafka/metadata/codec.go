package metadata

import (
	"encoding/binary"
	"errors"
)

// ErrMalformed: bytes of the metadata log that are no record of this package.
var ErrMalformed = errors.New("malformed metadata record")

// writer encodes the flexible form of Kafka's generated messages (KIP-482).
type writer struct{ b []byte }

func (w *writer) i8(v int8)   { w.b = append(w.b, byte(v)) }
func (w *writer) i16(v int16) { w.b = binary.BigEndian.AppendUint16(w.b, uint16(v)) }
func (w *writer) i32(v int32) { w.b = binary.BigEndian.AppendUint32(w.b, uint32(v)) }
func (w *writer) i64(v int64) { w.b = binary.BigEndian.AppendUint64(w.b, uint64(v)) }
func (w *writer) uuid(v UUID) { w.b = append(w.b, v[:]...) }

func (w *writer) bool(v bool) {
	if v {
		w.i8(1)
	} else {
		w.i8(0)
	}
}

func (w *writer) uvarint(v int) { w.b = binary.AppendUvarint(w.b, uint64(v)) }

func (w *writer) str(s string) {
	w.uvarint(len(s) + 1)
	w.b = append(w.b, s...)
}

func (w *writer) ids(list []int32) {
	w.uvarint(len(list) + 1)
	for _, id := range list {
		w.i32(id)
	}
}

// tags writes the tagged fields that are set, in order of their numbers.
func (w *writer) tags(list ...tag) {
	n := 0
	for _, t := range list {
		if t.set {
			n++
		}
	}
	w.uvarint(n)
	for _, t := range list {
		if t.set {
			var f writer
			t.put(&f)
			w.uvarint(t.id)
			w.uvarint(len(f.b))
			w.b = append(w.b, f.b...)
		}
	}
}

// tag is an optional field.
type tag struct {
	id  int
	set bool
	put func(w *writer)
}

// reader decodes it. After a mistake everything reads as zero and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return make([]byte, max(n, 0)&0xf)
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) fixed(n int) uint64 {
	v := uint64(0)
	b := r.take(n)
	if r.bad {
		return 0
	}
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

func (r *reader) i8() int8   { return int8(r.fixed(1)) }
func (r *reader) i16() int16 { return int16(r.fixed(2)) }
func (r *reader) i32() int32 { return int32(r.fixed(4)) }
func (r *reader) i64() int64 { return int64(r.fixed(8)) }
func (r *reader) bool() bool { return r.i8() != 0 }

func (r *reader) uuid() (v UUID) {
	if b := r.take(len(v)); !r.bad {
		copy(v[:], b)
	}
	return v
}

func (r *reader) uvarint() int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > 1<<31 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

// count is the length of a compact array or string, -1 for null; no more than what is left.
func (r *reader) count() int {
	n := r.uvarint() - 1
	if n > len(r.b) {
		r.bad = true
	}
	if r.bad {
		return 0
	}
	return n
}

func (r *reader) str() string {
	n := r.count()
	if n <= 0 {
		return ""
	}
	return string(r.take(n))
}

func (r *reader) ids() []int32 {
	n := r.count()
	if n < 0 {
		return nil
	}
	out := make([]int32, 0, min(n, len(r.b)/4))
	for range n {
		if r.bad {
			break
		}
		out = append(out, r.i32())
	}
	return out
}

// tags reads tagged fields; unknown ones are skipped, as a broker skips them.
func (r *reader) tags(field func(id int, f *reader)) {
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		id := r.uvarint()
		f := reader{b: r.take(r.uvarint())}
		if !r.bad && field != nil {
			field(id, &f)
			r.bad = r.bad || f.bad
		}
	}
}
