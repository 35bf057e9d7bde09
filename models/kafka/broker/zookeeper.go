package broker

import (
	"github.com/mqsim/mqsim/models/kafka/controller"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// zooKeeper is coordination through ZooKeeper and the controller among the brokers. What it does stands
// in register.go, shutdown.go and producerid.go.
type zooKeeper Broker

func (z *zooKeeper) b() *Broker { return (*Broker)(z) }

// boot reads the log directories; everything else waits for that (KafkaServer.startup).
func (z *zooKeeper) boot() { z.p.Work(laneLoad, 0, timerLoad, 0) }

// loaded goes on to ZooKeeper: a broker registers only with its logs open.
func (z *zooKeeper) loaded() {
	b := z.b()
	b.zk = zk.NewClient(b.p, b.cfg.ZooKeeper, b.cfg.Session, b, timerZK)
	b.zk.SetMaxInFlight(b.cfg.ZKInFlight)
	b.ctl = controller.New(b.cfg.Controller, (*controllerEnv)(b), b.zk)
	b.toControl = &controlChannel{b: b}
	b.zk.Open()
}

func (z *zooKeeper) served() {
	z.p.Listen(wire.ControlPort)
	z.ctl.Startup()
	z.p.Ready()
}

func (z *zooKeeper) active() bool { return z.ctl != nil && z.ctl.IsActive() }

func (z *zooKeeper) mayJoin(id int32, _ int64) bool { return z.meta.alive(id) }

// alterPartition: from 2.7 on the controller writes the ISR, before that the leader itself.
func (z *zooKeeper) alterPartition(m *wire.AlterPartitionRequest) {
	if z.cfg.Controller.Rules.LeadersWriteISR {
		z.b().writeISR(m)
		return
	}
	z.toControl.send(m)
}

func (z *zooKeeper) createTopics(c *sim.Conn, m *wire.CreateTopicsRequest) { z.b().createTopics(c, m) }

func (z *zooKeeper) electLeaders(c *sim.Conn, m *wire.ElectLeadersRequest) {
	z.ctl.ElectLeaders(m, func(r *wire.ElectLeadersResponse) { z.b().reply(c, r) })
}

func (z *zooKeeper) reserveIDs() { z.b().reservePIDs() }

// control executes what comes over the control plane: the controller's commands, and requests to the
// controller. A command for an earlier incarnation is refused (KIP-380).
func (z *zooKeeper) control(c *sim.Conn, m wire.Request) bool { return z.b().handleControl(c, m) }

func (z *zooKeeper) dirFailed() { z.b().announceDirFailure() }

func (z *zooKeeper) relieve() {
	z.rm.Leave()
	z.tries = z.cfg.Retries
	z.b().askRelief()
}

// leave ends the session, if it has come to one.
func (z *zooKeeper) leave(done func()) { z.zk.Close(func(zk.Response) { done() }) }

func (z *zooKeeper) timer(kind uint16, arg uint32) bool {
	switch {
	case z.zk != nil && z.zk.HandleTimer(kind, arg):
	case kind >= timerController && kind < timerGroup:
		z.ctl.Timer(kind-timerController, arg)
	default:
		return false
	}
	return true
}

func (z *zooKeeper) accepted(*sim.Conn) bool                      { return false }
func (z *zooKeeper) connected(c *sim.Conn, err error) bool        { return z.zk.HandleConnected(c, err) }
func (z *zooKeeper) received(c *sim.Conn, m any) bool             { return z.zk.HandleReceive(c, m) }
func (z *zooKeeper) synced(uint32, error) bool                    { return false }
func (z *zooKeeper) closed(c *sim.Conn, why sim.CloseReason) bool { return z.zk.HandleClosed(c, why) }

func (z *zooKeeper) cost(_ *sim.Conn, m any) (int, sim.Time, bool) {
	cost, ok := zk.ClientCost(m)
	return laneZK, cost, ok
}
