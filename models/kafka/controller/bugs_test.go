package controller

import (
	"strings"
	"testing"

	"github.com/mqsim/mqsim/models/kafka/zk"
)

// TestBugs plays historical bugs of the controller, each with its rule and without.
func TestBugs(t *testing.T) {
	// KAFKA-6082. A controller is overtaken and does not know it yet; broker 2 goes. Its write of the state
	// needs only the version of the state's own znode, which the new controller has not touched.
	t.Run("6.13 zombie-controller", func(t *testing.T) {
		for want, rules := range map[string]Rules{ //mqsim:unordered cases are independent
			"leader 3 epoch 1 ISR 3,1 v1":   {Unguarded: true},
			"leader 2 epoch 0 ISR 2,3,1 v0": {},
		} {
			r := startedWith(t, rules)
			r.s.apply(zk.SetDataOp(pathControllerEpoch, encodeEpoch(2), zk.AnyVersion))
			r.s.nodes[pathController].data = encodeController(1)
			r.down(2)
			r.want(want)
		}
	})
	// KAFKA-7235. Broker 2 leaves and comes back before the controller looks at the list: without the czxid
	// nothing has changed, and the new process is never told what it leads.
	t.Run("6.14 missed-bounce", func(t *testing.T) {
		for _, missed := range []bool{true, false} {
			r := startedWith(t, Rules{MissBounces: missed})
			r.s.apply(zk.DeleteOp(BrokerPath(2), zk.AnyVersion))
			r.s.zxid++
			r.s.apply(zk.CreateOp(BrokerPath(2), EncodeBroker("broker-2", 0), zk.Ephemeral))
			r.pump()
			if told := strings.Contains(strings.Join(r.sent, "\n"), "2: LeaderAndIsr"); told == missed {
				t.Errorf("missed-bounce %v: the new process is told: %v", missed, told)
			}
		}
	})
}
