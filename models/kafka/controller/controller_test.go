package controller

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// store is a ZooKeeper in a map: one transaction after another, answers in order when pumped.
type store struct {
	nodes   map[string]*znode
	zxid    int64
	queue   []func()
	watched map[string]bool // paths of children watches and of /controller
	fire    []zk.WatchEvent
}

type znode struct {
	data           []byte
	version        int32
	czxid, session int64
}

func newStore() *store {
	s := &store{nodes: map[string]*znode{}, watched: map[string]bool{}}
	for _, p := range TopLevelPaths {
		s.nodes[p] = &znode{}
	}
	return s
}

func parent(p string) string { return p[:strings.LastIndexByte(p, '/')] }

func (s *store) apply(op zk.Op) (zk.Code, zk.Stat) {
	n := s.nodes[op.Path]
	switch op.Type {
	case zk.OpCreate:
		if n != nil {
			return zk.NodeExists, zk.Stat{}
		}
		if p := parent(op.Path); p != "" && s.nodes[p] == nil {
			return zk.NoNode, zk.Stat{}
		}
		n = &znode{data: op.Data, czxid: s.zxid}
		s.nodes[op.Path] = n
		s.changed(parent(op.Path), zk.NodeChildrenChanged)
	case zk.OpSetData, zk.OpCheck:
		if n == nil {
			return zk.NoNode, zk.Stat{}
		}
		if op.Version != zk.AnyVersion && op.Version != n.version {
			return zk.BadVersion, zk.Stat{}
		}
		if op.Type == zk.OpSetData {
			n.data, n.version = op.Data, n.version+1
		}
	case zk.OpDelete:
		delete(s.nodes, op.Path)
		s.changed(op.Path, zk.NodeDeleted)
		s.changed(parent(op.Path), zk.NodeChildrenChanged)
	}
	return zk.OK, zk.Stat{Version: n.version, Czxid: n.czxid}
}

func (s *store) changed(path string, t zk.WatchType) {
	if s.watched[path] {
		delete(s.watched, path)
		s.fire = append(s.fire, zk.WatchEvent{Type: t, Path: path})
	}
}

func (s *store) Retry(r zk.Request, done func(zk.Response)) {
	s.queue = append(s.queue, func() {
		out := zk.Response{Path: r.Path}
		s.zxid++
		switch r.Type {
		case zk.OpGetData, zk.OpExists:
			if n := s.nodes[r.Path]; n != nil {
				out.Data, out.Stat = n.data, zk.Stat{Version: n.version, Czxid: n.czxid}
			} else {
				out.Code = zk.NoNode
			}
		case zk.OpGetChildren:
			for p := range s.nodes { //mqsim:unordered sorted below
				if parent(p) == r.Path {
					out.Children = append(out.Children, p[len(r.Path)+1:])
				}
			}
			sort.Strings(out.Children)
		case zk.OpMulti:
			keep := map[string]znode{}
			for p, n := range s.nodes { //mqsim:unordered a copy
				keep[p] = *n
			}
			for _, op := range r.Ops {
				code, stat := s.apply(op)
				out.Results = append(out.Results, zk.OpResult{Type: op.Type, Code: code, Stat: stat})
				if code != zk.OK {
					out.Code = code
					s.nodes = map[string]*znode{}
					for p, n := range keep { //mqsim:unordered a copy
						s.nodes[p] = &n
					}
					break
				}
			}
		default:
			out.Code, out.Stat = s.apply(r.Op)
		}
		if r.Watch {
			s.watched[r.Path] = true
		}
		if done != nil {
			done(out)
		}
	})
}

// rig is a controller on a store, with what it sends written down.
type rig struct {
	t       *testing.T
	s       *store
	c       *Controller
	unclean bool
	sent    []string
	keep    []wire.Request
	events  []string
}

func newRig(t *testing.T, id int32, rules Rules) *rig {
	r := &rig{t: t, s: newStore()}
	cfg := DefaultConfig(id)
	cfg.Rules = rules
	r.c = New(cfg, r, r.s)
	return r
}

func (r *rig) After(sim.Time, uint16, uint32)                 {}
func (r *rig) Connect(wire.Node)                              {}
func (r *rig) Disconnect(int32)                               {}
func (r *rig) Unclean(string) bool                            { return r.unclean }
func (r *rig) Elected(wire.TopicPartition, bool)              {}
func (r *rig) ISR(wire.TopicPartition, int32, int32, []int32) {}
func (r *rig) Active(bool)                                    {}
func (r *rig) Probe(string)                                   {}
func (r *rig) EmitOf(_ int32, kind, part, text string)        { r.events = append(r.events, kind) }
func (r *rig) Emit(kind, part, text string)                   { r.events = append(r.events, kind) }
func (r *rig) Violate(i, d string)                            { r.t.Errorf("violated %s: %s", i, d) }
func (r *rig) Send(id int32, m wire.Request) {
	r.keep = append(r.keep, m)
	switch m := m.(type) {
	case *wire.LeaderAndIsrRequest:
		for _, p := range m.Parts {
			r.sent = append(r.sent, fmt.Sprintf("%d: LeaderAndIsr %s leader %d epoch %d ISR %s", id, p.Topic, p.Leader, p.LeaderEpoch, ids(p.ISR)))
		}
	case *wire.UpdateMetadataRequest:
		r.sent = append(r.sent, fmt.Sprintf("%d: UpdateMetadata %d partitions, %d live", id, len(m.Parts), len(m.Live)))
	case *wire.StopReplicaRequest:
		r.sent = append(r.sent, fmt.Sprintf("%d: StopReplica %d", id, len(m.Parts)))
	}
}

// pump answers everything and fires watches until nothing is left.
func (r *rig) pump() {
	for len(r.s.queue) > 0 || len(r.s.fire) > 0 {
		if len(r.s.queue) > 0 {
			f := r.s.queue[0]
			r.s.queue = r.s.queue[1:]
			f()
			continue
		}
		e := r.s.fire[0]
		r.s.fire = r.s.fire[1:]
		r.c.Watch(e)
	}
}

func (r *rig) up(ids ...int32) {
	for _, id := range ids {
		r.s.zxid++
		r.s.apply(zk.CreateOp(BrokerPath(id), EncodeBroker("broker-"+itoa(id), 0), zk.Ephemeral))
	}
	r.pump()
}

func (r *rig) down(ids ...int32) {
	for _, id := range ids {
		r.s.apply(zk.DeleteOp(BrokerPath(id), zk.AnyVersion))
	}
	r.pump()
}

func (r *rig) create(topic string, assignment ...[]int32) {
	r.c.CreateTopics([]wire.NewTopic{{Topic: topic, Assignment: assignment}}, func(out []wire.CreatedTopic) {
		if out[0].Err != wire.None {
			r.t.Errorf("create: %s", out[0].Err)
		}
	})
	r.pump()
}

var t0 = wire.TopicPartition{Topic: "t0"}

// state is the partition as ZooKeeper has it.
func (r *rig) state() string {
	n := r.s.nodes[statePath(t0)]
	if n == nil {
		return "none"
	}
	s, _ := decodeState(n.data, n.version)
	return fmt.Sprintf("leader %d epoch %d ISR %s v%d", s.Leader, s.LeaderEpoch, ids(s.ISR), s.version)
}

func (r *rig) want(state string) {
	r.t.Helper()
	if got := r.state(); got != state {
		r.t.Errorf("state %s, want %s", got, state)
	}
}

// started is a controller 9 (not a replica) with live brokers and one partition on 2, 3, 1.
func started(t *testing.T) *rig { return startedWith(t, Rules{}) }

func startedWith(t *testing.T, rules Rules) *rig {
	r := newRig(t, 9, rules)
	r.up(1, 2, 3, 9)
	r.c.Startup()
	r.pump()
	r.create("t0", []int32{2, 3, 1})
	r.want("leader 2 epoch 0 ISR 2,3,1 v0")
	r.sent = nil
	return r
}

func TestElectionIsInOrderOfAssignment(t *testing.T) {
	r := started(t)
	r.down(2)
	// The election removes the dead one from the ISR in the same step, so the second step has nothing
	// to write; the last member stays.
	r.want("leader 3 epoch 1 ISR 3,1 v1")
	r.down(3)
	r.want("leader 1 epoch 2 ISR 1 v2")
	r.down(1)
	r.want("leader -1 epoch 3 ISR 1 v3")
	r.up(2, 3)
	r.want("leader -1 epoch 3 ISR 1 v3")
	r.up(1)
	r.want("leader 1 epoch 4 ISR 1 v4")
}

func TestUncleanElection(t *testing.T) {
	r := started(t)
	r.unclean = true
	r.down(2)
	r.down(3)
	r.down(1)
	r.want("leader -1 epoch 3 ISR 1 v3")
	r.up(3)
	r.want("leader 3 epoch 4 ISR 3 v4")
}

func TestFollowerLeavesISR(t *testing.T) {
	r := started(t)
	r.down(3)
	r.want("leader 2 epoch 1 ISR 2,1 v1")
	got := strings.Join(r.sent, "\n")
	want := `1: LeaderAndIsr t0 leader 2 epoch 1 ISR 2,1
2: LeaderAndIsr t0 leader 2 epoch 1 ISR 2,1
1: UpdateMetadata 1 partitions, 3 live
2: UpdateMetadata 1 partitions, 3 live
9: UpdateMetadata 1 partitions, 3 live
1: UpdateMetadata 0 partitions, 3 live
2: UpdateMetadata 0 partitions, 3 live
9: UpdateMetadata 0 partitions, 3 live`
	if got != want {
		t.Errorf("sent:\n%s", got)
	}
}

func alter(r *rig, broker int32, epoch int32, version int32, isr ...int32) wire.Error {
	var out wire.Error = -99
	r.c.AlterPartition(&wire.AlterPartitionRequest{Broker: broker, BrokerEpoch: r.s.nodes[BrokerPath(broker)].czxid,
		Parts: []wire.AlterPart{{TopicPartition: t0, LeaderEpoch: epoch, ISR: isr, PartitionEpoch: version}}},
		func(m *wire.AlterPartitionResponse) {
			if out = m.Err; out == wire.None {
				out = m.Parts[0].Err
			}
		})
	r.pump()
	return out
}

func TestAlterPartition(t *testing.T) {
	r := started(t)
	for _, c := range []struct {
		name    string
		epoch   int32
		version int32
		isr     []int32
		want    wire.Error
	}{
		{"newer epoch than the controller's", 1, 0, []int32{2}, wire.NotController},
		{"shrink", 0, 0, []int32{2, 3}, wire.None},
		{"the same again", 0, 0, []int32{2, 3}, wire.None},
		{"stale version", 0, 0, []int32{2}, wire.InvalidUpdateVersion},
		{"dead member", 0, 1, []int32{2, 3, 4}, wire.IneligibleReplica},
		{"expand", 0, 1, []int32{2, 3, 1}, wire.None},
	} {
		if got := alter(r, 2, c.epoch, c.version, c.isr...); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	r.want("leader 2 epoch 0 ISR 2,3,1 v2")
	r.down(3)
	if got := alter(r, 2, 0, 2, 2); got != wire.FencedLeaderEpoch {
		t.Errorf("old epoch: %s", got)
	}
}

// A controller that was overtaken cannot write: every change is guarded by the version of
// /controller_epoch (KAFKA-6082).
func TestZombieControllerIsFenced(t *testing.T) {
	r := started(t)
	r.s.apply(zk.SetDataOp(pathControllerEpoch, encodeEpoch(2), zk.AnyVersion))
	r.s.nodes[pathController].data = encodeController(1)
	r.down(2)
	r.want("leader 2 epoch 0 ISR 2,3,1 v0")
	if r.c.IsActive() {
		t.Error("still active")
	}
}

// Somebody else wrote the state between the controller's read and write: it reads again.
func TestElectionRetriesAfterConflict(t *testing.T) {
	r := started(t)
	r.s.apply(zk.DeleteOp(BrokerPath(2), zk.AnyVersion))
	for i := 0; len(r.s.queue) > 0 || len(r.s.fire) > 0; i++ {
		if len(r.s.queue) > 0 {
			f := r.s.queue[0]
			r.s.queue = r.s.queue[1:]
			f()
			if i == 5 { // after the read of the state
				n := r.s.nodes[statePath(t0)]
				n.data, n.version = encodeState(&leaderISR{Leader: 2, ISR: []int32{2, 1}, ControllerEpoch: 1}), n.version+1
			}
			continue
		}
		e := r.s.fire[0]
		r.s.fire = r.s.fire[1:]
		r.c.Watch(e)
	}
	r.want("leader 1 epoch 1 ISR 1 v2")
}

func TestControlledShutdownMovesAndRemoves(t *testing.T) {
	r := started(t)
	var resp *wire.ControlledShutdownResponse
	r.c.ControlledShutdown(&wire.ControlledShutdownRequest{Broker: 2, BrokerEpoch: r.s.nodes[BrokerPath(2)].czxid},
		func(m *wire.ControlledShutdownResponse) { resp = m })
	r.pump()
	if resp == nil || resp.Err != wire.None || len(resp.Remaining) != 0 {
		t.Fatalf("%+v", resp)
	}
	r.want("leader 3 epoch 1 ISR 3,1 v1")
	r.down(2)
	r.up(2)
	// Its return changes nothing until it has caught up and the leader asks.
	r.want("leader 3 epoch 1 ISR 3,1 v1")
	if got := alter(r, 3, 1, 1, 3, 1, 2); got != wire.None {
		t.Errorf("expand: %s", got)
	}
	r.c.put(r.c.rebalance)
	r.pump()
	r.want("leader 2 epoch 2 ISR 3,1,2 v3")
}

// A new controller reads everything, removes dead brokers from the ISRs and only then elects.
func TestFailoverOrder(t *testing.T) {
	r := started(t)
	r.s.apply(zk.DeleteOp(BrokerPath(2), zk.AnyVersion))
	r.s.apply(zk.DeleteOp(pathController, zk.AnyVersion))
	r.s.fire = nil
	next := &rig{t: t, s: r.s}
	next.c = New(DefaultConfig(1), next, r.s)
	next.c.Startup()
	next.pump()
	next.want("leader 3 epoch 2 ISR 3,1 v2")
	if next.c.Epoch() != 2 {
		t.Errorf("controller epoch %d", next.c.Epoch())
	}
	if got := strings.Join(next.events, " "); got != "controller-elected isr-shrink leader-lost leader-elected" {
		t.Errorf("events %s", got)
	}
}

// FuzzZnodes: what lies in ZooKeeper may be anything; decoding it must not panic, and a state that
// decodes survives a round trip.
func FuzzZnodes(f *testing.F) {
	f.Add(encodeState(&leaderISR{Leader: 2, LeaderEpoch: 3, ISR: []int32{2, 3}, ControllerEpoch: 1}))
	f.Add(encodeTopic([][]int32{{1, 2}, {2, 3}}))
	f.Add(EncodeBroker("broker-1", 1700000000000))
	f.Add(encodeController(3))
	f.Fuzz(func(t *testing.T, data []byte) {
		decodeTopic(data)
		decodeBroker(data)
		decodeController(data)
		decodeEpoch(data)
		s, ok := decodeState(data, 1)
		if !ok {
			return
		}
		again, ok := decodeState(encodeState(&s), 1)
		if !ok || fmt.Sprint(again) != fmt.Sprint(s) {
			t.Errorf("%v became %v", s, again)
		}
	})
}
