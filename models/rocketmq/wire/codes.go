package wire

import "strconv"

// Code is a code of common/protocol/ResponseCode.java or remoting/protocol/RemotingSysResponseCode.java.
type Code int16

// Response codes with RocketMQ's numbers.
const (
	Success                   Code = 0
	SystemError               Code = 1
	SystemBusy                Code = 2
	RequestCodeNotSupported   Code = 3
	FlushDiskTimeout          Code = 10
	SlaveNotAvailable         Code = 11
	FlushSlaveTimeout         Code = 12
	MessageIllegal            Code = 13
	ServiceNotAvailable       Code = 14
	NoPermission              Code = 16
	TopicNotExist             Code = 17
	PullNotFound              Code = 19
	PullRetryImmediately      Code = 20
	PullOffsetMoved           Code = 21
	QueryNotFound             Code = 22
	SubscriptionNotExist      Code = 24 // a pull of a group that the broker had no heartbeat of
	SubscriptionGroupNotExist Code = 26
	NoBuyerID                 Code = 204
	NotInCurrentUnit          Code = 205
	ConsumerNotOnline         Code = 206
	GoAway                    Code = 1500 // 5.3.1+
)

var codeNames = map[Code]string{
	Success: "SUCCESS", SystemError: "SYSTEM_ERROR", SystemBusy: "SYSTEM_BUSY",
	RequestCodeNotSupported: "REQUEST_CODE_NOT_SUPPORTED", FlushDiskTimeout: "FLUSH_DISK_TIMEOUT",
	SlaveNotAvailable: "SLAVE_NOT_AVAILABLE", FlushSlaveTimeout: "FLUSH_SLAVE_TIMEOUT",
	MessageIllegal: "MESSAGE_ILLEGAL", ServiceNotAvailable: "SERVICE_NOT_AVAILABLE", NoPermission: "NO_PERMISSION",
	TopicNotExist: "TOPIC_NOT_EXIST", PullNotFound: "PULL_NOT_FOUND", PullRetryImmediately: "PULL_RETRY_IMMEDIATELY",
	PullOffsetMoved: "PULL_OFFSET_MOVED", QueryNotFound: "QUERY_NOT_FOUND",
	SubscriptionNotExist:      "SUBSCRIPTION_NOT_EXIST",
	SubscriptionGroupNotExist: "SUBSCRIPTION_GROUP_NOT_EXIST", NoBuyerID: "NO_BUYER_ID",
	NotInCurrentUnit: "NOT_IN_CURRENT_UNIT", ConsumerNotOnline: "CONSUMER_NOT_ONLINE", GoAway: "GO_AWAY",
}

// String is the name in ResponseCode.java.
func (c Code) String() string {
	if s, ok := codeNames[c]; ok {
		return s
	}
	return strconv.Itoa(int(c))
}

// Stored says whether a send with this answer left the message in the master's log
// (MQClientAPIImpl.processSendResponse: these four become a SendResult, all others an exception).
func (c Code) Stored() bool {
	return c == Success || c == FlushDiskTimeout || c == SlaveNotAvailable || c == FlushSlaveTimeout
}

// SendStatus is the name in client/producer/SendStatus.java of a code with Stored.
func (c Code) SendStatus() string {
	if c == Success {
		return "SEND_OK"
	}
	return c.String()
}

// Request codes (common/protocol/RequestCode.java).
const (
	codePullMessage           = 11
	codeQueryConsumerOffset   = 14
	codeUpdateConsumerOffset  = 15
	codeUpdateAndCreateTopic  = 17
	codeGetAllTopicConfig     = 21
	codeGetMaxOffset          = 30
	codeGetMinOffset          = 31
	codeHeartBeat             = 34
	codeUnregisterClient      = 35
	codeConsumerSendMsgBack   = 36
	codeGetConsumerList       = 38
	codeNotifyConsumerIDs     = 40
	codeLockBatchMQ           = 41
	codeSendBatchMessage      = 320
	codeUnlockBatchMQ         = 42
	codeGetAllConsumerOffset  = 43
	codeGetAllDelayOffset     = 45
	codeRegisterBroker        = 103
	codeUnregisterBroker      = 104
	codeGetRouteInfoByTopic   = 105
	codeGetAllSubscriptionGrp = 201
	codeWipeWritePerm         = 205
	codeSendMessageV2         = 310
	codeAddWritePerm          = 327
)
