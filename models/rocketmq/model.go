// Package rocketmq is the model of Apache RocketMQ: NameServers, broker groups of a master and its
// slaves, clients, an operator, and what the judge has to know about them. The engines are below: store
// (CommitLog and queues), ha, dledger, namesrv and broker; client are the Java libraries that applications use,
// profile is what the settings are called and default to.
//
// This package joins them. It turns a resolved configuration into hosts and programs, brings a cluster to
// the state that every run begins with, and answers questions about it from outside: who is master now,
// what would be served, what do the disks hold, what was promised.
package rocketmq

import (
	"fmt"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/broker"
	"github.com/mqsim/mqsim/models/rocketmq/client"
	"github.com/mqsim/mqsim/models/rocketmq/namesrv"
	"github.com/mqsim/mqsim/models/rocketmq/profile"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Model is RocketMQ.
type Model struct{}

// Name is the key in a scenario.
func (Model) Name() string { return "rocketmq" }

// Table lists settings, versions and quirks.
func (Model) Table() *models.Table { return profile.Table() }

// Build installs NameServers, brokers and an operator's machine. Nothing runs before Cluster.Start.
func (Model) Build(w *sim.World, cfg *models.Config) (models.Cluster, error) {
	if mode := cfg.Set.Str(models.Topology, "mode"); mode == "controller" {
		return nil, fmt.Errorf("rocketmq: mode %s is not built yet", mode)
	}
	c := &Cluster{w: w, cfg: cfg, names: profile.Groups(cfg.Set)}
	c.clients.Pool = wire.NewPool()
	c.installNamesrv()
	c.installBrokers()
	c.linkLedgers()
	for i := range cfg.Streams {
		c.clients.Topics = append(c.clients.Topics, cfg.Streams[i].Name)
		c.clients.Queues = append(c.clients.Queues, int32(cfg.Streams[i].Partitions))
		c.acks = append(c.acks, make([][]ackSpan, c.Partitions(i)))
	}
	c.clients.Groups = c.names
	c.orderTopics()
	c.clients.Acked = c.noteAck
	c.clients.Status = c.noteStatus
	c.installOperator()
	return c, nil
}

// orderTopics is what mqadmin updateTopic -o true puts into every NameServer for a topic.
func (c *Cluster) orderTopics() {
	c.nscfg.Order = map[string][]wire.OrderQueues{}
	for i := range c.cfg.Streams {
		s := &c.cfg.Streams[i]
		if !c.cfg.Set.ForStream(s).Bool(models.Topic, "order") {
			continue
		}
		for _, g := range c.names {
			c.nscfg.Order[s.Name] = append(c.nscfg.Order[s.Name], wire.OrderQueues{Broker: g, Queues: int32(s.Partitions)})
		}
	}
}

// Cluster is one running RocketMQ cluster.
type Cluster struct {
	w   *sim.World
	cfg *models.Config

	names    []string // of the broker groups
	nscfg    namesrv.Config
	namesrv  []*sim.Host
	servers  []*sim.Host // in order of creation: NameServers, then brokers
	brokers  []*server   // group by group, the master of the start first
	clients  client.Cluster
	operator *operator

	mark     sim.Time // t = 0
	acks     [][][]ackSpan
	statuses [5]int64 // sends by status
}

// server is one broker's machine.
type server struct {
	host  *sim.Host
	svc   *sim.Service
	group int
	id    int // of the host's name
	cfg   *broker.Config
	set   *models.Resolved // what cfg was made from
}

// program is the broker that runs on the machine, nil if it is down or booting.
func (s *server) program() *broker.Broker {
	b, _ := s.svc.Program().(*broker.Broker)
	return b
}

// serves says that the broker runs, is not frozen and takes requests.
func (s *server) serves() bool {
	b := s.program()
	return b != nil && b.Serving()
}

func (s *server) isMaster() bool { return s.cfg.Role != broker.Slave }

// template is a server's machine.
func (c *Cluster) template() sim.HostSpec {
	spec := c.cfg.Host
	spec.Server = true
	spec.Disk = c.cfg.Disk
	return spec
}

// namesrvBoot is the time from exec until a NameServer listens: an assumption.
const namesrvBoot = sim.Second

func (c *Cluster) installNamesrv() {
	c.nscfg = namesrv.DefaultConfig()
	namesrvRules(&c.nscfg, c.cfg.Set)
	for i := range c.cfg.Set.Int(models.Topology, "nameservers") {
		h := c.w.AddHost(profile.NamesrvHost(int(i)+1), c.template())
		h.Install(namesrv.ServiceName, sim.Range{Min: namesrvBoot, Max: namesrvBoot},
			func() sim.Program { return namesrv.New(&c.nscfg) })
		c.namesrv = append(c.namesrv, h)
		c.servers = append(c.servers, h)
	}
	c.clients.Namesrv = c.namesrv
}

func (c *Cluster) installBrokers() {
	for g, name := range c.names {
		for id := range int(c.cfg.Set.Int(models.Topology, "slaves")) + 1 {
			hostName := profile.BrokerHost(name, id)
			s := &server{host: c.w.AddHost(hostName, c.template()), group: g, id: id, set: c.cfg.Set.ForHost(hostName)}
			role := masterRole(s.set)
			if id > 0 {
				role = broker.Slave
			}
			s.cfg = c.brokerConfig(s, role)
			s.svc = s.host.Install(models.ServerService, c.cfg.System.Boot, func() sim.Program { return broker.New(s.cfg) })
			c.brokers = append(c.brokers, s)
			c.servers = append(c.servers, s.host)
		}
	}
}

// Servers are the NameServers' hosts, then the brokers'.
func (c *Cluster) Servers() []*sim.Host { return c.servers }

// NewProducer makes a Java producer.
func (c *Cluster) NewProducer(spec *models.ProducerSpec, sink models.ProducerSink) models.Producer {
	return client.NewProducer(&c.clients, spec, sink)
}

// NewConsumer makes a Java push consumer.
func (c *Cluster) NewConsumer(spec *models.ConsumerSpec, sink models.ConsumerSink) models.Consumer {
	return client.NewConsumer(&c.clients, spec, sink)
}

// Statuses are those of SendResult; a oneway send has none.
func (c *Cluster) Statuses() []string { return append([]string{""}, profile.Statuses()...) }

// Partitions is the number of queues of a stream's topic on all broker groups.
func (c *Cluster) Partitions(stream int) int { return c.cfg.Streams[stream].Partitions * len(c.names) }

// PartitionName is group/topic-queue: a/t0-0.
func (c *Cluster) PartitionName(stream int, partition int32) string {
	group, queue := c.clients.Queue(stream, partition)
	return fmt.Sprintf("%s/%s-%d", group, c.cfg.Streams[stream].Name, queue)
}

var _ models.Cluster = (*Cluster)(nil)
