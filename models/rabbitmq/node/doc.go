// Package node is one RabbitMQ node as a program of the simulated world: an Erlang VM with its
// distribution links and the rabbit application in it. Connections and channels, queue processes with
// their stores, mirrors, the replicated tables and the node monitor are processes of that VM; they talk
// through mailboxes inside a node and through package wire between nodes.
//
//	cluster := &node.Cluster{Hosts: hosts, Pool: &wire.Pool{}, Stats: node.NewStats(w), Rules: node.DefaultRules()}
//	host.Install("server", boot, func() sim.Program { return node.New(cluster, i) })
//
// The file of each part names the source files of rabbitmq-server whose rules it follows; a number in
// brackets such as [rule 12] is a rule of the behaviour specification that the model was built from.
package node

import (
	"github.com/mqsim/mqsim/models/rabbitmq/store"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Cluster is what all nodes share: who they are and how they are configured. All incarnations of all
// nodes read the same one.
type Cluster struct {
	Hosts   []*sim.Host // node i is Hosts[i]; the order of names
	Service string      // the name of the node's program on its host; "" = "server"
	Pool    *wire.Pool
	Stats   *Stats
	Rules   Rules
	Store   store.Config // zero: the defaults, with Rules.Embed

	force map[int]bool // nodes whose next boot is forced
}

// Handling is cluster_partition_handling.
type Handling uint8

const (
	Ignore Handling = iota
	PauseMinority
	Autoheal
	PauseIfAllDown
)

// Rules are settings and the behaviour of a version.
type Rules struct {
	NetTick   sim.Time // net_ticktime
	Partition Handling
	// Preferred are the nodes of pause_if_all_down; RecoverByAutoheal is its recover = autoheal.
	Preferred         []int
	RecoverByAutoheal bool
	NoGuard           bool     // no confirm guard in a minority (before 3.3.5, 5d339c4f90)
	Heartbeat         sim.Time // heartbeat: what the node proposes to clients
	Embed             int      // queue_index_embed_msgs_below
	QueueVersion      int      // classic_queue.default_version; 0: 1
	// DiskFreeLimit is disk_free_limit in bytes.
	DiskFreeLimit int64

	Watermark int64 // vm_memory_high_watermark in thousandths
	InMemory  int   // messages of a queue that stay in memory; 0: all (before 3.12)
	NoBeats   bool  // no aten heartbeats on links (before 3.8)

	// DropAndAck: the record of a durable queue whose node is down leaves the routing table (3.8 to 3.10);
	// otherwise it stays and publishes are nacked (3.11 and later, 7de31d8697).
	DropAndAck bool
	// AckInFlight: the death of the only copy acknowledges what was in flight (3.7 and earlier, PR 1893).
	AckInFlight bool
	// DoubleDebit: channels debit a mirror two credits for each message (3.10.8, 3.11.0).
	DoubleDebit bool
	// RequeueToBack: what a consumer returns to a quorum queue without a delivery limit goes to its end (3.10).
	RequeueToBack bool
	// AtenPoll is how often aten looks at the links (raft... aten.poll_interval); 0: 5 s.
	AtenPoll sim.Time
	// FreshNacked: a channel whose quorum queue's recorded leader is on a node that is away nacks what it
	// publishes (3.8.10 to 3.12.4); FreshNext: it takes the next member (3.12.5).
	FreshNacked, FreshNext bool
	// ReconnectStall is net_setuptime's stall after a silent node's detection; 0: none.
	ReconnectStall sim.Time
}

// DefaultRules are 3.12's with default settings.
func DefaultRules() Rules {
	return Rules{NetTick: 60 * sim.Second, Partition: Ignore, Heartbeat: 60 * sim.Second, Embed: 4096,
		DiskFreeLimit: 50_000_000}
}

// Modes of ha-mode.
const (
	HANone    = ""
	HAAll     = "all"
	HAExactly = "exactly"
	HANodes   = "nodes"
)

// Policy is a policy with the keys that concern mirrors. Pattern is a regular expression over names.
type Policy struct {
	Name     string
	Pattern  string
	Priority int

	HAMode      string
	HACount     int      // ha-params of exactly
	HANodes     []uint16 // ha-params of nodes
	AutoSync    bool     // ha-sync-mode: automatic
	SyncBatch   int      // ha-sync-batch-size; 0: 4096
	OnFailure   Promote  // ha-promote-on-failure; the zero value is the default, always
	OnShutdown  Promote  // ha-promote-on-shutdown; set WhenSynced for the default
	Version     int      // queue-version; 0: not said
	MaxLength   int64    // max-length; 0: none
	RejectAtMax bool     // overflow: reject-publish
}

// Promote says whether a mirror without a full copy may become master.
type Promote uint8

const (
	Always Promote = iota
	WhenSynced
)

// Declaration is a queue to declare through Node.Declare.
type Declaration struct {
	Name       string
	Durable    bool
	AutoDelete bool
	Home       int // node whose process it gets
	Args       wire.QueueArgs
}

// View is what a node knows about a queue.
type View struct {
	Name    string
	Home    int   // node of the master, or of the only copy
	Mirrors []int // in order of age
	Synced  []int // those of Mirrors with a full copy
	Durable bool
	Routed  bool // in the routing table
	Quorum  bool // Home is the leader, Mirrors are the other members
}
