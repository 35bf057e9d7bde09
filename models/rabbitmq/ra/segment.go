package ra

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// A segment (ra_log_segment.erl, version 2): "RASG", version and number of places, 16 bits each; the places
// of an index, 32 bytes each: index and term of the entry, where its data begins in the file, its length,
// its CRC; then the data. A place of zeros is free.
const (
	segmentMagic = "RASG\x00\x02"
	segmentHead  = 8
	segmentPlace = 32
)

type segment struct {
	path  string
	f     *sim.File
	max   int
	used  int
	first consensus.Index
	last  consensus.Index
}

func (l *Log) dir() string { return l.s.opt.Dir + "/" + l.UID }

func (l *Log) newSegment() (*segment, error) {
	n := 1
	if k := len(l.segments); k > 0 {
		if _, err := fmt.Sscanf(l.segments[k-1].path[len(l.dir())+1:], "%08d.segment", &n); err != nil {
			return nil, err
		}
		n++
	}
	g := &segment{path: fmt.Sprintf("%s/%08d.segment", l.dir(), n), max: l.s.opt.SegmentMax}
	f, err := l.s.env.FS().Create(g.path)
	if err != nil {
		return nil, err
	}
	g.f = f
	head := binary.BigEndian.AppendUint16([]byte(segmentMagic), uint16(g.max))
	if err := f.AppendBytes(append(head, make([]byte, g.max*segmentPlace)...)); err != nil {
		return nil, err
	}
	l.segments = append(l.segments, g)
	return g, nil
}

// toSegments writes what only the write-ahead log holds, and syncs it.
func (l *Log) toSegments() error {
	if len(l.mem) == 0 {
		return nil
	}
	var g *segment
	if k := len(l.segments); k > 0 {
		g = l.segments[k-1]
	}
	for i := range l.mem {
		m := &l.mem[i]
		if l.Snapshot != nil && m.index <= l.Snapshot.Index {
			continue
		}
		if g == nil || g.used == g.max {
			if err := g.sync(); err != nil {
				return err
			}
			var err error
			if g, err = l.newSegment(); err != nil {
				return err
			}
		}
		if err := g.add(l.s.env.Arena(), m.index, &m.e); err != nil {
			return err
		}
	}
	l.mem = nil
	if err := g.sync(); err != nil {
		return err
	}
	return l.s.env.FS().SyncDir(l.dir())
}

func (g *segment) sync() error {
	if g == nil {
		return nil
	}
	return g.f.SyncNow()
}

func (g *segment) add(a *sim.Arena, index consensus.Index, e *wire.Entry) error {
	at := g.f.Size()
	refs := []sim.Ref{e.Head}
	sum := crc32.ChecksumIEEE(a.Bytes(e.Head))
	if e.Cmd.Body.Len > 0 {
		refs = append(refs, e.Cmd.Body)
		sum = crc32.Update(sum, crc32.IEEETable, a.Bytes(e.Cmd.Body))
	}
	if err := g.f.Append(refs...); err != nil {
		return err
	}
	var b [segmentPlace]byte
	binary.BigEndian.PutUint64(b[:], uint64(index))
	binary.BigEndian.PutUint64(b[8:], uint64(e.Term))
	binary.BigEndian.PutUint64(b[16:], uint64(at))
	binary.BigEndian.PutUint32(b[24:], uint32(e.Len()))
	binary.BigEndian.PutUint32(b[28:], sum)
	if err := g.f.WriteAt(segmentHead+int64(g.used)*segmentPlace, b[:]); err != nil {
		return err
	}
	if g.used == 0 {
		g.first = index
	}
	g.used++
	g.last = max(g.last, index)
	return nil
}

// Compact stores a snapshot and removes the segments that it covers. The caller's lane waits for the sync.
func (l *Log) Compact(index consensus.Index, term consensus.Term, members []uint16, data []byte) error {
	fs := l.s.env.FS()
	path := fmt.Sprintf("%s/snapshots/%016X_%016X/snapshot.dat", l.dir(), uint64(term), uint64(index))
	f, err := fs.Create(path + ".tmp")
	if err != nil {
		return err
	}
	if err := f.AppendBytes(snapshotFile(index, term, members, data)); err != nil {
		return err
	}
	if err := f.SyncNow(); err != nil {
		return err
	}
	f.Close()
	if err := fs.Rename(path+".tmp", path); err != nil {
		return err
	}
	if err := fs.SyncDir(path[:len(path)-len("/snapshot.dat")]); err != nil {
		return err
	}
	old := l.Snapshot
	if l.Snapshot, err = readSnapshot(fs, l.s.env.Arena(), path); err != nil {
		return err
	}
	if old != nil && (old.Index != index || old.Term != term) {
		was := fmt.Sprintf("%s/snapshots/%016X_%016X", l.dir(), uint64(old.Term), uint64(old.Index))
		if err := fs.Remove(was, "replaced by a newer snapshot"); err != nil {
			return err
		}
	}
	return l.release(index)
}

// release removes segments, and forgets entries, up to an index.
func (l *Log) release(index consensus.Index) error {
	for len(l.segments) > 0 && l.segments[0].used == l.segments[0].max && l.segments[0].last <= index {
		if err := l.s.env.FS().Remove(l.segments[0].path, "consumed"); err != nil {
			return err
		}
		l.segments = l.segments[1:]
	}
	k := 0
	for k < len(l.mem) && l.mem[k].index <= index {
		k++
	}
	l.mem = l.mem[k:]
	return nil
}

const snapshotMagic = "RASN\x01"

// snapshotFile is "RASN", version, CRC of the rest, and meta data with a length (ra_log_snapshot.erl), here
// index, term and members in numbers; then the state.
func snapshotFile(index consensus.Index, term consensus.Term, members []uint16, data []byte) []byte {
	meta := binary.BigEndian.AppendUint64(nil, uint64(index))
	meta = binary.BigEndian.AppendUint64(meta, uint64(term))
	for _, m := range members {
		meta = binary.BigEndian.AppendUint16(meta, m)
	}
	rest := binary.BigEndian.AppendUint32(nil, uint32(len(meta)))
	rest = append(append(rest, meta...), data...)
	b := binary.BigEndian.AppendUint32([]byte(snapshotMagic), crc32.ChecksumIEEE(rest))
	return append(b, rest...)
}

// readSnapshot reads a file; nil without an error if it is torn.
func readSnapshot(fs *sim.FS, a *sim.Arena, path string) (*Snapshot, error) {
	f := fs.Open(path)
	if f == nil {
		return nil, nil
	}
	b := make([]byte, f.Size())
	if _, err := f.ReadAt(b, 0); err != nil {
		return nil, err
	}
	const fixed = len(snapshotMagic) + 4
	if len(b) < fixed+4+16 || string(b[:len(snapshotMagic)]) != snapshotMagic ||
		binary.BigEndian.Uint32(b[len(snapshotMagic):]) != crc32.ChecksumIEEE(b[fixed:]) {
		return nil, nil
	}
	n := int(binary.BigEndian.Uint32(b[fixed:]))
	if n < 16 || n > len(b)-fixed-4 {
		return nil, nil
	}
	meta, data := b[fixed+4:fixed+4+n], b[fixed+4+n:]
	p := &Snapshot{Index: consensus.Index(binary.BigEndian.Uint64(meta)), Term: consensus.Term(binary.BigEndian.Uint64(meta[8:])), Data: data}
	for meta = meta[16:]; len(meta) >= 2; meta = meta[2:] {
		p.Members = append(p.Members, binary.BigEndian.Uint16(meta))
	}
	p.Ref = func(from, k int) sim.Ref {
		refs, err := f.Read(int64(fixed+4+n+from), k, nil)
		if err == nil && len(refs) == 1 && int(refs[0].Len) == k {
			return refs[0]
		}
		return a.Put(data[from : from+k])
	}
	return p, nil
}
