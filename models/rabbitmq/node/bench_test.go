package node

import (
	"testing"

	"github.com/mqsim/mqsim/models/rabbitmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// flood is a client that keeps a number of publishes unconfirmed.
func flood(b *testing.B, mirrored bool) {
	k := newRig(b, 3, DefaultRules())
	if mirrored {
		k.do(func(done func(error)) { k.node(0).SetPolicy(Policy{Name: "ha", Pattern: ".", HAMode: HAAll}, done) })
	}
	k.declare("t0-0", 0)
	k.run(sim.Second)
	p := k.client(1)
	c := k.clientWith(2, func(b *bare) { b.consume, b.prefetch = "t0-0", 100 })
	b.ReportAllocs()
	b.ResetTimer()
	from := k.w.K.Events()
	for i := 0; i < b.N; i += 10 {
		p.publish("t0-0", 10, wire.Persistent)
		k.run(5 * sim.Millisecond)
	}
	k.run(sim.Second)
	b.StopTimer()
	if len(p.acked) != int(p.sent) || len(c.got) != int(p.sent) {
		b.Fatalf("%d sent, %d acked, %d got", p.sent, len(p.acked), len(c.got))
	}
	b.ReportMetric(float64(k.w.K.Events()-from)/float64(p.sent), "events/op")
}

func BenchmarkClassic(b *testing.B)  { flood(b, false) }
func BenchmarkMirrored(b *testing.B) { flood(b, true) }
