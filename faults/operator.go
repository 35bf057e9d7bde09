package faults

import (
	"fmt"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// operatorPoll is how often an operator who waits for a condition looks again.
const operatorPoll = 100 * sim.Millisecond

// Setup is the list of operations that is worked through before t = 0.
type Setup struct {
	in   *Injector
	next int
	list []*Operation
	busy bool
}

// Setup returns the setup list of this system.
func (in *Injector) Setup() *Setup {
	s := &Setup{in: in}
	for _, o := range in.ops {
		if o.Setup {
			s.list = append(s.list, o)
		}
	}
	return s
}

// Start begins with the first operation; each begins when the one before it was answered.
func (s *Setup) Start() { s.step() }

func (s *Setup) step() {
	if s.next == len(s.list) {
		s.busy = false
		return
	}
	s.busy = true
	o := s.list[s.next]
	s.in.operate(o, func() {
		s.next++
		s.step()
	})
}

// Done says whether every operation was answered; if not, which one is not.
func (s *Setup) Done() (bool, string) {
	if s.next < len(s.list) {
		return false, "setup: " + s.list[s.next].Do + " is not answered"
	}
	return true, ""
}

// operate executes an operation; then is called once it is answered, and may be nil.
func (in *Injector) operate(o *Operation, then func()) {
	win := &Window{Name: o.Name, Action: o.Do, Operation: true, From: in.w.Now(), To: -1, TookHold: true, Healed: true, MustFail: o.MustFail}
	in.Windows = append(in.Windows, win)
	in.w.Emit(nil, "operation-start", "", o.Do)
	answer := func(a models.OpAnswer) {
		win.To, win.OK, win.Text, win.Answered = in.w.Now(), a.OK, a.Text, true
		in.w.Emit(nil, "operation-end", "", o.Do+": "+a.Text)
		if then != nil {
			then()
		}
	}
	var hosts []*sim.Host
	if !o.Selector.Empty() {
		var err error
		if hosts, err = in.resolve(o.Selector, o.Mode, 0); err != nil {
			win.TookHold = false
			answer(models.OpAnswer{Text: err.Error()})
			return
		}
		for _, h := range hosts {
			win.Hosts = append(win.Hosts, h.Name)
		}
	}
	if do := verbs[o.Do]; do != nil {
		do(in, o, hosts, answer)
		return
	}
	in.c.Do(&models.Operation{Do: o.Do, Hosts: hosts, Args: o.args()}, answer)
}

// args are the keys of an operation as a model's Do gets them: definition keys as "definition.KEY".
func (o *Operation) args() map[string]string {
	a := map[string]string{}
	put := func(k, v string) {
		if v != "" {
			a[k] = v
		}
	}
	put("name", o.Target)
	put("pattern", o.Pattern)
	put("role", o.Role)
	put("group", o.Group)
	put("partition", o.Partition)
	put("to", strings.Join(o.To, ","))
	put("queue", o.Queue)
	put("node", o.Node)
	if o.Took > 0 {
		a["took"] = fmt.Sprint(int64(o.Took))
	}
	for _, e := range o.Definition {
		a["definition."+e.Name] = e.Value
	}
	for _, e := range o.Settings {
		a["settings."+e.Name] = e.Value
	}
	return a
}

// wait lets time pass, or waits for an event.
func (in *Injector) wait(o *Operation, _ []*sim.Host, answer func(models.OpAnswer)) {
	if o.Until == "" {
		in.at(in.w.Now()+o.For, func() { answer(models.OpAnswer{OK: true}) })
		return
	}
	done := false
	in.w.OnEmit(func(e sim.DomainEvent) {
		if !done && e.Kind == o.Until {
			done = true
			in.at(in.w.Now(), func() { answer(models.OpAnswer{OK: true, Text: e.Kind}) })
		}
	})
}

// roll starts, stops or restarts hosts one after the other.
func (in *Injector) roll(o *Operation, hosts []*sim.Host, answer func(models.OpAnswer)) {
	if len(o.Order) > 0 {
		hosts = hosts[:0:0]
		for _, name := range o.Order {
			h := in.w.HostNamed(name)
			if h == nil {
				answer(models.OpAnswer{Text: "there is no host " + name})
				return
			}
			hosts = append(hosts, h)
		}
	}
	var next func(i int)
	next = func(i int) {
		if i == len(hosts) {
			answer(models.OpAnswer{OK: true, Text: count(len(hosts), "host")})
			return
		}
		in.one(o, hosts[i], func() {
			pause := o.Pause
			if i+1 == len(hosts) {
				pause = 0
			}
			in.at(in.w.Now()+pause, func() { next(i + 1) })
		})
	}
	next(0)
}

// one performs the operation on one host and calls then when its wait: is over.
func (in *Injector) one(o *Operation, h *sim.Host, then func()) {
	p := service(h, "")
	begin := func() {
		if o.Do != "stop" {
			p.Start()
		}
		in.poll(func() bool { return in.reached(o, p) }, then)
	}
	configured := func() {
		if o.Do == "start" || !p.Running() {
			begin()
			return
		}
		in.onExit(p, begin)
		p.Stop()
	}
	if len(o.Settings) == 0 {
		configured()
		return
	}
	in.c.Do(&models.Operation{Do: "host-settings", Hosts: []*sim.Host{h}, Args: o.args()}, func(models.OpAnswer) { configured() })
}

// reached says whether what the operator waits for is there.
func (in *Injector) reached(o *Operation, p *sim.Service) bool {
	if o.Do == "stop" {
		return !p.Running()
	}
	switch o.Wait {
	case "none":
		return true
	case "synced", "in-sync":
		ok, _ := in.c.Settled()
		return p.Ready && ok
	}
	return p.Ready
}

func (in *Injector) poll(cond func() bool, then func()) {
	if cond() {
		then()
		return
	}
	in.at(in.w.Now()+operatorPoll, func() { in.poll(cond, then) })
}
