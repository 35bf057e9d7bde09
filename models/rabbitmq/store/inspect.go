package store

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// fileKind is what a path is to somebody who only looks at files.
type fileKind uint8

const (
	notOurs fileKind = iota
	journalFile
	segmentFile
	bodiesFile
	index2File
	bodies2File
	indexDir
	storeDir
)

var kindNames = [...]string{"", "RabbitMQ queue index journal", "RabbitMQ queue index segment", "RabbitMQ message store file",
	"RabbitMQ queue index segment, version 2", "RabbitMQ per-queue store segment",
	"RabbitMQ queue index", "RabbitMQ message store"}

// Knows names a file or folder, "" if it is none of the queue index or message store.
func Knows(fsys fs.FS, p string) string { return kindNames[kindOf(fsys, p)] }

func kindOf(fsys fs.FS, p string) fileKind {
	info, err := fs.Stat(fsys, p)
	if err != nil {
		return notOurs
	}
	base, dir := path.Base(p), path.Base(path.Dir(p))
	_, segment := segmentNumber(base)
	_, bodies := fileNumber(base, rdqSuffix)
	_, saved := fileNumber(base, tmpSuffix)
	_, index2 := segment2Number(base)
	_, bodies2 := body2Number(base)
	switch {
	case info.IsDir() && has(fsys, p, func(name string) bool { return name == journalName || name == stubName }):
		return indexDir
	case info.IsDir() && (base == storePersistent || base == storeTransient):
		return storeDir
	case info.IsDir():
		return notOurs
	case base == journalName:
		return journalFile
	case segment && (has(fsys, path.Dir(p), func(name string) bool { return name == journalName || name == stubName })):
		return segmentFile
	case index2:
		return index2File
	case bodies2:
		return bodies2File
	case bodies || saved && strings.HasPrefix(dir, "msg_store_"):
		return bodiesFile
	}
	return notOurs
}

func has(fsys fs.FS, dir string, is func(name string) bool) bool {
	list, err := fs.ReadDir(fsys, dir)
	return err == nil && slices.ContainsFunc(list, func(e fs.DirEntry) bool { return is(e.Name()) })
}

// printer prints one request.
type printer struct {
	*models.Inspection
	arena   sim.Arena
	damaged int
	shown   int
	left    int               // entries that Max left out
	alive   map[uint64]string // of a queue index: what was published and not acknowledged
	seen    map[uint64]bool   // delivered once
}

// Print prints a file of the queue index (version 1 or 2), of the per-queue store or of the message store, or a folder of them; see
// models.Inspector. For a folder of a queue index it adds what journal and segments say together.
func Print(in *models.Inspection) (damaged int, err error) {
	p := &printer{Inspection: in, alive: map[uint64]string{}, seen: map[uint64]bool{}}
	switch kind := kindOf(in.FS, in.Path); kind {
	case indexDir, storeDir:
		err = p.folder(kind)
	default:
		err = p.file(in.Path, kind)
	}
	return p.damaged, err
}

// folder prints every file in the order of numbers, the journal last: it says what the segments lack.
func (p *printer) folder(kind fileKind) error {
	list, err := fs.ReadDir(p.FS, p.Path)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(list))
	for _, e := range list {
		names = append(names, e.Name())
	}
	slices.SortFunc(names, func(a, b string) int {
		if n := len(a) - len(b); n != 0 && a != journalName && b != journalName {
			return n
		}
		if a == journalName || b == journalName {
			if a == b {
				return 0
			} else if a == journalName {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	if text, err := fs.ReadFile(p.FS, path.Join(p.Path, stubName)); err == nil {
		fmt.Fprintf(p.Out, "%s\n", strings.Join(strings.Fields(string(text)), " "))
	}
	for _, name := range names {
		full := path.Join(p.Path, name)
		if k := kindOf(p.FS, full); k != notOurs {
			if err := p.file(full, k); err != nil {
				return err
			}
		}
	}
	if kind == indexDir {
		delivered := 0
		for seq := range p.alive { //mqsim:unordered counts
			if p.seen[seq] {
				delivered++
			}
		}
		if slices.ContainsFunc(names, func(name string) bool { _, ok := segment2Number(name); return ok }) {
			fmt.Fprintf(p.Out, "messages: %d\n", len(p.alive)) // version 2 does not note deliveries
			return nil
		}
		fmt.Fprintf(p.Out, "messages: %d, of them delivered before: %d\n", len(p.alive), delivered)
	}
	return nil
}

func (p *printer) file(name string, kind fileKind) error {
	b, err := fs.ReadFile(p.FS, name)
	if err != nil {
		return err
	}
	r := reader{a: &p.arena, end: int64(len(b))}
	if len(b) > 0 {
		r.refs = []sim.Ref{p.arena.Put(b)}
	}
	p.shown, p.left = 0, 0
	fmt.Fprintf(p.Out, "%s: %d bytes\n", path.Base(name), len(b))
	var end int64
	switch kind {
	case journalFile:
		end = p.journal(&r)
	case segmentFile:
		end = p.segment(&r, path.Base(name))
	case index2File:
		end = p.index2(&r)
	case bodies2File:
		end = p.bodies2(&r)
	default:
		end = p.bodies(&r)
	}
	if p.left > 0 {
		fmt.Fprintf(p.Out, "  ... %d more\n", p.left)
	}
	if end < int64(len(b)) {
		p.damage("from position %d on: %d bytes that are no whole record", end, int64(len(b))-end)
	}
	return nil
}

func (p *printer) damage(format string, args ...any) {
	p.damaged++
	fmt.Fprintf(p.Out, "  DAMAGED "+format+"\n", args...)
}

// line prints one entry with Deep, unless there were Max already.
func (p *printer) line(format string, args ...any) {
	if !p.Deep {
		return
	}
	if p.Max > 0 && p.shown >= p.Max {
		p.left++
		return
	}
	p.shown++
	fmt.Fprintf(p.Out, "  "+format+"\n", args...)
}

// describe is a publish record in words.
func (p *printer) describe(x *pub) string {
	kind, where := "transient", "in the message store"
	if x.persistent {
		kind = "persistent"
	}
	switch {
	case x.embedded && x.whole:
		where = "embedded"
		if p.Body {
			where += fmt.Sprintf(" %q", p.arena.Bytes(x.m.body))
		}
	case x.embedded:
		where = "embedded, unreadable"
	}
	return fmt.Sprintf("%s id %032x %d bytes %s", kind, x.id, x.size, where)
}

func (p *printer) published(seq uint64, x *pub) {
	text := p.describe(x)
	p.line("%d publish %s", seq, text)
	p.alive[seq] = text
	if x.embedded && !x.whole {
		p.damage("message %d: its embedded body cannot be decoded", seq)
	}
}

func (p *printer) journal(r *reader) (end int64) {
	pubs, dels, acks := 0, 0, 0
	end = scanJournal(r,
		func(seq uint64, x pub) { pubs++; p.published(seq, &x) },
		func(seq, kind uint64) {
			if kind == jDeliver {
				dels++
				p.seen[seq] = true
				p.line("%d deliver", seq)
				return
			}
			acks++
			delete(p.alive, seq)
			p.line("%d ack", seq)
		})
	fmt.Fprintf(p.Out, "  %d publishes, %d delivers, %d acks\n", pubs, dels, acks)
	return end
}

func (p *printer) segment(r *reader, name string) (end int64) {
	pubs, dels, acks := 0, 0, 0
	n, _ := segmentNumber(name)
	marked := map[uint64]bool{}
	end = scanSegment(r, maxSegmentEntries,
		func(rel uint64, x pub) { pubs++; p.published(p.seq(n, rel), &x) },
		func(rel uint64) {
			seq := p.seq(n, rel)
			if !marked[rel] {
				marked[rel], p.seen[seq] = true, true
				dels++
				p.line("%d deliver", seq)
				return
			}
			acks++
			delete(p.alive, seq)
			p.line("%d ack", seq)
		})
	fmt.Fprintf(p.Out, "  %d publishes, %d delivers, %d acks\n", pubs, dels, acks)
	return end
}

// seq is the number of a message in a segment. Segments have 2048 entries, in vhosts from before 3.8.17 16384
// of them: nothing in the files says which, so that numbers of such a vhost come out too low.
func (p *printer) seq(segment, rel uint64) uint64 { return segment*2048 + rel }

// index2 prints the places of a segment that are in use.
func (p *printer) index2(r *reader) (end int64) {
	if !head2(r, index2Magic) {
		p.damage("no head of version 2")
		return r.end
	}
	from := be64(p.arena.Bytes(r.refs[0])[5:])
	used, empty := 0, 0
	for seq := from; r.left() >= entry2; seq++ {
		b := r.bytes(entry2)
		kind := "transient"
		if b[1]&1 != 0 {
			kind = "persistent"
		}
		size := binary.BigEndian.Uint32(b[entry2Size:])
		switch off, n := body2Place(b); {
		case b[0] == 0:
			empty++
			continue
		case b[0] == 1 && b[entry2Where] == inShared:
			p.line("%d %s id %032x %d bytes in the message store", seq, kind, getID(b[entry2Where+1:]), size)
		case b[0] == 1 && b[entry2Where] == inQueueStore:
			p.line("%d %s %d bytes in the per-queue store at %d, %d bytes", seq, kind, size, off, n)
		default:
			p.damage("message %d: no entry of version 2", seq)
			continue
		}
		used++
		p.alive[seq] = kind
	}
	fmt.Fprintf(p.Out, "  from %d: %d messages, %d acknowledged or never written\n", from, used, empty)
	return r.off
}

func (p *printer) bodies2(r *reader) (end int64) {
	if !head2(r, bodies2Magic) {
		p.damage("no head of version 2")
		return r.end
	}
	count := 0
	end = scanBodies2(r, func(off int64, m stored) {
		count++
		if p.Body {
			p.line("%d id %032x %d bytes to %q %q", off, m.id, m.body.Len, m.key, p.arena.Bytes(m.body))
			return
		}
		p.line("%d id %032x %d bytes to %q", off, m.id, m.body.Len, m.key)
	})
	fmt.Fprintf(p.Out, "  %d messages\n", count)
	return end
}

func (p *printer) bodies(r *reader) (end int64) {
	count, size := 0, int64(0)
	end = scanRdq(r, func(id uint64, off, n int64, body *reader) {
		count++
		size += n
		m, ok := decode(body, n-rdqHead-1)
		switch {
		case !ok || m.id != id:
			p.damage("entry at %d: id %032x, not a whole message", off, id)
		case p.Body:
			p.line("%d id %032x %d bytes to %q %q", off, id, m.body.Len, m.key, p.arena.Bytes(m.body))
		default:
			p.line("%d id %032x %d bytes to %q", off, id, m.body.Len, m.key)
		}
	})
	fmt.Fprintf(p.Out, "  %d messages, %d bytes\n", count, size)
	return end
}
