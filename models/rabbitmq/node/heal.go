package node

import (
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// healing is the node monitor's state (rabbit_node_monitor.erl, rabbit_autoheal.erl).
type healing struct {
	restarting bool     // the application stopped and comes back
	generation uint32   // of the application's starts
	partitions []uint16 // nodes that run in another database, in order of the events
	hold       bool     // autoheal: stopped until the winner says go
	all        bool     // paused by a partial partition: until every node is reachable
	pausing    bool     // the application is about to stop
	byHand     bool     // an operator stopped it

	state   healState // autoheal
	round   uint32
	answers map[uint16]healAnswer
	winner  uint16
	stops   []uint16 // winner: losers that have not stopped yet
	losers  []uint16
}

// majority says whether more than half of all VMs are connected, this one included [rules 101, 108a].
func (n *Node) majority() bool {
	up := 0
	for i := range n.k.Hosts {
		if n.nodeUp(i) {
			up++
		}
	}
	return 2*up > len(n.k.Hosts)
}

// preferred says whether one of the listed nodes of pause_if_all_down is connected, or is this one
// (in_preferred_partition).
func (n *Node) preferred() bool {
	for _, i := range n.k.Rules.Preferred {
		if n.nodeUp(i) {
			return true
		}
	}
	return len(n.k.Rules.Preferred) == 0
}

// survives says whether the configured handling lets this node run with the nodes that it reaches.
func (n *Node) survives() bool {
	switch n.k.Rules.Partition {
	case PauseMinority:
		return n.majority()
	case PauseIfAllDown:
		return n.preferred()
	}
	return true
}

// guard is pause_partition_guard: no confirm leaves a node that ought to pause (3.3.5 and later).
func (n *Node) guard() bool { return n.k.Rules.NoGuard || n.survives() }

// pauseStop is the time from the decision to pause until clients' connections are closed: rabbit:stop runs in
// a process outside the application and stops what was started last first; listeners and connections come
// late. [M] F-pause c.f: 16 to 26 publishes at 100/s were stored and not answered before the close.
const pauseStop = 190 * sim.Millisecond

// checkSurvival stops the application on the wrong side of a partition (await_cluster_recovery).
func (n *Node) checkSurvival() {
	if n.survives() || n.heal.pausing {
		return
	}
	why := "pause_minority"
	if n.k.Rules.Partition == PauseIfAllDown {
		why = "pause_if_all_down"
	}
	n.pause(why)
}

func (n *Node) pause(why string) {
	n.p.Emit("node-paused", "", why)
	n.heal.pausing = true
	n.p.After(pauseStop, timerPause, n.heal.generation)
}

// pauseNow: the application stops.
func (n *Node) pauseNow(generation uint32) {
	if n.phase == running && n.heal.pausing && generation == n.heal.generation {
		n.stopApp()
	}
}

// A node that has lost another asks those that it still sees whether they reach that one, which they try
// [rule 108]. If one does, the partition is partial.
type partialCheck struct {
	Node     uint16
	Creation uint32
}
type partialProbe struct{ Asker uint16 }
type partialAlive struct{ Asker uint16 }
type partialFound struct{ Node uint16 }

func (n *Node) askPartial(l *link) {
	for _, i := range n.meta.DB {
		if int(i) != n.index {
			n.sendMeta(i, &partialCheck{uint16(l.peer), l.creation})
		}
	}
}

func (n *Node) partialMessage(from uint16, body any) {
	switch m := body.(type) {
	case *partialCheck:
		if l := n.links[m.Node]; n.phase == running && l != nil && l.up && l.creation == m.Creation && n.dbMember(m.Node) {
			n.sendMeta(m.Node, &partialProbe{from})
		}
	case *partialProbe:
		n.sendMeta(from, &partialAlive{m.Asker})
	case *partialAlive:
		if n.phase == running && n.dbMember(from) {
			n.sendMeta(m.Asker, &partialFound{from})
		}
	case *partialFound:
		n.partial(from, m.Node)
	}
}

// partial is what a node does about a partial partition: it pauses until the whole cluster is there, or
// makes the partition full by leaving the node that told it.
func (n *Node) partial(proxy, lost uint16) {
	if n.phase != running || n.dbMember(lost) || !n.dbMember(proxy) {
		return
	}
	n.p.Probe("rabbitmq-partial-partition")
	switch {
	case n.heal.pausing || !n.survives():
		return
	case n.k.Rules.Partition == PauseMinority:
		n.heal.all = true
		n.pause("partial partition: " + n.k.Hosts[proxy].Name + " reaches " + n.k.Hosts[lost].Name)
		return
	}
	n.links[proxy].down("partial partition: it reaches " + n.k.Hosts[lost].Name)
}

func (n *Node) allUp() bool {
	for i := range n.k.Hosts {
		if !n.nodeUp(i) {
			return false
		}
	}
	return true
}

// stopApp is rabbit:stop without the VM: listeners and connections close, processes end, stores are closed
// in order.
func (n *Node) stopApp() {
	n.setPhase(paused)
	h := &n.heal
	h.restarting, h.pausing, h.partitions, h.state = true, false, nil, notHealing
	h.hold = h.hold && n.nodeUp(int(h.winner)) // else nobody would say when to start
	n.p.Role("paused")
	n.quit()
	n.meta.DB = nil
	n.meta.rounds = rounds{next: n.meta.rounds.next, round: n.meta.rounds.round}
	n.sendStatus()
}

// pollPaused looks each second whether the application may come back (wait_for_cluster_recovery).
func (n *Node) pollPaused() {
	if n.phase == paused && !n.heal.hold && !n.heal.byHand && n.survives() && (!n.heal.all || n.allUp()) {
		n.resumeApp()
	}
}

// resumeApp is rabbit:start in a VM that has gone on running.
func (n *Node) resumeApp() {
	n.heal.all, n.heal.hold = false, false
	n.p.Emit("node-resumed", "", "")
	n.meta.disk.since = n.p.Now()
	n.setPhase(waiting)
	n.bootStep()
}

// checkPartition recognises, when nodes see each other again, that each runs a database without the other
// (Mnesia's inconsistent_database) [rule 97].
func (n *Node) checkPartition(l *link) {
	i := uint16(l.peer)
	if n.phase != running || l.state.Phase != running || n.dbMember(i) || slices.Contains(l.state.DB, uint16(n.index)) {
		return
	}
	if slices.Contains(n.heal.partitions, i) {
		return
	}
	n.heal.partitions = append(n.heal.partitions, i)
	n.p.Emit("partition-detected", "", "with "+n.k.Hosts[i].Name)
	n.maybeHeal()
}

// rabbitDown is handle_dead_rabbit: the application of a node has stopped, whether its VM has or not. Only
// when no node is left in another database are the partitions forgotten.
func (n *Node) rabbitDown(i uint16) {
	if n.phase == running {
		other := slices.ContainsFunc(n.heal.partitions, func(x uint16) bool {
			return x != i && n.nodeUp(int(x)) && n.links[x].state.Phase == running && !n.dbMember(x)
		})
		if !other {
			n.heal.partitions = nil
		}
	}
	n.healRabbitDown(i)
}
