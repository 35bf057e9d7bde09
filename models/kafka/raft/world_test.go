package raft_test

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/quorum"
	"github.com/mqsim/mqsim/models/kafka/raft"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/sim"
)

// world is a quorum of controllers 1 to n on machines of their own. The active one writes a record every
// half second, so that the log grows.
type world struct {
	*sim.World
	t       testing.TB
	cluster *quorum.Cluster
	svcs    []*sim.Service
	hosts   []*sim.Host
	rules   []*sim.Rule

	committed map[int64]uint32 // CRC of the batch by offset of its first record, of whoever committed it first
	votes     map[[2]int32]int32
}

func newWorld(t testing.TB, seed uint64, n int, change func(id int32, c *raft.Config)) *world {
	w := &world{
		World: sim.NewWorld(seed, sim.NetSpec{Latency: 250 * sim.Microsecond, Jitter: 50 * sim.Microsecond, Bandwidth: 1 << 30}),
		t:     t, committed: map[int64]uint32{}, votes: map[[2]int32]int32{},
	}
	disk := sim.DiskSpec{Write: 5 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 400 << 20}
	var voters []quorum.Voter
	for i := range n {
		h := w.AddHost(fmt.Sprintf("controller-%d", i+1), sim.HostSpec{Cores: 4, Server: true, Disk: disk})
		w.hosts = append(w.hosts, h)
		voters = append(voters, quorum.Voter{ID: int32(i + 1), Host: h})
	}
	w.cluster = quorum.NewCluster(voters, quorum.DefaultSettings(), replica.NewStats(w.World))
	for i, h := range w.hosts {
		rc := raft.DefaultConfig(int32(i+1), w.cluster.IDs())
		if change != nil {
			change(rc.ID, &rc)
		}
		cfg := &quorum.Config{
			Cluster: w.cluster, Raft: rc, RequestTimeout: 2 * sim.Second, LogDir: "kafka-logs", Tag: 1 << 31, LaneRaft: 0, LaneControl: 1,
		}
		w.svcs = append(w.svcs, h.Install(quorum.ServiceName, sim.Range{Max: 20 * sim.Millisecond}, func() sim.Program { return quorum.NewServer(cfg) }))
	}
	return w
}

func (w *world) start() {
	for _, s := range w.svcs {
		s.Start()
	}
}

// run lets time pass and looks at every replica each 50 ms.
func (w *world) run(d sim.Time) {
	for end := w.Now() + d; w.Now() < end; {
		w.K.Run(min(end, w.Now()+50*sim.Millisecond))
		w.inspect()
	}
}

// replica is controller i's, nil if it is down or has not read its log.
func (w *world) replica(i int) *raft.Replica {
	s, _ := w.svcs[i-1].Program().(*quorum.Server)
	if s == nil || s.Node() == nil || s.Node().Raft().Log() == nil {
		return nil
	}
	return s.Node().Raft()
}

// active is the active controller with the latest epoch, 0 if there is none.
func (w *world) active() int {
	at, epoch := 0, int32(-1)
	for i := range w.svcs {
		if r := w.replica(i + 1); r != nil && r.Leads() && r.Epoch() > epoch {
			at, epoch = i+1, r.Epoch()
		}
	}
	return at
}

// inspect checks what must hold at any moment: one vote of a voter in an epoch, and nothing that was
// committed is ever different.
func (w *world) inspect() {
	for i := range w.svcs {
		r := w.replica(i + 1)
		if r == nil {
			continue
		}
		key := [2]int32{int32(i + 1), r.Epoch()}
		if v := r.Voted(); v >= 0 {
			if old, ok := w.votes[key]; ok && old != v {
				w.t.Fatalf("%v: controller %d voted for %d and for %d in epoch %d", w.Now(), i+1, old, v, r.Epoch())
			}
			w.votes[key] = v
		}
		for offset, crc := range w.batches(r, r.HW()) {
			if old, ok := w.committed[offset]; ok && old != crc {
				w.t.Fatalf("%v: controller %d has another batch at %d than was committed", w.Now(), i+1, offset)
			}
			w.committed[offset] = crc
		}
	}
	for _, v := range w.Trace.Violations {
		w.t.Fatalf("violation: %+v", v)
	}
}

// batches are the batches of a log from its newest committed ones on, by offset; only the last few, as the
// others were looked at before.
func (w *world) batches(r *raft.Replica, to int64) map[int64]uint32 {
	out := map[int64]uint32{}
	from := max(r.Log().Start(), to-64)
	if to <= from {
		return out
	}
	f, err := r.Log().Read(from, 1<<20, to, true, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	c := log.NewCursor(&w.Arena, f.Refs)
	for c.Next() {
		out[c.Header.BaseOffset()] = c.Header.CRC() ^ uint32(c.Header.LeaderEpoch())<<16
	}
	return out
}

// settled says whether everybody runs, follows one leader, and has its log.
func (w *world) settled() bool {
	a := w.active()
	if a == 0 {
		return false
	}
	lead := w.replica(a)
	for i := range w.svcs {
		r := w.replica(i + 1)
		if r == nil || r.Leader() != int32(a) || r.Epoch() != lead.Epoch() || r.End() < lead.End()-1 || r.End() > lead.End() {
			return false
		}
	}
	return true
}

// settle waits until that is so.
func (w *world) settle(limit sim.Time) bool {
	for end := w.Now() + limit; w.Now() < end; {
		w.run(100 * sim.Millisecond)
		if w.settled() {
			return true
		}
	}
	return false
}

// cut isolates controllers from all others, both ways.
func (w *world) cut(ids ...int) {
	var in, out sim.HostSet
	for i, h := range w.hosts {
		inside := false
		for _, id := range ids {
			inside = inside || id == i+1
		}
		if inside {
			in = in.With(h)
		} else {
			out = out.With(h)
		}
	}
	for _, r := range []*sim.Rule{{From: in, To: out, Cut: true}, {From: out, To: in, Cut: true}} {
		w.Net.Add(r)
		w.rules = append(w.rules, r)
	}
}

func (w *world) heal() {
	for _, r := range w.rules {
		w.Net.RemoveRule(r)
	}
	w.rules = nil
}
