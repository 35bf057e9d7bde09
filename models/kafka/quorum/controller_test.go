package quorum

import (
	"testing"

	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

// bench is a controller whose log commits at once.
type bench struct {
	t      *testing.T
	c      *Controller
	now    sim.Time
	next   int64
	timers []timer
	rnd    *sim.Rand
}

type timer struct {
	at   sim.Time
	kind uint16
	arg  uint32
}

func (b *bench) Now() sim.Time { return b.now }
func (b *bench) After(d sim.Time, kind uint16, arg uint32) {
	b.timers = append(b.timers, timer{b.now + d, kind, arg})
}
func (b *bench) Append(values [][]byte) int64 { b.next += int64(len(values)); return b.next - 1 }
func (b *bench) Next() int64                  { return b.next }
func (b *bench) Below(n uint64) uint64        { return b.rnd.Below(n) }
func (b *bench) UUID() metadata.UUID {
	return metadata.UUID{byte(b.rnd.Below(256)), byte(b.rnd.Below(256))}
}
func (b *bench) Probe(string) {}

// newBench has three brokers, unfenced, and the partition t0-0 on them.
func newBench(t *testing.T, change func(*Settings)) *bench {
	b := &bench{t: t, rnd: sim.NewRand(1, "bench")}
	set := DefaultSettings()
	set.NoOpEvery, set.UncleanEvery = 0, 0
	set.MinISR = func(string) int { return 2 }
	if change != nil {
		change(&set)
	}
	b.c = NewController(set, b)
	b.c.Claim(1, metadata.NewImage())
	for id := int32(1); id <= 3; id++ {
		b.register(id, byte(id), -1)
		require.False(t, b.beat(id, false, false).Fenced)
	}
	var r *wire.CreateTopicsResponse
	b.ask(&wire.CreateTopicsRequest{Topics: []wire.NewTopic{{Topic: "t0", Assignment: [][]int32{{1, 2, 3}}}}}, func(m wire.Response) { r = m.(*wire.CreateTopicsResponse) })
	require.Equal(t, wire.None, r.Topics[0].Err)
	return b
}

func (b *bench) ask(m wire.Request, done func(wire.Response)) {
	require.True(b.t, b.c.Handle(m, done))
	b.c.Committed(b.next)
}

func (b *bench) register(id int32, incarnation byte, previous int64) (out *wire.BrokerRegistrationResponse) {
	b.ask(&wire.BrokerRegistrationRequest{Broker: id, Host: "h", Incarnation: [16]byte{incarnation}, PreviousEpoch: previous},
		func(m wire.Response) { out = m.(*wire.BrokerRegistrationResponse) })
	return out
}

// beat is a heartbeat of a broker that has applied everything.
func (b *bench) beat(id int32, fence, stop bool) (out *wire.BrokerHeartbeatResponse) {
	b.ask(&wire.BrokerHeartbeatRequest{
		Broker: id, BrokerEpoch: b.c.img.Broker(id).Epoch, MetadataOffset: b.next - 1, WantFence: fence, WantShutDown: stop,
	}, func(m wire.Response) { out = m.(*wire.BrokerHeartbeatResponse) })
	return out
}

// wait lets time pass and fires timers.
func (b *bench) wait(d sim.Time) {
	end := b.now + d
	for {
		first := -1
		for i, t := range b.timers {
			if t.at <= end && (first < 0 || t.at < b.timers[first].at) {
				first = i
			}
		}
		if first < 0 {
			b.now = end
			return
		}
		t := b.timers[first]
		b.timers = append(b.timers[:first], b.timers[first+1:]...)
		b.now = max(b.now, t.at)
		b.c.Timer(t.kind, t.arg)
		b.c.Committed(b.next)
	}
}

func (b *bench) part() *metadata.State { return b.c.img.Partition(wire.TopicPartition{Topic: "t0"}) }

func TestFencingOldestFirst(t *testing.T) {
	b := newBench(t, nil)
	b.wait(sim.Second)
	b.beat(1, false, false)
	b.wait(sim.Second)
	b.beat(3, false, false)
	b.wait(7001 * sim.Millisecond) // broker 2 was heard 9 s ago
	require.True(t, b.c.img.Broker(2).Fenced)
	require.False(t, b.c.img.Broker(1).Fenced)
	require.Equal(t, []int32{1, 3}, b.part().ISR)
	require.Equal(t, int32(0), b.part().LeaderEpoch, "a follower leaves within the leader epoch")
	b.wait(sim.Second)
	require.Equal(t, int32(3), b.part().Leader)
	b.wait(sim.Second)
	require.Equal(t, []int32{3}, b.part().ISR, "the last member stays")
	require.Equal(t, metadata.NoLeader, b.part().Leader)
	require.False(t, b.beat(1, false, false).Fenced, "a broker that only lost heartbeats is unfenced by the next")
	require.Equal(t, metadata.NoLeader, b.part().Leader, "and may not lead from outside the ISR")
	b.beat(3, false, false)
	require.Equal(t, int32(3), b.part().Leader)
}

func TestRegistrationWaitsForTheOldSession(t *testing.T) {
	b := newBench(t, nil)
	require.Equal(t, wire.DuplicateBrokerRegistration, b.register(1, 99, -1).Err)
	b.wait(9001 * sim.Millisecond)
	r := b.register(1, 99, -1)
	require.Equal(t, wire.None, r.Err)
	require.Equal(t, r.BrokerEpoch, b.c.img.Broker(1).Epoch)
	require.Equal(t, r.BrokerEpoch, b.register(1, 99, -1).BrokerEpoch, "the same incarnation again")
}

func TestControlledShutdown(t *testing.T) {
	b := newBench(t, nil)
	r := b.beat(1, false, true)
	require.False(t, r.ShouldStop, "its leadership has moved, but the others do not know yet")
	require.Equal(t, int32(2), b.part().Leader)
	require.Equal(t, []int32{2, 3}, b.part().ISR)
	require.False(t, b.beat(1, false, true).ShouldStop)
	b.beat(2, false, false)
	b.beat(3, false, false)
	require.True(t, b.beat(1, false, true).ShouldStop)
	require.True(t, b.c.img.Broker(1).Fenced)
	require.Equal(t, wire.None, b.register(1, 99, -1).Err, "no session is in the way")
}

// TestAlterPartition has one case for each answer.
func TestAlterPartition(t *testing.T) {
	b := newBench(t, nil)
	epoch := func(id int32) int64 { return b.c.img.Broker(id).Epoch }
	try := func(from int32, fromEpoch int64, q wire.AlterPart) (top, part wire.Error) {
		q.Topic = "t0"
		var r *wire.AlterPartitionResponse
		b.ask(&wire.AlterPartitionRequest{Broker: from, BrokerEpoch: fromEpoch, Parts: []wire.AlterPart{q}},
			func(m wire.Response) { r = m.(*wire.AlterPartitionResponse) })
		if r.Err != wire.None {
			return r.Err, wire.None
		}
		return wire.None, r.Parts[0].Err
	}
	for _, c := range []struct {
		name      string
		from      int32
		fromEpoch int64
		q         wire.AlterPart
		top, part wire.Error
	}{
		{"an earlier incarnation", 1, epoch(1) - 1, wire.AlterPart{ISR: []int32{1}}, wire.StaleBrokerEpoch, wire.None},
		{"not the leader", 2, epoch(2), wire.AlterPart{ISR: []int32{2}}, wire.None, wire.InvalidRequest},
		{"ahead of the controller", 1, epoch(1), wire.AlterPart{ISR: []int32{1}, LeaderEpoch: 1}, wire.None, wire.NotController},
		{"without itself", 1, epoch(1), wire.AlterPart{ISR: []int32{2}}, wire.None, wire.InvalidRequest},
		{"a stranger", 1, epoch(1), wire.AlterPart{ISR: []int32{1, 9}}, wire.None, wire.InvalidRequest},
		{"an earlier incarnation of a member", 1, epoch(1), wire.AlterPart{ISR: []int32{1, 2}, Epochs: []int64{epoch(1), epoch(2) - 1}}, wire.None, wire.IneligibleReplica},
		{"shrink", 1, epoch(1), wire.AlterPart{ISR: []int32{1, 2}, Epochs: []int64{epoch(1), epoch(2)}}, wire.None, wire.None},
		{"of an old state", 1, epoch(1), wire.AlterPart{ISR: []int32{1}}, wire.None, wire.InvalidUpdateVersion},
	} {
		top, part := try(c.from, c.fromEpoch, c.q)
		require.Equal(t, []wire.Error{c.top, c.part}, []wire.Error{top, part}, c.name)
	}
	b.beat(3, true, false)
	_, part := try(1, epoch(1), wire.AlterPart{ISR: []int32{1, 2, 3}, PartitionEpoch: b.part().PartitionEpoch})
	require.Equal(t, wire.IneligibleReplica, part, "a fenced broker may not join")
	b.c.Renounce()
	top, _ := try(1, 0, wire.AlterPart{ISR: []int32{1}})
	require.Equal(t, wire.NotController, top)
}

func TestStaleMemberWithoutKIP903(t *testing.T) {
	b := newBench(t, func(s *Settings) { s.BrokerEpochs = false })
	q := wire.AlterPart{ISR: []int32{1, 2}, Epochs: []int64{0, 0}}
	require.Equal(t, wire.None, b.c.judge(1, b.part(), &q), "KIP-903: before 3.5 a broker that came back empty could be let in")
}

func TestBalanceAndElections(t *testing.T) {
	b := newBench(t, nil)
	b.beat(1, true, false)
	require.Equal(t, int32(2), b.part().Leader)
	b.beat(1, false, false)
	elect := func(kind int8) wire.Error {
		var r *wire.ElectLeadersResponse
		b.ask(&wire.ElectLeadersRequest{Type: kind, All: true}, func(m wire.Response) { r = m.(*wire.ElectLeadersResponse) })
		return r.Parts[0].Err
	}
	require.Equal(t, wire.PreferredLeaderNotAvailable, elect(wire.ElectPreferred), "it is not in the ISR")
	require.Equal(t, wire.ElectionNotNeeded, elect(wire.ElectUnclean))
	var ok bool
	b.ask(&wire.AlterPartitionRequest{Broker: 2, BrokerEpoch: b.c.img.Broker(2).Epoch, Parts: []wire.AlterPart{{
		TopicPartition: wire.TopicPartition{Topic: "t0"}, LeaderEpoch: b.part().LeaderEpoch, PartitionEpoch: b.part().PartitionEpoch, ISR: []int32{2, 3, 1},
	}}}, func(m wire.Response) { ok = m.(*wire.AlterPartitionResponse).Parts[0].Err == wire.None })
	require.True(t, ok)
	for range 75 { // brokers live on
		b.wait(4 * sim.Second)
		for id := int32(1); id <= 3; id++ {
			b.beat(id, false, false)
		}
	}
	require.Equal(t, int32(1), b.part().Leader, "300 s after the imbalance began")
}

// TestReassignment: the union of both assignments first, without a new leader epoch; the ISR that has all of
// the new one ends it, and tells a leader that it leads no more.
func TestReassignment(t *testing.T) {
	b := newBench(t, nil)
	for id := int32(4); id <= 5; id++ {
		b.register(id, byte(id), -1)
		require.False(t, b.beat(id, false, false).Fenced)
	}
	order := func(to ...int32) wire.Error {
		var r *wire.AlterReassignmentsResponse
		b.ask(&wire.AlterReassignmentsRequest{Parts: []wire.Reassignment{{TopicPartition: wire.TopicPartition{Topic: "t0"}, Replicas: to}}},
			func(m wire.Response) { r = m.(*wire.AlterReassignmentsResponse) })
		return r.Parts[0].Err
	}
	alter := func(leader int32, isr ...int32) wire.Error {
		var r *wire.AlterPartitionResponse
		s := b.part()
		q := wire.AlterPart{TopicPartition: s.TP, LeaderEpoch: s.LeaderEpoch, PartitionEpoch: s.PartitionEpoch, ISR: isr}
		b.ask(&wire.AlterPartitionRequest{Broker: leader, BrokerEpoch: b.c.img.Broker(leader).Epoch, Parts: []wire.AlterPart{q}},
			func(m wire.Response) { r = m.(*wire.AlterPartitionResponse) })
		return r.Parts[0].Err
	}
	require.Equal(t, wire.InvalidReplicaAssignment, order(4, 4))
	require.Equal(t, wire.InvalidReplicaAssignment, order(4, 9))
	require.Equal(t, wire.InvalidReplicaAssignment, order())
	require.Equal(t, wire.None, order(5, 4, 2))
	s := b.part()
	require.Equal(t, [][]int32{{5, 4, 2, 1, 3}, {4, 5}, {1, 3}, {1, 2, 3}}, [][]int32{s.Replicas, s.Adding, s.Removing, s.ISR})
	require.Equal(t, []int32{1, 0}, []int32{s.Leader, s.LeaderEpoch})
	require.Equal(t, wire.None, alter(1, 1, 2, 3, 4))
	require.True(t, b.part().Reassigning(), "broker 5 is not in sync yet")
	require.Equal(t, wire.NewLeaderElected, alter(1, 1, 2, 3, 4, 5))
	s = b.part()
	require.Equal(t, [][]int32{{5, 4, 2}, nil, nil, {2, 4, 5}}, [][]int32{s.Replicas, s.Adding, s.Removing, s.ISR})
	require.Equal(t, []int32{5, 1}, []int32{s.Leader, s.LeaderEpoch})

	require.Equal(t, wire.None, order(5, 2))
	s = b.part()
	require.Equal(t, [][]int32{{5, 2}, {2, 5}}, [][]int32{s.Replicas, s.ISR}, "what only takes away is done at once")
	require.Equal(t, []int32{5, 2}, []int32{s.Leader, s.LeaderEpoch}, "and raises the leader epoch for those that leave")
}

// TestChangedSettings: the controller goes by what was changed, the topic's own before the brokers'.
func TestChangedSettings(t *testing.T) {
	b := newBench(t, func(s *Settings) {
		s.TopicWith = func(_ string, brokers, own []wire.Setting) TopicSettings {
			t := TopicSettings{MinISR: 1}
			for _, c := range append(append([]wire.Setting(nil), brokers...), own...) {
				t.Unclean = c.Value == "true"
			}
			return t
		}
	})
	set := func(topic string, broker int32, value string) {
		b.ask(&wire.AlterConfigsRequest{Topic: topic, Broker: broker, Configs: []wire.Setting{{Name: "unclean.leader.election.enable", Value: value}}},
			func(m wire.Response) { require.Equal(t, wire.None, m.(*wire.AlterConfigsResponse).Err) })
	}
	set("", 2, "true")
	require.False(t, b.c.topic("t0").Unclean, "what one broker is set to is not the controller's business")
	set("", -1, "true")
	require.True(t, b.c.topic("t0").Unclean)
	set("t0", -1, "false")
	require.False(t, b.c.topic("t0").Unclean)
	b.ask(&wire.AlterConfigsRequest{Topic: "t9"}, func(m wire.Response) {
		require.Equal(t, wire.UnknownTopicOrPartition, m.(*wire.AlterConfigsResponse).Err)
	})
}
