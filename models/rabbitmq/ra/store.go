package ra

import (
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"hash/crc32"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Env is what the storage knows of its program.
type Env interface {
	FS() *sim.FS
	Arena() *sim.Arena
	// Written tells a member that its entries up to index, of that term, are durable.
	Written(l *Log, index consensus.Index, term consensus.Term)
	// Wake asks for Flush, soon, on the lane of the log's process.
	Wake()
	// Failed: a file operation failed; the storage must not be used any more.
	Failed(err error)
}

// Options are settings.
type Options struct {
	Dir        string // of the node: quorum/rabbit@n1
	MaxWAL     int64  // raft.wal_max_size_bytes; 0: 512 MiB
	SegmentMax int    // raft.segment_max_entries; 0: 4096
	SyncArg    uint32 // of File.Sync
}

// Store is the storage of one node.
type Store struct {
	env  Env
	opt  Options
	logs []*Log
	by   map[string]*Log

	wal      *sim.File
	number   int
	writers  map[string]uint32 // of this file: UID to reference
	queue    []write
	syncing  bool
	inflight []write // what the running sync covers: the last of each member
	meta     *sim.File
	refs     []sim.Ref
}

// write is a run of entries that a member handed over.
type write struct {
	l       *Log
	first   consensus.Index
	entries []wire.Entry
}

// Log is the storage of one member: what it recovered, and where it writes.
type Log struct {
	s    *Store
	UID  string
	Name string // of the queue
	Term consensus.Term
	Vote consensus.Member

	// What a boot found: entries from First on.
	First    consensus.Index
	Entries  []wire.Entry
	Snapshot *Snapshot

	segments []*segment
	mem      []memEntry // in the write-ahead log and in no segment yet
	gone     bool
}

type memEntry struct {
	index consensus.Index
	e     wire.Entry
}

// Snapshot is a stored state. Ref are its bytes in the file.
type Snapshot struct {
	Index   consensus.Index
	Term    consensus.Term
	Members []uint16
	Data    []byte
	Ref     func(from, n int) sim.Ref
}

// Checksum is what Ra stores with an entry: adler32 over index, term and data.
func Checksum(index consensus.Index, term consensus.Term, head, body []byte) uint32 {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(index))
	binary.BigEndian.PutUint64(b[8:], uint64(term))
	h := adler32.New()
	h.Write(b[:])
	h.Write(head)
	h.Write(body)
	return h.Sum32()
}

// Seal encodes a command and completes its entry.
func Seal(a *sim.Arena, scratch []byte, index consensus.Index, term consensus.Term, c *wire.Command) (wire.Entry, []byte) {
	scratch = c.Encode(scratch[:0])
	e := wire.Entry{Term: term, Cmd: c, Head: a.Put(scratch)}
	e.Sum = Checksum(index, term, scratch, a.Bytes(c.Body))
	return e, scratch
}

const walMagic = "RAWA\x01"

func (s *Store) walPath(n int) string { return fmt.Sprintf("%s/%08d.wal", s.opt.Dir, n) }

// newWAL begins a file. ext4 writes a name with the first sync of its file; the world's file system wants
// to be asked.
func (s *Store) newWAL() error {
	s.number++
	f, err := s.env.FS().Create(s.walPath(s.number))
	if err != nil {
		return err
	}
	if err := f.AppendBytes([]byte(walMagic)); err != nil {
		return err
	}
	s.wal, s.writers = f, map[string]uint32{}
	return s.env.FS().SyncDir(s.opt.Dir)
}

// Write hands over entries; Env.Written follows when they are durable. An index that was written before
// truncates what follows it.
func (l *Log) Write(first consensus.Index, entries []wire.Entry) {
	if l.gone || len(entries) == 0 {
		return
	}
	s := l.s
	s.queue = append(s.queue, write{l, first, entries})
	if !s.syncing && len(s.queue) == 1 {
		s.env.Wake()
	}
}

// Flush writes one batch and syncs it (ra_log_wal:complete_batch). What comes meanwhile is the next batch.
func (s *Store) Flush() {
	if s.syncing || len(s.queue) == 0 {
		return
	}
	if s.wal.Size() >= s.opt.MaxWAL {
		if err := s.rollOver(); err != nil {
			s.env.Failed(err)
			return
		}
	}
	heads := 0
	for i := range s.queue {
		heads += len(s.queue[i].entries) * (6 + 24 + len(s.queue[i].l.UID))
	}
	ref, b := s.env.Arena().Alloc(heads)
	at := 0
	s.refs = s.refs[:0]
	for i := range s.queue {
		w := &s.queue[i]
		if w.l.gone {
			continue
		}
		for k := range w.entries {
			e := &w.entries[k]
			n := s.frame(b[at:], w.l, w.first+consensus.Index(k), e)
			s.refs = append(s.refs, ref.Slice(uint32(at), uint32(at+n)), e.Head)
			if e.Cmd.Body.Len > 0 {
				s.refs = append(s.refs, e.Cmd.Body)
			}
			at += n
			w.l.remember(w.first+consensus.Index(k), e)
		}
	}
	if err := s.wal.Append(s.refs...); err != nil {
		s.env.Failed(err)
		return
	}
	s.inflight, s.queue = s.queue, s.inflight[:0]
	s.syncing = true
	s.wal.Sync(s.opt.SyncArg)
}

// frame writes what precedes an entry's data: one bit whether the writer truncates (snapshots do, here
// none), one whether its reference is known in this file, 22 bits of reference, and once the UID; then
// checksum, length, index and term.
func (s *Store) frame(b []byte, l *Log, index consensus.Index, e *wire.Entry) int {
	n := 3
	id, known := s.writers[l.UID]
	if known {
		b[0], b[1], b[2] = 0x40|byte(id>>16), byte(id>>8), byte(id)
	} else {
		id = uint32(len(s.writers))
		s.writers[l.UID] = id
		b[0], b[1], b[2] = byte(id>>16), byte(id>>8), byte(id)
		binary.BigEndian.PutUint16(b[3:], uint16(len(l.UID)))
		n = 5 + copy(b[5:], l.UID)
	}
	binary.BigEndian.PutUint32(b[n:], e.Sum)
	binary.BigEndian.PutUint32(b[n+4:], uint32(e.Len()))
	binary.BigEndian.PutUint64(b[n+8:], uint64(index))
	binary.BigEndian.PutUint64(b[n+16:], uint64(e.Term))
	return n + 24
}

// remember keeps an entry until it is in a segment (Ra's memory tables).
func (l *Log) remember(index consensus.Index, e *wire.Entry) {
	for k := len(l.mem); k > 0 && l.mem[k-1].index >= index; k-- {
		l.mem = l.mem[:k-1]
	}
	l.mem = append(l.mem, memEntry{index, *e})
}

// Synced ends the sync of a batch.
func (s *Store) Synced(err error) {
	if err != nil {
		s.env.Failed(err)
		return
	}
	s.syncing = false
	done := s.inflight
	for i := range done {
		w := &done[i]
		if k := len(w.entries); !w.l.gone {
			s.env.Written(w.l, w.first+consensus.Index(k-1), w.entries[k-1].Term)
		}
		w.l, w.entries = nil, nil
	}
	s.inflight = done[:0]
	if len(s.queue) > 0 {
		s.env.Wake()
	}
}

// rollOver closes the file and moves what it holds to segments (ra_log_segment_writer).
func (s *Store) rollOver() error {
	for _, l := range s.logs {
		if err := l.toSegments(); err != nil {
			return err
		}
	}
	old := s.number
	if err := s.newWAL(); err != nil {
		return err
	}
	return s.env.FS().Remove(s.walPath(old), "moved to segments")
}

// Save makes term and vote durable before it returns (ra_log_meta:store_sync).
func (l *Log) Save(term consensus.Term, vote consensus.Member) error {
	l.Term, l.Vote = term, vote
	b := metaRecord(l.UID, term, vote)
	if err := l.s.meta.AppendBytes(b); err != nil {
		return err
	}
	return l.s.meta.SyncNow()
}

func metaRecord(uid string, term consensus.Term, vote consensus.Member) []byte {
	b := make([]byte, 0, 16+len(uid))
	b = append(b, byte(len(uid)))
	b = append(b, uid...)
	b = binary.BigEndian.AppendUint64(b, uint64(term))
	b = binary.BigEndian.AppendUint16(b, uint16(vote))
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// Open makes the storage of a new member.
func (s *Store) Open(name, uid string) (*Log, error) {
	l := &Log{s: s, UID: uid, Name: name, First: 1}
	f, err := s.env.FS().Create(s.opt.Dir + "/" + uid + "/config")
	if err != nil {
		return nil, err
	}
	if err := f.AppendBytes([]byte(name)); err != nil {
		return nil, err
	}
	if err := f.SyncNow(); err != nil {
		return nil, err
	}
	if err := s.env.FS().SyncDir(s.opt.Dir + "/" + uid); err != nil {
		return nil, err
	}
	s.logs = append(s.logs, l)
	s.by[name] = l
	return l, nil
}

// Find is a member's storage that Recover found, nil if there is none.
func (s *Store) Find(name string) *Log { return s.by[name] }

// Delete removes a member's files.
func (l *Log) Delete(why string) {
	l.gone = true
	s := l.s
	for i := range s.logs {
		if s.logs[i] == l {
			s.logs = append(s.logs[:i], s.logs[i+1:]...)
			break
		}
	}
	delete(s.by, l.Name)
	dir := s.opt.Dir + "/" + l.UID
	if s.env.FS().Exists(dir) {
		if err := s.env.FS().Remove(dir, why); err != nil {
			s.env.Failed(err)
		}
	}
}

// Reopen gives the storage back what its member had read and written, for the next process of that member: the
// write-ahead log's process, and its memory tables, have outlived it.
func (l *Log) Reopen(entries []wire.Entry, first consensus.Index) {
	l.Entries, l.First = entries, first
}
