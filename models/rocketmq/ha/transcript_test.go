package ha

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// rig is a broker without a network: what both sides say is written down.
type rig struct {
	now    sim.Time
	out    strings.Builder
	timers []timer
	pool   *wire.Pool
	log    *fakeLog
	cfg    Config
	master *Master
	slave  *Slave
	conns  map[string]*sim.Conn
	names  []string // by waiter
}

type timer struct {
	at    sim.Time
	kind  uint16
	arg   uint32
	slave bool
}

// fakeLog is a log of nothing but its length.
type fakeLog struct{ min, end, file int64 }

func (l *fakeLog) MaxOffset() int64 { return l.end }
func (l *fakeLog) MinOffset() int64 { return l.min }
func (l *fakeLog) FileSize() int64  { return l.file }
func (l *fakeLog) Read(off int64, n int32, refs []sim.Ref) ([]sim.Ref, int32, bool) {
	if off < l.min || off > l.end {
		return refs, 0, false
	}
	got := min(int64(n), l.end-off, l.file-off%l.file)
	return append(refs, sim.Ref{Len: uint32(got)}), int32(got), true
}
func (l *fakeLog) AppendRaw(off int64, refs []sim.Ref) {
	if l.end == 0 {
		l.end = off
	}
	l.end += int64(wire.RefsLen(refs))
}

type masterRig rig

func (r *masterRig) say(f string, a ...any) { (*rig)(r).say(f, a...) }
func (r *masterRig) Now() sim.Time          { return r.now }
func (r *masterRig) At(t sim.Time, kind uint16, arg uint32) {
	r.timers = append(r.timers, timer{t, kind, arg, false})
}
func (r *masterRig) Work(_ sim.Time, kind uint16, arg uint32) { r.At(r.now, kind, arg) }
func (r *masterRig) Send(c *sim.Conn, m *wire.HAFrame) {
	r.say("to %s: offset %d, %d bytes", c.Peer.Name, m.Offset, m.Bytes)
}
func (r *masterRig) Close(c *sim.Conn) { r.say("close %s", c.Peer.Name) }
func (r *masterRig) Replicated(w uint32, ok bool) {
	status := "SEND_OK"
	if !ok {
		status = "FLUSH_SLAVE_TIMEOUT"
	}
	r.say("%s: %s", r.names[w], status)
}
func (r *masterRig) Emit(kind, _, text string) { r.say("event %s %s", kind, text) }
func (r *masterRig) Probe(name string)         { r.say("probe %s", name) }

type slaveRig rig

func (r *slaveRig) say(f string, a ...any) { (*rig)(r).say(f, a...) }
func (r *slaveRig) Now() sim.Time          { return r.now }
func (r *slaveRig) At(t sim.Time, kind uint16, arg uint32) {
	r.timers = append(r.timers, timer{t, kind, arg, true})
}
func (r *slaveRig) Rand() *sim.Rand { return sim.NewRand(1, "ha") }
func (r *slaveRig) Dial(host string) *sim.Conn {
	r.say("dial %s", host)
	return &sim.Conn{Peer: &sim.Host{Name: host}}
}
func (r *slaveRig) Send(c *sim.Conn, m *wire.HAReport) { r.say("report %d", m.Offset) }
func (r *slaveRig) Close(*sim.Conn)                    { r.say("close") }
func (r *slaveRig) Emit(kind, _, text string)          { r.say("event %s %s", kind, text) }
func (r *slaveRig) Probe(name string)                  { r.say("probe %s", name) }
func (r *slaveRig) Violate(inv, detail string)         { r.say("VIOLATED %s: %s", inv, detail) }

func (r *rig) say(f string, a ...any) {
	fmt.Fprintf(&r.out, "%8s  ", r.now)
	fmt.Fprintf(&r.out, f+"\n", a...)
}

// run fires timers up to an instant, those of one instant in order of arming.
func (r *rig) run(until sim.Time) {
	for {
		best := -1
		for i, t := range r.timers {
			if t.at <= until && (best < 0 || t.at < r.timers[best].at) {
				best = i
			}
		}
		if best < 0 {
			r.now = until
			return
		}
		t := r.timers[best]
		r.timers = append(r.timers[:best], r.timers[best+1:]...)
		r.now = max(r.now, t.at)
		if t.slave {
			r.slave.Timer(t.kind, t.arg)
		} else {
			r.master.Timer(t.kind, t.arg)
		}
	}
}

func (r *rig) do(t *testing.T, d *datadriven.TestData) string {
	r.out.Reset()
	var who string
	var n, ms int64
	arg := func(key string, p any) {
		if d.HasArg(key) {
			d.ScanArgs(t, key, p)
		}
	}
	arg("n", &n)
	arg("ms", &ms)
	if len(d.CmdArgs) > 0 && len(d.CmdArgs[0].Vals) == 0 {
		who = d.CmdArgs[0].Key
	}
	switch d.Cmd {
	case "log": // log n=<end> [min=] [file=]
		r.log.end = n
		arg("min", &r.log.min)
		arg("file", &r.log.file)
		arg("insync", &r.cfg.InSync)
	case "rules": // rules early=1 trust=0 newest=0 degrades=1: other than 4.9.8's
		for key, field := range map[string]*bool{"early": &r.cfg.EarlyTimeout, "trust": &r.cfg.TrustReports, "newest": &r.cfg.NewestFile,
			"never-degrades": &r.cfg.NeverDegrades, "check-ahead": &r.cfg.CheckAhead} { //mqsim:unordered each on its own
			if d.HasArg(key) {
				var v int
				d.ScanArgs(t, key, &v)
				*field = v == 1
			}
		}
	case "accept":
		c := &sim.Conn{Peer: &sim.Host{Name: who}}
		r.conns[who] = c
		r.master.Accept(c)
	case "closed":
		r.master.Closed(r.conns[who])
	case "report":
		m := r.pool.Report()
		m.Offset = n
		r.master.Report(r.conns[who], m)
	case "append":
		r.log.end += n
	case "send": // a message of n bytes, named, as await does
		r.log.end += n
		if !r.master.SlaveOK(r.log.end) {
			r.say("%s: SLAVE_NOT_AVAILABLE", who)
			break
		}
		r.names = append(r.names, who)
		r.master.Wait(r.log.end, uint32(len(r.names)-1))
	case "slave": // slave <master>: start the client
		r.slave.SetMaster(who)
		r.slave.Start()
	case "connected":
		r.slave.Dialled(nil)
	case "refused":
		r.slave.Dialled(sim.ErrRefused)
	case "lost":
		r.slave.Closed()
	case "frame":
		f := r.pool.Frame()
		arg("at", &f.Offset)
		if f.Bytes = int32(n); n > 0 {
			f.Refs = append(f.Refs, sim.Ref{Len: uint32(n)})
		}
		r.slave.Frame(f)
	}
	r.run(r.now + sim.Time(ms)*sim.Millisecond)
	if r.out.Len() == 0 {
		return "ok\n"
	}
	return r.out.String()
}

func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		r := &rig{pool: wire.NewPool(), log: &fakeLog{file: 1 << 20}, cfg: DefaultConfig(), conns: map[string]*sim.Conn{}}
		r.master = NewMaster(&r.cfg, (*masterRig)(r), r.log, r.pool)
		r.slave = NewSlave(&r.cfg, (*slaveRig)(r), r.log, r.pool)
		datadriven.RunTest(t, path, r.do)
	})
}
