package quorum

import (
	"slices"

	"github.com/mqsim/mqsim/models/kafka/metadata"
)

// apply replays a committed record into the image. The first node of the cluster to do so, which is the
// one that committed it, tells the world what happened.
func (n *Node) apply(offset int64, m metadata.Record) {
	k := n.cfg.Cluster
	first := offset >= k.announced
	if first {
		k.announced = offset + 1
	}
	before := n.before(m)
	ch := n.img.Replay(m)
	if first {
		switch {
		case ch.Partition != nil:
			n.announce(&before, ch.Partition)
		case ch.Broker != nil:
			n.announceBroker(m, ch.Broker)
		}
	}
	if n.creates(ch.Config) {
		ch.Config = nil
	}
	if ch.Partition != nil || ch.Broker != nil || ch.Config != nil {
		n.host.Changed(ch)
	}
}

// creates says whether a setting belongs to the creation of its topic: its partitions come behind it.
func (n *Node) creates(m *metadata.Config) bool {
	if m == nil || m.Type != metadata.TopicConfig {
		return false
	}
	t := n.img.Topic(m.Resource)
	return t == nil || len(t.Parts) == 0
}

// before is the state of the partition that a record is about to change.
func (n *Node) before(m metadata.Record) metadata.State {
	if m, ok := m.(*metadata.PartitionChange); ok {
		if s := n.img.PartitionOf(m.Topic, m.Partition); s != nil {
			return *s
		}
	}
	return metadata.State{Leader: metadata.NoLeader, LeaderEpoch: -1, PartitionEpoch: -1}
}

// announce emits what a change of a partition means, and checks that its epochs rise (invariant I6).
func (n *Node) announce(old, s *metadata.State) {
	k := n.cfg.Cluster
	if e, ok := k.epochs[s.TP]; ok && (s.LeaderEpoch < e[0] || s.PartitionEpoch <= e[1]) {
		n.p.W.Violate("kafka-I6", s.Name+": epochs went from "+itoa(e[0])+"/"+itoa(e[1])+" to "+itoa(s.LeaderEpoch)+"/"+itoa(s.PartitionEpoch))
	}
	k.epochs[s.TP] = [2]int32{s.LeaderEpoch, s.PartitionEpoch}
	k.Stats.ISR(s.TP, s.LeaderEpoch, s.PartitionEpoch, s.ISR)
	if old.PartitionEpoch < 0 {
		return // its creation
	}
	n.announceMove(old, s)
	if a, b := len(old.ISR), len(s.ISR); a > b {
		n.p.Emit("isr-shrink", s.Name, "ISR "+ids(old.ISR)+" -> "+ids(s.ISR)+elrNote(s))
	} else if a < b {
		n.p.Emit("isr-expand", s.Name, "ISR "+ids(old.ISR)+" -> "+ids(s.ISR))
	}
	switch {
	case s.LeaderEpoch == old.LeaderEpoch:
	case s.Leader == metadata.NoLeader:
		n.emitOf(old.Leader, "leader-lost", s.Name, "broker-"+itoa(old.Leader)+" is gone, ISR "+ids(s.ISR)+elrNote(s))
	case s.Leader != old.Leader:
		how := ""
		lossy := !in(old.ISR, s.Leader) && !in(old.ELR, s.Leader)
		switch {
		case lossy:
			how = ", unclean"
		case !in(old.ISR, s.Leader):
			how = ", from the ELR"
		}
		after := ""
		if old.Leader >= 0 {
			after = " after broker-" + itoa(old.Leader)
		}
		k.Stats.Elected(s.TP, lossy)
		n.emitOf(s.Leader, "leader-elected", s.Name, "broker-"+itoa(s.Leader)+after+", epoch "+itoa(s.LeaderEpoch)+", ISR "+ids(s.ISR)+how)
	}
}

// announceMove tells of the beginning and the end of a reassignment.
func (n *Node) announceMove(old, s *metadata.State) {
	switch {
	case s.Reassigning() && !old.Reassigning():
		target := outside(s.Replicas, s.Removing)
		n.p.Emit("reassignment-started", s.Name, "to brokers "+ids(target)+", adding "+orNone(s.Adding)+", removing "+orNone(s.Removing))
	case !s.Reassigning() && (old.Reassigning() || !slices.Equal(old.Replicas, s.Replicas)):
		n.p.Emit("reassignment-finished", s.Name, "on brokers "+ids(s.Replicas))
	}
}

func orNone(list []int32) string {
	if len(list) == 0 {
		return "none"
	}
	return ids(list)
}

func elrNote(s *metadata.State) string {
	if len(s.ELR) == 0 {
		return ""
	}
	return ", ELR " + ids(s.ELR)
}

func (n *Node) announceBroker(m metadata.Record, b *metadata.Broker) {
	switch m := m.(type) {
	case *metadata.RegisterBroker:
		n.emitOf(b.ID, "broker-registered", "", "broker epoch "+itoa(int32(b.Epoch)))
	case *metadata.BrokerChange:
		switch {
		case m.Fenced > 0:
			n.emitOf(b.ID, "broker-fenced", "", "broker-"+itoa(b.ID)+" is fenced")
		case m.Fenced < 0:
			n.emitOf(b.ID, "broker-unfenced", "", "broker-"+itoa(b.ID)+" is unfenced")
		case m.InShutdown > 0:
			n.emitOf(b.ID, "broker-shutting-down", "", "controlled shutdown")
		}
	}
}

// emitOf tells what happened to a broker.
func (n *Node) emitOf(id int32, kind, part, text string) {
	n.p.W.Emit(n.p.W.HostNamed("broker-"+itoa(id)), kind, part, text)
}

func in(list []int32, id int32) bool {
	for _, x := range list {
		if x == id {
			return true
		}
	}
	return false
}

// ids prints a set of brokers: 1,2,3.
func ids(list []int32) string {
	s := ""
	for i, id := range list {
		if i > 0 {
			s += ","
		}
		s += itoa(id)
	}
	return s
}
