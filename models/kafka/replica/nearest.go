package replica

// readReplica is the broker from which a consumer in a rack shall read, -1 for the leader that it asks
// (ReplicaManager.findPreferredReadReplica with RackAwareReplicaSelector, KIP-392): of the members of the
// ISR that have the offset, the one of its rack that has most; the leader if it is of that rack itself, or
// nobody is.
func (p *Partition) readReplica(offset int64, rack string) int32 {
	rackOf := p.m.cfg.Rack
	if rackOf == nil || rack == "" || p.role != roleLeader || rackOf(p.m.cfg.Broker) == rack {
		return -1
	}
	best := -1
	for i := range p.remotes {
		r := &p.remotes[i]
		if rackOf(r.id) != rack || r.leo < offset || !contains(p.isr, r.id) || !p.m.env.Alive(r.id) {
			continue
		}
		if best < 0 || r.leo > p.remotes[best].leo || r.leo == p.remotes[best].leo && r.lastCaughtUp > p.remotes[best].lastCaughtUp {
			best = i
		}
	}
	if best < 0 {
		return -1
	}
	return p.remotes[best].id
}
