package broker

import (
	"testing"

	"github.com/mqsim/mqsim/models/kafka/group"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

func ask[R wire.Response](k *cluster, to int32, m wire.Request) R {
	k.t.Helper()
	var out R
	done := false
	k.client.ask(k.brokers[to-1], m, func(r wire.Response) { out, done = r.(R), true })
	k.until(30*sim.Second, "answer", func() bool { return done })
	return out
}

// coordinator asks until the group has one.
func (k *cluster) coordinator(name string) int32 {
	k.t.Helper()
	id := int32(-1)
	k.until(60*sim.Second, "coordinator", func() bool {
		for i := range k.brokers {
			if b := k.broker(int32(i + 1)); b != nil && b.Serving() && b.Coordinates(name) {
				id = int32(i + 1)
			}
		}
		return id > 0
	})
	return id
}

func (k *cluster) join(to int32, name, member string) *wire.JoinGroupRequest {
	return &wire.JoinGroupRequest{ReqHeader: wire.ReqHeader{Client: "c"}, Group: name, Member: member,
		SessionTimeoutMs: 45000, RebalanceTimeoutMs: 300000, Protocols: []wire.Protocol{{Name: "range", Metadata: []byte("t0")}}}
}

func TestGroup(t *testing.T) {
	k := newCluster(t, options{brokers: 3, minISR: 2})
	k.run(5 * sim.Second)
	k.create(group.Topic, []int32{1, 2, 3}, []int32{2, 3, 1})
	k.create("t0", []int32{1, 2, 3})
	name := "g0"
	co := k.coordinator(name)
	if f := ask[*wire.FindCoordinatorResponse](k, 3, &wire.FindCoordinatorRequest{Group: name}); f.Node.ID != co {
		t.Errorf("FindCoordinator says %d, not %d", f.Node.ID, co)
	}
	first := ask[*wire.JoinGroupResponse](k, co, k.join(co, name, ""))
	if first.Err != wire.MemberIDRequired || len(first.Member) != 38 {
		t.Fatalf("first join: %s, member %q", first.Err, first.Member)
	}
	start := k.w.Now()
	j := ask[*wire.JoinGroupResponse](k, co, k.join(co, name, first.Member))
	if j.Err != wire.None || j.Generation != 1 || j.Leader != first.Member || len(j.Members) != 1 || j.Protocol != "range" {
		t.Fatalf("join: %+v", j)
	}
	if d := k.w.Now() - start; d < 3*sim.Second || d > 4*sim.Second {
		t.Errorf("the first rebalance took %v", d)
	}
	s := ask[*wire.SyncGroupResponse](k, co, &wire.SyncGroupRequest{Group: name, Generation: 1, Member: j.Member,
		Protocol: "range", Assignments: []wire.Assignment{{Member: j.Member, Data: []byte("all")}}})
	if s.Err != wire.None || string(s.Data) != "all" {
		t.Fatalf("sync: %+v", s)
	}
	c := ask[*wire.OffsetCommitResponse](k, co, &wire.OffsetCommitRequest{Group: name, Generation: 1, Member: j.Member,
		Parts: []wire.CommitPart{{TopicPartition: t0, Offset: 42, LeaderEpoch: 0}}})
	if c.Parts[0].Err != wire.None {
		t.Fatalf("commit: %s", c.Parts[0].Err)
	}
	c = ask[*wire.OffsetCommitResponse](k, co, &wire.OffsetCommitRequest{Group: name, Generation: 0, Member: j.Member,
		Parts: []wire.CommitPart{{TopicPartition: t0, Offset: 43, LeaderEpoch: 0}}})
	if c.Parts[0].Err != wire.IllegalGeneration {
		t.Errorf("commit of an old generation: %s", c.Parts[0].Err)
	}
	// The coordinator dies; its successor replays the log and knows member and offset.
	k.service(co).Kill()
	k.run(100 * sim.Millisecond)
	next := co
	k.until(60*sim.Second, "another coordinator", func() bool {
		for i := range k.brokers {
			if b := k.broker(int32(i + 1)); int32(i+1) != co && b != nil && b.Coordinates(name) {
				next = int32(i + 1)
			}
		}
		return next != co
	})
	if h := ask[*wire.HeartbeatResponse](k, next, &wire.HeartbeatRequest{Group: name, Generation: 1, Member: j.Member}); h.Err != wire.None {
		t.Errorf("heartbeat to the new coordinator: %s", h.Err)
	}
	o := ask[*wire.OffsetFetchResponse](k, next, &wire.OffsetFetchRequest{Group: name, Parts: []wire.TopicPartition{t0, {Topic: "t0", Partition: 9}}})
	if o.Err != wire.None || o.Parts[0].Offset != 42 || o.Parts[1].Offset != -1 {
		t.Errorf("offsets: %+v", o)
	}
	// Silence for a session ends the membership.
	k.run(46 * sim.Second)
	if h := ask[*wire.HeartbeatResponse](k, next, &wire.HeartbeatRequest{Group: name, Generation: 1, Member: j.Member}); h.Err != wire.UnknownMemberID {
		t.Errorf("heartbeat after 46 s: %s", h.Err)
	}
	k.check()
}

func TestGroupOfTwo(t *testing.T) {
	k := newCluster(t, options{brokers: 3, minISR: 2})
	k.run(5 * sim.Second)
	k.create(group.Topic, []int32{1, 2, 3}, []int32{2, 3, 1})
	name := "g0"
	co := k.coordinator(name)
	var joined [2]*wire.JoinGroupResponse
	var id [2]string
	for i := range id {
		id[i] = ask[*wire.JoinGroupResponse](k, co, k.join(co, name, "")).Member
	}
	// Both join over one connection each; here one connection serves one waiting request at a time, so
	// the second member joins a second later through another client of the same host.
	k.client.ask(k.brokers[co-1], k.join(co, name, id[0]), func(r wire.Response) { joined[0] = r.(*wire.JoinGroupResponse) })
	k.until(10*sim.Second, "first answer", func() bool { return joined[0] != nil })
	if joined[0].Generation != 1 || len(joined[0].Members) != 1 {
		t.Fatalf("%+v", joined[0])
	}
	k.client.ask(k.brokers[co-1], k.join(co, name, id[1]), func(r wire.Response) { joined[1] = r.(*wire.JoinGroupResponse) })
	k.run(sim.Second)
	if joined[1] != nil {
		t.Fatalf("the rebalance did not wait for the first member: %+v", joined[1])
	}
	// The first member does not rejoin within its 300 s: it is out.
	k.run(301 * sim.Second)
	if joined[1] == nil || len(joined[1].Members) != 1 || joined[1].Leader != id[1] {
		t.Fatalf("%+v", joined[1])
	}
	k.check()
}

func TestProducerIDs(t *testing.T) {
	k := newCluster(t, options{brokers: 3})
	k.run(5 * sim.Second)
	a := ask[*wire.InitProducerIdResponse](k, 1, &wire.InitProducerIdRequest{ProducerID: -1, Epoch: -1})
	b := ask[*wire.InitProducerIdResponse](k, 1, &wire.InitProducerIdRequest{ProducerID: -1, Epoch: -1})
	c := ask[*wire.InitProducerIdResponse](k, 2, &wire.InitProducerIdRequest{ProducerID: -1, Epoch: -1})
	if a.ProducerID != 0 || b.ProducerID != 1 || c.ProducerID != 1000 || a.Err != wire.None {
		t.Errorf("%+v %+v %+v", a, b, c)
	}
}
