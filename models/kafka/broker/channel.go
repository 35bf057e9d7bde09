package broker

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// channel carries requests to the active controller (NodeToControllerChannelManagerImpl): one after the
// other, each to whoever leads the quorum as far as this broker knows, and again when that one is gone or
// says that it is not the controller.
type channel struct {
	k       *kraft
	retry   sim.Time // a request that is older fails; 0: it is repeated for ever
	timeout sim.Time // of one try
	queue   []call
	to      *sim.Host
	l       *link
	busy    bool
	waiting bool // for timerChannel
}

// call is a request with what becomes of its answer; nil: none came in time.
type call struct {
	m    wire.Request
	born sim.Time
	done func(r wire.Response)
}

// Times of NodeToControllerRequestThread: controller.socket.timeout.ms, the wait for a controller to be
// known, and the pause before it is tried again (reconnect.backoff.ms).
const (
	controllerTimeout = 30 * sim.Second
	lookForController = 100 * sim.Millisecond
	tryAgain          = 50 * sim.Millisecond
)

// forwardTimeout is how long a client's request is passed on (ForwardingManager: request.timeout.ms).
const forwardTimeout = 30 * sim.Second

func (k *kraft) newChannel(retry sim.Time) *channel {
	ch := &channel{k: k, retry: retry, timeout: controllerTimeout}
	if retry > 0 {
		ch.timeout = min(controllerTimeout, retry)
	}
	return ch
}

func (ch *channel) send(m wire.Request, done func(wire.Response)) {
	ch.queue = append(ch.queue, call{m, ch.k.b.p.Now(), done})
	ch.next()
}

// pop takes the request at the head.
func (ch *channel) pop() call {
	q := ch.queue[0]
	ch.queue = append(ch.queue[:0], ch.queue[1:]...)
	return q
}

func (ch *channel) next() {
	b := ch.k.b
	for !ch.busy && !ch.waiting && len(ch.queue) > 0 {
		if ch.retry > 0 && b.p.Now() >= ch.queue[0].born+ch.retry {
			ch.pop().done(nil)
			continue
		}
		host := ch.k.node.ControllerHost()
		if ch.l == nil || host != nil && ch.to != host {
			if ch.l != nil {
				ch.l.close()
			}
			if host == nil {
				host = b.p.Host // nobody is known yet: the link only waits
			}
			ch.to = host
			ch.l = b.newLink(host, wire.ControllerPort, laneQuorum, itoa(b.cfg.ID))
			ch.l.timeout = ch.timeout
			ch.l.answer, ch.l.failed, ch.l.again = ch.answered, ch.failed, ch.resume
		}
		if ch.k.node.ControllerHost() == nil {
			ch.pause(lookForController)
			return
		}
		ch.busy = true
		ch.l.send(ch.queue[0].m)
	}
}

func (ch *channel) pause(d sim.Time) {
	ch.waiting = true
	ch.k.b.p.After(d, timerChannel, ch.l.index)
}

func (ch *channel) resume() {
	ch.waiting = false
	ch.next()
}

func (ch *channel) failed() {
	ch.busy = false
	ch.pause(tryAgain)
}

func (ch *channel) answered(r wire.Response) {
	ch.busy = false
	if refused(r) {
		ch.k.b.p.Probe("kraft-not-controller")
		ch.l.close()
		ch.pause(tryAgain)
		return
	}
	ch.pop().done(r)
	ch.next()
}

// refused says whether an answer is NOT_CONTROLLER.
func refused(r wire.Response) bool {
	e := wire.None
	switch r := r.(type) {
	case *wire.BrokerRegistrationResponse:
		e = r.Err
	case *wire.BrokerHeartbeatResponse:
		e = r.Err
	case *wire.AlterPartitionResponse:
		e = r.Err
	case *wire.AllocateProducerIDsResponse:
		e = r.Err
	case *wire.ElectLeadersResponse:
		e = r.Err
	case *wire.AlterReassignmentsResponse:
		e = r.Err
	case *wire.AlterConfigsResponse:
		e = r.Err
	case *wire.CreateTopicsResponse:
		if len(r.Topics) > 0 {
			e = r.Topics[0].Err
		}
	}
	return e == wire.NotController
}
