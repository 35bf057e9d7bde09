package faults

import (
	"fmt"

	"github.com/mqsim/mqsim/sim"
)

// memory lets programs outside of the simulation use a share of the host's memory.
func memory(_ *Injector, s *Spec, t target) *effect {
	h := t.hosts[0]
	if h.Spec.Memory == 0 {
		return &effect{text: h.Name + " has no size of memory", undo: nothing}
	}
	bytes := sim.Share(h.Spec.Memory, s.Fill)
	before, looks := h.Taken()
	h.TakeMemory(bytes)
	now, _ := h.Taken()
	return &effect{
		took: now > before,
		undo: func(*sim.Range) { h.TakeMemory(-bytes) },
		touched: func() int64 {
			_, n := h.Taken()
			return n - looks
		},
	}
}

// cpu multiplies the service times of a host; two of them multiply one another.
func cpu(_ *Injector, s *Spec, t target) *effect {
	h := t.hosts[0]
	before, items := h.WouldTake(probe), h.SlowItems()
	h.SlowCPU(s.Factor)
	return &effect{
		took:    h.WouldTake(probe) != before,
		undo:    func(*sim.Range) { h.FastCPU(s.Factor) },
		touched: func() int64 { return h.SlowItems() - items },
	}
}

// clockJump moves the wall clock; the undo moves it back by as much.
func clockJump(_ *Injector, s *Spec, t target) *effect {
	h := t.hosts[0]
	before := h.Wall()
	h.JumpClock(s.By)
	return &effect{
		took:    h.Wall() == before+s.By && s.By != 0,
		undo:    func(*sim.Range) { h.JumpClock(-s.By) },
		touched: processes(h),
	}
}

// clockDrift lets the wall clock run fast or slow. The undo ends the drift; what the clock has gained
// or lost by then stays, as it does until somebody sets it.
func clockDrift(_ *Injector, s *Spec, t target) *effect {
	h := t.hosts[0]
	before := h.Drift()
	h.DriftClock(before + s.PPM)
	return &effect{
		took:    h.Drift() != before,
		undo:    func(*sim.Range) { h.DriftClock(h.Drift() - s.PPM) },
		touched: processes(h),
	}
}

// processes counts those that ran on a host when a fault began.
func processes(h *sim.Host) func() int64 {
	n := int64(0)
	for _, p := range h.Services() {
		if p.Running() {
			n++
		}
	}
	return func() int64 { return n }
}

// clientCrash kills a client; the undo starts a new one.
func clientCrash(in *Injector, s *Spec, t target) *effect {
	h := t.hosts[0]
	if !in.isClient(h) {
		return &effect{text: fmt.Sprintf("%s is no client", h.Name), undo: nothing}
	}
	return kill(in, s, t)
}
