package node

import (
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Timer kinds.
const (
	timerMailbox   uint16 = iota // process arg runs
	timerTick                    // links: a quarter of net_ticktime
	timerBeat                    // aten: 100 ms
	timerPing                    // node monitor: known-down nodes, 1 s
	timerSetup                   // a link's set-up takes too long; arg: node
	timerBoot                    // what the boot waits for may have come
	timerApp                     // the rabbit application has started
	timerDeath                   // GM: a member's death may be recorded; arg: index of a death
	timerNodeDown                // the metadata work of a node-down is done; arg: node
	timerRetry                   // a channel repeats a call; arg: index of the call
	timerHeart                   // AMQP heartbeats of connection arg (process serial)
	timerExit                    // clean stop: next step
	timerAlarm                   // alarm check; arg: resource
	timerLimit                   // handshake time-out of a connection
	timerStoreSync               // automatic synchronisation of queue process arg
	timerStall                   // a process stalled by a set-up goes on; arg: its serial
	timerRestart                 // a crashed queue process; arg: index of restarts
	timerPause                   // the application stops; arg: generation of its start
	timerHeal                    // an autoheal takes too long; arg: round
	timerElection                // Ra: election time-out of member arg (process serial)
	timerRaTick                  // Ra: a leader's tick
	timerAten                    // Ra: aten looks at the links
	timerStuck                   // a channel waits for the set-up of a connection; arg: its serial
	timerFifo                    // a channel's commands are pending for too long; arg: index of a client
	timerStore                   // stores
)

// phase is where a node stands.
type phase uint8

const (
	connecting phase = iota // links are being set up
	waiting                 // for the tables of nodes that may know more
	joining                 // a running node copies its tables
	starting                // queues recover
	running
	paused   // pause_minority or autoheal stopped the application
	stopping // clean stop
)

// Node is one incarnation of a node.
type Node struct {
	k        *Cluster
	p        *sim.Proc
	index    int
	creation uint32
	phase    phase

	links     []*link // by node, nil for itself
	lastBeat  sim.Time
	procs     []*process
	slotGen   []uint32
	freeSlots []uint32

	meta     tables
	queues   map[string]*queue // local processes by queue name
	order    []*queue          // the same, in order of their start
	conns    []*conn
	deaths   []death
	discards []string // queues whose contents a boot throws away after a partition
	restarts []string // queues whose process crashed
	calls    callTable
	guid     uint64

	deadPids map[wire.Pid]bool // of live nodes: ended processes
	heal     healing
	alarms   alarms
	role     string
	exiting  exitState
	stores   stores
	ra       raSystem
	slab     []wire.GMItem
	ctl      *process // answers to an operator's calls come here
}

// New makes one incarnation of node i.
func New(k *Cluster, i int) *Node {
	return &Node{k: k, index: i, queues: map[string]*queue{}, deadPids: map[wire.Pid]bool{}}
}

// Boot starts the Erlang VM: links first, then the application.
func (n *Node) Boot(p *sim.Proc) {
	n.p = p
	n.links = make([]*link, len(n.k.Hosts))
	n.loadTables()
	n.guid = uint64(n.index+1)<<56 | uint64(n.creation&0xffff)<<40
	for i := range n.k.Hosts {
		if i != n.index {
			n.links[i] = &link{n: n, peer: i}
		}
	}
	n.k.Stats.watch(n)
	p.Listen(wire.DistPort)
	for _, l := range n.links {
		if l != nil {
			l.dial()
		}
	}
	phase := p.Rand("phase")
	n.lastBeat = p.Now()
	quarter := n.k.Rules.NetTick / 4
	p.EveryFrom(phase.Range(1, quarter), quarter, timerTick, 0)
	if len(n.k.Hosts) > 1 {
		p.EveryFrom(phase.Range(1, beatEvery), beatEvery, timerBeat, 0)
		p.EveryFrom(phase.Range(1, pingEvery), pingEvery, timerPing, 0)
	}
	n.phase = connecting
	n.bootStep()
}

// Timer dispatches.
func (n *Node) Timer(kind uint16, arg uint32) {
	switch kind {
	case timerMailbox:
		n.runMailbox(arg)
	case timerTick:
		n.tick()
	case timerBeat:
		n.beat()
	case timerPing:
		n.ping()
	case timerSetup:
		n.links[arg&0xffff].setupTimeout(arg >> 16)
	case timerBoot:
		n.bootStep()
	case timerApp:
		n.appStarted(arg)
	case timerDeath:
		n.recordDeath(arg)
	case timerNodeDown:
		n.nodeDownWork(arg)
	case timerRetry:
		n.retryCall(arg)
	case timerHeart:
		n.heartbeat(arg)
	case timerExit:
		n.exitStep()
	case timerAlarm:
		n.checkAlarm(resource(arg))
	case timerLimit:
		n.handshakeLimit(arg)
	case timerStall:
		n.stallOver(arg)
	case timerRestart:
		n.restartQueue(arg)
	case timerPause:
		n.pauseNow(arg)
	case timerHeal:
		n.healTimer(arg)
	case timerElection:
		n.electionTimer(arg)
	case timerRaTick:
		n.raTickTimer(arg)
	case timerAten:
		n.aten()
	case timerStuck:
		n.stuckTimer(arg)
	case timerFifo:
		n.fifoTimeout(arg)
	case timerStoreSync:
		n.syncTimer(arg)
	default:
		n.storeTimer(arg)
	}
}

// Accept takes a connection from a client or another node.
func (n *Node) Accept(c *sim.Conn) {
	if c.Port.Num == wire.DistPort.Num {
		c.Data = &link{n: n, peer: -1, conn: c}
		return
	}
	n.accept(c)
}

// Connected answers a dial to another node.
func (n *Node) Connected(c *sim.Conn, err error) {
	if l, ok := c.Data.(*link); ok {
		l.connected(c, err)
	}
}

// Receive takes a message of a client or of another node.
func (n *Node) Receive(c *sim.Conn, m any) {
	switch d := c.Data.(type) {
	case *conn:
		d.received(m.(wire.Method))
	case *link:
		d.received(c, m.(wire.Message))
	}
}

// Closed is the end of a connection.
func (n *Node) Closed(c *sim.Conn, why sim.CloseReason) {
	switch d := c.Data.(type) {
	case *conn:
		d.closed()
	case *link:
		d.lost(c)
	}
}

// dispatch hands a message of another node to the process or part that it is for.
func (n *Node) dispatch(l *link, m wire.Message) {
	if to, ok := target(m); ok {
		if pr := n.find(to); pr != nil {
			pr.take(m)
			return
		}
		switch m.(type) {
		case *wire.ToQueue, *wire.Call, *wire.Monitor: // the sender monitors it: noproc
			l.send(&wire.Down{Pid: to})
		}
		return
	}
	switch m := m.(type) {
	case *wire.Raft, *wire.RaCommand, *wire.RaWho:
		if to := n.ra.member(m); to != nil {
			to.pr.take(m)
		}
	case *wire.Down:
		n.pidDown(*m)
	case *wire.Meta:
		n.metaMessage(l, m.Body)
	case *wire.Alarm:
		n.alarms.remote(n, m)
	}
}

// pidDown is 'DOWN' of a process, here or elsewhere.
func (n *Node) pidDown(d wire.Down) {
	n.deadPids[d.Pid] = true
	for _, pr := range n.procs {
		if pr == nil || pr.dead {
			continue
		}
		if w, ok := pr.act.(watcher); ok && w.watches(d.Pid) {
			m := d
			pr.put(&m)
		}
	}
	n.calls.pidDown(n, d.Pid)
}

// watcher is an actor that monitors others.
type watcher interface {
	watches(pid wire.Pid) bool
}

// up says whether a process may be alive as far as this node knows.
func (n *Node) alive(pid wire.Pid) bool {
	if int(pid.Node) == n.index {
		return n.find(pid) != nil
	}
	l := n.links[pid.Node]
	return l != nil && l.up && l.creation == pid.Creation && !n.deadPids[pid]
}

// nodeUp says whether the VM of a node is connected.
func (n *Node) nodeUp(i int) bool { return i == n.index || n.links[i] != nil && n.links[i].up }

func (n *Node) nextGUID() wire.GUID {
	n.guid++
	return wire.GUID(n.guid)
}

// Running says whether the rabbit application runs.
func (n *Node) Running() bool { return n.phase == running }
