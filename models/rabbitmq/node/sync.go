package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// autoSyncDelay is a moment for the depth to go round before an automatic sync looks who lacks what:
// rabbit_mirror_queue_coordinator asks for it after the mirror's depth message.
const autoSyncDelay = 5 * sim.Millisecond

const defaultSyncBatch = 4096

// syncing is a synchronisation as its master sees it (rabbit_mirror_queue_sync.erl). The queue does
// nothing else until it ends [rule 75].
type syncing struct {
	targets []wire.Pid
	waits   []wire.Pid
	items   []wire.SyncItem
	last    bool // the last batch is out
	paused  bool // by a memory alarm
}

// waitsFor says whether the synchronisation, if there is one, waits for a mirror.
func (s *syncing) waitsFor(pid wire.Pid) bool { return s != nil && slices.Contains(s.waits, pid) }

func (q *queue) deferSync(m wire.Message) bool {
	switch m := m.(type) {
	case *wire.ToQueue, *wire.Settle, *wire.Credit:
		q.deferred = append(q.deferred, m)
		return true
	case *wire.Call:
		if m.What != wire.CallCancelSync {
			q.deferred = append(q.deferred, m)
			return true
		}
	}
	return false
}

// startSync streams the queue to every mirror that lacks something.
func (q *queue) startSync() {
	if q.ended || q.master == nil || q.master.sync != nil || !q.gm.mirrored() || !q.unsynced() {
		return
	}
	s := &syncing{}
	for _, m := range q.rec.Mirrors {
		if q.n.alive(m) {
			s.waits = append(s.waits, m)
		}
	}
	if len(s.waits) == 0 {
		return
	}
	q.master.sync = s
	q.st.each(func(e entry, unacked bool) {
		s.items = append(s.items, wire.SyncItem{ID: e.ID, Unacked: unacked, Delivered: e.Redelivered, Key: q.name, Content: e.Content})
	})
	q.n.p.Emit("sync-started", q.name, "")
	q.broadcast(wire.GMItem{Kind: wire.GMSyncStart, From: q.pr.pid, Len: uint32(len(s.items))})
	q.gm.flush()
}

// joinSync is the mirror's side: one that lacks something purges itself and asks for batches.
func (q *queue) joinSync(from wire.Pid) {
	mr := q.mirror
	if mr.told {
		q.n.cast(from, &wire.SyncAck{To: from, From: q.pr.pid, Refused: true})
		return
	}
	mr.syncing = true
	q.emptyOut()
	q.n.cast(from, &wire.SyncAck{To: from, From: q.pr.pid})
}

// emptyOut purges a mirror. A message that leaves the store before its sync owes nothing to it any more, so
// its confirm is due [rule 19b]; but a mirror in a sync handles nothing else, and what is due leaves when the
// sync has ended: with the copy if it succeeded (rabbit_mirror_queue_sync:slave_sync_loop notes the store's
// callbacks, rabbit_mirror_queue_slave drains them behind it).
func (q *queue) emptyOut() {
	q.st.purge()
	q.mirror.acks.clear()
	ids := make([]wire.GUID, 0, q.waiting.len())
	q.waiting.each(func(id uint64, _ publisher) { ids = append(ids, wire.GUID(id)) })
	slices.Sort(ids)
	for _, id := range ids {
		q.confirmed(id)
	}
	for _, e := range q.early { //mqsim:unordered sets the same flag everywhere
		e.safe = true
	}
}

func (q *queue) syncBatch(m *wire.SyncBatch) {
	mr := q.mirror
	if mr == nil || !mr.syncing {
		return
	}
	if m.Cancel {
		q.failSync()
		return
	}
	for i := range m.Items {
		it := &m.Items[i]
		if it.Unacked {
			pos, _ := q.st.publishDelivered(it.ID, &it.Content, false)
			mr.acks.put(uint64(it.ID), pos)
		} else {
			q.st.publish(it.ID, &it.Content, false, true)
		}
	}
	if m.Last {
		mr.syncing, mr.known = false, true
		q.setDelta(0)
		q.pr.poke()
	}
	q.n.cast(m.From, &wire.SyncAck{To: m.From, From: q.pr.pid})
}

// syncAck counts who is ready for the next batch.
func (q *queue) syncAck(m *wire.SyncAck) {
	if q.master == nil || q.master.sync == nil {
		return
	}
	s := q.master.sync
	if !slices.Contains(s.waits, m.From) {
		return
	}
	s.waits = slices.DeleteFunc(s.waits, func(p wire.Pid) bool { return p == m.From })
	if !m.Refused && !slices.Contains(s.targets, m.From) {
		s.targets = append(s.targets, m.From)
	}
	q.syncNext()
}

// syncNext sends the next batch when everybody has asked for it.
func (q *queue) syncNext() {
	s := q.master.sync
	if len(s.waits) > 0 {
		return
	}
	if s.last || len(s.targets) == 0 {
		q.endSync()
		return
	}
	if q.n.memoryShort() {
		s.paused = true
		return
	}
	size := q.n.meta.policy(q.rec).SyncBatch
	if size <= 0 {
		size = defaultSyncBatch
	}
	size = min(size, len(s.items))
	batch := s.items[:size]
	s.items = s.items[size:]
	s.last = len(s.items) == 0
	q.n.p.Charge(costSync * sim.Time(size))
	for _, t := range s.targets {
		q.n.cast(t, &wire.SyncBatch{To: t, From: q.pr.pid, Items: batch, Last: s.last})
	}
	s.waits = append(s.waits, s.targets...)
}

// syncMemberDown: a target is gone, or a mirror's master in the middle of a sync, which leaves the mirror
// with nothing.
func (q *queue) syncMemberDown(pid wire.Pid) {
	if q.mirror != nil {
		if q.mirror.syncing && pid == q.rec.Master {
			q.failSync()
		}
		return
	}
	if s := q.master.sync; s != nil {
		same := func(p wire.Pid) bool { return p == pid }
		s.targets = slices.DeleteFunc(s.targets, same)
		s.waits = slices.DeleteFunc(s.waits, same)
		q.syncNext()
	}
}

// failSync: what a mirror got of a sync that broke off are the oldest messages, with a hole behind them;
// it keeps none [rule 75]. The depth that follows says what is missing.
func (q *queue) failSync() {
	q.mirror.syncing, q.mirror.known = false, false
	q.st.purge()
	q.mirror.acks.clear()
	q.pr.poke()
}

func (q *queue) cancelSync() {
	s := q.master.sync
	if s == nil {
		return
	}
	for _, t := range s.targets {
		q.n.cast(t, &wire.SyncBatch{To: t, From: q.pr.pid, Cancel: true})
	}
	q.broadcast(wire.GMItem{Kind: wire.GMDepth, Len: uint32(q.st.length() + q.st.unacked())})
	q.endSync()
}

// endSync lets the queue go on.
func (q *queue) endSync() {
	q.master.sync = nil
	q.n.p.Emit("sync-finished", q.name, "")
	todo := q.deferred
	q.deferred = nil
	for _, m := range todo {
		if q.ended {
			return
		}
		q.handle(m)
	}
	q.pr.poke()
}

// syncTimer is the automatic synchronisation's.
func (n *Node) syncTimer(serial uint32) {
	pr := n.procs[serial&(1<<slotBits-1)]
	if pr == nil || pr.pid.Serial != serial {
		return
	}
	if q, ok := pr.act.(*queue); ok {
		q.startSync()
	}
}

// memoryShort: a synchronisation pauses while its master's node is short of memory
// (rabbit_mirror_queue_sync, set by {conserve_resources, memory, ...}) [rule 75].
func (n *Node) memoryShort() bool {
	set := n.alarms.set[resMemory]
	return set != nil && set[n.index]
}

// resumeSync goes on with synchronisations that an alarm had paused.
func (n *Node) resumeSync() {
	if n.memoryShort() {
		return
	}
	for _, q := range slices.Clone(n.order) {
		if q.master != nil && q.master.sync != nil && q.master.sync.paused {
			q.master.sync.paused = false
			q.syncNext()
		}
	}
}
