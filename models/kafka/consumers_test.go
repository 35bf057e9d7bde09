package kafka_test

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// upset kills, pauses and closes consumers at random, and now and then kills a broker.
func (b *bench) upset(consumers int, until sim.Time) {
	rnd := sim.NewRand(b.w.Seed, "upset")
	now := sim.Time(0)
	for {
		now += rnd.Range(sim.Second, 15*sim.Second)
		if now >= until {
			return
		}
		b.at(now)
		svc := b.w.HostNamed(fmt.Sprintf("consumer-%d", rnd.Below(uint64(consumers)))).Service(models.ClientService)
		span := rnd.Range(100*sim.Millisecond, 20*sim.Second)
		switch rnd.Below(4) {
		case 0:
			svc.Kill()
		case 1:
			svc.Pause()
			now += span
			b.at(now)
			svc.Resume()
			continue
		case 2:
			svc.Stop()
			b.w.K.RunUntil(b.w.Now()+10*sim.Second, func() bool { return !svc.Running() })
			now = b.w.Now() - b.origin
		default:
			svc = b.w.HostNamed(fmt.Sprintf("broker-%d", rnd.Below(3)+1)).Service(models.ServerService)
			svc.Kill()
		}
		now += span
		b.at(now)
		svc.Start()
		b.until(2*sim.Minute, b.c.Settled)
		now = b.w.Now() - b.origin
	}
}

// Whatever happens to the members of a group, and whichever assignor they use: a group that commits after
// processing receives every acknowledged message; one that commits before it receives none twice.
func TestPropertyGroups(t *testing.T) {
	seed := uint64(0)
	for _, strategy := range []string{"range", "roundrobin", "sticky", "cooperative-sticky"} {
		for _, static := range []bool{false, true} {
			for _, ack := range []models.AckMode{models.AckAfter, models.AckBefore} {
				seed++
				if testing.Short() && seed%4 != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s/static=%v/before=%v", strategy, static, ack == models.AckBefore), func(t *testing.T) {
					s := setup{seed: seed, acks: "all", rate: 60, duration: 3 * sim.Minute, size: 200, parts: 5, consumers: 3, ack: ack,
						consumer: []models.Entry{{Name: "partition.assignment.strategy", Value: strategy},
							{Name: "session.timeout.ms", Value: "10000"}, {Name: "enable.auto.commit", Value: "false"}}}
					if static {
						s.consumer = append(s.consumer, models.Entry{Name: "group.instance.id", Value: "member"})
					}
					b := newBench(t, s)
					b.upset(3, s.duration-20*sim.Second)
					b.judgeGroup(b.finishGroup(max(s.duration, b.w.Now()-b.origin)), ack)
					if t.Failed() {
						b.dump()
					}
				})
			}
		}
	}
}

// finishGroup ends the run and counts how often each acknowledged or delivered message was delivered.
func (b *bench) finishGroup(duration sim.Time) map[sim.MsgID]int {
	h := b.finish(duration)
	seen := map[sim.MsgID]int{}
	for i := range h.Deliveries {
		seen[h.Deliveries[i].ID]++
	}
	for i := uint32(0); sim.NewMsgID(0, i) != h.NextID(0); i++ {
		id := sim.NewMsgID(0, i)
		if _, ok := seen[id]; !ok && h.Send(id).Outcome() == models.Acked {
			seen[id] = 0
		}
	}
	return seen
}

func (b *bench) judgeGroup(seen map[sim.MsgID]int, ack models.AckMode) {
	b.t.Helper()
	missed, twice := 0, 0
	for _, n := range seen { //mqsim:unordered counted
		switch {
		case n == 0:
			missed++
		case n > 1:
			twice++
		}
	}
	b.t.Logf("%d messages, %d missed, %d delivered more than once", len(seen), missed, twice)
	if ack == models.AckAfter && missed > 0 {
		b.t.Errorf("%d acknowledged messages never reached the group", missed)
	}
	if ack == models.AckBefore && twice > 0 {
		b.t.Errorf("%d messages were delivered twice though they were committed first", twice)
	}
}
