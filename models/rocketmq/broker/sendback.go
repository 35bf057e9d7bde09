package broker

import (
	"bytes"

	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Properties of messages that come back (MessageConst).
const (
	propRetryTopic = "RETRY_TOPIC"
	propOriginID   = "ORIGIN_MESSAGE_ID"
)

// firstRetryLevel: the n-th retry waits for delay level 3+n (asyncConsumerSendMsgBack).
const firstRetryLevel = 3

// sendBack stores a message that a consumer failed to process again: for its group's retry topic, after
// a delay, or as dead letter. Nobody waits for flush or replicas of it.
func (b *Broker) sendBack(c *sim.Conn, m *wire.SendBackRequest) {
	a := &wire.Answer{RespHeader: wire.RespHeader{Opaque: m.Opaque}}
	var cur store.Cursor
	switch {
	case !b.cfg.isMaster():
		a.Code, a.Remark = wire.SystemError, "SERVICE_NOT_AVAILABLE"
	case !b.store.Record(m.Offset, &cur):
		a.Code, a.Remark = wire.SystemError, "look message by offset failed, "+itoa(m.Offset)
	default:
		msg := b.messageOf(&cur)
		if _, ok := store.Property(msg.Properties, propRetryTopic); !ok {
			msg.Properties = store.AppendProperty(msg.Properties, propRetryTopic, string(cur.Record.Topic))
		}
		limit := b.cfg.RetryMax
		if m.MaxReconsumeTimes >= 0 {
			limit = m.MaxReconsumeTimes
		}
		level := int(m.DelayLevel)
		msg.Properties = store.WithoutProperty(msg.Properties, store.PropDelay)
		if cur.Record.Reconsume >= limit || level < 0 {
			b.p.Probe("rocketmq-dead-letter")
			msg.Topic = DLQTopic(m.Group)
		} else {
			if level == 0 {
				level = firstRetryLevel + int(cur.Record.Reconsume)
			}
			msg.Topic = RetryTopic(m.Group)
			msg.Properties = store.AppendProperty(msg.Properties, store.PropDelay, itoa(int64(level)))
		}
		b.retryTopic(msg.Topic)
		msg.QueueID, msg.Reconsume = 0, cur.Record.Reconsume+1
		if _, ok := store.Property(msg.Properties, propOriginID); !ok {
			msg.Properties = store.AppendProperty(msg.Properties, propOriginID, m.OriginMsgID)
		}
		msg.Properties = withoutWait(msg.Properties)
		if r := b.store.put(&msg); r.code != wire.Success {
			a.Code, a.Remark = wire.SystemError, r.remark
		}
	}
	b.reply(c, a)
}

// withoutWait is setWaitStoreMsgOK(false).
func withoutWait(props []byte) []byte {
	return store.AppendProperty(store.WithoutProperty(props, store.PropWait), store.PropWait, "false")
}

// messageOf is a record as a message that can be stored again. The body stays shared.
func (b *Broker) messageOf(cur *store.Cursor) store.Message {
	r := &cur.Record
	msg := store.Message{Topic: string(r.Topic), QueueID: r.QueueID, Flag: r.Flag, SysFlag: r.SysFlag,
		BornTimestamp: r.BornTimestamp, BornHost: r.BornHost, Reconsume: r.Reconsume, Properties: bytes.Clone(r.Properties)}
	var few [4]sim.Ref
	switch refs := cur.Body(few[:0]); len(refs) {
	case 0:
	case 1:
		msg.Body = refs[0]
	default:
		msg.Body = b.p.W.Arena.Put(cur.BodyBytes()) // HA frames had cut it
	}
	return msg
}
