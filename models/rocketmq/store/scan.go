package store

import (
	"strings"

	"github.com/mqsim/mqsim/sim"
)

// Scan visits every whole, undamaged record in the commit log of a store directory, by walking the
// records of each file, whatever queues and checkpoint say. A record whose body has the wrong CRC is
// stepped over; behind something that is no record nothing can be found in that file. It serves the
// audit after the end. off is where the record is; the record and body are valid during the call.
func Scan(fs *sim.FS, dir string, visit func(off int64, r *Record, body []byte)) {
	v := &volume{FS: fs}
	scanLog(v, dir+"/commitlog", 0, visit)
	for _, name := range v.List(dir) {
		if strings.HasPrefix(name, "dledger-") {
			scanLog(v, dir+"/"+name+"/data", EntryHeader, visit)
		}
	}
}

func scanLog(v *volume, log string, head int64, visit func(off int64, r *Record, body []byte)) {
	for _, name := range v.List(log) {
		from, ok := offsetOf(name)
		f := v.Open(log + "/" + name)
		if !ok || f == nil {
			continue
		}
		_, _, err := scanRecords(v.arena(), f, f.Size(), false, head, func(pos int64, c *Cursor) {
			if body := c.BodyBytes(); bodyCRC(body) == c.Record.CRC || len(body) == 0 {
				visit(from+pos, &c.Record, body)
			}
		})
		f.Close()
		if err != nil {
			return
		}
	}
}
