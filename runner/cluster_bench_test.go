package runner

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mqsim/mqsim/scenarios"
)

// crowd is a load on one system.
type crowd struct {
	name                         string
	system                       string
	topics, partitions, perTopic int // perTopic: messages a second of each topic, by one producer
	seconds                      int
}

// load is the scenario of a crowd.
func (c crowd) load(b *testing.B) *scenarios.Scenario {
	text := fmt.Sprintf(`name: crowd
title: {en: a large cluster, zh: 大集群}
seed: 1
duration: %ds
workload: {topics: %d, partitionsPerTopic: %d, messageSize: 1KiB, producersPerTopic: 1, producerRate: %d, consumersPerTopic: 1}
hardware: cloud-ssd
systems:
  it: {%s}
`, c.seconds, c.topics, c.partitions, c.topics*c.perTopic, c.system)
	sc, problems := scenarios.Load("crowd.yaml", []byte(text))
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	return sc
}

// peak watches the memory of the heap while something runs, every 20 ms.
type peak struct {
	top  atomic.Uint64
	stop chan struct{}
	done sync.WaitGroup
}

func watchMemory() *peak {
	p := &peak{stop: make(chan struct{})}
	p.done.Go(func() {
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			p.top.Store(max(p.top.Load(), m.HeapInuse))
			select {
			case <-p.stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return p
}

func (p *peak) end() float64 {
	close(p.stop)
	p.done.Wait()
	return float64(p.top.Load())
}

// cost runs a crowd and reports it by message.
func (c crowd) cost(b *testing.B) {
	sc := c.load(b)
	var events, messages, mallocs uint64
	var memory float64
	for b.Loop() {
		var before, after runtime.MemStats
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&before)
		p := watchMemory()
		b.StartTimer()
		x, err := execute(sc, sc.Systems[0], 1, "", nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.judge(""); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		memory = max(memory, p.end())
		runtime.ReadMemStats(&after)
		mallocs += after.Mallocs - before.Mallocs
		events += x.w.K.Events()
		messages += uint64(x.driver.History().Messages())
		x.release()
		b.StartTimer()
	}
	if want := uint64(c.topics*c.perTopic*c.seconds) * uint64(b.N); messages < want*95/100 {
		b.Fatalf("%d messages of %d were sent", messages, want)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(messages), "ns/msg")
	b.ReportMetric(float64(events)/float64(messages), "events/msg")
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(mallocs)/float64(events), "allocs/event")
	b.ReportMetric(memory*float64(b.N)/float64(messages<<10), "peak/payload")
	b.ReportMetric(0, "ns/op")
}

const (
	kafkaOf  = `model: kafka, version: "3.9", coordination: kraft, brokers: %d, topic: {replication.factor: 3, min.insync.replicas: 2}, producer: {acks: all}`
	rocketOf = `model: rocketmq, version: "4.9", mode: classic, brokerGroups: %d, slaves: 1, broker: {brokerRole: SYNC_MASTER}`
	rabbitOf = `model: rabbitmq, version: "3.12", nodes: %d, queue: {x-queue-type: classic, durable: true}, policy: {ha-mode: exactly, ha-params: 2, ha-sync-mode: automatic}, producer: {confirms: true, delivery_mode: 2}`
)

// BenchmarkCluster is a large cluster of each system for ten seconds: what one core needs for a simulated
// message that is copied, acknowledged and consumed, and how much memory the run holds at most, against
// the payload.
func BenchmarkCluster(b *testing.B) {
	for _, c := range []crowd{
		{"kafka-50-brokers-500-partitions", fmt.Sprintf(kafkaOf, 50), 50, 10, 400, 10},
		{"rocketmq-12-groups", fmt.Sprintf(rocketOf, 12), 12, 4, 400, 10},
		{"rabbitmq-5-nodes-200-queues", fmt.Sprintf(rabbitOf, 5), 20, 10, 100, 10},
	} {
		b.Run(c.name, c.cost)
	}
}

// BenchmarkFlat holds the load and grows the cluster, and holds both and grows the time: the cost of a
// message should stay.
func BenchmarkFlat(b *testing.B) {
	for _, brokers := range []int{3, 10, 50} {
		c := crowd{system: fmt.Sprintf(kafkaOf, brokers), topics: 10, partitions: 5, perTopic: 200, seconds: 20}
		b.Run(fmt.Sprintf("kafka-brokers=%d", brokers), c.cost)
	}
	for _, seconds := range []int{60, 600} {
		for _, s := range []struct{ name, system string }{
			{"kafka", fmt.Sprintf(kafkaOf, 3)}, {"rocketmq", fmt.Sprintf(rocketOf, 1)}, {"rabbitmq", fmt.Sprintf(rabbitOf, 3)},
		} {
			c := crowd{system: s.system, topics: 1, partitions: 4, perTopic: 200, seconds: seconds}
			b.Run(fmt.Sprintf("%s-seconds=%d", s.name, seconds), c.cost)
		}
	}
}

// BenchmarkParallel runs the same number of runs one after the other and two at a time; with two idle
// cores runs/s should nearly double, because runs share nothing.
func BenchmarkParallel(b *testing.B) {
	sc := crowd{system: fmt.Sprintf(kafkaOf, 3), topics: 1, partitions: 4, perTopic: 500, seconds: 20}.load(b)
	for _, jobs := range []int{1, 2} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			if jobs > runtime.GOMAXPROCS(0) {
				b.Skip("needs more cores")
			}
			for b.Loop() {
				var all sync.WaitGroup
				for range jobs {
					all.Go(func() {
						x, err := execute(sc, sc.Systems[0], 1, "", nil)
						if err != nil {
							b.Error(err)
							return
						}
						x.release()
					})
				}
				all.Wait()
			}
			b.ReportMetric(float64(b.N*jobs)/b.Elapsed().Seconds(), "runs/s")
		})
	}
}

// TestCrowdsAreLawful: the scenarios of the benchmarks load, so that they do not rot between releases.
func TestCrowdsAreLawful(t *testing.T) {
	for _, s := range []string{kafkaOf, rocketOf, rabbitOf} {
		text := fmt.Sprintf("name: crowd\ntitle: {en: a, zh: b}\nseed: 1\nduration: 1s\nworkload: {producerRate: 1}\nsystems:\n  it: {"+s+"}\n", 4)
		if _, problems := scenarios.Load("crowd.yaml", []byte(text)); len(problems) > 0 {
			t.Errorf("%s\n%v", strings.TrimSpace(text), problems)
		}
	}
}
