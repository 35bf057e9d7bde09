package node

// MasterOf is the process that this node takes for a queue's master or only copy: its node, and a number
// that no other process of that queue on that node has had. node is -1 if this node knows of none. It is
// asked for every confirm, so it makes nothing.
func (n *Node) MasterOf(queue string) (node int, life uint64) {
	r := n.meta.get(queue)
	if r == nil || !r.Routed {
		return -1, 0
	}
	return int(r.Master.Node), uint64(r.Master.Creation)<<32 | uint64(r.Master.Serial)
}
