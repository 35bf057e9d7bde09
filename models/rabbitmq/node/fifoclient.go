package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// quorum_commands_soft_limit and TIMER_TIME of rabbit_fifo_client.erl.
const (
	fifoSoftLimit = 32
	fifoTimer     = 10 * sim.Second
	fifoMark      = 1<<32 - 1 // creation of pids that stand for a quorum queue, and are no process
)

// fifoClient is what a channel has of a quorum queue that it publishes to or consumes from
// (rabbit_fifo_client.erl): commands go to the leader in a pipeline, and again to the next leader until
// they are known to be applied.
type fifoClient struct {
	ch      *channel
	id      uint32
	queue   string
	rep     *replica // stands for the queue in the publishes that wait; nil before the first
	leader  int      // node, -1: not known
	seq     uint64   // of the last enqueue
	base    uint64   // correlation of pending[0]
	pending []fifoCommand
	head    int
	open    int
	slow    bool
	timer   bool
	gen     uint32
	stuck   int // 1 + the node whose absence has this channel nacked (quirk fresh-channel-nacked)
	opened  bool
	resent  uint64 // the newest command when everything was sent again
}

// fifoCommand is a command without an answer. seq is the channel's number of a publish.
type fifoCommand struct {
	cmd  *wire.Command
	seq  uint64
	done bool
}

// fifo is the channel's client of a quorum queue.
func (ch *channel) fifo(queue string) *fifoClient {
	for _, f := range ch.fifos {
		if f.queue == queue {
			return f
		}
	}
	f := &fifoClient{ch: ch, queue: queue, id: uint32(len(ch.fifos) + 1), leader: -1, base: 1}
	ch.fifos = append(ch.fifos, f)
	return f
}

// mark is a pid that stands for the queue.
func (f *fifoClient) mark() wire.Pid {
	return wire.Pid{Node: uint16(f.ch.n.index), Creation: fifoMark, Serial: f.id}
}

// fifoOf is the client behind a mark, nil if the pid is a process.
func (ch *channel) fifoOf(pid wire.Pid) *fifoClient {
	if pid.Creation != fifoMark || int(pid.Serial) > len(ch.fifos) || pid.Serial == 0 {
		return nil
	}
	return ch.fifos[pid.Serial-1]
}

// pick chooses the member that commands go to: the leader, once one is known; else the first of the record,
// whose list begins with the recorded leader. From 3.8.10 to 3.12.4 that one was asked for a version first:
// while its node is away every publish on this channel is nacked [rule 114]. Since 3.12.5 it is the first
// whose node is connected.
func (f *fifoClient) pick() bool {
	n := f.ch.n
	r := n.meta.get(f.queue)
	if f.leader >= 0 || r == nil {
		return true
	}
	first := int(r.Master.Node)
	if n.k.Rules.FreshNacked {
		if f.stuck == 0 && !f.opened {
			f.stuck = first + 1
		}
		if f.stuck > 0 && !n.nodeUp(f.stuck-1) {
			f.ch.stuck = f
			return false
		}
		f.stuck = 0
	}
	f.opened = true
	f.leader = first
	if n.k.Rules.FreshNext && !n.nodeUp(first) {
		for _, m := range r.Members {
			if n.nodeUp(int(m)) {
				f.leader = int(m)
				break
			}
		}
	}
	return true
}

// waitForNode: each publish of a channel that asks an absent node waits until a connection to it is set up or
// has failed: at once if nobody listens there, after net_setuptime if nobody answers [rule 114].
func (ch *channel) waitForNode(m *wire.Publish) bool {
	n, node := ch.n, ch.stuck.stuck-1
	if node < 0 || n.nodeUp(node) {
		ch.stuck = nil
		return false
	}
	n.links[node].dial()
	ch.busy, ch.waiting = true, m
	n.p.After(2*sim.Millisecond, timerStuck, ch.pr.pid.Serial)
	return true
}

func (n *Node) stuckTimer(serial uint32) {
	pr := n.procs[serial&(1<<slotBits-1)]
	if pr == nil || pr.pid.Serial != serial {
		return
	}
	ch, ok := pr.act.(*channel)
	if !ok || ch.ended || ch.waiting == nil {
		return
	}
	if l := n.links[ch.stuck.stuck-1]; !l.up && l.conn != nil {
		n.p.After(20*sim.Millisecond, timerStuck, serial)
		return
	}
	m := ch.waiting
	ch.waiting = nil
	ch.publish(m)
	ch.release()
}

// enqueue publishes; the answer settles the publish of the channel's number seq.
func (f *fifoClient) enqueue(m *wire.Publish, seq uint64) bool {
	if !f.pick() {
		return false
	}
	f.seq++
	f.push(&wire.Command{Kind: wire.RaEnqueue, From: f.ch.pr.pid, Seq: f.seq, Key: m.Key, Content: m.Content}, seq)
	return true
}

func (f *fifoClient) push(c *wire.Command, seq uint64) {
	c.Corr = f.base + uint64(len(f.pending))
	f.pending = append(f.pending, fifoCommand{cmd: c, seq: seq})
	f.open++
	f.send(c)
	if f.open >= fifoSoftLimit && !f.slow {
		f.slow = true
		f.ch.blocked++
		f.setTimer()
	}
}

func (f *fifoClient) send(c *wire.Command) {
	f.ch.n.castMember(f.leader, &wire.RaCommand{Queue: f.queue, Cmd: c})
}

func (f *fifoClient) setTimer() {
	if f.timer {
		return
	}
	f.timer = true
	n := f.ch.n
	n.ra.timers = append(n.ra.timers, f)
	n.p.After(fifoTimer, timerFifo, uint32(len(n.ra.timers)-1))
}

// fifoTimeout looks for the leader and gives it everything that is pending (handle_ra_event, timeout).
func (n *Node) fifoTimeout(i uint32) {
	f := n.ra.timers[i]
	n.ra.timers[i] = nil
	f.timer = false
	if f.ch.ended || f.open == 0 {
		return
	}
	n.p.Probe("rabbitmq-fifo-client-timeout")
	r := n.meta.get(f.queue)
	if r == nil {
		return
	}
	f.gen = 1
	for _, m := range r.Members { // a member of this node answers first
		if n.nodeUp(int(m)) {
			n.castMember(int(m), &wire.RaWho{Queue: f.queue, From: f.ch.pr.pid})
		}
	}
}

// event takes what a member says.
func (ch *channel) raEvent(m *wire.RaEvent) {
	f := ch.fifo(m.Queue)
	switch m.Kind {
	case wire.RaApplied:
		f.leader = int(m.Node)
		f.applied(m.Corrs, false)
	case wire.RaNotStored:
		f.applied(m.Corrs, true)
	case wire.RaRejected:
		// resend, to the leader that it names; if it names none, a new leader will call, or the timer
		switch {
		case m.Leader < 0:
			f.setTimer()
		case m.Leader != f.leader:
			f.leader = m.Leader
			f.resend()
		case int(m.Node) == m.Leader && slices.Max(m.Corrs) > f.resent:
			f.resend() // something before it was lost on the way
		default:
			f.setTimer() // what was sent again already
		}
	case wire.RaLeaderChange:
		f.leader = int(m.Node)
		f.resend()
	case wire.RaLeaderIs:
		if m.Leader >= 0 && f.gen != 0 {
			f.gen = 0
			f.leader = m.Leader
			f.resend()
		} else if f.gen != 0 {
			f.setTimer()
		}
	case wire.RaDeleted:
		ch.quorumDeleted(m.Queue)
	}
}

// resend gives the leader everything that is pending, in order.
func (f *fifoClient) resend() {
	f.resent = f.base + uint64(len(f.pending)) - 1
	for i := f.head; i < len(f.pending); i++ {
		if p := &f.pending[i]; !p.done {
			f.send(p.cmd)
		}
	}
}

// applied settles commands.
func (f *fifoClient) applied(corrs []uint64, reject bool) {
	ch := f.ch
	for _, corr := range corrs {
		if corr < f.base || corr-f.base >= uint64(len(f.pending)) {
			continue
		}
		p := &f.pending[corr-f.base]
		if p.done {
			continue
		}
		p.done = true
		p.cmd = nil
		f.open--
		if p.seq > 0 {
			ch.quorumConfirmed(f.rep, p.seq, reject)
		}
	}
	for f.head < len(f.pending) && f.pending[f.head].done {
		f.head++
	}
	if f.head == len(f.pending) {
		f.base += uint64(len(f.pending))
		f.pending, f.head = f.pending[:0], 0
	} else if f.head > 1024 && 2*f.head > len(f.pending) {
		k := copy(f.pending, f.pending[f.head:])
		clear(f.pending[k:])
		f.pending = f.pending[:k]
		f.base += uint64(f.head)
		f.head = 0
	}
	if f.slow && f.open < fifoSoftLimit {
		f.slow = false
		ch.blocked--
		ch.unblocked()
	}
	if ch.settled > 0 {
		ch.pr.poke()
	}
}

// quorumConfirmed settles a publish as far as this queue goes.
func (ch *channel) quorumConfirmed(rep *replica, seq uint64, reject bool) {
	o := ch.at(seq)
	if o == nil || o.state != isOpen {
		return
	}
	if reject {
		ch.reject(o)
		return
	}
	if o.pending&rep.bit != 0 {
		o.pending &^= rep.bit
		o.got |= rep.bit
	}
	for i := range o.rest {
		if p := &o.rest[i]; p.pending&rep.bit != 0 {
			p.pending &^= rep.bit
			p.got |= rep.bit
		}
	}
	ch.check(o, seq)
}

// sendQuorum publishes to a quorum queue and returns the bit that stands for it; 0 is a nack.
func (ch *channel) sendQuorum(m *wire.Publish, queue string) uint64 {
	f := ch.fifo(queue)
	seq := uint64(0)
	if ch.confirming {
		seq = ch.seq
	}
	if f.rep == nil {
		f.rep = ch.newReplica(f.mark())
	}
	if !f.enqueue(m, seq) {
		return 0
	}
	return f.rep.bit
}

// deliverQuorum takes a delivery. One that comes again is not passed on; a gap is asked for.
func (ch *channel) deliverQuorum(m *wire.ToChannel) {
	for _, s := range ch.consumers {
		if s.tag != m.Tag || s.queue != m.Queue {
			continue
		}
		f := ch.fifo(m.Queue)
		if m.Seq > s.next && !m.Again {
			if now := ch.n.p.Now(); s.asked != 0 && now < s.asked+sim.Second {
				break // the answer is on its way
			} else {
				s.asked = now + 1
			}
			ch.n.p.Probe("rabbitmq-missing-deliveries")
			ch.n.castMember(int(m.From.Node), &wire.RaWho{Queue: m.Queue, From: ch.pr.pid, Missing: true, Tag: m.Tag, First: s.next})
			break
		}
		if m.Seq < s.next {
			break
		}
		s.next = m.Seq + 1
		f.leader = int(m.From.Node)
		if m.NoAck {
			f.push(&wire.Command{Kind: wire.RaSettle, From: ch.pr.pid, Tag: m.Tag, IDs: []uint64{m.Seq}}, 0)
		}
		m.From = s.pid
		ch.deliver(m)
		return
	}
	ch.n.k.Pool.Deliv.Put(m)
}

// settleQuorum passes acks and rejects on. The deliveries of a channel from one queue are those of one
// consumer.
func (f *fifoClient) settle(m *wire.Settle) {
	kind := wire.RaSettle
	switch m.How {
	case wire.SettleRequeue:
		kind = wire.RaReturn
	case wire.SettleDiscard:
		kind = wire.RaDiscard
	}
	for _, s := range f.ch.consumers {
		if s.queue == f.queue {
			f.push(&wire.Command{Kind: kind, From: f.ch.pr.pid, Tag: s.tag, IDs: slices.Clone(m.Seqs)}, 0)
			break
		}
	}
	seqs := m.Seqs[:0]
	f.ch.n.k.Pool.Settle.Put(m)
	m.Seqs = seqs
}

// quorumDeleted: the queue is gone. What waits for it is acknowledged, its consumers are cancelled
// [rule 14].
func (ch *channel) quorumDeleted(queue string) {
	for _, f := range ch.fifos {
		if f.queue != queue {
			continue
		}
		if f.rep != nil && ch.replica(f.mark()) != nil {
			ch.down(f.mark(), false, true)
			f.rep = nil
		}
		f.base += uint64(len(f.pending))
		f.pending, f.head, f.open = nil, 0, 0
		if f.slow {
			f.slow = false
			ch.blocked--
			ch.unblocked()
		}
		f.seq, f.leader, f.opened = 0, -1, false
		ch.consumingDown(f.mark(), true)
	}
}
