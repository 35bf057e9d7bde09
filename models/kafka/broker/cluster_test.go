package broker

import (
	"fmt"
	"sort"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// cluster is a world with a ZooKeeper ensemble, brokers and a bare client.
type cluster struct {
	t       *testing.T
	w       *sim.World
	ens     *zk.Ensemble
	brokers []*sim.Host
	cfgs    []*Config
	stats   *replica.Stats
	client  *bare
}

type options struct {
	brokers int
	minISR  int
	unclean bool
	seed    uint64
	rules   controller.Rules
	replica replica.Rules
}

func newCluster(t *testing.T, o options) *cluster {
	t.Helper()
	if o.seed == 0 {
		o.seed = 1
	}
	w := sim.NewWorld(o.seed, sim.NetSpec{Latency: 500 * sim.Microsecond, Jitter: 50 * sim.Microsecond})
	k := &cluster{t: t, w: w, stats: replica.NewStats(w)}
	disk := sim.DiskSpec{Write: 5 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 200 << 20}
	spec := sim.HostSpec{Cores: 4, Disk: disk, Server: true}
	var zks []*sim.Host
	for i := range 3 {
		zks = append(zks, w.AddHost(fmt.Sprintf("zookeeper-%d", i+1), spec))
	}
	k.ens = zk.Install(w, zks, zk.DefaultConfig())
	for i := range o.brokers {
		h := w.AddHost(fmt.Sprintf("broker-%d", i+1), spec)
		cfg := DefaultConfig(int32(i+1), zks, k.stats)
		cfg.Replica.Topic = func(string) replica.TopicConfig {
			return replica.TopicConfig{MinISR: max(o.minISR, 1), Unclean: o.unclean, Log: log.DefaultOptions()}
		}
		cfg.Group.Partitions = 2
		cfg.Controller.Rules, cfg.Replica.Rules = o.rules, o.replica
		k.cfgs = append(k.cfgs, &cfg)
		h.Install(ServiceName, sim.Range{Min: sim.Second, Max: 2 * sim.Second}, func() sim.Program { return New(&cfg) })
		k.brokers = append(k.brokers, h)
	}
	ch := w.AddHost("client-1", sim.HostSpec{Cores: 4, Disk: disk})
	k.client = &bare{k: k, conns: map[string]*sim.Conn{}, waits: map[int32]func(wire.Response){}}
	ch.Install("client", sim.Range{}, func() sim.Program { return k.client })
	k.ens.Start()
	for _, h := range k.brokers {
		h.Service(ServiceName).Start()
	}
	ch.Service("client").Start()
	k.until(30*sim.Second, "a controller", func() bool { return k.controller() != nil })
	return k
}

func (k *cluster) broker(id int32) *Broker {
	b, _ := k.brokers[id-1].Service(ServiceName).Program().(*Broker)
	return b
}

func (k *cluster) controller() *Broker {
	for i := range k.brokers {
		if b := k.broker(int32(i + 1)); b != nil && b.Serving() && b.IsController() {
			return b
		}
	}
	return nil
}

func (k *cluster) run(d sim.Time) { k.w.K.Run(k.w.Now() + d) }

// until runs until a condition holds and fails the test if it does not in time.
func (k *cluster) until(d sim.Time, what string, cond func() bool) {
	k.t.Helper()
	if !k.w.K.RunUntil(k.w.Now()+d, cond) && !cond() {
		k.dump()
		k.t.Fatalf("no %s within %v", what, d)
	}
}

func (k *cluster) dump() {
	for _, e := range k.w.Trace.Events {
		name := "-"
		if e.Host != nil {
			name = e.Host.Name
		}
		k.t.Logf("%10v %-12s %-20s %-10s %s", e.At, name, e.Kind, e.Part, e.Text)
	}
}

// check fails the test on a broken invariant.
func (k *cluster) check() {
	k.t.Helper()
	for _, v := range k.w.Trace.Violations {
		k.t.Errorf("violated: %s", v)
	}
}

// state is what ZooKeeper holds of a partition.
func (k *cluster) state(tp wire.TopicPartition) string {
	data, stat, ok := k.ens.Get(fmt.Sprintf("/brokers/topics/%s/partitions/%d/state", tp.Topic, tp.Partition))
	if !ok {
		return "none"
	}
	return fmt.Sprintf("%s v%d", data, stat.Version)
}

// leader is the broker that leads by its own belief with the highest epoch.
func (k *cluster) leader(tp wire.TopicPartition) (id, epoch int32) {
	id, epoch = -1, -1
	for i := range k.brokers {
		b := k.broker(int32(i + 1))
		if b == nil {
			continue
		}
		if p := b.Partition(tp); p != nil && p.Leads() && p.LeaderEpoch() > epoch {
			id, epoch = int32(i+1), p.LeaderEpoch()
		}
	}
	return id, epoch
}

func (k *cluster) create(topic string, assignment ...[]int32) {
	k.t.Helper()
	done := false
	c := k.controller()
	k.client.ask(c.p.Host, &wire.CreateTopicsRequest{TimeoutMs: 30000, Topics: []wire.NewTopic{{Topic: topic, Assignment: assignment}}},
		func(r wire.Response) {
			for _, t := range r.(*wire.CreateTopicsResponse).Topics {
				if t.Err != wire.None {
					k.t.Errorf("create %s: %s", t.Topic, t.Err)
				}
			}
			done = true
		})
	k.until(30*sim.Second, "topic "+topic, func() bool { return done })
}

// produce sends one record and returns the answer.
func (k *cluster) produce(to int32, tp wire.TopicPartition, acks int16, body string) *wire.ProduceResult {
	k.t.Helper()
	b := log.NewBuilder(k.w)
	b.Add(1700000000000, nil, []byte(body))
	batch := b.Build(log.None, log.None, log.None)
	var out *wire.ProduceResult
	k.client.ask(k.brokers[to-1], &wire.ProduceRequest{Acks: acks, TimeoutMs: 30000, Parts: []wire.ProducePart{
		{TopicPartition: tp, Refs: []sim.Ref{batch.Header, batch.Records}}}},
		func(r wire.Response) { out = &r.(*wire.ProduceResponse).Parts[0] })
	k.until(40*sim.Second, "answer to a produce", func() bool { return out != nil })
	return out
}

// read returns the bodies that a consumer of broker from sees.
func (k *cluster) read(from int32, tp wire.TopicPartition) []string {
	k.t.Helper()
	var out []string
	done := false
	k.client.ask(k.brokers[from-1], &wire.FetchRequest{Replica: -1, MaxBytes: 50 << 20, SessionEpoch: wire.SessionFinal,
		Parts: []wire.FetchPart{{TopicPartition: tp, CurrentLeaderEpoch: -1, LastFetchedEpoch: -1, MaxBytes: 1 << 20}}},
		func(r wire.Response) {
			for _, p := range r.(*wire.FetchResponse).Parts {
				if p.Err != wire.None {
					out = append(out, p.Err.String())
				}
				c := log.NewCursor(&k.w.Arena, p.Refs)
				for c.Next() {
					rs := c.Records()
					for rs.Next() {
						out = append(out, string(rs.Record.Value))
					}
				}
			}
			done = true
		})
	k.until(sim.Second, "answer to a fetch", func() bool { return done })
	return out
}

// bare is a client that sends what a test tells it to.
type bare struct {
	k     *cluster
	p     *sim.Proc
	conns map[string]*sim.Conn
	todo  map[*sim.Conn][]wire.Request
	waits map[int32]func(wire.Response)
	corr  int32
}

func (c *bare) ask(h *sim.Host, m wire.Request, done func(wire.Response)) {
	c.corr++
	switch m := m.(type) {
	case *wire.ProduceRequest:
		m.Corr = c.corr
	case *wire.FetchRequest:
		m.Corr = c.corr
	case *wire.CreateTopicsRequest:
		m.Corr = c.corr
	case *wire.MetadataRequest:
		m.Corr = c.corr
	case *wire.JoinGroupRequest:
		m.Corr = c.corr
	case *wire.SyncGroupRequest:
		m.Corr = c.corr
	case *wire.HeartbeatRequest:
		m.Corr = c.corr
	case *wire.OffsetCommitRequest:
		m.Corr = c.corr
	case *wire.OffsetFetchRequest:
		m.Corr = c.corr
	case *wire.FindCoordinatorRequest:
		m.Corr = c.corr
	case *wire.InitProducerIdRequest:
		m.Corr = c.corr
	case *wire.ElectLeadersRequest:
		m.Corr = c.corr
	case *wire.ListOffsetsRequest:
		m.Corr = c.corr
	default:
		panic("bare client: unknown request")
	}
	c.waits[c.corr] = done
	conn := c.conns[h.Name]
	if conn == nil {
		conn = c.p.Dial(h, wire.ClientPort)
		c.conns[h.Name] = conn
		c.todo[conn] = append(c.todo[conn], m)
		return
	}
	if !conn.Open() {
		c.todo[conn] = append(c.todo[conn], m)
		return
	}
	conn.Send(m, m.Size())
}

func (c *bare) Boot(p *sim.Proc)                      { c.p, c.todo = p, map[*sim.Conn][]wire.Request{} }
func (c *bare) Timer(uint16, uint32)                  {}
func (c *bare) Accept(*sim.Conn)                      {}
func (c *bare) Synced(uint32, error)                  {}
func (c *bare) Stop()                                 { c.p.Exit() }
func (c *bare) Closed(n *sim.Conn, _ sim.CloseReason) { c.drop(n) }
func (c *bare) Connected(n *sim.Conn, err error) {
	if err != nil {
		c.drop(n)
		return
	}
	for _, m := range c.todo[n] {
		n.Send(m, m.Size())
	}
	delete(c.todo, n)
}
func (c *bare) Receive(_ *sim.Conn, m any) {
	r := m.(wire.Response)
	if f := c.waits[r.Correlation()]; f != nil {
		delete(c.waits, r.Correlation())
		f(r)
	}
}
func (c *bare) drop(n *sim.Conn) {
	names := []string{}
	for name, x := range c.conns { //mqsim:unordered at most one matches
		if x == n {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		delete(c.conns, name)
	}
}

var t0 = wire.TopicPartition{Topic: "t0"}

func TestProduceReplicateConsume(t *testing.T) {
	k := newCluster(t, options{brokers: 3, minISR: 2})
	k.run(5 * sim.Second)
	k.create("t0", []int32{1, 2, 3})
	if got := k.state(t0); got != `{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1,2,3]} v0` {
		t.Errorf("state %s", got)
	}
	for i := range 20 {
		r := k.produce(1, t0, -1, fmt.Sprintf("m%d", i))
		if r.Err != wire.None || r.BaseOffset != int64(i) {
			t.Fatalf("produce %d: %+v", i, r)
		}
	}
	if r := k.produce(2, t0, -1, "x"); r.Err != wire.NotLeaderOrFollower || r.HintLeader != 1 {
		t.Errorf("produce to a follower: %+v", r)
	}
	if got := k.read(1, t0); len(got) != 20 || got[19] != "m19" {
		t.Errorf("read %v", got)
	}
	k.run(sim.Second)
	for id := int32(1); id <= 3; id++ {
		p := k.broker(id).Partition(t0)
		if p.LEO() != 20 || p.HW() != 20 {
			t.Errorf("broker %d: LEO %d HW %d", id, p.LEO(), p.HW())
		}
	}
	k.check()
}
