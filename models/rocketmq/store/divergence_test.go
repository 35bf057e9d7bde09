package store

import (
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// Classic HA does not compare logs: a slave that is ahead is continued in the middle of a record of
// its master, and its dispatch stops there for good while the log grows.
func TestSlaveStopsInsideRecord(t *testing.T) {
	m := newRig(t, 1, smallOptions())
	m.start()
	for range 5 {
		m.put("T", 0, 1000, nil)
	}
	opt := smallOptions()
	opt.Role = Slave
	s := newRig(t, 2, opt)
	s.w.Arena = m.w.Arena
	s.start()
	refs, n := m.s().ReadRange(0, 2500, nil) // ends inside the third record
	s.do(func(st *Store) { st.PutRaw(0, refs) })
	s.wait(2 * sim.Millisecond)
	third := int64(2 * (Overhead + 1 + 1000))
	if s.s().Stuck() != third || s.s().Queue("T", 0).Max() != 2 {
		t.Fatalf("stuck at %d", s.s().Stuck())
	}
	// the right continuation frees it
	refs, _ = m.s().ReadRange(int64(n), 900, nil)
	s.do(func(st *Store) { st.PutRaw(int64(n), refs) })
	s.wait(2 * sim.Millisecond)
	if s.s().Stuck() != third+(third/2) || s.s().Queue("T", 0).Max() != 3 {
		t.Fatalf("stuck at %d, %d", s.s().Stuck(), s.s().Queue("T", 0).Max())
	}
	// another log's bytes do not
	refs, _ = m.s().ReadRange(100, 3000, nil)
	s.do(func(st *Store) { st.PutRaw(0, refs) })
	s.wait(2 * sim.Millisecond)
	if s.s().Stuck() < 0 || s.s().Behind() == 0 || s.s().Queue("T", 0).Max() > 4 {
		t.Errorf("stuck at %d", s.s().Stuck())
	}
	// recovery cuts at the same place
	s.kill()
	if s.s().MaxOffset() > 4*(Overhead+1+1000) || s.s().Stuck() != -1 {
		t.Errorf("ends at %d", s.s().MaxOffset())
	}
}

// A record that reuses a queue offset below the queue's next slot is in the log but not in the queue;
// one that leaves a gap is appended at the next slot (ConsumeQueue.putMessagePositionInfo).
func TestQueueOffsetsOutOfOrder(t *testing.T) {
	r := newRig(t, 1, smallOptions())
	r.start()
	for range 4 {
		r.put("T", 0, 10, nil)
	}
	r.do(func(s *Store) { s.Queue("T", 0).next = 2 })
	r.put("T", 0, 10, nil)
	r.wait(2 * sim.Millisecond)
	if st := r.s().Stats(); st.Skipped != 1 || r.s().Queue("T", 0).Max() != 4 || len(r.logged()) != 5 {
		t.Errorf("%+v", st)
	}
	r.do(func(s *Store) { s.Queue("T", 0).next = 9 })
	r.put("T", 0, 10, nil)
	r.wait(2 * sim.Millisecond)
	if st := r.s().Stats(); st.OutOfOrder != 1 || r.s().Queue("T", 0).Max() != 5 {
		t.Errorf("%+v", st)
	}
}

// The biography of a watched message says that recovery cut it, though its bytes stay.
func TestCutIsNoted(t *testing.T) {
	r := newRig(t, 1, smallOptions())
	lost := sim.NewMsgID(0, 3)
	r.w.Watch([]sim.MsgID{lost})
	r.start()
	for range 5 {
		r.put("T", 0, 500, nil)
	}
	r.host.Disk(0).FS().Open(fileName("store/commitlog", 0)).Store(2*(Overhead+1+500), make([]byte, 8))
	r.kill()
	notes := r.w.Notes()
	last := notes[len(notes)-1]
	if last.ID != lost || last.What != "removed" || last.Detail != fileName("store/commitlog", 0)+": unsynced-page-cache" {
		t.Errorf("%+v", notes)
	}
}

// The same seed gives the same bytes and the same digest.
func TestDeterministic(t *testing.T) {
	run := func() uint64 {
		o := smallOptions()
		o.FlushDisk = SyncFlush
		h, _ := crashRun(t, o, 7, 60, sim.CrashTypical)
		h.r.put("A", 0, 100, nil)
		h.r.wait(sim.Second)
		return h.r.w.K.Digest()
	}
	if a, b := run(), run(); a != b {
		t.Errorf("%x and %x", a, b)
	}
}
