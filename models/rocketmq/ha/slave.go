package ha

import (
	"fmt"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Timer kinds of a Slave.
const (
	slaveTry     uint16 = iota // connect if there is an address
	slaveTick                  // report by the clock; arg: generation of the connection
	slaveConnect               // the connect of generation arg may have taken too long
	SlaveKinds
)

// Slave is the HA client of a broker whose role is SLAVE (HAService.HAClient).
type Slave struct {
	cfg  *Config
	env  SlaveEnv
	log  Log
	pool *wire.Pool

	master    string // host; "": not known yet
	c         *sim.Conn
	open      bool
	gen       uint32
	reported  int64 // currentReportedOffset
	lastWrite sim.Time
	lastRead  sim.Time
	stopped   bool
}

// NewSlave makes the client. It connects once it knows an address.
func NewSlave(cfg *Config, env SlaveEnv, log Log, pool *wire.Pool) *Slave {
	return &Slave{cfg: cfg, env: env, log: log, pool: pool}
}

// Start makes the first attempt.
func (s *Slave) Start() { s.try() }

// Stop ends the client.
func (s *Slave) Stop() {
	s.stopped = true
	s.drop()
}

// SetMaster gives the address that a NameServer named. It is used at the next attempt: a client that is
// connected stays so, and an address is kept when the master is gone.
func (s *Slave) SetMaster(host string) { s.master = host }

// Master is the address in use.
func (s *Slave) Master() string { return s.master }

// Connected says whether the link to the master is up.
func (s *Slave) Connected() bool { return s.open }

// Owns says whether c is the link to the master.
func (s *Slave) Owns(c *sim.Conn) bool { return c == s.c }

// try is connectMaster: without an address or after a failure the thread sleeps for Retry.
func (s *Slave) try() {
	if s.stopped || s.c != nil {
		return
	}
	if s.master == "" {
		s.env.At(s.env.Now()+s.cfg.Retry, slaveTry, 0)
		return
	}
	s.gen++
	s.c = s.env.Dial(s.master)
	s.env.At(s.env.Now()+s.cfg.ConnectWait, slaveConnect, s.gen)
}

// Dialled is the answer to Dial.
func (s *Slave) Dialled(err error) {
	if err != nil {
		s.c = nil
		s.env.At(s.env.Now()+s.cfg.Retry, slaveTry, 0)
		return
	}
	now := s.env.Now()
	s.open = true
	s.reported = s.log.MaxOffset()
	s.lastRead = now
	first := s.env.Rand().Range(s.cfg.Heartbeat, s.cfg.Heartbeat+selectStep)
	if s.cfg.PromptReport && (s.lastWrite == 0 || now-s.lastWrite > s.cfg.Heartbeat) {
		first = s.env.Rand().Range(0, selectStep)
		s.lastWrite = now - s.cfg.Heartbeat - 1
	} else {
		// connectMaster sets lastWriteTimestamp, so that the first report is a heartbeat, 5 to 6 s later.
		s.lastWrite = now
	}
	s.env.At(now+first, slaveTick, s.gen)
}

// Closed is the end of the link: the thread connects again at once.
func (s *Slave) Closed() {
	s.c, s.open = nil, false
	s.try()
}

func (s *Slave) drop() {
	if s.c != nil {
		s.env.Close(s.c)
		s.c, s.open = nil, false
	}
}

// Timer fires what the slave armed.
func (s *Slave) Timer(kind uint16, arg uint32) {
	switch kind {
	case slaveTry:
		s.try()
	case slaveConnect:
		if arg == s.gen && s.c != nil && !s.open {
			s.drop()
			s.env.At(s.env.Now()+s.cfg.Retry, slaveTry, 0)
		}
	case slaveTick:
		if arg == s.gen && s.open {
			s.tick()
		}
	}
}

func (s *Slave) tick() {
	now := s.env.Now()
	if s.cfg.ReadIdle && now-s.lastRead > s.cfg.Housekeeping {
		s.env.Probe("rocketmq-slave-read-idle")
		s.drop()
		s.try()
		return
	}
	if now-s.lastWrite >= s.cfg.Heartbeat {
		s.report(s.log.MaxOffset())
	}
	s.env.At(now+selectStep, slaveTick, s.gen)
}

func (s *Slave) report(offset int64) {
	r := s.pool.Report()
	r.Offset = offset
	s.reported = offset
	s.lastWrite = s.env.Now()
	s.env.Send(s.c, r)
}

// Frame takes what the master sent (dispatchReadRequest). Only the offset is checked: a log that is
// longer or differs before that offset is not noticed.
func (s *Slave) Frame(f *wire.HAFrame) {
	s.lastRead = s.env.Now()
	end := s.log.MaxOffset()
	if end != 0 && end != f.Offset {
		s.env.Probe("rocketmq-slave-offset-mismatch")
		s.pool.PutFrame(f)
		s.drop()
		s.try()
		return
	}
	if f.Bytes > 0 {
		s.log.AppendRaw(f.Offset, f.Refs)
		if got := s.log.MaxOffset(); got != f.Offset+int64(f.Bytes) {
			s.appendFailed(f, end, got)
		}
	}
	s.pool.PutFrame(f)
	if now := s.log.MaxOffset(); now > s.reported {
		s.report(now)
	}
}

// appendFailed: the result of the local append is ignored; the next frame will not fit. Anything but
// "nothing was stored" is a bug of ours.
func (s *Slave) appendFailed(f *wire.HAFrame, before, after int64) {
	if after == before {
		s.env.Probe("rocketmq-slave-append-failed")
		return
	}
	s.env.Violate("rocketmq-slave-stores-what-master-sent",
		fmt.Sprintf("%d bytes at offset %d: the log ended at %d and ends at %d", f.Bytes, f.Offset, before, after))
}
