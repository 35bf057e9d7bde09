package runner

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// record writes what --trace and --history ask for, in order of the runs.
func record(opt Options, done []*judged) error {
	for _, d := range done {
		if opt.Trace != nil {
			if err := writeTrace(opt.Trace, d); err != nil {
				return err
			}
		}
		if opt.History != nil {
			if err := writeHistory(opt.History, d); err != nil {
				return err
			}
		}
		d.first = nil
	}
	return nil
}

// writeTrace writes a run's domain events, one a line, and the biographies of lost messages.
func writeTrace(w io.Writer, d *judged) error {
	x := d.first
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# %s %s seed %d: %d events, trace hash %s\n", x.sc.Name, x.sys.Name, x.seed, x.w.K.Events(), x.hash())
	for _, e := range x.w.Trace.Events {
		host := "-"
		if e.Host != nil {
			host = e.Host.Name
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", x.seconds(e.At), host, e.Kind, e.Part, e.Text)
	}
	for _, f := range d.findings {
		fmt.Fprintf(out, "# lost %s: %s\n", f.ID, f.Cause)
		for _, n := range f.Biography {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", x.seconds(n.At), n.Host, n.What, n.Detail)
		}
	}
	return out.Flush()
}

// operation is one line of --history, in the form of Jepsen's histories.
type operation struct {
	System  string   `json:"system"`
	Process string   `json:"process"`
	Type    string   `json:"type"` // invoke, ok, fail, info
	F       string   `json:"f"`    // send, poll
	Value   string   `json:"value"`
	Part    string   `json:"part,omitempty"`
	Offset  *int64   `json:"offset,omitempty"`
	Time    sim.Time `json:"time"` // ns since t = 0
	Status  string   `json:"status,omitempty"`
}

// writeHistory writes every operation of the applications as one JSON line.
func writeHistory(w io.Writer, d *judged) error {
	x := d.first
	h := x.driver.History()
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	part := func(n uint32) string {
		if n == workload.NoPart {
			return ""
		}
		return h.Parts()[n].Name
	}
	for p, info := range h.Producers {
		for seq := range h.Sends(p) {
			s := &h.Sends(p)[seq]
			op := operation{System: x.sys.Name, Process: info.Name, Type: "invoke", F: "send",
				Value: sim.NewMsgID(uint32(p), uint32(seq)).String(), Time: s.Begun}
			if err := enc.Encode(op); err != nil {
				return err
			}
			op.Type, op.Time, op.Part, op.Status = answerType(s), s.Done, part(s.Part), h.Statuses[s.Status]
			if err := enc.Encode(op); err != nil {
				return err
			}
		}
	}
	for i := range h.Deliveries {
		v := &h.Deliveries[i]
		off := v.Offset
		op := operation{System: x.sys.Name, Process: h.Consumers[v.Consumer].Name, Type: "ok", F: "poll",
			Value: v.ID.String(), Part: part(v.Part), Offset: &off, Time: v.At}
		if err := enc.Encode(op); err != nil {
			return err
		}
	}
	return out.Flush()
}

func answerType(s *workload.Send) string {
	switch s.Outcome() {
	case models.Acked:
		return "ok"
	case models.Rejected:
		return "fail"
	}
	return "info"
}
