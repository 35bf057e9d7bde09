package controller

import (
	"encoding/json"
	"slices"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
)

// A broker that loses one of several log directories stays alive, but not all of its replicas do
// (KIP-112). It says so by a node below /log_dir_event_notification; the controller then sends it
// LeaderAndIsr for all its replicas and learns from the answers which of them are gone
// (KafkaController.processLogDirEventNotification, processLeaderAndIsrResponseReceived).

// watchLogDirs registers for notifications when a controller takes over; those that are there are of a
// time before it, and every broker is about to get LeaderAndIsr anyway.
func (c *Controller) watchLogDirs() {
	c.zk.Retry(zk.GetChildrenRequest(pathLogDirEvents, true), func(r zk.Response) { c.dropLogDirEvents(r.Children) })
}

func (c *Controller) dropLogDirEvents(names []string) {
	for _, n := range names {
		c.zk.Retry(zk.DeleteRequest(pathLogDirEvents+"/"+n, zk.AnyVersion), func(zk.Response) {})
	}
}

// logDirEvent reads which brokers lost a directory and tells them their roles again.
func (c *Controller) logDirEvent(done func()) {
	if !c.IsActive() || c.parts == nil {
		done()
		return
	}
	c.zk.Retry(zk.GetChildrenRequest(pathLogDirEvents, true), func(r zk.Response) {
		names := slices.Clone(r.Children)
		slices.Sort(names)
		var brokers []int32
		c.each(len(names), func(i int, one func()) {
			c.zk.Retry(zk.GetDataRequest(pathLogDirEvents+"/"+names[i], false), func(r zk.Response) {
				var j struct {
					Broker *int32 `json:"broker"`
				}
				if r.Code == zk.OK && json.Unmarshal(r.Data, &j) == nil && j.Broker != nil {
					brokers = insert(brokers, *j.Broker)
				}
				one()
			})
		}, func() {
			if c.IsActive() && c.parts != nil {
				for _, p := range c.order {
					if mine := filter(p.replicas, func(id int32) bool { return contains(brokers, id) }); p.known && len(mine) > 0 {
						c.out.leaderAndISR(c, p, mine, false)
					}
				}
				c.flush()
				c.dropLogDirEvents(names)
			}
			done()
		})
	})
}

// LeaderAndIsrDone takes a broker's answer: KAFKA_STORAGE_ERROR means that the replica is in a directory
// that failed.
func (c *Controller) LeaderAndIsrDone(broker int32, resp *wire.LeaderAndIsrResponse) {
	if resp.Err != wire.None || !slices.ContainsFunc(resp.Parts, func(p wire.PartError) bool {
		q := c.parts[p.TopicPartition]
		return q != nil && (p.Err == wire.KafkaStorageError) != contains(q.offline, broker)
	}) {
		return // nothing new, as nearly always
	}
	answers := slices.Clone(resp.Parts)
	c.put(func(done func()) { c.replicaErrors(broker, answers, done) })
}

func (c *Controller) replicaErrors(broker int32, answers []wire.PartError, done func()) {
	if !c.IsActive() || c.parts == nil {
		done()
		return
	}
	var lost []*partition
	for _, a := range answers {
		p := c.parts[a.TopicPartition]
		switch {
		case p == nil:
		case a.Err == wire.None:
			p.offline = without(p.offline, broker)
		case a.Err == wire.KafkaStorageError && !contains(p.offline, broker):
			p.offline = insert(p.offline, broker)
			lost = append(lost, p)
		}
	}
	c.replicasLost(broker, lost, done)
}

// replicasLost is KafkaController.onReplicasBecomeOffline for a broker that lives: first new leaders,
// then out of the ISRs.
func (c *Controller) replicasLost(broker int32, lost []*partition, done func()) {
	if len(lost) == 0 {
		done()
		return
	}
	c.env.Probe("kafka-replicas-offline")
	for _, p := range lost {
		if p.known && p.state == stateOnline && p.now.Leader == broker {
			p.state = stateOffline
		}
	}
	c.electOffline(func() {
		if !c.IsActive() || c.parts == nil {
			done()
			return
		}
		for _, p := range lost {
			c.out.stopReplica(broker, p)
		}
		c.removeFromISR(broker, lost, func() {
			c.flush()
			done()
		})
	})
}

// forgetOffline is what the restart or the death of a broker does to what is known of its directories.
func (c *Controller) forgetOffline(broker int32) {
	for _, p := range c.order {
		if len(p.offline) > 0 {
			p.offline = without(p.offline, broker)
		}
	}
}

// holds is ControllerContext.isReplicaOnline without those that are shutting down: the broker lives, and
// so does its replica.
func (c *Controller) holds(p *partition, id int32) bool {
	return c.online(id) && !contains(p.offline, id)
}
