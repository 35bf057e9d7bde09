package store

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// The record of the table in CommitLog.MessageExtEncoder, field by field, made by hand. The CRC-32 of
// "hello" is 3610A686.
const vector = "" +
	"0000006c" + "daa320a7" + "3610a686" + "00000003" + "00000007" + // total 108, magic, crc, queue, flag
	"0000000000000000" + "0000000000000000" + "00000000" + // queue offset, physical offset, sysflag
	"0000018bcfe56801" + "c0a80002" + "00001f90" + // born 1700000000001 at 192.168.0.2:8080
	"0000018bcfe56800" + "0a000001" + "00002a9f" + // stored 1700000000000 at 10.0.0.1:10911
	"00000002" + "0000000000000009" + // reconsumed, prepared
	"00000005" + "68656c6c6f" + // hello
	"05" + "546f706963" + // Topic
	"0007" + "54414753014102" // TAGS 01 A 02

func TestRecordVector(t *testing.T) {
	r := newRig(t, 1, smallOptions())
	r.start()
	var p Put
	r.do(func(s *Store) {
		p = s.Put(&Message{Topic: "Topic", QueueID: 3, Flag: 7, BornTimestamp: 1700000000001, BornHost: Addr{[4]byte{192, 168, 0, 2}, 8080},
			Reconsume: 2, Prepared: 9, Body: s.a.Put([]byte("hello")), Properties: []byte("TAGS\x01A\x02")})
	})
	if p.Status != PutOK || p.Size != 108 || p.End() != 108 {
		t.Fatalf("%+v", p)
	}
	b := make([]byte, 108)
	f := r.host.Disk(0).FS().Open("store/commitlog/00000000000000000000")
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(b); got != vector {
		t.Errorf("got\n%s, want\n%s", got, vector)
	}
	r.wait(2 * sim.Millisecond)
	f = r.host.Disk(0).FS().Open("store/consumequeue/Topic/3/00000000000000000000")
	b = b[:EntrySize]
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(b); got != "0000000000000000"+"0000006c"+"0000000000000041" {
		t.Errorf("entry %s", got)
	}
	if r.arrived[0] != "Topic/3 next=1 tags=65" {
		t.Error(r.arrived)
	}
	if id := MessageID(r.opt.StoreHost, 108); id != "0A00000100002A9F000000000000006C" {
		t.Error(id)
	} else if host, off, ok := ParseMessageID(id); host != r.opt.StoreHost || off != 108 || !ok {
		t.Error(host, off, ok)
	}
}

func TestTagsCode(t *testing.T) {
	for tag, want := range map[string]int64{"": 0, "TagA": 2598919, "order-cancelled": -1183187353} { //mqsim:unordered each on its own
		h := int32(0)
		for _, c := range tag {
			h = h*31 + c
		}
		if got := TagsCode([]byte(tag)); got != int64(h) || tag == "TagA" && got != want {
			t.Errorf("%q: %d", tag, got)
		}
	}
}

// The blank record at a file's end is eight bytes; the next message begins with the next file.
func TestRollOver(t *testing.T) {
	r := newRig(t, 1, smallOptions())
	r.start()
	var last Put
	for range 20 {
		last = r.put("T", 0, 1000, nil)
	}
	size := int64(Overhead + 1 + 1000)
	if last.Offset != 2*r.opt.FileSize+(20-14-1)*size {
		t.Errorf("%+v", last)
	}
	var b [8]byte
	f := r.host.Disk(0).FS().Open(fileName("store/commitlog", 0))
	_, _ = f.ReadAt(b[:], 7*size)
	if got := hex.EncodeToString(b[:]); got != hex.EncodeToString([]byte{0, 0, byte((8192 - 7*size) >> 8), byte(8192 - 7*size)})+"cbd43194" {
		t.Errorf("blank %s", got)
	}
	r.wait(2 * sim.Millisecond)
	want := r.logged()
	if got := r.queued("T", 0); len(got) != 20 || !slices.Equal(got, want) {
		t.Errorf("%v\n%v", got, want)
	}
	// file 3 was made ahead
	if names := r.host.Disk(0).FS().List("store/commitlog"); len(names) != 4 {
		t.Errorf("%v", names)
	}
	// a record must leave room for the blank record
	if p := r.put("T", 0, int(r.opt.FileSize)-Overhead-1-7, nil); p.Status != MessageIllegal {
		t.Errorf("%+v", p)
	}
	if p := r.put("T", 0, int(r.opt.FileSize)-Overhead-1-8, nil); p.Status != PutOK {
		t.Errorf("%+v", p)
	}
}

// Dispatch by what Put remembered and by the bytes of the log gives the same queues.
func TestDispatchByBytes(t *testing.T) {
	files := func(forget bool) (out []string) {
		r := newRig(t, 3, smallOptions())
		r.start()
		for i := range 60 {
			props := AppendProperty(nil, PropTags, strings.Repeat("x", i%5))
			if i%7 == 0 {
				props = AppendProperty(props, PropDelay, "3")
			}
			r.put("T", int32(i%3), 100+17*i, props)
			if forget {
				r.s().pending = r.s().pending[:0]
				r.s().pendingAt = 0
			}
		}
		r.wait(5 * sim.Millisecond)
		fs := r.host.Disk(0).FS()
		for _, q := range r.s().Queues() {
			for _, n := range fs.List(q.files.dir) {
				b := make([]byte, r.opt.QueueFileSize)
				_, _ = fs.Open(q.files.dir+"/"+n).ReadAt(b, 0)
				out = append(out, q.files.dir+"/"+n+" "+hex.EncodeToString(b))
			}
		}
		return out
	}
	if a, b := files(false), files(true); !slices.Equal(a, b) || len(a) < 4 {
		t.Errorf("%d and %d files differ", len(a), len(b))
	}
}

// A slave stores frames that cut records anywhere, dispatches whole records only, and shares bodies.
func TestFramesCutRecords(t *testing.T) {
	for _, frame := range []int{1, 7, 100, 1000, 32 << 10} {
		m := newRig(t, 1, smallOptions())
		m.start()
		for i := range 30 {
			m.put("T", int32(i%2), 700, AppendProperty(nil, PropTags, "a"))
		}
		m.wait(2 * sim.Millisecond)
		opt := smallOptions()
		opt.Role = Slave
		s := newRig(t, 2, opt)
		s.w.Arena = m.w.Arena // one world's bytes
		s.start()
		max := m.s().MaxOffset()
		var refs []sim.Ref
		for at := int64(0); at < max; {
			var n int
			refs, n = m.s().ReadRange(at, frame, refs[:0])
			if n == 0 {
				t.Fatalf("nothing at %d of %d", at, max)
			}
			s.do(func(st *Store) {
				if !st.PutRaw(at, refs) || st.MaxOffset() != at+int64(n) {
					t.Fatalf("frame at %d: %d", at, st.MaxOffset())
				}
				if n := st.Queue("T", 0); n != nil && at%97 == 0 {
					st.reput()
				}
			})
			at += int64(n)
		}
		s.wait(2 * sim.Millisecond)
		for id := range int32(2) {
			if a, b := m.queued("T", id), s.queued("T", id); !slices.Equal(a, b) || len(a) != 15 {
				t.Errorf("frame %d: %d and %d messages", frame, len(a), len(b))
			}
		}
		if len(s.arrived) != 0 || s.s().Stuck() != -1 {
			t.Errorf("arrived %v, stuck %d", s.arrived, s.s().Stuck())
		}
		if p := s.put("T", 0, 10, nil); p.Status != ServiceNotAvailable {
			t.Errorf("a slave took a put: %v", p.Status)
		}
	}
}

// A blank slave gets the newest file only: its first queue entry is at a later offset, and the slots
// before it are filled.
func TestPrefill(t *testing.T) {
	m := newRig(t, 1, smallOptions())
	m.start()
	for range 30 {
		m.put("T", 0, 700, nil)
	}
	opt := smallOptions()
	opt.Role = Slave
	s := newRig(t, 2, opt)
	s.w.Arena = m.w.Arena
	s.start()
	from := m.s().LastFileStart()
	refs, _ := m.s().ReadRange(from, 1<<20, nil)
	s.do(func(st *Store) { st.PutRaw(from, refs) })
	s.wait(2 * sim.Millisecond)
	q := s.s().Queue("T", 0)
	if q.Min() != 20 || q.Max() != 30 || s.s().MinOffset() != from {
		t.Errorf("[%d, %d)", q.Min(), q.Max())
	}
	var g Get
	s.s().Get("T", 0, 3, 32, nil, &g)
	if g.Status != OffsetTooSmall || g.Next != 3 { // slaves do not correct
		t.Errorf("%v next %d", g.Status, g.Next)
	}
	s.kill()
	q = s.s().Queue("T", 0)
	if q.Min() != 20 || q.Max() != 30 || q.Next() != 30 {
		t.Errorf("after a kill [%d, %d)", q.Min(), q.Max())
	}
}

func TestDelayed(t *testing.T) {
	r := newRig(t, 1, smallOptions())
	r.start()
	p := r.put("T", 1, 50, AppendProperty(nil, PropDelay, "99"))
	r.wait(2 * sim.Millisecond)
	q := r.s().Queue(ScheduleTopic, 17)
	e, _ := q.Entry(0)
	if p.QueueID != 17 || e.TagsCode != p.StoreTime+2*3600_000 {
		t.Errorf("%+v %+v", p, e)
	}
	var c Cursor
	if !r.s().Record(p.Offset, &c) {
		t.Fatal("no record")
	}
	topic, _ := Property(c.Record.Properties, PropRealTopic)
	id, _ := Property(c.Record.Properties, PropRealQueue)
	level, _ := Property(c.Record.Properties, PropDelay)
	if string(topic) != "T" || string(id) != "1" || string(level) != "18" {
		t.Errorf("%q", c.Record.Properties)
	}
}

// With transientStorePool a kill loses what was not committed; nobody has seen it.
func TestPool(t *testing.T) {
	o := smallOptions()
	o.PoolEnable = true
	r := newRig(t, 1, o)
	r.start()
	r.put("T", 0, 100, nil)
	r.wait(250 * sim.Millisecond)
	if got := r.queued("T", 0); len(got) != 1 {
		t.Fatalf("%v", got)
	}
	for range 12 {
		r.put("T", 0, 1000, nil)
	}
	r.wait(5 * sim.Millisecond)
	if r.s().MaxOffset() >= r.s().WroteOffset() || r.s().Queue("T", 0).Max() != 1 || r.s().Queue("T", 0).Next() != 13 {
		t.Errorf("max %d, wrote %d", r.s().MaxOffset(), r.s().WroteOffset())
	}
	r.kill()
	if got := r.queued("T", 0); len(got) != 1 || r.s().Queue("T", 0).Next() != 1 {
		t.Errorf("%v", got)
	}
	for range 20 {
		r.put("T", 0, 1000, nil)
		r.wait(100 * sim.Millisecond)
	}
	r.wait(sim.Second)
	if got := r.queued("T", 0); len(got) != 21 || r.s().PoolDeficient() {
		t.Errorf("%v", got)
	}
}

// Truncation leaves the bytes: a second crash can bring old records back if the new ones line up.
func TestOldRecordsComeBack(t *testing.T) {
	r := newRig(t, 1, smallOptions())
	r.start()
	for range 5 {
		r.put("T", 0, 500, nil)
	}
	r.wait(20 * sim.Second)
	size := int64(Overhead + 1 + 500)
	damage := func(at int64) {
		f := r.host.Disk(0).FS().Open(fileName("store/commitlog", 0))
		f.Store(at+4, []byte{0})
	}
	damage(2 * size)
	r.kill()
	if got := r.queued("T", 0); len(got) != 2 || r.rec.End != 2*size {
		t.Fatalf("%v %+v", got, r.rec)
	}
	r.put("T", 0, 500, nil) // lines up with the old fourth
	r.wait(2 * sim.Millisecond)
	r.kill()
	got := r.queued("T", 0)
	if len(got) != 5 || !strings.HasSuffix(got[2], "p0-5") || !strings.HasSuffix(got[3], "p0-3") {
		t.Errorf("%v", got)
	}
}

func TestIndex(t *testing.T) {
	o := smallOptions()
	o.IndexEnable, o.IndexSlots, o.IndexEntries = true, 7, 20
	r := newRig(t, 1, o)
	r.start()
	at := map[string]int64{}
	for i := range 30 {
		key := strings.Repeat("k", i%9+1)
		p := r.put("T", 0, 50, AppendProperty(nil, PropKeys, key))
		at[key] = p.Offset
	}
	r.wait(100 * sim.Millisecond)
	check := func() {
		t.Helper()
		for key, off := range at { //mqsim:unordered each on its own
			if got := r.s().Lookup("T", key, 1); len(got) != 1 || got[0] != off {
				t.Errorf("%s: %v, want %d", key, got, off)
			}
		}
	}
	check()
	if n := len(r.s().index.files); n != 2 || r.s().cp.index == 0 {
		t.Errorf("%d files, checkpoint %d", n, r.s().cp.index)
	}
	r.stop()
	r.start()
	check()
	if got := stamp(1700000000000); got != "20231114221320000" {
		t.Error(got)
	}
}

func TestMeta(t *testing.T) {
	r := newRig(t, 1, smallOptions())
	fs := r.host.Disk(0).FS()
	for _, v := range []string{"one", "two", "three"} {
		if err := WriteMeta(fs, "store/config/topics.json", []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	var got string
	take := func(b []byte) bool { got = string(b); return got != "three" }
	if !ReadMeta(fs, "store/config/topics.json", take) || got != "two" {
		t.Error(got)
	}
}

func TestDiskRules(t *testing.T) {
	for _, c := range []struct{ used, of, want int64 }{{0, 100, 0}, {1, 1000, 1}, {900, 1000, 90}, {901, 1000, 91}, {1000, 1000, 100}} {
		if got := UsedPercent(c.used, c.of); int64(got) != c.want {
			t.Errorf("%d of %d: %d", c.used, c.of, got)
		}
	}
	o := DefaultOptions()
	full := false
	for _, step := range []struct {
		pct            int
		classic4, five bool
	}{{90, false, false}, {91, true, true}, {90, false, true}, {86, false, true}, {85, false, false}} {
		full = DiskFull(full, step.pct, o.DiskWarning, o.DiskClear)
		if full != step.classic4 {
			t.Errorf("4.9 at %d: %v", step.pct, full)
		}
	}
	full = false
	for _, step := range []struct {
		pct  int
		want bool
	}{{90, false}, {91, true}, {90, true}, {86, true}, {85, false}} {
		if full = DiskFull(full, step.pct, 90, 85); full != step.want {
			t.Errorf("5.3 at %d: %v", step.pct, full)
		}
	}
	at := func(hour int64) int64 { return hour * 3600_000 }
	for _, c := range []struct {
		pct  int
		hour int64
		want CleanReason
	}{{75, 3, NoClean}, {75, 4, CleanTime}, {76, 3, CleanSpace}, {85, 3, CleanSpace}, {86, 3, CleanForce}} {
		if got := CleanDecision(&o, c.pct, at(c.hour)); got != c.want {
			t.Errorf("%d%% at %d: %d", c.pct, c.hour, got)
		}
	}
}

// Above 85 % the oldest files go, consumed or not, and queues follow.
func TestCleaning(t *testing.T) {
	r := newRig(t, 1, smallOptions())
	r.host.Disk(0).Spec.Capacity = 38 << 12
	r.start()
	for range 110 {
		r.put("T", 0, 1000, nil)
		r.wait(sim.Millisecond)
	}
	r.wait(30 * sim.Second)
	if len(r.diskFull) != 1 || !r.diskFull[0] {
		t.Errorf("flag %v, used %d%%", r.diskFull, r.s().diskPercent())
	}
	if p := r.put("T", 0, 10, nil); p.Status != ServiceNotAvailable {
		t.Errorf("%v", p.Status)
	}
	r.wait(60 * sim.Second)
	if n := r.s().Stats().FilesDeleted; n == 0 || n > 10 || r.s().MinOffset() != n*r.opt.FileSize {
		t.Errorf("%d files deleted, begins at %d", n, r.s().MinOffset())
	}
	q := r.s().Queue("T", 0)
	if q.Min() != 7*r.s().Stats().FilesDeleted || len(r.diskFull) != 2 {
		t.Errorf("queue begins at %d, flag %v", q.Min(), r.diskFull)
	}
	if got := r.queued("T", 0); int64(len(got)) != 110-q.Min() {
		t.Errorf("%d messages", len(got))
	}
}
