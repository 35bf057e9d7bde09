package workload

import (
	"fmt"
	"math/bits"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// Application timers of a producer.
const kindDue uint16 = 1

// caughtUp is how many sends a producer with missed: drop catches up after its in-flight limit
// held it: its clock stands still meanwhile.
const caughtUp = 50

// producer is the application above one producer client, over all the client's incarnations.
type producer struct {
	d      *Driver
	index  int
	group  *models.ProducerGroup
	spec   *models.ProducerSpec
	stream *models.Stream
	svc    *sim.Service
	proc   *sim.Proc
	client models.Producer
	limit  int64 // a backlog's length; 0: a producer of the load

	rate     []models.RateStep
	step     int
	share    int64 // number of producers that share the rate
	rank     int
	next     sim.Time // absolute time of the next due send
	period   sim.Time // of the present step
	rest     uint64   // remainder of the period, in 1/milli parts
	carry    uint64
	armed    bool
	running  bool
	inFlight int
	acked    int
	due      []sim.Time // fell due and not begun, in order
	head     int
	again    []sim.MsgID // to be sent again
	turn     int32       // partition in turn
	begun    bool        // the message that Send has in hand is in the history
	current  models.Message
	currDue  sim.Time
}

func (d *Driver) addProducer(stream int, g *models.ProducerGroup, rank int, streams map[string]int) *producer {
	i := len(d.producers) + len(d.backlogs)
	s := &d.cfg.Streams[stream]
	p := &producer{d: d, index: i, group: g, stream: s, rate: g.Rate, share: int64(g.Count), rank: rank, turn: int32(rank)}
	p.spec = &models.ProducerSpec{
		Name: fmt.Sprintf("producer-%d", i), Index: i, Stream: stream, At: g.At, Stay: g.Stay, Reconnect: g.Reconnect,
		OneWay: g.Send == models.OneWay, Sync: g.Send == models.Sync, Declare: g.Declare, Heartbeat: g.Heartbeat,
		Set: d.settings(stream, models.ProducerSection, g.Settings),
	}
	for _, name := range g.To {
		p.spec.To = append(p.spec.To, streams[name])
	}
	d.producers = append(d.producers, p)
	p.install()
	return p
}

// addBacklog makes the client that sends a stream's backlog as fast as it can before t = 0.
func (d *Driver) addBacklog(stream int, n int64) *producer {
	i := len(d.producers) + len(d.backlogs)
	s := &d.cfg.Streams[stream]
	g := &models.ProducerGroup{Count: 1, Rate: []models.RateStep{{Max: true}}, MaxInFlight: 1000, At: s.Home, Resend: models.ResendUnknown}
	p := &producer{d: d, index: i, group: g, stream: s, rate: g.Rate, share: 1, limit: n}
	p.spec = &models.ProducerSpec{Name: "backlog-" + s.Name, Index: i, Stream: stream, At: g.At, Declare: "once",
		Reconnect: 200 * sim.Millisecond, Set: d.settings(stream, models.ProducerSection, nil)}
	d.backlogs = append(d.backlogs, p)
	p.install()
	return p
}

func (p *producer) install() {
	p.svc = p.d.install(p.spec.Name, func() sim.Program {
		p.client = p.d.c.NewProducer(p.spec, p)
		return p.client
	}, p.booted)
}

// each says that the workload addresses partitions in turn.
func (p *producer) each() bool { return p.group.Route == models.RouteEach }

// expected is about how many messages the producer will send.
func (p *producer) expected() int {
	n := int64(0)
	for i, s := range p.rate {
		to := p.d.spec.Duration
		if i+1 < len(p.rate) {
			to = min(to, p.rate[i+1].From)
		}
		if !s.Max && to > s.From {
			n += int64(to-s.From) / int64(sim.Millisecond) * s.Milli / 1_000_000 / p.share
		}
	}
	return int(min(n, 10_000_000)) + 16
}

// booted: a new incarnation of the client. What was in flight died with the old one.
func (p *producer) booted(proc *sim.Proc) {
	p.proc = proc
	p.inFlight = 0
	proc.SetApp(p)
	p.armed = false
	if p.limit > 0 {
		p.running = true
		p.push()
		return
	}
	if p.running && !p.d.ended {
		p.skip()
		p.arm()
	}
}

// skip gives up what fell due while the application was dead.
func (p *producer) skip() {
	now := p.d.w.Now()
	for ; p.head < len(p.due); p.head++ {
		p.d.h.Miss(p.index, p.due[p.head]-p.d.origin, p.d.now(), -1)
	}
	for p.next <= now && p.next != Never {
		p.d.h.Miss(p.index, p.next-p.d.origin, p.d.now(), -1)
		p.advance()
	}
}

// begin starts the schedule at t = 0.
func (p *producer) begin() {
	p.running = true
	p.enter(0, p.d.w.Now())
	p.arm()
}

// enter begins a step of the rate schedule at an absolute instant.
func (p *producer) enter(step int, at sim.Time) {
	p.step = step
	s := p.rate[step]
	if s.Max || s.Milli == 0 {
		p.next = p.stepEnd()
		return
	}
	// period = share * 10^12 / milli nanoseconds, kept exact.
	hi, lo := bits.Mul64(uint64(p.share), 1_000_000_000_000)
	q, r := bits.Div64(hi, lo, uint64(s.Milli))
	p.period, p.rest, p.carry = sim.Time(q), r, 0
	// Producers of one group are spread over the period, each with a draw inside its part.
	part := max(p.period/sim.Time(p.share), 1)
	p.next = at + sim.Time(p.rank)*part + p.d.w.Rand("workload/phase/"+p.spec.Name).Range(0, part-1)
	if p.group.Arrivals == models.Poisson {
		p.next = at + p.d.w.Rand("workload/poisson/"+p.spec.Name).Exp(p.period)
	}
	p.next = min(p.next, p.stepEnd())
}

// stepEnd is when the next step begins, in the world's clock.
func (p *producer) stepEnd() sim.Time {
	if p.step+1 < len(p.rate) {
		return p.d.origin + p.rate[p.step+1].From
	}
	return Never
}

// advance moves next to the send after it, or to the next step of the schedule.
func (p *producer) advance() {
	end := p.stepEnd()
	if p.next >= end {
		p.enter(p.step+1, end)
		return
	}
	if p.group.Arrivals == models.Poisson {
		p.next += p.d.w.Rand("workload/poisson/" + p.spec.Name).Exp(p.period)
	} else {
		p.next += p.period
		p.carry += p.rest
		if m := uint64(p.rate[p.step].Milli); p.carry >= m {
			p.carry -= m
			p.next++
		}
	}
	if p.next >= end {
		p.next = end
	}
}

func (p *producer) arm() {
	if p.proc == nil || !p.proc.Alive() || p.d.ended {
		return
	}
	if p.rate[p.step].Max {
		p.push()
	}
	if !p.armed && p.next != Never {
		p.armed = true
		p.proc.AppAfter(max(0, p.next-p.d.w.Now()), kindDue, 0)
	}
}

// AppTimer: sends fall due.
func (p *producer) AppTimer(kind uint16, arg uint32) {
	p.armed = false
	if p.d.ended {
		return
	}
	now := p.d.w.Now()
	for p.next <= now && !p.d.ended {
		if p.next >= p.stepEnd() {
			p.advance()
			continue
		}
		p.due = append(p.due, p.next)
		p.advance()
	}
	p.push()
	p.arm()
}

// push begins what can begin.
func (p *producer) push() {
	if p.proc == nil || !p.proc.Alive() || p.client == nil {
		return
	}
	for p.room() && len(p.again) > 0 {
		if !p.sendAgain(p.again[0]) {
			return
		}
		p.again = p.again[1:]
	}
	if p.running && (p.limit > 0 || !p.d.ended && p.rate[p.step].Max) {
		for p.room() && (p.limit == 0 || int64(p.d.h.NextID(p.index).Seq()) < p.limit) && p.send(p.d.w.Now()) {
		}
		return
	}
	for p.head < len(p.due) && p.room() {
		if !p.send(p.due[p.head]) {
			if p.group.Missed == models.Drop {
				p.drop(0)
			}
			return
		}
		p.head++
	}
	if p.head == len(p.due) {
		p.due, p.head = p.due[:0], 0
	} else if p.group.Missed == models.Drop {
		p.drop(caughtUp)
	}
}

// drop gives up all but the newest keep sends that wait.
func (p *producer) drop(keep int) {
	for ; len(p.due)-p.head > keep; p.head++ {
		p.d.h.Miss(p.index, p.due[p.head]-p.d.origin, p.d.now(), -1)
	}
	if p.head == len(p.due) {
		p.due, p.head = p.due[:0], 0
	}
}

func (p *producer) room() bool {
	limit := p.group.MaxInFlight
	if p.group.Send == models.Sync {
		limit = 1
	}
	return p.inFlight < limit
}

// send hands the next message to the library.
func (p *producer) send(due sim.Time) bool {
	id := p.d.h.NextID(p.index)
	m := models.Message{ID: id, Stream: p.spec.Stream, Partition: -1, Key: -1, Size: p.stream.MessageSize}
	if p.group.Keys > 0 {
		m.Key = int32(id.Seq() % uint32(p.group.Keys))
	} else if p.each() {
		m.Partition = p.turn % int32(p.d.c.Partitions(p.spec.Stream))
	}
	p.current, p.currDue, p.begun = m, due, false
	if !p.client.Send(m) {
		if p.begun {
			panic("workload: a client answered a message that it did not take")
		}
		p.current.ID = noMessage
		return false
	}
	p.beginCurrent()
	p.current.ID = noMessage
	p.turn++
	return true
}

const noMessage = ^sim.MsgID(0)

// beginCurrent writes the message in hand into the history, before any answer to it.
func (p *producer) beginCurrent() {
	if p.begun {
		return
	}
	p.begun = true
	p.inFlight++
	due := min(p.currDue, p.d.w.Now())
	p.d.h.BeginSend(p.current.ID, p.d.now(), due-p.d.origin, p.current.Stream, p.current.Partition, p.limit > 0)
}

func (p *producer) sendAgain(id sim.MsgID) bool {
	s := p.d.h.Send(id)
	if s.Outcome() == models.Acked {
		return true
	}
	m := models.Message{ID: id, Stream: p.spec.Stream, Partition: -1, Key: -1, Size: p.stream.MessageSize}
	if p.group.Keys > 0 {
		m.Key = int32(id.Seq() % uint32(p.group.Keys))
	} else if p.each() && s.Part != NoPart {
		m.Partition = int32(s.Part - p.d.h.first[s.Stream])
	}
	p.d.h.Resend(id)
	p.inFlight++
	if !p.client.Send(m) {
		p.inFlight--
		// It stays what it was: the try never began.
		p.d.h.EndSend(id, p.d.now(), models.Answer{Outcome: models.Unknown, Partition: -1, Offset: -1})
		return false
	}
	return true
}

// Answered ends a send.
func (p *producer) Answered(id sim.MsgID, a models.Answer) {
	if id == p.current.ID {
		p.beginCurrent()
	}
	p.inFlight--
	p.d.lastAnswer = p.d.w.Now()
	p.d.h.EndSend(id, p.d.now(), a)
	if a.Outcome == models.Acked {
		p.acked++
		if p.d.w.Watching() {
			p.d.w.Note(id, "acked", p.svc.Host, "the application was told that it is sent")
		}
	} else if a.Outcome == models.Rejected && p.group.Resend >= models.ResendRejected || a.Outcome == models.Unknown && p.group.Resend == models.ResendUnknown {
		if !p.d.ended {
			p.again = append(p.again, id)
		}
	}
	if id != p.current.ID {
		p.push()
	}
}

// CanSend: the client takes messages again.
func (p *producer) CanSend() { p.push() }

// end stops the schedule: what waits was never begun.
func (p *producer) end() {
	p.running = false
	p.drop(0)
	p.again = nil
}

func (p *producer) setRate(rate []models.RateStep) {
	p.rate = rate
	p.enter(0, p.d.w.Now())
	p.armed = false // an older timer finds nothing due
	p.arm()
}
