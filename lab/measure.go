package lab

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// bench is one experiment under way. It has a directory of its own, which is removed after it.
type bench struct {
	ctx context.Context
	opt Options
	dir string
	out *Experiment
}

// plan is one measurement.
type plan struct {
	name  string
	bytes int64 // payload of one operation
	limit int64 // at most so many operations; 0: until the time is over
	extra []Value
	step  func(i int64) error
	// after belongs to the measurement: what must be done before the work counts as done.
	after func() error
}

// measure repeats a step until its time is over and records what it took. The clock is read after a
// batch of steps that doubles until it takes a twentieth of the time.
func (b *bench) measure(p plan) error {
	runtime.LockOSThread() // so that the thread's CPU time is that of the work
	defer runtime.UnlockOSThread()
	runtime.GC()
	var n int64
	cpu, start := cpuTime(), time.Now()
	for batch := int64(1); ; {
		for range batch {
			if p.limit > 0 && n == p.limit {
				break
			}
			if err := p.step(n); err != nil {
				return err
			}
			n++
		}
		if err := b.ctx.Err(); err != nil {
			return err
		}
		passed := time.Since(start)
		if passed >= b.opt.Time || p.limit > 0 && n >= p.limit {
			break
		}
		if passed < b.opt.Time/20 {
			batch *= 2
		}
	}
	if p.after != nil {
		if err := p.after(); err != nil {
			return err
		}
	}
	passed, used := time.Since(start), cpuTime()-cpu
	b.add(p.name, n, p.bytes, passed, used, p.extra...)
	return nil
}

// add records a figure.
func (b *bench) add(name string, n, bytes int64, passed, cpu time.Duration, extra ...Value) {
	b.out.Rows = append(b.out.Rows, Row{
		Name: name, Ops: n, Bytes: bytes, Extra: extra,
		Nanos: float64(passed.Nanoseconds()) / float64(n),
		CPU:   float64(cpu.Nanoseconds()) / float64(n),
	})
}

// note limits what the figures mean.
func (b *bench) note(en, zh string) { b.out.Notes = append(b.out.Notes, Text{En: en, Zh: zh}) }

// file creates a file of the experiment.
func (b *bench) file(name string) (*os.File, error) { return os.Create(filepath.Join(b.dir, name)) }

// filled creates a file of n bytes that do not compress and brings it to the disk.
func (b *bench) filled(name string, n int64) (*os.File, error) {
	f, err := b.file(name)
	if err != nil {
		return nil, err
	}
	buf := noise(1 << 20)
	for left := n; left > 0; left -= int64(len(buf)) {
		if err := b.ctx.Err(); err != nil {
			f.Close()
			return nil, err
		}
		if _, err := f.Write(buf[:min(int64(len(buf)), left)]); err != nil {
			f.Close()
			return nil, err
		}
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// draws is a small generator (SplitMix64): every run of the lab reads and writes the same places.
type draws uint64

func (d *draws) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (d *draws) below(n int64) int64 { return int64(d.next() % uint64(n)) }

// noise are n bytes that do not compress.
func noise(n int) []byte {
	var d draws
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(d.next())
	}
	return out
}
