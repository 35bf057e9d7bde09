package lab

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/wal"

	"github.com/mqsim/mqsim/sim"
)

// BenchmarkLogs is the life of a log of messages of 1 KiB on real files, by message: the engines, plain
// system calls, and a well-kept log of the Go world, which has one caller, no checksum and no replicas.
// Nobody syncs.
func BenchmarkLogs(b *testing.B) {
	const n = 16 << 10
	for _, e := range append(stores[:len(stores):len(stores)], struct {
		name string
		open func(dir string, n int) (store, error)
	}{"tidwall-wal", openWAL}) {
		for _, step := range []string{"append", "replicate", "recover", "read"} {
			b.Run(step+"/"+e.name, func(b *testing.B) {
				b.SetBytes(message)
				for done := 0; done < b.N; done += n {
					b.StopTimer()
					live(b, e.open, step, min(n, b.N-done))
				}
			})
		}
	}
}

// live brings a store of n messages to a step of its life, and times that step.
func live(b *testing.B, open func(string, int) (store, error), step string, n int) {
	dir := b.TempDir()
	require.NoError(b, sim.PrepareDataDir(dir))
	s, err := open(dir, n)
	require.NoError(b, err)
	timed := func(name string, f func() error) {
		if name == step {
			b.StartTimer()
			defer b.StopTimer()
		}
		require.NoError(b, f())
	}
	check := func(f func() (int, error)) func() error {
		return func() error {
			got, err := f()
			require.Equal(b, n, got)
			return err
		}
	}
	timed("append", s.append)
	switch step {
	case "replicate":
		timed(step, s.replicate)
	case "recover":
		timed(step, check(s.recover))
	case "read":
		timed(step, check(s.read))
	}
	require.NoError(b, s.close())
}

// walPair is tidwall/wal as leader and copy.
type walPair struct {
	n            int
	dir          string
	body         []byte
	leader, copy *wal.Log
}

func walOptions() *wal.Options {
	o := *wal.DefaultOptions
	o.NoSync = true
	return &o
}

func openWAL(dir string, n int) (store, error) {
	w := &walPair{n: n, dir: dir, body: noise(message)}
	var err error
	if w.leader, err = wal.Open(dir+"/leader", walOptions()); err != nil {
		return nil, err
	}
	w.copy, err = wal.Open(dir+"/copy", walOptions())
	return w, err
}

func (w *walPair) append() error {
	for i := range w.n {
		if err := w.leader.Write(uint64(i+1), w.body); err != nil {
			return err
		}
	}
	return nil
}

func (w *walPair) replicate() error {
	for i := range w.n {
		m, err := w.leader.Read(uint64(i + 1))
		if err != nil {
			return err
		}
		if err := w.copy.Write(uint64(i+1), m); err != nil {
			return err
		}
	}
	return nil
}

func (w *walPair) read() (int, error) {
	for i := range w.n {
		if _, err := w.leader.Read(uint64(i + 1)); err != nil {
			return i, err
		}
	}
	return w.n, nil
}

func (w *walPair) recover() (n int, err error) {
	if err := w.leader.Close(); err != nil {
		return 0, err
	}
	if w.leader, err = wal.Open(w.dir+"/leader", walOptions()); err != nil {
		return 0, err
	}
	last, err := w.leader.LastIndex()
	return int(last), err
}

func (w *walPair) close() error {
	w.leader.Close()
	return w.copy.Close()
}
