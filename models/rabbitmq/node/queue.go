package node

import (
	"slices"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// queue is a queue process of this node: the master of a queue (rabbit_amqqueue_process, with
// rabbit_mirror_queue_master on top if it is mirrored) or a mirror (rabbit_mirror_queue_slave).
type queue struct {
	n       *Node
	pr      *process
	name    string
	durable bool
	st      *backing
	stuck   bool // messages wait for the end of a sync of the journal
	rec     *Record
	gm      ring
	master  *master // nil for a mirror
	mirror  *mirror // nil for a master

	senders  map[wire.Pid]*sender
	sendList []*sender
	waiting  table[publisher]     // by GUID: stored messages that still owe a confirm
	early    map[wire.GUID]*early // what the ring brought before the channel; not nil on a mirror
	deferred []wire.Message       // while a synchronisation blocks the queue
	ended    bool
	frozen   bool // suspended
}

// sender is a publishing channel as a queue process sees it.
type sender struct {
	pid     wire.Pid
	handled int // credit_flow: messages handled since the last bump
	confirm *wire.Confirm
	queue   []*wire.ToQueue // mirror: direct copies whose broadcast has not come
	head    int
}

// publisher is who waits for a confirm.
type publisher struct {
	s   *sender
	seq uint64
}

// credit_flow's default {initial, more after}.
const (
	creditInitial = 400
	creditMore    = 200
)

// newQueue starts the master process of a queue.
func (n *Node) newQueue(r *Record) *queue {
	q := &queue{n: n, name: r.Name, durable: r.Durable, rec: r, senders: map[wire.Pid]*sender{}}
	q.pr = n.spawn(q)
	q.master = &master{}
	q.st = n.stores.queue(q)
	q.gm.q = q
	n.queues[r.Name] = q
	n.order = append(n.order, q)
	n.showRole()
	return q
}

func (q *queue) persistent(c *wire.Content) bool { return q.durable && c.Persistent() }

// fewSenders are found faster in their list than in the map.
const fewSenders = 6

// sending is a channel that has published, nil if it has not.
func (q *queue) sending(pid wire.Pid) *sender {
	if len(q.sendList) > fewSenders {
		return q.senders[pid]
	}
	for _, s := range q.sendList {
		if s.pid == pid {
			return s
		}
	}
	return nil
}

func (q *queue) sender(pid wire.Pid) *sender {
	s := q.sending(pid)
	if s == nil {
		s = &sender{pid: pid}
		q.senders[pid] = s
		q.sendList = append(q.sendList, s)
	}
	return s
}

// credit counts a handled message of a sender and grants more after 200 (credit_flow:ack).
func (q *queue) credit(s *sender) {
	if s.handled++; s.handled >= creditMore {
		s.handled = 0
		q.n.cast(s.pid, &wire.Credit{To: s.pid, From: q.pr.pid, N: creditMore})
	}
}

// confirmed is the store's word that a message is safe (rule 19b).
func (q *queue) confirmed(id wire.GUID) {
	if w, ok := q.waiting.take(uint64(id)); ok {
		q.confirm(w.s, w.seq)
		q.pr.poke()
	} else if e := q.early[id]; e != nil {
		e.safe = true
	}
}

// confirm notes a confirm; they leave in one message for each channel when the process is idle or the
// store has synced.
func (q *queue) confirm(s *sender, seq uint64) {
	if s.confirm == nil {
		s.confirm = q.n.k.Pool.Confirm.Get()
		s.confirm.To, s.confirm.From = s.pid, q.pr.pid
	}
	s.confirm.Seqs = append(s.confirm.Seqs, seq)
}

func (q *queue) flushConfirms() {
	if q.mirror != nil && q.mirror.syncing {
		return
	}
	for _, s := range q.sendList {
		if s.confirm != nil {
			m := s.confirm
			s.confirm = nil
			q.n.cast(s.pid, m)
		}
	}
}

func (q *queue) handle(m wire.Message) {
	if q.master != nil && q.master.sync != nil && q.deferSync(m) {
		return
	}
	switch m := m.(type) {
	case *wire.ToQueue:
		if q.master != nil {
			q.publish(m)
		} else {
			q.direct(m)
		}
	case *wire.Settle:
		if q.master != nil {
			q.settle(m)
		}
	case *wire.Credit:
		if q.master != nil {
			q.notifySent(m)
		}
	case *wire.Call:
		q.call(m)
	case *wire.GM:
		q.gm.receive(m)
	case *wire.SyncBatch:
		q.syncBatch(m)
	case *wire.SyncAck:
		q.syncAck(m)
	case *wire.Down:
		q.down(m.Pid)
	}
}

// idle flushes broadcasts, makes the store sync and sends confirms.
func (q *queue) idle() {
	if q.ended {
		return
	}
	q.gm.flush()
	q.st.settle(true)
	q.flushConfirms()
}

// busy is called between messages when more wait.
func (q *queue) busy() {
	if !q.ended {
		q.gm.flush()
		q.st.settle(false)
		q.flushConfirms()
	}
}

func (q *queue) wait() { q.stuck = true }

// stalled: the process is suspended, or inside an fsync of its journal.
func (q *queue) stalled() bool { return !q.ended && (q.frozen || q.st.s.Syncing()) }

// watches: publishing and consuming channels, and the other members of the ring.
func (q *queue) watches(pid wire.Pid) bool {
	return q.senders[pid] != nil || q.master != nil && (q.master.channel(pid) != nil || q.master.sync.waitsFor(pid)) || q.rec.has(pid)
}

// down is 'DOWN' of a channel or of another replica.
func (q *queue) down(pid wire.Pid) {
	switch {
	case q.rec.has(pid) && pid != q.pr.pid:
		q.memberDown(pid)
	case q.master != nil && q.master.sync.waitsFor(pid):
		q.syncMemberDown(pid) // somebody else has taken it out of the record already
	}
	if q.master != nil {
		q.channelDown(pid)
	}
	q.senderDown(pid)
}

// nodeDown is 'DOWN' of everything on a node.
func (q *queue) nodeDown(i uint16) {
	if pid := q.rec.onNode(i); !pid.IsZero() {
		q.memberDown(pid)
	}
	if q.master != nil && q.master.sync != nil {
		for _, pid := range slices.Clone(q.master.sync.waits) {
			if pid.Node == i {
				q.syncMemberDown(pid)
			}
		}
	}
	if q.master != nil {
		for _, c := range slices.Clone(q.master.channels) {
			if c.pid.Node == i {
				q.channelDown(c.pid)
			}
		}
	}
	for _, s := range slices.Clone(q.sendList) {
		if s.pid.Node == i {
			q.senderDown(s.pid)
		}
	}
	q.pr.poke()
}

// senderDown forgets a publishing channel. A mirror keeps its direct copies until the ring has said what
// the master made of them (rule 72: 20 s at most); the model keeps the sender with its copies.
func (q *queue) senderDown(pid wire.Pid) {
	s := q.senders[pid]
	if s == nil || q.mirror != nil && s.head < len(s.queue) {
		return
	}
	delete(q.senders, pid)
	q.sendList = slices.DeleteFunc(q.sendList, func(x *sender) bool { return x == s })
}

// end ends the process. why, if not empty, is why its contents are deleted; else they stay on disk.
func (q *queue) end(abnormal, deleted bool, why string) {
	if q.ended {
		return
	}
	q.ended = true
	n := q.n
	if why != "" {
		q.st.remove(why)
	}
	if n.queues[q.name] == q {
		delete(n.queues, q.name)
	}
	n.order = slices.DeleteFunc(n.order, func(x *queue) bool { return x == q })
	q.pr.exit(abnormal, deleted)
	n.showRole()
}

// recordChanged sees the queue's new record.
func (q *queue) recordChanged(r *Record) {
	if q.ended {
		return
	}
	old := q.rec
	q.rec = r
	me := q.pr.pid
	switch {
	case r.Deleted:
		q.end(false, true, whyDeleted)
		return
	case q.master != nil && r.Master != me:
		if r.Master.Node == me.Node && (r.Master.Creation < me.Creation || q.n.phase == starting) {
			q.rec = r // recovering: its own registration follows
			return
		}
		q.end(false, false, emptied(r.Lossy))
		return
	case q.mirror != nil && r.Master == me:
		q.promote()
	case q.mirror != nil && !slices.Contains(r.Mirrors, me):
		if q.n.phase == stopping { // its own leave; what it holds stays on disk
			break
		}
		if r.Refused && slices.Contains(old.Mirrors, me) || q.mirror.joined {
			q.end(false, false, emptied(r.Lossy))
			return
		}
	case q.mirror != nil:
		q.mirror.joined = true
	}
	q.gm.changed(r)
	if q.master != nil && r.Master == me {
		q.membersChanged(old, r)
	}
}

// Reasons of deletions that a message's biography shows.
const (
	whyDeleted = "queue-deleted"
	whyLossy   = "unsynced-mirror-promoted"
	whyRejoin  = "mirror-emptied"
	whySplit   = "discarded-after-partition"
)

// emptied is why a replica that lost its place is emptied.
func emptied(lossy bool) string {
	if lossy {
		return whyLossy
	}
	return whyRejoin
}

// death is a member whose end may be recorded 100 ms after its DOWN.
type death struct {
	queue string
	pid   wire.Pid
}

// gmDeath is gm's pause before a death is recorded [rule 71].
const gmDeath = 100 * sim.Millisecond

func (q *queue) memberDown(pid wire.Pid) {
	q.n.deaths = append(q.n.deaths, death{q.name, pid})
	q.n.p.After(gmDeath, timerDeath, uint32(len(q.n.deaths)-1))
	q.syncMemberDown(pid)
}

func (n *Node) recordDeath(i uint32) {
	d := n.deaths[i]
	r := n.meta.get(d.queue)
	if n.phase != running || n.heal.pausing || r == nil || n.queues[d.queue] == nil || !r.has(d.pid) {
		return
	}
	dead := []wire.Pid{d.pid}
	for _, p := range append([]wire.Pid{r.Master}, r.Mirrors...) {
		if p != d.pid && !n.alive(p) {
			dead = append(dead, p)
		}
	}
	n.transact(&tx{Op: opDeath, Name: d.queue, Dead: dead}, nil)
}
