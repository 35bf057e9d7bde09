package faults

import (
	"fmt"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// resolve names the hosts of a selector at this moment, thinned out by mode.
func (in *Injector) resolve(sel Selector, mode Mode, value int) ([]*sim.Host, error) {
	all := mode != One
	hosts := in.match(sel, all)
	if len(hosts) == 0 {
		return nil, fmt.Errorf("selector %q matches no host at this moment", sel.Text)
	}
	n := len(hosts)
	switch mode {
	case One:
		// A sum or a plain host name means exactly what it says; a role alone is its first.
		return hosts, nil
	case All:
		return hosts, nil
	case Fixed:
		n = min(value, n)
	case Random:
		n = 1
	case Minority:
		n = (n - 1) / 2
	case Majority:
		n = n/2 + 1
	}
	perm := in.w.Rand("selector").Perm(len(hosts))
	out := make([]*sim.Host, 0, n)
	for _, i := range perm[:n] {
		out = append(out, hosts[i])
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("selector %q with mode %s leaves no host", sel.Text, mode)
	}
	return out, nil
}

// match returns the union of a selector's terms in order, each host once.
func (in *Injector) match(sel Selector, all bool) []*sim.Host {
	var out []*sim.Host
	seen := sim.HostSet{}
	add := func(hosts []*sim.Host) {
		for _, h := range hosts {
			if !seen.Has(h.ID) {
				seen = seen.With(h)
				out = append(out, h)
			}
		}
	}
	for _, t := range sel.Terms {
		add(in.term(t, all))
	}
	return out
}

func (in *Injector) term(t Term, all bool) []*sim.Host {
	switch {
	case t.Not != nil:
		return without(in.servers(), in.match(*t.Not, true))
	case t.Word == "all":
		return in.c.Servers()
	case t.Word == "brokers":
		return in.servers()
	}
	if h := in.w.HostNamed(t.Word); h != nil {
		return []*sim.Host{h}
	}
	return in.c.Select(t.Word, t.Arg, all)
}

// servers are the hosts that hold data: no coordinators, no clients.
func (in *Injector) servers() []*sim.Host {
	var out []*sim.Host
	for _, h := range in.c.Servers() {
		if h.Service(models.ServerService) != nil {
			out = append(out, h)
		}
	}
	return out
}

func without(hosts, minus []*sim.Host) []*sim.Host {
	gone := sim.NewHostSet(minus...)
	var out []*sim.Host
	for _, h := range hosts {
		if !gone.Has(h.ID) {
			out = append(out, h)
		}
	}
	return out
}

func (in *Injector) isClient(h *sim.Host) bool { return h.Service(models.ClientService) != nil }

// clients are the hosts of the workload's clients.
func (in *Injector) clients() []*sim.Host {
	var out []*sim.Host
	for _, h := range in.w.Hosts {
		if in.isClient(h) {
			out = append(out, h)
		}
	}
	return out
}
