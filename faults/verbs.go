package faults

import (
	"fmt"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// verbs are the operations that need no broker: what an operator does to machines and clients.
var verbs = map[string]func(in *Injector, o *Operation, hosts []*sim.Host, answer func(models.OpAnswer)){
	"start":           (*Injector).roll,
	"stop":            (*Injector).roll,
	"restart":         (*Injector).roll,
	"wait":            (*Injector).wait,
	"set-rate":        (*Injector).setRate,
	"wipe-and-rejoin": (*Injector).wipeAndRejoin,
	"pause-client":    (*Injector).pauseClients,
	"resume-client":   (*Injector).resumeClients,
	"restart-client":  (*Injector).restartClients,
}

func (in *Injector) setRate(o *Operation, hosts []*sim.Host, answer func(models.OpAnswer)) {
	if err := in.Rate(hosts, o.Rate); err != nil {
		answer(models.OpAnswer{Text: err.Error()})
		return
	}
	answer(models.OpAnswer{OK: true, Text: "rate changed"})
}

// wipeAndRejoin stops one server after the other in order, removes every file of it, and starts it: it has
// to get back from the others what it held.
func (in *Injector) wipeAndRejoin(_ *Operation, hosts []*sim.Host, answer func(models.OpAnswer)) {
	in.eachInTurn("host", hosts, answer, func(h *sim.Host, then func()) {
		p := service(h, "")
		in.whenStopped(p, func() {
			for _, d := range h.Disks {
				d.Wipe()
			}
			in.w.Emit(h, "disk-wiped", "", "the operator removed every file")
			p.Start()
			in.poll(func() bool { return p.Ready }, then)
		})
	})
}

// whenStopped stops a program in order, if it runs, and calls then when it has ended.
func (in *Injector) whenStopped(p *sim.Service, then func()) {
	if !p.Running() {
		then()
		return
	}
	in.onExit(p, then)
	p.Stop()
}

// eachInTurn does something to one host after the other. A machine that is off cannot be worked on.
func (in *Injector) eachInTurn(what string, hosts []*sim.Host, answer func(models.OpAnswer), do func(h *sim.Host, then func())) {
	var next func(i int)
	next = func(i int) {
		switch {
		case i == len(hosts):
			answer(models.OpAnswer{OK: true, Text: count(len(hosts), what)})
		case !hosts[i].Up:
			answer(models.OpAnswer{Text: hosts[i].Name + " is switched off"})
		default:
			do(hosts[i], func() { next(i + 1) })
		}
	}
	next(0)
}

func (in *Injector) pauseClients(_ *Operation, hosts []*sim.Host, answer func(models.OpAnswer)) {
	in.eachClient(hosts, answer, func(p *sim.Service) string {
		switch {
		case !p.Running():
			return "does not run"
		case p.Paused():
			return "is paused already"
		}
		p.Pause()
		return ""
	})
}

func (in *Injector) resumeClients(_ *Operation, hosts []*sim.Host, answer func(models.OpAnswer)) {
	in.eachClient(hosts, answer, func(p *sim.Service) string {
		if !p.Paused() {
			return "is not paused"
		}
		p.Resume()
		return ""
	})
}

// eachClient does something to every client at once; the first that refuses ends it.
func (in *Injector) eachClient(hosts []*sim.Host, answer func(models.OpAnswer), do func(*sim.Service) (refused string)) {
	for _, h := range hosts {
		p := h.Service(models.ClientService)
		if p == nil {
			answer(models.OpAnswer{Text: h.Name + " is no client"})
			return
		}
		if why := do(p); why != "" {
			answer(models.OpAnswer{Text: h.Name + " " + why})
			return
		}
	}
	answer(models.OpAnswer{OK: true, Text: count(len(hosts), "client")})
}

// restartClients ends clients in order and starts new ones in their place.
func (in *Injector) restartClients(_ *Operation, hosts []*sim.Host, answer func(models.OpAnswer)) {
	for _, h := range hosts {
		if !in.isClient(h) {
			answer(models.OpAnswer{Text: h.Name + " is no client"})
			return
		}
	}
	in.eachInTurn("client", hosts, answer, func(h *sim.Host, then func()) {
		p := h.Service(models.ClientService)
		in.whenStopped(p, func() {
			p.Start()
			then()
		})
	})
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
