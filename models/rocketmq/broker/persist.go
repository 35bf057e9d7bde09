package broker

import (
	"encoding/json"
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

type topicsFile struct {
	Version wire.DataVersion   `json:"dataVersion"`
	Topics  []wire.TopicConfig `json:"topicConfigTable"`
}

type groupsFile struct {
	Version wire.DataVersion `json:"dataVersion"`
	Groups  []string         `json:"subscriptionGroupTable"`
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
		for i := range t.Topics {
			b.topics.put(t.Topics[i])
		}
		b.topics.version = t.Version
	}
	var g groupsFile
	if b.readFile(fileGroups, &g) {
		b.groups.names, b.groups.version = g.Groups, g.Version
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
		b.writeFile(fileTopics, topicsFile{b.topics.version, b.topics.configs()})
	}
}

func (b *Broker) persistGroups() {
	if b.groups.dirty {
		b.groups.dirty = false
		b.writeFile(fileGroups, groupsFile{b.groups.version, b.groups.names})
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
	if err := store.WriteMeta(b.p.FS(0), b.path(name), data); err != nil {
		b.p.Probe("rocketmq-config-not-written")
	}
}

// readFile reads a table; an empty or broken file gives way to its .bak.
func (b *Broker) readFile(name string, v any) bool {
	return store.ReadMeta(b.p.FS(0), b.path(name), func(data []byte) bool { return json.Unmarshal(data, v) == nil })
}
