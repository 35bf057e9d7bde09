package client

import (
	"encoding/binary"
	"slices"

	"github.com/mqsim/mqsim/models/kafka/wire"
)

// subscriber is a member of the group as the assignor sees it.
type subscriber struct {
	id, instance string
	topics       []string
	owned        []share
	generation   int32 // in which it owned that
}

func (m *subscriber) owns(topic string, partition int32) bool {
	for i := range m.owned {
		if m.owned[i].topic == topic && slices.Contains(m.owned[i].parts, partition) {
			return true
		}
	}
	return false
}

// share is one topic's partitions of an assignment.
type share struct {
	topic string
	parts []int32
}

// ownership is what a member had after the last rebalance that it took part in.
type ownership struct {
	shares     []share
	generation int32
}

// encode is StickyAssignorUserData v1.
func (o ownership) encode() []byte {
	return binary.BigEndian.AppendUint32(appendShares(nil, o.shares), uint32(o.generation))
}

// encodeGeneration is the user data of the cooperative sticky assignor; the partitions stand in the
// subscription itself.
func (o ownership) encodeGeneration() []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(o.generation))
}

// subscription is a ConsumerProtocolSubscription v3: topics, user data, owned partitions (none of an
// eager member, which has given them up), generation, rack.
func subscription(topic string, userData []byte, own ownership, rack string) []byte {
	b := binary.BigEndian.AppendUint16(nil, 3)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = appendString(b, topic)
	if userData == nil {
		b = binary.BigEndian.AppendUint32(b, 1<<32-1)
	} else {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(userData))), userData...)
	}
	b = appendShares(b, own.shares)
	b = binary.BigEndian.AppendUint32(b, uint32(own.generation))
	if rack == "" {
		return binary.BigEndian.AppendUint16(b, 1<<16-1)
	}
	return appendString(b, rack)
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

func appendShares(b []byte, shares []share) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(shares)))
	for _, s := range shares {
		b = appendString(b, s.topic)
		b = binary.BigEndian.AppendUint32(b, uint32(len(s.parts)))
		for _, p := range s.parts {
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		}
	}
	return b
}

// fields reads what the functions above write; bad stays set after the first field that does not fit.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) take(n int) []byte {
	if n < 0 || n > len(f.b) {
		f.bad, f.b = true, nil
		return make([]byte, min(max(n, 0), 4))
	}
	v := f.b[:n]
	f.b = f.b[n:]
	return v
}

func (f *fields) int16() int { return int(int16(binary.BigEndian.Uint16(f.take(2)))) }
func (f *fields) int32() int { return int(int32(binary.BigEndian.Uint32(f.take(4)))) }

func (f *fields) string() string {
	n := f.int16()
	if n < 0 {
		return ""
	}
	return string(f.take(n))
}

func (f *fields) bytes() []byte {
	n := f.int32()
	if n < 0 {
		return nil
	}
	if n > len(f.b) {
		f.bad, f.b = true, nil
		return nil
	}
	return f.take(n)
}

func (f *fields) shares() []share {
	var out []share
	for n := f.int32(); n > 0 && !f.bad; n-- {
		s := share{topic: f.string()}
		for k := f.int32(); k > 0 && !f.bad; k-- {
			s.parts = append(s.parts, int32(f.int32()))
		}
		out = append(out, s)
	}
	return out
}

// subscribedTopics reads the topics of a subscription; nil if it is malformed.
func subscribedTopics(b []byte) []string {
	f := fields{b: b}
	topics := f.topics()
	if f.bad {
		return nil
	}
	return topics
}

func (f *fields) topics() []string {
	f.int16()
	var out []string
	for n := f.int32(); n > 0 && !f.bad; n-- {
		out = append(out, f.string())
	}
	return out
}

// subscriberOf reads a member's subscription: what it owns stands in the user data of the sticky
// assignor, in the subscription itself for the cooperative one. A malformed one reads nothing.
func subscriberOf(a *assignor, g *wire.GroupMember) subscriber {
	m := subscriber{id: g.Member, instance: g.Instance, generation: -1}
	f := fields{b: g.Metadata}
	m.topics = f.topics()
	user := f.bytes()
	m.owned = f.shares()
	m.generation = int32(f.int32())
	if f.bad {
		return subscriber{id: g.Member, instance: g.Instance, generation: -1}
	}
	if user != nil && !a.cooperative {
		f = fields{b: user}
		m.owned, m.generation = f.shares(), int32(f.int32())
	}
	return m
}

// encodeAssignment is a ConsumerProtocolAssignment v3.
func encodeAssignment(shares []share) []byte {
	b := binary.BigEndian.AppendUint16(nil, 3)
	return binary.BigEndian.AppendUint32(appendShares(b, shares), 1<<32-1)
}

// decodeAssignment reads the partitions of one topic from an assignment; no bytes: none.
func decodeAssignment(b []byte, topic string) []int32 {
	f := fields{b: b}
	f.int16()
	list := f.shares()
	if f.bad {
		return nil
	}
	for _, s := range list {
		if s.topic == topic {
			return s.parts
		}
	}
	return nil
}
