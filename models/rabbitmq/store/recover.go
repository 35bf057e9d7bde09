package store

import (
	"strings"

	"github.com/mqsim/mqsim/sim"
)

const termsName = "recovery.dets"

// Recover opens the queues of the list from what an earlier life left. Directories of other queues are
// deleted first (rabbit_queue_index:start): this is how a mirror that rejoins loses its contents; why says
// for a queue's name what the biography of its messages shall say, nil: nothing special.
//
// After a clean stop queues are as they were, without transient messages. After any other one the index
// is what segments and journal say; entries whose body is missing are dropped, and everything counts as
// delivered (qi, recover_message).
func (v *Vhost) Recover(names []string, why func(queue string) string) error {
	fs := v.env.FS()
	clean, delivered := v.readTerms()
	keep := make(map[string]bool, len(names))
	for _, n := range names {
		keep[QueueDir(n)] = true
	}
	for _, base := range append([]string(nil), fs.List(queuesDir)...) {
		dir := queuesDir + "/" + base
		if keep[dir] {
			continue
		}
		reason := "not in the list of durable queues"
		if why != nil {
			if s := why(stubQueue(fs, v.env.Arena(), dir)); s != "" {
				reason = s
			}
		}
		if err := fs.Remove(dir, reason); err != nil {
			return err
		}
	}
	if fs.Exists(v.transient.dir) {
		if err := fs.Remove(v.transient.dir, whyStarted); err != nil {
			return err
		}
	}
	refs := map[uint64]int32{}
	for _, n := range names {
		q := v.Open(n, true, 1)
		q.delivered = delivered[n]
		if err := q.loadIndex(refs); err != nil {
			return err
		}
	}
	if err := v.persistent.recover(refs, clean); err != nil {
		return err
	}
	for _, n := range names {
		if err := v.byName[n].recovered(clean); err != nil {
			return err
		}
	}
	return nil
}

// Reopen recovers one queue whose process crashed while the node runs on (rabbit_prequeue:crash_restart), as
// after a dirty stop: what the process had not written is gone.
func (v *Vhost) Reopen(name string) error {
	old := v.byName[name]
	delete(v.byName, name)
	refs := map[uint64]int32{}
	q := v.Open(name, true, 1)
	if err := q.loadIndex(refs); err != nil {
		return err
	}
	if old != nil {
		for _, r := range old.left { // the store counts the dead process's references; those that are found again stay
			if r.store == v.persistent && refs[r.id] > 0 {
				refs[r.id]--
				continue
			}
			r.store.remove(r.id)
		}
		old.left = nil
	}
	v.persistent.settle()
	return q.recovered(false)
}

// DeleteCrashed removes what a crashed process of that name has left (rabbit_variable_queue:delete_crashed): a
// new mirror begins empty. why is what the biography of its messages says.
func (v *Vhost) DeleteCrashed(name, why string) error {
	old := v.byName[name]
	if old == nil || !old.deleted {
		return nil
	}
	delete(v.byName, name)
	for _, r := range old.left {
		r.store.remove(r.id)
	}
	v.persistent.settle()
	v.transient.settle()
	if fs := v.env.FS(); fs.Exists(old.dir) {
		return fs.Remove(old.dir, why)
	}
	return nil
}

// readTerms says whether the last stop was clean, and makes sure that the next one does not look so
// unless it is.
func (v *Vhost) readTerms() (clean bool, delivered map[string]uint64) {
	fs := v.env.FS()
	f := fs.Open(Base + "/" + termsName)
	if f == nil {
		return false, nil
	}
	b := make([]byte, f.Size())
	_, err := f.ReadAt(b, 0)
	f.Close()
	if err != nil || fs.Remove(Base+"/"+termsName, whyStarted) != nil {
		return false, nil
	}
	return fs.SyncDir(Base) == nil, parseTerms(b)
}

// Stop is a clean shutdown: everything is written and synced, and the next life will know. It blocks.
func (v *Vhost) Stop() error {
	v.stopped = true
	for _, q := range v.queues {
		if q == nil {
			continue
		}
		if err := q.terminate(); err != nil {
			return err
		}
	}
	if err := v.persistent.save(); err != nil {
		return err
	}
	fs := v.env.FS()
	if err := writeWhole(fs, Base+"/"+termsName, v.terms()); err != nil {
		return err
	}
	return fs.SyncDir(Base)
}

// terminate closes the index (qi, terminate).
func (q *Queue) terminate() error {
	if q.v2 {
		return q.terminate2()
	}
	x := &q.index
	if err := q.write(); err != nil {
		return err
	}
	if x.journal == nil {
		return nil
	}
	return q.v.fsync(x.journal, q.dir, &x.fresh)
}

// stubQueue is the name in a directory's .queue_name, or the directory.
func stubQueue(fs *sim.FS, a *sim.Arena, dir string) string {
	f := fs.Open(dir + "/" + stubName)
	if f == nil {
		return dir
	}
	defer f.Close()
	r, err := read(a, f, 0, min(f.Size(), 1024))
	if err != nil {
		return dir
	}
	_, rest, ok := strings.Cut(string(r.bytes(int(r.left()))), "QUEUE: ")
	name, _, whole := strings.Cut(rest, "\n") // of version 2 a line INDEX follows
	if !ok || !whole {
		return dir
	}
	return name
}

// span bounds the sequence numbers of one index: what is further off is damage.
const span = 1 << 24

// loader builds a queue's entries from its files.
type loader struct {
	q        *Queue
	any      bool
	min, max uint64
}

func (l *loader) fits(seq uint64) bool {
	if !l.any {
		l.any, l.min, l.max = true, seq, seq
		return seq < 1<<60
	}
	if seq+span < l.max || seq > l.min+span {
		return false
	}
	l.min, l.max = min(l.min, seq), max(l.max, seq)
	return true
}

func (l *loader) publish(seq uint64, p pub, flag uint16) {
	q := l.q
	if !l.fits(seq) || q.at(seq) != nil {
		return
	}
	e := q.add(seq)
	*e = entry{id: p.id, state: ready, flags: fIndexed | flag, body: sim.Ref{Len: p.size}}
	if p.persistent {
		e.flags |= fPersistent
	}
	switch {
	case !p.embedded:
		e.flags |= fStored | fCold
	case p.whole:
		e.flags |= fEmbedded
		e.body, e.mode, e.route = p.m.body, p.m.mode, q.route(p.m.exch, p.m.key)
	default: // an embedded message that cannot be read: it will be dropped
		e.flags &^= fPersistent
		e.flags |= fEmbedded
	}
	if flag == fJPub {
		q.index.dirty++
		if p.whole {
			q.record(seq, e)
		}
	}
}

func (l *loader) mark(seq, kind uint64, del, ack uint16) {
	e := l.q.at(seq)
	if e == nil {
		return // of a message whose segment is deleted
	}
	if del != 0 {
		l.q.index.dirty++
	}
	if e.flags&fDelivered == 0 {
		e.flags |= fDelivered | del
		if kind == jDeliver {
			return
		}
	} else if kind == jDeliver {
		return
	}
	if e.state != gone {
		e.state = gone
		e.flags |= ack
	}
}

// loadIndex reads segments and journal (qi, init_dirty: the journal adds to the segments what they do not
// have) and counts references to the shared store.
func (q *Queue) loadIndex(refs map[uint64]int32) error {
	if q.v2 {
		return q.loadIndex2(refs)
	}
	l := &loader{q: q}
	last, found := uint64(0), false
	for _, n := range q.segmentFiles() {
		if err := q.loadSegment(l, n); err != nil {
			return err
		}
		last, found = n, true
	}
	if err := q.loadJournal(l); err != nil {
		return err
	}
	size := uint64(q.v.cfg.SegmentEntries)
	if len(q.pages) > 0 {
		last, found = max(last, l.max/size), true
	}
	if !found {
		return nil
	}
	q.next = (last + 1) * size // qi, bounds: the first number of the segment after the last
	for seq := q.firstSeq(); seq < q.next; seq++ {
		e := q.at(seq)
		if e == nil {
			continue
		}
		if e.flags&fJournal == fJournal {
			e.flags &^= fJournal
		}
		if e.flags&fJournal != 0 {
			q.segment(seq).dirty++
		}
		if e.state == gone {
			if e.flags&fJournal == 0 {
				q.release(seq)
			}
			continue
		}
		q.segment(seq).unacked++
		q.ready++
		q.bytes += int64(e.body.Len)
		if e.flags&(fStored|fPersistent) == fStored|fPersistent {
			refs[e.id]++
		}
	}
	q.head = q.firstSeq()
	return nil
}

func (q *Queue) segmentFiles() []uint64 {
	var out []uint64
	for _, name := range q.v.env.FS().List(q.dir) {
		if n, ok := segmentNumber(name); ok {
			at := len(out)
			for at > 0 && out[at-1] > n {
				at--
			}
			out = append(out, 0)
			copy(out[at+1:], out[at:])
			out[at] = n
		}
	}
	return out
}

func (q *Queue) loadSegment(l *loader, n uint64) error {
	f := q.v.env.FS().Open(q.dir + "/" + segmentName(n))
	defer f.Close()
	r, err := read(q.v.env.Arena(), f, 0, f.Size())
	if err != nil {
		return err
	}
	base := n * uint64(q.v.cfg.SegmentEntries)
	if !l.fits(base) {
		return nil
	}
	s := q.segment(base)
	s.file, s.fresh = true, true
	end := scanSegment(&r, q.v.cfg.SegmentEntries,
		func(rel uint64, p pub) { l.publish(base+rel, p, 0) },
		func(rel uint64) {
			kind := uint64(jDeliver)
			if e := q.at(base + rel); e != nil && e.flags&fDelivered != 0 {
				kind = jAck
			}
			l.mark(base+rel, kind, 0, 0)
		})
	if end < f.Size() {
		return f.Truncate(end, whyTorn)
	}
	return nil
}

func (q *Queue) loadJournal(l *loader) error {
	f := q.v.env.FS().Open(q.dir + "/" + journalName)
	if f == nil {
		return nil
	}
	defer f.Close()
	r, err := read(q.v.env.Arena(), f, 0, f.Size())
	if err != nil {
		return err
	}
	scanJournal(&r,
		func(seq uint64, p pub) { l.publish(seq, p, fJPub) },
		func(seq, kind uint64) { l.mark(seq, kind, fJDel, fJAck) })
	return nil
}

// recovered drops what cannot be kept and, after a dirty stop, marks the rest as delivered and moves the
// journal to the segments.
func (q *Queue) recovered(clean bool) error {
	if q.v2 {
		return q.recovered2(clean)
	}
	for seq := q.firstSeq(); seq < q.next; seq++ {
		e := q.at(seq)
		if e == nil || e.state != ready {
			continue
		}
		kept := e.flags&fPersistent != 0
		if e.flags&fStored != 0 {
			kept = kept && q.v.persistent.contains(e.id)
			if !kept {
				e.flags &^= fStored
			}
		}
		switch {
		case !kept:
			q.ready--
			q.forget(seq, e)
		case !clean && e.flags&fDelivered == 0:
			e.flags |= fDelivered
			q.journalDeliver(seq, e)
		}
	}
	if q.index.segs == nil && q.next == 0 {
		return nil
	}
	if !clean {
		return q.reset()
	}
	return nil
}

// reset flushes at boot, where a failure is an answer.
func (q *Queue) reset() error {
	if !q.flush() {
		return errFlush
	}
	return nil
}
