package lab

import (
	"errors"
	"fmt"

	rabbitmq "github.com/mqsim/mqsim/models/rabbitmq/store"
	"github.com/mqsim/mqsim/sim"
)

// rabbit is a classic queue on a master and on a mirror.
type rabbit struct {
	master, mirror *rabbitNode
	messages       []rabbitmq.Message
}

type rabbitNode struct {
	*machine
	v         *rabbitmq.Vhost
	confirmed int
	failed    error
}

func (b *rabbitNode) FS() *sim.FS                                { return b.p.FS(0) }
func (b *rabbitNode) Arena() *sim.Arena                          { return &b.w.Arena }
func (b *rabbitNode) Now() sim.Time                              { return b.p.Now() }
func (b *rabbitNode) Arm(at sim.Time, arg uint32)                { b.p.At(at, 1, arg) }
func (b *rabbitNode) Confirmed(_ *rabbitmq.Queue, tags []uint64) { b.confirmed += len(tags) }
func (b *rabbitNode) Failed(_ *rabbitmq.Queue, err error)        { b.failed = errors.Join(b.failed, err) }

func newRabbitNode(w *sim.World, name string) (*rabbitNode, error) {
	b := &rabbitNode{machine: newMachine(w, name)}
	cfg := rabbitmq.Default()
	cfg.Arg = 7
	b.boot = func(*sim.Proc) error {
		b.v = rabbitmq.New(b, cfg)
		return b.v.Recover([]string{"q"}, nil)
	}
	b.timer = func(_ uint16, arg uint32) { b.v.Timer(arg) }
	b.synced = func(arg uint32, err error) { b.v.Synced(arg, err) }
	return b, b.start()
}

func (b *rabbitNode) queue() *rabbitmq.Queue { return b.v.Open("q", true, 1) }

func openRabbitMQ(dir string, n int) (store, error) {
	w := worldIn(dir)
	r := &rabbit{}
	var err error
	if r.master, err = newRabbitNode(w, "master"); err != nil {
		return nil, err
	}
	if r.mirror, err = newRabbitNode(w, "mirror"); err != nil {
		return nil, err
	}
	for i := range n {
		id := sim.NewMsgID(0, uint32(i))
		body, _ := w.Arena.Alloc(message)
		w.Body(body, id)
		r.messages = append(r.messages, rabbitmq.Message{ID: uint64(id), Body: body, Key: "q", Mode: 2, Tag: uint64(i + 1), Confirm: true})
	}
	return r, nil
}

// publish brings all messages into a queue, 50 at a time, and waits until every one is confirmed.
func (b *rabbitNode) publish(messages []rabbitmq.Message) error {
	q := b.queue()
	before := b.confirmed
	for i, m := range messages {
		q.Publish(m)
		if i%50 == 49 {
			q.Settle(true)
		}
	}
	q.Settle(true)
	b.wait(sim.Second)
	if got := b.confirmed - before; got != len(messages) {
		return errors.Join(b.failed, fmt.Errorf("%d confirmed of %d", got, len(messages)))
	}
	return nil
}

func (r *rabbit) append() error { return r.master.publish(r.messages) }

// replicate is what a mirror stores for the same messages: it has a queue of its own.
func (r *rabbit) replicate() error {
	r.mirror.queue().SetMirror(true)
	return r.mirror.publish(r.messages)
}

// read delivers and acknowledges every message.
func (r *rabbit) read() (n int, err error) {
	q := r.master.queue()
	for q.Len() > 0 {
		d, ok := q.Fetch(true)
		if !ok {
			return n, errors.Join(r.master.failed, fmt.Errorf("no message of %d", q.Len()))
		}
		q.Ack(d.Seq)
		if n++; n%50 == 0 {
			q.Settle(true)
		}
	}
	q.Settle(true)
	r.master.wait(sim.Second)
	return n, r.master.failed
}

func (r *rabbit) recover() (int, error) {
	err := r.master.restart()
	return r.master.queue().Len(), err
}

func (r *rabbit) close() error { return r.master.w.CloseDisks() }
