package sim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneOfTwoDisksFails(t *testing.T) {
	w := NewWorld(1, NetSpec{})
	h := w.AddHost("h", HostSpec{Cores: 1, Disks: 2, Disk: DiskSpec{Fsync: Millisecond, Bandwidth: 1e8}})
	b := &probe{lane: -1, onBoot: func(b *probe) {
		for i := range 2 {
			f, err := b.p.FS(i).Create("f")
			require.NoError(t, err)
			require.NoError(t, f.AppendBytes([]byte("x")))
			f.Sync(uint32(i))
		}
	}}
	id := h.Disks[0].Fail(OpSync, "*", 100)
	require.True(t, h.Disks[0].WouldFail(OpSync, "f"))
	require.False(t, h.Disks[1].WouldFail(OpSync, "f"))
	h.Install("x", Range{}, func() Program { return b }).Start()
	w.K.Run(Second)
	require.Len(t, b.log, 2)
	require.Contains(t, b.log, "1.00001ms synced 1 <nil>")
	require.EqualValues(t, 1, h.Disks[0].Undo(id))
}

func TestRespawnRestartsWhatEndedByItselfOnly(t *testing.T) {
	w := NewWorld(1, NetSpec{})
	h := w.AddHost("h", HostSpec{Cores: 1})
	boots := 0
	s := h.Install("x", Range{}, func() Program {
		boots++
		return &probe{lane: -1, onBoot: func(b *probe) {
			if boots == 1 {
				b.p.Crash("halt")
			}
		}}
	})
	s.Respawn = Second
	s.Start()
	w.K.Run(3 * Second)
	require.Equal(t, 2, boots)
	require.True(t, s.Running())
	s.Kill()
	w.K.Run(10 * Second)
	require.Equal(t, 2, boots, "what was killed stays down until somebody starts it")
}

func TestWallClockJumpsAndDrifts(t *testing.T) {
	w := NewWorld(1, NetSpec{})
	h := w.AddHost("h", HostSpec{})
	w.K.Run(10 * Second)
	h.JumpClock(-5 * Second)
	require.Equal(t, 5*Second, h.Wall())
	h.DriftClock(200)
	w.K.Run(110 * Second)
	require.Equal(t, 105*Second+20*Millisecond, h.Wall())
	h.DriftClock(0)
	w.K.Run(210 * Second)
	require.Equal(t, 205*Second+20*Millisecond, h.Wall())
}

// Two seeds differ in the phases of periodic timers; equal seeds do not.
func TestPhasesComeFromTheSeed(t *testing.T) {
	first := func(seed uint64) Time {
		w := NewWorld(seed, NetSpec{})
		b := &probe{lane: -1, onBoot: func(b *probe) { b.p.Every(Second, 1, 0) }}
		w.AddHost("h", HostSpec{}).Install("x", Range{}, func() Program { return b }).Start()
		for len(b.log) == 0 {
			w.K.Step()
		}
		return w.Now()
	}
	require.Equal(t, first(1), first(1))
	require.NotEqual(t, first(1), first(2))
	require.LessOrEqual(t, first(3), Second)
}

func TestMappedFileHasAHoleAfterPowerLoss(t *testing.T) {
	const pages = 10
	holes := 0
	for seed := range uint64(20) {
		w := NewWorld(seed, NetSpec{})
		h := w.AddHost("h", HostSpec{Cores: 1, Disk: DiskSpec{Fsync: Millisecond, Bandwidth: 1e8}})
		b := &probe{lane: -1, onBoot: func(b *probe) {
			f, err := b.p.FS(0).Create("log")
			require.NoError(t, err)
			require.NoError(t, f.Allocate(1<<20))
			require.NoError(t, f.SyncNow())
			require.NoError(t, b.p.FS(0).SyncDir(""))
			for page := range int64(pages) {
				f.Store(page*4096, []byte{byte(page + 1)})
			}
		}}
		h.Install("x", Range{}, func() Program { return b }).Start()
		w.K.Run(Second)
		h.PowerOff(CrashTypical)
		f := h.Disks[0].FS().Open("log")
		require.EqualValues(t, 1<<20, f.Size(), "the size was set in advance and synced")
		kept, lost := 0, -1
		for page := range int64(pages) {
			var one [1]byte
			_, err := f.ReadAt(one[:], page*4096)
			require.NoError(t, err)
			switch one[0] {
			case byte(page + 1):
				kept++
				if lost >= 0 {
					holes++
				}
			case 0:
				lost = int(page)
			default:
				t.Fatalf("page %d holds %d", page, one[0])
			}
		}
	}
	require.Positive(t, holes, "a page survived behind one that did not")
}
