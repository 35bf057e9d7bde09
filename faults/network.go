package faults

import (
	"fmt"

	"github.com/mqsim/mqsim/sim"
)

// classes is the port: key as a bit per class; 0 means all.
func classes(port string) uint8 {
	switch port {
	case "client":
		return 1 << sim.PortClient
	case "replication":
		return 1 << sim.PortReplication
	case "coordination":
		return 1 << sim.PortCoordination
	case "metadata":
		return 1 << sim.PortMetadata
	}
	return 0
}

// cutSides resolves the sides of a partition.
func cutSides(in *Injector, s *Spec) ([]target, error) {
	switch {
	case len(s.Between) == 2:
		a, b, err := in.between(s)
		if err != nil {
			return nil, err
		}
		return []target{{hosts: join(a, b), a: a, b: b}}, nil
	case len(s.Groups) > 0:
		return in.groupSides(s)
	case s.Shape != "":
		return in.shapeSides(s)
	}
	selected, err := in.resolve(s.Selector, s.Mode, s.Value)
	if err != nil {
		return nil, err
	}
	var out []target
	for _, a := range inTurn(s, selected) {
		a, b := in.withClients(s, a, without(in.c.Servers(), a))
		if len(b) == 0 {
			return nil, fmt.Errorf("selector %q names every server: nobody is left to cut it from", s.Selector.Text)
		}
		out = append(out, target{hosts: a, a: a, b: b})
	}
	return out, nil
}

// inTurn are the first sides of a disturbance: the selected hosts together, or with stagger: each for itself.
func inTurn(s *Spec, selected []*sim.Host) (out [][]*sim.Host) {
	if s.Stagger == 0 {
		return [][]*sim.Host{selected}
	}
	for i := range selected {
		out = append(out, selected[i:i+1:i+1])
	}
	return out
}

func (in *Injector) between(s *Spec) (a, b []*sim.Host, err error) {
	if a, err = in.resolve(s.Between[0], s.Mode, s.Value); err != nil {
		return nil, nil, err
	}
	b, err = in.resolve(s.Between[1], All, 0)
	return a, without(b, a), err
}

// withClients places the clients: by default they reach everybody; with majority nobody reaches
// the first side; a list is cut off together with the first side.
func (in *Injector) withClients(s *Spec, a, b []*sim.Host) (x, y []*sim.Host) {
	named := sim.NewHostSet(a...)
	switch s.Clients {
	case "majority":
		for _, h := range in.clients() {
			if !named.Has(h.ID) {
				b = append(b, h)
			}
		}
	case "list":
		listed := map[string]bool{}
		for _, n := range s.ClientSet {
			listed[n] = true
		}
		for _, h := range in.clients() {
			if listed[h.Name] {
				a = append(a, h)
			} else if !named.Has(h.ID) {
				b = append(b, h)
			}
		}
	}
	return a, b
}

func (in *Injector) groupSides(s *Spec) ([]target, error) {
	var groups [][]*sim.Host
	for _, g := range s.Groups {
		var hosts []*sim.Host
		for _, sel := range g {
			h := in.match(sel, true)
			if len(h) == 0 {
				return nil, fmt.Errorf("selector %q matches no host at this moment", sel.Text)
			}
			hosts = append(hosts, h...)
		}
		groups = append(groups, hosts)
	}
	return []target{pairwise(groups)}, nil
}

// pairwise cuts every group from every other.
func pairwise(groups [][]*sim.Host) target {
	t := target{hosts: groups[0]}
	for i := range groups {
		for j := i + 1; j < len(groups); j++ {
			t.extra = append(t.extra, [2][]*sim.Host{groups[i], groups[j]})
		}
	}
	return t
}

// shapeSides draws Jepsen's shapes over the data servers: two halves; two halves with a bridge node
// that sees both; a ring in which every node sees only its two neighbours.
func (in *Injector) shapeSides(s *Spec) ([]target, error) {
	servers := in.servers()
	n := len(servers)
	if n < 3 {
		return nil, fmt.Errorf("shape %s needs at least 3 servers", s.Shape)
	}
	perm := in.w.Rand("selector").Perm(n)
	hosts := make([]*sim.Host, n)
	for i, p := range perm {
		hosts[i] = servers[p]
	}
	switch s.Shape {
	case "halves":
		return []target{pairwise([][]*sim.Host{hosts[:n/2], hosts[n/2:]})}, nil
	case "bridge":
		rest := hosts[1:]
		return []target{pairwise([][]*sim.Host{rest[:len(rest)/2], rest[len(rest)/2:]})}, nil
	}
	t := target{hosts: hosts}
	for i := range n {
		for j := i + 2; j < n; j++ {
			if i == 0 && j == n-1 {
				continue
			}
			t.extra = append(t.extra, [2][]*sim.Host{hosts[i : i+1], hosts[j : j+1]})
		}
	}
	if len(t.extra) == 0 {
		return nil, fmt.Errorf("a ring of %d servers cuts nobody", n)
	}
	return []target{t}, nil
}

// pairs are the pairs of sides of a target.
func pairs(t target) [][2][]*sim.Host {
	if t.a != nil {
		return append(t.extra, [2][]*sim.Host{t.a, t.b})
	}
	return t.extra
}

// sides makes the two one-way rules of each pair of sides; direction is seen from the first.
func sides(s *Spec, t target, make func() sim.Rule) []*sim.Rule {
	var out []*sim.Rule
	for _, p := range pairs(t) {
		a, b := sim.NewHostSet(p[0]...), sim.NewHostSet(p[1]...)
		if s.Direction != "to" {
			r := make()
			r.From, r.To, r.Classes = a, b, classes(s.Port)
			out = append(out, &r)
		}
		if s.Direction != "from" {
			r := make()
			r.From, r.To, r.Classes = b, a, classes(s.Port)
			out = append(out, &r)
		}
	}
	return out
}

func partition(in *Injector, s *Spec, t target) *effect {
	if s.Style == "reset" {
		return in.refuse(s, t, true)
	}
	rules := sides(s, t, func() sim.Rule { return sim.Rule{Cut: true} })
	drops := func(a, b *sim.Host, c sim.PortClass) bool { return in.w.Net.WouldDrop(a, b, c) }
	before := in.everywhere(rules, drops)
	e := in.ruleEffect(rules)
	e.took, e.absorbed = !before && in.everywhere(rules, drops), before
	return e
}

// reset breaks connections once, and for its duration new ones are refused.
func reset(in *Injector, s *Spec, t target) *effect {
	e := in.refuse(s, t, s.Duration > 0)
	e.once = s.Duration == 0
	return e
}

// refuse breaks the connections between two sides; lasting: new ones are refused.
func (in *Injector) refuse(s *Spec, t target, lasting bool) *effect {
	rules := sides(s, t, func() sim.Rule { return sim.Rule{Refuse: true} })
	refuses := func(a, b *sim.Host, c sim.PortClass) bool { return in.w.Net.WouldRefuse(a, b, c) }
	before := in.everywhere(rules, refuses)
	var broken int64
	for _, p := range pairs(t) {
		broken += int64(in.w.Net.ResetConnections(sim.NewHostSet(p[0]...), sim.NewHostSet(p[1]...), classes(s.Port)))
	}
	if !lasting {
		rules = nil
	}
	e := in.ruleEffect(rules)
	e.took = broken > 0 || lasting && !before && in.everywhere(rules, refuses)
	if e.absorbed = !e.took && lasting; !e.took && !lasting {
		e.text = "there is no connection to break"
	}
	refused := e.touched
	e.touched = func() int64 { return broken + refused() }
	return e
}

// everywhere asks the world a question about every way that the rules are about; false if there is none.
func (in *Injector) everywhere(rules []*sim.Rule, ask func(a, b *sim.Host, c sim.PortClass) bool) bool {
	any, all := false, true
	in.eachWay(rules, func(a, b *sim.Host, c sim.PortClass) {
		any = true
		all = all && ask(a, b, c)
	})
	return any && all
}

// eachWay visits the ways of packets that rules are about.
func (in *Injector) eachWay(rules []*sim.Rule, visit func(a, b *sim.Host, c sim.PortClass)) {
	for _, r := range rules {
		for _, a := range in.w.Hosts {
			if !r.From.Has(a.ID) {
				continue
			}
			for _, b := range in.w.Hosts {
				if a == b || !r.To.Has(b.ID) {
					continue
				}
				for c := sim.PortClient; c <= sim.PortMetadata; c++ {
					if r.Classes == 0 || r.Classes&(1<<c) != 0 {
						visit(a, b, c)
					}
				}
			}
		}
	}
}

// ruleEffect puts rules into force.
func (in *Injector) ruleEffect(rules []*sim.Rule) *effect {
	for _, r := range rules {
		in.w.Net.Add(r)
	}
	return &effect{
		undo: func(*sim.Range) {
			for _, r := range rules {
				in.w.Net.RemoveRule(r)
			}
		},
		touched: func() int64 {
			n := int64(0)
			for _, r := range rules {
				n += r.Touched
			}
			return n
		},
	}
}

// disturb puts rules into force that make ways worse. It took hold if what ask sums up over all ways changed.
func (in *Injector) disturb(rules []*sim.Rule, ask func(a, b *sim.Host, c sim.PortClass) int64) *effect {
	sum := func() (n int64) {
		in.eachWay(rules, func(a, b *sim.Host, c sim.PortClass) { n += ask(a, b, c) })
		return n
	}
	before := sum()
	e := in.ruleEffect(rules)
	e.took = sum() != before
	e.absorbed = !e.took
	return e
}

// pathSides resolves the two ends of a disturbed path: between, or the selected hosts and everybody else.
func pathSides(in *Injector, s *Spec) ([]target, error) {
	if len(s.Between) == 2 {
		a, b, err := in.between(s)
		if err != nil {
			return nil, err
		}
		return []target{{hosts: join(a, b), a: a, b: b}}, nil
	}
	selected, err := in.resolve(s.Selector, s.Mode, s.Value)
	if err != nil {
		return nil, err
	}
	var out []target
	for _, a := range inTurn(s, selected) {
		b := without(in.w.Hosts, a)
		if len(b) == 0 {
			b = a
		}
		out = append(out, target{hosts: a, a: a, b: b})
	}
	return out, nil
}

func delay(in *Injector, s *Spec, t target) *effect {
	rules := sides(s, t, func() sim.Rule { return sim.Rule{Latency: s.Latency, Jitter: s.Jitter} })
	return in.disturb(rules, func(a, b *sim.Host, c sim.PortClass) int64 {
		latency, jitter := in.w.Net.WouldDelay(a, b, c)
		return int64(latency + jitter)
	})
}

func loss(in *Injector, s *Spec, t target) *effect {
	rules := sides(s, t, func() sim.Rule { return sim.Rule{Loss: s.PPM} })
	return in.disturb(rules, func(a, b *sim.Host, c sim.PortClass) int64 { return in.w.Net.LossChance(a, b, c) })
}

func bandwidth(in *Injector, s *Spec, t target) *effect {
	rules := sides(s, t, func() sim.Rule { return sim.Rule{Bandwidth: s.Rate} })
	return in.disturb(rules, func(a, b *sim.Host, c sim.PortClass) int64 { return in.w.Net.Limit(a, b, c) })
}

func join(a, b []*sim.Host) []*sim.Host {
	return append(append([]*sim.Host(nil), a...), b...)
}
