// Package wire holds what RabbitMQ's programs exchange: AMQP 0-9-1 between clients and nodes, and the
// messages of Erlang processes between nodes.
//
// Every message is a Go struct that is sent by pointer with sim.Conn.Send(m, m.Size()). For AMQP, Size
// is the exact number of bytes of all frames of the method (amqp0-9-1.xml of rabbitmq-codegen): the
// method frame, and for content the header frame and as many body frames as frame_max allows. Bodies
// travel as references to shared extents.
//
// Between nodes, messages are Erlang terms in the external term format behind a distribution header.
// Their framing (length, control message) is counted exactly; terms whose content the model does not
// carry (atoms, vhost resources, timestamps) count with the constants of dist.go, each of which says what
// it stands for.
//
// A receiver owns the message that it receives; a sender must not touch it after Send. Frequent messages
// come from a Pool, one for each world: receivers may give them back.
package wire

import "github.com/mqsim/mqsim/sim"

var (
	// ClientPort is the AMQP listener.
	ClientPort = sim.Port{Num: 5672, Class: sim.PortClient}
	// DistPort is the Erlang distribution listener: one connection for each pair of nodes.
	DistPort = sim.Port{Num: 25672, Class: sim.PortReplication}
)

// FrameMax is the frame size that both sides agree on (rabbit's frame_max, 131072).
const FrameMax = 131072

// frame is what surrounds a payload: type 1, channel 2, size 4, end octet 1.
const frame = 8

// method is the frame and the ids of class and method.
const method = frame + 4

// MaxShort is the longest short string.
const MaxShort = 255

// short is a short string: a length octet and the bytes.
func short(s string) int { return 1 + len(s) }

// Message is anything of this package.
type Message interface{ Size() int }

// Modes of delivery.
const (
	Transient  uint8 = 1
	Persistent uint8 = 2
)

// Content is a message: properties and body. The model's clients set delivery_mode only.
type Content struct {
	Body sim.Ref
	Mode uint8 // delivery_mode; 0: the property is absent, which means transient
}

// Persistent says whether delivery_mode is 2.
func (c *Content) Persistent() bool { return c.Mode == Persistent }

// propsSize is the property flags and the one property that may be set.
func (c *Content) propsSize() int {
	if c.Mode == 0 {
		return 2
	}
	return 3
}

// size is the header frame (class, weight, body size, properties) and the body frames.
func (c *Content) size() int {
	n := int(c.Body.Len)
	frames := (n + FrameMax - frame - 1) / (FrameMax - frame)
	return frame + 2 + 2 + 8 + c.propsSize() + frames*frame + n
}

// Chan is the channel number of a method's frames; 0 is the connection itself.
type Chan struct{ Channel uint16 }

// Number is the channel number.
func (c *Chan) Number() uint16 { return c.Channel }

// Method is an AMQP method.
type Method interface {
	Message
	Number() uint16
}
