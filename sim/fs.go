package sim

import "io"

// FS is the file system of one disk as one process sees it. Paths are relative to the disk's root
// ("a/b/c"); directories come and go with their entries.
type FS struct {
	d *Disk
	p *Proc // nil: the audit
}

// File is a handle of a file. It stays usable when the file is renamed or removed, and goes stale
// with a power loss.
type File struct {
	d    *Disk
	p    *Proc
	in   *inode // nil: closed
	gen  uint32
	path string
}

func (fs *FS) handle(in *inode) *File {
	return &File{d: fs.d, p: fs.p, in: in, gen: fs.d.gen, path: in.path}
}

// Disk is the disk below.
func (fs *FS) Disk() *Disk { return fs.d }

// Usage is the used space and the capacity in bytes, as statvfs gives them.
func (fs *FS) Usage() (used, capacity int64) { return fs.d.Used(), fs.d.Spec.Capacity }

// Open returns a handle of a file, nil if there is none of that name.
func (fs *FS) Open(path string) *File {
	in := fs.d.names.files[cleanPath(path)]
	if in == nil {
		return nil
	}
	return fs.handle(in)
}

// Exists says whether a file or a directory has this name.
func (fs *FS) Exists(path string) bool {
	path = cleanPath(path)
	return fs.d.names.files[path] != nil || fs.d.names.dirs[path] != nil
}

// Create makes an empty file, or empties the one of that name. The new name is not durable before
// SyncDir of its directory or the journal's next commit; syncing the file does not help.
func (fs *FS) Create(path string) (*File, error) {
	path = cleanPath(path)
	d := fs.d
	if err := d.enter(fs.p, OpWrite, path, d.Spec.Write); err != nil {
		return nil, err
	}
	if in := d.names.files[path]; in != nil {
		f := fs.handle(in)
		f.cut(0, "emptied by create")
		return f, nil
	}
	if !d.names.creatable(path) {
		return nil, ErrBadPath
	}
	if !d.room(1) {
		d.refused()
		return nil, ErrNoSpace
	}
	d.nextID++
	in := &inode{id: d.nextID, hot: -1, dirtySince: -1}
	d.names.link(path, in)
	d.change(dirOp{in: in, to: path})
	if d.dir != nil {
		d.dir.create(in)
	}
	return fs.handle(in), nil
}

// List returns the names in a directory, files and directories, sorted.
func (fs *FS) List(dir string) []string {
	n := fs.d.names.dirs[cleanPath(dir)]
	if n == nil {
		return nil
	}
	return append([]string(nil), n.names...)
}

// Rename gives a file another name, replacing a file that has it. The change is atomic, and durable
// like a creation. A directory is renamed file by file.
func (fs *FS) Rename(from, to string) error {
	from, to = cleanPath(from), cleanPath(to)
	d := fs.d
	if err := d.enter(fs.p, OpWrite, from, d.Spec.Write); err != nil {
		return err
	}
	if d.names.files[from] != nil {
		return d.rename(from, to, "")
	}
	if d.names.dirs[from] == nil {
		return ErrNotExist
	}
	for _, p := range d.names.below(from, nil) {
		if err := d.rename(p, to+p[len(from):], ""); err != nil {
			return err
		}
	}
	return nil
}

// Retire gives a file a name under which nobody looks for its messages: how a broker deletes a file
// that it will remove later. why is the reason that the biography of watched messages shows.
func (fs *FS) Retire(from, to, why string) error {
	from, to = cleanPath(from), cleanPath(to)
	d := fs.d
	if err := d.enter(fs.p, OpWrite, from, d.Spec.Write); err != nil {
		return err
	}
	if d.names.files[from] == nil {
		return ErrNotExist
	}
	return d.rename(from, to, why)
}

// moved notes that watched messages are found under another name, or under none if the file was
// retired.
func (d *Disk) moved(in *inode, from, to, why string) {
	d.seen = d.seen[:0]
	if why != "" {
		d.noteRange(in, 0, in.size, nil, "removed", from+": "+why)
		return
	}
	d.noteRange(in, 0, in.size, nil, "removed", from+": renamed to "+to)
	d.seen = d.seen[:0]
	d.noteRange(in, 0, in.size, nil, "written", to)
}

func (d *Disk) rename(from, to, why string) error {
	if from == to {
		return nil
	}
	in, old := d.names.files[from], d.names.files[to]
	if old == nil && !d.names.creatable(to) {
		return ErrBadPath
	}
	if d.w.Watching() {
		d.moved(in, from, to, why)
	}
	if old != nil {
		d.drop(old, "replaced by rename")
	}
	d.names.unlink(from)
	d.names.link(to, in)
	d.change(dirOp{in: in, from: from, to: to})
	if d.dir != nil {
		d.dir.rename(in, old, from, to)
	}
	return nil
}

// Remove removes a file, or all files below a directory. why is the reason that the biography of
// watched messages shows.
func (fs *FS) Remove(path, why string) error {
	path = cleanPath(path)
	d := fs.d
	if err := d.enter(fs.p, OpWrite, path, d.Spec.Write); err != nil {
		return err
	}
	if d.names.files[path] != nil {
		d.remove(path, why)
		return nil
	}
	if d.names.dirs[path] == nil {
		return ErrNotExist
	}
	for _, p := range d.names.below(path, nil) {
		d.remove(p, why)
	}
	return nil
}

func (d *Disk) remove(path, why string) {
	in := d.names.files[path]
	d.drop(in, why)
	d.names.unlink(path)
	d.change(dirOp{in: in, from: path})
	if d.dir != nil {
		d.dir.remove(in, path)
	}
}

// drop is the end of a file in the page cache; the platter may still know it.
func (d *Disk) drop(in *inode, why string) {
	if d.w.Watching() {
		d.seen = d.seen[:0]
		d.noteRange(in, 0, in.size, nil, "removed", in.path+": "+why)
	}
	d.used -= in.blocks
	d.full = false
	in.gone = true
}

// change records a change of a directory that the platter does not know.
func (d *Disk) change(op dirOp) {
	d.names.ops = append(d.names.ops, op)
	d.arm()
}

// SyncDir makes the names in a directory durable: creations, renames and removals. It blocks.
func (fs *FS) SyncDir(dir string) error {
	dir = cleanPath(dir)
	d := fs.d
	if fs.p == nil {
		d.names.persistDir(dir)
		return nil
	}
	d.Stats.Syncs++
	if d.stalled(OpSync, dir) {
		d.hold(fs.p, OpSync, dir)
		return nil
	}
	d.wait(fs.p, d.Spec.Fsync+d.slowed(OpSync, dir, d.Spec.Fsync))
	if err := d.fails(OpSync, dir); err != nil {
		return err
	}
	if !d.lies(dir) {
		d.names.persistDir(dir)
	}
	return nil
}

// wait queues work on the device and holds the caller until it is done.
func (d *Disk) wait(p *Proc, cost Time) {
	now := p.Now() + p.debt
	p.Charge(d.occupy(now, cost) - now)
}

func (f *File) ok() bool { return f.in != nil && f.gen == f.d.gen }

// enter is the beginning of a call on the file.
func (f *File) enter(op DiskOps, cost Time) error {
	if !f.ok() {
		return ErrStaleFile
	}
	return f.d.enter(f.p, op, f.in.path, cost)
}

// Path is the file's name when it was opened.
func (f *File) Path() string { return f.path }

// Size in bytes.
func (f *File) Size() int64 {
	if !f.ok() {
		return 0
	}
	return f.in.size
}

// Close ends the use of the handle. It syncs nothing.
func (f *File) Close() { f.in = nil }

// Append writes extents at the end of the file in one call. The bytes are shared, not copied.
func (f *File) Append(refs ...Ref) error {
	if err := f.enter(OpWrite, f.d.Spec.Write); err != nil {
		return err
	}
	n := int64(0)
	for _, r := range refs {
		n += int64(r.Len)
	}
	if n == 0 {
		return nil
	}
	in := f.in
	if !f.reserve(in.size, in.size+n) {
		return ErrNoSpace
	}
	if in.mapped {
		in.touch(in.size, in.size+n)
	}
	off := in.size
	for _, r := range refs {
		in.ext.push(in.size, r)
		in.size += int64(r.Len)
	}
	f.d.wrote(in, off, n)
	return nil
}

// AppendBytes writes a copy of b at the end of the file in one call.
func (f *File) AppendBytes(b []byte) error { return f.WriteAt(f.Size(), b) }

// WriteAt writes a copy of b at off in one call. A write beyond the end leaves a hole.
func (f *File) WriteAt(off int64, b []byte) error {
	if err := f.enter(OpWrite, f.d.Spec.Write); err != nil {
		return err
	}
	if len(b) == 0 {
		return nil
	}
	if !f.reserve(off, off+int64(len(b))) {
		return ErrNoSpace
	}
	f.place(off, f.in.copyIn(&f.d.w.Arena, off, b))
	return nil
}

// WriteRefAt writes an extent at off in one call, without copying.
func (f *File) WriteRefAt(off int64, r Ref) error {
	if err := f.enter(OpWrite, f.d.Spec.Write); err != nil {
		return err
	}
	if r.Len == 0 {
		return nil
	}
	if !f.reserve(off, off+int64(r.Len)) {
		return ErrNoSpace
	}
	f.place(off, r)
	return nil
}

// reserve takes the space for a write to [from, to); false if the disk is full.
func (f *File) reserve(from, to int64) bool {
	n := f.in.newBlocks(from, to)
	if n == 0 {
		return true
	}
	if !f.d.room(n) {
		f.d.refused()
		return false
	}
	f.d.took(f.in, n)
	return true
}

// place makes r the content from off on.
func (f *File) place(off int64, r Ref) {
	in, end := f.in, off+int64(r.Len)
	if off != in.size {
		in.beMapped()
	}
	if in.mapped {
		in.touch(off, end)
	}
	in.ext.put(off, r)
	in.size = max(in.size, end)
	f.d.wrote(in, off, int64(r.Len))
}

// Allocate sets the size of a file in advance. The file is sparse: space is taken when bytes are
// written. It is a mapped file from now on.
func (f *File) Allocate(size int64) error {
	if err := f.enter(OpWrite, f.d.Spec.Write); err != nil {
		return err
	}
	if !f.d.room(1) {
		f.d.refused()
		return ErrNoSpace
	}
	in := f.in
	in.beMapped()
	in.presized = true
	if size > in.size {
		in.truncate(size)
		f.d.resized(in)
	}
	return nil
}

// Store writes a copy of b through a mapping: no call, no charge, no error. A page that takes new
// space on a full disk kills the process with SIGBUS, as does a store beyond the end of the file.
func (f *File) Store(off int64, b []byte) {
	n := int64(len(b))
	switch {
	case n == 0:
	case f.ok() && off >= 0 && off+n <= f.in.size && f.in.overwrite(&f.d.w.Arena, off, b):
		f.d.wrote(f.in, off, n)
	case f.fault(off, n):
		f.storeRef(off, f.in.copyIn(&f.d.w.Arena, off, b))
	}
}

// StoreRef is Store of an extent, without copying.
func (f *File) StoreRef(off int64, r Ref) {
	if r.Len > 0 && f.fault(off, int64(r.Len)) {
		f.storeRef(off, r)
	}
}

// fault is the page fault of a store; false if it killed the process.
func (f *File) fault(off, n int64) bool {
	if f.ok() && off >= 0 && off+n <= f.in.size && f.reserve(off, off+n) {
		return true
	}
	if f.p == nil {
		panic("sim: store outside a mapped file or on a full disk, without a process: " + f.path)
	}
	f.p.Crash("SIGBUS")
	return false
}

func (f *File) storeRef(off int64, r Ref) {
	in := f.in
	in.beMapped()
	in.touch(off, off+int64(r.Len))
	in.ext.put(off, r)
	f.d.wrote(in, off, int64(r.Len))
}

// Truncate cuts the file, or extends it with a hole. why is the reason that the biography of
// watched messages shows.
func (f *File) Truncate(size int64, why string) error {
	if err := f.enter(OpWrite, f.d.Spec.Write); err != nil {
		return err
	}
	f.cut(size, why)
	return nil
}

func (f *File) cut(size int64, why string) {
	in, d := f.in, f.d
	if size == in.size {
		return
	}
	if size < in.size && d.w.Watching() {
		d.seen = d.seen[:0]
		d.noteRange(in, size, in.size, nil, "removed", in.path+": "+why)
	}
	before := in.blocks
	in.truncate(size)
	if !in.gone {
		d.used += in.blocks - before
		d.full = false
	}
	d.resized(in)
}

// Read appends the extents of [off, off+n) to dst without copying. At the end of the file the
// answer is short; holes are extents of zeros.
func (f *File) Read(off int64, n int, dst []Ref) ([]Ref, error) {
	if err := f.enter(OpRead, 0); err != nil {
		return dst, err
	}
	in, d := f.in, f.d
	to := min(off+int64(n), in.size)
	if off >= to {
		return dst, nil
	}
	if off < in.coldTo && f.p != nil {
		d.readCold(f.p, in, off, to)
	}
	in.share()
	first := len(dst)
	at := off
	c := in.ext.scan(off, to)
	for s, ok := c.next(); ok; s, ok = c.next() {
		dst = d.hole(dst, s.off-at)
		dst = append(dst, s.ref)
		at = s.end()
	}
	dst = d.hole(dst, to-at)
	if d.dir != nil {
		return d.dir.read(in, off, to-off, dst, first)
	}
	return dst, nil
}

// zeroExtent is the size of the extent that holes are read from.
const zeroExtent = 64 << 10

func (d *Disk) hole(dst []Ref, n int64) []Ref {
	for n > 0 {
		if d.zeros.Len == 0 {
			d.zeros, _ = d.w.Arena.Alloc(zeroExtent)
		}
		k := min(n, zeroExtent)
		dst = append(dst, d.zeros.Slice(0, uint32(k)))
		n -= k
	}
	return dst
}

// ReadAt copies bytes out, as io.ReaderAt does: io.EOF if there are fewer than len(b).
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	if f.d.dir != nil {
		return f.readBacking(b, off)
	}
	if err := f.enter(OpRead, 0); err != nil {
		return 0, err
	}
	in := f.in
	to := min(off+int64(len(b)), in.size)
	if off >= to {
		return 0, eofIf(len(b) > 0)
	}
	if off < in.coldTo && f.p != nil {
		f.d.readCold(f.p, in, off, to)
	}
	at := off
	c := in.ext.scan(off, to)
	for s, ok := c.next(); ok; s, ok = c.next() {
		clear(b[at-off : s.off-off])
		copy(b[s.off-off:], f.d.w.Arena.Bytes(s.ref))
		at = s.end()
	}
	clear(b[at-off : to-off])
	return int(to - off), eofIf(to-off < int64(len(b)))
}

func eofIf(short bool) error {
	if short {
		return io.EOF
	}
	return nil
}

// readBacking is ReadAt through real files.
func (f *File) readBacking(b []byte, off int64) (int, error) {
	var few [8]Ref
	refs, err := f.Read(off, len(b), few[:0])
	n := 0
	for _, r := range refs {
		n += copy(b[n:], f.d.w.Arena.Bytes(r))
	}
	if err == nil {
		err = eofIf(n < len(b))
	}
	return n, err
}
