package store

import (
	"errors"
	"fmt"

	"github.com/mqsim/mqsim/sim"
)

// Reasons of removals, as biographies show them.
const (
	// WhyRecovery: recovery cut the log at the first bad record.
	WhyRecovery = "recovery"
	// WhyRetention: cleaning removed the file.
	WhyRetention = "retention"
)

// ErrFileLength is returned by Open if a mapped file does not have the configured size
// (MappedFileQueue.doLoad).
var ErrFileLength = errors.New("rocketmq store: length of a mapped file is not the configured size")

// mappedFile is one file of a queue of mapped files. Positions are relative to its beginning.
type mappedFile struct {
	f         *file
	path      string
	from      int64
	wrote     int64
	committed int64 // with a pool: what was written to the file
	flushed   int64
	storeTime int64 // of the newest record that Put appended, milliseconds
	modified  int64 // last modified, wall clock in milliseconds
	first     bool  // made while its queue had no file (isFirstCreateInQueue)
	named     bool  // the directory was synced since it was made
	pool      []pooled
	pooling   bool // appends go to the pool
}

// readable is the end of what may be read, sent and consumed (MappedFile.getReadPosition).
func (m *mappedFile) readable() int64 {
	if m.pooling {
		return m.committed
	}
	return m.wrote
}

// mappedQueue is a sequence of mapped files of one size (MappedFileQueue).
type mappedQueue struct {
	fs        *volume
	dir       string
	size      int64
	files     []*mappedFile
	flushedTo int64 // flushedWhere
	storeTime int64 // storeTimestamp: of what the last complete flush covered
	// spare was made ahead by AllocateMappedFileService; only the commit log has one.
	ahead bool
	spare *mappedFile
	pool  *pool // new files take their buffer from here; nil: none
}

const (
	pageShift = 12
	pageSize  = 1 << pageShift
)

// load opens the files that are there (MappedFileQueue.doLoad). A file of no bytes gets its size:
// the journal of ext4 commits name and size together, while the world's disk draws for each.
func (q *mappedQueue) load() error {
	for _, name := range q.fs.List(q.dir) {
		from, ok := offsetOf(name)
		if !ok {
			continue
		}
		path := q.dir + "/" + name
		f := q.fs.Open(path)
		if f == nil {
			continue
		}
		if f.Size() == 0 {
			if err := f.Allocate(q.size); err != nil {
				return err
			}
		}
		if f.Size() != q.size {
			return fmt.Errorf("%w: %s: %d", ErrFileLength, path, f.Size())
		}
		q.files = append(q.files, &mappedFile{f: f, path: path, from: from, wrote: q.size, committed: q.size, flushed: q.size})
	}
	return nil
}

// last is the newest file, nil if there is none.
func (q *mappedQueue) last() *mappedFile {
	if n := len(q.files); n > 0 {
		return q.files[n-1]
	}
	return nil
}

// lastFor is the file to append to: a new one if there is none or the newest is full
// (MappedFileQueue.getLastMappedFile). start is where the first file of an empty queue has to hold.
func (q *mappedQueue) lastFor(start int64) (*mappedFile, error) {
	m := q.last()
	if m != nil && m.wrote < q.size {
		return m, nil
	}
	from := start - start%q.size
	if m != nil {
		from = m.from + q.size
	}
	return q.grow(from)
}

// grow makes the next file, and the one after it if the queue works ahead
// (AllocateMappedFileService.putRequestAndReturnMappedFile). The one after it may fail.
func (q *mappedQueue) grow(from int64) (*mappedFile, error) {
	m := q.spare
	q.spare = nil
	if m == nil || m.from != from {
		var err error
		if m, err = q.create(from); err != nil {
			return nil, err
		}
	}
	if q.ahead {
		q.spare, _ = q.create(from + q.size)
	}
	m.first = len(q.files) == 0
	q.files = append(q.files, m)
	return m, nil
}

// create makes or opens the file; what an older one of that name holds stays
// (RandomAccessFile "rw").
func (q *mappedQueue) create(from int64) (*mappedFile, error) {
	path := fileName(q.dir, from)
	f := q.fs.Open(path)
	if f == nil {
		var err error
		if f, err = q.fs.Create(path); err != nil {
			return nil, err
		}
	}
	if err := f.Allocate(q.size); err != nil {
		return nil, err
	}
	m := &mappedFile{f: f, path: path, from: from}
	q.pool.adopt(m)
	return m, nil
}

// at is the file that holds an offset, nil if there is none (findMappedFileByOffset). first: the
// oldest file if there is none.
func (q *mappedQueue) at(off int64, first bool) *mappedFile {
	n := len(q.files)
	if n == 0 {
		return nil
	}
	i := (off - q.files[0].from) / q.size
	if off >= q.files[0].from && i < int64(n) {
		if m := q.files[i]; off >= m.from && off < m.from+q.size {
			return m
		}
	}
	for _, m := range q.files { // names were lost: the files are not contiguous
		if off >= m.from && off < m.from+q.size {
			return m
		}
	}
	if first {
		return q.files[0]
	}
	return nil
}

// min is the offset of the oldest file, -1 if there is none (getMinOffset).
func (q *mappedQueue) min() int64 {
	if len(q.files) == 0 {
		return -1
	}
	return q.files[0].from
}

// max is the end of what can be read (getMaxOffset), wrote the end of what was written
// (getMaxWrotePosition); 0 without a file.
func (q *mappedQueue) max() int64 {
	if m := q.last(); m != nil {
		return m.from + m.readable()
	}
	return 0
}

func (q *mappedQueue) wrote() int64 {
	if m := q.last(); m != nil {
		return m.from + m.wrote
	}
	return 0
}

// flushable is the file that a flush would sync now, and up to which position; nil if nothing is to
// be done (MappedFileQueue.flush, MappedFile.isAbleToFlush). A flush covers one file.
func (q *mappedQueue) flushable(leastPages int64) (*mappedFile, int64) {
	m := q.at(q.flushedTo, q.flushedTo == 0)
	if m == nil {
		return nil, 0
	}
	to := m.readable()
	switch {
	case to >= q.size && m.flushed < q.size:
	case leastPages > 0 && to>>pageShift-m.flushed>>pageShift < leastPages, to <= m.flushed:
		return nil, 0
	}
	return m, to
}

// flushedUp takes the end of a flush of m up to a position.
func (q *mappedQueue) flushedUp(m *mappedFile, to int64) {
	m.flushed = max(m.flushed, to)
	q.flushedTo = max(q.flushedTo, m.from+m.flushed)
}

// truncate moves the positions back to an offset and removes the files behind it
// (truncateDirtyFiles). Bytes behind the offset stay in their file: if what is appended later does
// not cover them, and sizes line up, a later recovery takes them for records again.
func (q *mappedQueue) truncate(off int64, why string) error {
	kept := q.files[:0]
	for _, m := range q.files {
		if m.from+q.size > off {
			if off < m.from {
				m.f.Close()
				if err := q.fs.Remove(m.path, why); err != nil && !errors.Is(err, sim.ErrNotExist) {
					return err
				}
				continue
			}
			at := off % q.size
			m.wrote, m.committed, m.flushed = at, at, at
		}
		kept = append(kept, m)
	}
	clear(q.files[len(kept):])
	q.files = kept
	return nil
}

// removeFirst removes the oldest file.
func (q *mappedQueue) removeFirst(why string) error {
	m := q.files[0]
	if err := q.fs.Remove(m.path, why); err != nil && !errors.Is(err, sim.ErrNotExist) {
		return err
	}
	m.f.Close()
	q.files = append(q.files[:0], q.files[1:]...)
	return nil
}
