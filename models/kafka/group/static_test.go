package group

import (
	"testing"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// joinAs is a join of a static member, or of a member with other assignors.
func joinAs(k *Coordinator, c *sim.Conn, id, instance, protocol string) {
	k.Join(c, &wire.JoinGroupRequest{Group: "g", Member: id, Instance: instance, SessionTimeoutMs: 45000,
		RebalanceTimeoutMs: 60000, Protocols: []wire.Protocol{{Name: protocol, Metadata: []byte("x")}}})
}

// A group of two static members, x leading, each with a share.
func staticPair(t *testing.T) (f *fake, k *Coordinator, g *group, x, y person) {
	t.Helper()
	f, k = newFake()
	joinAs(k, &x.conn, "", "x", "range")
	joinAs(k, &y.conn, "", "y", "range")
	if len(f.replies) != 0 {
		t.Fatal("a static member is sent away for an id first")
	}
	f.run(k, 7*sim.Second)
	g = k.get("g")
	x.id, y.id = g.static("x").id, g.static("y").id
	k.Sync(&y.conn, &wire.SyncGroupRequest{Group: "g", Generation: 1, Member: y.id, Instance: "y"})
	k.Sync(&x.conn, &wire.SyncGroupRequest{Group: "g", Generation: 1, Member: x.id, Instance: "x", Assignments: []wire.Assignment{
		{Member: x.id, Data: []byte("X")}, {Member: y.id, Data: []byte("Y")}}})
	if g.state != stable || g.generation != 1 || g.leader != x.id {
		t.Fatalf("generation %d, state %d", g.generation, g.state)
	}
	return f, k, g, x, y
}

// A static member that returns within its session gets its share back without a rebalance, also if it
// leads; whoever uses its old id is fenced (KIP-345).
func TestStaticMemberReturns(t *testing.T) {
	f, k, g, x, y := staticPair(t)
	f.run(k, 10*sim.Second)
	for _, m := range []struct {
		old      *person
		instance string
		share    string
		leads    bool
	}{{&y, "y", "Y", false}, {&x, "x", "X", true}} {
		var back person
		joinAs(k, &back.conn, "", m.instance, "range")
		r := last[*wire.JoinGroupResponse](t, f)
		if r.Err != wire.None || r.Generation != 1 || r.Member == m.old.id || r.SkipAssignment != m.leads || (r.Leader == r.Member) != m.leads {
			t.Fatalf("%s: %+v", m.instance, r)
		}
		k.Sync(&back.conn, &wire.SyncGroupRequest{Group: "g", Generation: 1, Member: r.Member, Instance: m.instance})
		if s := last[*wire.SyncGroupResponse](t, f); s.Err != wire.None || string(s.Data) != m.share {
			t.Errorf("%s: %+v", m.instance, s)
		}
		k.Heartbeat(&m.old.conn, &wire.HeartbeatRequest{Group: "g", Generation: 1, Member: m.old.id, Instance: m.instance})
		if h := last[*wire.HeartbeatResponse](t, f); h.Err != wire.FencedInstanceID {
			t.Errorf("%s: heartbeat of the old one: %s", m.instance, h.Err)
		}
		k.Commit(&m.old.conn, &wire.OffsetCommitRequest{Group: "g", Generation: 1, Member: m.old.id, Instance: m.instance, Parts: []wire.CommitPart{{Offset: 1}}})
		if c := last[*wire.OffsetCommitResponse](t, f); c.Parts[0].Err != wire.FencedInstanceID {
			t.Errorf("%s: commit of the old one: %s", m.instance, c.Parts[0].Err)
		}
	}
	if g.generation != 1 || g.state != stable {
		t.Errorf("generation %d, state %d", g.generation, g.state)
	}
}

// A static member that stays away through a rebalance keeps its place until its session ends.
func TestStaticMemberStaysThroughARebalance(t *testing.T) {
	f, k, g, x, y := staticPair(t)
	var z person
	joinAs(k, &z.conn, "", "z", "range")
	joinAs(k, &x.conn, x.id, "x", "range")
	for range 3 { // y sends heartbeats, but does not rejoin within the 60 s
		f.run(k, 20*sim.Second)
		k.Heartbeat(&y.conn, &wire.HeartbeatRequest{Group: "g", Generation: 1, Member: y.id, Instance: "y"})
	}
	f.run(k, sim.Second)
	if g.generation != 2 || len(g.members) != 3 || g.state != completing {
		t.Fatalf("generation %d, %d members, state %d", g.generation, len(g.members), g.state)
	}
	k.Sync(&z.conn, &wire.SyncGroupRequest{Group: "g", Generation: 2, Member: g.static("z").id, Instance: "z"})
	k.Sync(&x.conn, &wire.SyncGroupRequest{Group: "g", Generation: 2, Member: x.id, Instance: "x"})
	f.run(k, 46*sim.Second)
	if g.static("y") != nil {
		t.Error("y's session did not end")
	}
}

// Another assignor than everybody else's is refused.
func TestInconsistentProtocol(t *testing.T) {
	f, k, _, _, _ := staticPair(t)
	var z person
	joinAs(k, &z.conn, "", "z", "sticky")
	if r := last[*wire.JoinGroupResponse](t, f); r.Err != wire.InconsistentGroupProtocol {
		t.Errorf("%+v", r)
	}
}

// Static members survive a change of the coordinator.
func TestReplayOfStaticMembers(t *testing.T) {
	f, _, _, x, y := staticPair(t)
	_, next := newFake()
	for _, r := range f.stored {
		next.replay(r[0], r[1])
	}
	g := next.get("g")
	if g == nil || g.static("x") == nil || g.static("x").id != x.id || g.static("y").id != y.id {
		t.Fatalf("%+v", g)
	}
}

// Offsets of a group without members go after offsets.retention.minutes, with the group; those of a
// group in use stay (KIP-211), except before 2.1.
func TestOffsetsExpire(t *testing.T) {
	for _, c := range []struct {
		name               string
		inUse, old, remain bool
	}{
		{"empty group", false, false, false}, {"group in use", true, false, true}, {"group in use before 2.1", true, true, false},
	} {
		f, k := newFake()
		k.cfg.Retention, k.cfg.RetentionCheck, k.cfg.ExpireInUse = sim.Hour, 10*sim.Minute, c.old
		tp := wire.TopicPartition{Topic: "t0", Partition: 3}
		var a person
		a.join(t, f, k, 45*sim.Second, 60*sim.Second)
		f.run(k, 4*sim.Second)
		k.Sync(&a.conn, &wire.SyncGroupRequest{Group: "g", Generation: 1, Member: a.id, Assignments: []wire.Assignment{{Member: a.id, Data: []byte("A")}}})
		k.Commit(&a.conn, &wire.OffsetCommitRequest{Group: "g", Generation: 1, Member: a.id, Parts: []wire.CommitPart{{TopicPartition: tp, Offset: 7, LeaderEpoch: 1}}})
		k.scheduleExpiry()
		for range 75 * 2 {
			f.run(k, 30*sim.Second)
			if c.inUse {
				k.Heartbeat(&a.conn, &wire.HeartbeatRequest{Group: "g", Generation: 1, Member: a.id})
			}
		}
		g := k.get("g")
		if remain := g != nil && len(g.offsets) == 1; remain != c.remain {
			t.Errorf("%s: offsets remain: %v", c.name, remain)
		}
		if c.inUse == (g == nil) {
			t.Errorf("%s: group remains: %v", c.name, g != nil)
		}
		// Whoever replays the topic sees the same.
		_, next := newFake()
		for _, r := range f.stored {
			next.replay(r[0], r[1])
		}
		if h := next.get("g"); (h != nil && len(h.offsets) == 1) != c.remain {
			t.Errorf("%s: another coordinator disagrees", c.name)
		} else if h == nil != (g == nil) {
			t.Errorf("%s: another coordinator knows the group: %v", c.name, h != nil)
		}
	}
}
