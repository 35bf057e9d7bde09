// Package wire holds RocketMQ's remoting commands and HA frames as the programs of one cluster exchange
// them.
//
// Every command is a Go struct that is sent by pointer with sim.Conn.Send(m, m.Size()). Size is the
// number of bytes of the remoting frame in its default JSON encoding: 4 bytes of total length, 4 of
// serialization type and header length, the header {"code":..,"extFields":{..},"flag":..,"language":
// "JAVA","opaque":..,"serializeTypeCurrentRPC":"JSON","version":..} with the fields that the command's
// header class declares, and the body (remoting/.../protocol/RemotingCommand.java, RemotingSerializable.java
// at rocketmq-all-4.9.8). Payload travels as references to shared extents.
//
// Addresses are names of hosts in the world; on the wire ":10911" or ":10912" follows, which Size counts.
//
// A receiver owns the message that it receives; a sender must not touch it after Send. The commands of
// the hot path come from a Pool that all programs of a world share.
package wire

import "github.com/mqsim/mqsim/sim"

// The listeners of brokers and NameServers. One port number is one listener; the class says what a
// connection is for.
var (
	// ClientPort is a broker's listenPort for producers, consumers and admin clients.
	ClientPort = sim.Port{Num: 10911, Class: sim.PortClient}
	// BrokerPort is the same listener, dialled by a slave for its metadata sync.
	BrokerPort = sim.Port{Num: 10911, Class: sim.PortCoordination}
	// HAPort is haListenPort, always listenPort+1 (BrokerStartup.java).
	HAPort = sim.Port{Num: 10912, Class: sim.PortReplication}
	// NamesrvPort is a NameServer's listener, dialled by clients.
	NamesrvPort = sim.Port{Num: 9876, Class: sim.PortMetadata}
	// RegistryPort is the same listener, dialled by brokers.
	RegistryPort = sim.Port{Num: 9876, Class: sim.PortCoordination}
)

const addrPort = 6 // ":10911"

// Request is a command that is answered, except NotifyConsumerIdsChanged and what is sent oneway.
type Request interface {
	Correlation() int32
	Size() int
	req() *Header
}

// Response answers the request with the same opaque.
type Response interface {
	Correlation() int32
	Result() Code
	Size() int
}

// Header is what every request carries.
type Header struct {
	Opaque int32
	Oneway bool // flag 2: nobody answers
}

// Correlation returns the opaque.
func (h *Header) Correlation() int32 { return h.Opaque }

func (h *Header) req() *Header { return h }

// Head is the header of a request, to fill in before it is sent.
func Head(m Request) *Header { return m.req() }

// RespHeader is what every response carries. The opaque comes back.
type RespHeader struct {
	Opaque int32
	Code   Code
	Remark string
}

// Correlation returns the opaque.
func (h *RespHeader) Correlation() int32 { return h.Opaque }

// Result returns the response code.
func (h *RespHeader) Result() Code { return h.Code }

// Answer is a response without fields or body: most errors, heartbeats, commits.
type Answer struct{ RespHeader }

// Size counts the encoded bytes.
func (m *Answer) Size() int { return m.frame(0, 0) }

const (
	// frameHead is total length and header length.
	frameHead = 8
	// headFixed are the constant characters of {"code":,"flag":,"language":"JAVA","opaque":,
	// "serializeTypeCurrentRPC":"JSON","version":431}.
	headFixed = len(`{"code":,"flag":,"language":"JAVA","opaque":,"serializeTypeCurrentRPC":"JSON","version":431}`)
	// extFixed are those of "extFields":{},.
	extFixed = len(`"extFields":{},`)
)

// fields adds up the characters of extFields: each "name":"value" and the commas between.
type fields int

func (f *fields) add(name string, n int) { *f += fields(len(name) + n + 6) }

func (f *fields) str(name, v string)        { f.add(name, len(v)) }
func (f *fields) num(name string, v int64)  { f.add(name, digits(v)) }
func (f *fields) addr(name, host string)    { f.add(name, len(host)+addrPort) }
func (f *fields) flag(name string, on bool) { f.add(name, boolLen(on)) }

func boolLen(on bool) int {
	if on {
		return 4
	}
	return 5
}

// frame is the size of a request frame with this code, fields and body.
func (h *Header) frame(code int, f fields, body int) int {
	return frameHead + headFixed + digits(int64(code)) + 1 + digits(int64(h.Opaque)) + extLen(f) + body
}

// frame is the size of a response frame.
func (h *RespHeader) frame(f fields, body int) int {
	n := frameHead + headFixed + digits(int64(h.Code)) + 1 + digits(int64(h.Opaque)) + extLen(f) + body
	if h.Remark != "" {
		n += len(`"remark":"",`) + len(h.Remark)
	}
	return n
}

func extLen(f fields) int {
	if f == 0 {
		return 0
	}
	return extFixed + int(f) - 1
}

// digits is the length of v in decimal.
func digits(v int64) int {
	n := 1
	if v < 0 {
		n, v = 2, -v
	}
	for v >= 10 {
		v /= 10
		n++
	}
	return n
}

// RefsLen is the number of bytes that refs join to.
func RefsLen(refs []sim.Ref) int {
	n := 0
	for _, r := range refs {
		n += int(r.Len)
	}
	return n
}
