package sim

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// testSpec has round numbers: a sync takes 2 ms and 1 ms per megabyte.
var testSpec = DiskSpec{Write: 20 * Microsecond, Fsync: 2 * Millisecond, Bandwidth: 1_000_000_000}

func diskWorld(seed uint64, dataDir string, spec DiskSpec) (*World, *Disk) {
	w := NewWorld(seed, NetSpec{Latency: Millisecond})
	w.DataDir = dataDir
	h := w.AddHost("h", HostSpec{Cores: 1, Disk: spec, Server: true})
	return w, h.Disk(0)
}

// diskProg is a program whose timer runs what the test wants.
type diskProg struct {
	p    *Proc
	todo []func(p *Proc)
	log  []string
}

func (x *diskProg) Boot(p *Proc)              { x.p = p }
func (x *diskProg) Timer(_ uint16, i uint32)  { x.todo[i](x.p) }
func (x *diskProg) Accept(*Conn)              {}
func (x *diskProg) Connected(*Conn, error)    {}
func (x *diskProg) Receive(*Conn, any)        {}
func (x *diskProg) Closed(*Conn, CloseReason) {}
func (x *diskProg) Stop()                     { x.p.Exit() }
func (x *diskProg) Synced(arg uint32, err error) {
	x.log = append(x.log, fmt.Sprintf("%s synced %d %v", x.p.Now(), arg, err))
}

// run does f on a lane of the process at an instant, as the world would.
func (x *diskProg) run(lane int, f func(p *Proc)) {
	x.todo = append(x.todo, f)
	x.p.Work(lane, 0, 1, uint32(len(x.todo)-1))
}

func startProg(w *World, h *Host) *diskProg {
	x := &diskProg{}
	h.Install("prog", Range{}, func() Program { return x }).Start()
	w.K.Run(w.Now())
	return x
}

func content(d *Disk, path string) []byte {
	f := d.FS().Open(path)
	if f == nil {
		return nil
	}
	b := make([]byte, f.Size())
	n, err := f.ReadAt(b, 0)
	if err != nil || n != len(b) {
		panic(fmt.Sprint(path, n, err))
	}
	return b
}

// TestDiskTranscripts runs the stories in testdata/disk: one disk, letters as bytes.
func TestDiskTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/disk", func(t *testing.T, file string) {
		x := &transcript{}
		x.reset(1)
		datadriven.RunTest(t, file, func(t *testing.T, td *datadriven.TestData) string {
			if out := x.do(t, td); out != "" {
				return out
			}
			return "ok"
		})
	})
}

type transcript struct {
	w    *World
	d    *Disk
	prog *diskProg
}

func (x *transcript) reset(seed uint64) {
	x.w, x.d = diskWorld(seed, "", testSpec)
	x.d.phase = 5*Second - 1 // journal and flusher wake at 5 s, 10 s, ... less a nanosecond
	x.prog = startProg(x.w, x.d.Host)
}

// diskArgs are the arguments of a command of a transcript: a path, and key=value.
type diskArgs struct {
	path, to, dir, fill, kind string
	off, n, seed              int
}

func scanDiskArgs(t *testing.T, td *datadriven.TestData) (args diskArgs) {
	for _, a := range td.CmdArgs {
		switch a.Key {
		case "off":
			a.Scan(t, 0, &args.off)
		case "n":
			a.Scan(t, 0, &args.n)
		case "seed":
			a.Scan(t, 0, &args.seed)
		case "to":
			args.to = a.Vals[0]
		case "dir":
			args.dir = a.Vals[0]
		case "fill":
			args.fill = a.Vals[0]
		case "kind":
			args.kind = a.Vals[0]
		default:
			args.path = a.Key
		}
	}
	return args
}

// bytes is n times the letter fill.
func (a diskArgs) bytes() []byte { return []byte(strings.Repeat(a.fill, a.n)) }

func (x *transcript) do(t *testing.T, td *datadriven.TestData) string {
	a := scanDiskArgs(t, td)
	fs := x.d.FS()
	answer := func(err error) string {
		if err != nil {
			return err.Error()
		}
		return ""
	}
	switch td.Cmd {
	case "reset":
		x.reset(uint64(a.seed))
	case "create":
		_, err := fs.Create(a.path)
		return answer(err)
	case "append":
		return answer(fs.Open(a.path).AppendBytes(a.bytes()))
	case "write":
		return answer(fs.Open(a.path).WriteAt(int64(a.off), a.bytes()))
	case "store":
		fs.Open(a.path).Store(int64(a.off), a.bytes())
	case "allocate":
		return answer(fs.Open(a.path).Allocate(int64(a.n)))
	case "truncate":
		return answer(fs.Open(a.path).Truncate(int64(a.n), "test"))
	case "rename":
		return answer(fs.Rename(a.path, a.to))
	case "remove":
		return answer(fs.Remove(a.path, "test"))
	case "syncdir":
		return answer(fs.SyncDir(a.dir))
	case "sync": // asynchronous; time passes with run
		x.prog.run(-1, func(p *Proc) { p.FS(0).Open(a.path).Sync(uint32(a.n)) })
		x.w.K.Run(x.w.Now())
	case "run":
		x.w.K.Run(x.w.Now() + Time(a.n)*Millisecond)
		out := strings.Join(x.prog.log, "\n")
		x.prog.log = nil
		return out
	case "kill":
		x.d.Host.Service("prog").Kill()
	case "crash":
		c, ok := CrashKindNamed(a.kind)
		require.True(t, ok, a.kind)
		x.d.Host.PowerOff(c)
		x.d.Host.Up = true
		x.prog = &diskProg{}
		prog := x.prog
		x.d.Host.Service("prog").make = func() Program { return prog }
		x.d.Host.Service("prog").Start()
		x.w.K.Run(x.w.Now())
	case "show":
		return x.show()
	default:
		return "unknown command " + td.Cmd
	}
	return ""
}

// show prints each file as runs of equal bytes; '.' is a zero.
func (x *transcript) show() string {
	var out strings.Builder
	for _, p := range x.d.names.filePaths() {
		fmt.Fprintf(&out, "%s:", p)
		b := content(x.d, p)
		for i := 0; i < len(b); {
			j := i
			for j < len(b) && b[j] == b[i] {
				j++
			}
			ch := b[i]
			if ch == 0 {
				ch = '.'
			}
			fmt.Fprintf(&out, " %c*%d", ch, j-i)
			i = j
		}
		out.WriteByte('\n')
	}
	if out.Len() == 0 {
		return "(no files)"
	}
	return strings.TrimSpace(out.String())
}

// TestSharedExtents: three replicas that append the same extents take no more memory than one.
func TestSharedExtents(t *testing.T) {
	w := NewWorld(1, NetSpec{})
	var files []*File
	for i := range 3 {
		h := w.AddHost(fmt.Sprint("h", i), HostSpec{Cores: 1})
		f, err := h.Disk(0).FS().Create("t0-0/0.log")
		require.NoError(t, err)
		files = append(files, f)
	}
	body := w.Arena.Put([]byte(strings.Repeat("x", 1024)))
	before := w.Arena.Size()
	for range 1000 {
		for _, f := range files {
			require.NoError(t, f.Append(body))
		}
	}
	require.Equal(t, before, w.Arena.Size())

	// Damage hits one replica: it makes a new extent of the damaged byte alone.
	require.Equal(t, 1, w.Hosts[1].Disk(0).Corrupt("*.log", DamageFlip, 5000, 1))
	require.Less(t, w.Arena.Size()-before, uint64(100))
	good := content(w.Hosts[0].Disk(0), "t0-0/0.log")
	bad := content(w.Hosts[1].Disk(0), "t0-0/0.log")
	require.Equal(t, good, content(w.Hosts[2].Disk(0), "t0-0/0.log"))
	require.NotEqual(t, good[5000], bad[5000])
	bad[5000] = good[5000]
	require.Equal(t, good, bad)
}

// TestCrashBySeed: equal seeds give equal images, different seeds different ones.
func TestCrashBySeed(t *testing.T) {
	image := func(seed uint64, kind CrashKind) string {
		_, d := diskWorld(seed, "", testSpec)
		for i := range 5 {
			f, _ := d.FS().Create(fmt.Sprint("log-", i))
			m, _ := d.FS().Create(fmt.Sprint("map-", i))
			_ = m.Allocate(100_000)
			for j := range 20 {
				_ = f.AppendBytes([]byte(strings.Repeat(string(rune('a'+j)), 1500)))
				m.Store(int64(j*4500), []byte("stored"))
			}
		}
		_ = d.FS().SyncDir("")
		d.Host.PowerOff(kind)
		var out strings.Builder
		for _, p := range d.FS().List("") {
			fmt.Fprintf(&out, "%s %s\n", p, content(d, p))
		}
		return out.String()
	}
	for _, kind := range []CrashKind{CrashTypical, CrashPrefix, CrashPages} {
		seen := map[string]bool{}
		for seed := range uint64(10) {
			a := image(seed, kind)
			require.Equal(t, a, image(seed, kind))
			seen[a] = true
		}
		require.Len(t, seen, 10)
	}
	require.Equal(t, image(1, CrashAll), image(2, CrashAll))
	require.Equal(t, image(1, CrashNone), image(2, CrashNone))
}

// TestWriteBack: dirty data is written back by itself, and the timer sleeps when nothing is dirty.
func TestWriteBack(t *testing.T) {
	w, d := diskWorld(1, "", testSpec)
	require.Zero(t, w.K.Pending(), "an idle disk has no timer")
	f, err := d.FS().Create("f")
	require.NoError(t, err)
	require.NoError(t, f.AppendBytes([]byte("hello")))
	require.Equal(t, 1, w.K.Pending())
	w.K.Run(5 * Second)
	require.Same(t, d.names.files["f"], d.names.platter["f"], "the journal commits names every 5 s")
	require.Zero(t, f.in.durable)
	w.K.Run(30 * Second)
	require.Zero(t, f.in.durable)
	w.K.Run(35*Second + Millisecond)
	require.EqualValues(t, 5, f.in.durable)
	w.K.Run(45 * Second)
	require.Zero(t, w.K.Pending(), "nothing is dirty, nothing ticks")
	events := w.K.Events()
	w.K.Run(Hour)
	require.Equal(t, events, w.K.Events())
	require.NoError(t, f.AppendBytes([]byte("!")))
	require.Equal(t, 1, w.K.Pending())
}

func TestSyncCosts(t *testing.T) {
	w, d := diskWorld(1, "", testSpec)
	x := startProg(w, d.Host)
	f, _ := d.FS().Create("f")
	big := w.Arena.Put(make([]byte, 200_000))
	x.run(-1, func(p *Proc) {
		g := p.FS(0).Open("f")
		require.NoError(t, g.Append(big, big, big, big, big)) // 20us + 1 MB
		g.Sync(1)                                             // 2 ms + 1 ms
		require.NoError(t, g.AppendBytes([]byte("later")))    // not part of the sync
		g.Sync(2)                                             // queued behind it
	})
	w.K.Run(w.Now() + 3*Millisecond)
	require.Zero(t, f.in.durable)
	w.K.Run(w.Now() + 20*Microsecond)
	require.EqualValues(t, 1_000_000, f.in.durable)
	w.K.Run(Second)
	require.EqualValues(t, 1_000_005, f.in.durable)
	require.Equal(t, []string{"3.02ms synced 1 <nil>", "5.020005ms synced 2 <nil>"}, x.log)
	require.Equal(t, DiskStats{Written: 1_000_005, Syncs: 2, Busy: 5*Millisecond + 5*Nanosecond}, d.Stats)

	var debt Time
	x.run(3, func(p *Proc) {
		g := p.FS(0).Open("f")
		_ = g.AppendBytes([]byte("now"))
		_ = g.SyncNow()
		_ = g.SyncNow()
		debt = p.debt
	})
	w.K.Run(2 * Second)
	require.Equal(t, 20*Microsecond+2*Millisecond+3+2*Millisecond, debt)
	require.EqualValues(t, 1_000_008, f.in.durable)
}

// TestSyncOfOlderState: what a mapped page becomes after a sync was issued is not part of it.
func TestSyncOfOlderState(t *testing.T) {
	w, d := diskWorld(1, "", testSpec)
	f, _ := d.FS().Create("f")
	_ = f.Allocate(8192)
	_ = f.SyncNow()
	_ = d.FS().SyncDir("")
	f.Store(0, []byte("one"))
	d.submit(syncReq{in: f.in}, w.Now())
	f.Store(0, []byte("two"))
	d.submit(syncReq{in: f.in}, w.Now()+Millisecond)
	f.Store(0, []byte("three"))
	f.Store(4096, []byte("x"))
	w.K.Step()
	d2 := content(d, "f")
	require.Equal(t, "three", string(d2[:5]))
	require.Equal(t, "one", platterString(w, f.in, 3))
	w.K.Step()
	require.Equal(t, "two", platterString(w, f.in, 3))
	d.Host.PowerOff(CrashAll)
	require.Equal(t, "two\x00\x00", string(content(d, "f")[:5]))
	require.Nil(t, f.d.names.files["absent"])
	require.ErrorIs(t, f.AppendBytes([]byte("x")), ErrStaleFile)
}

func platterString(w *World, in *inode, n int64) string {
	b := make([]byte, n)
	in.platter(0, n, func(s span) { copy(b[s.off:], w.Arena.Bytes(s.ref)) })
	return string(b)
}

// TestAppendAllocs: appending extents and small stores allocate nothing per call.
func TestAppendAllocs(t *testing.T) {
	w, d := diskWorld(1, "", testSpec)
	f, _ := d.FS().Create("f")
	r := w.Arena.Put(make([]byte, 1000))
	s := w.Arena.Put(make([]byte, 100))
	require.Less(t, testing.AllocsPerRun(20_000, func() { _ = f.Append(s, r) }), 0.1)
	m, _ := d.FS().Create("m")
	_ = m.Allocate(20 << 20)
	b := make([]byte, 20)
	at := int64(0)
	require.Less(t, testing.AllocsPerRun(20_000, func() { m.Store(at, b); at += 20 }), 0.1)
	var refs []Ref
	at = 0
	require.Zero(t, testing.AllocsPerRun(20_000, func() {
		refs, _ = f.Read(at, 4400, refs[:0])
		at += 1100
	}))
}

// TestBiography: what happens to the bytes of watched messages on a disk is noted.
func TestBiography(t *testing.T) {
	w, d := diskWorld(1, "", testSpec)
	a, b := NewMsgID(0, 1), NewMsgID(0, 2)
	w.Watch([]MsgID{a, b})
	put := func(id MsgID) Ref {
		r, _ := w.Arena.Alloc(3000)
		w.Body(r, id)
		return r
	}
	f, _ := d.FS().Create("f")
	require.NoError(t, f.Append(put(a)))
	require.NoError(t, f.SyncNow())
	require.NoError(t, f.Append(put(b)))
	require.NoError(t, d.FS().SyncDir(""))
	d.Host.PowerOff(CrashAll)
	require.NoError(t, d.FS().Remove("f", "retention"))
	var got []string
	for _, n := range w.Notes() {
		got = append(got, fmt.Sprint(n.ID, " ", n.What, " ", n.Detail))
	}
	require.Equal(t, []string{
		"p0-1 written f", "p0-1 synced f", "p0-2 written f",
		"p0-2 lost-in-power-loss f", "p0-1 removed f: retention",
	}, got)
}

// TestBiographyOfMappedPages: a page that is lost loses what the platter does not hold of it, and a
// sync tells only of what it wrote.
func TestBiographyOfMappedPages(t *testing.T) {
	w, d := diskWorld(1, "", testSpec)
	ids := []MsgID{NewMsgID(0, 1), NewMsgID(0, 2), NewMsgID(0, 3)}
	w.Watch(ids)
	put := func(i int) Ref {
		r, _ := w.Arena.Alloc(100)
		w.Body(r, ids[i])
		return r
	}
	f, _ := d.FS().Create("f")
	_ = f.Allocate(4096)
	_ = d.FS().SyncDir("")
	f.StoreRef(0, put(0))
	_ = f.SyncNow()
	f.StoreRef(100, put(1))
	d.submit(syncReq{in: f.in}, w.Now())
	f.StoreRef(200, put(2))
	w.K.Step()
	d.Host.PowerOff(CrashAll)
	var got []string
	for _, n := range w.Notes() {
		got = append(got, fmt.Sprint(n.ID, " ", n.What))
	}
	require.Equal(t, []string{
		"p0-1 written", "p0-1 synced", "p0-2 written", "p0-3 written", "p0-2 synced", "p0-3 lost-in-power-loss",
	}, got)
}

// TestHandles: a handle outlives rename and removal of its file, not a power loss or its Close.
func TestHandles(t *testing.T) {
	w, d := diskWorld(1, "", testSpec)
	f, _ := d.FS().Create("a")
	g := d.FS().Open("a")
	r := w.Arena.Put([]byte("0123456789"))
	require.NoError(t, f.WriteRefAt(5, r))
	require.NoError(t, d.FS().Rename("a", "b"))
	require.NoError(t, d.FS().Remove("b", "test"))
	require.EqualValues(t, 15, g.Size())
	require.Equal(t, "a", g.Path())
	refs, err := g.Read(3, 100, nil)
	require.NoError(t, err)
	require.Len(t, refs, 2)
	require.Equal(t, r, refs[1])
	g.Close()
	require.ErrorIs(t, g.Append(r), ErrStaleFile)
	require.ErrorIs(t, g.SyncNow(), ErrStaleFile)
	d.Host.PowerOff(CrashNone)
	require.ErrorIs(t, f.AppendBytes([]byte("x")), ErrStaleFile)
	require.ErrorIs(t, f.Truncate(0, ""), ErrStaleFile)
	_, err = f.Read(0, 1, nil)
	require.ErrorIs(t, err, ErrStaleFile)
	require.Zero(t, f.Size())
}

func TestReadCold(t *testing.T) {
	spec := testSpec
	spec.RandomAccess = 8 * Millisecond
	w, d := diskWorld(1, "", spec)
	f, _ := d.FS().Create("f")
	_ = f.Append(w.Arena.Put(make([]byte, 200_000)))
	_ = f.SyncNow()
	_ = d.FS().SyncDir("")
	d.Host.PowerOff(CrashTypical)
	d.Host.Up = true
	x := startProg(w, d.Host)
	var costs []Time
	x.run(0, func(p *Proc) {
		g := p.FS(0).Open("f")
		for _, r := range [][2]int{{150_000, 1000}, {0, 100_000}, {0, 100_000}, {100_000, 100_000}, {0, 200_000}} {
			before := p.debt
			_, err := g.Read(int64(r[0]), r[1], nil)
			require.NoError(t, err)
			costs = append(costs, p.debt-before)
		}
	})
	w.K.Run(w.Now() + Second)
	require.Equal(t, []Time{8*Millisecond + Microsecond, 100 * Microsecond, 0, 100 * Microsecond, 0}, costs)
}

func TestNames(t *testing.T) {
	_, d := diskWorld(1, "", testSpec)
	fs := d.FS()
	mk := func(p string) { _, err := fs.Create(p); require.NoError(t, err, p) }
	mk("/logs/t0-0/00.log")
	mk("logs/t0-0/00.index")
	mk("logs//t0-1/./00.log")
	mk("meta.properties")
	require.Equal(t, []string{"logs", "meta.properties"}, fs.List(""))
	require.Equal(t, []string{"t0-0", "t0-1"}, fs.List("logs/"))
	require.True(t, fs.Exists("logs/t0-1"))
	_, err := fs.Create("logs")
	require.ErrorIs(t, err, ErrBadPath)
	_, err = fs.Create("meta.properties/x")
	require.ErrorIs(t, err, ErrBadPath)
	require.NoError(t, fs.Rename("logs/t0-0", "logs/t0-0.delete"))
	require.Equal(t, []string{"00.index", "00.log"}, fs.List("logs/t0-0.delete"))
	require.NoError(t, fs.Remove("logs/t0-0.delete", "retention"))
	require.NoError(t, fs.Remove("logs/t0-1/00.log", "retention"))
	require.Equal(t, []string{"meta.properties"}, fs.List(""))
	require.ErrorIs(t, fs.Remove("logs", ""), ErrNotExist)
	require.Nil(t, fs.Open("logs/t0-1/00.log"))
	require.True(t, errors.Is(fs.Rename("a", "b"), ErrNotExist))
}
