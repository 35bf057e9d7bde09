package broker

import (
	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rocketmq/dledger"
	"github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// LedgerConfig makes a broker a member of a DLedger group (enableDLegerCommitLog).
type LedgerConfig struct {
	dledger.Config
	Hosts []*sim.Host // of the members, n0 first
	// BusyWhenFull: LEADER_PENDING_FULL is answered with SYSTEM_BUSY (5.x) instead of SYSTEM_ERROR.
	BusyWhenFull bool
}

// id is the brokerId of a member that does not lead: n0 is 1 (DLedgerCommitLog.getId).
func (c *LedgerConfig) id() int64 { return int64(c.Self) }

// connectWait is the time-out of a connection between members (NettyClientConfig.connectTimeoutMillis),
// redial the pause after a failed one, unless a vote is asked for.
const (
	connectWait = 3 * sim.Second
	redial      = sim.Second
	// rolePoll is how often a new leader looks whether everything is committed and dispatched.
	rolePoll = 100 * sim.Millisecond
	// backlog is how many messages wait for a connection.
	backlog = 64
)

// memberLink is the connection of this member to another one.
type memberLink struct {
	host   *sim.Host
	c      *sim.Conn
	open   bool
	gen    uint32
	failed sim.Time // when the last attempt failed
	queue  []*wire.LedgerMessage
	asked  bool // a vote request was sent and not answered
}

// startLedger begins to take part in the group.
func (b *Broker) startLedger() {
	l := b.cfg.Ledger
	for _, h := range l.Hosts {
		b.members = append(b.members, &memberLink{host: h, failed: -redial})
	}
	b.ledger = dledger.New(&l.Config, (*ledgerEnv)(b), b.store, b.pool)
	b.p.Listen(wire.LedgerPort)
	b.ledger.Start()
}

// ledgerEnv is the broker as its member of the group sees it.
type ledgerEnv Broker

func (e *ledgerEnv) Now() sim.Time                          { return e.p.Now() }
func (e *ledgerEnv) At(t sim.Time, kind uint16, arg uint32) { e.p.At(t, timerMember+kind, arg) }
func (e *ledgerEnv) Rand() *sim.Rand                        { return e.p.Rand("dledger") }
func (e *ledgerEnv) Replicated(waiter uint32, ok bool)      { (*Broker)(e).quorumAcked(waiter, ok) }
func (e *ledgerEnv) Emit(kind, _, text string)              { e.p.Emit(kind, e.cfg.Name, text) }
func (e *ledgerEnv) Probe(name string)                      { e.p.Probe(name) }
func (e *ledgerEnv) Send(m *wire.LedgerMessage)             { (*Broker)(e).toMember(m) }

// Changed follows the member's role (DLedgerRoleChangeHandler.java): who does not lead is a slave at once,
// a leader becomes master when all that it has is committed and dispatched.
func (e *ledgerEnv) Changed() {
	b := (*Broker)(e)
	if b.ledger == nil || b.phase != serving {
		return
	}
	if b.ledger.Leading() {
		b.p.After(0, timerRole, uint32(b.ledger.Term()))
		return
	}
	b.followRole()
}

// followRole makes the broker a slave (changeToSlave). The registration is oneway: whom the NameServer
// names as master is heard with the next periodic one only (#7790).
func (b *Broker) followRole() {
	if b.cfg.Role == Slave {
		return
	}
	b.p.Emit("role-changed", b.cfg.Name, b.cfg.Role.String()+" to SLAVE")
	b.cfg.Role, b.cfg.ID, b.masterAt = Slave, b.cfg.Ledger.id(), ""
	b.store.SetRole(store.Slave)
	b.p.Role("slave")
	b.registerOneway()
}

// leadRole makes the leader of a term master, as soon as nothing is left to commit or to dispatch.
func (b *Broker) leadRole(term uint32) {
	l := b.ledger
	if b.phase != serving || !l.Leading() || uint32(l.Term()) != term || b.cfg.Role != Slave {
		return
	}
	if l.Commit() < l.Last() || b.store.Behind() > 0 {
		b.p.After(rolePoll, timerRole, term)
		return
	}
	b.p.Emit("role-changed", b.cfg.Name, "SLAVE to SYNC_MASTER")
	b.cfg.Role, b.cfg.ID, b.masterAt = SyncMaster, 0, ""
	b.store.SetRole(store.SyncMaster)
	for _, name := range b.topics.names {
		for i := range b.topics.get(name).queues {
			b.topics.get(name).queues[i].next = 0
		}
	}
	if len(b.delays.armed) == 0 {
		b.startDelays()
	}
	for level := range b.delays.armed {
		b.armDelay(level, delayFirst)
	}
	b.p.Role("master")
	b.registerOneway()
}

// registerOneway is a registration whose answer nobody reads (registerBrokerAll with oneway).
func (b *Broker) registerOneway() {
	b.register()
	b.learned = b.round
}

// putEntry appends a message as an entry of the group (DLedgerCommitLog.asyncPutMessage).
func (e *engine) putEntry(m *store.Message) putResult {
	l := e.b.ledger
	switch {
	case l == nil || !l.Leading():
		return putResult{code: wire.ServiceNotAvailable, remark: "service not available now. It may be caused by one of the following reasons: the broker's disk is full"}
	case l.Full() && e.b.cfg.Ledger.BusyWhenFull:
		return putResult{code: wire.SystemBusy, remark: "[PC_SYNCHRONIZED]broker busy, start flow control for a while"}
	case l.Full():
		return putResult{code: wire.SystemError, remark: "[PC_SYNCHRONIZED]broker busy, start flow control for a while"}
	}
	r := e.result(e.Put(m))
	if r.code == wire.Success {
		r.entry = l.Appended()
	}
	return r
}

// quorumAcked ends the wait of a send. A time-out is WAIT_QUORUM_ACK_TIMEOUT, which 4.x tells as
// OS_PAGECACHE_BUSY and 5.x as IN_SYNC_REPLICAS_NOT_ENOUGH: SYSTEM_ERROR both, and the entry may still
// be committed.
func (b *Broker) quorumAcked(i uint32, ok bool) {
	if !ok {
		b.waits[i].code = wire.SystemError
	}
	b.waited(i, waitsSlave)
}

// toMember sends a message to another member, connecting first if need be. Without a connection
// replication starts over with the next heartbeat.
func (b *Broker) toMember(m *wire.LedgerMessage) {
	l := b.members[m.To-1]
	vote := m.Kind == consensus.VoteRequest
	l.asked = l.asked || vote
	switch {
	case l.open:
		l.c.Send(m, m.Size())
		return
	case l.c == nil && !vote && b.p.Now()-l.failed < redial, len(l.queue) >= backlog:
		b.pool.PutLedger(m)
		return
	}
	l.queue = append(l.queue, m)
	if l.c == nil {
		l.gen++
		l.c = b.p.Dial(l.host, wire.LedgerPort)
		l.c.Data = l
		b.p.After(connectWait, timerDial, l.gen<<8|uint32(m.To))
	}
}

// memberConnected answers the dial.
func (b *Broker) memberConnected(l *memberLink, c *sim.Conn, err error) {
	if l.c != c {
		return
	}
	if err != nil {
		b.memberLost(l, c)
		return
	}
	l.open = true
	for _, m := range l.queue {
		c.Send(m, m.Size())
	}
	l.queue = l.queue[:0]
}

// memberLost: the connection ended, or was never there.
func (b *Broker) memberLost(l *memberLink, c *sim.Conn) {
	if l.c != c {
		return
	}
	l.c, l.open, l.failed = nil, false, b.p.Now()
	for _, m := range l.queue {
		b.pool.PutLedger(m)
	}
	l.queue = l.queue[:0]
	if l.asked {
		l.asked = false
		b.ledger.Failed()
	}
}

// dialTooLong gives up a connection that is not there in time.
func (b *Broker) dialTooLong(arg uint32) {
	l := b.members[arg&0xFF-1]
	if l.c != nil && !l.open && l.gen<<8 == arg&^0xFF {
		c := l.c
		c.Close()
		b.memberLost(l, c)
	}
}

// fromMember takes a message of another member.
func (b *Broker) fromMember(m *wire.LedgerMessage) {
	if b.ledger == nil || b.phase != serving {
		return
	}
	if m.Kind == consensus.VoteReply {
		b.members[m.From-1].asked = false
	}
	b.ledger.Step(m)
}

// Ledger is the member of the DLedger group; nil in other modes and before the store is loaded.
func (b *Broker) Ledger() *dledger.Member { return b.ledger }
