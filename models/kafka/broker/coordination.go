package broker

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// coordination is how a broker takes part in its cluster: how it becomes a member, learns what it leads
// and follows, has its ISRs written, and leaves. One kind is ZooKeeper with a controller among the
// brokers, which sends commands; the other is KRaft, where brokers copy the controllers' metadata log and
// find their orders in it. What both share is the rest of the broker: replicas, groups, clients.
type coordination interface {
	// boot begins: the process runs. The broker opens its logs when the coordination says so.
	boot()
	// loaded tells that the logs are open.
	loaded()
	// served tells that requests are accepted.
	served()
	// active says whether this process is the controller.
	active() bool
	// mayJoin says whether a replica with that broker epoch, -1 if it is not known, may enter an ISR.
	mayJoin(id int32, epoch int64) bool
	// alterPartition asks the controller for an ISR; replica.Manager.AlterPartitionDone answers.
	alterPartition(m *wire.AlterPartitionRequest)
	createTopics(c *sim.Conn, m *wire.CreateTopicsRequest)
	electLeaders(c *sim.Conn, m *wire.ElectLeadersRequest)
	// reserveIDs takes a block of producer ids; Broker.reserved or Broker.refusePIDs answers.
	reserveIDs()
	// control executes a request that only one kind of coordination knows.
	control(c *sim.Conn, m wire.Request) bool
	// dirFailed tells the controller that a log directory failed.
	dirFailed()
	// relieve begins a controlled shutdown, which ends with Broker.close.
	relieve()
	// leave ends the membership after the logs were closed.
	leave(done func())

	timer(kind uint16, arg uint32) bool
	accepted(c *sim.Conn) bool
	connected(c *sim.Conn, err error) bool
	received(c *sim.Conn, m any) bool
	closed(c *sim.Conn, why sim.CloseReason) bool
	synced(arg uint32, err error) bool
	cost(c *sim.Conn, m any) (lane int, cost sim.Time, ok bool)
}
