package log

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/mqsim/mqsim/sim"
)

// TestTranscripts runs the stories in testdata: one broker with one log, commands that a replica or
// the world would give it, and what the files then hold. Regenerate with -rewrite and read the diff.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/log", func(t *testing.T, path string) {
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
	t   *testing.T
	d   *datadriven.TestData
	r   *rig
	out strings.Builder
}

var commands = map[string]func(s *story){
	"new": (*story).create, "append": (*story).append, "follow": (*story).follow, "read": (*story).read,
	"truncate": (*story).truncate, "epoch": (*story).epoch, "end-offset-for": (*story).endOffsetFor, "hw": (*story).hw,
	"checkpoint": (*story).checkpoint, "flush": (*story).flush, "wait": (*story).wait, "kill": (*story).kill,
	"power-loss": (*story).powerLoss, "stop": (*story).stop, "start": (*story).start, "corrupt": (*story).corrupt,
	"dump": (*story).dump, "producers": (*story).producers, "cat": (*story).cat, "full": (*story).full,
	"retain": (*story).retain, "put": (*story).put, "clean": (*story).clean, "records": (*story).records, "age": (*story).age,
}

func (s *story) num(name string, missing int64) int64 {
	v := missing
	s.d.MaybeScanArgs(s.t, name, &v)
	return v
}

func (s *story) printf(format string, args ...any) { fmt.Fprintf(&s.out, format, args...) }

// status is the line that most commands end with.
func (s *story) status() {
	l := s.r.log()
	s.printf("[%d, %d) hw=%d recovery-point=%d epoch=%d segments=%d bytes=%d\n",
		l.start, l.end, l.hw, l.recovery, l.LatestEpoch(), len(l.segments), l.Size())
}

// new segment=BYTES interval=BYTES index=BYTES flush=MESSAGES
func (s *story) create() {
	o := DefaultOptions()
	o.SegmentBytes = s.num("segment", o.SegmentBytes)
	o.IndexInterval = s.num("interval", o.IndexInterval)
	o.IndexBytes = s.num("index", o.IndexBytes)
	o.FlushMessages = s.num("flush", o.FlushMessages)
	o.RetentionMillis = s.num("retention-ms", o.RetentionMillis)
	o.RetentionBytes = s.num("retention-bytes", o.RetentionBytes)
	o.Compact = s.d.HasArg("compact")
	o.Delete = !o.Compact || s.d.HasArg("delete")
	o.DeleteRetention = s.num("delete-retention-ms", o.DeleteRetention)
	o.MinCompactionLag = s.num("min-lag-ms", o.MinCompactionLag)
	o.MaxCompactionLag = s.num("max-lag-ms", o.MaxCompactionLag)
	s.r = newRig(s.t, 1, o)
	s.r.start()
	s.status()
}

// append [n=RECORDS] [size=BYTES] [times=N] [epoch=E] [pid=P pepoch=E seq=S]: batches of a client, at
// the leader. size is that of the value.
func (s *story) append() {
	n, size, pid := int(s.num("n", 1)), int(s.num("size", 100)), s.num("pid", None)
	seq := int32(s.num("seq", None))
	for range s.num("times", 1) {
		b := s.r.idempotent(n, size, pid, int16(s.num("pepoch", min(pid, 0))), seq)
		s.r.do(func(l *Log) {
			a, err := l.AppendAsLeader(b, int32(s.num("epoch", 0)), s.r.now)
			switch {
			case err != nil:
				s.printf("%v\n", err)
			case a.Duplicate:
				s.printf("duplicate of %d-%d\n", a.First, a.Last)
			default:
				s.printf("%d-%d at %d\n", a.First, a.Last, l.active().size()-a.Bytes)
			}
		})
		if seq != None {
			seq += int32(n)
		}
	}
	s.status()
}

// follow, with lines BASE RECORDS EPOCH: a fetch response with these batches, at the follower.
func (s *story) follow() {
	var refs []sim.Ref
	for _, line := range strings.Split(s.d.Input, "\n") {
		var base int64
		var n int
		var epoch int32
		if _, err := fmt.Sscan(line, &base, &n, &epoch); err != nil {
			s.t.Fatal(line, err)
		}
		b := restamp(&s.r.w.Arena, s.r.batch(n, 100), base, epoch)
		refs = append(refs, b.Header, b.Records)
	}
	s.r.do(func(l *Log) {
		a, err := l.AppendAsFollower(refs, s.r.now)
		if err != nil {
			s.printf("%v\n", err)
			return
		}
		s.printf("%d-%d, %d records\n", a.First, a.Last, a.Records)
	})
	s.status()
}

// read offset=O [max=BYTES] [upto=O] [minone=false]
func (s *story) read() {
	s.r.do(func(l *Log) {
		minOne := true
		s.d.MaybeScanArgs(s.t, "minone", &minOne)
		f, err := l.Read(s.num("offset", 0), int(s.num("max", 1<<20)), s.num("upto", l.End()), minOne, nil)
		if err != nil {
			s.printf("%v\n", err)
			return
		}
		s.printf("%d batches, %d bytes, next %d", f.Batches, f.Bytes, f.Next)
		c := NewCursor(l.d.arena, f.Refs)
		for c.Next() {
			s.printf(" [%d-%d e%d]", c.Header.BaseOffset(), c.Header.LastOffset(), c.Header.LeaderEpoch())
		}
		s.printf("\n")
	})
}

// truncate to=O
func (s *story) truncate() {
	s.r.do(func(l *Log) {
		n, err := l.TruncateTo(s.num("to", 0), WhyTruncated, s.r.now)
		if err != nil {
			s.printf("%v\n", err)
		}
		s.printf("%d offsets\n", n)
	})
	s.status()
}

// epoch e=E: the replica becomes leader of epoch E.
func (s *story) epoch() {
	s.r.do(func(l *Log) {
		if err := l.AssignEpoch(int32(s.num("e", 0)), l.End()); err != nil {
			s.printf("%v\n", err)
		}
		s.printf("%v\n", l.epochs.entries)
	})
}

// end-offset-for epoch=E
func (s *story) endOffsetFor() {
	e, o := s.r.log().EndOffsetFor(int32(s.num("epoch", 0)))
	s.printf("(%d, %d)\n", e, o)
}

// hw to=O
func (s *story) hw() {
	s.r.log().SetHighWatermark(s.num("to", 0))
	s.status()
}

// checkpoint: what the broker's timers write.
func (s *story) checkpoint() {
	s.r.do(func(l *Log) {
		for _, err := range []error{l.d.CheckpointHighWatermarks(), l.d.CheckpointRecoveryPoints(), l.d.CheckpointLogStarts()} {
			if err != nil {
				s.printf("%v\n", err)
			}
		}
	})
}

func (s *story) flush() {
	s.r.do(func(l *Log) {
		if err := l.FlushNow(); err != nil {
			s.printf("%v\n", err)
		}
	})
	s.status()
}

// wait ms=N
func (s *story) wait() {
	s.r.wait(sim.Time(s.num("ms", 10)) * sim.Millisecond)
	s.status()
}

func (s *story) opened() {
	if s.r.err != nil {
		s.printf("%v: %v\n", s.r.err, s.r.b.d)
		return
	}
	rec := s.r.rec
	s.printf("clean=%v scanned=%d in %d segments, cut=%d", s.r.b.d.Clean(), rec.Scanned, rec.Segments, rec.Cut)
	if rec.Offsets != None {
		s.printf(" at offset %d", rec.Offsets)
	}
	s.printf("\n")
	s.status()
}

// kill: kill -9, and a new process.
func (s *story) kill() {
	s.r.kill()
	s.opened()
}

// power-loss kind=typical|none|all|prefix|pages
func (s *story) powerLoss() {
	word := ""
	s.d.MaybeScanArgs(s.t, "kind", &word)
	kind, _ := sim.CrashKindNamed(word)
	s.r.power(kind)
	s.opened()
}

func (s *story) stop() { s.r.stop() }

func (s *story) start() {
	s.r.start()
	s.opened()
}

// corrupt file=GLOB at=OFFSET: one flipped bit.
func (s *story) corrupt() {
	var name string
	s.d.ScanArgs(s.t, "file", &name)
	s.printf("%d files\n", s.r.host.Disk(0).Corrupt(name, sim.DamageFlip, s.num("at", 0), 1))
}

// full: the disk has no space left.
func (s *story) full() { s.r.host.Disk(0).LeaveFree(0) }

// dump: segments with their index entries, and all files.
func (s *story) dump() {
	l := s.r.log()
	for _, g := range l.segments {
		s.printf("segment %d: %d bytes, offsets", g.base, g.size())
		sc := scan(l.d.arena, g.file, 0, g.size(), nil)
		for sc.next() {
			s.printf(" %d-%d@%d", sc.Header.BaseOffset(), sc.Header.LastOffset(), sc.filePos())
		}
		s.printf("\n")
		for _, e := range g.index.entries {
			s.printf("  index %d -> %d\n", g.base+int64(e.rel), e.pos)
		}
		for _, e := range g.times.entries {
			s.printf("  time +%d -> %d\n", e.timestamp-1700000000000, g.base+int64(e.rel))
		}
	}
	fs := s.r.host.Disk(0).FS()
	for _, name := range fs.List(l.path) {
		s.printf("%s %d\n", name, fs.Open(l.path+"/"+name).Size())
	}
}

func (s *story) producers() {
	for _, e := range s.r.log().producers.sorted() {
		s.printf("pid %d epoch %d:", e.id, e.epoch)
		for _, m := range e.window[:e.n] {
			s.printf(" seq %d-%d at %d-%d", m.firstSeq(), m.lastSeq, m.firstOffset(), m.lastOffset)
		}
		s.printf("\n")
	}
}

// cat file=NAME: a text file of the log directory.
func (s *story) cat() {
	var name string
	s.d.ScanArgs(s.t, "file", &name)
	b, ok, err := readText(s.r.b.d.fs, dataDir+"/"+name)
	if !ok || err != nil {
		s.printf("absent %v\n", err)
		return
	}
	s.out.Write(b)
}

// retain [age=MS]: retention, that long after the newest record's timestamp.
func (s *story) retain() {
	s.r.do(func(l *Log) {
		n, err := l.DeleteOldSegments(s.r.now + s.num("age", 0))
		if err != nil {
			s.printf("%v\n", err)
		}
		s.printf("%d segments deleted\n", n)
	})
	s.status()
}

// put [pid=P seq=S], with lines of KEY=VALUE: each line is a batch, "KEY=" is a tombstone.
func (s *story) put() {
	pid, seq := s.num("pid", None), int32(s.num("seq", None))
	for _, line := range strings.Split(s.d.Input, "\n") {
		n := int32(0)
		s.r.now += 10
		for _, kv := range strings.Fields(line) {
			key, value, _ := strings.Cut(kv, "=")
			if value == "" {
				s.r.build.Add(s.r.now, []byte(key), nil)
			} else {
				s.r.build.Add(s.r.now, []byte(key), []byte(value), RecordHeader{Key: "h", Value: []byte{1}})
			}
			n++
		}
		b := s.r.build.Build(pid, int16(min(pid, 0)), seq)
		if seq != None {
			seq += n
		}
		s.r.do(func(l *Log) {
			if _, err := l.AppendAsLeader(b, 0, s.r.now); err != nil {
				s.printf("%v\n", err)
			}
			l.SetHighWatermark(l.End())
		})
	}
	s.status()
}

// age ms=N: time passes for timestamps.
func (s *story) age() { s.r.now += s.num("ms", 0) }

// clean [keys=N]: a round of the cleaner.
func (s *story) clean() {
	s.r.do(func(l *Log) {
		opt := DefaultCleanerOptions()
		opt.Keys = int(s.num("keys", int64(opt.Keys)))
		c, err := NewManager([]*Dir{l.d}).Clean(opt, s.r.now)
		switch {
		case err != nil:
			s.printf("%v\n", err)
		case c.Log == nil:
			s.printf("nothing to clean\n")
		default:
			s.printf("read %d, wrote %d, clean up to %d\n", c.Read, c.Written, l.cleanedTo)
		}
	})
	s.status()
}

// records: all that can be read, batch by batch.
func (s *story) records() {
	l := s.r.log()
	for at := l.Start(); at < l.End(); {
		f, err := l.Read(at, 1<<20, l.End(), true, nil)
		if err != nil || f.Batches == 0 {
			s.printf("%v\n", err)
			return
		}
		for c := NewCursor(l.d.arena, f.Refs); c.Next(); {
			h := c.Header
			s.printf("%d-%d", h.BaseOffset(), h.LastOffset())
			if !c.Valid() {
				s.printf(" CRC")
			}
			if t, ok := h.DeleteHorizon(); ok {
				s.printf(" horizon=+%d", t-1700000000000)
			}
			if h.ProducerID() != None {
				s.printf(" pid=%d seq=%d", h.ProducerID(), h.BaseSequence())
			}
			for r := c.Records(); r.Next(); {
				s.printf(" %d:%s=%s@%d", r.Record.Offset, r.Record.Key, r.Record.Value, r.Record.Timestamp-1700000000000)
				if r.Record.Headers() > 0 {
					k, v := r.Record.Header(0)
					s.printf("(%s %x)", k, v)
				}
			}
			s.printf("\n")
		}
		at = f.Next
	}
}
