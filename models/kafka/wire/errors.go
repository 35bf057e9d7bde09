package wire

// Error is a code of org.apache.kafka.common.protocol.Errors.
type Error int16

// Error codes with Kafka's numbers.
const (
	UnknownServerError           Error = -1
	None                         Error = 0
	OffsetOutOfRange             Error = 1
	CorruptMessage               Error = 2
	UnknownTopicOrPartition      Error = 3
	LeaderNotAvailable           Error = 5
	NotLeaderOrFollower          Error = 6
	RequestTimedOut              Error = 7
	BrokerNotAvailable           Error = 8
	ReplicaNotAvailable          Error = 9
	MessageTooLarge              Error = 10
	StaleControllerEpoch         Error = 11
	NetworkException             Error = 13
	CoordinatorLoadInProgress    Error = 14
	CoordinatorNotAvailable      Error = 15
	NotCoordinator               Error = 16
	InvalidTopic                 Error = 17
	RecordListTooLarge           Error = 18
	NotEnoughReplicas            Error = 19
	NotEnoughReplicasAfterAppend Error = 20
	InvalidRequiredAcks          Error = 21
	IllegalGeneration            Error = 22
	InconsistentGroupProtocol    Error = 23
	InvalidGroupID               Error = 24
	UnknownMemberID              Error = 25
	InvalidSessionTimeout        Error = 26
	RebalanceInProgress          Error = 27
	TopicAlreadyExists           Error = 36
	InvalidPartitions            Error = 37
	InvalidReplicationFactor     Error = 38
	NotController                Error = 41
	InvalidRequest               Error = 42
	OutOfOrderSequenceNumber     Error = 45
	DuplicateSequenceNumber      Error = 46
	InvalidProducerEpoch         Error = 47
	KafkaStorageError            Error = 56
	UnknownProducerID            Error = 59
	FetchSessionIDNotFound       Error = 70
	InvalidFetchSessionEpoch     Error = 71
	FencedLeaderEpoch            Error = 74
	UnknownLeaderEpoch           Error = 75
	StaleBrokerEpoch             Error = 77
	OffsetNotAvailable           Error = 78
	MemberIDRequired             Error = 79
	PreferredLeaderNotAvailable  Error = 80
	GroupMaxSizeReached          Error = 81
	FencedInstanceID             Error = 82
	EligibleLeadersNotAvailable  Error = 83
	ElectionNotNeeded            Error = 84
	ProducerFenced               Error = 90
	InvalidUpdateVersion         Error = 95
	InconsistentTopicID          Error = 103
	IneligibleReplica            Error = 107
	NewLeaderElected             Error = 108
	ReassignmentInProgress       Error = 60
	SnapshotNotFound             Error = 98
	PositionOutOfRange           Error = 99
	UnknownTopicID               Error = 100
	OperationNotAttempted        Error = 55
	PolicyViolation              Error = 44
	InvalidReplicaAssignment     Error = 39
	InvalidConfig                Error = 40
	UnsupportedVersion           Error = 35
	InvalidTimestamp             Error = 32
	InvalidRecord                Error = 87
	UnstableOffsetCommit         Error = 88
	ThrottlingQuotaExceeded      Error = 89
	GroupIDNotFound              Error = 69
	NonEmptyGroup                Error = 68
	LogDirNotFound               Error = 57
	DuplicateBrokerRegistration  Error = 101
	BrokerIDNotRegistered        Error = 102
	TransactionCoordinatorFenced Error = 52
	ConcurrentTransactions       Error = 51
	InvalidProducerIDMapping     Error = 49
	InvalidTransactionState      Error = 48
	InvalidCommitOffsetSize      Error = 28
	OffsetMetadataTooLarge       Error = 12
	InvalidFetchSize             Error = 4
)

var errorNames = map[Error]string{
	UnknownServerError: "UNKNOWN_SERVER_ERROR", None: "NONE", OffsetOutOfRange: "OFFSET_OUT_OF_RANGE",
	CorruptMessage: "CORRUPT_MESSAGE", UnknownTopicOrPartition: "UNKNOWN_TOPIC_OR_PARTITION",
	InvalidFetchSize: "INVALID_FETCH_SIZE", LeaderNotAvailable: "LEADER_NOT_AVAILABLE",
	NotLeaderOrFollower: "NOT_LEADER_OR_FOLLOWER", RequestTimedOut: "REQUEST_TIMED_OUT",
	BrokerNotAvailable: "BROKER_NOT_AVAILABLE", ReplicaNotAvailable: "REPLICA_NOT_AVAILABLE",
	MessageTooLarge: "MESSAGE_TOO_LARGE", StaleControllerEpoch: "STALE_CONTROLLER_EPOCH",
	OffsetMetadataTooLarge: "OFFSET_METADATA_TOO_LARGE", NetworkException: "NETWORK_EXCEPTION",
	CoordinatorLoadInProgress: "COORDINATOR_LOAD_IN_PROGRESS",
	CoordinatorNotAvailable:   "COORDINATOR_NOT_AVAILABLE", NotCoordinator: "NOT_COORDINATOR",
	InvalidTopic: "INVALID_TOPIC_EXCEPTION", RecordListTooLarge: "RECORD_LIST_TOO_LARGE",
	NotEnoughReplicas: "NOT_ENOUGH_REPLICAS", NotEnoughReplicasAfterAppend: "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
	InvalidRequiredAcks: "INVALID_REQUIRED_ACKS", IllegalGeneration: "ILLEGAL_GENERATION",
	InconsistentGroupProtocol: "INCONSISTENT_GROUP_PROTOCOL", InvalidGroupID: "INVALID_GROUP_ID",
	UnknownMemberID: "UNKNOWN_MEMBER_ID", InvalidSessionTimeout: "INVALID_SESSION_TIMEOUT",
	RebalanceInProgress: "REBALANCE_IN_PROGRESS", InvalidCommitOffsetSize: "INVALID_COMMIT_OFFSET_SIZE",
	InvalidTimestamp: "INVALID_TIMESTAMP", UnsupportedVersion: "UNSUPPORTED_VERSION",
	TopicAlreadyExists: "TOPIC_ALREADY_EXISTS", InvalidPartitions: "INVALID_PARTITIONS",
	InvalidReplicationFactor: "INVALID_REPLICATION_FACTOR", InvalidReplicaAssignment: "INVALID_REPLICA_ASSIGNMENT",
	InvalidConfig: "INVALID_CONFIG", NotController: "NOT_CONTROLLER", InvalidRequest: "INVALID_REQUEST",
	PolicyViolation: "POLICY_VIOLATION", OutOfOrderSequenceNumber: "OUT_OF_ORDER_SEQUENCE_NUMBER",
	DuplicateSequenceNumber: "DUPLICATE_SEQUENCE_NUMBER", InvalidProducerEpoch: "INVALID_PRODUCER_EPOCH",
	InvalidTransactionState: "INVALID_TXN_STATE", InvalidProducerIDMapping: "INVALID_PRODUCER_ID_MAPPING",
	ConcurrentTransactions:       "CONCURRENT_TRANSACTIONS",
	TransactionCoordinatorFenced: "TRANSACTION_COORDINATOR_FENCED",
	OperationNotAttempted:        "OPERATION_NOT_ATTEMPTED", KafkaStorageError: "KAFKA_STORAGE_ERROR",
	LogDirNotFound: "LOG_DIR_NOT_FOUND", UnknownProducerID: "UNKNOWN_PRODUCER_ID",
	NonEmptyGroup: "NON_EMPTY_GROUP", GroupIDNotFound: "GROUP_ID_NOT_FOUND",
	FetchSessionIDNotFound: "FETCH_SESSION_ID_NOT_FOUND", InvalidFetchSessionEpoch: "INVALID_FETCH_SESSION_EPOCH",
	FencedLeaderEpoch: "FENCED_LEADER_EPOCH", UnknownLeaderEpoch: "UNKNOWN_LEADER_EPOCH",
	StaleBrokerEpoch: "STALE_BROKER_EPOCH", OffsetNotAvailable: "OFFSET_NOT_AVAILABLE",
	MemberIDRequired: "MEMBER_ID_REQUIRED", PreferredLeaderNotAvailable: "PREFERRED_LEADER_NOT_AVAILABLE",
	GroupMaxSizeReached: "GROUP_MAX_SIZE_REACHED", FencedInstanceID: "FENCED_INSTANCE_ID",
	EligibleLeadersNotAvailable: "ELIGIBLE_LEADERS_NOT_AVAILABLE", ElectionNotNeeded: "ELECTION_NOT_NEEDED",
	InvalidRecord: "INVALID_RECORD", UnstableOffsetCommit: "UNSTABLE_OFFSET_COMMIT",
	ThrottlingQuotaExceeded: "THROTTLING_QUOTA_EXCEEDED", ProducerFenced: "PRODUCER_FENCED",
	InvalidUpdateVersion: "INVALID_UPDATE_VERSION", UnknownTopicID: "UNKNOWN_TOPIC_ID",
	DuplicateBrokerRegistration: "DUPLICATE_BROKER_REGISTRATION", BrokerIDNotRegistered: "BROKER_ID_NOT_REGISTERED",
	InconsistentTopicID: "INCONSISTENT_TOPIC_ID", IneligibleReplica: "INELIGIBLE_REPLICA",
	ReassignmentInProgress: "REASSIGNMENT_IN_PROGRESS",
	NewLeaderElected:       "NEW_LEADER_ELECTED", SnapshotNotFound: "SNAPSHOT_NOT_FOUND", PositionOutOfRange: "POSITION_OUT_OF_RANGE",
}

// String is Kafka's name of the code.
func (e Error) String() string {
	if n, ok := errorNames[e]; ok {
		return n
	}
	return "UNKNOWN_SERVER_ERROR"
}

// Retriable says whether the code maps to a RetriableException in the clients.
func (e Error) Retriable() bool {
	switch e {
	case CorruptMessage, UnknownTopicOrPartition, LeaderNotAvailable, NotLeaderOrFollower, RequestTimedOut,
		ReplicaNotAvailable, NetworkException, CoordinatorLoadInProgress, CoordinatorNotAvailable, NotCoordinator,
		NotEnoughReplicas, NotEnoughReplicasAfterAppend, NotController, KafkaStorageError, FetchSessionIDNotFound,
		InvalidFetchSessionEpoch, FencedLeaderEpoch, UnknownLeaderEpoch, OffsetNotAvailable,
		PreferredLeaderNotAvailable, EligibleLeadersNotAvailable, ElectionNotNeeded, UnstableOffsetCommit,
		ThrottlingQuotaExceeded, ConcurrentTransactions, UnknownTopicID, InconsistentTopicID, NewLeaderElected:
		return true
	}
	return false
}

// InvalidMetadata says whether the code maps to an InvalidMetadataException, after which a client
// asks for fresh metadata before it retries.
func (e Error) InvalidMetadata() bool {
	switch e {
	case UnknownTopicOrPartition, LeaderNotAvailable, NotLeaderOrFollower, ReplicaNotAvailable, NetworkException,
		KafkaStorageError, FencedLeaderEpoch, UnknownTopicID, InconsistentTopicID, PreferredLeaderNotAvailable,
		EligibleLeadersNotAvailable, ElectionNotNeeded:
		return true
	}
	return false
}
