package runner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/result"
	"github.com/mqsim/mqsim/scenarios"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/verdict/autopsy"
	"github.com/mqsim/mqsim/workload"
)

// ParseMessage reads the id of a message as results print it: p0-20418.
func ParseMessage(text string) (sim.MsgID, error) {
	digits, ok := strings.CutPrefix(text, "p")
	producer, seq, dash := strings.Cut(digits, "-")
	p, err := strconv.ParseUint(producer, 10, 32)
	s, err2 := strconv.ParseUint(seq, 10, 32)
	if !ok || !dash || err != nil || err2 != nil {
		return 0, &InputError{fmt.Errorf("%q is no message; results name them as p0-20418", text)}
	}
	return sim.NewMsgID(uint32(p), uint32(s)), nil
}

// Trace runs a system once with a watch on one message and tells what became of it. A message that was
// never sent is an *InputError.
func Trace(sc *scenarios.Scenario, sys *scenarios.System, seed uint64, id sim.MsgID) (*result.Biography, error) {
	x, err := execute(sc, sys, seed, "", []sim.MsgID{id})
	if err != nil {
		return nil, err
	}
	h := x.driver.History()
	if int(id.Producer()) >= len(h.Producers) {
		return nil, &InputError{fmt.Errorf("%s: there are %d producers, p0 to p%d", id, len(h.Producers), len(h.Producers)-1)}
	}
	if n := len(h.Sends(int(id.Producer()))); int(id.Seq()) >= n {
		return nil, &InputError{fmt.Errorf("%s: %s sent %d messages with seed %d", id, h.Producers[id.Producer()].Name, n, seed)}
	}
	b := &result.Biography{Schema: result.BiographySchema, Scenario: sc.Name, System: sys.Name, Seed: seed, Message: id.String(), TraceHash: x.hash()}
	x.tell(b, id)
	return b, nil
}

// tell fills the biography: the application's side from the history, the copies from the world's notes.
func (x *execution) tell(b *result.Biography, id sim.MsgID) {
	h := x.driver.History()
	s := h.Send(id)
	b.Told = s.Outcome().String()
	name := h.Producers[id.Producer()].Name
	type at struct {
		t    sim.Time
		step result.Step
	}
	var all []at
	add := func(t sim.Time, host, what, detail string) {
		all = append(all, at{t, result.Step{T: x.seconds(t), Host: host, What: what, Detail: detail}})
	}
	// The history counts from t = 0, the world from its beginning.
	add(s.Due+x.origin, name, "due", "")
	noted := slices.ContainsFunc(x.w.Notes(), func(n sim.Note) bool { return n.What == s.Outcome().String() })
	if s.Done != workload.Never && !noted {
		add(s.Done+x.origin, name, s.Outcome().String(), h.Statuses[s.Status])
	}
	received := "never"
	for i := range h.Deliveries {
		v := &h.Deliveries[i]
		if v.ID != id || v.Flags&workload.Corrupted != 0 {
			continue
		}
		switch received {
		case "never":
			received = "once"
		default:
			received = "again"
		}
		detail := h.Parts()[v.Part].Name
		if v.Offset >= 0 {
			detail += " offset " + strconv.FormatInt(v.Offset, 10)
		}
		if v.Flags&workload.Redelivered != 0 {
			detail += ", redelivered"
		}
		add(v.At+x.origin, h.Consumers[v.Consumer].Name, "received", detail)
	}
	for _, n := range x.w.Notes() {
		add(n.At, n.Host, n.What, n.Detail)
	}
	slices.SortStableFunc(all, func(a, b at) int { return int(max(-1, min(1, a.t-b.t))) })
	for _, a := range all {
		b.Steps = append(b.Steps, a.step)
	}
	b.Received, b.Stored = received, x.stored(id)
	if slices.Contains(h.Lost(), id) {
		x.accuse(b, id)
	}
}

// stored is where the message is after the end: still served, on some disk that nobody serves, gone.
func (x *execution) stored(id sim.MsgID) string {
	h := x.driver.History()
	if slices.ContainsFunc(h.Audit, func(r workload.AuditRead) bool { return r.ID == id && !r.Corrupted }) {
		return "served"
	}
	found := ""
	for _, host := range x.cluster.Servers() {
		x.cluster.Scan(host, func(body []byte) {
			if m, ok := sim.BodyID(body); ok && m == id && !strings.Contains(found, host.Name) {
				found += " " + host.Name
			}
		})
	}
	if found != "" {
		return "on the disk of" + found
	}
	return "nowhere"
}

// accuse names the cause of a loss and what allows it.
func (x *execution) accuse(b *result.Biography, id sim.MsgID) {
	f := autopsy.Explain([]sim.MsgID{id}, x.w.Notes(), autopsy.Takeovers(x.w.Trace.Events), x.partOf)[0]
	b.Cause, b.Class = f.Cause, result.Violation
	for _, p := range x.cluster.Promises() {
		if p.Cause == f.Cause {
			if p.Class != models.Violation {
				b.Class = result.Class(p.Class.String())
			}
			b.By, b.Why = p.By, p.Why
			return
		}
	}
}

// stories gives each group of losses the biography of its first example, from the watched run.
func (x *execution) stories(r *result.Result, findings []autopsy.Finding) {
	for i := range r.Losses {
		loss := &r.Losses[i]
		if len(loss.Examples) == 0 {
			continue
		}
		at := slices.IndexFunc(findings, func(f autopsy.Finding) bool { return f.ID.String() == loss.Examples[0] })
		if at < 0 {
			continue
		}
		for _, n := range findings[at].Biography {
			if len(loss.Story) == maxStory {
				break
			}
			loss.Story = append(loss.Story, result.Step{T: x.seconds(n.At), Host: n.Host, What: n.What, Detail: n.Detail})
		}
	}
}

// maxStory keeps results small; the whole biography is what trace prints.
const maxStory = 24
