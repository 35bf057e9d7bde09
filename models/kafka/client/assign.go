package client

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models/kafka/wire"
)

// assignorsOf reads partition.assignment.strategy. A group whose members all name range first runs
// range, eagerly: cooperative-sticky stands behind it only for a later change (KIP-429).
func assignorsOf(list string) []string {
	out := strings.Split(list, ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// subscription is a ConsumerProtocolSubscription v3: topics, no user data, owned partitions (none: an
// eager member has given them up), generation, no rack.
func subscription(topic string, generation int32) []byte {
	b := binary.BigEndian.AppendUint16(nil, 3)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = appendString(b, topic)
	b = binary.BigEndian.AppendUint32(b, 1<<32-1)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(generation))
	return binary.BigEndian.AppendUint16(b, 1<<16-1)
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// subscribedTopics reads the topics of a subscription; nil if it is malformed.
func subscribedTopics(b []byte) []string {
	if len(b) < 6 {
		return nil
	}
	n := int(binary.BigEndian.Uint32(b[2:]))
	b = b[6:]
	var out []string
	for ; n > 0; n-- {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil
		}
		k := int(binary.BigEndian.Uint16(b))
		out = append(out, string(b[2:2+k]))
		b = b[2+k:]
	}
	return out
}

// share is one topic's partitions of an assignment.
type share struct {
	topic string
	parts []int32
}

// encodeAssignment is a ConsumerProtocolAssignment v3.
func encodeAssignment(shares []share) []byte {
	b := binary.BigEndian.AppendUint16(nil, 3)
	b = binary.BigEndian.AppendUint32(b, uint32(len(shares)))
	for _, s := range shares {
		b = appendString(b, s.topic)
		b = binary.BigEndian.AppendUint32(b, uint32(len(s.parts)))
		for _, p := range s.parts {
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		}
	}
	return binary.BigEndian.AppendUint32(b, 1<<32-1)
}

// decodeAssignment reads the partitions of one topic from an assignment; no bytes: none.
func decodeAssignment(b []byte, topic string) []int32 {
	if len(b) < 6 {
		return nil
	}
	n := int(binary.BigEndian.Uint32(b[2:]))
	b = b[6:]
	for ; n > 0; n-- {
		if len(b) < 2 || len(b)-6 < int(binary.BigEndian.Uint16(b)) {
			return nil
		}
		k := int(binary.BigEndian.Uint16(b))
		name := string(b[2 : 2+k])
		count := int(binary.BigEndian.Uint32(b[2+k:]))
		b = b[6+k:]
		if len(b) < 4*count {
			return nil
		}
		if name == topic {
			out := make([]int32, count)
			for i := range out {
				out[i] = int32(binary.BigEndian.Uint32(b[4*i:]))
			}
			return out
		}
		b = b[4*count:]
	}
	return nil
}

// rangeAssign is RangeAssignor: topic by topic, the members in order of their ids get runs of
// partitions in order, the first n mod m members one more. partitions is a topic's number of
// partitions, 0 if unknown.
func rangeAssign(members []wire.GroupMember, partitions func(topic string) int) []wire.Assignment {
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, func(a, b wire.GroupMember) int { return strings.Compare(a.Member, b.Member) })
	wants := make([][]string, len(sorted))
	var topics []string
	for i := range sorted {
		wants[i] = subscribedTopics(sorted[i].Metadata)
		for _, t := range wants[i] {
			if !slices.Contains(topics, t) {
				topics = append(topics, t)
			}
		}
	}
	slices.Sort(topics)
	shares := make([][]share, len(sorted))
	for _, t := range topics {
		var among []int
		for i := range sorted {
			if slices.Contains(wants[i], t) {
				among = append(among, i)
			}
		}
		n, m := partitions(t), len(among)
		next := int32(0)
		for k, i := range among {
			count := n / m
			if k < n%m {
				count++
			}
			s := share{topic: t}
			for ; count > 0; count-- {
				s.parts = append(s.parts, next)
				next++
			}
			if len(s.parts) > 0 {
				shares[i] = append(shares[i], s)
			}
		}
	}
	out := make([]wire.Assignment, len(sorted))
	for i := range sorted {
		out[i] = wire.Assignment{Member: sorted[i].Member, Data: encodeAssignment(shares[i])}
	}
	return out
}
