package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// exitState is a clean stop under way.
type exitState struct {
	app   bool // only the application stops
	waits int
	polls int
}

// exitWait bounds how long a clean stop waits for its last transactions.
const exitWait = 100 * sim.Millisecond

// Stop is rabbitmqctl stop: what the mirrors of this node's masters may do is settled first, then the
// application stops, then the VM.
func (n *Node) Stop() {
	if n.phase != running {
		n.p.Exit()
		return
	}
	n.leave()
}

func (n *Node) leave() {
	n.setPhase(stopping)
	n.p.StopListening(wire.ClientPort)
	for _, q := range slices.Clone(n.order) {
		n.leaving(q)
	}
	n.exitStep()
}

// leaving prepares the end of one queue process [rules 38, 85]: a master without a synchronised mirror
// stops its mirrors, unless ha-promote-on-shutdown=always lets one take over; ha-promote-on-failure=
// when-synced forbids that too.
func (n *Node) leaving(q *queue) {
	done := func(bool) { n.exiting.waits-- }
	p := n.meta.policy(q.rec)
	switch {
	case q.mirror != nil:
		n.exiting.waits++
		n.transact(&tx{Op: opRemove, Name: q.name, Pid: q.pr.pid, Flag: true}, done)
	case len(q.rec.Mirrors) == 0:
		n.exiting.waits++
		n.transact(&tx{Op: opStopped, Name: q.name}, done)
	case len(q.rec.Sync) == 0 && (p.OnShutdown != Always || p.OnFailure == WhenSynced):
		n.exiting.waits++
		n.transact(&tx{Op: opStopMirrors, Name: q.name}, done)
	}
}

func (n *Node) exitStep() {
	if n.exiting.waits > 0 && n.exiting.polls < 100 {
		n.exiting.polls++
		n.p.After(exitWait/10, timerExit, 0)
		return
	}
	if n.exiting.app {
		n.heal.byHand = true
		n.stopApp()
		return
	}
	n.quit()
	n.p.Exit()
}

// quit ends everything of the application.
func (n *Node) quit() {
	n.p.StopListening(wire.ClientPort)
	for _, d := range slices.Clone(n.conns) {
		d.force()
	}
	for _, q := range slices.Clone(n.order) {
		q.end(false, false, "")
	}
	n.stopRa()
	n.stores.close()
	n.calls.open = nil
}
