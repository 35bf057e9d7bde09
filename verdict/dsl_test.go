package verdict

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// story is a hand-written history. One line is one fact:
//
//	window 0s 10s 12s                   warmup, duration, end of the drain
//	threshold 200ms | slo 1s
//	stream t0 2 size=1000               partitions t0-0, t0-1; size=BYTES
//	stream t0 parts=a/t0-0,b/t0-0       partitions by name
//	producer producer-0 t0 each to=t1
//	consumer consumer-0 t0 g start=4s gone fresh
//	statuses SEND_OK SLAVE_NOT_AVAILABLE
//	fault crash 3s 5s operation permanent absorbed missed unhealed
//	promise unreplicated-tail allowed acks=1
//	cause p0-3 unreplicated-tail
//	model elections 2 | own nacked
//	send p0-0..9 due=1s every=100ms acked=+5ms part=0     rejected=, unknown=, open; backlog nacked returned status=1
//	resend p0-3 acked=4s
//	miss producer-0 due=1s until=1s
//	recv p0-0..9 at=+8ms by=consumer-0 part=0 offset=0    times from the due time; redelivered
//	corrupt at=3s by=consumer-0 part=0 offset=4
//	audit p0-0..9 part=0 offset=0 | audit corrupt part=0 offset=3
//	scan p0-3
//	expect lost == 0
//
// Without stream, producer and consumer there are t0 with one partition, producer-0 and -1, and
// consumer-0 in group g; `no consumer` means it.
type story struct {
	in         Input
	streams    []workload.StreamInfo
	producers  []workload.ProducerInfo
	groups     []workload.GroupInfo
	consumers  []workload.ConsumerInfo
	statuses   []string
	deliveries []delivery
	checks     []Expectation
}

type delivery struct {
	at                  sim.Time
	id                  sim.MsgID
	consumer            int
	partition           int32
	offset              int64
	corrupt, redelivery bool
}

// args are the words of a line: plain ones and key=value.
type args struct {
	plain []string
	value map[string]string
}

func (a args) has(word string) bool { return slices.Contains(a.plain, word) }

func (a args) int(key string, otherwise int64) int64 {
	text, ok := a.value[key]
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// instant reads a time; "+5ms" counts from a base.
func instant(text string, base sim.Time) sim.Time {
	relative, isRelative := strings.CutPrefix(text, "+")
	d, err := time.ParseDuration(relative)
	if err != nil {
		panic(err)
	}
	if isRelative {
		return base + sim.Time(d)
	}
	return sim.Time(d)
}

func splitArgs(words []string) args {
	a := args{value: map[string]string{}}
	for _, w := range words {
		if k, v, ok := strings.Cut(w, "="); ok {
			a.value[k] = v
		} else {
			a.plain = append(a.plain, w)
		}
	}
	return a
}

// ids reads p0-3 or p0-3..9.
func ids(text string) []sim.MsgID {
	first, last, ranged := strings.Cut(text, "..")
	var p, from uint32
	if _, err := fmt.Sscanf(first, "p%d-%d", &p, &from); err != nil {
		panic(text + ": " + err.Error())
	}
	to := uint64(from)
	if ranged {
		to, _ = strconv.ParseUint(last, 10, 32)
	}
	var out []sim.MsgID
	for seq := from; uint64(seq) <= to; seq++ {
		out = append(out, sim.NewMsgID(p, seq))
	}
	return out
}

// tell makes a history of a story.
func tell(t testing.TB, text string) *story {
	s := &story{statuses: []string{""}}
	s.in.Causes = Causes{}
	s.in.OutageThreshold, s.in.SLO = workload.DefaultOutageThreshold, workload.DefaultSLO
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, " # ")
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	for _, line := range lines {
		if strings.HasPrefix(line, "stream ") {
			s.frame(t, line)
		}
	}
	if s.streams == nil {
		s.frame(t, "stream t0 1")
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "stream ") {
			s.frame(t, line)
		}
	}
	if s.producers == nil {
		s.frame(t, "producer producer-0 t0")
		s.frame(t, "producer producer-1 t0")
	}
	if s.consumers == nil && !slices.Contains(lines, "no consumer") {
		s.frame(t, "consumer consumer-0 t0 g")
	}
	s.in.History = workload.NewHistory(s.streams, s.producers, s.groups, s.consumers, s.statuses)
	for _, line := range lines {
		s.happen(t, line)
	}
	slices.SortStableFunc(s.deliveries, func(a, b delivery) int { return int(a.at - b.at) })
	for _, d := range s.deliveries {
		stream := s.consumers[d.consumer].Stream
		s.in.History.Deliver(d.at, d.consumer, stream, d.partition, d.offset, d.id, !d.corrupt, d.redelivery)
	}
	s.in.History.Close(s.in.Ended)
	return s
}

// frame reads the lines that must be known before anything happens.
func (s *story) frame(t testing.TB, line string) {
	words := strings.Fields(line)
	a := splitArgs(words[1:])
	switch words[0] {
	case "window":
		s.in.Warmup, s.in.Duration, s.in.Ended = instant(words[1], 0), instant(words[2], 0), instant(words[3], 0)
	case "threshold":
		s.in.OutageThreshold = instant(words[1], 0)
	case "slo":
		s.in.SLO = instant(words[1], 0)
	case "stream":
		info := workload.StreamInfo{Name: words[1], MessageSize: uint32(a.int("size", 1000))}
		if names, ok := a.value["parts"]; ok {
			info.Partitions = strings.Split(names, ",")
		} else {
			n, _ := strconv.Atoi(words[2])
			for p := range n {
				info.Partitions = append(info.Partitions, fmt.Sprintf("%s-%d", words[1], p))
			}
		}
		s.streams = append(s.streams, info)
	case "producer":
		p := workload.ProducerInfo{Name: words[1], Stream: s.stream(words[2]), Each: a.has("each")}
		if to, ok := a.value["to"]; ok {
			p.To = append(p.To, s.stream(to))
		}
		s.producers = append(s.producers, p)
	case "consumer":
		c := workload.ConsumerInfo{Name: words[1], Stream: s.stream(words[2]), Gone: a.has("gone")}
		if start, ok := a.value["start"]; ok {
			c.Start = instant(start, 0)
		}
		c.Group = slices.IndexFunc(s.groups, func(g workload.GroupInfo) bool { return g.Name == words[3] })
		if c.Group < 0 {
			c.Group = len(s.groups)
			s.groups = append(s.groups, workload.GroupInfo{Name: words[3], Fresh: a.has("fresh")})
		}
		s.consumers = append(s.consumers, c)
	case "statuses":
		s.statuses = append(s.statuses, words[1:]...)
	case "fault":
		s.fault(words, a)
	case "promise":
		class := map[string]models.LossClass{"allowed": models.Allowed, "known": models.Known, "violation": models.Violation}[words[2]]
		s.in.Promises = append(s.in.Promises, models.Promise{Cause: words[1], Class: class, By: words[3]})
	case "cause":
		for _, id := range ids(words[1]) {
			s.in.Causes[id] = words[2]
		}
	case "model":
		n, _ := strconv.ParseInt(words[2], 10, 64)
		s.in.Model = append(s.in.Model, models.Metric{Name: words[1], Value: n})
	case "own":
		for _, name := range words[1:] {
			s.in.Own = append(s.in.Own, models.Word{Name: name})
		}
	case "bytes":
		s.in.Counters.ReplicationBytes = a.int("replication", 0)
	case "random":
		s.in.Random = true
	case "notready":
		s.in.NotReady = strings.Join(words[1:], " ")
	case "expect":
		e, err := ParseExpectation(strings.TrimPrefix(line, "expect "))
		if err != nil {
			t.Fatal(err)
		}
		s.checks = append(s.checks, e)
	}
}

func (s *story) fault(words []string, a args) {
	f := FaultWindow{
		Name: words[1], Action: "kill", Hosts: []string{"broker-1"}, From: never, To: never,
		TookHold: !a.has("missed"), Healed: !a.has("unhealed") && !a.has("permanent"),
		Absorbed: a.has("absorbed"), Permanent: a.has("permanent"),
	}
	if words[2] != "never" {
		f.From = instant(words[2], 0)
	}
	if words[3] != "never" {
		f.To = instant(words[3], 0)
	}
	if a.has("operation") {
		f.Kind = Operation
	}
	s.in.Faults = append(s.in.Faults, f)
}

func (s *story) stream(name string) int {
	return slices.IndexFunc(s.streams, func(i workload.StreamInfo) bool { return i.Name == name })
}

func (s *story) consumer(a args) int {
	name, ok := a.value["by"]
	if !ok {
		return 0
	}
	return slices.IndexFunc(s.consumers, func(c workload.ConsumerInfo) bool { return c.Name == name })
}

// happen reads the lines that go into the history.
func (s *story) happen(t testing.TB, line string) {
	words := strings.Fields(line)
	a := splitArgs(words[1:])
	h := s.in.History
	partition := int32(a.int("part", -1))
	switch words[0] {
	case "send":
		s.send(ids(words[1]), a, partition)
	case "resend":
		id := ids(words[1])[0]
		h.Resend(id)
		s.answer(id, a, h.Send(id).Due, partition)
	case "miss":
		producer := slices.IndexFunc(s.producers, func(p workload.ProducerInfo) bool { return p.Name == words[1] })
		h.Miss(producer, instant(a.value["due"], 0), instant(a.value["until"], 0), partition)
	case "recv":
		for k, id := range ids(words[1]) {
			base := sim.Time(0)
			if m := h.Send(id); m != nil {
				base = m.Due
			}
			d := delivery{at: instant(a.value["at"], base), id: id, consumer: s.consumer(a), partition: partition, offset: -1, redelivery: a.has("redelivered")}
			if first := a.int("offset", -1); first >= 0 {
				d.offset = first + int64(k)
			}
			s.deliveries = append(s.deliveries, d)
		}
	case "corrupt":
		s.deliveries = append(s.deliveries, delivery{
			at: instant(a.value["at"], 0), consumer: s.consumer(a), partition: partition, offset: a.int("offset", -1), corrupt: true,
		})
	case "audit":
		if words[1] == "corrupt" {
			h.AuditRead(0, partition, a.int("offset", -1), 0, false)
			return
		}
		for k, id := range ids(words[1]) {
			offset := a.int("offset", -1)
			if offset >= 0 {
				offset += int64(k)
			}
			h.AuditRead(int(h.Send(id).Stream), partition, offset, id, true)
		}
	case "scan":
		for _, id := range ids(words[1]) {
			h.Scanned(id)
		}
	}
}

func (s *story) send(list []sim.MsgID, a args, partition int32) {
	due, every := instant(a.value["due"], 0), sim.Time(0)
	if text, ok := a.value["every"]; ok {
		every = instant(text, 0)
	}
	for _, id := range list {
		stream := s.producers[id.Producer()].Stream
		s.in.History.BeginSend(id, due, due, stream, partition, a.has("backlog"))
		s.answer(id, a, due, partition)
		due += every
	}
}

func (s *story) answer(id sim.MsgID, a args, base sim.Time, partition int32) {
	for _, outcome := range []models.Outcome{models.Acked, models.Rejected, models.Unknown} {
		if text, ok := a.value[outcome.String()]; ok {
			s.in.History.EndSend(id, instant(text, base), models.Answer{
				Outcome: outcome, Status: uint8(a.int("status", 0)), Nacked: a.has("nacked"), Returned: a.has("returned"), Partition: partition, Offset: -1,
			})
		}
	}
}
