package lab

import (
	"fmt"

	rocketmq "github.com/mqsim/mqsim/models/rocketmq/store"
	"github.com/mqsim/mqsim/sim"
)

// rocket is a commit log with one consume queue on a master and on a slave.
type rocket struct {
	master, slave *rocketBroker
	messages      []rocketmq.Message
	refs          []sim.Ref
}

// rocketBroker has nothing to do upon what the store tells.
type rocketBroker struct {
	*machine
	s       *rocketmq.Store
	started bool
}

func (b *rocketBroker) Started()                              { b.started = true }
func (b *rocketBroker) Arrived(*rocketmq.Queue, int64, int64) {}
func (b *rocketBroker) Flushed(uint32, bool)                  {}
func (b *rocketBroker) DiskFull(bool)                         {}

func newRocketBroker(w *sim.World, name string, role rocketmq.Role) (*rocketBroker, error) {
	o := rocketmq.DefaultOptions()
	o.FileSize, o.Role = 64<<20, role
	b := &rocketBroker{machine: newMachine(w, name)}
	b.boot = func(p *sim.Proc) (err error) {
		b.started = false
		if b.s, _, err = rocketmq.Open(p, p.FS(0), o, b); err != nil {
			return err
		}
		return b.s.Start()
	}
	b.timer = func(kind uint16, arg uint32) { b.s.Timer(kind, arg) }
	b.synced = func(arg uint32, err error) { b.s.Synced(arg, err) }
	return b, b.serve(b.start())
}

// serve waits until the queues have caught up with the log.
func (b *rocketBroker) serve(err error) error {
	for err == nil && !b.started {
		if !b.w.K.Step() {
			return fmt.Errorf("the store does not start")
		}
	}
	return err
}

func openRocketMQ(dir string, n int) (store, error) {
	w := worldIn(dir)
	r := &rocket{}
	var err error
	if r.master, err = newRocketBroker(w, "master", rocketmq.AsyncMaster); err != nil {
		return nil, err
	}
	if r.slave, err = newRocketBroker(w, "slave", rocketmq.Slave); err != nil {
		return nil, err
	}
	props := rocketmq.AppendProperty(nil, rocketmq.PropUniqKey, "7F00000100002A9F000000000000006C")
	for i := range n {
		body, _ := w.Arena.Alloc(message)
		w.Body(body, sim.NewMsgID(0, uint32(i)))
		r.messages = append(r.messages, rocketmq.Message{Topic: "t0", BornTimestamp: 1700000000000, Body: body, Properties: props})
	}
	return r, nil
}

// append puts the messages and lets the dispatch fill the consume queue, as a broker does within a
// millisecond or so.
func (r *rocket) append() error {
	for i := range r.messages {
		if p := r.master.s.Put(&r.messages[i]); p.Status != rocketmq.PutOK {
			return fmt.Errorf("%v", p.Status)
		}
	}
	return r.dispatched(r.master)
}

func (r *rocket) dispatched(b *rocketBroker) error {
	for range 1000 {
		if b.s.DispatchedTo() == b.s.MaxOffset() {
			return nil
		}
		b.wait(sim.Millisecond)
	}
	return fmt.Errorf("dispatch stands at %d of %d", b.s.DispatchedTo(), b.s.MaxOffset())
}

// replicate moves frames of 32 KiB, as HAService does.
func (r *rocket) replicate() error {
	for at := r.slave.s.MaxOffset(); at < r.master.s.MaxOffset(); {
		refs, n := r.master.s.ReadRange(at, 32<<10, r.refs[:0])
		if n == 0 || !r.slave.s.PutRaw(at, refs) {
			return fmt.Errorf("no frame at %d", at)
		}
		r.refs, at = refs, at+int64(n)
	}
	return r.dispatched(r.slave)
}

// read pulls by the consume queue, 32 messages at most at a time.
func (r *rocket) read() (n int, err error) {
	var g rocketmq.Get
	q := r.master.s.Queue("t0", 0)
	for at := q.Min(); at < q.Max(); at = g.Next {
		r.master.s.Get("t0", 0, at, 32, nil, &g)
		if g.Status != rocketmq.Found {
			return n, fmt.Errorf("offset %d: %v", at, g.Status)
		}
		n += int(g.Count)
	}
	return n, nil
}

func (r *rocket) recover() (int, error) {
	if err := r.master.serve(r.master.restart()); err != nil {
		return 0, err
	}
	return int(r.master.s.Queue("t0", 0).Max()), r.dispatched(r.master)
}

func (r *rocket) close() error { return r.master.w.CloseDisks() }
