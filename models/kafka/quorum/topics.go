package quorum

import (
	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/wire"
)

// createTopics is ReplicationControlManager.createTopics with manual assignments: active replicas are in
// sync from the start, the first of them leads.
func (c *Controller) createTopics(m *wire.CreateTopicsRequest, reply func(wire.Response)) {
	resp := &wire.CreateTopicsResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
	refuse := func() {
		resp.Topics = nil
		for i := range m.Topics {
			resp.Topics = append(resp.Topics, wire.CreatedTopic{Topic: m.Topics[i].Topic, Err: wire.NotController})
		}
		reply(resp)
	}
	if c.img == nil {
		refuse()
		return
	}
	var out []metadata.Record
	for i := range m.Topics {
		records, e := c.createTopic(&m.Topics[i])
		out = append(out, records...)
		resp.Topics = append(resp.Topics, wire.CreatedTopic{Topic: m.Topics[i].Topic, Err: e})
	}
	c.write(out, func(committed bool) {
		if !committed {
			refuse()
			return
		}
		reply(resp)
	})
}

func (c *Controller) createTopic(t *wire.NewTopic) ([]metadata.Record, wire.Error) {
	switch {
	case c.img.Topic(t.Topic) != nil:
		return nil, wire.TopicAlreadyExists
	case len(t.Assignment) == 0:
		return nil, wire.InvalidPartitions
	}
	id := c.env.UUID()
	out := []metadata.Record{&metadata.Topic{Name: t.Topic, ID: id}}
	for _, s := range t.Configs {
		out = append(out, &metadata.Config{Type: metadata.TopicConfig, Resource: t.Topic, Name: s.Name, Value: s.Value})
	}
	for i, replicas := range t.Assignment {
		if len(replicas) == 0 || len(replicas) != len(t.Assignment[0]) {
			return nil, wire.InvalidReplicaAssignment
		}
		var isr []int32
		for _, b := range replicas {
			if c.img.Broker(b) == nil {
				return nil, wire.InvalidReplicaAssignment
			}
			if c.active(b) {
				isr = append(isr, b)
			}
		}
		if len(isr) == 0 {
			return nil, wire.InvalidReplicaAssignment
		}
		out = append(out, &metadata.Partition{
			Partition: int32(i), Topic: id, Replicas: replicas, ISR: isr, Leader: isr[0],
		})
	}
	return out, wire.None
}

// pidBlock is the number of producer ids in a block (ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE).
const pidBlock = 1000

// allocate is ProducerIdControlManager.generateNextProducerId.
func (c *Controller) allocate(m *wire.AllocateProducerIDsRequest, reply func(wire.Response)) {
	resp := &wire.AllocateProducerIDsResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
	switch {
	case c.img == nil:
		resp.Err = wire.NotController
	case c.img.Broker(m.Broker) == nil || c.img.Broker(m.Broker).Epoch != m.BrokerEpoch:
		resp.Err = wire.StaleBrokerEpoch
	}
	if resp.Err != wire.None {
		reply(resp)
		return
	}
	resp.Start, resp.Len = c.img.NextPID, pidBlock
	next := &metadata.ProducerIDs{Broker: m.Broker, Epoch: m.BrokerEpoch, Next: resp.Start + pidBlock}
	c.write([]metadata.Record{next}, func(committed bool) {
		if !committed {
			resp = &wire.AllocateProducerIDsResponse{RespHeader: resp.RespHeader, Err: wire.NotController}
		}
		reply(resp)
	})
}
