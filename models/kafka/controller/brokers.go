package controller

import (
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
)

// readBrokers reads the registrations of all live brokers; done gets them ascending by id.
func (c *Controller) readBrokers(names []string, done func([]liveBroker)) {
	found := make([]liveBroker, len(names))
	ok := make([]bool, len(names))
	c.each(len(names), func(i int, one func()) {
		c.zk.Retry(zk.GetDataRequest(pathIDs+"/"+names[i], false), func(r zk.Response) {
			id, err := strconv.ParseInt(names[i], 10, 32)
			if r.Code == zk.OK && err == nil {
				if host, good := decodeBroker(r.Data); good {
					found[i] = liveBroker{wire.Node{ID: int32(id), Host: host}, r.Stat.Czxid}
					ok[i] = true
				}
			}
			one()
		})
	}, func() {
		var list []liveBroker
		for i := range found {
			if ok[i] {
				at := 0
				for at < len(list) && list[at].node.ID < found[i].node.ID {
					at++
				}
				list = append(list, liveBroker{})
				copy(list[at+1:], list[at:])
				list[at] = found[i]
			}
		}
		done(list)
	})
}

// brokerChange is KafkaController.processBrokerChange: who came, who went, who bounced (came back so
// fast that its node is another one, KIP-380).
func (c *Controller) brokerChange(done func()) {
	if !c.IsActive() || c.parts == nil {
		done()
		return
	}
	c.zk.Retry(zk.GetChildrenRequest(pathIDs, true), func(r zk.Response) {
		if r.Code != zk.OK {
			done()
			return
		}
		c.readBrokers(r.Children, func(now []liveBroker) {
			if !c.IsActive() || c.parts == nil {
				done()
				return
			}
			fresh, bounced, dead := c.compare(now)
			for _, b := range fresh {
				c.env.Connect(b.node)
			}
			for _, b := range bounced {
				c.env.Disconnect(b.node.ID)
				c.env.Connect(b.node)
			}
			for _, id := range dead {
				c.env.Disconnect(id)
			}
			c.arrived(fresh, func() {
				c.bounce(bounced, func() { c.departed(dead, done) })
			})
		})
	})
}

func (c *Controller) compare(now []liveBroker) (fresh, bounced []liveBroker, dead []int32) {
	for _, b := range now {
		i := c.liveIndex(b.node.ID)
		switch {
		case i < 0:
			fresh = append(fresh, b)
		case b.epoch > c.live[i].epoch && !c.cfg.Rules.MissBounces:
			bounced = append(bounced, b)
		}
	}
	for _, b := range c.live {
		gone := true
		for _, n := range now {
			gone = gone && n.node.ID != b.node.ID
		}
		if gone {
			dead = append(dead, b.node.ID)
		}
	}
	return fresh, bounced, dead
}

func (c *Controller) bounce(bounced []liveBroker, done func()) {
	if len(bounced) == 0 {
		done()
		return
	}
	c.env.Probe("kafka-broker-bounced")
	var ids []int32
	for _, b := range bounced {
		ids = append(ids, b.node.ID)
	}
	c.departed(ids, func() { c.arrived(bounced, done) })
}

// arrived is KafkaController.onBrokerStartup.
func (c *Controller) arrived(brokers []liveBroker, done func()) {
	if len(brokers) == 0 || !c.IsActive() {
		done()
		return
	}
	old := c.liveOrShuttingDown()
	var fresh []int32
	for _, b := range brokers {
		at := 0
		for at < len(c.live) && c.live[at].node.ID < b.node.ID {
			at++
		}
		c.live = append(c.live, liveBroker{})
		copy(c.live[at+1:], c.live[at:])
		c.live[at] = b
		c.shuttingDown = without(c.shuttingDown, b.node.ID)
		c.forgetOffline(b.node.ID)
		fresh = append(fresh, b.node.ID)
	}
	if len(old) > 0 {
		c.out.metadata(old, nil)
		c.flush()
	}
	c.out.metadata(fresh, nil)
	for _, p := range c.order {
		if p.known {
			c.out.metadata(fresh, p)
		}
	}
	c.flush()
	for _, p := range c.order {
		if p.known {
			if mine := filter(p.replicas, func(id int32) bool { return contains(fresh, id) }); len(mine) > 0 {
				c.out.leaderAndISR(c, p, mine, false)
			}
		}
	}
	c.flush()
	c.electOffline(done)
}

// departed is KafkaController.onBrokerFailure: first new leaders, then out of the ISRs.
func (c *Controller) departed(dead []int32, done func()) {
	if len(dead) == 0 || !c.IsActive() {
		done()
		return
	}
	kept := c.live[:0:0]
	for _, b := range c.live {
		if !contains(dead, b.node.ID) {
			kept = append(kept, b)
		}
	}
	c.live = kept
	for _, id := range dead {
		c.shuttingDown = without(c.shuttingDown, id)
		c.forgetOffline(id)
		c.env.Emit("broker-dead", "", "broker-"+itoa(id)+" lost its ZooKeeper session or left")
	}
	leaderless := false
	for _, p := range c.order {
		if p.known && p.state == stateOnline && contains(dead, p.now.Leader) {
			p.state = stateOffline
			leaderless = true
		}
	}
	c.electOffline(func() {
		c.replicasOffline(dead, func() {
			if !leaderless && c.IsActive() {
				// No leader changed, so nobody was told yet that the broker is gone.
				c.out.metadata(c.liveOrShuttingDown(), nil)
				c.flush()
			}
			done()
		})
	})
}

// ControlledShutdown is KafkaController.doControlledShutdown: the broker's leaderships move, then it
// leaves the ISRs. reply is called once.
func (c *Controller) ControlledShutdown(req *wire.ControlledShutdownRequest, reply func(*wire.ControlledShutdownResponse)) {
	c.put(func(done func()) {
		resp := &wire.ControlledShutdownResponse{RespHeader: wire.RespHeader{Corr: req.Corr}}
		id := req.Broker
		i := c.liveIndex(id)
		switch {
		case !c.IsActive() || c.parts == nil:
			resp.Err = wire.StaleControllerEpoch // ControllerMovedException
		case i < 0:
			resp.Err = wire.BrokerNotAvailable
		case req.BrokerEpoch < c.live[i].epoch:
			resp.Err = wire.StaleBrokerEpoch
		}
		if resp.Err != wire.None {
			reply(resp)
			done()
			return
		}
		c.shuttingDown = insert(c.shuttingDown, id)
		var led, followed []*partition
		for _, p := range c.order {
			if len(p.replicas) < 2 || !p.known || !contains(p.replicas, id) {
				continue
			}
			if p.now.Leader == id {
				led = append(led, p)
			} else {
				followed = append(followed, p)
			}
		}
		c.electAll(led, controlledShutdown, nil, func() {
			c.relieve(id, followed, func() {
				for _, p := range c.order {
					if len(p.replicas) > 1 && p.known && p.now.Leader == id {
						resp.Remaining = append(resp.Remaining, p.tp)
					}
				}
				reply(resp)
				done()
			})
		})
	})
}

// relieve stops the replicas with which a broker follows and takes them out of the ISRs.
func (c *Controller) relieve(id int32, followed []*partition, done func()) {
	if !c.IsActive() {
		done()
		return
	}
	for _, p := range followed {
		c.out.stopReplica(id, p)
	}
	c.flush()
	c.removeFromISR(id, followed, func() {
		c.flush()
		done()
	})
}
