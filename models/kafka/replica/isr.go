package replica

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// alterRetry is the pause after a top-level error (AlterPartitionManager).
const alterRetry = 50 * sim.Millisecond

type changeKind uint8

const (
	settled changeKind = iota
	expanding
	shrinking
)

// isrChange is a change of the ISR that the controller has not answered yet.
type isrChange struct {
	kind    changeKind
	isr     []int32
	replica int32  // that joins
	seq     uint32 // which proposal this is
}

// maybeExpand is Partition.maybeExpandIsr: a follower joins when its log end reached the high
// watermark and the start of this leadership (KAFKA-7128), whatever the clock says.
func (p *Partition) maybeExpand(r *remote) {
	if p.change.kind != settled || contains(p.isr, r.id) || !p.eligible(r.id) {
		return
	}
	if r.leo < p.hw || r.leo < p.epochStart && !p.m.cfg.Rules.ExpandByHWOnly {
		return
	}
	isr := append(append(make([]int32, 0, len(p.isr)+1), p.isr...), r.id)
	p.propose(isrChange{kind: expanding, isr: isr, replica: r.id})
}

// maybeShrink is Partition.maybeShrinkIsr: the periodic task removes members that are not caught up.
func (p *Partition) maybeShrink(now sim.Time) {
	if p.role != roleLeader || p.change.kind != settled || len(p.isr) < 2 {
		return
	}
	var isr []int32
	for i := range p.remotes {
		r := &p.remotes[i]
		if !contains(p.isr, r.id) || p.caughtUp(r, now) {
			continue
		}
		if isr == nil {
			isr = append([]int32(nil), p.isr...)
		}
		isr = without(isr, r.id)
	}
	if isr != nil {
		p.propose(isrChange{kind: shrinking, isr: isr})
	}
}

func without(list []int32, id int32) []int32 {
	out := make([]int32, 0, len(list))
	for _, x := range list {
		if x != id {
			out = append(out, x)
		}
	}
	return out
}

// propose hands a change to the controller (Partition.submitAlterPartition).
func (p *Partition) propose(c isrChange) {
	p.m.proposals++
	c.seq = p.m.proposals
	p.change = c
	p.m.unsent = append(p.m.unsent, proposal{p, c.seq, wire.AlterPart{
		TopicPartition: p.TP, LeaderEpoch: p.leaderEpoch, ISR: c.isr, Epochs: p.epochsOf(c.isr), PartitionEpoch: p.partitionEpoch,
	}})
	p.m.sendAlter()
}

// epochsOf are the broker epochs of an ISR, where requests carry them (Partition.addBrokerEpochToIsr).
func (p *Partition) epochsOf(isr []int32) []int64 {
	if !p.m.cfg.BrokerEpochs {
		return nil
	}
	out := make([]int64, len(isr))
	for i, id := range isr {
		out[i] = p.brokerEpoch(id)
	}
	return out
}

// proposal is an entry of AlterPartitionManager's queue: at most one per partition, because a
// partition makes none while one is pending. A proposal that a new leadership made void stays queued
// and is refused by the controller, as in Kafka.
type proposal struct {
	p    *Partition
	seq  uint32
	part wire.AlterPart
}

// sendAlter sends all queued proposals unless a request is under way: one in flight per broker.
func (m *Manager) sendAlter() {
	if m.altering || len(m.unsent) == 0 || m.stopping {
		return
	}
	m.altering = true
	req := &wire.AlterPartitionRequest{Broker: m.cfg.Broker, BrokerEpoch: m.env.BrokerEpoch()}
	for i := range m.unsent {
		m.unsent[i].sentIn(req)
	}
	m.env.AlterPartition(req)
}

func (q *proposal) sentIn(req *wire.AlterPartitionRequest) {
	// Entries of one topic stand together: the wire format nests them.
	at := len(req.Parts)
	for at > 0 && req.Parts[at-1].Topic != q.part.Topic {
		at--
	}
	if at == 0 {
		at = len(req.Parts)
	}
	req.Parts = append(req.Parts, wire.AlterPart{})
	copy(req.Parts[at+1:], req.Parts[at:])
	req.Parts[at] = q.part
}

// AlterPartitionDone is the controller's answer; STALE_BROKER_EPOCH, NOT_CONTROLLER and other
// top-level errors are retried after 50 ms.
func (m *Manager) AlterPartitionDone(resp *wire.AlterPartitionResponse) {
	m.altering = false
	if resp.Err != wire.None {
		m.env.Probe("kafka-alter-partition-retry")
		m.env.After(alterRetry, timerAlterISR, 0)
		return
	}
	for i := range resp.Parts {
		r := &resp.Parts[i]
		for j := range m.unsent {
			if m.unsent[j].part.TopicPartition == r.TopicPartition {
				q := m.unsent[j]
				m.unsent = append(m.unsent[:j], m.unsent[j+1:]...)
				q.p.altered(q.seq, r)
				break
			}
		}
	}
	m.flush()
	m.sendAlter()
}

// altered is Partition.handleAlterPartitionUpdate and handleAlterPartitionError.
func (p *Partition) altered(seq uint32, r *wire.AlterResult) {
	if p.change.seq != seq || p.role != roleLeader {
		return // a newer LeaderAndIsr has replaced the state that this answers
	}
	switch r.Err {
	case wire.None:
	case wire.OperationNotAttempted, wire.IneligibleReplica:
		p.change = isrChange{}
		return
	case wire.UnknownTopicOrPartition, wire.FencedLeaderEpoch, wire.InvalidUpdateVersion, wire.InvalidRequest, wire.NewLeaderElected:
		// Stays pending until the controller sends newer state.
		p.m.env.Probe("kafka-alter-partition-refused")
		return
	default:
		c := p.change
		p.propose(c)
		return
	}
	if r.LeaderEpoch != p.leaderEpoch || r.PartitionEpoch < p.partitionEpoch {
		return
	}
	p.commitISR(r)
}

func (p *Partition) commitISR(r *wire.AlterResult) {
	old := p.isr
	switch {
	case p.m.cfg.Announced:
	case p.change.kind == shrinking:
		p.m.env.Emit("isr-shrink", p.name, "ISR "+ids(old)+" -> "+ids(r.ISR))
	default:
		p.m.env.Emit("isr-expand", p.name, "ISR "+ids(old)+" -> "+ids(r.ISR))
	}
	p.isr = append([]int32(nil), r.ISR...)
	p.partitionEpoch = r.PartitionEpoch
	p.recovering = r.Recovering
	p.change = isrChange{}
	p.m.stats.ISR(p.TP, p.leaderEpoch, p.partitionEpoch, p.isr)
	p.advanceHW()
	p.recheckSubs()
}

// recheckSubs: a follower that is outside the ISR is looked at on each fetch until it is in.
func (p *Partition) recheckSubs() {
	for _, f := range p.subs {
		if f.session.replica >= 0 && !contains(p.isr, f.session.replica) {
			f.heat()
		}
	}
}
