package wire

// Reply codes (amqp0-9-1.xml, rabbit_framing_amqp_0_9_1).
const (
	ReplySuccess         uint16 = 200
	NoRoute              uint16 = 312
	ConnectionForced     uint16 = 320
	AccessRefused        uint16 = 403
	NotFound             uint16 = 404
	ResourceLocked       uint16 = 405
	PreconditionFailed   uint16 = 406
	CommandInvalid       uint16 = 503
	ChannelError         uint16 = 504
	NotAllowed           uint16 = 530
	InternalError        uint16 = 541
	textNoRoute                 = "NO_ROUTE"
	serverPropertiesSize        = 455 // product, version, platform, capabilities, cluster_name ... of 3.10 and 3.12
	clientPropertiesSize        = 274 // the same of amqp091-go with its capabilities table
	mechanismsSize              = 14  // "PLAIN AMQPLAIN"
)

// ProtocolHeader opens a connection: "AMQP" 0 0 9 1.
type ProtocolHeader struct{ Chan }

// Size counts the encoded bytes.
func (m *ProtocolHeader) Size() int { return 8 }

// ConnectionStart answers the protocol header.
type ConnectionStart struct{ Chan }

// Size counts the encoded bytes.
func (m *ConnectionStart) Size() int {
	return method + 2 + 4 + serverPropertiesSize + 4 + mechanismsSize + 4 + len("en_US")
}

// ConnectionStartOk carries the credentials (PLAIN guest guest).
type ConnectionStartOk struct{ Chan }

// Size counts the encoded bytes.
func (m *ConnectionStartOk) Size() int {
	return method + 4 + clientPropertiesSize + short("PLAIN") + 4 + 12 + short("en_US")
}

// ConnectionTune proposes limits; Heartbeat in seconds, 0: none.
type ConnectionTune struct {
	Chan
	Heartbeat uint16
}

// Size counts the encoded bytes.
func (m *ConnectionTune) Size() int { return method + 8 }

// ConnectionTuneOk settles them.
type ConnectionTuneOk struct {
	Chan
	Heartbeat uint16
}

// Size counts the encoded bytes.
func (m *ConnectionTuneOk) Size() int { return method + 8 }

// ConnectionOpen asks for vhost "/".
type ConnectionOpen struct{ Chan }

// Size counts the encoded bytes.
func (m *ConnectionOpen) Size() int { return method + short("/") + 1 + 1 }

// ConnectionOpenOk ends the handshake.
type ConnectionOpenOk struct{ Chan }

// Size counts the encoded bytes.
func (m *ConnectionOpenOk) Size() int { return method + 1 }

// ConnectionClose ends a connection with a reason.
type ConnectionClose struct {
	Chan
	Code uint16
	Text string
}

// Size counts the encoded bytes.
func (m *ConnectionClose) Size() int { return method + 2 + short(m.Text) + 4 }

// ConnectionCloseOk confirms it.
type ConnectionCloseOk struct{ Chan }

// Size counts the encoded bytes.
func (m *ConnectionCloseOk) Size() int { return method }

// ConnectionBlocked says that the node does not read publishers' sockets.
type ConnectionBlocked struct {
	Chan
	Reason string
}

// Size counts the encoded bytes.
func (m *ConnectionBlocked) Size() int { return method + short(m.Reason) }

// ConnectionUnblocked ends that.
type ConnectionUnblocked struct{ Chan }

// Size counts the encoded bytes.
func (m *ConnectionUnblocked) Size() int { return method }

// Heartbeat is a frame of its own type without payload.
type Heartbeat struct{ Chan }

// Size counts the encoded bytes.
func (m *Heartbeat) Size() int { return frame }

// ChannelOpen opens channel Channel.
type ChannelOpen struct{ Chan }

// Size counts the encoded bytes.
func (m *ChannelOpen) Size() int { return method + 1 }

// ChannelOpenOk confirms it.
type ChannelOpenOk struct{ Chan }

// Size counts the encoded bytes.
func (m *ChannelOpenOk) Size() int { return method + 4 }

// ChannelClose ends a channel with a reason: 404, 405, 406 ...
type ChannelClose struct {
	Chan
	Code uint16
	Text string
}

// Size counts the encoded bytes.
func (m *ChannelClose) Size() int { return method + 2 + short(m.Text) + 4 }

// ChannelCloseOk confirms it.
type ChannelCloseOk struct{ Chan }

// Size counts the encoded bytes.
func (m *ChannelCloseOk) Size() int { return method }

// QueueArgs are the arguments of queue.declare that the model knows.
type QueueArgs struct {
	MaxLength    int64  // x-max-length; 0: none
	Overflow     string // x-overflow: "" drop-head, reject-publish
	Version      int    // x-queue-version: 0 the default, 1, 2
	SingleActive bool   // x-single-active-consumer
	Type         string // x-queue-type: "" classic, quorum
	GroupSize    int    // x-quorum-initial-group-size; 0: the default
	// DeliveryLimit is x-delivery-limit, or a version's default; -1: none.
	DeliveryLimit int
}

// Quorum is x-queue-type of a quorum queue.
const Quorum = "quorum"

// IsQuorum says whether the queue is a quorum queue.
func (a *QueueArgs) IsQuorum() bool { return a.Type == Quorum }

func (a *QueueArgs) size() int {
	n := 4 + tableShort("x-queue-type", "classic")
	if a.IsQuorum() {
		n += len(Quorum) - len("classic")
	}
	if a.GroupSize > 0 {
		n += short("x-quorum-initial-group-size") + 1 + 4
	}
	if a.MaxLength > 0 {
		n += short("x-max-length") + 1 + 8
	}
	if a.Overflow != "" {
		n += tableShort("x-overflow", a.Overflow)
	}
	if a.Version > 0 {
		n += short("x-queue-version") + 1 + 4
	}
	if a.SingleActive {
		n += short("x-single-active-consumer") + 1 + 1
	}
	return n
}

// tableShort is a table field with a long string value.
func tableShort(key, value string) int { return short(key) + 1 + 4 + len(value) }

// QueueDeclare declares or, if Passive, only looks.
type QueueDeclare struct {
	Chan
	Queue      string
	Passive    bool
	Durable    bool
	Exclusive  bool
	AutoDelete bool
	Args       QueueArgs
}

// Size counts the encoded bytes.
func (m *QueueDeclare) Size() int { return method + 2 + short(m.Queue) + 1 + m.Args.size() }

// QueueDeclareOk answers it.
type QueueDeclareOk struct {
	Chan
	Queue     string
	Messages  uint32
	Consumers uint32
}

// Size counts the encoded bytes.
func (m *QueueDeclareOk) Size() int { return method + short(m.Queue) + 8 }

// QueueDelete deletes a queue.
type QueueDelete struct {
	Chan
	Queue             string
	IfUnused, IfEmpty bool
}

// Size counts the encoded bytes.
func (m *QueueDelete) Size() int { return method + 2 + short(m.Queue) + 1 }

// QueueDeleteOk answers it.
type QueueDeleteOk struct {
	Chan
	Messages uint32
}

// Size counts the encoded bytes.
func (m *QueueDeleteOk) Size() int { return method + 4 }

// ExchangeDeclare declares an exchange; Type is "fanout".
type ExchangeDeclare struct {
	Chan
	Exchange string
	Type     string
	Durable  bool
}

// Size counts the encoded bytes.
func (m *ExchangeDeclare) Size() int { return method + 2 + short(m.Exchange) + short(m.Type) + 1 + 4 }

// ExchangeDeclareOk answers it.
type ExchangeDeclareOk struct{ Chan }

// Size counts the encoded bytes.
func (m *ExchangeDeclareOk) Size() int { return method }

// QueueBind binds a queue to an exchange.
type QueueBind struct {
	Chan
	Queue, Exchange, Key string
}

// Size counts the encoded bytes.
func (m *QueueBind) Size() int {
	return method + 2 + short(m.Queue) + short(m.Exchange) + short(m.Key) + 1 + 4
}

// QueueBindOk answers it.
type QueueBindOk struct{ Chan }

// Size counts the encoded bytes.
func (m *QueueBindOk) Size() int { return method }

// ConfirmSelect puts a channel into confirm mode.
type ConfirmSelect struct{ Chan }

// Size counts the encoded bytes.
func (m *ConfirmSelect) Size() int { return method + 1 }

// ConfirmSelectOk answers it.
type ConfirmSelectOk struct{ Chan }

// Size counts the encoded bytes.
func (m *ConfirmSelectOk) Size() int { return method }

// Publish is basic.publish with its content. In confirm mode both sides count publishes from 1.
type Publish struct {
	Chan
	Mandatory bool
	Exchange  string // "": the default exchange, Key names a queue
	Key       string
	Content
}

// Size counts the encoded bytes.
func (m *Publish) Size() int {
	return method + 2 + short(m.Exchange) + short(m.Key) + 1 + m.Content.size()
}

// Return is basic.return: a mandatory message that no queue took. The confirm follows.
type Return struct {
	Chan
	Code     uint16
	Exchange string
	Key      string
	Content
}

// Size counts the encoded bytes.
func (m *Return) Size() int {
	return method + 2 + short(textNoRoute) + short(m.Exchange) + short(m.Key) + m.Content.size()
}

// Ack is basic.ack, from a node (confirm) or from a consumer.
type Ack struct {
	Chan
	Tag      uint64
	Multiple bool
}

// Size counts the encoded bytes.
func (m *Ack) Size() int { return method + 8 + 1 }

// Nack is basic.nack, either way. Requeue is the consumer's.
type Nack struct {
	Chan
	Tag      uint64
	Multiple bool
	Requeue  bool
}

// Size counts the encoded bytes.
func (m *Nack) Size() int { return method + 8 + 1 }

// Qos sets the prefetch of consumers that follow; Global: of the channel.
type Qos struct {
	Chan
	Prefetch uint16
	Global   bool
}

// Size counts the encoded bytes.
func (m *Qos) Size() int { return method + 4 + 2 + 1 }

// QosOk answers it.
type QosOk struct{ Chan }

// Size counts the encoded bytes.
func (m *QosOk) Size() int { return method }

// Consume starts a consumer. CancelOnFailover is x-cancel-on-ha-failover.
type Consume struct {
	Chan
	Queue            string
	Tag              string // consumer tag
	NoAck            bool
	CancelOnFailover bool
	Priority         int32
}

// Size counts the encoded bytes.
func (m *Consume) Size() int {
	n := method + 2 + short(m.Queue) + short(m.Tag) + 1 + 4
	if m.CancelOnFailover {
		n += short("x-cancel-on-ha-failover") + 1 + 1
	}
	if m.Priority != 0 {
		n += short("x-priority") + 1 + 4
	}
	return n
}

// ConsumeOk answers it.
type ConsumeOk struct {
	Chan
	Tag string
}

// Size counts the encoded bytes.
func (m *ConsumeOk) Size() int { return method + short(m.Tag) }

// Cancel ends a consumer, from either side (consumer_cancel_notify).
type Cancel struct {
	Chan
	Tag string
}

// Size counts the encoded bytes.
func (m *Cancel) Size() int { return method + short(m.Tag) + 1 }

// CancelOk answers a client's Cancel.
type CancelOk struct {
	Chan
	Tag string
}

// Size counts the encoded bytes.
func (m *CancelOk) Size() int { return method + short(m.Tag) }

// Deliver is basic.deliver with its content. Key is the routing key that it was published with.
type Deliver struct {
	Chan
	ConsumerTag string
	Tag         uint64
	Redelivered bool
	Exchange    string
	Key         string
	Content
}

// Size counts the encoded bytes.
func (m *Deliver) Size() int {
	return method + short(m.ConsumerTag) + 8 + 1 + short(m.Exchange) + short(m.Key) + m.Content.size()
}
