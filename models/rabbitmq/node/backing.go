package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/store"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// entry is a message in a queue. Seq is its position in this replica's queue and its tag while unacked.
type entry struct {
	Seq         uint64
	ID          wire.GUID
	Redelivered bool
	wire.Content
}

// backing is the storage of one replica of a queue.
type backing struct {
	q    *queue
	s    *store.Queue
	gone bool
}

func message(id wire.GUID, key string, c *wire.Content, confirm, delivered bool) store.Message {
	return store.Message{ID: uint64(id), Tag: uint64(id), Key: key, Body: c.Body, Mode: c.Mode, Confirm: confirm, Delivered: delivered}
}

// publish appends a message. With confirm, true means that queue.confirmed is called once it is safe, or
// acked. delivered: it counts as delivered before (mirrors enqueue like that, rule 33).
func (b *backing) publish(id wire.GUID, c *wire.Content, confirm, delivered bool) (pending bool) {
	_, pending = b.s.Publish(message(id, b.q.name, c, confirm, delivered))
	return pending
}

// publishDelivered stores a message that a consumer gets at once: it is unacked from the beginning.
func (b *backing) publishDelivered(id wire.GUID, c *wire.Content, confirm bool) (seq uint64, pending bool) {
	return b.s.PublishDelivered(message(id, b.q.name, c, confirm, false))
}

func entryOf(d *store.Delivery) entry {
	return entry{Seq: d.Seq, ID: wire.GUID(d.ID), Redelivered: d.Redelivered, Content: wire.Content{Body: d.Body, Mode: d.Mode}}
}

// fetch takes the first message; it is unacked now.
func (b *backing) fetch() (entry, bool) {
	d, ok := b.s.Fetch(true)
	return entryOf(&d), ok
}

func (b *backing) ack(seq uint64) { b.s.Ack(seq) }

func (b *backing) requeue(seqs []uint64) {
	for _, seq := range seqs {
		b.s.Requeue(seq)
	}
}

func (b *backing) length() int  { return b.s.Len() }
func (b *backing) unacked() int { return b.s.Unacked() }

// each visits unacked and waiting messages in order of position.
func (b *backing) each(visit func(e entry, unacked bool)) {
	b.s.Each(0, func(d store.Delivery, unacked bool) bool {
		visit(entryOf(&d), unacked)
		return true
	})
}

func (b *backing) purge() {
	b.s.PurgeUnacked()
	b.s.Purge()
}

// settle ends the handling of messages; idle: the mailbox is empty, and what waits for a sync is synced.
func (b *backing) settle(idle bool) {
	if !b.gone {
		b.s.Settle(idle)
	}
}

// abandon: the process is gone without a word; its files stay.
func (b *backing) abandon() {
	b.gone = true
	b.s.Abandon()
}

func (b *backing) remove(why string) {
	if !b.gone {
		b.gone = true
		b.s.Delete(why)
	}
}

// stores is the message storage of the vhost, anew with each start of the application.
type stores struct {
	n   *Node
	v   *store.Vhost
	arg byte
}

func (s *stores) FS() *sim.FS       { return s.n.p.FS(0) }
func (s *stores) Arena() *sim.Arena { return &s.n.p.W.Arena }
func (s *stores) Now() sim.Time     { return s.n.p.Now() }

// Arm wakes the store. A node that was frozen finds deadlines behind it.
func (s *stores) Arm(at sim.Time, arg uint32) { s.n.p.At(max(at, s.n.p.Now()), timerStore, arg) }

// Confirmed passes the store's confirms on to the queue process.
func (s *stores) Confirmed(q *store.Queue, tags []uint64) {
	own := s.n.queues[q.Name()]
	if own == nil || own.ended || own.st.s != q {
		return
	}
	for _, t := range tags {
		own.confirmed(wire.GUID(t))
	}
}

// Failed is a file operation that did not work: the process that made it crashes, and with the shared
// store the whole node.
func (s *stores) Failed(q *store.Queue, err error) {
	if q == nil {
		s.n.p.Crash("message store: " + err.Error())
		return
	}
	if own := s.n.queues[q.Name()]; own != nil && own.st.s == q {
		own.st.gone = true
		own.end(true, false, "")
	}
}

// open starts the stores and deletes the directories of all queues but those to keep.
func (s *stores) open(n *Node, keep []string) {
	s.n = n
	s.arg = byte(n.heal.generation&0x7f) | 1<<7
	cfg := n.k.Store
	if cfg == (store.Config{}) {
		cfg = store.Default()
		cfg.Embed = n.k.Rules.Embed
	}
	cfg.Arg = s.arg
	s.v = store.New(s, cfg)
	err := s.v.Recover(keep, func(queue string) string {
		if slices.Contains(n.discards, queue) {
			return whySplit
		}
		if r := n.meta.get(queue); r != nil {
			return emptied(r.Lossy)
		}
		return whyDeleted
	})
	if err != nil {
		n.p.Crash("cannot recover the vhost: " + err.Error())
	}
}

// queue is the storage of a queue process: what was recovered, or an empty one.
func (s *stores) queue(q *queue) *backing {
	b := &backing{q: q, s: s.v.Open(q.name, q.durable, q.version())}
	b.s.SetMirror(q.mirror != nil)
	return b
}

// version is the x-queue-version of a queue that is new: an argument counts more than a policy, and that more
// than the node's default (rabbit_amqqueue_process, process_args_policy).
func (q *queue) version() int {
	if v := q.rec.Args.Version; v > 0 {
		return v
	}
	if v := q.n.meta.policy(q.rec).Version; v > 0 {
		return v
	}
	return q.n.k.Rules.QueueVersion
}

func (s *stores) close() {
	if s.v != nil {
		if err := s.v.Stop(); err != nil {
			s.n.p.Probe("rabbitmq-unclean-stop")
		}
		s.v = nil
	}
}

func (n *Node) storeTimer(arg uint32) {
	if n.stores.v != nil && byte(arg>>24) == n.stores.arg {
		n.stores.v.Timer(arg)
	}
}

// Synced completes a sync of the stores; queue processes that were inside it go on.
func (n *Node) Synced(arg uint32, err error) {
	if arg>>24 == raSync>>24 {
		n.raSynced(arg, err)
		return
	}
	if n.stores.v == nil || byte(arg>>24) != n.stores.arg {
		return
	}
	n.stores.v.Synced(arg, err)
	for _, q := range n.order {
		if q.stuck && !q.stalled() {
			q.stuck = false
			q.pr.resume()
		}
	}
}
