package client

import (
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// target is a message queue to send to.
type target struct {
	group string
	queue int32
}

// publish is TopicPublishInfo: the queues that a topic can be sent to, and where the next send goes. A
// send keeps the list that it began with.
type publish struct {
	queues []target
	next   uint32
}

// newPublish is topicRouteData2TopicPublishInfo: writable queues of groups that have a master.
func newPublish(m *wire.RouteResponse, rnd *sim.Rand) *publish {
	p := &publish{next: uint32(rnd.Below(1 << 31))}
	for _, o := range m.Order { // an order topic keeps its queues, alive or not
		for k := range o.Queues {
			p.queues = append(p.queues, target{o.Broker, k})
		}
	}
	if len(m.Order) > 0 {
		return p
	}
	for i := range m.Queues {
		q := &m.Queues[i]
		if q.Perm&wire.PermWrite == 0 || !hasMaster(m, q.Broker) {
			continue
		}
		for k := range q.WriteQueues {
			p.queues = append(p.queues, target{q.Broker, k})
		}
	}
	return p
}

func hasMaster(m *wire.RouteResponse, broker string) bool {
	for i := range m.Brokers {
		if b := &m.Brokers[i]; b.Broker == broker {
			return len(b.Addrs) > 0 && b.Addrs[0].ID == 0
		}
	}
	return false
}

func (p *publish) ok() bool { return p != nil && len(p.queues) > 0 }

// one is TopicPublishInfo.selectOneMessageQueue: in turn, after a group that just failed one of another
// group if there is any.
func (p *publish) one(last string) target {
	if last != "" {
		for range p.queues {
			p.next++
			if t := p.queues[int(p.next&^(1<<31))%len(p.queues)]; t.group != last {
				return t
			}
		}
	}
	p.next++
	return p.queues[int(p.next&^(1<<31))%len(p.queues)]
}

// choose is MQFaultStrategy.selectOneMessageQueue.
func (p *Producer) choose(pub *publish, last string) target {
	if !p.cfg.latencyFaults {
		return pub.one(last)
	}
	now := p.proc.Now()
	pub.next++
	at := pub.next
	for range pub.queues {
		t := pub.queues[int(at&^(1<<31))%len(pub.queues)]
		at++
		if p.faults.available(t.group, now) {
			return t
		}
	}
	best := p.faults.pick(now)
	if n := pub.writeQueues(best); n > 0 {
		pub.next++
		return target{best, int32(pub.next&^(1<<31)) % n}
	}
	p.faults.remove(best)
	return pub.one("")
}

// writeQueues is getQueueIdByBroker.
func (p *publish) writeQueues(group string) (n int32) {
	for _, t := range p.queues {
		if t.group == group {
			n++
		}
	}
	return n
}
