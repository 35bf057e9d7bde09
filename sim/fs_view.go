package sim

import (
	"errors"
	"io"
)

// View shows n bytes at off of the real file in a data directory, as a program sees them that mapped it:
// a part of the mapping where the system maps files (Linux, macOS), else what a positional read brings,
// in memory that the next View reuses. It is nil if the disk is kept in memory or the file has no such
// bytes. As a load through a mapping it is no call: it costs nothing and meets no fault.
func (f *File) View(off int64, n int) []byte {
	if !f.ok() || f.d.dir == nil || off < 0 || off+int64(n) > f.in.size {
		return nil
	}
	return f.d.dir.view(f.in, off, int64(n))
}

// Real says whether the file is kept in a data directory, so that View shows something.
func (f *File) Real() bool { return f.in != nil && f.d.dir != nil }

func (b *dirBacking) view(in *inode, off, n int64) []byte {
	if int64(len(in.real.mem)) >= off+n {
		return in.real.mem[off : off+n]
	}
	f := b.file(in)
	if f == nil {
		return nil
	}
	if in.presized && !b.d.w.PlainReads && b.mapping(in, f, off+n) {
		return in.real.mem[off : off+n]
	}
	got := b.buffer(n)
	if _, err := f.ReadAt(got, off); err != nil {
		if !errors.Is(err, io.EOF) {
			b.check(err)
		}
		return nil
	}
	return got
}
