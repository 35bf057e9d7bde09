package node

import (
	"strconv"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Stats are what an observer who knows everything counts over all nodes.
type Stats struct {
	Promotions       int64 // mirrors that became master since Mark
	Elections        int64 // leaders of quorum queues since Mark
	PromotedUnsynced int64 // those without a full copy

	w     *sim.World
	nodes map[int]*Node
}

// NewStats makes the counters of one cluster.
func NewStats(w *sim.World) *Stats { return &Stats{w: w, nodes: map[int]*Node{}} }

// Mark begins to count: the run's t = 0.
func (s *Stats) Mark() { s.Promotions, s.Elections, s.PromotedUnsynced = 0, 0, 0 }

func (s *Stats) watch(n *Node) { s.nodes[n.index] = n }

// promoted notes that a mirror has become master.
func (s *Stats) promoted(n *Node, q *queue, lossy bool, lacks int) {
	s.Promotions++
	text := n.p.Host.Name
	if lossy {
		s.PromotedUnsynced++
		text += ", without a full copy: lacks " + strconv.Itoa(lacks)
	}
	n.p.Emit("promoted", q.name, text)
	n.p.Emit("leader-elected", q.name, n.p.Host.Name)
}

// showRole sets the host's role lane.
func (n *Node) showRole() {
	if !n.p.Alive() || n.phase != running {
		return
	}
	role := "idle"
	for _, q := range n.order {
		switch {
		case q.ended:
		case q.master != nil && q.gm.mirrored():
			role = "master"
		case q.master != nil && role != "master":
			role = "home"
		case q.mirror != nil && role == "idle":
			role = "mirror"
		}
	}
	for _, m := range n.ra.order {
		switch {
		case m.leading:
			role = "leader"
		case role == "idle" || role == "mirror":
			role = "follower"
		}
	}
	if role != n.role {
		n.role = role
		n.p.Role(role)
	}
}

// nodesOf lists the nodes of processes.
func nodesOf(pids []wire.Pid) []int {
	var out []int
	for _, p := range pids {
		out = append(out, int(p.Node))
	}
	return out
}

// elected notes that a member of a quorum queue leads.
func (s *Stats) elected(n *Node, queue string) {
	s.Elections++
	n.p.Emit("leader-elected", queue, n.p.Host.Name)
}
