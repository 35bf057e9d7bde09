package store

import "github.com/mqsim/mqsim/sim"

// entry is a message of a queue.
type entry struct {
	body  sim.Ref
	rec   sim.Ref // its journal record, and behind it the tail of an embedded message
	id    uint64
	tag   uint64
	route uint16
	flags uint16
	mode  uint8
	state state
}

type state uint8

const (
	absent  state = iota
	ready         // waits for a consumer
	unacked       // delivered, or handed over on publish
	gone          // acknowledged; the index may still have to be told
)

const (
	fPersistent uint16 = 1 << iota
	fDelivered
	fIndexed  // it has an index entry
	fEmbedded // its body is in the index
	fStored   // its body is in a shared store: the persistent one if fPersistent
	fCold     // its body must be read before it is delivered
	fConfirm  // a confirm is owed
	fIndexSafe
	fBodySafe
	fJPub // what the journal has of it and its segment has not
	fJDel
	fJAck

	fJournal = fJPub | fJDel | fJAck

	// of version 2
	fUnwritten     = fJPub // its entry is in the write buffer of the index
	fBodyUnwritten = fJDel // its body in that of the per-queue store
)

const (
	pageBits = 8
	pageSize = 1 << pageBits
)

// page is a stretch of entries; live counts those that are not gone, or not yet written to a segment.
type page struct {
	live    int
	entries [pageSize]entry
}

// at is the entry of a sequence number, nil if there is none.
func (q *Queue) at(seq uint64) *entry {
	i := seq>>pageBits - q.page0
	if seq>>pageBits < q.page0 || i >= uint64(len(q.pages)) || q.pages[i] == nil {
		return nil
	}
	e := &q.pages[i].entries[seq&(pageSize-1)]
	if e.state == absent {
		return nil
	}
	return e
}

// add makes the entry of a sequence number.
func (q *Queue) add(seq uint64) *entry {
	n := seq >> pageBits
	switch {
	case len(q.pages) == 0:
		q.page0 = n
	case n < q.page0:
		q.pages = append(make([]*page, q.page0-n, q.page0-n+uint64(len(q.pages))), q.pages...)
		q.page0 = n
	}
	if n-q.page0 >= uint64(len(q.pages)) {
		if last := uint64(len(q.pages)); last > 0 && q.pages[last-1] != nil && q.pages[last-1].live == 0 {
			if q.drop(last - 1); len(q.pages) == 0 {
				q.page0 = n
			}
		}
		for n-q.page0 >= uint64(len(q.pages)) {
			q.pages = append(q.pages, nil)
		}
	}
	p := q.pages[n-q.page0]
	if p == nil {
		p = q.v.newPage()
		q.pages[n-q.page0] = p
	}
	p.live++
	return &p.entries[seq&(pageSize-1)]
}

func (v *Vhost) newPage() *page {
	if n := len(v.free); n > 0 {
		p := v.free[n-1]
		v.free = v.free[:n-1]
		return p
	}
	return new(page)
}

// release says that neither the queue nor the journal needs the entry any more.
func (q *Queue) release(seq uint64) {
	i := seq>>pageBits - q.page0
	p := q.pages[i]
	e := &p.entries[seq&(pageSize-1)]
	*e = entry{}
	p.live--
	if p.live > 0 || seq>>pageBits == q.next>>pageBits {
		return
	}
	q.drop(i)
}

func (q *Queue) drop(i uint64) {
	q.v.free = append(q.v.free, q.pages[i])
	q.pages[i] = nil
	k := 0
	for k < len(q.pages) && q.pages[k] == nil {
		k++
	}
	q.pages = q.pages[k:]
	q.page0 += uint64(k)
}

// firstSeq is the first sequence number that may have an entry.
func (q *Queue) firstSeq() uint64 { return q.page0 << pageBits }
