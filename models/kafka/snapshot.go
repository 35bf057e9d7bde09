package kafka

import (
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/group"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// leader is who leads a partition: of those running brokers that believe it, the one with the highest
// leader epoch. Index -1 and nil if nobody does.
func (c *Cluster) leader(tp wire.TopicPartition) (int, *replica.Partition) {
	at, epoch := -1, int32(-1)
	var found *replica.Partition
	for i, s := range c.brokers {
		b := s.program()
		if b == nil {
			continue
		}
		if p := b.Partition(tp); p != nil && p.Leads() && p.LeaderEpoch() > epoch {
			at, epoch, found = i, p.LeaderEpoch(), p
		}
	}
	return at, found
}

// Select resolves a role of this moment.
func (c *Cluster) Select(role, arg string, all bool) []*sim.Host {
	var out []*sim.Host
	add := func(h *sim.Host) {
		for _, x := range out {
			if x == h {
				return
			}
		}
		out = append(out, h)
	}
	switch role {
	case "primary", "leader":
		c.eachPartition(arg, all, func(tp wire.TopicPartition, _ []int32) {
			if i, _ := c.leader(tp); i >= 0 {
				add(c.brokers[i].host)
			}
		})
	case "replica", "follower":
		c.eachPartition(arg, false, func(tp wire.TopicPartition, ids []int32) {
			leads, _ := c.leader(tp)
			for _, id := range ids {
				if int(id-1) != leads && c.brokers[id-1].svc.Running() {
					add(c.brokers[id-1].host)
				}
			}
		})
	case "coordinator", "controller":
		if h := c.controllerHost(); h != nil {
			add(h)
		}
	case "zookeeper":
		for _, h := range c.zk.Hosts() {
			add(h)
		}
	case "group-coordinator":
		if i := c.coordinatorOf(arg); i >= 0 {
			add(c.brokers[i].host)
		}
	}
	if len(out) > 1 && !all {
		return out[:1]
	}
	return out
}

// eachPartition visits the named partition, else the first one, or with all every one.
func (c *Cluster) eachPartition(arg string, all bool, visit func(tp wire.TopicPartition, replicas []int32)) {
	for _, t := range c.topics {
		for i, ids := range t.replicas {
			if arg != "" && !t.named(arg, int32(i)) {
				continue
			}
			visit(t.tp(int32(i)), ids)
			if !all {
				return
			}
		}
	}
}

// named says whether arg is the name of a partition, t0-0, or of its topic, t0: its first partition.
func (t *topic) named(arg string, partition int32) bool {
	if arg == t.name {
		return partition == 0
	}
	head, ok := strings.CutSuffix(arg, "-"+strconv.Itoa(int(partition)))
	return ok && head == t.name
}

// controllerHost is the machine of the active controller, nil if there is none.
func (c *Cluster) controllerHost() *sim.Host {
	if c.kraft() {
		return c.activeNode()
	}
	if i := c.activeController(); i >= 0 {
		return c.brokers[i].host
	}
	return nil
}

// activeController is the broker that ZooKeeper names and that believes it; -1 if there is none.
func (c *Cluster) activeController() int {
	data, _, ok := c.zk.Get("/controller")
	if !ok {
		return -1
	}
	i := int(controller.DecodeController(data)) - 1
	if i < 0 || i >= len(c.brokers) {
		return -1
	}
	if b := c.brokers[i].program(); b == nil || !b.IsController() {
		return -1
	}
	return i
}

// coordinatorOf is the broker that coordinates a consumer group; -1 if there is none.
func (c *Cluster) coordinatorOf(name string) int {
	partition := group.PartitionOf(name, int32(len(c.offsets.Assignment)))
	i, _ := c.leader(wire.TopicPartition{Topic: group.Topic, Partition: partition})
	if i < 0 || !c.brokers[i].program().Coordinates(name) {
		return -1
	}
	return i
}
