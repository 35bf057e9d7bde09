// Package kafka is the model of Apache Kafka: brokers with their coordinators, clients, an operator,
// and what the judge has to know about them. The engines are below: log (the storage), replica,
// controller, group and broker; zk is the ensemble that they register with, client are the libraries
// that applications use, profile is what the settings are called and default to.
//
// This package joins them. It turns a resolved configuration into hosts and programs, brings a cluster
// to the state that every run begins with, and answers questions about it from outside: who leads now,
// what would be served, what do the disks hold, what was promised.
package kafka

import (
	"fmt"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/broker"
	"github.com/mqsim/mqsim/models/kafka/client"
	"github.com/mqsim/mqsim/models/kafka/profile"
	"github.com/mqsim/mqsim/models/kafka/quorum"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// Model is Kafka.
type Model struct{}

// Name is the key in a scenario.
func (Model) Name() string { return "kafka" }

// Table lists settings, versions and quirks.
func (Model) Table() *models.Table { return profile.Table() }

// Build installs ZooKeeper or controllers, brokers and an operator's machine. Nothing runs before Cluster.Start.
func (Model) Build(w *sim.World, cfg *models.Config) (models.Cluster, error) {
	c := &Cluster{w: w, cfg: cfg, stats: replica.NewStats(w), controller: -1}
	if cfg.Set.Str(models.Topology, "coordination") == "kraft" {
		c.newQuorum()
		c.installControllers()
	} else {
		c.installZooKeeper()
	}
	c.installBrokers()
	for i := range cfg.Streams {
		c.topics = append(c.topics, newTopic(c, i))
	}
	c.offsets = c.offsetsTopic()
	c.installOperator()
	return c, nil
}

// Cluster is one running Kafka cluster with its ZooKeeper ensemble or its controllers.
type Cluster struct {
	w     *sim.World
	cfg   *models.Config
	stats *replica.Stats

	zk          *zk.Ensemble    // nil in KRaft mode
	quorum      *quorum.Cluster // nil in ZooKeeper mode
	controllers []*controllerServer

	servers    []*sim.Host   // in order of creation: ZooKeeper or controllers, then brokers
	brokers    []*server     // broker.id - 1
	controller int           // index of the broker that is controller at t = 0
	topics     []*topic      // by stream
	offsets    wire.NewTopic // __consumer_offsets
	clients    client.Cluster
	operator   *operator
	overrides  []override // accepted changes of settings
}

// server is one broker's machine.
type server struct {
	host *sim.Host
	svc  *sim.Service
	cfg  *broker.Config   // what the next incarnation is started with
	set  *models.Resolved // what cfg was made from
}

// program is the broker that runs on the machine, nil if it is down or booting.
func (s *server) program() *broker.Broker {
	b, _ := s.svc.Program().(*broker.Broker)
	return b
}

// template is a server's machine.
func (c *Cluster) template() sim.HostSpec {
	spec := c.cfg.Host
	spec.Server = true
	spec.Disk = c.cfg.Disk
	return spec
}

func (c *Cluster) installZooKeeper() {
	n := int(c.cfg.Set.Int(models.Topology, "zookeepers"))
	var hosts []*sim.Host
	for i := range n {
		spec := c.template()
		spec.Disks = 1
		hosts = append(hosts, c.w.AddHost(fmt.Sprintf("zk-%d", i+1), spec))
	}
	conf := zk.DefaultConfig()
	conf.TickTime = c.cfg.Set.Time(models.Broker, "tickTime")
	conf.InitLimit = int(c.cfg.Set.Int(models.Broker, "initLimit"))
	conf.SyncLimit = int(c.cfg.Set.Int(models.Broker, "syncLimit"))
	c.zk = zk.Install(c.w, hosts, conf)
	c.servers = append(c.servers, hosts...)
}

func (c *Cluster) installBrokers() {
	n := int(c.cfg.Set.Int(models.Topology, "brokers"))
	for i := range n {
		name := fmt.Sprintf("broker-%d", i+1)
		s := &server{host: c.w.AddHost(name, c.template()), set: c.cfg.Set.ForHost(name)}
		if c.kraft() && i < len(c.quorum.Voters) && c.quorum.Voters[i].ID == int32(i+1) {
			c.quorum.Voters[i].Host = s.host
		}
		s.cfg = c.brokerConfig(i, s.set)
		s.svc = s.host.Install(models.ServerService, c.cfg.System.Boot, func() sim.Program { return broker.New(s.cfg) })
		c.brokers = append(c.brokers, s)
		c.servers = append(c.servers, s.host)
		c.clients.Brokers = append(c.clients.Brokers, s.host)
	}
	c.controller = n - 1
	if h := c.w.HostNamed(c.cfg.System.Controller); h != nil {
		for i, s := range c.brokers {
			if s.host == h {
				c.controller = i
			}
		}
	}
	for i := range c.cfg.Streams {
		c.clients.Topics = append(c.clients.Topics, c.cfg.Streams[i].Name)
	}
	c.clients.Acked = c.noteAck
}

// Servers are ZooKeeper's or the controllers' hosts, then the brokers'.
func (c *Cluster) Servers() []*sim.Host { return c.servers }

// NewProducer makes a Java producer.
func (c *Cluster) NewProducer(spec *models.ProducerSpec, sink models.ProducerSink) models.Producer {
	return client.NewProducer(&c.clients, spec, sink)
}

// NewConsumer makes a Java consumer.
func (c *Cluster) NewConsumer(spec *models.ConsumerSpec, sink models.ConsumerSink) models.Consumer {
	return client.NewConsumer(&c.clients, spec, sink)
}

// Statuses is empty: a Kafka producer is told success or an exception, no status.
func (c *Cluster) Statuses() []string { return []string{""} }
