// Package metadata is what the metadata log of KRaft says: its records in the frame and field order of
// Kafka's own (metadata/src/main/resources/common/metadata/*.json, MetadataRecordSerde.java), and the
// [Image], the state of the cluster that they add up to (MetadataImage.java, with the rules of
// PartitionRegistration.merge). Controllers and brokers replay the same records into the same image.
package metadata

import "encoding/binary"

// UUID is a 128-bit id: of a topic, or of an incarnation of a broker.
type UUID [16]byte

// Record is one change of the metadata.
type Record interface {
	key() (api, version int)
	put(w *writer)
	get(r *reader)
}

// frameVersion opens every record (AbstractApiMessageSerde).
const frameVersion = 1

// Encode is the value of a record in the log: frame version, api key and version as unsigned varints,
// then the message.
func Encode(m Record) []byte {
	api, version := m.key()
	w := &writer{b: make([]byte, 0, 64)}
	w.uvarint(frameVersion)
	w.uvarint(api)
	w.uvarint(version)
	m.put(w)
	return w.b
}

// EncodeAll is the values of a list of records.
func EncodeAll(list []Record) [][]byte {
	out := make([][]byte, len(list))
	for i, m := range list {
		out[i] = Encode(m)
	}
	return out
}

// Decode reads a record back.
func Decode(b []byte) (Record, error) {
	frame, n := binary.Uvarint(b)
	if n <= 0 || frame != frameVersion {
		return nil, ErrMalformed
	}
	r := &reader{b: b[n:]}
	api, version := r.uvarint(), r.uvarint()
	m := blank(api)
	if m == nil || r.bad {
		return nil, ErrMalformed
	}
	if _, known := m.key(); version > known {
		return nil, ErrMalformed
	}
	m.get(r)
	if r.bad || len(r.b) > 0 {
		return nil, ErrMalformed
	}
	return m, nil
}

// blank is an empty record of an api key (MetadataRecordType).
func blank(api int) Record {
	switch api {
	case 0:
		return &RegisterBroker{}
	case 2:
		return &Topic{}
	case 3:
		return &Partition{}
	case 4:
		return &Config{}
	case 5:
		return &PartitionChange{}
	case 12:
		return &FeatureLevel{}
	case 15:
		return &ProducerIDs{}
	case 17:
		return &BrokerChange{}
	case 20:
		return &NoOp{}
	}
	return nil
}

// RegisterBroker is RegisterBrokerRecord: a broker, fenced, under a new epoch.
type RegisterBroker struct {
	Broker      int32
	Incarnation UUID
	Epoch       int64
	Host        string
	Fenced      bool
	InShutdown  bool
}

func (m *RegisterBroker) key() (int, int) { return 0, 3 }

func (m *RegisterBroker) put(w *writer) {
	w.i32(m.Broker)
	w.bool(false) // isMigratingZkBroker, of version 2
	w.uuid(m.Incarnation)
	w.i64(m.Epoch)
	w.uvarint(1 + 2)
	for i, name := range [...]string{"PLAINTEXT", "REPLICATION"} {
		w.str(name)
		w.str(m.Host)
		w.i16(int16(9092 + i))
		w.i16(0)
		w.uvarint(0)
	}
	w.uvarint(1) // features
	w.uvarint(0) // rack: null
	w.bool(m.Fenced)
	w.bool(m.InShutdown)
	w.uvarint(0)
}

func (m *RegisterBroker) get(r *reader) {
	m.Broker = r.i32()
	r.bool()
	m.Incarnation, m.Epoch = r.uuid(), r.i64()
	for range r.count() {
		if r.bad {
			return
		}
		r.str()
		m.Host = r.str()
		r.i16()
		r.i16()
		r.tags(nil)
	}
	r.count()
	r.str()
	m.Fenced, m.InShutdown = r.bool(), r.bool()
	r.tags(nil)
}

// BrokerChange is BrokerRegistrationChangeRecord: Fenced is 1 for fencing, -1 for unfencing, 0 for
// neither; InShutdown is 1 when a controlled shutdown begins.
type BrokerChange struct {
	Broker     int32
	Epoch      int64
	Fenced     int8
	InShutdown int8
}

func (m *BrokerChange) key() (int, int) { return 17, 1 }

func (m *BrokerChange) put(w *writer) {
	w.i32(m.Broker)
	w.i64(m.Epoch)
	w.tags(
		tag{0, m.Fenced != 0, func(w *writer) { w.i8(m.Fenced) }},
		tag{1, m.InShutdown != 0, func(w *writer) { w.i8(m.InShutdown) }},
	)
}

func (m *BrokerChange) get(r *reader) {
	m.Broker, m.Epoch = r.i32(), r.i64()
	r.tags(func(id int, f *reader) {
		switch id {
		case 0:
			m.Fenced = f.i8()
		case 1:
			m.InShutdown = f.i8()
		}
	})
}

// Topic is TopicRecord.
type Topic struct {
	Name string
	ID   UUID
}

func (m *Topic) key() (int, int) { return 2, 0 }
func (m *Topic) put(w *writer)   { w.str(m.Name); w.uuid(m.ID); w.uvarint(0) }
func (m *Topic) get(r *reader)   { m.Name, m.ID = r.str(), r.uuid(); r.tags(nil) }

// Partition is PartitionRecord: a whole state.
type Partition struct {
	Partition      int32
	Topic          UUID
	Replicas       []int32
	ISR            []int32
	Removing       []int32 // replicas that leave with the reassignment under way
	Adding         []int32 // replicas that come
	Leader         int32
	LeaderEpoch    int32
	PartitionEpoch int32
	Recovering     bool
	ELR            []int32
	LastKnownELR   []int32
}

func (m *Partition) key() (int, int) { return 3, 2 }

func (m *Partition) put(w *writer) {
	w.i32(m.Partition)
	w.uuid(m.Topic)
	w.ids(m.Replicas)
	w.ids(m.ISR)
	w.ids(m.Removing)
	w.ids(m.Adding)
	w.i32(m.Leader)
	w.i32(m.LeaderEpoch)
	w.i32(m.PartitionEpoch)
	w.uvarint(1 + len(m.Replicas)) // directories: not assigned yet
	for range m.Replicas {
		w.uuid(UUID{})
	}
	w.tags(
		tag{0, m.Recovering, func(w *writer) { w.i8(1) }},
		tag{1, len(m.ELR) > 0, func(w *writer) { w.ids(m.ELR) }},
		tag{2, len(m.LastKnownELR) > 0, func(w *writer) { w.ids(m.LastKnownELR) }},
	)
}

func (m *Partition) get(r *reader) {
	m.Partition, m.Topic = r.i32(), r.uuid()
	m.Replicas, m.ISR = r.ids(), r.ids()
	m.Removing, m.Adding = some(r.ids()), some(r.ids())
	m.Leader, m.LeaderEpoch, m.PartitionEpoch = r.i32(), r.i32(), r.i32()
	for range r.count() {
		if r.bad {
			return
		}
		r.uuid()
	}
	r.tags(func(id int, f *reader) {
		switch id {
		case 0:
			m.Recovering = f.i8() == 1
		case 1:
			m.ELR = f.ids()
		case 2:
			m.LastKnownELR = f.ids()
		}
	})
}

// some is a list that is nil if it is empty.
func some(ids []int32) []int32 {
	if len(ids) == 0 {
		return nil
	}
	return ids
}

// NoChange is PartitionChange.Leader when the leader, and so the leader epoch, stays
// (LeaderConstants.NO_LEADER_CHANGE). To name the present leader again raises the epoch.
const NoChange int32 = -2

// NoLeader is a partition without leader.
const NoLeader int32 = -1

// PartitionChange is PartitionChangeRecord: what is nil or NoChange stays; a list that is empty but not
// nil becomes empty. Recovery is 0 or 1, -1 for no change.
type PartitionChange struct {
	Partition    int32
	Topic        UUID
	ISR          []int32
	Leader       int32
	Replicas     []int32
	Removing     []int32
	Adding       []int32
	Recovery     int8
	ELR          []int32
	LastKnownELR []int32
}

func (m *PartitionChange) key() (int, int) { return 5, 2 }

func (m *PartitionChange) put(w *writer) {
	w.i32(m.Partition)
	w.uuid(m.Topic)
	w.tags(
		tag{0, m.ISR != nil, func(w *writer) { w.ids(m.ISR) }},
		tag{1, m.Leader != NoChange, func(w *writer) { w.i32(m.Leader) }},
		tag{2, m.Replicas != nil, func(w *writer) { w.ids(m.Replicas) }},
		tag{3, m.Removing != nil, func(w *writer) { w.ids(m.Removing) }},
		tag{4, m.Adding != nil, func(w *writer) { w.ids(m.Adding) }},
		tag{5, m.Recovery >= 0, func(w *writer) { w.i8(m.Recovery) }},
		tag{6, m.ELR != nil, func(w *writer) { w.ids(m.ELR) }},
		tag{7, m.LastKnownELR != nil, func(w *writer) { w.ids(m.LastKnownELR) }},
	)
}

func (m *PartitionChange) get(r *reader) {
	m.Partition, m.Topic = r.i32(), r.uuid()
	m.Leader, m.Recovery = NoChange, -1
	r.tags(func(id int, f *reader) {
		switch id {
		case 0:
			m.ISR = f.ids()
		case 1:
			m.Leader = f.i32()
		case 2:
			m.Replicas = f.ids()
		case 3:
			m.Removing = f.ids()
		case 4:
			m.Adding = f.ids()
		case 5:
			m.Recovery = f.i8()
		case 6:
			m.ELR = f.ids()
		case 7:
			m.LastKnownELR = f.ids()
		}
	})
}

// Types of a ConfigRecord's resource (ConfigResource.Type).
const (
	TopicConfig  int8 = 2
	BrokerConfig int8 = 4
)

// Config is ConfigRecord: a setting of a topic, or of a broker by its id, "" for all brokers.
type Config struct {
	Type     int8
	Resource string
	Name     string
	Value    string
}

func (m *Config) key() (int, int) { return 4, 0 }

func (m *Config) put(w *writer) {
	w.i8(m.Type)
	w.str(m.Resource)
	w.str(m.Name)
	w.str(m.Value)
	w.uvarint(0)
}

func (m *Config) get(r *reader) {
	m.Type = r.i8()
	m.Resource, m.Name, m.Value = r.str(), r.str(), r.str()
	r.tags(nil)
}

// FeatureLevel is FeatureLevelRecord: metadata.version, eligible.leader.replicas.version.
type FeatureLevel struct {
	Name  string
	Level int16
}

func (m *FeatureLevel) key() (int, int) { return 12, 0 }
func (m *FeatureLevel) put(w *writer)   { w.str(m.Name); w.i16(m.Level); w.uvarint(0) }
func (m *FeatureLevel) get(r *reader)   { m.Name, m.Level = r.str(), r.i16(); r.tags(nil) }

// ProducerIDs is ProducerIdsRecord: a broker took the block that ends before Next.
type ProducerIDs struct {
	Broker int32
	Epoch  int64
	Next   int64
}

func (m *ProducerIDs) key() (int, int) { return 15, 0 }
func (m *ProducerIDs) put(w *writer)   { w.i32(m.Broker); w.i64(m.Epoch); w.i64(m.Next); w.uvarint(0) }
func (m *ProducerIDs) get(r *reader) {
	m.Broker, m.Epoch, m.Next = r.i32(), r.i64(), r.i64()
	r.tags(nil)
}

// NoOp is NoOpRecord: it keeps the log, and with it the high watermark, moving.
type NoOp struct{}

func (m *NoOp) key() (int, int) { return 20, 0 }
func (m *NoOp) put(w *writer)   { w.uvarint(0) }
func (m *NoOp) get(r *reader)   { r.tags(nil) }
