package sim

import (
	"cmp"
	"slices"
)

// pageSize is the unit of the page cache and of what a crash keeps or loses, sectorSize that of
// what a disk writes whole.
const (
	pageShift  = 12
	pageSize   = 1 << pageShift
	sectorSize = 512
)

// inode is a file without its name: what the page cache holds, and how that differs from the
// platter. A file that only grew needs one number for this, the durable length. Once a byte is
// written anywhere but at the end, or the file was sized in advance, it is a mapped file, and
// every dirty page remembers what the platter holds of it.
type inode struct {
	id     uint32 // in order of creation: the total order of files on a disk
	path   string // the present name, for faults, notes and the backing; kept after removal
	gone   bool   // no directory names it now
	onDisk string // its name on the platter, "" if none

	ext      extents // the page cache: what a read returns
	size     int64
	durable  int64 // size on the platter
	mapped   bool
	presized bool  // by Allocate: the directory backing maps it
	blocks   int64 // pages that take space

	// Pages of a mapped file that differ from the platter, in order of first change.
	pages   []dirtyPage
	index   map[int64]int32
	images  []span // what pages[i].pre and versions point into
	scratch []span
	vers    []version
	hot     int64  // page that was touched last, -1: none
	hotAt   uint32 // in this epoch
	fresh   int64  // pages changed since the last sync was issued
	runs    int64  // of which so many do not follow their predecessor

	// A truncation below the durable size that is not on the platter: what is still there.
	shadow      extents
	shadowSize  int64 // 0: none
	shadowEpoch uint32

	epoch   uint32 // grows with every sync that is issued
	flights []flight

	dirtySince Time   // of the oldest byte that no write-back was begun for; -1: none
	queued     bool   // in the flusher's list
	pending    bool   // in the journal's list
	resizedAt  uint64 // number of its latest change of size

	lanes    [2]copyLane // where small writes are copied to
	lastLane int

	cold   int64 // bytes from here to coldTo were not read since the machine booted
	coldTo int64

	real realFile // directory backing
}

// dirtyPage is a page whose content in the page cache is not that of the platter.
type dirtyPage struct {
	page  int64
	epoch uint32 // of the last change
	pre   image  // what the platter holds
	vers  int32  // newest version, index+1 into inode.vers; 0: none
}

// image is the content of a page at some moment: images[from : from+n] of its inode.
type image struct{ from, n int32 }

// version is the content of a page as a sync that is under way will write it: the page changed
// again after that sync was issued.
type version struct {
	epoch uint32
	img   image
	next  int32 // an older one, index+1
}

// flight is a sync that was issued and is not complete.
type flight struct {
	epoch uint32
	size  int64
	at    Time
}

// clean says that the platter holds what the page cache holds.
func (in *inode) clean() bool {
	return len(in.pages) == 0 && in.size == in.durable && in.shadowSize == 0
}

// touch remembers what the platter holds of the pages of [from, to), which are about to change.
func (in *inode) touch(from, to int64) {
	for pg := from >> pageShift; pg <= (to-1)>>pageShift; pg++ {
		if pg == in.hot && in.hotAt == in.epoch {
			continue
		}
		in.touchPage(pg)
	}
}

func (in *inode) touchPage(pg int64) {
	if in.index == nil {
		in.index = map[int64]int32{}
	}
	i, ok := in.index[pg]
	switch {
	case !ok:
		in.index[pg] = int32(len(in.pages))
		in.pages = append(in.pages, dirtyPage{page: pg, epoch: in.epoch, pre: in.capture(pg, in.size)})
		in.changed(pg)
	case in.pages[i].epoch < in.epoch:
		d := &in.pages[i]
		if len(in.flights) > 0 {
			in.addVersion(d, d.epoch, in.capture(pg, in.size))
		}
		d.epoch = in.epoch
		in.changed(pg)
	}
	in.hot, in.hotAt = pg, in.epoch
}

func (in *inode) changed(pg int64) {
	in.fresh++
	if pg != in.hot && pg != in.hot+1 {
		in.runs++
	}
}

func (in *inode) addVersion(d *dirtyPage, epoch uint32, img image) {
	in.vers = append(in.vers, version{epoch: epoch, img: img, next: d.vers})
	d.vers = int32(len(in.vers))
}

// capture keeps the present content of a page up to limit.
func (in *inode) capture(pg, limit int64) image {
	start := pg << pageShift
	img := image{from: int32(len(in.images))}
	if start < in.ext.end() {
		c := in.ext.scan(start, min(start+pageSize, limit))
		for s, ok := c.next(); ok; s, ok = c.next() {
			in.images = append(in.images, s)
		}
		img.n = int32(len(in.images)) - img.from
	}
	return img
}

func (in *inode) image(m image) []span { return in.images[m.from : m.from+m.n] }

// beMapped turns a file that only grew into a mapped one: the pages above the durable length
// become dirty pages, as the syncs under way will find them.
func (in *inode) beMapped() {
	if in.mapped {
		return
	}
	in.mapped = true
	if in.durable >= in.size {
		return
	}
	in.index = map[int64]int32{}
	for pg := in.durable >> pageShift; pg<<pageShift < in.size; pg++ {
		start := pg << pageShift
		end := min(start+pageSize, in.size)
		d := dirtyPage{page: pg, epoch: in.epoch, pre: in.capture(pg, in.durable)}
		for _, f := range in.flights {
			if f.size >= end {
				d.epoch = f.epoch
				break
			}
			if f.size > start {
				in.addVersion(&d, f.epoch, in.capture(pg, f.size))
			}
		}
		in.index[pg] = int32(len(in.pages))
		in.pages = append(in.pages, d)
		if d.epoch == in.epoch {
			in.changed(pg)
		}
	}
}

// issue begins a sync of what the file holds now and returns its epoch with the bytes to write
// and the number of places where they go.
func (in *inode) issue(now Time) (epoch uint32, bytes, places int64) {
	if in.mapped {
		bytes, places = in.fresh*pageSize, in.runs
	} else {
		from := in.durable
		if n := len(in.flights); n > 0 {
			from = max(from, in.flights[n-1].size)
		}
		bytes, places = max(0, in.size-from), 1
	}
	in.fresh, in.runs = 0, 0
	epoch = in.epoch
	in.epoch++
	in.share()
	in.flights = append(in.flights, flight{epoch: epoch, size: in.size, at: now})
	return epoch, bytes, places
}

// abandon ends a sync that failed: nothing moved, and the next one has to write it again.
func (in *inode) abandon(epoch uint32) {
	in.flights = slices.DeleteFunc(in.flights, func(f flight) bool { return f.epoch == epoch })
	in.fresh = max(in.fresh, int64(len(in.pages)))
}

// complete moves the durability line to what the file held when the sync of that epoch was issued.
// became, if it is not nil, is told of each span of bytes that the platter has now, and what it had
// there.
func (in *inode) complete(epoch uint32, became func(s span, old []span)) {
	i := slices.IndexFunc(in.flights, func(f flight) bool { return f.epoch == epoch })
	if i < 0 {
		return // a later one that did not wait has done its work
	}
	f := in.flights[i]
	in.flights = slices.Delete(in.flights, 0, i+1)
	if in.shadowSize > 0 && in.shadowEpoch <= epoch {
		in.dropShadow()
	}
	if !in.mapped {
		if f.size > in.durable {
			if became != nil {
				in.each(in.durable, f.size, nil, became)
			}
			in.durable = f.size
		}
	} else {
		in.cleanPages(epoch, became)
		if in.shadowSize == 0 || f.size > in.durable {
			in.durable = f.size
		}
	}
	in.dirtySince = max(in.dirtySince, f.at)
}

// each visits the spans of a range of the page cache.
func (in *inode) each(from, to int64, old []span, visit func(s span, old []span)) {
	c := in.ext.scan(from, to)
	for s, ok := c.next(); ok; s, ok = c.next() {
		visit(s, old)
	}
}

func (in *inode) dropShadow() {
	in.ext.recycle(&in.shadow)
	in.shadowSize = 0
}

// cleanPages forgets the pages that a sync has written, and moves the line for those that changed
// after it was issued.
func (in *inode) cleanPages(epoch uint32, became func(s span, old []span)) {
	kept := in.pages[:0]
	images := in.scratch[:0]
	var vers []version
	clear(in.index)
	for _, d := range in.pages {
		start := d.page << pageShift
		if d.epoch <= epoch {
			if became != nil {
				in.each(start, start+pageSize, in.image(d.pre), became)
			}
			continue
		}
		var newer []version // oldest last
		pre := d.pre
		for v := d.vers; v > 0; v = in.vers[v-1].next {
			if in.vers[v-1].epoch <= epoch {
				pre = in.vers[v-1].img
				break
			}
			newer = append(newer, in.vers[v-1])
		}
		if became != nil && pre != d.pre {
			for _, s := range in.image(pre) {
				became(s, in.image(d.pre))
			}
		}
		d.pre, images = in.moveImage(pre, images)
		d.vers = 0
		for _, v := range slices.Backward(newer) {
			v.img, images = in.moveImage(v.img, images)
			v.next = d.vers
			vers = append(vers, v)
			d.vers = int32(len(vers))
		}
		in.index[d.page] = int32(len(kept))
		kept = append(kept, d)
	}
	in.pages, in.vers = kept, vers
	in.images, in.scratch = images, in.images[:0]
	in.hot = -1
}

func (in *inode) moveImage(m image, to []span) (image, []span) {
	from := int32(len(to))
	return image{from, m.n}, append(to, in.image(m)...)
}

// commit is the file system's journal: sizes that were set and truncations reach the platter
// without the data (ext4 commits its journal every 5 s).
func (in *inode) commit() {
	in.dropShadow()
	if in.mapped {
		in.durable = in.size
	}
}

// platter visits the durable content of [from, to) below the durable size, in order.
func (in *inode) platter(from, to int64, visit func(span)) {
	to = min(to, in.durable)
	walk := func(from, to int64) {
		c := in.ext.scan(from, to)
		for s, ok := c.next(); ok; s, ok = c.next() {
			visit(s)
		}
	}
	for _, d := range in.sortedPages() {
		start := d.page << pageShift
		end := start + pageSize
		if end <= from || start >= to {
			continue
		}
		walk(from, start)
		for _, s := range in.image(d.pre) {
			if s, ok := s.clip(max(from, start), min(to, end)); ok {
				visit(s)
			}
		}
		from = end
	}
	walk(from, to)
}

func (in *inode) sortedPages() []dirtyPage {
	pages := slices.Clone(in.pages)
	slices.SortFunc(pages, func(a, b dirtyPage) int { return cmp.Compare(a.page, b.page) })
	return pages
}

// truncate cuts or extends the file in the page cache.
func (in *inode) truncate(size int64) {
	if size > in.size { // ftruncate beyond the end: a hole
		in.beMapped()
		in.size = size
		return
	}
	if size < in.durable {
		in.shade(size)
	}
	for i := range in.flights {
		in.flights[i].size = min(in.flights[i].size, size)
	}
	if in.mapped && len(in.pages) > 0 {
		in.truncatePages(size)
	}
	in.ext.truncate(size)
	in.size = size
	in.blocks = in.countBlocks()
	in.coldTo = min(in.coldTo, size)
}

// shade remembers what the platter holds from size on, which is less than the durable size.
func (in *inode) shade(size int64) {
	if in.shadowSize == 0 {
		in.shadowSize = in.durable
	}
	if size == 0 && len(in.pages) == 0 && len(in.shadow.leaves) == 0 { // all of it: nothing is copied
		in.shadow.leaves, in.ext.leaves = in.ext.leaves, in.shadow.leaves
		in.shadow.truncate(in.durable)
	} else {
		var head extents
		in.platter(size, in.durable, func(s span) { head.push(s.off, s.ref) })
		in.shadow.leaves = append(head.leaves, in.shadow.leaves...)
	}
	in.shadowEpoch = in.epoch
	in.durable = size
}

// truncatePages forgets dirty pages from size on, and what is remembered of the page that size cuts.
func (in *inode) truncatePages(size int64) {
	clear(in.index)
	kept := in.pages[:0]
	for _, d := range in.pages {
		start := d.page << pageShift
		if start >= size {
			continue
		}
		if start+pageSize > size {
			d.pre = in.clipImage(d.pre, size)
			for v := d.vers; v > 0; v = in.vers[v-1].next {
				in.vers[v-1].img = in.clipImage(in.vers[v-1].img, size)
			}
		}
		in.index[d.page] = int32(len(kept))
		kept = append(kept, d)
	}
	in.pages, in.hot = kept, -1
}

func (in *inode) clipImage(m image, size int64) image {
	spans := in.image(m)
	n := int32(0)
	for _, s := range spans {
		if s, ok := s.clip(s.off, size); ok {
			spans[n] = s
			n++
		}
	}
	return image{m.from, n}
}

// newBlocks is how many more pages of the disk a write to [from, to) would take.
func (in *inode) newBlocks(from, to int64) int64 {
	first, last := from>>pageShift, (to-1)>>pageShift
	if end := in.ext.end(); from >= end {
		n := last - first + 1
		if end > first<<pageShift {
			n--
		}
		return n
	}
	n := int64(0)
	for pg := first; pg <= last; pg++ {
		c := in.ext.scan(pg<<pageShift, (pg+1)<<pageShift)
		if _, ok := c.next(); !ok {
			n++
		}
	}
	return n
}

func (in *inode) countBlocks() int64 {
	n, last := int64(0), int64(-1)
	for _, leaf := range in.ext.leaves {
		for _, s := range leaf {
			lo, hi := s.off>>pageShift, (s.end()-1)>>pageShift
			n += hi - max(lo, last+1) + 1
			last = hi
		}
	}
	return n
}

// Small writes share blocks that grow with the file, so that a file with few bytes takes few and a
// sequence of 20-byte entries becomes one span. A file has two blocks, so that a sequence stays one
// beside writes that go here and there.
const (
	minBlock = 64
	maxBlock = 16 << 10
)

// copyLane is a block of private bytes in use.
type copyLane struct {
	block  Ref
	used   uint32
	shared uint32 // bytes before this may be known elsewhere: to a reader, or as what a sync writes
	copied int64  // bytes that went through the lane
	end    int64  // offset in the file behind the last write
}

// copyIn makes an extent of b, which is to be the content from off on. Successive small writes get
// adjacent extents.
func (in *inode) copyIn(a *Arena, off int64, b []byte) Ref {
	n := uint32(len(b))
	if n >= maxBlock/4 {
		return a.Put(b)
	}
	i := in.lastLane
	if in.lanes[i].end != off {
		i = 1 - i
		in.lastLane = i
	}
	l := &in.lanes[i]
	if l.block.Len-l.used < n {
		size := max(minBlock, min(l.copied, maxBlock))
		l.block, _ = a.Alloc(int(max(size, int64(n))))
		l.used, l.shared = 0, 0
	}
	r := l.block.Slice(l.used, l.used+n)
	copy(a.Bytes(r), b)
	l.used += n
	l.copied += int64(n)
	l.end = off + int64(n)
	return r
}

// share says that others may know the private bytes from now on.
func (in *inode) share() {
	for i := range in.lanes {
		in.lanes[i].shared = in.lanes[i].used
	}
}

// overwrite changes bytes in place, if those at off are private and nobody has seen them: no reader,
// and no sync, as they are younger than the last one. Such bytes are in a page that is dirty already.
func (in *inode) overwrite(a *Arena, off int64, b []byte) bool {
	li, si := in.ext.find(off)
	if li == len(in.ext.leaves) {
		return false
	}
	s := in.ext.leaves[li][si]
	if s.off > off || s.end() < off+int64(len(b)) {
		return false
	}
	r := s.ref.Slice(uint32(off-s.off), uint32(off-s.off)+uint32(len(b)))
	for i := range in.lanes {
		l := &in.lanes[i]
		if r.Chunk == l.block.Chunk && r.Off >= l.block.Off+l.shared && r.end() <= uint64(l.block.Off+l.used) {
			copy(a.Bytes(r), b)
			return true
		}
	}
	return false
}
