package store

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// rig is a machine with one disk and a broker that holds one store, for tests of the engine in its
// world: with syncs that take time, kills and power losses.
type rig struct {
	t    testing.TB
	w    *sim.World
	host *sim.Host
	svc  *sim.Service
	opt  Options

	b     *brokerProgram
	fn    func()
	point func()
	rec   Recovery
	err   error
	seq   uint32

	arrived  []string
	answers  []string
	quiet    bool
	onFlush  func(token uint32, ok bool)
	diskFull []bool
}

func newRig(t testing.TB, seed uint64, opt Options) *rig {
	r := &rig{t: t, w: sim.NewWorld(seed, sim.NetSpec{}), opt: opt}
	r.host = r.w.AddHost("b0", sim.HostSpec{Cores: 2, Disks: 1, Disk: sim.DiskSpec{
		Write: 2 * sim.Microsecond, Fsync: 2 * sim.Millisecond, Bandwidth: 500 << 20,
	}})
	r.svc = r.host.Install("broker", sim.Range{}, func() sim.Program { return &brokerProgram{r: r} })
	return r
}

// start boots the broker and waits until it serves.
func (r *rig) start() {
	r.svc.Start()
	r.settle()
}

func (r *rig) settle() {
	for r.b == nil || r.b.started == false && r.err == nil {
		if !r.w.K.Step() {
			r.t.Fatal("the broker does not boot")
		}
	}
}

func (r *rig) s() *Store { return r.b.s }

// do runs f in a callback of the broker.
func (r *rig) do(f func(s *Store)) {
	done := false
	r.fn = func() { done = true; f(r.b.s) }
	r.b.p.After(0, 1, 0)
	for !done && r.w.K.Step() {
	}
}

func (r *rig) wait(d sim.Time) { r.w.K.Run(r.w.Now() + d) }

func (r *rig) kill() {
	r.svc.Kill()
	r.b = nil
	r.start()
}

func (r *rig) power(kind sim.CrashKind) {
	r.host.PowerOff(kind)
	r.b, r.point = nil, nil
	r.host.PowerOn(sim.Second)
	r.wait(2 * sim.Second)
	if !r.svc.Running() {
		r.svc.Start()
	}
	r.settle()
}

func (r *rig) stop() {
	r.svc.Stop()
	for r.svc.Running() {
		if !r.w.K.Step() {
			r.t.Fatal("the broker does not stop")
		}
	}
	r.b = nil
}

// message makes the next message.
func (r *rig) message(topic string, queue int32, size int, props []byte) Message {
	ref, _ := r.w.Arena.Alloc(size)
	r.w.Body(ref, sim.NewMsgID(0, r.seq))
	r.seq++
	return Message{Topic: topic, QueueID: queue, BornTimestamp: 1700000000000, Body: ref, Properties: props}
}

func (r *rig) put(topic string, queue int32, size int, props []byte) (out Put) {
	m := r.message(topic, queue, size, props)
	r.do(func(s *Store) { out = s.Put(&m) })
	return out
}

type brokerProgram struct {
	r       *rig
	p       *sim.Proc
	s       *Store
	started bool
}

func (b *brokerProgram) Boot(p *sim.Proc) {
	b.p = p
	r := b.r
	r.b, r.err = b, nil
	v := &volume{FS: p.FS(0), point: func() {
		if r.point != nil {
			r.point()
		}
	}}
	b.s, r.rec, r.err = open(p, v, r.opt, b)
	if r.err == nil {
		r.err = b.s.Start()
	}
}

func (b *brokerProgram) Timer(kind uint16, arg uint32) {
	if !b.s.Timer(kind, arg) {
		b.r.fn()
	}
}
func (b *brokerProgram) Synced(arg uint32, err error)      { b.s.Synced(arg, err) }
func (b *brokerProgram) Stop()                             { b.s.Shutdown(b.p.Exit) }
func (b *brokerProgram) Accept(*sim.Conn)                  {}
func (b *brokerProgram) Connected(*sim.Conn, error)        {}
func (b *brokerProgram) Receive(*sim.Conn, any)            {}
func (b *brokerProgram) Closed(*sim.Conn, sim.CloseReason) {}

func (b *brokerProgram) Started() { b.started = true }
func (b *brokerProgram) Arrived(q *Queue, next, tags int64) {
	if !b.r.quiet {
		b.r.arrived = append(b.r.arrived, fmt.Sprintf("%s/%d next=%d tags=%d", q.Topic, q.ID, next, tags))
	}
}
func (b *brokerProgram) Flushed(token uint32, ok bool) {
	if b.r.onFlush != nil {
		b.r.onFlush(token, ok)
	}
	if !b.r.quiet {
		word := "FLUSH_DISK_TIMEOUT"
		if ok {
			word = "PUT_OK"
		}
		b.r.answers = append(b.r.answers, fmt.Sprintf("%d=%s", token, word))
	}
}
func (b *brokerProgram) DiskFull(on bool) { b.r.diskFull = append(b.r.diskFull, on) }

// logged are the messages of the log by record, as the audit reads them up to the log's end.
func (r *rig) logged() (out []string) {
	end := r.s().WroteOffset()
	Scan(r.host.Disk(0).FS(), r.opt.Dir, func(off int64, rec *Record, body []byte) {
		if off >= end {
			return
		}
		id, ok := sim.BodyID(body)
		if !ok {
			r.t.Errorf("offset %d holds no body", off)
		}
		out = append(out, fmt.Sprintf("%s/%d@%d=%v", rec.Topic, rec.QueueID, rec.QueueOffset, id))
	})
	return out
}

// queued are the messages of a queue as a consumer gets them.
func (r *rig) queued(topic string, id int32) (out []string) {
	var g Get
	q := r.s().Queue(topic, id)
	if q == nil {
		return nil
	}
	for at := q.Min(); at < q.Max(); at = g.Next {
		r.s().Get(topic, id, at, 32, nil, &g)
		if g.Status != Found {
			r.t.Errorf("%s/%d at %d: %v", topic, id, at, g.Status)
			return out
		}
		c := NewCursor(&r.w.Arena, g.Refs)
		for c.Left() > 0 {
			if v := c.Next(true); v != Good {
				r.t.Errorf("%s/%d at %d: verdict %d", topic, id, at, v)
				return out
			}
			mid, _ := sim.BodyID(c.BodyBytes())
			out = append(out, fmt.Sprintf("%s/%d@%d=%v", c.Record.Topic, c.Record.QueueID, c.Record.QueueOffset, mid))
		}
	}
	return out
}

func smallOptions() Options {
	o := DefaultOptions()
	o.FileSize, o.QueueFileSize = 8<<10, 40*EntrySize
	o.StoreHost = Addr{IP: [4]byte{10, 0, 0, 1}, Port: 10911}
	return o
}
