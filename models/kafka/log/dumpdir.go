package log

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/mqsim/mqsim/models"
)

// knowsDir says what a folder is: one with segments is a partition, one with checkpoints or partitions a
// log directory.
func knowsDir(fsys fs.FS, name string) string {
	entries, err := fs.ReadDir(fsys, name)
	if err != nil {
		return ""
	}
	partitions := false
	for _, e := range entries {
		if k := kindOf(e.Name()); k != nil && !e.IsDir() {
			switch k {
			case kindLog, kindIndex, kindTimes, kindSnapshot, kindMetadata, kindsByName[epochFile], kindsByName[partitionFile]:
				return "Kafka partition directory"
			}
			return "Kafka log directory"
		}
		if _, _, ok := SplitPartitionDir(e.Name()); ok && e.IsDir() && knowsDir(fsys, path.Join(name, e.Name())) == "Kafka partition directory" {
			partitions = true
		}
	}
	if partitions {
		return "Kafka log directory"
	}
	return ""
}

// inspectDir prints what a folder holds and whether its files agree: each segment of a partition with its
// indexes, then the other files; for a log directory its checkpoints and each partition.
func inspectDir(in *models.Inspection) (damaged int, err error) {
	entries, err := fs.ReadDir(in.FS, in.Path)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		name := path.Join(in.Path, e.Name())
		if e.IsDir() {
			if knowsDir(in.FS, name) != "Kafka partition directory" {
				continue
			}
			fmt.Fprintf(in.Out, "%s\n", name)
			sub := *in
			sub.Path = name
			n, err := inspectDir(&sub)
			if damaged += n; err != nil {
				return damaged, err
			}
			continue
		}
		n, err := summary(in, e.Name())
		if damaged += n; err != nil {
			return damaged, err
		}
	}
	return damaged, nil
}

// summary is one line for a file, and one for each damage in it.
func summary(in *models.Inspection, base string) (damaged int, err error) {
	kind := kindOf(base)
	if kind == nil {
		return 0, nil
	}
	b, err := fs.ReadFile(in.FS, path.Join(in.Path, base))
	if err != nil {
		return 0, err
	}
	d := &dump{Inspection: in, name: base, b: b}
	switch kind {
	case kindLog:
		fmt.Fprintf(in.Out, "%s %d bytes", base, len(b))
		facts := *d
		silent := *in
		silent.Out = nowhere{}
		facts.Inspection = &silent
		f := facts.walk(nil)
		if f.batches > 0 {
			fmt.Fprintf(in.Out, ", offsets %d to %d, %s, %s", f.base, f.next-1, counted(int64(f.batches), "batch"), counted(f.records, "record"))
		}
		fmt.Fprintln(in.Out)
		d.walk(nil)
	case kindIndex, kindTimes, kindTxn:
		fmt.Fprintf(in.Out, "%s ", base)
		quiet := *in
		quiet.Max = 1
		d.Inspection, d.printed = &quiet, 1
		err = kind.dump(d)
	default:
		fmt.Fprintf(in.Out, "%s ", base)
		err = kind.dump(d)
	}
	return d.damaged, err
}
