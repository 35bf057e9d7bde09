package kafka_test

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/mqsim/mqsim/workload"
)

// disturb kills, pauses and stops brokers at random, one at a time, so that a majority is always left.
func (b *bench) disturb(until sim.Time) {
	rnd := sim.NewRand(b.w.Seed, "disturb")
	now := sim.Time(0)
	for {
		now += rnd.Range(2*sim.Second, 20*sim.Second)
		if now >= until {
			return
		}
		b.at(now)
		svc := b.w.HostNamed(fmt.Sprintf("broker-%d", rnd.Below(3)+1)).Service(models.ServerService)
		span := rnd.Range(100*sim.Millisecond, 40*sim.Second)
		switch rnd.Below(3) {
		case 0:
			svc.Kill()
			now += span
			b.at(now)
			svc.Start()
		case 1:
			svc.Pause()
			now += span
			b.at(now)
			svc.Resume()
		default:
			svc.Stop()
			b.w.K.RunUntil(b.w.Now()+30*sim.Second, func() bool { return !svc.Running() })
			now = b.w.Now() - b.origin + span
			b.at(now)
			svc.Start()
		}
		// The cluster heals before the next disturbance: with min.insync.replicas=2 nothing
		// acknowledged may be lost then.
		b.until(2*sim.Minute, b.c.Settled)
		now = b.w.Now() - b.origin
	}
}

// What acks=all with two replicas in sync and idempotence promises, whatever happens to single brokers:
// nothing acknowledged is lost, nothing is stored twice, nothing comes out of order, nothing that was
// refused is received.
func TestPromisesUnderDisturbance(t *testing.T) {
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := setup{seed: seed, acks: "all", rate: 100, duration: 3 * sim.Minute, size: 300, producers: 2, parts: 3}
			if seed%2 == 0 {
				// Short time-outs, so that batches expire in every state.
				s.producer = []models.Entry{{Name: "delivery.timeout.ms", Value: "4000"}, {Name: "request.timeout.ms", Value: "1500"}}
			}
			b := newBench(t, s)
			b.disturb(s.duration - 20*sim.Second)
			h := b.finish(max(s.duration, b.w.Now()-b.origin))
			b.judge(h)
			if t.Failed() {
				b.dump()
			}
		})
	}
}

// judge checks a history against the strongest promise.
func (b *bench) judge(h *workload.History) {
	b.t.Helper()
	if lost := h.Lost(); len(lost) > 0 {
		b.t.Errorf("%d acknowledged messages are lost, such as %v", len(lost), lost[0])
	}
	next := map[[2]uint32]uint32{} // producer, part -> sequence after the newest
	seen := map[sim.MsgID]bool{}
	outcomes := map[models.Outcome]int{}
	for p := range uint32(2) {
		for i := uint32(0); sim.NewMsgID(p, i) != h.NextID(int(p)); i++ {
			outcomes[h.Send(sim.NewMsgID(p, i)).Outcome()]++
		}
	}
	for i := range h.Deliveries {
		d := &h.Deliveries[i]
		switch {
		case seen[d.ID]:
			b.t.Errorf("%v is delivered twice", d.ID)
		case h.Send(d.ID).Outcome() == models.Rejected:
			b.t.Errorf("%v was refused and is delivered", d.ID)
		case d.ID.Seq() < next[[2]uint32{d.ID.Producer(), d.Part}]:
			b.t.Errorf("%v comes out of order", d.ID)
		}
		seen[d.ID] = true
		next[[2]uint32{d.ID.Producer(), d.Part}] = d.ID.Seq() + 1
		if b.t.Failed() {
			break
		}
	}
	b.t.Logf("%d acked, %d rejected, %d unknown, %d delivered", outcomes[models.Acked], outcomes[models.Rejected],
		outcomes[models.Unknown], len(h.Deliveries))
}
