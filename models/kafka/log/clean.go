package log

import (
	"github.com/mqsim/mqsim/sim"
)

// copier writes what a round of the cleaner retains of a group of segments into one new segment
// (Cleaner.cleanSegments, MemoryRecords.filterTo).
type copier struct {
	l     *Log
	keys  *offsetMap
	upTo  int64 // first offset that the round does not clean
	now   int64
	chunk int64
	out   *Cleaned

	to      *segment
	refs    []sim.Ref
	batches []appended
	kept    []Record
}

// copy makes BASE.log.cleaned with its indexes and syncs it. Bytes are appended chunk by chunk, as the
// broker's buffer has them, and the index rule sees each chunk as one append.
func (c *copier) copy(group []*segment) (*segment, error) {
	l := c.l
	to, err := createSegmentAs(l.d.fs, l.path, group[0].base, c.now, &l.opt, cleanedSuffix)
	if err != nil {
		return nil, err
	}
	c.to = to
	for _, s := range group {
		sc := scan(l.d.arena, s.file, 0, s.size(), l.refs)
		inChunk := int64(0)
		for sc.next() {
			if inChunk += sc.Size(); inChunk > c.chunk && inChunk > sc.Size() {
				if err := c.flush(); err != nil {
					return nil, err
				}
				inChunk = sc.Size()
			}
			if err := c.batch(&sc.Cursor); err != nil {
				return nil, err
			}
		}
		l.refs = sc.refs
		c.out.Read += sc.filePos()
		switch {
		case sc.failure != nil:
			return nil, sc.failure
		case sc.Err() != nil:
			return nil, sc.Err()
		}
		if err := c.flush(); err != nil {
			return nil, err
		}
	}
	if err := to.becomeInactive(); err != nil {
		return nil, err
	}
	for _, f := range to.files() {
		if err := f.SyncNow(); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// flush appends what was retained of a chunk.
func (c *copier) flush() error {
	if len(c.batches) == 0 {
		return nil
	}
	for _, b := range c.batches {
		c.out.Written += b.size
	}
	err := c.to.append(&c.l.opt, c.refs, c.batches)
	c.refs, c.batches = c.refs[:0], c.batches[:0]
	return err
}

// batch decides about one batch. It stays as it is if all its records stay; it is rewritten if some go
// or if it has its first tombstone; it stays as an empty header if it is the last of its producer or of
// the round, so that sequence numbers and the last offset survive.
func (c *copier) batch(b *Cursor) error {
	h := b.Header
	if h.Control() {
		return c.whole(b)
	}
	horizon, set := h.DeleteHorizon()
	c.kept = c.kept[:0]
	tombstones := false
	r := b.Records()
	for r.Next() {
		if c.keys.superseded(&r.Record) || r.Record.Value == nil && set && c.now >= horizon && r.Record.Offset <= c.keys.latest {
			continue
		}
		tombstones = tombstones || r.Record.Value == nil
		c.kept = append(c.kept, r.Record)
	}
	if r.Err() != nil {
		return r.Err()
	}
	switch {
	case len(c.kept) == 0 && (c.lastOfProducer(h) || h.NextOffset() == c.upTo):
		c.add(emptied(c.l.d.arena, h), h.LastOffset(), h.MaxTimestamp())
	case len(c.kept) == 0:
	case len(c.kept) == int(h.Count()) && (!tombstones || set):
		return c.whole(b)
	default:
		if tombstones && !set {
			horizon, set = c.now+c.l.opt.DeleteRetention, true
		}
		if !set {
			horizon = None
		}
		n := rebuilt(c.l.d.arena, h, c.kept, horizon)
		c.add(n, h.LastOffset(), Header(c.l.d.arena.Bytes(n.Header)).MaxTimestamp())
	}
	return nil
}

// lastOfProducer says whether the batch is the last one of a producer whose state is kept
// (UnifiedLog.lastRecordsOfActiveProducers).
func (c *copier) lastOfProducer(h Header) bool {
	if h.ProducerID() == None {
		return false
	}
	e := c.l.producers.find(h.ProducerID())
	return e != nil && e.n > 0 && e.window[e.n-1].lastOffset == h.LastOffset()
}

func (c *copier) whole(b *Cursor) error {
	batch, ok := b.Batch()
	if !ok { // split by damage: what is written is one piece again
		a := c.l.d.arena
		records, section := a.Alloc(int(b.Size() - HeaderSize))
		b.copyFrom(b.body, section)
		header, h := newHeader(a)
		copy(h, b.Header)
		batch = Batch{Header: header, Records: records}
	}
	c.add(batch, b.Header.LastOffset(), b.Header.MaxTimestamp())
	return nil
}

func (c *copier) add(b Batch, last, maxTS int64) {
	c.refs = append(c.refs, b.Header)
	if b.Records.Len > 0 {
		c.refs = append(c.refs, b.Records)
	}
	c.batches = append(c.batches, appended{last: last, maxTS: maxTS, size: int64(b.Size())})
}

// emptied is a batch's header without records (DefaultRecordBatch.writeEmptyHeader).
func emptied(a *sim.Arena, old Header) Batch {
	r, h := newHeader(a)
	putHeader(h, &fields{
		base: old.BaseOffset(), epoch: old.LeaderEpoch(), attributes: old.Attributes() & (attrLogAppendTime | attrTransactional),
		lastDelta: old.LastOffsetDelta(), baseTimestamp: None, maxTimestamp: old.MaxTimestamp(),
		producerID: old.ProducerID(), producerEpoch: old.ProducerEpoch(), baseSequence: old.BaseSequence(),
	}, nil)
	seal(a, r, h, sim.Ref{})
	return Batch{Header: r}
}

// rebuilt is a batch with only some of its records. A horizon other than None is the time from which its
// tombstones may go; it takes the place of the base timestamp (KIP-534).
func rebuilt(a *sim.Arena, old Header, kept []Record, horizon int64) Batch {
	f := fields{
		base: old.BaseOffset(), epoch: old.LeaderEpoch(), attributes: old.Attributes() &^ attrDeleteHorizon,
		lastDelta: old.LastOffsetDelta(), baseTimestamp: kept[0].Timestamp, maxTimestamp: kept[0].Timestamp,
		producerID: old.ProducerID(), producerEpoch: old.ProducerEpoch(), baseSequence: old.BaseSequence(),
		count: int32(len(kept)),
	}
	if horizon != None {
		f.baseTimestamp = horizon
		f.attributes |= attrDeleteHorizon
	}
	size := 0
	for i := range kept {
		f.maxTimestamp = max(f.maxTimestamp, kept[i].Timestamp)
		n := kept[i].size(&f)
		size += varintSize(int64(n)) + n
	}
	records, dst := a.Alloc(size)
	at := 0
	for i := range kept {
		at += kept[i].put(dst[at:], &f)
	}
	for i := range kept {
		if kept[i].Body.Len > 0 {
			remark(a, kept[i].Body, records)
		}
	}
	r, h := newHeader(a)
	putHeader(h, &f, dst)
	seal(a, r, h, records)
	return Batch{Header: r, Records: records}
}

// size is that of a record behind its length field.
func (r *Record) size(f *fields) int {
	n := 1 + varintSize(r.Timestamp-f.baseTimestamp) + varintSize(r.Offset-f.base)
	return n + fieldSize(r.Key) + fieldSize(r.Value) + varintSize(int64(r.count)) + len(r.headers)
}

func fieldSize(b []byte) int {
	if b == nil {
		return varintSize(None)
	}
	return varintSize(int64(len(b))) + len(b)
}

// put encodes a record with its length and returns the number of bytes.
func (r *Record) put(dst []byte, f *fields) int {
	n := putVarint(dst, int64(r.size(f)))
	dst[n] = 0
	n++
	n += putVarint(dst[n:], r.Timestamp-f.baseTimestamp)
	n += putVarint(dst[n:], r.Offset-f.base)
	n += putField(dst[n:], r.Key)
	n += putField(dst[n:], r.Value)
	n += putVarint(dst[n:], int64(r.count))
	return n + copy(dst[n:], r.headers)
}

func putField(dst, b []byte) int {
	if b == nil {
		return putVarint(dst, None)
	}
	n := putVarint(dst, int64(len(b)))
	return n + copy(dst[n:], b)
}
