package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

func (ch *channel) handle(m wire.Message) {
	switch m := m.(type) {
	case *wire.Confirm:
		ch.confirmed(m)
	case *wire.ToChannel:
		if m.Ra {
			ch.deliverQuorum(m)
			return
		}
		ch.deliver(m)
	case *wire.RaEvent:
		ch.raEvent(m)
	case *wire.Credit:
		ch.bump(m)
	case *wire.Down:
		ch.down(m.Pid, m.Abnormal, m.Deleted)
		ch.consumingDown(m.Pid, m.Deleted)
	case *wire.Reply:
		ch.n.calls.reply(ch.n, m)
	}
}

// at is the open publish of a number, nil if it has been answered.
func (ch *channel) at(seq uint64) *open {
	if seq < ch.base || seq-ch.base >= uint64(len(ch.window)-ch.head) {
		return nil
	}
	return &ch.window[ch.head+int(seq-ch.base)]
}

// confirmed takes a queue process's confirms [rule 12].
func (ch *channel) confirmed(m *wire.Confirm) {
	rep := ch.replica(m.From)
	if rep != nil {
		for _, seq := range m.Seqs {
			o := ch.at(seq)
			if o == nil || o.state != isOpen {
				continue
			}
			if m.Reject {
				ch.reject(o)
				continue
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
	}
	seqs := m.Seqs[:0]
	ch.n.k.Pool.Confirm.Put(m)
	m.Seqs = seqs
}

// check settles a publish whose processes have all confirmed or gone down: a queue of which somebody
// confirmed has it; one of which nobody did rejects it (until 3.7 that was an ack, PR 1893), and any
// rejection nacks the whole message [rules 10, 12, 15].
func (ch *channel) check(o *open, seq uint64) {
	if o.state != isOpen || o.pending != 0 {
		return
	}
	ok := o.got != 0
	for i := range o.rest {
		if o.rest[i].pending != 0 {
			if ok || ch.n.k.Rules.AckInFlight {
				return
			}
		} else if o.rest[i].got == 0 {
			ok = false
		}
	}
	if ok || ch.n.k.Rules.AckInFlight {
		o.state = isAcked
		ch.verify(o)
		if !ok {
			ch.noteInFlight(seq)
		}
	} else {
		o.state = isNacked
	}
	ch.settled++
	ch.pr.poke()
}

// watch remembers, in a watched run of a version that needs it, which message a publish carries.
func (ch *channel) watch(m *wire.Publish) {
	if id, ok := wire.BodyOf(&ch.n.p.W.Arena, &m.Content); ok {
		if ch.watched == nil {
			ch.watched = map[uint64]sim.MsgID{}
		}
		ch.watched[ch.seq] = id
	}
}

func (ch *channel) noteInFlight(seq uint64) {
	if id, ok := ch.watched[seq]; ok {
		ch.n.p.W.Note(id, "acked-while-home-down", ch.n.p.Host, "in flight to a queue whose node died, acknowledged all the same")
	}
}

// verify is the invariant behind every confirm: each process that the message was sent to has confirmed
// it, or is down.
func (ch *channel) verify(o *open) {
	for _, rep := range ch.replicas {
		if o.sent&rep.bit == 0 || o.got&rep.bit != 0 {
			continue
		}
		got := false
		for i := range o.rest {
			got = got || o.rest[i].got&rep.bit != 0
		}
		if !got && ch.n.alive(rep.pid) {
			ch.n.p.W.Violate("confirm-without-replica", ch.n.p.Host.Name+" confirmed a publish that a live replica has not")
		}
	}
}

func (ch *channel) reject(o *open) {
	o.state = isNacked
	ch.settled++
	ch.pr.poke()
}

// down is 'DOWN' of a queue process. A benign reason takes it out of every pending set; a crash nacks all
// that waits for it, even where mirrors keep the message [rule 13]; the deletion of the queue acknowledges
// it [rule 14].
func (ch *channel) down(pid wire.Pid, abnormal, deleted bool) {
	rep := ch.replica(pid)
	if rep == nil {
		return
	}
	ch.replicas = slices.DeleteFunc(ch.replicas, func(r *replica) bool { return r == rep })
	for i := ch.head; i < len(ch.window); i++ {
		o := &ch.window[i]
		o.sent &^= rep.bit // down as this node sees it, also if the same process is back later
		if o.state == isOpen && ch.depends(o, rep.bit) {
			ch.dropped(o, ch.base+uint64(i-ch.head), rep.bit, abnormal, deleted)
		}
	}
	if rep.blocked {
		ch.blocked--
		ch.unblocked()
	}
}

func (ch *channel) depends(o *open, bit uint64) bool {
	if o.pending&bit != 0 {
		return true
	}
	for i := range o.rest {
		if o.rest[i].pending&bit != 0 {
			return true
		}
	}
	return false
}

func (ch *channel) dropped(o *open, seq, bit uint64, abnormal, deleted bool) {
	if abnormal {
		ch.reject(o)
		return
	}
	if o.pending&bit != 0 {
		o.pending &^= bit
		if deleted {
			o.got |= bit
		}
	}
	for i := range o.rest {
		if p := &o.rest[i]; p.pending&bit != 0 {
			p.pending &^= bit
			if deleted {
				p.got |= bit
			}
		}
	}
	ch.check(o, seq)
}

// nodeDown is 'DOWN' with reason noconnection of everything on a node.
func (ch *channel) nodeDown(i uint16) {
	for _, rep := range slices.Clone(ch.replicas) {
		if rep.pid.Node == i {
			ch.down(rep.pid, false, false)
		}
	}
	for _, s := range slices.Clone(ch.consumers) {
		if !s.pid.IsZero() && s.pid.Node == i {
			ch.consumingDown(s.pid, false)
		}
	}
}

func (ch *channel) watches(pid wire.Pid) bool {
	if ch.replica(pid) != nil {
		return true
	}
	for _, s := range ch.consumers {
		if s.pid == pid {
			return true
		}
	}
	return false
}

// idle answers what has been settled since the last time (send_confirms_and_nacks, coalesced). While the
// node is in a minority that is about to pause, nothing leaves [rule 25].
func (ch *channel) idle() {
	if ch.settled == 0 || ch.ended || !ch.n.guard() {
		return
	}
	cut := ch.cutOff()
	ch.coalesce(cut)
	for i := ch.head; i < len(ch.window) && ch.settled > 0; i++ {
		o := &ch.window[i]
		seq := ch.base + uint64(i-ch.head)
		switch o.state {
		case isAcked:
			ch.sendAck(seq, false)
		case isNacked:
			ch.sendNack(seq, false)
		default:
			continue
		}
		o.state = isAnswered
		ch.settled--
	}
	ch.settled = 0
	ch.shift()
}

// cutOff is the lowest number that is not to be acknowledged with a multiple: the smallest unconfirmed or
// negative one.
func (ch *channel) cutOff() uint64 {
	for i := ch.head; i < len(ch.window); i++ {
		if s := ch.window[i].state; s == isOpen || s == isNacked {
			return ch.base + uint64(i-ch.head)
		}
	}
	return ch.base + uint64(len(ch.window)-ch.head)
}

// coalesce acknowledges everything below the cut-off at once.
func (ch *channel) coalesce(cut uint64) {
	last, count := uint64(0), 0
	for seq := ch.base; seq < cut; seq++ {
		if o := ch.at(seq); o.state == isAcked {
			last = seq
			count++
			ch.settled--
			o.state = isAnswered
		}
	}
	if count > 0 {
		ch.sendAck(last, count > 1)
	}
}

func (ch *channel) sendAck(seq uint64, multiple bool) {
	m := ch.n.k.Pool.Ack.Get()
	m.Channel, m.Tag, m.Multiple = ch.num, seq, multiple
	ch.d.send(m)
}

func (ch *channel) sendNack(seq uint64, multiple bool) {
	m := ch.n.k.Pool.Nack.Get()
	m.Channel, m.Tag, m.Multiple = ch.num, seq, multiple
	ch.d.send(m)
}

// shift drops the answered head of the window.
func (ch *channel) shift() {
	for ch.head < len(ch.window) && ch.window[ch.head].state == isAnswered {
		ch.window[ch.head] = open{}
		ch.head++
		ch.base++
	}
	if ch.head == len(ch.window) {
		ch.window, ch.head = ch.window[:0], 0
	} else if ch.head > 1024 && ch.head*2 > len(ch.window) {
		k := copy(ch.window, ch.window[ch.head:])
		clear(ch.window[k:])
		ch.window, ch.head = ch.window[:k], 0
	}
}
