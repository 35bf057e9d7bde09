package node

import (
	"slices"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rabbitmq/ra"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// raSystem is the Ra system of a node: the members of all its quorum queues over one storage.
type raSystem struct {
	n       *Node
	store   *ra.Store
	wal     *process
	members map[string]*member
	order   []*member
	timers  []*fifoClient
	arg     uint32
	aten    bool // the failure detector polls
}

// raSync marks the syncs of the write-ahead log among those of the node.
const raSync uint32 = 0x7F << 24

// walActor is the process of the write-ahead log: what has come is one batch.
type walActor struct{ n *Node }

func (*walActor) handle(wire.Message) {}
func (w *walActor) idle() {
	if w.n.ra.store != nil {
		w.n.ra.store.Flush()
	}
}

// FS, Arena, Wake, Written and Failed are the environment of the storage.
func (s *raSystem) FS() *sim.FS { return s.n.p.FS(0) }

// Arena is the world's.
func (s *raSystem) Arena() *sim.Arena { return &s.n.p.W.Arena }

// Wake makes the log's process write its next batch.
func (s *raSystem) Wake() { s.wal.poke() }

// Written tells a member that entries are durable.
func (s *raSystem) Written(l *ra.Log, index consensus.Index, term consensus.Term) {
	if m := s.members[l.Name]; m != nil && m.store == l {
		m.pr.put(&raWritten{index, term})
	}
}

// Failed: without its write-ahead log no member can go on, and the node goes down with it.
func (s *raSystem) Failed(err error) {
	if s.n.p.Alive() {
		s.n.p.Crash("write-ahead log: " + err.Error())
	}
}

// member finds the member that a message is for.
func (s *raSystem) member(m wire.Message) *member {
	switch m := m.(type) {
	case *wire.Raft:
		return s.members[m.Queue]
	case *wire.RaCommand:
		return s.members[m.Queue]
	case *wire.RaWho:
		return s.members[m.Queue]
	}
	return nil
}

// startRa opens the storage when the first quorum queue is there.
func (n *Node) startRa() bool {
	s := &n.ra
	if s.store != nil {
		return true
	}
	s.n = n
	s.members = map[string]*member{}
	s.wal = n.spawn(&walActor{n})
	s.arg = raSync | n.heal.generation&0xffff
	var err error
	s.store, err = ra.Recover(s, ra.Options{Dir: "quorum/rabbit@" + n.p.Host.Name, SyncArg: s.arg})
	if err != nil {
		s.Failed(err)
		return false
	}
	return true
}

// stopRa ends the members; their files stay.
func (n *Node) stopRa() {
	s := &n.ra
	if s.store == nil {
		return
	}
	for _, m := range slices.Clone(s.order) {
		m.end("")
	}
	s.wal.exit(false, false)
	s.store = nil
}

func (n *Node) raSynced(arg uint32, err error) {
	if n.ra.store != nil && arg == n.ra.arg {
		n.ra.store.Synced(err)
	}
}

// atenThreshold is how long a node may be silent for aten: 99 % of its heartbeats' gaps, times 1.5 [rule 112].
const atenThreshold = beatEvery * 3 / 2

func (n *Node) atenPoll() sim.Time {
	if n.k.Rules.AtenPoll == 0 {
		return 5 * sim.Second
	}
	return n.k.Rules.AtenPoll
}

// startAten begins to watch nodes: with the first member of any queue.
func (n *Node) startAten() {
	if s := &n.ra; !s.aten {
		s.aten = true
		n.p.EveryFrom(n.p.Rand("aten").Range(1, n.atenPoll()), n.atenPoll(), timerAten, 0)
	}
}

// aten looks at each link: a follower whose leader's node has been silent begins an election, unless it is
// heard again before its time-out ends.
func (n *Node) aten() {
	now := n.p.Now()
	for i, l := range n.links {
		if l == nil || !l.up {
			continue
		}
		silent := now-l.last > atenThreshold
		if silent == l.suspect {
			continue
		}
		l.suspect = silent
		for _, m := range n.ra.order {
			m.suspect(i, silent)
		}
	}
}

func (m *member) suspect(node int, silent bool) {
	if m.isLeader() || m.core.Leader() != raMember(node) || m.frozen {
		return
	}
	if silent {
		m.n.p.Probe("rabbitmq-aten-suspects-leader")
		m.timeout(m.long())
	} else {
		m.due = 0
	}
}

// newQuorumQueue is the record of a quorum queue with its members: the node that it is declared through, and
// others in order (rabbit_quorum_queue:start_cluster; client-local).
func (n *Node) quorumNodes(home, size int) []uint16 {
	out := []uint16{uint16(home)}
	for i := range n.k.Hosts {
		if j := (home + i) % len(n.k.Hosts); j != home && len(out) < size && n.nodeUp(j) {
			out = append(out, uint16(j))
		}
	}
	return out
}

// quorumChanged lets this node follow the record of a quorum queue.
func (n *Node) quorumChanged(r *Record) {
	m := n.ra.members[r.Name]
	here := slices.Contains(r.Members, uint16(n.index)) && !r.Deleted
	switch {
	case n.phase != running && n.phase != stopping:
	case here && m == nil && n.phase == running:
		if n.startRa() {
			n.startMember(r)
		}
	case !here && m != nil && r.Deleted:
		m.end(whyDeleted)
	case !here && m != nil:
		m.end("member-removed")
	}
	if r.Deleted {
		for _, d := range n.conns {
			for _, ch := range d.channels {
				ch.quorumDeleted(r.Name)
			}
		}
	}
}

// triggerElection lets the member of a new queue on this node campaign (ra:trigger_election).
func (n *Node) triggerElection(name string) {
	if m := n.ra.members[name]; m != nil && m.core.Leader() == consensus.None {
		m.core.Campaign(true)
		m.run()
	}
}

// recoverQuorum starts the members whose queues the tables know.
func (n *Node) recoverQuorum() {
	for _, name := range slices.Clone(n.meta.Order) {
		r := n.meta.get(name)
		if r.Args.IsQuorum() && slices.Contains(r.Members, uint16(n.index)) && n.startRa() {
			if m := n.startMember(r); m != nil {
				m.timeout(m.short())
			}
		}
	}
}

// crashMember ends a member's process; its supervisor starts it again from its log.
func (n *Node) crashMember(m *member) {
	n.p.Emit("process-died", m.name, "queue process killed")
	m.store.Reopen(m.log, m.first)
	m.end("")
	n.restarts = append(n.restarts, m.name)
	n.p.After(restartPause, timerRestart, uint32(len(n.restarts)-1))
}

// declareQuorum declares a quorum queue whose first leader is this node: the record, then the members as
// each node sees it, then an election that this node asks for.
func (n *Node) declareQuorum(d Declaration, done func()) {
	size := d.Args.GroupSize
	if size == 0 {
		size = 3
	}
	r := &Record{Name: d.Name, Durable: true, Args: d.Args, Routed: true, Members: n.quorumNodes(n.index, size)}
	r.Master = wire.Pid{Node: uint16(n.index)}
	n.transact(&tx{Op: opDeclare, Name: d.Name, Rec: r}, func(ok bool) {
		if ok {
			n.triggerElection(d.Name)
		}
		done()
	})
}
