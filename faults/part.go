package faults

import (
	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// part finds a program inside of a process (app, queue(q)), nil if the model has none of that name there.
func (in *Injector) part(s *Spec, h *sim.Host) models.Part {
	if c, ok := in.c.(models.Parts); ok {
		return c.Part(h, s.Process, s.ProcArg)
	}
	return nil
}

func (s *Spec) process() string {
	if s.ProcArg != "" {
		return s.Process + "(" + s.ProcArg + ")"
	}
	return s.Process
}

func noPart(s *Spec, h *sim.Host) *effect {
	return &effect{text: h.Name + " runs no process " + s.process() + " at this moment", undo: nothing}
}

func (in *Injector) killPart(s *Spec, h *sim.Host) *effect {
	return in.endPart(s, h, models.Part.Kill)
}

func (in *Injector) stopPart(s *Spec, h *sim.Host) *effect {
	return in.endPart(s, h, models.Part.Stop)
}

func (in *Injector) endPart(s *Spec, h *sim.Host, end func(models.Part)) *effect {
	p := in.part(s, h)
	if p == nil {
		return noPart(s, h)
	}
	was := p.Running()
	end(p)
	return &effect{took: was, absorbed: !was, touched: constant(was), undo: func(*sim.Range) { p.Start() }}
}

func (in *Injector) pausePart(s *Spec, h *sim.Host) *effect {
	p := in.part(s, h)
	if p == nil {
		return noPart(s, h)
	}
	was := p.Paused()
	p.Pause()
	return &effect{
		took: p.Paused() && !was, absorbed: was, touched: constant(!was),
		undo:   func(*sim.Range) { p.Resume() },
		undone: func() bool { return !p.Paused() },
	}
}
