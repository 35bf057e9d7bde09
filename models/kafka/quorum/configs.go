package quorum

import (
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/wire"
)

// TopicSettings are those settings of a topic that the controller goes by.
type TopicSettings struct {
	MinISR  int
	Unclean bool
}

// topic is what a topic is configured with: at the start, or as it was changed since.
func (c *Controller) topic(name string) TopicSettings {
	if t, ok := c.topics[name]; ok {
		return t
	}
	t := TopicSettings{MinISR: c.set.MinISR(name), Unclean: c.set.Unclean(name)}
	if c.set.TopicWith != nil {
		t = c.set.TopicWith(name, c.img.Configs(metadata.BrokerConfig, ""), c.img.Configs(metadata.TopicConfig, name))
	}
	if c.topics == nil {
		c.topics = map[string]TopicSettings{}
	}
	c.topics[name] = t
	return t
}

// alterConfigs is ConfigurationControlManager.incrementalAlterConfigs. With eligible leader replicas, a change
// of min.insync.replicas looks at the ELRs anew (getPartitionElrUpdatesForConfigChanges, 4.1).
func (c *Controller) alterConfigs(m *wire.AlterConfigsRequest, reply func(wire.Response)) {
	resp := &wire.AlterConfigsResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
	switch {
	case c.img == nil:
		resp.Err = wire.NotController
	case m.Topic != "" && c.img.Topic(m.Topic) == nil:
		resp.Err = wire.UnknownTopicOrPartition
	}
	if resp.Err != wire.None {
		reply(resp)
		return
	}
	kind, resource := metadata.TopicConfig, m.Topic
	if m.Topic == "" {
		kind = metadata.BrokerConfig
		if m.Broker >= 0 {
			resource = strconv.Itoa(int(m.Broker))
		}
	}
	var out []metadata.Record
	minISR := false
	for _, s := range m.Configs {
		out = append(out, &metadata.Config{Type: kind, Resource: resource, Name: s.Name, Value: s.Value})
		minISR = minISR || s.Name == "min.insync.replicas"
	}
	c.write(out, func(committed bool) {
		if !committed {
			resp = &wire.AlterConfigsResponse{RespHeader: resp.RespHeader, Err: wire.NotController}
		}
		reply(resp)
	})
	if minISR && c.elr() {
		c.write(c.renewELRs(), nil)
	}
}

// renewELRs are changes of partitions whose ELR is another under the settings of now.
func (c *Controller) renewELRs() []metadata.Record {
	var out []metadata.Record
	for _, s := range c.img.Partitions() {
		if len(s.ELR) == 0 {
			continue
		}
		if x := c.of(s).build(); x != nil {
			out = append(out, x)
		}
	}
	return out
}
