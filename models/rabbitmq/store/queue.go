package store

import "github.com/mqsim/mqsim/sim"

// Queue is the backing queue of one queue process (vq). Messages have sequence numbers in order of
// publishing; a message that is requeued goes back to its place.
type Queue struct {
	v       *Vhost
	name    string
	dir     string
	slot    uint32
	durable bool
	mirror  bool
	deleted bool
	v2      bool // x-queue-version

	pages []*page
	page0 uint64 // number of pages[0]
	next  uint64 // sequence number of the next publish
	head  uint64 // no ready message is below
	// delivered is behind the last message that was delivered (vq, next_deliver_seq_id).
	delivered uint64
	ready     int
	unacked   int
	bytes     int64 // of bodies, ready and unacked
	inRAM     int   // messages without an index entry

	lastRoute uint16
	index     index
	left      []reference // of a process that crashed, to the shared stores
	due       []uint64    // tags to confirm at the next Settle

	last    sim.Time // when the process last handled a message
	since   sim.Time // since when a confirm waits for the journal; -1: none does
	armed   sim.Time // when the timer fires; -1: not armed
	syncing bool
}

func newQueue(v *Vhost, name string, durable bool) *Queue {
	return &Queue{v: v, name: name, dir: QueueDir(name), slot: uint32(len(v.queues)), durable: durable, since: -1, armed: -1}
}

// Delivery is a message on its way out.
type Delivery struct {
	Seq, ID     uint64
	Tag         uint64 // of the publish; 0 after a recovery
	Body        sim.Ref
	Exch, Key   string
	Mode        uint8
	Persistent  bool
	Redelivered bool // it was delivered before
}

// Name is the queue's name.
func (q *Queue) Name() string { return q.name }

// Len is the number of messages that wait for a consumer.
func (q *Queue) Len() int { return q.ready }

// Unacked is the number of messages that were handed out and not acknowledged.
func (q *Queue) Unacked() int { return q.unacked }

// Depth is both together (backing_queue:depth).
func (q *Queue) Depth() int { return q.ready + q.unacked }

// Bytes is the size of all bodies.
func (q *Queue) Bytes() int64 { return q.bytes }

// SetMirror says whether the process is a mirror: its sync interval is shorter.
func (q *Queue) SetMirror(is bool) { q.mirror = is }

// Syncing says that the process is inside an fsync of its journal and would handle nothing.
func (q *Queue) Syncing() bool { return q.syncing }

// Publish adds a message at the end. pending says that its confirm comes through Env.Confirmed;
// otherwise it is due on receipt (qp, send_or_record_confirm: only what is persistent in a durable queue
// waits for the disk).
func (q *Queue) Publish(m Message) (seq uint64, pending bool) {
	seq, pending = q.publish(m, ready, m.Delivered)
	q.ready++
	if q.ready == 1 || seq < q.head {
		q.head = seq
	}
	return seq, pending
}

// PublishDelivered adds a message that is handed to a consumer at once, for which the consumer's
// acknowledgement is needed (vq, publish_delivered).
func (q *Queue) PublishDelivered(m Message) (seq uint64, pending bool) {
	seq, pending = q.publish(m, unacked, true)
	q.unacked++
	return seq, pending
}

func (q *Queue) publish(m Message, to state, delivered bool) (seq uint64, pending bool) {
	seq = q.next
	q.next++
	e := q.add(seq)
	*e = entry{body: m.Body, id: m.ID, tag: m.Tag, mode: m.Mode, route: q.route(m.Exch, m.Key), state: to}
	q.bytes += int64(m.Body.Len)
	if delivered {
		e.flags |= fDelivered
		q.delivered = q.next
	}
	switch {
	case q.durable && m.Mode == 2:
		e.flags |= fPersistent
		if m.Confirm {
			e.flags |= fConfirm
			pending = true
		}
		q.store(seq, e)
	case q.v.cfg.RAM > 0 && q.inRAM >= q.v.cfg.RAM:
		q.store(seq, e)
	default:
		q.inRAM++
	}
	return seq, pending
}

// store writes the body and the index entry (vq, maybe_write_to_disk). Where the body goes is decided
// by properties and body together (rabbit_queue_index, determine_persist_to).
func (q *Queue) store(seq uint64, e *entry) {
	a := q.v.env.Arena()
	head := q.v.routes.head(a, headKey{size: e.body.Len, route: e.route, mode: e.mode})
	e.flags |= fIndexed
	if propsSize(e.mode)+int(e.body.Len) < q.v.cfg.Embed {
		e.flags |= fEmbedded
	} else {
		e.flags |= fStored
		q.shared(e).write(q, seq, e, head)
	}
	if q.v2 {
		q.publish2(seq, e, head)
		return
	}
	q.journalPublish(seq, e, head)
	if e.flags&fDelivered != 0 {
		q.journalDeliver(seq, e)
	}
}

func (q *Queue) shared(e *entry) *msgStore {
	if e.flags&fPersistent != 0 {
		return q.v.persistent
	}
	return q.v.transient
}

// route is the number of a route; that of the last message serves again as a rule.
func (q *Queue) route(exch, key string) uint16 {
	list := q.v.routes.list
	if i := int(q.lastRoute); i >= len(list) || list[i].key != key || list[i].exch != exch {
		q.lastRoute = q.v.routes.of(exch, key)
	}
	return q.lastRoute
}

// first finds the oldest ready message.
func (q *Queue) first() (uint64, *entry) {
	if q.ready == 0 {
		return 0, nil
	}
	q.head = max(q.head, q.firstSeq())
	for {
		i := q.head>>pageBits - q.page0
		if q.pages[i] == nil {
			q.head = (q.head>>pageBits + 1) << pageBits
			continue
		}
		if e := &q.pages[i].entries[q.head&(pageSize-1)]; e.state == ready {
			return q.head, e
		}
		q.head++
	}
}

// Fetch hands out the oldest message; without ack it is forgotten at once.
func (q *Queue) Fetch(ack bool) (Delivery, bool) {
	seq, e := q.first()
	if e == nil {
		return Delivery{}, false
	}
	q.load(seq, e)
	d := q.delivery(seq, e)
	q.take(seq, e, ack)
	return d, true
}

// Drop is Fetch without reading the message: what a mirror does when its master hands one out, and what
// a length limit does.
func (q *Queue) Drop(ack bool) (seq, id uint64, ok bool) {
	seq, e := q.first()
	if e == nil {
		return 0, 0, false
	}
	if e.flags&fEmbedded != 0 {
		q.load(seq, e) // an entry of version 2 does not say the id
	}
	id = e.id
	q.take(seq, e, ack)
	return seq, id, true
}

func (q *Queue) delivery(seq uint64, e *entry) Delivery {
	r := &q.v.routes.list[e.route]
	return Delivery{Seq: seq, ID: e.id, Tag: e.tag, Body: e.body, Exch: r.exch, Key: r.key, Mode: e.mode,
		Persistent: e.flags&fPersistent != 0, Redelivered: e.flags&fDelivered != 0}
}

// load reads a body that the queue has not held since it was recovered.
func (q *Queue) load(seq uint64, e *entry) {
	if e.flags&fCold == 0 {
		return
	}
	if e.flags&fEmbedded != 0 {
		if !q.warm2(seq, e) {
			q.fail2(errBody)
		}
		return
	}
	e.flags &^= fCold
	m, ok := q.shared(e).read(e.id)
	if !ok {
		return
	}
	q.bytes += int64(m.body.Len) - int64(e.body.Len)
	e.body, e.mode, e.route = m.body, m.mode, q.route(m.exch, m.key)
}

// take removes a message from the ready ones (vq, remove).
func (q *Queue) take(seq uint64, e *entry, ack bool) {
	q.ready--
	q.head = seq + 1
	q.delivered = max(q.delivered, q.head)
	if e.flags&fDelivered == 0 {
		e.flags |= fDelivered
		if e.flags&fIndexed != 0 {
			q.journalDeliver(seq, e)
		}
	}
	e.state = unacked
	q.unacked++
	if !ack {
		q.Ack(seq)
	}
}

// Ack forgets a message that was handed out; false if there is none of that number (a tag of an earlier
// life of the queue). A confirm that it still owes is due now: what is consumed needs no disk.
func (q *Queue) Ack(seq uint64) bool {
	e := q.at(seq)
	if e == nil || e.state != unacked {
		return false
	}
	q.unacked--
	q.forget(seq, e)
	return true
}

func (q *Queue) forget(seq uint64, e *entry) {
	if e.flags&fConfirm != 0 {
		q.confirm(e)
	}
	q.bytes -= int64(e.body.Len)
	e.state = gone
	if e.flags&fIndexed == 0 {
		q.inRAM--
		q.release(seq)
		return
	}
	if e.flags&fStored != 0 {
		q.shared(e).remove(e.id)
	}
	if e.flags&fDelivered == 0 {
		e.flags |= fDelivered
		q.journalDeliver(seq, e)
	}
	q.journalAck(seq, e)
	if e.flags&fJournal == 0 {
		q.release(seq)
	}
}

// Requeue puts a message that was handed out back to its place.
func (q *Queue) Requeue(seq uint64) bool {
	e := q.at(seq)
	if e == nil || e.state != unacked {
		return false
	}
	e.state = ready
	q.unacked--
	q.ready++
	if seq < q.head || q.ready == 1 {
		q.head = seq
	}
	return true
}

// Purge removes every ready message and says how many there were.
func (q *Queue) Purge() int {
	n := q.ready
	for q.ready > 0 {
		seq, e := q.first()
		q.ready--
		q.head = seq + 1
		q.forget(seq, e)
	}
	return n
}

// PurgeUnacked forgets what was handed out (vq, purge_acks).
func (q *Queue) PurgeUnacked() {
	for seq := q.firstSeq(); q.unacked > 0; seq++ {
		q.Ack(seq)
	}
}

// Each visits the messages in order, from a sequence number on, until visit says stop.
func (q *Queue) Each(from uint64, visit func(d Delivery, unacked bool) bool) {
	for seq := max(from, q.firstSeq()); seq < q.next; seq++ {
		i := seq>>pageBits - q.page0
		if i >= uint64(len(q.pages)) {
			return
		}
		if q.pages[i] == nil {
			seq |= pageSize - 1
			continue
		}
		e := &q.pages[i].entries[seq&(pageSize-1)]
		if e.state != ready && e.state != unacked {
			continue
		}
		q.load(seq, e)
		if !visit(q.delivery(seq, e), e.state == unacked) {
			return
		}
	}
}

// confirm notes that the confirm of a message is due.
func (q *Queue) confirm(e *entry) {
	e.flags &^= fConfirm
	q.due = append(q.due, e.tag)
}

// emit hands the due confirms to the queue process (drain_confirmed).
func (q *Queue) emit() {
	if len(q.due) == 0 {
		return
	}
	tags := append(q.v.tags[:0], q.due...)
	q.due = q.due[:0]
	q.v.tags = nil // the callee may settle other queues
	q.v.env.Confirmed(q, tags)
	q.v.tags = tags
}

// bodySafe says that the shared store has a message's body: synced, or never needed.
func (q *Queue) bodySafe(seq uint64) {
	e := q.at(seq)
	if e == nil || e.flags&fConfirm == 0 {
		return
	}
	e.flags |= fBodySafe
	if e.flags&fIndexSafe != 0 {
		q.confirm(e)
	}
}

// Settle ends the handling of one message by the queue process (qp, next_state). idle says that its
// mailbox is empty.
func (q *Queue) Settle(idle bool) {
	if q.deleted {
		return
	}
	q.last = q.v.env.Now()
	q.v.persistent.settle()
	q.v.transient.settle()
	q.emit()
	if !q.syncing && !q.deleted {
		q.work(idle)
	}
}

// work decides about the journal (qp, next_state; vq, needs_timeout): with a waiting confirm it is
// synced at once if nothing else is to be done and at the latest after the sync interval; otherwise after
// an interval without messages; and a process that is about to hibernate writes the segments.
func (q *Queue) work(idle bool) {
	x := &q.index
	if err := x.two.err; err != nil {
		q.failed(err)
		return
	}
	if x.dirty > q.v.cfg.JournalMax && !q.v2 {
		if !q.flush() {
			return
		}
	}
	switch {
	case x.waiting():
		if q.since < 0 {
			q.since = q.last
		}
		if idle {
			q.beginSync()
		} else {
			q.arm(q.since + q.tick())
		}
	case x.unsynced():
		q.arm(q.last + q.tick())
	case x.dirty > 0:
		q.arm(q.last + q.v.cfg.Hibernate)
	}
}

func (q *Queue) tick() sim.Time {
	if q.mirror {
		return q.v.cfg.MirrorTick
	}
	return q.v.cfg.QueueTick
}

// arm keeps at most one timer: one that fires too early looks again.
func (q *Queue) arm(at sim.Time) {
	if q.armed >= 0 && q.armed <= at {
		return
	}
	q.armed = at
	q.v.env.Arm(at, q.v.arg(argQueue, q.slot))
}

func (q *Queue) timer() {
	now := q.v.env.Now()
	if q.armed < 0 || now < q.armed {
		return // an earlier timer came in between
	}
	q.armed = -1
	if q.syncing {
		return
	}
	x := &q.index
	switch {
	case x.waiting():
		q.beginSync()
	case x.unsynced():
		if at := q.last + q.tick(); now < at {
			q.arm(at)
		} else {
			q.beginSync()
		}
	case x.dirty > 0:
		if at := q.last + q.v.cfg.Hibernate; now < at {
			q.arm(at)
		} else {
			q.flush()
		}
	}
}

// Abandon forgets the queue's process and all that it had in memory; the files stay.
func (q *Queue) Abandon() {
	if q.deleted {
		return
	}
	for seq := q.firstSeq(); seq < q.next; seq++ {
		if e := q.at(seq); e != nil && e.state != gone && e.flags&fStored != 0 {
			q.left = append(q.left, reference{q.shared(e), e.id})
		}
	}
	q.deleted = true
	q.pages, q.due, q.ready, q.unacked = nil, nil, 0, 0
	q.v.queues[q.slot] = nil
	q.index.close()
}

// reference is a message of a shared store that a queue refers to.
type reference struct {
	store *msgStore
	id    uint64
}

// Delete removes the queue with its files. why is what the biography of its messages says.
func (q *Queue) Delete(why string) {
	if q.deleted {
		return
	}
	for seq := q.firstSeq(); seq < q.next; seq++ {
		if e := q.at(seq); e != nil && e.state != gone && e.flags&fStored != 0 {
			q.shared(e).remove(e.id)
		}
	}
	q.deleted = true
	q.pages, q.due, q.ready, q.unacked = nil, nil, 0, 0
	q.v.queues[q.slot] = nil
	delete(q.v.byName, q.name)
	q.index.close()
	if fs := q.v.env.FS(); fs.Exists(q.dir) {
		if err := fs.Remove(q.dir, why); err != nil {
			q.v.env.Failed(q, err)
		}
	}
	q.v.persistent.settle()
	q.v.transient.settle()
}

func (q *Queue) failed(err error) { q.v.env.Failed(q, err) }
