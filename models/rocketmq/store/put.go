package store

import (
	"encoding/binary"

	"github.com/mqsim/mqsim/sim"
)

// PutStatus is the result of a put (PutMessageStatus). FLUSH_SLAVE_TIMEOUT and SLAVE_NOT_AVAILABLE
// are for the broker to give: the store does not replicate.
type PutStatus uint8

// Results of a put.
const (
	PutOK PutStatus = iota
	FlushDiskTimeout
	FlushSlaveTimeout
	SlaveNotAvailable
	ServiceNotAvailable
	CreateMappedFileFailed
	MessageIllegal
	PropertiesSizeExceeded
	OSPageCacheBusy
	UnknownError
)

var putNames = [...]string{"PUT_OK", "FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE", "SERVICE_NOT_AVAILABLE",
	"CREATE_MAPEDFILE_FAILED", "MESSAGE_ILLEGAL", "PROPERTIES_SIZE_EXCEEDED", "OS_PAGECACHE_BUSY", "UNKNOWN_ERROR"}

// String is the broker's name of the status.
func (p PutStatus) String() string { return putNames[p] }

// Stored says whether the message is in the log; the broker treats it as sent then.
func (p PutStatus) Stored() bool { return p <= SlaveNotAvailable }

// Put is the result of an append.
type Put struct {
	Status      PutStatus
	Offset      int64 // physical
	Size        int32
	QueueOffset int64
	StoreTime   int64 // milliseconds
	QueueID     int32 // where it went; not the sender's if the message is delayed
}

// End is the offset behind the record: what flush and replication have to reach.
func (p Put) End() int64 { return p.Offset + int64(p.Size) }

// Put appends a message (DefaultMessageStore.asyncPutMessage, CommitLog.asyncPutMessage). When it
// returns the message is in the page cache, or in the process with transientStorePool, and will be
// dispatched. It does not wait for flush or replicas. m is not kept.
func (s *Store) Put(m *Message) Put {
	if st := s.refusal(m); st != PutOK {
		return Put{Status: st}
	}
	schedule := false
	k := knownOf(m.Properties)
	if k.delay != nil {
		d := s.schedule(m)
		m, k = &d, knownOf(d.Properties)
		schedule = m.Topic == ScheduleTopic
	}
	size := int64(m.size())
	if size > int64(s.opt.MaxMessageSize) || len(m.Properties) > maxProperties {
		return Put{Status: MessageIllegal}
	}
	q := s.queue(m.Topic, m.QueueID)
	now := s.env.Wall()
	f, st := s.room(size, now)
	if st != PutOK {
		return Put{Status: st}
	}
	r := s.write(f, m, &k, q, schedule, now)
	if r.Status == PutOK {
		s.written(f)
	}
	return r
}

// room is the file that takes so many bytes: the last one, or a new one when it has no place for them;
// its rest is blanked then (DefaultAppendMessageCallback.doAppend, END_OF_FILE).
func (s *Store) room(size, now int64) (*mappedFile, PutStatus) {
	f, err := s.log.lastFor(0)
	if err != nil {
		return nil, CreateMappedFileFailed
	}
	head := s.head()
	if head+size+blankSize > s.opt.FileSize-f.wrote {
		s.blank(f, now)
		if f, err = s.log.lastFor(0); err != nil {
			return nil, CreateMappedFileFailed
		}
		if head+size+blankSize > s.opt.FileSize {
			return nil, MessageIllegal
		}
	}
	return f, PutOK
}

// write appends a record to a file that has room for it.
func (s *Store) write(f *mappedFile, m *Message, k *known, q *Queue, schedule bool, now int64) Put {
	size, head := int64(m.size()), s.head()
	r := Put{Offset: f.from + f.wrote + head, Size: int32(size), StoreTime: now, QueueID: m.QueueID}
	tran := m.SysFlag & sysTransaction
	if tran == 0 || tran == SysCommit {
		// Prepared and rollback messages do not enter a queue (DefaultAppendMessageCallback.doAppend).
		r.QueueOffset = q.next
		q.next++
	}
	own, b := s.private(int(head+size) - int(m.Body.Len))
	if s.ledger != nil {
		e := ledgerEntry{int32(head + size), s.ledger.last + 1, s.ledger.term, r.Offset - head}
		if !s.writeIndex(&e) {
			return Put{Status: CreateMappedFileFailed}
		}
		e.putHeader(b)
		b = b[head:]
		s.ledger.push(e.term)
		s.ledgerWrote()
	}
	crc := bodyCRC(s.a.Bytes(m.Body))
	m.encode(b, crc, s.opt.StoreHost)
	place(b, r.QueueOffset, r.Offset, now)
	m.tail(b[:fixedSize])
	s.append(f, own.Slice(0, uint32(head)+fixedSize), m.Body, own.Slice(uint32(head)+fixedSize, own.Len))
	f.storeTime, f.modified = now, now
	s.stats.Puts++
	s.stats.PutBytes += size
	s.w.K.Fold(uint64(r.Offset)<<32 ^ uint64(crc))
	d := request{off: r.Offset, size: r.Size, q: q, queueOff: r.QueueOffset, storeTime: now, tran: tran,
		tagsCode: s.tagsCodeOf(schedule, k, now)}
	if s.index != nil {
		d.keys = hashesOf(q, k)
	}
	s.enqueue(&d)
	return r
}

// written wakes dispatch and flush after an append.
func (s *Store) written(f *mappedFile) {
	s.armReput()
	s.group.wrote()
	if f.pooling {
		s.pool.put(f)
	} else {
		s.timed.put()
	}
}

// refusal says why a put is refused before the log is touched (checkStoreStatus, checkMessage).
func (s *Store) refusal(m *Message) PutStatus {
	switch {
	case s.closing, !s.serving, s.opt.Role == Slave, s.disk.full, s.logicErr:
		return ServiceNotAvailable
	case len(m.Topic) > maxTopic, len(m.Topic) == 0:
		return MessageIllegal
	case len(m.Properties) > maxProperties:
		return PropertiesSizeExceeded
	}
	return PutOK
}

// Writable says whether a put would be taken.
func (s *Store) Writable() bool {
	return !s.closing && s.serving && s.opt.Role != Slave && !s.disk.full && !s.logicErr
}

// privateBlock is the size of the extents that the private bytes of records are cut from.
const privateBlock = 16 << 10

// private makes an extent for the bytes of a record other than its body. Those of consecutive records
// are adjacent: the end of a record and the beginning of the next one are a single span of the file.
func (s *Store) private(n int) (sim.Ref, []byte) {
	if s.block.Len < uint32(n) {
		s.block, _ = s.a.Alloc(max(privateBlock, n))
	}
	r := s.block.Slice(0, uint32(n))
	s.block = s.block.Slice(uint32(n), s.block.Len)
	return r, s.a.Bytes(r)
}

// append writes the record as head, body and tail.
func (s *Store) append(f *mappedFile, head, body, tail sim.Ref) {
	for _, r := range [3]sim.Ref{head, body, tail} {
		switch {
		case f.pooling:
			s.pool.add(f, r)
		default:
			f.f.StoreRef(f.wrote, r)
			f.wrote += int64(r.Len)
		}
	}
}

// blank fills the rest of a file: its size and the blank magic, nothing more
// (DefaultAppendMessageCallback.doAppend, END_OF_FILE).
func (s *Store) blank(f *mappedFile, now int64) {
	var b [blankSize]byte
	binary.BigEndian.PutUint32(b[:], uint32(s.opt.FileSize-f.wrote))
	binary.BigEndian.PutUint32(b[4:], magicBlank)
	if s.ledger != nil {
		binary.BigEndian.PutUint32(b[:], ledgerBlank)
		binary.BigEndian.PutUint32(b[4:], uint32(s.opt.FileSize-f.wrote))
	}
	if f.pooling {
		s.pool.fill(f, b[:])
	} else {
		f.f.Store(f.wrote, b[:])
	}
	f.wrote = s.opt.FileSize
	f.storeTime, f.modified = now, now
	s.stats.Blanks++
}
