package store

import (
	"encoding/binary"
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// recover opens the persistent store. refs are the messages that queues refer to, and how often: what
// nobody refers to is garbage (ms, build_index with the queues' index walkers). After a clean stop the
// saved index is used instead of the files.
func (s *msgStore) recover(refs map[uint64]int32, clean bool) error {
	fs := s.v.env.FS()
	var nums []uint32
	for _, name := range fs.List(s.dir) {
		if n, ok := fileNumber(name, rdqSuffix); ok {
			nums = append(nums, n)
		}
	}
	slices.Sort(nums)
	saved := clean && s.load()
	for _, name := range []string{cleanName, savedName} {
		if fs.Exists(s.dir + "/" + name) {
			if err := fs.Remove(s.dir+"/"+name, whyStarted); err != nil {
				return err
			}
		}
	}
	if err := s.crashedCombination(); err != nil {
		return err
	}
	for i, n := range nums {
		if err := s.openFile(n, refs, saved, i == len(nums)-1); err != nil {
			return err
		}
	}
	if saved {
		s.count(refs)
	} else {
		for i := 0; i+1 < len(s.files); {
			if f := s.files[i]; f.valid == 0 {
				s.removeFile(f.num, whyConsumed)
				continue
			}
			i++
		}
	}
	if len(nums) == 0 {
		return nil
	}
	s.cur = fs.Open(s.path(s.files[len(s.files)-1].num, rdqSuffix))
	return fs.SyncDir(s.dir)
}

// count takes the references of the queues into a saved index.
func (s *msgStore) count(refs map[uint64]int32) {
	for id, l := range s.index { //mqsim:unordered each entry by itself, and sums
		i, ok := s.find(l.file)
		if l.refs = refs[id]; !ok || l.refs == 0 {
			delete(s.index, id)
			continue
		}
		s.index[id] = l
		s.files[i].valid += l.size
		s.sumValid += l.size
	}
}

// openFile takes a file into the index. The last one is cut behind its last valid entry, because it
// will be appended to.
func (s *msgStore) openFile(num uint32, refs map[uint64]int32, saved, last bool) error {
	f := s.v.env.FS().Open(s.path(num, rdqSuffix))
	defer f.Close()
	file := rdq{num: num, size: f.Size(), fresh: last}
	if !saved {
		r, err := read(s.v.env.Arena(), f, 0, f.Size())
		if err != nil {
			return err
		}
		end := scanRdq(&r, func(id uint64, off, size int64, _ *reader) {
			if n := refs[id]; n > 0 && !s.index[id].written { // a copy in a later file is garbage
				s.index[id] = location{refs: n, file: num, off: off, size: size, written: true}
				file.valid += size
			}
		})
		if last && end < file.size {
			if err := f.Truncate(end, whyTorn); err != nil {
				return err
			}
			file.size = end
		}
	}
	s.files = append(s.files, file)
	s.sumSize += file.size
	s.sumValid += file.valid
	return nil
}

// crashedCombination finishes what a crash interrupted (ms, recover_crashed_compactions): a temporary
// file whose messages are not all in its main file takes the place of what lies behind the main file's
// messages that it does not have.
func (s *msgStore) crashedCombination() error {
	fs := s.v.env.FS()
	for _, name := range fs.List(s.dir) {
		num, ok := fileNumber(name, tmpSuffix)
		if !ok {
			continue
		}
		tmp := fs.Open(s.dir + "/" + name)
		saved, err := s.listRdq(tmp)
		if err != nil {
			return err
		}
		if f := fs.Open(s.path(num, rdqSuffix)); f != nil && len(saved) > 0 {
			if err := s.restore(f, tmp, saved); err != nil {
				return err
			}
			f.Close()
		}
		tmp.Close()
		if err := fs.Remove(s.dir+"/"+name, whyCompact); err != nil {
			return err
		}
	}
	return nil
}

func (s *msgStore) listRdq(f *sim.File) ([]moved, error) {
	var out []moved
	r, err := read(s.v.env.Arena(), f, 0, f.Size())
	if err != nil {
		return nil, err
	}
	scanRdq(&r, func(id uint64, off, size int64, _ *reader) { out = append(out, moved{id: id, from: off, size: size}) })
	return out, nil
}

func (s *msgStore) restore(f, tmp *sim.File, saved []moved) error {
	main, err := s.listRdq(f)
	if err != nil {
		return err
	}
	inTmp := make(map[uint64]bool, len(saved))
	for _, m := range saved {
		inTmp[m.id] = true
	}
	both, top, open := 0, int64(0), true
	for _, m := range main {
		open = open && m.from == top && !inTmp[m.id]
		if open {
			top += m.size
		}
		if inTmp[m.id] {
			both++
		}
	}
	if both >= len(saved) {
		return nil // the main file still has, or again has, everything
	}
	if err := f.Truncate(top, whyCompact); err != nil {
		return err
	}
	for _, m := range saved {
		if err := s.copy(tmp, m, f); err != nil {
			return err
		}
	}
	return f.SyncNow()
}

const savedEntry = 8 + 4 + 4 + 8 + 8

// load reads the index that a clean stop saved.
func (s *msgStore) load() bool {
	fs := s.v.env.FS()
	f := fs.Open(s.dir + "/" + savedName)
	if f == nil || !fs.Exists(s.dir+"/"+cleanName) {
		return false
	}
	defer f.Close()
	r, err := read(s.v.env.Arena(), f, 0, f.Size())
	if err != nil || r.left()%savedEntry != 0 {
		return false
	}
	for r.left() > 0 {
		b := r.bytes(savedEntry)
		l := location{refs: int32(binary.BigEndian.Uint32(b[8:])), file: binary.BigEndian.Uint32(b[12:]), written: true,
			off: int64(be64(b[16:])), size: int64(be64(b[24:]))}
		s.index[be64(b)] = l
	}
	return true
}

// save writes and syncs everything, and the index for a quick start.
func (s *msgStore) save() error {
	for len(s.incoming) > 0 {
		if err := s.drain(); err != nil {
			return err
		}
		if err := s.cur.SyncNow(); err != nil {
			return err
		}
		s.pending = s.pending[:0]
	}
	fs := s.v.env.FS()
	if len(s.files) == 0 {
		return nil
	}
	if err := s.cur.SyncNow(); err != nil {
		return err
	}
	if s.job.step >= combineClosed { // the index already counts on it
		if err := s.job.file.SyncNow(); err != nil {
			return err
		}
	}
	ids := make([]uint64, 0, len(s.index))
	for id, l := range s.index { //mqsim:unordered sorted below
		if l.written {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	b := make([]byte, 0, len(ids)*savedEntry)
	for _, id := range ids {
		l := s.index[id]
		b = binary.BigEndian.AppendUint64(b, id)
		b = binary.BigEndian.AppendUint32(b, uint32(l.refs))
		b = binary.BigEndian.AppendUint32(b, l.file)
		b = binary.BigEndian.AppendUint64(b, uint64(l.off))
		b = binary.BigEndian.AppendUint64(b, uint64(l.size))
	}
	if err := writeWhole(fs, s.dir+"/"+savedName, b); err != nil {
		return err
	}
	if err := writeWhole(fs, s.dir+"/"+cleanName, []byte("[{client_refs,[]}].\n")); err != nil {
		return err
	}
	return fs.SyncDir(s.dir)
}

func writeWhole(fs *sim.FS, path string, b []byte) error {
	f, err := fs.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.AppendBytes(b); err != nil {
		return err
	}
	return f.SyncNow()
}
