package quorum

import (
	"slices"

	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/wire"
)

// maxElections is the most partitions that one balancing event touches (ReplicationControlManager.
// MAX_ELECTIONS_PER_IMBALANCE).
const maxElections = 1000

// elr says whether eligible leader replicas are on in this cluster.
func (c *Controller) elr() bool { return c.img.Feature(featureELR) > 0 }

// of begins a change of a partition.
func (c *Controller) of(s *metadata.State) *change {
	t := c.topic(s.TP.Topic)
	ch := &change{s: s, may: c.active, minISR: t.MinISR, elr: c.elr(), bump: c.set.BumpOnShrink}
	if t.Unclean {
		ch.kind = unclean
	}
	return ch
}

// leave is generateLeaderAndIsrUpdates for a broker that goes: out of the ISR, except as its last member,
// and out of office.
func (c *Controller) leave(id int32, uncleanly bool) []metadata.Record {
	var out []metadata.Record
	for _, s := range c.img.Partitions() {
		if !slices.Contains(s.ISR, id) && !(uncleanly && slices.Contains(s.ELR, id)) {
			continue
		}
		ch := c.of(s)
		ch.may = func(x int32) bool { return x != id && c.active(x) }
		ch.isr = without(s.ISR, id)
		if uncleanly {
			ch.unclean = []int32{id}
		}
		if m := ch.build(); m != nil {
			out = append(out, m)
		}
	}
	return out
}

func (c *Controller) withoutBroker(id int32) []metadata.Record   { return c.leave(id, false) }
func (c *Controller) uncleanShutdown(id int32) []metadata.Record { return c.leave(id, true) }

// withBroker is generateLeaderAndIsrUpdates for a broker that comes back: partitions without a leader
// are tried again.
func (c *Controller) withBroker(id int32) []metadata.Record {
	var out []metadata.Record
	for _, s := range c.img.Partitions() {
		if s.Leader != metadata.NoLeader {
			continue
		}
		ch := c.of(s)
		ch.may = func(x int32) bool { return x == id || c.active(x) }
		if m := ch.build(); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// alter is ReplicationControlManager.alterPartition: leaders propose ISRs (KIP-497).
func (c *Controller) alter(m *wire.AlterPartitionRequest, reply func(wire.Response)) {
	resp := &wire.AlterPartitionResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
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
	var out []metadata.Record
	resp.Parts = make([]wire.AlterResult, len(m.Parts))
	for i := range m.Parts {
		q, a := &m.Parts[i], &resp.Parts[i]
		a.TopicPartition = q.TopicPartition
		s := c.img.Partition(q.TopicPartition)
		if a.Err = c.judge(m.Broker, s, q); a.Err != wire.None {
			continue
		}
		ch := c.of(s)
		ch.isr = q.ISR
		x := ch.build()
		if s.Recovering && !q.Recovering {
			if x == nil {
				x = &metadata.PartitionChange{Partition: s.TP.Partition, Topic: s.Topic, Leader: metadata.NoChange, Recovery: -1}
			}
			x.Recovery = 0
		}
		state := *s
		if x != nil {
			out = append(out, x)
			state.Merge(x)
			if state.Leader != s.Leader {
				// The new ISR ends a reassignment that takes the leader away: it is told so, and the change stands.
				a.Err = wire.NewLeaderElected
				continue
			}
		}
		a.Leader, a.LeaderEpoch, a.ISR = state.Leader, state.LeaderEpoch, state.ISR
		a.PartitionEpoch, a.Recovering = state.PartitionEpoch, state.Recovering
	}
	c.write(out, func(committed bool) {
		if !committed {
			resp = &wire.AlterPartitionResponse{RespHeader: resp.RespHeader, Err: wire.NotController}
		}
		reply(resp)
	})
}

// judge is validateAlterPartitionData.
func (c *Controller) judge(leader int32, s *metadata.State, q *wire.AlterPart) wire.Error {
	switch {
	case s == nil:
		return wire.UnknownTopicOrPartition
	case q.LeaderEpoch > s.LeaderEpoch || q.PartitionEpoch > s.PartitionEpoch:
		return wire.NotController // the leader knows more than this controller
	case q.LeaderEpoch < s.LeaderEpoch:
		return wire.FencedLeaderEpoch
	case s.Leader != leader:
		return wire.InvalidRequest
	case q.PartitionEpoch < s.PartitionEpoch:
		return wire.InvalidUpdateVersion
	case !slices.Contains(q.ISR, leader), q.Recovering && len(q.ISR) > 1, q.Recovering && !s.Recovering:
		return wire.InvalidRequest
	}
	for i, id := range q.ISR {
		if !slices.Contains(s.Replicas, id) {
			return wire.InvalidRequest
		}
		b := c.img.Broker(id)
		if b == nil || !b.Active() {
			c.env.Probe("kafka-ineligible-replica")
			return wire.IneligibleReplica
		}
		// KIP-903: the leader names the incarnation that it saw catch up.
		if c.set.BrokerEpochs && i < len(q.Epochs) && q.Epochs[i] >= 0 && q.Epochs[i] != b.Epoch {
			c.env.Probe("kraft-stale-isr-member")
			return wire.IneligibleReplica
		}
	}
	return wire.None
}

// electLeaders is ReplicationControlManager.electLeaders: what an operator asks for.
func (c *Controller) electLeaders(m *wire.ElectLeadersRequest, reply func(wire.Response)) {
	resp := &wire.ElectLeadersResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
	if c.img == nil {
		resp.Err = wire.NotController
		reply(resp)
		return
	}
	asked := m.Parts
	if m.All {
		asked = nil
		for _, s := range c.img.Partitions() {
			asked = append(asked, s.TP)
		}
	}
	var out []metadata.Record
	for _, tp := range asked {
		x, e := c.electOne(c.img.Partition(tp), m.Type)
		if x != nil {
			out = append(out, x)
		}
		resp.Parts = append(resp.Parts, wire.PartError{TopicPartition: tp, Err: e})
	}
	c.write(out, func(committed bool) {
		if !committed {
			resp = &wire.ElectLeadersResponse{RespHeader: resp.RespHeader, Err: wire.NotController}
		}
		reply(resp)
	})
}

func (c *Controller) electOne(s *metadata.State, kind int8) (*metadata.PartitionChange, wire.Error) {
	switch {
	case s == nil:
		return nil, wire.UnknownTopicOrPartition
	case kind == wire.ElectPreferred && s.Leader == s.Replicas[0], kind == wire.ElectUnclean && s.Leader >= 0:
		return nil, wire.ElectionNotNeeded
	}
	ch := c.of(s)
	ch.kind = unclean
	if kind == wire.ElectPreferred {
		ch.kind = preferred
	}
	x := ch.build()
	switch {
	case x != nil && x.Leader >= 0:
		return x, wire.None
	case kind == wire.ElectPreferred:
		return nil, wire.PreferredLeaderNotAvailable
	}
	return nil, wire.EligibleLeadersNotAvailable
}

// imbalanced says whether a partition has a leader, but not the first of its assignment.
func imbalanced(s *metadata.State) bool { return s.Leader >= 0 && s.Leader != s.Replicas[0] }

// noteBalance arms the balancer when a partition is led by another than its first replica
// (maybeScheduleNextBalancePartitionLeaders); there is no percentage as in ZooKeeper mode.
func (c *Controller) noteBalance(s *metadata.State) {
	if c.set.AutoRebalance && !c.bal && imbalanced(s) {
		c.bal = true
		c.env.After(c.set.ImbalanceCheck, timerBalance, c.term)
	}
}

// balance is ReplicationControlManager.maybeBalancePartitionLeaders.
func (c *Controller) balance() {
	c.bal = false
	var out []metadata.Record
	more, wrong := false, false
	for _, s := range c.img.Partitions() {
		if !imbalanced(s) {
			continue
		}
		wrong = true
		if len(out) == maxElections {
			more = true
			break
		}
		ch := c.of(s)
		ch.kind = preferred
		if x := ch.build(); x != nil {
			out = append(out, x)
		}
	}
	if len(out) > 0 {
		c.env.Probe("kafka-auto-rebalance")
	}
	switch {
	case more:
		c.bal = true
		c.env.After(0, timerBalance, c.term)
	case wrong:
		c.bal = true
		c.env.After(c.set.ImbalanceCheck, timerBalance, c.term)
	}
	c.write(out, nil)
}

// electUnclean is maybeElectUncleanLeaders: partitions without leader whose topic allows anybody.
func (c *Controller) electUnclean() {
	var out []metadata.Record
	for _, s := range c.img.Partitions() {
		if s.Leader != metadata.NoLeader || !c.topic(s.TP.Topic).Unclean {
			continue
		}
		if x := c.of(s).build(); x != nil {
			out = append(out, x)
		}
	}
	c.write(out, nil)
}
