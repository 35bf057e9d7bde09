package node

import (
	"math/bits"
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// channel is a channel process (rabbit_channel.erl with rabbit_confirms.erl and rabbit_classic_queue.erl).
type channel struct {
	n       *Node
	pr      *process
	d       *conn
	num     uint16
	ended   bool
	handled int // credit_flow toward the reader
	granted int // withheld while a queue has no credit for this channel

	confirming bool
	seq        uint64 // of the last publish in confirm mode
	window     []open // publishes without an answer
	head       int
	base       uint64 // number of window[head]
	settled    int    // of window: to be answered at the next idle

	replicas []*replica // of all queues it has published to
	blocked  int        // replicas without credit

	consumers []*subscription
	unacked   []delivery
	dhead     int
	dtag      uint64
	prefetch  uint16
	sent      map[wire.Pid]int // deliveries since the last notify_sent
	busy      bool             // a synchronous call is under way
	held      []wire.Method
	scratch   []*wire.Settle
	watched   map[uint64]sim.MsgID // by number; see watch
	fifos     []*fifoClient        // of quorum queues
	stuck     *fifoClient          // that nacks because a node is away
	waiting   *wire.Publish        // while a connection to that node is being set up
}

// replica is a queue process as a publishing channel sees it.
type replica struct {
	pid     wire.Pid
	bit     uint64 // 0: gone
	credit  int
	blocked bool
}

// open is a publish that waits for its confirm: rule 11's pending and confirmed processes.
type open struct {
	pending uint64 // bits of replicas
	got     uint64
	sent    uint64 // bits of all that it was sent to
	state   openState
	queues  uint8      // that have not settled
	rest    []openPart // of a message that went to several queues
}

type openPart struct {
	pending, got uint64
}

type openState uint8

const (
	isOpen openState = iota
	isAcked
	isNacked
	isAnswered
)

// delivery is an unacked delivery of the channel.
type delivery struct {
	tag  uint64
	from wire.Pid
	seq  uint64
	done bool
}

// subscription is one consumer of the channel.
type subscription struct {
	tag      string
	queue    string
	noAck    bool
	cancel   bool // x-cancel-on-ha-failover
	prefetch uint16
	priority int32
	pid      wire.Pid // of the queue process, or what stands for a quorum queue; zero while none
	next     uint64   // quorum queues: the delivery that is expected
	asked    sim.Time // when it was asked for last, plus a nanosecond; 0: never
}

func (n *Node) newChannel(d *conn, num uint16) *channel {
	ch := &channel{n: n, d: d, num: num, base: 1, sent: map[wire.Pid]int{}}
	ch.pr = n.spawn(ch)
	ch.pr.lane = d.lane // one lane for all processes of a connection
	return ch
}

func (ch *channel) tag() wire.Chan { return wire.Chan{Channel: ch.num} }

func (ch *channel) end() {
	if ch.ended {
		return
	}
	ch.ended = true
	ch.n.calls.drop(ch)
	ch.d.channels = slices.DeleteFunc(ch.d.channels, func(x *channel) bool { return x == ch })
	ch.pr.exit(false, false)
}

// fail closes the channel with an error.
func (ch *channel) fail(code uint16, text string) {
	ch.d.send(&wire.ChannelClose{Chan: ch.tag(), Code: code, Text: text})
	ch.end()
}

// method handles a method of the client. While a synchronous call is under way the channel process does
// nothing else.
func (ch *channel) method(m wire.Method) {
	if ch.busy {
		ch.held = append(ch.held, m)
		return
	}
	switch m := m.(type) {
	case *wire.Publish:
		if ch.stuck == nil || !ch.waitForNode(m) {
			ch.publish(m)
		}
	case *wire.Ack:
		ch.settle(m.Tag, m.Multiple, wire.SettleAck)
		ch.n.k.Pool.Ack.Put(m)
	case *wire.Nack:
		how := wire.SettleDiscard
		if m.Requeue {
			how = wire.SettleRequeue
		}
		ch.settle(m.Tag, m.Multiple, how)
		ch.n.k.Pool.Nack.Put(m)
	case *wire.ConfirmSelect:
		ch.confirming = true
		ch.d.send(&wire.ConfirmSelectOk{Chan: ch.tag()})
	case *wire.Qos:
		ch.prefetch = m.Prefetch
		ch.d.send(&wire.QosOk{Chan: ch.tag()})
	case *wire.Consume:
		ch.consume(m)
	case *wire.Cancel:
		ch.cancel(m)
	case *wire.QueueDeclare:
		ch.declare(m)
	case *wire.QueueDelete:
		ch.delete(m)
	case *wire.ExchangeDeclare:
		ch.d.send(&wire.ExchangeDeclareOk{Chan: ch.tag()})
	case *wire.QueueBind:
		ch.busy = true
		ch.n.transact(&tx{Op: opBind, Name: m.Queue, Pol: Policy{Name: m.Exchange}}, func(bool) {
			ch.answer(&wire.QueueBindOk{Chan: ch.tag()})
		})
	case *wire.ChannelClose:
		ch.d.send(&wire.ChannelCloseOk{Chan: ch.tag()})
		ch.end()
	}
}

// answer ends a synchronous call with a method to the client.
func (ch *channel) answer(m wire.Message) {
	if ch.ended {
		return
	}
	ch.d.send(m)
	ch.release()
}

// release goes on with what waited behind a synchronous call.
func (ch *channel) release() {
	ch.busy = false
	for len(ch.held) > 0 && !ch.busy && !ch.ended {
		m := ch.held[0]
		ch.held = ch.held[1:]
		ch.method(m)
	}
}

// publish routes on this node's tables and casts the message to every replica of every queue [rule 7].
func (ch *channel) publish(m *wire.Publish) {
	n := ch.n
	ch.d.publishes = true
	ch.d.credit--
	if ch.confirming {
		ch.seq++
		ch.window = append(ch.window, open{})
		if n.k.Rules.AckInFlight && n.p.W.Watching() {
			ch.watch(m)
		}
	}
	routed := false
	if m.Exchange == "" {
		routed = ch.send(m, m.Key)
	} else {
		for _, b := range n.meta.Bindings {
			if b.Exchange == m.Exchange && ch.send(m, b.Queue) {
				routed = true
			}
		}
	}
	switch {
	case !routed:
		ch.unroutable(m)
	case ch.confirming:
		ch.check(&ch.window[len(ch.window)-1], ch.seq)
	}
	ch.creditReader()
	n.k.Pool.Publish.Put(m)
}

// unroutable: dropped and acknowledged; with mandatory, returned first [rule 16].
func (ch *channel) unroutable(m *wire.Publish) {
	n := ch.n
	if m.Mandatory {
		ch.d.send(&wire.Return{Chan: ch.tag(), Code: wire.NoRoute, Exchange: m.Exchange, Key: m.Key, Content: m.Content})
	} else if ch.confirming && n.p.W.Watching() {
		if id, ok := wire.BodyOf(&n.p.W.Arena, &m.Content); ok {
			n.p.W.Note(id, "acked-while-home-down", n.p.Host, m.Key+" is in no routing table")
		}
	}
	if ch.confirming {
		o := &ch.window[len(ch.window)-1]
		o.state = isAcked
		ch.settled++
		ch.pr.poke()
	}
}

// send casts a message to the processes of one queue; false: the queue is not in the routing table.
func (ch *channel) send(m *wire.Publish, queue string) bool {
	n := ch.n
	r := n.meta.get(queue)
	if r == nil || !r.Routed {
		return false
	}
	pending := uint64(0)
	if r.Args.IsQuorum() {
		pending = ch.sendQuorum(m, queue)
	} else {
		id := n.nextGUID()
		pending = ch.castTo(m, r.Master, id, false)
		for _, pid := range r.Mirrors {
			pending |= ch.castTo(m, pid, id, true)
		}
	}
	if !ch.confirming {
		return true
	}
	o := &ch.window[len(ch.window)-1]
	o.sent |= pending
	if o.queues++; o.queues == 1 {
		o.pending = pending
	} else {
		o.rest = append(o.rest, openPart{pending: pending})
	}
	return true
}

// castTo sends one copy and returns the replica's bit; 0 if it is down already.
func (ch *channel) castTo(m *wire.Publish, pid wire.Pid, id wire.GUID, mirror bool) uint64 {
	n := ch.n
	if !n.alive(pid) {
		return 0
	}
	rep := ch.replica(pid)
	if rep == nil {
		rep = ch.newReplica(pid)
	}
	c := n.k.Pool.ToQueue.Get()
	c.To, c.From, c.ID, c.Key, c.Exch, c.Mirror, c.Content = pid, ch.pr.pid, id, m.Key, m.Exchange, mirror, m.Content
	if ch.confirming {
		c.Seq = ch.seq
	}
	rep.credit--
	if mirror && n.k.Rules.DoubleDebit {
		rep.credit--
	}
	if rep.credit <= 0 && !rep.blocked {
		rep.blocked = true
		ch.blocked++
	}
	n.cast(pid, c)
	return rep.bit
}

// replica is the entry of a queue process, nil if there is none. They are few.
func (ch *channel) replica(pid wire.Pid) *replica {
	for _, r := range ch.replicas {
		if r.pid == pid {
			return r
		}
	}
	return nil
}

func (ch *channel) newReplica(pid wire.Pid) *replica {
	used := uint64(0)
	for _, r := range ch.replicas {
		used |= r.bit
	}
	free := bits.TrailingZeros64(^used)
	rep := &replica{pid: pid, credit: creditInitial}
	if free < 64 {
		rep.bit = 1 << free
	} else {
		ch.n.p.W.Violate("channel-replicas", "a channel publishes to more than 64 queue processes")
	}
	ch.replicas = append(ch.replicas, rep)
	return rep
}

// creditReader lets the reader go on: 200 for each 200 handled, but nothing while a queue has no credit
// for this channel (credit_flow:ack, deferred while blocked).
func (ch *channel) creditReader() {
	if ch.handled++; ch.handled >= creditMore {
		ch.handled = 0
		ch.granted += creditMore
	}
	if ch.blocked == 0 && ch.granted > 0 {
		stopped := ch.d.credit <= 0
		ch.d.credit += ch.granted
		ch.granted = 0
		if stopped {
			ch.d.resume()
		}
	}
}

func (ch *channel) unblocked() {
	if ch.blocked == 0 && ch.granted > 0 {
		ch.d.credit += ch.granted
		ch.granted = 0
		ch.d.resume()
	}
}

// bump takes credit from a queue process.
func (ch *channel) bump(m *wire.Credit) {
	rep := ch.replica(m.From)
	if rep == nil {
		return
	}
	rep.credit += int(m.N)
	if rep.blocked && rep.credit > 0 {
		rep.blocked = false
		ch.blocked--
		ch.unblocked()
	}
}
