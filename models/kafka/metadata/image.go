package metadata

import (
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/wire"
)

// Broker is a registration (BrokerRegistration.java).
type Broker struct {
	ID          int32
	Epoch       int64
	Incarnation UUID
	Host        string
	Fenced      bool
	InShutdown  bool // in controlled shutdown
}

// Active says whether the broker may lead and be in an ISR (BrokerHeartbeatManager.isActive): neither
// fenced nor in controlled shutdown.
func (b *Broker) Active() bool { return !b.Fenced && !b.InShutdown }

// State is a partition's state (PartitionRegistration.java).
type State struct {
	TP             wire.TopicPartition
	Name           string // t0-2
	Topic          UUID
	Replicas       []int32
	ISR            []int32
	Removing       []int32 // by the reassignment under way
	Adding         []int32
	ELR            []int32 // eligible leader replicas, ascending as they came (KIP-966)
	LastKnownELR   []int32
	Leader         int32
	LeaderEpoch    int32
	PartitionEpoch int32
	Recovering     bool
}

// Reassigning says whether a reassignment is under way (PartitionReassignmentReplicas).
func (s *State) Reassigning() bool { return len(s.Removing)+len(s.Adding) > 0 }

// TopicState is a topic with its partitions by number.
type TopicState struct {
	Name    string
	ID      UUID
	Configs []wire.Setting // ascending by name
	Parts   []*State
}

// BrokerSettings are settings of a broker that were changed while it ran; Name is its id, "" for all.
type BrokerSettings struct {
	Name    string
	Configs []wire.Setting // ascending by name
}

// Image is the metadata up to some offset.
type Image struct {
	Brokers  []*Broker     // ascending by id
	Topics   []*TopicState // in order of creation
	Features []FeatureLevel
	NextPID  int64
	Settings []*BrokerSettings // in order of appearance

	byName map[string]*TopicState
	byID   map[UUID]*TopicState
	order  []*State
}

// NewImage is the metadata of a new cluster: none.
func NewImage() *Image {
	return &Image{byName: map[string]*TopicState{}, byID: map[UUID]*TopicState{}}
}

// Broker is a registration, nil if there is none.
func (g *Image) Broker(id int32) *Broker {
	i, ok := g.brokerIndex(id)
	if !ok {
		return nil
	}
	return g.Brokers[i]
}

func (g *Image) brokerIndex(id int32) (int, bool) {
	return slices.BinarySearchFunc(g.Brokers, id, func(b *Broker, id int32) int { return int(b.ID) - int(id) })
}

// Topic is a topic by name, nil if there is none.
func (g *Image) Topic(name string) *TopicState { return g.byName[name] }

// Partitions are all partitions in order of creation.
func (g *Image) Partitions() []*State { return g.order }

// Partition is a partition, nil if there is none.
func (g *Image) Partition(tp wire.TopicPartition) *State {
	t := g.byName[tp.Topic]
	if t == nil || tp.Partition < 0 || int(tp.Partition) >= len(t.Parts) {
		return nil
	}
	return t.Parts[tp.Partition]
}

// Feature is a finalized feature's level, 0 if it has none.
func (g *Image) Feature(name string) int16 {
	for i := range g.Features {
		if g.Features[i].Name == name {
			return g.Features[i].Level
		}
	}
	return 0
}

// Changed is what a record changed: a partition, a broker or settings, or nothing of these.
type Changed struct {
	Partition *State
	Broker    *Broker
	Config    *Config
}

// Replay applies a record. What it refers to must exist: the controller wrote it so.
func (g *Image) Replay(m Record) Changed {
	switch m := m.(type) {
	case *RegisterBroker:
		return g.register(m)
	case *BrokerChange:
		return g.changeBroker(m)
	case *Topic:
		t := &TopicState{Name: m.Name, ID: m.ID}
		g.Topics = append(g.Topics, t)
		g.byName[t.Name], g.byID[t.ID] = t, t
	case *Partition:
		return Changed{Partition: g.create(m)}
	case *PartitionChange:
		t := g.byID[m.Topic]
		if t == nil || int(m.Partition) >= len(t.Parts) {
			panic("kafka metadata: a change of a partition that does not exist")
		}
		t.Parts[m.Partition].Merge(m)
		return Changed{Partition: t.Parts[m.Partition]}
	case *Config:
		g.configure(m)
		return Changed{Config: m}
	case *FeatureLevel:
		for i := range g.Features {
			if g.Features[i].Name == m.Name {
				g.Features[i].Level = m.Level
				return Changed{}
			}
		}
		g.Features = append(g.Features, *m)
	case *ProducerIDs:
		g.NextPID = m.Next
	}
	return Changed{}
}

func (g *Image) register(m *RegisterBroker) Changed {
	i, ok := g.brokerIndex(m.Broker)
	if !ok {
		g.Brokers = slices.Insert(g.Brokers, i, &Broker{})
	}
	*g.Brokers[i] = Broker{
		ID: m.Broker, Epoch: m.Epoch, Incarnation: m.Incarnation, Host: m.Host, Fenced: m.Fenced, InShutdown: m.InShutdown,
	}
	return Changed{Broker: g.Brokers[i]}
}

func (g *Image) changeBroker(m *BrokerChange) Changed {
	b := g.Broker(m.Broker)
	if b == nil || b.Epoch != m.Epoch {
		panic("kafka metadata: a change of a registration that is not there")
	}
	if m.Fenced != 0 {
		b.Fenced = m.Fenced > 0
	}
	if m.InShutdown > 0 {
		b.InShutdown = true
	}
	return Changed{Broker: b}
}

func (g *Image) create(m *Partition) *State {
	t := g.byID[m.Topic]
	if t == nil {
		panic("kafka metadata: a partition of a topic that does not exist")
	}
	for int(m.Partition) >= len(t.Parts) {
		t.Parts = append(t.Parts, nil)
	}
	s := t.Parts[m.Partition]
	if s == nil {
		s = &State{
			TP:   wire.TopicPartition{Topic: t.Name, Partition: m.Partition},
			Name: t.Name + "-" + strconv.Itoa(int(m.Partition)), Topic: t.ID,
		}
		t.Parts[m.Partition] = s
		g.order = append(g.order, s)
	}
	s.Replicas, s.ISR, s.ELR, s.LastKnownELR = m.Replicas, m.ISR, m.ELR, m.LastKnownELR
	s.Removing, s.Adding = m.Removing, m.Adding
	s.Leader, s.LeaderEpoch, s.PartitionEpoch, s.Recovering = m.Leader, m.LeaderEpoch, m.PartitionEpoch, m.Recovering
	return s
}

// Merge is PartitionRegistration.merge: every change raises the partition epoch; one that names a leader
// raises the leader epoch too, even if it names the same leader again.
func (s *State) Merge(m *PartitionChange) {
	if m.ISR != nil {
		s.ISR = m.ISR
	}
	if m.Replicas != nil {
		s.Replicas = m.Replicas
	}
	if m.Removing != nil {
		s.Removing = some(m.Removing)
	}
	if m.Adding != nil {
		s.Adding = some(m.Adding)
	}
	if m.ELR != nil {
		s.ELR = m.ELR
	}
	if m.LastKnownELR != nil {
		s.LastKnownELR = m.LastKnownELR
	}
	if m.Recovery >= 0 {
		s.Recovering = m.Recovery == 1
	}
	if m.Leader != NoChange {
		s.Leader = m.Leader
		s.LeaderEpoch++
	}
	s.PartitionEpoch++
}

func (g *Image) configure(m *Config) {
	var list *[]wire.Setting
	if m.Type == TopicConfig {
		t := g.byName[m.Resource]
		if t == nil {
			return
		}
		list = &t.Configs
	} else {
		list = &g.brokerSettings(m.Resource).Configs
	}
	i, ok := slices.BinarySearchFunc(*list, m.Name, func(s wire.Setting, name string) int {
		switch {
		case s.Name < name:
			return -1
		case s.Name > name:
			return 1
		}
		return 0
	})
	if ok {
		(*list)[i].Value = m.Value
	} else {
		*list = slices.Insert(*list, i, wire.Setting{Name: m.Name, Value: m.Value})
	}
}

func (g *Image) brokerSettings(name string) *BrokerSettings {
	for _, b := range g.Settings {
		if b.Name == name {
			return b
		}
	}
	b := &BrokerSettings{Name: name}
	g.Settings = append(g.Settings, b)
	return b
}

// Configs are the settings of a resource that the metadata know of.
func (g *Image) Configs(kind int8, resource string) []wire.Setting {
	if kind == TopicConfig {
		if t := g.byName[resource]; t != nil {
			return t.Configs
		}
		return nil
	}
	for _, b := range g.Settings {
		if b.Name == resource {
			return b.Configs
		}
	}
	return nil
}

// Records is the image as records, in an order that rebuilds it: the content of a snapshot.
func (g *Image) Records() []Record {
	var out []Record
	for i := range g.Features {
		f := g.Features[i]
		out = append(out, &f)
	}
	for _, b := range g.Brokers {
		out = append(out, &RegisterBroker{
			Broker: b.ID, Incarnation: b.Incarnation, Epoch: b.Epoch, Host: b.Host, Fenced: b.Fenced, InShutdown: b.InShutdown,
		})
	}
	for _, t := range g.Topics {
		out = append(out, &Topic{Name: t.Name, ID: t.ID})
	}
	for _, s := range g.order {
		out = append(out, s.record())
	}
	for _, t := range g.Topics {
		for _, c := range t.Configs {
			out = append(out, &Config{Type: TopicConfig, Resource: t.Name, Name: c.Name, Value: c.Value})
		}
	}
	for _, b := range g.Settings {
		for _, c := range b.Configs {
			out = append(out, &Config{Type: BrokerConfig, Resource: b.Name, Name: c.Name, Value: c.Value})
		}
	}
	if g.NextPID > 0 {
		out = append(out, &ProducerIDs{Broker: -1, Epoch: -1, Next: g.NextPID})
	}
	return out
}

func (s *State) record() *Partition {
	return &Partition{
		Partition: s.TP.Partition, Topic: s.Topic, Replicas: s.Replicas, ISR: s.ISR, Leader: s.Leader, LeaderEpoch: s.LeaderEpoch,
		PartitionEpoch: s.PartitionEpoch, Recovering: s.Recovering, ELR: s.ELR, LastKnownELR: s.LastKnownELR,
		Removing: s.Removing, Adding: s.Adding,
	}
}

// Clone is an independent copy: what a controller changes ahead of the commit.
func (g *Image) Clone() *Image {
	c := NewImage()
	for _, m := range g.Records() {
		c.Replay(m)
	}
	return c
}

// PartitionOf is a partition by its topic's id, nil if there is none.
func (g *Image) PartitionOf(topic UUID, partition int32) *State {
	t := g.byID[topic]
	if t == nil || partition < 0 || int(partition) >= len(t.Parts) {
		return nil
	}
	return t.Parts[partition]
}
