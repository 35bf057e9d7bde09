package store

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/consensus"
	"github.com/mqsim/mqsim/sim"
)

// ledgerOptions: files so small that entries, index and blanks cross them.
func ledgerOptions() Options {
	o := testOptions()
	o.Ledger, o.LedgerIndexSize, o.FileSize = "n0", 8*indexUnit, 8<<10
	return o
}

func testOptions() Options {
	o := DefaultOptions()
	o.QueueFileSize = 100 * EntrySize
	return o
}

// putEntries appends n entries of a term, each committed at once, 4 ms apart.
func putEntries(r *rig, term consensus.Term, n int) {
	for range n {
		m := r.message("A", 0, 900, AppendProperty(nil, PropTags, "x"))
		r.do(func(s *Store) {
			s.LedgerTerm(term)
			if p := s.Put(&m); p.Status != PutOK {
				r.t.Fatalf("%+v", p)
			}
			s.LedgerCommit(s.LedgerLast())
		})
		r.wait(4 * sim.Millisecond)
	}
}

// checkLedger reads every entry: its header says where and what it is, and its record is whole.
func checkLedger(t *testing.T, s *Store) {
	t.Helper()
	for i := consensus.Index(1); i <= s.LedgerLast(); i++ {
		refs, n, ok := s.LedgerRead(i, nil)
		require.True(t, ok, "entry %d of %d", i, s.LedgerLast())
		c := Cursor{head: EntryHeader}
		c.Reset(s.a, refs)
		require.Equal(t, Good, c.Next(true), "entry %d", i)
		require.EqualValues(t, i-1, c.entry.index)
		require.EqualValues(t, n, c.entry.size)
		require.Equal(t, c.entry.pos+EntryHeader, c.Record.PhysicalOffset, "PHYSICALOFFSET is that of the record")
	}
}

// TestLedgerLayout states the bytes of an entry's header, of its index unit and of a blank.
func TestLedgerLayout(t *testing.T) {
	r := newRig(t, 1, ledgerOptions())
	r.start()
	putEntries(r, 3, 9)
	checkLedger(t, r.s())
	s := r.s()
	read := func(path string, at int64, n int) string {
		b := make([]byte, n)
		f := s.fs.Open(path)
		defer f.Close()
		_, err := f.ReadAt(b, at)
		require.NoError(t, err)
		return hex.EncodeToString(b)
	}
	size := 0
	_, size, _ = s.LedgerRead(2, nil)
	want := fmt.Sprintf("%08x%08x%016x%016x%016x%08x%08x%08x%08x", 1, size, 1, 3, size, 0, 0, 0, size-EntryHeader)
	require.Equal(t, want, read("store/dledger-n0/data/00000000000000000000", int64(size), EntryHeader))
	require.Equal(t, fmt.Sprintf("%08x%016x%08x%016x%016x", 1, size, size, 1, 3),
		read("store/dledger-n0/index/00000000000000000000", indexUnit, indexUnit))
	used := int64(8192/size) * int64(size)
	require.Equal(t, fmt.Sprintf("ffffffff%08x", 8192-used), read("store/dledger-n0/data/00000000000000000000", used, 8))
	require.EqualValues(t, 9, s.Queue("A", 0).Max(), "dispatch steps over headers and blanks")
}

// TestLedgerTruncate replaces the tail: what comes in its place is what the log holds, also after a boot.
func TestLedgerTruncate(t *testing.T) {
	r := newRig(t, 1, ledgerOptions())
	r.start()
	putEntries(r, 1, 20)
	r.do(func(s *Store) { require.NoError(t, s.LedgerTruncate(7)) })
	require.EqualValues(t, 6, r.s().LedgerLast())
	require.EqualValues(t, 6, r.s().Queue("A", 0).Max())
	r.do(func(s *Store) { s.SetRole(Slave); s.SetRole(SyncMaster) })
	putEntries(r, 2, 5)
	r.wait(50 * sim.Millisecond)
	r.power(sim.CrashAll)
	checkLedger(t, r.s())
	require.Equal(t, []consensus.Run{{First: 1, Term: 1}, {First: 7, Term: 2}}, r.s().LedgerState().Runs)
	require.EqualValues(t, 11, r.s().LedgerLast())
}

// TestLedgerCrashAtEveryPoint cuts the power before each call that changes the disk: what is left is a
// prefix of the entries, whole ones, and everything that was flushed is in it.
func TestLedgerCrashAtEveryPoint(t *testing.T) {
	for _, kind := range []sim.CrashKind{0, sim.CrashAll} {
		for k := 0; ; k++ {
			r := newRig(t, uint64(k+1), ledgerOptions())
			r.quiet = true
			r.start()
			n, reached := 0, false
			func() {
				defer func() {
					if e := recover(); e != nil {
						if _, ok := e.(cut); !ok {
							panic(e)
						}
						reached = true
					}
				}()
				r.point = func() {
					if n++; n > k {
						panic(cut{})
					}
				}
				putEntries(r, 1, 24)
			}()
			safe := r.s().log.flushedTo
			r.point = nil
			r.power(kind)
			require.NoError(t, r.err, "k %d", k)
			checkLedger(t, r.s())
			require.GreaterOrEqual(t, r.s().log.max(), safe, "k %d: what was flushed is there", k)
			last := r.s().LedgerLast()
			putEntries(r, 2, 3)
			checkLedger(t, r.s())
			require.Equal(t, last+3, r.s().LedgerLast())
			if !reached {
				break
			}
		}
	}
}
