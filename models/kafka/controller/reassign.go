package controller

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
)

// A reassignment (KafkaController.onPartitionReassignment): first the union of old and new replicas is
// assigned and the new ones begin to fetch; when all of the new assignment are in the ISR, leadership
// moves into it if need be, and the others are stopped and deleted. It survives the controller: the topic's
// znode says what is added and removed. Before 2.4 the order came through /admin/reassign_partitions;
// that node is left out, and a second order is refused until the first is done.

// Reassign begins reassignments. reply is called once, when all of them have begun.
func (c *Controller) Reassign(req *wire.AlterReassignmentsRequest, reply func(*wire.AlterReassignmentsResponse)) {
	c.put(func(done func()) {
		resp := &wire.AlterReassignmentsResponse{RespHeader: wire.RespHeader{Corr: req.Corr}}
		if !c.IsActive() || c.parts == nil {
			resp.Err = wire.NotController
			reply(resp)
			done()
			return
		}
		resp.Parts = make([]wire.PartError, len(req.Parts))
		c.oneByOne(0, len(req.Parts), func(i int, one func()) {
			q := &req.Parts[i]
			resp.Parts[i] = wire.PartError{TopicPartition: q.TopicPartition, Err: c.mayReassign(q)}
			if resp.Parts[i].Err != wire.None {
				one()
				return
			}
			c.beginReassign(c.parts[q.TopicPartition], q.Replicas, one)
		}, func() {
			reply(resp)
			done()
		})
	})
}

func (c *Controller) mayReassign(q *wire.Reassignment) wire.Error {
	p := c.parts[q.TopicPartition]
	if p == nil || !p.known {
		return wire.UnknownTopicOrPartition
	}
	for i, id := range q.Replicas {
		if c.liveIndex(id) < 0 || contains(q.Replicas[:i], id) {
			return wire.InvalidReplicaAssignment
		}
	}
	if len(q.Replicas) == 0 {
		return wire.InvalidReplicaAssignment
	}
	if c.cfg.Rules.OneReassignment {
		for _, other := range c.order {
			if other.target != nil {
				return wire.ReassignmentInProgress
			}
		}
	}
	return wire.None
}

// beginReassign writes the union of both assignments (ReplicaAssignment.reassignTo).
func (c *Controller) beginReassign(p *partition, target []int32, done func()) {
	origin := filter(p.replicas, func(id int32) bool { return !contains(p.adding, id) })
	full := append([]int32(nil), target...)
	for _, id := range origin {
		if !contains(full, id) {
			full = append(full, id)
		}
	}
	p.target, p.replicas = append([]int32(nil), target...), full
	p.adding = filter(full, func(id int32) bool { return !contains(origin, id) })
	p.removing = filter(full, func(id int32) bool { return !contains(target, id) })
	c.env.Emit("reassignment-started", p.name, "to brokers "+ids(p.target)+", adding "+orNone(p.adding)+", removing "+orNone(p.removing))
	c.writeTopic(p.tp.Topic, func() { c.advanceReassign(p, true, done) })
}

func orNone(list []int32) string {
	if len(list) == 0 {
		return "none"
	}
	return ids(list)
}

// writeTopic is KafkaZkClient.setTopicAssignment, guarded by the controller epoch.
func (c *Controller) writeTopic(topic string, done func()) {
	var parts []*partition
	for _, p := range c.order {
		if p.tp.Topic == topic {
			parts = append(parts, p)
		}
	}
	ops := []zk.Op{zk.CheckOp(pathControllerEpoch, c.epochVersion), zk.SetDataOp(topicPath(topic), encodeReassigned(parts), zk.AnyVersion)}
	c.zk.Retry(zk.MultiRequest(ops), func(r zk.Response) {
		if r.Code == zk.BadVersion {
			c.moved(done)
			return
		}
		done()
	})
}

// advanceReassign looks whether all of the new assignment are in sync; if not, the first time, the new
// replicas are told to begin.
func (c *Controller) advanceReassign(p *partition, first bool, done func()) {
	if !c.IsActive() || c.parts == nil || p.target == nil {
		done()
		return
	}
	c.readStates([]*partition{p}, func() {
		missing := filter(p.target, func(id int32) bool { return !contains(p.now.ISR, id) })
		switch {
		case len(missing) == 0:
			c.finishReassign(p, done)
		case !first:
			c.watchISR(p)
			done()
		default:
			c.bumpEpoch(p, func() {
				c.watchISR(p)
				done()
			})
		}
	})
}

// bumpEpoch is KafkaController.updateLeaderEpochAndSendRequest: every replica hears of the assignment in a
// new leader epoch, with the same leader.
func (c *Controller) bumpEpoch(p *partition, done func()) {
	if !c.IsActive() || c.parts == nil {
		done()
		return
	}
	next := p.now.changed(p.now.Leader, p.now.ISR)
	next.ControllerEpoch = c.epoch
	c.writeAll([]write{{p: p, next: next}}, func(written []write, again []*partition, fenced bool) {
		switch {
		case fenced:
			c.moved(done)
		case len(again) > 0:
			c.readStates(again, func() { c.bumpEpoch(p, done) })
		default:
			for _, w := range written {
				c.adopt(p, w.next)
				live := filter(p.replicas, func(id int32) bool { return c.liveIndex(id) >= 0 })
				c.out.leaderAndISR(c, p, filter(live, func(id int32) bool { return !contains(p.adding, id) }), false)
				c.out.leaderAndISR(c, p, filter(live, func(id int32) bool { return contains(p.adding, id) }), true)
			}
			c.flush()
			done()
		}
	})
}

// watchISR waits for the next change of a state znode (PartitionReassignmentIsrChangeHandler).
func (c *Controller) watchISR(p *partition) {
	c.zk.Retry(zk.ExistsRequest(statePath(p.tp), true), func(zk.Response) {})
}

// reassigning is the partition under reassignment with that state znode, nil if there is none.
func (c *Controller) reassigning(path string) *partition {
	for _, p := range c.order {
		if p.target != nil && statePath(p.tp) == path {
			return p
		}
	}
	return nil
}

func (c *Controller) isrMoved(p *partition, done func()) {
	if p == nil {
		done()
		return
	}
	c.advanceReassign(p, false, done)
}

// finishReassign moves leadership into the new assignment and removes the replicas that are not in it.
func (c *Controller) finishReassign(p *partition, done func()) {
	removed := p.removing
	p.replicas, p.adding = p.target, nil
	c.moveLeader(p, func() {
		c.oneByOne(0, len(removed)+1, func(i int, one func()) {
			if i == len(removed) || !c.IsActive() {
				one()
				return
			}
			id := removed[i]
			if c.liveIndex(id) >= 0 {
				c.out.stopReplica(id, p)
			}
			c.removeFromISR(id, []*partition{p}, func() {
				c.flush()
				if c.IsActive() && c.liveIndex(id) >= 0 {
					c.out.deleteReplica(id, p)
					c.flush()
				}
				one()
			})
		}, func() {
			if !c.IsActive() || c.parts == nil {
				done()
				return
			}
			p.target, p.removing = nil, nil
			c.writeTopic(p.tp.Topic, func() {
				c.env.Emit("reassignment-finished", p.name, "on brokers "+ids(p.replicas))
				c.out.metadata(c.liveOrShuttingDown(), p)
				c.flush()
				done()
			})
		})
	})
}

// moveLeader is KafkaController.moveReassignedPartitionLeaderIfRequired.
func (c *Controller) moveLeader(p *partition, done func()) {
	if contains(p.replicas, p.now.Leader) && c.online(p.now.Leader) {
		c.bumpEpoch(p, done)
		return
	}
	c.electAll([]*partition{p}, reassigned, nil, done)
}

// resumeReassignments goes on with what an earlier controller began (maybeResumeReassignments).
func (c *Controller) resumeReassignments(done func()) {
	var parts []*partition
	for _, p := range c.order {
		if p.target != nil && p.known {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		done()
		return
	}
	c.oneByOne(0, len(parts), func(i int, one func()) { c.advanceReassign(parts[i], true, one) }, done)
}
