package store

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/sim"
)

// EntryHeader is the size of what DLedger puts before each record: magic, size, index, term, position,
// channel, chain CRC, body CRC, body length (DLedgerEntry.java, DLedgerEntryCoder.java of
// openmessaging/dledger 0.3.1.2). The three fields before the body length are written as 0.
const EntryHeader = 48

const (
	ledgerMagic = 1          // DLedgerMmapFileStore.CURRENT_MAGIC
	ledgerBlank = 0xFFFFFFFF // MmapFileList.BLANK_MAGIC_CODE, then the size of the rest of the file
	indexUnit   = 32         // magic, position, size, index, term
)

// ledger is the part of a store that DLedger's file store is (DLedgerMmapFileStore.java): the commit log
// is a list of entries with an index of them, and what is committed is what readers see. Entries count
// from 0 in the files and from 1 in package consensus.
type ledger struct {
	dir       string
	index     mappedQueue
	last      int64 // ledgerEndIndex, -1 without an entry
	term      int64 // of the entries that Put appends
	committed int64 // committedIndex, -1 without one
	pos       int64 // committedPos: the end of that entry
	runs      []consensus.Run

	armed     bool // timerLedger
	flushing  int  // syncs under way
	saved     int64
	saveArmed bool
}

// FlushEvery and saveEvery are flushFileInterval and checkPointInterval (DLedgerConfig.java).
const (
	FlushEvery = 10 * sim.Millisecond
	saveEvery  = 3 * sim.Second
)

// LedgerDir is where the files of DLedger are below a store directory.
func LedgerDir(dir, self string) string { return dir + "/dledger-" + self }

// head is what stands before each record of the log.
func (s *Store) head() int64 {
	if s.ledger != nil {
		return EntryHeader
	}
	return 0
}

// openLedger makes the store one of DLedger.
func (s *Store) openLedger() {
	dir := LedgerDir(s.opt.Dir, s.opt.Ledger)
	s.log.dir, s.log.ahead = dir+"/data", false
	s.opt.FlushDisk, s.opt.ReputFromEnd = AsyncFlush, false
	s.ledger = &ledger{dir: dir, last: -1, committed: -1, saved: -1}
	s.ledger.index = mappedQueue{fs: s.fs, dir: dir + "/index", size: s.opt.LedgerIndexSize}
	s.cur.head = EntryHeader
}

// recoverLedger finds the end of the entries: each has to stand where it says, with the index behind the
// one before and no smaller term. The index is written anew where it differs
// (DLedgerMmapFileStore.recover). Terms are read from all files, the time is that of the last three.
func (s *Store) recoverLedger(rec *Recovery) error {
	l := s.ledger
	if err := l.index.load(); err != nil {
		return err
	}
	end, whole := int64(0), true
	for i := 0; i < len(s.log.files) && whole; i++ {
		m := s.log.files[i]
		end = m.from
		at, v, err := scanRecords(s.a, m.f, s.opt.FileSize, s.opt.CheckCRC, EntryHeader, func(pos int64, c *Cursor) {
			e := c.entry
			if e.pos != m.from+pos-EntryHeader || e.index != l.last+1 || e.term < l.lastTerm() {
				whole = false
			}
			if !whole {
				return
			}
			rec.Records++
			l.push(e.term)
			end = e.pos + int64(e.size)
			if !s.indexed(&e) {
				s.writeIndex(&e)
			}
		})
		if err != nil {
			return err
		}
		if i >= len(s.log.files)-3 {
			rec.Scanned += at
		}
		whole = whole && v == Blank
		if whole {
			end = m.from + s.opt.FileSize
		}
	}
	rec.End = end
	if l.last < 0 {
		end = 0
	}
	s.log.flushedTo = end
	if err := s.log.truncate(end, WhyRecovery); err != nil {
		return err
	}
	if err := l.index.truncate((l.last+1)*indexUnit, WhyRecovery); err != nil {
		return err
	}
	l.index.flushedTo = (l.last + 1) * indexUnit
	if at := s.savedCommit(); at >= 0 {
		s.LedgerCommit(consensus.Index(min(at, l.last) + 1))
	}
	phys := int64(-1)
	for _, q := range s.ordered {
		phys = max(phys, q.maxPhys)
	}
	for _, q := range s.ordered {
		if phys <= end {
			break
		}
		if err := q.truncateAt(end); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) lastTerm() int64 {
	if n := len(l.runs); n > 0 {
		return int64(l.runs[n-1].Term)
	}
	return 0
}

// push notes one more entry.
func (l *ledger) push(term int64) {
	l.last++
	if len(l.runs) == 0 || l.lastTerm() != term {
		l.runs = append(l.runs, consensus.Run{First: consensus.Index(l.last + 1), Term: consensus.Term(term)})
	}
}

// ledgerEntry is the header of an entry.
type ledgerEntry struct {
	size             int32
	index, term, pos int64
}

func entryOf(b []byte) ledgerEntry {
	be := binary.BigEndian
	return ledgerEntry{int32(be.Uint32(b[4:])), int64(be.Uint64(b[8:])), int64(be.Uint64(b[16:])), int64(be.Uint64(b[24:]))}
}

// putHeader encodes the header of an entry with a record of n bytes.
func (e *ledgerEntry) putHeader(b []byte) {
	be := binary.BigEndian
	be.PutUint32(b, ledgerMagic)
	be.PutUint32(b[4:], uint32(e.size))
	be.PutUint64(b[8:], uint64(e.index))
	be.PutUint64(b[16:], uint64(e.term))
	be.PutUint64(b[24:], uint64(e.pos))
	clear(b[32:44])
	be.PutUint32(b[44:], uint32(e.size-EntryHeader))
}

func (e *ledgerEntry) unit(b []byte) {
	be := binary.BigEndian
	be.PutUint32(b, ledgerMagic)
	be.PutUint64(b[4:], uint64(e.pos))
	be.PutUint32(b[12:], uint32(e.size))
	be.PutUint64(b[16:], uint64(e.index))
	be.PutUint64(b[24:], uint64(e.term))
}

// indexed says whether the index has an entry as its header says.
func (s *Store) indexed(e *ledgerEntry) bool {
	var want, got [indexUnit]byte
	e.unit(want[:])
	m := s.ledger.index.at(e.index*indexUnit, false)
	if m == nil {
		return false
	}
	_, err := m.f.ReadAt(got[:], e.index*indexUnit-m.from)
	return err == nil && got == want
}

// writeIndex puts an entry into the index, at its place.
func (s *Store) writeIndex(e *ledgerEntry) bool {
	q := &s.ledger.index
	at := e.index * indexUnit
	m := q.at(at, false)
	if m == nil {
		var err error
		if m, err = q.grow(at - at%q.size); err != nil {
			return false
		}
	}
	var b [indexUnit]byte
	e.unit(b[:])
	m.f.Store(at-m.from, b[:])
	m.wrote = max(m.wrote, at-m.from+indexUnit)
	return true
}

// LedgerState is what a member of the group starts from, without term and vote.
func (s *Store) LedgerState() consensus.State {
	return consensus.State{Runs: s.ledger.runs, Last: consensus.Index(s.ledger.last + 1)}
}

// LedgerLast and LedgerCommitted are the newest entry and the newest committed one.
func (s *Store) LedgerLast() consensus.Index { return consensus.Index(s.ledger.last + 1) }

// LedgerCommitted is the newest entry that readers see.
func (s *Store) LedgerCommitted() consensus.Index { return consensus.Index(s.ledger.committed + 1) }

// LedgerTerm sets the term of the entries that Put appends.
func (s *Store) LedgerTerm(t consensus.Term) { s.ledger.term = int64(t) }

// locate reads the place of an entry from the index.
func (s *Store) locate(index int64) (pos int64, size int32, ok bool) {
	m := s.ledger.index.at(index*indexUnit, false)
	var b [indexUnit]byte
	if m == nil || index > s.ledger.last {
		return 0, 0, false
	}
	if _, err := m.f.ReadAt(b[:], index*indexUnit-m.from); err != nil {
		return 0, 0, false
	}
	return int64(binary.BigEndian.Uint64(b[4:])), int32(binary.BigEndian.Uint32(b[12:])), true
}

// LedgerRead appends the extents of an entry, header and record, to dst.
func (s *Store) LedgerRead(i consensus.Index, dst []sim.Ref) ([]sim.Ref, int, bool) {
	pos, size, ok := s.locate(int64(i) - 1)
	m := s.log.at(pos, pos == 0)
	if !ok || m == nil {
		return dst, 0, false
	}
	out, err := m.f.Read(pos-m.from, int(size), dst)
	return out, int(size), err == nil
}

// LedgerAppend stores an entry that the leader sent; false if it does not fit here or the file could not
// be made (DLedgerMmapFileStore.appendAsFollower).
func (s *Store) LedgerAppend(refs []sim.Ref) bool {
	if s.closing {
		return false
	}
	c := Cursor{head: EntryHeader}
	c.Reset(s.a, refs)
	var head [EntryHeader]byte
	if c.left < EntryHeader {
		return false
	}
	e := entryOf(c.take(EntryHeader, head[:0]))
	f, err := s.ledgerFile(int64(e.size))
	if err != nil || f.from+f.wrote != e.pos || e.index != s.ledger.last+1 {
		s.stats.RawRefused++
		return false
	}
	if !s.writeIndex(&e) {
		return false
	}
	for _, r := range refs {
		f.f.StoreRef(f.wrote, r)
		f.wrote += int64(r.Len)
	}
	f.modified = s.env.Wall()
	s.ledger.push(e.term)
	s.ledgerWrote()
	return true
}

// ledgerFile is the file for an entry of n bytes: the rest of one without room is filled
// (MmapFileList.preAppend).
func (s *Store) ledgerFile(n int64) (*mappedFile, error) {
	f, err := s.log.lastFor(0)
	if err != nil || n+blankSize <= s.opt.FileSize-f.wrote {
		return f, err
	}
	s.blank(f, s.env.Wall())
	return s.log.lastFor(0)
}

// LedgerTruncate removes the entries from i on (DLedgerMmapFileStore.truncate). What the queues have of
// them goes too: only a member whose disk lost committed entries meets that.
func (s *Store) LedgerTruncate(i consensus.Index) error {
	l := s.ledger
	pos, _, ok := s.locate(int64(i) - 1)
	if !ok {
		return nil
	}
	l.last = int64(i) - 2
	for len(l.runs) > 0 && l.runs[len(l.runs)-1].First >= i {
		l.runs = l.runs[:len(l.runs)-1]
	}
	if err := s.log.truncate(pos, WhyTruncated); err != nil {
		return err
	}
	if err := l.index.truncate((l.last+1)*indexUnit, WhyTruncated); err != nil {
		return err
	}
	s.log.flushedTo, l.index.flushedTo = min(s.log.flushedTo, pos), min(l.index.flushedTo, (l.last+1)*indexUnit)
	s.pending, s.pendingAt = s.pending[:0], 0
	if l.committed > l.last {
		l.committed, l.pos = l.last, pos
		s.reputFrom = min(s.reputFrom, pos)
		for _, q := range s.ordered {
			if err := q.truncateAt(pos); err != nil {
				return err
			}
		}
	}
	return nil
}

// WhyTruncated: a leader has other entries.
const WhyTruncated = "truncated-by-new-leader"

// LedgerCommit moves the committed position: dispatch and readers go up to it.
func (s *Store) LedgerCommit(i consensus.Index) {
	l := s.ledger
	pos, size, ok := s.locate(int64(i) - 1)
	if !ok || int64(i)-1 <= l.committed {
		return
	}
	l.committed, l.pos = int64(i)-1, pos+int64(size)
	s.armReput()
	if s.serving && !l.saveArmed {
		l.saveArmed = true
		s.after(saveEvery, timerLedgerSave)
	}
}

// ledgerWrote arms the flusher (DLedgerMmapFileStore.FlushDataService); it sleeps while nothing is dirty.
func (s *Store) ledgerWrote() {
	l := s.ledger
	if !l.armed && l.flushing == 0 {
		l.armed = true
		s.after(FlushEvery, timerLedger)
	}
}

func (s *Store) ledgerTurn() {
	l := s.ledger
	l.armed = false
	for _, q := range []*mappedQueue{&s.log, &l.index} {
		if s.flush(q, 0, ownLedger) {
			l.flushing++
		}
	}
}

func (s *Store) ledgerFlushed() {
	l := s.ledger
	if l.flushing--; l.flushing == 0 {
		data, _ := s.log.flushable(0)
		index, _ := l.index.flushable(0)
		if data != nil || index != nil {
			s.ledgerWrote()
		}
	}
}

// saveLedger writes the checkpoint (persistCheckPoint); nothing is synced.
func (s *Store) saveLedger() {
	l := s.ledger
	l.saveArmed = false
	if l.saved == l.committed {
		return
	}
	text := fmt.Sprintf("endIndex=%d\ncommittedIndex=%d\n", l.last, l.committed)
	if writeMeta(s.fs, l.dir+"/checkpoint", []byte(text)) == nil {
		l.saved = l.committed
	}
}

func (s *Store) savedCommit() int64 {
	at := int64(-1)
	ReadMeta(s.fs.FS, s.ledger.dir+"/checkpoint", func(data []byte) bool {
		v, ok := propertyOf(string(data), "committedIndex")
		at = v
		return ok
	})
	return at
}

// propertyOf reads one number of a Java properties file.
func propertyOf(text, key string) (int64, bool) {
	for line := range strings.Lines(text) {
		if k, v, _ := strings.Cut(strings.TrimSpace(line), "="); k == key {
			n, err := strconv.ParseInt(v, 10, 64)
			return n, err == nil
		}
	}
	return -1, false
}

// SaveVote writes term and vote of a member (MemberState.persistTerm): the file is not synced.
func (s *Store) SaveVote(t consensus.Term, vote consensus.Member) {
	text := fmt.Sprintf("currTerm=%d\n", t)
	if vote != consensus.None {
		text += fmt.Sprintf("voteLeader=n%d\n", vote-1)
	}
	_ = writeMeta(s.fs, s.ledger.dir+"/currterm", []byte(text)) // logged only
}

// LoadVote reads them.
func (s *Store) LoadVote() (t consensus.Term, vote consensus.Member) {
	ReadMeta(s.fs.FS, s.ledger.dir+"/currterm", func(data []byte) bool {
		n, ok := propertyOf(string(data), "currTerm")
		t = consensus.Term(max(n, 0))
		if v, voted := propertyOf(strings.Replace(string(data), "voteLeader=n", "voteLeader=", 1), "voteLeader"); voted {
			vote = consensus.Member(v + 1)
		}
		return ok
	})
	return t, vote
}

// SetRole is a change of brokerRole while the broker runs. A new master begins its queue offsets behind
// what is dispatched (DefaultMessageStore.recoverTopicQueueTable).
func (s *Store) SetRole(r Role) {
	s.opt.Role = r
	if r == Slave {
		return
	}
	for _, q := range s.ordered {
		q.next = q.Max()
		q.correctMin(max(s.log.min(), 0))
	}
}
