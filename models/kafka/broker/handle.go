package broker

import (
	"github.com/mqsim/mqsim/models/kafka/group"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// handle executes a request (KafkaApis.handle). Every request is answered through reply, or ended
// with finishQuietly or hangup, at once or later.
func (b *Broker) handle(c *sim.Conn, m wire.Request) {
	if b.phase == closing {
		return // SocketServer.stopProcessingRequests: nobody answers any more
	}
	switch m := m.(type) {
	case *wire.ProduceRequest:
		b.rm.Produce(c, m)
	case *wire.FetchRequest:
		b.rm.Fetch(c, m)
	case *wire.ListOffsetsRequest:
		b.reply(c, b.rm.ListOffsets(m))
	case *wire.OffsetsForLeaderEpochRequest:
		b.reply(c, b.rm.OffsetsForLeaderEpoch(m))
	case *wire.ApiVersionsRequest:
		b.reply(c, &wire.ApiVersionsResponse{RespHeader: wire.RespHeader{Corr: m.Corr}})
	case *wire.MetadataRequest:
		b.reply(c, b.metadataFor(m))
	case *wire.InitProducerIdRequest:
		b.initProducerID(c, m)
	case *wire.CreateTopicsRequest:
		b.co.createTopics(c, m)
	case *wire.ElectLeadersRequest:
		b.co.electLeaders(c, m)
	default:
		if !b.handleGroup(c, m) && !b.co.control(c, m) {
			b.p.Probe("kafka-unknown-request")
			b.hangup(c)
		}
	}
}

func (b *Broker) handleGroup(c *sim.Conn, m wire.Request) bool {
	switch m := m.(type) {
	case *wire.FindCoordinatorRequest:
		b.reply(c, b.findCoordinator(m))
	case *wire.JoinGroupRequest:
		b.group.Join(c, m)
	case *wire.SyncGroupRequest:
		b.group.Sync(c, m)
	case *wire.HeartbeatRequest:
		b.group.Heartbeat(c, m)
	case *wire.LeaveGroupRequest:
		b.group.Leave(c, m)
	case *wire.OffsetCommitRequest:
		b.group.Commit(c, m)
	case *wire.OffsetFetchRequest:
		b.group.FetchOffsets(c, m)
	default:
		return false
	}
	return true
}

// stale says that a command of the controller is for an earlier incarnation of this broker (KIP-380).
func (b *Broker) stale(epoch int64) bool { return epoch < b.epoch && !b.cfg.AnyIncarnation }

// handleControl executes what comes over the control plane: the controller's commands, and requests
// to the controller. A command for an earlier incarnation is refused (KIP-380).
func (b *Broker) handleControl(c *sim.Conn, m wire.Request) bool {
	switch m := m.(type) {
	case *wire.LeaderAndIsrRequest:
		if b.stale(m.BrokerEpoch) {
			b.p.Probe("kafka-stale-broker-epoch")
			b.reply(c, &wire.LeaderAndIsrResponse{RespHeader: wire.RespHeader{Corr: m.Corr}, Err: wire.StaleBrokerEpoch})
			return true
		}
		b.reply(c, b.rm.LeaderAndIsr(m))
		b.showRole()
	case *wire.UpdateMetadataRequest:
		b.reply(c, b.updateMetadata(m))
	case *wire.StopReplicaRequest:
		if b.stale(m.BrokerEpoch) {
			b.reply(c, &wire.StopReplicaResponse{RespHeader: wire.RespHeader{Corr: m.Corr}, Err: wire.StaleBrokerEpoch})
			return true
		}
		b.reply(c, b.rm.StopReplica(m))
	case *wire.AlterPartitionRequest:
		b.ctl.AlterPartition(m, func(r *wire.AlterPartitionResponse) { b.reply(c, r) })
	case *wire.AlterConfigsRequest:
		b.alterConfigs(c, m)
	case *wire.AlterReassignmentsRequest:
		b.ctl.Reassign(m, func(r *wire.AlterReassignmentsResponse) { b.reply(c, r) })
	case *wire.ControlledShutdownRequest:
		b.ctl.ControlledShutdown(m, func(r *wire.ControlledShutdownResponse) { b.reply(c, r) })
	default:
		return false
	}
	return true
}

func (b *Broker) updateMetadata(m *wire.UpdateMetadataRequest) *wire.UpdateMetadataResponse {
	r := &wire.UpdateMetadataResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
	switch {
	case b.stale(m.BrokerEpoch):
		r.Err = wire.StaleBrokerEpoch
	case !b.rm.Obeys(m.ControllerEpoch):
		r.Err = wire.StaleControllerEpoch
	default:
		b.meta.update(m)
		b.completeCreations()
	}
	return r
}

func (b *Broker) findCoordinator(m *wire.FindCoordinatorRequest) *wire.FindCoordinatorResponse {
	r := &wire.FindCoordinatorResponse{RespHeader: wire.RespHeader{Corr: m.Corr}, Group: m.Group, Node: wire.Node{ID: -1}}
	st := b.meta.partition(wire.TopicPartition{Topic: group.Topic, Partition: b.group.PartitionOf(m.Group)})
	if st != nil {
		if n, ok := b.meta.node(st.Leader); ok {
			r.Node = n
			return r
		}
	}
	r.Err = wire.CoordinatorNotAvailable
	return r
}

// creation is a CreateTopics request that waits until this broker's own cache knows a leader for every
// partition (DelayedCreatePartitions).
type creation struct {
	c        *sim.Conn
	corr     int32
	asked    []wire.NewTopic
	out      []wire.CreatedTopic
	deadline sim.Time
}

func (b *Broker) createTopics(c *sim.Conn, m *wire.CreateTopicsRequest) {
	if !b.ctl.IsActive() {
		r := &wire.CreateTopicsResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
		for i := range m.Topics {
			r.Topics = append(r.Topics, wire.CreatedTopic{Topic: m.Topics[i].Topic, Err: wire.NotController})
		}
		b.reply(c, r)
		return
	}
	wait := sim.Time(m.TimeoutMs) * sim.Millisecond
	b.ctl.CreateTopics(m.Topics, func(out []wire.CreatedTopic) {
		k := &creation{c: c, corr: m.Corr, asked: m.Topics, out: out, deadline: b.p.Now() + wait}
		b.creating = append(b.creating, k)
		b.p.After(wait, timerCreation, 0)
		b.completeCreations()
	})
}

func (b *Broker) completeCreations() {
	kept := b.creating[:0]
	for _, k := range b.creating {
		waiting := false
		for i := range k.out {
			if k.out[i].Err != wire.None {
				continue
			}
			for n := range k.asked[i].Assignment {
				st := b.meta.partition(wire.TopicPartition{Topic: k.asked[i].Topic, Partition: int32(n)})
				if st == nil || st.Leader < 0 {
					waiting = true
					if k.deadline <= b.p.Now() {
						k.out[i].Err = wire.RequestTimedOut
					}
				}
			}
		}
		if waiting && k.deadline > b.p.Now() {
			kept = append(kept, k)
			continue
		}
		b.reply(k.c, &wire.CreateTopicsResponse{RespHeader: wire.RespHeader{Corr: k.corr}, Topics: k.out})
	}
	clear(b.creating[len(kept):])
	b.creating = kept
}
