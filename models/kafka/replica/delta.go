package replica

import "github.com/mqsim/mqsim/models/kafka/wire"

// ApplyDelta applies what changed in the metadata log (ReplicaManager.applyDelta, KRaft): states of
// partitions, some of which this broker has replicas of. Unlike a LeaderAndIsr it also carries changes
// within a leader epoch, and partitions that nobody leads. stopping says that the broker is in controlled
// shutdown: replicas that left the ISR, or have no leader, stop fetching.
func (m *Manager) ApplyDelta(states []wire.PartitionState, stopping bool) {
	for i := range states {
		st := &states[i]
		if !contains(st.Replicas, m.cfg.Broker) {
			m.leave(st)
			continue
		}
		p := m.partition(st.TopicPartition)
		if p.offline || p.role != roleNone && st.PartitionEpoch <= p.partitionEpoch {
			continue
		}
		var err error
		if st.Leader == m.cfg.Broker {
			err = m.leadOn(p, st)
		} else {
			err = m.followOn(p, st, stopping)
		}
		if err != nil {
			m.failed(err)
		}
	}
	if !m.ticking {
		m.ticking = true
		m.env.After(m.cfg.HWCheckpoint, timerHW, 0)
	}
	m.runFetchers()
	m.flush()
}

// leave deletes a replica that is not assigned to this broker any more (TopicDelta.localChanges: deletes).
func (m *Manager) leave(st *wire.PartitionState) {
	p := m.find(st.TopicPartition)
	if p == nil || p.offline || st.LeaderEpoch < p.leaderEpoch {
		return
	}
	led := p.Leads()
	m.unfetch(p)
	m.failWaiters(p, wire.NotLeaderOrFollower)
	p.fenceSessions(true)
	m.remove(p)
	if led {
		m.env.Led(st.TopicPartition, st.LeaderEpoch, false)
	}
}

// leadOn is applyLocalLeadersDelta: a new leadership, or another ISR within the present one.
func (m *Manager) leadOn(p *Partition, st *wire.PartitionState) error {
	if st.LeaderEpoch > p.leaderEpoch {
		return m.lead(p, st)
	}
	if err := p.becomeLeader(st); err != nil {
		return err
	}
	m.stats.ISR(p.TP, p.leaderEpoch, p.partitionEpoch, p.isr)
	p.recheckSubs()
	return nil
}

// followOn is applyLocalFollowersDelta: the fetcher starts anew only in a new leader epoch. A partition
// without leader is followed by nobody, and its old leader serves no more.
func (m *Manager) followOn(p *Partition, st *wire.PartitionState, stopping bool) error {
	was := p.Leads()
	fresh, err := p.becomeFollower(st)
	if err != nil {
		return err
	}
	if was || fresh {
		m.env.Led(p.TP, p.leaderEpoch, false)
	}
	switch {
	case m.stopping, stopping && (st.Leader < 0 || !contains(st.ISR, m.cfg.Broker)):
		m.unfetch(p)
	case was || fresh:
		m.unfetch(p)
		if st.Leader >= 0 {
			return m.fetchFrom(p, st.Leader)
		}
	}
	return nil
}
