package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// The directory backing keeps every file of a disk in a real file as well, under
// <DataDir>/<host>/disk<N>/<path>, so that a person or `mqsim inspect` can look at it while and
// after a run. All rules (page cache, platter, faults, power loss) are those of the memory backing:
// this one only mirrors the page cache. Every read really reads the file; if its bytes are those
// that were written, the answer is the extents in memory, with what is remembered about them, and
// if not, the bytes of the file. Nothing is really synced: the durability that counts is simulated.

// markerFile says that a directory was made by mqsim and may be emptied by it.
const markerFile = ".mqsim"

// maxOpenFiles bounds the descriptors that one disk holds.
const maxOpenFiles = 64

// realFile is the state of a file in the directory backing.
type realFile struct {
	f    *os.File // nil: not open now
	mem  []byte   // the mapping of a mapped file, nil if there is none
	used uint64   // when it was used last, for closing the one that is idle longest
	gone bool     // no name; what is left lives in the descriptor or in memory
	was  string   // its name before a power loss
}

// dirBacking mirrors one disk.
type dirBacking struct {
	d    *Disk
	root string
	open []*inode // with a descriptor, in no order that matters
	tick uint64
	buf  []byte
	err  error // the first error of the real file system
}

// PrepareDataDir makes dir ready for World.DataDir: it is created if it does not exist, and must be
// empty or made by mqsim; then what an earlier run left is removed.
func PrepareDataDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	marker := filepath.Join(dir, markerFile)
	if len(entries) > 0 {
		if _, err := os.Lstat(marker); err != nil {
			return fmt.Errorf("%s is neither empty nor made by mqsim (no %s in it)", dir, markerFile)
		}
		for _, e := range entries {
			if e.Name() != markerFile {
				if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
					return err
				}
			}
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(marker, []byte("This directory belongs to mqsim, which removes what is in it.\n"), 0o644)
}

func newDirBacking(d *Disk) *dirBacking {
	b := &dirBacking{d: d, root: filepath.Join(d.w.DataDir, d.Host.Name, "disk"+strconv.Itoa(d.Index))}
	b.check(os.MkdirAll(b.root, 0o755))
	return b
}

// CloseDisks releases the real files of all disks; they stay in World.DataDir. It answers the first
// error that a real file has met. In memory there is nothing to do.
func (w *World) CloseDisks() error {
	var errs []error
	for _, h := range w.Hosts {
		for _, d := range h.Disks {
			if b := d.dir; b != nil {
				for len(b.open) > 0 {
					b.close(b.open[0])
				}
				errs = append(errs, b.err)
			}
		}
	}
	return errors.Join(errs...)
}

// check keeps the first error. The run goes on in memory; CloseDisks tells.
func (b *dirBacking) check(err error) {
	if err != nil && b.err == nil {
		b.err = err
	}
}

func (b *dirBacking) path(p string) string { return filepath.Join(b.root, filepath.FromSlash(p)) }

// file is the open descriptor of an inode, nil if the real file system refuses.
func (b *dirBacking) file(in *inode) *os.File {
	b.tick++
	in.real.used = b.tick
	if in.real.f != nil {
		return in.real.f
	}
	if in.real.gone {
		return nil
	}
	if len(b.open) >= maxOpenFiles {
		idle := b.open[0]
		for _, o := range b.open {
			// A removed file lives only as long as its descriptor.
			if !o.real.gone && (idle.real.gone || o.real.used < idle.real.used) {
				idle = o
			}
		}
		b.close(idle)
	}
	f, err := os.OpenFile(b.path(in.path), os.O_RDWR, 0)
	if err != nil {
		b.check(err)
		return nil
	}
	in.real.f = f
	b.open = append(b.open, in)
	return f
}

func (b *dirBacking) close(in *inode) {
	b.check(unmapFile(in.real.mem))
	in.real.mem = nil
	b.check(in.real.f.Close())
	in.real.f = nil
	i := slices.Index(b.open, in)
	b.open = slices.Delete(b.open, i, i+1)
}

func (b *dirBacking) create(in *inode) {
	p := b.path(in.path)
	b.check(os.MkdirAll(filepath.Dir(p), 0o755))
	f, err := os.Create(p)
	if err != nil {
		b.check(err)
		return
	}
	b.check(f.Close())
}

// rename follows a rename; old is the inode whose name was taken, nil if there was none.
func (b *dirBacking) rename(in, old *inode, from, to string) {
	if old != nil {
		b.orphan(old)
	}
	if !removesOpen && in.real.f != nil {
		b.close(in)
	}
	b.check(os.MkdirAll(filepath.Dir(b.path(to)), 0o755))
	b.check(os.Rename(b.path(from), b.path(to)))
	b.prune(from)
}

func (b *dirBacking) remove(in *inode, p string) {
	b.orphan(in)
	b.check(os.Remove(b.path(p)))
	b.prune(p)
}

// orphan marks a file whose name goes. What is left of it lives in its descriptor, or in memory
// alone where open files cannot be removed.
func (b *dirBacking) orphan(in *inode) {
	in.real.gone = true
	if !removesOpen && in.real.f != nil {
		b.close(in)
	}
}

// prune removes directories that the disk does not know any longer. One that is not empty yet
// stays until its last file goes.
func (b *dirBacking) prune(p string) {
	for dir := parent(p); dir != "" && b.d.names.dirs[dir] == nil; dir = parent(dir) {
		_ = os.Remove(b.path(dir))
	}
}

// write brings [off, off+n) of the page cache into the real file: through a mapping if the file was
// sized in advance and the system has mappings, else with one positional write.
func (b *dirBacking) write(in *inode, off, n int64) {
	f := b.file(in)
	if f == nil {
		return
	}
	if in.presized && !b.d.w.PlainReads && b.mapping(in, f, off+n) {
		c := in.ext.scan(off, off+n)
		for s, ok := c.next(); ok; s, ok = c.next() {
			copy(in.real.mem[s.off:s.end()], b.d.w.Arena.Bytes(s.ref))
		}
		return
	}
	_, err := f.WriteAt(b.gather(in, off, n), off)
	b.check(err)
}

// mapping says whether the real file is mapped up to end.
func (b *dirBacking) mapping(in *inode, f *os.File, end int64) bool {
	if int64(len(in.real.mem)) >= end {
		return true
	}
	b.check(unmapFile(in.real.mem))
	in.real.mem = nil
	if err := f.Truncate(in.size); err != nil {
		b.check(err)
		return false
	}
	in.real.mem = mapFile(f, in.size)
	return in.real.mem != nil
}

// gather is the content of a range in one piece, without copying if it is one extent.
func (b *dirBacking) gather(in *inode, off, n int64) []byte {
	c := in.ext.scan(off, off+n)
	s, ok := c.next()
	if ok && s.off == off && s.end() == off+n {
		return b.d.w.Arena.Bytes(s.ref)
	}
	out := b.buffer(n)
	clear(out)
	for ; ok; s, ok = c.next() {
		copy(out[s.off-off:], b.d.w.Arena.Bytes(s.ref))
	}
	return out
}

func (b *dirBacking) buffer(n int64) []byte {
	b.buf = slices.Grow(b.buf[:0], int(n))
	return b.buf[:n]
}

// resize brings the real file to the size of the page cache's.
func (b *dirBacking) resize(in *inode) {
	f := b.file(in)
	if f == nil {
		return
	}
	if int64(len(in.real.mem)) > in.size { // a mapping must not reach beyond the end
		b.check(unmapFile(in.real.mem))
		in.real.mem = nil
	}
	b.check(f.Truncate(in.size))
}

// read reads [off, off+n) from the real file. dst[first:] are the extents that it should hold.
func (b *dirBacking) read(in *inode, off, n int64, dst []Ref, first int) ([]Ref, error) {
	f := b.file(in)
	if f == nil {
		return dst, nil
	}
	var got []byte
	if int64(len(in.real.mem)) >= off+n {
		got = in.real.mem[off : off+n]
	} else {
		got = b.buffer(n)
		if k, err := f.ReadAt(got, off); err != nil && !errors.Is(err, io.EOF) {
			b.check(err)
			return dst[:first], ErrIO
		} else {
			got = got[:k]
		}
	}
	at := 0
	for _, r := range dst[first:] {
		want := b.d.w.Arena.Bytes(r)
		if at+len(want) > len(got) || !bytes.Equal(got[at:at+len(want)], want) {
			b.check(fmt.Errorf("%s: bytes %d to %d are not those that were written", b.path(in.path), off, off+n))
			return append(dst[:first], b.d.w.Arena.Put(got)), nil
		}
		at += len(want)
	}
	return dst, nil
}

// beginCrash releases all descriptors: after a power loss there are other names and other bytes.
// before are the names of the page cache.
func (b *dirBacking) beginCrash(before []string) {
	for len(b.open) > 0 {
		b.close(b.open[0])
	}
	for _, p := range before {
		b.d.names.files[p].real.was = p
	}
}

// image makes the real file of an inode what survived.
func (b *dirBacking) image(in *inode, changed bool) {
	same := !changed && in.real.was == in.path
	in.real = realFile{}
	if same {
		return
	}
	p := b.path(in.path)
	b.check(os.MkdirAll(filepath.Dir(p), 0o755))
	f, err := os.Create(p)
	if err != nil {
		b.check(err)
		return
	}
	for _, leaf := range in.ext.leaves {
		for _, s := range leaf {
			_, err := f.WriteAt(b.d.w.Arena.Bytes(s.ref), s.off)
			b.check(err)
		}
	}
	b.check(f.Truncate(in.size))
	b.check(f.Close())
}

// endCrash removes the real files of names that did not survive.
func (b *dirBacking) endCrash(before []string) {
	for _, p := range before {
		if b.d.names.files[p] == nil {
			b.check(os.Remove(b.path(p)))
		}
	}
	for _, p := range before {
		b.prune(p)
	}
}
