package node

import (
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// Faults and commands that hit a part of a node: one queue's process, or the application in a VM that goes on.

// restartPause is rabbit_prequeue's: a process that its supervisor starts again looks every 25 ms what has
// become of the queue.
const restartPause = 25 * sim.Millisecond

// CrashQueue ends a queue's process with an abnormal reason: whoever monitors it learns of a crash, and what
// waits for its confirm is nacked even if mirrors keep it [rule 13]. Its supervisor starts another one.
func (n *Node) CrashQueue(name string) bool {
	if m := n.ra.members[name]; m != nil {
		n.crashMember(m)
		return true
	}
	q := n.queues[name]
	if q == nil || q.ended {
		return false
	}
	n.p.Emit("process-died", name, "queue process killed")
	q.st.abandon()
	q.end(true, false, "")
	n.restarts = append(n.restarts, name)
	n.p.After(restartPause, timerRestart, uint32(len(n.restarts)-1))
	return true
}

// restartQueue is rabbit_prequeue:init(Q, restart). With a live master elsewhere the process becomes a new
// mirror; if nobody is left it recovers the queue from its files; otherwise somebody is about to take over.
func (n *Node) restartQueue(i uint32) {
	name := n.restarts[i]
	r := n.meta.get(name)
	if n.phase != running || r == nil || n.queues[name] != nil {
		return
	}
	if r.Args.IsQuorum() {
		if n.ra.members[name] == nil && n.ra.store != nil && slices.Contains(r.Members, uint16(n.index)) {
			if m := n.startMember(r); m != nil {
				m.timeout(m.short())
			}
		}
		return
	}
	alive := slices.ContainsFunc(r.Mirrors, n.alive)
	switch {
	case n.alive(r.Master) && int(r.Master.Node) != n.index:
		if r.onNode(uint16(n.index)).IsZero() {
			if err := n.stores.v.DeleteCrashed(name, emptied(r.Lossy)); err != nil {
				n.p.Crash("cannot empty a mirror: " + err.Error())
				return
			}
			n.startMirror(name)
			return
		}
	case !alive && int(r.Master.Node) == n.index:
		if err := n.stores.v.Reopen(name); err != nil {
			n.p.Crash("cannot recover a queue: " + err.Error())
			return
		}
		q := n.newQueue(r)
		n.transact(&tx{Op: opRecover, Name: name, Pid: q.pr.pid}, nil)
		return
	}
	n.p.After(restartPause, timerRestart, i)
}

// HasQueue says whether a queue's process runs here.
func (n *Node) HasQueue(name string) bool {
	q := n.queues[name]
	return q != nil && !q.ended || n.ra.members[name] != nil
}

// FreezeQueue suspends a queue's process, or lets it go on.
func (n *Node) FreezeQueue(name string, frozen bool) {
	if m := n.ra.members[name]; m != nil && m.frozen != frozen {
		m.frozen = frozen
		if !frozen {
			m.pr.resume()
		}
	}
	if q := n.queues[name]; q != nil && q.frozen != frozen {
		q.frozen = frozen
		if !frozen {
			q.pr.resume()
		}
	}
}

// QueueFrozen says whether it is suspended.
func (n *Node) QueueFrozen(name string) bool {
	q, m := n.queues[name], n.ra.members[name]
	return q != nil && q.frozen || m != nil && m.frozen
}

// StopApp is rabbitmqctl stop_app: a clean stop of the application; the VM and its links stay, so that for
// pause_minority the node still counts [rule 108a].
func (n *Node) StopApp() {
	if n.phase == running {
		n.exiting = exitState{app: true}
		n.leave()
	}
}

// KillApp ends the application without the preparations of a clean stop.
func (n *Node) KillApp() {
	if n.phase == running {
		n.heal.byHand = true
		n.stopApp()
	}
}

// StartApp is rabbitmqctl start_app.
func (n *Node) StartApp() {
	if n.phase == paused && n.heal.byHand {
		n.heal.byHand = false
		n.resumeApp()
	}
}

// CloseConnections is rabbitmqctl close_all_connections on this node.
func (n *Node) CloseConnections() int {
	conns := slices.Clone(n.conns)
	for _, d := range conns {
		d.force()
	}
	return len(conns)
}
