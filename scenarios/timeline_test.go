package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTimeline(t *testing.T) {
	s, problems := Load("s.yaml", []byte(`name: x
duration: 80s
workload: {producerRate: 100}
systems: {kafka: {version: "3.9", coordination: zookeeper}}
setup:
  - {do: wait, for: 90s}
faults:
  - {name: crash, at: 10s..14s, duration: 20s, action: kill, selector: primary}
  - {name: slow, at: 60s, action: delay, between: [broker-1, broker-2], latency: 5ms}
  - {name: blink, at: 0s, duration: 5s, every: 20s, times: 3, action: pause, selector: broker-1}
  - {name: roll, at: 10s, duration: 5s, stagger: 20s, action: stop, selector: brokers}
  - {name: rot, at: 40s, action: disk-corrupt, selector: replica}
  - {name: gone, at: 70s, permanent: true, action: power-loss, selector: broker-3, systems: [kafka]}
  - {name: next, when: {event: leader-elected, partition: t0-0, nth: 2, delay: 1s, after: crash}, action: kill, selector: primary}
  - {name: cut, at: 20s, duration: 20s, action: partition, groups: [[broker-1], [broker-2, broker-3]]}
operations:
  - {at: 40s, do: restart, selector: replica}
`))
	require.Empty(t, problems.String())
	require.Equal(t, `before the load: wait 1m30s
                                             0s        20s       40s       1m        1m20s
crash: kill primary                          ·····░░█████████░░·······················  10s..14s for 20s
slow: delay broker-1 | broker-2              ······························███████████  1m, until the end of the load
blink: pause broker-1                        ███·······███·······███··················  0s for 5s, every 20s
roll: stop brokers                           ·····███·······███·······███·············  10s for 5s, one after the other, 20s
rot: disk-corrupt replica                    ····················◆····················  40s
gone: power-loss broker-3                    ···································█████▶  1m10s, never undone [kafka]
next: kill primary                           ·········································  when leader-elected t0-0 #2 after crash + 1s, until the end of the load
cut: partition broker-1 | broker-2+broker-3  ··········███████████····················  20s for 20s
op-1: restart replica                        ····················◆····················  40s
`, s.Timeline("en", 41))
	require.Contains(t, s.Timeline("zh", 41), "负载之前：wait 1m30s")
	require.Contains(t, s.Timeline("zh", 41), "，不恢复 [kafka]")
}

// TestTimelineOfTheLibrary: every bar is as long as the ruler.
func TestTimelineOfTheLibrary(t *testing.T) {
	for _, e := range Library() {
		s, _ := e.Load()
		for i := range s.Faults {
			tl := timeline{s: s, lang: "en", width: 61}
			tl.fault(&s.Faults[i])
			require.Equal(t, 61, columns(tl.rows[0].bar), e.Name)
		}
	}
}

func TestShown(t *testing.T) {
	for word, scenario := range map[string]string{
		"kill": "primary-crash", "acks": "acks-ladder", "K05": "primary-crash", "ha-mode": "unsynced-mirror", "set-policy": "unsynced-mirror",
		"write_outage": "primary-crash", "stop": "rolling-restart", "brokerRole": "primary-crash",
	} {
		require.Contains(t, Shown(word), scenario, word)
	}
	require.Empty(t, Shown("no-such-word"))
	text, _, ok := Explain("isr-shrink", "en")
	require.True(t, ok)
	require.Contains(t, text, "kafka, event")
}
