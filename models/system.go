package models

import "github.com/mqsim/mqsim/sim"

// System is one entry of systems: as written, after like: and merges.
type System struct {
	Name    string // the column of the report
	Model   string
	Version string // as written, or the table's default
	// Sections are the settings as written, indexed by Section; the topology keys are Sections[Topology].
	Sections   [NumSections]Settings
	Hosts      []HostOverride
	Quirks     []QuirkSwitch
	Boot       sim.Range // exec until the process serves, without log recovery
	OSBoot     sim.Range // on top of it after power loss
	Homes      []string  // home of queue i, or of every queue when there is one; nil = placement rule
	Assignment [][]int   // replicas of partition i of every topic; nil = placement rule
	Controller string    // host that is controller at t = 0; "" = placement rule
	Pos        Pos
}

// HostOverride overrides broker settings of one host.
type HostOverride struct {
	Host     string
	Settings Settings
	Pos      Pos
}

// QuirkSwitch is one word of quirks: [name, -name].
type QuirkSwitch struct {
	Name string
	On   bool
	Pos  Pos
}

// Stream is one topic or queue with its own clients.
type Stream struct {
	Name        string
	Topic       Settings // over the system's own
	Queue       Settings
	Policy      Settings
	Partitions  int // partitions or queues (RocketMQ: of each broker group)
	MessageSize uint32
	Home        string  // host where it is declared or led at the start; "" = placement rule
	Assignment  [][]int // replicas of each partition; nil = placement rule
	Backlog     int64   // messages sent and acked before t = 0 and before setup
	Producers   []ProducerGroup
	Consumers   []ConsumerGroup
	Pos         Pos
}

// Arrivals is the process by which sends fall due.
type Arrivals uint8

// Arrival processes.
const (
	Even Arrivals = iota
	Poisson
)

// SendMode is how the application calls its library.
type SendMode uint8

// Send modes.
const (
	Async SendMode = iota
	Sync
	OneWay
)

// Missed is what happens to a send that falls due while the client cannot send.
type Missed uint8

// Late sends when it can, with latency from the due time; Drop never begins the send.
const (
	Late Missed = iota
	Drop
)

// Resend is what the application sends again under the same message id.
type Resend uint8

// Resend rules.
const (
	ResendNever Resend = iota
	ResendRejected
	ResendUnknown
)

// Route is who picks the partition.
type Route uint8

// RouteClient leaves it to the library; RouteEach addresses partitions in turn.
const (
	RouteClient Route = iota
	RouteEach
)

// RateStep is one line of a rate schedule, in thousandths of a message per second of the whole group.
type RateStep struct {
	From  sim.Time
	Milli int64
	Max   bool // closed loop, limited by maxInFlight
}

// ProducerGroup is count equal producers of one stream.
type ProducerGroup struct {
	Count       int
	Rate        []RateStep // in order of From; the first begins at 0
	At          string     // server to connect to first; "" = round robin
	Stay        bool
	Reconnect   sim.Time
	Arrivals    Arrivals
	MaxInFlight int
	Send        SendMode
	Missed      Missed
	Resend      Resend
	Route       Route
	Keys        int      // 0: no keys; N: that many ordered keys
	Heartbeat   sim.Time // 0: the manual's
	Declare     string   // once, reconnect, passive, never
	To          []string // more streams through a fanout exchange
	Settings    Settings // of the producer section, over the system's own
	Pos         Pos
}

// ConsumerGroup is count equal consumers of one stream, members of one group.
type ConsumerGroup struct {
	Count     int
	At        string
	Stay      bool
	Reconnect sim.Time
	Group     string // "new": a fresh group that follows its reset setting
	Prefetch  int    // -1: the manual's
	Start     sim.Time
	Drain     bool     // start: drain
	Process   sim.Time // per message, until it counts as processed
	FailPPM   int64    // share that fails, in millionths
	Ack       AckMode
	Orderly   bool
	Settings  Settings
	Pos       Pos
}
