package store

import "github.com/mqsim/mqsim/sim"

// combination is the work of rabbit_msg_store_gc on two neighbouring files: what is still needed in both
// goes to the left one, and the right one is deleted (ms, combine_files; up to 3.12). Each step ends
// with a sync; a crash between any two leaves every message in at least one file.
type combination struct {
	step     combineStep
	dst, src uint32
	file     *sim.File // dst
	tmp      *sim.File
	rest     []moved // of dst, behind its first gap
	copied   []moved // of src
}

type combineStep uint8

const (
	combineIdle   combineStep = iota
	combineSaved              // what lies behind the first gap of dst is in a temporary file
	combineClosed             // dst has no gaps
	combineCopied             // dst has the messages of src too
)

// moved is a message that changes place.
type moved struct {
	id             uint64
	from, to, size int64
}

// collect begins to combine two files when more than half of the store is garbage (ms, maybe_compact:
// also more than two files' worth of bytes; GARBAGE_FRACTION 0.5).
func (s *msgStore) collect() {
	if s.job.step != combineIdle || s.kind != argPersistent || s.sumSize <= 2*s.v.cfg.FileLimit || s.sumSize-s.sumValid <= s.sumSize/2 {
		return
	}
	for i := 0; i+2 < len(s.files); i++ { // the last file is being written
		dst, src := &s.files[i], &s.files[i+1]
		if dst.valid > 0 && src.valid > 0 && dst.valid+src.valid <= s.v.cfg.FileLimit {
			dst.locked, src.locked = true, true
			if err := s.combine(dst.num, src.num); err != nil {
				s.v.env.Failed(nil, err)
			}
			return
		}
	}
}

// valid lists the messages of a file that are still needed, in order.
func (s *msgStore) valid(num uint32, f *sim.File) ([]moved, error) {
	var out []moved
	r, err := read(s.v.env.Arena(), f, 0, f.Size())
	if err != nil {
		return nil, err
	}
	scanRdq(&r, func(id uint64, off, size int64, _ *reader) {
		if l, ok := s.index[id]; ok && l.written && l.file == num && l.off == off {
			out = append(out, moved{id: id, from: off, size: size})
		}
	})
	return out, nil
}

func (s *msgStore) combine(dst, src uint32) error {
	fs := s.v.env.FS()
	c := &s.job
	*c = combination{dst: dst, src: src, file: fs.Open(s.path(dst, rdqSuffix)), rest: c.rest[:0], copied: c.copied[:0]}
	list, err := s.valid(dst, c.file)
	if err != nil {
		return err
	}
	top, i := int64(0), 0
	for i < len(list) && list[i].from == top {
		top += list[i].size
		i++
	}
	for _, m := range list[i:] {
		m.to = top
		top += m.size
		c.rest = append(c.rest, m)
	}
	if c.tmp, err = fs.Create(s.path(dst, tmpSuffix)); err != nil {
		return err
	}
	for _, m := range c.rest {
		if err := s.copy(c.file, m, c.tmp); err != nil {
			return err
		}
	}
	if err := fs.SyncDir(s.dir); err != nil {
		return err
	}
	c.step = combineSaved
	c.tmp.Sync(s.v.arg(argGC, 0))
	return nil
}

func (s *msgStore) copy(from *sim.File, m moved, to *sim.File) error {
	refs, err := from.Read(m.from, int(m.size), nil)
	if err != nil {
		return err
	}
	return to.Append(refs...)
}

// combined is the end of one step.
func (s *msgStore) combined(err error) {
	c := &s.job
	if c.step == combineIdle {
		return
	}
	if err == nil {
		switch c.step {
		case combineSaved:
			err = s.closeGaps()
		case combineClosed:
			err = s.copySource()
		case combineCopied:
			err = s.finish()
		}
	}
	if err != nil {
		s.v.env.Failed(nil, err)
	}
}

// closeGaps cuts dst at its first gap and appends what the temporary file has.
func (s *msgStore) closeGaps() error {
	c := &s.job
	dst := s.file(c.dst)
	top := dst.size
	if len(c.rest) > 0 {
		top = c.rest[0].to
	} else if list, err := s.valid(c.dst, c.file); err != nil {
		return err
	} else if n := len(list); n > 0 {
		top = list[n-1].from + list[n-1].size
	}
	if err := c.file.Truncate(top, whyCompact); err != nil {
		return err
	}
	at := int64(0)
	for _, m := range c.rest {
		if err := s.copy(c.tmp, moved{from: at, size: m.size}, c.file); err != nil {
			return err
		}
		at += m.size
		s.relocate(m, c.dst, c.dst)
		top += m.size
	}
	s.sumSize += top - dst.size
	dst.size = top
	c.step = combineClosed
	c.file.Sync(s.v.arg(argGC, 0))
	return nil
}

// relocate says where a message is now, if it is still needed.
func (s *msgStore) relocate(m moved, from, to uint32) bool {
	l, ok := s.index[m.id]
	if !ok || !l.written || l.file != from || l.off != m.from {
		return false
	}
	l.file, l.off = to, m.to
	s.index[m.id] = l
	return true
}

func (s *msgStore) copySource() error {
	c := &s.job
	c.tmp.Close()
	fs := s.v.env.FS()
	if err := fs.Remove(s.path(c.dst, tmpSuffix), whyCompact); err != nil {
		return err
	}
	f := fs.Open(s.path(c.src, rdqSuffix))
	list, err := s.valid(c.src, f)
	if err != nil {
		return err
	}
	dst := s.file(c.dst)
	for _, m := range list {
		if err := s.copy(f, m, c.file); err != nil {
			return err
		}
		m.to = dst.size
		dst.size += m.size
		s.sumSize += m.size
		c.copied = append(c.copied, m)
	}
	f.Close()
	c.step = combineCopied
	c.file.Sync(s.v.arg(argGC, 0))
	return nil
}

func (s *msgStore) finish() error {
	c := &s.job
	dst := s.file(c.dst)
	for _, m := range c.copied {
		if s.relocate(m, c.src, c.dst) {
			dst.valid += m.size
		}
	}
	c.file.Close()
	dst.locked = false
	c.step = combineIdle
	s.removeFile(c.src, whyCompact)
	if dst := s.file(c.dst); dst.valid == 0 {
		s.removeFile(c.dst, whyConsumed)
	}
	s.collect()
	return nil
}

// scanRdq visits the whole entries of a store file (rabbit_msg_file:scan). An entry without its marker is
// stepped over; an impossible length ends the file. It returns the end of the last valid entry.
func scanRdq(r *reader, visit func(id uint64, off, size int64, r *reader)) (valid int64) {
	valid = r.off
	for r.left() >= rdqHead+1 {
		off := r.off
		head := r.bytes(rdqHead)
		n := be64(head)
		id := getID(head[8:])
		if n < idSize || n > uint64(r.left()+idSize-1) {
			return valid
		}
		end := r.off + int64(n) - idSize
		mark := *r
		mark.buf = nil
		mark.skip(end - r.off)
		if mark.bytes(1)[0] == rdqMarker {
			body := *r
			body.buf = nil
			visit(id, off, end+1-off, &body)
			valid = end + 1
		}
		*r = mark
	}
	return valid
}

func be64(b []byte) uint64 {
	var n uint64
	for _, x := range b[:8] {
		n = n<<8 | uint64(x)
	}
	return n
}
