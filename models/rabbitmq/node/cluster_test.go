package node

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// rig is a world with nodes n1.. and bare clients.
type rig struct {
	t     *testing.T
	w     *sim.World
	k     *Cluster
	nodes []*sim.Host
	n     int // clients
}

func newRig(t testing.TB, nodes int, rules Rules) *rig {
	t.Helper()
	w := sim.NewWorld(1, sim.NetSpec{Latency: 200 * sim.Microsecond, Jitter: 50 * sim.Microsecond})
	k := &rig{w: w}
	k.t, _ = t.(*testing.T)
	disk := sim.DiskSpec{Write: 5 * sim.Microsecond, Fsync: 500 * sim.Microsecond, Bandwidth: 200 << 20}
	for i := range nodes {
		k.nodes = append(k.nodes, w.AddHost(fmt.Sprintf("n%d", i+1), sim.HostSpec{Cores: 4, Disk: disk, Server: true}))
	}
	k.k = &Cluster{Hosts: k.nodes, Pool: &wire.Pool{}, Stats: NewStats(w), Rules: rules}
	for i, h := range k.nodes {
		h.Install("server", sim.Range{Min: sim.Second, Max: 2 * sim.Second}, func() sim.Program { return New(k.k, i) })
		h.Service("server").Start()
	}
	k.until(20*sim.Second, "cluster", func() bool {
		for i := range nodes {
			for j := range nodes {
				if n := k.node(i); n == nil || !n.Running() || !n.Sees(j) {
					return false
				}
			}
		}
		return true
	})
	return k
}

func (k *rig) node(i int) *Node {
	n, _ := k.nodes[i].Service("server").Program().(*Node)
	return n
}

func (k *rig) run(d sim.Time) { k.w.K.Run(k.w.Now() + d) }

func (k *rig) until(d sim.Time, what string, cond func() bool) {
	if !k.w.K.RunUntil(k.w.Now()+d, cond) && !cond() {
		k.dump()
		if k.t == nil {
			panic(what)
		}
		k.t.Helper()
		k.t.Fatalf("no %s within %v", what, d)
	}
}

func (k *rig) dump() {
	if k.t == nil {
		return
	}
	for _, e := range k.w.Trace.Events {
		name := "-"
		if e.Host != nil {
			name = e.Host.Name
		}
		k.t.Logf("%10v %-10s %-20s %-10s %s", e.At, name, e.Kind, e.Part, e.Text)
	}
}

func (k *rig) check() {
	k.t.Helper()
	for _, v := range k.w.Trace.Violations {
		k.t.Errorf("violated: %s", v)
	}
}

// declare makes a queue with its home on a node.
func (k *rig) declare(name string, home int) {
	k.do(func(done func(error)) {
		k.node(home).Declare(Declaration{Name: name, Durable: true, Home: home}, done)
	})
}

func (k *rig) do(f func(done func(error))) {
	ok := false
	f(func(err error) {
		if err != nil {
			k.t.Fatal(err)
		}
		ok = true
	})
	k.until(5*sim.Second, "answer", func() bool { return ok })
	k.run(20 * sim.Millisecond)
}

func (k *rig) mirrored(p Policy) {
	if p.HAMode == "" {
		p.HAMode = HAAll
	}
	p.Name, p.Pattern = "ha", "."
	k.do(func(done func(error)) { k.node(0).SetPolicy(p, done) })
	k.run(100 * sim.Millisecond)
}

func (k *rig) synced(queue string, n int) func() bool {
	return func() bool {
		v, ok := k.node(len(k.nodes) - 1).View(queue)
		return ok && len(v.Synced) == n
	}
}

// bare is a client with one channel on one node.
type bare struct {
	k         *rig
	p         *sim.Proc
	host      *sim.Host
	c         *sim.Conn
	up        bool
	consume   string
	prefetch  uint16
	noAck     bool
	ackLater  bool
	sent      uint64
	acked     map[uint64]bool
	nacked    map[uint64]bool
	returned  int
	got       []uint64 // bodies
	again     []uint64 // redelivered
	tags      []uint64
	cancelled int
	closed    int
	errors    []uint16
	base      uint64
}

func (k *rig) client(node int) *bare { return k.clientWith(node, func(*bare) {}) }

func (k *rig) clientWith(node int, f func(b *bare)) *bare {
	k.n++
	h := k.w.AddHost(fmt.Sprintf("client-%d", k.n), sim.HostSpec{Cores: 4})
	b := &bare{k: k, host: k.nodes[node], acked: map[uint64]bool{}, nacked: map[uint64]bool{}, base: uint64(k.n) << 32}
	f(b)
	h.Install("client", sim.Range{}, func() sim.Program { return b })
	h.Service("client").Start()
	k.until(5*sim.Second, "client", func() bool { return b.up || len(b.errors) > 0 })
	return b
}

func (b *bare) Boot(p *sim.Proc) {
	b.p = p
	b.c = p.Dial(b.host, wire.ClientPort)
}
func (b *bare) Timer(kind uint16, arg uint32) {}
func (b *bare) Accept(c *sim.Conn)            {}
func (b *bare) Connected(c *sim.Conn, err error) {
	if err == nil {
		b.send(&wire.ProtocolHeader{})
	}
}
func (b *bare) send(m wire.Message)                     { b.c.Send(m, m.Size()) }
func (b *bare) Closed(c *sim.Conn, why sim.CloseReason) { b.closed++; b.up = false }
func (b *bare) Synced(arg uint32, err error)            {}
func (b *bare) Stop()                                   {}

func (b *bare) Receive(c *sim.Conn, m any) {
	ch := wire.Chan{Channel: 1}
	switch m := m.(type) {
	case *wire.ConnectionStart:
		b.send(&wire.ConnectionStartOk{})
	case *wire.ConnectionTune:
		b.send(&wire.ConnectionTuneOk{})
		b.send(&wire.ConnectionOpen{})
	case *wire.ConnectionOpenOk:
		b.send(&wire.ChannelOpen{Chan: ch})
	case *wire.ChannelOpenOk:
		b.send(&wire.ConfirmSelect{Chan: ch})
	case *wire.ConfirmSelectOk:
		if b.consume == "" {
			b.up = true
			return
		}
		b.send(&wire.Qos{Chan: ch, Prefetch: b.prefetch})
		b.send(&wire.Consume{Chan: ch, Queue: b.consume, Tag: "c", NoAck: b.noAck})
	case *wire.ConsumeOk:
		b.up = true
	case *wire.ChannelClose:
		b.errors = append(b.errors, m.Code)
	case *wire.Ack:
		for s := m.Tag; s > 0 && !b.acked[s]; s-- {
			if !b.nacked[s] {
				b.acked[s] = true
			}
			if !m.Multiple {
				break
			}
		}
	case *wire.Nack:
		b.nacked[m.Tag] = true
	case *wire.Return:
		b.returned++
	case *wire.Cancel:
		b.cancelled++
	case *wire.Deliver:
		id, ok := wire.BodyOf(&b.k.w.Arena, &m.Content)
		if !ok {
			b.k.t.Error("a damaged body")
		}
		b.got = append(b.got, uint64(id))
		if m.Redelivered {
			b.again = append(b.again, uint64(id))
		}
		if !b.noAck {
			if b.ackLater {
				b.tags = append(b.tags, m.Tag)
			} else {
				b.send(&wire.Ack{Chan: ch, Tag: m.Tag})
			}
		}
	}
}

// publish sends n messages at once.
func (b *bare) publish(queue string, n int, mode uint8) {
	for range n {
		b.sent++
		ref, _ := b.k.w.Arena.Alloc(256)
		b.k.w.Body(ref, sim.MsgID(b.base+b.sent))
		m := b.k.k.Pool.Publish.Get()
		m.Channel, m.Key, m.Content = 1, queue, wire.Content{Body: ref, Mode: mode}
		b.send(m)
	}
}

// pace publishes n messages with a pause between them.
func (b *bare) pace(queue string, n int, pause sim.Time, mode uint8) {
	for range n {
		b.publish(queue, 1, mode)
		b.k.run(pause)
	}
}

func distinct(ids []uint64) int {
	seen := map[uint64]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	return len(seen)
}
