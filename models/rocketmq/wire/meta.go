package wire

// Permission bits of a topic (common/constant/PermName.java).
const (
	PermWrite uint8 = 1 << 1
	PermRead  uint8 = 1 << 2
)

// DataVersion says which of two copies of a table is newer (common/DataVersion.java).
type DataVersion struct {
	Timestamp int64
	Counter   int64
}

// TopicConfig is a topic on one broker group.
type TopicConfig struct {
	Topic       string
	ReadQueues  int32
	WriteQueues int32
	Perm        uint8
	Order       bool
}

const (
	versionFixed     = len(`"dataVersion":{"counter":,"timestamp":1700000000000},`)
	topicConfigFixed = len(`"":{"order":false,"perm":6,"readQueueNums":,"topicFilterType":"SINGLE_TAG","topicName":"","topicSysFlag":0,"writeQueueNums":},`)
)

func topicsLen(v DataVersion, topics []TopicConfig) int {
	n := len(`{"topicConfigTable":{}}`) + versionFixed + digits(v.Counter)
	for i := range topics {
		t := &topics[i]
		n += topicConfigFixed + 2*len(t.Topic) + digits(int64(t.ReadQueues)) + digits(int64(t.WriteQueues))
	}
	return n
}

// CreateTopicRequest is UPDATE_AND_CREATE_TOPIC, as mqadmin updateTopic sends it to each master.
type CreateTopicRequest struct {
	Header
	TopicConfig
}

// Size counts the encoded bytes.
func (m *CreateTopicRequest) Size() int {
	var f fields
	f.str("topic", m.Topic)
	f.str("defaultTopic", "TBW102")
	f.num("readQueueNums", int64(m.ReadQueues))
	f.num("writeQueueNums", int64(m.WriteQueues))
	f.num("perm", int64(m.Perm))
	f.str("topicFilterType", "SINGLE_TAG")
	f.num("topicSysFlag", 0)
	f.flag("order", m.Order)
	return m.frame(codeUpdateAndCreateTopic, f, 0)
}

// RegisterBrokerRequest is REGISTER_BROKER. Addr is the broker's host.
type RegisterBrokerRequest struct {
	Header
	Cluster string
	Broker  string // brokerName
	ID      int64  // brokerId
	Addr    string
	Version DataVersion
	Topics  []TopicConfig
	Acting  bool // enableActingMaster
}

// Size counts the encoded bytes.
func (m *RegisterBrokerRequest) Size() int {
	var f fields
	f.str("brokerName", m.Broker)
	f.addr("brokerAddr", m.Addr)
	f.str("clusterName", m.Cluster)
	f.addr("haServerAddr", m.Addr)
	f.num("brokerId", m.ID)
	f.flag("compressed", false)
	f.num("bodyCrc32", 1<<30)
	if m.Acting {
		f.flag("enableActingMaster", true)
		f.num("heartbeatTimeoutMillis", 10000)
	}
	body := len(`{"filterServerList":[],"topicConfigSerializeWrapper":}`) + topicsLen(m.Version, m.Topics)
	return m.frame(codeRegisterBroker, f, body)
}

// RegisterBrokerResponse tells a slave where its master is; "" while the NameServer knows none.
type RegisterBrokerResponse struct {
	RespHeader
	MasterAddr string // host; its HA service listens there on HAPort
}

// Size counts the encoded bytes.
func (m *RegisterBrokerResponse) Size() int {
	var f fields
	if m.MasterAddr != "" {
		f.addr("haServerAddr", m.MasterAddr)
		f.addr("masterAddr", m.MasterAddr)
	}
	return m.frame(f, len(`{"table":{}}`))
}

// UnregisterBrokerRequest is UNREGISTER_BROKER, the first step of an orderly shutdown.
type UnregisterBrokerRequest struct {
	Header
	Cluster string
	Broker  string
	ID      int64
	Addr    string
}

// Size counts the encoded bytes.
func (m *UnregisterBrokerRequest) Size() int {
	var f fields
	f.str("brokerName", m.Broker)
	f.addr("brokerAddr", m.Addr)
	f.str("clusterName", m.Cluster)
	f.num("brokerId", m.ID)
	return m.frame(codeUnregisterBroker, f, 0)
}

// RouteRequest is GET_ROUTEINFO_BY_TOPIC; TopicNotExist answers a topic without a broker.
type RouteRequest struct {
	Header
	Topic string
}

// Size counts the encoded bytes.
func (m *RouteRequest) Size() int {
	var f fields
	f.str("topic", m.Topic)
	return m.frame(codeGetRouteInfoByTopic, f, 0)
}

// RouteResponse is TopicRouteData: the queues of each broker group and the addresses of the groups.
// Both lists are ordered by broker name, addresses by broker id. Topic repeats the request's.
type RouteResponse struct {
	RespHeader
	Topic   string
	Queues  []QueueData
	Brokers []BrokerData
	// Order is ORDER_TOPIC_CONFIG of an order topic: which queues there are, whoever lives.
	Order []OrderQueues
}

// OrderQueues is one group of an order topic.
type OrderQueues struct {
	Broker string
	Queues int32
}

// QueueData is what one broker group has of a topic.
type QueueData struct {
	Broker      string // brokerName
	ReadQueues  int32
	WriteQueues int32
	Perm        uint8
}

// BrokerData are the addresses of a broker group.
type BrokerData struct {
	Broker string
	Addrs  []BrokerAddr
}

// BrokerAddr is one address; ID 0 is the master.
type BrokerAddr struct {
	ID   int64
	Addr string // host
}

// Size counts the encoded bytes.
func (m *RouteResponse) Size() int {
	if m.Code != Success {
		return m.frame(0, 0)
	}
	n := len(`{"brokerDatas":[],"filterServerTable":{},"queueDatas":[]}`)
	for i := range m.Queues {
		q := &m.Queues[i]
		n += len(`{"brokerName":"","perm":6,"readQueueNums":,"topicSysFlag":0,"writeQueueNums":},`) +
			len(q.Broker) + digits(int64(q.ReadQueues)) + digits(int64(q.WriteQueues))
	}
	for i := range m.Order {
		n += len(m.Order[i].Broker) + digits(int64(m.Order[i].Queues)) + len(`:;`)
	}
	if len(m.Order) > 0 {
		n += len(`,"orderTopicConf":""`)
	}
	for i := range m.Brokers {
		b := &m.Brokers[i]
		n += len(`{"brokerAddrs":{},"brokerName":"","cluster":"DefaultCluster"},`) + len(b.Broker)
		for _, a := range b.Addrs {
			n += digits(a.ID) + len(`:"",`) + len(a.Addr) + addrPort
		}
	}
	return m.frame(0, n)
}

// WritePermRequest is WIPE_WRITE_PERM_OF_BROKER, or ADD_WRITE_PERM_OF_BROKER with Add. It acts on the
// one NameServer that receives it.
type WritePermRequest struct {
	Header
	Broker string
	Add    bool
}

// Size counts the encoded bytes.
func (m *WritePermRequest) Size() int {
	code := codeWipeWritePerm
	if m.Add {
		code = codeAddWritePerm
	}
	var f fields
	f.str("brokerName", m.Broker)
	return m.frame(code, f, 0)
}

// WritePermResponse says how many topics changed.
type WritePermResponse struct {
	RespHeader
	Topics int32
}

// Size counts the encoded bytes.
func (m *WritePermResponse) Size() int {
	var f fields
	f.num("wipeTopicCount", int64(m.Topics))
	return m.frame(f, 0)
}

// The four requests of a slave's metadata sync (broker/slave/SlaveSynchronize.java).

// AllTopicsRequest is GET_ALL_TOPIC_CONFIG.
type AllTopicsRequest struct{ Header }

// Size counts the encoded bytes.
func (m *AllTopicsRequest) Size() int { return m.frame(codeGetAllTopicConfig, 0, 0) }

// AllTopicsResponse is the master's topic table, ordered by name.
type AllTopicsResponse struct {
	RespHeader
	Version DataVersion
	Topics  []TopicConfig
}

// Size counts the encoded bytes.
func (m *AllTopicsResponse) Size() int { return m.frame(0, topicsLen(m.Version, m.Topics)) }

// AllOffsetsRequest is GET_ALL_CONSUMER_OFFSET.
type AllOffsetsRequest struct{ Header }

// Size counts the encoded bytes.
func (m *AllOffsetsRequest) Size() int { return m.frame(codeGetAllConsumerOffset, 0, 0) }

// GroupOffset is one committed offset.
type GroupOffset struct {
	Group string
	Queue
	Offset int64
}

// AllOffsetsResponse is the master's offset table, ordered by topic, group, queue.
type AllOffsetsResponse struct {
	RespHeader
	Offsets []GroupOffset
}

// Size counts the encoded bytes: {"offsetTable":{"topic@group":{0:5,1:7}}}.
func (m *AllOffsetsResponse) Size() int {
	n := len(`{"offsetTable":{}}`)
	for i := range m.Offsets {
		o := &m.Offsets[i]
		if i == 0 || m.Offsets[i-1].Topic != o.Topic || m.Offsets[i-1].Group != o.Group {
			n += len(`"@":{},`) + len(o.Topic) + len(o.Group)
		}
		n += digits(int64(o.ID)) + digits(o.Offset) + 2
	}
	return m.frame(0, n)
}

// AllDelayOffsetsRequest is GET_ALL_DELAY_OFFSET.
type AllDelayOffsetsRequest struct{ Header }

// Size counts the encoded bytes.
func (m *AllDelayOffsetsRequest) Size() int { return m.frame(codeGetAllDelayOffset, 0, 0) }

// AllDelayOffsetsResponse is the master's delayOffset.json: by level 1 to 18.
type AllDelayOffsetsResponse struct {
	RespHeader
	Offsets []int64 // index level-1
}

// Size counts the encoded bytes.
func (m *AllDelayOffsetsResponse) Size() int {
	n := len(`{"offsetTable":{}}`)
	for i, o := range m.Offsets {
		n += digits(int64(i+1)) + digits(o) + 2
	}
	return m.frame(0, n)
}

// AllGroupsRequest is GET_ALL_SUBSCRIPTIONGROUP_CONFIG.
type AllGroupsRequest struct{ Header }

// Size counts the encoded bytes.
func (m *AllGroupsRequest) Size() int { return m.frame(codeGetAllSubscriptionGrp, 0, 0) }

// AllGroupsResponse is the master's table of subscription groups, ordered by name.
type AllGroupsResponse struct {
	RespHeader
	Version DataVersion
	Groups  []string
}

// Size counts the encoded bytes.
func (m *AllGroupsResponse) Size() int {
	n := len(`{"subscriptionGroupTable":{}}`) + versionFixed + digits(m.Version.Counter)
	for _, g := range m.Groups {
		n += 2*len(g) + len(`"":{"brokerId":0,"consumeBroadcastEnable":true,"consumeEnable":true,"consumeFromMinEnable":true,"groupName":"","notifyConsumerIdsChangedEnable":true,"retryMaxTimes":16,"retryQueueNums":1,"whichBrokerWhenConsumeSlowly":1},`)
	}
	return m.frame(0, n)
}
