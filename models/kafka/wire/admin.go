package wire

// AlterReassignmentsRequest is AlterPartitionReassignments v0 (KIP-455), sent to the controller.
type AlterReassignmentsRequest struct {
	ReqHeader
	TimeoutMs int32
	Parts     []Reassignment
}

// Reassignment gives a partition other replicas, preferred leader first.
type Reassignment struct {
	TopicPartition
	Replicas []int32
}

// Size counts the encoded bytes.
func (m *AlterReassignmentsRequest) Size() int {
	return m.size() + 4 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName,
		func(i int) int { return 4 + int32Array(len(m.Parts[i].Replicas)) + tagSize })
}

// AlterReassignmentsResponse answers it when the reassignments have begun.
type AlterReassignmentsResponse struct {
	RespHeader
	Err   Error
	Parts []PartError
}

// Size counts the encoded bytes; messages are null.
func (m *AlterReassignmentsResponse) Size() int {
	return m.size() + 4 + 2 + nullSize + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return 4 + 2 + nullSize + tagSize })
}

// AlterConfigsRequest is IncrementalAlterConfigs v1 for one resource (KIP-339).
type AlterConfigsRequest struct {
	ReqHeader
	Topic   string // of a topic; "" = of a broker
	Broker  int32  // -1: the default of all brokers
	Configs []Setting
}

// Size counts the encoded bytes.
func (m *AlterConfigsRequest) Size() int {
	n := m.size() + arrayHead(1) + 1 + compact(m.Topic) + tagSize + 1 + tagSize + arrayHead(len(m.Configs))
	for _, c := range m.Configs {
		n += compact(c.Name) + 1 + compact(c.Value) + tagSize
	}
	return n
}

// AlterConfigsResponse answers it.
type AlterConfigsResponse struct {
	RespHeader
	Err Error
}

// Size counts the encoded bytes.
func (m *AlterConfigsResponse) Size() int {
	return m.size() + 4 + arrayHead(1) + 2 + nullSize + 1 + 4 + tagSize + tagSize
}
