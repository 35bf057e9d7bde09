package store

import (
	"bytes"
	"strconv"
)

// Names of properties (MessageConst).
const (
	PropKeys      = "KEYS"
	PropTags      = "TAGS"
	PropUniqKey   = "UNIQ_KEY"
	PropDelay     = "DELAY"
	PropWait      = "WAIT"
	PropRealTopic = "REAL_TOPIC"
	PropRealQueue = "REAL_QID"
)

// ScheduleTopic holds delayed messages (TopicValidator.RMQ_SYS_SCHEDULE_TOPIC).
const ScheduleTopic = "SCHEDULE_TOPIC_XXXX"

// Separators of encoded properties (MessageDecoder).
const (
	nameEnd  = 1
	valueEnd = 2
)

// Property is the value of a property in encoded properties; false if it is not there.
func Property(props []byte, name string) ([]byte, bool) {
	for len(props) > 0 {
		item := props
		if i := bytes.IndexByte(props, valueEnd); i >= 0 {
			item, props = props[:i], props[i+1:]
		} else {
			props = nil
		}
		if len(item) > len(name) && item[len(name)] == nameEnd && string(item[:len(name)]) == name {
			return item[len(name)+1:], true
		}
	}
	return nil, false
}

// known are the properties that the store looks at, nil if they are not there.
type known struct{ uniqKey, keys, tags, delay []byte }

// knownOf finds them in one pass; of two with the same name the first counts.
func knownOf(props []byte) (k known) {
	for len(props) > 0 {
		item := props
		if i := bytes.IndexByte(props, valueEnd); i >= 0 {
			item, props = props[:i], props[i+1:]
		} else {
			props = nil
		}
		n := bytes.IndexByte(item, nameEnd)
		if n < 0 {
			continue
		}
		at := (*[]byte)(nil)
		switch string(item[:n]) {
		case PropUniqKey:
			at = &k.uniqKey
		case PropKeys:
			at = &k.keys
		case PropTags:
			at = &k.tags
		case PropDelay:
			at = &k.delay
		}
		if at != nil && *at == nil {
			*at = item[n+1:]
		}
	}
	return k
}

// AppendProperty adds a property to encoded properties, each of which ends with 0x02 from 4.3 on
// (MessageDecoder.messageProperties2String).
func AppendProperty(props []byte, name, value string) []byte {
	if n := len(props); n > 0 && props[n-1] != valueEnd {
		props = append(props, valueEnd)
	}
	props = append(props, name...)
	props = append(props, nameEnd)
	props = append(props, value...)
	return append(props, valueEnd)
}

// WithoutProperty is a copy of encoded properties without one.
func WithoutProperty(props []byte, name string) []byte {
	out := make([]byte, 0, len(props))
	for len(props) > 0 {
		item := props
		if i := bytes.IndexByte(props, valueEnd); i >= 0 {
			item, props = props[:i], props[i+1:]
		} else {
			props = nil
		}
		if len(item) > len(name) && item[len(name)] == nameEnd && string(item[:len(name)]) == name {
			continue
		}
		out = append(append(out, item...), valueEnd)
	}
	return out
}

// TagsCode is the hash of a tag in a consume queue entry: String.hashCode, sign-extended
// (MessageExtBrokerInner.tagsString2tagsCode). Tags are taken to be ASCII.
func TagsCode(tag []byte) int64 {
	h := int32(0)
	for _, c := range tag {
		h = 31*h + int32(c)
	}
	return int64(h)
}

// tagsCodeOf is what the consume queue entry of a record holds: the hash of its tag, for a delayed
// message the time of its delivery (CommitLog.checkMessageAndReturnSize,
// ScheduleMessageService.computeDeliverTimestamp).
func (s *Store) tagsCodeOf(schedule bool, k *known, storeTime int64) int64 {
	if schedule {
		if level, err := strconv.Atoi(string(k.delay)); err == nil && level > 0 {
			return s.DeliverTime(level, storeTime)
		}
	}
	return TagsCode(k.tags)
}

// DeliverTime is when a message of a delay level is due; levels beyond the last count as the last.
func (s *Store) DeliverTime(level int, storeTime int64) int64 {
	levels := s.opt.DelayLevelsMs
	if len(levels) == 0 {
		return storeTime + 1000
	}
	return storeTime + levels[min(level, len(levels))-1]
}

// schedule redirects a delayed message to the schedule topic (CommitLog.asyncPutMessage).
func (s *Store) schedule(m *Message) Message {
	v, ok := Property(m.Properties, PropDelay)
	if !ok || m.SysFlag&sysTransaction != 0 && m.SysFlag&sysTransaction != SysCommit {
		return *m
	}
	level, err := strconv.Atoi(string(v))
	if err != nil || level <= 0 {
		return *m
	}
	out := *m
	props := append([]byte(nil), m.Properties...)
	if n := len(s.opt.DelayLevelsMs); level > n {
		level = n
		props = AppendProperty(WithoutProperty(props, PropDelay), PropDelay, strconv.Itoa(level))
	}
	props = AppendProperty(WithoutProperty(props, PropRealTopic), PropRealTopic, m.Topic)
	props = AppendProperty(WithoutProperty(props, PropRealQueue), PropRealQueue, strconv.Itoa(int(m.QueueID)))
	out.Topic, out.QueueID, out.Properties = ScheduleTopic, int32(level-1), props
	return out
}
