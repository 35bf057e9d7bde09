package broker

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models/rocketmq/namesrv"
	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

const server = "server"

// cluster is a world with NameServers, broker groups and a bare client.
type cluster struct {
	t       testing.TB
	w       *sim.World
	ns      []*sim.Host
	hosts   map[string]*sim.Host
	cfgs    map[string]*Config
	pool    *wire.Pool
	client  *bare
	clients *sim.Host
}

type options struct {
	groups int
	slaves int
	role   Role
	flush  store.FlushType
	seed   uint64
	file   int64
}

func newCluster(t testing.TB, o options) *cluster {
	t.Helper()
	if o.seed == 0 {
		o.seed = 1
	}
	w := sim.NewWorld(o.seed, sim.NetSpec{Latency: 200 * sim.Microsecond, Jitter: 20 * sim.Microsecond})
	k := &cluster{t: t, w: w, hosts: map[string]*sim.Host{}, cfgs: map[string]*Config{}, pool: wire.NewPool()}
	disk := sim.DiskSpec{Write: 5 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 200 << 20, Capacity: 100 << 30}
	spec := sim.HostSpec{Cores: 8, Disk: disk, Server: true}
	nscfg := namesrv.DefaultConfig()
	for i := range 2 {
		h := w.AddHost(fmt.Sprintf("namesrv-%d", i+1), spec)
		h.Install(namesrv.ServiceName, sim.Range{Min: sim.Second, Max: sim.Second}, func() sim.Program { return namesrv.New(&nscfg) })
		h.Service(namesrv.ServiceName).Start()
		k.ns = append(k.ns, h)
	}
	for g := range max(o.groups, 1) {
		group := string(rune('a' + g))
		for id := range 1 + o.slaves {
			name := fmt.Sprintf("broker-%s-%d", group, id)
			role := o.role
			if id > 0 {
				role = Slave
			}
			cfg := DefaultConfig(group, int64(id), role, name, k.ns, k.pool)
			cfg.Store.FlushDisk = o.flush
			cfg.Store.FileSize, cfg.Store.QueueFileSize = 1<<20, 20000
			if o.file > 0 {
				cfg.Store.FileSize, cfg.Store.QueueFileSize = o.file, 600000
			}
			h := w.AddHost(name, spec)
			h.Install(server, sim.Range{Min: 2 * sim.Second, Max: 3 * sim.Second}, func() sim.Program { return New(&cfg) })
			h.Service(server).Start()
			k.hosts[name], k.cfgs[name] = h, &cfg
		}
	}
	k.clients = w.AddHost("client-1", sim.HostSpec{Cores: 8, Disk: disk})
	k.client = &bare{conns: map[string]*sim.Conn{}, waits: map[int32]func(wire.Response){}}
	k.clients.Install("client", sim.Range{}, func() sim.Program { return k.client })
	k.clients.Service("client").Start()
	return k
}

// settled brings all brokers up, with every slave caught up.
func (k *cluster) settled() {
	k.t.Helper()
	k.until(60*sim.Second, "running brokers", func() bool {
		for _, c := range k.cfgs { //mqsim:unordered all
			b := k.broker(c.Host)
			if b == nil || !b.Serving() {
				return false
			}
			if c.Role == Slave {
				m := k.master(c.Name)
				if m == nil || m.Master() == nil {
					return false
				}
				if off, ok := m.Master().Reported(c.Host); !ok || off != m.LogEnd() {
					return false
				}
			}
		}
		return true
	})
}

func (k *cluster) master(group string) *Broker {
	for _, n := range k.ns {
		if s, ok := n.Service(namesrv.ServiceName).Program().(*namesrv.Server); ok {
			if a := s.Master(group); a != "" {
				return k.broker(a)
			}
		}
	}
	return nil
}

func (k *cluster) broker(host string) *Broker {
	b, _ := k.hosts[host].Service(server).Program().(*Broker)
	return b
}

func (k *cluster) run(d sim.Time) { k.w.K.Run(k.w.Now() + d) }

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
		k.t.Logf("%12v %-12s %-18s %-6s %s", e.At, name, e.Kind, e.Part, e.Text)
	}
}

func (k *cluster) check() {
	k.t.Helper()
	for _, v := range k.w.Trace.Violations {
		k.t.Errorf("violated: %s", v)
	}
}

// ask sends a request and returns the answer, nil when the connection ended or none came in time.
func (k *cluster) ask(host *sim.Host, port sim.Port, m wire.Request, wait sim.Time) wire.Response {
	var out wire.Response
	done := false
	k.client.ask(host, port, m, func(r wire.Response) { out, done = r, true })
	k.w.K.RunUntil(k.w.Now()+wait, func() bool { return done })
	return out
}

func (k *cluster) create(host, topic string, queues int32) {
	k.t.Helper()
	r := k.ask(k.hosts[host], wire.ClientPort, &wire.CreateTopicRequest{TopicConfig: wire.TopicConfig{Topic: topic, ReadQueues: queues,
		WriteQueues: queues, Perm: wire.PermRead | wire.PermWrite}}, sim.Second)
	if r == nil || r.Result() != wire.Success {
		k.t.Fatalf("create %s at %s: %v", topic, host, r)
	}
}

// send sends one message and returns the status, "none" without an answer.
func (k *cluster) send(host, topic string, queue int32, body string) (status string, offset int64) {
	m := k.pool.Send()
	m.Group, m.Topic, m.QueueID, m.DefaultTopicNums, m.MaxReconsumeTimes, m.WaitStore = "pg", topic, queue, 4, -1, true
	m.Props = store.AppendProperty(m.Props, store.PropUniqKey, "0A000001"+body)
	m.Body = k.w.Arena.Put([]byte(body))
	r, _ := k.ask(k.hosts[host], wire.ClientPort, m, 10*sim.Second).(*wire.SendMessageResponse)
	if r == nil {
		return "none", -1
	}
	if r.Code.Stored() {
		return r.Code.SendStatus(), r.QueueOffset
	}
	return r.Code.String(), -1
}

// pull returns the code and the bodies that a consumer gets.
func (k *cluster) pull(host, topic string, queue int32, offset int64, hold bool, wait sim.Time) (string, []string) {
	m := k.pool.Pull()
	m.Group, m.Topic, m.QueueID, m.Offset, m.MaxMsgs, m.SuspendTimeout = "cg", topic, queue, offset, 32, 15000
	m.SysFlag = wire.PullSubscription
	if hold {
		m.SysFlag |= wire.PullSuspend
	}
	r, _ := k.ask(k.hosts[host], wire.ClientPort, m, wait).(*wire.PullMessageResponse)
	if r == nil {
		return "none", nil
	}
	var out []string
	c := store.NewCursor(&k.w.Arena, r.Refs)
	for c.Left() > 0 && c.Next(true) == store.Good {
		out = append(out, string(c.BodyBytes()))
	}
	return r.Code.String(), out
}

func (k *cluster) route(topic string) *wire.RouteResponse {
	r, _ := k.ask(k.ns[0], wire.NamesrvPort, &wire.RouteRequest{Topic: topic}, sim.Second).(*wire.RouteResponse)
	return r
}

// bare is a client that sends what a test tells it to.
type bare struct {
	p      *sim.Proc
	conns  map[string]*sim.Conn
	todo   map[*sim.Conn][]wire.Request
	waits  map[int32]func(wire.Response)
	opaque int32
	notes  int
}

func (c *bare) ask(h *sim.Host, port sim.Port, m wire.Request, done func(wire.Response)) {
	c.opaque++
	wire.Head(m).Opaque = c.opaque
	c.waits[c.opaque] = done
	conn := c.conns[h.Name]
	if conn == nil {
		conn = c.p.Dial(h, port)
		conn.Data = h.Name
		c.conns[h.Name] = conn
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
func (c *bare) Closed(n *sim.Conn, _ sim.CloseReason) { delete(c.conns, n.Data.(string)) }
func (c *bare) Connected(n *sim.Conn, err error) {
	if err != nil {
		delete(c.conns, n.Data.(string))
		return
	}
	for _, m := range c.todo[n] {
		n.Send(m, m.Size())
	}
	delete(c.todo, n)
}
func (c *bare) Receive(_ *sim.Conn, m any) {
	r, ok := m.(wire.Response)
	if !ok {
		c.notes++
		return
	}
	if f := c.waits[r.Correlation()]; f != nil {
		delete(c.waits, r.Correlation())
		f(r)
	}
}

func (k *cluster) wantSend(host, topic string, queue int32, body, status string, offset int64) {
	k.t.Helper()
	if s, o := k.send(host, topic, queue, body); s != status || o != offset {
		k.t.Errorf("send %s to %s: %s at %d, want %s at %d", body, host, s, o, status, offset)
	}
}

func TestSendReplicatePull(t *testing.T) {
	k := newCluster(t, options{slaves: 1, role: SyncMaster})
	k.settled()
	k.create("broker-a-0", "t0", 4)
	k.run(sim.Second)
	for i := range 20 {
		k.wantSend("broker-a-0", "t0", 1, fmt.Sprintf("m%d", i), "SEND_OK", int64(i))
	}
	k.wantSend("broker-a-1", "t0", 1, "x", "SERVICE_NOT_AVAILABLE", -1)
	k.run(20 * sim.Second) // the slave learns the topic
	for _, h := range []string{"broker-a-0", "broker-a-1"} {
		code, got := k.pull(h, "t0", 1, 0, true, sim.Second)
		if code != "SUCCESS" || len(got) != 20 || got[19] != "m19" {
			t.Errorf("pull from %s: %s %v", h, code, got)
		}
	}
	r := k.route("t0")
	if r == nil || len(r.Queues) != 1 || r.Queues[0].WriteQueues != 4 || len(r.Brokers[0].Addrs) != 2 || r.Brokers[0].Addrs[0].Addr != "broker-a-0" {
		t.Errorf("route %+v", r)
	}
	if a, b := k.broker("broker-a-0").LogEnd(), k.broker("broker-a-1").LogEnd(); a != b {
		t.Errorf("log ends %d and %d", a, b)
	}
	k.check()
}

func TestLongPolling(t *testing.T) {
	k := newCluster(t, options{})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	if code, _ := k.pull("broker-a-0", "t0", 0, 0, true, sim.Second); code != "none" {
		t.Errorf("an empty queue answered %s", code)
	}
	var got wire.Response
	at := k.w.Now()
	m := &wire.PullMessageRequest{Group: "cg", Topic: "t0", MaxMsgs: 32, SuspendTimeout: 15000, SysFlag: wire.PullSubscription | wire.PullSuspend}
	k.client.ask(k.hosts["broker-a-0"], wire.ClientPort, m, func(r wire.Response) { got, at = r, k.w.Now() })
	k.run(sim.Second)
	begin := k.w.Now()
	k.wantSend("broker-a-0", "t0", 0, "m0", "SEND_OK", 0)
	k.until(sim.Second, "an answer to the held pull", func() bool { return got != nil })
	if got.Result() != wire.Success || at-begin > 10*sim.Millisecond {
		t.Errorf("%s after %v", got.Result(), at-begin)
	}
	// At the tail nobody writes: the answer comes at the 5 s look after 15 s.
	begin = k.w.Now()
	code, _ := k.pull("broker-a-0", "t0", 0, 1, true, 30*sim.Second)
	if d := k.w.Now() - begin; code != "PULL_NOT_FOUND" || d < 15*sim.Second || d > 21*sim.Second {
		t.Errorf("%s after %v", code, d)
	}
	k.check()
}

// Row 7 and 10: the master is killed and comes back; the slave serves reads meanwhile, nothing is lost.
func TestKillMaster(t *testing.T) {
	k := newCluster(t, options{slaves: 1, role: SyncMaster})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	k.run(15 * sim.Second)
	for i := range 10 {
		k.wantSend("broker-a-0", "t0", 0, fmt.Sprintf("m%d", i), "SEND_OK", int64(i))
	}
	svc := k.hosts["broker-a-0"].Service(server)
	svc.Kill()
	k.run(10 * sim.Millisecond)
	r := k.route("t0")
	if r == nil || len(r.Queues) != 1 || len(r.Brokers[0].Addrs) != 1 || r.Brokers[0].Addrs[0].ID != 1 {
		t.Errorf("route after the kill: %+v", r)
	}
	if code, got := k.pull("broker-a-1", "t0", 0, 0, true, sim.Second); code != "SUCCESS" || len(got) != 10 {
		t.Errorf("pull from the slave: %s %v", code, got)
	}
	svc.Start()
	k.until(20*sim.Second, "a master", func() bool { return k.master("a") != nil && k.master("a").Serving() })
	// isSlaveOK is false at once, or true without a report for 5 to 6 s.
	if s, _ := k.send("broker-a-0", "t0", 0, "early"); s != "SLAVE_NOT_AVAILABLE" && s != "FLUSH_SLAVE_TIMEOUT" {
		t.Errorf("early send: %s", s)
	}
	k.run(12 * sim.Second)
	k.wantSend("broker-a-0", "t0", 0, "late", "SEND_OK", 11)
	for _, h := range []string{"broker-a-0", "broker-a-1"} {
		if code, got := k.pull(h, "t0", 0, 0, true, sim.Second); code != "SUCCESS" || len(got) != 12 {
			t.Errorf("pull from %s: %s %v", h, code, got)
		}
	}
	k.check()
}

// Row 17: a SYNC_MASTER without its slave goes on with weaker answers.
func TestKillSlave(t *testing.T) {
	k := newCluster(t, options{slaves: 1, role: SyncMaster, flush: store.SyncFlush})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	k.wantSend("broker-a-0", "t0", 0, "m0", "SEND_OK", 0)
	k.hosts["broker-a-1"].Service(server).Pause()
	k.wantSend("broker-a-0", "t0", 0, "m1", "FLUSH_SLAVE_TIMEOUT", 1)
	k.hosts["broker-a-1"].Service(server).Kill()
	k.run(10 * sim.Millisecond)
	k.wantSend("broker-a-0", "t0", 0, "m2", "SLAVE_NOT_AVAILABLE", 2)
	k.check()
}

// Row 9 and 11: the master's disk is gone, an operator promotes the slave.
func TestPromote(t *testing.T) {
	k := newCluster(t, options{slaves: 1, role: SyncMaster})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	for i := range 5 {
		k.wantSend("broker-a-0", "t0", 0, fmt.Sprintf("m%d", i), "SEND_OK", int64(i))
	}
	q := wire.Queue{Topic: "t0"}
	k.ask(k.hosts["broker-a-0"], wire.ClientPort, &wire.UpdateOffsetRequest{Group: "cg", Queue: q, Offset: 3}, sim.Second)
	k.run(12 * sim.Second)
	k.ask(k.hosts["broker-a-0"], wire.ClientPort, &wire.UpdateOffsetRequest{Group: "cg", Queue: q, Offset: 5}, sim.Second)
	k.hosts["broker-a-0"].PowerOff(sim.CrashKind(0))
	slave := k.hosts["broker-a-1"].Service(server)
	slave.Stop()
	k.until(10*sim.Second, "an end of the slave", func() bool { return !slave.Running() })
	k.cfgs["broker-a-1"].Role, k.cfgs["broker-a-1"].ID = AsyncMaster, 0
	slave.Start()
	k.until(20*sim.Second, "a new master", func() bool { b := k.master("a"); return b != nil && b.cfg.Host == "broker-a-1" && b.Serving() })
	if got := k.broker("broker-a-1").Offset("cg", q); got != 3 {
		t.Errorf("the offset of the last metadata sync is 3, not %d", got)
	}
	k.wantSend("broker-a-1", "t0", 0, "m5", "SEND_OK", 5)
	k.run(10 * sim.Millisecond)
	if code, got := k.pull("broker-a-1", "t0", 0, 0, true, sim.Second); code != "SUCCESS" || len(got) != 6 {
		t.Errorf("pull: %s %v", code, got)
	}
	k.check()
}

// A machine that loses power is noticed after 90 to 120 s.
func TestSilentDeath(t *testing.T) {
	k := newCluster(t, options{groups: 2})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	k.create("broker-b-0", "t0", 1)
	k.run(35 * sim.Second)
	at := k.w.Now()
	k.hosts["broker-a-0"].PowerOff(sim.CrashKind(0))
	k.until(150*sim.Second, "a removal", func() bool {
		s := k.ns[0].Service(namesrv.ServiceName).Program().(*namesrv.Server)
		return len(s.Route("t0").Queues) == 1
	})
	if d := k.w.Now() - at; d < 89*sim.Second || d > 130*sim.Second {
		t.Errorf("removed after %v", d)
	}
	k.check()
}

// Delay levels, retries and dead letters need a running master.
func TestSendBack(t *testing.T) {
	k := newCluster(t, options{})
	k.settled()
	k.create("broker-a-0", "t0", 1)
	k.wantSend("broker-a-0", "t0", 0, "m0", "SEND_OK", 0)
	b := &wire.SendBackRequest{Group: "cg", Offset: 0, OriginTopic: "t0", MaxReconsumeTimes: 1}
	if r := k.ask(k.hosts["broker-a-0"], wire.ClientPort, b, sim.Second); r == nil || r.Result() != wire.Success {
		t.Fatalf("send back: %+v", r)
	}
	if code, got := k.pull("broker-a-0", RetryTopic("cg"), 0, 0, false, sim.Second); code != "PULL_NOT_FOUND" {
		t.Errorf("before the delay: %s %v", code, got)
	}
	begin := k.w.Now()
	code, got := k.pull("broker-a-0", RetryTopic("cg"), 0, 0, true, 20*sim.Second)
	if d := k.w.Now() - begin; code != "SUCCESS" || len(got) != 1 || got[0] != "m0" || d < 8*sim.Second || d > 11*sim.Second {
		t.Errorf("retry: %s %v after %v", code, got, d)
	}
	b.DelayLevel = -1
	b2 := *b
	k.ask(k.hosts["broker-a-0"], wire.ClientPort, &b2, sim.Second)
	k.run(sim.Second)
	if code, got := k.pull("broker-a-0", DLQTopic("cg"), 0, 0, true, sim.Second); code != "SUCCESS" || len(got) != 1 {
		t.Errorf("dead letter: %s %v", code, got)
	}
	k.check()
}

func TestConsumers(t *testing.T) {
	k := newCluster(t, options{})
	k.settled()
	k.create("broker-a-0", "t0", 2)
	h := k.hosts["broker-a-0"]
	m := &wire.PullMessageRequest{Group: "cg", Topic: "t0", MaxMsgs: 32}
	if r := k.ask(h, wire.ClientPort, m, sim.Second); r == nil || r.Result() != wire.SubscriptionNotExist {
		t.Errorf("pull before a heartbeat: %+v", r)
	}
	k.ask(h, wire.ClientPort, &wire.HeartbeatRequest{ClientID: "c1", Consumers: []wire.ConsumerData{{Group: "cg", Topics: []string{"t0"}}}}, sim.Second)
	if r := k.ask(h, wire.ClientPort, &wire.ConsumerListRequest{Group: "cg"}, sim.Second).(*wire.ConsumerListResponse); len(r.IDs) != 1 || k.client.notes != 1 {
		t.Errorf("members %v, %d notices", r.IDs, k.client.notes)
	}
	q := wire.Queue{Topic: "t0", ID: 1}
	l := k.ask(h, wire.ClientPort, &wire.LockRequest{Group: "cg", ClientID: "c1", Queues: []wire.Queue{q}}, sim.Second).(*wire.LockResponse)
	l2 := k.ask(h, wire.ClientPort, &wire.LockRequest{Group: "cg", ClientID: "c2", Queues: []wire.Queue{q}}, sim.Second).(*wire.LockResponse)
	if len(l.Queues) != 1 || len(l2.Queues) != 0 {
		t.Errorf("locks %v %v", l.Queues, l2.Queues)
	}
	k.run(61 * sim.Second)
	l2 = k.ask(h, wire.ClientPort, &wire.LockRequest{Group: "cg", ClientID: "c2", Queues: []wire.Queue{q}}, sim.Second).(*wire.LockResponse)
	if len(l2.Queues) != 1 {
		t.Errorf("an expired lock: %v", l2.Queues)
	}
	k.ask(h, wire.ClientPort, &wire.UpdateOffsetRequest{Group: "cg", Queue: q, Offset: 7}, sim.Second)
	k.run(20 * sim.Second)
	h.Service(server).Kill()
	h.Service(server).Start()
	k.run(10 * sim.Second)
	r := k.ask(h, wire.ClientPort, &wire.QueryOffsetRequest{Group: "cg", Queue: q}, sim.Second).(*wire.OffsetResponse)
	if r.Code != wire.Success || r.Offset != 7 {
		t.Errorf("offset after a restart: %+v", r)
	}
	k.check()
}
