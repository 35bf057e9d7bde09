package verdict

import (
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sim"
)

// reach is how far from the edge of a fault an outage may begin and still be its doing: acks that
// were under way hide the first moments.
const reach = sim.Second

// fired says whether the window began and belongs to the load: what an operator did during setup was
// over before anything is measured.
func (f *FaultWindow) fired() bool { return f.From != never && (f.From >= 0 || f.To > 0) }

// firstFault is the start of the first fault, or where there is none of the first operation.
func (in *Input) firstFault() (sim.Time, bool) {
	for _, kind := range []WindowKind{Fault, Operation} {
		first := never
		for i := range in.Faults {
			if in.Faults[i].Kind == kind && in.Faults[i].fired() {
				first = min(first, in.Faults[i].From)
			}
		}
		if first != never {
			return first, true
		}
	}
	return 0, false
}

// failover is, for one fault, the time from its start to the end of the first full write outage that
// contains its start, or begins within 1 s of it or while it holds. 0: none; never: it is open.
func failover(f *FaultWindow, writes []gap) sim.Time {
	for _, g := range writes {
		contains := g.from <= f.From && f.From < g.to
		begins := g.from >= f.From && (g.from <= f.From+reach || g.from < f.To)
		if !contains && !begins {
			continue
		}
		if g.open {
			return never
		}
		return g.to - f.From
	}
	return 0
}

// failovers is the largest failover of the faults that a name selects; "" selects all faults, but no
// operations. A fault with `every` has several windows under one name.
func (in *Input) failovers(name string, writes []gap) (most sim.Time, found bool) {
	for i := range in.Faults {
		f := &in.Faults[i]
		if name == "" && f.Kind != Fault || name != "" && f.Name != name || !f.fired() {
			continue
		}
		found = true
		most = max(most, failover(f, writes))
	}
	return most, found
}

// edge is the start or the undo of a fault.
type edge struct {
	fault *FaultWindow
	at    sim.Time
	heal  bool
}

// edges are in order of the list of faults, starts before undos.
func (in *Input) edges() []edge {
	var list []edge
	for i := range in.Faults {
		f := &in.Faults[i]
		if !f.fired() {
			continue
		}
		list = append(list, edge{f, f.From, false})
		if f.To != never && f.To > f.From {
			list = append(list, edge{f, f.To, true})
		}
	}
	return list
}

// causeOf finds the edge to which an outage belongs: the nearest within reach of its begin, else the
// latest before it, else the first within it.
func causeOf(g gap, edges []edge) (edge, bool) {
	var near, before, within edge
	distance := reach + 1
	for _, e := range edges {
		d := max(e.at-g.from, g.from-e.at)
		if d < distance {
			near, distance = e, d
		}
		if e.at <= g.from && (before.fault == nil || e.at > before.at) {
			before = e
		}
		if e.at > g.from && e.at < g.to && (within.fault == nil || e.at < within.at) {
			within = e
		}
	}
	for _, e := range []edge{near, before, within} {
		if e.fault != nil {
			return e, true
		}
	}
	return edge{}, false
}

// outage is a gap in the form of a result.
func outage(kind, scope string, g gap, edges []edge) result.Outage {
	o := result.Outage{Kind: kind, Scope: scope, From: seconds(g.from), To: seconds(g.to), Open: g.open}
	e, ok := causeOf(g, edges)
	if !ok {
		return o
	}
	o.Fault, o.Edge = e.fault.Name, "start"
	if e.heal {
		o.Edge = "heal"
	}
	switch {
	case g.open:
	case g.to < e.fault.To:
		o.EndedBy = "failover"
	default:
		o.EndedBy = "repair"
	}
	return o
}

// phases are steady (before the first fault or operation), fault (while one holds) and recovery (the
// rest), of all time: what comes before the load is steady, the drain is recovery.
func (in *Input) phases() (steady, fault, recovery periods) {
	var held []period
	first := never
	for i := range in.Faults {
		if f := &in.Faults[i]; f.fired() {
			held = append(held, period{f.From, f.To})
			first = min(first, f.From)
		}
	}
	fault = union(held)
	steady = periods{{before, first}}
	recovery = periods{}
	at := first
	for _, s := range fault {
		if at < s.from {
			recovery = append(recovery, period{at, s.from})
		}
		at = max(at, s.to)
	}
	if at < never {
		recovery = append(recovery, period{at, never})
	}
	return steady, fault, recovery
}

// named are the stretches in which the faults or operations of a name held.
func (in *Input) named(name string) (periods, bool) {
	var held []period
	found := false
	for i := range in.Faults {
		if f := &in.Faults[i]; f.Name == name {
			found = true
			if f.fired() {
				held = append(held, period{f.From, f.To})
			}
		}
	}
	return union(held), found
}

// within resolves `during` and `after` to periods; nil is all time. The text says what is wrong.
func (in *Input) within(during, after string) (periods, string) {
	var when periods
	switch steady, fault, recovery := in.phases(); during {
	case "":
	case "steady":
		when = steady
	case "fault":
		when = fault
	case "recovery":
		when = recovery
	default:
		held, found := in.named(during)
		if !found {
			return nil, "no phase, fault or operation is called " + during
		}
		when = held
	}
	if after == "" {
		return when, ""
	}
	end, found := before, false
	for i := range in.Faults {
		if f := &in.Faults[i]; f.Name == after && f.fired() {
			found = true
			end = max(end, f.To)
		}
	}
	if !found {
		return nil, "no fault or operation called " + after + " happened"
	}
	return when.clip(end, never), ""
}
