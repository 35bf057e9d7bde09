// Package wire holds Kafka's requests and responses as the programs of one cluster exchange them.
//
// Every RPC is a Go struct that is sent by pointer with sim.Conn.Send(m, m.Size()). Size is the exact
// number of bytes that the message takes on the wire in the protocol version that a 3.9 cluster in
// ZooKeeper mode negotiates, length prefix and header included; the versions stand above each type and
// follow clients/src/main/resources/common/message/*.json. Record data travels as references to shared
// extents, so that a copy costs no memory.
//
// Two things differ from the bytes and not from their number. Lists that Kafka nests by topic are flat
// here, each entry carrying its topic: entries of one topic must stand together, and Size counts the
// topic's own bytes once per run of equal names. And topics are named where newer versions carry a
// 16-byte topic id; Size counts the id.
//
// A receiver owns the message that it receives; a sender must not touch it after Send.
package wire

import "github.com/mqsim/mqsim/sim"

// The listeners of a broker process and of a ZooKeeper server.
var (
	// ClientPort is the PLAINTEXT listener: producers, consumers, admin clients.
	ClientPort = sim.Port{Num: 9092, Class: sim.PortClient}
	// ReplicationPort is inter.broker.listener.name: follower fetches.
	ReplicationPort = sim.Port{Num: 9093, Class: sim.PortReplication}
	// ControlPort is control.plane.listener.name (KIP-291): controller to broker and broker to controller.
	ControlPort = sim.Port{Num: 9094, Class: sim.PortCoordination}
	// ZooKeeperPort is the clientPort of a ZooKeeper server.
	ZooKeeperPort = sim.Port{Num: 2181, Class: sim.PortCoordination}
)

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// Request is a message that a server answers; Corr comes back in the response.
type Request interface {
	Correlation() int32
	Size() int
}

// Response answers the request with the same correlation id.
type Response interface {
	Correlation() int32
	Size() int
}

// ReqHeader is request header v2 of flexible versions.
type ReqHeader struct {
	Corr   int32
	Client string // client.id
}

// Correlation returns the correlation id.
func (h *ReqHeader) Correlation() int32 { return h.Corr }

// size counts the length prefix, api key, version, correlation id, client id (a plain nullable
// string even in header v2) and the empty tag section.
func (h *ReqHeader) size() int { return 4 + 2 + 2 + 4 + 2 + len(h.Client) + 1 }

// RespHeader is response header v1 of flexible versions.
type RespHeader struct{ Corr int32 }

// Correlation returns the correlation id.
func (h *RespHeader) Correlation() int32 { return h.Corr }

func (h *RespHeader) size() int { return 4 + 4 + 1 }

// Sizes of the flexible encoding (KIP-482).
const (
	tagSize     = 1  // an empty tag section
	uuidSize    = 16 // topic id
	nullSize    = 1  // null or empty compact string, bytes or array
	leaderHint  = 2 + 9
	divergeSize = 2 + 13
)

// uvarint is the size of an unsigned varint.
func uvarint(n int) int {
	s := 1
	for n >= 0x80 {
		n >>= 7
		s++
	}
	return s
}

func compact(s string) int { return uvarint(len(s)+1) + len(s) }
func compactLen(n int) int { return uvarint(n+1) + n }
func arrayHead(n int) int  { return uvarint(n + 1) }
func int32Array(n int) int { return uvarint(n+1) + 4*n }

// RefsLen is the number of bytes that refs join to.
func RefsLen(r []sim.Ref) int { return refsLen(r) }

func nodeSize(host string) int { return 4 + compact(host) + 4 + nullSize + tagSize }

func refsLen(refs []sim.Ref) int {
	n := 0
	for _, r := range refs {
		n += int(r.Len)
	}
	return n
}

// topicRuns adds up a flat list that is nested by topic on the wire: topic(name) is the size of one
// topic's own fields without its inner array head, part(i) that of entry i.
func topicRuns(n int, name func(int) string, topic func(string) int, part func(int) int) int {
	size, runs := 0, 0
	for i := 0; i < n; {
		t, j := name(i), i
		for j < n && name(j) == t {
			size += part(j)
			j++
		}
		size += topic(t) + arrayHead(j-i) + tagSize
		runs++
		i = j
	}
	return size + arrayHead(runs)
}

// oneRun is topicRuns of the usual list: one entry, whose topic's own fields and whose own fields have
// these sizes. It needs no functions.
func oneRun(topic, part int) int { return topic + arrayHead(1) + tagSize + part + arrayHead(1) }

// noRuns is topicRuns of an empty list.
const noRuns = 1

func byName(t string) int { return compact(t) }
func byID(string) int     { return uuidSize }

// Node is a broker as clients see it.
type Node struct {
	ID   int32
	Host string // host name in the world
}
