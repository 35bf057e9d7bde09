package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// rig is a node with one disk and a program that is nothing but its storage.
type rig struct {
	t    testing.TB
	w    *sim.World
	host *sim.Host
	svc  *sim.Service
	cfg  Config
	list []string // durable queues
	why  func(string) string

	version int

	b         *program
	fn        func()
	point     func() // called before every step of a script
	seq       uint32
	confirmed []uint64
	failed    error
}

type program struct {
	r *rig
	p *sim.Proc
	v *Vhost
}

func newRig(t testing.TB, seed uint64) *rig {
	r := &rig{t: t, w: sim.NewWorld(seed, sim.NetSpec{}), cfg: Default(), list: []string{"q"}}
	r.cfg.Arg = 7
	r.host = r.w.AddHost("n1", sim.HostSpec{Cores: 2, Disks: 1, Disk: sim.DiskSpec{
		Write: 2 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 500 << 20,
	}})
	r.svc = r.host.Install("server", sim.Range{}, func() sim.Program { return &program{r: r} })
	return r
}

func (r *rig) start() *rig {
	if !r.svc.Running() {
		r.svc.Start()
	}
	for r.b == nil && r.w.K.Step() {
	}
	if r.b == nil {
		r.t.Fatal("the node does not boot")
	}
	return r
}

func (b *program) Boot(p *sim.Proc) {
	b.p, b.r.b = p, b
	b.v = New(b, b.r.cfg)
	if err := b.v.Recover(b.r.list, b.r.why); err != nil {
		b.r.t.Fatal(err)
	}
}
func (b *program) Timer(kind uint16, arg uint32) {
	if kind == 1 {
		b.r.fn()
		return
	}
	b.v.Timer(arg)
}
func (b *program) Accept(*sim.Conn)                  {}
func (b *program) Connected(*sim.Conn, error)        {}
func (b *program) Receive(*sim.Conn, any)            {}
func (b *program) Closed(*sim.Conn, sim.CloseReason) {}
func (b *program) Synced(arg uint32, err error) {
	if arg>>24 != 7 {
		b.r.t.Fatal("arg of somebody else")
	}
	b.v.Synced(arg, err)
}
func (b *program) Stop() {
	if err := b.v.Stop(); err != nil {
		b.r.t.Fatal(err)
	}
	b.p.Exit()
}
func (b *program) FS() *sim.FS                       { return b.p.FS(0) }
func (b *program) Arena() *sim.Arena                 { return &b.r.w.Arena }
func (b *program) Now() sim.Time                     { return b.p.Now() }
func (b *program) Arm(at sim.Time, arg uint32)       { b.p.At(at, 2, arg) }
func (b *program) Confirmed(_ *Queue, tags []uint64) { b.r.confirmed = append(b.r.confirmed, tags...) }
func (b *program) Failed(_ *Queue, err error)        { b.r.failed = err }
func (r *rig) q() *Queue                             { return r.b.v.Open("q", true, r.version) }

// do runs f in a callback of the program.
func (r *rig) do(f func(v *Vhost, q *Queue)) {
	if r.point != nil {
		r.point()
	}
	done := false
	r.fn = func() { done = true; f(r.b.v, r.q()) }
	r.b.p.After(0, 1, 0)
	for !done && r.w.K.Step() {
	}
}

func (r *rig) wait(d sim.Time) { r.w.K.Run(r.w.Now() + d) }

func (r *rig) kill() { r.svc.Kill(); r.b = nil; r.start() }

func (r *rig) stop() {
	r.svc.Stop()
	for r.svc.Running() && r.w.K.Step() {
	}
	r.b = nil
	r.start()
}

func (r *rig) power(kind sim.CrashKind) {
	r.host.PowerOff(kind)
	r.b = nil
	r.host.PowerOn(sim.Second)
	r.wait(2 * sim.Second)
	r.start()
}

// message is the next message: persistent, to be confirmed, tagged with its number.
func (r *rig) message(size int) Message {
	r.seq++
	id := sim.NewMsgID(1, r.seq)
	body, _ := r.w.Arena.Alloc(size)
	r.w.Body(body, id)
	return Message{ID: uint64(id), Body: body, Key: "q", Mode: 2, Tag: uint64(r.seq), Confirm: true}
}

// show lists a queue: numbers of messages, r: redelivered, (): unacked.
func (r *rig) show(q *Queue) string {
	var out []string
	q.Each(0, func(d Delivery, unacked bool) bool {
		id, ok := sim.BodyID(r.w.Arena.Bytes(d.Body))
		if !ok || uint64(id) != d.ID {
			r.t.Errorf("body of %v is wrong", sim.MsgID(d.ID))
		}
		s := fmt.Sprint(sim.MsgID(d.ID).Seq())
		if d.Redelivered {
			s += "r"
		}
		if unacked {
			s = "(" + s + ")"
		}
		out = append(out, s)
		return true
	})
	return strings.Join(out, " ")
}

// files lists the files with their sizes.
func (r *rig) files() string {
	var out []string
	var walk func(dir string)
	walk = func(dir string) {
		fs := r.host.Disk(0).FS()
		for _, n := range fs.List(dir) {
			if f := fs.Open(dir + "/" + n); f != nil {
				out = append(out, fmt.Sprintf("%s:%d", n, f.Size()))
			} else {
				walk(dir + "/" + n)
			}
		}
	}
	walk(Base)
	return strings.Join(out, " ")
}
