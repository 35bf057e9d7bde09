package log

import (
	"github.com/mqsim/mqsim/sim"
)

// Appended is the result of an append.
type Appended struct {
	First, Last int64 // offsets
	Epoch       int32 // of the last batch
	Bytes       int64
	Records     int64
	// Duplicate: the batch was in the log already, and First and Last are where
	// (ProducerStateEntry.findDuplicateBatch). Nothing was written.
	Duplicate bool
}

// AppendAsLeader validates a batch that a client sent, gives it the next offsets and the leader's
// epoch, and writes it (UnifiedLog.appendAsLeader). now is the wall clock in milliseconds.
//
// When it returns, the batch is in the page cache; nothing but flush.messages syncs it. On a new
// epoch the leader-epoch checkpoint is synced first, which blocks. The error is one of the
// sentinels; ErrStorage takes the whole directory offline.
func (l *Log) AppendAsLeader(b Batch, epoch int32, now int64) (Appended, error) {
	if l.d.offline != nil {
		return Appended{}, ErrStorage
	}
	h, err := l.validate(b)
	if err != nil {
		return Appended{}, err
	}
	return l.appendAtEnd(b, h, epoch, now)
}

// appendAtEnd gives a sound batch the next offsets and writes it.
func (l *Log) appendAtEnd(b Batch, h Header, epoch int32, now int64) (Appended, error) {
	a := l.d.arena
	first := l.end
	last := first + int64(h.LastOffsetDelta())
	size := int64(b.Size())
	if err := l.AssignEpoch(epoch, first); err != nil {
		return Appended{}, err
	}
	if size > l.opt.SegmentBytes {
		return Appended{}, ErrBatchTooLarge
	}
	if l.opt.AppendTime {
		b = dated(a, b, now)
		h = Header(a.Bytes(b.Header))
	}
	if err := l.maybeRoll(first, last, size, h.MaxTimestamp(), now); err != nil {
		return Appended{}, l.fail(err)
	}
	if h.ProducerID() != None {
		if m, ok := l.producers.duplicate(h); ok {
			return Appended{First: m.firstOffset(), Last: m.lastOffset, Epoch: epoch, Duplicate: true}, nil
		}
		if l.opt.KnownProducers && h.BaseSequence() != 0 && l.producers.find(h.ProducerID()) == nil {
			return Appended{}, ErrUnknownProducerID
		}
		if err := l.producers.check(h); err != nil {
			return Appended{}, err
		}
	}
	b = restamp(a, b, first, epoch)
	h = Header(a.Bytes(b.Header))
	l.batches = append(l.batches[:0], appended{last: last, maxTS: h.MaxTimestamp(), size: size})
	if err := l.active().append(&l.opt, []sim.Ref{b.Header, b.Records}, l.batches); err != nil {
		return Appended{}, l.fail(err)
	}
	l.d.w.K.Fold(uint64(h.CRC())<<32 ^ uint64(first))
	l.end = last + 1
	l.producers.update(h)
	return Appended{First: first, Last: last, Epoch: epoch, Bytes: size, Records: int64(h.Count())}, l.maybeFlush()
}

// validate judges a batch from a client (UnifiedLog.analyzeAndValidateRecords, LogValidator).
// Records are parsed only if the checksum is not remembered: whoever computed or checked it looked
// at the records too.
func (l *Log) validate(b Batch) (Header, error) {
	a := l.d.arena
	if b.Header.Len != HeaderSize {
		return nil, ErrCorruptMessage
	}
	h := Header(a.Bytes(b.Header))
	if int64(b.Size()) > l.opt.MaxMessageBytes {
		return nil, ErrRecordTooLarge
	}
	if h.Magic() != magicV2 || h.Size() != int64(b.Size()) {
		return nil, ErrCorruptMessage
	}
	if !sealed(a, b.Header, b.Records) {
		var two [2]sim.Ref
		c := NewCursor(a, append(two[:0], b.Header, b.Records))
		if !c.Next() || !c.Valid() {
			return nil, ErrCorruptMessage
		}
		if err := checkRecords(&c); err != nil {
			return nil, err
		}
	}
	if l.opt.Compact && !keyed(a, b) {
		return nil, ErrInvalidRecord
	}
	switch {
	case h.BaseOffset() != 0, h.Control(), h.Count() <= 0, h.LastOffsetDelta() != h.Count()-1:
		return nil, ErrInvalidRecord
	case h.ProducerID() != None && h.BaseSequence() < 0:
		return nil, ErrInvalidRecord
	}
	return h, nil
}

// keyed says whether every record has a key: a compacted log takes no others
// (LogValidator.validateKey).
func keyed(a *sim.Arena, b Batch) bool {
	r := RecordsOf(a, b)
	for r.Next() {
		if r.Record.Key == nil {
			return false
		}
	}
	return true
}

// checkRecords parses all records of a batch; their offset deltas must be 0, 1, 2 ... A compressed
// section is taken as it is.
func checkRecords(c *Cursor) error {
	if c.Header.Codec() != 0 {
		return nil
	}
	r := c.Records()
	next := c.Header.BaseOffset()
	for r.Next() {
		if r.Record.Offset != next {
			return ErrInvalidRecord
		}
		next++
	}
	if r.Err() != nil {
		return ErrInvalidRecord
	}
	return nil
}

// AppendAsFollower writes what a fetch from the leader returned, offsets and epochs as they are
// (UnifiedLog.appendAsFollower). The response is one append: one index decision, one write. A part
// of a batch at its end is ignored. Nothing is written if any batch is bad or the response begins
// below the end of the log.
func (l *Log) AppendAsFollower(refs []sim.Ref, now int64) (Appended, error) {
	if l.d.offline != nil {
		return Appended{}, ErrStorage
	}
	f := fetched{Appended: Appended{First: None, Last: None, Epoch: None}, refs: refs, maxTS: None}
	if err := l.analyze(&f); err != nil || len(l.batches) == 0 {
		return Appended{}, err
	}
	if f.newEpoch {
		c := NewCursor(l.d.arena, f.refs)
		for c.Next() {
			if e := c.Header.LeaderEpoch(); e >= 0 {
				if err := l.AssignEpoch(e, c.Header.BaseOffset()); err != nil {
					return Appended{}, err
				}
			}
		}
	}
	if f.Bytes > l.opt.SegmentBytes {
		return Appended{}, ErrBatchTooLarge
	}
	if err := l.maybeRoll(f.First, f.Last, f.Bytes, f.maxTS, now); err != nil {
		return Appended{}, l.fail(err)
	}
	if err := l.active().append(&l.opt, f.refs, l.batches); err != nil {
		return Appended{}, l.fail(err)
	}
	l.d.w.K.Fold(f.fold<<32 ^ uint64(f.First))
	l.end = f.Last + 1
	switch {
	case !f.producers:
	case len(l.batches) == 1:
		l.producers.update(f.header)
	default:
		c := NewCursor(l.d.arena, f.refs)
		for c.Next() {
			l.producers.update(c.Header)
		}
	}
	l.producers.mapEnd = l.end
	return f.Appended, l.maybeFlush()
}

// fetched is what a follower finds in a fetch response.
type fetched struct {
	Appended
	refs      []sim.Ref // its whole batches
	maxTS     int64
	header    Header // of the last batch
	fold      uint64 // of the CRCs, for the run's digest
	newEpoch  bool   // some batch is not of the latest epoch
	producers bool   // some batch is of an idempotent producer
}

// analyze checks a fetch response, which is f.refs, and fills l.batches with its batches.
func (l *Log) analyze(f *fetched) error {
	c := NewCursor(l.d.arena, f.refs)
	next, epoch := l.end, l.LatestEpoch()
	l.batches = l.batches[:0]
	for c.Next() {
		if !c.Valid() {
			return ErrCorruptMessage
		}
		h := c.Header
		f.header = h
		base, maxTS := h.BaseOffset(), h.MaxTimestamp()
		switch {
		case base >= next:
		case f.First == None:
			return ErrUnexpectedOffset
		default:
			return ErrOffsetsOutOfOrder
		}
		if f.First == None {
			f.First = base
		}
		f.Last, f.Epoch = base+int64(h.LastOffsetDelta()), h.LeaderEpoch()
		next = f.Last + 1
		f.Records += int64(h.Count())
		f.maxTS = max(f.maxTS, maxTS)
		f.newEpoch = f.newEpoch || f.Epoch != epoch
		f.producers = f.producers || h.ProducerID() != None
		f.fold = f.fold<<1 ^ f.fold>>63 ^ uint64(h.CRC())
		l.batches = append(l.batches, appended{last: f.Last, maxTS: maxTS, size: c.Size()})
	}
	if c.Err() != nil {
		return ErrCorruptMessage
	}
	f.Bytes = c.Pos()
	if c.Rest() > 0 {
		f.refs = cutRefs(f.refs, c.start)
	}
	return nil
}

// cutRefs is the beginning of refs up to a place. It leaves refs as it is.
func cutRefs(refs []sim.Ref, end place) []sim.Ref {
	out := append([]sim.Ref(nil), refs[:end.ref]...)
	if end.off > 0 {
		out = append(out, refs[end.ref].Slice(0, end.off))
	}
	return out
}

// AssignEpoch enters a leader epoch that begins at start: when a leader takes over, with no data
// yet (KAFKA-7415), and before data of a new epoch is written. The checkpoint is synced before it
// returns.
func (l *Log) AssignEpoch(epoch int32, start int64) error {
	if last, ok := l.epochs.Latest(); ok && last.Epoch == epoch && last.Start <= start {
		return nil // every append but the first of an epoch
	}
	if l.d.offline != nil {
		return ErrStorage
	}
	if !l.epochs.assign(epoch, start) {
		return nil
	}
	return l.writeEpochs(true)
}
