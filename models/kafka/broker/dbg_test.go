package broker

import (
	"testing"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/sim"
)

func TestDbg(t *testing.T) {
	k := newCluster(t, options{brokers: 3, minISR: 2, seed: 59})
	k.run(5 * sim.Second)
	k.create("t0", []int32{1, 2, 3})
	w := &writer{k: k, b: log.NewBuilder(k.w), acked: map[string]bool{}}
	r := sim.NewRand(59, "chaos")
	for range 12 {
		k.chaos(r, w)
	}
	k.heal()
	k.poked(w, 60*sim.Second)
	b := k.broker(2)
	t.Logf("now %v phase %d epoch %d zk connected %v meta %+v", k.w.Now(), b.phase, b.epoch, b.zk.Connected(), b.meta.live)
	p := b.Partition(t0)
	t.Logf("leader %d epoch %d leads %v LEO %d %s", p.Leader(), p.LeaderEpoch(), p.Leads(), p.LEO(), p.Debug())
	p1 := k.broker(1).Partition(t0)
	t.Logf("broker 1: leads %v epoch %d ISR %v LEO %d HW %d %s", p1.Leads(), p1.LeaderEpoch(), p1.ISR(), p1.LEO(), p1.HW(), p1.Debug())
	for _, l := range b.links {
		t.Logf("link to %s %v req %T open %v conn %v deadline %v armed %v", l.host.Name, l.port, l.req, l.open, l.conn != nil, l.deadline, l.armed)
	}
	t.Log(k.state(t0), k.controller().cfg.ID)
	t.Log(k.broker(1).rm.DebugSessions())
}
