package node

import (
	"slices"
	"strings"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rabbitmq/quorum"
	"github.com/mqsim/mqsim/models/rabbitmq/ra"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Times of Ra (ra_server_proc.erl; rabbit sets tick_timeout).
const (
	raBroadcast = 100 * sim.Millisecond
	raTick      = 5 * sim.Second
	// snapshotEvery is how many more entries than live messages a log has before a snapshot replaces them
	// (ra_snapshot's min_snapshot_interval).
	snapshotEvery = 4096
)

// member is one member of a quorum queue's group: the Raft server's process (ra_server_proc.erl) with the
// queue's state machine.
type member struct {
	n     *Node
	pr    *process
	name  string
	store *ra.Log
	core  *consensus.Core
	fifo  *quorum.Machine
	ended bool

	log     []wire.Entry // from first on
	first   consensus.Index
	applied consensus.Index
	leading bool       // as of the last look
	peers   []wire.Pid // by node: whose answers this leader has had
	leader  wire.Pid   // the process that leads, zero if not known

	batch   []*wire.Command // proposed at the next idle
	calls   []memberCall    // answered when their command is applied
	events  []*wire.RaEvent // of this turn, one for each channel
	step    []consensus.Entry
	scratch []byte
	due     sim.Time // of the election time-out; 0: none
	armed   bool     // a timer is under way
	ticking bool
	again   bool // deliveries answer a question for missing ones
	frozen  bool
	stuck   bool
}

// memberCall is a call that waits for its command.
type memberCall struct {
	cmd *wire.Command
	m   *wire.Call
}

func raMember(node int) consensus.Member { return consensus.Member(node + 1) }

func raNode(m consensus.Member) int { return int(m) - 1 }

func nodesToMembers(nodes []uint16) []consensus.Member {
	out := make([]consensus.Member, len(nodes))
	for i, n := range nodes {
		out[i] = raMember(int(n))
	}
	return out
}

func membersToNodes(members []consensus.Member) []uint16 {
	out := make([]uint16, len(members))
	for i, m := range members {
		out[i] = uint16(raNode(m))
	}
	return out
}

// raUID is ra:new_uid: a prefix of the name and random characters.
func (n *Node) raUID(name string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := []byte("2F_")
	for _, c := range []byte(strings.ToUpper(name)) {
		if len(b) < 9 && strings.IndexByte(letters, c) >= 0 {
			b = append(b, c)
		}
	}
	rnd := n.p.Rand("ra-uid")
	for len(b) < 18 {
		b = append(b, letters[rnd.Below(uint64(len(letters)))])
	}
	return string(b)
}

// startMember starts a queue's member on this node: from its files, or as a new one that knows the members
// of the record (rabbit_quorum_queue:recover; a member whose files are gone is started anew under its old
// identity, and has forgotten what it voted).
func (n *Node) startMember(r *Record) *member {
	m := &member{n: n, name: r.Name}
	store := n.ra.store.Find(r.Name)
	if store == nil {
		var err error
		if store, err = n.ra.store.Open(r.Name, n.raUID(r.Name)); err != nil {
			n.p.Crash("quorum queue: " + err.Error())
			return nil
		}
	}
	m.store = store
	m.fifo = quorum.New(n.fifoConfig(r), m)
	st := consensus.State{Term: store.Term, Vote: store.Vote}
	members := nodesToMembers(r.Members)
	if s := store.Snapshot; s != nil {
		st.Snapshot, st.SnapshotTerm = s.Index, s.Term
		members = nodesToMembers(s.Members)
		if err := m.fifo.Restore(s.Data, s.Ref); err != nil {
			n.p.Crash("quorum queue: " + err.Error())
			return nil
		}
	}
	st.Changes = append(st.Changes, consensus.Change{Index: st.Snapshot, Members: members})
	m.first = store.First
	m.log, store.Entries = store.Entries, nil
	for i := range m.log {
		e := &m.log[i]
		index := m.first + consensus.Index(i)
		if len(st.Runs) == 0 || st.Runs[len(st.Runs)-1].Term != e.Term {
			st.Runs = append(st.Runs, consensus.Run{First: index, Term: e.Term})
		}
		if e.Cmd.Kind == wire.RaMembers {
			st.Changes = append(st.Changes, consensus.Change{Index: index, Members: nodesToMembers(e.Cmd.Members)})
		}
	}
	st.Last = m.first + consensus.Index(len(m.log)) - 1
	m.applied = st.Snapshot
	m.core = consensus.New(consensus.Config{ID: raMember(n.index), PreVote: true}, st)
	m.pr = n.spawn(m)
	n.ra.members[r.Name] = m
	n.ra.order = append(n.ra.order, m)
	n.startAten()
	n.showRole()
	return m
}

func (n *Node) fifoConfig(r *Record) quorum.Config {
	c := quorum.Config{SingleActive: r.Args.SingleActive, DeliveryLimit: r.Args.DeliveryLimit, MaxLength: r.Args.MaxLength,
		RequeueToBack: n.k.Rules.RequeueToBack}
	if p := n.meta.policy(r); c.MaxLength == 0 {
		c.MaxLength = p.MaxLength
	}
	return c
}

// handle takes one message of the mailbox.
func (m *member) handle(msg wire.Message) {
	switch x := msg.(type) {
	case *wire.RaCommand:
		m.command(x)
	case *wire.Raft:
		m.raft(x)
	case *wire.RaWho:
		m.who(x)
	case *wire.Call:
		m.call(x)
	case *wire.Down:
		m.down(x.Pid, false)
	case *raWritten:
		m.core.Written(x.index, x.term)
		m.run()
	}
}

// raWritten is {ra_log_event, {written, _}}.
type raWritten struct {
	index consensus.Index
	term  consensus.Term
}

func (*raWritten) Size() int { return 0 }

func (m *member) stalled() bool { return m.frozen }
func (m *member) wait()         { m.stuck = true }

// busy and idle: commands of one turn are one batch; members are told of a commit that no entries carry.
func (m *member) busy() { m.flush() }

func (m *member) idle() {
	if !m.ended {
		m.flush()
		m.core.Announce()
		m.run()
	}
}

func (m *member) isLeader() bool { return m.core.Role() == consensus.Leader }

// command is a pipelined command of a channel. A member that does not lead says who does.
func (m *member) command(x *wire.RaCommand) {
	c := x.Cmd
	if !m.isLeader() {
		m.refuse(c)
		m.sendEvents()
		return
	}
	m.batch = append(m.batch, c)
}

func (m *member) who(x *wire.RaWho) {
	if x.Missing {
		if m.isLeader() {
			m.again = true
			m.fifo.Missing(x.From, x.Tag, x.First)
			m.again = false
			m.sendEvents()
		}
		return
	}
	m.event(x.From, wire.RaLeaderIs)
	m.sendEvents()
}

// flush appends the batch to the log, to the disk and to the members.
func (m *member) flush() {
	if len(m.batch) == 0 || m.ended {
		return
	}
	if !m.isLeader() {
		for _, c := range m.batch {
			m.refuse(c)
		}
		m.batch = m.batch[:0]
		m.sendEvents()
		return
	}
	m.propose(m.batch...)
	clear(m.batch)
	m.batch = m.batch[:0]
	m.run()
}

// refuse answers a command that is not taken.
func (m *member) refuse(c *wire.Command) {
	if c.Corr != 0 {
		e := m.event(c.From, wire.RaRejected)
		e.Corrs = append(e.Corrs, c.Corr)
	}
}

// propose appends commands of a leader.
func (m *member) propose(cmds ...*wire.Command) {
	first, ok := m.core.Propose(len(cmds))
	if !ok {
		return
	}
	m.seal(first, cmds)
	m.core.Flush()
}

func (m *member) seal(first consensus.Index, cmds []*wire.Command) {
	term := m.core.Term()
	from := len(m.log)
	for i, c := range cmds {
		var e wire.Entry
		e, m.scratch = ra.Seal(&m.n.p.W.Arena, m.scratch, first+consensus.Index(i), term, c)
		m.log = append(m.log, e)
	}
	m.store.Write(first, m.log[from:len(m.log):len(m.log)])
}

// raft takes a message of another member.
func (m *member) raft(x *wire.Raft) {
	if x.Snapshot != nil {
		m.install(x)
		return
	}
	m.step = m.step[:0]
	for i := range x.Entries {
		e := consensus.Entry{Term: x.Entries[i].Term}
		if c := x.Entries[i].Cmd; c.Kind == wire.RaMembers {
			e.Members = nodesToMembers(c.Members)
		}
		m.step = append(m.step, e)
	}
	if x.M.Kind == consensus.AppendReply && m.isLeader() {
		m.noteAnswer(x)
	}
	m.core.Step(x.M, m.step)
	m.carryOut(x)
	if m.core.Leader() == x.M.From {
		m.leader = x.Pid
	}
}

// noteAnswer: a member that answers in a new process, and lacks what the old one had acknowledged, has lost
// its disk; its log is filled from where it ends (ra_server, append_entries_reply with a last index below the
// match index).
func (m *member) noteAnswer(x *wire.Raft) {
	i := raNode(x.M.From)
	for len(m.peers) <= i {
		m.peers = append(m.peers, wire.Pid{})
	}
	if m.peers[i] != x.Pid {
		if x.M.Reject && x.M.Term == m.core.Term() && x.M.Index < m.core.Match(x.M.From) {
			m.n.p.Probe("rabbitmq-member-without-its-log")
			m.core.Reset(x.M.From, x.M.Prev)
		}
		if x.M.Term == m.core.Term() {
			m.peers[i] = x.Pid
		}
	}
}

func (m *member) run() { m.carryOut(nil) }

// carryOut does what the core asks for, in order. x is the message that was just stepped.
func (m *member) carryOut(x *wire.Raft) {
	for i := 0; i < len(m.core.Effects()) && !m.ended; i++ {
		e := m.core.Effects()[i]
		switch e.Kind {
		case consensus.Save:
			if err := m.store.Save(e.Term, e.Vote); err != nil {
				m.n.ra.Failed(err)
				return
			}
		case consensus.Send:
			m.send(&e.Message)
		case consensus.Truncate:
			m.log = slices.Clone(m.log[:e.Index-m.first])
		case consensus.Append:
			from := len(m.log)
			m.log = append(m.log, x.Entries[e.Skip:e.Skip+e.Count]...)
			m.store.Write(e.Index, m.log[from:len(m.log):len(m.log)])
		case consensus.Committed:
			m.apply(e.Index)
		case consensus.RoleChanged:
			m.roleChanged()
		case consensus.ArmElection:
			m.arm()
		case consensus.SendSnapshot:
			m.sendSnapshot(e.Message)
		case consensus.Contradiction:
			// a disk forgot what it had promised; Ra's follower exits
			m.n.p.Probe("rabbitmq-raft-contradiction")
		}
	}
	m.core.Clear()
	m.sendEvents()
	m.maybeSnapshot()
}

func (m *member) send(msg *consensus.Message) {
	r := &wire.Raft{Queue: m.name, Pid: m.pr.pid, M: *msg}
	if msg.Kind == consensus.AppendRequest && msg.Count > 0 {
		at := msg.Index + 1 - m.first
		r.Entries = m.log[at : at+consensus.Index(msg.Count) : at+consensus.Index(msg.Count)]
	}
	m.n.castMember(raNode(msg.To), r)
}

// castMember sends a message to the member of a queue on a node: to a registered name, so that nobody is
// told if it is not there.
func (n *Node) castMember(node int, msg wire.Message) {
	if node == n.index {
		if m := n.ra.member(msg); m != nil {
			m.pr.put(msg)
		}
		return
	}
	if node >= 0 && node < len(n.links) && n.links[node] != nil && n.links[node].up {
		n.links[node].send(msg)
	}
}

// apply carries out committed commands. Their effects are the leader's business.
func (m *member) apply(to consensus.Index) {
	lead := m.isLeader()
	for m.applied < to {
		m.applied++
		e := &m.log[m.applied-m.first]
		c := e.Cmd
		if c.Kind == wire.RaEnqueue && !c.From.IsZero() && !m.fifo.Expects(c) {
			if lead { // not_enqueued: something before it is missing
				m.refuse(c)
			}
			continue
		}
		if len(m.calls) > 0 {
			m.answer(c) // before the first delivery to a new consumer
		}
		m.fifo.Apply(uint64(m.applied), c)
		if lead && c.Corr != 0 {
			ev := m.event(c.From, wire.RaApplied)
			ev.Corrs = append(ev.Corrs, c.Corr)
		}
		if c.Kind == wire.RaMembers {
			m.membersChanged(c.Members)
		}
	}
}

// event is the message of this turn to a channel, of one kind.
func (m *member) event(to wire.Pid, kind uint8) *wire.RaEvent {
	for _, e := range m.events {
		if e.To == to && e.Kind == kind {
			return e
		}
	}
	e := &wire.RaEvent{To: to, Queue: m.name, Kind: kind, Node: uint16(m.n.index), Leader: raNode(m.core.Leader())}
	m.events = append(m.events, e)
	return e
}

func (m *member) sendEvents() {
	if len(m.events) == 0 {
		return
	}
	for _, e := range m.events {
		e.Leader = raNode(m.core.Leader())
		m.n.cast(e.To, e)
	}
	clear(m.events)
	m.events = m.events[:0]
}

// Deliver is the machine's effect; only the leader's leaves.
func (m *member) Deliver(c *quorum.Consumer, id uint64, x *quorum.Message) {
	if !m.isLeader() {
		return
	}
	d := m.n.k.Pool.Deliv.Get()
	d.To, d.From, d.Tag, d.NoAck, d.Seq = c.Channel, m.pr.pid, c.Tag, c.NoAck, id
	d.Queue, d.Key, d.Redelivered, d.Content = m.name, x.Cmd.Key, x.Deliveries > 0, x.Cmd.Content
	d.Ra, d.Again = true, m.again
	m.n.cast(c.Channel, d)
}

// Dropped writes into a message's biography that the queue let it go.
func (m *member) Dropped(x *quorum.Message, why string) {
	w := m.n.p.W
	if !w.Watching() || !m.isLeader() {
		return
	}
	if id, ok := wire.BodyOf(&w.Arena, &x.Cmd.Content); ok {
		w.Note(id, "retention", m.n.p.Host, m.name+": "+why)
	}
}

// maybeSnapshot replaces the log by the state when it is much longer than what it holds.
func (m *member) maybeSnapshot() {
	snap, _ := m.core.Snapshot()
	if m.ended || m.applied < snap+snapshotEvery {
		return
	}
	if live := m.fifo.Ready() + m.fifo.Held(); m.applied < snap+snapshotEvery+consensus.Index(live) || 4*live > int(m.applied-snap) {
		return
	}
	term, ok := m.core.TermAt(m.applied)
	if !ok {
		return
	}
	data := m.fifo.Snapshot(&m.n.p.W.Arena)
	if err := m.store.Compact(m.applied, term, membersToNodes(m.core.Members()), data); err != nil {
		m.n.ra.Failed(err)
		return
	}
	m.core.Compact(m.applied)
	m.log = slices.Clone(m.log[m.applied+1-m.first:])
	m.first = m.applied + 1
}

func (m *member) sendSnapshot(msg consensus.Message) {
	s := m.store.Snapshot
	if s == nil {
		return
	}
	msg.Index, msg.LogTerm = s.Index, s.Term
	m.n.castMember(raNode(msg.To), &wire.Raft{Queue: m.name, Pid: m.pr.pid, M: msg, Snapshot: s.Data, SnapTerm: s.Term, Members: s.Members})
}

// install takes a leader's snapshot (receive_snapshot).
func (m *member) install(x *wire.Raft) {
	if x.M.Term < m.core.Term() {
		m.core.Step(consensus.Message{Kind: consensus.AppendRequest, From: x.M.From, To: x.M.To, Term: x.M.Term}, nil)
		m.run()
		return
	}
	if x.M.Index > m.core.Commit() {
		if err := m.store.Compact(x.M.Index, x.SnapTerm, x.Members, x.Snapshot); err != nil {
			m.n.ra.Failed(err)
			return
		}
		if err := m.fifo.Restore(m.store.Snapshot.Data, m.store.Snapshot.Ref); err != nil {
			m.n.p.Crash("quorum queue: " + err.Error())
			return
		}
		m.applied = x.M.Index
		if at := int(x.M.Index) + 1 - int(m.first); at >= 0 && at <= len(m.log) && m.agrees(x.M.Index, x.SnapTerm) {
			m.log = slices.Clone(m.log[at:])
		} else {
			m.log = nil
		}
		m.first = x.M.Index + 1
	}
	m.core.Installed(x.M.From, x.M.Term, x.M.Index, x.SnapTerm, nodesToMembers(x.Members))
	m.leader = x.Pid
	m.run()
}

func (m *member) agrees(i consensus.Index, t consensus.Term) bool {
	at, ok := m.core.TermAt(i)
	return ok && at == t
}

// end ends the process; why, if not empty, is why its files go too.
func (m *member) end(why string) {
	if m.ended {
		return
	}
	m.ended = true
	n := m.n
	if n.ra.members[m.name] == m {
		delete(n.ra.members, m.name)
	}
	n.ra.order = slices.DeleteFunc(n.ra.order, func(x *member) bool { return x == m })
	if why != "" {
		if m.isLeader() {
			m.fifo.Channels(func(pid wire.Pid, _ bool) { m.event(pid, wire.RaDeleted) })
			m.sendEvents()
		}
		m.store.Delete(why)
	}
	m.pr.exit(false, why != "")
	n.showRole()
}
