package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
)

// mirror is what a mirror process has besides its store (rabbit_mirror_queue_slave.erl).
type mirror struct {
	joined  bool // it has been in the record
	acks    map[wire.GUID]uint64
	copies  map[wire.GUID]*wire.ToQueue // direct copies whose broadcast has not come
	known   bool                        // the master's depth has been told
	delta   int                         // master's depth minus own: 0 = synchronised
	told    bool                        // the record says so, or will
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
	if n.phase != running || r == nil || !r.Routed || n.queues[name] != nil || !r.onNode(uint16(n.index)).IsZero() {
		return
	}
	q := &queue{n: n, name: r.Name, durable: r.Durable, rec: r, senders: map[wire.Pid]*sender{}, waiting: map[wire.GUID]publisher{}}
	q.early = map[wire.GUID]*early{}
	q.mirror = &mirror{acks: map[wire.GUID]uint64{}, copies: map[wire.GUID]*wire.ToQueue{}}
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
	q.mirror.copies[m.ID] = m
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
			q.waiting[m.ID] = publisher{s, m.Seq}
		}
	}
	q.n.k.Pool.ToQueue.Put(m)
	return true
}

// claim removes the direct copy of a broadcast message from its sender's queue.
func (q *queue) claim(id wire.GUID) (*sender, uint64, bool) {
	m := q.mirror.copies[id]
	if m == nil {
		return nil, 0, false
	}
	delete(q.mirror.copies, id)
	s := q.sender(m.From)
	for i := s.head; i < len(s.queue); i++ {
		if s.queue[i] == m {
			s.queue[i] = nil
			break
		}
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
				mr.acks[e.ID] = e.Seq
			} else {
				q.st.ack(e.Seq)
			}
		}
		if !i.AckNeeded {
			q.setDelta(mr.delta + drop - 1)
		}
	case wire.GMAck:
		if pos, ok := mr.acks[i.ID]; ok {
			delete(mr.acks, i.ID)
			q.st.ack(pos)
		} else {
			q.setDelta(mr.delta - 1)
		}
	case wire.GMRequeue:
		if pos, ok := mr.acks[i.ID]; ok {
			delete(mr.acks, i.ID)
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
	s, seq, direct := q.claim(i.ID)
	wants := safe && (!direct || seq > 0)
	var pos uint64
	pending := false
	if i.Delivered {
		pos, pending = q.st.publishDelivered(i.ID, &i.Content, wants)
		if i.AckNeeded {
			q.mirror.acks[i.ID] = pos
		}
	} else {
		pending = q.st.publish(i.ID, &i.Content, wants, true)
	}
	switch {
	case !direct:
		q.early[i.ID] = &early{safe: !pending}
	case seq == 0:
	case pending:
		q.waiting[i.ID] = publisher{s, seq}
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
	positions := make([]uint64, 0, len(mr.acks))
	for _, pos := range mr.acks { //mqsim:unordered sorted below
		positions = append(positions, pos)
	}
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
