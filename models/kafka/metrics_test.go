package kafka

import (
	"testing"

	"github.com/mqsim/mqsim/sim"
)

func TestOverlapOfLeaders(t *testing.T) {
	const s = sim.Second
	for _, c := range []struct {
		name  string
		spans []ackSpan
		want  sim.Time
	}{
		{"one leader", []ackSpan{{1, 0, 0, 60 * s}}, 0},
		{"one after the other", []ackSpan{{1, 0, 0, 10 * s}, {2, 1, 25 * s, 60 * s}}, 0},
		{"both at once", []ackSpan{{1, 0, 0, 30 * s}, {2, 1, 25 * s, 60 * s}}, 5 * s},
		{"there and back", []ackSpan{{1, 0, 0, 10 * s}, {2, 1, 12 * s, 20 * s}, {1, 2, 21 * s, 60 * s}}, 0},
		{"three, counted once", []ackSpan{{1, 0, 0, 30 * s}, {2, 1, 20 * s, 40 * s}, {3, 2, 25 * s, 60 * s}}, 20 * s},
	} {
		if got := overlap(c.spans); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
