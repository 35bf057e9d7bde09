package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
)

// notFound is the error text of a queue that cannot be reached.
func (n *Node) notFound(queue string) string {
	if r := n.meta.get(queue); r != nil {
		return "NOT_FOUND - queue '" + queue + "' in vhost '/': home node is down or inaccessible"
	}
	return "NOT_FOUND - no queue '" + queue + "' in vhost '/'"
}

func (ch *channel) consume(m *wire.Consume) {
	s := &subscription{tag: m.Tag, queue: m.Queue, noAck: m.NoAck, cancel: m.CancelOnFailover, prefetch: ch.prefetch, priority: m.Priority}
	ch.busy = true
	ch.subscribe(s, func(ok bool) {
		if !ok {
			ch.fail(wire.NotFound, ch.n.notFound(m.Queue))
			return
		}
		ch.release()
	}, true)
}

// subscribe registers a consumer with the queue's process. The answer to the client precedes deliveries.
func (ch *channel) subscribe(s *subscription, done func(ok bool), first bool) {
	m := wire.Call{What: wire.CallConsume, Tag: s.tag, NoAck: s.noAck, Prefetch: s.prefetch, Priority: s.priority}
	if !slices.Contains(ch.consumers, s) {
		ch.consumers = append(ch.consumers, s)
	}
	ch.n.callQueue(s.queue, m, ch, func(r *wire.Reply) {
		if ch.ended {
			return
		}
		if r.Code != wire.ReplySuccess {
			ch.consumers = slices.DeleteFunc(ch.consumers, func(x *subscription) bool { return x == s })
			done(false)
			return
		}
		if first {
			ch.d.send(&wire.ConsumeOk{Chan: ch.tag(), Tag: s.tag})
		}
		s.pid = r.From
		if q := ch.n.meta.get(s.queue); q != nil && q.Args.IsQuorum() {
			f := ch.fifo(s.queue)
			f.leader = int(r.From.Node)
			s.pid = f.mark()
			done(true)
			return
		}
		done(true)
		if !ch.n.alive(s.pid) && !ch.ended {
			ch.consumingDown(s.pid, false) // it went between its answer and now
		}
	})
}

func (ch *channel) cancel(m *wire.Cancel) {
	i := slices.IndexFunc(ch.consumers, func(s *subscription) bool { return s.tag == m.Tag })
	if i < 0 {
		ch.d.send(&wire.CancelOk{Chan: ch.tag(), Tag: m.Tag})
		return
	}
	s := ch.consumers[i]
	ch.consumers = slices.Delete(ch.consumers, i, i+1)
	ch.busy = true
	ch.n.callQueue(s.queue, wire.Call{What: wire.CallCancel, Tag: s.tag}, ch, func(*wire.Reply) {
		ch.answer(&wire.CancelOk{Chan: ch.tag(), Tag: m.Tag})
	})
}

// consumingDown: the process that a consumer was registered with is gone. The channel registers it again,
// unseen by the client, or tells the client that it is cancelled: if it asked for that, if the queue was
// deleted, or if registering fails (handle_consuming_queue_down_or_eol) [rule 36].
func (ch *channel) consumingDown(pid wire.Pid, deleted bool) {
	delete(ch.sent, pid)
	for _, s := range slices.Clone(ch.consumers) {
		if s.pid != pid {
			continue
		}
		s.pid = wire.Pid{}
		if s.cancel || deleted {
			ch.cancelled(s)
			continue
		}
		ch.subscribe(s, func(ok bool) {
			if !ok {
				ch.cancelled(s)
			}
		}, false)
	}
}

func (ch *channel) cancelled(s *subscription) {
	ch.consumers = slices.DeleteFunc(ch.consumers, func(x *subscription) bool { return x == s })
	ch.d.send(&wire.Cancel{Chan: ch.tag(), Tag: s.tag})
}

// deliver passes a message on to the client.
func (ch *channel) deliver(m *wire.ToChannel) {
	n := ch.n
	ch.dtag++
	if !m.NoAck {
		ch.unacked = append(ch.unacked, delivery{tag: ch.dtag, from: m.From, seq: m.Seq})
	}
	d := n.k.Pool.Deliver.Get()
	d.Channel, d.ConsumerTag, d.Tag, d.Redelivered, d.Key, d.Content = ch.num, m.Tag, ch.dtag, m.Redelivered, m.Key, m.Content
	ch.d.send(d)
	if k := ch.sent[m.From] + 1; k >= unsentMore {
		ch.sent[m.From] = 0
		n.cast(m.From, &wire.Credit{To: m.From, From: ch.pr.pid, N: unsentMore, Sent: true})
	} else {
		ch.sent[m.From] = k
	}
	n.k.Pool.Deliv.Put(m)
}

// settle passes acks and rejects on to the queue processes that made the deliveries.
func (ch *channel) settle(tag uint64, multiple bool, how uint8) {
	ch.scratch = ch.scratch[:0]
	if multiple {
		if tag == 0 {
			tag = ch.dtag
		}
		for i := ch.dhead; i < len(ch.unacked) && ch.unacked[i].tag <= tag; i++ {
			ch.settleOne(&ch.unacked[i], how)
		}
	} else if i, ok := slices.BinarySearchFunc(ch.unacked[ch.dhead:], tag, func(d delivery, t uint64) int {
		if d.tag < t {
			return -1
		}
		if d.tag > t {
			return 1
		}
		return 0
	}); ok {
		ch.settleOne(&ch.unacked[ch.dhead+i], how)
	}
	for _, m := range ch.scratch {
		if f := ch.fifoOf(m.To); f != nil {
			f.settle(m)
			continue
		}
		ch.n.cast(m.To, m)
	}
	for ch.dhead < len(ch.unacked) && ch.unacked[ch.dhead].done {
		ch.dhead++
	}
	if ch.dhead == len(ch.unacked) {
		ch.unacked, ch.dhead = ch.unacked[:0], 0
	} else if ch.dhead > 1024 && ch.dhead*2 > len(ch.unacked) {
		k := copy(ch.unacked, ch.unacked[ch.dhead:])
		ch.unacked, ch.dhead = ch.unacked[:k], 0
	}
}

func (ch *channel) settleOne(d *delivery, how uint8) {
	if d.done {
		return
	}
	d.done = true
	for _, m := range ch.scratch {
		if m.To == d.from {
			m.Seqs = append(m.Seqs, d.seq)
			return
		}
	}
	m := ch.n.k.Pool.Settle.Get()
	m.To, m.From, m.How = d.from, ch.pr.pid, how
	m.Seqs = append(m.Seqs, d.seq)
	ch.scratch = append(ch.scratch, m)
}

// declare declares a queue with its home here (client-local), or looks at one.
func (ch *channel) declare(m *wire.QueueDeclare) {
	n := ch.n
	r := n.meta.get(m.Queue)
	if r != nil && !r.Exclusive.IsZero() && r.Exclusive != ch.d.pr.pid {
		ch.fail(wire.ResourceLocked, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '"+m.Queue+"' in vhost '/'")
		return
	}
	if r != nil && !m.Passive && (r.Durable != m.Durable || r.AutoDelete != m.AutoDelete || r.Args != m.Args) {
		ch.fail(wire.PreconditionFailed, "PRECONDITION_FAILED - inequivalent arg for queue '"+m.Queue+"' in vhost '/'")
		return
	}
	ch.busy = true
	if r == nil {
		if m.Passive {
			ch.fail(wire.NotFound, n.notFound(m.Queue))
			return
		}
		d := Declaration{Name: m.Queue, Durable: m.Durable, AutoDelete: m.AutoDelete, Home: n.index, Args: m.Args}
		owner := wire.Pid{}
		if m.Exclusive {
			owner = ch.d.pr.pid
		}
		n.declareHere(d, owner, func() { ch.lookAt(m) })
		return
	}
	ch.lookAt(m)
}

func (ch *channel) lookAt(m *wire.QueueDeclare) {
	if ch.ended {
		return
	}
	ch.n.callQueue(m.Queue, wire.Call{What: wire.CallInfo}, ch, func(r *wire.Reply) {
		if ch.ended {
			return
		}
		if q := ch.n.meta.get(m.Queue); r.Code != wire.ReplySuccess && (q == nil || !q.Args.IsQuorum()) {
			ch.fail(wire.NotFound, ch.n.notFound(m.Queue))
			return
		}
		ch.answer(&wire.QueueDeclareOk{Chan: ch.tag(), Queue: m.Queue, Messages: r.Messages, Consumers: r.Consumers})
	})
}

func (ch *channel) delete(m *wire.QueueDelete) {
	ch.busy = true
	n := ch.n
	r := n.meta.get(m.Queue)
	if r == nil {
		ch.answer(&wire.QueueDeleteOk{Chan: ch.tag()})
		return
	}
	if !n.alive(r.Master) {
		// the only operation that works on a queue whose home is down; if-empty cannot be checked (rule 39)
		if m.IfEmpty || m.IfUnused {
			ch.fail(wire.PreconditionFailed, "PRECONDITION_FAILED - cannot check queue '"+m.Queue+"' in vhost '/'")
			return
		}
		n.transact(&tx{Op: opDelete, Name: m.Queue}, func(bool) { ch.answer(&wire.QueueDeleteOk{Chan: ch.tag()}) })
		return
	}
	ch.n.callQueue(m.Queue, wire.Call{What: wire.CallDelete, IfEmpty: m.IfEmpty, IfUnused: m.IfUnused}, ch, func(r *wire.Reply) {
		if r.Code == wire.PreconditionFailed {
			ch.fail(r.Code, "PRECONDITION_FAILED - queue '"+m.Queue+"' in vhost '/' not empty or in use")
			return
		}
		ch.answer(&wire.QueueDeleteOk{Chan: ch.tag(), Messages: r.Messages})
	})
}
