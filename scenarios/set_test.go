package scenarios

import (
	"testing"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
	"github.com/stretchr/testify/require"
)

const pair2 = `name: x
duration: 60s
workload: {producerRate: 100}
systems:
  kafka: {version: "3.9", coordination: zookeeper}
  kafka-3.9-acks1: {like: kafka, producer: {acks: 1}}
faults:
  - {name: crash, at: 10s, duration: 5s, action: kill, selector: primary}
`

func TestSet(t *testing.T) {
	load := func() *Scenario {
		s, problems := Load("s.yaml", []byte(pair2))
		require.Empty(t, problems.String())
		return s
	}
	s := load()
	before := s.Digest("kafka")
	require.NoError(t, s.Set("kafka.topic.min.insync.replicas", "2"))
	require.NotEqual(t, before, s.Digest("kafka"))
	for _, sys := range s.Systems {
		require.Equal(t, int64(2), sys.Set.Int(models.Topic, "min.insync.replicas"), "the copy follows")
	}
	require.NoError(t, s.Set("kafka-3.9-acks1.topic.min.insync.replicas", "1"))
	require.Equal(t, int64(2), s.System("kafka").Set.Int(models.Topic, "min.insync.replicas"))
	require.Equal(t, int64(1), s.System("kafka-3.9-acks1").Set.Int(models.Topic, "min.insync.replicas"))
	require.NoError(t, s.Set("*.producer.acks", "0"))
	for _, sys := range s.Systems {
		require.Equal(t, "0", sys.Set.Str(models.ProducerSection, "acks"))
	}
	require.NoError(t, s.Set("workload.producerRate", "max"))
	require.True(t, s.Systems[0].Streams[0].Producers[0].Rate[0].Max)
	require.NoError(t, s.Set("network.latency", "2ms"))
	require.Equal(t, 2*sim.Millisecond, s.Hardware.Latency)
	require.NoError(t, s.Set("hardware", "nvme"))
	require.NoError(t, s.Set("seed", "9"))
	require.Equal(t, uint64(9), s.Seed)
	require.NoError(t, s.Set("faults.crash.at", "20s..21s"))
	require.Equal(t, sim.Range{Min: 20 * sim.Second, Max: 21 * sim.Second}, s.Faults[0].At)
	require.NoError(t, s.Set("kafka.brokers", "5"))
	require.Len(t, s.System("kafka").Hosts, 8)
	require.NoError(t, s.Set("kafka.hosts.broker-1.num.replica.fetchers", "3"))
	require.Equal(t, int64(3), s.System("kafka").Set.ForHost("broker-1").Int(models.Broker, "num.replica.fetchers"))
	require.NoError(t, s.Set("kafka.topic", "{retention.ms: 5}"), "a whole section")
	require.Equal(t, int64(1), s.System("kafka").Set.Int(models.Topic, "min.insync.replicas"))
}

func TestSetProblems(t *testing.T) {
	for _, c := range [][3]string{
		{"duratoin", "5s", `--set:1:1: duratoin: "duratoin" is neither a system nor a key of the scenario (did you mean duration?)`},
		{"kafak.brokers", "5", `--set:1:1: kafak.brokers: "kafak" is neither a system nor a key of the scenario (did you mean kafka?)`},
		{"kafka", "5", "--set:1:1: kafka: names a whole system; write SYSTEM.KEY or SYSTEM.SECTION.SETTING"},
		{"kafka.topic.min.insync.replica", "2", "--set:1:1: systems.kafka.topic.min.insync.replica: kafka has no such setting of the topic (did you mean min.insync.replicas?)"},
		{"*.topic.min.insync.replica", "2", `--set:1:1: *.topic.min.insync.replica: no system knows "topic.min.insync.replica" (did you mean min.insync.replicas?)`},
		{"duration", "60", "--set:1:10: duration: 60 needs a unit (500ms, 10s, 2m)"},
		{"duration", "", "--set:1:1: duration: has no value; write PATH=VALUE"},
		{"faults.crush.at", "5s", `--set:1:1: faults.crush.at: there is no entry "crush" with that name; write faults.NAME.KEY (did you mean crash?)`},
		{"teaches.x", "5s", "--set:1:1: lacks"},
		{"duration.x", "5s", "--set:1:1: duration.x: is below a single value"},
		{"workload.producerRate", "[", "--set:1:1: workload.producerRate: not YAML: did not find expected node content"},
	} {
		s, problems := Load("s.yaml", []byte(pair2))
		require.Empty(t, problems.String())
		digest := s.Digest("kafka")
		err := s.Set(c[0], c[1])
		require.Error(t, err, c[0])
		if c[0] != "teaches.x" {
			require.Equal(t, c[2], err.Error())
		}
		require.Equal(t, digest, s.Digest("kafka"), "left as it was")
	}
}

// TestExpand writes the short form out: clients of every topic, the rate divided without loss.
func TestExpand(t *testing.T) {
	s, problems := Load("s.yaml", []byte(`name: x
duration: 60s
workload: {topics: 3, partitionsPerTopic: 2, messageSize: 2KiB, producersPerTopic: 2, producerRate: 100, consumersPerTopic: 0}
systems: {kafka: {version: "3.9", coordination: zookeeper, producer: {maxInFlight: 7, send: sync}}}
`))
	require.Empty(t, problems.String())
	streams := s.Systems[0].Streams
	require.Len(t, streams, 3)
	total := int64(0)
	for i, st := range streams {
		require.Equal(t, []string{"t0", "t1", "t2"}[i], st.Name)
		require.Equal(t, 2, st.Partitions)
		require.Equal(t, uint32(2048), st.MessageSize)
		require.Empty(t, st.Consumers)
		g := st.Producers[0]
		require.Equal(t, 2, g.Count)
		require.Equal(t, 7, g.MaxInFlight)
		require.Equal(t, models.Sync, g.Send)
		total += g.Rate[0].Milli
	}
	require.Equal(t, int64(100_000), total)
}

func TestMergeAndAnchors(t *testing.T) {
	s, problems := Load("s.yaml", []byte(`name: x
duration: 60s
x-base: &base {version: "3.9", coordination: zookeeper, brokers: 5}
x-acks: &acks {producer: {acks: 1}, brokers: 4}
workload: {producerRate: 100}
systems:
  a: {<<: *base, model: kafka}
  b: {<<: [*acks, *base], model: kafka}
  c: {<<: *base, model: kafka, brokers: 3, x-note: mine}
  d: {like: b, producer: }
`))
	require.Empty(t, problems.String())
	var brokers []int64
	for _, sys := range s.Systems {
		brokers = append(brokers, sys.Set.Int(models.Topology, "brokers"))
	}
	require.Equal(t, []int64{5, 4, 3, 4}, brokers)
	require.Equal(t, "1", s.System("b").Set.Str(models.ProducerSection, "acks"))
	require.Equal(t, "all", s.System("d").Set.Str(models.ProducerSection, "acks"), "a key without a value takes the copy's away")
}

func TestExplain(t *testing.T) {
	for _, word := range Words() {
		for _, lang := range []string{"en", "zh"} {
			text, _, ok := Explain(word, lang)
			require.True(t, ok, word)
			require.NotEmpty(t, text, word)
		}
	}
	_, hint, ok := Explain("min.insync.replica", "en")
	require.False(t, ok)
	require.Equal(t, "min.insync.replicas", hint)
	for _, a := range actions {
		text, _, ok := Explain(a.name, "en")
		require.True(t, ok, a.name)
		for _, key := range a.keys {
			require.Contains(t, text, key)
		}
	}
	for _, o := range operations {
		_, _, ok := Explain(o.name, "en")
		require.True(t, ok, o.name)
	}
	zh, _, _ := Explain("kill", "zh")
	require.Contains(t, zh, "进程立即死亡")
	k05, _, _ := Explain("K05", "en")
	require.Regexp(t, "shown by: .*primary-crash", k05)
	acks, _, _ := Explain("kafka.acks", "en")
	require.Contains(t, acks, "default: 1; all since 3.0")
}
