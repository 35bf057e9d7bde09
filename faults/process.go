package faults

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// service is the process of a host that a fault means: its server, or the one that process: names.
func service(h *sim.Host, name string) *sim.Service {
	if name != "" && name != models.ServerService {
		return h.Service(name)
	}
	if s := h.Service(models.ServerService); s != nil {
		return s
	}
	if list := h.Services(); len(list) > 0 {
		return list[0]
	}
	return nil
}

func startIn(s *sim.Service, boot *sim.Range) {
	if boot != nil {
		s.StartIn(*boot)
		return
	}
	s.Start()
}

func kill(in *Injector, s *Spec, t target) *effect {
	h := t.hosts[0]
	p := service(h, s.Process)
	if p == nil {
		return &effect{text: h.Name + " runs no process " + s.Process, undo: nothing}
	}
	was := p.Running()
	p.Kill()
	return &effect{
		took: was && !p.Running(), absorbed: !was, touched: constant(was),
		undo:   func(boot *sim.Range) { startIn(p, boot) },
		undone: func() bool { return p.Running() || !h.Up },
	}
}

func stop(in *Injector, s *Spec, t target) *effect {
	h := t.hosts[0]
	p := service(h, s.Process)
	if p == nil {
		return &effect{text: h.Name + " runs no process " + s.Process, undo: nothing}
	}
	was := p.Running()
	p.Stop()
	return &effect{
		took: was, absorbed: !was, touched: constant(was),
		undo: func(boot *sim.Range) {
			if !p.Running() {
				startIn(p, boot)
				return
			}
			// It is still shutting down: its supervisor starts it when it has ended.
			in.onExit(p, func() { startIn(p, boot) })
		},
	}
}

// onExit calls f once, when the process that p runs now has ended.
func (in *Injector) onExit(p *sim.Service, f func()) {
	done := false
	in.w.OnEmit(func(e sim.DomainEvent) {
		if !done && e.Kind == "process-died" && e.Host == p.Host && !p.Running() {
			done = true
			in.at(in.w.Now(), f)
		}
	})
}

func pause(in *Injector, s *Spec, t target) *effect {
	p := service(t.hosts[0], s.Process)
	if p == nil || !p.Running() {
		return &effect{absorbed: true, text: t.hosts[0].Name + " runs no such process", undo: nothing}
	}
	was := p.Paused()
	p.Pause()
	return &effect{
		took: p.Paused() && !was, absorbed: was, touched: constant(!was),
		undo:   func(*sim.Range) { p.Resume() },
		undone: func() bool { return !p.Paused() },
	}
}

func powerLoss(in *Injector, s *Spec, t target) *effect {
	h := t.hosts[0]
	was := h.Up
	kind, ok := sim.CrashKindNamed(s.Crash)
	if !ok && s.Crash != "" {
		return &effect{text: "no such kind of loss: " + s.Crash, undo: nothing}
	}
	h.PowerOff(kind)
	return &effect{
		took: was && !h.Up, absorbed: !was, touched: constant(was),
		undo: func(boot *sim.Range) {
			if boot != nil {
				for _, p := range h.Services() {
					p.NextBoot = boot
				}
			}
			h.PowerOn(in.draw("boot/os/"+h.Name, in.osBoot))
		},
	}
}

func nothing(*sim.Range) {}

func constant(hit bool) func() int64 {
	return func() int64 {
		if hit {
			return 1
		}
		return 0
	}
}
