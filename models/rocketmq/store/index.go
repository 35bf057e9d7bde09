package store

import (
	"bytes"
	"encoding/binary"
	"math"
)

// Sizes of an index file (IndexHeader, IndexFile).
const (
	indexHeaderSize = 40
	indexSlotSize   = 4
	indexEntrySize  = 20
)

// indexHeader is the beginning of an index file.
type indexHeader struct {
	beginTime, endTime int64 // store timestamps
	beginPhys, endPhys int64
	slots, count       int32 // used slots; entries, from 1 on
}

func (h *indexHeader) put(b []byte) {
	be := binary.BigEndian
	be.PutUint64(b, uint64(h.beginTime))
	be.PutUint64(b[8:], uint64(h.endTime))
	be.PutUint64(b[16:], uint64(h.beginPhys))
	be.PutUint64(b[24:], uint64(h.endPhys))
	be.PutUint32(b[32:], uint32(h.slots))
	be.PutUint32(b[36:], uint32(h.count))
}

func (h *indexHeader) get(b []byte) {
	be := binary.BigEndian
	h.beginTime, h.endTime = int64(be.Uint64(b)), int64(be.Uint64(b[8:]))
	h.beginPhys, h.endPhys = int64(be.Uint64(b[16:])), int64(be.Uint64(b[24:]))
	h.slots = int32(be.Uint32(b[32:]))
	h.count = max(int32(be.Uint32(b[36:])), 1) // IndexHeader.load
}

// indexFile is one file: a hash table whose slots head chains of entries (IndexFile).
type indexFile struct {
	f    *file
	path string
	head indexHeader
}

// indexes are the index files of a store (IndexService).
type indexes struct {
	s     *Store
	dir   string
	files []*indexFile
}

func (s *Store) openIndex(abnormal bool) error {
	x := &indexes{s: s, dir: s.opt.Dir + "/index"}
	for _, name := range s.fs.List(x.dir) {
		f := s.fs.Open(x.dir + "/" + name)
		if f == nil {
			continue
		}
		i := &indexFile{f: f, path: x.dir + "/" + name}
		var b [indexHeaderSize]byte
		if f.Size() == x.size() {
			if _, err := f.ReadAt(b[:], 0); err != nil {
				return err
			}
			i.head.get(b[:])
		}
		// On an abnormal start, files newer than the checkpoint go (IndexService.load).
		if f.Size() != x.size() || abnormal && i.head.endTime > s.cp.index {
			f.Close()
			if err := s.fs.Remove(i.path, WhyRecovery); err != nil {
				return err
			}
			continue
		}
		x.files = append(x.files, i)
	}
	s.index = x
	return nil
}

func (x *indexes) size() int64 {
	return indexHeaderSize + x.s.opt.IndexSlots*indexSlotSize + x.s.opt.IndexEntries*indexEntrySize
}

// keyHashes are the hashes of a record's keys: of its UNIQ_KEY, -1 if it has none, and of its KEYS.
type keyHashes struct {
	uniq int32
	more []int32
}

func hashesOf(q *Queue, k *known) (h keyHashes) {
	h.uniq = -1
	if len(k.uniqKey) > 0 {
		h.uniq = indexHash(q.hash, k.uniqKey)
	}
	for _, key := range bytes.Fields(k.keys) {
		h.more = append(h.more, indexHash(q.hash, key))
	}
	return h
}

// put enters a record under each of its keys (IndexService.buildIndex).
func (x *indexes) put(r *request) {
	if r.keys.uniq < 0 && len(r.keys.more) == 0 {
		return
	}
	i := x.writable()
	if i == nil || r.off < i.head.endPhys {
		return // entered before
	}
	if r.keys.uniq >= 0 {
		i.put(x.s, r.keys.uniq, r.off, r.storeTime)
	}
	for _, hash := range r.keys.more {
		if i = x.writable(); i == nil {
			return
		}
		i.put(x.s, hash, r.off, r.storeTime)
	}
}

// writable is the file to write to; a full one is flushed and followed by another
// (getAndCreateLastIndexFile). nil: it cannot be made.
func (x *indexes) writable() *indexFile {
	var last *indexFile
	if n := len(x.files); n > 0 {
		last = x.files[n-1]
		if int64(last.head.count) < x.s.opt.IndexEntries {
			return last
		}
	}
	path := x.dir + "/" + stamp(x.s.env.Wall())
	for x.s.fs.Exists(path) { // two files in one millisecond
		path += "0"
	}
	f, err := x.s.fs.Create(path)
	if err != nil {
		return nil
	}
	if err := f.Allocate(x.size()); err != nil {
		return nil
	}
	i := &indexFile{f: f, path: path, head: indexHeader{count: 1}}
	if last != nil {
		i.head.endPhys, i.head.endTime = last.head.endPhys, last.head.endTime
		x.s.issue(last.f, syncOp{own: ownIndex, storeTime: last.head.endTime})
	}
	x.files = append(x.files, i)
	return i
}

// put writes an entry at the head of its slot's chain (IndexFile.putKey).
func (i *indexFile) put(s *Store, hash int32, phys, storeTime int64) {
	be := binary.BigEndian
	slotAt := indexHeaderSize + int64(hash)%s.opt.IndexSlots*indexSlotSize
	var slot [indexSlotSize]byte
	if _, err := i.f.ReadAt(slot[:], slotAt); err != nil {
		return
	}
	before := int32(be.Uint32(slot[:]))
	if before <= 0 || before > i.head.count {
		before = 0
	}
	diff := int64(0)
	if i.head.beginTime > 0 {
		diff = min(max((storeTime-i.head.beginTime)/1000, 0), math.MaxInt32)
	}
	var e [indexEntrySize]byte
	be.PutUint32(e[:], uint32(hash))
	be.PutUint64(e[4:], uint64(phys))
	be.PutUint32(e[12:], uint32(diff))
	be.PutUint32(e[16:], uint32(before))
	i.f.Store(indexHeaderSize+s.opt.IndexSlots*indexSlotSize+int64(i.head.count)*indexEntrySize, e[:])
	be.PutUint32(slot[:], uint32(i.head.count))
	i.f.Store(slotAt, slot[:])
	if i.head.count <= 1 {
		i.head.beginPhys, i.head.beginTime = phys, storeTime
	}
	if before == 0 {
		i.head.slots++
	}
	i.head.count++
	i.head.endPhys, i.head.endTime = phys, storeTime
	var h [indexHeaderSize]byte
	i.head.put(h[:])
	i.f.Store(0, h[:])
}

// indexHash is abs(String.hashCode(topic#key)) (IndexFile.indexKeyHashMethod). prefix is the hash of
// the topic and the sign behind it.
func indexHash[T string | []byte](prefix int32, key T) int32 {
	h := stringHash(prefix, key)
	if h < 0 {
		h = -h
	}
	return max(h, 0) // -MinInt32 is MinInt32
}

// stringHash goes on with String.hashCode.
func stringHash[T string | []byte](h int32, text T) int32 {
	for n := range len(text) {
		h = 31*h + int32(text[n])
	}
	return h
}

func topicHash(topic string) int32 { return stringHash(stringHash(0, topic), "#") }

// Lookup is the physical offsets of up to n records with a key, newest first
// (IndexService.queryOffset). Keys with the same hash are found too.
func (s *Store) Lookup(topic, key string, n int) []int64 {
	var out []int64
	if s.index == nil {
		return nil
	}
	hash := indexHash(topicHash(topic), key)
	for k := len(s.index.files) - 1; k >= 0 && len(out) < n; k-- {
		i := s.index.files[k]
		var b [indexEntrySize]byte
		if _, err := i.f.ReadAt(b[:4], indexHeaderSize+int64(hash)%s.opt.IndexSlots*indexSlotSize); err != nil {
			return out
		}
		at := int32(binary.BigEndian.Uint32(b[:]))
		for at > 0 && at < i.head.count && len(out) < n {
			if _, err := i.f.ReadAt(b[:], indexHeaderSize+s.opt.IndexSlots*indexSlotSize+int64(at)*indexEntrySize); err != nil {
				return out
			}
			if int32(binary.BigEndian.Uint32(b[:])) == hash {
				out = append(out, int64(binary.BigEndian.Uint64(b[4:])))
			}
			next := int32(binary.BigEndian.Uint32(b[16:]))
			if next >= at {
				break // a chain leads to older entries
			}
			at = next
		}
	}
	return out
}

// flushed: the checkpoint follows a full file that is on disk (IndexService.flush).
func (x *indexes) flushed(endTime int64) {
	x.s.cp.index = endTime
	x.s.storeCheckpoint()
}

// deleteBefore removes full files whose records are gone (IndexService.deleteExpiredFile).
func (x *indexes) deleteBefore(phys int64) {
	for len(x.files) > 1 && x.files[0].head.endPhys < phys {
		i := x.files[0]
		if x.s.fs.Remove(i.path, WhyRetention) != nil {
			return
		}
		i.f.Close()
		x.files = append(x.files[:0], x.files[1:]...)
	}
}

// stamp is the name of an index file: year to millisecond in UTC (UtilAll.timeMillisToHumanString).
func stamp(ms int64) string {
	days, rest := ms/86400_000, ms%86400_000
	// civil date of a day number, era by era of 400 years, years beginning in March
	z := days + 719468
	era, doe := z/146097, z%146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	month := mp + 3
	year := yoe + era*400
	if month > 12 {
		month -= 12
		year++
	}
	b := make([]byte, 0, 17)
	b = digits(b, year, 4)
	b = digits(b, month, 2)
	b = digits(b, doy-(153*mp+2)/5+1, 2)
	b = digits(b, rest/3600_000, 2)
	b = digits(b, rest/60_000%60, 2)
	b = digits(b, rest/1000%60, 2)
	return string(digits(b, rest%1000, 3))
}

func digits(b []byte, v int64, n int) []byte {
	for range n {
		b = append(b, '0')
	}
	for i := len(b) - 1; n > 0; i, n = i-1, n-1 {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return b
}
