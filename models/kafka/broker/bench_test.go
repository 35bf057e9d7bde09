package broker

import (
	"testing"

	"github.com/mqsim/mqsim/models/kafka/log"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/sim"
)

// stream keeps one acks=all request of 1 KiB under way and one consumer fetch parked.
type stream struct {
	k    *cluster
	b    *log.Builder
	left int
}

func (s *stream) produce() {
	if s.left == 0 {
		return
	}
	s.left--
	s.b.AddBody(1700000000000, nil, sim.MsgID(s.left), 1024)
	batch := s.b.Build(log.None, log.None, log.None)
	s.k.client.ask(s.k.brokers[0], &wire.ProduceRequest{Acks: -1, TimeoutMs: 30000, Parts: []wire.ProducePart{
		{TopicPartition: t0, Refs: []sim.Ref{batch.Header, batch.Records}}}}, func(wire.Response) { s.produce() })
}

// BenchmarkMessage is one message of 1 KiB with three copies, acknowledged with acks=all.
func BenchmarkMessage(b *testing.B) {
	k := newCluster(&testing.T{}, options{brokers: 3, minISR: 2})
	k.run(5 * sim.Second)
	k.create("t0", []int32{1, 2, 3})
	k.run(5 * sim.Second)
	s := &stream{k: k, b: log.NewBuilder(k.w), left: b.N}
	before := k.w.K.Events()
	b.ReportAllocs()
	b.ResetTimer()
	s.produce()
	k.until(sim.Time(b.N)*sim.Second, "end", func() bool { return s.left == 0 })
	b.ReportMetric(float64(k.w.K.Events()-before)/float64(b.N), "events/op")
}

// BenchmarkIdleMinute is a virtual minute of 10 brokers with 500 idle partitions of three replicas.
func BenchmarkIdleMinute(b *testing.B) {
	k := newCluster(&testing.T{}, options{brokers: 10, minISR: 2})
	k.run(5 * sim.Second)
	var assignment [][]int32
	for i := range 500 {
		assignment = append(assignment, []int32{int32(i%10 + 1), int32((i+1)%10 + 1), int32((i+2)%10 + 1)})
	}
	k.create("t0", assignment...)
	k.run(30 * sim.Second)
	before := k.w.K.Events()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		k.run(sim.Minute)
	}
	b.ReportMetric(float64(k.w.K.Events()-before)/float64(b.N), "events/op")
}
