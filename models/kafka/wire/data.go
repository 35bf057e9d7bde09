package wire

import "github.com/mqsim/mqsim/sim"

// ProduceRequest is Produce v11. Acks is 0, 1 or -1; nothing answers acks=0.
type ProduceRequest struct {
	ReqHeader
	Acks      int16
	TimeoutMs int32
	Parts     []ProducePart
	// Room, if the client lends it, is the memory of the answer. The client takes it back with the
	// answer, and never if it gave up waiting: the broker may still write to it.
	Room *ProduceResponse
}

// ProducePart is the one record batch of a partition. Refs are the two extents of a log.Batch, header
// and records: RecordBatch v2 with
// base offset 0 and partition leader epoch -1.
type ProducePart struct {
	TopicPartition
	Refs []sim.Ref
}

// Size counts the encoded bytes.
func (m *ProduceRequest) Size() int {
	n := m.size() + nullSize + 2 + 4 + tagSize
	if len(m.Parts) == 1 {
		return n + oneRun(compact(m.Parts[0].Topic), m.Parts[0].size())
	}
	return n + topicRuns(len(m.Parts), func(i int) string { return m.Parts[i].Topic }, byName,
		func(i int) int { return m.Parts[i].size() })
}

func (p *ProducePart) size() int { return 4 + compactLen(refsLen(p.Refs)) + tagSize }

// ProduceResponse answers a ProduceRequest with acks 1 or -1.
type ProduceResponse struct {
	RespHeader
	Parts []ProduceResult
	Nodes []Node // KIP-951: endpoints of the leaders that Parts hint at
}

// ProduceResult is the answer for one partition. HintLeader is -1, or on NOT_LEADER_OR_FOLLOWER the
// leader that the broker knows (KIP-951).
type ProduceResult struct {
	TopicPartition
	Err        Error
	BaseOffset int64 // -1 on error
	LogStart   int64
	HintLeader int32
	HintEpoch  int32
}

// Size counts the encoded bytes.
func (m *ProduceResponse) Size() int {
	n := m.size() + 4 + tagSize + nodesSize(m.Nodes)
	if len(m.Parts) == 1 {
		return n + oneRun(compact(m.Parts[0].Topic), m.Parts[0].size())
	}
	return n + topicRuns(len(m.Parts), func(i int) string { return m.Parts[i].Topic }, byName,
		func(i int) int { return m.Parts[i].size() })
}

func (p *ProduceResult) size() int {
	return 4 + 2 + 8 + 8 + 8 + nullSize + nullSize + tagSize + hint(p.HintLeader)
}

func hint(leader int32) int {
	if leader < 0 {
		return 0
	}
	return leaderHint
}

// nodesSize is the tagged NodeEndpoints field, absent when empty.
func nodesSize(nodes []Node) int {
	if len(nodes) == 0 {
		return 0
	}
	n := arrayHead(len(nodes))
	for i := range nodes {
		n += nodeSize(nodes[i].Host)
	}
	return 1 + uvarint(n) + n
}

// Fetch session epochs (KIP-227, FetchMetadata.java).
const (
	SessionInitial int32 = 0  // a full fetch that asks for a new session
	SessionFinal   int32 = -1 // a full fetch without a session, closing the one named
)

// FetchRequest is Fetch v17 of a consumer (Replica -1) or a follower. With a session (SessionID > 0,
// SessionEpoch > 0) Parts holds only added or changed partitions and Forgotten the dropped ones.
type FetchRequest struct {
	ReqHeader
	Replica      int32 // broker id of a follower; -1 consumer
	ReplicaEpoch int64 // its broker epoch
	MaxWaitMs    int32
	MinBytes     int32
	MaxBytes     int32
	SessionID    int32
	SessionEpoch int32
	Parts        []FetchPart
	Forgotten    []TopicPartition
	Rack         string // client.rack of a consumer (KIP-392)
}

// FetchPart asks for one partition.
type FetchPart struct {
	TopicPartition
	CurrentLeaderEpoch int32 // -1 unknown
	Offset             int64
	LastFetchedEpoch   int32 // epoch of the record below Offset; -1: do not check (consumers)
	LogStart           int64 // follower's log start; -1 consumer
	MaxBytes           int32
}

// Size counts the encoded bytes.
func (m *FetchRequest) Size() int {
	n := m.size() + 4 + 4 + 4 + 1 + 4 + 4 + compact(m.Rack) + tagSize
	if m.Replica >= 0 {
		n += 2 + 4 + 8 + tagSize // tagged ReplicaState
	}
	const part = 4 + 4 + 8 + 4 + 8 + 4 + tagSize
	switch len(m.Parts) {
	case 0:
		n += noRuns
	case 1:
		n += oneRun(uuidSize, part)
	default:
		n += topicRuns(len(m.Parts), func(i int) string { return m.Parts[i].Topic }, byID, func(int) int { return part })
	}
	if len(m.Forgotten) == 0 {
		return n + noRuns
	}
	return n + topicRuns(len(m.Forgotten), func(i int) string { return m.Forgotten[i].Topic }, byID,
		func(int) int { return 4 })
}

// FetchResponse answers a FetchRequest. In a session only partitions with records, an error or a
// moved high watermark or log start appear.
type FetchResponse struct {
	RespHeader
	Err       Error // of the whole request: session errors
	SessionID int32 // 0: no session was made
	Parts     []FetchResult
	Nodes     []Node
}

// FetchResult is one partition's data. Refs join to whole record batches; the first batch may begin
// below the offset that was asked for. DivergingEpoch is -1 unless the leader found the follower's
// log to differ (KIP-595 truncation on fetch, used by ZooKeeper mode since IBP 2.7).
type FetchResult struct {
	TopicPartition
	Err            Error
	HW             int64
	LSO            int64
	LogStart       int64
	DivergingEpoch int32
	DivergingEnd   int64
	HintLeader     int32 // -1: none
	HintEpoch      int32
	// ReadReplica is the broker that the consumer shall read from instead (preferredReadReplica,
	// KIP-392) if HasReadReplica.
	ReadReplica    int32
	HasReadReplica bool
	Refs           []sim.Ref
	Bytes          int32 // sum of Refs, computed by the leader
}

// Size counts the encoded bytes, records included.
func (m *FetchResponse) Size() int {
	n := m.size() + 4 + 2 + 4 + tagSize + nodesSize(m.Nodes)
	switch len(m.Parts) {
	case 0:
		return n + noRuns
	case 1:
		return n + oneRun(uuidSize, m.Parts[0].size())
	}
	return n + topicRuns(len(m.Parts), func(i int) string { return m.Parts[i].Topic }, byID,
		func(i int) int { return m.Parts[i].size() })
}

func (p *FetchResult) size() int {
	n := 4 + 2 + 8 + 8 + 8 + nullSize + 4 + compactLen(int(p.Bytes)) + tagSize + hint(p.HintLeader)
	if p.DivergingEpoch >= 0 {
		n += divergeSize
	}
	return n
}

// Timestamps of ListOffsets with a meaning.
const (
	LatestTimestamp   int64 = -1
	EarliestTimestamp int64 = -2
)

// ListOffsetsRequest is ListOffsets v9.
type ListOffsetsRequest struct {
	ReqHeader
	Replica int32 // -1 consumer
	Parts   []ListOffsetsPart
}

// ListOffsetsPart asks for the offset at a timestamp.
type ListOffsetsPart struct {
	TopicPartition
	CurrentLeaderEpoch int32
	Timestamp          int64
}

// Size counts the encoded bytes.
func (m *ListOffsetsRequest) Size() int {
	return m.size() + 4 + 1 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return 4 + 4 + 8 + tagSize })
}

// ListOffsetsResponse answers it.
type ListOffsetsResponse struct {
	RespHeader
	Parts []ListOffsetsResult
}

// ListOffsetsResult is one partition's answer; Offset -1: no record has such a timestamp.
type ListOffsetsResult struct {
	TopicPartition
	Err         Error
	Timestamp   int64
	Offset      int64
	LeaderEpoch int32
}

// Size counts the encoded bytes.
func (m *ListOffsetsResponse) Size() int {
	return m.size() + 4 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return 4 + 2 + 8 + 8 + 4 + tagSize })
}

// OffsetsForLeaderEpochRequest is OffsetForLeaderEpoch v4.
type OffsetsForLeaderEpochRequest struct {
	ReqHeader
	Replica int32
	Parts   []EpochPart
}

// EpochPart asks for the end offset of an epoch.
type EpochPart struct {
	TopicPartition
	CurrentLeaderEpoch int32
	LeaderEpoch        int32
}

// Size counts the encoded bytes.
func (m *OffsetsForLeaderEpochRequest) Size() int {
	return m.size() + 4 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return 4 + 4 + 4 + tagSize })
}

// OffsetsForLeaderEpochResponse answers it.
type OffsetsForLeaderEpochResponse struct {
	RespHeader
	Parts []EpochResult
}

// EpochResult is the largest epoch not above the one asked for and its end offset; both -1: undefined.
type EpochResult struct {
	TopicPartition
	Err         Error
	LeaderEpoch int32
	EndOffset   int64
}

// Size counts the encoded bytes.
func (m *OffsetsForLeaderEpochResponse) Size() int {
	return m.size() + 4 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return 2 + 4 + 4 + 8 + tagSize })
}
