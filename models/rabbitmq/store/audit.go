package store

import (
	"errors"
	"strings"

	"github.com/mqsim/mqsim/sim"
)

var (
	errFlush = errors.New("rabbitmq store: the index cannot be written")
	errBody  = errors.New("rabbitmq store: a message of the per-queue store cannot be read")
)

// Scan visits every whole message in the files of a machine: journals and segments of all queues with
// their embedded messages, and both shared stores, whether or not anything still refers to it. queue is
// the name that the directory says, "" for the shared stores.
func Scan(fs *sim.FS, a *sim.Arena, visit func(queue string, body []byte)) {
	for _, base := range fs.List(queuesDir) {
		dir := queuesDir + "/" + base
		queue := stubQueue(fs, a, dir)
		embedded := func(_ uint64, p pub) {
			if p.embedded && p.whole {
				visit(queue, a.Bytes(p.m.body))
			}
		}
		for _, name := range fs.List(dir) {
			if _, segment := segmentNumber(name); segment {
				scanFile(fs, a, dir+"/"+name, func(r *reader) { scanSegment(r, maxSegmentEntries, embedded, func(uint64) {}) })
			} else if _, bodies := body2Number(name); bodies {
				scanFile(fs, a, dir+"/"+name, func(r *reader) {
					if head2(r, bodies2Magic) {
						scanBodies2(r, func(_ int64, m stored) { visit(queue, a.Bytes(m.body)) })
					}
				})
			} else if name == journalName {
				scanFile(fs, a, dir+"/"+name, func(r *reader) { scanJournal(r, embedded, func(uint64, uint64) {}) })
			}
		}
	}
	for _, store := range []string{storePersistent, storeTransient} {
		for _, name := range fs.List(Base + "/" + store) {
			if !strings.HasSuffix(name, rdqSuffix) && !strings.HasSuffix(name, tmpSuffix) {
				continue
			}
			scanFile(fs, a, Base+"/"+store+"/"+name, func(r *reader) {
				scanRdq(r, func(id uint64, _, size int64, body *reader) {
					if m, ok := decode(body, size-rdqHead-1); ok && m.id == id {
						visit("", a.Bytes(m.body))
					}
				})
			})
		}
	}
}

func scanFile(fs *sim.FS, a *sim.Arena, path string, scan func(r *reader)) {
	f := fs.Open(path)
	if f == nil {
		return
	}
	defer f.Close()
	if r, err := read(a, f, 0, f.Size()); err == nil {
		scan(&r)
	}
}
