package broker

import (
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/group"
	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// replicaEnv is the broker as its replica manager sees it.
type replicaEnv Broker

func (e *replicaEnv) b() *Broker    { return (*Broker)(e) }
func (e *replicaEnv) Now() sim.Time { return e.p.Now() }
func (e *replicaEnv) Wall() int64   { return e.p.Wall() }
func (e *replicaEnv) After(d sim.Time, kind uint16, arg uint32) {
	e.p.After(d, timerReplica+kind, arg)
}
func (e *replicaEnv) Reply(c *sim.Conn, m wire.Response) { e.b().reply(c, m) }
func (e *replicaEnv) Done(c *sim.Conn)                   { e.b().finishQuietly(c) }
func (e *replicaEnv) Hangup(c *sim.Conn)                 { e.b().hangup(c) }

func (e *replicaEnv) Fetch(source int32, m wire.Request) {
	if l := e.b().fetcher(source); l != nil {
		l.send(m)
		return
	}
	panic("kafka broker: fetch from a broker that the cache never knew")
}

func (e *replicaEnv) Hush(source int32) {
	if l := e.fetchers[source]; l != nil {
		l.close()
	}
}

func (e *replicaEnv) AlterPartition(m *wire.AlterPartitionRequest) { e.co.alterPartition(m) }
func (e *replicaEnv) Alive(id int32) bool                          { return e.meta.alive(id) }
func (e *replicaEnv) MayJoin(id int32, epoch int64) bool           { return e.co.mayJoin(id, epoch) }

func (e *replicaEnv) Leader(tp wire.TopicPartition) (leader, epoch int32) {
	if st := e.meta.partition(tp); st != nil {
		return st.Leader, st.LeaderEpoch
	}
	return -1, -1
}

func (e *replicaEnv) Node(id int32) (wire.Node, bool) { return e.meta.node(id) }
func (e *replicaEnv) BrokerEpoch() int64              { return e.epoch }
func (e *replicaEnv) Halt(reason string)              { e.b().halt(reason) }

func (e *replicaEnv) Led(tp wire.TopicPartition, epoch int32, leader bool) {
	if tp.Topic != group.Topic {
		return
	}
	if leader {
		e.group.Elected(tp.Partition, epoch)
	} else {
		e.group.Resigned(tp.Partition)
	}
}

func (e *replicaEnv) Emit(kind, part, text string)     { e.p.Emit(kind, part, text) }
func (e *replicaEnv) Probe(name string)                { e.p.Probe(name) }
func (e *replicaEnv) Violate(invariant, detail string) { e.p.W.Violate(invariant, detail) }

// controllerEnv is the broker as its controller sees it.
type controllerEnv Broker

func (e *controllerEnv) b() *Broker { return (*Broker)(e) }
func (e *controllerEnv) After(d sim.Time, kind uint16, arg uint32) {
	e.p.After(d, timerController+kind, arg)
}
func (e *controllerEnv) Connect(n wire.Node) { e.b().connect(n) }
func (e *controllerEnv) Disconnect(id int32) { e.b().disconnect(id) }
func (e *controllerEnv) Send(id int32, m wire.Request) {
	if o := e.outboxes[id]; o != nil {
		o.put(m)
	}
}
func (e *controllerEnv) Unclean(topic string) bool { return e.b().topicConfig(topic).Unclean }
func (e *controllerEnv) Elected(tp wire.TopicPartition, unclean bool) {
	e.stats.Elected(tp, unclean)
}
func (e *controllerEnv) ISR(tp wire.TopicPartition, epoch, version int32, isr []int32) {
	e.stats.ISR(tp, epoch, version, isr)
}
func (e *controllerEnv) Active(active bool) {
	if active {
		e.stats.ControllerChanges++
	}
	e.b().showRole()
}
func (e *controllerEnv) Emit(kind, part, text string) { e.p.Emit(kind, part, text) }
func (e *controllerEnv) EmitOf(id int32, kind, part, text string) {
	e.p.W.Emit(e.p.W.HostNamed("broker-"+strconv.Itoa(int(id))), kind, part, text)
}
func (e *controllerEnv) Probe(name string)                { e.p.Probe(name) }
func (e *controllerEnv) Violate(invariant, detail string) { e.p.W.Violate(invariant, detail) }

// groupEnv is the broker as its group coordinator sees it.
type groupEnv Broker

func (e *groupEnv) Now() sim.Time { return e.p.Now() }
func (e *groupEnv) Wall() int64   { return e.p.Wall() }
func (e *groupEnv) After(d sim.Time, kind uint16, arg uint32) {
	e.p.After(d, timerGroup+kind, arg)
}
func (e *groupEnv) Work(cost sim.Time, kind uint16, arg uint32) {
	e.p.Work(laneGroup, cost, timerGroup+kind, arg)
}
func (e *groupEnv) Rand() *sim.Rand                    { return e.p.Rand("group") }
func (e *groupEnv) World() *sim.World                  { return e.p.W }
func (e *groupEnv) Reply(c *sim.Conn, m wire.Response) { (*Broker)(e).reply(c, m) }

func (e *groupEnv) Append(partition int32, refs []sim.Ref, timeout sim.Time, done func(wire.Error, int64)) {
	e.rm.Append(wire.TopicPartition{Topic: group.Topic, Partition: partition}, refs, e.cfg.Group.RequiredAcks, timeout, done)
}

func (e *groupEnv) Log(partition int32) *log.Log {
	if p := e.rm.Partition(wire.TopicPartition{Topic: group.Topic, Partition: partition}); p != nil {
		return p.Log
	}
	return nil
}

func (e *groupEnv) Emit(kind, part, text string) { e.p.Emit(kind, part, text) }
func (e *groupEnv) Probe(name string)            { e.p.Probe(name) }
