package sim

// HostID is the dense number of a host in its world.
type HostID uint16

// HostSpec describes a machine.
type HostSpec struct {
	Cores  int
	CPU    *CPU // shared with other hosts; nil: Cores of its own
	NIC    int64
	Disks  int // number of disks, at least 1
	Disk   DiskSpec
	Server bool // a broker or coordinator, in contrast to a client's machine
	Memory int64
}

// Range is a span of time from which a value is drawn.
type Range struct{ Min, Max Time }

// Host is one machine: CPU, NIC, disks, a clock, and programs installed on it.
type Host struct {
	ID    HostID
	Name  string
	W     *World
	Spec  HostSpec
	CPU   *CPU
	Disks []*Disk
	Up    bool // powered and its operating system runs

	services []*Service
	role     string
	nicOut   Time // when the egress side is free again
	nicIn    Time
	nicBusy  Time
	offset   Time  // of the wall clock
	drift    int64 // of the wall clock, parts per million
	driftAt  Time
	powered  bool // has power: its operating system runs or boots
	powerGen uint32
	node     NodeID
	pending  []func() // host timers, by index

	slow      []int64 // factors on service times, in thousandths (cpu faults)
	slowItems int64
	taken     int64 // bytes of memory that programs outside of the simulation use (memory faults)
	looks     int64 // at the memory while some of it is taken
}

func newHost(w *World, id HostID, name string, spec HostSpec) *Host {
	h := &Host{ID: id, Name: name, W: w, Spec: spec, CPU: spec.CPU, Up: true, powered: true}
	if h.CPU == nil {
		h.CPU = NewCPU(spec.Cores)
	}
	for i := range max(spec.Disks, 1) {
		h.Disks = append(h.Disks, newDisk(h, i, spec.Disk))
	}
	h.node = w.K.AddNode(h)
	return h
}

// Install puts a program on the host. make builds one incarnation; it is called at every boot.
// boot is the time from exec until Program.Boot.
func (h *Host) Install(name string, boot Range, make func() Program) *Service {
	if h.Service(name) != nil {
		panic("sim: " + h.Name + " has two services named " + name)
	}
	s := &Service{Host: h, Name: name, Boot: boot, make: make}
	h.services = append(h.services, s)
	return s
}

// Service returns an installed program by name, nil if there is none.
func (h *Host) Service(name string) *Service {
	for _, s := range h.services {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Services are the installed programs in order of installation.
func (h *Host) Services() []*Service { return h.services }

// PowerOff cuts the power: every process is gone, nobody is told, and what was not synced may be
// gone from the disks as crash says.
func (h *Host) PowerOff(crash CrashKind) {
	h.powered = false
	h.powerGen++ // ends a boot of the operating system that is under way
	if !h.Up {
		return
	}
	h.Up = false
	for _, s := range h.services {
		s.wasRunning = s.proc != nil
		if s.proc != nil {
			s.proc.vanish()
		}
	}
	for _, d := range h.Disks {
		d.crash(crash, h.W.Rand("disk/"+h.Name))
	}
	h.W.Trace.role(h, "down")
	h.W.Emit(h, "host-down", "", "power lost")
}

// PowerOn switches the machine on again: after os its kernel answers, and the services that ran
// when the power went are started.
func (h *Host) PowerOn(os Time) {
	if h.Up {
		return
	}
	h.powered = true
	h.powerGen++
	gen := h.powerGen
	h.After(os, func() {
		if h.Up || h.powerGen != gen {
			return
		}
		h.Up = true
		h.W.Emit(h, "host-up", "", "operating system runs")
		h.W.Net.recheck()
		for _, s := range h.services {
			if s.wasRunning {
				s.Start()
			}
		}
	})
}

// Powered says whether the machine has power, even if its operating system still boots.
func (h *Host) Powered() bool { return h.powered }

// After calls f later on behalf of the machine itself (not of a process). For rare use.
func (h *Host) After(d Time, f func()) {
	h.pending = append(h.pending, f)
	h.W.K.At(h.W.Now()+d, h.node, 0, uint32(len(h.pending)-1))
}

// Handle fires a host timer.
func (h *Host) Handle(e Event) {
	f := h.pending[e.Arg]
	h.pending[e.Arg] = nil
	f()
}

// JumpClock moves the wall clock.
func (h *Host) JumpClock(by Time) { h.offset += by }

// Drift is the rate error of the wall clock in parts per million.
func (h *Host) Drift() int64 { return h.drift }

// DriftClock sets the rate error of the wall clock in parts per million.
func (h *Host) DriftClock(ppm int64) {
	h.offset += h.driftSoFar()
	h.drift, h.driftAt = ppm, h.W.Now()
}

func (h *Host) driftSoFar() Time {
	return (h.W.Now() - h.driftAt) / 1000 * Time(h.drift) / 1000
}

// Wall is the machine's wall clock.
func (h *Host) Wall() Time { return h.W.Now() + h.offset + h.driftSoFar() }

// Memory is what the operating system says of the machine's memory: its size, and how much of it
// is used by what is no part of the simulation. 0 of 0: the host's spec names no size.
func (h *Host) Memory() (total, used int64) {
	if h.taken > 0 {
		h.looks++
	}
	return h.Spec.Memory, min(h.taken, h.Spec.Memory)
}

// TakeMemory makes other programs use so many bytes more, or with a negative number less. Takers add up.
func (h *Host) TakeMemory(bytes int64) { h.taken += bytes }

// Taken is what TakeMemory has taken, and how often somebody has looked at the memory meanwhile.
func (h *Host) Taken() (bytes, looks int64) { return h.taken, h.looks }

// NICBusy is the time that the egress side has sent so far.
func (h *Host) NICBusy() Time { return h.nicBusy }

// Service is an installed program: the same code in one incarnation after another.
type Service struct {
	Host *Host
	Name string
	Boot Range
	// OnBoot is called right after each Program.Boot.
	OnBoot func(p *Proc)
	// Respawn restarts a program that ended by itself after this pause; 0: it stays down.
	Respawn Time
	// NextBoot, if set, replaces Boot for the next start only.
	NextBoot *Range
	// Ready says that the program serves (it called Proc.Ready in this incarnation).
	Ready bool

	make       func() Program
	proc       *Proc
	wasRunning bool
}

// Running says whether a process exists, even if it is still booting or frozen.
func (s *Service) Running() bool { return s.proc != nil }

// Proc is the present process, nil if there is none.
func (s *Service) Proc() *Proc { return s.proc }

// Program is the present incarnation's program, nil before its boot.
func (s *Service) Program() Program {
	if s.proc == nil {
		return nil
	}
	return s.proc.prog
}

// Paused says whether the process is frozen.
func (s *Service) Paused() bool { return s.proc != nil && s.proc.paused }

// Start executes the program. Nothing happens if it runs already or the machine is off.
func (s *Service) Start() {
	boot := s.Boot
	if s.NextBoot != nil && s.proc == nil && s.Host.Up {
		boot, s.NextBoot = *s.NextBoot, nil
	}
	s.StartIn(boot)
}

// StartIn is Start with another boot time.
func (s *Service) StartIn(boot Range) {
	if s.proc != nil || !s.Host.Up {
		return
	}
	w := s.Host.W
	p := newProc(s)
	s.proc = p
	s.Ready = false
	d := boot.Min
	if boot.Max > boot.Min {
		d = w.Rand("boot/"+s.Host.Name).Range(boot.Min, boot.Max)
	}
	w.K.At(w.Now()+d, p.node, kindBoot, 0)
}

// Enable says whether a machine that is off starts the program at its next power-on.
func (s *Service) Enable(on bool) {
	if !s.Host.Up {
		s.wasRunning = on
	}
}

// Kill ends the process at once. The operating system lives: it closes the sockets, and what the
// process had written stays in the page cache.
func (s *Service) Kill() {
	if s.proc != nil {
		s.proc.die("killed", false)
	}
}

// Stop asks the program to shut down. It ends when the program calls Exit.
func (s *Service) Stop() {
	p := s.proc
	if p == nil {
		return
	}
	if p.prog == nil {
		p.die("stopped while booting", false)
		return
	}
	s.Host.W.K.At(s.Host.W.Now(), p.node, kindStop, 0)
}

// Pause freezes the process: sockets stay open, timers and packets queue up and all fire at Resume.
func (s *Service) Pause() {
	if s.proc != nil && !s.proc.paused {
		s.proc.paused = true
		s.proc.roleBefore = s.Host.role
		s.Host.W.Trace.role(s.Host, "paused")
		s.Host.W.Emit(s.Host, "process-paused", "", s.Name)
	}
}

// Resume thaws the process.
func (s *Service) Resume() {
	if s.proc != nil && s.proc.paused {
		s.proc.resume()
	}
}
