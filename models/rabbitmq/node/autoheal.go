package node

import (
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// Autoheal (rabbit_autoheal.erl). Whoever learns of a partition while every VM is connected asks the leader,
// the first node of the cluster. The leader asks all nodes whom they are partitioned from, divides the cluster
// by the answers of that moment, and lets the group with most client connections win (tie: most nodes). The
// first node of that group, the winner, tells all others to stop, and to start again once all have stopped.
// The lists of partitions fill one event at a time, so a first decision may put a node into the wrong group,
// and a node that comes back makes everybody look again: further rounds follow [rules 105, 107].

// healState is where a node stands in an autoheal.
type healState uint8

const (
	notHealing healState = iota
	leaderAsking
	leaderWaiting // the winner is at it
	winnerWaiting // losers stop
)

type healRequest struct{}
type healAsk struct{ Round uint32 }
type healAnswer struct {
	Round      uint32
	Partitions []uint16
	Missing    bool // some VM is not connected
	Conns      int
}
type healWinner struct{ Losers []uint16 }
type healLoser struct{ Winner uint16 }
type healSafe struct{}
type healFinished struct{}

// healTimeout is autoheal_state_transition_timeout: how long a round may take.
const healTimeout = 60 * sim.Second

// autohealing says whether the configured handling ends in an autoheal.
func (n *Node) autohealing() bool {
	r := &n.k.Rules
	return r.Partition == Autoheal || r.Partition == PauseIfAllDown && r.RecoverByAutoheal
}

// maybeHeal is rabbit_node_monitor:maybe_autoheal.
func (n *Node) maybeHeal() {
	if n.phase != running || len(n.heal.partitions) == 0 || !n.allUp() || !n.autohealing() || n.heal.state != notHealing {
		return
	}
	n.sendHeal(0, &healRequest{})
}

// sendHeal sends a message of this file, to this node too.
func (n *Node) sendHeal(to uint16, body any) {
	if int(to) == n.index {
		n.healMessage(to, body)
		return
	}
	n.sendMeta(to, body)
}

// askHeal is the leader's beginning of a round (check_other_nodes).
func (n *Node) askHeal() {
	if n.phase != running || n.heal.state != notHealing || !n.allUp() {
		return
	}
	n.heal.state = leaderAsking
	n.heal.round++
	n.heal.answers = map[uint16]healAnswer{}
	n.p.After(healTimeout, timerHeal, n.heal.round)
	for i := range n.k.Hosts {
		n.sendHeal(uint16(i), &healAsk{n.heal.round})
	}
}

func (n *Node) healMessage(from uint16, body any) {
	switch m := body.(type) {
	case *healRequest:
		n.askHeal()
	case *healAsk:
		a := &healAnswer{Round: m.Round, Partitions: slices.Clone(n.heal.partitions), Missing: n.phase != running || !n.allUp(), Conns: len(n.conns)}
		n.sendHeal(from, a)
	case *healAnswer:
		n.healAnswered(from, m)
	case *healWinner:
		n.becomeWinner(m.Losers)
	case *healLoser:
		n.lose(m.Winner)
	case *healSafe:
		if n.phase == paused && n.heal.hold && from == n.heal.winner {
			n.resumeApp()
		}
	case *healFinished:
		if n.heal.state == leaderWaiting {
			n.heal.state = notHealing
		}
	default:
		n.partialMessage(from, body)
	}
}

func (n *Node) healAnswered(from uint16, m *healAnswer) {
	h := &n.heal
	if h.state != leaderAsking || m.Round != h.round {
		return
	}
	h.answers[from] = *m
	if len(h.answers) < len(n.k.Hosts) {
		return
	}
	h.state = notHealing
	for i := range n.k.Hosts {
		if h.answers[uint16(i)].Missing {
			return
		}
	}
	winner, losers := h.decide(len(n.k.Hosts))
	if len(losers) == 0 {
		return
	}
	n.p.Probe("rabbitmq-autoheal-decision")
	h.winner = winner
	if int(winner) != n.index {
		h.state = leaderWaiting
	}
	n.sendHeal(winner, &healWinner{losers})
}

// decide divides the cluster (all_partitions) and picks the winner (make_decision): the group that sorts last
// by connections, nodes and names.
func (h *healing) decide(nodes int) (winner uint16, losers []uint16) {
	all := make([]uint16, nodes)
	for i := range all {
		all[i] = uint16(i)
	}
	groups := [][]uint16{all}
	for i := range all {
		at := slices.IndexFunc(groups, func(g []uint16) bool { return slices.Contains(g, uint16(i)) })
		cannotSee := h.answers[uint16(i)].Partitions
		var a, b []uint16
		for _, x := range groups[at] {
			if slices.Contains(cannotSee, x) {
				b = append(b, x)
			} else {
				a = append(a, x)
			}
		}
		if len(a) > 0 && len(b) > 0 {
			rest := slices.Delete(slices.Clone(groups), at, at+1)
			groups = append([][]uint16{a, b}, rest...)
		}
	}
	value := func(g []uint16) (conns int) {
		for _, i := range g {
			conns += h.answers[i].Conns
		}
		return conns
	}
	best := groups[0]
	for _, g := range groups[1:] {
		c, d := value(g), value(best)
		if c > d || c == d && (len(g) > len(best) || len(g) == len(best) && slices.Compare(g, best) > 0) {
			best = g
		}
	}
	for i := range all {
		if !slices.Contains(best, uint16(i)) {
			losers = append(losers, uint16(i))
		}
	}
	return best[0], losers
}

// becomeWinner tells the losers to stop, if all of them run (stop_partition).
func (n *Node) becomeWinner(losers []uint16) {
	h := &n.heal
	for _, i := range losers {
		if l := n.links[i]; n.phase != running || l == nil || !l.up || l.state.Phase != running {
			n.endHeal()
			return
		}
	}
	h.state = winnerWaiting
	h.stops, h.losers = slices.Clone(losers), losers
	n.p.Emit("partition-detected", "", "autoheal: "+n.p.Host.Name+" wins")
	for _, i := range losers {
		n.sendMeta(i, &healLoser{uint16(n.index)})
	}
}

// lose is restart_loser.
func (n *Node) lose(winner uint16) {
	if n.phase != running {
		return
	}
	n.heal.hold, n.heal.winner = true, winner
	n.pause("autoheal: " + n.k.Hosts[winner].Name + " won")
}

// endHeal lets the losers start, and the leader take requests again (winner_finish, abort).
func (n *Node) endHeal() {
	h := &n.heal
	for _, i := range h.losers {
		n.sendMeta(i, &healSafe{})
	}
	h.state, h.losers, h.stops = notHealing, nil, nil
	n.sendHeal(0, &healFinished{})
}

// healRabbitDown: the application of a node has stopped.
func (n *Node) healRabbitDown(i uint16) {
	h := &n.heal
	switch {
	case h.state == winnerWaiting:
		h.stops = slices.DeleteFunc(h.stops, func(x uint16) bool { return x == i })
		if len(h.stops) == 0 {
			n.endHeal()
		}
	case h.state == leaderWaiting && h.winner == i:
		h.state = notHealing
	case h.hold && h.winner == i && n.phase == paused:
		n.resumeApp()
	}
}

// healNodeDown: a VM is gone; whoever was healing gives up.
func (n *Node) healNodeDown(i uint16) {
	h := &n.heal
	switch {
	case h.state == winnerWaiting:
		n.endHeal()
	case h.state == leaderAsking, h.state == leaderWaiting && h.winner == i:
		h.state = notHealing
	case h.hold && h.winner == i && n.phase == paused:
		n.resumeApp()
	}
}

// healTimer ends a round that does not.
func (n *Node) healTimer(round uint32) {
	if n.heal.round == round && n.heal.state != notHealing {
		n.endHeal()
	}
}
