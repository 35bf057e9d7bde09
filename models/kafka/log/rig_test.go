package log

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// rig is a machine with one disk and a broker that holds one log, for tests of the engine in its
// world: with syncs that take time, kills and power losses.
type rig struct {
	t    testing.TB
	w    *sim.World
	host *sim.Host
	svc  *sim.Service
	opt  Options
	dir  DirOptions

	b     *brokerProgram // the present incarnation
	fn    func()
	point func() // called before every call that changes the disk
	rec   Recovery
	err   error // of opening

	build *Builder
	now   int64 // timestamp of the next batch
	seq   uint32
}

// dataDir is the log directory of the rig.
const dataDir = "data"

func newRig(t testing.TB, seed uint64, opt Options) *rig { return newRigIn(t, "", seed, opt) }

// newRigIn keeps the files in a directory of real files, unless that is "".
func newRigIn(t testing.TB, dir string, seed uint64, opt Options) *rig {
	r := &rig{t: t, w: sim.NewWorld(seed, sim.NetSpec{}), opt: opt, now: 1700000000000}
	r.w.DataDir = dir
	r.host = r.w.AddHost("b0", sim.HostSpec{Cores: 2, Disks: 1, Disk: sim.DiskSpec{
		Write: 2 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 500 << 20,
	}})
	r.svc = r.host.Install("broker", sim.Range{}, func() sim.Program { return &brokerProgram{r: r} })
	r.build = NewBuilder(r.w)
	return r
}

// start boots the broker and waits until it serves.
func (r *rig) start() {
	r.svc.Start()
	for r.b == nil || !r.b.p.Alive() {
		if !r.w.K.Step() {
			r.t.Fatal("the broker does not boot")
		}
	}
}

func (r *rig) log() *Log { return r.b.l }

// do runs f in a callback of the broker.
func (r *rig) do(f func(l *Log)) {
	done := false
	r.fn = func() { done = true; f(r.b.l) }
	r.b.p.After(0, 1, 0)
	for !done && r.w.K.Step() {
	}
}

// wait lets virtual time pass.
func (r *rig) wait(d sim.Time) { r.w.K.Run(r.w.Now() + d) }

// kill ends the process and starts the next one.
func (r *rig) kill() {
	r.svc.Kill()
	r.b = nil
	r.start()
}

// power cuts the power and boots again.
func (r *rig) power(kind sim.CrashKind) {
	r.host.PowerOff(kind)
	r.b = nil
	r.point = nil
	r.host.PowerOn(sim.Second)
	r.wait(2 * sim.Second)
	if !r.svc.Running() {
		r.svc.Start()
	}
	for r.b == nil {
		if !r.w.K.Step() {
			r.t.Fatal("the broker does not boot")
		}
	}
}

// stop shuts the broker down cleanly.
func (r *rig) stop() {
	r.svc.Stop()
	for r.svc.Running() {
		if !r.w.K.Step() {
			r.t.Fatal("the broker does not stop")
		}
	}
	r.b = nil
}

// batch builds a batch of n messages with bodies of that size.
func (r *rig) batch(n, size int) Batch { return r.idempotent(n, size, None, None, None) }

func (r *rig) idempotent(n, size int, pid int64, epoch int16, seq int32) Batch {
	r.now += 10
	for range n {
		r.build.AddBody(r.now, nil, sim.NewMsgID(0, r.seq), size)
		r.seq++
	}
	return r.build.Build(pid, epoch, seq)
}

// brokerProgram is one incarnation of the rig's broker.
type brokerProgram struct {
	r *rig
	p *sim.Proc
	d *Dir
	l *Log
}

func (b *brokerProgram) Boot(p *sim.Proc) {
	b.p = p
	r := b.r
	r.b = b
	opt := r.dir
	opt.Wake = func(d sim.Time) { p.After(d, 2, 0) }
	b.d, r.err = OpenDir(p.FS(0), dataDir, 7<<24, opt)
	if r.err != nil {
		return
	}
	b.d.fs.point = func() {
		if r.point != nil {
			r.point()
		}
	}
	b.l, r.rec, r.err = b.d.Open("t0", 0, r.opt, p.Wall())
	b.d.Loaded()
}

func (b *brokerProgram) Timer(kind uint16, arg uint32) {
	if kind == 2 {
		b.d.Tick()
		return
	}
	b.r.fn()
}
func (b *brokerProgram) Synced(arg uint32, err error) { b.d.Synced(arg, err) }
func (b *brokerProgram) Stop() {
	b.d.Shutdown(func(err error) {
		if err != nil {
			b.r.t.Errorf("shutdown: %v", err)
		}
		b.p.Exit()
	})
}
func (b *brokerProgram) Accept(*sim.Conn)                  {}
func (b *brokerProgram) Connected(*sim.Conn, error)        {}
func (b *brokerProgram) Receive(*sim.Conn, any)            {}
func (b *brokerProgram) Closed(*sim.Conn, sim.CloseReason) {}

// contents are all messages of a log between its ends, read as a follower reads them.
func contents(l *Log) ([]string, error) {
	var out []string
	for at := l.Start(); at < l.End(); {
		f, err := l.Read(at, 1<<20, l.End(), true, nil)
		if err != nil {
			return out, err
		}
		if f.Batches == 0 { // a hole up to the end: the last segments are empty
			return out, nil
		}
		c := NewCursor(l.d.arena, f.Refs)
		for c.Next() {
			if !c.Valid() {
				return out, ErrCorruptMessage
			}
			rec := c.Records()
			for rec.Next() {
				id, ok := sim.BodyID(rec.Record.Value)
				if !ok {
					return out, fmt.Errorf("offset %d holds no body", rec.Record.Offset)
				}
				out = append(out, fmt.Sprintf("%d=%v", rec.Record.Offset, id))
			}
		}
		at = f.Next
	}
	return out, nil
}
