package sim

import (
	"path"
	"strconv"
)

// DiskOps is a set of kinds of calls.
type DiskOps uint8

// Kinds of calls that a disk fault can hit. Changes of directories and sizes are writes. Stores
// through a mapping are no calls: only a full disk hits them.
const (
	OpRead DiskOps = 1 << iota
	OpWrite
	OpSync
	OpAll = OpRead | OpWrite | OpSync
)

// DiskFaultID names a fault that was put on a disk.
type DiskFaultID uint32

type faultKind uint8

const (
	faultSlow faultKind = iota
	faultStall
	faultError
	faultFull
	faultLie
)

// diskFault is one fault on a disk. Faults compose: each is looked at in order of arrival, and each
// is undone alone.
type diskFault struct {
	id      DiskFaultID
	kind    faultKind
	ops     DiskOps
	glob    string
	factor  int64 // thousandths
	latency Time
	ppm     uint64
	ballast int64
	touched uint64
}

// hits says whether a call of that kind on that path is one of the fault's. A glob is matched
// against the whole path and against the base name; the kernel's own work has the path "" and is
// hit by faults without a glob.
func (f *diskFault) hits(kind faultKind, op DiskOps, p string) bool {
	if f.kind != kind || f.ops&op == 0 {
		return false
	}
	if f.glob == "" || f.glob == "*" {
		return true
	}
	if ok, _ := path.Match(f.glob, p); ok {
		return true
	}
	ok, _ := path.Match(f.glob, base(p))
	return ok
}

func (d *Disk) addFault(f diskFault) DiskFaultID {
	d.lastID++
	f.id = d.lastID
	d.faults = append(d.faults, f)
	d.weigh()
	return f.id
}

// weigh sets the space that disk-full faults take: that of the one that takes most.
func (d *Disk) weigh() {
	d.ballast = 0
	for i := range d.faults {
		d.ballast = max(d.ballast, d.faults[i].ballast)
	}
}

// Slow makes calls take factor times as long (0 and 1: unchanged) and latency longer. A factor
// changes nothing where the call costs nothing, as reads from the page cache do.
func (d *Disk) Slow(ops DiskOps, glob string, factor int64, latency Time) DiskFaultID {
	return d.SlowMilli(ops, glob, 1000*factor, latency)
}

// SlowMilli is Slow with the factor in thousandths.
func (d *Disk) SlowMilli(ops DiskOps, glob string, milli int64, latency Time) DiskFaultID {
	return d.addFault(diskFault{kind: faultSlow, ops: ops, glob: glob, factor: max(milli, 1000), latency: latency})
}

// Stall makes calls not return before Undo. A synchronous call holds its caller's lane and what the
// caller sends; what it wrote is in the page cache. Syncs complete after Undo, in order.
func (d *Disk) Stall(ops DiskOps, glob string) DiskFaultID {
	return d.addFault(diskFault{kind: faultStall, ops: ops, glob: glob})
}

// Fail makes percent of calls answer ErrIO.
func (d *Disk) Fail(ops DiskOps, glob string, percent int) DiskFaultID {
	return d.FailShare(ops, glob, 10_000*int64(percent))
}

// FailShare is Fail with the share in millionths.
func (d *Disk) FailShare(ops DiskOps, glob string, ppm int64) DiskFaultID {
	return d.addFault(diskFault{kind: faultError, ops: ops, glob: glob, ppm: uint64(max(ppm, 0))})
}

// Lie makes syncs answer that all is well and do nothing. Nothing that is dirty reaches the platter.
func (d *Disk) Lie(glob string) DiskFaultID {
	return d.addFault(diskFault{kind: faultLie, ops: OpSync, glob: glob})
}

// Fill takes space until percent of the capacity is used. Of several such faults the one that takes
// most decides.
func (d *Disk) Fill(percent int) DiskFaultID {
	return d.LeaveFree(d.Spec.Capacity - Share(d.Spec.Capacity, 10_000*int64(percent)))
}

// Share is so many millionths of n, which is not negative.
func Share(n, ppm int64) int64 { return n/1_000_000*ppm + n%1_000_000*ppm/1_000_000 }

// LeaveFree takes space until only so many bytes are free.
func (d *Disk) LeaveFree(bytes int64) DiskFaultID {
	return d.addFault(diskFault{kind: faultFull, ballast: max(0, d.Spec.Capacity-bytes-d.used<<pageShift)})
}

// Undo takes a fault away. Calls that it stalled go on unless another fault stalls them. It answers
// how many calls the fault hit.
func (d *Disk) Undo(id DiskFaultID) (touched uint64) {
	for i := range d.faults {
		if d.faults[i].id != id {
			continue
		}
		f := d.faults[i]
		d.faults = append(d.faults[:i], d.faults[i+1:]...)
		if f.ballast > 0 {
			d.weigh()
			d.full = false
		}
		if f.kind == faultStall {
			d.release()
		}
		return f.touched
	}
	return 0
}

// Touched is how many calls a fault that still holds has hit.
func (d *Disk) Touched(id DiskFaultID) uint64 {
	for i := range d.faults {
		if d.faults[i].id == id {
			return d.faults[i].touched
		}
	}
	return 0
}

// Questions without side effects, for the proof that a fault took hold.

// WouldSlow is how much longer a call that costs that much would take now.
func (d *Disk) WouldSlow(op DiskOps, path string, cost Time) Time {
	extra := Time(0)
	for i := range d.faults {
		if f := &d.faults[i]; f.hits(faultSlow, op, path) {
			extra += f.extra(cost)
		}
	}
	return extra
}

// WouldStall says whether a call would not return now.
func (d *Disk) WouldStall(op DiskOps, path string) bool { return d.hit(faultStall, op, path) }

// WouldFail says whether a call could answer ErrIO now.
func (d *Disk) WouldFail(op DiskOps, path string) bool { return d.FailChance(op, path) > 0 }

// FailChance is the chance, in millionths, that a call answers ErrIO now.
func (d *Disk) FailChance(op DiskOps, path string) int64 {
	well := int64(1_000_000)
	for i := range d.faults {
		if f := &d.faults[i]; f.hits(faultError, op, path) {
			well = well * (1_000_000 - min(int64(f.ppm), 1_000_000)) / 1_000_000
		}
	}
	return 1_000_000 - well
}

// Match lists the files that a glob means, in order of path; "" and "*" are all.
func (d *Disk) Match(glob string) []string {
	all := diskFault{ops: OpRead, glob: glob}
	var out []string
	for _, p := range d.names.filePaths() {
		if all.hits(faultSlow, OpRead, p) {
			out = append(out, p)
		}
	}
	return out
}

// WouldLie says whether a sync of that file would do nothing.
func (d *Disk) WouldLie(path string) bool { return d.hit(faultLie, OpSync, path) }

// WouldRefuse says whether a write of that many new bytes would find the disk full.
func (d *Disk) WouldRefuse(bytes int64) bool { return !d.room((bytes + pageSize - 1) >> pageShift) }

func (d *Disk) hit(kind faultKind, op DiskOps, path string) bool {
	for i := range d.faults {
		if d.faults[i].hits(kind, op, path) {
			return true
		}
	}
	return false
}

func (f *diskFault) extra(cost Time) Time {
	return f.latency + cost/1000*Time(f.factor-1000) + cost%1000*Time(f.factor-1000)/1000
}

// enter is the beginning of a call by a process: its time, the faults that it meets.
func (d *Disk) enter(p *Proc, op DiskOps, path string, cost Time) error {
	if p == nil {
		return nil
	}
	if cost > 0 {
		p.Charge(cost)
	}
	if len(d.faults) == 0 {
		return nil
	}
	if extra := d.slowed(op, path, cost); extra > 0 {
		p.Charge(extra)
	}
	if d.stalled(op, path) {
		d.hold(p, op, path)
	}
	return d.fails(op, path)
}

// slowed is how much longer a call takes, counted as touched.
func (d *Disk) slowed(op DiskOps, path string, cost Time) Time {
	total := Time(0)
	for i := range d.faults {
		if f := &d.faults[i]; f.hits(faultSlow, op, path) {
			if extra := f.extra(cost); extra > 0 {
				total += extra
				f.touched++
			}
		}
	}
	return total
}

// stalled says whether the call does not return, counted as touched.
func (d *Disk) stalled(op DiskOps, path string) bool { return d.met(faultStall, op, path) }

// lies says whether a sync of that file does nothing, counted as touched.
func (d *Disk) lies(path string) bool { return d.met(faultLie, OpSync, path) }

func (d *Disk) met(kind faultKind, op DiskOps, path string) bool {
	met := false
	for i := range d.faults {
		if f := &d.faults[i]; f.hits(kind, op, path) {
			f.touched++
			met = true
		}
	}
	return met
}

// fails draws whether the call answers ErrIO.
func (d *Disk) fails(op DiskOps, path string) error {
	var err error
	for i := range d.faults {
		f := &d.faults[i]
		if f.hits(faultError, op, path) && (f.ppm >= 1_000_000 || d.rnd.Chance(f.ppm, 1_000_000)) {
			f.touched++
			err = ErrIO
		}
	}
	return err
}

// refused counts a write that found the disk full. The first one since there was room is an event
// of the host.
func (d *Disk) refused() {
	if !d.full {
		d.full = true
		d.w.Emit(d.Host, "disk-full", "", "disk "+strconv.Itoa(d.Index)+": no space left on device")
	}
	for i := range d.faults {
		if d.faults[i].kind == faultFull {
			d.faults[i].touched++
		}
	}
}

// heldCall is a synchronous call that does not return while a stall holds.
type heldCall struct {
	p    *Proc
	lane int
	op   DiskOps
	path string
}

func (d *Disk) hold(p *Proc, op DiskOps, path string) {
	d.held = append(d.held, heldCall{p, p.holdLane(), op, path})
}

// release lets go what no stall holds any longer: syncs go to the device in their order, calls return.
func (d *Disk) release() {
	parked, held := d.parked, d.held
	d.parked, d.held = nil, nil
	for _, i := range parked {
		if d.reqs[i].gen == d.gen {
			d.start(i, d.w.Now())
		} else {
			d.reqs[i] = syncReq{}
			d.spare = append(d.spare, i)
		}
	}
	for _, h := range held {
		if d.hit(faultStall, h.op, h.path) {
			d.held = append(d.held, h)
			continue
		}
		if h.op == OpSync && d.fails(OpSync, h.path) == nil && !d.lies(h.path) {
			d.names.persistDir(h.path) // the only call that waits with a sync in it is SyncDir
		}
		h.p.releaseLane(h.lane)
	}
}

// DamageKind is what Corrupt does to bytes.
type DamageKind uint8

// Kinds of damage.
const (
	DamageFlip     DamageKind = iota // one bit of each byte
	DamageZero                       // bytes become zero
	DamageTruncate                   // the file ends at the offset
	DamageDelete                     // the file is gone
)

// RandomOffset lets Corrupt draw the place.
const RandomOffset = -1

// Corrupt damages n bytes at off of every file that matches glob, in page cache and platter alike,
// as bit rot that the next read finds. It makes new extents, so that only this replica is hit. It
// answers how many files it hit; empty files and offsets beyond the end are not.
func (d *Disk) Corrupt(glob string, what DamageKind, off int64, n int64) (touched int) {
	for _, p := range d.Match(glob) {
		in := d.names.files[p]
		at := off
		if at == RandomOffset && in.size > 0 {
			at = int64(d.rnd.Below(uint64(in.size)))
		}
		if what == DamageDelete {
			d.remove(p, "damage")
			d.names.persistDir(parent(p))
			touched++
			continue
		}
		if at < 0 || at >= in.size {
			continue
		}
		d.damage(in, what, at, max(1, min(n, in.size-at)))
		touched++
	}
	return touched
}

func (d *Disk) damage(in *inode, what DamageKind, off, n int64) {
	if d.w.Watching() {
		d.seen = d.seen[:0]
		to := off + n
		if what == DamageTruncate {
			to = in.size
		}
		d.noteRange(in, off, to, nil, "damaged", in.path)
	}
	if what == DamageTruncate {
		(&File{d: d, in: in, gen: d.gen}).cut(off, "damage")
		in.dropShadow()
		return
	}
	refs, _ := (&File{d: d, in: in, gen: d.gen}).Read(off, int(n), nil)
	r, b := d.w.Arena.Alloc(int(n))
	if what == DamageFlip {
		b = b[:0]
		for _, old := range refs {
			b = append(b, d.w.Arena.Bytes(old)...)
		}
		for i := range b {
			b[i] ^= 1 << d.rnd.Below(8)
		}
	}
	d.took(in, in.newBlocks(off, off+n))
	in.ext.put(off, r)
	if d.dir != nil {
		d.dir.write(in, off, n)
	}
}
