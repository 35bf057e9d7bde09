package runner

import (
	"testing"

	"github.com/mqsim/mqsim/scenarios"
)

// BenchmarkScenario is the whole of one run, world to judgement, of each system of primary-crash:
// ns/msg is one core's time per simulated message, events/msg what the world did for it.
func BenchmarkScenario(b *testing.B) {
	e, _, _ := scenarios.Find("primary-crash")
	sc, problems := e.Load()
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	for _, sys := range sc.Systems {
		b.Run(sys.Name, func(b *testing.B) {
			b.ReportAllocs()
			var events, messages uint64
			for b.Loop() {
				x, err := execute(sc, sys, 42, "", nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := x.judge(""); err != nil {
					b.Fatal(err)
				}
				events += x.w.K.Events()
				messages += uint64(x.driver.History().Messages())
				x.release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(messages), "ns/msg")
			b.ReportMetric(float64(events)/float64(messages), "events/msg")
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
