package broker

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
)

// Files below the store's directory (BrokerPathConfigHelper). They are not synced by anybody: a power
// loss may bring an older one back. A table that did not change is not written again.
const (
	fileTopics  = "config/topics.json"
	fileOffsets = "config/consumerOffset.json"
	fileDelays  = "config/delayOffset.json"
	fileGroups  = "config/subscriptionGroup.json"
)

// The tables as the broker writes them: what a field means is in TopicConfig.java,
// SubscriptionGroupConfig.java and the managers. Fields come in order of their names, as fastjson puts them.
type topicsFile struct {
	Version versionField          `json:"dataVersion"`
	Topics  map[string]topicField `json:"topicConfigTable"`
}

type versionField struct {
	Counter   int64 `json:"counter"`
	Timestamp int64 `json:"timestamp"`
}

type topicField struct {
	Order       bool   `json:"order"`
	Perm        uint8  `json:"perm"`
	ReadQueues  int32  `json:"readQueueNums"`
	FilterType  string `json:"topicFilterType"`
	Topic       string `json:"topicName"`
	SysFlag     int    `json:"topicSysFlag"`
	WriteQueues int32  `json:"writeQueueNums"`
}

type groupsFile struct {
	Version versionField          `json:"dataVersion"`
	Groups  map[string]groupField `json:"subscriptionGroupTable"`
}

type groupField struct {
	BrokerID    int64  `json:"brokerId"`
	Broadcast   bool   `json:"consumeBroadcastEnable"`
	Consume     bool   `json:"consumeEnable"`
	FromMin     bool   `json:"consumeFromMinEnable"`
	Group       string `json:"groupName"`
	Notify      bool   `json:"notifyConsumerIdsChangedEnable"`
	RetryMax    int32  `json:"retryMaxTimes"`
	RetryQueues int    `json:"retryQueueNums"`
	WhenSlow    int64  `json:"whichBrokerWhenConsumeSlowly"`
}

type offsetsFile struct {
	Offsets map[string]map[int32]int64 `json:"offsetTable"` // "topic@group": queue: offset
}

type delaysFile struct {
	Offsets map[int]int64 `json:"offsetTable"` // level: offset
}

// loadConfigs reads the tables of the last incarnation. What is missing or broken is empty.
func (b *Broker) loadConfigs() {
	var t topicsFile
	if b.readFile(fileTopics, &t) {
		for _, name := range slices.Sorted(maps.Keys(t.Topics)) {
			f := t.Topics[name]
			b.topics.put(wire.TopicConfig{Topic: name, ReadQueues: f.ReadQueues, WriteQueues: f.WriteQueues, Perm: f.Perm, Order: f.Order})
		}
		b.topics.version = wire.DataVersion{Timestamp: t.Version.Timestamp, Counter: t.Version.Counter}
	}
	var g groupsFile
	if b.readFile(fileGroups, &g) {
		b.groups.names, b.groups.version = slices.Sorted(maps.Keys(g.Groups)), wire.DataVersion{Timestamp: g.Version.Timestamp, Counter: g.Version.Counter}
	}
	var o offsetsFile
	if b.readFile(fileOffsets, &o) {
		for key, qs := range o.Offsets { //mqsim:unordered into a map
			topic, group, _ := strings.Cut(key, "@")
			for id, v := range qs { //mqsim:unordered into a map
				b.offsets.m[lockKey{group, wire.Queue{Topic: topic, ID: id}}] = v
			}
		}
	}
	var d delaysFile
	if b.readFile(fileDelays, &d) {
		b.delays.offsets = make([]int64, len(b.cfg.DelayLevels))
		for i := range b.delays.offsets {
			b.delays.offsets[i] = d.Offsets[i+1]
		}
	}
}

func (b *Broker) persistAll() {
	b.persistTopics()
	b.persistGroups()
	b.persistOffsets()
	b.persistDelays()
}

func (b *Broker) persistTopics() {
	if b.topics.dirty {
		b.topics.dirty = false
		f := topicsFile{fieldOf(b.topics.version), map[string]topicField{}}
		for _, t := range b.topics.configs() {
			f.Topics[t.Topic] = topicField{t.Order, t.Perm, t.ReadQueues, "SINGLE_TAG", t.Topic, 0, t.WriteQueues}
		}
		b.writeFile(fileTopics, f)
	}
}

func (b *Broker) persistGroups() {
	if b.groups.dirty {
		b.groups.dirty = false
		f := groupsFile{fieldOf(b.groups.version), map[string]groupField{}}
		for _, name := range b.groups.names {
			f.Groups[name] = groupField{0, true, true, true, name, true, b.cfg.RetryMax, 1, 1}
		}
		b.writeFile(fileGroups, f)
	}
}

func (b *Broker) persistOffsets() {
	if !b.offsets.dirty {
		return
	}
	b.offsets.dirty = false
	f := offsetsFile{Offsets: map[string]map[int32]int64{}}
	for k, v := range b.offsets.m { //mqsim:unordered into a map that is encoded in order
		key := k.queue.Topic + "@" + k.group
		qs := f.Offsets[key]
		if qs == nil {
			qs = map[int32]int64{}
			f.Offsets[key] = qs
		}
		qs[k.queue.ID] = v
	}
	b.writeFile(fileOffsets, f)
}

func (b *Broker) persistDelays() {
	if !b.delays.dirty {
		return
	}
	b.delays.dirty = false
	f := delaysFile{Offsets: map[int]int64{}}
	for i, v := range b.delays.offsets {
		f.Offsets[i+1] = v
	}
	b.writeFile(fileDelays, f)
}

func (b *Broker) path(name string) string { return b.cfg.Store.Dir + "/" + name }

// writeFile replaces a file. Errors are logged and forgotten.
func (b *Broker) writeFile(name string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic("rocketmq broker: " + name + ": " + err.Error())
	}
	data = store.FastJSON(data)
	if err := store.WriteMeta(b.p.FS(0), b.path(name), data); err != nil {
		b.p.Probe("rocketmq-config-not-written")
	}
}

// readFile reads a table; an empty or broken file gives way to its .bak.
func (b *Broker) readFile(name string, v any) bool {
	return store.ReadMeta(b.p.FS(0), b.path(name), func(data []byte) bool { return json.Unmarshal(store.StandardJSON(data), v) == nil })
}

func fieldOf(v wire.DataVersion) versionField { return versionField{v.Counter, v.Timestamp} }
