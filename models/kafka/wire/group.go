package wire

// FindCoordinatorRequest is FindCoordinator v6 for one group.
type FindCoordinatorRequest struct {
	ReqHeader
	Group string
}

// Size counts the encoded bytes.
func (m *FindCoordinatorRequest) Size() int { return m.size() + 1 + 1 + compact(m.Group) + tagSize }

// FindCoordinatorResponse answers it.
type FindCoordinatorResponse struct {
	RespHeader
	Err   Error
	Group string
	Node  Node // ID -1 on error
}

// Size counts the encoded bytes.
func (m *FindCoordinatorResponse) Size() int {
	return m.size() + 4 + 1 + compact(m.Group) + 4 + compact(m.Node.Host) + 4 + 2 + nullSize + tagSize + tagSize
}

// Protocol is an assignor that a member supports with its subscription.
type Protocol struct {
	Name     string
	Metadata []byte // ConsumerProtocolSubscription
}

// JoinGroupRequest is JoinGroup v9.
type JoinGroupRequest struct {
	ReqHeader
	Group              string
	SessionTimeoutMs   int32
	RebalanceTimeoutMs int32
	Member             string // "" on the first join
	Instance           string // group.instance.id, "" of a dynamic member
	Protocols          []Protocol
}

// Size counts the encoded bytes; protocol type is "consumer".
func (m *JoinGroupRequest) Size() int {
	n := m.size() + compact(m.Group) + 4 + 4 + compact(m.Member) + compact(m.Instance) + compact("consumer") +
		arrayHead(len(m.Protocols)) + nullSize + tagSize
	for i := range m.Protocols {
		n += compact(m.Protocols[i].Name) + compactLen(len(m.Protocols[i].Metadata)) + tagSize
	}
	return n
}

// JoinGroupResponse answers it; Members is filled for the leader only. SkipAssignment tells a static
// leader that came back that the group keeps its assignment (KIP-814).
type JoinGroupResponse struct {
	RespHeader
	Err            Error
	Generation     int32
	Protocol       string
	Leader         string
	Member         string
	SkipAssignment bool
	Members        []GroupMember
}

// GroupMember is a member as the group's leader sees it.
type GroupMember struct {
	Member   string
	Instance string
	Metadata []byte
}

// Size counts the encoded bytes.
func (m *JoinGroupResponse) Size() int {
	n := m.size() + 4 + 2 + 4 + compact("consumer") + compact(m.Protocol) + compact(m.Leader) + 1 +
		compact(m.Member) + arrayHead(len(m.Members)) + tagSize
	for i := range m.Members {
		n += compact(m.Members[i].Member) + compact(m.Members[i].Instance) + compactLen(len(m.Members[i].Metadata)) + tagSize
	}
	return n
}

// SyncGroupRequest is SyncGroup v5; Assignments is filled by the leader only.
type SyncGroupRequest struct {
	ReqHeader
	Group       string
	Generation  int32
	Member      string
	Instance    string
	Protocol    string
	Assignments []Assignment
}

// Assignment is a member's share.
type Assignment struct {
	Member string
	Data   []byte // ConsumerProtocolAssignment
}

// Size counts the encoded bytes.
func (m *SyncGroupRequest) Size() int {
	n := m.size() + compact(m.Group) + 4 + compact(m.Member) + compact(m.Instance) + compact("consumer") +
		compact(m.Protocol) + arrayHead(len(m.Assignments)) + tagSize
	for i := range m.Assignments {
		n += compact(m.Assignments[i].Member) + compactLen(len(m.Assignments[i].Data)) + tagSize
	}
	return n
}

// SyncGroupResponse answers it with the member's own share.
type SyncGroupResponse struct {
	RespHeader
	Err      Error
	Protocol string
	Data     []byte
}

// Size counts the encoded bytes.
func (m *SyncGroupResponse) Size() int {
	return m.size() + 4 + 2 + compact("consumer") + compact(m.Protocol) + compactLen(len(m.Data)) + tagSize
}

// HeartbeatRequest is Heartbeat v4.
type HeartbeatRequest struct {
	ReqHeader
	Group      string
	Generation int32
	Member     string
	Instance   string
}

// Size counts the encoded bytes.
func (m *HeartbeatRequest) Size() int {
	return m.size() + compact(m.Group) + 4 + compact(m.Member) + compact(m.Instance) + tagSize
}

// HeartbeatResponse answers it.
type HeartbeatResponse struct {
	RespHeader
	Err Error
}

// Size counts the encoded bytes.
func (m *HeartbeatResponse) Size() int { return m.size() + 4 + 2 + tagSize }

// LeaveGroupRequest is LeaveGroup v5 for one member.
type LeaveGroupRequest struct {
	ReqHeader
	Group  string
	Member string
}

// Size counts the encoded bytes.
func (m *LeaveGroupRequest) Size() int {
	return m.size() + compact(m.Group) + 1 + compact(m.Member) + nullSize + nullSize + tagSize + tagSize
}

// LeaveGroupResponse answers it.
type LeaveGroupResponse struct {
	RespHeader
	Err    Error
	Member string
}

// Size counts the encoded bytes.
func (m *LeaveGroupResponse) Size() int {
	return m.size() + 4 + 2 + 1 + compact(m.Member) + nullSize + 2 + tagSize + tagSize
}

// CommitPart is one committed position.
type CommitPart struct {
	TopicPartition
	Offset      int64
	LeaderEpoch int32
}

// OffsetCommitRequest is OffsetCommit v9. Generation -1 with Member "" is a commit without a group membership.
type OffsetCommitRequest struct {
	ReqHeader
	Group      string
	Generation int32
	Member     string
	Instance   string
	Parts      []CommitPart
	Room       *OffsetCommitResponse // as of ProduceRequest
}

// Size counts the encoded bytes.
func (m *OffsetCommitRequest) Size() int {
	const part = 4 + 8 + 4 + 1 + tagSize
	n := m.size() + compact(m.Group) + 4 + compact(m.Member) + compact(m.Instance) + tagSize
	if len(m.Parts) == 1 {
		return n + oneRun(compact(m.Parts[0].Topic), part)
	}
	return n + topicRuns(len(m.Parts), func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return part })
}

// OffsetCommitResponse answers it.
type OffsetCommitResponse struct {
	RespHeader
	Parts []PartError
}

// Size counts the encoded bytes.
func (m *OffsetCommitResponse) Size() int {
	const part = 4 + 2 + tagSize
	n := m.size() + 4 + tagSize
	if len(m.Parts) == 1 {
		return n + oneRun(compact(m.Parts[0].Topic), part)
	}
	return n + topicRuns(len(m.Parts), func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return part })
}

// OffsetFetchRequest is OffsetFetch v9 for one group and named partitions.
type OffsetFetchRequest struct {
	ReqHeader
	Group string
	Parts []TopicPartition
}

// Size counts the encoded bytes.
func (m *OffsetFetchRequest) Size() int {
	return m.size() + 1 + compact(m.Group) + nullSize + 4 + tagSize + 1 + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return 4 })
}

// OffsetFetchResponse answers it.
type OffsetFetchResponse struct {
	RespHeader
	Group string
	Err   Error // of the group
	Parts []OffsetFetchResult
}

// OffsetFetchResult is one committed position; Offset -1: none.
type OffsetFetchResult struct {
	TopicPartition
	Err         Error
	Offset      int64
	LeaderEpoch int32
}

// Size counts the encoded bytes.
func (m *OffsetFetchResponse) Size() int {
	return m.size() + 4 + 1 + compact(m.Group) + 2 + tagSize + tagSize + topicRuns(len(m.Parts),
		func(i int) string { return m.Parts[i].Topic }, byName, func(int) int { return 4 + 8 + 4 + 1 + 2 + tagSize })
}
