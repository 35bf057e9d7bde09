package metadata

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// MarshalText is the id as Kafka prints it (Uuid.toString).
func (u UUID) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, u[:]), nil
}

// names of records by api key (MetadataRecordType).
var names = map[int]string{
	0: "REGISTER_BROKER_RECORD", 2: "TOPIC_RECORD", 3: "PARTITION_RECORD", 4: "CONFIG_RECORD", 5: "PARTITION_CHANGE_RECORD",
	12: "FEATURE_LEVEL_RECORD", 15: "PRODUCER_IDS_RECORD", 17: "BROKER_REGISTRATION_CHANGE_RECORD", 20: "NO_OP_RECORD",
}

// Describe prints a record in the form of kafka-dump-log --cluster-metadata-decoder: its type, its version, and
// those of its fields that this package keeps. Tagged fields that have their default are left out.
func Describe(m Record) string {
	key, version := m.key()
	data, err := json.Marshal(fieldsOf(m))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf(`{"type":%q,"version":%d,"data":%s}`, names[key], version, data)
}

// fieldsOf is a record with Kafka's names of its fields, in their order.
func fieldsOf(m Record) any {
	switch m := m.(type) {
	case *RegisterBroker:
		return struct {
			BrokerID      int32  `json:"brokerId"`
			IncarnationID UUID   `json:"incarnationId"`
			BrokerEpoch   int64  `json:"brokerEpoch"`
			Host          string `json:"host"`
			Fenced        bool   `json:"fenced"`
			InShutdown    bool   `json:"inControlledShutdown"`
		}{m.Broker, m.Incarnation, m.Epoch, m.Host, m.Fenced, m.InShutdown}
	case *BrokerChange:
		return struct {
			BrokerID    int32 `json:"brokerId"`
			BrokerEpoch int64 `json:"brokerEpoch"`
			Fenced      int8  `json:"fenced,omitempty"`
			InShutdown  int8  `json:"inControlledShutdown,omitempty"`
		}{m.Broker, m.Epoch, m.Fenced, m.InShutdown}
	case *Topic:
		return struct {
			Name    string `json:"name"`
			TopicID UUID   `json:"topicId"`
		}{m.Name, m.ID}
	case *Partition:
		return struct {
			PartitionID    int32   `json:"partitionId"`
			TopicID        UUID    `json:"topicId"`
			Replicas       []int32 `json:"replicas"`
			ISR            []int32 `json:"isr"`
			Removing       []int32 `json:"removingReplicas"`
			Adding         []int32 `json:"addingReplicas"`
			Leader         int32   `json:"leader"`
			LeaderEpoch    int32   `json:"leaderEpoch"`
			PartitionEpoch int32   `json:"partitionEpoch"`
			Recovery       int8    `json:"leaderRecoveryState,omitempty"`
			ELR            []int32 `json:"eligibleLeaderReplicas,omitempty"`
			LastKnownELR   []int32 `json:"lastKnownElr,omitempty"`
		}{m.Partition, m.Topic, shown(m.Replicas), shown(m.ISR), shown(m.Removing), shown(m.Adding), m.Leader, m.LeaderEpoch,
			m.PartitionEpoch, flag(m.Recovering), m.ELR, m.LastKnownELR}
	case *PartitionChange:
		return changeFields(m)
	case *Config:
		return struct {
			ResourceType int8   `json:"resourceType"`
			ResourceName string `json:"resourceName"`
			Name         string `json:"name"`
			Value        string `json:"value"`
		}{m.Type, m.Resource, m.Name, m.Value}
	case *FeatureLevel:
		return struct {
			Name  string `json:"name"`
			Level int16  `json:"featureLevel"`
		}{m.Name, m.Level}
	case *ProducerIDs:
		return struct {
			BrokerID    int32 `json:"brokerId"`
			BrokerEpoch int64 `json:"brokerEpoch"`
			Next        int64 `json:"nextProducerId"`
		}{m.Broker, m.Epoch, m.Next}
	}
	return struct{}{}
}

// changeFields are what a change of a partition names; a list that becomes empty is named too.
func changeFields(m *PartitionChange) any {
	f := struct {
		PartitionID  int32    `json:"partitionId"`
		TopicID      UUID     `json:"topicId"`
		ISR          *[]int32 `json:"isr,omitempty"`
		Leader       *int32   `json:"leader,omitempty"`
		Replicas     *[]int32 `json:"replicas,omitempty"`
		Removing     *[]int32 `json:"removingReplicas,omitempty"`
		Adding       *[]int32 `json:"addingReplicas,omitempty"`
		Recovery     *int8    `json:"leaderRecoveryState,omitempty"`
		ELR          *[]int32 `json:"eligibleLeaderReplicas,omitempty"`
		LastKnownELR *[]int32 `json:"lastKnownElr,omitempty"`
	}{PartitionID: m.Partition, TopicID: m.Topic}
	for _, x := range []struct {
		to   **[]int32
		from *[]int32
	}{{&f.ISR, &m.ISR}, {&f.Replicas, &m.Replicas}, {&f.Removing, &m.Removing}, {&f.Adding, &m.Adding}, {&f.ELR, &m.ELR},
		{&f.LastKnownELR, &m.LastKnownELR}} {
		if *x.from != nil {
			*x.to = x.from
		}
	}
	if m.Leader != NoChange {
		f.Leader = &m.Leader
	}
	if m.Recovery >= 0 {
		f.Recovery = &m.Recovery
	}
	return f
}

// shown is a list that is never null.
func shown(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}

func flag(on bool) int8 {
	if on {
		return 1
	}
	return 0
}
