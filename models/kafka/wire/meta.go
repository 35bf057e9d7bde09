package wire

// ApiVersionsRequest is ApiVersions v3, the first request of a Java client on every connection
// (NetworkClient.discoverBrokerVersions). Fetchers and the controller do not send it.
type ApiVersionsRequest struct{ ReqHeader }

// Size counts the encoded bytes: software name and version of the Java client.
func (m *ApiVersionsRequest) Size() int {
	return m.size() + compact("apache-kafka-java") + compact("3.9.0") + tagSize
}

// ApiVersionsResponse answers it. Its header is v0 whatever its version.
type ApiVersionsResponse struct {
	RespHeader
	Err Error
}

// apiKeys is the number of API keys that a 3.9 broker in ZooKeeper mode lists (assumption: keys 0-51
// and 56, 57, 60, 61, 65-67, 75).
const apiKeys = 60

// Size counts the encoded bytes.
func (m *ApiVersionsResponse) Size() int {
	return 4 + 4 + 2 + 1 + apiKeys*(2+2+2+tagSize) + 4 + tagSize
}

// MetadataRequest is Metadata v12. Nil Topics with All asks for every topic; otherwise the named ones.
type MetadataRequest struct {
	ReqHeader
	All    bool
	Topics []string
}

// Size counts the encoded bytes.
func (m *MetadataRequest) Size() int {
	n := m.size() + 1 + 1 + tagSize + arrayHead(len(m.Topics))
	for _, t := range m.Topics {
		n += uuidSize + compact(t) + tagSize
	}
	return n
}

// MetadataResponse is what the asked broker's cache says: it may be stale.
type MetadataResponse struct {
	RespHeader
	Brokers    []Node
	Controller int32 // -1 unknown
	Topics     []TopicMetadata
}

// TopicMetadata is one topic.
type TopicMetadata struct {
	Err   Error
	Topic string
	Parts []PartitionMetadata
}

// PartitionMetadata is one partition. Leader -1: none (LEADER_NOT_AVAILABLE).
type PartitionMetadata struct {
	Err         Error
	Partition   int32
	Leader      int32
	LeaderEpoch int32
	Replicas    []int32
	ISR         []int32
	Offline     []int32
}

// clusterID is a base64 UUID of 22 characters.
const clusterIDSize = 23

// Size counts the encoded bytes.
func (m *MetadataResponse) Size() int {
	n := m.size() + 4 + clusterIDSize + 4 + tagSize + arrayHead(len(m.Brokers)) + arrayHead(len(m.Topics))
	for i := range m.Brokers {
		n += nodeSize(m.Brokers[i].Host)
	}
	for i := range m.Topics {
		t := &m.Topics[i]
		n += 2 + compact(t.Topic) + uuidSize + 1 + 4 + tagSize + arrayHead(len(t.Parts))
		for j := range t.Parts {
			p := &t.Parts[j]
			n += 2 + 4 + 4 + 4 + tagSize + int32Array(len(p.Replicas)) + int32Array(len(p.ISR)) + int32Array(len(p.Offline))
		}
	}
	return n
}

// InitProducerIdRequest is InitProducerId v5. ProducerID and Epoch are -1 for a new id, else the pair
// whose epoch the client wants bumped (KIP-360).
type InitProducerIdRequest struct {
	ReqHeader
	ProducerID int64
	Epoch      int16
}

// Size counts the encoded bytes.
func (m *InitProducerIdRequest) Size() int { return m.size() + nullSize + 4 + 8 + 2 + tagSize }

// InitProducerIdResponse answers it.
type InitProducerIdResponse struct {
	RespHeader
	Err        Error
	ProducerID int64
	Epoch      int16
}

// Size counts the encoded bytes.
func (m *InitProducerIdResponse) Size() int { return m.size() + 4 + 2 + 8 + 2 + tagSize }

// CreateTopicsRequest is CreateTopics v7, sent to the controller.
type CreateTopicsRequest struct {
	ReqHeader
	TimeoutMs int32
	Topics    []NewTopic
}

// NewTopic is a topic with its replica assignment, leader first.
type NewTopic struct {
	Topic      string
	Assignment [][]int32
	Configs    []Setting // topic overrides, ascending by name
}

// Setting is a configuration override.
type Setting struct{ Name, Value string }

// Size counts the encoded bytes.
func (m *CreateTopicsRequest) Size() int {
	n := m.size() + 4 + 1 + tagSize + arrayHead(len(m.Topics))
	for i := range m.Topics {
		t := &m.Topics[i]
		n += compact(t.Topic) + 4 + 2 + tagSize + arrayHead(len(t.Assignment)) + arrayHead(len(t.Configs))
		for _, a := range t.Assignment {
			n += 4 + int32Array(len(a)) + tagSize
		}
		for _, c := range t.Configs {
			n += compact(c.Name) + compact(c.Value) + tagSize
		}
	}
	return n
}

// CreateTopicsResponse answers it.
type CreateTopicsResponse struct {
	RespHeader
	Topics []CreatedTopic
}

// CreatedTopic is the answer for one topic.
type CreatedTopic struct {
	Topic string
	Err   Error
}

// Size counts the encoded bytes; the resolved configuration is left out as a null array.
func (m *CreateTopicsResponse) Size() int {
	n := m.size() + 4 + tagSize + arrayHead(len(m.Topics))
	for i := range m.Topics {
		n += compact(m.Topics[i].Topic) + uuidSize + 2 + nullSize + 4 + 2 + nullSize + tagSize
	}
	return n
}

// Election types of ElectLeaders.
const (
	ElectPreferred int8 = 0
	ElectUnclean   int8 = 1
)

// ElectLeadersRequest is ElectLeaders v2, sent to the controller. Nil Parts with All means every partition.
type ElectLeadersRequest struct {
	ReqHeader
	Type      int8
	TimeoutMs int32
	All       bool
	Parts     []TopicPartition
}

// Size counts the encoded bytes.
func (m *ElectLeadersRequest) Size() int {
	return m.size() + 1 + 4 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return 4 })
}

// ElectLeadersResponse answers it.
type ElectLeadersResponse struct {
	RespHeader
	Err   Error
	Parts []PartError
}

// PartError is one partition's error.
type PartError struct {
	TopicPartition
	Err Error
}

// Size counts the encoded bytes.
func (m *ElectLeadersResponse) Size() int {
	return m.size() + 4 + 2 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return 4 + 2 + nullSize + tagSize })
}
