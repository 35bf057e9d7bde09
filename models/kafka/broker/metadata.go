package broker

import (
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/wire"
)

// metadata is the cache that a broker answers clients from (ZkMetadataCache): what the controller
// last told it, right or stale.
type metadata struct {
	controller int32
	live       []wire.Node
	fenced     []wire.Node                      // registered and fenced (KRaft): known, but told to nobody
	topics     map[string][]wire.PartitionState // by partition number; Leader -2: not told yet
	names      []string                         // in order of discovery
}

func (c *metadata) init() {
	c.controller = -1
	c.topics = map[string][]wire.PartitionState{}
}

func (c *metadata) node(id int32) (wire.Node, bool) {
	for i := range c.live {
		if c.live[i].ID == id {
			return c.live[i], true
		}
	}
	return wire.Node{ID: -1}, false
}

// address is where a broker is reached, also if it is fenced.
func (c *metadata) address(id int32) (wire.Node, bool) {
	for i := range c.fenced {
		if c.fenced[i].ID == id {
			return c.fenced[i], true
		}
	}
	return c.node(id)
}

func (c *metadata) alive(id int32) bool {
	_, ok := c.node(id)
	return ok
}

func (c *metadata) partition(tp wire.TopicPartition) *wire.PartitionState {
	parts := c.topics[tp.Topic]
	if int(tp.Partition) >= len(parts) || parts[tp.Partition].Leader == untold {
		return nil
	}
	return &parts[tp.Partition]
}

// untold marks a partition of which the cache has not heard.
const untold = -2

// update takes over what the controller sent.
func (c *metadata) update(m *wire.UpdateMetadataRequest) {
	c.controller = m.Controller
	c.live = m.Live
	for i := range m.Parts {
		c.set(&m.Parts[i])
	}
}

// set takes over the state of one partition.
func (c *metadata) set(st *wire.PartitionState) {
	parts, known := c.topics[st.Topic]
	if !known {
		c.names = append(c.names, st.Topic)
	}
	for int(st.Partition) >= len(parts) {
		parts = append(parts, wire.PartitionState{Leader: untold})
	}
	parts[st.Partition] = *st
	c.topics[st.Topic] = parts
}

// metadataFor answers a client (KafkaApis.handleTopicMetadataRequest). A leader that the cache does
// not list as live is reported as LEADER_NOT_AVAILABLE.
func (b *Broker) metadataFor(m *wire.MetadataRequest) *wire.MetadataResponse {
	c := &b.meta
	r := &wire.MetadataResponse{RespHeader: wire.RespHeader{Corr: m.Corr}, Brokers: c.live, Controller: -1}
	if c.alive(c.controller) {
		r.Controller = c.controller
	}
	topics := m.Topics
	if m.All {
		topics = c.names
	}
	r.Topics = make([]wire.TopicMetadata, len(topics))
	for i, name := range topics {
		t := &r.Topics[i]
		t.Topic = name
		parts, ok := c.topics[name]
		if !ok {
			t.Err = wire.UnknownTopicOrPartition
			continue
		}
		t.Parts = make([]wire.PartitionMetadata, 0, len(parts))
		for n := range parts {
			if parts[n].Leader != untold {
				t.Parts = append(t.Parts, c.describe(&parts[n]))
			}
		}
	}
	return r
}

func (c *metadata) describe(st *wire.PartitionState) wire.PartitionMetadata {
	p := wire.PartitionMetadata{
		Partition: st.Partition, Leader: st.Leader, LeaderEpoch: st.LeaderEpoch, Replicas: st.Replicas, ISR: st.ISR,
	}
	if !c.alive(st.Leader) {
		p.Err, p.Leader = wire.LeaderNotAvailable, -1
	}
	if dead := slices.IndexFunc(st.Replicas, func(id int32) bool { return !c.alive(id) }); dead >= 0 {
		for _, id := range st.Replicas {
			if !c.alive(id) {
				p.Offline = append(p.Offline, id)
			}
		}
	}
	return p
}

func itoa(n int32) string { return strconv.FormatInt(int64(n), 10) }
