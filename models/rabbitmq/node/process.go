package node

import (
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// actor is what a process does with its messages.
type actor interface {
	handle(m wire.Message)
	// idle is called when the mailbox is empty (gen_server2's timeout 0).
	idle()
}

// staller is an actor that at times handles nothing.
type staller interface {
	stalled() bool
	busy()
	wait()
}

// process is one Erlang process with a mailbox.
type process struct {
	n         *Node
	pid       wire.Pid
	lane      int
	act       actor
	box       []wire.Message
	costed    int // of box: CPU time is booked
	scheduled bool
	dead      bool
}

const slotBits = 16

// spawn makes a process. Its lane is its slot's.
func (n *Node) spawn(act actor) *process {
	var slot uint32
	if k := len(n.freeSlots); k > 0 {
		slot = n.freeSlots[0]
		copy(n.freeSlots, n.freeSlots[1:])
		n.freeSlots = n.freeSlots[:k-1]
	} else {
		slot = uint32(len(n.procs))
		n.procs = append(n.procs, nil)
		n.slotGen = append(n.slotGen, 0)
	}
	n.slotGen[slot]++
	pr := &process{n: n, act: act, lane: laneFirst + int(slot)}
	pr.pid = wire.Pid{Node: uint16(n.index), Creation: n.creation, Serial: n.slotGen[slot]<<slotBits | slot}
	n.procs[slot] = pr
	return pr
}

// find is a live process of this node, nil if there is none.
func (n *Node) find(pid wire.Pid) *process {
	slot := pid.Serial & (1<<slotBits - 1)
	if int(pid.Node) != n.index || int(slot) >= len(n.procs) {
		return nil
	}
	pr := n.procs[slot]
	if pr == nil || pr.pid != pid {
		return nil
	}
	return pr
}

// exit ends a process. Monitors are told: every process of this node, and the other nodes.
func (pr *process) exit(abnormal, deleted bool) {
	if pr.dead {
		return
	}
	n := pr.n
	pr.dead = true
	pr.box = nil
	slot := pr.pid.Serial & (1<<slotBits - 1)
	n.procs[slot] = nil
	n.freeSlots = append(n.freeSlots, slot)
	down := wire.Down{Pid: pr.pid, Abnormal: abnormal, Deleted: deleted}
	for _, l := range n.links {
		if l != nil && l.up {
			d := down
			l.send(&d)
		}
	}
	n.pidDown(down)
}

// cast sends a message to a process anywhere. To a process that is gone it vanishes.
func (n *Node) cast(to wire.Pid, m wire.Message) {
	if int(to.Node) != n.index {
		if l := n.links[to.Node]; l != nil && l.up && l.creation == to.Creation {
			l.send(m)
		}
		return
	}
	if pr := n.find(to); pr != nil {
		pr.put(m)
	}
}

func (pr *process) put(m wire.Message) {
	pr.box = append(pr.box, m)
	if !pr.scheduled && !pr.held() {
		pr.schedule()
	}
}

// held says that the process is inside a blocking call; resume follows.
func (pr *process) held() bool {
	s, ok := pr.act.(staller)
	if !ok || !s.stalled() {
		return false
	}
	s.wait()
	return true
}

// resume goes on after a blocking call.
func (pr *process) resume() {
	if !pr.dead && !pr.scheduled {
		pr.schedule()
	}
}

// schedule books the CPU time of all messages that wait, at once.
func (pr *process) schedule() {
	cost := sim.Time(0)
	for _, m := range pr.box {
		cost += costOf(m)
	}
	pr.costed = len(pr.box)
	pr.scheduled = true
	pr.n.p.Work(pr.lane, cost, timerMailbox, pr.pid.Serial)
}

// run handles what was booked.
func (n *Node) runMailbox(serial uint32) {
	pr := n.procs[serial&(1<<slotBits-1)]
	if pr == nil || pr.pid.Serial != serial {
		return
	}
	if pr.held() {
		pr.costed, pr.scheduled = 0, false
		return
	}
	for i := 0; i < pr.costed && !pr.dead; i++ {
		m := pr.box[i]
		pr.box[i] = nil
		pr.act.handle(m)
	}
	if pr.dead {
		return
	}
	k := copy(pr.box, pr.box[pr.costed:])
	for i := k; i < len(pr.box); i++ {
		pr.box[i] = nil
	}
	pr.box = pr.box[:k]
	pr.costed, pr.scheduled = 0, false
	if k > 0 {
		if s, ok := pr.act.(staller); ok {
			s.busy()
		}
		if !pr.dead && !pr.held() {
			pr.schedule()
		}
		return
	}
	pr.act.idle()
}

// poke makes a process run its idle hook soon, if nothing else does.
func (pr *process) poke() {
	if !pr.scheduled && !pr.held() {
		pr.costed, pr.scheduled = 0, true
		pr.n.p.Work(pr.lane, costConfirm, timerMailbox, pr.pid.Serial)
	}
}

// take handles a message that came over a link: its CPU time was booked by Cost.
func (pr *process) take(m wire.Message) {
	if len(pr.box) > 0 || pr.held() {
		pr.put(m)
		return
	}
	pr.act.handle(m)
	if !pr.dead && !pr.scheduled {
		pr.act.idle()
	}
}
