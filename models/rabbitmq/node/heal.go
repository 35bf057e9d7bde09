package node

import (
	"slices"
)

// healing is the node monitor's state (rabbit_node_monitor.erl, rabbit_autoheal.erl).
type healing struct {
	restarting bool   // the application stopped and comes back
	generation uint32 // of the application's starts
	split      []bool // nodes that run in another database
	asked      bool   // autoheal: a round is under way here
	answers    map[uint16]healAnswer
	hold       bool // autoheal: paused until the winner says go
	all        bool // paused by a partial partition: until every node is reachable
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

// guard is pause_partition_guard: no confirm leaves a node that ought to pause.
func (n *Node) guard() bool { return n.k.Rules.Partition != PauseMinority || n.majority() }

// checkMajority pauses the application in a minority. Half is a minority.
func (n *Node) checkMajority() {
	if n.k.Rules.Partition == PauseMinority && !n.majority() {
		n.p.Emit("node-paused", "", "pause_minority")
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
	if n.k.Rules.Partition == PauseMinority {
		n.p.Emit("node-paused", "", "partial partition: "+n.k.Hosts[proxy].Name+" reaches "+n.k.Hosts[lost].Name)
		n.stopApp()
		n.heal.all = true
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
	n.heal.restarting = true
	n.heal.split = nil
	n.p.Role("paused")
	n.quit()
	n.meta.DB = nil
	n.meta.rounds = rounds{next: n.meta.rounds.next, round: n.meta.rounds.round}
	n.sendStatus()
}

// pollPaused looks each second whether the application may come back.
func (n *Node) pollPaused() {
	if n.phase != paused || n.heal.hold || n.k.Rules.Partition == PauseMinority && !n.majority() || n.heal.all && !n.allUp() {
		return
	}
	n.heal.all = false
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
	if n.heal.split == nil {
		n.heal.split = make([]bool, len(n.k.Hosts))
	}
	if n.heal.split[i] {
		return
	}
	n.heal.split[i] = true
	n.p.Emit("partition-detected", "", "with "+n.k.Hosts[i].Name)
	if n.k.Rules.Partition == Autoheal {
		n.askHeal()
	}
}

// Autoheal, as far as the model goes: once all nodes are connected, the lowest of them asks everybody for
// its partition and its number of client connections; the partition with most connections wins (tie: most
// nodes, then the lower name), all others restart.
type healAsk struct{}
type healAnswer struct {
	DB    []uint16
	Conns int
}
type healRestart struct{ Winner uint16 }

func (n *Node) askHeal() {
	if n.index != 0 {
		n.sendMeta(0, &healAsk{})
		return
	}
	if n.heal.asked || n.phase != running {
		return
	}
	for i := range n.k.Hosts {
		if !n.nodeUp(i) {
			return
		}
	}
	n.heal.asked = true
	n.heal.answers = map[uint16]healAnswer{0: {slices.Clone(n.meta.DB), len(n.conns)}}
	for i := 1; i < len(n.k.Hosts); i++ {
		n.sendMeta(uint16(i), &healAsk{})
	}
}

func (n *Node) healMessage(from uint16, body any) {
	switch m := body.(type) {
	case *healAsk:
		if n.index == 0 {
			n.askHeal()
			return
		}
		n.sendMeta(from, &healAnswer{DB: slices.Clone(n.meta.DB), Conns: len(n.conns)})
	case *healAnswer:
		if n.heal.asked {
			n.heal.answers[from] = *m
			n.decideHeal()
		}
	case *healRestart:
		n.restartApp(m.Winner)
	default:
		n.partialMessage(from, body)
	}
}

func (n *Node) decideHeal() {
	if len(n.heal.answers) < len(n.k.Hosts) {
		return
	}
	n.heal.asked = false
	var best []uint16
	conns := -1
	for i := range n.k.Hosts {
		group := n.heal.answers[uint16(i)].DB
		sum := 0
		for _, j := range group {
			sum += n.heal.answers[j].Conns
		}
		if sum > conns || sum == conns && len(group) > len(best) {
			best, conns = group, sum
		}
	}
	if len(best) == 0 || len(best) == len(n.k.Hosts) {
		return
	}
	for i := range n.k.Hosts {
		if slices.Contains(best, uint16(i)) {
			continue
		}
		if i == n.index {
			n.restartApp(best[0])
		} else {
			n.sendMeta(uint16(i), &healRestart{best[0]})
		}
	}
}

// restartApp is a loser's restart.
func (n *Node) restartApp(winner uint16) {
	if n.phase != running {
		return
	}
	n.p.Emit("node-paused", "", "autoheal: "+n.k.Hosts[winner].Name+" won")
	n.stopApp()
}
