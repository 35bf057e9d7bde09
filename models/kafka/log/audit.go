package log

import (
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// Scan visits every message in the whole, undamaged batches of the segments below dir, in order of
// path and position: a partition's directory, or a log directory with all its partitions. It reads
// what the files hold, whatever indexes and checkpoints say. It serves the audit after the end.
func Scan(fs *sim.FS, dir string, visit func(offset int64, body []byte)) {
	ScanPartitions(fs, dir, func(_ string, offset int64, body []byte) { visit(offset, body) })
}

// ScanPartitions is Scan with the path of the partition's directory.
func ScanPartitions(fs *sim.FS, dir string, visit func(partition string, offset int64, body []byte)) {
	v := &volume{FS: fs}
	for _, name := range fs.List(dir) {
		path := dir + "/" + name
		f := v.Open(path)
		if f == nil {
			ScanPartitions(fs, path, visit)
			continue
		}
		if strings.HasSuffix(name, logSuffix) {
			scanFile(v.arena(), f, func(offset int64, body []byte) { visit(dir, offset, body) })
		}
		f.Close()
	}
}

// scanFile visits the messages of one segment. A batch with a bad CRC is stepped over; behind
// something that is no batch nothing can be found.
func scanFile(a *sim.Arena, f *file, visit func(offset int64, body []byte)) {
	sc := scan(a, f, 0, f.Size(), nil)
	for sc.next() {
		if !sc.Valid() || sc.Header.Control() {
			continue
		}
		r := sc.Records()
		for r.Next() {
			visit(r.Record.Offset, r.Record.Value)
		}
	}
}
