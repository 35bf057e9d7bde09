package kafka_test

import (
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// BenchmarkMessage is the cost of one message of 1 KiB with three copies, acknowledged and consumed, at
// 500 messages a second: every batch holds one message, every fetch brings one.
func BenchmarkMessage(b *testing.B) {
	for _, c := range []struct {
		name, acks string
		ack        models.AckMode
	}{{"acks=all", "all", models.AckAfter}, {"acks=all,auto-commit", "all", models.AckAuto}, {"acks=1", "1", models.AckAfter}} {
		b.Run(c.name, func(b *testing.B) {
			span := sim.Time(b.N) * 2 * sim.Millisecond
			x := newBench(b, setup{seed: 1, acks: c.acks, rate: 500, duration: span, size: 1024, producers: 2, ack: c.ack})
			events := x.w.K.Events()
			b.ReportAllocs()
			b.ResetTimer()
			x.at(span)
			b.StopTimer()
			b.ReportMetric(float64(x.w.K.Events()-events)/float64(b.N), "events/msg")
		})
	}
}
