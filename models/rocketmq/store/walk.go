package store

import (
	"encoding/binary"
	"io"

	"github.com/mqsim/mqsim/sim"
)

// Walk visits the records of a commit log file that lies anywhere, from its beginning, and returns where
// they end and as what: Blank at the filler, Bad or BadSize else. Records whose body has the wrong CRC are
// visited, too, with intact false. record and body are valid during the call.
func Walk(r io.ReaderAt, size int64, visit func(pos int64, rec *Record, body []byte, intact bool)) (int64, Verdict, error) {
	var b []byte
	var a sim.Arena
	for pos := int64(0); ; {
		var head [8]byte
		if pos+8 > size {
			return pos, Bad, nil
		}
		if _, err := r.ReadAt(head[:], pos); err != nil {
			return pos, Bad, err
		}
		n := int64(int32(binary.BigEndian.Uint32(head[:])))
		switch magic := binary.BigEndian.Uint32(head[4:]); {
		case magic == magicBlank:
			return pos, Blank, nil
		case magic != magicMessage, n < Overhead, pos+n > size:
			return pos, Bad, nil
		}
		if int64(cap(b)) < n {
			b = make([]byte, n+n/2)
		}
		b = b[:n]
		if _, err := r.ReadAt(b, pos); err != nil {
			return pos, Bad, err
		}
		a.Reset()
		c := NewCursor(&a, []sim.Ref{a.Put(b)})
		if v := c.Next(false); v != Good {
			return pos, v, nil
		}
		body := c.BodyBytes()
		visit(pos, &c.Record, body, len(body) == 0 || bodyCRC(body) == c.Record.CRC)
		pos += n
	}
}

// Decode reads one record from its bytes; false if they are none.
func Decode(b []byte) (Record, bool) {
	var a sim.Arena
	c := NewCursor(&a, []sim.Ref{a.Put(b)})
	good := c.Next(false) == Good
	return c.Record, good
}

// BeginsRecord says whether eight bytes are a size and the magic of a record.
func BeginsRecord(b []byte) bool { return binary.BigEndian.Uint32(b[4:]) == magicMessage }

// BodyCRC is BODYCRC of a body.
func BodyCRC(body []byte) uint32 { return bodyCRC(body) }

// EntryOf reads a consume queue entry.
func EntryOf(b []byte) Entry { return entryAt(b) }

// FileName is the name of the mapped file that begins at an offset.
func FileName(from int64) string { return fileName("", from)[1:] }

// FormatTime writes milliseconds since 1970 as 2023-11-14 22:13:20.000, in UTC.
func FormatTime(ms int64) string {
	s := stamp(ms)
	return s[:4] + "-" + s[4:6] + "-" + s[6:8] + " " + s[8:10] + ":" + s[10:12] + ":" + s[12:14] + "." + s[14:]
}
