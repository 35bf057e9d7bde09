package store

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/mqsim/mqsim/sim"
)

// Magic codes (CommitLog.MESSAGE_MAGIC_CODE, BLANK_MAGIC_CODE).
const (
	magicMessage = 0xDAA320A7
	magicBlank   = 0xCBD43194
)

// blankSize is what is left free at a file's end for the blank record
// (CommitLog.END_FILE_MIN_BLANK_LENGTH).
const blankSize = 8

// Offsets of a record's fields with IPv4 hosts, big-endian (CommitLog.MessageExtEncoder). From
// atBornHost on they move with the length of the hosts.
const (
	atTotal       = 0
	atMagic       = 4
	atCRC         = 8
	atQueueID     = 12
	atFlag        = 16
	atQueueOffset = 20
	atPhysical    = 28
	atSysFlag     = 36
	atBornTime    = 40
	atBornHost    = 48
	atStoreTime   = 56
	atStoreHost   = 64
	atReconsume   = 72
	atPrepared    = 76
	atBodyLen     = 84
	fixedSize     = 88 // up to the body, with IPv4 hosts
	// Overhead is the size of a record with IPv4 hosts without body, topic and properties
	// (CommitLog.calMsgLength).
	Overhead = fixedSize + 1 + 2
)

// Bits of SYSFLAG (MessageSysFlag).
const (
	SysCompressed  = 0x1
	sysTransaction = 0xC
	SysPrepared    = 0x4
	SysCommit      = 0x8
	SysRollback    = 0xC
	sysBornV6      = 0x10
	sysStoreV6     = 0x20
)

// Limits of a record (MessageExtEncoder, DefaultMessageStore.checkMessage).
const (
	maxTopic      = 127
	maxProperties = 1<<15 - 1
)

// Addr is an IPv4 host and port as a record has them.
type Addr struct {
	IP   [4]byte
	Port int32
}

func (a Addr) put(b []byte) {
	copy(b, a.IP[:])
	binary.BigEndian.PutUint32(b[4:], uint32(a.Port))
}

// Message is what a broker appends (MessageExtBrokerInner).
type Message struct {
	Topic         string
	QueueID       int32
	Flag          int32
	SysFlag       int32
	BornTimestamp int64 // milliseconds
	BornHost      Addr
	Reconsume     int32 // times it was consumed again
	Prepared      int64 // physical offset of the prepared message of a transaction
	Body          sim.Ref
	Properties    []byte // encoded: name 0x01 value 0x02 ...
}

// size is the record's (CommitLog.calMsgLength).
func (m *Message) size() int {
	return Overhead + int(m.Body.Len) + len(m.Topic) + len(m.Properties)
}

// bodyCRC is UtilAll.crc32: CRC-32 without the sign bit.
func bodyCRC(b []byte) uint32 {
	if len(b) == 0 {
		return 0
	}
	return crc32.ChecksumIEEE(b) & 0x7FFFFFFF
}

// encode writes the fixed fields into b, of fixedSize bytes, without those that the append decides.
func (m *Message) encode(b []byte, crc uint32, host Addr) {
	be := binary.BigEndian
	be.PutUint32(b[atTotal:], uint32(m.size()))
	be.PutUint32(b[atMagic:], magicMessage)
	be.PutUint32(b[atCRC:], crc)
	be.PutUint32(b[atQueueID:], uint32(m.QueueID))
	be.PutUint32(b[atFlag:], uint32(m.Flag))
	be.PutUint32(b[atSysFlag:], uint32(m.SysFlag))
	be.PutUint64(b[atBornTime:], uint64(m.BornTimestamp))
	m.BornHost.put(b[atBornHost:])
	host.put(b[atStoreHost:])
	be.PutUint32(b[atReconsume:], uint32(m.Reconsume))
	be.PutUint64(b[atPrepared:], uint64(m.Prepared))
	be.PutUint32(b[atBodyLen:], m.Body.Len)
}

// place writes what the append decides.
func place(b []byte, queueOffset, physical, storeTime int64) {
	binary.BigEndian.PutUint64(b[atQueueOffset:], uint64(queueOffset))
	binary.BigEndian.PutUint64(b[atPhysical:], uint64(physical))
	binary.BigEndian.PutUint64(b[atStoreTime:], uint64(storeTime))
}

// tail appends topic and properties with their lengths.
func (m *Message) tail(b []byte) []byte {
	b = append(b, byte(len(m.Topic)))
	b = append(b, m.Topic...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Properties)))
	return append(b, m.Properties...)
}

// crc goes behind the body of the present record and returns its CRC.
func (c *Cursor) crc() uint32 {
	n := int64(c.Record.BodyLen)
	sum := uint32(0)
	for n > 0 {
		c.normal()
		r := c.refs[c.ref]
		k := min(n, int64(r.Len-c.off))
		sum = crc32.Update(sum, crc32.IEEETable, c.a.Bytes(r)[c.off:c.off+uint32(k)])
		c.off += uint32(k)
		c.left -= k
		n -= k
	}
	return sum & 0x7FFFFFFF
}
