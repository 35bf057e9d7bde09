package rabbitmq

import (
	"testing"

	"github.com/mqsim/mqsim/sim"
)

func TestOverlap(t *testing.T) {
	const s = sim.Second
	for _, c := range []struct {
		name  string
		spans []ackSpan
		want  sim.Time
	}{
		{"one master", []ackSpan{{0, 1, 0, 60 * s}}, 0},
		{"one after the other", []ackSpan{{0, 1, 0, 10 * s}, {1, 1, 11 * s, 60 * s}}, 0},
		{"both for 20 s", []ackSpan{{0, 1, 0, 40 * s}, {1, 1, 20 * s, 60 * s}}, 20 * s},
		{"three", []ackSpan{{0, 1, 0, 40 * s}, {1, 1, 20 * s, 60 * s}, {2, 1, 30 * s, 70 * s}}, 40 * s},
		{"the same node twice", []ackSpan{{0, 1, 0, 10 * s}, {0, 2, 5 * s, 20 * s}}, 0},
	} {
		if got := overlap(c.spans); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
