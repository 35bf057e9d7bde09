package log

import "github.com/mqsim/mqsim/sim"

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
	return &file{f, v}, err
}

// Rename replaces.
func (v *volume) Rename(from, to string) error { v.pass(); return v.FS.Rename(from, to) }

// Retire renames a file whose messages are given up.
func (v *volume) Retire(from, to, why string) error { v.pass(); return v.FS.Retire(from, to, why) }

// Remove removes a file or a directory.
func (v *volume) Remove(path, why string) error { v.pass(); return v.FS.Remove(path, why) }

// SyncDir makes names durable.
func (v *volume) SyncDir(dir string) error { v.pass(); return v.FS.SyncDir(dir) }

// file is a handle on a volume.
type file struct {
	*sim.File
	v *volume
}

// Append writes extents at the end.
func (f *file) Append(refs ...sim.Ref) error { f.v.pass(); return f.File.Append(refs...) }

// AppendBytes writes a copy of b at the end.
func (f *file) AppendBytes(b []byte) error { f.v.pass(); return f.File.AppendBytes(b) }

// Allocate sets the size in advance.
func (f *file) Allocate(size int64) error { f.v.pass(); return f.File.Allocate(size) }

// Store writes through the mapping.
func (f *file) Store(off int64, b []byte) { f.v.pass(); f.File.Store(off, b) }

// Truncate cuts.
func (f *file) Truncate(size int64, why string) error { f.v.pass(); return f.File.Truncate(size, why) }

// Sync asks for durability.
func (f *file) Sync(arg uint32) { f.v.pass(); f.File.Sync(arg) }

// SyncNow waits for durability.
func (f *file) SyncNow() error { f.v.pass(); return f.File.SyncNow() }
