package sim

import (
	"math/bits"
	"slices"
)

// The kernel's write-back and the journal: see Disk.
const (
	flushInterval = 5 * Second
	dirtyExpire   = 30 * Second
)

// Kinds of the disk's events.
const (
	diskDone  uint16 = iota // a sync or a write-back is done; Arg: index into reqs
	diskFlush               // the flusher and the journal wake
)

// syncReq is a sync or a write-back of one file.
type syncReq struct {
	sizes uint64 // changes of size when it was issued
	in    *inode
	p     *Proc // nil: write-back
	arg   uint32
	epoch uint32
	gen   uint32
	cost  Time
	lane  int  // > 0: the process waits in SyncNow with its lane held
	begun bool // it was on the device
}

// Sync asks for the file's bytes as they are now to be made durable and returns at once;
// Program.Synced(arg, err) follows when they are. Bytes that are written meanwhile stay dirty.
// Syncs of a disk are done one after the other. The name of a new file is SyncDir's business.
func (f *File) Sync(arg uint32) {
	if f.p == nil {
		panic("sim: Sync without a process: " + f.path)
	}
	if !f.ok() {
		f.p.synced(f.p.Now(), arg, ErrStaleFile)
		return
	}
	f.d.Stats.Syncs++
	f.d.submit(syncReq{in: f.in, p: f.p, arg: arg}, f.p.Now()+f.p.debt)
}

// SyncNow makes the file's bytes durable and holds the caller's lane until they are. In the world
// they count as durable at once: a power loss while the caller waits does not take them. On a
// stalled disk the call does not return (what the caller sends from now on is held), nothing is
// durable before the stall ends, and the answer here means nothing.
func (f *File) SyncNow() error {
	if !f.ok() {
		return ErrStaleFile
	}
	d, in, p := f.d, f.in, f.p
	if p == nil {
		epoch, _, _ := in.issue(d.w.Now())
		d.settle(in, epoch)
		return nil
	}
	d.Stats.Syncs++
	now := p.Now() + p.debt
	if d.stalled(OpSync, in.path) {
		d.submit(syncReq{in: in, p: p, lane: p.holdLane()}, now)
		return nil
	}
	cost, epoch := d.cost(in, d.Spec.Fsync, now)
	d.wait(p, cost)
	if err := d.fails(OpSync, in.path); err != nil {
		in.abandon(epoch)
		return err
	}
	d.land(in, epoch, d.sizes)
	return nil
}

// cost issues a sync and says how long the device needs for it.
func (d *Disk) cost(in *inode, fixed, now Time) (Time, uint32) {
	epoch, bytes, places := in.issue(now)
	cost := fixed + d.transfer(bytes)
	if places > 1 {
		cost += Time(places-1) * d.Spec.RandomAccess
	}
	return cost + d.slowed(OpSync, in.path, cost), epoch
}

// submit queues a sync on the device, or parks it while a stall holds.
func (d *Disk) submit(r syncReq, now Time) {
	fixed := d.Spec.Fsync
	if r.p == nil {
		fixed = 0
	}
	r.cost, r.epoch = d.cost(r.in, fixed, now)
	r.gen = d.gen
	r.sizes = d.sizes
	var i uint32
	if n := len(d.spare); n > 0 {
		i = d.spare[n-1]
		d.spare = d.spare[:n-1]
		d.reqs[i] = r
	} else {
		i = uint32(len(d.reqs))
		d.reqs = append(d.reqs, r)
	}
	d.start(i, now)
}

func (d *Disk) start(i uint32, now Time) {
	r := &d.reqs[i]
	if d.stalled(OpSync, r.in.path) {
		d.parked = append(d.parked, i)
		return
	}
	end := now
	if !r.begun {
		end = d.occupy(now, r.cost)
		r.begun = true
	}
	d.w.K.At(end, d.node, diskDone, i)
}

// Handle fires the disk's own events.
func (d *Disk) Handle(e Event) {
	if e.Kind == diskFlush {
		d.flush()
		return
	}
	r := &d.reqs[e.Arg]
	if r.gen == d.gen && d.stalled(OpSync, r.in.path) { // a stall began while it was on the device
		d.parked = append(d.parked, e.Arg)
		return
	}
	done := *r
	*r = syncReq{}
	d.spare = append(d.spare, e.Arg)
	if done.gen != d.gen {
		return // the power went
	}
	err := d.fails(OpSync, done.in.path)
	if err != nil {
		done.in.abandon(done.epoch)
		d.later(done.in)
	} else {
		d.land(done.in, done.epoch, done.sizes)
	}
	switch {
	case done.lane > 0:
		done.p.releaseLane(done.lane)
	case done.p != nil:
		done.p.syncedNow(done.arg, err)
	}
}

// land ends a sync that the device answered: if it did not lie, the line moves.
func (d *Disk) land(in *inode, epoch uint32, sizes uint64) {
	if d.lies(in.path) {
		in.abandon(epoch)
		d.later(in)
		return
	}
	d.settle(in, epoch)
	d.commitCuts(sizes)
}

// commitCuts: a sync commits the journal's transaction that ran when it was issued, so every file
// that was cut on this file system before stays cut, whichever file was synced (ext4 with
// data=ordered). Without it a truncation could come undone although what was written after it
// survived. upTo counts changes of size.
func (d *Disk) commitCuts(upTo uint64) {
	for _, in := range d.meta {
		if in.resizedAt <= upTo {
			in.dropShadow()
		}
	}
}

func (d *Disk) settle(in *inode, epoch uint32) {
	if d.w.Watching() {
		d.seen = d.seen[:0]
		in.complete(epoch, func(s span, old []span) { d.noteDiff(s, old, "synced", in.path) })
	} else {
		in.complete(epoch, nil)
	}
	d.later(in)
}

// wrote follows every change of a file's content.
func (d *Disk) wrote(in *inode, off, n int64) {
	d.Stats.Written += n
	if !in.queued || in.dirtySince < 0 {
		d.later(in)
	}
	if d.dir != nil {
		d.dir.write(in, off, n)
	}
	if d.w.Watching() {
		d.seen = d.seen[:0]
		d.noteRange(in, off, off+n, nil, "written", in.path)
	}
}

// resized follows every change of a file's size that writes no bytes.
func (d *Disk) resized(in *inode) {
	d.sizes++
	in.resizedAt = d.sizes
	if !in.pending {
		in.pending = true
		d.meta = append(d.meta, in)
		d.arm()
	}
	if !in.queued || in.dirtySince < 0 {
		d.later(in)
	}
	if d.dir != nil {
		d.dir.resize(in)
	}
}

// later puts a file that is dirty into the flusher's list.
func (d *Disk) later(in *inode) {
	if in.clean() {
		in.dirtySince = -1
		return
	}
	if in.dirtySince < 0 {
		in.dirtySince = d.w.Now()
	}
	if !in.queued {
		in.queued = true
		d.dirty = append(d.dirty, in)
		d.arm()
	}
}

// arm makes the flusher wake at its next turn. It sleeps while nothing is dirty, so that idle
// files and idle disks cost nothing.
func (d *Disk) arm() {
	if d.armed {
		return
	}
	d.armed = true
	now := d.w.Now()
	next := (now-d.phase)/flushInterval*flushInterval + d.phase
	for next <= now {
		next += flushInterval
	}
	d.w.K.At(next, d.node, diskFlush, 0)
}

// flush is one turn of the kernel: the journal commits, and files that are dirty for too long are
// written back whole (as Linux does once an inode's oldest dirty page has expired).
func (d *Disk) flush() {
	d.armed = false
	now := d.w.Now()
	if !d.WouldStall(OpSync, "") && !d.WouldLie("") {
		d.journal()
	}
	rest := d.dirty[:0]
	var expired []*inode
	for _, in := range d.dirty {
		switch {
		case in.gone || in.clean():
			in.queued = false
		case now-in.dirtySince >= dirtyExpire:
			in.queued, in.dirtySince = false, -1 // what is written from now on is a new beginning
			expired = append(expired, in)
		default:
			rest = append(rest, in)
		}
	}
	clear(d.dirty[len(rest):])
	d.dirty = rest
	for _, in := range expired {
		d.submit(syncReq{in: in}, now)
	}
	if len(d.dirty) > 0 || len(d.meta) > 0 || len(d.names.ops) > 0 {
		d.arm()
	}
}

// journal brings names and sizes to the platter.
func (d *Disk) journal() {
	d.names.persistAll()
	for _, in := range d.meta {
		in.pending = false
		in.commit()
	}
	clear(d.meta)
	d.meta = d.meta[:0]
}

// readCold charges for bytes that the page cache does not hold, because the machine booted since
// they were written.
func (d *Disk) readCold(p *Proc, in *inode, off, to int64) {
	to = min(to, in.coldTo)
	if to <= in.cold {
		return // read before
	}
	cost := Time(0)
	if off > in.cold {
		cost = d.Spec.RandomAccess
	} else {
		off = in.cold
		in.cold = to
	}
	d.wait(p, cost+d.transfer(to-off))
	if in.cold >= in.coldTo {
		in.cold, in.coldTo = 0, 0
	}
}

// mulDiv is a*b/c for a < c, without overflow.
func mulDiv(a, b, c int64) Time {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, _ := bits.Div64(hi, lo, uint64(c))
	return Time(q)
}

// inodes lists files once each, in order of creation.
func inodes(paths []string, names map[string]*inode) []*inode {
	list := make([]*inode, 0, len(paths))
	for _, p := range paths {
		list = append(list, names[p])
	}
	slices.SortFunc(list, func(a, b *inode) int { return int(a.id) - int(b.id) })
	return list
}
