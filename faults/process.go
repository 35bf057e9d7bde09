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

// down is how many faults keep a program from running, and whether one of them ended it. It starts again
// when the last of them is undone.
type down struct {
	faults int
	took   bool
}

func (in *Injector) holdDown(p *sim.Service, took bool) {
	d := in.downs[p]
	if d == nil {
		d = &down{}
		in.downs[p] = d
	}
	d.faults++
	d.took = d.took || took
	p.Enable(false)
}

// isDown says whether a fault keeps a program from running.
func (in *Injector) isDown(p *sim.Service) bool { return in.downs[p] != nil }

// letUp takes one fault away; then start is called if it was the last.
func (in *Injector) letUp(p *sim.Service, start func()) {
	d := in.downs[p]
	if d.faults--; d.faults > 0 {
		return
	}
	delete(in.downs, p)
	if d.took {
		start()
	}
}

// revive starts a program, or if its machine is off lets it start when that is on again.
func revive(p *sim.Service, boot *sim.Range) {
	if p.Host.Up {
		startIn(p, boot)
		return
	}
	p.Enable(true)
	p.NextBoot = boot
}

func kill(in *Injector, s *Spec, t target) *effect {
	h := t.hosts[0]
	p := service(h, s.Process)
	if p == nil {
		return in.killPart(s, h)
	}
	was := p.Running()
	p.Kill()
	in.holdDown(p, was)
	return &effect{
		took: was && !p.Running(), absorbed: !was, touched: constant(was),
		undo:   func(boot *sim.Range) { in.letUp(p, func() { revive(p, boot) }) },
		undone: func() bool { return p.Running() || !h.Up || !was || in.isDown(p) },
	}
}

func stop(in *Injector, s *Spec, t target) *effect {
	h := t.hosts[0]
	p := service(h, s.Process)
	if p == nil {
		return in.stopPart(s, h)
	}
	was := p.Running()
	p.Stop()
	in.holdDown(p, was)
	return &effect{
		took: was, absorbed: !was, touched: constant(was),
		undo: func(boot *sim.Range) {
			in.letUp(p, func() {
				if !p.Running() {
					revive(p, boot)
					return
				}
				// It is still shutting down: its supervisor starts it when it has ended.
				in.onExit(p, func() {
					if !in.isDown(p) {
						startIn(p, boot)
					}
				})
			})
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

// pause freezes one incarnation of a program, until the last pause of it is undone.
func pause(in *Injector, s *Spec, t target) *effect {
	p := service(t.hosts[0], s.Process)
	if p == nil {
		return in.pausePart(s, t.hosts[0])
	}
	if !p.Running() {
		return &effect{absorbed: true, text: t.hosts[0].Name + " runs no such process", undo: nothing}
	}
	was, proc := p.Paused(), p.Proc()
	p.Pause()
	in.frozen[proc]++
	return &effect{
		took: p.Paused() && !was, absorbed: was, touched: constant(!was),
		undo: func(*sim.Range) {
			if in.frozen[proc]--; in.frozen[proc] > 0 {
				return
			}
			delete(in.frozen, proc)
			if p.Proc() == proc {
				p.Resume()
			}
		},
		undone: func() bool { return p.Proc() != proc || !p.Paused() || in.frozen[proc] > 0 },
	}
}

func powerLoss(in *Injector, s *Spec, t target) *effect {
	return in.powerOff(s, t.hosts[0], func(*sim.Host) bool { return false })
}

// wipe is a power loss after which a disk comes back empty: a machine, or a disk, was replaced.
func wipe(in *Injector, s *Spec, t target) *effect {
	list := disks(s, t.hosts[0])
	if len(list) == 0 {
		return &effect{text: lacksFile(s, t.hosts[0], list), undo: nothing}
	}
	return in.powerOff(s, t.hosts[0], func(h *sim.Host) bool {
		emptied := false
		for _, d := range list {
			emptied = emptied || len(d.Match("")) > 0
			d.Wipe()
		}
		return emptied
	})
}

// powerOff takes the power from a machine until the last fault that does so is undone. also is what
// happens to it while it is off, and answers whether that changed anything.
func (in *Injector) powerOff(s *Spec, h *sim.Host, also func(*sim.Host) bool) *effect {
	kind, ok := sim.CrashKindNamed(s.Crash)
	if !ok && s.Crash != "" {
		return &effect{text: "no such kind of loss: " + s.Crash, undo: nothing}
	}
	was := h.Powered()
	h.PowerOff(kind)
	was = also(h) || was
	in.dark[h]++
	return &effect{
		took: was && !h.Up, absorbed: !was, touched: constant(was),
		undo: func(boot *sim.Range) {
			if in.dark[h]--; in.dark[h] > 0 {
				return
			}
			delete(in.dark, h)
			if boot != nil {
				for _, p := range h.Services() {
					p.NextBoot = boot
				}
			}
			h.PowerOn(in.draw("boot/os/"+h.Name, in.osBoot))
		},
		undone: func() bool { return h.Powered() || in.dark[h] > 0 },
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
