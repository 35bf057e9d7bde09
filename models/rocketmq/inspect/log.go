package inspect

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"

	"github.com/mqsim/mqsim/models/rocketmq/store"
)

// logState is what a commit log file turned out to hold.
type logState struct {
	from, end   int64 // of the good records
	records     int64
	full        bool  // it ends with a blank record
	first, last int64 // store timestamps
}

// log prints one file of the commit log.
func (p *printer) log(name string) (st logState, err error) {
	r, c, size, err := p.open(name)
	if err != nil {
		return st, err
	}
	defer c.Close()
	st.from, _ = strconv.ParseInt(path.Base(name), 10, 64)
	if p.Deep {
		p.line("  %-12s %6s  %-24s %10s  %-23s %6s  %s", "offset", "size", "queue", "at", "stored", "body", "properties")
	}
	pos, verdict, err := store.Walk(r, size, func(pos int64, rec *store.Record, body []byte, intact bool) {
		p.record(&st, pos, rec, body, intact)
	})
	if err != nil {
		return st, err
	}
	p.leftOut(st.records)
	st.end, st.full = st.from+pos, verdict == store.Blank
	blank := ""
	if st.full {
		st.end = st.from + size
		blank = fmt.Sprintf(", then a blank record of %d bytes", size-pos)
	} else if at, found := somethingBehind(r, pos, size); found {
		p.damage("%s: at %d the bytes are no record; data goes on at %d. Recovery cuts here what lies behind", path.Base(name), st.from+pos, st.from+at)
	}
	p.line("  %s: %d records up to offset %d%s; %s", path.Base(name), st.records, st.from+pos, blank, span(st.first, st.last))
	return st, nil
}

// record prints and checks one record.
func (p *printer) record(st *logState, pos int64, rec *store.Record, body []byte, intact bool) {
	at := st.from + pos
	if st.records == 0 {
		st.first = rec.StoreTimestamp
	}
	st.last = rec.StoreTimestamp
	if p.Deep && p.limit(st.records) {
		p.line("  %-12d %6d  %-24s %10d  %s %6d  %s", at, rec.Size, string(rec.Topic)+"-"+strconv.Itoa(int(rec.QueueID)), rec.QueueOffset,
			store.FormatTime(rec.StoreTimestamp), rec.BodyLen, properties(rec.Properties))
		if p.Body {
			p.line("    %q", body)
		}
	}
	st.records++
	switch {
	case !intact:
		p.damage("record at %d: BODYCRC is %d, but the body's CRC is %d", at, rec.CRC, store.BodyCRC(body))
	case rec.PhysicalOffset != at:
		p.damage("record at %d: PHYSICALOFFSET says %d: bytes of an earlier life of the file", at, rec.PhysicalOffset)
	}
}

// properties makes the encoded properties readable.
func properties(b []byte) string {
	out := make([]byte, 0, len(b))
	for i, c := range b {
		switch {
		case c == 1:
			out = append(out, '=')
		case c == 2 && i == len(b)-1:
		case c == 2:
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

func span(first, last int64) string {
	if first == 0 {
		return "empty"
	}
	return "stored from " + store.FormatTime(first) + " to " + store.FormatTime(last)
}

// somethingBehind looks for a record behind a place where none begins: a hole that a power loss left.
func somethingBehind(r io.ReaderAt, pos, size int64) (int64, bool) {
	const step = 1 << 20
	buf := make([]byte, step+7)
	for at := pos + 1; at < size; at += step {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err != nil && err != io.EOF {
			return 0, false
		}
		for i := 0; i+8 <= n; i++ {
			if store.BeginsRecord(buf[i : i+8]) {
				return at + int64(i), true
			}
		}
	}
	return 0, false
}

// logs prints all files of a commit log and checks that they join. It returns the log's end.
func (p *printer) logs(dir string) (end int64, err error) {
	files, err := p.mapped(dir)
	if err != nil {
		return 0, err
	}
	size, ended := int64(0), false
	for i, name := range files {
		info, err := fs.Stat(p.FS, name)
		if err != nil {
			return 0, err
		}
		switch {
		case i == 0:
			size = info.Size()
		case info.Size() != size:
			p.damage("%s has %d bytes, the first file %d: a broker would not start (MappedFileQueue.load)", path.Base(name), info.Size(), size)
		}
		st, err := p.log(name)
		if err != nil {
			return 0, err
		}
		switch {
		case i > 0 && !ended && st.from != end:
			p.damage("%s begins at %d, but the log before it ends at %d", path.Base(name), st.from, end)
		case ended && st.records > 0:
			p.damage("%s has records, but the file before it is not full", path.Base(name))
		}
		if !ended {
			end = st.end
		}
		ended = ended || !st.full
	}
	p.line("commit log: %d files of %d bytes, ends at offset %d", len(files), size, end)
	return end, nil
}
