package faults

import (
	"fmt"
	"slices"

	"github.com/mqsim/mqsim/sim"
)

// disks are those of a host that a fault means: one by its number, else all.
func disks(s *Spec, h *sim.Host) []*sim.Disk {
	if s.Disk < 0 {
		return h.Disks
	}
	if s.Disk < len(h.Disks) {
		return h.Disks[s.Disk : s.Disk+1]
	}
	return nil
}

// diskOps are the kinds of calls that ops: names; none means all.
func diskOps(words []string) sim.DiskOps {
	var ops sim.DiskOps
	for _, w := range words {
		switch w {
		case "read":
			ops |= sim.OpRead
		case "write":
			ops |= sim.OpWrite
		case "sync":
			ops |= sim.OpSync
		}
	}
	if ops == 0 {
		return sim.OpAll
	}
	return ops
}

// eachOp visits the kinds in a set.
func eachOp(ops sim.DiskOps, visit func(sim.DiskOps)) {
	for _, op := range []sim.DiskOps{sim.OpRead, sim.OpWrite, sim.OpSync} {
		if ops&op != 0 {
			visit(op)
		}
	}
}

// probe is the cost of the call that questions about slowness are asked for.
const probe = sim.Millisecond

// trouble sums up what calls on the files of a glob meet on some disks now: extra time, stalls, errors and
// lies. Whether a disk fault took hold is whether this grew.
func trouble(list []*sim.Disk, ops sim.DiskOps, glob string) (sum int64) {
	for _, d := range list {
		paths := d.Match(glob)
		if wild(glob) {
			paths = append(paths, "") // the kernel's own work, and files to come
		}
		for _, p := range paths {
			eachOp(ops, func(op sim.DiskOps) {
				sum += int64(d.WouldSlow(op, p, probe)) + d.FailChance(op, p)
				if d.WouldStall(op, p) {
					sum++
				}
			})
			if ops&sim.OpSync != 0 && d.WouldLie(p) {
				sum++
			}
		}
	}
	return sum
}

func wild(glob string) bool { return glob == "" || glob == "*" }

// onDisks puts a fault on every disk that s means and asks the world whether it holds.
func onDisks(s *Spec, t target, ops sim.DiskOps, put func(*sim.Disk) sim.DiskFaultID) *effect {
	list := disks(s, t.hosts[0])
	if text := lacksFile(s, t.hosts[0], list); text != "" {
		return &effect{text: text, undo: nothing}
	}
	before := trouble(list, ops, s.Path)
	ids := make([]sim.DiskFaultID, len(list))
	for i, d := range list {
		ids[i] = put(d)
	}
	took := trouble(list, ops, s.Path) > before
	return diskEffect(list, ids, took)
}

// lacksFile says why no call can be hit: the host has no such disk, or no file of that name.
func lacksFile(s *Spec, h *sim.Host, list []*sim.Disk) string {
	if len(list) == 0 {
		return fmt.Sprintf("%s has no disk %d", h.Name, s.Disk)
	}
	if wild(s.Path) || slices.ContainsFunc(list, func(d *sim.Disk) bool { return len(d.Match(s.Path)) > 0 }) {
		return ""
	}
	return fmt.Sprintf("no file of %s matches %s at this moment", h.Name, s.Path)
}

// diskEffect is a fault in force on some disks. What did not take hold was there before.
func diskEffect(list []*sim.Disk, ids []sim.DiskFaultID, took bool) *effect {
	var touched int64
	return &effect{
		took: took, absorbed: !took,
		undo: func(*sim.Range) {
			for i, d := range list {
				touched += int64(d.Undo(ids[i]))
			}
			ids = nil
		},
		touched: func() int64 {
			n := touched
			for i, id := range ids {
				n += int64(list[i].Touched(id))
			}
			return n
		},
	}
}

func diskSlow(_ *Injector, s *Spec, t target) *effect {
	ops := diskOps(s.Ops)
	return onDisks(s, t, ops, func(d *sim.Disk) sim.DiskFaultID { return d.SlowMilli(ops, s.Path, s.Factor, s.Latency) })
}

func diskStall(_ *Injector, s *Spec, t target) *effect {
	ops := diskOps(s.Ops)
	return onDisks(s, t, ops, func(d *sim.Disk) sim.DiskFaultID { return d.Stall(ops, s.Path) })
}

func diskError(_ *Injector, s *Spec, t target) *effect {
	ops := diskOps(s.Ops)
	return onDisks(s, t, ops, func(d *sim.Disk) sim.DiskFaultID { return d.FailShare(ops, s.Path, s.PPM) })
}

func diskLie(_ *Injector, s *Spec, t target) *effect {
	return onDisks(s, t, sim.OpSync, func(d *sim.Disk) sim.DiskFaultID { return d.Lie(s.Path) })
}

// diskFull fills a disk up to a share of its size or until so much is free. A disk that has less room
// already absorbs it.
func diskFull(_ *Injector, s *Spec, t target) *effect {
	list := disks(s, t.hosts[0])
	if len(list) == 0 {
		return &effect{text: lacksFile(s, t.hosts[0], list), undo: nothing}
	}
	took := false
	ids := make([]sim.DiskFaultID, len(list))
	for i, d := range list {
		before := d.Used()
		free := s.Free
		if s.Fill >= 0 {
			free = d.Spec.Capacity - sim.Share(d.Spec.Capacity, s.Fill)
		}
		ids[i] = d.LeaveFree(free)
		took = took || d.Used() > before
	}
	return diskEffect(list, ids, took)
}

var damageKinds = map[string]sim.DamageKind{"flip": sim.DamageFlip, "zero": sim.DamageZero, "truncate": sim.DamageTruncate, "delete": sim.DamageDelete}

// diskCorrupt damages files once; nothing undoes it.
func diskCorrupt(_ *Injector, s *Spec, t target) *effect {
	list := disks(s, t.hosts[0])
	if text := lacksFile(s, t.hosts[0], list); text != "" {
		return &effect{text: text, undo: nothing, once: true}
	}
	hit := 0
	for _, d := range list {
		hit += d.Corrupt(s.Path, damageKinds[s.What], s.Offset, s.Bytes)
	}
	e := &effect{took: hit > 0, undo: nothing, once: true, touched: func() int64 { return int64(hit) }}
	if hit == 0 {
		e.text = "the files are empty, or end before the offset"
	}
	return e
}
