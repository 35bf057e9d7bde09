package quorum

import (
	"testing"

	"github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

// TestBugs plays historical bugs of KRaft's controller, each with its rule and without.
func TestBugs(t *testing.T) {
	// KIP-903. Broker 2 is outside the ISR and has caught up; the leader's AlterPartition that lets it in is
	// delayed. Broker 2 dies, is fenced, and comes back with an empty disk before the request arrives; then
	// the leader dies, and before 3.5 the empty one is elected.
	t.Run("6.11 stale-alter-partition", func(t *testing.T) {
		for _, old := range []bool{true, false} {
			b := newBench(t, func(s *Settings) { s.BrokerEpochs = !old })
			alter := func(q *wire.AlterPartitionRequest) (e wire.Error) {
				b.ask(q, func(m wire.Response) { e = m.(*wire.AlterPartitionResponse).Parts[0].Err })
				return e
			}
			propose := func(isr ...int32) *wire.AlterPartitionRequest {
				s := b.part()
				p := wire.AlterPart{TopicPartition: s.TP, LeaderEpoch: s.LeaderEpoch, PartitionEpoch: s.PartitionEpoch, ISR: isr}
				for _, id := range isr {
					p.Epochs = append(p.Epochs, b.c.img.Broker(id).Epoch)
				}
				return &wire.AlterPartitionRequest{Broker: 1, BrokerEpoch: b.c.img.Broker(1).Epoch, Parts: []wire.AlterPart{p}}
			}
			require.Equal(t, wire.None, alter(propose(1)))
			delayed := propose(1, 2)
			for range 3 {
				b.wait(4 * sim.Second)
				b.beat(1, false, false)
				b.beat(3, false, false)
			}
			require.True(t, b.c.img.Broker(2).Fenced)
			require.Equal(t, wire.None, b.register(2, 99, -1).Err, "the next incarnation")
			b.beat(2, false, false)
			want, leader := wire.None, int32(2)
			if !old {
				want, leader = wire.IneligibleReplica, metadata.NoLeader
			}
			require.Equal(t, want, alter(delayed), "old rules %v", old)
			b.beat(1, true, false)
			require.Equal(t, leader, b.part().Leader, "old rules %v: after the leader's death", old)
		}
	})
}
