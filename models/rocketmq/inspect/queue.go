package inspect

import (
	"io"
	"io/fs"
	"math"
	"path"
	"strconv"

	"github.com/mqsim/mqsim/models/rocketmq/store"
)

// queueState is what a consume queue file holds.
type queueState struct {
	entries int64 // blank ones included
	blank   int64 // slots before the queue's first message
	phys    int64 // end of the newest record with an entry, -1
	full    bool
}

// queue prints one file of a consume queue. With the commit log beside it, each entry is compared with
// its record.
func (p *printer) queue(name string) (st queueState, err error) {
	r, c, size, err := p.open(name)
	if err != nil {
		return st, err
	}
	defer c.Close()
	from, _ := strconv.ParseInt(path.Base(name), 10, 64)
	dir := path.Dir(name)
	log := newLogs(p, path.Join(dir, "../../../commitlog"))
	defer log.close()
	topic, id := path.Base(path.Dir(dir)), path.Base(dir)
	st.phys = -1
	if p.Deep {
		p.line("  %10s  %14s %6s  %s", "at", "offset", "size", "tags code")
	}
	buf := make([]byte, 1000*store.EntrySize)
	for pos := int64(0); pos < size; {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), (size-pos)/store.EntrySize*store.EntrySize)], pos)
		if err != nil && err != io.EOF || n < store.EntrySize {
			return st, err
		}
		for b := buf[:n/store.EntrySize*store.EntrySize]; len(b) > 0; b, pos = b[store.EntrySize:], pos+store.EntrySize {
			e := store.EntryOf(b)
			if e.Offset < 0 || e.Size <= 0 {
				p.leftOut(st.entries)
				p.queueEnd(name, r, from, pos, size, &st)
				return st, nil
			}
			slot := (from + pos) / store.EntrySize
			if p.Deep && p.limit(st.entries) {
				p.line("  %10d  %14d %6d  %d", slot, e.Offset, e.Size, e.TagsCode)
			}
			st.entries++
			if e.Size == math.MaxInt32 && e.Offset == 0 {
				st.blank++
				continue
			}
			st.phys = e.Offset + int64(e.Size)
			p.compare(log, topic, id, slot, e)
		}
	}
	st.full = true
	p.leftOut(st.entries)
	p.queueEnd(name, r, from, size, size, &st)
	return st, nil
}

func (p *printer) queueEnd(name string, r io.ReaderAt, from, pos, size int64, st *queueState) {
	if !st.full {
		var b [store.EntrySize]byte
		if n, _ := r.ReadAt(b[:], min(pos+store.EntrySize, size-store.EntrySize)); n == len(b) && pos+store.EntrySize < size {
			if e := store.EntryOf(b[:]); e.Size > 0 {
				p.damage("%s: slot %d is empty, but the next one is not: recovery cuts here", path.Base(name), (from+pos)/store.EntrySize)
			}
		}
	}
	p.line("  %s: slots %d to %d, %d of them blank; newest record ends at offset %d", path.Base(name), from/store.EntrySize,
		(from+pos)/store.EntrySize-1, st.blank, st.phys)
}

// compare checks an entry against the record that it points to.
func (p *printer) compare(log *logReader, topic, id string, slot int64, e store.Entry) {
	rec, ok := log.record(e)
	switch {
	case !log.there:
	case !ok:
		p.damage("slot %d: no record of %d bytes at offset %d", slot, e.Size, e.Offset)
	case string(rec.Topic) != topic || strconv.Itoa(int(rec.QueueID)) != id:
		p.damage("slot %d: the record at offset %d is of %s-%d", slot, e.Offset, rec.Topic, rec.QueueID)
	case rec.QueueOffset != slot:
		p.damage("slot %d: the record at offset %d has QUEUEOFFSET %d", slot, e.Offset, rec.QueueOffset)
	}
}

// logReader reads records at places of a commit log, one open file at a time.
type logReader struct {
	p     *printer
	dir   string
	there bool
	size  int64
	base  int64
	r     io.ReaderAt
	c     io.Closer
}

func newLogs(p *printer, dir string) *logReader {
	l := &logReader{p: p, dir: dir, base: -1}
	files, err := p.mapped(dir)
	if err != nil || len(files) == 0 {
		return l
	}
	if info, err := fs.Stat(p.FS, files[0]); err == nil && info.Size() > 0 {
		l.there, l.size = true, info.Size()
	}
	return l
}

func (l *logReader) close() {
	if l.c != nil {
		l.c.Close()
	}
}

func (l *logReader) record(e store.Entry) (store.Record, bool) {
	if !l.there || e.Size < store.Overhead || int64(e.Size) > l.size {
		return store.Record{}, false
	}
	if base := e.Offset - e.Offset%l.size; base != l.base {
		l.close()
		var err error
		l.base = base
		if l.r, l.c, _, err = l.p.open(path.Join(l.dir, store.FileName(base))); err != nil {
			l.r, l.c = nil, nil
		}
	}
	if l.r == nil {
		return store.Record{}, false
	}
	b := make([]byte, e.Size)
	if n, _ := l.r.ReadAt(b, e.Offset-l.base); n < len(b) {
		return store.Record{}, false
	}
	return store.Decode(b)
}

// queues prints every queue below a folder and returns the end of the newest record that one lists.
func (p *printer) queues(dir string) (phys int64, err error) {
	phys = -1
	files, err := p.mapped(dir)
	if err != nil {
		return phys, err
	}
	for _, f := range files {
		st, err := p.queue(f)
		if err != nil {
			return phys, err
		}
		phys = max(phys, st.phys)
	}
	list, err := fs.ReadDir(p.FS, dir)
	if err != nil {
		return phys, err
	}
	for _, e := range list {
		if !e.IsDir() {
			continue
		}
		sub := path.Join(dir, e.Name())
		if kindOf(p.FS, sub) == queueDir {
			p.line("queue %s-%s", path.Base(dir), e.Name())
		}
		end, err := p.queues(sub)
		if err != nil {
			return phys, err
		}
		phys = max(phys, end)
	}
	return phys, nil
}
