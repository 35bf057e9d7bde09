package quorum

import (
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/raft"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// Voter is a controller's machine.
type Voter struct {
	ID   int32
	Host *sim.Host
}

// Cluster is what all nodes of a cluster share: who votes, the settings of the controller, and a ledger
// of what has been committed, whatever single nodes know.
type Cluster struct {
	Voters   []Voter // ascending by id
	Settings Settings
	Stats    *replica.Stats

	announced int64 // offset up to which commits were told to the world
	epochs    map[wire.TopicPartition][2]int32
	leaders   map[int32]int32 // of quorum epochs: leader, for the check of invariant I5
}

// NewCluster makes the shared part.
func NewCluster(voters []Voter, set Settings, stats *replica.Stats) *Cluster {
	return &Cluster{Voters: voters, Settings: set, Stats: stats, epochs: map[wire.TopicPartition][2]int32{}, leaders: map[int32]int32{}}
}

// IDs are the ids of the voters.
func (k *Cluster) IDs() []int32 {
	ids := make([]int32, len(k.Voters))
	for i := range k.Voters {
		ids[i] = k.Voters[i].ID
	}
	return ids
}

// Config is what one node is configured with.
type Config struct {
	Cluster        *Cluster
	Raft           raft.Config
	RequestTimeout sim.Time // controller.quorum.request.timeout.ms
	LogDir         string   // path on disk 0
	Tag            uint32   // marks the completions of its syncs, see log.OpenMetadata
	Timer          uint16   // first of the process's timer kinds that the node uses, TimerRange in all
	LaneRaft       int      // the raft client's thread
	LaneControl    int      // the controller's event thread
}

// Host is the process that a node lives in.
type Host interface {
	// Changed tells of one committed change, which the image has already.
	Changed(metadata.Changed)
	// Applied ends a run of Changed: everything below next has been told.
	Applied(next int64)
	// Restored tells that a snapshot has replaced the image.
	Restored()
	// Halt ends the process: the metadata log directory failed.
	Halt(reason string)
}

// Timer kinds of a node, from Config.Timer on.
const (
	timerLink       uint16 = iota // a request of link arg may have timed out
	timerRaft                     // the replica's timer
	timerRaftRun                  // on its lane
	timerController               // the controller's, TimerKinds of them
	timerControlRun = timerController + TimerKinds
	// TimerRange is the number of timer kinds that a node uses.
	TimerRange = timerControlRun + TimerKinds
)

// Costs of CPU are assumptions, of the order of the broker's own small requests.
const (
	costMessage = 15 * sim.Microsecond
	costTimer   = 5 * sim.Microsecond
	costKiB     = 600 // ns for each KiB of records that is checked and written
)

// Node is one member of the metadata quorum inside a process: its replica of the log, the image of what
// is committed, and on a voter the controller. The process routes timers, connections and syncs to it.
type Node struct {
	cfg   *Config
	p     *sim.Proc
	host  Host
	raft  *raft.Replica
	img   *metadata.Image
	ctl   *Controller
	links []*link
	next  int64 // offset behind what has been applied
	ready bool
}

// NewNode makes a node; Open reads its log.
func NewNode(cfg *Config, p *sim.Proc, host Host) *Node {
	n := &Node{cfg: cfg, p: p, host: host, img: metadata.NewImage()}
	n.raft = raft.New(cfg.Raft, (*raftEnv)(n), p.W)
	n.ctl = NewController(cfg.Cluster.Settings, (*controlEnv)(n))
	for _, v := range cfg.Cluster.Voters {
		if v.ID != cfg.Raft.ID {
			n.links = append(n.links, &link{n: n, id: v.ID, host: v.Host, index: uint32(len(n.links))})
		}
	}
	return n
}

// Open reads the metadata log, charging the calling process, and restores the newest snapshot.
func (n *Node) Open() bool {
	scanned, ok := n.raft.Open(n.p.FS(0), n.cfg.LogDir, n.cfg.Tag, func(err error) {
		n.host.Halt("metadata log directory failed: " + err.Error())
	})
	n.p.Charge(sim.Time(scanned) * costKiB / 1024)
	return ok
}

// Start begins to take part in the quorum; a voter listens.
func (n *Node) Start() {
	n.ready = true
	if n.Voter() {
		n.p.Listen(wire.ControllerPort)
	}
	n.raft.Start()
}

// Voter says whether the node is a controller.
func (n *Node) Voter() bool { return slices.Contains(n.cfg.Raft.Voters, n.cfg.Raft.ID) }

// Image is the committed metadata as far as the node knows it.
func (n *Node) Image() *metadata.Image { return n.img }

// Next is the offset behind the last record that the node has applied.
func (n *Node) Next() int64 { return n.next }

// Raft is the replica of the log.
func (n *Node) Raft() *raft.Replica { return n.raft }

// Active says whether the node is the active controller.
func (n *Node) Active() bool { return n.ctl.Active() }

// ControllerHost is the machine of the active controller as the node knows it, nil if it knows none.
func (n *Node) ControllerHost() *sim.Host {
	for _, v := range n.cfg.Cluster.Voters {
		if v.ID == n.raft.Leader() {
			return v.Host
		}
	}
	return nil
}

// Stop begins a graceful end and reports whether the others must be told something first: Told says when.
func (n *Node) Stop() bool { return n.ready && n.raft.Stop() }

// Told says whether they have been told.
func (n *Node) Told() bool { return n.raft.Told() }

// HandleTimer runs a timer of the node.
func (n *Node) HandleTimer(kind uint16, arg uint32) bool {
	if kind < n.cfg.Timer || kind >= n.cfg.Timer+TimerRange {
		return false
	}
	switch k := kind - n.cfg.Timer; {
	case k == timerLink:
		n.links[arg].check()
	case k == timerRaft:
		n.p.Work(n.cfg.LaneRaft, costTimer, n.cfg.Timer+timerRaftRun, arg)
	case k == timerRaftRun:
		n.raft.Timer()
	case k < timerControlRun:
		n.p.Work(n.cfg.LaneControl, costTimer, kind+TimerKinds, arg)
	default:
		n.ctl.Timer(k-timerControlRun, arg)
	}
	return true
}

// peer is an accepted connection to the controller listener. Those who call send one request at a time.
type peer struct{ n *Node }

// Accept takes a connection to the controller listener.
func (n *Node) Accept(c *sim.Conn) bool {
	if c.Port.Num != wire.ControllerPort.Num {
		return false
	}
	c.Data = &peer{n}
	return true
}

// HandleConnected takes the answer to a Dial of the node.
func (n *Node) HandleConnected(c *sim.Conn, err error) bool {
	l, ok := c.Data.(*link)
	if ok {
		l.connected(c, err)
	}
	return ok
}

// HandleReceive takes a message of one of the node's connections.
func (n *Node) HandleReceive(c *sim.Conn, m any) bool {
	switch d := c.Data.(type) {
	case *link:
		d.received(c, m.(wire.Response))
	case *peer:
		n.serve(c, m.(wire.Request))
	default:
		return false
	}
	return true
}

// HandleClosed takes the end of one of them.
func (n *Node) HandleClosed(c *sim.Conn) bool {
	switch d := c.Data.(type) {
	case *link:
		d.lost(c)
	case *peer:
		n.raft.Gone(c)
	default:
		return false
	}
	return true
}

// HandleSynced completes a sync of the metadata log's directory.
func (n *Node) HandleSynced(arg uint32, err error) bool {
	if arg&n.cfg.Tag == 0 || n.raft.Dir() == nil {
		return false
	}
	n.raft.Dir().Synced(arg, err)
	return true
}

// Cost is the CPU time of a message on one of the node's connections and the thread that handles it.
func (n *Node) Cost(c *sim.Conn, m any) (lane int, cost sim.Time, ok bool) {
	switch c.Data.(type) {
	case *link:
		cost = costMessage
		if r, ok := m.(*wire.QuorumFetchResponse); ok {
			cost += sim.Time(r.Bytes) * costKiB / 1024
		}
		return n.cfg.LaneRaft, cost, true
	case *peer:
		switch m.(type) {
		case *wire.VoteRequest, *wire.BeginQuorumEpochRequest, *wire.EndQuorumEpochRequest, *wire.QuorumFetchRequest,
			*wire.FetchSnapshotRequest:
			return n.cfg.LaneRaft, costMessage, true
		}
		return n.cfg.LaneControl, costMessage, true
	}
	return 0, 0, false
}

// serve executes a request (ControllerApis.handle).
func (n *Node) serve(c *sim.Conn, m wire.Request) {
	switch m := m.(type) {
	case *wire.VoteRequest:
		n.raft.Vote(c, m)
	case *wire.BeginQuorumEpochRequest:
		n.raft.BeginQuorumEpoch(c, m)
	case *wire.EndQuorumEpochRequest:
		n.raft.EndQuorumEpoch(c, m)
	case *wire.QuorumFetchRequest:
		n.raft.Fetch(c, m)
	case *wire.FetchSnapshotRequest:
		n.raft.FetchSnapshot(c, m)
	default:
		if !n.ctl.Handle(m, func(r wire.Response) { c.Send(r, r.Size()) }) {
			n.p.Probe("kafka-unknown-request")
			c.Close()
		}
	}
}

// raftEnv is the node as its replica sees it.
type raftEnv Node

func (e *raftEnv) Now() sim.Time { return e.p.Now() }
func (e *raftEnv) Wall() int64   { return e.p.Wall() }
func (e *raftEnv) At(t sim.Time) { e.p.At(t, e.cfg.Timer+timerRaft, 0) }

func (e *raftEnv) Below(n uint64) uint64 { return e.p.Rand("raft").Below(n) }

func (e *raftEnv) Send(to int32, m wire.Request) {
	for _, l := range e.links {
		if l.id == to {
			l.send(m)
			return
		}
	}
	panic("kafka quorum: a request to a node that is no voter")
}

func (e *raftEnv) Reply(c *sim.Conn, m wire.Response) { c.Send(m, m.Size()) }

func (e *raftEnv) Apply(offset int64, epoch int32, value []byte) {
	n := (*Node)(e)
	m, err := metadata.Decode(value)
	if err != nil {
		e.host.Halt("metadata record at offset " + strconv.FormatInt(offset, 10) + ": " + err.Error())
		return
	}
	n.apply(offset, m)
}

func (e *raftEnv) Applied(next int64) {
	n := (*Node)(e)
	n.next = next
	if n.ctl.Active() {
		n.ctl.Committed(next)
	}
	n.host.Applied(next)
}

func (e *raftEnv) Restore(records [][]byte, next int64) {
	n := (*Node)(e)
	n.img, n.next = metadata.NewImage(), next
	for _, b := range records {
		m, err := metadata.Decode(b)
		if err != nil {
			e.host.Halt("metadata snapshot: " + err.Error())
			return
		}
		n.img.Replay(m)
	}
	n.host.Restored()
}

func (e *raftEnv) Records() [][]byte { return metadata.EncodeAll(e.img.Records()) }

func (e *raftEnv) Led(leader, epoch int32) { (*Node)(e).showRole() }

func (e *raftEnv) Claimed(epoch int32) {
	n := (*Node)(e)
	k := e.cfg.Cluster
	if l, ok := k.leaders[epoch]; ok && l != e.cfg.Raft.ID {
		e.p.W.Violate("kafka-I5", "nodes "+itoa(l)+" and "+itoa(e.cfg.Raft.ID)+" lead the quorum in epoch "+itoa(epoch))
	}
	k.leaders[epoch] = e.cfg.Raft.ID
	k.Stats.ControllerChanges++
	e.p.Emit("controller-elected", "", "quorum epoch "+itoa(epoch))
	n.ctl.Claim(epoch, n.img)
	n.showRole()
}

func (e *raftEnv) Renounced() {
	n := (*Node)(e)
	e.p.Emit("controller-resigned", "", "quorum epoch "+itoa(n.ctl.Epoch()))
	n.ctl.Renounce()
	n.showRole()
}

func (e *raftEnv) Fail(err error)                   { e.host.Halt("metadata log: " + err.Error()) }
func (e *raftEnv) Probe(name string)                { e.p.Probe(name) }
func (e *raftEnv) Violate(invariant, detail string) { e.p.W.Violate(invariant, detail) }

// showRole sets the role lane of a controller that has a machine of its own.
func (n *Node) showRole() {
	if _, own := n.host.(*Server); !own || !n.p.Alive() {
		return
	}
	switch {
	case n.ctl.Active():
		n.p.Role("controller")
	case n.raft.Role() == raft.Candidate || n.raft.Role() == raft.Prospective:
		n.p.Role("candidate")
	default:
		n.p.Role("voter")
	}
}

// controlEnv is the node as its controller sees it.
type controlEnv Node

func (e *controlEnv) Now() sim.Time { return e.p.Now() }
func (e *controlEnv) After(d sim.Time, kind uint16, arg uint32) {
	e.p.After(d, e.cfg.Timer+timerController+kind, arg)
}
func (e *controlEnv) Append(values [][]byte) int64 { return e.raft.Append(values) }
func (e *controlEnv) Next() int64                  { return e.raft.Next() }
func (e *controlEnv) Below(n uint64) uint64        { return e.p.Rand("controller").Below(n) }
func (e *controlEnv) Probe(name string)            { e.p.Probe(name) }

func (e *controlEnv) UUID() (id metadata.UUID) {
	r := e.p.Rand("uuid")
	for i := range id {
		id[i] = byte(r.Below(256))
	}
	return id
}

func itoa(n int32) string { return strconv.FormatInt(int64(n), 10) }
