package store

import (
	"bytes"
	"encoding/binary"

	"github.com/mqsim/mqsim/sim"
)

// Message is what a queue process gives to its backing queue.
type Message struct {
	ID        uint64 // rabbit_guid of the message; the same in all queues that get it
	Body      sim.Ref
	Exch, Key string
	Mode      uint8  // property delivery_mode; 0: absent
	Tag       uint64 // comes back in Env.Confirmed
	Confirm   bool   // the publisher waits for a confirm
	Delivered bool   // it counts as delivered before (mirrors: mms, process_instruction publish)
}

// A stored message is #basic_message{} of rabbit.hrl (3.12) as term_to_binary makes it: head, body, tail.
// {basic_message, {resource, <<"/">>, exchange, Exch}, [Key], {content, 60, none, Props,
// rabbit_framing_amqp_0_9_1, [Body]}, Id, true | false}.
var (
	termHead   = term("\x83h\x06", atom("basic_message"), "h\x04", atom("resource"), "m\x00\x00\x00\x01/", atom("exchange"))
	termKeys   = "l\x00\x00\x00\x01"
	termBody   = term("jh\x06", atom("content"), "a\x3c", atom("none"))
	termFrames = term(atom("rabbit_framing_amqp_0_9_1"), "l\x00\x00\x00\x01")
	termID     = "jm\x00\x00\x00\x10"
	termTrue   = atom("true")
	termFalse  = atom("false")
)

func atom(s string) string { return string([]byte{'d', 0, byte(len(s))}) + s }

func term(parts ...string) string {
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString(p)
	}
	return b.String()
}

const idSize = 16

func binaryTerm(b []byte, n int) []byte {
	b = append(b, 'm')
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// props are the property flags, and delivery_mode if it is there (rabbit_framing_amqp_0_9_1).
func props(b []byte, mode uint8) []byte {
	if mode == 0 {
		return append(b, 0, 0)
	}
	return append(b, 0x10, 0, mode)
}

func propsSize(mode uint8) int {
	if mode == 0 {
		return 2
	}
	return 3
}

func appendHead(b []byte, exch, key string, mode uint8, size uint32) []byte {
	b = append(b, termHead...)
	b = append(binaryTerm(b, len(exch)), exch...)
	b = append(b, termKeys...)
	b = append(binaryTerm(b, len(key)), key...)
	b = append(b, termBody...)
	b = props(binaryTerm(b, propsSize(mode)), mode)
	b = append(b, termFrames...)
	return binaryTerm(b, int(size))
}

func putID(b []byte, id uint64) {
	binary.BigEndian.PutUint64(b, 0)
	binary.BigEndian.PutUint64(b[8:], id)
}

func getID(b []byte) uint64 { return binary.BigEndian.Uint64(b[8:]) }

func appendTail(b []byte, id uint64, persistent bool) []byte {
	b = append(b, termID...)
	b = append(b, make([]byte, idSize)...)
	putID(b[len(b)-idSize:], id)
	if persistent {
		return append(b, termTrue...)
	}
	return append(b, termFalse...)
}

func tailSize(persistent bool) int {
	if persistent {
		return len(termID) + idSize + len(termTrue)
	}
	return len(termID) + idSize + len(termFalse)
}

// stored is a decoded message.
type stored struct {
	id         uint64
	exch, key  string
	mode       uint8
	persistent bool
	body       sim.Ref
}

// decode reads a stored message; ok is false if the bytes are not exactly one.
func decode(r *reader, n int64) (m stored, ok bool) {
	end := r.off + n
	head := func(lit string) bool {
		return r.off+int64(len(lit)) <= end && string(r.bytes(len(lit))) == lit
	}
	size := func() int64 {
		if r.off+5 > end {
			return -1
		}
		b := r.bytes(5)
		if b[0] != 'm' {
			return -1
		}
		if n := int64(binary.BigEndian.Uint32(b[1:])); r.off+n <= end {
			return n
		}
		return -1
	}
	text := func(max int64) (string, bool) {
		n := size()
		if n < 0 || n > max {
			return "", false
		}
		return string(r.bytes(int(n))), true
	}
	if !head(termHead) {
		return m, false
	}
	if m.exch, ok = text(255); !ok || !head(termKeys) {
		return m, false
	}
	if m.key, ok = text(255); !ok || !head(termBody) {
		return m, false
	}
	p, ok := text(3)
	switch {
	case !ok:
		return m, false
	case len(p) == 3 && p[:2] == "\x10\x00" && p[2] != 0:
		m.mode = p[2]
	case p != "\x00\x00":
		return m, false
	}
	if !head(termFrames) {
		return m, false
	}
	b := size()
	if b < 0 {
		return m, false
	}
	m.body = r.take(b)
	if r.off+int64(len(termID)+idSize) > end || !head(termID) {
		return m, false
	}
	m.id = getID(r.bytes(idSize))
	switch end - r.off {
	case int64(len(termTrue)):
		m.persistent = true
		return m, head(termTrue)
	case int64(len(termFalse)):
		return m, head(termFalse)
	}
	return m, false
}

// routes interns what messages of one queue have in common, and keeps the heads of stored messages:
// those of one route, mode and size are the same bytes.
type routes struct {
	list  []route
	index map[route]uint16
	heads map[headKey]sim.Ref
	last  headKey
	ref   sim.Ref
}

type route struct{ exch, key string }

type headKey struct {
	size  uint32
	route uint16
	mode  uint8
}

func (t *routes) of(exch, key string) uint16 {
	r := route{exch, key}
	if i, ok := t.index[r]; ok {
		return i
	}
	if t.index == nil {
		t.index = map[route]uint16{}
	}
	i := uint16(len(t.list))
	t.list = append(t.list, r)
	t.index[r] = i
	return i
}

// head is the extent before the body.
func (t *routes) head(a *sim.Arena, k headKey) sim.Ref {
	if k == t.last && t.ref.Len > 0 {
		return t.ref
	}
	r, ok := t.heads[k]
	if !ok {
		if t.heads == nil {
			t.heads = map[headKey]sim.Ref{}
		}
		r = a.Put(appendHead(nil, t.list[k.route].exch, t.list[k.route].key, k.mode, k.size))
		t.heads[k] = r
	}
	t.last, t.ref = k, r
	return r
}

// reader walks the extents of a file.
type reader struct {
	a    *sim.Arena
	refs []sim.Ref
	off  int64 // position in the file
	end  int64
	i    int    // extent
	at   uint32 // position in it
	buf  []byte
}

func read(a *sim.Arena, f *sim.File, from, to int64) (reader, error) {
	refs, err := f.Read(from, int(to-from), nil)
	r := reader{a: a, refs: refs, off: from, end: from}
	for _, x := range refs {
		r.end += int64(x.Len)
	}
	return r, err
}

func (r *reader) left() int64 { return r.end - r.off }

// take is the next n bytes as one extent; a copy only if they lie in several.
func (r *reader) take(n int64) sim.Ref {
	if n == 0 {
		return sim.Ref{}
	}
	r.settle()
	if x := r.refs[r.i]; n <= int64(x.Len-r.at) {
		out := x.Slice(r.at, r.at+uint32(n))
		r.at += uint32(n)
		r.off += n
		return out
	}
	out, b := r.a.Alloc(int(n))
	copy(b, r.bytes(int(n)))
	return out
}

func (r *reader) settle() {
	for r.i < len(r.refs) && r.at == r.refs[r.i].Len {
		r.i, r.at = r.i+1, 0
	}
}

// bytes are the next n bytes, valid until the next call. There must be as many.
func (r *reader) bytes(n int) []byte {
	r.settle()
	if n == 0 {
		return nil
	}
	if x := r.refs[r.i]; n <= int(x.Len-r.at) {
		out := r.a.Bytes(x)[r.at : r.at+uint32(n)]
		r.at += uint32(n)
		r.off += int64(n)
		return out
	}
	r.buf = r.buf[:0]
	for n > 0 {
		r.settle()
		x := r.a.Bytes(r.refs[r.i])[r.at:]
		k := min(n, len(x))
		r.buf = append(r.buf, x[:k]...)
		r.at += uint32(k)
		r.off += int64(k)
		n -= k
	}
	return r.buf
}

// skip steps over n bytes.
func (r *reader) skip(n int64) {
	for n > 0 {
		r.settle()
		k := min(n, int64(r.refs[r.i].Len-r.at))
		r.at += uint32(k)
		r.off += k
		n -= k
	}
}
