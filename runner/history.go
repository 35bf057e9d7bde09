package runner

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// historyLine is one line of --history: an operation of Jepsen's kafka workload
// (jepsen.tests.kafka). A process has one operation at a time; an operation that ends with info is the last of its process.
// A send is [["send", key, value]], and when it is ok [["send", key, [offset, value]]]; a poll is
// [["poll"]], and when it is ok [["poll", {key: [[offset, value], ...]}]]. Keys are partitions or queues;
// values are whole numbers, one for each message.
type historyLine struct {
	System  string   `json:"system"`
	Seed    uint64   `json:"seed"`
	Process int      `json:"process"`
	Type    string   `json:"type"` // invoke, ok, fail, info
	F       string   `json:"f"`    // send, poll
	Value   any      `json:"value"`
	Time    sim.Time `json:"time"`              // ns since t = 0
	Client  string   `json:"client"`            // the producer or consumer
	Message string   `json:"message,omitempty"` // as results name it
	Status  string   `json:"status,omitempty"`

	order int // of lines at one instant: ends before beginnings
}

// writeHistory writes every operation of the applications, in order of time.
func writeHistory(w io.Writer, d *judged) error {
	x := d.first
	lines := x.sendLines()
	lines = append(lines, x.pollLines()...)
	slices.SortStableFunc(lines, func(a, b historyLine) int {
		if a.Time != b.Time {
			return int(max(-1, min(1, a.Time-b.Time)))
		}
		return a.order - b.order
	})
	assign(lines)
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return out.Flush()
}

// assign gives each operation a process that is free: Jepsen's processes do one thing at a time, while a
// producer here has many sends under way.
func assign(lines []historyLine) {
	var free []int
	next := 0
	busy := map[string]int{} // by client and message
	for i := range lines {
		l := &lines[i]
		key := l.Client + " " + l.Message
		if l.Type == "invoke" {
			if n := len(free); n > 0 {
				l.Process, free = free[n-1], free[:n-1]
			} else {
				l.Process = next
				next++
			}
			busy[key] = l.Process
			continue
		}
		l.Process = busy[key]
		delete(busy, key)
		if l.Type != "info" {
			free = append(free, l.Process)
		}
	}
}

func (x *execution) sendLines() (lines []historyLine) {
	h := x.driver.History()
	for p, info := range h.Producers {
		for seq := range h.Sends(p) {
			s := &h.Sends(p)[seq]
			id := sim.NewMsgID(uint32(p), uint32(seq))
			key := x.sys.Streams[s.Stream].Name
			if s.Part != workload.NoPart {
				key = h.Parts()[s.Part].Name
			}
			l := historyLine{System: x.sys.Name, Seed: x.seed, Type: "invoke", F: "send", Client: info.Name, Message: id.String(),
				Time: s.Begun, Value: [][]any{{"send", key, uint64(id)}}, order: 1}
			lines = append(lines, l)
			if s.Done == workload.Never {
				continue // open: the process never returns
			}
			l.order, l.Time, l.Status = 2, s.Done, h.Statuses[s.Status]
			switch s.Outcome() {
			case models.Acked:
				l.Type, l.Value = "ok", [][]any{{"send", key, []any{nil, uint64(id)}}}
			case models.Rejected:
				l.Type = "fail"
			default:
				l.Type = "info"
			}
			lines = append(lines, l)
		}
	}
	x.offsets(lines)
	return lines
}

// offsets puts the offset of a message into its send, where a reader has told it: Kafka's clients learn
// it from the answer, and it is the same.
func (x *execution) offsets(lines []historyLine) {
	h := x.driver.History()
	at := map[sim.MsgID]int64{}
	for i := range h.Deliveries {
		if v := &h.Deliveries[i]; v.Offset >= 0 && v.Flags&workload.Corrupted == 0 {
			at[v.ID] = v.Offset
		}
	}
	for _, r := range h.Audit {
		if r.Offset >= 0 && !r.Corrupted {
			at[r.ID] = r.Offset
		}
	}
	for i := range lines {
		if lines[i].Type != "ok" {
			continue
		}
		pair := lines[i].Value.([][]any)[0][2].([]any)
		if offset, ok := at[sim.MsgID(pair[1].(uint64))]; ok {
			pair[0] = offset
		}
	}
}

// pollLines puts what a consumer received at one instant into one poll.
func (x *execution) pollLines() (lines []historyLine) {
	h := x.driver.History()
	byConsumer := make([][]int, len(h.Consumers))
	for i := range h.Deliveries {
		if c := h.Deliveries[i].Consumer; h.Deliveries[i].Flags&workload.Corrupted == 0 {
			byConsumer[c] = append(byConsumer[c], i)
		}
	}
	for c, list := range byConsumer {
		for from := 0; from < len(list); {
			to := from
			at := h.Deliveries[list[from]].At
			got := map[string][][]any{}
			for ; to < len(list) && h.Deliveries[list[to]].At == at; to++ {
				v := &h.Deliveries[list[to]]
				var offset any
				if v.Offset >= 0 {
					offset = v.Offset
				}
				key := h.Parts()[v.Part].Name
				got[key] = append(got[key], []any{offset, uint64(v.ID)})
			}
			from = to
			l := historyLine{System: x.sys.Name, Seed: x.seed, Type: "invoke", F: "poll", Client: h.Consumers[c].Name, Time: at, Value: [][]any{{"poll"}}, order: 3}
			lines = append(lines, l)
			l.Type, l.Value, l.order = "ok", [][]any{{"poll", got}}, 4
			lines = append(lines, l)
		}
	}
	return lines
}
