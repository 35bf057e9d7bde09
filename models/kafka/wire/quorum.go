package wire

import "github.com/mqsim/mqsim/sim"

// ControllerPort is the CONTROLLER listener of a KRaft controller (controller.listener.names): the
// requests of the quorum, and those of brokers to the active controller.
var ControllerPort = sim.Port{Num: 9095, Class: sim.PortCoordination}

// MetadataTopic is the one partition that the quorum replicates: __cluster_metadata-0.
const MetadataTopic = "__cluster_metadata"

// metadataRun is the size of lists nested by topic that hold the metadata partition alone: entry is the
// size of its entry.
func metadataRun(entry int) int { return oneRun(compact(MetadataTopic), entry) }

// VoteRequest is Vote v1, v2 with PreVote (KIP-996): a candidate names the end of its log.
type VoteRequest struct {
	ReqHeader
	Epoch     int32
	Candidate int32
	LastEpoch int32 // epoch of the last record
	End       int64 // log end offset
	PreVote   bool
}

// Size counts the encoded bytes.
func (m *VoteRequest) Size() int {
	return m.size() + clusterIDSize + 4 + tagSize + metadataRun(4+4+4+2*uuidSize+4+8+1+tagSize)
}

// VoteResponse answers it; Leader is -1 if the voter knows none of Epoch.
type VoteResponse struct {
	RespHeader
	Err     Error
	Leader  int32
	Epoch   int32
	Granted bool
}

// Size counts the encoded bytes.
func (m *VoteResponse) Size() int { return m.size() + 2 + tagSize + metadataRun(4+2+4+4+1+tagSize) }

// BeginQuorumEpochRequest is BeginQuorumEpoch v0: a new leader presents itself to a voter.
type BeginQuorumEpochRequest struct {
	ReqHeader
	Leader int32
	Epoch  int32
}

// Size counts the encoded bytes.
func (m *BeginQuorumEpochRequest) Size() int {
	return m.size() + clusterIDSize + metadataRun(4+4+4)
}

// EndQuorumEpochRequest is EndQuorumEpoch v0: a leader resigns. Successors are the other voters, those
// with the longest logs first.
type EndQuorumEpochRequest struct {
	ReqHeader
	Leader     int32
	Epoch      int32
	Successors []int32
}

// Size counts the encoded bytes.
func (m *EndQuorumEpochRequest) Size() int {
	return m.size() + clusterIDSize + metadataRun(4+4+4+4+4*len(m.Successors))
}

// QuorumEpochResponse answers BeginQuorumEpoch and EndQuorumEpoch.
type QuorumEpochResponse struct {
	RespHeader
	Err    Error
	Leader int32
	Epoch  int32
}

// Size counts the encoded bytes.
func (m *QuorumEpochResponse) Size() int { return m.size() + 2 + metadataRun(4+2+4+4) }

// QuorumFetchRequest is Fetch v17 of the metadata partition: how voters and brokers replicate it. Known
// is the high watermark that the replica has (KIP-1166, Fetch v18), -1 before 4.1.
type QuorumFetchRequest struct {
	ReqHeader
	Replica   int32
	Epoch     int32 // current leader epoch as the replica knows it
	Offset    int64
	LastEpoch int32 // of the record below Offset, 0 for an empty log
	MaxWaitMs int32
	Known     int64
}

// Size counts the encoded bytes.
func (m *QuorumFetchRequest) Size() int {
	n := m.size() + clusterIDSize + 4 + 4 + 4 + 1 + 4 + 4 + nullSize + tagSize + 2 + 4 + 8 + tagSize + noRuns
	if m.Known >= 0 {
		n += 2 + 8
	}
	return n + oneRun(uuidSize, 4+4+8+4+8+4+tagSize)
}

// QuorumFetchResponse answers it. DivergingEpoch is -1 unless the replica must truncate, SnapshotEnd -1
// unless its offset lies below the leader's log and it must fetch that snapshot.
type QuorumFetchResponse struct {
	RespHeader
	Err            Error
	Leader         int32
	Epoch          int32
	HW             int64 // -1: not known in this epoch yet
	LogStart       int64
	DivergingEpoch int32
	DivergingEnd   int64
	SnapshotEnd    int64
	SnapshotEpoch  int32
	Refs           []sim.Ref
	Bytes          int32
}

// Size counts the encoded bytes.
func (m *QuorumFetchResponse) Size() int {
	entry := 4 + 2 + 8 + 8 + 8 + nullSize + 4 + compactLen(int(m.Bytes)) + tagSize + leaderHint
	if m.DivergingEpoch >= 0 {
		entry += divergeSize
	}
	if m.SnapshotEnd >= 0 {
		entry += divergeSize
	}
	return m.size() + 4 + 2 + 4 + tagSize + oneRun(uuidSize, entry)
}

// FetchSnapshotRequest is FetchSnapshot v0: a part of a snapshot.
type FetchSnapshotRequest struct {
	ReqHeader
	Replica  int32
	Epoch    int32
	End      int64 // of the snapshot
	EndEpoch int32
	Position int64
}

// Size counts the encoded bytes.
func (m *FetchSnapshotRequest) Size() int {
	return m.size() + clusterIDSize + 4 + 4 + tagSize + metadataRun(4+4+8+4+8+2*tagSize)
}

// FetchSnapshotResponse answers it.
type FetchSnapshotResponse struct {
	RespHeader
	Err      Error
	Leader   int32
	Epoch    int32
	Total    int64 // size of the snapshot
	Position int64
	Bytes    []byte
}

// Size counts the encoded bytes.
func (m *FetchSnapshotResponse) Size() int {
	return m.size() + 4 + 2 + tagSize + metadataRun(4+2+8+4+leaderHint+8+8+compactLen(len(m.Bytes))+tagSize)
}

// BrokerRegistrationRequest is BrokerRegistration v4: a starting broker asks to be a member.
// PreviousEpoch is the broker epoch in its clean-shutdown file, -1 without one (KIP-966).
type BrokerRegistrationRequest struct {
	ReqHeader
	Broker        int32
	Host          string
	Incarnation   [16]byte
	PreviousEpoch int64
}

// Size counts the encoded bytes: two listeners, the feature metadata.version, one log directory.
func (m *BrokerRegistrationRequest) Size() int {
	listener := compact(m.Host) + 2 + 2 + tagSize
	return m.size() + 4 + clusterIDSize + uuidSize + arrayHead(2) + compact("PLAINTEXT") + compact("REPLICATION") + 2*listener +
		arrayHead(1) + compact("metadata.version") + 4 + tagSize + nullSize + 1 + arrayHead(1) + uuidSize + 8 + tagSize
}

// BrokerRegistrationResponse answers it.
type BrokerRegistrationResponse struct {
	RespHeader
	Err         Error
	BrokerEpoch int64
}

// Size counts the encoded bytes.
func (m *BrokerRegistrationResponse) Size() int { return m.size() + 4 + 2 + 8 + tagSize }

// BrokerHeartbeatRequest is BrokerHeartbeat v1.
type BrokerHeartbeatRequest struct {
	ReqHeader
	Broker         int32
	BrokerEpoch    int64
	MetadataOffset int64 // the last metadata offset that the broker has applied
	WantFence      bool
	WantShutDown   bool
}

// Size counts the encoded bytes.
func (m *BrokerHeartbeatRequest) Size() int { return m.size() + 4 + 8 + 8 + 1 + 1 + tagSize }

// BrokerHeartbeatResponse answers it.
type BrokerHeartbeatResponse struct {
	RespHeader
	Err        Error
	CaughtUp   bool
	Fenced     bool
	ShouldStop bool
}

// Size counts the encoded bytes.
func (m *BrokerHeartbeatResponse) Size() int { return m.size() + 4 + 2 + 3 + tagSize }

// AllocateProducerIDsRequest is AllocateProducerIds v0.
type AllocateProducerIDsRequest struct {
	ReqHeader
	Broker      int32
	BrokerEpoch int64
}

// Size counts the encoded bytes.
func (m *AllocateProducerIDsRequest) Size() int { return m.size() + 4 + 8 + tagSize }

// AllocateProducerIDsResponse answers it with a block of ids.
type AllocateProducerIDsResponse struct {
	RespHeader
	Err   Error
	Start int64
	Len   int32
}

// Size counts the encoded bytes.
func (m *AllocateProducerIDsResponse) Size() int { return m.size() + 4 + 2 + 8 + 4 + tagSize }
