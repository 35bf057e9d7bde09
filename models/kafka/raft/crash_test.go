package raft_test

import (
	"testing"

	"github.com/mqsim/mqsim/models/kafka/raft"
	"github.com/mqsim/mqsim/sim"
)

// cutHere is the panic that ends the process before its k-th change of the disk.
type cutHere struct{}

// TestCrashAtEveryChange cuts the power of controller 1 before its k-th call that changes the disk, for
// all k of a history with elections in which it votes, leads, follows and truncates, and boots it again.
func TestCrashAtEveryChange(t *testing.T) {
	for _, kind := range []sim.CrashKind{sim.CrashTypical, sim.CrashAll} {
		for k, reached := 0, true; reached; k++ {
			reached = crashAt(t, k, kind)
			if k > 400 || !reached && k < 60 {
				t.Fatalf("the history has %d changes of the disk", k)
			}
		}
	}
}

func crashAt(t *testing.T, k int, kind sim.CrashKind) (reached bool) {
	count, armed := 0, true
	w := newWorld(t, 7, 3, func(id int32, c *raft.Config) {
		c.SnapshotBytes = 1000
		if id == 1 {
			c.SetPoint(func() {
				if count++; armed && count > k {
					armed = false
					panic(cutHere{})
				}
			})
		}
	})
	step := func(d sim.Time) {
		defer func() {
			if e := recover(); e != nil {
				if _, ok := e.(cutHere); !ok {
					panic(e)
				}
				reached = true
				w.hosts[0].PowerOff(kind)
				w.hosts[0].PowerOn(300 * sim.Millisecond)
			}
		}()
		w.run(d)
	}
	w.start()
	at := func(until sim.Time) {
		for w.Now() < until {
			step(until - w.Now())
		}
	}
	at(4 * sim.Second)
	w.cut(max(w.active(), 1)) // a leader with a tail that nobody has
	at(9 * sim.Second)
	w.heal()
	at(12 * sim.Second)
	if a := w.active(); a > 0 && w.svcs[a-1].Running() {
		w.svcs[a-1].Kill()
		at(16 * sim.Second)
		w.svcs[a-1].Start()
	}
	at(18 * sim.Second)
	armed = false
	w.hosts[0].PowerOn(0)
	w.svcs[0].Start()
	if !w.settle(20 * sim.Second) {
		t.Fatalf("power lost before change %d (%v): the quorum does not work again", k, kind)
	}
	return reached
}
