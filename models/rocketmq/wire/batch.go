package wire

import (
	"encoding/binary"

	"github.com/mqsim/mqsim/sim"
)

// batchHead are the fields of a message in a batch up to its body.
const batchHead = 20

// batchParts are the extents of a message in a batch: the fields before the body, the body, the
// properties with their length.
const batchParts = 3

// AppendBatchMessage adds a message to the body of a MessageBatch (MessageDecoder.encodeMessage): total
// size, magic code and CRC, which stay 0, flag, the body with its length in four bytes, the properties
// with theirs in two.
func AppendBatchMessage(a *sim.Arena, refs []sim.Ref, flag int32, props []byte, body sim.Ref) []sim.Ref {
	be := binary.BigEndian
	own, b := a.Alloc(batchHead + 2 + len(props))
	clear(b[:batchHead])
	be.PutUint32(b, uint32(batchHead+2+len(props))+body.Len)
	be.PutUint32(b[12:], uint32(flag))
	be.PutUint32(b[16:], body.Len)
	be.PutUint16(b[batchHead:], uint16(len(props)))
	copy(b[batchHead+2:], props)
	return append(refs, own.Slice(0, batchHead), body, own.Slice(batchHead, own.Len))
}

// Count is the number of messages in the request.
func (m *SendMessageRequest) Count() int { return max(len(m.Batch)/batchParts, 1) }

// BodyLen is the length of the body.
func (m *SendMessageRequest) BodyLen() int {
	if len(m.Batch) > 0 {
		return RefsLen(m.Batch)
	}
	return int(m.Body.Len)
}

// Message is a message of the batch. props are the bytes of the request.
func (m *SendMessageRequest) Message(a *sim.Arena, i int) (flag int32, props []byte, body sim.Ref) {
	part := m.Batch[batchParts*i:]
	return int32(binary.BigEndian.Uint32(a.Bytes(part[0])[12:])), a.Bytes(part[2])[2:], part[1]
}
