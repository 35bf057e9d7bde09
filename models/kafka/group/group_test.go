package group

import (
	"testing"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Values checked against org.apache.kafka.common.utils.Utils.abs("...".hashCode()) % 50 (spec, section 4).
func TestPartitionOf(t *testing.T) {
	for name, want := range map[string]int32{"group-1": 49, "orders": 31, "my-group": 12, "console-consumer-1": 24} { //mqsim:unordered independent
		if got := PartitionOf(name, 50); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// fake is a broker that leads everything and stores at once.
type fake struct {
	w       *sim.World
	now     sim.Time
	stored  [][2][]byte
	replies []wire.Response
	timers  []timer
}

type timer struct {
	at   sim.Time
	kind uint16
	arg  uint32
}

func (f *fake) Now() sim.Time { return f.now }
func (f *fake) Wall() int64   { return 1700000000000 + int64(f.now/sim.Millisecond) }
func (f *fake) After(d sim.Time, kind uint16, arg uint32) {
	f.timers = append(f.timers, timer{f.now + d, kind, arg})
}
func (f *fake) Work(_ sim.Time, kind uint16, arg uint32) { f.After(0, kind, arg) }
func (f *fake) Rand() *sim.Rand                          { return f.w.Rand("group") }
func (f *fake) World() *sim.World                        { return f.w }
func (f *fake) Reply(_ *sim.Conn, m wire.Response)       { f.replies = append(f.replies, m) }
func (f *fake) Log(int32) *log.Log                       { return nil }
func (f *fake) Emit(string, string, string)              {}
func (f *fake) Probe(string)                             {}
func (f *fake) Append(_ int32, refs []sim.Ref, _ sim.Time, done func(wire.Error, int64)) {
	c := log.NewCursor(&f.w.Arena, refs)
	for c.Next() {
		rs := c.Records()
		for rs.Next() {
			f.stored = append(f.stored, [2][]byte{append([]byte(nil), rs.Record.Key...), append([]byte(nil), rs.Record.Value...)})
		}
	}
	done(wire.None, 0)
}

// run fires timers for d.
func (f *fake) run(k *Coordinator, d sim.Time) {
	for end := f.now + d; ; {
		best := -1
		for i := range f.timers {
			if f.timers[i].at <= end && (best < 0 || f.timers[i].at < f.timers[best].at) {
				best = i
			}
		}
		if best < 0 {
			f.now = end
			return
		}
		t := f.timers[best]
		f.timers = append(f.timers[:best], f.timers[best+1:]...)
		f.now = t.at
		k.Timer(t.kind, t.arg)
	}
}

func newFake() (*fake, *Coordinator) {
	f := &fake{w: sim.NewWorld(1, sim.NetSpec{})}
	k := New(DefaultConfig(), f)
	for i := range int32(50) {
		k.owned = append(k.owned, owned{partition: i})
	}
	return f, k
}

// last takes the newest answer of a kind.
func last[R wire.Response](t *testing.T, f *fake) R {
	t.Helper()
	for i := len(f.replies) - 1; i >= 0; i-- {
		if r, ok := f.replies[i].(R); ok {
			return r
		}
	}
	t.Fatal("no answer")
	panic("unreachable")
}

type person struct {
	id   string
	conn sim.Conn
}

func (p *person) join(t *testing.T, f *fake, k *Coordinator, session, rebalance sim.Time) {
	t.Helper()
	k.Join(&p.conn, &wire.JoinGroupRequest{Group: "g", Member: p.id, SessionTimeoutMs: int32(session / sim.Millisecond),
		RebalanceTimeoutMs: int32(rebalance / sim.Millisecond), Protocols: []wire.Protocol{{Name: "range", Metadata: []byte("x")}}})
	if p.id == "" {
		r := last[*wire.JoinGroupResponse](t, f)
		if r.Err != wire.MemberIDRequired {
			t.Fatalf("first join: %s", r.Err)
		}
		p.id = r.Member
		p.join(t, f, k, session, rebalance)
	}
}

// Two members join within the initial delay, sync, and a third makes both rejoin; one that does not
// rejoin in time is out; the rest goes on.
func TestRebalance(t *testing.T) {
	f, k := newFake()
	session, rebalance := 45*sim.Second, 60*sim.Second
	var a, b, c person
	a.join(t, f, k, session, rebalance)
	f.run(k, 2*sim.Second)
	b.join(t, f, k, session, rebalance)
	f.run(k, 2*sim.Second)
	if n := len(f.replies); n != 2 {
		t.Fatalf("%d answers: the delay was not extended for the second member", n)
	}
	f.run(k, 3*sim.Second)
	g := k.get("g")
	if g.generation != 1 || len(g.members) != 2 || g.state != completing || g.leader != a.id {
		t.Fatalf("generation %d, %d members, state %d", g.generation, len(g.members), g.state)
	}
	k.Sync(&b.conn, &wire.SyncGroupRequest{Group: "g", Generation: 1, Member: b.id})
	k.Sync(&a.conn, &wire.SyncGroupRequest{Group: "g", Generation: 1, Member: a.id, Assignments: []wire.Assignment{
		{Member: a.id, Data: []byte("A")}, {Member: b.id, Data: []byte("B")}}})
	if g.state != stable || string(g.member(b.id).assigned) != "B" {
		t.Fatalf("state %d", g.state)
	}
	c.join(t, f, k, session, rebalance)
	k.Heartbeat(&a.conn, &wire.HeartbeatRequest{Group: "g", Generation: 1, Member: a.id})
	if r := last[*wire.HeartbeatResponse](t, f); r.Err != wire.RebalanceInProgress {
		t.Errorf("heartbeat: %s", r.Err)
	}
	a.join(t, f, k, session, rebalance)
	// b keeps sending heartbeats and never rejoins: the rebalance time-out ends its membership.
	for range 19 {
		f.run(k, 3*sim.Second)
		k.Heartbeat(&b.conn, &wire.HeartbeatRequest{Group: "g", Generation: 1, Member: b.id})
	}
	if g.state != preparing {
		t.Fatalf("state %d", g.state)
	}
	f.run(k, 4*sim.Second)
	if g.generation != 2 || len(g.members) != 2 || g.member(b.id) != nil {
		t.Errorf("generation %d, %d members", g.generation, len(g.members))
	}
	// Nobody syncs: they are out after the rebalance time-out, too.
	f.run(k, 70*sim.Second)
	if len(g.members) != 0 || g.state != empty {
		t.Errorf("%d members, state %d", len(g.members), g.state)
	}
	k.Commit(&a.conn, &wire.OffsetCommitRequest{Group: "g", Generation: 2, Member: a.id, Parts: []wire.CommitPart{{Offset: 1}}})
	if r := last[*wire.OffsetCommitResponse](t, f); r.Parts[0].Err != wire.UnknownMemberID {
		t.Errorf("commit of a member that is out: %s", r.Parts[0].Err)
	}
}

// What was stored makes the same group in another coordinator.
func TestReplay(t *testing.T) {
	f, k := newFake()
	var a person
	a.join(t, f, k, 45*sim.Second, 60*sim.Second)
	f.run(k, 4*sim.Second)
	k.Sync(&a.conn, &wire.SyncGroupRequest{Group: "g", Generation: 1, Member: a.id, Assignments: []wire.Assignment{{Member: a.id, Data: []byte("A")}}})
	tp := wire.TopicPartition{Topic: "t0", Partition: 3}
	k.Commit(&a.conn, &wire.OffsetCommitRequest{Group: "g", Generation: 1, Member: a.id, Parts: []wire.CommitPart{{TopicPartition: tp, Offset: 77, LeaderEpoch: 5}}})
	_, next := newFake()
	for _, r := range f.stored {
		next.replay(r[0], r[1])
	}
	g := next.get("g")
	if g == nil || g.state != stable || g.generation != 1 || g.leader != a.id || g.offsets[tp] != (commit{77, 5, 1700000004000}) {
		t.Fatalf("%+v", g)
	}
	if m := g.member(a.id); m == nil || string(m.assigned) != "A" || m.session != 45*sim.Second || string(m.metadata("range")) != "x" {
		t.Fatalf("%+v", m)
	}
}

// FuzzReplay: any record may lie in the topic; none may break the coordinator.
func FuzzReplay(f *testing.F) {
	e, k := newFake()
	s := k.takeStoring()
	s.g = &group{name: "g", offsets: map[wire.TopicPartition]commit{}}
	s.req = &wire.OffsetCommitRequest{Parts: []wire.CommitPart{{TopicPartition: wire.TopicPartition{Topic: "t"}, Offset: 1}}}
	k.storeOffsets(s)
	k.store(&group{name: "g", members: []*member{{id: "m", client: "c"}}}, nil)
	for _, r := range e.stored {
		f.Add(r[0], r[1])
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		_, k := newFake()
		k.replay(key, value)
	})
}
