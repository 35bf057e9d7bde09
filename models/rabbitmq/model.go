// Package rabbitmq is the model of RabbitMQ: nodes with their queues and mirrors, clients, an operator,
// and what the judge has to know about them. The engines are below: store (queue index, message store,
// backing queue), node (the Erlang VM with the rabbit application), wire (AMQP and the messages between
// nodes), client (the libraries that applications use), profile (what the settings are called and
// default to).
//
// This package joins them. It turns a resolved configuration into hosts and programs, brings a cluster
// to the state that every run begins with, and answers questions about it from outside: where is the
// master now, what would be served, what do the disks hold, what was promised.
package rabbitmq

import (
	"fmt"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/client"
	"github.com/mqsim/mqsim/models/rabbitmq/node"
	"github.com/mqsim/mqsim/models/rabbitmq/profile"
	"github.com/mqsim/mqsim/models/rabbitmq/store"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Model is RabbitMQ.
type Model struct{}

// Name is the key in a scenario.
func (Model) Name() string { return "rabbitmq" }

// Table lists settings, versions and quirks.
func (Model) Table() *models.Table { return profile.Table() }

// Build installs the nodes and an operator's machine. Nothing runs before Cluster.Start.
func (Model) Build(w *sim.World, cfg *models.Config) (models.Cluster, error) {
	c := &Cluster{w: w, cfg: cfg, stats: node.NewStats(w)}
	c.installNodes()
	c.placeQueues()
	if err := c.ownPolicies(); err != nil {
		return nil, fmt.Errorf("rabbitmq: %w", err)
	}
	c.connectClients()
	c.installOperator()
	return c, nil
}

// Cluster is one running RabbitMQ cluster.
type Cluster struct {
	w     *sim.World
	cfg   *models.Config
	stats *node.Stats
	pool  wire.Pool

	nodes    []*server
	servers  []*sim.Host
	queues   []*queue // of all streams, in order
	first    []int    // index of a stream's first queue
	policies []policy // every one that was ever in force, oldest first
	deleted  bool     // an operator deleted a queue
	clients  client.Cluster
	operator *operator
}

// server is one node's machine.
type server struct {
	host *sim.Host
	svc  *sim.Service
	set  *models.Resolved
	view *node.Cluster // what the next incarnation is started with
}

// program is the node that runs on the machine, nil if it is down or booting.
func (s *server) program() *node.Node {
	n, _ := s.svc.Program().(*node.Node)
	return n
}

// serving is the node whose rabbit application runs, nil if there is none.
func (s *server) serving() *node.Node {
	if n := s.program(); n != nil && n.Running() {
		return n
	}
	return nil
}

func (c *Cluster) installNodes() {
	n := int(c.cfg.Set.Int(models.Topology, "nodes"))
	for i := range n {
		spec := c.cfg.Host
		spec.Server, spec.Disk = true, c.cfg.Disk
		name := fmt.Sprintf("n%d", i+1)
		s := &server{host: c.w.AddHost(name, spec), set: c.cfg.Set.ForHost(name)}
		s.svc = s.host.Install(models.ServerService, c.cfg.System.Boot, func() sim.Program { return node.New(s.view, i) })
		c.nodes = append(c.nodes, s)
		c.servers = append(c.servers, s.host)
	}
	for _, s := range c.nodes {
		s.view = c.nodeView(s.set)
	}
}

// nodeView is the configuration that one node reads; hosts, pool and counters are everybody's.
func (c *Cluster) nodeView(r *models.Resolved) *node.Cluster {
	return &node.Cluster{Hosts: c.servers, Service: models.ServerService, Pool: &c.pool, Stats: c.stats, Rules: rules(r), Store: store.ConfigOf(r)}
}

// rules are the settings of a node and the behaviour of its version.
func rules(r *models.Resolved) node.Rules {
	const s = models.Broker
	out := node.DefaultRules()
	out.NetTick = r.Time(s, "net_ticktime")
	out.Heartbeat = r.Time(s, "heartbeat")
	out.Embed = int(r.Int(s, "queue_index_embed_msgs_below"))
	out.QueueVersion = defaultVersion(r)
	out.DiskFreeLimit = r.Int(s, "disk_free_limit")
	out.Watermark = r.Milli(s, "vm_memory_high_watermark")
	if r.AtLeast("3.12") {
		out.InMemory = 2048
	}
	out.RequeueToBack = r.AtLeast("3.10")
	out.AtenPoll = 5 * sim.Second
	if !r.AtLeast("3.8.9") {
		out.AtenPoll = sim.Second // aten's own default, before rabbit_prelaunch_conf set one
	}
	out.FreshNacked = r.Quirk("fresh-channel-nacked")
	out.FreshNext = r.AtLeast("3.12.5")
	out.NoBeats = !r.AtLeast("3.8")
	partitionRules(r, &out)
	out.NoGuard = r.Quirk("no-confirm-guard")
	out.DropAndAck = r.Quirk("drop-and-ack")
	out.AckInFlight = r.Quirk("ack-in-flight")
	if r.Quirk("reconnect-stall") {
		out.ReconnectStall = 7 * sim.Second
	}
	out.DoubleDebit = r.Quirk("double-mirror-debit")
	return out
}

// defaultVersion is the storage version of queues that name none: before the setting came with 3.12 it is 1.
func defaultVersion(r *models.Resolved) int {
	return max(int(r.Int(models.Broker, "classic_queue.default_version")), 1)
}

// queueVersion is that of a stream's queues.
func queueVersion(r *models.Resolved) int {
	if r.IsSet(models.Queue, "x-queue-version") || r.IsSet(models.Policy, "queue-version") {
		return int(r.Int(models.Queue, "x-queue-version"))
	}
	return defaultVersion(r)
}

// partitionRules are the keys of cluster_partition_handling; 4.3 has none of them.
func partitionRules(r *models.Resolved, out *node.Rules) {
	const s, key = models.Broker, "cluster_partition_handling"
	switch r.Str(s, key) {
	case "pause_minority":
		out.Partition = node.PauseMinority
	case "autoheal":
		out.Partition = node.Autoheal
	case "pause_if_all_down":
		out.Partition = node.PauseIfAllDown
		numbers, _ := profile.Nodes(r.Str(s, key+".pause_if_all_down.nodes"))
		for _, n := range numbers {
			out.Preferred = append(out.Preferred, n-1)
		}
		out.RecoverByAutoheal = r.Str(s, key+".pause_if_all_down.recover") == "autoheal"
	}
}

// connectClients tells the clients which queues there are.
func (c *Cluster) connectClients() {
	c.clients = client.Cluster{Nodes: c.servers, Pool: &c.pool, Acked: c.noteAck}
	for i := range c.cfg.Streams {
		s := client.Stream{Name: c.cfg.Streams[i].Name}
		for p := range c.cfg.Streams[i].Partitions {
			s.Queues = append(s.Queues, c.declaredAs(c.queueOf(i, int32(p))))
		}
		c.clients.Streams = append(c.clients.Streams, s)
	}
}

// declaredAs is how a queue is declared, by the operator and by every client.
func (c *Cluster) declaredAs(q *queue) client.Queue {
	s := &c.cfg.Streams[q.stream]
	r := c.cfg.Set.ForStream(s)
	out := client.Queue{Name: q.name, Durable: r.Bool(models.Queue, "durable"), AutoDelete: r.Bool(models.Queue, "auto-delete"),
		Exclusive: r.Bool(models.Queue, "exclusive")}
	if r.IsSet(models.Queue, "x-max-length") {
		out.Args.MaxLength = r.Int(models.Queue, "x-max-length")
	}
	if r.Str(models.Queue, "x-queue-type") == wire.Quorum {
		out.Args.Type = wire.Quorum
		out.Args.GroupSize = int(r.Int(models.Queue, "x-quorum-initial-group-size"))
		out.Args.DeliveryLimit = -1
		if r.Has(models.Queue, "x-delivery-limit") { // written, by policy, or 20 from 4.0 on
			out.Args.DeliveryLimit = int(r.Int(models.Queue, "x-delivery-limit"))
		}
	}
	if r.IsSet(models.Queue, "x-queue-version") {
		out.Args.Version = int(r.Int(models.Queue, "x-queue-version"))
	}
	out.Args.SingleActive = r.Bool(models.Queue, "x-single-active-consumer")
	if r.IsSet(models.Queue, "x-overflow") {
		out.Args.Overflow = r.Str(models.Queue, "x-overflow")
	}
	for _, g := range s.Consumers {
		out.Args.SingleActive = out.Args.SingleActive || g.Orderly
	}
	return out
}

// Servers are the nodes.
func (c *Cluster) Servers() []*sim.Host { return c.servers }

// NewProducer makes a publisher.
func (c *Cluster) NewProducer(spec *models.ProducerSpec, sink models.ProducerSink) models.Producer {
	return client.NewProducer(&c.clients, spec, sink)
}

// NewConsumer makes a consumer.
func (c *Cluster) NewConsumer(spec *models.ConsumerSpec, sink models.ConsumerSink) models.Consumer {
	return client.NewConsumer(&c.clients, spec, sink)
}

// Statuses is empty: a publisher is told ack, nack or return.
func (c *Cluster) Statuses() []string { return []string{""} }
