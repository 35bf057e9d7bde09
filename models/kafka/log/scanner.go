package log

import "github.com/mqsim/mqsim/sim"

// scanWindow is how much of a file a scan reads at once.
const scanWindow = 64 << 10

// scanner walks over the batches of a file, window by window, so that a scan of any length costs
// little memory. The file's reads are charged as they happen: what the page cache does not hold
// takes disk time.
type scanner struct {
	Cursor        // over the present window
	base    int64 // position of the window in the file
	length  int64 // of the window
	end     int64 // of the range
	file    *file
	arena   *sim.Arena
	refs    []sim.Ref
	failure error // of a read
}

// scan begins a walk over [from, to) of a file. refs is memory to reuse.
func scan(a *sim.Arena, f *file, from, to int64, refs []sim.Ref) scanner {
	return scanner{Cursor: NewCursor(a, nil), base: from, end: to, file: f, arena: a, refs: refs[:0]}
}

// next goes to the next whole batch. It returns false at the end, before a batch that the range
// does not hold whole, and before something that is no batch; failure is set if a read failed.
func (s *scanner) next() bool {
	for {
		if s.Next() {
			return true
		}
		if s.Err() != nil {
			return false
		}
		from := s.filePos()
		window := int64(scanWindow)
		if s.Pos() == 0 && s.length > 0 { // the window holds no whole batch
			window = max(s.need, 2*s.length)
		}
		if s.base+s.length >= s.end || from+s.need > s.end {
			return false
		}
		window = min(window, s.end-from)
		refs, err := s.file.Read(from, int(window), s.refs[:0])
		if err != nil {
			s.failure = err
			return false
		}
		s.refs, s.base, s.length = refs, from, window
		s.Cursor = NewCursor(s.arena, refs)
	}
}

// filePos is the position of the present batch in the file; after next returned false, the end of
// the last whole batch.
func (s *scanner) filePos() int64 { return s.base + s.Pos() }
