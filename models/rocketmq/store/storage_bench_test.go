package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// The storage engine against plain system calls on the same bytes: BenchmarkStorage/X/write is what the
// operating system needs without an engine.

// storageRig is a broker on a backing: memory, or real files below a folder.
func storageRig(b *testing.B, dir string, seed uint64, o Options) *rig {
	r := &rig{t: b, w: sim.NewWorld(seed, sim.NetSpec{}), opt: o, quiet: true}
	r.w.DataDir = dir
	r.host = r.w.AddHost("b0", sim.HostSpec{Cores: 2, Disks: 1, Disk: sim.DiskSpec{
		Write: 2 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 500 << 20,
	}})
	r.svc = r.host.Install("broker", sim.Range{}, func() sim.Program { return &brokerProgram{r: r} })
	r.start()
	return r
}

func storageOptions() Options {
	o := DefaultOptions()
	o.FileSize = 64 << 20
	return o
}

// onBackings runs a benchmark that takes a new broker every perWorld operations, on both backings.
func onBackings(b *testing.B, run func(b *testing.B, fresh func() *rig)) {
	for _, c := range []struct {
		name string
		dir  func(b *testing.B) string
	}{{"memory", func(*testing.B) string { return "" }}, {"directory", func(b *testing.B) string { return b.TempDir() }}} {
		b.Run(c.name, func(b *testing.B) {
			var r *rig
			run(b, func() *rig {
				if r != nil {
					_ = r.w.CloseDisks()
				}
				r = storageRig(b, c.dir(b), 1, storageOptions())
				return r
			})
			_ = r.w.CloseDisks()
		})
	}
}

// plain writes pieces of some bytes one after the other with write(2), into a new file every perWorld.
func plain(b *testing.B, piece []byte) {
	b.SetBytes(int64(len(piece)))
	var f *os.File
	for i := range b.N {
		if i%perWorld == 0 {
			b.StopTimer()
			if f != nil {
				f.Close()
			}
			f, _ = os.Create(filepath.Join(b.TempDir(), "plain"))
			b.StartTimer()
		}
		if _, err := f.Write(piece); err != nil {
			b.Fatal(err)
		}
	}
	f.Close()
}

// BenchmarkStoragePut puts messages of 1 KiB under ASYNC_FLUSH: append alone, without dispatch.
func BenchmarkStoragePut(b *testing.B) {
	onBackings(b, func(b *testing.B, fresh func() *rig) {
		var r *rig
		var ms []Message
		for i := range b.N {
			if i%perWorld == 0 {
				b.StopTimer()
				r = fresh()
				ms = messages(r, perWorld)
				b.StartTimer()
			}
			if p := r.s().Put(&ms[i%perWorld]); p.Status != PutOK {
				b.Fatal(p.Status)
			}
		}
		b.SetBytes(int64(ms[0].size()))
	})
	b.Run("write", func(b *testing.B) {
		r := storageRig(b, "", 1, storageOptions())
		m := messages(r, 1)[0]
		r.s().Put(&m)
		refs, _ := r.s().ReadRange(0, m.size(), nil)
		var piece []byte
		for _, x := range refs {
			piece = append(piece, r.w.Arena.Bytes(x)...)
		}
		plain(b, piece)
	})
}

// BenchmarkStoragePutBatch puts the same messages in batches of 32.
func BenchmarkStoragePutBatch(b *testing.B) {
	const batch = 32
	onBackings(b, func(b *testing.B, fresh func() *rig) {
		var r *rig
		var ms []Message
		for i := 0; i < b.N; i += batch {
			at := i % perWorld
			if at == 0 {
				b.StopTimer()
				r = fresh()
				ms = messages(r, perWorld)
				b.StartTimer()
			}
			if p := r.s().PutBatch(ms[at : at+batch]); p.Status != PutOK {
				b.Fatal(p.Status)
			}
		}
		b.SetBytes(int64(ms[0].size()))
	})
}

// BenchmarkStorageDispatch dispatches records of 1 KiB to their consume queues, as ReputMessageService
// does for what Put has just appended.
func BenchmarkStorageDispatch(b *testing.B) {
	onBackings(b, func(b *testing.B, fresh func() *rig) {
		var r *rig
		for i := range b.N {
			if i%perWorld == 0 {
				b.StopTimer()
				r = fresh()
				for _, m := range messages(r, perWorld) {
					r.s().Put(&m)
				}
				b.StartTimer()
				r.s().reput()
			}
		}
	})
	b.Run("write", func(b *testing.B) { plain(b, make([]byte, EntrySize)) })
}

// BenchmarkStorageFrame moves HA frames of 32 KiB from a master's log into a slave's.
func BenchmarkStorageFrame(b *testing.B) {
	const frame, perLog = 32 << 10, 580
	m := storageRig(b, "", 1, storageOptions())
	for _, x := range messages(m, perWorld) {
		m.s().Put(&x)
	}
	for _, c := range []string{"memory", "directory"} {
		b.Run(c, func(b *testing.B) {
			b.SetBytes(frame)
			var s *rig
			var refs []sim.Ref
			at := int64(0)
			for i := range b.N {
				if i%perLog == 0 {
					b.StopTimer()
					dir := ""
					if c == "directory" {
						dir = b.TempDir()
					}
					if s != nil {
						_ = s.w.CloseDisks()
					}
					o := storageOptions()
					o.Role = Slave
					s = storageRig(b, dir, 2, o)
					s.w.Arena = m.w.Arena
					at = 0
					b.StartTimer()
				}
				var n int
				if refs, n = m.s().ReadRange(at, frame, refs[:0]); n == 0 || !s.s().PutRaw(at, refs) {
					b.Fatal("no frame at ", at)
				}
				at += int64(n)
			}
			_ = s.w.CloseDisks()
		})
	}
	b.Run("write", func(b *testing.B) { plain(b, make([]byte, frame)) })
}

// BenchmarkStorageRecovery recovers a log after a kill, by record.
func BenchmarkStorageRecovery(b *testing.B) {
	onBackings(b, func(b *testing.B, fresh func() *rig) {
		r := fresh()
		for _, m := range messages(r, perWorld) {
			r.s().Put(&m)
		}
		r.wait(2 * sim.Millisecond)
		b.SetBytes(int64(r.s().MaxOffset() / perWorld))
		b.ResetTimer()
		for i := 0; i < b.N; i += perWorld {
			if _, rec, err := Open(r.b.p, r.b.p.FS(0), r.opt, r.b); err != nil || rec.Records != perWorld {
				b.Fatal(err, rec)
			}
		}
	})
	b.Run("read", func(b *testing.B) { plainRead(b, 1170) })
}

// BenchmarkStoragePull reads queues from their beginning as a consumer does, 32 messages a pull, with the
// bytes of the records; read is read(2) of the same bytes in pieces of the same size.
func BenchmarkStoragePull(b *testing.B) {
	const pull, queues = 32, 8
	onBackings(b, func(b *testing.B, fresh func() *rig) {
		r := fresh()
		ms := messages(r, perWorld)
		for i := range ms {
			r.s().Put(&ms[i])
		}
		r.s().reput()
		b.SetBytes(int64(pull * ms[0].size()))
		var g Get
		var sum byte
		b.ResetTimer()
		for i := range b.N {
			at := int64(i / queues % (perWorld / queues / pull) * pull)
			if r.s().Get("TopicTest", int32(i%queues), at, pull, nil, &g); g.Status != Found || g.Count != pull {
				b.Fatal(g.Status, g.Count)
			}
			for _, x := range g.Refs {
				sum += r.w.Arena.Bytes(x)[0]
			}
			g.Refs = g.Refs[:0]
		}
		_ = sum
	})
	b.Run("read", func(b *testing.B) { plainRead(b, pull*1170) })
}

// plainRead reads a file of perWorld records in pieces with read(2), from the page cache, again and again.
func plainRead(b *testing.B, piece int) {
	name := filepath.Join(b.TempDir(), "plain")
	if err := os.WriteFile(name, make([]byte, perWorld*1170), 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, piece)
	b.SetBytes(int64(piece))
	b.ResetTimer()
	at := int64(0)
	for range b.N {
		n, err := f.ReadAt(buf, at)
		if at += int64(n); err != nil {
			at = 0
		}
	}
}

// TestGroupCommitServesManySenders: with 64 senders that each wait for the disk and send again, one sync
// serves the messages of nearly all of them (GroupCommitService.doCommit).
func TestGroupCommitServesManySenders(t *testing.T) {
	o := storageOptions()
	o.FlushDisk = SyncFlush
	r := newRig(t, 1, o)
	r.quiet = true
	r.start()
	before := r.s().Stats()
	const senders, rounds = 64, 100
	left := senders * rounds
	send := func(token uint32) {
		left--
		m := r.message("T", int32(token%8), 1024, nil)
		p := r.s().Put(&m)
		r.s().AwaitFlush(p.End(), token)
	}
	r.onFlush = func(token uint32, ok bool) {
		if !ok {
			t.Fatal("FLUSH_DISK_TIMEOUT")
		}
		if left > 0 {
			send(token) // from within the answer, as a client that sends on at once
		}
	}
	r.do(func(*Store) {
		for i := range uint32(senders) {
			send(i)
		}
	})
	r.wait(10 * sim.Second)
	now := r.s().Stats()
	puts, syncs := now.Puts-before.Puts, now.Flushes-before.Flushes
	if left != 0 || puts < 50*syncs {
		t.Errorf("%d puts, %d syncs, %d left", puts, syncs, left)
	}
	t.Logf("%d puts in %d flushes", puts, syncs)
}
