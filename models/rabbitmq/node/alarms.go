package node

import (
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// alarms is rabbit_alarm: which nodes are short of something. One is enough to stop publishers on all
// [rule 60]. Memory alarms are not modelled: nothing counts a node's memory.
type alarms struct {
	disk  []bool
	count int
	timer bool
}

// diskCheck is the longest pause between two looks at the disk (rabbit_disk_monitor); the shortest is
// 100 ms, near the limit.
const diskCheck = 10 * sim.Second

func (a *alarms) start(n *Node) {
	if a.disk == nil {
		a.disk = make([]bool, len(n.k.Hosts))
	}
	if !a.timer {
		a.timer = true
		n.p.After(diskCheck, timerAlarm, 0)
	}
}

func (a *alarms) on() bool       { return a.count > 0 }
func (a *alarms) reason() string { return "disk" }

// checkDisk looks at the free space. The next look comes the sooner the less there is left above the limit
// (clamp(2*(free-limit)/250000, 100 ms, 10 s)).
func (n *Node) checkDisk() {
	used, capacity := n.p.FS(0).Usage()
	next := diskCheck
	if capacity > 0 {
		free := capacity - used
		over := free - n.k.Rules.DiskFreeLimit
		n.alarms.set(n, uint16(n.index), over < 0)
		if over >= 0 {
			next = min(max(sim.Time(over/125000)*sim.Millisecond, 100*sim.Millisecond), diskCheck)
		}
	}
	n.p.After(next, timerAlarm, 0)
}

func (a *alarms) set(n *Node, i uint16, on bool) {
	if a.disk == nil || a.disk[i] == on {
		return
	}
	a.disk[i] = on
	if on {
		a.count++
	} else {
		a.count--
	}
	if int(i) == n.index {
		kind := "alarm-set"
		if !on {
			kind = "alarm-cleared"
		}
		n.p.Emit(kind, "", "disk: free space and disk_free_limit")
		for _, l := range n.links {
			if l != nil && l.up {
				l.send(&wire.Alarm{Node: i, Resource: "disk", On: on})
			}
		}
	}
	if a.count == 0 {
		for k := 0; k < len(n.conns); k++ {
			n.conns[k].resume()
		}
	}
}

func (a *alarms) remote(n *Node, m *wire.Alarm) { a.set(n, m.Node, m.On) }

// nodeDown clears a dead node's alarms.
func (a *alarms) nodeDown(n *Node, i uint16) { a.set(n, i, false) }
