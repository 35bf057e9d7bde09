package log

import (
	"encoding/binary"
	"io/fs"
	"path"
)

// sibling reads the segment that an index belongs to; nil if it is not there.
func (d *dump) sibling(base int64) *segmentFacts {
	dir := path.Dir(d.Path)
	if info, err := fs.Stat(d.FS, d.Path); err == nil && info.IsDir() {
		dir = d.Path
	}
	b, err := fs.ReadFile(d.FS, fileName(dir, base, logSuffix))
	if err != nil {
		return nil
	}
	quiet := &dump{Inspection: d.Inspection, name: fileName("", base, logSuffix)[1:], b: b}
	silent := *d.Inspection
	silent.Out = nowhere{}
	quiet.Inspection = &silent
	f := quiet.walk(nil)
	return &f
}

// nowhere takes what nobody wants to read.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }

// entries visits an index file's entries up to the zeros behind the last one. A file ends with zeros as
// long as its segment is appended to; zeros between entries are pages that did not reach the disk.
func (d *dump) entries(size int, visit func(pos int64, e []byte)) {
	n := 0
	for at := 0; at+size <= len(d.b); at += size {
		if !allZero(d.b[at : at+size]) {
			n = at + size
		}
	}
	holes := 0
	for at := 0; at < n; at += size {
		if allZero(d.b[at : at+size]) {
			if holes++; holes == 1 {
				d.damage(int64(at), "zeros between entries")
			}
			continue
		}
		visit(int64(at), d.b[at:at+size])
	}
	if rest := len(d.b) % size; rest != 0 {
		d.damage(int64(len(d.b)-rest), "%d bytes are no entry", rest)
	}
	d.printf("%s", counted(int64(n/size-holes), "entry"))
	if free := len(d.b)/size - n/size; free > 0 {
		d.printf(", room for %d more", free)
	}
	d.printf("\n")
}

// offsetIndex prints an .index file and compares it with its segment (OffsetIndex.sanityCheck, and
// DumpLogSegments' search for mismatches).
func (d *dump) offsetIndex() error {
	base, _ := offsetOf(d.name, indexSuffix)
	log := d.sibling(base)
	lastRel, lastPos := int64(None), int64(None)
	d.entries(offsetEntrySize, func(at int64, e []byte) {
		rel, pos := int64(binary.BigEndian.Uint32(e)), int64(binary.BigEndian.Uint32(e[4:]))
		if d.more() {
			d.printf("offset: %d position: %d\n", base+rel, pos)
		}
		switch {
		case rel <= lastRel || pos <= lastPos:
			d.damage(at, "offset %d at position %d does not lie behind offset %d at %d", base+rel, pos, base+lastRel, lastPos)
		case log == nil:
		case pos >= log.good:
			d.damage(at, "offset %d at position %d: the segment ends at %d", base+rel, pos, log.good)
		case log.starts[pos] == nil:
			d.damage(at, "offset %d at position %d: no batch begins there", base+rel, pos)
		case !log.ends[base+rel] || base+rel < log.starts[pos].LastOffset():
			d.damage(at, "offset %d at position %d: no append that begins there ends with this offset", base+rel, pos)
		}
		lastRel, lastPos = rel, pos
	})
	return nil
}

// timeIndex prints a .timeindex file and compares it with its segment.
func (d *dump) timeIndex() error {
	base, _ := offsetOf(d.name, timeIndexSuffix)
	log := d.sibling(base)
	lastTS, lastRel := int64(None), int64(None)
	d.entries(timeEntrySize, func(at int64, e []byte) {
		ts, rel := int64(binary.BigEndian.Uint64(e)), int64(binary.BigEndian.Uint32(e[8:]))
		if d.more() {
			d.printf("timestamp: %d offset: %d\n", ts, base+rel)
		}
		switch {
		case ts <= lastTS || rel < lastRel:
			d.damage(at, "timestamp %d, offset %d does not lie behind timestamp %d, offset %d", ts, base+rel, lastTS, base+lastRel)
		case log != nil && base+rel >= log.next:
			d.damage(at, "timestamp %d, offset %d: the segment ends with offset %d", ts, base+rel, log.next-1)
		}
		lastTS, lastRel = ts, rel
	})
	return nil
}

// txnEntrySize is an aborted transaction: int16 version, producer id, first and last offset, last
// stable offset (TransactionIndex, AbortedTxn).
const txnEntrySize = 2 + 4*8

// txnIndex prints a .txnindex file.
func (d *dump) txnIndex() error {
	for at := 0; at+txnEntrySize <= len(d.b); at += txnEntrySize {
		e := d.b[at:]
		version := int16(binary.BigEndian.Uint16(e))
		n := func(i int) int64 { return int64(binary.BigEndian.Uint64(e[2+8*i:])) }
		if d.more() {
			d.printf("version: %d producerId: %d firstOffset: %d lastOffset: %d lastStableOffset: %d\n", version, n(0), n(1), n(2), n(3))
		}
		if version != 0 || n(1) > n(2) {
			d.damage(int64(at), "no aborted transaction")
		}
	}
	if rest := len(d.b) % txnEntrySize; rest != 0 {
		d.damage(int64(len(d.b)-rest), "%d bytes are no entry", rest)
	}
	return nil
}

// snapshot prints a producer snapshot.
func (d *dump) snapshot() error {
	entries, err := parseSnapshot(d.b)
	if err != nil {
		d.damage(0, "version, CRC or length of the snapshot is wrong")
		return nil
	}
	for i := range entries {
		if !d.more() {
			continue
		}
		e := &entries[i]
		txn := "None"
		if e.txnFirstOffset >= 0 {
			txn = itoa(e.txnFirstOffset)
		}
		m := batchMeta{lastSeq: None, lastOffset: None}
		if e.n > 0 {
			m = e.window[e.n-1]
		}
		first := int32(None)
		if e.n > 0 {
			first = m.firstSeq()
		}
		d.printf("producerId: %d producerEpoch: %d coordinatorEpoch: %d currentTxnFirstOffset: %s lastTimestamp: %d "+
			"firstSequence: %d lastSequence: %d lastOffset: %d offsetDelta: %d timestamp: %d\n",
			e.id, e.epoch, e.coordinatorEpoch, txn, e.lastTimestamp, first, m.lastSeq, m.lastOffset, m.offsetDelta, m.timestamp)
	}
	d.printf("%s\n", counted(int64(len(entries)), "producer"))
	return nil
}
