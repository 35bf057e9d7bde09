package sim

// Program is one incarnation of a program: a state machine whose callbacks run one at a time at
// virtual instants. It must not keep anything that outlives the process except files.
type Program interface {
	// Boot begins service; state is built from the disk here.
	Boot(p *Proc)
	// Timer fires what After, At, Every or Work armed.
	Timer(kind uint16, arg uint32)
	// Accept announces a peer that connected to a port this process listens on.
	Accept(c *Conn)
	// Connected answers Dial. err is ErrRefused or ErrTimeout; then the connection is closed.
	Connected(c *Conn, err error)
	// Receive delivers one message.
	Receive(c *Conn, m any)
	// Closed says that the connection ended; never called after the program's own Close or Reset.
	Closed(c *Conn, why CloseReason)
	// Synced completes File.Sync.
	Synced(arg uint32, err error)
	// Stop asks for a graceful shutdown; the program calls Exit when it is done.
	Stop()
}

// Coster is implemented by programs whose messages cost CPU. lane -1 means any core; a lane >= 0
// is a thread or a lock of the process: one thing at a time, and blocking disk calls hold it.
type Coster interface {
	Cost(c *Conn, m any) (lane int, cost Time)
}

// App is the application above a client library in the same process: its timers die, freeze and
// resume with the process.
type App interface {
	AppTimer(kind uint16, arg uint32)
}

// Kinds at and above this value belong to the world; programs use those below.
const (
	kindApp  uint16 = 0xE000 // to 0xEFFF: application timers
	kindBoot uint16 = 0xF000 + iota
	kindStop
	kindEvery
	kindItem
)

// MaxKind is the largest timer kind that a program may use.
const MaxKind = kindApp - 1

// Proc is the environment of one incarnation of a program.
type Proc struct {
	Host    *Host
	W       *World
	Service *Service

	node       NodeID
	prog       Program
	coster     Coster
	app        App
	dead       bool
	paused     bool
	roleBefore string
	backlog    []Event
	conns      []*Conn
	ports      []Port
	every      []periodic
	items      []item
	freeItems  []uint32
	lanes      []lane

	// of the callback that runs now
	lane  int
	debt  Time
	block int // index+1 into blocks
	// blocked calls on stalled disks
	blocks []blocked
}

type periodic struct {
	period Time
	kind   uint16
	arg    uint32
}

// item is work that waits in the process: a message, a sync's completion, the end of a connection.
// Items are copied at every message, so they are small and go by pointer.
type item struct {
	m    any // the message, or the error of a dial or a sync
	conn *Conn
	cost Time
	lane int32
	arg  uint32
	kind uint16
	what itemKind
	why  CloseReason
}

// err is what a dial or a sync answers.
func (it *item) err() error {
	err, _ := it.m.(error)
	return err
}

type itemKind uint8

const (
	itemReceive itemKind = iota
	itemAccept
	itemConnected
	itemClosed
	itemSynced
	itemWork
)

// lane is a thread or lock with the items that wait for it, in order.
type lane struct {
	free    Time // when the last item's blocking calls return
	active  bool // an item is scheduled
	blocked bool // by a call that does not return
	queue   []uint32
	head    int
}

// blocked is a synchronous disk call that has not returned, with what the callback sent after it.
type blocked struct {
	lane int
	held []heldSend
	done bool
}

type heldSend struct {
	c    *Conn
	m    any
	size int
}

func newProc(s *Service) *Proc {
	p := &Proc{Host: s.Host, W: s.Host.W, Service: s, lane: -1}
	p.node = p.W.K.AddNode(p)
	return p
}

// Now is the virtual time.
func (p *Proc) Now() Time { return p.W.K.Now() }

// epochMillis is the wall clock at the world's beginning.
const epochMillis = 1_700_000_000_000

// Wall is the host's wall clock in milliseconds since 1970.
func (p *Proc) Wall() int64 { return epochMillis + int64(p.Host.Wall()/Millisecond) }

// After arms a timer. Timers are not cancelled: the program ignores those it no longer wants.
func (p *Proc) After(d Time, kind uint16, arg uint32) { p.At(p.Now()+d, kind, arg) }

// At arms a timer at an instant.
func (p *Proc) At(t Time, kind uint16, arg uint32) { p.W.K.At(t, p.node, kind, arg) }

// Every arms a periodic timer whose first firing is drawn uniformly over the period.
func (p *Proc) Every(period Time, kind uint16, arg uint32) {
	p.EveryFrom(p.Rand("phase").Range(1, period), period, kind, arg)
}

// EveryFrom arms a periodic timer with a given first delay.
func (p *Proc) EveryFrom(first, period Time, kind uint16, arg uint32) {
	p.every = append(p.every, periodic{period, kind, arg})
	p.W.K.At(p.Now()+first, p.node, kindEvery, uint32(len(p.every)-1))
}

// Work uses CPU for cost on a lane and then fires Timer(kind, arg).
func (p *Proc) Work(lane int, cost Time, kind uint16, arg uint32) {
	p.enqueue(&item{what: itemWork, lane: int32(lane), kind: kind, arg: arg}, cost)
}

// Charge makes the present callback take d longer: its lane is held, what it sends later leaves later.
func (p *Proc) Charge(d Time) { p.debt += d }

// Rand is the process's own random stream of that name.
func (p *Proc) Rand(label string) *Rand {
	return p.W.Rand(label + "/" + p.Host.Name + "/" + p.Service.Name)
}

// SetApp installs the application above a client.
func (p *Proc) SetApp(a App) { p.app = a }

// AppAfter arms an application timer; kind < 0x1000.
func (p *Proc) AppAfter(d Time, kind uint16, arg uint32) {
	p.W.K.At(p.Now()+d, p.node, kindApp|kind, arg)
}

// Emit records a domain event of this host.
func (p *Proc) Emit(kind, part, text string) { p.W.Emit(p.Host, kind, part, text) }

// Role sets the host's role lane.
func (p *Proc) Role(role string) {
	if p.paused {
		p.roleBefore = role
		return
	}
	p.W.Trace.role(p.Host, role)
}

// Probe counts that a rare branch was reached.
func (p *Proc) Probe(name string) { p.W.Trace.probe(name) }

// Ready says that the program serves.
func (p *Proc) Ready() {
	if !p.Service.Ready {
		p.Service.Ready = true
		p.Emit("process-ready", "", p.Service.Name)
	}
}

// Alive says whether the process still runs.
func (p *Proc) Alive() bool { return !p.dead }

// FS is the file system of one of the host's disks as this process sees it.
func (p *Proc) FS(disk int) *FS { return p.Host.Disks[disk].open(p) }

// Exit ends the process after a graceful shutdown.
func (p *Proc) Exit() { p.die("stopped", true) }

// Crash ends the process by itself: a halt, a fatal signal.
func (p *Proc) Crash(reason string) { p.die(reason, true) }

// die ends the process; the kernel closes its sockets.
func (p *Proc) die(reason string, itself bool) {
	if p.dead {
		return
	}
	p.vanish()
	for _, c := range p.conns {
		c.p = nil
		p.W.Net.abandon(c)
	}
	p.conns = nil
	p.W.Trace.role(p.Host, "down")
	p.Emit("process-died", "", p.Service.Name+": "+reason)
	s := p.Service
	if itself && s.Respawn > 0 {
		p.Host.After(s.Respawn, s.Start)
	}
}

// vanish removes the process without telling anybody.
func (p *Proc) vanish() {
	p.dead = true
	p.W.K.Replace(p.node, nil)
	p.Service.proc = nil
	p.Service.Ready = false
	if !p.Host.Up {
		for _, c := range p.conns {
			c.state = connDead
			c.p = nil
		}
		p.conns = nil
	}
	p.backlog, p.items, p.freeItems = nil, nil, nil
}

// resume fires everything that queued up while the process was frozen.
func (p *Proc) resume() {
	p.paused = false
	p.W.Trace.role(p.Host, p.roleBefore)
	p.Emit("process-resumed", "", p.Service.Name)
	now := p.Now()
	for _, e := range p.backlog {
		p.W.K.At(now, e.Node, e.Kind, e.Arg)
	}
	p.backlog = p.backlog[:0]
}

// Handle runs one event of the process.
func (p *Proc) Handle(e Event) {
	if p.paused {
		p.backlog = append(p.backlog, e)
		return
	}
	p.lane, p.debt, p.block = -1, 0, 0
	switch {
	case e.Kind < kindApp:
		p.prog.Timer(e.Kind, e.Arg)
	case e.Kind < kindApp+0x1000:
		p.app.AppTimer(e.Kind&^kindApp, e.Arg)
	case e.Kind == kindBoot:
		p.boot()
	case e.Kind == kindStop:
		p.prog.Stop()
	case e.Kind == kindEvery:
		t := p.every[e.Arg]
		p.W.K.At(p.Now()+t.period, p.node, kindEvery, e.Arg)
		p.prog.Timer(t.kind, t.arg)
	default:
		p.runItem(e.Arg)
	}
}

func (p *Proc) boot() {
	p.prog = p.Service.make()
	p.coster, _ = p.prog.(Coster)
	p.prog.Boot(p)
	if !p.dead && p.Service.OnBoot != nil {
		p.Service.OnBoot(p)
	}
}

// enqueue gives an item its turn: at once, after its CPU time, or when its lane is free.
func (p *Proc) enqueue(it *item, cost Time) {
	i := p.newItem(it)
	if it.lane < 0 {
		at := p.Now()
		if cost > 0 {
			at = p.Host.serve(at, cost)
		}
		p.W.K.At(at, p.node, kindItem, i)
		return
	}
	p.items[i].cost = cost
	l := p.laneAt(int(it.lane))
	l.queue = append(l.queue, i)
	if !l.active {
		p.advance(l)
	}
}

// advance schedules the next item of a lane. CPU time is booked when the lane is free for it.
func (p *Proc) advance(l *lane) {
	if l.blocked || l.head == len(l.queue) {
		l.active = false
		if l.head == len(l.queue) {
			l.queue, l.head = l.queue[:0], 0
		}
		return
	}
	i := l.queue[l.head]
	l.head++
	l.active = true
	at := max(p.Now(), l.free)
	if c := p.items[i].cost; c > 0 {
		at = p.Host.serve(at, c)
	}
	p.W.K.At(at, p.node, kindItem, i)
}

func (p *Proc) newItem(it *item) uint32 {
	if n := len(p.freeItems); n > 0 {
		i := p.freeItems[n-1]
		p.freeItems = p.freeItems[:n-1]
		p.items[i] = *it
		return i
	}
	p.items = append(p.items, *it)
	return uint32(len(p.items) - 1)
}

func (p *Proc) laneAt(n int) *lane {
	for len(p.lanes) <= n {
		p.lanes = append(p.lanes, lane{})
	}
	return &p.lanes[n]
}

// runItem performs an item whose turn has come and lets its lane go on.
func (p *Proc) runItem(i uint32) {
	slot := &p.items[i]
	it := *slot
	slot.m, slot.conn = nil, nil
	p.freeItems = append(p.freeItems, i)
	p.lane = int(it.lane)
	if it.what == itemReceive {
		p.receive(it.conn, it.m)
	} else {
		p.perform(&it)
	}
	if it.lane >= 0 && !p.dead {
		l := p.laneAt(int(it.lane))
		l.free = p.Now() + p.debt
		p.advance(l)
	}
}

// receive delivers a message, and behind the last one the end of the connection.
func (p *Proc) receive(c *Conn, m any) {
	c.unread--
	if c.state != connOpen || c.p != p {
		return
	}
	p.prog.Receive(c, m)
	if c.unread == 0 && c.ending && c.p == p && !p.dead {
		p.closed(c, CloseFIN)
	}
}

// perform is the turn of an item that is not a message.
func (p *Proc) perform(it *item) {
	switch it.what {
	case itemWork:
		p.prog.Timer(it.kind, it.arg)
	case itemSynced:
		p.prog.Synced(it.arg, it.err())
	case itemAccept:
		if it.conn.state == connOpen {
			p.prog.Accept(it.conn)
		}
	case itemConnected:
		if it.conn.p == p && it.conn.state != connClosed {
			err := it.err()
			if err != nil {
				it.conn.drop()
			} else {
				it.conn.state = connOpen
			}
			p.prog.Connected(it.conn, err)
		}
	case itemClosed:
		c := it.conn
		if c.p != p || c.state == connClosed {
			return
		}
		if it.why == CloseFIN && c.unread > 0 {
			c.ending = true
			return
		}
		p.closed(c, it.why)
	}
}

func (p *Proc) closed(c *Conn, why CloseReason) {
	c.drop()
	p.prog.Closed(c, why)
}

// syncedNow completes a sync in an event of the disk; a frozen process hears of it when it resumes.
func (p *Proc) syncedNow(arg uint32, err error) {
	if p.paused || p.dead {
		p.synced(p.Now(), arg, err)
		return
	}
	p.lane, p.debt, p.block = -1, 0, 0
	p.prog.Synced(arg, err)
}

// synced completes a sync at a later instant.
func (p *Proc) synced(at Time, arg uint32, err error) {
	if p.dead {
		return
	}
	it := item{what: itemSynced, lane: -1, arg: arg}
	if err != nil {
		it.m = err
	}
	i := p.newItem(&it)
	p.W.K.At(max(at, p.Now()), p.node, kindItem, i)
}

// holdLane marks the present callback as stuck in a disk call that does not return; what it sends
// from now on leaves when releaseLane is called with the returned number.
func (p *Proc) holdLane() int {
	if p.block == 0 {
		p.blocks = append(p.blocks, blocked{lane: p.lane})
		p.block = len(p.blocks)
		if p.lane >= 0 {
			p.laneAt(p.lane).blocked = true
		}
	}
	return p.block
}

// releaseLane returns from a stuck disk call.
func (p *Proc) releaseLane(n int) {
	if p.dead {
		return
	}
	b := &p.blocks[n-1]
	if b.done {
		return
	}
	b.done = true
	for _, s := range b.held {
		s.c.hold = 0
		p.W.Net.send(s.c, s.m, s.size, p.Now())
	}
	b.held = nil
	if b.lane >= 0 {
		l := p.laneAt(b.lane)
		l.blocked = false
		if !l.active {
			p.advance(l)
		}
	}
}
