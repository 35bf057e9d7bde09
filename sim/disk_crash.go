package sim

import "slices"

// CrashKind is how much of what was not synced a power loss takes.
type CrashKind uint8

// Kinds of power loss. In all of them what was synced survives.
const (
	// CrashTypical draws per file: a file that only grew keeps a prefix of its dirty pages, a mapped
	// or pre-sized file keeps each dirty page by its own draw, so that holes are possible; the last
	// page kept may be torn at a sector. Of the un-synced changes of a directory a prefix is kept.
	CrashTypical CrashKind = iota
	// CrashNone loses nothing.
	CrashNone
	// CrashAll loses everything un-synced.
	CrashAll
	// CrashPrefix keeps a prefix of the dirty pages of every file.
	CrashPrefix
	// CrashPages keeps each dirty page of every file by its own draw.
	CrashPages
)

var crashWords = [...]string{"typical", "none", "all", "prefix", "pages"}

// String is the word of the scenario language.
func (c CrashKind) String() string { return crashWords[c] }

// CrashKindNamed is the kind with this word.
func CrashKindNamed(word string) (CrashKind, bool) {
	i := slices.Index(crashWords[:], word)
	return CrashKind(max(i, 0)), i >= 0
}

// crash is a power loss: what the platter has becomes what there is. Draws are made in the order
// of directories and then of files by creation.
func (d *Disk) crash(kind CrashKind, rnd *Rand) {
	d.gen++
	before := d.names.filePaths()
	if d.dir != nil {
		d.dir.beginCrash(before)
	}
	d.crashNames(kind, rnd)
	old := inodes(before, d.names.files)
	for _, in := range old {
		in.gone = true
	}
	paths := d.names.platterPaths()
	for _, p := range paths {
		in := d.names.platter[p]
		in.path, in.gone = p, false
	}
	if d.w.Watching() {
		for _, in := range old {
			if in.gone {
				d.seen = d.seen[:0]
				d.noteRange(in, 0, in.size, nil, "lost-in-power-loss", in.path+": its name was not durable")
			}
		}
	}
	d.used = 0
	c := crasher{d: d, kind: kind, rnd: rnd}
	for _, in := range inodes(paths, d.names.platter) {
		c.file(in)
		d.used += in.blocks
	}
	d.names.files = map[string]*inode{}
	d.names.dirs = map[string]*dirNode{}
	for _, p := range paths {
		d.names.link(p, d.names.platter[p])
	}
	d.forget()
	if d.dir != nil {
		d.dir.endCrash(before)
	}
}

// forget drops the kernel's work with this disk: it died with the machine.
func (d *Disk) forget() {
	for _, i := range d.parked { // those on the device are dropped when their time comes
		d.reqs[i] = syncReq{}
		d.spare = append(d.spare, i)
	}
	d.dirty, d.meta, d.parked, d.held = nil, nil, nil, nil
	d.free = 0
}

// Wipe replaces the disk by an empty one. The machine must be off.
func (d *Disk) Wipe() {
	before := d.names.filePaths()
	if d.dir != nil {
		d.dir.beginCrash(before)
	}
	for _, in := range inodes(before, d.names.files) {
		d.drop(in, "disk-lost")
	}
	d.gen++
	d.names = newNamespace()
	d.used = 0
	d.forget()
	if d.dir != nil {
		d.dir.endCrash(before)
	}
}

// crashNames decides which un-synced changes of directories the platter has: in each directory a
// prefix of their order.
func (d *Disk) crashNames(kind CrashKind, rnd *Rand) {
	n := &d.names
	if len(n.ops) == 0 {
		return
	}
	count := map[string]int{}
	var dirs []string
	for _, op := range n.ops {
		dir := op.home()
		if count[dir] == 0 {
			dirs = append(dirs, dir)
		}
		count[dir]++
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		switch kind {
		case CrashNone:
		case CrashAll:
			count[dir] = 0
		default:
			count[dir] = int(rnd.Below(uint64(count[dir]) + 1))
		}
	}
	for _, op := range n.ops {
		if dir := op.home(); count[dir] > 0 {
			count[dir]--
			n.persist(op)
		}
	}
	n.ops = nil
}

// crasher makes the images of files after a power loss.
type crasher struct {
	d    *Disk
	kind CrashKind
	rnd  *Rand
	lost bool // bytes of the present file changed
}

// file makes the platter's image of a file what the page cache holds from now on.
func (c *crasher) file(in *inode) {
	c.lost = false
	c.d.seen = c.d.seen[:0]
	size := in.size
	if in.shadowSize > 0 && !c.survives() {
		c.untruncate(in)
	} else if in.mapped {
		c.pages(in)
	} else if in.durable < in.size {
		c.tail(in)
	}
	in.pages, in.images, in.scratch, in.vers = nil, nil, nil, nil
	in.index = nil
	in.flights, in.fresh, in.runs, in.hot = nil, 0, 0, -1
	in.dropShadow()
	in.share()
	in.durable = in.size
	in.dirtySince, in.queued, in.pending = -1, false, false
	in.blocks = in.countBlocks()
	in.cold, in.coldTo = 0, in.size
	if c.d.dir != nil {
		c.d.dir.image(in, c.lost || size != in.size)
	}
}

// survives draws whether a change of a size that waited for the journal is on the platter.
func (c *crasher) survives() bool {
	switch c.kind {
	case CrashNone:
		return true
	case CrashAll:
		return false
	}
	return c.rnd.Chance(1, 2)
}

// untruncate brings back what a truncation that did not reach the platter had cut off. What was
// written after it is gone.
func (c *crasher) untruncate(in *inode) {
	var keep []span
	in.platter(0, in.durable, func(s span) { keep = append(keep, s) })
	c.note(in, 0, in.size, keep)
	in.ext = extents{}
	for _, s := range keep {
		in.ext.push(s.off, s.ref)
	}
	shadow := in.shadow.scan(0, in.shadowSize)
	for s, ok := shadow.next(); ok; s, ok = shadow.next() {
		in.ext.push(s.off, s.ref)
	}
	in.size = in.shadowSize
	c.lost = true
}

// note writes into biographies what a range loses that old does not hold.
func (c *crasher) note(in *inode, from, to int64, old []span) {
	if c.d.w.Watching() {
		c.d.noteRange(in, from, to, old, "lost-in-power-loss", in.path)
	}
}

// tail cuts a file that only grew.
func (c *crasher) tail(in *inode) {
	first := in.durable >> pageShift
	n := (in.size-1)>>pageShift - first + 1
	cut := in.size
	switch c.kind {
	case CrashNone:
		return
	case CrashAll:
		cut = in.durable
	case CrashPages:
		c.tailPages(in, first, n)
		return
	default:
		kept := int64(c.rnd.Below(uint64(n) + 1))
		if kept == 0 {
			cut = in.durable
		} else {
			cut = c.torn(max(in.durable, (first+kept-1)<<pageShift), min(in.size, (first+kept)<<pageShift))
		}
	}
	c.cutTail(in, cut)
}

func (c *crasher) cutTail(in *inode, cut int64) {
	if cut == in.size {
		return
	}
	c.note(in, cut, in.size, nil)
	in.ext.truncate(cut)
	in.size = cut
	c.lost = true
}

// torn draws whether the last kept page [from, to) was written whole; if not, at which sector it ends.
func (c *crasher) torn(from, to int64) int64 {
	first := from/sectorSize + 1 // the first border of sectors inside
	n := (to-1)/sectorSize - first + 1
	if n <= 0 || !c.rnd.Chance(1, 2) {
		return to
	}
	return (first + int64(c.rnd.Below(uint64(n)))) * sectorSize
}

// tailPages keeps each dirty page of a file that only grew by its own draw; it ends after the last.
func (c *crasher) tailPages(in *inode, first, n int64) {
	end := in.durable
	for pg := first; pg < first+n; pg++ {
		from, to := max(in.durable, pg<<pageShift), min(in.size, (pg+1)<<pageShift)
		if c.rnd.Chance(1, 2) {
			end = to
			continue
		}
		c.note(in, from, to, nil)
		in.ext.cut(from, to)
		c.lost = true
	}
	c.cutTail(in, end)
}

// pages decides about each dirty page of a mapped file.
func (c *crasher) pages(in *inode) {
	if in.size != in.durable && !c.survives() {
		c.resize(in)
	}
	pages := in.sortedPages()
	keep := make([]bool, len(pages))
	last := -1
	prefix := len(pages)
	if c.kind == CrashPrefix && len(pages) > 0 {
		prefix = int(c.rnd.Below(uint64(len(pages)) + 1))
	}
	for i := range pages {
		switch c.kind {
		case CrashNone:
			keep[i] = true
		case CrashAll:
		case CrashPrefix:
			keep[i] = i < prefix
		default:
			keep[i] = c.rnd.Chance(1, 2)
		}
		if keep[i] {
			last = i
		}
	}
	for i, p := range pages {
		from := p.page << pageShift
		to := min(from+pageSize, in.size)
		if keep[i] {
			if i != last || c.kind == CrashNone {
				continue
			}
			from = c.torn(from, from+pageSize)
		}
		if from < to {
			c.restore(in, from, to, in.image(p.pre))
		}
	}
}

// resize undoes a size that was set in advance, or by writes, and waited for the journal.
func (c *crasher) resize(in *inode) {
	if in.durable < in.size {
		c.note(in, in.durable, in.size, nil)
		in.ext.truncate(in.durable)
	}
	in.size = in.durable
	c.lost = true
}

// restore makes a range what the platter had.
func (c *crasher) restore(in *inode, from, to int64, pre []span) {
	c.note(in, from, to, pre)
	in.ext.cut(from, to)
	for _, s := range pre {
		if s, ok := s.clip(from, to); ok {
			in.ext.put(s.off, s.ref)
		}
	}
	c.lost = true
}
