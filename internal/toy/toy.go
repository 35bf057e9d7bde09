// Package toy is a broker of thirty lines of behaviour that fulfils the contract of models: servers
// that each append what they get to a file and push it to whoever subscribed. The tests of the
// injector, the workload and the runner stand on it, so that they do not depend on a real model.
package toy

import (
	"fmt"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

var port = sim.Port{Num: 7000, Class: sim.PortClient}

// Cluster is a row of independent servers s1, s2 ...; clients use the first that is up.
type Cluster struct {
	W       *sim.World
	Streams []models.Stream
	hosts   []*sim.Host
	// Ops are the operations that were asked for; "forbidden" is refused.
	Ops []string

	workers map[string]*Worker // by host
}

// New makes a cluster of n servers whose processes boot in boot.
func New(w *sim.World, n int, spec sim.HostSpec, boot sim.Time, streams []models.Stream) *Cluster {
	c := &Cluster{W: w, Streams: streams}
	spec.Server = true
	for i := range n {
		h := w.AddHost(fmt.Sprintf("s%d", i+1), spec)
		h.Install(models.ServerService, sim.Range{Min: boot, Max: boot}, func() sim.Program { return &server{} })
		c.hosts = append(c.hosts, h)
	}
	return c
}

// Start boots the servers.
func (c *Cluster) Start() {
	for _, h := range c.hosts {
		h.Service(models.ServerService).Start()
	}
}

// Ready: every server serves.
func (c *Cluster) Ready() (bool, string) {
	for _, h := range c.hosts {
		if !h.Service(models.ServerService).Ready {
			return false, h.Name + " does not serve"
		}
	}
	return true, ""
}

// Settled is Ready.
func (c *Cluster) Settled() (bool, string) { return c.Ready() }

// Servers are s1, s2 ...
func (c *Cluster) Servers() []*sim.Host { return c.hosts }

// Partitions is 1.
func (c *Cluster) Partitions(int) int { return 1 }

// PartitionName is STREAM-0.
func (c *Cluster) PartitionName(stream int, partition int32) string {
	return c.Streams[stream].Name + "-0"
}

// Select: primary is the first server whose process runs, replica the others.
func (c *Cluster) Select(role, arg string, all bool) []*sim.Host {
	var up []*sim.Host
	for _, h := range c.hosts {
		if h.Service(models.ServerService).Running() {
			up = append(up, h)
		}
	}
	switch {
	case role == "primary" && len(up) > 0:
		return up[:1]
	case role == "replica" && len(up) > 1:
		if all {
			return up[1:]
		}
		return up[1:2]
	}
	return nil
}

// Do refuses the operation forbidden and grants all others a millisecond later.
func (c *Cluster) Do(op *models.Operation, done func(models.OpAnswer)) {
	c.Ops = append(c.Ops, op.Do)
	c.hosts[0].After(sim.Millisecond, func() {
		if op.Do == "forbidden" {
			done(models.OpAnswer{Text: "403 forbidden"})
			return
		}
		done(models.OpAnswer{OK: true, Text: "done"})
	})
}

// Serve reads the files of all servers.
func (c *Cluster) Serve(visit func(int, int32, int64, []byte)) {
	for _, h := range c.hosts {
		c.Scan(h, func(body []byte) { visit(0, 0, -1, body) })
	}
}

// Scan cuts the file into bodies of the first stream's size.
func (c *Cluster) Scan(h *sim.Host, visit func([]byte)) {
	f := h.Disks[0].FS().Open("log")
	if f == nil {
		return
	}
	size := int64(c.Streams[0].MessageSize)
	for off := int64(0); off+size <= f.Size(); off += size {
		buf := make([]byte, size)
		if n, err := f.ReadAt(buf, off); err == nil && n == int(size) {
			visit(buf)
		}
	}
}

// Promises: a toy promises nothing.
func (c *Cluster) Promises() []models.Promise {
	return []models.Promise{{Cause: "unsynced-page-cache", Class: models.Allowed, By: "toy", Why: "it never syncs"}}
}

// Statuses, Metrics, Rules and Fidelity are empty.
func (c *Cluster) Statuses() []string       { return []string{""} }
func (c *Cluster) Metrics() []models.Metric { return nil }
func (c *Cluster) Rules() []models.Rule     { return nil }
func (c *Cluster) Fidelity() []string       { return nil }

// NewProducer makes a producer client.
func (c *Cluster) NewProducer(spec *models.ProducerSpec, sink models.ProducerSink) models.Producer {
	return &producer{client: client{c: c}, sink: sink}
}

// NewConsumer makes a consumer client.
func (c *Cluster) NewConsumer(spec *models.ConsumerSpec, sink models.ConsumerSink) models.Consumer {
	return &consumer{client: client{c: c}, sink: sink}
}

// put is a message on its way to the server, deliver one from it; subscribe asks for them.
type (
	putBody   struct{ body sim.Ref }
	putDone   struct{ id sim.MsgID }
	subscribe struct{}
	deliver   struct {
		body sim.Ref
		n    uint64
	}
)

// server appends and pushes.
type server struct {
	p    *sim.Proc
	f    *sim.File
	subs []*sim.Conn
	n    uint64
}

func (s *server) Boot(p *sim.Proc) {
	s.p = p
	fs := p.FS(0)
	if s.f = fs.Open("log"); s.f == nil {
		var err error
		if s.f, err = fs.Create("log"); err != nil {
			p.Crash("no log: " + err.Error())
			return
		}
	}
	p.Listen(port)
	p.Ready()
}
func (s *server) Timer(uint16, uint32)       {}
func (s *server) Accept(*sim.Conn)           {}
func (s *server) Connected(*sim.Conn, error) {}
func (s *server) Closed(c *sim.Conn, _ sim.CloseReason) {
	for i, x := range s.subs {
		if x == c {
			s.subs = append(s.subs[:i], s.subs[i+1:]...)
			return
		}
	}
}
func (s *server) Synced(uint32, error) {}
func (s *server) Stop()                { s.p.Exit() }
func (s *server) Receive(c *sim.Conn, m any) {
	switch x := m.(type) {
	case *subscribe:
		s.subs = append(s.subs, c)
	case *putBody:
		if err := s.f.Append(x.body); err != nil {
			return
		}
		id, _ := sim.BodyID(s.p.W.Arena.Bytes(x.body))
		c.Send(&putDone{id}, 16)
		s.n++
		for _, sub := range s.subs {
			sub.Send(&deliver{x.body, s.n}, int(x.body.Len))
		}
	}
}

// client keeps a connection to the first server that answers.
type client struct {
	c    *Cluster
	p    *sim.Proc
	conn *sim.Conn
	next int
}

const timerDial = 1

func (x *client) dial() {
	h := x.c.hosts[x.next%len(x.c.hosts)]
	x.next++
	x.conn = x.p.Dial(h, port)
}
func (x *client) Timer(kind uint16, _ uint32) { x.dial() }
func (x *client) Accept(*sim.Conn)            {}
func (x *client) Synced(uint32, error)        {}
func (x *client) Stop()                       { x.p.Exit() }
func (x *client) Ready() bool                 { return x.conn != nil && x.conn.Open() }
func (x *client) again() {
	x.conn = nil
	x.p.After(10*sim.Millisecond, timerDial, 0)
}

type producer struct {
	client
	sink models.ProducerSink
	open []sim.MsgID
}

func (x *producer) Boot(p *sim.Proc) { x.p = p; x.dial() }
func (x *producer) Connected(_ *sim.Conn, err error) {
	if err != nil {
		x.again()
		return
	}
	x.sink.CanSend()
}
func (x *producer) Send(m models.Message) bool {
	if !x.Ready() {
		return false
	}
	body, _ := x.p.W.Arena.Alloc(int(m.Size))
	x.p.W.Body(body, m.ID)
	x.open = append(x.open, m.ID)
	x.conn.Send(&putBody{body}, int(m.Size))
	return true
}
func (x *producer) Receive(_ *sim.Conn, m any) {
	d := m.(*putDone)
	x.open = x.open[1:]
	x.sink.Answered(d.id, models.Answer{Outcome: models.Acked, Partition: 0, Offset: -1})
}
func (x *producer) Closed(*sim.Conn, sim.CloseReason) {
	x.again()
	for _, id := range x.open {
		x.sink.Answered(id, models.Answer{Outcome: models.Unknown, Partition: -1, Offset: -1})
	}
	x.open = nil
}

type consumer struct {
	client
	sink models.ConsumerSink
}

func (x *consumer) Boot(p *sim.Proc) { x.p = p; x.dial() }
func (x *consumer) Connected(c *sim.Conn, err error) {
	if err != nil {
		x.again()
		return
	}
	c.Send(&subscribe{}, 8)
}
func (x *consumer) Receive(_ *sim.Conn, m any) {
	d := m.(*deliver)
	x.sink.Delivered(models.Delivery{Body: d.body, Offset: -1, Token: d.n})
}
func (x *consumer) Closed(*sim.Conn, sim.CloseReason) { x.again() }
func (x *consumer) Processed(uint64, bool)            {}

// Worker is the part worker(a) of a server: nothing but its state.
type Worker struct{ dead, frozen bool }

// Worker is the worker of that name on a host, nil if there is none; only a exists.
func (c *Cluster) Worker(host, name string) *Worker {
	if name != "a" {
		return nil
	}
	if c.workers[host] == nil {
		if c.workers == nil {
			c.workers = map[string]*Worker{}
		}
		c.workers[host] = &Worker{}
	}
	return c.workers[host]
}

// Part finds a worker.
func (c *Cluster) Part(h *sim.Host, word, arg string) models.Part {
	if w := c.Worker(h.Name, arg); w != nil && word == "worker" {
		return w
	}
	return nil
}

func (w *Worker) Running() bool { return !w.dead }
func (w *Worker) Paused() bool  { return w.frozen }
func (w *Worker) Kill()         { w.dead = true }
func (w *Worker) Stop()         { w.dead = true }
func (w *Worker) Start()        { w.dead = false }
func (w *Worker) Pause()        { w.frozen = true }
func (w *Worker) Resume()       { w.frozen = false }
