package broker

import (
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// lifeState is what the controller thinks of the broker, as far as the broker knows (BrokerState).
type lifeState uint8

const (
	starting   lifeState = iota // not caught up with the metadata
	recovering                  // caught up, fenced
	running
	stopping // asked to be relieved
	stopped
)

// lifecycle registers the broker and keeps it registered (BrokerLifecycleManager.scala).
type lifecycle struct {
	k           *kraft
	state       lifeState
	incarnation [16]byte
	previous    int64 // broker epoch of the last clean stop, -1 unknown
	registered  bool
	ready       bool // logs open, requests served: it wants to be unfenced
	stop        bool
	heard       bool // an answer came since the shutdown began
	sending     bool
	soon        bool // the next request follows at once
	failures    int
	gen         uint32
	giveUp      sim.Time // end of the first registration
}

func (f *lifecycle) init(k *kraft) { f.k, f.previous = k, -1 }

// start begins to register.
func (f *lifecycle) start() {
	p := f.k.b.p
	r := p.Rand("incarnation")
	for i := range f.incarnation {
		f.incarnation[i] = byte(r.Below(256))
	}
	f.giveUp = p.Now() + f.k.cfg.RegistrationTimeout
	f.schedule(0)
}

// schedule sends the next request after d, unless another is scheduled meanwhile.
func (f *lifecycle) schedule(d sim.Time) {
	f.gen++
	if f.soon {
		f.soon, d = false, 0
	}
	f.k.b.p.After(d, timerLifecycle, f.gen)
}

func (f *lifecycle) readyToUnfence() {
	f.ready = true
	f.now()
}

func (f *lifecycle) wantStop() {
	if f.state != running {
		f.k.b.close()
		return
	}
	f.stop, f.state = true, stopping
	f.now()
}

// now sends at once what waits for its time.
func (f *lifecycle) now() {
	f.soon = true
	if !f.sending && f.registered {
		f.schedule(0)
	}
}

func (f *lifecycle) timer(gen uint32) {
	if gen != f.gen || f.sending || f.state == stopped || f.k.b.phase == closing {
		return
	}
	b := f.k.b
	f.sending = true
	if !f.registered {
		if b.p.Now() >= f.giveUp {
			b.p.Probe("kraft-registration-given-up")
			b.halt("could not register within initial.broker.registration.timeout.ms")
			return
		}
		f.k.beats.send(&wire.BrokerRegistrationRequest{
			Broker: b.cfg.ID, Host: b.p.Host.Name, Incarnation: f.incarnation, PreviousEpoch: f.previous,
		}, f.registration)
		return
	}
	f.k.beats.send(&wire.BrokerHeartbeatRequest{
		Broker: b.cfg.ID, BrokerEpoch: b.epoch, MetadataOffset: f.k.node.Next() - 1,
		WantFence: !f.ready, WantShutDown: f.stop,
	}, f.beat)
}

// failed waits before the next try: 0.1 s, doubling up to the session, give or take 2% (ExponentialBackoff).
func (f *lifecycle) failed() {
	f.soon = false
	if f.registered && f.k.cfg.RetryAtInterval {
		f.schedule(f.k.cfg.Heartbeat)
		return
	}
	d := f.k.cfg.Session
	if f.failures < 20 {
		d = min(d, 100*sim.Millisecond<<f.failures)
	}
	f.failures++
	d += sim.Time(f.k.b.p.Rand("lifecycle").Below(uint64(d/25)+1)) - d/50
	f.schedule(d)
}

func (f *lifecycle) registration(m wire.Response) {
	f.sending = false
	r, ok := m.(*wire.BrokerRegistrationResponse)
	if !ok || r.Err != wire.None {
		f.k.b.p.Probe("kraft-registration-refused")
		f.failed()
		return
	}
	f.registered, f.failures = true, 0
	f.k.b.epoch = r.BrokerEpoch
	f.schedule(0)
}

func (f *lifecycle) beat(m wire.Response) {
	f.sending = false
	r, ok := m.(*wire.BrokerHeartbeatResponse)
	if !ok || r.Err != wire.None {
		f.k.b.p.Probe("kraft-heartbeat-failed")
		f.failed()
		return
	}
	f.failures = 0
	next := f.k.cfg.Heartbeat
	switch f.state {
	case starting:
		if r.CaughtUp {
			f.state = recovering
			f.k.maybeServe()
		}
		next = 10 * sim.Millisecond // so that a broker with nothing to recover starts sooner
	case recovering:
		if !r.Fenced {
			f.state = running
			f.k.b.unfenced()
			// All brokers of a run start together; in life their heartbeats have nothing to do with each other.
			next = f.k.b.p.Rand("phase").Range(1, f.k.cfg.Heartbeat)
		}
	case stopping:
		if r.ShouldStop {
			f.state = stopped
			f.k.b.close()
			return
		}
		if !f.heard {
			next = 50 * sim.Millisecond // the first answer: look again soon
		}
		f.heard = true
	}
	f.schedule(next)
}
