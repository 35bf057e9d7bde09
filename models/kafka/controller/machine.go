package controller

import (
	"github.com/mqsim/mqsim/models/kafka/zk"
)

// strategy picks a leader (Election.scala).
type strategy uint8

const (
	offlinePartition strategy = iota
	preferredReplica
	controlledShutdown
	uncleanOnce // an operator's unclean election, whatever the topic says
	reassigned  // the leader is not among the replicas that a reassignment leaves
)

// choice is what a strategy decided about a partition.
type choice struct {
	leader  int32
	isr     []int32
	unclean bool
}

// choose applies a strategy to a partition's state as ZooKeeper has it. Never the longest log:
// always the order of assignment.
func (c *Controller) choose(s strategy, p *partition, now *leaderISR) (choice, bool) {
	switch s {
	case preferredReplica:
		first := p.replicas[0]
		if c.holds(p, first) && contains(now.ISR, first) {
			return choice{leader: first, isr: now.ISR}, true
		}
		return choice{}, false
	case reassigned:
		for _, id := range p.replicas {
			if c.online(id) && contains(now.ISR, id) {
				return choice{leader: id, isr: now.ISR}, true
			}
		}
		return choice{}, false
	case controlledShutdown:
		isr := filter(now.ISR, func(id int32) bool { return !contains(c.shuttingDown, id) })
		for _, id := range p.replicas {
			if c.holds(p, id) && contains(isr, id) {
				return choice{leader: id, isr: isr}, true
			}
		}
		return choice{}, false
	}
	for _, id := range p.replicas {
		if c.holds(p, id) && contains(now.ISR, id) {
			return choice{leader: id, isr: filter(now.ISR, func(id int32) bool { return c.holds(p, id) })}, true
		}
	}
	if s == uncleanOnce || c.env.Unclean(p.tp.Topic) {
		for _, id := range p.replicas {
			if c.holds(p, id) {
				return choice{leader: id, isr: []int32{id}, unclean: true}, true
			}
		}
	}
	return choice{}, false
}

// electAll is PartitionStateMachine.doElectLeaderForPartitions: read the states, decide, write each
// with its version; those that somebody else changed meanwhile are read again. failed is called for a
// partition that gets no leader.
func (c *Controller) electAll(parts []*partition, s strategy, failed func(*partition), done func()) {
	if len(parts) == 0 || !c.IsActive() {
		done()
		return
	}
	c.readStates(parts, func() {
		if !c.IsActive() {
			done()
			return
		}
		var writes []write
		for _, p := range parts {
			ch, ok := c.choose(s, p, &p.now)
			if !p.known || p.now.ControllerEpoch > c.epoch || !ok {
				c.env.Probe("kafka-no-leader-electable")
				if failed != nil {
					failed(p)
				}
				continue
			}
			next := p.now.changed(ch.leader, ch.isr)
			next.Recovering = (p.now.Recovering || ch.unclean) && !c.cfg.Rules.NoRecoveryState
			next.ControllerEpoch = c.epoch
			writes = append(writes, write{p: p, next: next, unclean: ch.unclean})
		}
		c.writeAll(writes, func(written []write, again []*partition, fenced bool) {
			for _, w := range written {
				c.elected(w, s)
			}
			c.flush()
			switch {
			case fenced:
				c.moved(done)
			case len(again) > 0:
				c.env.Probe("kafka-election-retry")
				c.electAll(again, s, failed, done)
			default:
				done()
			}
		})
	})
}

// changed is LeaderAndIsr.newLeaderAndIsr: in ZooKeeper mode every change by the controller raises
// the leader epoch.
func (s *leaderISR) changed(leader int32, isr []int32) leaderISR {
	next := *s
	next.Leader, next.ISR = leader, isr
	next.LeaderEpoch++
	return next
}

func (c *Controller) elected(w write, s strategy) {
	p := w.p
	old := p.now
	c.adopt(p, w.next)
	p.state = stateOnline
	how := [...]string{"offline partition", "preferred replica", "controlled shutdown", "unclean", "reassignment"}[s]
	if w.unclean {
		how = "unclean"
	}
	c.env.Elected(p.tp, w.unclean)
	c.env.EmitOf(p.now.Leader, "leader-elected", p.name, "broker-"+itoa(p.now.Leader)+after(old.Leader)+", epoch "+itoa(p.now.LeaderEpoch)+", ISR "+ids(p.now.ISR)+", "+how)
	c.out.leaderAndISR(c, p, filter(p.replicas, func(id int32) bool { return c.liveIndex(id) >= 0 }), false)
}

func after(leader int32) string {
	if leader < 0 {
		return ""
	}
	return " after broker-" + itoa(leader)
}

// adopt takes over a state that ZooKeeper has accepted.
func (c *Controller) adopt(p *partition, next leaderISR) {
	if next.LeaderEpoch < p.highest {
		c.env.Violate("kafka-I6", p.name+": leader epoch fell from "+itoa(p.highest)+" to "+itoa(next.LeaderEpoch))
	}
	if p.known && next.version <= p.now.version {
		c.env.Violate("kafka-I6", p.name+": partition epoch went from "+itoa(p.now.version)+" to "+itoa(next.version))
	}
	p.highest = max(p.highest, next.LeaderEpoch)
	p.known, p.now = true, next
	c.env.ISR(p.tp, next.LeaderEpoch, next.version, next.ISR)
}

// electOffline is PartitionStateMachine.triggerOnlinePartitionStateChange.
func (c *Controller) electOffline(done func()) {
	var fresh, offline []*partition
	for _, p := range c.order {
		switch p.state {
		case stateNew:
			fresh = append(fresh, p)
		case stateOffline:
			offline = append(offline, p)
		}
	}
	c.initialize(fresh, func() { c.electAll(offline, offlinePartition, nil, done) })
}

// initialize is PartitionStateMachine.initializeLeaderAndIsrForPartitions: the first live replica
// leads and all live ones are in sync.
func (c *Controller) initialize(parts []*partition, done func()) {
	if len(parts) == 0 || !c.IsActive() {
		done()
		return
	}
	var writes []write
	for _, p := range parts {
		live := filter(p.replicas, c.online)
		if len(live) == 0 {
			continue
		}
		writes = append(writes, write{p: p, create: true, next: leaderISR{Leader: live[0], ISR: live, ControllerEpoch: c.epoch}})
	}
	c.createParents(writes, func() {
		c.writeAll(writes, func(written []write, _ []*partition, fenced bool) {
			for _, w := range written {
				c.adopt(w.p, w.next)
				w.p.state = stateOnline
				c.out.leaderAndISR(c, w.p, w.next.ISR, true)
			}
			c.flush()
			if fenced {
				c.moved(done)
				return
			}
			done()
		})
	})
}

// createParents makes the nodes above new partitions' states.
func (c *Controller) createParents(writes []write, done func()) {
	var paths []string
	last := ""
	for _, w := range writes {
		if w.p.tp.Topic != last {
			last = w.p.tp.Topic
			paths = append(paths, partitionsPath(last))
		}
	}
	for _, w := range writes {
		paths = append(paths, partitionPath(w.p.tp))
	}
	c.each(len(paths), func(i int, one func()) {
		c.zk.Retry(zk.CreateRequest(paths[i], nil, zk.Persistent), func(zk.Response) { one() })
	}, done)
}

// each runs n requests in a pipeline and calls done after the last answer; before 1.1 one after another.
func (c *Controller) each(n int, f func(i int, one func()), done func()) {
	if n == 0 {
		done()
		return
	}
	if c.cfg.Rules.Serial {
		c.oneByOne(0, n, f, done)
		return
	}
	left := n
	for i := range n {
		f(i, func() {
			if left--; left == 0 {
				done()
			}
		})
	}
}

func (c *Controller) oneByOne(i, n int, f func(i int, one func()), done func()) {
	f(i, func() {
		if i+1 == n {
			done()
			return
		}
		c.oneByOne(i+1, n, f, done)
	})
}

// write is a change of one partition's state znode.
type write struct {
	p       *partition
	next    leaderISR
	create  bool
	unclean bool
}

// writeAll is KafkaZkClient.updateLeaderAndIsr: one transaction for each partition, guarded by the
// version of /controller_epoch (2.1, KAFKA-6082). again holds those whose version was stale; fenced: there is a newer
// controller.
func (c *Controller) writeAll(writes []write, done func(written []write, again []*partition, fenced bool)) {
	var written []write
	var again []*partition
	fenced := false
	c.each(len(writes), func(i int, one func()) {
		w := writes[i]
		data := encodeState(&w.next)
		op := zk.SetDataOp(statePath(w.p.tp), data, w.next.version)
		if w.create {
			op = zk.CreateOp(statePath(w.p.tp), data, zk.Persistent)
		}
		ops := []zk.Op{zk.CheckOp(pathControllerEpoch, c.epochVersion), op}
		if c.cfg.Rules.Unguarded {
			ops[0] = zk.CheckOp(pathControllerEpoch, zk.AnyVersion)
		}
		c.zk.Retry(zk.MultiRequest(ops), func(r zk.Response) {
			switch {
			case r.Code == zk.OK:
				w.next.version = r.Results[1].Stat.Version
				written = append(written, w)
			case len(r.Results) > 0 && r.Results[0].Code == zk.BadVersion:
				fenced = true
			case r.Code == zk.BadVersion:
				again = append(again, w.p)
			}
			one()
		})
	}, func() { done(written, again, fenced) })
}

// readStates reads the state znodes of partitions.
func (c *Controller) readStates(parts []*partition, done func()) {
	c.each(len(parts), func(i int, one func()) {
		p := parts[i]
		c.zk.Retry(zk.GetDataRequest(statePath(p.tp), false), func(r zk.Response) {
			if r.Code == zk.OK {
				if s, ok := decodeState(r.Data, r.Stat.Version); ok {
					p.known, p.now = true, s
					p.highest = max(p.highest, s.LeaderEpoch)
				}
			}
			one()
		})
	}, done)
}

// replicasOffline is ReplicaStateMachine's transition to OfflineReplica: each broker in turn leaves the
// ISRs that it is in; the last member of an ISR stays in it.
func (c *Controller) replicasOffline(brokers []int32, done func()) {
	if len(brokers) == 0 || !c.IsActive() {
		done()
		return
	}
	id, rest := brokers[0], brokers[1:]
	var parts []*partition
	for _, p := range c.order {
		if contains(p.replicas, id) {
			if p.known && c.liveIndex(id) >= 0 {
				c.out.stopReplica(id, p)
			}
			if p.known {
				parts = append(parts, p)
			} else {
				c.out.metadata(c.liveOrShuttingDown(), p)
			}
		}
	}
	c.removeFromISR(id, parts, func() {
		c.flush()
		c.replicasOffline(rest, done)
	})
}

// removeFromISR is ReplicaStateMachine.doRemoveReplicasFromIsr.
func (c *Controller) removeFromISR(id int32, parts []*partition, done func()) {
	if len(parts) == 0 || !c.IsActive() {
		done()
		return
	}
	c.readStates(parts, func() {
		var writes []write
		for _, p := range parts {
			if !contains(p.now.ISR, id) {
				// Nothing to write; the others are told all the same, and ignore an epoch that they know.
				c.out.leaderAndISR(c, p, without(p.replicas, id), false)
				continue
			}
			leader, isr := p.now.Leader, p.now.ISR
			if leader == id {
				leader = -1
			}
			if len(isr) > 1 {
				isr = without(isr, id)
			}
			next := p.now.changed(leader, isr)
			next.ControllerEpoch = c.epoch
			writes = append(writes, write{p: p, next: next})
		}
		c.writeAll(writes, func(written []write, again []*partition, fenced bool) {
			for _, w := range written {
				c.removed(w, id)
			}
			switch {
			case fenced:
				c.moved(done)
			case len(again) > 0:
				c.removeFromISR(id, again, done)
			default:
				done()
			}
		})
	})
}

func (c *Controller) removed(w write, id int32) {
	p, old := w.p, w.p.now
	c.adopt(p, w.next)
	if len(old.ISR) > len(p.now.ISR) {
		c.env.Emit("isr-shrink", p.name, "ISR "+ids(old.ISR)+" -> "+ids(p.now.ISR)+" by the controller")
	}
	if old.Leader >= 0 && p.now.Leader < 0 {
		p.state = stateOffline
		c.env.EmitOf(old.Leader, "leader-lost", p.name, "broker-"+itoa(old.Leader)+" is gone, ISR "+ids(p.now.ISR))
	}
	c.out.leaderAndISR(c, p, without(p.replicas, id), false)
}
