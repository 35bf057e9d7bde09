package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/mqsim/mqsim/result"
)

// Options are how a run of the lab is done. The zero value is a full run in the system's temporary
// directory.
type Options struct {
	Dir     string        // where files are made, in a directory of their own that is removed; "": os.TempDir
	Size    int64         // bytes that one measurement may write or read; 0: 256 MiB, quick 16 MiB
	Time    time.Duration // how long one measurement may take; 0: 1 s, quick 100 ms
	Reserve int64         // bytes that stay free on the disk; 0: a twentieth of it, at least 1 GiB
	Quick   bool          // fewer points, smaller files: everything in less than 20 s
	Only    []string      // ids of experiments; none: all
}

// ErrSpace: the disk has too little room for the run.
var ErrSpace = errors.New("not enough room on the disk")

// ErrInput: an option makes no sense.
var ErrInput = errors.New("bad option")

// ErrUnavailable: the operating system does not have what a figure needs.
var ErrUnavailable = errors.New("not available on " + runtime.GOOS)

// experiment is an entry of the list.
type experiment struct {
	id            string
	title, lesson Text
	run           func(*bench) error
}

// IDs are the names of the experiments in their order.
func IDs() []string {
	var out []string
	for _, e := range experiments() {
		out = append(out, e.id)
	}
	return out
}

// experiments are all of them, in the order in which they build on each other.
func experiments() []experiment {
	return []experiment{access, syncs, batches, indexes, lookups, sends, topics, checksums, compression, engines}
}

func (o Options) withDefaults() Options {
	pick := func(quick, full int64) int64 {
		if o.Quick {
			return quick
		}
		return full
	}
	if o.Dir == "" {
		o.Dir = os.TempDir()
	}
	if o.Size == 0 {
		o.Size = pick(16<<20, 256<<20)
	}
	if o.Time == 0 {
		o.Time = time.Duration(pick(int64(100*time.Millisecond), int64(time.Second)))
	}
	return o
}

// smallest is the least Options.Size with which every experiment has something to do.
const smallest = 1 << 20

// Run does the experiments one after the other. progress, if not nil, is told which one begins. Whatever
// the outcome, also when ctx ends, the files are gone when it returns.
func Run(ctx context.Context, o Options, progress func(id string)) (*Result, error) {
	o = o.withDefaults()
	if o.Size < smallest {
		return nil, fmt.Errorf("%w: the size must be at least %d bytes", ErrInput, smallest)
	}
	chosen, err := choose(o.Only)
	if err != nil {
		return nil, err
	}
	if err := o.room(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.Dir, "mqsim-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := &Result{Schema: Schema, Version: result.Version, Quick: o.Quick, Machine: Machine{
		OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(), CPUs: runtime.NumCPU(), Memory: memory(), Dir: o.Dir}}
	for _, e := range chosen {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := o.room(); err != nil { // somebody else may be writing too
			return nil, err
		}
		if progress != nil {
			progress(e.id)
		}
		out, err := e.measure(ctx, o, filepath.Join(dir, e.id))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.id, err)
		}
		r.Experiments = append(r.Experiments, *out)
	}
	return r, nil
}

func (e experiment) measure(ctx context.Context, o Options, dir string) (*Experiment, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, opt: o, dir: dir, out: &Experiment{ID: e.id, Title: e.title, Lesson: e.lesson}}
	err := e.run(b)
	return b.out, err
}

func choose(only []string) ([]experiment, error) {
	all := experiments()
	if len(only) == 0 {
		return all, nil
	}
	var out []experiment
	for _, id := range only {
		found := false
		for _, e := range all {
			if e.id == id {
				out, found = append(out, e), true
			}
		}
		if !found {
			return nil, fmt.Errorf("%w: no experiment %q; there are %v", ErrInput, id, IDs())
		}
	}
	return out, nil
}

// room checks that twice the size of a measurement, which is the most that an experiment holds at once
// with its small files, leaves the reserve free. Where the system does not tell, nothing is checked.
func (o Options) room() error {
	free, total, err := diskSpace(o.Dir)
	if errors.Is(err, ErrUnavailable) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o.Dir, err)
	}
	reserve := o.Reserve
	if reserve == 0 {
		reserve = max(1<<30, total/20)
	}
	if need := 2*o.Size + 64<<20; free-need < reserve {
		return fmt.Errorf("%w: %s has %d MiB free, the run needs %d MiB and leaves %d MiB (see --dir, --size, --reserve)",
			ErrSpace, o.Dir, free>>20, need>>20, reserve>>20)
	}
	return nil
}
