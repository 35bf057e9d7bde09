package store

import (
	"strconv"

	"github.com/mqsim/mqsim/sim"
)

// volume is the file system as this package calls it. point, if set, is called before every call
// that changes something on the disk: tests cut the power there, for every such point in turn.
type volume struct {
	*sim.FS
	point func()
}

func (v *volume) pass() {
	if v.point != nil {
		v.point()
	}
}

func (v *volume) world() *sim.World { return v.Disk().Host.W }

func (v *volume) arena() *sim.Arena { return &v.Disk().Host.W.Arena }

// Open returns a file, nil if there is none of that name.
func (v *volume) Open(path string) *file {
	if f := v.FS.Open(path); f != nil {
		return &file{f, v}
	}
	return nil
}

// Create makes an empty file.
func (v *volume) Create(path string) (*file, error) {
	v.pass()
	f, err := v.FS.Create(path)
	if err != nil {
		return nil, err
	}
	return &file{f, v}, nil
}

// Rename replaces.
func (v *volume) Rename(from, to string) error { v.pass(); return v.FS.Rename(from, to) }

// Remove removes a file or a directory.
func (v *volume) Remove(path, why string) error { v.pass(); return v.FS.Remove(path, why) }

// SyncDir makes names durable.
func (v *volume) SyncDir(dir string) error { v.pass(); return v.FS.SyncDir(dir) }

// file is a handle on a volume.
type file struct {
	*sim.File
	v *volume
}

// AppendBytes writes a copy of b at the end.
func (f *file) AppendBytes(b []byte) error { f.v.pass(); return f.File.AppendBytes(b) }

// WriteRefAt writes an extent in one call.
func (f *file) WriteRefAt(off int64, r sim.Ref) error { f.v.pass(); return f.File.WriteRefAt(off, r) }

// Allocate sets the size in advance.
func (f *file) Allocate(size int64) error { f.v.pass(); return f.File.Allocate(size) }

// Store writes through the mapping.
func (f *file) Store(off int64, b []byte) { f.v.pass(); f.File.Store(off, b) }

// StoreRef writes an extent through the mapping.
func (f *file) StoreRef(off int64, r sim.Ref) { f.v.pass(); f.File.StoreRef(off, r) }

// Sync asks for durability.
func (f *file) Sync(arg uint32) { f.v.pass(); f.File.Sync(arg) }

// SyncNow waits for durability.
func (f *file) SyncNow() error { f.v.pass(); return f.File.SyncNow() }

// fileName is the path of the mapped file that begins at an offset: twenty decimal digits
// (UtilAll.offset2FileName).
func fileName(dir string, from int64) string {
	digits := strconv.FormatInt(from, 10)
	b := make([]byte, 0, len(dir)+21)
	b = append(b, dir...)
	b = append(b, '/')
	for range 20 - len(digits) {
		b = append(b, '0')
	}
	return string(append(b, digits...))
}

// offsetOf is the offset in a file's name.
func offsetOf(name string) (int64, bool) {
	if len(name) != 20 {
		return 0, false
	}
	for _, c := range []byte(name) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(name, 10, 64)
	return v, err == nil
}
