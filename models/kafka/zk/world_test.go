package zk

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

const testTimerZK = 100

// testClient is a program that embeds a Client and writes down what it is told.
type testClient struct {
	w    *testWorld
	name string
	p    *sim.Proc
	zk   *Client
	// reopen begins a new session after an expiry.
	reopen bool
	onFire func(e WatchEvent)
	onTick func()
	fresh  int // sessions begun
}

func (c *testClient) say(format string, args ...any) {
	c.w.say("%s: %s", c.name, fmt.Sprintf(format, args...))
}

func (c *testClient) Boot(p *sim.Proc) {
	c.p = p
	c.zk = NewClient(p, c.w.servers, c.w.timeout, c, testTimerZK)
	c.zk.Open()
}
func (c *testClient) Timer(kind uint16, arg uint32) {
	if !c.zk.HandleTimer(kind, arg) {
		c.onTick()
	}
}
func (c *testClient) Accept(conn *sim.Conn) { panic("no port is open") }
func (c *testClient) Connected(conn *sim.Conn, err error) {
	if !c.zk.HandleConnected(conn, err) {
		panic("connection of nobody")
	}
}
func (c *testClient) Receive(conn *sim.Conn, m any) {
	if !c.zk.HandleReceive(conn, m) {
		panic("message of nobody")
	}
}
func (c *testClient) Closed(conn *sim.Conn, why sim.CloseReason) {
	if !c.zk.HandleClosed(conn, why) {
		panic("connection of nobody")
	}
}
func (c *testClient) Synced(arg uint32, err error) {}
func (c *testClient) Stop() {
	c.zk.Close(func(r Response) {
		c.say("close -> %s", r.Code)
		c.p.Exit()
	})
}
func (c *testClient) Cost(conn *sim.Conn, m any) (int, sim.Time) {
	cost, ok := ClientCost(m)
	if !ok {
		panic("message of nobody")
	}
	return 0, cost
}

func (c *testClient) ZKConnected(fresh bool) {
	if fresh {
		c.fresh++
		c.say("connected to %s, new session", c.zk.Server().Name)
		return
	}
	c.say("connected to %s, same session", c.zk.Server().Name)
}
func (c *testClient) ZKDisconnected() { c.say("disconnected") }
func (c *testClient) ZKExpired() {
	c.say("expired")
	if c.reopen {
		c.zk.Open()
	}
}
func (c *testClient) ZKWatch(e WatchEvent) {
	c.say("watch %s %s", e.Type, e.Path)
	if c.onFire != nil {
		c.onFire(e)
	}
}

// testWorld is an ensemble with clients. Times in its log count from the end of the set-up.
type testWorld struct {
	*sim.World
	ens     *Ensemble
	servers []*sim.Host
	clients map[string]*testClient
	timeout sim.Time
	rules   []*sim.Rule
	zero    sim.Time
	log     []string
}

func newTestWorld(seed uint64, servers int, timeout sim.Time) *testWorld {
	w := &testWorld{
		World:   sim.NewWorld(seed, sim.NetSpec{Latency: 250 * sim.Microsecond, Jitter: 50 * sim.Microsecond, Bandwidth: 1 << 30}),
		clients: map[string]*testClient{},
		timeout: timeout,
	}
	disk := sim.DiskSpec{Write: 5 * sim.Microsecond, Fsync: sim.Millisecond, Bandwidth: 500 << 20}
	for i := range servers {
		h := w.AddHost(fmt.Sprintf("zk-%d", i+1), sim.HostSpec{Cores: 4, Server: true, Disk: disk})
		w.servers = append(w.servers, h)
	}
	w.ens = Install(w.World, w.servers, DefaultConfig())
	w.OnEmit(func(e sim.DomainEvent) {
		switch e.Kind {
		case "session-expired":
			w.say("%s: session-expired", e.Host.Name)
		case "zk-leader-elected":
			w.say("%s: leader, %s", e.Host.Name, e.Text)
		}
	})
	return w
}

func (w *testWorld) say(format string, args ...any) {
	at := w.Now() - w.zero
	w.log = append(w.log, fmt.Sprintf("%4d.%03ds  ", at/sim.Second, at%sim.Second/sim.Millisecond)+fmt.Sprintf(format, args...))
}

// drain returns what was said since the last call.
func (w *testWorld) drain() string {
	s := strings.Join(w.log, "\n")
	w.log = nil
	return s
}

func (w *testWorld) boot() {
	w.ens.Start()
	w.settle(20 * sim.Second)
}

// settle runs until every running server serves, at most for d; false: it did not.
func (w *testWorld) settle(d sim.Time) bool {
	ok := w.K.RunUntil(w.Now()+d, func() bool { ok, _ := w.ens.Settled(); return ok })
	return ok
}

func (w *testWorld) run(d sim.Time) { w.K.Run(w.Now() + d) }

func (w *testWorld) addClient(name string) *testClient {
	c := &testClient{w: w, name: name}
	w.clients[name] = c
	h := w.HostNamed(name)
	if h == nil {
		h = w.AddHost(name, sim.HostSpec{Cores: 2})
		h.Install("client", sim.Range{}, func() sim.Program {
			n := &testClient{w: w, name: name, reopen: c.reopen}
			w.clients[name] = n
			return n
		})
	}
	h.Service("client").Start()
	w.K.RunUntil(w.Now()+10*sim.Second, func() bool {
		x := w.clients[name]
		return x != nil && x.zk != nil && x.zk.Connected()
	})
	return w.clients[name]
}

func (w *testWorld) cut(a, b []*sim.Host) {
	for _, r := range []*sim.Rule{
		{From: sim.NewHostSet(a...), To: sim.NewHostSet(b...), Cut: true},
		{From: sim.NewHostSet(b...), To: sim.NewHostSet(a...), Cut: true},
	} {
		w.Net.Add(r)
		w.rules = append(w.rules, r)
	}
}

func (w *testWorld) heal() {
	for _, r := range w.rules {
		w.Net.RemoveRule(r)
	}
	w.rules = nil
}

// wait runs until a request that do issues has ended, and returns its answer.
func (w *testWorld) wait(t *testing.T, do func(done func(Response))) Response {
	t.Helper()
	var got *Response
	do(func(r Response) { got = &r })
	if !w.K.RunUntil(w.Now()+60*sim.Second, func() bool { return got != nil }) {
		t.Fatal("no answer within a minute")
	}
	return *got
}

// dump is the tree of a server as text.
func dump(t *tree) string {
	var paths []string
	for p := range t.nodes { //mqsim:unordered sorted below
		paths = append(paths, p)
	}
	sort.Strings(paths)
	var b strings.Builder
	for _, p := range paths {
		n := t.nodes[p]
		s := n.copyStat()
		fmt.Fprintf(&b, "%s %q version %d cversion %d", p, n.data, s.Version, s.Cversion)
		if s.EphemeralOwner != 0 {
			b.WriteString(" ephemeral")
		}
		b.WriteString("\n")
	}
	return b.String()
}
