package faults

import (
	"fmt"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// Window is what became of one fault or operation: when it held, whom it hit, and the proof that
// the world changed.
type Window struct {
	Name      string
	Action    string
	Operation bool
	Hosts     []string
	From      sim.Time // absolute
	To        sim.Time // absolute; -1 while it holds
	TookHold  bool
	Healed    bool
	Absorbed  bool // it hit something that was already in that state
	Permanent bool
	Touched   int64
	Text      string // why it did not take hold; an operation's answer
	MustFail  bool
	OK        bool // an operation's answer
	Answered  bool
}

// Injector replays a schedule of faults and operations on a world. It asks the world whether a
// fault took hold and never tells a model that one is on.
type Injector struct {
	w       *sim.World
	c       models.Cluster
	system  string
	faults  []*Spec
	ops     []*Operation
	osBoot  sim.Range
	boot    sim.Range
	node    sim.NodeID
	pending []func()
	origin  sim.Time // t = 0
	end     sim.Time // absolute end of the load
	healed  bool

	Windows []*Window
	active  []*held
	waiting []*waiter
	begun   map[string]bool
	downs   map[*sim.Service]*down // programs that faults keep from running
	frozen  map[*sim.Proc]int      // pauses that hold
	dark    map[*sim.Host]int      // machines without power, by number of faults

	// Rate changes the rate of a producer or of all (operation set-rate); the workload sets it.
	Rate func(hosts []*sim.Host, rate []models.RateStep) error
}

// held is a fault in force.
type held struct {
	win    *Window
	effect *effect
	spec   *Spec
}

// effect is what an action did to the world.
type effect struct {
	took     bool
	absorbed bool
	text     string
	undo     func(boot *sim.Range)
	touched  func() int64
	undone   func() bool // asks the world whether the undo worked; nil: no question
	once     bool        // it has no span: it is over when it has happened
}

// waiter is an entry with when:.
type waiter struct {
	when  *When
	seen  int
	fire  func()
	label string
	done  bool
}

// New prepares the schedule of one system.
func New(w *sim.World, c models.Cluster, sys *models.System, faults []Spec, ops []Operation) *Injector {
	in := &Injector{w: w, c: c, system: sys.Name, osBoot: sys.OSBoot, boot: sys.Boot, begun: map[string]bool{},
		downs: map[*sim.Service]*down{}, frozen: map[*sim.Proc]int{}, dark: map[*sim.Host]int{}}
	in.node = w.K.AddNode(in)
	for i := range faults {
		if faults[i].Concerns(sys.Name) {
			in.faults = append(in.faults, &faults[i])
		}
	}
	for i := range ops {
		if ops[i].Concerns(sys.Name) {
			in.ops = append(in.ops, &ops[i])
		}
	}
	w.OnEmit(in.onEvent)
	return in
}

// Handle fires what the injector put on the clock.
func (in *Injector) Handle(e sim.Event) {
	f := in.pending[e.Arg]
	in.pending[e.Arg] = nil
	f()
}

func (in *Injector) at(t sim.Time, f func()) {
	in.pending = append(in.pending, f)
	in.w.K.At(max(t, in.w.Now()), in.node, 0, uint32(len(in.pending)-1))
}

// Schedule puts every fault and operation on the clock; t = 0 is origin. It is called before the
// load is, so that at an equal instant a fault precedes traffic.
func (in *Injector) Schedule(origin, duration sim.Time) {
	in.origin, in.end = origin, origin+duration
	for _, s := range in.faults {
		in.scheduleFault(s)
	}
	for _, o := range in.ops {
		if o.Setup {
			continue
		}
		o := o
		fire := func() { in.operate(o, nil) }
		if o.When != nil {
			in.waiting = append(in.waiting, &waiter{when: o.When, fire: fire, label: o.Name})
			continue
		}
		in.at(origin+in.draw("operation/"+o.Name, o.At), fire)
	}
}

func (in *Injector) draw(label string, r sim.Range) sim.Time {
	if r.Max <= r.Min {
		return r.Min
	}
	return in.w.Rand(label).Range(r.Min, r.Max)
}

func (in *Injector) scheduleFault(s *Spec) {
	fire := func() { in.inject(s) }
	if s.When != nil {
		in.waiting = append(in.waiting, &waiter{when: s.When, fire: fire, label: s.Name})
		return
	}
	first := in.origin + in.draw("fault/"+s.Name, s.At)
	if s.Every == 0 {
		in.at(first, fire)
		return
	}
	n := 0
	for t := first; t < in.end && (s.Times == 0 || n < s.Times); t += s.Every {
		in.at(t, fire)
		n++
	}
}

// onEvent starts what waits for an event of the load.
func (in *Injector) onEvent(e sim.DomainEvent) {
	if in.end == 0 || in.w.Now() < in.origin || in.healed {
		return
	}
	for _, x := range in.waiting {
		w := x.when
		if x.done || w.Event != e.Kind || (w.Host != "" && (e.Host == nil || e.Host.Name != w.Host)) ||
			(w.Partition != "" && w.Partition != e.Part) || (w.After != "" && !in.begun[w.After]) {
			continue
		}
		x.seen++
		if x.seen >= max(w.Nth, 1) {
			x.done = true
			in.at(in.w.Now()+w.Delay, x.fire)
		}
	}
}

// Unfired names the entries with when: whose event did not happen.
func (in *Injector) Unfired() []string {
	var out []string
	for _, x := range in.waiting {
		if !x.done {
			out = append(out, fmt.Sprintf("%s waits for %s, which did not happen", x.label, x.when.Event))
		}
	}
	return out
}

// inject starts a fault on the hosts that its selector names at this moment.
func (in *Injector) inject(s *Spec) {
	if in.healed {
		return
	}
	act := actions[s.Action]
	groups, err := act.targets(in, s)
	if err != nil {
		if s.Optional {
			return
		}
		in.Windows = append(in.Windows, &Window{Name: s.Name, Action: s.Action, From: in.w.Now(), To: in.w.Now(), Text: err.Error()})
		return
	}
	for i, g := range groups {
		g := g
		if s.Stagger > 0 && i > 0 {
			in.at(in.w.Now()+s.Stagger*sim.Time(i), func() {
				if !in.healed {
					in.start(s, act, g)
				}
			})
			continue
		}
		in.start(s, act, g)
	}
}

func (in *Injector) start(s *Spec, act action, t target) {
	win := &Window{Name: s.Name, Action: s.Action, From: in.w.Now(), To: -1, Permanent: s.Permanent}
	for _, h := range t.hosts {
		win.Hosts = append(win.Hosts, h.Name)
	}
	in.Windows = append(in.Windows, win)
	in.begun[s.Name] = true
	e := act.apply(in, s, t)
	win.TookHold, win.Absorbed, win.Text = e.took, e.absorbed, e.text
	x := &held{win: win, effect: e, spec: s}
	in.active = append(in.active, x)
	in.w.Emit(first(t.hosts), "fault-start", "", s.Name)
	if e.once {
		in.undo(x)
		return
	}
	if s.Duration > 0 {
		in.at(in.w.Now()+s.Duration, func() { in.undo(x) })
	}
}

func first(hosts []*sim.Host) *sim.Host {
	if len(hosts) == 1 {
		return hosts[0]
	}
	return nil
}

// undo lifts a fault.
func (in *Injector) undo(x *held) {
	if x.win.To >= 0 {
		return
	}
	x.win.To = in.w.Now()
	x.effect.undo(x.spec.Boot)
	if x.effect.touched != nil {
		x.win.Touched = x.effect.touched()
	}
	x.win.Healed = x.effect.undone == nil || x.effect.undone()
	in.w.Emit(nil, "fault-end", "", x.spec.Name)
	for i, a := range in.active {
		if a == x {
			in.active = append(in.active[:i], in.active[i+1:]...)
			break
		}
	}
}

// Heal ends the load's disturbances: every fault that is not permanent is undone and dead
// processes are started, except those that a permanent fault holds down.
func (in *Injector) Heal() {
	in.healed = true
	for _, x := range append([]*held(nil), in.active...) {
		if !x.spec.Permanent {
			in.undo(x)
		}
	}
	for _, h := range in.c.Servers() {
		if !h.Up {
			continue // its power-on is under way, or a permanent fault keeps it off
		}
		for _, s := range h.Services() {
			if !s.Running() && !in.isDown(s) {
				s.Start()
			}
		}
	}
}

// Finish fills in what only the end of the run can tell.
func (in *Injector) Finish() {
	for _, x := range in.active {
		if x.effect.touched != nil {
			x.win.Touched = x.effect.touched()
		}
	}
}

// target is what one start of an action hits: hosts, or two sides.
type target struct {
	hosts []*sim.Host // named in the report
	a, b  []*sim.Host // the sides of a cut or delay
	extra [][2][]*sim.Host
}

// action is one row of the catalogue.
type action struct {
	targets func(in *Injector, s *Spec) ([]target, error)
	apply   func(in *Injector, s *Spec, t target) *effect
}

// actions is the catalogue.
var actions = map[string]action{
	"kill":         {eachHost, kill},
	"stop":         {eachHost, stop},
	"pause":        {eachHost, pause},
	"power-loss":   {eachHost, powerLoss},
	"wipe":         {eachHost, wipe},
	"partition":    {cutSides, partition},
	"delay":        {pathSides, delay},
	"loss":         {pathSides, loss},
	"bandwidth":    {pathSides, bandwidth},
	"reset":        {pathSides, reset},
	"disk-slow":    {eachHost, diskSlow},
	"disk-stall":   {eachHost, diskStall},
	"disk-error":   {eachHost, diskError},
	"disk-full":    {eachHost, diskFull},
	"disk-lie":     {eachHost, diskLie},
	"disk-corrupt": {eachHost, diskCorrupt},
	"memory":       {eachHost, memory},
	"cpu":          {eachHost, cpu},
	"clock-jump":   {eachHost, clockJump},
	"clock-drift":  {eachHost, clockDrift},
	"client-crash": {eachHost, clientCrash},
}

func eachHost(in *Injector, s *Spec) ([]target, error) {
	hosts, err := in.resolve(s.Selector, s.Mode, s.Value)
	if err != nil {
		return nil, err
	}
	var out []target
	for _, h := range hosts {
		out = append(out, target{hosts: []*sim.Host{h}})
	}
	return out, nil
}
