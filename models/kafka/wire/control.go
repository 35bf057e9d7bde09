package wire

// PartitionState is what the controller tells brokers about a partition. PartitionEpoch is the
// version of its state znode.
type PartitionState struct {
	TopicPartition
	ControllerEpoch int32
	Leader          int32 // -1: none
	LeaderEpoch     int32
	ISR             []int32
	PartitionEpoch  int32
	Replicas        []int32
	IsNew           bool
	Recovering      bool // leader_recovery_state 1 (KIP-704)
	Offline         []int32
}

// LeaderAndIsrRequest is LeaderAndIsr v7 from the controller to a replica.
type LeaderAndIsrRequest struct {
	ReqHeader
	Controller      int32
	ControllerEpoch int32
	BrokerEpoch     int64
	Parts           []PartitionState
	LiveLeaders     []Node
}

// Size counts the encoded bytes.
func (m *LeaderAndIsrRequest) Size() int {
	n := m.size() + 4 + 1 + 4 + 8 + 1 + tagSize + arrayHead(len(m.LiveLeaders))
	for i := range m.LiveLeaders {
		n += 4 + compact(m.LiveLeaders[i].Host) + 4 + tagSize
	}
	return n + topicRuns(len(m.Parts), func(i int) string { return m.Parts[i].Topic },
		func(t string) int { return compact(t) + uuidSize },
		func(i int) int {
			p := &m.Parts[i]
			return 4 + 4 + 4 + 4 + int32Array(len(p.ISR)) + 4 + int32Array(len(p.Replicas)) + 1 + 1 + 1 + 1 + tagSize
		})
}

// LeaderAndIsrResponse answers it.
type LeaderAndIsrResponse struct {
	RespHeader
	Err   Error
	Parts []PartError
}

// Size counts the encoded bytes.
func (m *LeaderAndIsrResponse) Size() int {
	return m.size() + 2 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byID, func(int) int { return 4 + 2 + tagSize })
}

// UpdateMetadataRequest is UpdateMetadata v8: what a broker answers clients from.
type UpdateMetadataRequest struct {
	ReqHeader
	Controller      int32
	ControllerEpoch int32
	BrokerEpoch     int64
	Parts           []PartitionState
	Live            []Node
}

// Size counts the encoded bytes; every broker has three endpoints.
func (m *UpdateMetadataRequest) Size() int {
	n := m.size() + 4 + 1 + 4 + 8 + tagSize + arrayHead(len(m.Live))
	for i := range m.Live {
		h := compact(m.Live[i].Host)
		n += 4 + 1 + 3*(4+h+2+tagSize) + compact("PLAINTEXT") + compact("REPLICATION") + compact("CONTROL") + nullSize + tagSize
	}
	return n + topicRuns(len(m.Parts), func(i int) string { return m.Parts[i].Topic },
		func(t string) int { return compact(t) + uuidSize },
		func(i int) int {
			p := &m.Parts[i]
			return 4 + 4 + 4 + 4 + int32Array(len(p.ISR)) + 4 + int32Array(len(p.Replicas)) +
				int32Array(len(p.Offline)) + tagSize
		})
}

// UpdateMetadataResponse answers it.
type UpdateMetadataResponse struct {
	RespHeader
	Err Error
}

// Size counts the encoded bytes.
func (m *UpdateMetadataResponse) Size() int { return m.size() + 2 + tagSize }

// StopReplicaRequest is StopReplica v4.
type StopReplicaRequest struct {
	ReqHeader
	Controller      int32
	ControllerEpoch int32
	BrokerEpoch     int64
	Parts           []StopPart
}

// StopPart stops one replica and on Delete removes its log.
type StopPart struct {
	TopicPartition
	LeaderEpoch int32
	Delete      bool
}

// Size counts the encoded bytes.
func (m *StopReplicaRequest) Size() int {
	return m.size() + 4 + 1 + 4 + 8 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return 4 + 4 + 1 + tagSize })
}

// StopReplicaResponse answers it.
type StopReplicaResponse struct {
	RespHeader
	Err   Error
	Parts []PartError
}

// Size counts the encoded bytes; its list is not nested.
func (m *StopReplicaResponse) Size() int {
	n := m.size() + 2 + arrayHead(len(m.Parts)) + tagSize
	for i := range m.Parts {
		n += compact(m.Parts[i].Topic) + 4 + 2 + tagSize
	}
	return n
}

// AlterPartitionRequest is AlterPartition v3: a leader asks the controller for a new ISR (KIP-497).
type AlterPartitionRequest struct {
	ReqHeader
	Broker      int32
	BrokerEpoch int64
	Parts       []AlterPart
}

// AlterPart is the ISR that a leader wants.
type AlterPart struct {
	TopicPartition
	LeaderEpoch    int32
	ISR            []int32
	Epochs         []int64 // broker epochs of the ISR, -1 unknown; nil: not checked (KIP-903)
	Recovering     bool
	PartitionEpoch int32
}

// Size counts the encoded bytes; every ISR member carries its broker epoch (KIP-903).
func (m *AlterPartitionRequest) Size() int {
	return m.size() + 4 + 8 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byID,
		func(i int) int {
			n := len(m.Parts[i].ISR)
			return 4 + 4 + arrayHead(n) + n*(4+8+tagSize) + 1 + 4 + tagSize
		})
}

// AlterPartitionResponse answers it with the committed states.
type AlterPartitionResponse struct {
	RespHeader
	Err   Error
	Parts []AlterResult
}

// AlterResult is one partition's committed state, or an error.
type AlterResult struct {
	TopicPartition
	Err            Error
	Leader         int32
	LeaderEpoch    int32
	ISR            []int32
	Recovering     bool
	PartitionEpoch int32
}

// Size counts the encoded bytes.
func (m *AlterPartitionResponse) Size() int {
	return m.size() + 4 + 2 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byID,
		func(i int) int { return 4 + 2 + 4 + 4 + int32Array(len(m.Parts[i].ISR)) + 1 + 4 + tagSize })
}

// ControlledShutdownRequest is ControlledShutdown v3: a stopping broker asks to be relieved.
type ControlledShutdownRequest struct {
	ReqHeader
	Broker      int32
	BrokerEpoch int64
}

// Size counts the encoded bytes.
func (m *ControlledShutdownRequest) Size() int { return m.size() + 4 + 8 + tagSize }

// ControlledShutdownResponse lists the partitions that the broker still leads.
type ControlledShutdownResponse struct {
	RespHeader
	Err       Error
	Remaining []TopicPartition
}

// Size counts the encoded bytes; its list is not nested.
func (m *ControlledShutdownResponse) Size() int {
	n := m.size() + 2 + arrayHead(len(m.Remaining)) + tagSize
	for i := range m.Remaining {
		n += compact(m.Remaining[i].Topic) + 4 + tagSize
	}
	return n
}
