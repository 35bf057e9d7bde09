package ra

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rabbitmq/quorum"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Recover is the storage of a node that boots: snapshots, segments, and over them the write-ahead logs,
// whose entries go to segments before a new log begins (ra_log_wal:recover_wal). What is torn by a power loss
// ends a file.
func Recover(env Env, opt Options) (*Store, error) {
	if opt.MaxWAL == 0 {
		opt.MaxWAL = 512 << 20
	}
	if opt.SegmentMax == 0 {
		opt.SegmentMax = 4096
	}
	s := &Store{env: env, opt: opt, by: map[string]*Log{}}
	fs := env.FS()
	uids := map[string]*Log{}
	var wals []string
	for _, name := range fs.List(opt.Dir) {
		if strings.HasSuffix(name, ".wal") {
			wals = append(wals, opt.Dir+"/"+name)
			continue
		}
		f := fs.Open(opt.Dir + "/" + name + "/config")
		if f == nil {
			continue
		}
		queue, err := readAll(f)
		if err != nil {
			return nil, err
		}
		l := &Log{s: s, UID: name, Name: string(queue), First: 1}
		if err := l.load(); err != nil {
			return nil, err
		}
		s.logs = append(s.logs, l)
		s.by[l.Name], uids[name] = l, l
	}
	if err := s.loadMeta(uids); err != nil {
		return nil, err
	}
	for _, path := range wals {
		s.number = max(s.number, numberOf(path))
		if err := s.replay(path, uids); err != nil {
			return nil, err
		}
	}
	for _, l := range s.logs {
		if err := l.toSegments(); err != nil {
			return nil, err
		}
	}
	if err := s.newWAL(); err != nil {
		return nil, err
	}
	for _, path := range wals {
		if err := fs.Remove(path, "moved to segments"); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func numberOf(path string) (n int) {
	for _, c := range path[strings.LastIndexByte(path, '/')+1:] {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

func readAll(f *sim.File) ([]byte, error) {
	b := make([]byte, f.Size())
	if len(b) == 0 {
		return nil, nil
	}
	_, err := f.ReadAt(b, 0)
	return b, err
}

func (s *Store) loadMeta(uids map[string]*Log) error {
	path := s.opt.Dir + "/meta.dets"
	f := s.env.FS().Open(path)
	if f == nil {
		var err error
		if s.meta, err = s.env.FS().Create(path); err != nil {
			return err
		}
		return s.env.FS().SyncDir(s.opt.Dir)
	}
	s.meta = f
	b, err := readAll(f)
	if err != nil {
		return err
	}
	at := 0
	for at < len(b) {
		n := 1 + int(b[at]) + 10
		if at+n+4 > len(b) || crc32.ChecksumIEEE(b[at:at+n]) != binary.BigEndian.Uint32(b[at+n:]) {
			break
		}
		rec := b[at : at+n]
		if l := uids[string(rec[1:n-10])]; l != nil {
			l.Term = consensus.Term(binary.BigEndian.Uint64(rec[n-10:]))
			l.Vote = consensus.Member(binary.BigEndian.Uint16(rec[n-2:]))
		}
		at += n + 4
	}
	if at < len(b) {
		return f.Truncate(int64(at), "torn record")
	}
	return nil
}

// load reads snapshots and segments of a member.
func (l *Log) load() error {
	fs := l.s.env.FS()
	for _, name := range fs.List(l.dir() + "/snapshots") {
		p, err := readSnapshot(fs, l.s.env.Arena(), l.dir()+"/snapshots/"+name+"/snapshot.dat")
		if err != nil {
			return err
		}
		if p != nil && (l.Snapshot == nil || p.Index > l.Snapshot.Index) {
			l.Snapshot = p
		}
	}
	if l.Snapshot != nil {
		l.First = l.Snapshot.Index + 1
	}
	for _, name := range fs.List(l.dir()) {
		if !strings.HasSuffix(name, ".segment") {
			continue
		}
		g := &segment{path: l.dir() + "/" + name, f: fs.Open(l.dir() + "/" + name)}
		if err := g.read(l.s.env.Arena(), func(i consensus.Index, e wire.Entry) { l.found(i, e) }); err != nil {
			return err
		}
		if g.max == 0 {
			if err := fs.Remove(g.path, "torn segment"); err != nil {
				return err
			}
			continue
		}
		l.segments = append(l.segments, g)
	}
	return nil
}

// found puts an entry where it belongs: one that comes later in the files wins, and ends what was behind
// it. Entries without the one before them are of no use.
func (l *Log) found(index consensus.Index, e wire.Entry) bool {
	end := l.First + consensus.Index(len(l.Entries))
	if index < l.First || index > end {
		return false
	}
	l.Entries = append(l.Entries[:index-l.First], e)
	return true
}

// read visits the entries of a segment; max stays 0 if its head is torn.
func (g *segment) read(a *sim.Arena, visit func(i consensus.Index, e wire.Entry)) error {
	b, err := readAll(g.f)
	if err != nil {
		return err
	}
	if len(b) < segmentHead || string(b[:len(segmentMagic)]) != segmentMagic {
		return nil
	}
	places := int(binary.BigEndian.Uint16(b[6:]))
	if len(b) < segmentHead+places*segmentPlace {
		return nil
	}
	g.max = places
	for k := range places {
		p := b[segmentHead+k*segmentPlace:]
		index, term := consensus.Index(binary.BigEndian.Uint64(p)), consensus.Term(binary.BigEndian.Uint64(p[8:]))
		at, n := binary.BigEndian.Uint64(p[16:]), binary.BigEndian.Uint32(p[24:])
		if index == 0 {
			break
		}
		if at > uint64(len(b)) || uint64(n) > uint64(len(b))-at {
			break
		}
		data := b[at : at+uint64(n)]
		if crc32.ChecksumIEEE(data) != binary.BigEndian.Uint32(p[28:]) {
			break
		}
		e, ok := decode(a, g.f, int64(at), data, index, term)
		if !ok {
			break
		}
		if g.used == 0 {
			g.first = index
		}
		g.used++
		g.last = max(g.last, index)
		visit(index, e)
	}
	return nil
}

// decode makes an entry of its data in a file. The body stays an extent of that file.
func decode(a *sim.Arena, f *sim.File, at int64, data []byte, index consensus.Index, term consensus.Term) (wire.Entry, bool) {
	c, head, err := wire.DecodeCommand(data)
	if err != nil {
		return wire.Entry{}, false
	}
	c.Body = extent(a, f, at+int64(head), data[head:])
	e := wire.Entry{Term: term, Cmd: c, Head: extent(a, f, at, data[:head])}
	e.Sum = Checksum(index, term, data[:head], data[head:])
	return e, true
}

// extent is a range of a file as one extent; what lies in several is copied together.
func extent(a *sim.Arena, f *sim.File, at int64, b []byte) sim.Ref {
	if len(b) == 0 {
		return sim.Ref{}
	}
	refs, err := f.Read(at, len(b), nil)
	if err == nil && len(refs) == 1 && int(refs[0].Len) == len(b) {
		return refs[0]
	}
	r := a.Put(b)
	if id, ok := sim.BodyID(b); ok {
		a.Mark(r, id)
	}
	return r
}

// replay reads a write-ahead log up to its first torn frame.
func (s *Store) replay(path string, uids map[string]*Log) error {
	f := s.env.FS().Open(path)
	b, err := readAll(f)
	if err != nil {
		return err
	}
	Frames(b, func(uid string, index consensus.Index, term consensus.Term, at, n int) bool {
		l := uids[uid]
		if l == nil {
			return true
		}
		e, ok := decode(s.env.Arena(), f, int64(at), b[at:at+n], index, term)
		if ok && l.found(index, e) {
			l.remember(index, &e)
		}
		return ok
	})
	return nil
}

// Frames visits the frames of a write-ahead log: the data of an entry is b[at:at+n]. It ends at the first
// that is torn, or when visit returns false, and says how many bytes were whole.
func Frames(b []byte, visit func(uid string, index consensus.Index, term consensus.Term, at, n int) bool) (whole int) {
	if len(b) < len(walMagic) || string(b[:len(walMagic)]) != walMagic {
		return 0
	}
	var names []string
	at := len(walMagic)
	for len(b)-at >= 3 {
		whole = at
		id := int(b[at]&0x3f)<<16 | int(b[at+1])<<8 | int(b[at+2])
		known := b[at]&0x40 != 0
		at += 3
		if !known {
			if len(b)-at < 2 {
				return whole
			}
			n := int(binary.BigEndian.Uint16(b[at:]))
			at += 2
			if len(b)-at < n || id != len(names) {
				return whole
			}
			names = append(names, string(b[at:at+n]))
			at += n
		}
		if id >= len(names) || len(b)-at < 24 {
			return whole
		}
		sum, n := binary.BigEndian.Uint32(b[at:]), int(binary.BigEndian.Uint32(b[at+4:]))
		index, term := consensus.Index(binary.BigEndian.Uint64(b[at+8:])), consensus.Term(binary.BigEndian.Uint64(b[at+16:]))
		at += 24
		if n < 0 || n > len(b)-at || Checksum(index, term, b[at:at+n], nil) != sum {
			return whole
		}
		if !visit(names[id], index, term, at, n) {
			return whole
		}
		at += n
		whole = at
	}
	return at
}

// Scan decodes every message that a disk holds for quorum queues, whatever became of it: in write-ahead
// logs, segments and snapshots.
func Scan(fs *sim.FS, a *sim.Arena, visit func(body []byte)) {
	command := func(b []byte) {
		if c, head, err := wire.DecodeCommand(b); err == nil && c.Kind == wire.RaEnqueue {
			visit(b[head:])
		}
	}
	for _, node := range fs.List("quorum") {
		dir := "quorum/" + node
		for _, name := range fs.List(dir) {
			if strings.HasSuffix(name, ".wal") {
				if b, err := readAll(fs.Open(dir + "/" + name)); err == nil {
					Frames(b, func(_ string, _ consensus.Index, _ consensus.Term, at, n int) bool {
						command(b[at : at+n])
						return true
					})
				}
				continue
			}
			for _, file := range fs.List(dir + "/" + name) {
				if strings.HasSuffix(file, ".segment") {
					g := segment{f: fs.Open(dir + "/" + name + "/" + file)}
					err := g.read(a, func(_ consensus.Index, e wire.Entry) {
						if e.Cmd.Kind == wire.RaEnqueue {
							visit(a.Bytes(e.Cmd.Body))
						}
					})
					if err != nil {
						continue
					}
				}
			}
			for _, snap := range slices.Clone(fs.List(dir + "/" + name + "/snapshots")) {
				p, err := readSnapshot(fs, a, dir+"/"+name+"/snapshots/"+snap+"/snapshot.dat")
				if err == nil && p != nil {
					scanSnapshot(p, visit)
				}
			}
		}
	}
}

func scanSnapshot(p *Snapshot, visit func(body []byte)) {
	_, _ = quorum.SnapshotMessages(p.Data, func(_ uint64, _ *wire.Command, body, n int) { visit(p.Data[body : body+n]) })
}
