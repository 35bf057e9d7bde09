package controller

import (
	"encoding/json"
	"slices"

	"github.com/mqsim/mqsim/models/kafka/wire"
)

// Settings that were changed while the cluster ran stand below /config (ConfigEntityZNode,
// ConfigEntityChangeNotificationZNode).

// ConfigNotes is where notes about changed settings are; ZooKeeper appends a number to ConfigNotePath.
const (
	ConfigNotes    = pathConfig + "/changes"
	ConfigNotePath = ConfigNotes + "/config_change_"
)

// ConfigPath is the znode of an entity's settings: topics/t0, brokers/1, brokers/<default>.
func ConfigPath(entity string) string { return pathConfig + "/" + entity }

type configJSON struct {
	Version int               `json:"version"`
	Config  map[string]string `json:"config"`
}

// MergeConfig is the content of an entity's znode with settings added or replaced.
func MergeConfig(data []byte, over []wire.Setting) []byte {
	j := configJSON{Version: 1}
	if json.Unmarshal(data, &j) != nil || j.Config == nil {
		j.Config = map[string]string{}
	}
	for _, s := range over {
		j.Config[s.Name] = s.Value
	}
	return mustJSON(&j)
}

// DecodeConfig reads an entity's settings, in order of their names.
func DecodeConfig(data []byte) []wire.Setting {
	var j configJSON
	if json.Unmarshal(data, &j) != nil {
		return nil
	}
	var out []wire.Setting
	for name, value := range j.Config { //mqsim:unordered sorted below
		out = append(out, wire.Setting{Name: name, Value: value})
	}
	slices.SortFunc(out, func(a, b wire.Setting) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

type configNoteJSON struct {
	Version int    `json:"version"`
	Entity  string `json:"entity_path"`
}

// EncodeConfigNote is a note that the settings of an entity changed.
func EncodeConfigNote(entity string) []byte { return mustJSON(&configNoteJSON{2, entity}) }

// DecodeConfigNote is the entity that a note names, "" if it cannot be read.
func DecodeConfigNote(data []byte) string {
	var j configNoteJSON
	if json.Unmarshal(data, &j) != nil {
		return ""
	}
	return j.Entity
}

// Reconfigured tells that settings changed: where unclean elections are allowed now, partitions without a
// leader may get one (KafkaController.processTopicUncleanLeaderElectionEnable).
func (c *Controller) Reconfigured() {
	if !c.IsActive() {
		return
	}
	c.put(func(done func()) {
		if !c.IsActive() || c.parts == nil {
			done()
			return
		}
		var parts []*partition
		for _, p := range c.order {
			if p.state == stateOffline && c.env.Unclean(p.tp.Topic) {
				parts = append(parts, p)
			}
		}
		c.electAll(parts, offlinePartition, nil, done)
	})
}
