package workload

import (
	"fmt"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// Application timers of a consumer.
const kindProcessed uint16 = 1

// consumer is the application above one consumer client: it processes one message after the other.
type consumer struct {
	d      *Driver
	index  int
	group  *models.ConsumerGroup
	spec   *models.ConsumerSpec
	svc    *sim.Service
	proc   *sim.Proc
	client models.Consumer

	queue []models.Delivery // delivered and not yet processed, in order
	head  int
	busy  sim.Time // when the last of them will be done
}

func (d *Driver) addConsumer(stream int, g *models.ConsumerGroup, group string) *consumer {
	i := len(d.consumers)
	x := &consumer{d: d, index: i, group: g}
	x.spec = &models.ConsumerSpec{
		Name: fmt.Sprintf("consumer-%d", i), Index: i, Stream: stream, Group: group, At: g.At, Stay: g.Stay,
		Reconnect: g.Reconnect, Prefetch: g.Prefetch, Ack: g.Ack, Orderly: g.Orderly,
		Set: d.settings(stream, models.ConsumerSection, g.Settings),
	}
	x.svc = d.install(x.spec.Name, func() sim.Program {
		x.client = d.c.NewConsumer(x.spec, x)
		return x.client
	}, x.booted)
	d.consumers = append(d.consumers, x)
	return x
}

// booted: a new incarnation; what the old one had not processed is forgotten.
func (x *consumer) booted(proc *sim.Proc) {
	x.proc = proc
	x.queue, x.head, x.busy = x.queue[:0], 0, 0
	proc.SetApp(x)
}

// Delivered queues a message for processing.
func (x *consumer) Delivered(d models.Delivery) {
	if x.group.Process == 0 && x.head == len(x.queue) {
		x.processed(d)
		return
	}
	x.queue = append(x.queue, d)
	now := x.d.w.Now()
	x.busy = max(x.busy, now) + x.group.Process
	x.proc.AppAfter(x.busy-now, kindProcessed, 0)
}

// AppTimer: the message at the head of the queue is done.
func (x *consumer) AppTimer(kind uint16, arg uint32) {
	if x.head >= len(x.queue) {
		return
	}
	d := x.queue[x.head]
	x.head++
	if x.head == len(x.queue) {
		x.queue, x.head = x.queue[:0], 0
	}
	x.processed(d)
}

func (x *consumer) processed(d models.Delivery) {
	fail := x.group.FailPPM > 0 && x.d.w.Rand("workload/fail/"+x.spec.Name).Chance(uint64(x.group.FailPPM), 1_000_000)
	x.d.lastAnswer = x.d.w.Now()
	if !fail {
		id, ok := sim.BodyID(x.d.w.Arena.Bytes(d.Body))
		x.d.h.Deliver(x.d.now(), x.index, d.Stream, d.Partition, d.Offset, id, ok, d.Redelivered)
	}
	x.client.Processed(d.Token, !fail)
}
