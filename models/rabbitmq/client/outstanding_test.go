package client

import (
	"testing"

	"github.com/mqsim/mqsim/sim"
)

// The ring of open publishes against a map, under random answers.
func TestOutstanding(t *testing.T) {
	rnd := sim.NewRand(1, "outstanding")
	var o outstanding
	for range 20 {
		o.reset()
		open := map[uint64]sim.MsgID{}
		next := uint64(0)
		for range 5000 {
			switch rnd.Below(3) {
			case 0, 1:
				next++
				id := sim.NewMsgID(1, uint32(next))
				if tag := o.add(id, 0); tag != next {
					t.Fatalf("tag %d, want %d", tag, next)
				}
				open[next] = id
			default:
				tag := 1 + rnd.Below(next+2)
				x, ok := o.take(tag)
				if id, want := open[tag]; ok != want || ok && x.id != id {
					t.Fatalf("take(%d) = %v, %v; want %v, %v", tag, x.id, ok, id, want)
				}
				delete(open, tag)
			}
			if o.open != len(open) {
				t.Fatalf("%d open, want %d", o.open, len(open))
			}
			first, ok := o.oldest()
			if ok != (len(open) > 0) {
				t.Fatalf("oldest: %v with %d open", ok, len(open))
			}
			if _, there := open[first]; ok && !there {
				t.Fatalf("oldest %d is settled", first)
			}
		}
	}
}

func BenchmarkConfirm(b *testing.B) {
	var o outstanding
	o.reset()
	b.ReportAllocs()
	for i := range b.N {
		tag := o.add(sim.NewMsgID(0, uint32(i)), 0)
		if tag > 100 {
			o.take(tag - 100)
		}
	}
}
