package store

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/sim"
)

// Recovery says what Open found.
type Recovery struct {
	Abnormal   bool  // there was an abort file
	From, End  int64 // offsets between which the log was scanned
	Scanned    int64 // bytes
	Records    int64
	Dispatched int64 // of them to the queues
	Files      int   // removed behind End
}

// Open loads a store directory and recovers it (DefaultMessageStore.load). Cold reads are charged by
// the disk; the CPU time of scanning is the caller's, by Recovery.Scanned. The store serves reads of
// the log when it returns; Start begins the rest.
func Open(env Env, fs *sim.FS, o Options, hooks Hooks) (*Store, Recovery, error) {
	return open(env, &volume{FS: fs}, o, hooks)
}

func open(env Env, v *volume, o Options, hooks Hooks) (*Store, Recovery, error) {
	if o.QueueFileSize <= 0 || o.QueueFileSize%EntrySize != 0 || o.FileSize < Overhead+blankSize {
		return nil, Recovery{}, errors.New("rocketmq store: file sizes")
	}
	s := &Store{env: env, hooks: hooks, opt: o, fs: v, w: v.world(), a: v.arena(), queues: map[queueKey]*Queue{}, stuck: -1}
	s.log = mappedQueue{fs: v, dir: o.Dir + "/commitlog", size: o.FileSize, ahead: true}
	s.group.s, s.pool.s, s.timed.s, s.cqFlush.s = s, s, s, s
	if o.poolEnabled() {
		s.pool.on, s.pool.free = true, o.PoolSize
		s.log.pool = &s.pool
	}
	if o.Ledger != "" {
		s.openLedger()
	}
	s.phase = env.Rand("reput").Range(0, o.ReputInterval-1)
	rec := Recovery{Abnormal: v.Exists(o.Dir + "/abort")}
	if err := s.load(rec.Abnormal); err != nil {
		return nil, rec, err
	}
	err := s.recover(&rec)
	return s, rec, err
}

// untilTick is the time to the next turn of the dispatch loop.
func (s *Store) untilTick() sim.Time {
	n := s.opt.ReputInterval
	return n - (s.env.Now()+n-s.phase)%n
}

// load opens the files.
func (s *Store) load(abnormal bool) error {
	if err := s.log.load(); err != nil {
		return err
	}
	root := s.opt.Dir + "/consumequeue"
	for _, topic := range s.fs.List(root) {
		for _, name := range s.fs.List(root + "/" + topic) {
			id, err := strconv.ParseInt(name, 10, 32)
			if err != nil {
				continue
			}
			if err := s.queue(topic, int32(id)).files.load(); err != nil {
				return err
			}
		}
	}
	if err := s.cp.open(s.fs, s.opt.Dir+"/checkpoint"); err != nil {
		return err
	}
	if s.opt.IndexEnable {
		return s.openIndex(abnormal)
	}
	return nil
}

// recover is DefaultMessageStore.recover: queues, then the log.
func (s *Store) recover(rec *Recovery) error {
	phys := int64(-1)
	for _, q := range s.ordered {
		if err := q.recover(); err != nil {
			return err
		}
		phys = max(phys, q.maxPhys)
	}
	if s.ledger != nil {
		return s.recoverLedger(rec)
	}
	files := s.log.files
	if len(files) == 0 {
		s.log.flushedTo = 0
		return s.destroyQueues()
	}
	if err := s.dates(); err != nil {
		return err
	}
	first, above := max(len(files)-3, 0), int64(-1)
	switch {
	case rec.Abnormal:
		first, above = s.recoverFrom(), 0
	case s.opt.DispatchOnRecover:
		above = max(phys, 0)
		for first = len(files) - 1; first > 0 && files[first].from > phys; {
			first--
		}
	}
	rec.From = files[first].from
	end, err := s.recoverLog(first, above, rec)
	if err != nil {
		return err
	}
	rec.End = end
	s.noteCut(end, rec.Abnormal)
	s.log.flushedTo = end
	if err := s.log.truncate(end, WhyRecovery); err != nil {
		return err
	}
	rec.Files = len(files) - len(s.log.files)
	if phys >= end {
		for _, q := range s.ordered {
			if err := q.truncateAt(end); err != nil {
				return err
			}
		}
	}
	return nil
}

// recoverLog scans forward from a file and returns the end of the last good record
// (CommitLog.recoverNormally, recoverAbnormally). Records from above on are dispatched, unless it is
// negative.
func (s *Store) recoverLog(first int, above int64, rec *Recovery) (int64, error) {
	end := int64(0)
	for i := first; i < len(s.log.files); i++ {
		m := s.log.files[i]
		end = m.from
		at, v, err := scanRecords(s.a, m.f, s.opt.FileSize, s.opt.CheckCRC, 0, func(pos int64, c *Cursor) {
			rec.Records++
			if above >= 0 && m.from+pos >= above {
				rec.Dispatched++
				r := s.requestOf(c, m.from+pos)
				s.dispatch(&r, false)
			}
		})
		if err != nil {
			return 0, err
		}
		rec.Scanned += at
		end += at
		if v != Blank {
			break
		}
	}
	return end, nil
}

// recoverFrom is the newest file whose first record is not newer than the checkpoint
// (isMappedFileMatchedRecover); without one, the oldest.
func (s *Store) recoverFrom() int {
	limit := s.cp.min()
	if s.opt.IndexEnable && s.opt.IndexSafe {
		limit = s.cp.minIndex()
	}
	for i := len(s.log.files) - 1; i >= 0; i-- {
		if t, err := firstTime(s.log.files[i].f); err == nil && t != 0 && t <= limit {
			return i
		}
	}
	return 0
}

// firstTime is the store timestamp of the first record of a file, 0 without one.
func firstTime(f *file) (int64, error) {
	var b [atStoreHost + 12]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return 0, err
	}
	u32 := func(at int) uint32 {
		return uint32(b[at])<<24 | uint32(b[at+1])<<16 | uint32(b[at+2])<<8 | uint32(b[at+3])
	}
	if u32(atMagic) != magicMessage {
		return 0, nil
	}
	at := atStoreTime
	if u32(atSysFlag)&sysBornV6 != 0 {
		at += 12
	}
	return int64(uint64(u32(at))<<32 | uint64(u32(at+4))), nil
}

// dates says when the files were last modified: when the next one was begun.
func (s *Store) dates() error {
	for i, m := range s.log.files {
		m.modified = s.env.Wall()
		if i+1 < len(s.log.files) {
			t, err := firstTime(s.log.files[i+1].f)
			if err != nil {
				return err
			}
			if t > 0 {
				m.modified = t
			}
		}
	}
	return nil
}

// scanWindow is how much of a file is read at once.
const scanWindow = 1 << 20

// scanRecords visits the records of a file from its beginning and returns the place and the verdict
// where it ended: Blank, or Bad (BadSize counts as Bad). head bytes of DLedger stand before each record.
func scanRecords(a *sim.Arena, f *file, size int64, verify bool, head int64, visit func(pos int64, c *Cursor)) (int64, Verdict, error) {
	c := Cursor{head: head}
	var refs []sim.Ref
	pos, window := int64(0), int64(scanWindow)
	for {
		n := min(window, size-pos)
		var err error
		if refs, err = f.Read(pos, int(n), refs[:0]); err != nil {
			return pos, Bad, err
		}
		c.Reset(a, refs)
		start := pos
		for {
			v := c.Next(verify)
			if v == Good {
				visit(pos+head, &c)
				pos += head + int64(c.Record.Size)
				continue
			}
			if v == Blank {
				return pos, Blank, nil
			}
			if n == size-start || v == BadSize || c.Left() >= 8 && !c.begins() {
				return pos, Bad, nil
			}
			break
		}
		if pos == start {
			window *= 4 // the record may be longer than the window
		} else {
			window = scanWindow
		}
	}
}

// begins says whether the next bytes have the magic of a record.
func (c *Cursor) begins() bool {
	d := *c
	b := d.take(8, d.fixed[:0])
	if c.head > 0 {
		return binary.BigEndian.Uint32(b) == ledgerMagic && binary.BigEndian.Uint32(b[4:]) > EntryHeader
	}
	return b[4] == magicMessage>>24&0xff && b[5] == magicMessage>>16&0xff && b[6] == magicMessage>>8&0xff && b[7] == magicMessage&0xff
}

// whyHole says in biographies why recovery cut whole records behind a bad one: the disk had kept later
// pages of the cache and not an earlier one.
const whyHole = "unsynced-page-cache"

// noteCut writes into the biographies of watched messages that their bytes, though still in the
// file, are not valid any more. It reads as the audit does: watching costs no time.
func (s *Store) noteCut(end int64, abnormal bool) {
	m := s.log.at(end, false)
	if m == nil || !s.w.Watching() {
		return
	}
	f := s.fs.Disk().FS().Open(m.path)
	refs, err := f.Read(end-m.from, int(m.f.Size()-(end-m.from)), nil)
	f.Close()
	if err != nil {
		return
	}
	why := WhyRecovery
	if abnormal {
		why = whyHole
	}
	var seen []sim.MsgID
	for _, r := range refs {
		s.a.Marked(r, func(id sim.MsgID) {
			if !slices.Contains(seen, id) {
				seen = append(seen, id)
				s.w.Note(id, "removed", s.fs.Disk().Host, m.path+": "+why)
			}
		})
	}
}

// destroyQueues removes all queue files: there is no log (DefaultMessageStore.destroyLogics).
func (s *Store) destroyQueues() error {
	for _, q := range s.ordered {
		for len(q.files.files) > 0 {
			if err := q.files.removeFirst(WhyRecovery); err != nil {
				return err
			}
		}
		q.maxPhys, q.minByte, q.files.flushedTo = -1, 0, 0
	}
	return nil
}

// Start begins dispatch where the queues end, waits until it has caught up (checked every second),
// and then starts the flush and disk services and calls Hooks.Started (DefaultMessageStore.start).
// The error is that of making the abort file.
func (s *Store) Start() error {
	f, err := s.fs.Create(s.opt.Dir + "/abort")
	if err != nil {
		return err
	}
	f.Close()
	s.reputFrom = max(s.log.min(), 0)
	if s.opt.ReputFromEnd {
		s.reputFrom = s.log.max()
	} else {
		for _, q := range s.ordered {
			s.reputFrom = max(s.reputFrom, q.maxPhys)
		}
	}
	s.reputOn = true
	s.reput()
	s.awaitDispatch()
	return nil
}

func (s *Store) awaitDispatch() {
	if s.Behind() > 0 {
		s.reput()
	}
	if s.Behind() > 0 {
		s.after(sim.Second, timerStart)
		return
	}
	for _, q := range s.ordered { // recoverTopicQueueTable
		q.next = q.Max()
		q.correctMin(max(s.log.min(), 0))
	}
	s.serving = true
	switch {
	case s.ledger != nil: // DLedger flushes by itself
	case s.opt.FlushDisk == SyncFlush:
		s.group.on = true
		s.group.wrote()
	default:
		s.timed.start()
	}
	s.cqFlush.start()
	if s.pool.on {
		s.after(s.opt.CommitTime, timerCommit)
	}
	if s.opt.CheckpointEvery > 0 {
		s.after(s.opt.CheckpointEvery, timerCheckpoint)
	}
	s.startDisk()
	s.hooks.Started()
}
