package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
)

// mirror is what a mirror process has besides its store (rabbit_mirror_queue_slave.erl).
type mirror struct {
	joined  bool          // it has been in the record
	acks    table[uint64] // positions of unacked messages, by GUID
	known   bool          // the master's depth has been told
	delta   int           // master's depth minus own: 0 = synchronised
	told    bool          // the record says so, or will
	syncing bool
}

// early is a message that the ring brought before the channel did.
type early struct {
	safe bool // the store has confirmed it, or need not
}

// startMirror starts a mirror process here (rabbit_mirror_queue_misc:add_mirror). It joins empty, at the
// end of the list [rules 74, 86].
func (n *Node) startMirror(name string) {
	r := n.meta.get(name)
	if n.phase != running || n.heal.pausing || r == nil || !r.Routed || n.queues[name] != nil || !r.onNode(uint16(n.index)).IsZero() {
		return
	}
	q := &queue{n: n, name: r.Name, durable: r.Durable, rec: r, senders: map[wire.Pid]*sender{}}
	q.early = map[wire.GUID]*early{}
	q.mirror = &mirror{}
	q.pr = n.spawn(q)
	q.gm.q = q
	q.st = n.stores.queue(q)
	n.queues[name] = q
	n.order = append(n.order, q)
	n.transact(&tx{Op: opJoin, Name: name, Pid: q.pr.pid}, func(ok bool) {
		if !ok && !q.ended {
			q.end(false, false, whyRejoin)
			return
		}
		n.p.Emit("mirror-joined", name, n.p.Host.Name)
		n.showRole()
	})
}

// direct takes the copy that the channel sends to every replica.
func (q *queue) direct(m *wire.ToQueue) {
	s := q.sender(m.From)
	q.credit(s)
	if q.known(s, m) {
		return
	}
	s.queue = append(s.queue, m)
}

// known handles the copy of a message that the ring has brought already.
func (q *queue) known(s *sender, m *wire.ToQueue) bool {
	if q.early == nil {
		return false
	}
	e := q.early[m.ID]
	if e == nil {
		return false
	}
	delete(q.early, m.ID)
	if m.Seq > 0 {
		if e.safe || !q.persistent(&m.Content) {
			q.confirm(s, m.Seq)
		} else {
			q.waiting.put(uint64(m.ID), publisher{s, m.Seq})
		}
	}
	q.n.k.Pool.ToQueue.Put(m)
	return true
}

// claim removes the direct copy of a broadcast message from its sender's queue. Both come in the order of
// the channel, so it is the first there if it is there at all, unless masters have changed.
func (q *queue) claim(id wire.GUID, from wire.Pid) (*sender, uint64, bool) {
	s := q.sending(from)
	if s == nil {
		return nil, 0, false
	}
	var m *wire.ToQueue
	for i := s.head; i < len(s.queue); i++ {
		if x := s.queue[i]; x != nil && x.ID == id {
			m, s.queue[i] = x, nil
			break
		}
	}
	if m == nil {
		return nil, 0, false
	}
	for s.head < len(s.queue) && s.queue[s.head] == nil {
		s.head++
	}
	if s.head == len(s.queue) {
		s.queue, s.head = s.queue[:0], 0
	}
	seq := m.Seq
	q.n.k.Pool.ToQueue.Put(m)
	return s, seq, true
}

// instruct replays one broadcast of the master (process_instruction).
func (q *queue) instruct(i *wire.GMItem) {
	mr := q.mirror
	switch i.Kind {
	case wire.GMPublish:
		q.replayPublish(i)
	case wire.GMDrop:
		drop := max(0, q.st.length()-int(i.Len))
		for range drop {
			e, ok := q.st.fetch()
			if !ok {
				break
			}
			if i.AckNeeded {
				mr.acks.put(uint64(e.ID), e.Seq)
			} else {
				q.st.ack(e.Seq)
			}
		}
		if !i.AckNeeded {
			q.setDelta(mr.delta + drop - 1)
		}
	case wire.GMAck:
		if pos, ok := mr.acks.take(uint64(i.ID)); ok {
			q.st.ack(pos)
		} else {
			q.setDelta(mr.delta - 1)
		}
	case wire.GMRequeue:
		if pos, ok := mr.acks.take(uint64(i.ID)); ok {
			q.st.requeue([]uint64{pos})
		}
	case wire.GMDepth:
		mr.known = true
		q.setDelta(int(i.Len) - q.st.length() - q.st.unacked())
	case wire.GMSyncStart:
		q.joinSync(i.From)
	}
}

// replayPublish stores a broadcast message. It counts as delivered before: after a promotion the whole
// backlog is redelivered [rule 33].
func (q *queue) replayPublish(i *wire.GMItem) {
	safe := q.persistent(&i.Content)
	s, seq, direct := q.claim(i.ID, i.From)
	wants := safe && (!direct || seq > 0)
	var pos uint64
	pending := false
	if i.Delivered {
		pos, pending = q.st.publishDelivered(i.ID, &i.Content, wants)
		if i.AckNeeded {
			q.mirror.acks.put(uint64(i.ID), pos)
		}
	} else {
		pending = q.st.publish(i.ID, &i.Content, wants, true)
	}
	switch {
	case !direct:
		q.early[i.ID] = &early{safe: !pending}
	case seq == 0:
	case pending:
		q.waiting.put(uint64(i.ID), publisher{s, seq})
	default:
		q.confirm(s, seq)
	}
	if q.n.k.Rules.DoubleDebit && q.n.alive(i.From) {
		q.credit(q.sender(i.From))
	}
	if i.Delivered && !i.AckNeeded {
		q.st.ack(pos)
	}
}

// setDelta notes how much this mirror lacks; at 0 the record says that it has a full copy [rule 77].
func (q *queue) setDelta(d int) {
	mr := q.mirror
	mr.delta = max(d, 0)
	if !mr.known || mr.syncing {
		return
	}
	if full := mr.delta == 0; full != mr.told {
		mr.told = full
		q.n.transact(&tx{Op: opSync, Name: q.name, Pid: q.pr.pid, Flag: full}, nil)
	}
}

// forgetDepth: this mirror followed another master for a while, so its copy is no full one until the
// master's depth, or a synchronisation, says so.
func (q *queue) forgetDepth() {
	mr := q.mirror
	mr.known = false
	if mr.told {
		mr.told = false
		q.n.transact(&tx{Op: opSync, Name: q.name, Pid: q.pr.pid, Flag: false}, nil)
	}
}

// promote turns a mirror into the master (promote_me): everything unacked is requeued, and what channels
// sent but the old master did not broadcast is published now, in each channel's order [rules 70, 80].
func (q *queue) promote() {
	n, mr := q.n, q.mirror
	lossy := mr.delta > 0 || !mr.known || mr.syncing
	lacks := mr.delta
	if mr.syncing {
		q.st.purge()
	}
	q.mirror = nil
	q.master = &master{}
	positions := make([]uint64, 0, mr.acks.len())
	mr.acks.each(func(_, pos uint64) { positions = append(positions, pos) })
	slices.Sort(positions)
	if len(positions) > 0 {
		q.st.requeue(positions)
	}
	q.gm.changed(q.rec)
	q.broadcast(wire.GMItem{Kind: wire.GMDepth, Len: uint32(q.st.length())})
	n.k.Stats.promoted(n, q, lossy, lacks)
	for _, s := range slices.Clone(q.sendList) {
		copies := s.queue[s.head:]
		s.queue, s.head = nil, 0
		for _, m := range copies {
			if m != nil {
				s.handled-- // its credit was given when it came; the one for the ring's copy is due now (promote_delivery)
				q.publish(m)
			}
		}
	}
	n.showRole()
	q.pr.poke()
}

// membersChanged is what the master does about a changed group.
func (q *queue) membersChanged(old, r *Record) {
	joined := false
	for _, m := range r.Mirrors {
		joined = joined || !slices.Contains(old.Mirrors, m)
	}
	if joined {
		q.broadcast(wire.GMItem{Kind: wire.GMDepth, Len: uint32(q.st.length() + q.st.unacked())})
		q.pr.poke()
	}
	p := q.n.meta.policy(r)
	if p.AutoSync && q.unsynced() {
		q.n.p.After(autoSyncDelay, timerStoreSync, q.pr.pid.Serial)
	}
	if len(r.Mirrors) < len(old.Mirrors) || old.Master != r.Master {
		q.n.fillMirrors(q, p)
	}
}

func (q *queue) unsynced() bool { return len(q.rec.Sync) < len(q.rec.Mirrors) }
