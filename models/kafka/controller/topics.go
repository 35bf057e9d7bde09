package controller

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
)

// readTopics reads the assignments of topics that are not known yet.
func (c *Controller) readTopics(names []string, done func()) {
	var fresh []string
	for _, t := range names {
		if c.parts[wire.TopicPartition{Topic: t}] == nil {
			fresh = append(fresh, t)
		}
	}
	found := make([][][]int32, len(fresh))
	data := make([][]byte, len(fresh))
	c.each(len(fresh), func(i int, one func()) {
		c.zk.Retry(zk.GetDataRequest(topicPath(fresh[i]), false), func(r zk.Response) {
			if r.Code == zk.OK {
				found[i], data[i] = decodeTopic(r.Data), r.Data
			}
			one()
		})
	}, func() {
		for i, t := range fresh {
			c.topics = append(c.topics, t)
			for n, replicas := range found[i] {
				tp := wire.TopicPartition{Topic: t, Partition: int32(n)}
				p := &partition{tp: tp, name: t + "-" + itoa(int32(n)), replicas: replicas, highest: -1}
				if p.adding, p.removing = decodeReassigned(data[i], int32(n)); len(p.adding)+len(p.removing) > 0 {
					p.target = filter(replicas, func(id int32) bool { return !contains(p.removing, id) })
				}
				c.parts[tp] = p
				c.order = append(c.order, p)
			}
		}
		done()
	})
}

// topicChange is KafkaController.processTopicChange: new topics get leaders.
func (c *Controller) topicChange(done func()) {
	if !c.IsActive() || c.parts == nil {
		done()
		return
	}
	c.zk.Retry(zk.GetChildrenRequest(pathTopics, true), func(r zk.Response) {
		if r.Code != zk.OK || !c.IsActive() {
			done()
			return
		}
		before := len(c.order)
		c.readTopics(r.Children, func() {
			if !c.IsActive() || c.parts == nil {
				done()
				return
			}
			c.initialize(append([]*partition(nil), c.order[before:]...), done)
		})
	})
}

// CreateTopics writes topics to ZooKeeper (AdminZkClient.createTopicWithAssignment); the controller
// then finds them there like everybody else. reply gets one result per topic when all are written.
func (c *Controller) CreateTopics(topics []wire.NewTopic, reply func([]wire.CreatedTopic)) {
	out := make([]wire.CreatedTopic, len(topics))
	c.each(len(topics), func(i int, one func()) {
		t := &topics[i]
		out[i].Topic = t.Topic
		if out[i].Err = c.validate(t); out[i].Err != wire.None {
			one()
			return
		}
		c.zk.Retry(zk.CreateRequest(pathTopicConfigs+"/"+t.Topic, encodeConfig(t.Configs), zk.Persistent), func(zk.Response) {
			c.zk.Retry(zk.CreateRequest(topicPath(t.Topic), encodeTopic(t.Assignment), zk.Persistent), func(r zk.Response) {
				switch r.Code {
				case zk.OK:
				case zk.NodeExists:
					out[i].Err = wire.TopicAlreadyExists
				default:
					out[i].Err = wire.UnknownServerError
				}
				one()
			})
		})
	}, func() { reply(out) })
}

func (c *Controller) validate(t *wire.NewTopic) wire.Error {
	if len(t.Assignment) == 0 {
		return wire.InvalidPartitions
	}
	for _, a := range t.Assignment {
		if len(a) == 0 || len(a) != len(t.Assignment[0]) {
			return wire.InvalidReplicaAssignment
		}
	}
	return wire.None
}

// rebalance is KafkaController.checkAndTriggerAutoLeaderRebalance: for each broker of whose preferred
// partitions more than the allowed percentage is led elsewhere, elect the preferred leaders.
func (c *Controller) rebalance(done func()) {
	if !c.IsActive() || c.parts == nil {
		done()
		return
	}
	c.env.After(c.cfg.ImbalanceCheck, timerRebalance, c.term)
	var wrong []*partition
	for _, b := range c.live {
		total, bad := int64(0), []*partition(nil)
		for _, p := range c.order {
			if len(p.replicas) == 0 || p.replicas[0] != b.node.ID {
				continue
			}
			total++
			if p.known && p.now.Leader != b.node.ID {
				bad = append(bad, p)
			}
		}
		if int64(len(bad))*100 <= total*c.cfg.ImbalancePercent {
			continue
		}
		for _, p := range bad {
			if c.online(b.node.ID) && contains(p.now.ISR, b.node.ID) {
				wrong = append(wrong, p)
			}
		}
	}
	if len(wrong) > 0 {
		c.env.Probe("kafka-auto-rebalance")
	}
	c.electAll(wrong, preferredReplica, nil, done)
}

// ElectLeaders is KafkaController.processReplicaLeaderElection for preferred and unclean elections.
func (c *Controller) ElectLeaders(req *wire.ElectLeadersRequest, reply func(*wire.ElectLeadersResponse)) {
	c.put(func(done func()) {
		resp := &wire.ElectLeadersResponse{RespHeader: wire.RespHeader{Corr: req.Corr}}
		if !c.IsActive() || c.parts == nil {
			resp.Err = wire.NotController
			reply(resp)
			done()
			return
		}
		asked := req.Parts
		if req.All {
			asked = nil
			for _, p := range c.order {
				asked = append(asked, p.tp)
			}
		}
		s := preferredReplica
		if req.Type == wire.ElectUnclean {
			s = uncleanOnce
		}
		var wanted []*partition
		at := map[*partition]int{}
		for _, tp := range asked {
			p := c.parts[tp]
			e := wire.None
			switch {
			case p == nil || !p.known:
				e = wire.UnknownTopicOrPartition
			case s == preferredReplica && p.now.Leader == p.replicas[0], s == uncleanOnce && p.state == stateOnline:
				e = wire.ElectionNotNeeded
			default:
				wanted = append(wanted, p)
				at[p] = len(resp.Parts)
			}
			resp.Parts = append(resp.Parts, wire.PartError{TopicPartition: tp, Err: e})
		}
		failed := func(p *partition) {
			resp.Parts[at[p]].Err = wire.PreferredLeaderNotAvailable
			if s == uncleanOnce {
				resp.Parts[at[p]].Err = wire.EligibleLeadersNotAvailable
			}
		}
		c.electAll(wanted, s, failed, func() {
			reply(resp)
			done()
		})
	})
}
