package sim

import (
	"errors"
	"strconv"
)

// DiskSpec describes a disk and the cost of its calls.
type DiskSpec struct {
	// Write is the time of one call that writes to the page cache or changes a directory.
	Write Time
	// Fsync is the time of one sync, without the bytes that it has to write.
	Fsync Time
	// Bandwidth in bytes per second of syncs, write-back and reads that miss the page cache; 0:
	// unlimited.
	Bandwidth int64
	// RandomAccess is added for each further place that a sync writes to, and for each read that
	// misses the page cache and does not continue the one before.
	RandomAccess Time
	// Capacity in bytes; 0: DefaultCapacity.
	Capacity int64
}

// DefaultCapacity is the size of a disk whose spec names none (an assumption).
const DefaultCapacity = 1_000_000_000_000

// What calls on files answer.
var (
	// ErrNoSpace is ENOSPC: the disk is full. Nothing was written.
	ErrNoSpace = errors.New("no space left on device")
	// ErrIO is EIO. A write that failed wrote nothing; what a sync did not write stays dirty.
	ErrIO = errors.New("input/output error")
	// ErrNotExist is ENOENT.
	ErrNotExist = errors.New("no such file or directory")
	// ErrBadPath is EISDIR or ENOTDIR: the name of a directory, or a path through a file.
	ErrBadPath = errors.New("is a directory, or a file where a directory should be")
	// ErrStaleFile is answered by handles that are closed or from before a power loss.
	ErrStaleFile = errors.New("file handle is closed or stale")
)

// DiskStats counts what a disk has done since the world began.
type DiskStats struct {
	Written int64 // bytes that programs wrote or stored
	Syncs   int64 // Sync, SyncNow and SyncDir calls; write-back by the kernel is not counted
	Busy    Time  // device time used by syncs, write-back and reads that missed the page cache
}

// Disk is one disk of a host with its file system and the page cache in front of it.
//
// A write goes to the page cache: it survives the death of the process. A sync moves it to the
// platter: it survives a power loss. What nobody syncs is written back by the kernel: data that is
// dirty for 30 s by a flusher that wakes every 5 s (vm.dirty_expire_centisecs and
// vm.dirty_writeback_centisecs), directory entries, truncations and sizes that were set in advance
// by the journal's commit every 5 s (ext4 commit=5). Dirty ratios do not throttle writers.
type Disk struct {
	Host  *Host
	Index int
	Spec  DiskSpec
	Stats DiskStats

	w    *World
	node NodeID
	rnd  *Rand // draws of faults
	gen  uint32

	names  namespace
	nextID uint32
	used   int64 // pages of all files
	full   bool  // a write was refused, and no space was freed since
	zeros  Ref   // what holes read as

	free  Time // when the device is done with what is queued
	reqs  []syncReq
	spare []uint32
	phase Time
	armed bool
	dirty []*inode // for the flusher, in order of first change
	meta  []*inode // for the journal
	sizes uint64   // changes of size so far
	seen  []MsgID  // scratch of notes

	faults  []diskFault
	lastID  DiskFaultID
	ballast int64      // space that disk-full faults take
	parked  []uint32   // syncs that wait for the end of a stall
	held    []heldCall // calls that do

	dir *dirBacking // nil: memory
}

func newDisk(h *Host, index int, spec DiskSpec) *Disk {
	w := h.W
	label := "disk/" + h.Name + "/" + strconv.Itoa(index)
	d := &Disk{Host: h, Index: index, Spec: spec, w: w, rnd: w.Rand(label + "/faults"), names: newNamespace()}
	if d.Spec.Capacity <= 0 {
		d.Spec.Capacity = DefaultCapacity
	}
	d.phase = w.Rand(label).Range(0, flushInterval-1)
	d.node = w.K.AddNode(d)
	if w.DataDir != "" {
		d.dir = newDirBacking(d)
	}
	return d
}

// Disk is the host's i-th disk.
func (h *Host) Disk(i int) *Disk { return h.Disks[i] }

// FS is the file system without a process: nothing is charged, no fault is met. It serves the
// audit after the end, tests, and damage.
func (d *Disk) FS() *FS { return &FS{d: d} }

// open is the file system as process p sees it.
func (d *Disk) open(p *Proc) *FS { return &FS{d: d, p: p} }

// Used is the space that files take, and what disk-full faults take of it.
func (d *Disk) Used() int64 { return d.used<<pageShift + d.ballast }

// room says whether n more pages fit.
func (d *Disk) room(pages int64) bool {
	return pages <= 0 || d.Used()+pages<<pageShift <= d.Spec.Capacity
}

// took accounts for the pages of in after a change of its content.
func (d *Disk) took(in *inode, pages int64) {
	in.blocks += pages
	if !in.gone {
		d.used += pages
	}
}

// transfer is the time that bytes take on the device.
func (d *Disk) transfer(bytes int64) Time {
	if d.Spec.Bandwidth <= 0 || bytes <= 0 {
		return 0
	}
	sec, rest := bytes/d.Spec.Bandwidth, bytes%d.Spec.Bandwidth
	return Time(sec)*Second + mulDiv(rest, int64(Second), d.Spec.Bandwidth)
}

// occupy queues work on the device, not before earliest, and returns its end.
func (d *Disk) occupy(earliest, cost Time) Time {
	d.free = max(d.free, earliest) + cost
	d.Stats.Busy += cost
	return d.free
}

// noteRange writes a line into the biography of each watched message with bytes in [from, to) of
// in that are not also in old.
func (d *Disk) noteRange(in *inode, from, to int64, old []span, what, detail string) {
	c := in.ext.scan(from, to)
	for s, ok := c.next(); ok; s, ok = c.next() {
		d.noteDiff(s, old, what, detail)
	}
}

func (d *Disk) noteDiff(s span, old []span, what, detail string) {
	for i, o := range old {
		p, ok := o.clip(s.off, s.end())
		if !ok || p.ref != s.ref.Slice(uint32(p.off-s.off), uint32(p.end()-s.off)) {
			continue
		}
		if left, ok := s.clip(s.off, p.off); ok {
			d.noteDiff(left, old[i+1:], what, detail)
		}
		if right, ok := s.clip(p.end(), s.end()); ok {
			d.noteDiff(right, old[i+1:], what, detail)
		}
		return
	}
	d.noteRef(s.ref, what, detail)
}

// noteRef writes one line for each watched message in r, but not the same twice in one action
// (seen is cleared where an action begins).
func (d *Disk) noteRef(r Ref, what, detail string) {
	d.w.Arena.Marked(r, func(id MsgID) {
		for _, s := range d.seen {
			if s == id {
				return
			}
		}
		d.seen = append(d.seen, id)
		d.w.Note(id, what, d.Host, detail)
	})
}
