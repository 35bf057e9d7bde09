package wire

// The requests of slaveActingMaster (RequestCode.java@5.3.3).
const (
	codeGetBrokerMemberGroup = 901
	codeBrokerHeartbeat      = 904
	codeExchangeBrokerHAInfo = 906
)

// BrokerHeartbeatRequest is BROKER_HEARTBEAT, sent oneway: the NameServer keeps the broker, which it must
// know already.
type BrokerHeartbeatRequest struct {
	Header
	Addr string
}

// Size counts the encoded bytes.
func (m *BrokerHeartbeatRequest) Size() int {
	var f fields
	f.addr("brokerAddr", m.Addr)
	return m.frame(codeBrokerHeartbeat, f, 0)
}

// MemberGroupRequest is GET_BROKER_MEMBER_GROUP: who lives of a group.
type MemberGroupRequest struct {
	Header
	Broker string
}

// Size counts the encoded bytes.
func (m *MemberGroupRequest) Size() int {
	var f fields
	f.str("brokerName", m.Broker)
	return m.frame(codeGetBrokerMemberGroup, f, 0)
}

// MemberGroupResponse lists the addresses in order of id.
type MemberGroupResponse struct {
	RespHeader
	Addrs []BrokerAddr
}

// Size counts the encoded bytes.
func (m *MemberGroupResponse) Size() int {
	n := len(`{"brokerMemberGroup":{"brokerAddrs":{},"brokerName":"a","cluster":"DefaultCluster"}}`)
	for _, a := range m.Addrs {
		n += digits(a.ID) + len(`:"",`) + len(a.Addr) + addrPort
	}
	return m.frame(0, n)
}

// ExchangeHARequest is EXCHANGE_BROKER_HA_INFO: a master that is not registered yet tells a slave where
// its HA service is.
type ExchangeHARequest struct {
	Header
	Master string
}

// Size counts the encoded bytes.
func (m *ExchangeHARequest) Size() int {
	var f fields
	f.addr("masterHaAddress", m.Master)
	return m.frame(codeExchangeBrokerHAInfo, f, 0)
}
