package sim

import "errors"

// NetSpec describes the network between hosts.
type NetSpec struct {
	Latency   Time  // one way
	Jitter    Time  // uniform, plus or minus
	Bandwidth int64 // bytes per second of a host's NIC, each direction; 0: unlimited
}

// PortClass says what a connection is for, so that one kind of traffic can be cut alone.
type PortClass uint8

const (
	PortClient PortClass = iota
	PortReplication
	PortCoordination
	PortMetadata
	portClasses
)

// Port is a TCP port with the class of traffic that it carries.
type Port struct {
	Num   uint16
	Class PortClass
}

// Errors of Dial.
var (
	// ErrRefused: the host answered that nobody listens.
	ErrRefused = errors.New("connection refused")
	// ErrTimeout: no answer to any SYN within 127 s.
	ErrTimeout = errors.New("connection timed out")
)

// CloseReason is how a connection ended.
type CloseReason uint8

const (
	CloseFIN     CloseReason = iota // the peer closed in order
	CloseReset                      // the peer's kernel sent RST
	CloseTimeout                    // 15 retransmissions were not answered
)

func (r CloseReason) String() string { return [...]string{"FIN", "RST", "timed out"}[r] }

// TCP as Linux does it: first retransmission after 200 ms, doubling to 120 s, 15 in all
// (tcp_retries2), and SYN retries after 1, 2, 4 ... s, 127 s in all (tcp_syn_retries 6).
const (
	rtoFirst    = 200 * Millisecond
	rtoMax      = 120 * Second
	tcpRetries  = 15
	synFirst    = Second
	synGiveUp   = 127 * Second
	loopback    = 10 * Microsecond
	ackedWindow = 64 << 10 // bytes that may be unacknowledged while only the way back is cut
)

type connState uint8

const (
	connDialing connState = iota
	connOpen
	connClosed // by a program or a notice from the peer
	connDead   // its machine lost power: nobody was told
)

// Conn is one end of a connection.
type Conn struct {
	Peer *Host
	Port Port
	Data any // the program's own state of this connection

	host  *Host
	p     *Proc // nil once the process is gone or has closed
	other *Conn
	state connState
	slot  int // index in p.conns

	unread int  // delivered to the process and not yet received by the program
	ending bool // FIN arrived behind unread messages

	// this end's outgoing direction
	hold       int  // > 0: number of the blocked call of p that holds back what is sent
	last       Time // arrival of the last segment
	stalled    bool
	stallFrom  Time // when the first unanswered segment left
	stallGen   uint32
	queue      []segment // what waits for a retransmission
	unacked    int       // bytes delivered while the way back is cut
	lossAfter  int       // segments that followed a lost one
	lossRepair bool      // the repair is scheduled
	listed     bool      // in Network.stalls
}

type segmentKind uint8

const (
	segData segmentKind = iota
	segFIN
	segRST
	segSYN
	segFlush
	segGiveUp
	segAccept
	segPiped
)

// segment is something on its way, or a timer of the network.
// Segments are copied at every message, so they are small and go by pointer.
type segment struct {
	to    *Conn // for data, FIN, RST: the receiving end; else the end whose timer this is
	m     any
	size  int
	gen   uint32
	kind  segmentKind
	taken bool // the receiver's NIC is through with it
}

// Network connects the hosts of a world with TCP's promises: bytes arrive in order; a byte that was
// accepted is not lost while both ends live; loss shows as delay.
type Network struct {
	w      *World
	spec   NetSpec
	node   NodeID
	rnd    *Rand
	flight []segment
	free   []uint32
	listen map[listenKey]*Proc
	rules  []*Rule
	stalls []*Conn // with a direction that waits

	Bytes       int64 // encoded protocol bytes sent, without TCP/IP headers
	ServerBytes int64 // the part between servers
}

type listenKey struct {
	host HostID
	port uint16
}

func newNetwork(w *World, spec NetSpec) *Network {
	n := &Network{w: w, spec: spec, listen: map[listenKey]*Proc{}, rnd: w.Rand("net")}
	n.node = w.K.AddNode(n)
	return n
}

// Listen opens a port. The process owns it until it dies.
func (p *Proc) Listen(port Port) {
	p.ports = append(p.ports, port)
	p.W.Net.listen[listenKey{p.Host.ID, port.Num}] = p
}

// StopListening closes a port; connections stay.
func (p *Proc) StopListening(port Port) {
	k := listenKey{p.Host.ID, port.Num}
	if p.W.Net.listen[k] == p {
		delete(p.W.Net.listen, k)
	}
}

// Dial opens a connection; Program.Connected answers. Close gives up earlier.
func (p *Proc) Dial(host *Host, port Port) *Conn {
	c := &Conn{Peer: host, Port: port, host: p.Host}
	c.attach(p)
	n := p.W.Net
	n.post(p.Now()+p.debt, &segment{kind: segSYN, to: c, size: 0})
	return c
}

// Open says whether the connection can be written to.
func (c *Conn) Open() bool { return c.state == connOpen && c.p != nil }

// Proc is the process that holds this end, nil when it is gone.
func (c *Conn) Proc() *Proc { return c.p }

// Send gives a message to TCP. size is its encoded size in the protocol. On a connection that is
// not open it does nothing.
func (c *Conn) Send(m any, size int) {
	if c.state != connOpen || c.p == nil {
		return
	}
	p := c.p
	// What a blocked call holds back leaves when the call returns, and so does all that is sent behind it on
	// this connection: a byte stream has one order.
	hold := c.hold
	if hold == 0 && p.block > 0 && !p.blocks[p.block-1].done {
		hold = p.block
	}
	if hold > 0 {
		c.hold = hold
		b := &p.blocks[hold-1]
		b.held = append(b.held, heldSend{c, m, size})
		return
	}
	p.W.Net.send(c, m, size, p.Now()+p.debt)
}

// Close ends the connection in order: what was sent still arrives, then the peer is told.
func (c *Conn) Close() { c.end(segFIN) }

// Reset ends the connection at once.
func (c *Conn) Reset() { c.end(segRST) }

func (c *Conn) end(kind segmentKind) {
	if c.p == nil || c.state == connClosed {
		return
	}
	n := c.p.W.Net
	open := c.state == connOpen
	at := c.p.Now() + c.p.debt
	c.drop()
	if open {
		n.transmit(c, &segment{kind: kind, to: c.other}, at)
	}
}

func (c *Conn) attach(p *Proc) {
	c.p = p
	c.slot = len(p.conns)
	p.conns = append(p.conns, c)
}

// drop detaches the end from its process without telling the peer.
func (c *Conn) drop() {
	p := c.p
	c.state = connClosed
	if p == nil {
		return
	}
	c.p = nil
	last := len(p.conns) - 1
	if c.slot <= last && p.conns[c.slot] == c {
		p.conns[c.slot] = p.conns[last]
		p.conns[c.slot].slot = c.slot
		p.conns[last] = nil
		p.conns = p.conns[:last]
	}
}

// abandon is what the kernel does with a dead process's connection: RST if the process had not
// read everything, else FIN (Linux tcp_close).
func (n *Network) abandon(c *Conn) {
	if c.state != connOpen {
		c.state = connClosed
		return
	}
	c.state = connClosed
	kind := segFIN
	if c.unread > 0 {
		kind = segRST
	}
	n.transmit(c, &segment{kind: kind, to: c.other}, n.w.Now())
}

func (n *Network) send(c *Conn, m any, size int, at Time) {
	if c.state != connOpen {
		return
	}
	n.Bytes += int64(size)
	if c.host.Spec.Server && c.Peer.Spec.Server {
		n.ServerBytes += int64(size)
	}
	n.transmit(c, &segment{kind: segData, to: c.other, m: m, size: size}, at)
}

// transmit sends a segment from c's end, or queues it while the direction waits.
func (n *Network) transmit(c *Conn, s *segment, at Time) {
	if c.stalled {
		c.queue = append(c.queue, *s)
		c.lossAfter++
		if c.lossAfter == 3 && !c.lossRepair && !n.blocked(c) {
			// Three later segments: the duplicate acks repair it after one round trip.
			c.lossRepair = true
			n.post(at+2*n.spec.Latency, &segment{kind: segFlush, to: c, gen: c.stallGen})
		}
		return
	}
	lost := false
	if len(n.rules) > 0 || !c.Peer.Up || c.unacked > 0 {
		lost = n.lostNow(c, s.size)
	}
	if lost {
		n.stall(c, s, at)
		return
	}
	n.deliver(c, s, at)
}

// lostNow draws the fate of a segment that leaves c's end.
func (n *Network) lostNow(c *Conn, size int) bool {
	if !c.Peer.Up {
		return true
	}
	if n.cut(c.host, c.Peer, c.Port.Class, true) {
		return true
	}
	if n.cut(c.Peer, c.host, c.Port.Class, false) {
		c.unacked += size + 1
		if c.unacked > ackedWindow {
			return true
		}
		n.list(c)
	} else {
		c.unacked = 0
	}
	return n.lossy(c.host, c.Peer, c.Port.Class)
}

// blocked says whether a segment from c's end would be lost or never acknowledged.
func (n *Network) blocked(c *Conn) bool {
	return !c.Peer.Up || n.cut(c.host, c.Peer, c.Port.Class, false) || n.cut(c.Peer, c.host, c.Port.Class, false)
}

func (n *Network) stall(c *Conn, s *segment, at Time) {
	c.stalled = true
	c.stallFrom = at
	c.stallGen++
	c.lossAfter, c.lossRepair = 0, false
	c.queue = append(c.queue, *s)
	n.list(c)
	n.post(at+giveUpAfter, &segment{kind: segGiveUp, to: c, gen: c.stallGen})
	if !n.blocked(c) {
		// Random loss: the retransmission timer is the last resort.
		n.post(at+rtoFirst, &segment{kind: segFlush, to: c, gen: c.stallGen})
	}
}

func (n *Network) list(c *Conn) {
	if !c.listed {
		c.listed = true
		n.stalls = append(n.stalls, c)
	}
}

// giveUpAfter is when the last of 15 retransmissions stays unanswered: 924.6 s.
var giveUpAfter = func() Time {
	sum, rto := Time(0), rtoFirst
	for range tcpRetries + 1 {
		sum += rto
		rto = min(2*rto, rtoMax)
	}
	return sum
}()

// nextRetransmission is the first retransmission of a segment first sent at from that is due at
// or after now.
func nextRetransmission(from, now Time) Time {
	t, rto := from+rtoFirst, rtoFirst
	for t < now {
		rto = min(2*rto, rtoMax)
		t += rto
	}
	return t
}

// recheck is called whenever a cut was healed or a machine came up: each waiting direction will
// notice when its next retransmission is due.
func (n *Network) recheck() {
	kept := n.stalls[:0]
	for _, c := range n.stalls {
		if !c.stalled {
			if c.unacked > 0 && n.cut(c.Peer, c.host, c.Port.Class, false) {
				kept = append(kept, c)
				continue
			}
			c.unacked = 0
			c.listed = false
			continue
		}
		kept = append(kept, c)
		if !n.blocked(c) {
			n.post(nextRetransmission(c.stallFrom, n.w.Now()), &segment{kind: segFlush, to: c, gen: c.stallGen})
		}
	}
	for i := len(kept); i < len(n.stalls); i++ {
		n.stalls[i] = nil
	}
	n.stalls = kept
}

// deliver puts a segment on the wire: the sender's NIC, the way, the receiver's NIC, in order.
func (n *Network) deliver(c *Conn, s *segment, at Time) {
	if len(n.rules) == 0 || !n.squeeze(0, c, s, at) {
		n.wire(c, s, at)
	}
}

func (n *Network) wire(c *Conn, s *segment, at Time) {
	arrive := n.arrival(c.host, c.Peer, c.Port.Class, s.size, at)
	if arrive < c.last {
		arrive = c.last
	}
	c.last = arrive
	n.post(arrive, s)
}

func (n *Network) arrival(from, to *Host, class PortClass, size int, at Time) Time {
	if from == to {
		return at + loopback
	}
	lat, jit := n.spec.Latency, n.spec.Jitter
	bw := n.spec.Bandwidth
	if len(n.rules) > 0 {
		lat, jit = n.shape(from, to, class, lat, jit)
	}
	if jit > 0 {
		lat = max(0, lat+n.rnd.Range(-jit, jit))
	}
	if bw == 0 {
		return at + lat
	}
	d := transferTime(size, bw)
	leave := max(at, from.nicOut) + d
	from.nicOut = leave
	from.nicBusy += d
	return leave + lat
}

// received books a segment on the receiver's NIC in order of arrival. It returns false if the NIC
// was busy with others: then the segment is posted again for when it is through.
func (n *Network) received(s *segment) bool {
	h := s.to.host
	if n.spec.Bandwidth == 0 || s.taken || h == s.to.Peer {
		return true
	}
	now := n.w.Now()
	done := h.nicIn + transferTime(s.size, n.spec.Bandwidth)
	if done <= now {
		h.nicIn = now
		return true
	}
	h.nicIn = done
	s.taken = true
	n.post(done, s)
	return false
}

// transferTime is size bytes at bw bytes/s, rounded up.
func transferTime(size int, bw int64) Time {
	return Time((int64(size)*int64(Second) + bw - 1) / bw)
}

func (n *Network) post(at Time, s *segment) {
	var i uint32
	if k := len(n.free); k > 0 {
		i = n.free[k-1]
		n.free = n.free[:k-1]
		n.flight[i] = *s
	} else {
		i = uint32(len(n.flight))
		n.flight = append(n.flight, *s)
	}
	n.w.K.At(at, n.node, uint16(s.kind), i)
}

// Handle is the arrival of a segment or a timer of TCP.
func (n *Network) Handle(e Event) {
	slot := &n.flight[e.Arg]
	s := *slot
	slot.to, slot.m = nil, nil
	n.free = append(n.free, e.Arg)
	c := s.to
	switch s.kind {
	case segData:
		if n.received(&s) {
			n.arriveData(c, s.m)
		}
	case segFIN:
		if n.received(&s) {
			n.arriveEnd(c, CloseFIN)
		}
	case segRST:
		n.arriveEnd(c, CloseReset)
	case segSYN:
		n.syn(c, Time(s.size))
	case segAccept:
		n.established(c, s.m)
	case segFlush:
		if c.stalled && c.stallGen == s.gen {
			n.flush(c)
		}
	case segGiveUp:
		if c.stalled && c.stallGen == s.gen {
			c.stalled, c.queue = false, nil
			n.notify(c, CloseTimeout)
		}
	case segPiped:
		if p := s.m.(*pipe); p.gen == s.gen {
			n.piped(p)
		}
	}
}

func (n *Network) arriveData(c *Conn, m any) {
	if c.state == connOpen && c.p != nil {
		p := c.p
		c.unread++
		lane, cost := -1, Time(0)
		if p.coster != nil && p.prog != nil {
			lane, cost = p.coster.Cost(c, m)
		}
		if lane < 0 && cost == 0 && !p.paused {
			p.lane, p.debt, p.block = -1, 0, 0
			p.receive(c, m)
			return
		}
		p.enqueue(&item{what: itemReceive, conn: c, m: m, lane: int32(lane)}, cost)
		return
	}
	n.answerReset(c)
}

// answerReset: data for a socket that does not exist any more is answered with RST.
func (n *Network) answerReset(c *Conn) {
	if c.host.Up && c.other.state == connOpen {
		n.post(n.arrival(c.host, c.Peer, c.Port.Class, 0, n.w.Now()), &segment{kind: segRST, to: c.other})
	}
}

func (n *Network) arriveEnd(c *Conn, why CloseReason) {
	if c.state == connOpen {
		n.notify(c, why)
	}
}

// notify tells the process of an end that its connection is over.
func (n *Network) notify(c *Conn, why CloseReason) {
	if c.p == nil {
		return
	}
	c.p.enqueue(&item{what: itemClosed, conn: c, why: why, lane: -1}, 0)
}

// flush is a retransmission that may get through: everything that waited follows it.
func (n *Network) flush(c *Conn) {
	if n.blocked(c) {
		return // the next heal schedules another
	}
	now := n.w.Now()
	queue := c.queue
	c.stalled, c.queue, c.unacked = false, nil, 0
	for i := range queue {
		if c.stalled { // lost again
			c.queue = append(c.queue, queue[i:]...)
			return
		}
		n.transmit(c, &queue[i], now)
	}
}

// syn is one attempt to connect; tried is the time since the first.
func (n *Network) syn(c *Conn, tried Time) {
	if c.state != connDialing || c.p == nil {
		return
	}
	now := n.w.Now()
	if !c.Peer.Up || n.cut(c.host, c.Peer, c.Port.Class, true) || n.cut(c.Peer, c.host, c.Port.Class, false) ||
		len(n.rules) > 0 && (n.lossy(c.host, c.Peer, c.Port.Class) || n.lossy(c.Peer, c.host, c.Port.Class)) {
		if tried >= synGiveUp {
			c.p.enqueue(&item{what: itemConnected, conn: c, m: ErrTimeout, lane: -1}, 0)
			return
		}
		next := tried + synFirst // the pauses double: again after 1, 3, 7 ... 63 s
		n.post(now+next, &segment{kind: segSYN, to: c, size: int(tried + next)})
		return
	}
	there := n.arrival(c.host, c.Peer, c.Port.Class, 0, now)
	n.post(there, &segment{kind: segAccept, to: c})
}

// established runs twice: at the server when the SYN arrives, and at the client when its answer does.
func (n *Network) established(c *Conn, answer any) {
	if answer != nil {
		err, _ := answer.(error)
		if c.state != connDialing || c.p == nil {
			if c.other != nil && c.other.state == connOpen {
				n.transmit(c, &segment{kind: segRST, to: c.other}, n.w.Now())
			}
			return
		}
		if err == nil {
			c.state = connOpen
		}
		c.p.enqueue(&item{what: itemConnected, conn: c, m: answer, lane: -1}, 0)
		return
	}
	if c.state != connDialing || c.p == nil || !c.Peer.Up {
		return
	}
	back := n.arrival(c.Peer, c.host, c.Port.Class, 0, n.w.Now())
	server := n.listen[listenKey{c.Peer.ID, c.Port.Num}]
	if server == nil || server.dead || n.refused(c.host, c.Peer, c.Port.Class) {
		n.post(back, &segment{kind: segAccept, to: c, m: ErrRefused})
		return
	}
	s := &Conn{Peer: c.host, Port: c.Port, host: c.Peer, other: c, state: connOpen}
	s.attach(server)
	c.other = s
	s.last = back
	server.enqueue(&item{what: itemAccept, conn: s, lane: -1}, 0)
	n.post(back, &segment{kind: segAccept, to: c, m: connectedOK{}})
}

// connectedOK is the SYN-ACK.
type connectedOK struct{}
