package ha

import (
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Timer kinds of a Master.
const (
	masterWrite uint16 = iota // connection arg may have data to send
	masterTick                // housekeeping of connection arg
	masterWaits               // the oldest wait may be over
	MasterKinds
)

// costFrame is the CPU time of preparing one frame: an assumption (a buffer slice and a write call).
const costFrame = 8 * sim.Microsecond

// Master is the HA service of a broker whose role is a master's. A slave runs one, too, for nobody.
type Master struct {
	cfg  *Config
	env  MasterEnv
	log  Log
	pool *wire.Pool

	conns  []*conn // by slot; nil: free
	count  int     // connections
	pushed int64   // push2SlaveMaxOffset: the largest report ever, never lowered

	waits []wait // in order of the log and of time
	head  int
	armed bool
	late  bool // the last wait to end timed out
	woken int  // reports that the first wait has seen in vain, with EarlyTimeout
}

// wait is a send that waits for a report (CommitLog.GroupCommitRequest).
type wait struct {
	end      int64
	deadline sim.Time
	waiter   uint32
}

// conn is one connected slave (HAConnection).
type conn struct {
	slot      uint32
	c         *sim.Conn
	reported  bool  // the first report has come: slaveRequestOffset is set
	next      int64 // nextTransferFromWhere
	acked     int64 // last report, or where the transfer began
	report    int64 // last report
	lastRead  sim.Time
	lastWrite sim.Time
	queued    bool     // masterWrite is under way as Work
	polling   sim.Time // when the idle wait ends that is armed; 0: none
	goal      int64    // where the log ended at the first report
	caughtUp  bool     // a report reached that
	stuck     bool     // below the log's first byte
}

// NewMaster makes the service.
func NewMaster(cfg *Config, env MasterEnv, log Log, pool *wire.Pool) *Master {
	return &Master{cfg: cfg, env: env, log: log, pool: pool}
}

// Accept takes the connection of a slave. It counts at once; nothing is sent before its first report.
func (m *Master) Accept(c *sim.Conn) {
	h := &conn{c: c, lastRead: m.env.Now(), lastWrite: m.env.Now()}
	for int(h.slot) < len(m.conns) && m.conns[h.slot] != nil {
		h.slot++
	}
	if int(h.slot) == len(m.conns) {
		m.conns = append(m.conns, nil)
	}
	m.conns[h.slot] = h
	m.count++
	c.Data = h
	m.env.Emit("slave-connected", "", c.Peer.Name)
	m.env.At(m.env.Now()+selectStep, masterTick, h.slot)
}

// Owns says whether c is the connection of a slave.
func (m *Master) Owns(c *sim.Conn) bool {
	_, ok := c.Data.(*conn)
	return ok
}

// Closed is the end of a slave's connection.
func (m *Master) Closed(c *sim.Conn) {
	if h, ok := c.Data.(*conn); ok && m.conns[h.slot] == h {
		m.conns[h.slot] = nil
		m.count--
	}
}

func (m *Master) close(h *conn) {
	m.env.Close(h.c)
	m.Closed(h.c)
}

// Report takes a slave's report (ReadSocketService.processReadEvent).
func (m *Master) Report(c *sim.Conn, r *wire.HAReport) {
	offset := r.Offset
	m.pool.PutReport(r)
	h, ok := c.Data.(*conn)
	if !ok || m.conns[h.slot] != h {
		return
	}
	h.lastRead = m.env.Now()
	// A report goes to those who wait for it. The writer thread sleeps on, unless it was the first one or
	// makes room in a full socket.
	wakes := !h.reported || h.next-h.acked >= m.cfg.Window
	h.acked, h.report = offset, offset
	if !h.reported && !m.cfg.TrustReports && offset > m.log.MaxOffset() {
		m.env.Probe("rocketmq-slave-ahead-refused")
		m.close(h)
		return
	}
	if !h.reported {
		h.reported = true
		h.next = m.begin(offset)
		h.acked = h.next
		h.goal = m.log.MaxOffset()
		if offset > m.log.MaxOffset() {
			m.env.Probe("rocketmq-slave-ahead")
		}
	} else if m.cfg.CheckAhead && offset > m.log.MaxOffset() {
		m.env.Probe("rocketmq-slave-ahead-closed")
		m.close(h)
		return
	}
	if m.cfg.InSync == 0 {
		m.notify(offset)
	} else {
		m.release(m.covered())
	}
	if !h.caughtUp && offset >= h.goal && offset <= m.log.MaxOffset() {
		h.caughtUp = true
		m.env.Emit("slave-caught-up", "", c.Peer.Name+" at offset "+strconv.FormatInt(offset, 10))
	}
	if wakes {
		m.write(h)
	}
}

// begin is where a transfer starts: exactly where the slave's log ends, or for an empty slave the
// beginning of the newest file (WriteSocketService.run): it never gets the older ones (#3661).
func (m *Master) begin(reported int64) int64 {
	if reported != 0 {
		return reported
	}
	if !m.cfg.NewestFile {
		return max(m.log.MinOffset(), 0)
	}
	end := m.log.MaxOffset()
	return max(end-end%m.log.FileSize(), 0)
}

// notify raises push2SlaveMaxOffset and ends the waits that it covers (HAService.notifyTransferSome).
func (m *Master) notify(offset int64) {
	if offset <= m.pushed {
		return
	}
	m.pushed = offset
	m.release(offset)
	if m.cfg.EarlyTimeout && m.head < len(m.waits) {
		m.wakeInVain()
	}
}

// wakeInVain: GroupTransferService.doWaitTransfer@4.3 looks five times, and each report that comes is a
// look, whether it was for this wait or for messages that nobody waits for.
func (m *Master) wakeInVain() {
	const looks = 5
	if m.woken++; m.woken < looks {
		return
	}
	m.env.Probe("rocketmq-slave-timeout-early")
	m.env.Replicated(m.pop().waiter, false)
}

// release ends the waits that an offset covers.
func (m *Master) release(offset int64) {
	for m.head < len(m.waits) && m.waits[m.head].end <= offset {
		w := m.pop()
		m.late = false
		m.env.Replicated(w.waiter, true)
	}
}

// covered is the offset that InSync-1 connected slaves have reported (5.x GroupTransferService: the
// master counts as one, slaves are counted by their last report). 0: too few are connected.
func (m *Master) covered() int64 {
	var reports [16]int64
	n := 0
	for _, h := range m.conns {
		if h != nil && h.reported && n < len(reports) {
			reports[n] = h.report
			n++
		}
	}
	slices.Sort(reports[:n])
	if need := m.cfg.InSync - 1; need > 0 && need <= n {
		return reports[n-need]
	}
	return 0
}

func (m *Master) pop() wait {
	w := m.waits[m.head]
	m.woken = 0
	m.head++
	if m.head == len(m.waits) {
		m.waits, m.head = m.waits[:0], 0
	} else if m.head >= 4096 && 2*m.head >= len(m.waits) {
		n := copy(m.waits, m.waits[m.head:])
		m.waits, m.head = m.waits[:n], 0
	}
	return w
}

// SlaveOK is HAService.isSlaveOK: somebody is connected and not too far behind put, the end of the
// message that was just written.
func (m *Master) SlaveOK(put int64) bool {
	if m.cfg.InSync > 0 && m.cfg.NeverDegrades {
		return true // 5.x has no such check: without slaves every send waits (#8715)
	}
	return m.count > 0 && put-m.pushed < m.cfg.Fallbehind
}

// Wait begins the wait of a send whose message ends at end; Replicated(waiter) follows, at once if a
// slave has reported that much already (GroupTransferService). It wakes the writers, which nothing else does.
func (m *Master) Wait(end int64, waiter uint32) {
	reached := m.pushed
	if m.cfg.InSync > 0 {
		reached = m.covered()
	}
	if reached >= end {
		m.env.Replicated(waiter, true)
		return
	}
	m.waits = append(m.waits, wait{end: end, deadline: m.env.Now() + m.cfg.SlaveTimeout, waiter: waiter})
	if !m.armed {
		m.armed = true
		m.env.At(m.waits[m.head].deadline, masterWaits, 0)
	}
	for _, h := range m.conns {
		if h != nil {
			m.wake(h)
		}
	}
}

// wake ends the idle wait of a writer thread.
func (m *Master) wake(h *conn) {
	if h.reported && !h.queued {
		h.queued = true
		m.env.Work(costFrame, masterWrite, h.slot)
	}
}

// Timer fires what the master armed.
func (m *Master) Timer(kind uint16, arg uint32) {
	switch kind {
	case masterWaits:
		m.expire()
	case masterWrite:
		h := m.conns[arg]
		if h == nil {
			return
		}
		h.queued = false
		if h.polling != 0 && h.polling <= m.env.Now() {
			h.polling = 0
		}
		m.write(h)
	case masterTick:
		if h := m.conns[arg]; h != nil {
			m.tick(h)
		}
	}
}

// expire gives up the waits whose time is over: FLUSH_SLAVE_TIMEOUT.
func (m *Master) expire() {
	m.armed = false
	for m.head < len(m.waits) {
		if d := m.waits[m.head].deadline; d > m.env.Now() {
			m.armed = true
			m.env.At(d, masterWaits, 0)
			return
		}
		w := m.pop()
		if !m.late { // once for a series
			m.late = true
			m.env.Emit("sync-timeout", "", "no slave reported offset "+strconv.FormatInt(w.end, 10))
		}
		m.env.Replicated(w.waiter, false)
	}
}

// tick closes a connection that was silent for the housekeeping interval.
func (m *Master) tick(h *conn) {
	now := m.env.Now()
	if now-h.lastRead > m.cfg.Housekeeping {
		m.env.Probe("rocketmq-ha-housekeeping")
		m.close(h)
		return
	}
	m.env.At(now+selectStep, masterTick, h.slot)
}

// write sends one frame if there is data and room in the socket (WriteSocketService.run). While there
// is more the thread goes on; caught up it waits for Idle or a wake-up.
func (m *Master) write(h *conn) {
	if !h.reported || h.queued || m.conns[h.slot] != h {
		return
	}
	if h.next-h.acked >= m.cfg.Window {
		return // the next report makes room
	}
	f := m.pool.Frame()
	refs, n, ok := m.log.Read(h.next, m.cfg.Batch, f.Refs)
	if !ok || n == 0 {
		m.pool.PutFrame(f)
		m.noData(h, ok)
		m.poll(h)
		return
	}
	f.Offset, f.Refs, f.Bytes = h.next, refs, n
	h.next += int64(n)
	h.lastWrite = m.env.Now()
	m.env.Send(h.c, f)
	if h.next == m.log.MaxOffset() {
		m.poll(h) // the next look finds nothing, unless somebody wakes the thread
		return
	}
	h.queued = true
	m.env.Work(costFrame, masterWrite, h.slot)
}

// noData: nothing to send. An empty frame goes out when nothing else did for a while.
func (m *Master) noData(h *conn, ok bool) {
	if now := m.env.Now(); now-h.lastWrite > m.cfg.Heartbeat {
		f := m.pool.Frame()
		f.Offset = h.next
		h.lastWrite = now
		m.env.Send(h.c, f)
	}
	if !ok && !h.stuck && h.next < m.log.MinOffset() {
		h.stuck = true
		m.env.Probe("rocketmq-slave-below-min-offset") // only heartbeats from now on: #3388
	}
}

// poll arms the idle wait, once.
func (m *Master) poll(h *conn) {
	if h.polling == 0 {
		h.polling = m.env.Now() + m.cfg.Idle
		m.env.At(h.polling, masterWrite, h.slot)
	}
}

// Connections is the number of connected slaves.
func (m *Master) Connections() int { return m.count }

// InSync counts this master and the connected slaves that are less than gap behind an offset.
func (m *Master) InSync(end, gap int64) int {
	n := 1
	for _, h := range m.conns {
		if h != nil && h.reported && end-h.report < gap {
			n++
		}
	}
	return n
}

// Pushed is push2SlaveMaxOffset.
func (m *Master) Pushed() int64 { return m.pushed }

// CaughtUp says whether the slave on a host has reported all that the log had when it connected.
func (m *Master) CaughtUp(host string) bool {
	for _, h := range m.conns {
		if h != nil && h.c.Peer.Name == host && h.caughtUp {
			return true
		}
	}
	return false
}

// Stuck says whether the slave on a host stands below the log's first byte: it gets nothing but heartbeats
// until somebody wipes it (#3388).
func (m *Master) Stuck(host string) bool {
	for _, h := range m.conns {
		if h != nil && h.c.Peer.Name == host && h.stuck {
			return true
		}
	}
	return false
}

// Reported is the last report of the slave on a host; ok is false when it is not connected or has not
// reported.
func (m *Master) Reported(host string) (offset int64, ok bool) {
	for _, h := range m.conns {
		if h != nil && h.c.Peer.Name == host && h.reported {
			return h.acked, true
		}
	}
	return 0, false
}
