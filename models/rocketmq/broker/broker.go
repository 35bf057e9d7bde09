// Package broker is a RocketMQ broker of a classic group: one process with a message store, the
// processors that clients talk to, the registration with every NameServer, and replication as master
// or slave. brokerRole decides; nothing switches by itself.
//
//	config.go costs.go      settings, CPU costs and lanes
//	broker.go shutdown.go   boot, life, orderly end
//	engine.go               the store as the processors use it
//	send.go sendback.go     SendMessageProcessor
//	pull.go hold.go         PullMessageProcessor, PullRequestHoldService
//	consumers.go offsets.go topics.go   the managers behind the other processors
//	delay.go                ScheduleMessageService
//	register.go sync.go links.go        NameServers, the slave's metadata sync
//	persist.go              config/*.json
//	ledger.go               a member of a DLedger group
//
// Rules cite rocketmq-all-4.9.8 by class of org.apache.rocketmq.broker unless they say otherwise.
package broker

import (
	"github.com/mqsim/mqsim/models/rocketmq/dledger"
	"github.com/mqsim/mqsim/models/rocketmq/ha"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Timer kinds. The store's begin at its Options.TimerBase.
const (
	timerMaster uint16 = 0  // ha.Master
	timerSlave  uint16 = 10 // ha.Slave
	timerMember uint16 = 30 // dledger.Member

	timerLoad     uint16 = 50 // read and recover the store
	timerStart    uint16 = 51 // the store was loaded
	timerSend     uint16 = 52 // the head of the send queue has the append lock
	timerFast     uint16 = 53 // BrokerFastFailure
	timerHold     uint16 = 54 // re-check of held pulls
	timerRegister uint16 = 55
	timerLink     uint16 = 56 // a request of link arg may have timed out
	timerSync     uint16 = 57 // metadata sync
	timerOffsets  uint16 = 58 // persist consumer offsets
	timerDelays   uint16 = 59 // persist delay offsets
	timerClients  uint16 = 60 // scan for silent clients
	timerIdle     uint16 = 61 // connection arg may have been idle too long
	timerDeliver  uint16 = 62 // delay level arg may have due messages
	timerQuit     uint16 = 63 // unregistering took too long
	timerRole     uint16 = 64 // the leader of term arg may be master
	timerBeatNS   uint16 = 66 // heartbeats to the NameServers
	timerOnline   uint16 = 67 // an isolated master looks again
	timerDial     uint16 = 65 // a connection to another member takes too long
)

// phase is where a broker stands between boot and exit.
type phase uint8

const (
	loading phase = iota
	starting
	serving
	leaving // unregisters
	closing
)

// Broker is one incarnation.
type Broker struct {
	cfg   *Config
	p     *sim.Proc
	store *engine
	pool  *wire.Pool

	phase  phase
	master *ha.Master
	slave  *ha.Slave

	ledger  *dledger.Member // in DLedger mode
	members []*memberLink

	topics    topics
	groups    groups
	offsets   offsets
	consumers consumers
	locks     map[lockKey]queueLock
	delays    delays

	queue     sendQueue
	batch     batchScratch
	blocked   int // sends that hold a thread while they wait, with BlockingSends
	waits     []sendWait
	freeWaits []uint32
	holds     int // held pulls

	peers     []*peer
	freePeers []uint32

	links    []*link
	registry []*link // one per NameServer
	round    uint32  // of registrations
	learned  uint32  // the round whose first answer was used
	upstream *link   // to the master, for the metadata sync
	masterAt string  // its host, as the last registration said; "": unknown

	isolated   bool // a master that has not registered yet, with Acting
	recovering bool // and copies from its slaves
	exchange   map[string]*link

	diskFull bool
	leavers  int // NameServers that have not confirmed the end
}

// New makes one incarnation.
func New(cfg *Config) *Broker {
	return &Broker{cfg: cfg, pool: cfg.Pool, offsets: offsets{m: map[lockKey]int64{}}, locks: map[lockKey]queueLock{}}
}

// Boot begins to load the store; everything else waits for that (BrokerController.initialize).
func (b *Broker) Boot(p *sim.Proc) {
	b.p = p
	p.Service.Respawn = b.cfg.Respawn
	if l := b.cfg.Ledger; l != nil {
		b.cfg.Role, b.cfg.ID = Slave, l.id()
		b.cfg.lastRole = Slave
	}
	if b.cfg.isMaster() {
		b.cfg.ID = 0 // BrokerStartup: a master role forces it
	} else if b.cfg.ID <= 0 {
		p.Crash("Slave's brokerId must be > 0")
		return
	}
	if b.cfg.booted && b.cfg.lastRole != b.cfg.Role {
		p.Emit("role-changed", b.cfg.Name, b.cfg.lastRole.String()+" to "+b.cfg.Role.String())
	}
	b.cfg.booted, b.cfg.lastRole = true, b.cfg.Role
	p.Work(laneLoad, 0, timerLoad, 0)
}

// load reads config/*.json, then the store: after an unclean stop that checks and dispatches everything
// behind the checkpoint.
func (b *Broker) load() {
	e, scanned, err := openEngine(b)
	if err != nil {
		b.p.Service.Respawn = 0
		b.p.Crash("cannot load the store: " + err.Error())
		return
	}
	b.store = e
	b.loadConfigs()
	b.p.Charge(sim.Time(scanned) * costScanKiB / 1024)
	b.p.Work(laneLoad, 0, timerStart, 0)
}

// start runs the store's services; started follows when dispatch has caught up
// (DefaultMessageStore.start waits for that before HA and scheduling begin).
func (b *Broker) start() {
	b.phase = starting
	b.master = ha.NewMaster(&b.cfg.HA, (*masterEnv)(b), b.store, b.pool)
	b.slave = ha.NewSlave(&b.cfg.HA, (*slaveEnv)(b), b.store, b.pool)
	if err := b.store.Start(); err != nil {
		b.p.Crash("cannot start the store: " + err.Error())
	}
}

// started opens the listeners and registers (BrokerController.start).
func (b *Broker) started() {
	if b.phase != starting {
		return
	}
	b.phase = serving
	p, cfg := b.p, b.cfg
	if cfg.Ledger == nil {
		p.Listen(wire.HAPort)
	}
	p.Listen(wire.ClientPort)
	if cfg.isMaster() {
		b.startDelays()
	} else {
		if cfg.Ledger == nil {
			b.slave.SetMaster(cfg.MasterHost)
			b.slave.Start()
		}
		first, period := cfg.SyncFirst, cfg.SyncPeriod
		if cfg.SyncLook > 0 {
			first, period = p.Rand("sync").Range(first, first+cfg.SyncLook), period+cfg.SyncLook
		}
		p.EveryFrom(first, period, timerSync, 0)
	}
	for _, h := range cfg.Namesrv {
		b.registry = append(b.registry, b.newLink(h, wire.RegistryPort, cfg.RegisterWait))
	}
	if cfg.Acting {
		b.startActing()
	}
	b.register()
	p.EveryFrom(cfg.RegisterFirst, cfg.RegisterPeriod, timerRegister, 0)
	p.EveryFrom(cfg.HoldCheck, cfg.HoldCheck, timerHold, 0)
	p.EveryFrom(cfg.OffsetFlushFirst, cfg.OffsetFlush, timerOffsets, 0)
	p.EveryFrom(cfg.DelayFlush, cfg.DelayFlush, timerDelays, 0)
	p.EveryFrom(cfg.ClientScan, cfg.ClientScan, timerClients, 0)
	if cfg.isMaster() {
		p.Role("master")
	} else {
		p.Role("slave")
	}
	if cfg.Ledger != nil {
		b.startLedger()
	}
	p.Ready()
}

// Timer routes a timer to the part that armed it.
func (b *Broker) Timer(kind uint16, arg uint32) {
	switch {
	case b.store != nil && b.store.Timer(kind, arg):
	case kind < timerSlave:
		b.master.Timer(kind-timerMaster, arg)
	case kind >= timerMember && kind < timerLoad:
		b.ledger.Timer(kind-timerMember, arg)
	case kind < timerLoad:
		b.slave.Timer(kind-timerSlave, arg)
	default:
		b.ownTimer(kind, arg)
	}
}

func (b *Broker) ownTimer(kind uint16, arg uint32) {
	switch kind {
	case timerLoad:
		b.load()
	case timerStart:
		b.start()
	case timerSend:
		b.sendTurn()
	case timerFast:
		b.fastFailure()
	case timerHold:
		b.checkHolds()
	case timerRegister:
		if b.phase == serving {
			b.register()
		}
	case timerLink:
		b.links[arg].check()
	case timerSync:
		b.syncFromMaster()
	case timerOffsets:
		b.persistOffsets()
		b.persistGroups()
	case timerDelays:
		b.persistDelays()
	case timerClients:
		b.scanClients()
	case timerIdle:
		b.checkIdle(arg)
	case timerDeliver:
		b.deliver(int(arg))
	case timerQuit:
		b.quit()
	case timerRole:
		b.leadRole(arg)
	case timerBeatNS:
		b.heartbeatRegistry()
	case timerOnline:
		b.preOnline()
	case timerDial:
		b.dialTooLong(arg)
	}
}

// peer is an accepted connection of a client or a slave's metadata sync.
type peer struct {
	c     *sim.Conn
	index uint32
	last  sim.Time // of the last request
	holds int      // pulls of this connection that are held
}

// Accept takes a connection: on the HA port from a slave, else from a client.
func (b *Broker) Accept(c *sim.Conn) {
	if c.Port.Num == wire.HAPort.Num {
		b.master.Accept(c)
		return
	}
	if c.Port.Num == wire.LedgerPort.Num {
		return
	}
	d := &peer{}
	if n := len(b.freePeers); n > 0 {
		d = b.peers[b.freePeers[n-1]]
		b.freePeers = b.freePeers[:n-1]
	} else {
		d.index = uint32(len(b.peers))
		b.peers = append(b.peers, d)
	}
	d.c, d.last, d.holds = c, b.p.Now(), 0
	c.Data = d
	b.p.After(b.cfg.ConnIdle, timerIdle, d.index)
}

// checkIdle is netty's IdleStateHandler: one timer per connection that sleeps again after traffic. It
// also gives the slot of an ended connection back.
func (b *Broker) checkIdle(i uint32) {
	d := b.peers[i]
	if d.c != nil {
		if due := d.last + b.cfg.ConnIdle; due > b.p.Now() {
			b.p.At(due, timerIdle, i)
			return
		}
		b.p.Probe("rocketmq-connection-idle")
		c := d.c
		c.Close()
		b.peerClosed(c)
	}
	b.freePeers = append(b.freePeers, i)
}

// Connected answers Dial.
func (b *Broker) Connected(c *sim.Conn, err error) {
	if b.slave != nil && b.slave.Owns(c) {
		b.slave.Dialled(err)
		return
	}
	switch l := c.Data.(type) {
	case *link:
		l.connected(c, err)
	case *memberLink:
		b.memberConnected(l, c, err)
	}
}

// Closed is the end of a connection.
func (b *Broker) Closed(c *sim.Conn, _ sim.CloseReason) {
	switch {
	case b.slave != nil && b.slave.Owns(c):
		b.slave.Closed()
	case b.master != nil && b.master.Owns(c):
		b.master.Closed(c)
	default:
		switch l := c.Data.(type) {
		case *link:
			l.lost(c)
		case *memberLink:
			b.memberLost(l, c)
		default:
			b.peerClosed(c)
		}
	}
}

// peerClosed forgets a client: its groups, its held pulls.
func (b *Broker) peerClosed(c *sim.Conn) {
	d, ok := c.Data.(*peer)
	if !ok || d.c != c {
		return
	}
	d.c = nil
	b.clientGone(c)
	if d.holds > 0 {
		b.dropHolds(c)
	}
}

// Receive takes a request of a client, a report or frame of replication, or an answer on a link.
func (b *Broker) Receive(c *sim.Conn, m any) {
	switch m := m.(type) {
	case *wire.HAReport:
		b.master.Report(c, m)
		return
	case *wire.HAFrame:
		if b.slave.Owns(c) {
			b.slave.Frame(m)
		}
		return
	case *wire.LedgerMessage:
		b.fromMember(m)
		return
	case wire.Response:
		if l, ok := c.Data.(*link); ok {
			l.received(c, m)
		}
		return
	}
	d, ok := c.Data.(*peer)
	if !ok || b.phase != serving {
		return // shutting down: processors are gone, the connection will be closed
	}
	d.last = b.p.Now()
	b.handle(c, m)
}

// handle executes a request.
func (b *Broker) handle(c *sim.Conn, m any) {
	switch m := m.(type) {
	case *wire.SendMessageRequest:
		b.send(c, m)
	case *wire.PullMessageRequest:
		b.pull(c, m, true)
	case *wire.UpdateOffsetRequest:
		b.updateOffset(c, m)
	case *wire.QueryOffsetRequest:
		b.queryOffset(c, m)
	case *wire.MaxOffsetRequest:
		b.reply(c, &wire.OffsetResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}, Offset: b.store.queueMax(m.Topic, m.ID)})
	case *wire.MinOffsetRequest:
		b.reply(c, &wire.OffsetResponse{RespHeader: wire.RespHeader{Opaque: m.Opaque}, Offset: b.store.queueMin(m.Topic, m.ID)})
	case *wire.HeartbeatRequest:
		b.heartbeat(c, m)
	case *wire.UnregisterClientRequest:
		b.unregisterClient(c, m)
	case *wire.ConsumerListRequest:
		b.consumerList(c, m)
	case *wire.SendBackRequest:
		b.sendBack(c, m)
	case *wire.LockRequest:
		b.lock(c, m)
	case *wire.CreateTopicRequest:
		b.createRequested(c, m)
	default:
		if !b.handleSync(c, m) {
			b.p.Probe("rocketmq-unknown-request")
			b.reply(c, &wire.Answer{RespHeader: wire.RespHeader{Opaque: m.(wire.Request).Correlation(), Code: wire.RequestCodeNotSupported}})
		}
	}
}

func (b *Broker) reply(c *sim.Conn, m wire.Response) { c.Send(m, m.Size()) }

// Synced completes a sync of the store.
func (b *Broker) Synced(arg uint32, err error) {
	b.cfg.SyncFailed = b.cfg.SyncFailed || err != nil
	if b.store != nil {
		b.store.Synced(arg, err)
	}
}

// masterEnv is the broker as its replication service sees it.
type masterEnv Broker

func (e *masterEnv) Now() sim.Time                          { return e.p.Now() }
func (e *masterEnv) At(t sim.Time, kind uint16, arg uint32) { e.p.At(t, timerMaster+kind, arg) }
func (e *masterEnv) Work(cost sim.Time, kind uint16, arg uint32) {
	e.p.Work(laneWriter+int(arg), cost, timerMaster+kind, arg)
}
func (e *masterEnv) Send(c *sim.Conn, m *wire.HAFrame) { c.Send(m, m.Size()) }
func (e *masterEnv) Close(c *sim.Conn)                 { c.Close() }
func (e *masterEnv) Replicated(waiter uint32, ok bool) { (*Broker)(e).replicated(waiter, ok) }
func (e *masterEnv) Emit(kind, _, text string)         { e.p.Emit(kind, e.cfg.Name, text) }
func (e *masterEnv) Probe(name string)                 { e.p.Probe(name) }

// slaveEnv is the broker as its HA client sees it.
type slaveEnv Broker

func (e *slaveEnv) Now() sim.Time                          { return e.p.Now() }
func (e *slaveEnv) At(t sim.Time, kind uint16, arg uint32) { e.p.At(t, timerSlave+kind, arg) }
func (e *slaveEnv) Rand() *sim.Rand                        { return e.p.Rand("ha") }
func (e *slaveEnv) Dial(host string) *sim.Conn {
	return e.p.Dial(e.p.W.HostNamed(host), wire.HAPort)
}
func (e *slaveEnv) Send(c *sim.Conn, m *wire.HAReport) { c.Send(m, m.Size()) }
func (e *slaveEnv) Close(c *sim.Conn)                  { c.Close() }
func (e *slaveEnv) Emit(kind, _, text string)          { e.p.Emit(kind, e.cfg.Name, text) }
func (e *slaveEnv) Probe(name string)                  { e.p.Probe(name) }
func (e *slaveEnv) Violate(invariant, detail string)   { e.p.W.Violate(invariant, detail) }

// Config is what the broker was configured with.
func (b *Broker) Config() *Config { return b.cfg }

// Serving says whether the broker listens and has registered.
func (b *Broker) Serving() bool { return b.phase == serving }

// HAConnected says whether a slave's link to its master is up.
func (b *Broker) HAConnected() bool { return b.slave != nil && b.slave.Connected() }

// Master is the replication service.
func (b *Broker) Master() *ha.Master { return b.master }

// LogEnd is the end of the CommitLog; -1 while it is not loaded.
func (b *Broker) LogEnd() int64 {
	if b.store == nil {
		return -1
	}
	return b.store.MaxOffset()
}

// HasTopic says whether the broker knows a topic.
func (b *Broker) HasTopic(name string) bool { return b.topics.get(name) != nil }

// Members is the number of consumers of a group that this broker knows.
func (b *Broker) Members(group string) int {
	if g := b.consumers.get(group); g != nil {
		return len(g.members)
	}
	return 0
}

// Offset is the committed offset of a group, -1 if there is none.
func (b *Broker) Offset(group string, q wire.Queue) int64 {
	if v, ok := b.offsets.get(group, q); ok {
		return v
	}
	return -1
}
