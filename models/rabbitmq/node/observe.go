package node

import "github.com/mqsim/mqsim/consensus"

// MasterOf is the process that this node takes for a queue's master or only copy: its node, and a number
// that no other process of that queue on that node has had. node is -1 if this node knows of none. It is
// asked for every confirm, so it makes nothing.
func (n *Node) MasterOf(queue string) (node int, life uint64) {
	r := n.meta.get(queue)
	if r != nil && r.Args.IsQuorum() {
		m := n.ra.members[queue]
		if m == nil || m.core.Leader() == consensus.None {
			return -1, 0
		}
		return raNode(m.core.Leader()), uint64(m.core.Term())
	}
	if r == nil || !r.Routed {
		return -1, 0
	}
	return int(r.Master.Node), uint64(r.Master.Creation)<<32 | uint64(r.Master.Serial)
}

// RaState is what a member of a quorum queue on a node believes.
type RaState struct {
	Leads   bool
	Leader  int // node, -1: not known
	Term    uint64
	Last    uint64
	Commit  uint64
	Applied uint64
	Members []uint16
}

// Ra is the state of a queue's member on this node; false if there is none.
func (n *Node) Ra(queue string) (RaState, bool) {
	m := n.ra.members[queue]
	if m == nil {
		return RaState{}, false
	}
	return RaState{Leads: m.isLeader(), Leader: raNode(m.core.Leader()), Term: uint64(m.core.Term()), Last: uint64(m.core.Last()),
		Commit: uint64(m.core.Commit()), Applied: uint64(m.applied), Members: membersToNodes(m.core.Members())}, true
}
