package log

import "encoding/binary"

// Every varint of a record is zig-zag, also those that are never negative, such as lengths
// (ByteUtils.writeVarint): 63 -> 7e, 64 -> 80 01, -1 -> 01.

// uvarintSize is the number of bytes of u in groups of seven bits.
func uvarintSize(u uint64) int {
	n := 1
	for u >= 0x80 {
		u >>= 7
		n++
	}
	return n
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// varintSize is the encoded size of v.
func varintSize(v int64) int { return uvarintSize(zigzag(v)) }

// putVarint writes v at the front of b and returns the number of bytes.
func putVarint(b []byte, v int64) int { return binary.PutUvarint(b, zigzag(v)) }

// varint32 reads a varint of at most 32 bits. n is 0 if b does not begin with one: it ends early,
// is longer than five bytes, or overflows.
func varint32(b []byte) (v int32, n int) {
	var u uint64
	for i := 0; i < len(b) && i < 5; i++ {
		u |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			if u > 1<<32-1 {
				return 0, 0
			}
			return int32(unzigzag(u)), i + 1
		}
	}
	return 0, 0
}

// varint64 reads a varint of at most 64 bits; n is 0 as for varint32.
func varint64(b []byte) (v int64, n int) {
	u, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, 0
	}
	return unzigzag(u), n
}
