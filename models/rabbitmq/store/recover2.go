package store

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// hasVersion2 says whether a directory belongs to a queue of version 2, as its stub says.
func hasVersion2(fs *sim.FS, dir string) bool {
	f := fs.Open(dir + "/" + stubName)
	if f == nil {
		return false
	}
	defer f.Close()
	b := make([]byte, min(f.Size(), 1024))
	_, err := f.ReadAt(b, 0)
	return err == nil && strings.HasSuffix(string(b), stub2)
}

// loadIndex2 reads the entries of all segments (qi2, recover_segments). Transient messages are forgotten, as is
// what names no place for its body; a file without a whole head is deleted with its bodies.
func (q *Queue) loadIndex2(refs map[uint64]int32) error {
	fs := q.v.env.FS()
	var nums []uint64
	for _, name := range fs.List(q.dir) {
		if n, ok := segment2Number(name); ok {
			nums = append(nums, n)
		}
	}
	slices.Sort(nums)
	per := q.perSegment()
	for _, n := range nums {
		f := fs.Open(q.dir + "/" + segment2Name(n))
		r, err := read(q.v.env.Arena(), f, 0, f.Size())
		f.Close()
		if err != nil {
			return err
		}
		if !head2(&r, index2Magic) || n > 1<<48 {
			if err := q.removeSegment2(n, whyBadSegment); err != nil {
				return err
			}
			continue
		}
		q.next = (n + 1) * per
		s := q.segment(n * per)
		s.file = true
		for seq := n * per; seq < (n+1)*per && r.left() >= entry2; seq++ {
			if err := q.load2(seq, r.take(entry2), s, refs); err != nil {
				return err
			}
		}
	}
	q.head = q.firstSeq()
	return nil
}

// head2 reads the head of a file of version 2.
func head2(r *reader, magic uint32) bool {
	if r.left() < segment2Head {
		return false
	}
	b := r.bytes(segment2Head)
	return binary.BigEndian.Uint32(b) == magic && b[4] == version2
}

func (q *Queue) load2(seq uint64, rec sim.Ref, s *segment, refs map[uint64]int32) error {
	b := q.v.env.Arena().Bytes(rec)
	if b[0] != 1 {
		return nil
	}
	where := b[entry2Where]
	if b[1]&1 == 0 || where != inShared && where != inQueueStore {
		return q.zero2(seq)
	}
	e := q.add(seq)
	*e = entry{state: ready, flags: fIndexed | fPersistent | fCold, rec: rec, body: sim.Ref{Len: binary.BigEndian.Uint32(b[entry2Size:])}}
	if where == inShared {
		e.flags |= fStored
		e.id = getID(b[entry2Where+1:])
		refs[e.id]++
	} else {
		e.flags |= fEmbedded
	}
	s.unacked++
	q.ready++
	q.bytes += int64(e.body.Len)
	return nil
}

// zero2 marks an entry as acknowledged while a queue recovers: its status becomes zero.
func (q *Queue) zero2(seq uint64) error {
	f := q.file2(seq / q.perSegment())
	if f == nil {
		return errFlush
	}
	return f.WriteAt(segment2Head+int64(seq%q.perSegment())*entry2, []byte{0})
}

// recovered2 drops messages whose body is not there: after a dirty stop each of the per-queue store is read and
// its sum checked. Which were delivered is known from the number up to which a clean stop had delivered;
// otherwise all may have been.
func (q *Queue) recovered2(clean bool) error {
	for seq := q.firstSeq(); seq < q.next; seq++ {
		e := q.at(seq)
		if e == nil {
			continue
		}
		kept := true
		switch {
		case e.flags&fStored != 0:
			kept = q.v.persistent.contains(e.id)
		case !clean:
			kept = q.warm2(seq, e)
		}
		if !kept {
			if err := q.lose2(seq, e); err != nil {
				return err
			}
			continue
		}
		if !clean || seq < q.delivered {
			e.flags |= fDelivered
		}
	}
	for i := 0; i < len(q.index.segs); i++ {
		if s, n := q.index.segs[i], q.index.seg0+uint64(i); s.file && s.unacked == 0 {
			q.index.segs[i].file = false
			if err := q.removeSegment2(n, whyConsumed); err != nil {
				return err
			}
		}
	}
	q.trim()
	return q.index.two.err
}

// warm2 reads a message of the per-queue store; false if it is not there.
func (q *Queue) warm2(seq uint64, e *entry) bool {
	m, ok := q.read2(seq, e)
	if !ok {
		return false
	}
	e.flags &^= fCold
	q.bytes += int64(m.body.Len) - int64(e.body.Len)
	e.id, e.body, e.mode, e.route = m.id, m.body, m.mode, q.route(m.exch, m.key)
	return true
}

func (q *Queue) lose2(seq uint64, e *entry) error {
	if err := q.zero2(seq); err != nil {
		return err
	}
	q.ready--
	q.bytes -= int64(e.body.Len)
	q.segment(seq).unacked--
	q.release(seq)
	return nil
}

func (q *Queue) removeSegment2(n uint64, why string) error {
	fs := q.v.env.FS()
	for _, name := range []string{segment2Name(n), body2Name(n)} {
		if path := q.dir + "/" + name; fs.Exists(path) {
			if err := fs.Remove(path, why); err != nil {
				return err
			}
		}
	}
	q.index.two.forget(n)
	return nil
}

// terms are what a clean stop notes of the queues of version 2: up to which number they had delivered.
func (v *Vhost) terms() []byte {
	b := []byte("clean\n")
	for _, q := range v.queues {
		if q != nil && q.v2 {
			b = append(b, q.name+"\n"+strconv.FormatUint(q.delivered, 10)+"\n"...)
		}
	}
	return b
}

func parseTerms(b []byte) map[string]uint64 {
	out := map[string]uint64{}
	lines := strings.Split(string(b), "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		if n, err := strconv.ParseUint(lines[i+1], 10, 64); err == nil {
			out[lines[i]] = n
		}
	}
	return out
}
