package kafka_test

import (
	"fmt"
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// TestProperty runs random schedules of kills, pauses and stops, one at a time, under each version's rules.
// With acks=all, two replicas in sync and idempotence, nothing acknowledged may be lost, doubled, reordered,
// and no invariant may break, from leader epochs to high watermarks.
func TestProperty(t *testing.T) {
	versions := []string{"2.4", "2.8", "3.6", "3.9"}
	rounds := uint64(2)
	if testing.Short() {
		rounds = 1
	}
	for i, version := range versions {
		for round := range rounds {
			seed := 100 + uint64(i) + 10*round
			t.Run(fmt.Sprintf("%s/%d", version, seed), func(t *testing.T) {
				b := newBench(t, setup{seed: seed, version: version, acks: "all", rate: 100, duration: 2 * sim.Minute, size: 300,
					producers: 2, parts: 3, producer: []models.Entry{{Name: "enable.idempotence", Value: "true"}}})
				b.disturb(100 * sim.Second)
				h := b.finish(max(2*sim.Minute, b.w.Now()-b.origin))
				b.judge(h)
				for _, v := range b.w.Trace.Violations {
					t.Errorf("violated: %s", v)
				}
				if t.Failed() {
					b.dump()
				}
			})
		}
	}
}
