package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/mqsim/mqsim/sim"
)

// TestTranscripts runs the stories in testdata: one broker with one store, commands that the broker
// or the world would give it, and what the store then says. Regenerate with -rewrite and read the diff.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/store", func(t *testing.T, path string) {
		s := &story{t: t}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			handler := commands[d.Cmd]
			if handler == nil {
				d.Fatalf(t, "unknown command %s", d.Cmd)
			}
			s.out.Reset()
			s.d = d
			handler(s)
			return s.out.String()
		})
	})
}

// story is the state of one transcript.
type story struct {
	t     *testing.T
	d     *datadriven.TestData
	r     *rig
	out   strings.Builder
	token int
	fault sim.DiskFaultID
}

var commands = map[string]func(s *story){
	"new": (*story).create, "put": (*story).put, "get": (*story).get, "wait": (*story).wait, "kill": (*story).kill,
	"power-loss": (*story).powerLoss, "stop": (*story).stop, "start": (*story).start, "fault": (*story).disk, "heal": (*story).heal,
	"corrupt": (*story).corrupt, "remove": (*story).remove, "files": (*story).files,
}

func (s *story) num(name string, missing int64) int64 {
	v := missing
	s.d.MaybeScanArgs(s.t, name, &v)
	return v
}

func (s *story) printf(format string, args ...any) { fmt.Fprintf(&s.out, format, args...) }

// status is the line that most commands end with, after what the broker was told meanwhile.
func (s *story) status() {
	if len(s.r.answers) > 0 {
		s.printf("answers: %s\n", strings.Join(s.r.answers, " "))
	}
	s.r.answers, s.r.arrived = nil, nil
	st := s.r.s()
	s.printf("log [%d, %d) flushed=%d dispatched=%d checkpoint-age=%s", st.MinOffset(), st.MaxOffset(), st.FlushedOffset(), st.DispatchedTo(), s.age())
	if st.Stuck() >= 0 {
		s.printf(" stuck=%d", st.Stuck())
	}
	for _, q := range st.Queues() {
		s.printf(" %s/%d=[%d, %d)", q.Topic, q.ID, q.Min(), q.Max())
		if q.Next() != q.Max() {
			s.printf(" next=%d", q.Next())
		}
	}
	s.printf("\n")
}

// age is how far the checkpoint's time is behind the clock, to the second.
func (s *story) age() string {
	if s.r.s().cp.min() == 0 {
		return "none"
	}
	return fmt.Sprintf("%ds", (s.r.b.p.Wall()-s.r.s().cp.min())/1000)
}

// new file=BYTES flush=sync|async role=slave: a broker with an empty disk.
func (s *story) create() {
	o := smallOptions()
	o.FileSize = s.num("file", o.FileSize)
	if s.d.HasArg("sync") {
		o.FlushDisk = SyncFlush
	}
	if s.d.HasArg("report-fsync") {
		o.FsyncErrors = true
	}
	if s.d.HasArg("flushed-only") {
		o.DispatchFlushed = true
	}
	s.r = newRig(s.t, 1, o)
	s.token = 0
	s.r.start()
	s.status()
}

// put [topic=T] [queue=Q] [size=BYTES] [times=N] [every=MS]: messages; with SYNC_FLUSH each waits.
func (s *story) put() {
	topic := "T"
	s.d.MaybeScanArgs(s.t, "topic", &topic)
	for range s.num("times", 1) {
		m := s.r.message(topic, int32(s.num("queue", 0)), int(s.num("size", 100)), nil)
		s.r.do(func(st *Store) {
			p := st.Put(&m)
			s.printf("%v", p.Status)
			if p.Status.Stored() {
				s.token++
				s.printf(" #%d at %d, %s/%d@%d", s.token, p.Offset, topic, p.QueueID, p.QueueOffset)
				if st.group.on {
					st.AwaitFlush(p.End(), uint32(s.token))
				}
			}
			s.printf("\n")
		})
		s.r.wait(sim.Time(s.num("every", 0)) * sim.Millisecond)
	}
	s.status()
}

// get [topic=T] [queue=Q] offset=O
func (s *story) get() {
	topic := "T"
	s.d.MaybeScanArgs(s.t, "topic", &topic)
	var g Get
	s.r.s().Get(topic, int32(s.num("queue", 0)), s.num("offset", 0), 32, nil, &g)
	s.printf("%v count=%d bytes=%d next=%d\n", g.Status, g.Count, g.Bytes, g.Next)
}

// wait MS
func (s *story) wait() {
	s.r.wait(sim.Time(s.num("ms", 0)) * sim.Millisecond)
	s.status()
}

func (s *story) kill() { s.r.kill(); s.recovered() }

// power-loss [all]
func (s *story) powerLoss() {
	kind := sim.CrashNone
	if s.d.HasArg("all") {
		kind = sim.CrashAll
	}
	s.r.power(kind)
	s.recovered()
}

func (s *story) stop() { s.r.stop() }

func (s *story) start() { s.r.start(); s.recovered() }

func (s *story) recovered() {
	s.printf("%+v\n", s.r.rec)
	s.status()
}

// fault stall|fail|full: of the disk; heal ends it.
func (s *story) disk() {
	d := s.r.host.Disk(0)
	switch {
	case s.d.HasArg("stall"):
		s.fault = d.Stall(sim.OpSync, "**")
	case s.d.HasArg("fail"):
		s.fault = d.Fail(sim.OpSync, "**", 100)
	case s.d.HasArg("full"):
		s.fault = d.Fill(int(s.num("full", 100)))
	}
}

func (s *story) heal() { s.r.host.Disk(0).Undo(s.fault) }

// corrupt file=NAME at=OFFSET: zeros four bytes.
func (s *story) corrupt() {
	name := ""
	s.d.ScanArgs(s.t, "file", &name)
	f := s.r.host.Disk(0).FS().Open("store/" + name)
	f.Store(s.num("at", 0), make([]byte, 4))
}

// remove path=PATH
func (s *story) remove() {
	name := ""
	s.d.ScanArgs(s.t, "path", &name)
	if err := s.r.host.Disk(0).FS().Remove("store/"+name, "test"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) files() {
	fs := s.r.host.Disk(0).FS()
	var walk func(dir, name string)
	walk = func(dir, name string) {
		if f := fs.Open(dir); f != nil {
			s.printf("%s %d\n", name, f.Size())
			return
		}
		for _, n := range fs.List(dir) {
			walk(dir+"/"+n, strings.TrimPrefix(name+"/"+n, "/"))
		}
	}
	walk("store", "")
}
