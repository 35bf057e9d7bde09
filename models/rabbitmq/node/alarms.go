package node

import (
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// alarms is rabbit_alarm: which nodes are short of what. One of them is enough to stop publishers on all nodes
// [rule 60].
type alarms struct {
	set   [resources][]bool // by node
	count [resources]int
	timer bool
}

// resource is what a node can be short of.
type resource int

const (
	resDisk resource = iota
	resMemory
	resources
)

func (r resource) String() string { return [...]string{"disk", "memory"}[r] }

// diskCheck is the longest pause between two looks at the disk (rabbit_disk_monitor); the shortest is
// 100 ms, near the limit. memoryCheck is vm_memory_monitor's interval.
const (
	diskCheck   = 10 * sim.Second
	memoryCheck = sim.Second
)

// Memory of an Erlang VM. The figures are assumptions, in the order of what memory-use.md shows for an idle
// node and for a message's entry in a queue of version 1.
const (
	memIdle  = 100 << 20
	memEntry = 400
)

func (a *alarms) start(n *Node) {
	for r := range a.set {
		if a.set[r] == nil {
			a.set[r] = make([]bool, len(n.k.Hosts))
		}
	}
	if !a.timer {
		a.timer = true
		n.p.After(diskCheck, timerAlarm, uint32(resDisk))
		n.p.After(n.p.Rand("phase").Range(1, memoryCheck), timerAlarm, uint32(resMemory))
	}
}

func (a *alarms) on() bool { return a.count[resDisk] > 0 || a.count[resMemory] > 0 }

// reason is what connection.blocked says.
func (a *alarms) reason() string {
	switch {
	case a.count[resDisk] > 0 && a.count[resMemory] > 0:
		return "disk & memory"
	case a.count[resDisk] > 0:
		return "disk"
	}
	return "memory"
}

func (n *Node) checkAlarm(r resource) {
	if r == resMemory {
		n.checkMemory()
		return
	}
	n.checkDisk()
}

// checkDisk looks at the free space. While there is enough the next look comes the sooner the less there is
// left above the limit (clamp(2*(free-limit)/250000, 100 ms, 10 s)).
func (n *Node) checkDisk() {
	used, capacity := n.p.FS(0).Usage()
	next := diskCheck
	over := capacity - used - n.k.Rules.DiskFreeLimit
	n.alarms.change(n, resDisk, uint16(n.index), over < 0)
	if over >= 0 {
		next = min(max(sim.Time(over/125000)*sim.Millisecond, 100*sim.Millisecond), diskCheck)
	}
	n.p.After(next, timerAlarm, uint32(resDisk))
}

// checkMemory compares what the VM uses with vm_memory_high_watermark [rule 59]. Memory that a fault takes on
// the host counts as the VM's own: plugins, connections, whatever the model has no bytes for.
func (n *Node) checkMemory() {
	if total, taken := n.p.Host.Memory(); total > 0 && n.k.Rules.Watermark > 0 {
		limit := total / 1000 * n.k.Rules.Watermark
		n.alarms.change(n, resMemory, uint16(n.index), taken+n.memory() > limit)
	}
	n.p.After(memoryCheck, timerAlarm, uint32(resMemory))
}

// memory is what this VM uses: itself, and the messages of its queues.
func (n *Node) memory() int64 {
	sum := int64(memIdle)
	for _, q := range n.order {
		if q.ended || q.st == nil {
			continue
		}
		depth := int64(q.st.length() + q.st.unacked())
		bodies := q.st.s.Bytes()
		if most := int64(n.k.Rules.InMemory); most > 0 && depth > most {
			bodies = bodies / depth * most // 3.12: all queues keep few messages in memory [rule 56]
			depth = most
		}
		sum += depth*memEntry + bodies
	}
	return sum
}

// change notes that a node is short of something, or no longer.
func (a *alarms) change(n *Node, r resource, i uint16, on bool) {
	if a.set[r] == nil || a.set[r][i] == on {
		return
	}
	a.set[r][i] = on
	if on {
		a.count[r]++
	} else {
		a.count[r]--
	}
	if int(i) == n.index {
		kind := "alarm-set"
		if !on {
			kind = "alarm-cleared"
		}
		n.p.Emit(kind, "", r.String())
		for _, l := range n.links {
			if l != nil && l.up {
				l.send(&wire.Alarm{Node: i, Resource: r.String(), On: on})
			}
		}
		n.resumeSync()
	}
	if !a.on() {
		for k := 0; k < len(n.conns); k++ {
			n.conns[k].resume()
		}
	}
}

func (a *alarms) remote(n *Node, m *wire.Alarm) {
	for r := range resources {
		if r.String() == m.Resource {
			a.change(n, r, m.Node, m.On)
		}
	}
}

// tell sends a node that has just come what this one is short of.
func (a *alarms) tell(n *Node, l *link) {
	for r := range resources {
		if a.set[r] != nil && a.set[r][n.index] {
			l.send(&wire.Alarm{Node: uint16(n.index), Resource: r.String(), On: true})
		}
	}
}

// nodeDown clears a dead node's alarms.
func (a *alarms) nodeDown(n *Node, i uint16) {
	for r := range resources {
		a.change(n, r, i, false)
	}
}
