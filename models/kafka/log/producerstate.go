package log

import "sort"

// windowSize is how many batches per producer are remembered for deduplication
// (ProducerStateEntry.NUM_BATCHES_TO_RETAIN).
const windowSize = 5

// batchMeta is what is remembered of one batch of an idempotent producer.
type batchMeta struct {
	lastOffset  int64
	timestamp   int64
	lastSeq     int32
	offsetDelta int32
}

func (m *batchMeta) firstSeq() int32    { return subSequence(m.lastSeq, m.offsetDelta) }
func (m *batchMeta) firstOffset() int64 { return m.lastOffset - int64(m.offsetDelta) }

// producerEntry is the state of one producer id (ProducerStateEntry).
type producerEntry struct {
	id               int64
	lastTimestamp    int64 // of its last batch
	txnFirstOffset   int64 // of an open transaction, None
	coordinatorEpoch int32
	epoch            int16
	n                int8 // batches in the window
	window           [windowSize]batchMeta
}

// lastSeq is the last sequence number, None if no batch is remembered.
func (e *producerEntry) lastSeq() int32 {
	if e.n == 0 {
		return None
	}
	return e.window[e.n-1].lastSeq
}

// Producers is the producer state of a partition (ProducerStateManager): which batches an
// idempotent producer sent last. It is derived from the log and rebuilt from it; snapshots only
// shorten that.
type Producers struct {
	entries  []producerEntry
	index    map[int64]int32 // producer id -> entries
	mapEnd   int64           // the state covers offsets below
	lastSnap int64           // offset of the newest snapshot, None
	hot      int32           // entry used last
}

func newProducers() *Producers {
	return &Producers{index: map[int64]int32{}, lastSnap: None}
}

// Len is the number of producer ids with state.
func (p *Producers) Len() int { return len(p.entries) }

func (p *Producers) find(id int64) *producerEntry {
	if int(p.hot) < len(p.entries) && p.entries[p.hot].id == id {
		return &p.entries[p.hot]
	}
	i, ok := p.index[id]
	if !ok {
		return nil
	}
	p.hot = i
	return &p.entries[i]
}

func (p *Producers) add(e producerEntry) *producerEntry {
	p.hot = int32(len(p.entries))
	p.index[e.id] = p.hot
	p.entries = append(p.entries, e)
	return &p.entries[p.hot]
}

// clear forgets everything; the state then covers nothing below end.
func (p *Producers) clear(end int64) {
	p.entries = p.entries[:0]
	clear(p.index)
	p.mapEnd, p.hot = end, 0
}

// duplicate finds the remembered batch with the same epoch and sequence range
// (ProducerStateEntry.findDuplicateBatch).
func (p *Producers) duplicate(h Header) (batchMeta, bool) {
	e := p.find(h.ProducerID())
	if e == nil || e.epoch != h.ProducerEpoch() {
		return batchMeta{}, false
	}
	first, last := h.BaseSequence(), h.LastSequence()
	for i := range e.n {
		if m := &e.window[i]; m.lastSeq == last && m.firstSeq() == first {
			return *m, true
		}
	}
	return batchMeta{}, false
}

// check judges a batch that a client sent (ProducerAppendInfo.checkProducerEpoch, checkSequence).
// A producer id without state may begin with any sequence number (KAFKA-7190, since 2.5).
func (p *Producers) check(h Header) error {
	e := p.find(h.ProducerID())
	if e == nil || e.epoch == None {
		return nil
	}
	switch epoch, seq := h.ProducerEpoch(), h.BaseSequence(); {
	case epoch < e.epoch:
		return ErrInvalidProducerEpoch
	case epoch > e.epoch:
		if seq != 0 {
			return ErrOutOfOrderSequence
		}
	default:
		if last := e.lastSeq(); int64(seq) != int64(last)+1 && !(seq == 0 && last == 1<<31-1) {
			return ErrOutOfOrderSequence
		}
	}
	return nil
}

// update enters a batch that is in the log, whoever appended it (ProducerStateEntry.update).
func (p *Producers) update(h Header) {
	delta := h.LastOffsetDelta()
	last := h.BaseOffset() + int64(delta)
	p.mapEnd = last + 1
	id := h.ProducerID()
	if id == None || h.Control() {
		return
	}
	e := p.find(id)
	if e == nil {
		e = p.add(producerEntry{id: id, epoch: h.ProducerEpoch(), txnFirstOffset: None, coordinatorEpoch: None})
	}
	if e.epoch != h.ProducerEpoch() {
		e.epoch, e.n = h.ProducerEpoch(), 0
	}
	if e.n == windowSize {
		copy(e.window[:], e.window[1:])
		e.n--
	}
	e.lastTimestamp = h.MaxTimestamp()
	e.window[e.n] = batchMeta{
		lastSeq: h.LastSequence(), lastOffset: last, offsetDelta: delta, timestamp: e.lastTimestamp,
	}
	e.n++
}

// expire forgets producers whose last batch is older than age milliseconds
// (producer.id.expiration.ms; ProducerStateManager.removeExpiredProducers).
func (p *Producers) expire(now, age int64) {
	kept := p.entries[:0]
	for _, e := range p.entries {
		if e.txnFirstOffset == None && now-e.lastTimestamp >= age {
			delete(p.index, e.id)
			continue
		}
		p.index[e.id] = int32(len(kept))
		kept = append(kept, e)
	}
	p.entries, p.hot = kept, 0
}

// sorted are the entries in order of producer id.
func (p *Producers) sorted() []producerEntry {
	out := append([]producerEntry(nil), p.entries...)
	sort.Slice(out, func(i, j int) bool { return out[i].id < out[j].id })
	return out
}
