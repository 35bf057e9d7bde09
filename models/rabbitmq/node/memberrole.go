package node

import (
	"slices"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// arm sets the election time-out that the member's situation asks for: none while it follows a leader, whose
// end it learns from monitors; else a long one, so that an election under way can end.
func (m *member) arm() {
	if m.core.Role() == consensus.Leader || m.core.Role() == consensus.Follower && m.core.Leader() != consensus.None {
		m.due = 0
		return
	}
	m.timeout(m.long())
}

// long is ra_server_proc's election_timeout_action(long): longer than the failure detector's poll, so that
// a false alarm can pass.
func (m *member) long() sim.Time {
	return m.n.atenPoll() + m.n.p.Rand("ra").Range(sim.Millisecond, 10*raBroadcast)
}

// short is 101 to 600 ms, for a leader whose node is not connected; at once is 1 to 100 ms, for a leader
// whose process is gone [rule 112].
func (m *member) short() sim.Time {
	return raBroadcast + m.n.p.Rand("ra").Range(sim.Millisecond, 5*raBroadcast)
}

func (m *member) atOnce() sim.Time { return m.n.p.Rand("ra").Range(sim.Millisecond, raBroadcast) }

func (m *member) timeout(d sim.Time) {
	m.due = m.n.p.Now() + d
	m.n.p.At(m.due, timerElection, m.pr.pid.Serial)
}

// electionTimer campaigns if the time-out still holds.
func (n *Node) electionTimer(serial uint32) {
	m := n.memberOf(serial)
	if m == nil || m.due == 0 || n.p.Now() < m.due || m.frozen {
		return
	}
	m.due = 0
	m.core.Campaign(true)
	m.run()
}

func (n *Node) memberOf(serial uint32) *member {
	pr := n.procs[serial&(1<<slotBits-1)]
	if pr == nil || pr.pid.Serial != serial {
		return nil
	}
	m, _ := pr.act.(*member)
	return m
}

// roleChanged looks at the core: a new leader writes an entry of its own term, tells channels that it leads
// and has the queue's record changed (rabbit_quorum_queue:become_leader).
func (m *member) roleChanged() {
	lead := m.isLeader()
	if lead == m.leading {
		return
	}
	m.leading = lead
	n := m.n
	n.showRole()
	if !lead {
		return
	}
	m.leader = m.pr.pid
	n.k.Stats.elected(n, m.name)
	if first, ok := m.core.Propose(1); ok {
		m.seal(first, []*wire.Command{{Kind: wire.RaNoop}})
		m.core.Flush()
	}
	m.fifo.Channels(func(pid wire.Pid, suspected bool) { m.event(pid, wire.RaLeaderChange) })
	m.monitor()
	n.transact(&tx{Op: opLeader, Name: m.name, Pid: m.pr.pid}, nil)
	if !m.ticking {
		m.ticking = true
		n.p.After(n.p.Rand("ra").Range(1, raTick), timerRaTick, m.pr.pid.Serial)
	}
}

// monitor is what a new leader finds when it begins to monitor the channels of its machine: those that are
// gone go down at once, and those of nodes that are back are up.
func (m *member) monitor() {
	n := m.n
	var seen []wire.Pid
	var up []uint16
	m.fifo.Channels(func(pid wire.Pid, suspected bool) {
		if slices.Contains(seen, pid) {
			return
		}
		seen = append(seen, pid)
		connected := n.nodeUp(int(pid.Node))
		if connected && int(pid.Node) != n.index {
			n.cast(pid, &wire.Monitor{To: pid}) // it may have ended while nobody could tell
		}
		switch {
		case !connected && !suspected:
			m.batch = append(m.batch, &wire.Command{Kind: wire.RaDown, From: pid, NoConn: true})
		case connected && !n.alive(pid):
			m.batch = append(m.batch, &wire.Command{Kind: wire.RaDown, From: pid})
		case connected && suspected && !slices.Contains(up, pid.Node):
			up = append(up, pid.Node)
			m.batch = append(m.batch, &wire.Command{Kind: wire.RaNodeUp, Node: pid.Node})
		}
	})
	if len(m.batch) > 0 {
		m.pr.poke()
	}
}

// raTickTimer is a leader's tick: members that lack something, or have not answered, are asked again.
func (n *Node) raTickTimer(serial uint32) {
	m := n.memberOf(serial)
	if m == nil || m.ended {
		return
	}
	if !m.isLeader() {
		m.ticking = false
		return
	}
	n.p.After(raTick, timerRaTick, serial)
	if m.frozen {
		return
	}
	for _, x := range m.core.Members() {
		m.core.SnapshotFailed(x) // one that has not arrived by now is sent again
	}
	m.core.Heartbeat()
	m.run()
}

// watches: the leader that it follows, and a leader's channels.
func (m *member) watches(pid wire.Pid) bool {
	return m.leader == pid && pid != m.pr.pid || m.leading && m.fifo.Knows(pid)
}

// down is 'DOWN' of the leader, or of a channel.
func (m *member) down(pid wire.Pid, noConnection bool) {
	if m.leader == pid && pid != m.pr.pid {
		m.leaderLost(noConnection)
	}
	if m.isLeader() && m.fifo.Knows(pid) {
		m.batch = append(m.batch, &wire.Command{Kind: wire.RaDown, From: pid, NoConn: noConnection})
	}
}

func (m *member) leaderLost(noConnection bool) {
	if m.isLeader() {
		return
	}
	m.leader = wire.Pid{}
	m.core.LeaderLost()
	m.run()
	if noConnection {
		m.timeout(m.short())
	} else {
		m.timeout(m.atOnce())
	}
}

// nodeDown is the end of the connection to a node.
func (m *member) nodeDown(i uint16) {
	if m.ended {
		return
	}
	if !m.isLeader() {
		if m.core.Leader() == raMember(int(i)) {
			m.leaderLost(true)
		}
		return
	}
	m.core.SnapshotFailed(raMember(int(i)))
	var pids []wire.Pid
	m.fifo.Channels(func(pid wire.Pid, suspected bool) {
		if pid.Node == i && !suspected && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	})
	for _, pid := range pids {
		m.batch = append(m.batch, &wire.Command{Kind: wire.RaDown, From: pid, NoConn: true})
	}
	m.pr.poke()
}

// nodeBack: a node is connected again. A leader looks at the channels there; an election in which nobody
// answered is tried again soon.
func (m *member) nodeBack(i uint16) {
	if m.isLeader() {
		m.monitor()
		m.core.Heartbeat()
		m.run()
	}
}

// call is a synchronous call to the leader.
func (m *member) call(x *wire.Call) {
	r := &wire.Reply{To: x.From, From: m.pr.pid, ID: x.ID, Code: wire.ReplySuccess}
	if !m.isLeader() {
		r.Code = wire.InternalError
		m.n.cast(x.From, r)
		return
	}
	switch x.What {
	case wire.CallConsume, wire.CallCancel:
		c := &wire.Command{Kind: wire.RaCheckout, From: x.From, Tag: x.Tag, NoAck: x.NoAck, Prefetch: x.Prefetch, Priority: x.Priority}
		if x.What == wire.CallCancel {
			c.Kind = wire.RaCancel
		}
		m.batch = append(m.batch, c)
		m.calls = append(m.calls, memberCall{c, x})
	case wire.CallDelete:
		m.deleteQueue(x, r)
	default:
		r.Messages, r.Consumers = uint32(m.fifo.Ready()), uint32(m.fifo.Consumers())
		m.n.cast(x.From, r)
	}
}

func (m *member) deleteQueue(x *wire.Call, r *wire.Reply) {
	if x.IfEmpty && m.fifo.Ready() > 0 || x.IfUnused && m.fifo.Consumers() > 0 {
		r.Code = wire.PreconditionFailed
		m.n.cast(x.From, r)
		return
	}
	n := m.n
	r.Messages = uint32(m.fifo.Ready())
	n.transact(&tx{Op: opDelete, Name: m.name}, func(bool) { n.cast(x.From, r) })
}

// answer ends the call of a command that was applied.
func (m *member) answer(c *wire.Command) {
	for i, k := range m.calls {
		if k.cmd == c {
			m.calls = slices.Delete(m.calls, i, i+1)
			r := &wire.Reply{To: k.m.From, From: m.pr.pid, ID: k.m.ID, Code: wire.ReplySuccess}
			r.Messages, r.Consumers = uint32(m.fifo.Ready()), uint32(m.fifo.Consumers())
			m.n.cast(k.m.From, r)
			return
		}
	}
}

// membersChanged: a change of the group is committed. The leader has the record changed; a member that left
// ends when it sees the record.
func (m *member) membersChanged(nodes []uint16) {
	if m.isLeader() {
		m.n.transact(&tx{Op: opMembers, Name: m.name, Nodes: nodes}, nil)
	}
}
