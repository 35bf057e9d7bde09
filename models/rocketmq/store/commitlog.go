package store

import (
	"strconv"

	"github.com/mqsim/mqsim/sim"
)

// Store is the store directory of one incarnation of a broker.
type Store struct {
	env   Env
	hooks Hooks
	opt   Options
	fs    *volume
	w     *sim.World
	a     *sim.Arena

	log     mappedQueue
	ledger  *ledger // nil: no DLedger
	queues  map[queueKey]*Queue
	ordered []*Queue // by topic and id
	recent  [64]*Queue
	cp      checkpoint
	index   *indexes

	// dispatch
	reputFrom  int64
	reputArmed bool
	reputOn    bool
	cqTries    int       // of the record at reputFrom, whose queue cannot be written
	cqRetry    sim.Time  // when the next one is due
	pending    []request // what Put appended and dispatch has not seen, in order
	pendingAt  int
	phase      sim.Time  // of the dispatch loop
	refs       []sim.Ref // scratch
	cur        Cursor    // scratch

	group   groupCommit
	pool    pool
	timed   timedFlush
	cqFlush queueFlush
	disk    diskState
	sync    syncs

	block    sim.Ref // what is left of the extent for private bytes
	stuck    int64   // offset at which dispatch of a slave waits for the rest of a record, -1
	serving  bool
	stop     shutdown
	closing  bool
	rooted   bool // the names in the store directory itself are durable
	logicErr bool // LOGICS_QUEUE_ERROR
	stats    Stats
}

// Stats counts what the store has done in this incarnation.
type Stats struct {
	Puts, PutBytes int64
	Dispatched     int64
	Skipped        int64 // entries below a queue's next slot: in the log, never seen by consumers
	OutOfOrder     int64 // entries above it: slot and QUEUEOFFSET differ from there on
	Blanks         int64
	Flushes        int64
	FlushErrors    int64 // swallowed
	FlushTimeouts  int64
	Garbage        int64 // bytes that dispatch of a master skipped
	RawRefused     int64 // PutRaw that did not fit
	FilesDeleted   int64
}

// Stats are the counters.
func (s *Store) Stats() Stats { return s.stats }

// Role is the broker's role.
func (s *Store) Role() Role { return s.opt.Role }

// FileSize is mappedFileSizeCommitLog.
func (s *Store) FileSize() int64 { return s.opt.FileSize }

// MinOffset is the commit log's smallest offset: the beginning of its oldest file, -1 if it has no
// file (CommitLog.getMinOffset).
func (s *Store) MinOffset() int64 { return s.log.min() }

// MaxOffset is the end of what may be replicated (CommitLog.getMaxOffset).
func (s *Store) MaxOffset() int64 {
	if s.ledger != nil {
		return max(s.ledger.pos, s.log.min(), 0) // DLedgerCommitLog.getMaxOffset: what is committed
	}
	return s.log.max()
}

// WroteOffset is the end of what was appended; with transientStorePool it is ahead of MaxOffset.
func (s *Store) WroteOffset() int64 { return s.log.wrote() }

// FlushedOffset is the position up to which the broker believes the log to be on disk
// (MappedFileQueue.getFlushedWhere).
func (s *Store) FlushedOffset() int64 { return s.log.flushedTo }

// LastFileStart is where a slave that has nothing begins: the beginning of the file with the log's
// end (HAConnection.WriteSocketService).
func (s *Store) LastFileStart() int64 {
	m := s.log.max()
	return max(m-m%s.opt.FileSize, 0)
}

// DispatchedTo is the offset up to which the log was dispatched to the queues.
func (s *Store) DispatchedTo() int64 { return s.reputFrom }

// Behind is the number of bytes that dispatch has before it (dispatchBehindBytes).
func (s *Store) Behind() int64 { return s.reputEnd() - s.reputFrom }

// Stuck is the offset where a slave's dispatch waits at bytes that are no record, or the beginning
// of one; -1 if it does not.
func (s *Store) Stuck() int64 { return s.stuck }

// ReadRange appends the extents of up to n bytes of the log from an offset on, never beyond the end
// of a file; they may begin and end inside records. Nothing is returned at the end of the log, and
// for an offset that the log does not have (CommitLog.getData).
func (s *Store) ReadRange(off int64, n int, dst []sim.Ref) ([]sim.Ref, int) {
	m := s.log.at(off, off == 0)
	if m == nil {
		return dst, 0
	}
	pos := off % s.opt.FileSize
	n = int(min(int64(n), m.readable()-pos))
	if n <= 0 {
		return dst, 0
	}
	out, err := m.f.Read(pos, n, dst)
	if err != nil {
		return dst, 0
	}
	return out, n
}

// PutRaw appends bytes that the master sent for this offset (DefaultMessageStore.appendToCommitLog,
// CommitLog.appendData). The offset matters only if the log has no file. false: they do not fit
// into the file, or it could not be made, or the store is closing; nothing was written then.
// HAClient ignores the answer, and finds out with the next frame. DISK_FULL is not looked at.
func (s *Store) PutRaw(off int64, refs []sim.Ref) bool {
	if s.closing {
		return false
	}
	m, err := s.log.lastFor(off)
	if err != nil {
		s.stats.RawRefused++
		return false
	}
	n := int64(0)
	for _, r := range refs {
		n += int64(r.Len)
	}
	if m.wrote+n > s.opt.FileSize {
		s.stats.RawRefused++
		return false
	}
	for _, r := range refs {
		m.f.StoreRef(m.wrote, r)
		m.wrote += int64(r.Len)
	}
	m.modified = s.env.Wall()
	s.armReput()
	s.group.wrote()
	return true
}

// Record reads the record at a physical offset, all of which is in the log; false otherwise
// (lookMessageByOffset). The cursor stands behind it and gives its body.
func (s *Store) Record(off int64, c *Cursor) bool {
	m := s.log.at(off, off == 0)
	if m == nil || off < m.from {
		return false
	}
	pos := off - m.from
	var size [4]byte
	if pos+4 > m.readable() {
		return false
	}
	if _, err := m.f.ReadAt(size[:], pos); err != nil {
		return false
	}
	n := int64(int32(uint32(size[0])<<24 | uint32(size[1])<<16 | uint32(size[2])<<8 | uint32(size[3])))
	if n < Overhead || pos+n > m.readable() {
		return false
	}
	refs, err := m.f.Read(pos, int(n), nil)
	if err != nil {
		return false
	}
	c.Reset(s.a, refs)
	return c.Next(false) == Good
}

// MessageID is the offsetMsgId of a record: store host and physical offset in hexadecimal
// (MessageDecoder.createMessageId).
func MessageID(host Addr, off int64) string {
	const digits = "0123456789ABCDEF"
	var b [32]byte
	put := func(at int, v uint64, n int) {
		for i := range n {
			b[at+i] = digits[v>>(4*(n-1-i))&15]
		}
	}
	for i, c := range host.IP {
		put(2*i, uint64(c), 2)
	}
	put(8, uint64(uint32(host.Port)), 8)
	put(16, uint64(off), 16)
	return string(b[:])
}

// ParseMessageID takes an offsetMsgId apart (MessageDecoder.decodeMessageId).
func ParseMessageID(id string) (host Addr, off int64, ok bool) {
	if len(id) != 32 {
		return host, 0, false
	}
	ip, err1 := strconv.ParseUint(id[:8], 16, 32)
	port, err2 := strconv.ParseUint(id[8:16], 16, 32)
	at, err3 := strconv.ParseUint(id[16:], 16, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return host, 0, false
	}
	host.IP = [4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}
	host.Port = int32(uint32(port))
	return host, int64(at), true
}
