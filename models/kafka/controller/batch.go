package controller

import (
	"slices"

	"github.com/mqsim/mqsim/models/kafka/wire"
)

// batch collects what brokers must be told about one change (ControllerBrokerRequestBatch).
type batch struct {
	leader  []toBroker
	update  []int32      // brokers that get UpdateMetadata, ascending
	updated []*partition // about these partitions
	stop    []toBroker
}

type toBroker struct {
	broker int32
	parts  []wire.PartitionState
	stops  []wire.StopPart
}

func find(list *[]toBroker, id int32) *toBroker {
	at, ok := slices.BinarySearchFunc(*list, id, func(b toBroker, id int32) int { return int(b.broker) - int(id) })
	if !ok {
		*list = slices.Insert(*list, at, toBroker{broker: id})
	}
	return &(*list)[at]
}

// leaderAndISR queues a partition's state for brokers, and its metadata for all.
func (b *batch) leaderAndISR(c *Controller, p *partition, brokers []int32, isNew bool) {
	for _, id := range brokers {
		if c.liveIndex(id) < 0 {
			continue
		}
		t := find(&b.leader, id)
		t.parts = append(t.parts, c.stateOf(p, isNew))
	}
	b.metadata(c.liveOrShuttingDown(), p)
}

// metadata queues UpdateMetadata; p nil means only the list of live brokers.
func (b *batch) metadata(brokers []int32, p *partition) {
	for _, id := range brokers {
		b.update = insert(b.update, id)
	}
	if p != nil && !slices.Contains(b.updated, p) {
		b.updated = append(b.updated, p)
	}
}

func (b *batch) stopReplica(id int32, p *partition) {
	t := find(&b.stop, id)
	t.stops = append(t.stops, wire.StopPart{TopicPartition: p.tp, LeaderEpoch: p.now.LeaderEpoch})
}

// deleteReplica queues the removal of a replica with its log.
func (b *batch) deleteReplica(id int32, p *partition) {
	b.stopReplica(id, p)
	t := find(&b.stop, id)
	t.stops[len(t.stops)-1].Delete = true
}

func (c *Controller) stateOf(p *partition, isNew bool) wire.PartitionState {
	return wire.PartitionState{
		TopicPartition: p.tp, ControllerEpoch: p.now.ControllerEpoch, Leader: p.now.Leader,
		LeaderEpoch: p.now.LeaderEpoch, ISR: p.now.ISR, PartitionEpoch: p.now.version,
		Replicas: p.replicas, IsNew: isNew, Recovering: p.now.Recovering,
	}
}

// flush sends the batch: LeaderAndIsr, then UpdateMetadata, then StopReplica.
func (c *Controller) flush() {
	b := c.out
	c.out = batch{}
	for i := range b.leader {
		t := &b.leader[i]
		c.sendLeaderAndISR(t)
	}
	if len(b.update) > 0 {
		c.sendMetadata(b.update, b.updated)
	}
	for i := range b.stop {
		t := &b.stop[i]
		if k := c.liveIndex(t.broker); k >= 0 {
			c.env.Send(t.broker, &wire.StopReplicaRequest{
				Controller: c.cfg.Broker, ControllerEpoch: c.epoch, BrokerEpoch: c.live[k].epoch, Parts: grouped(t.stops),
			})
		}
	}
}

func (c *Controller) sendLeaderAndISR(t *toBroker) {
	k := c.liveIndex(t.broker)
	if k < 0 {
		return
	}
	req := &wire.LeaderAndIsrRequest{
		Controller: c.cfg.Broker, ControllerEpoch: c.epoch, BrokerEpoch: c.live[k].epoch, Parts: t.parts,
	}
	var leaders []int32
	for i := range t.parts {
		leaders = insert(leaders, t.parts[i].Leader)
	}
	for _, id := range leaders {
		if j := c.liveIndex(id); j >= 0 {
			req.LiveLeaders = append(req.LiveLeaders, c.live[j].node)
		}
	}
	c.env.Send(t.broker, req)
}

func (c *Controller) sendMetadata(brokers []int32, parts []*partition) {
	live := make([]wire.Node, len(c.live))
	for i := range c.live {
		live[i] = c.live[i].node
	}
	states := make([]wire.PartitionState, len(parts))
	for i, p := range parts {
		states[i] = c.stateOf(p, false)
		states[i].Offline = filter(p.replicas, func(id int32) bool { return c.liveIndex(id) < 0 || contains(p.offline, id) })
	}
	for _, id := range brokers {
		if k := c.liveIndex(id); k >= 0 {
			c.env.Send(id, &wire.UpdateMetadataRequest{
				Controller: c.cfg.Broker, ControllerEpoch: c.epoch, BrokerEpoch: c.live[k].epoch,
				Parts: states, Live: live,
			})
		}
	}
}

// grouped keeps entries of one topic together, as the wire format nests them.
func grouped(parts []wire.StopPart) []wire.StopPart {
	slices.SortStableFunc(parts, func(a, b wire.StopPart) int {
		switch {
		case a.Topic < b.Topic:
			return -1
		case a.Topic > b.Topic:
			return 1
		}
		return int(a.Partition) - int(b.Partition)
	})
	return parts
}
