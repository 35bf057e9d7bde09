package controller

import (
	"slices"

	"github.com/mqsim/mqsim/models/kafka/wire"
)

// AlterPartition is KafkaController.processAlterPartition: leaders propose ISRs (KIP-497). reply is
// called once.
func (c *Controller) AlterPartition(req *wire.AlterPartitionRequest, reply func(*wire.AlterPartitionResponse)) {
	c.put(func(done func()) {
		resp := &wire.AlterPartitionResponse{RespHeader: wire.RespHeader{Corr: req.Corr}}
		if resp.Err = c.mayAlter(req); resp.Err != wire.None {
			reply(resp)
			done()
			return
		}
		resp.Parts = make([]wire.AlterResult, len(req.Parts))
		var writes []write
		index := map[*partition]int{}
		for i := range req.Parts {
			q, r := &req.Parts[i], &resp.Parts[i]
			r.TopicPartition = q.TopicPartition
			p := c.parts[q.TopicPartition]
			if p == nil || !p.known {
				r.Err = wire.UnknownTopicOrPartition
				continue
			}
			next, settled, e := c.judge(req.Broker, p, q)
			switch {
			case e != wire.None:
				r.Err = e
			case settled:
				answer(r, p)
			default:
				writes = append(writes, write{p: p, next: next})
				index[p] = i
			}
		}
		c.writeAll(writes, func(written []write, again []*partition, fenced bool) {
			for _, w := range writes {
				resp.Parts[index[w.p]].Err = wire.UnknownServerError
			}
			for _, p := range again {
				resp.Parts[index[p]].Err = wire.InvalidUpdateVersion
			}
			for _, w := range written {
				c.adopt(w.p, w.next)
				r := &resp.Parts[index[w.p]]
				r.Err = wire.None
				answer(r, w.p)
				c.out.metadata(c.liveOrShuttingDown(), w.p)
			}
			if fenced {
				resp = &wire.AlterPartitionResponse{RespHeader: resp.RespHeader, Err: wire.NotController}
			}
			reply(resp)
			c.flush()
			if fenced {
				c.moved(done)
				return
			}
			done()
		})
	})
}

func (c *Controller) mayAlter(req *wire.AlterPartitionRequest) wire.Error {
	if !c.IsActive() || c.parts == nil {
		return wire.NotController
	}
	if i := c.liveIndex(req.Broker); i < 0 || c.live[i].epoch != req.BrokerEpoch {
		return wire.StaleBrokerEpoch
	}
	return wire.None
}

// judge is the validation of KafkaController.tryProcessAlterPartition. settled: the partition is in
// the wanted state already.
func (c *Controller) judge(leader int32, p *partition, q *wire.AlterPart) (next leaderISR, settled bool, e wire.Error) {
	now := &p.now
	switch {
	case q.PartitionEpoch > now.version || q.LeaderEpoch > now.LeaderEpoch:
		return next, false, wire.NotController // the leader knows more than this controller
	case q.LeaderEpoch < now.LeaderEpoch:
		return next, false, wire.FencedLeaderEpoch
	case now.Leader == leader && slices.Equal(now.ISR, q.ISR) && now.Recovering == q.Recovering:
		return next, true, wire.None
	case q.PartitionEpoch < now.version:
		return next, false, wire.InvalidUpdateVersion
	case q.Recovering && len(q.ISR) > 1 || q.Recovering && !now.Recovering:
		return next, false, wire.InvalidRequest
	}
	for _, id := range q.ISR {
		if !c.online(id) {
			c.env.Probe("kafka-ineligible-replica")
			return next, false, wire.IneligibleReplica
		}
	}
	next = *now
	next.Leader, next.ISR, next.Recovering, next.ControllerEpoch = leader, q.ISR, q.Recovering, c.epoch
	return next, false, wire.None
}

func answer(r *wire.AlterResult, p *partition) {
	r.Leader, r.LeaderEpoch, r.ISR = p.now.Leader, p.now.LeaderEpoch, p.now.ISR
	r.PartitionEpoch, r.Recovering = p.now.version, p.now.Recovering
}
