package wire

import "strings"

// Queue names a message queue of one broker group.
type Queue struct {
	Topic string
	ID    int32
}

// QueryOffsetRequest is QUERY_CONSUMER_OFFSET.
type QueryOffsetRequest struct {
	Header
	Group string
	Queue
}

func (m *QueryOffsetRequest) fields() fields { return groupQueue(m.Group, m.Queue) }

func groupQueue(group string, q Queue) (f fields) {
	if group != "" {
		f.str("consumerGroup", group)
	}
	f.str("topic", q.Topic)
	f.num("queueId", int64(q.ID))
	return f
}

// Size counts the encoded bytes.
func (m *QueryOffsetRequest) Size() int { return m.frame(codeQueryConsumerOffset, m.fields(), 0) }

// OffsetResponse answers QueryOffset, MaxOffset and MinOffset. QueryOffset without a committed offset is
// answered with QueryNotFound.
type OffsetResponse struct {
	RespHeader
	Offset int64
}

// Size counts the encoded bytes.
func (m *OffsetResponse) Size() int {
	var f fields
	if m.Code == Success {
		f.num("offset", m.Offset)
	}
	return m.frame(f, 0)
}

// UpdateOffsetRequest is UPDATE_CONSUMER_OFFSET, sent oneway by the 5 s commit
// (RemoteBrokerOffsetStore.updateConsumeOffsetToBroker) and answered with Answer otherwise.
type UpdateOffsetRequest struct {
	Header
	Group string
	Queue
	Offset int64
}

// Size counts the encoded bytes.
func (m *UpdateOffsetRequest) Size() int {
	f := groupQueue(m.Group, m.Queue)
	f.num("commitOffset", m.Offset)
	return m.frame(codeUpdateConsumerOffset, f, 0)
}

// MaxOffsetRequest is GET_MAX_OFFSET: the next queue offset.
type MaxOffsetRequest struct {
	Header
	Queue
}

// Size counts the encoded bytes.
func (m *MaxOffsetRequest) Size() int { return m.frame(codeGetMaxOffset, groupQueue("", m.Queue), 0) }

// MinOffsetRequest is GET_MIN_OFFSET.
type MinOffsetRequest struct {
	Header
	Queue
}

// Size counts the encoded bytes.
func (m *MinOffsetRequest) Size() int { return m.frame(codeGetMinOffset, groupQueue("", m.Queue), 0) }

// HeartbeatRequest is HEART_BEAT of one client instance with all its groups.
type HeartbeatRequest struct {
	Header
	ClientID  string
	Producers []string // group names
	Consumers []ConsumerData
}

// ConsumerData is one group of a heartbeat (common/protocol/heartbeat/ConsumerData.java).
type ConsumerData struct {
	Group  string
	Topics []string // subscribed
	// Expression is the subExpression of the first of them, "*" or "TagA || TagB"; the retry topic has "*".
	Expression string
}

// Characters of the JSON of HeartbeatData around its names.
const (
	heartbeatFixed    = len(`{"clientID":"","consumerDataSet":[],"producerDataSet":[]}`)
	producerFixed     = len(`{"groupName":""},`)
	consumerFixed     = len(`{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY","groupName":"","messageModel":"CLUSTERING","subscriptionDataSet":[],"unitMode":false},`)
	subscriptionFixed = len(`{"classFilterMode":false,"codeSet":[],"expressionType":"TAG","subString":"*","subVersion":1700000000000,"tagsSet":[],"topic":""},`)
)

// Size counts the encoded bytes.
func (m *HeartbeatRequest) Size() int {
	n := heartbeatFixed + len(m.ClientID)
	for _, g := range m.Producers {
		n += producerFixed + len(g)
	}
	for i := range m.Consumers {
		n += consumerFixed + len(m.Consumers[i].Group)
		for _, t := range m.Consumers[i].Topics {
			n += subscriptionFixed + len(t)
		}
		if x := m.Consumers[i].Expression; len(x) > 1 {
			n += 2*len(x) + 12*(1+strings.Count(x, "|")/2) // subString, tagsSet and codeSet
		}
	}
	return m.frame(codeHeartBeat, 0, n)
}

// UnregisterClientRequest is UNREGISTER_CLIENT, one per group; either group may be "".
type UnregisterClientRequest struct {
	Header
	ClientID string
	Producer string
	Consumer string
}

// Size counts the encoded bytes.
func (m *UnregisterClientRequest) Size() int {
	var f fields
	f.str("clientID", m.ClientID)
	if m.Producer != "" {
		f.str("producerGroup", m.Producer)
	}
	if m.Consumer != "" {
		f.str("consumerGroup", m.Consumer)
	}
	return m.frame(codeUnregisterClient, f, 0)
}

// ConsumerListRequest is GET_CONSUMER_LIST_BY_GROUP.
type ConsumerListRequest struct {
	Header
	Group string
}

// Size counts the encoded bytes.
func (m *ConsumerListRequest) Size() int {
	var f fields
	f.str("consumerGroup", m.Group)
	return m.frame(codeGetConsumerList, f, 0)
}

// ConsumerListResponse answers it; SystemError when the broker knows no member.
type ConsumerListResponse struct {
	RespHeader
	IDs []string
}

// Size counts the encoded bytes.
func (m *ConsumerListResponse) Size() int {
	n := len(`{"consumerIdList":[]}`)
	for _, id := range m.IDs {
		n += len(id) + 3
	}
	return m.frame(0, n)
}

// NotifyConsumerIdsChanged is sent by a broker to every member of a group, oneway.
type NotifyConsumerIdsChanged struct {
	Header
	Group string
}

// Size counts the encoded bytes.
func (m *NotifyConsumerIdsChanged) Size() int {
	var f fields
	f.str("consumerGroup", m.Group)
	return m.frame(codeNotifyConsumerIDs, f, 0)
}

// SendBackRequest is CONSUMER_SEND_MSG_BACK: the master stores the record at CommitLog offset Offset
// again, for retry or as dead letter. DelayLevel 0: by the number of attempts; < 0: dead letter at once.
type SendBackRequest struct {
	Header
	Group             string
	Offset            int64 // physical
	OriginTopic       string
	OriginMsgID       string
	DelayLevel        int32
	MaxReconsumeTimes int32
}

// Size counts the encoded bytes.
func (m *SendBackRequest) Size() int {
	var f fields
	f.num("offset", m.Offset)
	f.str("group", m.Group)
	f.num("delayLevel", int64(m.DelayLevel))
	f.str("originMsgId", m.OriginMsgID)
	f.str("originTopic", m.OriginTopic)
	f.flag("unitMode", false)
	f.num("maxReconsumeTimes", int64(m.MaxReconsumeTimes))
	return m.frame(codeConsumerSendMsgBack, f, 0)
}

// LockRequest is LOCK_BATCH_MQ, or UNLOCK_BATCH_MQ with Unlock.
type LockRequest struct {
	Header
	Group    string
	ClientID string
	Broker   string // broker group name in each queue
	Unlock   bool
	Queues   []Queue
}

// Size counts the encoded bytes.
func (m *LockRequest) Size() int {
	code := codeLockBatchMQ
	if m.Unlock {
		code = codeUnlockBatchMQ
	}
	n := len(`{"clientId":"","consumerGroup":"","mqSet":[]}`) + len(m.ClientID) + len(m.Group)
	return m.frame(code, 0, n+queuesLen(m.Broker, m.Queues))
}

func queuesLen(broker string, qs []Queue) int {
	n := 0
	for _, q := range qs {
		n += len(`{"brokerName":"","queueId":,"topic":""},`) + len(broker) + len(q.Topic) + digits(int64(q.ID))
	}
	return n
}

// LockResponse answers LOCK_BATCH_MQ with the queues that the client now holds.
type LockResponse struct {
	RespHeader
	Broker string
	Queues []Queue
}

// Size counts the encoded bytes.
func (m *LockResponse) Size() int {
	return m.frame(0, len(`{"lockOKMQSet":[]}`)+queuesLen(m.Broker, m.Queues))
}

// Tags are the tags of a subscription expression, none for "*" and "" (FilterAPI.buildSubscriptionData).
func Tags(expression string) []string {
	var out []string
	for _, t := range strings.Split(expression, "||") {
		if t = strings.TrimSpace(t); t != "" && t != "*" {
			out = append(out, t)
		}
	}
	return out
}
