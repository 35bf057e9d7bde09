package store

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// An entry of N.rdq: 8 bytes of length of what follows without the marker, 16 bytes id, the message, 0xFF
// (rabbit_msg_file:append).
const (
	rdqHead   = 8 + idSize
	rdqMarker = 0xFF
	rdqSuffix = ".rdq"
	tmpSuffix = ".rdt"
	cleanName = "clean.dot"
	savedName = "msg_store_index.ets"

	storePersistent = "msg_store_persistent"
	storeTransient  = "msg_store_transient"
)

// msgStore is a shared message store (ms): one process for all queues of the vhost. Bodies are counted:
// one that goes to several queues is stored once.
type msgStore struct {
	v     *Vhost
	dir   string
	syncs bool // the persistent one syncs; nobody waits for the transient one
	kind  uint32

	index map[uint64]location
	files []rdq // in order of number; the last one is being written
	cur   *sim.File

	incoming []write  // the mailbox
	pending  []waiter // written, and not covered by a sync
	inflight []waiter
	syncing  bool
	refs     []sim.Ref

	sumSize, sumValid int64
	job               combination
}

type location struct {
	off, size int64 // of the whole entry
	refs      int32
	file      uint32
	written   bool
}

// rdq is one file.
type rdq struct {
	num         uint32
	fresh       bool // its name is not durable
	locked      bool // it is being combined
	size, valid int64
}

type write struct {
	id   uint64
	seq  uint64
	q    *Queue
	rec  sim.Ref // length and id, and the end of the entry
	head sim.Ref
	body sim.Ref
}

type waiter struct {
	q   *Queue
	seq uint64
}

func newMsgStore(v *Vhost, name string) *msgStore {
	s := &msgStore{v: v, dir: Base + "/" + name, index: map[uint64]location{}, kind: argTransient}
	if name == storePersistent {
		s.syncs, s.kind = !v.cfg.NoStoreSync, argPersistent
	}
	return s
}

func (s *msgStore) path(num uint32, suffix string) string {
	return s.dir + "/" + strconv.FormatUint(uint64(num), 10) + suffix
}

func fileNumber(name, suffix string) (uint32, bool) {
	text, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return uint32(n), err == nil
}

// write puts a message into the store's mailbox (ms, write).
func (s *msgStore) write(q *Queue, seq uint64, e *entry, head sim.Ref) {
	l := s.index[e.id]
	l.refs++
	s.index[e.id] = l
	w := write{id: e.id, seq: seq, q: q}
	if !l.written {
		persistent := e.flags&fPersistent != 0
		tail := tailSize(persistent)
		rec, b := s.v.env.Arena().Alloc(rdqHead + tail + 1)
		binary.BigEndian.PutUint64(b, uint64(idSize+int(head.Len)+int(e.body.Len)+tail))
		putID(b[8:], e.id)
		appendTail(b[:rdqHead], e.id, persistent)
		b[rdqHead+tail] = rdqMarker
		w.rec, w.head, w.body = rec, head, e.body
	}
	s.incoming = append(s.incoming, w)
}

// remove drops one reference (ms, remove). A message that nobody refers to any more before the store
// process has come to its write is never written.
func (s *msgStore) remove(id uint64) {
	l, ok := s.index[id]
	if !ok {
		return
	}
	if l.refs--; l.refs > 0 {
		s.index[id] = l
		return
	}
	delete(s.index, id)
	if !l.written {
		return
	}
	f := s.file(l.file)
	f.valid -= l.size
	s.sumValid -= l.size
	if f.valid == 0 && !f.locked && f != &s.files[len(s.files)-1] {
		s.removeFile(f.num, whyConsumed)
	}
	s.collect()
}

func (s *msgStore) find(num uint32) (int, bool) {
	return slices.BinarySearchFunc(s.files, num, func(f rdq, n uint32) int { return int(f.num) - int(n) })
}

func (s *msgStore) file(num uint32) *rdq {
	i, _ := s.find(num)
	return &s.files[i]
}

func (s *msgStore) removeFile(num uint32, why string) {
	i, _ := s.find(num)
	s.sumSize -= s.files[i].size
	s.files = slices.Delete(s.files, i, i+1)
	if err := s.v.env.FS().Remove(s.path(num, rdqSuffix), why); err != nil {
		s.v.env.Failed(nil, err)
	}
}

// settle lets the store process handle its mailbox, unless it is in an fsync, and begin a sync when the
// mailbox is empty (ms, next_state with time-out 0, internal_sync).
func (s *msgStore) settle() {
	if s.syncing || len(s.incoming) == 0 && len(s.pending) == 0 {
		return
	}
	if err := s.drain(); err != nil {
		s.v.env.Failed(nil, err)
		return
	}
	if !s.syncs {
		for _, w := range s.pending { // written is safe enough
			w.q.bodySafe(w.seq)
		}
		clear(s.pending)
		s.pending = s.pending[:0]
		return
	}
	if len(s.pending) == 0 {
		return
	}
	last := &s.files[len(s.files)-1]
	if last.fresh {
		if err := s.v.env.FS().SyncDir(s.dir); err != nil {
			s.v.env.Failed(nil, err)
			return
		}
		last.fresh = false
	}
	s.pending, s.inflight = s.inflight[:0], s.pending
	s.syncing = true
	s.cur.Sync(s.v.arg(s.kind, 0))
}

// drain appends what is in the mailbox to the present file. A file that is full is synced before the
// next one is begun (ms, maybe_roll_to_new_file).
func (s *msgStore) drain() error {
	s.refs = s.refs[:0]
	done := 0
	for _, w := range s.incoming {
		l, ok := s.index[w.id]
		if ok && !l.written && (len(s.files) == 0 || s.files[len(s.files)-1].size >= s.v.cfg.FileLimit) {
			if s.syncs && len(s.pending) > 0 {
				break
			}
			if err := s.roll(); err != nil {
				return err
			}
		}
		done++
		switch {
		case !ok: // it went before it was written
			w.q.bodySafe(w.seq)
			continue
		case !l.written:
			s.place(w, l)
		case l.file != s.files[len(s.files)-1].num: // synced when its file was full
			w.q.bodySafe(w.seq)
			continue
		}
		s.pending = append(s.pending, waiter{w.q, w.seq})
	}
	n := copy(s.incoming, s.incoming[done:])
	clear(s.incoming[n:])
	s.incoming = s.incoming[:n]
	return s.append()
}

func (s *msgStore) place(w write, l location) {
	tail := w.rec.Slice(rdqHead, w.rec.Len)
	s.refs = append(s.refs, w.rec.Slice(0, rdqHead), w.head, w.body, tail)
	f := &s.files[len(s.files)-1]
	l.written, l.file, l.off = true, f.num, f.size
	l.size = int64(w.rec.Len) + int64(w.head.Len) + int64(w.body.Len)
	s.index[w.id] = l
	f.size += l.size
	f.valid += l.size
	s.sumSize += l.size
	s.sumValid += l.size
}

func (s *msgStore) append() error {
	if len(s.refs) == 0 {
		return nil
	}
	err := s.cur.Append(s.refs...)
	s.refs = s.refs[:0]
	return err
}

// roll begins the next file. It can find messages in the buffer only in the transient store.
func (s *msgStore) roll() error {
	if err := s.append(); err != nil {
		return err
	}
	num := uint32(0)
	if n := len(s.files); n > 0 {
		num = s.files[n-1].num + 1
		s.cur.Close()
		if full := s.files[n-1]; full.valid == 0 && !full.locked {
			s.removeFile(full.num, whyConsumed)
		}
	}
	f, err := s.v.env.FS().Create(s.path(num, rdqSuffix))
	s.cur = f
	s.files = append(s.files, rdq{num: num, fresh: true})
	return err
}

// synced tells the queues what the sync covered, and goes on with the mailbox.
func (s *msgStore) synced(err error) {
	if !s.syncing {
		return
	}
	s.syncing = false
	if err != nil {
		s.v.env.Failed(nil, err)
		return
	}
	for _, w := range s.inflight {
		w.q.bodySafe(w.seq)
	}
	for i, w := range s.inflight {
		if i == 0 || w.q != s.inflight[i-1].q {
			w.q.emit()
		}
	}
	clear(s.inflight)
	s.inflight = s.inflight[:0]
	s.settle()
}

// contains says whether a message is in the files.
func (s *msgStore) contains(id uint64) bool { return s.index[id].written }

// read fetches a message from its file.
func (s *msgStore) read(id uint64) (stored, bool) {
	l := s.index[id]
	f := s.v.env.FS().Open(s.path(l.file, rdqSuffix))
	if !l.written || f == nil {
		return stored{}, false
	}
	defer f.Close()
	r, err := read(s.v.env.Arena(), f, l.off, l.off+l.size)
	if err != nil || r.left() < l.size {
		return stored{}, false
	}
	r.skip(rdqHead)
	m, ok := decode(&r, l.size-rdqHead-1)
	return m, ok && m.id == id
}
