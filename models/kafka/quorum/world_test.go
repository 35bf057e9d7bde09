package quorum

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/raft"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

// world is a quorum on machines of its own.
type world struct {
	*sim.World
	t       testing.TB
	cluster *Cluster
	configs []*Config
	svcs    []*sim.Service
	hosts   []*sim.Host
}

// newWorld makes n controllers, 1 to n; change may alter a node's configuration.
func newWorld(t testing.TB, seed uint64, n int, change func(*raft.Config)) *world {
	w := &world{
		World: sim.NewWorld(seed, sim.NetSpec{Latency: 250 * sim.Microsecond, Jitter: 50 * sim.Microsecond, Bandwidth: 1 << 30}),
		t:     t,
	}
	disk := sim.DiskSpec{Write: 5 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 400 << 20}
	var voters []Voter
	for i := range n {
		h := w.AddHost(fmt.Sprintf("controller-%d", i+1), sim.HostSpec{Cores: 4, Server: true, Disk: disk})
		w.hosts = append(w.hosts, h)
		voters = append(voters, Voter{int32(i + 1), h})
	}
	w.cluster = NewCluster(voters, DefaultSettings(), replica.NewStats(w.World))
	for i, h := range w.hosts {
		rc := raft.DefaultConfig(int32(i+1), w.cluster.IDs())
		if change != nil {
			change(&rc)
		}
		cfg := &Config{
			Cluster: w.cluster, Raft: rc, RequestTimeout: 2 * sim.Second, LogDir: "kafka-logs", Tag: 1 << 25, LaneRaft: 0, LaneControl: 1,
		}
		w.configs = append(w.configs, cfg)
		w.svcs = append(w.svcs, h.Install(ServiceName, sim.Range{Max: 20 * sim.Millisecond}, func() sim.Program { return NewServer(cfg) }))
	}
	return w
}

func (w *world) start() {
	for _, s := range w.svcs {
		s.Start()
	}
}

func (w *world) run(d sim.Time) { w.K.Run(w.Now() + d) }

// node is the node of controller i, nil if it is down.
func (w *world) node(i int) *Node {
	s, _ := w.svcs[i-1].Program().(*Server)
	if s == nil {
		return nil
	}
	return s.node
}

// active is the active controller's number, 0 if there is none.
func (w *world) active() int {
	at, epoch := 0, int32(-1)
	for i := range w.svcs {
		if n := w.node(i + 1); n != nil && n.Active() && n.raft.Epoch() > epoch {
			at, epoch = i+1, n.raft.Epoch()
		}
	}
	return at
}

// cut isolates hosts from all others, until the returned function is called.
func (w *world) cut(ids ...int) (heal func()) {
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
	a, b := &sim.Rule{From: in, To: out, Cut: true}, &sim.Rule{From: out, To: in, Cut: true}
	w.Net.Add(a)
	w.Net.Add(b)
	return func() {
		w.Net.RemoveRule(a)
		w.Net.RemoveRule(b)
	}
}

// sound fails on a broken invariant.
func (w *world) sound() {
	require.Empty(w.t, w.Trace.Violations)
}

func TestQuorumElectsOneController(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		w := newWorld(t, seed, 3, nil)
		w.start()
		w.run(5 * sim.Second)
		first := w.active()
		require.NotZero(t, first, "seed %d", seed)
		w.run(60 * sim.Second)
		require.Equal(t, first, w.active(), "nobody is disturbed")
		require.Greater(t, w.node(first).raft.HW(), int64(100), "two records a second")
		w.sound()
		w.svcs[first-1].Kill()
		w.run(5 * sim.Second)
		require.NotZero(t, w.active())
		require.NotEqual(t, first, w.active())
		w.svcs[first-1].Start()
		w.run(5 * sim.Second)
		require.Equal(t, w.node(w.active()).raft.Log().End(), w.node(first).raft.Log().End())
		w.sound()
	}
}
