package log

import (
	"encoding/binary"
	"math"
	"sort"
)

// Index files are mapped and sized in advance to segment.index.bytes; they are trimmed to their
// entries when the segment becomes inactive or is closed (AbstractIndex). After a crash the active
// segment's file is full length with zeros behind its entries, or with holes; recovery rebuilds it.
//
// The entries are also kept in memory, as a mapping is: the file is the truth at every opening. With a
// data directory a lookup is a binary search over the mapped file itself.

const (
	offsetEntrySize = 8
	timeEntrySize   = 12
)

// offsetEntry says that the append that ended with offset base+rel began at byte pos. It is the
// form on disk: two 32-bit numbers.
type offsetEntry struct {
	rel uint32
	pos uint32
}

// offsetIndex is a segment's .index file (OffsetIndex).
type offsetIndex struct {
	file    *file
	base    int64
	entries []offsetEntry
	max     int // entries that fit into the file
}

// roundDown is the largest multiple of unit that is not above n (AbstractIndex.roundDownToExactMultiple).
func roundDown(n int64, unit int64) int64 { return n - n%unit }

// createIndexFile makes an empty index file of its full size.
func createIndexFile(fs *volume, path string, maxBytes, entry int64) (*file, int, error) {
	f, err := fs.Create(path)
	if err != nil {
		return nil, 0, err
	}
	size := roundDown(maxBytes, entry)
	if err := f.Allocate(size); err != nil {
		return nil, 0, err
	}
	return f, int(size / entry), nil
}

func createOffsetIndex(fs *volume, path string, base, maxBytes int64) (*offsetIndex, error) {
	f, n, err := createIndexFile(fs, path, maxBytes, offsetEntrySize)
	if err != nil {
		return nil, err
	}
	return &offsetIndex{file: f, base: base, max: n}, nil
}

// readWindow is how much of an index is read at once when it is opened.
const readWindow = 4096 * 3 // a multiple of both entry sizes

// eachEntry reads an index file up to its first entry of zeros or its end. No real entry is zero:
// an offset entry holds the last offset of an append that is not the first, a time entry a time.
func eachEntry(f *file, entry int, visit func(e []byte) bool) error {
	var buf [readWindow]byte
	for off := int64(0); off < f.Size(); {
		n, err := f.ReadAt(buf[:min(readWindow, f.Size()-off)], off)
		if err != nil {
			return err
		}
		for i := 0; i+entry <= n; i += entry {
			if allZero(buf[i:i+entry]) || !visit(buf[i:i+entry]) {
				return nil
			}
		}
		off += int64(n)
	}
	return nil
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// openOffsetIndex reads an existing index of a log file of the given size. ErrMalformed means that
// its entries cannot be those of the file and it must be rebuilt. (OffsetIndex.sanityCheck looks at
// the last entry only; entries that do not rise would make any later answer meaningless.)
func openOffsetIndex(f *file, base, logSize int64) (*offsetIndex, error) {
	x := &offsetIndex{file: f, base: base, max: int(f.Size() / offsetEntrySize)}
	if f.Size()%offsetEntrySize != 0 {
		return nil, ErrMalformed
	}
	sane := true
	err := eachEntry(f, offsetEntrySize, func(b []byte) bool {
		e := offsetEntry{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
		if n := len(x.entries); n > 0 && (e.rel <= x.entries[n-1].rel || e.pos <= x.entries[n-1].pos) || int64(e.pos) >= logSize || e.rel > math.MaxInt32 {
			sane = false
		}
		x.entries = append(x.entries, e)
		return sane
	})
	if err == nil && !sane {
		err = ErrMalformed
	}
	return x, err
}

// append adds the entry for an append that ends with offset last and begins at byte pos. It panics
// if the index is full: the segment must have been rolled before.
func (x *offsetIndex) append(last int64, pos int64) {
	if x.full() {
		panic("kafka log: append to a full offset index " + x.file.Path())
	}
	e := offsetEntry{uint32(last - x.base), uint32(pos)}
	if n := len(x.entries); n > 0 && e.rel <= x.entries[n-1].rel {
		panic("kafka log: offset index entries do not rise in " + x.file.Path())
	}
	var b [offsetEntrySize]byte
	binary.BigEndian.PutUint32(b[:], e.rel)
	binary.BigEndian.PutUint32(b[4:], e.pos)
	x.file.Store(int64(len(x.entries))*offsetEntrySize, b[:])
	x.entries = append(x.entries, e)
}

func (x *offsetIndex) full() bool { return len(x.entries) >= x.max }

// lookup is the greatest entry with an offset <= target, or the beginning of the segment. The real
// index searches its warm end first, which finds the same entry.
func (x *offsetIndex) lookup(target int64) (offset, pos int64) {
	rel := target - x.base
	i := sort.Search(len(x.entries), func(i int) bool { return int64(x.at(i).rel) > rel })
	if i == 0 {
		return x.base, 0
	}
	e := x.at(i - 1)
	return x.base + int64(e.rel), int64(e.pos)
}

// at is the i-th entry: of a file in a data directory what its mapping shows, so that a search there
// touches the pages that the broker's would.
func (x *offsetIndex) at(i int) offsetEntry {
	if x.file.Real() {
		if b := x.file.View(int64(i)*offsetEntrySize, offsetEntrySize); b != nil {
			return offsetEntry{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
		}
	}
	return x.entries[i]
}

// truncateTo removes the entries with offsets >= offset.
func (x *offsetIndex) truncateTo(offset int64) {
	rel := offset - x.base
	x.keep(sort.Search(len(x.entries), func(i int) bool { return int64(x.entries[i].rel) >= rel }))
}

// keep forgets all but the first n entries. The real index only moves its position and leaves the
// bytes behind it; here they are made zeros, so that whoever opens the file sees its end.
func (x *offsetIndex) keep(n int) {
	if gone := len(x.entries) - n; gone > 0 {
		x.file.Store(int64(n)*offsetEntrySize, make([]byte, gone*offsetEntrySize))
		x.entries = x.entries[:n]
	}
}

// trim cuts the file to its entries.
func (x *offsetIndex) trim() error {
	x.max = len(x.entries)
	return x.file.Truncate(int64(len(x.entries))*offsetEntrySize, "trimmed")
}

// grow sizes the file for appends again (AbstractIndex.resize).
func (x *offsetIndex) grow(maxBytes int64) error {
	size := roundDown(maxBytes, offsetEntrySize)
	x.max = int(size / offsetEntrySize)
	return resize(x.file, size)
}

func resize(f *file, size int64) error {
	if f.Size() > size {
		return f.Truncate(size, "resized")
	}
	return f.Allocate(size)
}

// timeEntry says that every record with a larger timestamp lies behind offset base+rel.
type timeEntry struct {
	timestamp int64
	rel       uint32
}

// timeIndex is a segment's .timeindex file (TimeIndex).
type timeIndex struct {
	file    *file
	base    int64
	entries []timeEntry
	max     int
}

func createTimeIndex(fs *volume, path string, base, maxBytes int64) (*timeIndex, error) {
	f, n, err := createIndexFile(fs, path, maxBytes, timeEntrySize)
	if err != nil {
		return nil, err
	}
	return &timeIndex{file: f, base: base, max: n}, nil
}

// openTimeIndex reads an existing index; ErrMalformed as for openOffsetIndex.
func openTimeIndex(f *file, base int64) (*timeIndex, error) {
	x := &timeIndex{file: f, base: base, max: int(f.Size() / timeEntrySize)}
	if f.Size()%timeEntrySize != 0 {
		return nil, ErrMalformed
	}
	sane := true
	err := eachEntry(f, timeEntrySize, func(b []byte) bool {
		e := timeEntry{int64(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint32(b[8:])}
		last, offset := x.last()
		if e.timestamp <= last || base+int64(e.rel) < offset || e.rel > math.MaxInt32 {
			sane = false
		}
		x.entries = append(x.entries, e)
		return sane
	})
	if err == nil && !sane {
		err = ErrMalformed
	}
	return x, err
}

// last is the last entry; an empty index has (-1, base) (TimeIndex.lastEntry).
func (x *timeIndex) last() (timestamp, offset int64) {
	if n := len(x.entries); n > 0 {
		return x.entries[n-1].timestamp, x.base + int64(x.entries[n-1].rel)
	}
	return None, x.base
}

// maybeAppend adds an entry if timestamp is larger than the last one's. The last slot of the file
// is reserved for the entry that closes the segment.
func (x *timeIndex) maybeAppend(timestamp, offset int64, closing bool) {
	if x.full() && !closing || len(x.entries) >= x.max {
		panic("kafka log: append to a full time index " + x.file.Path())
	}
	if last, _ := x.last(); timestamp <= last {
		return
	}
	e := timeEntry{timestamp, uint32(offset - x.base)}
	var b [timeEntrySize]byte
	binary.BigEndian.PutUint64(b[:], uint64(e.timestamp))
	binary.BigEndian.PutUint32(b[8:], e.rel)
	x.file.Store(int64(len(x.entries))*timeEntrySize, b[:])
	x.entries = append(x.entries, e)
}

func (x *timeIndex) full() bool { return len(x.entries) >= x.max-1 }

// lookup is the last entry with a timestamp <= target, or (-1, base).
func (x *timeIndex) lookup(target int64) (timestamp, offset int64) {
	i := sort.Search(len(x.entries), func(i int) bool { return x.at(i).timestamp > target })
	if i == 0 {
		return None, x.base
	}
	e := x.at(i - 1)
	return e.timestamp, x.base + int64(e.rel)
}

// at is the i-th entry; see offsetIndex.at.
func (x *timeIndex) at(i int) timeEntry {
	if x.file.Real() {
		if b := x.file.View(int64(i)*timeEntrySize, timeEntrySize); b != nil {
			return timeEntry{int64(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint32(b[8:])}
		}
	}
	return x.entries[i]
}

// truncateTo removes the entries with offsets >= offset.
func (x *timeIndex) truncateTo(offset int64) {
	rel := offset - x.base
	x.keep(sort.Search(len(x.entries), func(i int) bool { return int64(x.entries[i].rel) >= rel }))
}

func (x *timeIndex) keep(n int) {
	if gone := len(x.entries) - n; gone > 0 {
		x.file.Store(int64(n)*timeEntrySize, make([]byte, gone*timeEntrySize))
		x.entries = x.entries[:n]
	}
}

func (x *timeIndex) trim() error {
	x.max = len(x.entries)
	return x.file.Truncate(int64(len(x.entries))*timeEntrySize, "trimmed")
}

func (x *timeIndex) grow(maxBytes int64) error {
	size := roundDown(maxBytes, timeEntrySize)
	x.max = int(size / timeEntrySize)
	return resize(x.file, size)
}
