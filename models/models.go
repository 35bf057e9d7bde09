// Package models is the contract between the world, the workload, the injector and the judge on
// one side and the brokers on the other. It imports no model.
//
// A model builds a cluster from a typed configuration inside a world. From then on it is only
// reached through Cluster: clients that send and receive, an operator's commands, selectors that
// name hosts at this moment, and readers of what is served and of what the disks hold.
package models

import "github.com/mqsim/mqsim/sim"

// Names of services. Every host that holds data runs its broker as ServerService; coordinators of
// their own are named after what they are (zookeeper, controller, namesrv); the workload's clients
// run as ClientService, each on a host of its own.
const (
	ServerService = "server"
	ClientService = "client"
)

// Model is one broker product.
type Model interface {
	// Name is the key in a scenario: kafka, rocketmq, rabbitmq.
	Name() string
	// Table lists settings, versions, quirks and topology keys. It is data: reading it touches no engine.
	Table() *Table
	// Build installs hosts and programs in w. Nothing runs before the world does.
	Build(w *sim.World, cfg *Config) (Cluster, error)
}

// Config is what Build gets: a validated system entry with all defaults resolved.
type Config struct {
	System  *System   // the entry as written (after like:)
	Set     *Resolved // every setting with its value for this version
	Streams []Stream  // topics or queues with their clients, short form already expanded
	Disk    sim.DiskSpec
	Host    sim.HostSpec // template of a server host
}

// Cluster is a running system.
type Cluster interface {
	// Start boots the servers and then declares topics and queues, in virtual time.
	Start()
	// Ready says whether the servers serve and every stream is declared and led; if not, why.
	Ready() (bool, string)
	// NewProducer and NewConsumer make one incarnation of a client program. The workload installs
	// it on a host of its own, so that kill, pause and cuts hit clients as they hit servers.
	NewProducer(spec *ProducerSpec, sink ProducerSink) Producer
	NewConsumer(spec *ConsumerSpec, sink ConsumerSink) Consumer
	// Do executes an operator's command as a client of the cluster. done is called once, later.
	Do(op *Operation, done func(OpAnswer))
	// Select resolves a role of the moment (primary, replica, coordinator, or a word of the model
	// such as leader, controller, master, home) with its argument ("t0-2", "b", "") to hosts, in
	// order of assignment, brokerId or age. all reports every match instead of the first.
	Select(role, arg string, all bool) []*sim.Host
	// Servers are all server hosts, coordinators included, in order of creation.
	Servers() []*sim.Host
	// Partitions is the number of partitions or queues of a stream that a producer can address.
	Partitions(stream int) int
	// PartitionName names one as scenarios do: t0-0; RocketMQ a/t0-0.
	PartitionName(stream int, partition int32) string
	// Settled says whether the cluster has converged: leaders everywhere, replicas in sync.
	Settled() (bool, string)
	// Serve reads once, after the end, what the system would serve to a fresh reader.
	Serve(visit func(stream int, partition int32, offset int64, body []byte))
	// Scan decodes after the end every whole message that a host's disks hold.
	Scan(h *sim.Host, visit func(body []byte))
	// Promises says what this configuration does not promise: which loss causes are allowed by
	// which setting, and which are known defects of the version. Any other cause is a violation.
	Promises() []Promise
	// Statuses are the names of Answer.Status values; index 0 is "".
	Statuses() []string
	// Metrics reports the model's own counters under the names of the scenario language
	// (elections, isr_min, isr_shrinks, truncated, promoted_unsynced ...). Absent: no such thing.
	Metrics() []Metric
	// Rules are the broker's own rules behind what surprises a reader in a result of this
	// configuration; a report shows those whose Metric is worth a remark in that run.
	Rules() []Rule
	// Fidelity lists what is assumed or left out, for the report.
	Fidelity() []string
}

// Marker is a Cluster whose counters start over at t = 0.
type Marker interface {
	Mark()
}

// Metric is one counter of a model. Unit is "" for counts, "s" when Value is nanoseconds.
type Metric struct {
	Name  string
	Value int64
	Unit  string
	Null  bool // never happened
}

// Message is what the workload asks a producer to send.
type Message struct {
	ID        sim.MsgID
	Stream    int
	Partition int32 // -1: the library chooses
	Key       int32 // -1: none; else one of N ordered keys
	Size      uint32
}

// Outcome is what the application was told.
type Outcome uint8

const (
	Pending  Outcome = iota
	Acked            // success, or handed to a fire-and-forget library
	Rejected         // refused before it could be stored
	Unknown          // may or may not be stored
)

func (o Outcome) String() string {
	return [...]string{"pending", "acked", "rejected", "unknown"}[o]
}

// Answer ends one send.
type Answer struct {
	Outcome   Outcome
	Status    uint8 // index into Cluster.Statuses
	Nacked    bool  // RabbitMQ basic.nack
	Returned  bool  // RabbitMQ basic.return
	Partition int32 // -1 if the client was not told
	Offset    int64 // -1 if the client was not told
}

// ProducerSink is the application above a producer client.
type ProducerSink interface {
	// Answered ends the send of m; called exactly once for each message that Send took and whose
	// client process lived until then.
	Answered(m sim.MsgID, a Answer)
	// CanSend says that a client that refused a Send may take messages again.
	CanSend()
}

// Producer is one incarnation of a producer client.
type Producer interface {
	sim.Program
	// Ready: connected, with metadata.
	Ready() bool
	// Send hands a message to the library. false: it cannot take one now (buffer full, blocked,
	// not connected); nothing was begun, and CanSend follows when it can.
	Send(m Message) bool
}

// Delivery is one message as the application receives it.
type Delivery struct {
	Body        sim.Ref
	Stream      int
	Partition   int32
	Offset      int64
	Redelivered bool
	Token       uint64 // for Processed
}

// ConsumerSink is the application above a consumer client.
type ConsumerSink interface {
	// Delivered hands over one message. The application calls Consumer.Processed with its token
	// when it has finished, at once or later, in order of delivery.
	Delivered(d Delivery)
}

// Consumer is one incarnation of a consumer client.
type Consumer interface {
	sim.Program
	// Ready: connected and with its assignment.
	Ready() bool
	// Processed: the application finished the delivery; ok=false is a failure (nack, retry topic).
	Processed(token uint64, ok bool)
}

// ProducerSpec describes one producer client.
type ProducerSpec struct {
	Name      string // producer-0
	Index     int    // number over the system
	Stream    int
	To        []int  // more streams: RabbitMQ fanout
	At        string // server to connect to first; "" = round robin
	Stay      bool
	Reconnect sim.Time
	OneWay    bool
	Sync      bool
	Declare   string
	Heartbeat sim.Time // 0: the manual's
	Set       *Resolved
}

// ConsumerSpec describes one consumer client.
type ConsumerSpec struct {
	Name      string
	Index     int
	Stream    int
	Group     string
	At        string
	Stay      bool
	Reconnect sim.Time
	Prefetch  int // -1: the manual's
	Ack       AckMode
	Orderly   bool
	Set       *Resolved
}

// AckMode is when the application acknowledges or commits.
type AckMode uint8

const (
	AckAfter  AckMode = iota // after processing
	AckBefore                // before processing
	AckAuto                  // the library or broker does it
)

// Promise is one line of the promise table of a configuration.
type Promise struct {
	Cause string    // a loss cause of the judge, or an anomaly (duplicate, reordered, phantom, skipped)
	Class LossClass // allowed or known
	By    string    // the setting (acks=1) or the id of the defect (KIP-966)
	Why   string    // one sentence with its source
}

// Rule explains one result in the broker's own terms.
type Rule struct {
	Metric string // write_outage, read_outage, lost, duplicates, p99, amplification ...
	EN, ZH string // one sentence each
	Source string // file, KIP or manual section
}

// LossClass is the judge's second level.
type LossClass uint8

const (
	Violation LossClass = iota
	Allowed
	Known
)

func (c LossClass) String() string { return [...]string{"violation", "allowed", "known"}[c] }

// Operation is an operator's command; Do names it as the scenario language does.
type Operation struct {
	Do    string
	Hosts []*sim.Host
	Args  map[string]string
}

// OpAnswer ends an operation. A refused operation carries its error text.
type OpAnswer struct {
	OK   bool
	Text string
}
