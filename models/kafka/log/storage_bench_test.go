package log

import (
	"hash/crc32"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// The storage engine against plain system calls on the same bytes: BenchmarkStorage/X/write or
// /read is what the operating system needs without an engine.

// storeBatches are n batches of one produce request each, about 16 KiB or one record of 1 KiB.
func (r *rig) storeBatches(n, records int) []Batch {
	out := make([]Batch, n)
	for i := range out {
		out[i] = r.batch(records, 1024)
	}
	return out
}

const (
	perStore   = 1 << 11 // batches in a world, so that its memory stays in bounds
	largeBatch = 15      // records of 1 KiB that make a batch of about 16 KiB
)

func backings(b *testing.B, f func(b *testing.B, dir func() string)) {
	b.Run("memory", func(b *testing.B) { f(b, func() string { return "" }) })
	b.Run("directory", func(b *testing.B) { f(b, b.TempDir) })
}

func BenchmarkStorageAppend(b *testing.B) {
	for _, c := range []struct {
		name    string
		records int
	}{{"16KiB", largeBatch}, {"1record", 1}} {
		b.Run(c.name, func(b *testing.B) {
			backings(b, func(b *testing.B, dir func() string) {
				var r *rig
				var batches []Batch
				for i := range b.N {
					if i%perStore == 0 {
						b.StopTimer()
						if r != nil {
							_ = r.w.CloseDisks()
						}
						r = newRigIn(b, dir(), 1, DefaultOptions())
						r.start()
						batches = r.storeBatches(perStore, c.records)
						b.StartTimer()
					}
					if _, err := r.log().AppendAsLeader(batches[i%perStore], 0, 0); err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(int64(batches[0].Size()))
			})
			b.Run("write", func(b *testing.B) {
				r := newRig(b, 1, DefaultOptions())
				batch := r.storeBatches(1, c.records)[0]
				bytes := append([]byte(nil), r.w.Arena.Bytes(batch.Header)...)
				bytes = append(bytes, r.w.Arena.Bytes(batch.Records)...)
				var f *os.File
				for i := range b.N {
					if i%perStore == 0 {
						b.StopTimer()
						if f != nil {
							f.Close()
						}
						f, _ = os.Create(filepath.Join(b.TempDir(), "plain"))
						b.StartTimer()
					}
					if _, err := f.Write(bytes); err != nil {
						b.Fatal(err)
					}
				}
				f.Close()
				b.SetBytes(int64(len(bytes)))
			})
		})
	}
}

// stored is a log of n batches on a backing, and its segment file's name there.
func stored(b *testing.B, dir string, n, records int) (*rig, string) {
	r := newRigIn(b, dir, 1, DefaultOptions())
	r.start()
	for _, x := range r.storeBatches(n, records) {
		if _, err := r.log().AppendAsLeader(x, 0, 0); err != nil {
			b.Fatal(err)
		}
	}
	return r, filepath.Join(dir, "b0", "disk0", dataDir, "t0-0", "00000000000000000000.log")
}

// BenchmarkStorageLookup finds an offset in the index: by binary search over the entries in memory, over
// the mapped file, and with a positional read for each entry that is looked at.
func BenchmarkStorageLookup(b *testing.B) {
	for _, c := range []struct {
		name        string
		real, plain bool
	}{{"memory", false, false}, {"mapped", true, false}, {"pread", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			dir := ""
			if c.real {
				dir = b.TempDir()
			}
			r, _ := stored(b, dir, 20_000, 1)
			r.w.PlainReads = c.plain
			if c.plain { // a mapping that is there would be used
				_ = r.w.CloseDisks()
			}
			x := r.log().active().index
			rnd := sim.NewRand(1, "bench")
			b.ResetTimer()
			for range b.N {
				if o, _ := x.lookup(int64(rnd.Below(20_000))); o < 0 {
					b.Fatal(o)
				}
			}
		})
	}
}

// BenchmarkStorageSend hands a segment of 32 MiB to a consumer's socket: copied through a buffer, sent by
// the kernel from the page cache (sendfile), or as extents, which a run hands out without a copy.
func BenchmarkStorageSend(b *testing.B) {
	const n = 2048
	r, name := stored(b, b.TempDir(), n, largeBatch)
	size := r.log().Size()
	b.Run("read+write", func(b *testing.B) {
		conn := drained(b)
		buf := make([]byte, 64<<10)
		for range b.N {
			f, err := os.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			for {
				k, err := f.Read(buf)
				if err == io.EOF {
					break
				}
				if _, err := conn.Write(buf[:k]); err != nil {
					b.Fatal(err)
				}
			}
			f.Close()
		}
		b.SetBytes(size)
	})
	b.Run("sendfile", func(b *testing.B) {
		conn := drained(b)
		for range b.N {
			f, err := os.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			if k, err := io.Copy(conn, f); k != size || err != nil {
				b.Fatal(k, err)
			}
			f.Close()
		}
		b.SetBytes(size)
	})
	b.Run("extents", func(b *testing.B) {
		l := filledBy(b, n).log()
		dst := make([]sim.Ref, 0, 64)
		for range b.N {
			for at := int64(0); at < l.End(); {
				f, err := l.Read(at, 64<<10, l.End(), true, dst)
				if err != nil {
					b.Fatal(err)
				}
				at = f.Next
			}
		}
		b.SetBytes(size)
	})
}

func filledBy(b *testing.B, n int) *rig {
	r, _ := stored(b, "", n, largeBatch)
	return r
}

// drained is a connection whose other end reads and forgets.
func drained(b *testing.B) net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Skip(err)
	}
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.Copy(io.Discard, c)
		}
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close(); l.Close() })
	return conn
}

// BenchmarkStorageRecovery checks every batch of a segment that nobody has checked, as a start on a disk
// of another process does, beside a CRC-32C over the same bytes.
func BenchmarkStorageRecovery(b *testing.B) {
	for _, c := range []struct {
		name    string
		records int
	}{{"16KiB", largeBatch}, {"1record", 1}} {
		_, name := stored(b, b.TempDir(), 2048, c.records)
		bytes, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		a := sim.NewArena()
		refs := []sim.Ref{a.Put(bytes)}
		b.Run(c.name+"/scan", func(b *testing.B) {
			for range b.N {
				n := 0
				for x := NewCursor(a, refs); x.Next(); n++ {
					if !x.Valid() {
						b.Fatal("bad CRC")
					}
				}
				if n != 2048 {
					b.Fatal(n)
				}
			}
			b.SetBytes(int64(len(bytes)))
		})
		b.Run(c.name+"/crc32c", func(b *testing.B) {
			for range b.N {
				crc32.Checksum(bytes, castagnoli)
			}
			b.SetBytes(int64(len(bytes)))
		})
	}
}

// BenchmarkStorageFetch is one round of replication: the follower reads what the leader appended last
// and appends it.
func BenchmarkStorageFetch(b *testing.B) {
	backings(b, func(b *testing.B, dir func() string) {
		var leader, follower *rig
		dst := make([]sim.Ref, 0, 64)
		for i := range b.N {
			if i%perStore == 0 {
				b.StopTimer()
				leader, _ = stored(b, dir(), perStore, largeBatch)
				follower = &rig{t: b, w: leader.w, opt: leader.opt}
				follower.host = leader.w.AddHost("b1", leader.host.Spec)
				follower.svc = follower.host.Install("broker", sim.Range{}, func() sim.Program { return &brokerProgram{r: follower} })
				follower.start()
				b.StartTimer()
			}
			f, err := leader.log().Read(int64(i%perStore*largeBatch), 20<<10, leader.log().End(), true, dst)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := follower.log().AppendAsFollower(f.Refs, 0); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(leader.log().Size() / perStore)
	})
}
