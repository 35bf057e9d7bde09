package metadata

import (
	"encoding/hex"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/stretchr/testify/require"
)

var t0 = UUID{15: 7}

// TestBytes holds records to their frame and field order, byte by byte: frame version 1, api key, version,
// then the flexible form of the message.
func TestBytes(t *testing.T) {
	for _, c := range []struct {
		m    Record
		want string
	}{
		{&NoOp{}, "01140000"},
		{&Topic{Name: "t0", ID: t0}, "010200" + "037430" + "00000000000000000000000000000007" + "00"},
		{&FeatureLevel{Name: "metadata.version", Level: 21}, "010c00" + "116d657461646174612e76657273696f6e" + "0015" + "00"},
		{&BrokerChange{Broker: 2, Epoch: 9, Fenced: 1}, "011101" + "00000002" + "0000000000000009" + "01" + "000101"},
		{&BrokerChange{Broker: 2, Epoch: 9, Fenced: -1}, "011101" + "00000002" + "0000000000000009" + "01" + "0001ff"},
		{&BrokerChange{Broker: 2, Epoch: 9, InShutdown: 1}, "011101" + "00000002" + "0000000000000009" + "01" + "010101"},
		{&PartitionChange{Partition: 1, Topic: t0, ISR: []int32{2, 3}, Leader: 2, Recovery: -1},
			"010502" + "00000001" + "00000000000000000000000000000007" + "02" + "0009" + "030000000200000003" + "0104" + "00000002"},
		{&ProducerIDs{Broker: 1, Epoch: 2, Next: 1000}, "010f00" + "00000001" + "0000000000000002" + "00000000000003e8" + "00"},
	} {
		require.Equal(t, c.want, hex.EncodeToString(Encode(c.m)), "%+v", c.m)
		back, err := Decode(Encode(c.m))
		require.NoError(t, err)
		require.Equal(t, c.m, back)
	}
}

// TestRoundTrip: what was written is read back, and no prefix of it is taken for a record.
func TestRoundTrip(t *testing.T) {
	for _, m := range []Record{
		&RegisterBroker{Broker: 3, Incarnation: UUID{1, 2}, Epoch: 77, Host: "broker-3", Fenced: true},
		&RegisterBroker{Broker: 3, Incarnation: UUID{1, 2}, Epoch: 77, Host: "broker-3", InShutdown: true},
		&Partition{Partition: 2, Topic: t0, Replicas: []int32{1, 2, 3}, ISR: []int32{1}, Leader: 1, LeaderEpoch: 4, PartitionEpoch: 9,
			Recovering: true, ELR: []int32{2}, LastKnownELR: []int32{3}, Removing: []int32{3}, Adding: []int32{1}},
		&PartitionChange{Partition: 1, Topic: t0, ISR: []int32{}, Leader: NoLeader, Recovery: 0, ELR: []int32{1}, LastKnownELR: []int32{}},
		&PartitionChange{Partition: 1, Topic: t0, Leader: NoChange, Recovery: 1},
		&Config{Type: TopicConfig, Resource: "t0", Name: "min.insync.replicas", Value: "2"},
		&Config{Type: BrokerConfig, Resource: "", Name: "min.insync.replicas", Value: "2"},
		&PartitionChange{Partition: 1, Topic: t0, Leader: NoChange, Recovery: -1, Replicas: []int32{4, 1}, Removing: []int32{1}, Adding: []int32{4}},
	} {
		b := Encode(m)
		back, err := Decode(b)
		require.NoError(t, err)
		require.Equal(t, m, back)
		for n := range b {
			_, err := Decode(b[:n])
			require.ErrorIs(t, err, ErrMalformed, "%d bytes of %x", n, b)
		}
	}
}

// FuzzDecode: no bytes make the decoder panic, and what it takes it can write again.
func FuzzDecode(f *testing.F) {
	f.Add(Encode(&Partition{Partition: 2, Topic: t0, Replicas: []int32{1}, ISR: []int32{1}}))
	f.Add(Encode(&RegisterBroker{Broker: 1, Host: "h"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(Encode(m))
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}

// TestEpochs follows PartitionRegistration.merge: every change raises the partition epoch, one that names a
// leader the leader epoch too, the same leader included.
func TestEpochs(t *testing.T) {
	g := NewImage()
	g.Replay(&Topic{Name: "t0", ID: t0})
	g.Replay(&Partition{Topic: t0, Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2, 3}, Leader: 1})
	s := g.Partition(wire.TopicPartition{Topic: "t0"})
	for _, c := range []struct {
		change                      PartitionChange
		leader, epoch, version, isr int32
	}{
		{PartitionChange{ISR: []int32{1, 2}, Leader: NoChange, Recovery: -1}, 1, 0, 1, 2},
		{PartitionChange{Leader: 1, Recovery: -1}, 1, 1, 2, 2},
		{PartitionChange{ISR: []int32{2}, Leader: 2, Recovery: -1}, 2, 2, 3, 1},
		{PartitionChange{ISR: []int32{}, Leader: NoLeader, Recovery: -1, ELR: []int32{2}}, -1, 3, 4, 0},
		{PartitionChange{Recovery: 1, Leader: NoChange}, -1, 3, 5, 0},
	} {
		c.change.Topic = t0
		g.Replay(&c.change)
		require.Equal(t, []int32{c.leader, c.epoch, c.version, c.isr}, []int32{s.Leader, s.LeaderEpoch, s.PartitionEpoch, int32(len(s.ISR))})
	}
	require.True(t, s.Recovering)
	require.Equal(t, []int32{2}, s.ELR)
	clone := g.Clone()
	require.Equal(t, *s, *clone.Partition(s.TP), "a snapshot rebuilds the state")
	clone.Replay(&Config{Type: BrokerConfig, Name: "min.insync.replicas", Value: "1"})
	clone.Replay(&Config{Type: BrokerConfig, Name: "min.insync.replicas", Value: "2"})
	require.Equal(t, []wire.Setting{{Name: "min.insync.replicas", Value: "2"}}, clone.Clone().Configs(BrokerConfig, ""))
	require.Nil(t, g.Configs(BrokerConfig, ""))
	clone.Replay(&PartitionChange{Topic: t0, Leader: 3, Recovery: -1})
	require.Equal(t, int32(-1), s.Leader, "a copy is independent")
}

// TestDescribe: records print as kafka-dump-log prints them.
func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		m    Record
		want string
	}{
		{&NoOp{}, `{"type":"NO_OP_RECORD","version":0,"data":{}}`},
		{&Topic{Name: "t0", ID: t0}, `{"type":"TOPIC_RECORD","version":0,"data":{"name":"t0","topicId":"AAAAAAAAAAAAAAAAAAAABw"}}`},
		{&PartitionChange{Topic: t0, Leader: NoChange, Recovery: -1, ISR: []int32{2, 3}, Removing: []int32{}},
			`{"type":"PARTITION_CHANGE_RECORD","version":2,"data":{"partitionId":0,"topicId":"AAAAAAAAAAAAAAAAAAAABw","isr":[2,3],"removingReplicas":[]}}`},
		{&Partition{Topic: t0, Replicas: []int32{1}, ISR: []int32{1}, Leader: 1, Recovering: true},
			`{"type":"PARTITION_RECORD","version":2,"data":{"partitionId":0,"topicId":"AAAAAAAAAAAAAAAAAAAABw","replicas":[1],"isr":[1],"removingReplicas":[],` +
				`"addingReplicas":[],"leader":1,"leaderEpoch":0,"partitionEpoch":0,"leaderRecoveryState":1}}`},
		{&BrokerChange{Broker: 2, Epoch: 9, Fenced: -1},
			`{"type":"BROKER_REGISTRATION_CHANGE_RECORD","version":1,"data":{"brokerId":2,"brokerEpoch":9,"fenced":-1}}`},
	} {
		require.Equal(t, c.want, Describe(c.m))
	}
}
