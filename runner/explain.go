package runner

import (
	"strings"

	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/sim"
)

// explainOutages says in the broker's terms how each outage ended, from what the world saw shortly
// before its end.
func (x *execution) explainOutages(r *result.Result) {
	for i := range r.Outages {
		o := &r.Outages[i]
		if o.Open {
			continue
		}
		from, to := x.moment(o.From), x.moment(o.To)
		o.EndedHow = x.endedHow(from, to)
	}
}

func (x *execution) moment(n result.Number) sim.Time { return x.origin + sim.Time(n.Nanoseconds()) }

// endedHow looks for the last thing in an outage that can have ended it: another host began to lead,
// a process came back, a fault was lifted.
func (x *execution) endedHow(from, to sim.Time) string {
	how, reconnected := "", false
	leadBefore := x.leadersAt(from)
	for _, e := range x.w.Trace.Events {
		if e.At < from || e.At > to || strings.HasPrefix(e.Part, "__") {
			continue // internal topics serve nobody's messages
		}
		switch e.Kind {
		case "leader-elected":
			if e.Host != nil && leadBefore[e.Host] {
				how = "same leader again"
			} else {
				how = "new leader"
			}
		case "promoted":
			how = "mirror promoted"
		case "role-changed":
			how = "slave promoted"
		case "process-ready":
			if how == "" || how == "fault lifted" || how == "link healed" {
				how = "same " + serverWord(x.sys.Model) + " back"
			}
		case "process-resumed":
			if how == "" {
				how = "process resumed"
			}
		case "fault-end":
			if how == "" {
				how = "fault lifted"
			}
		case "isr-shrink":
			if how == "" {
				how = "ISR shrank"
			}
		case "client-reconnected":
			reconnected = true
		}
	}
	switch {
	case how != "":
		return how
	case reconnected:
		return "clients reconnected"
	}
	return "clients tried again"
}

func serverWord(model string) string {
	switch model {
	case "kafka":
		return "broker"
	case "rocketmq":
		return "master"
	}
	return "node"
}

// leadersAt are the hosts whose role at a moment was to lead.
func (x *execution) leadersAt(t sim.Time) map[*sim.Host]bool {
	out := map[*sim.Host]bool{}
	for _, c := range x.w.Trace.Roles {
		if c.At < t {
			switch c.Role {
			case "leader", "leader+controller", "master", "home":
				out[c.Host] = true
			case "down", "paused":
				// what it was when it fell is what it led
			default:
				delete(out, c.Host)
			}
		}
	}
	return out
}

// explain adds the broker's rules behind what surprises in this result: an outage, a loss, a cost.
func (x *execution) explain(r *result.Result) {
	for _, rule := range x.cluster.Rules() {
		v, ok := r.Metrics[rule.Metric]
		if !ok || v == 0 {
			continue
		}
		r.Why = append(r.Why, result.Why{Text: result.Text{En: rule.EN, Zh: rule.ZH}, Source: rule.Source})
	}
}
