package sweep

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	schedules = flag.Int("schedules", 6, "random schedules per model")
	first     = flag.Int("first", 1, "the first seed of the schedules")
)

// Every drawn schedule is a scenario that loads, the same seed draws the same, and never more servers are down
// than the bound allows.
func TestDrawnSchedulesLoad(t *testing.T) {
	for _, d := range []Drawing{{Model: "kafka"}, {Model: "rocketmq"}, {Model: "rabbitmq"}, {Model: "kafka", Sets: []string{"kafka.version=2.4"}},
		{Model: "kafka", Sets: []string{"kafka.version=4.1"}}, {Model: "rocketmq", Sets: []string{"rocketmq.version=4.3"}}, {Model: "rabbitmq", Sets: []string{"rabbitmq.version=3.3"}},
		{Model: "kafka", Faults: Actions(), Unbounded: true}, {Model: "rocketmq", Faults: Actions()}, {Model: "rabbitmq", Faults: Actions()}} {
		seen := map[string]bool{}
		for seed := range uint64(150) {
			p, err := Draw(d, seed)
			require.NoError(t, err)
			again, err := Draw(d, seed)
			require.NoError(t, err)
			require.Equal(t, p, again)
			_, err = p.Scenario()
			require.NoError(t, err, p.YAML())
			require.NotEmpty(t, p.Faults, p.YAML())
			seen[p.YAML()] = true
			for i := range p.Faults {
				f, down := &p.Faults[i], 0
				require.LessOrEqual(t, f.end(), p.Duration)
				for k := range p.Faults {
					if g := &p.Faults[k]; g.down == "server" && f.down == "server" && g.At <= f.At && f.At < g.end() {
						down++
					}
				}
				if !d.Unbounded {
					require.LessOrEqual(t, down, 2, p.YAML())
				}
			}
		}
		require.Len(t, seen, 150, "every seed is another schedule")
	}
}

func TestWhatCannotBeDrawn(t *testing.T) {
	for _, c := range []struct {
		d    Drawing
		want string
	}{{Drawing{Model: "pulsar"}, "no model"}, {Drawing{Model: "kafka", Faults: []string{"flood"}}, "no fault"},
		{Drawing{Model: "kafka", Sets: []string{"rabbitmq.nodes=3"}}, "with --random"}, {Drawing{Model: "kafka", Sets: []string{"kafka.brokers"}}, "PATH=VALUE"}} {
		_, err := Draw(c.d, 1)
		require.ErrorContains(t, err, c.want)
	}
}

// Current versions keep their promises under any schedule that leaves a majority.
func TestRandomSchedules(t *testing.T) {
	for _, model := range Models {
		t.Run(model, func(t *testing.T) {
			d := Drawing{Model: model}
			var list []uint64
			for i := range *schedules {
				list = append(list, uint64(*first+i))
			}
			src, err := Random(d, list, "")
			require.NoError(t, err)
			lines, err := Run(context.Background(), src, Options{CheckEvery: 50})
			require.NoError(t, err)
			s := Summarize(src.Header(), lines, true, true)
			for _, f := range s.Findings {
				t.Errorf("%s: %s in %d schedules, seeds %v: %.300s", f.Model, f.Class, f.Runs, f.Seeds, f.Example)
			}
			if t.Failed() && os.Getenv("KEEP") != "" {
				for _, f := range s.Findings {
					p, err := Draw(d, f.Seeds[0])
					require.NoError(t, err)
					require.NoError(t, os.WriteFile(filepath.Join(os.Getenv("KEEP"), p.Name()+".yaml"), []byte(p.YAML()), 0o600))
				}
			}
		})
	}
}
