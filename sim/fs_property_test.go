package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// plainFile is the naive model of one file: what programs see, and what the platter has.
type plainFile struct {
	now, platter []byte
	flights      [][]byte // what the syncs under way will make durable
	cut          int      // the least size since the platter was written: a truncation may survive alone
}

func (p *plainFile) write(off int, b []byte) {
	p.now = slices.Clone(p.now)
	if n := off + len(b) - len(p.now); n > 0 {
		p.now = append(p.now, make([]byte, n)...)
	}
	copy(p.now[off:], b)
}

// TestDurabilityAgainstBytes changes a file at random, with several syncs under way, and compares
// what it holds with a naive model at each step and after a power loss of each kind.
func TestDurabilityAgainstBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, d := diskWorld(rapid.Uint64Range(0, 1000).Draw(t, "seed"), "", testSpec)
		d.phase = 5*Second - 1
		f, _ := d.FS().Create("f")
		_ = d.FS().SyncDir("")
		m := &plainFile{}
		letter := byte('a')
		for range rapid.IntRange(1, 60).Draw(t, "ops") {
			n := rapid.IntRange(1, 9000).Draw(t, "n")
			off := rapid.IntRange(0, max(len(m.now), 1)).Draw(t, "off")
			letter = 'a' + (letter-'a'+1)%26
			b := []byte(strings.Repeat(string(letter), n))
			switch rapid.SampledFrom([]string{"append", "append", "append", "write", "store", "patch", "patch", "allocate", "truncate", "sync", "sync", "done", "now"}).Draw(t, "op") {
			case "append":
				require.NoError(t, f.AppendBytes(b))
				m.write(len(m.now), b)
			case "write":
				require.NoError(t, f.WriteAt(int64(off), b))
				m.write(off, b)
			case "store":
				if k := min(n, len(m.now)-off); k > 0 {
					f.Store(int64(off), b[:k])
					m.write(off, b[:k])
				}
			case "patch": // a few bytes, often twice at one place: they may change where they are
				at := off % 50
				if k := min(n%8+1, len(m.now)-at); k > 0 {
					seen, err := f.Read(int64(at), k, nil)
					require.NoError(t, err)
					before := string(w.Arena.Bytes(seen[0]))
					f.Store(int64(at), b[:min(k, len(b))])
					m.write(at, b[:min(k, len(b))])
					f.Store(int64(at), b[:1])
					m.write(at, b[:1])
					require.Equal(t, before, string(w.Arena.Bytes(seen[0])), "what was read changed")
				}
			case "allocate":
				require.NoError(t, f.Allocate(int64(off+n)))
				m.write(min(len(m.now), off+n), make([]byte, max(0, off+n-len(m.now))))
			case "truncate":
				if len(m.flights) == 0 { // what a sync that is under way makes of it is not simple
					require.NoError(t, f.Truncate(int64(off), "test"))
					m.write(len(m.now), make([]byte, max(0, off-len(m.now))))
					m.now = slices.Clone(m.now[:off])
					m.cut = min(m.cut, off)
				}
			case "sync":
				d.submit(syncReq{in: f.in}, w.Now())
				m.flights = append(m.flights, m.now)
			case "done":
				if len(m.flights) > 0 {
					w.K.Step()
					m.platter, m.flights = m.flights[0], m.flights[1:]
					m.cut = len(m.platter)
				}
			case "now":
				require.NoError(t, f.SyncNow())
				m.platter, m.flights, m.cut = m.now, nil, len(m.now)
				w.K.Run(w.Now() + Second/100) // those under way do no harm
			}
			if w.Now() > 4*Second {
				break
			}
			require.Equal(t, string(m.now), string(content(d, "f")))
			require.Equal(t, f.in.countBlocks(), f.in.blocks)
			require.Equal(t, d.used, f.in.blocks)
		}
		kind := rapid.SampledFrom([]CrashKind{CrashTypical, CrashNone, CrashAll, CrashPrefix, CrashPages}).Draw(t, "kind")
		d.Host.PowerOff(kind)
		got := content(d, "f")
		switch kind {
		case CrashNone:
			require.Equal(t, string(m.now), string(got))
		case CrashAll:
			require.Equal(t, string(m.platter), string(got))
		default:
			for i := 0; i < len(got); i += sectorSize {
				s := string(got[i:min(i+sectorSize, len(got))])
				if !sectorOf(s, m.now, i) && !sectorOf(s, m.platter, i) && !sectorOf(s, m.platter[:m.cut], i) {
					t.Fatalf("%s: sector at %d is neither that of the page cache nor that of the platter", kind, i)
				}
			}
		}
	})
}

// sectorOf says whether s is what a file holds at off; beyond its end it holds zeros.
func sectorOf(s string, file []byte, off int) bool {
	want := ""
	if off < len(file) {
		want = string(file[off:min(off+len(s), len(file))])
	}
	return s == want+strings.Repeat("\x00", len(s)-len(want))
}

// TestBackingsAreEqual runs one random history, power losses included, on memory and on a directory
// of real files: every answer is the same, and the real files are what the disk holds.
func TestBackingsAreEqual(t *testing.T) {
	root := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		dir := filepath.Join(root, fmt.Sprint(run))
		require.NoError(rt, PrepareDataDir(dir))
		seed := rapid.Uint64Range(0, 100).Draw(rt, "seed")
		wm, mem := diskWorld(seed, "", testSpec)
		wd, real := diskWorld(seed, dir, testSpec)
		for range rapid.IntRange(1, 40).Draw(rt, "ops") {
			op := drawOp(rt)
			require.Equal(rt, op(mem), op(real))
			require.Equal(rt, wm.K.Digest(), wd.K.Digest())
		}
		require.Equal(rt, mem.Used(), real.Used())
		require.Equal(rt, mem.names.filePaths(), real.names.filePaths())
		for _, p := range mem.names.filePaths() {
			want := string(content(mem, p))
			require.Equal(rt, want, string(content(real, p)))
			b, err := os.ReadFile(filepath.Join(dir, "h", "disk0", p))
			require.NoError(rt, err)
			require.Equal(rt, want, string(b))
		}
		require.NoError(rt, wd.CloseDisks())
		require.Equal(rt, mem.names.filePaths(), realPaths(filepath.Join(dir, "h", "disk0")))
		_ = os.RemoveAll(dir)
	})
}

func realPaths(root string) []string {
	paths := []string{}
	_ = filepath.Walk(root, func(p string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			rel, _ := filepath.Rel(root, p)
			paths = append(paths, filepath.ToSlash(rel))
		}
		return nil
	})
	slices.Sort(paths)
	return paths
}

// drawOp draws one thing to do on a disk and what it answers.
func drawOp(t *rapid.T) func(d *Disk) string {
	name := rapid.SampledFrom([]string{"a/1", "a/2", "b", "c/d/3"})
	path, to := name.Draw(t, "path"), name.Draw(t, "to")
	n, off := rapid.IntRange(1, 12000).Draw(t, "n"), rapid.IntRange(0, 20000).Draw(t, "off")
	b := []byte(strings.Repeat(string(rune('a'+n%26)), n))
	kind := CrashKind(rapid.IntRange(0, 4).Draw(t, "kind"))
	damage := DamageKind(rapid.IntRange(0, 3).Draw(t, "damage"))
	onFile := func(f func(*File) string) func(*Disk) string {
		return func(d *Disk) string {
			if h := d.FS().Open(path); h != nil {
				return f(h)
			}
			return "absent"
		}
	}
	ops := []func(d *Disk) string{
		func(d *Disk) string { _, err := d.FS().Create(path); return fmt.Sprint(err) },
		func(d *Disk) string { _, err := d.FS().Create(path); return fmt.Sprint(err) },
		func(d *Disk) string { return fmt.Sprint(d.FS().Rename(path, to)) },
		func(d *Disk) string { return fmt.Sprint(d.FS().Remove(path, "test")) },
		func(d *Disk) string { return fmt.Sprint(d.FS().SyncDir("a")) },
		func(d *Disk) string { d.Host.Up = true; d.Host.PowerOff(kind); return "crash" },
		func(d *Disk) string { return fmt.Sprint(d.Corrupt(path, damage, RandomOffset, int64(n))) },
		func(d *Disk) string { d.w.K.Run(d.w.Now() + Time(n)*Millisecond); return "run" },
		onFile(func(f *File) string { return fmt.Sprint(f.AppendBytes(b)) }),
		onFile(func(f *File) string { return fmt.Sprint(f.AppendBytes(b)) }),
		onFile(func(f *File) string { return fmt.Sprint(f.WriteAt(int64(off), b)) }),
		onFile(func(f *File) string {
			a := &f.d.w.Arena
			return fmt.Sprint(f.Append(a.Put(b), a.Put(b[:n/2]), a.Put([]byte("end"))))
		}),
		onFile(func(f *File) string { return fmt.Sprint(f.Allocate(int64(off))) }),
		onFile(func(f *File) string { return fmt.Sprint(f.Truncate(int64(off), "test")) }),
		onFile(func(f *File) string { return fmt.Sprint(f.SyncNow()) }),
		onFile(func(f *File) string {
			if int64(off+n) <= f.Size() {
				f.Store(int64(off), b)
			}
			return "store"
		}),
		onFile(func(f *File) string {
			got := make([]byte, n)
			k, err := f.ReadAt(got, int64(off))
			return fmt.Sprint(string(got[:k]), err)
		}),
	}
	return rapid.SampledFrom(ops).Draw(t, "op")
}

// TestOpenFilesAreBounded: many files do not need as many descriptors, and a removed file can
// still be read through its handle.
func TestOpenFilesAreBounded(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, PrepareDataDir(dir))
	w, d := diskWorld(1, dir, testSpec)
	var files []*File
	for i := range 3 * maxOpenFiles {
		f, err := d.FS().Create(fmt.Sprint("f", i))
		require.NoError(t, err)
		require.NoError(t, f.AppendBytes([]byte(fmt.Sprint("content ", i))))
		files = append(files, f)
	}
	require.NoError(t, d.FS().Remove("f0", "test"))
	for i, f := range files {
		b := make([]byte, f.Size())
		_, err := f.ReadAt(b, 0)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("content ", i), string(b))
	}
	require.LessOrEqual(t, len(d.dir.open), maxOpenFiles)
	require.NoError(t, w.CloseDisks())
}

// TestReadsAreReal: a byte that changed in the real file is what a read returns.
func TestReadsAreReal(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, PrepareDataDir(dir))
	w, d := diskWorld(1, dir, testSpec)
	f, _ := d.FS().Create("f")
	require.NoError(t, f.AppendBytes([]byte("truth")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "h", "disk0", "f"), []byte("trash"), 0o644))
	require.Equal(t, "trash", string(content(d, "f")))
	require.ErrorContains(t, w.CloseDisks(), "not those that were written")
}

func TestPrepareDataDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	require.NoError(t, PrepareDataDir(dir))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "left over"), nil, 0o644))
	require.NoError(t, PrepareDataDir(dir))
	require.Equal(t, []string{markerFile}, realPaths(dir))

	precious := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(precious, "thesis"), nil, 0o644))
	require.ErrorContains(t, PrepareDataDir(precious), "neither empty nor made by mqsim")
	require.Equal(t, []string{"thesis"}, realPaths(precious))
}
