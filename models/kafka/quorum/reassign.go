package quorum

import (
	"slices"

	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/wire"
)

// A reassignment is a state of the partition (KIP-455): one record names the replicas of both assignments and
// which of them come and go; the change that finds all of the new assignment in the ISR ends it, in the same
// record that changes the ISR. It needs no task of its own and survives the controller.

// reassign is ReplicationControlManager.alterPartitionReassignments.
func (c *Controller) reassign(m *wire.AlterReassignmentsRequest, reply func(wire.Response)) {
	resp := &wire.AlterReassignmentsResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
	if c.img == nil {
		resp.Err = wire.NotController
		reply(resp)
		return
	}
	var out []metadata.Record
	for i := range m.Parts {
		q := &m.Parts[i]
		s := c.img.Partition(q.TopicPartition)
		e := c.mayReassign(s, q.Replicas)
		if e == wire.None {
			if x := c.reassigned(s, q.Replicas); x != nil {
				out = append(out, x)
			}
		}
		resp.Parts = append(resp.Parts, wire.PartError{TopicPartition: q.TopicPartition, Err: e})
	}
	c.write(out, func(committed bool) {
		if !committed {
			resp = &wire.AlterReassignmentsResponse{RespHeader: resp.RespHeader, Err: wire.NotController}
		}
		reply(resp)
	})
}

// mayReassign is validateManualPartitionAssignment: brokers that are registered, fenced or not, each once.
func (c *Controller) mayReassign(s *metadata.State, target []int32) wire.Error {
	if s == nil {
		return wire.UnknownTopicOrPartition
	}
	for i, id := range target {
		if c.img.Broker(id) == nil || slices.Contains(target[:i], id) {
			return wire.InvalidReplicaAssignment
		}
	}
	if len(target) == 0 {
		return wire.InvalidReplicaAssignment
	}
	return wire.None
}

// reassigned is changePartitionReassignment: the new assignment first, then those that go.
func (c *Controller) reassigned(s *metadata.State, target []int32) *metadata.PartitionChange {
	ch := c.of(s)
	ch.moves = true
	ch.removing, ch.adding = beyond(s.Replicas, target), beyond(target, s.Replicas)
	ch.replicas = append(slices.Clone(target), ch.removing...)
	return ch.build()
}

// beyond is what of a is not in b, ascending.
func beyond(a, b []int32) []int32 {
	var out []int32
	for _, id := range a {
		if !slices.Contains(b, id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// complete is completeReassignmentIfNeeded: when all of the new assignment are in the ISR, the others leave
// the assignment and the ISR.
func (c *change) complete() {
	if len(c.removing)+len(c.adding) == 0 {
		return
	}
	isr, replicas := outside(c.isr, c.removing), outside(c.replicas, c.removing)
	if len(isr) == 0 || len(replicas) == 0 || shrinks(replicas, isr) {
		return
	}
	c.isr, c.assignment = isr, assignment{replicas: replicas}
}

// outside is a without the members of b, in the order of a.
func outside(a, b []int32) []int32 {
	out := make([]int32, 0, len(a))
	for _, id := range a {
		if !slices.Contains(b, id) {
			out = append(out, id)
		}
	}
	return out
}

// setAssignment puts what changed of the assignment into the record.
func (c *change) setAssignment(m *metadata.PartitionChange) {
	if !slices.Equal(c.replicas, c.s.Replicas) {
		m.Replicas = list(c.replicas)
	}
	if !slices.Equal(c.removing, c.s.Removing) {
		m.Removing = list(c.removing)
	}
	if !slices.Equal(c.adding, c.s.Adding) {
		m.Adding = list(c.adding)
	}
}
