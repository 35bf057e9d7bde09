package broker

import (
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Names of the broker's own topics (common/topic/TopicValidator.java, MixAll.java).
const (
	scheduleTopic = "SCHEDULE_TOPIC_XXXX"
	retryPrefix   = "%RETRY%"
	dlqPrefix     = "%DLQ%"
)

// RetryTopic is the topic from which a group receives what it failed to process.
func RetryTopic(group string) string { return retryPrefix + group }

// DLQTopic holds what a group gave up.
func DLQTopic(group string) string { return dlqPrefix + group }

// topic is one entry of the topic table with what the broker keeps for its queues.
type topic struct {
	cfg    wire.TopicConfig
	queues []queue
}

// queue is the state of one message queue outside the store.
type queue struct {
	held []held // pulls that wait for a message
	next int64  // queue offset after the last put of this incarnation; 0: none yet
}

// topics is TopicConfigManager: by name, with the version that registrations carry.
type topics struct {
	byName  map[string]*topic
	names   []string // sorted
	version wire.DataVersion
	dirty   bool
}

func (t *topics) get(name string) *topic { return t.byName[name] }

// put adds or changes a topic; held pulls and queue states stay.
func (t *topics) put(cfg wire.TopicConfig) *topic {
	x := t.byName[cfg.Topic]
	if x == nil {
		x = &topic{}
		if t.byName == nil {
			t.byName = map[string]*topic{}
		}
		t.byName[cfg.Topic] = x
		i, _ := slices.BinarySearch(t.names, cfg.Topic)
		t.names = slices.Insert(t.names, i, cfg.Topic)
	}
	x.cfg = cfg
	for int32(len(x.queues)) < max(cfg.ReadQueues, cfg.WriteQueues) {
		x.queues = append(x.queues, queue{})
	}
	return x
}

// configs is the table as it is registered, persisted and synced.
func (t *topics) configs() []wire.TopicConfig {
	out := make([]wire.TopicConfig, 0, len(t.names))
	for _, n := range t.names {
		out = append(out, t.byName[n].cfg)
	}
	return out
}

// replace takes the master's table (SlaveSynchronize.syncTopicConfig).
func (t *topics) replace(v wire.DataVersion, list []wire.TopicConfig) {
	old := t.byName
	t.byName, t.names, t.version, t.dirty = map[string]*topic{}, t.names[:0], v, true
	for i := range list {
		if x := old[list[i].Topic]; x != nil {
			t.byName[list[i].Topic] = x
			j, _ := slices.BinarySearch(t.names, list[i].Topic)
			t.names = slices.Insert(t.names, j, list[i].Topic)
		}
		t.put(list[i])
	}
}

// createTopic adds a topic, persists the table and registers it at once (TopicConfigManager).
func (b *Broker) createTopic(cfg wire.TopicConfig) *topic {
	t := b.topics.put(cfg)
	b.topics.version = wire.DataVersion{Timestamp: b.p.Wall(), Counter: b.topics.version.Counter + 1}
	b.topics.dirty = true
	b.persistTopics()
	if b.phase == serving {
		b.register()
	}
	return t
}

// sendTopic finds the topic of a send, creating it if that is allowed: with as many queues as the client
// asks for, but no more than the template TBW102 has (createTopicInSendMessageMethod).
func (b *Broker) sendTopic(name string, nums int32) *topic {
	if t := b.topics.get(name); t != nil {
		return t
	}
	if strings.HasPrefix(name, retryPrefix) {
		return b.retryTopic(name)
	}
	if !b.cfg.AutoCreateTopic {
		return nil
	}
	n := max(min(nums, b.cfg.TopicQueueNums), 0)
	return b.createTopic(wire.TopicConfig{Topic: name, ReadQueues: n, WriteQueues: n, Perm: wire.PermRead | wire.PermWrite})
}

// retryTopic finds or makes a topic with one queue (createTopicInSendMessageBackMethod).
func (b *Broker) retryTopic(name string) *topic {
	if t := b.topics.get(name); t != nil {
		return t
	}
	return b.createTopic(wire.TopicConfig{Topic: name, ReadQueues: 1, WriteQueues: 1, Perm: wire.PermRead | wire.PermWrite})
}

// createRequested executes UPDATE_AND_CREATE_TOPIC.
func (b *Broker) createRequested(c *sim.Conn, m *wire.CreateTopicRequest) {
	b.createTopic(m.TopicConfig)
	b.reply(c, &wire.Answer{RespHeader: wire.RespHeader{Opaque: m.Opaque}})
}
